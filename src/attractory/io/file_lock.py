"""Locks on files: reading a file, changing what it holds and writing it is one step for others.

The lock is the system's, on the file itself (flock), so that nothing is left beside it and a
process that is killed leaves it free. Files are replaced, not written into: who has waited for a
lock looks whether the file is still the one of that name, and waits for the new one if not.

Where there are no such locks (Windows, some network file systems) the block runs without; writers
also compare the file with the one that they read (`io.tensor_file.write_file`).
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["locked"]

_held: set[tuple[str, int]] = set()  # by path and thread


@contextmanager
def locked(path: str | Path, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Be the only process and thread that holds the lock on a file; wait for the one that has it.

    A thread may take a lock that it has already. A file that does not exist is not locked.

    Args:
        path: of the file; a link is followed.
        waiting: called before it waits.

    Example:
        >>> with locked("nowhere"):
        ...     pass
    """
    target = os.path.realpath(path)
    mine = target, threading.get_ident()
    number = None if mine in _held else _acquired(target, waiting)
    if number is None:
        yield
        return
    _held.add(mine)
    try:
        yield
    finally:
        _held.discard(mine)
        os.close(number)  # frees the lock


def _acquired(target: str, waiting: Callable[[], object]) -> int | None:
    """Return a descriptor of the file that holds its lock, None where there is none to be had."""
    if fcntl is None or not os.path.isfile(target):
        return None
    told = False
    while True:
        try:
            number = _opened(target)
        except OSError:  # gone meanwhile, or not ours to read: who opens it next will say so
            return None
        try:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    waiting()
                    told = True
                fcntl.flock(number, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(number), os.stat(target)):
                    return number
        except OSError:  # a file system without locks
            os.close(number)
            return None
        except BaseException:
            os.close(number)
            raise
        os.close(number)


def _opened(target: str) -> int:
    try:
        return os.open(target, os.O_RDWR)  # some network file systems lock for writers only
    except PermissionError:
        return os.open(target, os.O_RDONLY)
