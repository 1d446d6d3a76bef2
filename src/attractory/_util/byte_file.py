"""The little that readers need of a file: plain, unpacked as it is read, or in memory."""

from typing import Protocol, runtime_checkable

__all__ = ["ByteFile"]


@runtime_checkable
class ByteFile(Protocol):
    """A file of bytes, open for reading."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most this many bytes from here on."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        ...
