"""Names of files: in the order people count, told apart, and safe to write anywhere."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

__all__ = ["natural", "other_name", "safe_stems", "told_apart"]

_SUFFIX = re.compile(
    r"\.(png|jpe?g|gif|bmp|tiff?|webp|np[yz]|[ct]sv|idx|gz)(?=(_[^.]*)?$)", re.IGNORECASE
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows


def natural(path: Path) -> tuple[list[list[str | int]], str]:
    """Return a key that sorts img2 before img10, folder by folder."""
    # Every second part is a number.
    parts = [re.split(r"(\d+)", part.casefold()) for part in path.parts]
    return [[int(p) if k % 2 else p for k, p in enumerate(each)] for each in parts], str(path)


def told_apart(paths: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Return the names of files, with as many of their folders as tell equal ones apart."""
    told, places = list(names), defaultdict(list)
    for k, name in enumerate(names):
        places[name].append(k)
    for name, same in places.items():
        parts = {k: paths[k].absolute().parts for k in same} if len(same) > 1 else {}
        different = len(set(parts.values()))
        if different < 2:
            continue
        count, most = len(Path(name).parts), max(map(len, parts.values()))
        while count < most and len({each[-count:] for each in parts.values()}) < different:
            count += 1
        for k, each in parts.items():
            told[k] = "/".join(each[-count:])
    return told


def other_name(name: str, path: Path, taken: Collection[str]) -> str:
    """Return a name that is not taken: with folders of its file, or else a number."""
    base, parts = name, path.absolute().parts[:-1]
    for count in range(1, len(parts)):
        if name not in taken:
            return name
        name = "/".join((*parts[-count:], base))
    again = 1
    while name in taken:
        again += 1
        name = f"{base} ({again})"
    return name


def safe_stems(names: Sequence[str]) -> list[str]:
    """Return file names without suffix: safe anywhere, and different where case does not count."""
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = base = _safe(name)
        again = 1
        while stem.casefold() in taken:
            again += 1
            stem = f"{base}-{again}"
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def _safe(name: str) -> str:
    name = re.sub(r"\[([^\[\]]*)\]$", r"_\1", unicodedata.normalize("NFC", name))
    name = _SUFFIX.sub("", name)
    kept = "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in name)
    # File systems take 255 bytes; a dot first hides the file, one last is lost on Windows.
    stem = kept.encode()[:200].decode(errors="ignore").strip(" .") or "unnamed"
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem
