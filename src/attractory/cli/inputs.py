"""What the commands on memories read: options shared by them, and words for files of no use."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attractory.cli.console import complain

if TYPE_CHECKING:
    import numpy as np

    from attractory.io.images import Look
    from attractory.io.patterns import LoadedPatterns, NothingRead
    from attractory.io.sequences import LoadedSequences

__all__ = [
    "AS_THEY_ARE", "PLAIN", "Images", "Reading", "end", "failures", "named_failures", "read_from",
    "read_new", "refuse_single_numbers", "tell_what_failed",
]  # fmt: skip

_ONE_BY_ONE = 3  # files of another size, and notes, that get a line each


@dataclass(frozen=True)
class Reading:
    """How files and folders are read."""

    index_column: Annotated[
        str | None,
        typer.Option(
            help="Name or place (from 0) of a table's column that is no number of a pattern; "
            "its entries name the rows."
        ),
    ] = None
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Also read the subfolders of folders.")
    ] = False


PLAIN = Reading()


@dataclass(frozen=True)
class Images:
    """What images are made to look like before they are stored."""

    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Scale images to so many pixels, such as 64x48."),
    ] = None
    grey: Annotated[bool, typer.Option("--grey", "--gray", help="Make images grey.")] = False
    color: Annotated[
        bool, typer.Option("--color", "--colour", help="Give all images three channels.")
    ] = False

    def look(self) -> "Look":
        """Return the look asked for, checked."""
        from attractory.io.images import Look

        if self.grey and self.color:
            raise ValueError("--grey and --color exclude each other; give one")
        size = None
        if self.size is not None:
            parts = re.fullmatch(r"([0-9]{1,5})[x×]([0-9]{1,5})", self.size.strip().lower())
            width, height = map(int, parts.groups()) if parts else (0, 0)
            if not (1 <= width <= 4096 and 1 <= height <= 4096):
                raise ValueError(
                    "--size must be width x height from 1x1 to 4096x4096, such as 64x48, "
                    f"got {self.size!r}"
                )
            size = height, width
        return Look(size, True if self.grey else False if self.color else None)


AS_THEY_ARE = Images()


@contextmanager
def named_failures() -> Iterator[None]:
    """End a command with status 2 if no file could be used, after one line for each."""
    from attractory.io.patterns import NothingRead

    try:
        yield
    except NothingRead as error:
        tell_what_failed(error)
        raise typer.Exit(2) from None


def read_new(paths: list[Path], look: "Look", reading: Reading) -> "LoadedPatterns":
    """Read files for a memory that is to be: the first one decides what the others must be like.

    Raises:
        NothingRead: if no file can be used.
        ValueError: for a look that is asked for where there are no images.
    """
    from attractory.io.images import AS_IT_IS
    from attractory.io.patterns import Asked, Size, read_patterns

    mend = "make it alike, or load it by itself; --size, --grey and --color make images alike"
    asked = Asked(Size(None, None, mend=mend), look, reading.index_column, reading.recursive)
    loaded = read_patterns(paths, asked)
    if loaded.shape is None and look != AS_IT_IS:
        raise ValueError(
            "--size, --grey and --color are for images, got rows of "
            f"{loaded.rows.shape[1]} plain numbers; leave them out"
        )
    return loaded


def refuse_single_numbers(rows: "np.ndarray") -> None:
    """Refuse rows of one number, such as images of one pixel: nothing in them is told apart."""
    if rows.shape[1] < 2:
        raise ValueError(
            "PATHS must give rows of at least 2 numbers, got rows of 1, such as an image of one "
            "grey pixel"
        )


def tell_what_failed(read: "LoadedPatterns | LoadedSequences | NothingRead") -> None:
    """Print what could not be used and what was left out, on stderr.

    Many files of another size are one line, since one option mends them all.
    """
    misfits = set(read.misfits) if len(read.misfits) > _ONE_BY_ONE else set()
    for path, reason in read.failed:
        if path not in misfits:
            complain(f"{path} {reason}")
    if misfits:
        good = len(set(getattr(read, "paths", ())))
        first, reason = next(pair for pair in read.failed if pair[0] in misfits)
        complain(
            f"{len(misfits)} of {good + len(read.failed)} files differ in size or colours from "
            f"the others; the first, {first}, {reason}"
        )
    for note in read.notes[:_ONE_BY_ONE]:
        complain(note)
    if read.notes[_ONE_BY_ONE:]:
        complain(f"and {len(read.notes) - _ONE_BY_ONE} more that were left out")


def failures(loaded: "LoadedPatterns | LoadedSequences") -> list[dict[str, Any]]:
    """Return what failed as JSON values."""
    return [{"path": path, "reason": reason} for path, reason in loaded.failed]


def read_from(loaded: "LoadedPatterns | LoadedSequences") -> list[Path]:
    """Return all files that were looked at."""
    return [*dict.fromkeys(loaded.paths), *(Path(path) for path, _ in loaded.failed)]


def end(loaded: "LoadedPatterns | LoadedSequences") -> None:
    """End with status 1 if some file could not be used."""
    if loaded.failed:
        raise typer.Exit(1)
