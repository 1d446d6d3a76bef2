"""Arrays of NumPy's files, .npy and .npz, read without believing what their headers announce."""

import io
import math
import tokenize
import warnings
import zipfile
import zlib
from typing import IO, cast

import numpy as np

from attractory._util.byte_file import ByteFile
from attractory._util.validation import length_error
from attractory.datasets import MOST_UNPACKED, unpacks_to
from attractory.io.kinds import Refused

__all__ = ["read_npy", "read_npz"]

_HEADER = 2**16  # bytes; NumPy's own limit for headers it trusts is 10,000
_RANK = 32
_VERSIONS = ((1, 0), (2, 0), (3, 0))


def read_npy(file: ByteFile, length: int | None) -> np.ndarray:
    """Return the array of an .npy file that is open at its start; pickles are never loaded.

    Args:
        file: to read from.
        length: of the file in bytes; None if it is unpacked as it is read, and not known.

    Raises:
        Refused: if it is damaged, holds no real numbers, or unpacks to more than 2²⁸ of them.
    """
    head = file.read(_HEADER)
    shape, fortran, dtype, begin = _header(head)
    if dtype.hasobject:
        raise Refused("holds Python objects (a pickle), which are never loaded; save numbers")
    if dtype.kind not in "fiub":
        raise Refused(f"holds {dtype}; save real numbers instead")
    if any(type(k) is not int or not 0 <= k < 2**63 for k in shape) or len(shape) > _RANK:
        raise Refused(f"has the impossible shape {_shortened(shape)}; write it anew")
    count = math.prod(shape)
    expected = begin + count * dtype.itemsize
    if length is None:
        if count > MOST_UNPACKED:
            raise Refused(unpacks_to(count))
        content = head + file.read(max(0, expected - len(head)))
        length = len(content) + len(file.read(1))
    else:
        if error := length_error(length, expected, shape):
            raise Refused(error)
        content = head + file.read(expected - len(head)) if expected > len(head) else head
    if error := length_error(length, expected, shape):
        raise Refused(error)
    if count == 0:
        raise Refused(f"is empty, of shape {shape}")
    array = np.frombuffer(content, dtype, count, begin)
    return array.reshape(shape, order="F" if fortran else "C")


def _header(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Return shape, order, type and the place where the numbers begin."""
    form = np.lib.format
    file = io.BytesIO(head)
    try:
        version = form.read_magic(file)
    except ValueError:
        raise Refused("is no .npy file, or damaged at its start; write it anew") from None
    if version not in _VERSIONS:
        raise Refused(f"is of the unknown .npy version {version[0]}.{version[1]}; write it anew")
    read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in what should be a dictionary
            shape, fortran, dtype = read(file)
    except (
        ValueError, TypeError, SyntaxError, RecursionError, MemoryError, EOFError, KeyError,
        AttributeError, IndexError, OverflowError, tokenize.TokenError,
    ):  # fmt: skip  # a damaged header raises what it happens to spell
        raise Refused("is no .npy file, or damaged at its start; write it anew") from None
    return shape, fortran, dtype, file.tell()


def _shortened(shape: tuple[object, ...]) -> str:
    text = repr(shape)
    return text if len(text) < 80 else f"{text[:76]} …)"


def read_npz(file: ByteFile) -> np.ndarray:
    """Return the one array of an .npz file that is open at its start.

    Raises:
        Refused: if it is damaged, or holds several arrays or none.
    """
    try:
        with zipfile.ZipFile(cast(IO[bytes], file)) as archive:
            members = [each for each in archive.infolist() if each.filename.endswith(".npy")]
            if len(members) != 1:
                names = ", ".join(each.filename.removesuffix(".npy") for each in members[:5])
                which = f" ({names}{', …' if members[5:] else ''})" if members else ""
                raise Refused(
                    f"holds {len(members)} arrays{which}; save the one you mean as an .npy file"
                )
            with archive.open(members[0]) as member:
                return read_npy(member, None)
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError,
        RuntimeError,
    ) as error:  # fmt: skip
        raise Refused(f"is a damaged .npz file ({error}); write it anew") from None
