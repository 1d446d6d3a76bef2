"""Files of a header and named arrays in the safetensors format, checked against their digest.

The metadata of a file has one entry, `attractory`: a JSON document with the format's name and
version, the header, and a SHA-256 digest over these and every array, so that damage is found.
The safetensors library reads; only the few lines of the format's header are written here, because
its writer takes twice the arrays' memory or gives up the error of a full disk.
"""

import errno
import hashlib
import json
import math
import os
import reprlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from safetensors import SafetensorError, safe_open

from attractory._util.aliases import ArrayLike
from attractory.io.atomic_file import replacing

__all__ = [
    "ANY", "Arrays", "FileChangedError", "Header", "StorageError", "file_version", "read_file",
    "read_version", "write_file",
]  # fmt: skip

Header: TypeAlias = dict[str, object]  # what JSON can hold
Arrays: TypeAlias = dict[str, np.ndarray]

_FORMAT, _VERSION = "attractory-memory", 1
_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "|u1", "BOOL": "|b1"}
_CODES = {text: code for code, text in _DTYPES.items()}
_HEADER_LIMIT = 16_000_000  # bytes of JSON; room for a hundred thousand names
_DEPTH_LIMIT = 32  # far from where Python's JSON runs out of stack
_RANK_LIMIT = 64  # NumPy's
_DIGITS_LIMIT = 309  # those of 2¹⁰²³ and a sign
_METADATA = "__metadata__"


_EXISTS = "exists already; overwrite=True (--force) replaces it"
_CHANGED = (
    "has changed since it was read; read it again, or overwrite=True (--force) replaces it as it is"
)
ANY = "*"  # whatever file there is is replaced


class StorageError(ValueError):
    """A file is damaged, or is no memory, or needs a newer attractory; the message says which.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "empty"
        >>> path.touch()
        >>> try:
        ...     read_file(path)
        ... except StorageError as error:
        ...     print(str(error).replace(str(path), "empty"))
        empty cannot be read: it is not an attractory memory (it has 0 bytes)
    """


class FileChangedError(FileExistsError):
    """A file is not the one that was to be replaced: it is another's, or has changed since."""

    def __str__(self) -> str:
        """Leave out the number of the system's error, which there is none of."""
        return f"{self.filename} {self.strerror}"


def write_file(
    path: str | Path,
    header: Header,
    arrays: Mapping[str, ArrayLike],
    *,
    over: str | None = ANY,
) -> str:
    """Write a header and named arrays to one file, replacing the file that is there.

    The old file stays whole until the new one is complete and on disk, also if the process or the
    machine stops half-way; a reader sees one or the other. A link is followed.

    Args:
        path: the file; its folder must exist.
        header: finite numbers, strings, booleans, None, and lists and dictionaries of these, at
            most 32 deep.
        arrays: float64, float32, int64, uint8 or bool, of any shape, floats finite.
        over: the version (`file_version`) of the file to replace; None if there must be none. By
            default any file is replaced.

    Returns:
        The version of the file written.

    Raises:
        FileChangedError: if there is a file of another version.
        FileNotFoundError: if the folder does not exist.
        IsADirectoryError: if the path is a folder.
        TypeError: if a value has a type that the file cannot hold.
        ValueError: if a number is not finite, or a text not UTF-8, or the header too large or deep.
        OSError: if the file cannot be written, as on a full disk; the old one stays.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "squares"
        >>> _ = write_file(path, {"power": 2}, {"values": np.arange(5) ** 2})
        >>> header, arrays = read_file(path)
        >>> header, arrays["values"].tolist()
        ({'power': 2}, [0, 1, 4, 9, 16])
    """
    target = _target(path)
    _check_header(header, "header", 0)
    held = {name: _array(value, name) for name, value in arrays.items()}
    held = _in_order(held)
    digest = _digest(header, held)
    start = _start(header, held, digest)

    def guard() -> bool:
        if over is ANY:
            return True
        found = file_version(target)
        if found not in (None, over):
            raise FileChangedError(errno.EEXIST, _EXISTS if over is None else _CHANGED, str(path))
        return found is not None

    guard()  # before the work, too
    try:
        with replacing(target, durable=True, guard=guard) as file:
            file.write(start)
            for array in held.values():
                file.write(_bytes(array))
    except FileExistsError as error:
        if isinstance(error, FileChangedError):
            raise
        raise FileChangedError(errno.EEXIST, _EXISTS, str(path)) from None
    return digest


def file_version(path: str | Path) -> str | None:
    """Return what tells a file from others of its name, None if there is none.

    That of a memory is its digest, so that files of the same content are of the same version.
    """
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        length = int.from_bytes(file.read(8), "little")
        if length <= _HEADER_LIMIT:
            with suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
                outer: Any = _loads(file.read(length).decode())
                return _document(outer[_METADATA])[1]
    return f"{about.st_ino} {about.st_size} {about.st_mtime_ns}"


def read_file(path: str | Path) -> tuple[Header, Arrays]:
    """Return the header and the arrays of a file that `write_file` wrote, bit for bit.

    Nothing in the file is run, and nothing it claims is believed before it is checked: a damaged or
    hostile file costs memory in proportion to its own size, whatever size it claims.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: if there is no such file.
        StorageError: if it is not a regular file, is not an attractory memory, is damaged, or was
            written by a newer version.

    Example:
        >>> read_file("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: there is no file nowhere
    """
    return read_version(path)[:2]


def read_version(path: str | Path) -> tuple[Header, Arrays, str]:
    """Return what `read_file` does, and the version of the file."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ValueError(f"it is {'a folder' if path.is_dir() else 'no regular file'}")
        _check_start(path)
        # Not by mapping the file into memory: if it shrinks meanwhile, that ends the process.
        with safe_open(path, framework="np", backend="pread") as file:
            header, digest = _document(file.metadata() or {})
            names = file.keys()  # of the library's own type, no dictionary
            for name in names:
                entry = file.get_slice(name)
                if entry.get_dtype() not in _DTYPES:
                    raise ValueError(f"{_place(name)} has the unknown dtype {entry.get_dtype()!r}")
                if len(shape := entry.get_shape()) > _RANK_LIMIT:
                    raise ValueError(
                        f"{_place(name)} has the impossible shape {reprlib.repr(shape)}"
                    )
            arrays = _in_order({name: file.get_tensor(name) for name in names})
        for name, array in arrays.items():
            _check_values(array, _place(name))
        if _digest(header, arrays) != digest:
            raise ValueError(
                "it is damaged: its content does not have the digest it was written with"
            )
        return header, arrays, digest
    except SafetensorError as error:
        reason = _wrong_length(path) or f"it is not an attractory memory, or damaged: {error}"
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        reason = str(error) or type(error).__name__
    line = " ".join(f"{path} cannot be read: {reason}".splitlines())
    raise StorageError(line) from None


def _target(path: str | Path) -> Path:
    # Replacing a link would leave the file it names as it was.
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"path must name a file, got the folder {path}")
    if target.exists() and not target.is_file():
        raise ValueError(f"path must name a regular file, got {path}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"folder {str(target.parent)!r} does not exist; create it first")
    return target


def _check_header(value: object, where: str, depth: int) -> None:
    if depth > _DEPTH_LIMIT:
        raise ValueError(f"header must nest at most {_DEPTH_LIMIT} deep, got more at {where}")
    if depth == 0 and not isinstance(value, dict):
        raise TypeError(f"header must be a dictionary, got {type(value).__name__}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where} must have strings as keys, got {key!r}")
            _check_text(key, f"a key of {where}")
            _check_header(item, f"{where}[{key!r}]", depth + 1)
    elif isinstance(value, list):
        for k, item in enumerate(value):
            _check_header(item, f"{where}[{k}]", depth + 1)
    elif isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} must be finite, got {value}")
    elif isinstance(value, int):
        if value.bit_length() > 1023:
            raise ValueError(f"{where} must be less than 2^1023 in size, got a larger integer")
    elif value is not None:
        raise TypeError(
            f"{where} must be a number, string, boolean, None, list or dictionary of Python's own, "
            f"got {type(value).__name__}"
        )


def _check_text(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{where} must be text that UTF-8 can hold, got {reprlib.repr(text)}"
        ) from None


def _array(value: ArrayLike, name: object) -> np.ndarray:
    where = f"arrays[{name!r}]"
    if not isinstance(name, str) or name == _METADATA:
        raise ValueError(f"names of arrays must be strings other than {_METADATA!r}, got {name!r}")
    _check_text(name, f"the name of {where}")
    array = np.asarray(value)
    stored = array.dtype.newbyteorder("<").str
    if stored not in _CODES:
        raise TypeError(
            f"{where} must be of dtype float64, float32, int64, uint8 or bool, got {array.dtype}; "
            "convert it with astype"
        )
    array = np.asarray(array, np.dtype(stored), order="C")
    _check_values(array, where)
    return array


def _check_values(array: np.ndarray, where: str) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{where} must be finite, got {array[~np.isfinite(array)].flat[0]}")
    if array.dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError(f"{where} must hold booleans of byte 0 or 1")


def _in_order(arrays: Arrays) -> Arrays:
    """Return the arrays in a file's order: wide types first, so that all are aligned."""
    return dict(sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])))


def _place(name: str) -> str:
    return f"it is damaged: array {reprlib.repr(name)}"


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _digest(header: Header, arrays: Arrays) -> str:
    """Return the digest over one line of JSON, which says what follows, and the arrays' bytes."""
    tensors = [[name, _CODES[a.dtype.str], list(a.shape)] for name, a in arrays.items()]
    digest = hashlib.sha256(_dumps([_FORMAT, _VERSION, header, tensors]).encode())
    for array in arrays.values():
        digest.update(_bytes(array))
    return digest.hexdigest()


def _start(header: Header, arrays: Arrays, digest: str) -> bytes:
    """Return what comes before the arrays: the length of the JSON, and the JSON."""
    document = {"format": _FORMAT, "version": _VERSION, "header": header, "sha256": digest}
    outer: Header = {_METADATA: {"attractory": _dumps(document)}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        outer[name] = {
            "dtype": _CODES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    text = _dumps(outer).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _HEADER_LIMIT:
        raise ValueError(
            f"header and names of arrays must take at most {_HEADER_LIMIT} bytes of JSON, "
            f"got {len(text)}; store large values as arrays"
        )
    return len(text).to_bytes(8, "little") + text


def _check_start(path: Path) -> None:
    """Refuse by its first bytes what cannot be such a file, or announces too large a header."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 8:
            raise ValueError(f"it is not an attractory memory (it has {size} bytes)")
        length = int.from_bytes(file.read(8), "little")
        begun = file.read(1)
    if length > size - 8 and begun != b"{":  # an image, a table: any file
        raise ValueError("it is not an attractory memory")
    if length > size - 8:
        raise ValueError(
            "it is not an attractory memory, or is cut short: its first 8 bytes announce a header "
            f"of {length} bytes, and {size - 8} follow"
        )
    if length > _HEADER_LIMIT:
        raise ValueError(f"its header of {length} bytes is above the limit of {_HEADER_LIMIT}")


def _wrong_length(path: Path) -> str | None:
    """Return by how much a file that the library refused is too short or too long, if it is."""
    # The library's own reason has no numbers. What the header says may be of any type.
    with suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            entries = json.loads(file.read(length))
            size = os.fstat(file.fileno()).st_size - 8 - length
        entries.pop(_METADATA, None)
        ends = {name: entry["data_offsets"][1] for name, entry in entries.items()}
        if not all(type(end) is int and 0 <= end < 2**63 for end in ends.values()):
            return None
        name = max(ends, key=ends.__getitem__)
        more = ends[name] - size
        if more > 0:
            return f"{_place(name)} ends {more} bytes after the file"
        if more < 0:
            return f"it is damaged: {-more} bytes follow its last array"
    return None


def _loads(text: str) -> Header:
    """Return the JSON object of a text, refusing what JSON forbids and Python lets pass."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_finite,
            parse_float=_finite,
            parse_int=_integer,
        )
    except ValueError as error:
        raise ValueError(f"it is not an attractory memory, or damaged: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("it is not an attractory memory (its header is no JSON object)")
    return value


def _unique(pairs: list[tuple[str, object]]) -> Header:
    value: Header = {}
    for key, item in pairs:
        if key in value:
            raise ValueError(f"name {reprlib.repr(key)} occurs twice")
        value[key] = item
    return value


def _finite(text: str) -> float:
    number = float(text)  # also of 1e999, which is JSON
    if not math.isfinite(number):
        raise ValueError(f"number {text[:20]} is not finite")
    return number


def _integer(text: str) -> int:
    if len(text) > _DIGITS_LIMIT:  # the time to read one grows as its square
        raise ValueError(f"integer {text[:20]}… has {len(text)} digits")
    return int(text)


def _document(metadata: dict[str, str]) -> tuple[Header, str]:
    """Return the header and the digest that it should have."""
    text = metadata.get("attractory")
    if text is None:
        raise ValueError("it is not an attractory memory (its metadata has no text 'attractory')")
    document = _loads(text)
    if document.get("format") != _FORMAT:
        raise ValueError(
            f"it is not an attractory memory (its format is {reprlib.repr(document.get('format'))})"
        )
    version = document.get("version")
    if type(version) is int and version > _VERSION:
        raise ValueError(
            f"it was written by a newer attractory (version {reprlib.repr(version)} of the format, "
            f"this one reads {_VERSION}); upgrade attractory"
        )
    if type(version) is not int or version < 1:
        raise ValueError(f"it is damaged: its version is {reprlib.repr(version)}")
    if document.keys() != {"format", "version", "header", "sha256"}:
        raise ValueError(f"it is damaged: its document has {reprlib.repr(list(document))}")
    header, digest = document["header"], document["sha256"]
    if not (isinstance(header, dict) and isinstance(digest, str)):
        raise ValueError("it is damaged: its header is no JSON object, or its digest no text")
    return header, digest
