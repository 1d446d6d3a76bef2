"""Where the commands write: checked before the work, never over what is read, never unasked."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attractory.cli.pictures import PICTURE_KINDS

__all__ = ["check_figure", "check_file", "check_folder", "check_place", "not_over"]

_WRONG_PATH = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)


def check_place(path: Path, name: str) -> None:
    """Refuse a file or folder that cannot be made where it is to be: a trial file is written."""
    with _telling(path, name):
        place = Path(os.path.realpath(path))
        if not place.is_dir():
            place.exists()  # too long a name is an error here
            place = place.parent
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise ValueError(f"{name} must be in a folder, got {path}; {place} is none")
        with tempfile.TemporaryFile(dir=place):
            pass


@contextmanager
def _telling(path: Path, name: str) -> Iterator[None]:
    """Say of which argument the system complains: a wrong path, or a place without room."""
    try:
        yield
    except OSError as error:
        if error.errno not in _WRONG_PATH:
            reason = f"({name}) cannot be written: {error.strerror}"
            raise OSError(error.errno, reason, str(path)) from None
        raise ValueError(
            f"{name} must be where files can be written, got {path}: {error.strerror}"
        ) from None


def check_file(out: Path, name: str, force: bool) -> None:
    """Refuse before the work what could not be written after it, and what is there already."""
    with _telling(out, name):
        if out.is_dir():
            raise ValueError(f"{name} must be a file, got the folder {out}")
        if out.exists() and not out.is_file():
            raise ValueError(f"{name} must be a regular file, got {out}")
        if out.exists() and not force:
            raise ValueError(
                f"{name} must be a new file, got {out}, which exists; --force replaces it"
            )
        if not Path(os.path.realpath(out)).parent.is_dir():
            raise ValueError(f"{name} must be in a folder that exists, got {out}; create it first")
    check_place(out, name)


def check_figure(figure: Path, force: bool, memory: Path) -> None:
    """Refuse what is no new picture."""
    if figure.suffix.lower() not in PICTURE_KINDS or figure.is_dir():
        kinds = ", ".join(PICTURE_KINDS[:-1]) + f" or {PICTURE_KINDS[-1]}"
        raise ValueError(f"--figure must be a file that ends in {kinds}, got {figure}")
    not_over([figure], [memory], "--figure")
    check_file(figure, "--figure", force)


def check_folder(out: Path, cues: Sequence[Path] = ()) -> None:
    """Refuse a file, a folder that cannot be written, and the folder of a cue."""
    check_place(out, "--out")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, got the file {out}")
    homes = {(cue if cue.is_dir() else cue.parent).resolve() for cue in cues if str(cue) != "-"}
    if out.resolve() in homes:  # a.png would be recalled over the cue a.png
        raise ValueError(f"--out must not be the folder of a cue, got {out}; name another")


def not_over(targets: Iterable[Path], inputs: Iterable[Path], name: str) -> None:
    """Refuse to write over what is read, under whatever name: links, and other ways to a file."""
    read = {}
    for path in inputs:
        for status in (path.stat, path.lstat):
            try:
                found = status()
            except (OSError, ValueError):
                continue
            read[found.st_dev, found.st_ino] = path
    for target in targets:
        for status in (target.stat, target.lstat):
            try:
                found = status()
            except OSError:
                continue
            if same := read.get((found.st_dev, found.st_ino)):
                what = "" if same == target else f", which is {same}"
                raise ValueError(
                    f"{name} must not replace what is read, got {target}{what}; name another"
                )
