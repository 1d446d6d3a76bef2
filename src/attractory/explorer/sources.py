"""Patterns for the explorer: the bundled digits, or images, tables and arrays within limits.

Files are read by `attractory.io`, which judges them by their first bytes, bounds what it allocates
and runs no code. Uploads are written into a temporary folder for as long as that takes.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

import numpy as np
from jaxtyping import Float
from PIL import Image

from attractory.datasets import bundled_digits
from attractory.io.kinds import IMAGE_KINDS, KNOWN, Refused, kind_of
from attractory.io.patterns import NothingRead, load_patterns

__all__ = ["LARGEST_SIDE", "LIMITS", "Limits", "Patterns", "bundled", "read", "uploaded"]

LARGEST_SIDE = 64  # pixels; larger images are scaled down
_LEFT = (".npz", ".gz", ".idx", "-ubyte")
_ACCEPTED = (*(end for end in KNOWN if end not in _LEFT), ".txt")
_PACKED = ("npz", "gzip")
_NAMED = 3  # files in a message


@dataclass(frozen=True)
class Limits:
    """How much the explorer takes, so that one page cannot exhaust the machine.

    Attributes:
        files: uploaded at once.
        file_bytes, total_bytes: of the files uploaded at once.
        patterns: rows at most.
        numbers: of a row at most.
    """

    files: int = 200
    file_bytes: int = 8 * 2**20
    total_bytes: int = 16 * 2**20
    patterns: int = 500
    numbers: int = 3 * LARGEST_SIDE**2


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Patterns:
    """Patterns at hand.

    Attributes:
        rows: (n, d).
        names: of the rows.
        shape: (height, width) or (height, width, 3) of images, None for vectors.
        digits: whether they are the bundled digits, which a script can get by itself.
        notes: what was done to them, or left out, as sentences.
    """

    rows: Float[np.ndarray, "n d"]
    names: tuple[str, ...]
    shape: tuple[int, ...] | None
    digits: bool = False
    notes: tuple[str, ...] = ()

    @cached_property
    def low(self) -> float:
        """The least value: what is erased gets it."""
        return float(self.rows.min())

    @cached_property
    def high(self) -> float:
        """The largest value: what is drawn gets it."""
        return float(self.rows.max())

    @property
    def grid(self) -> tuple[int, int, int]:
        """Height, width and channels as which a row is shown; vectors in lines of equal length."""
        if self.shape is not None:
            height, width, *rest = self.shape
            return height, width, 3 if rest else 1
        dim = self.rows.shape[1]
        width = dim if dim <= LARGEST_SIDE // 2 else int(np.ceil(np.sqrt(dim)))
        return -(-dim // width), width, 1


def bundled(n: int | None = None) -> Patterns:
    """Return the digits that come with the package, at most 200.

    Example:
        >>> bundled(3).names
        ('0: a 7', '1: a 2', '2: a 1')
    """
    rows, labels = bundled_digits(n)
    names = tuple(f"{k}: a {label}" for k, label in enumerate(labels.tolist()))
    return Patterns(rows, names, (28, 28), digits=True)


def uploaded(files: Mapping[str, bytes], limits: Limits = LIMITS) -> Patterns:
    """Return the patterns of files that were uploaded, name to content.

    Raises:
        ValueError: for files beyond the limits, or none that can be used; with the reasons.
    """
    if not files:
        raise ValueError("files must be at least one, got none")
    if len(files) > limits.files:
        raise ValueError(f"files must be at most {limits.files} at once, got {len(files)}")
    for name, content in files.items():
        if len(content) > limits.file_bytes:
            raise ValueError(f"{_plain(name)} {_too_large(len(content), limits.file_bytes)}")
    total = sum(map(len, files.values()))
    if total > limits.total_bytes:
        raise ValueError(f"all files together {_too_large(total, limits.total_bytes)}")
    with tempfile.TemporaryDirectory(prefix="attractory-") as folder:
        paths = []
        for k, (name, content) in enumerate(files.items()):
            # The name is the visitor's: only its ending, which tells tables, becomes a path.
            home = Path(folder) / f"{k}"
            home.mkdir()
            path = home / _plain(name)
            path.write_bytes(content)
            paths.append(path)
        try:
            return read(paths, limits)
        except NothingRead as error:
            raise ValueError(_reasons(error.failed)) from None


def _too_large(size: int, most: int) -> str:
    return (
        f"must be at most {most / 2**20:.0f} MiB, got {size / 2**20:.1f} MiB; shrink or split, or "
        "start attractory explore with the files"
    )


def _plain(name: str) -> str:
    """Return a file's name without folders, and without what a file system may refuse."""
    last = PurePath(str(name).replace("\\", "/")).name
    kept = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in last)
    return kept.lstrip(".")[-80:] or "unnamed"


def read(paths: Sequence[str | Path], limits: Limits = LIMITS) -> Patterns:
    """Return the patterns of files and folders.

    Images larger than 64 × 64 are scaled down, images of several sizes to that of the first.
    Equal rows are taken once, and at most 500 rows.

    Args:
        paths: images, .npy, .csv, .tsv or .txt files, or folders of them.
        limits: of what is taken.

    Raises:
        NothingRead: if no file can be used, with the reasons.
        ValueError: for fewer than two different rows, or too many numbers a row.
    """
    found, kept = _listed(paths)
    if not kept:
        raise NothingRead(tuple(found), (), ())
    size = _size(kept)
    files = list(kept)
    try:
        loaded = load_patterns(files, size=size)
    except NothingRead as error:
        raise NothingRead((*found, *error.failed), error.misfits, error.notes) from None
    notes = []
    if loaded.misfits and loaded.shape is not None:
        grey = load_patterns(files, size=size, grey=True)
        if len(grey.failed) < len(loaded.failed):
            loaded = grey
            notes.append("images in colour were made grey, like the others")
    if size is not None:
        notes.append(f"images were scaled to {size[0]} × {size[1]} pixels")
    if failed := [*found, *loaded.failed]:
        notes.append(f"left out: {_reasons(failed)}")
    rows, names = loaded.rows, loaded.names
    if rows.shape[1] > limits.numbers:
        raise ValueError(
            f"rows must have at most {limits.numbers} numbers, got {rows.shape[1]}; store larger "
            "ones by attractory store"
        )
    if rows.shape[1] < 2:
        raise ValueError("rows must have at least two numbers, got one")
    _, first = np.unique(rows, axis=0, return_index=True)
    some = np.sort(first)
    if len(some) < len(rows):
        notes.append(f"rows equal to others were left out, {len(rows) - len(some)} in all")
    if len(some) < 2:
        raise ValueError(f"patterns must be at least two different rows, got {len(some)}")
    if len(some) > limits.patterns:
        notes.append(f"the first {limits.patterns} of {len(some)} rows were taken")
        some = some[: limits.patterns]
    return Patterns(
        rows[some], tuple(f"{k}: {names[i]}" for k, i in enumerate(some.tolist())),
        loaded.shape, notes=tuple(notes),
    )  # fmt: skip


def _listed(paths: Sequence[str | Path]) -> tuple[list[tuple[str, str]], dict[Path, str]]:
    """Return what is not taken, with the reason, and the kinds of the files that are.

    Folders are spread out.
    """
    refused: list[tuple[str, str]] = []
    kept: dict[Path, str] = {}
    for given in map(Path, paths):
        if given.is_dir():
            inside = (p for p in given.iterdir() if p.name.lower().endswith(_ACCEPTED))
            files = sorted(p for p in inside if p.is_file() and p.name[0] != ".")
            if not files:
                refused.append((str(given), "is a folder without images, tables or arrays"))
        else:
            files = [given]
        for path in files:
            try:
                if not path.is_file():
                    raise Refused("is no regular file" if path.exists() else "does not exist")
                with path.open("rb") as file:
                    kind = kind_of(file, path.name)
                if kind in _PACKED:
                    raise Refused("is packed; unpack it first")
                kept[path] = kind
            except (Refused, OSError) as error:
                reason = getattr(error, "strerror", None)
                refused.append((str(path), f"cannot be read: {reason}" if reason else str(error)))
    return refused, kept


def _size(files: Mapping[Path, str]) -> tuple[int, int] | None:
    """Return height and width that images must be given so that all have one small size."""
    sizes: list[tuple[int, int]] = []
    for path, kind in files.items():
        if kind not in IMAGE_KINDS:
            continue
        # The header alone, and of one format: others that Pillow knows start programs. What is
        # wrong with damaged images reading them will explain.
        with suppress(Exception), Image.open(path, formats=(kind,)) as image:
            sizes.append((image.height, image.width))
    if not sizes:
        return None
    height, width = sizes[0]
    if len(set(sizes)) == 1 and max(height, width) <= LARGEST_SIDE:
        return None
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    return max(1, round(scale * height)), max(1, round(scale * width))


def _reasons(failed: Sequence[tuple[str, str]]) -> str:
    """Return what is wrong with files, by their names without folders."""
    parts = [f"{_plain(path)} {reason}" for path, reason in failed[:_NAMED]]
    more = len(failed) - _NAMED
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")
