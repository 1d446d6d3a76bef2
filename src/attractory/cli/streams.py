"""Standard output and error of the command: what is printed never changes how a command ends.

Characters that the terminal's encoding lacks are spelled out, and a reader that has gone away
(`attractory inspect FILE | head`) is no error: the rest is not printed, the status stays.
"""

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["safe_streams"]

_HANDLER = "attractory.spelled"
_SPELLED = {
    "—": "-", "–": "-", "−": "-", "×": "x", "…": "...", "½": "1/2", "≤": "<=", "≥": ">=",
    "λ": "lambda", "σ": "sigma", "α": "alpha", "ρ": "rho", "π": "pi", "Θ": "Theta", "№": "No.",
    "′": "'", "‘": "'", "’": "'", "“": '"', "”": '"', "√": "sqrt ", "±": "+-", "·": "*",
    "²": "^2", "₀": "0", "₁": "1", "₂": "2", "∞": "inf", "→": "->", "�": "?",
}  # fmt: skip


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Spell out what an encoding lacks, or give its code point."""
    assert isinstance(error, UnicodeEncodeError)
    part = error.object[error.start : error.end]
    known = (_SPELLED.get(c) for c in part)
    codes = (c.encode("ascii", "backslashreplace").decode() for c in part)
    return "".join(a if a is not None else b for a, b in zip(known, codes, strict=True)), error.end


class _Descriptor(io.RawIOBase):
    """A file descriptor for writing that swallows what its reader no longer takes."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        try:
            return os.write(self._number, data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EBADF):
                raise
            return memoryview(data).nbytes


class _Writer(io.TextIOBase):
    """An object that can write and no more, such as a logger in the place of a stream."""

    encoding = "utf-8"

    def __init__(self, target: Any) -> None:
        self._target = target

    def write(self, text: str) -> int:
        self._target.write(text)
        return len(text)


def _safe(stream: Any) -> Any:
    """Return a stream that writes to the same place, and never fails on a character or reader."""
    if stream is None:  # closed by who started the process
        return open(os.devnull, "w", encoding="utf-8")
    try:
        number = stream.fileno()
        stream.flush()
    except (AttributeError, OSError, ValueError):  # a file in memory, as in tests and notebooks
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors=_HANDLER)
        return stream if hasattr(stream, "flush") else _Writer(stream)
    raw = _Descriptor(number)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors=_HANDLER,
        line_buffering=raw.isatty() or stream is sys.stderr,
    )


@contextmanager
def safe_streams() -> Iterator[None]:
    """Let sys.stdout and sys.stderr be safe to print to within a block.

    Raises:
        OSError: at the end, if what was printed cannot be written, as on a full disk.
    """
    codecs.register_error(_HANDLER, _spelled)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_safe, before)
    try:
        yield
    finally:
        ours = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = before
        failed = [error for error in map(_flushed, ours) if error]
    if failed:
        raise failed[0]


def _flushed(stream: Any) -> OSError | None:
    try:
        stream.flush()
    except OSError as error:
        return error
    return None
