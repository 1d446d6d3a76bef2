"""Ctrl-C that is not lost: it ends a command at once, and a call of the library at its next step.

Python raises KeyboardInterrupt wherever the main thread happens to be. Inside a callback of XLA's
or of the garbage collector it is printed and forgotten; inside an import it may become another
error; inside a long call of LAPACK it comes minutes late.

In a command (`watched`) a thread of its own hears the signal and ends the process with status 130.
Files are written under another name first (`io.atomic_file`), so nothing has to be undone but
that. A command whose file has taken its place has done its work: `too_late` keeps it from ending.

In the library (`heeded`) the signal also sets a flag, which `check` looks at between steps: an
interrupt that something swallowed is raised again there.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["STATUS", "check", "forget", "gently", "heeded", "too_late", "unfinished", "watched"]

STATUS = 130  # of a process that Ctrl-C ended: 128 and the signal's number
_SAID = "attractory: interrupted; nothing was written\n"
_SWALLOWING = {"__del__", "_xla_gc_callback"}  # functions whose exceptions are printed and lost

_lock = threading.RLock()  # held while a file takes its place, and while the process ends
_pending = False  # an interrupt came that nothing has answered yet
_watching = False
_gentle = False  # the first Ctrl-C is left to the command, which says what it keeps
_late = False
_unfinished: dict[str, None] = {}  # temporary files


def check() -> None:
    """Raise KeyboardInterrupt if one came that something swallowed."""
    if _pending and threading.current_thread() is threading.main_thread():
        forget()
        raise KeyboardInterrupt


def forget() -> None:
    """Take an interrupt as answered."""
    global _pending
    _pending = False


@contextmanager
def heeded() -> Iterator[None]:
    """Let no Ctrl-C be lost in the block: raise it at the next `check`, or at the end.

    Nothing changes where Ctrl-C has another handler than Python's own, or in other threads.
    """
    if not _is_ours():
        yield
        return
    forget()
    signal.signal(signal.SIGINT, _note)
    try:
        yield
    except KeyboardInterrupt:
        forget()
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    check()


def _is_ours() -> bool:
    """Whether Ctrl-C comes to this thread, and has Python's own handler."""
    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


def _note(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, where it is not lost; else keep it for `check`."""
    global _pending
    _pending = True
    while frame is not None:
        code = frame.f_code
        if code.co_name in _SWALLOWING or code.co_filename.startswith("<frozen importlib"):
            return
        frame = frame.f_back
    raise KeyboardInterrupt


@contextmanager
def watched() -> Iterator[None]:
    """Let Ctrl-C end this process in the block: with one line, status 130, and no temporary file.

    Nothing changes where Ctrl-C is ignored or has another handler, or outside the main thread.
    """
    global _watching, _gentle, _late
    if not _is_ours():
        yield
        return
    hears, told = socket.socketpair()
    told.setblocking(False)
    _gentle = _late = False
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    # Signals reach the thread only if they have a handler in Python.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    threading.Thread(target=_watch, args=(hears,), daemon=True, name="Ctrl-C").start()
    _watching = True
    try:
        yield
    finally:
        _watching = False
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(before)
        told.close()  # ends the thread


def _watch(hears: socket.socket) -> None:
    first = True
    # The other end is closed when the block ends, perhaps with a signal that nobody has read.
    with hears, suppress(ConnectionError):
        while heard := hears.recv(64):
            for number in heard:
                if number == signal.SIGINT:
                    if not (first and _gentle):
                        _end()
                    first = False


def _end() -> None:
    """End the process, unless it has done its work."""
    with _lock:
        if _late:
            return
        for path in list(_unfinished):
            with suppress(OSError):
                os.unlink(path)
        with suppress(Exception):
            # The cursor, which a spinner hides; and the spinner's line.
            shown = "\r\x1b[K\x1b[?25h" if os.isatty(2) else ""
            os.write(2, (shown + _SAID).encode())
        os._exit(STATUS)


def gently() -> None:
    """Leave the first Ctrl-C of this command to KeyboardInterrupt; the second ends it at once."""
    global _gentle
    if _watching and not _gentle:
        _gentle = True
        signal.signal(signal.SIGINT, _note)


def too_late(action: Callable[[], object] = lambda: None) -> None:
    """Do the action that completes a command's work; from then on Ctrl-C does not end it.

    In a process that is not watched this does the action, after a last `check`.
    """
    global _late
    with _lock:
        check()
        action()
        _late = True


@contextmanager
def unfinished(path: str) -> Iterator[None]:
    """Name a file that is to be removed if Ctrl-C ends the process in the block."""
    _unfinished[path] = None
    try:
        yield
    finally:
        _unfinished.pop(path, None)
