"""Which sequences paths stand for: films and sounds one by one, images together in their order."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from PIL import Image

from attractory._util.texts import counted
from attractory.io.decoding import STDIN
from attractory.io.kinds import IMAGE_KINDS, Refused
from attractory.io.names import natural

__all__ = ["FILMS", "Source", "gaps", "noting", "sources_of"]

FILMS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".wmv",
    ".asf", ".flv", ".ogv", ".ogg", ".y4m", ".3gp",
)  # fmt: skip
_STILL = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")
_SOUNDS = (".wav", ".wave")


@dataclass(frozen=True)
class Source:
    """A sequence that is to be read: a file, or images in their order.

    Attributes:
        path: of the file or the folder.
        name: of the sequence.
        images: the files, if it is of images.
    """

    path: Path
    name: str
    images: tuple[Path, ...] = ()


def gaps(images: Sequence[Path]) -> tuple[str, ...]:
    """Say which numbers lack in the names of images, and whether there are several series."""
    series: defaultdict[str, list[int]] = defaultdict(list)
    for path in images:
        parts = re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem)
        if parts is not None:
            series[f"{parts[1]}#{parts[3]}"].append(int(parts[2]))
    notes = []
    if len(series) > 1:
        named = ", ".join(sorted(series)[:3])
        notes.append(
            f"images of {len(series)} series of numbers ({named}), taken one after another as one "
            "sequence; put them into folders of their own to keep them apart"
        )
    for name, numbers in series.items():
        lacking = [(a, b) for a, b in pairwise(numbers) if b > a + 1]
        steps = {b - a for a, b in pairwise(numbers)}
        if lacking and len(steps) > 1:
            a, b = lacking[0]
            more = f", and {counted(len(lacking) - 1, 'gap')} more" if lacking[1:] else ""
            notes.append(f"the numbers of {name} go from {a} to {b}{more}: frames may be missing")
    return tuple(notes)


def sources_of(
    paths: Sequence[Path], failed: list[tuple[str, str]], notes: list[str]
) -> list[Source]:
    """Return the sequences that paths stand for; images given one by one are one a folder."""
    sources: list[Source] = []
    single: dict[Path, list[Path]] = {}
    for path in paths:
        with noting(path, failed):
            if path != STDIN and path.is_dir():
                sources += _in_folder(path, notes)
            elif _is_still(path):
                if path.parent not in single:
                    single[path.parent] = []
                    sources.append(Source(path.parent, path.name))  # its place in the order
                single[path.parent].append(path)
            else:
                sources.append(Source(path, "stdin" if path == STDIN else path.name))
    return [
        _of_images(source, sorted(single[source.path], key=natural))
        if source.path in single and not source.images
        else source
        for source in sources
    ]


def _of_images(source: Source, images: list[Path]) -> Source:
    if len(images) == 1:
        return Source(images[0], images[0].name)
    return replace(source, name=f"{images[0].name} … {images[-1].name}", images=tuple(images))


def _is_still(path: Path) -> bool:
    """Whether a path is one image of a series, rather than a film."""
    if not path.name.lower().endswith(_STILL) or not path.is_file():
        return False
    try:
        with Image.open(path, formats=IMAGE_KINDS) as image:
            return not getattr(image, "is_animated", False)
    except Exception:  # what is wrong with it is said when it is read
        return True


def _in_folder(folder: Path, notes: list[str]) -> list[Source]:
    """Return the sequences of a folder: each film and sound, and all images together."""
    files = sorted(
        (path for path in folder.iterdir() if path.name[0] != "." and path.is_file()), key=natural
    )
    images = tuple(path for path in files if _is_still(path))
    films = [
        Source(path, path.name)
        for path in files
        if path not in images and path.name.lower().endswith((*FILMS, *_SOUNDS, *_STILL))
    ]
    other = len(files) - len(images) - len(films)
    if other:
        notes.append(f"{folder}: left out {counted(other, 'file')} of other kinds")
    if not images and not films:
        raise Refused("is a folder without images, films or sound")
    name = folder.name or str(folder)
    return [*([Source(folder, name, images)] if images else []), *films]


@contextmanager
def noting(path: Path, failed: list[tuple[str, str]]) -> Iterator[None]:
    """Note why a file cannot be used, and go on."""
    try:
        yield
    except MemoryError:
        failed.append((str(path), "does not fit into memory; --size or --every makes it less"))
    except (ValueError, OSError) as error:
        cause = getattr(error, "strerror", None)
        reason = f"cannot be read: {cause}" if cause else str(error)
        failed.append((str(path), " ".join(reason.split())))
