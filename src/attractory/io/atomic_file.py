"""Writing a file whole or not at all: a temporary file beside it takes its name at the end."""

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from attractory._util.interrupts import too_late, unfinished
from attractory.io.file_lock import locked

__all__ = ["replacing"]

_STALE = 3600.0  # seconds after which a temporary file belongs to no running process


@contextmanager
def replacing(
    path: Path, *, durable: bool = False, guard: Callable[[], bool] | None = None
) -> Iterator[BinaryIO]:
    """Open a new file for writing that takes the name `path` when the block ends.

    If the block raises, also by Ctrl-C, the temporary file is removed and an older file stays as it
    was. Permissions of an older file are kept.

    Args:
        path: a regular file, or a name not in use, in a folder that exists; no link.
        durable: also wait until the content and the name are on disk, so that a crash of the
            machine leaves the old file or the new one, and remove what killed processes left.
        guard: called at the end, while no other writer that takes the file's lock can change it;
            raises if the file must not be replaced. Returns whether there may be one: if not, one
            that another process makes meanwhile is a FileExistsError.

    Raises:
        OSError: if the file cannot be written; it names `path`, never the temporary file.
    """
    if durable:
        with suppress(OSError):  # a folder may allow writing and not listing
            _remove_stale(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")

    def name() -> None:
        if guard is None or guard():
            os.replace(temporary, path)
        else:
            _name_new(temporary, path)

    with unfinished(str(temporary)), _naming(path, temporary):
        try:
            with temporary.open("xb") as file:
                with suppress(FileNotFoundError):  # nothing to replace
                    shutil.copymode(path, temporary)
                yield file
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            if durable:  # a command writes one such file, as its last step
                with locked(path):
                    too_late(name)
            else:
                name()
        except BaseException:  # KeyboardInterrupt too
            with suppress(OSError):
                temporary.unlink()
            raise
        if durable:
            _flush_folder(path.parent)


@contextmanager
def _naming(path: Path, temporary: Path) -> Iterator[None]:
    """Name the file that the caller asked for in the system's errors."""
    try:
        yield
    except OSError as error:
        ours = error.filename in (None, str(temporary), str(path))
        if error.errno is None or not ours:
            raise
        reason = f"cannot be written: {os.strerror(error.errno)}"
        raise type(error)(error.errno, reason, str(path)) from None


def _name_new(temporary: Path, path: Path) -> None:
    """Give a file a name that no file has, or raise FileExistsError."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without a second name for a file
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(temporary, path)
    else:
        temporary.unlink()


def _remove_stale(path: Path) -> None:
    """Remove temporary files of the same path whose process was killed."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.\d+\.[0-9a-f]{{16}}\.tmp")
    for entry in os.scandir(path.parent):
        if ours.fullmatch(entry.name):
            with suppress(OSError):  # another process may have removed it
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                    os.unlink(entry.path)


def _flush_folder(folder: Path) -> None:
    """Put the new name on disk, where the system and the file system can."""
    if os.name == "nt":
        return
    try:
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EINVAL, errno.ENOTSUP):
            raise
