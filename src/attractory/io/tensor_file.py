"""Files that hold a header and named arrays: written whole or not at all, checked when read.

A file is in the safetensors format, which holds no code. Its metadata has one entry, `attractory`,
a JSON document with the format's name and version, the header, and a SHA-256 digest over these and
every array, so that damage is found and not loaded.
"""

import errno
import hashlib
import json
import math
import os
import re
import reprlib
import secrets
import shutil
import time
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["StorageError", "read_file", "write_file"]

_FORMAT, _VERSION = "attractory-memory", 1
_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "|u1", "BOOL": "|b1"}
_CODES = {text: code for code, text in _DTYPES.items()}
_HEADER_LIMIT = 16_000_000  # bytes of JSON; room for a hundred thousand names
_DEPTH_LIMIT = 32  # far from where Python's JSON runs out of stack
_RANK_LIMIT = 64  # NumPy's
_DIGITS_LIMIT = 309  # those of 2¹⁰²³ and a sign
_STALE = 3600.0  # seconds
_METADATA = "__metadata__"


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


def write_file(path: str | Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write a header and named arrays to one file, replacing the file that is there.

    The old file stays whole until the new one is complete and on disk, also if the process or the
    machine stops half-way; a reader sees one or the other. A link is followed.

    Args:
        path: the file; its folder must exist.
        header: finite numbers, strings, booleans, None, and lists and dictionaries of these, at
            most 32 deep.
        arrays: float64, float32, int64, uint8 or bool, of any shape, floats finite.

    Raises:
        FileNotFoundError: if the folder does not exist.
        IsADirectoryError: if the path is a folder.
        TypeError: if a value has a type that the file cannot hold.
        ValueError: if a number is not finite, or a text not UTF-8, or the header too large or deep.
        OSError: if the file cannot be written, as on a full disk; the old one stays.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "squares"
        >>> write_file(path, {"power": 2}, {"values": np.arange(5) ** 2})
        >>> header, arrays = read_file(path)
        >>> header, arrays["values"].tolist()
        ({'power': 2}, [0, 1, 4, 9, 16])
    """
    target = _target(path)
    _check_header(header, "header", 0)
    held = {name: _array(value, name) for name, value in arrays.items()}
    # Wide types first, by the rule of the format: each array then lies at a multiple of its width.
    held = dict(sorted(held.items(), key=lambda item: (-item[1].itemsize, item[0])))
    start = _start(header, held)
    with suppress(OSError):  # a folder may be open to writing and closed to listing
        _remove_stale(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            with suppress(FileNotFoundError):  # nothing to replace
                shutil.copymode(target, temporary)
            file.write(start)
            for array in held.values():
                file.write(_bytes(array))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:  # an interruption too
        with suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(target.parent)


def read_file(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
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
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ValueError(f"it is {'a folder' if path.is_dir() else 'no regular file'}")
        with path.open("rb") as file:
            return _read(file)
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


def _check_header(value: Any, where: str, depth: int) -> None:
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


def _array(value: Any, name: Any) -> np.ndarray:
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


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _digest(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Return the digest over one line of JSON, which says what follows, and the arrays' bytes."""
    tensors = [[name, _CODES[a.dtype.str], list(a.shape)] for name, a in arrays.items()]
    digest = hashlib.sha256(_dumps([_FORMAT, _VERSION, header, tensors]).encode())
    for array in arrays.values():
        digest.update(_bytes(array))
    return digest.hexdigest()


def _start(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """Return what comes before the arrays: the length of the JSON, and the JSON."""
    sha256 = _digest(header, arrays)
    document = {"format": _FORMAT, "version": _VERSION, "header": header, "sha256": sha256}
    outer: dict[str, Any] = {_METADATA: {"attractory": _dumps(document)}}
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


def _remove_stale(target: Path) -> None:
    """Remove what writers of the same file left when they were killed."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.\d+\.[0-9a-f]{{16}}\.tmp")
    for entry in os.scandir(target.parent):
        if ours.fullmatch(entry.name):
            with suppress(OSError):  # another writer may be as quick
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


def _read(file: BufferedReader) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    # The size of the file that is open: another may have taken its name since.
    size = os.fstat(file.fileno()).st_size
    if size < 8:
        raise ValueError(f"it is not an attractory memory (it has {size} bytes)")
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        raise ValueError(
            "it is not an attractory memory, or is cut short: its first 8 bytes announce a header "
            f"of {length} bytes, and {size - 8} follow"
        )
    if length > _HEADER_LIMIT:
        raise ValueError(f"its header of {length} bytes is above the limit of {_HEADER_LIMIT}")
    outer = _loads(file.read(length))
    header, digest = _document(outer.pop(_METADATA, None))
    layout = _layout(outer, size - 8 - length)
    arrays = {name: _fill(file, name, *what) for name, what in layout.items()}
    if _digest(header, arrays) != digest:
        raise ValueError("it is damaged: its content does not have the digest it was written with")
    native = {name: a.astype(a.dtype.newbyteorder("="), copy=False) for name, a in arrays.items()}
    return header, native


def _loads(text: bytes | str) -> dict[str, Any]:
    """Return the JSON object of a text, refusing what JSON forbids and Python lets pass."""
    try:
        value = json.loads(
            text.decode() if isinstance(text, bytes) else text,
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
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


def _document(metadata: Any) -> tuple[dict[str, Any], str]:
    """Return the header and the digest that it should have."""
    text = metadata.get("attractory") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
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


def _layout(entries: dict[str, Any], size: int) -> dict[str, tuple[str, list[int]]]:
    """Return the dtype and shape of each array, once they are known to fill the file exactly."""
    layout: dict[str, tuple[str, list[int]]] = {}
    end = 0
    for name, entry in entries.items():
        where = f"it is damaged: array {reprlib.repr(name)}"
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"{where} must have a dtype, a shape and data_offsets")
        code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(code, str) or code not in _DTYPES:
            raise ValueError(f"{where} has the unknown dtype {reprlib.repr(code)}")
        if not _naturals(shape) or len(shape) > _RANK_LIMIT:
            raise ValueError(f"{where} has the impossible shape {reprlib.repr(shape)}")
        begin, end = end, end + math.prod(shape) * np.dtype(_DTYPES[code]).itemsize
        if not _naturals(offsets) or offsets != [begin, end]:
            raise ValueError(
                f"{where} must lie at bytes {reprlib.repr([begin, end])} by its shape, "
                f"got {reprlib.repr(offsets)}"
            )
        if end > size:
            raise ValueError(f"{where} ends {reprlib.repr(end - size)} bytes after the file")
        layout[name] = _DTYPES[code], shape
    if end != size:
        raise ValueError(f"it is damaged: {size - end} bytes follow its last array")
    return layout


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(k) is int and 0 <= k < 2**63 for k in value)


def _fill(file: BufferedReader, name: str, dtype: str, shape: list[int]) -> np.ndarray:
    array = np.empty(shape, dtype)
    place = f"array {reprlib.repr(name)}"
    if file.readinto(_bytes(array)) != array.nbytes:  # the file shrank since it was opened
        raise ValueError(f"it is cut short within {place}")
    _check_values(array, f"it is damaged: {place}")
    return array
