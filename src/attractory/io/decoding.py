"""One file of a user's as rows: images, arrays, tables and IDX files, damaged or not.

A file is judged by its first bytes, and nothing is allocated on a header's word alone. Reading
never runs code.
"""

import gzip
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from jaxtyping import Float

from attractory._util.byte_file import ByteFile
from attractory.datasets import idx_array
from attractory.io.arrays import read_npy, read_npz
from attractory.io.images import AS_IT_IS, Look, fitted, read_image
from attractory.io.kinds import IMAGE_KINDS, Refused, kind_of
from attractory.io.tables import Column, read_table

__all__ = ["STDIN", "Decoded", "Shape", "open_file", "read_rows"]

STDIN = Path("-")
_PIPED = 2**32  # bytes that are taken from a pipe
_CHUNK = 2**20

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Decoded:
    """What one file holds.

    Attributes:
        rows: (n, d).
        shape: of the images that the rows are; None for plain vectors.
        labels: names of the rows, if the file has them.
        columns: names of the numbers, if the file has them.
        table: whether the file is a table of text.
        notes: what was left out, as parts of a sentence.
    """

    rows: Float[np.ndarray, "n d"]
    shape: Shape | None
    labels: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    table: bool = False
    notes: tuple[str, ...] = ()


def read_rows(
    path: Path,
    shape: Shape | None,
    look: Look,
    index_column: Column | None = None,
    missing: bool = False,
) -> Decoded:
    """Return what a file holds, or refuse the file.

    Args:
        path: of a file, or `STDIN`.
        shape: an array of just this shape is one image.
        look: what images are made to look like.
        index_column: of tables, the column that is no number of a pattern.
        missing: whether numbers may be missing: NaN, in tables empty cells, too.

    Raises:
        Refused: with the reason, which goes on from the file's name.
        OSError: if it cannot be read.
    """
    with open_file(path) as (file, length):
        try:
            found = _decoded(file, length, path.name, shape, look, index_column, missing)
        except (Refused, OSError, MemoryError):
            raise
        except Exception as error:  # whatever damage leads a decoder to
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise Refused(f"is damaged, or not what it seems ({reason[:200]})") from None
    _usable(found.rows, missing)
    return found


@contextmanager
def open_file(path: Path) -> Iterator[tuple[ByteFile, int]]:
    """Open a file or what is piped in, and tell its length."""
    if path == STDIN:
        piped = getattr(sys.stdin, "buffer", None)
        if piped is None:
            raise Refused("is closed; give a file")
        with tempfile.TemporaryFile() as file:
            length = 0
            while block := piped.read(_CHUNK):
                length += file.write(block)
                if length > _PIPED:
                    raise Refused(f"brings more than {_PIPED:,} bytes; save them as a file")
            file.seek(0)
            yield file, length
        return
    if not path.is_file():  # a pipe would wait for ever
        raise Refused("is no regular file" if path.exists() else "does not exist")
    with path.open("rb") as file:
        yield file, os.fstat(file.fileno()).st_size


def _decoded(
    file: ByteFile,
    length: int | None,
    name: str,
    shape: Shape | None,
    look: Look,
    index_column: Column | None,
    missing: bool,
) -> Decoded:
    kind = kind_of(file, name)
    if kind in IMAGE_KINDS:
        pixels = fitted(read_image(file, kind), look)
        return Decoded(pixels.reshape(1, -1), pixels.shape)
    if kind == "gzip":
        if length is None:
            raise Refused("is packed twice; unpack it once")
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                inner = name[:-3] if name.lower().endswith(".gz") else name
                if Path(inner).suffix.lower() not in (".csv", ".tsv") and inner != STDIN.name:
                    inner = "-.idx"
                return _decoded(unpacked, None, inner, shape, look, index_column, missing)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Refused(f"is a damaged gzip file: {error}") from None
    if kind == "table":
        tabs = name.lower().endswith(".tsv")
        packed = length is None
        table = read_table(
            file, tabs=tabs, packed=packed, index_column=index_column, missing=missing
        )
        return Decoded(table.rows, None, table.labels, table.columns, True, table.notes)
    if length is not None and length > psutil.virtual_memory().available:
        raise MemoryError
    if kind == "npz":
        array = read_npz(file)
    elif kind == "npy":
        array = read_npy(file, length)
    else:
        try:
            array = idx_array(file, length)
        except ValueError as error:
            raise Refused(str(error)) from None
        if array.ndim == 1:
            raise Refused(f"holds {len(array)} single numbers (labels?); give the file of images")
    rows, own = _as_rows(array, shape)
    if own is None or look == AS_IT_IS:
        return Decoded(rows, own)
    images = np.stack([fitted(row.reshape(own), look) for row in rows])
    return Decoded(images.reshape(len(images), -1), images.shape[1:])


def _usable(rows: Float[np.ndarray, "n d"], missing: bool) -> None:
    bad = np.isinf(rows) if missing else ~np.isfinite(rows)
    if bad.any():
        row, column = divmod(int(bad.argmax()), rows.shape[1])
        raise Refused(
            f"holds {rows[row, column]} in row {row}, column {column} ({bad.sum()} such values); "
            "remove or fill them first"
        )


def _as_rows(array: np.ndarray, shape: Shape | None) -> tuple[np.ndarray, Shape | None]:
    if array.size == 0:
        raise Refused(f"is empty, of shape {array.shape}")
    if array.ndim == 1 or array.shape == shape:
        array = array[None]
    if array.ndim not in (2, 3) and array.shape[3:] != (3,):
        raise Refused(
            f"has shape {array.shape}; patterns take (n, d), (n, height, width) or "
            "(n, height, width, 3)"
        )
    if 16 * array.size > psutil.virtual_memory().available:
        raise MemoryError
    with np.errstate(over="ignore"):  # of long doubles; seen as infinite afterwards
        rows = array.reshape(len(array), -1).astype(np.float64)
    if array.dtype == np.uint8:
        rows /= 255
    return rows, array.shape[1:] if array.ndim > 2 else None
