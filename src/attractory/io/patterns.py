"""Patterns and cues from a user's files.

Pixels lie in [0, 1]. A file that cannot be used is named with the reason, and the others go on.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from attractory._util.validation import whole
from attractory.io.decoding import STDIN, Decoded, Shape, read_rows
from attractory.io.images import AS_IT_IS, Look
from attractory.io.kinds import KINDS, KNOWN, RECALL_TABLE, Refused
from attractory.io.names import natural, told_apart
from attractory.io.tables import Column

__all__ = ["Asked", "LoadedPatterns", "NothingRead", "Size", "load_patterns", "read_patterns"]

_LISTED = 10  # reasons that an error quotes
_NAMED = 3  # of what was left out


class NothingRead(ValueError):
    """No file could be used.

    Attributes:
        failed: path and reason of each.
        misfits: paths of those of another size than was asked for.
        notes: what was left out.
    """

    def __init__(
        self, failed: tuple[tuple[str, str], ...], misfits: tuple[str, ...], notes: tuple[str, ...]
    ) -> None:
        more = f"; and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
        reasons = "; ".join(f"{path} {reason}" for path, reason in failed[:_LISTED])
        super().__init__(f"paths must name a file that can be read, got none: {reasons}{more}")
        self.failed, self.misfits, self.notes = failed, misfits, notes


class _Misfit(Refused):
    """A file whose rows are of another size."""


@dataclass(frozen=True)
class LoadedPatterns:
    """Patterns read from files.

    Attributes:
        rows: one pattern a row, (n, d).
        names: of the rows, in order: the file's name, with [index] or [label] if it holds several
            rows, and with its folders where two files have one name.
        shape: (height, width) or (height, width, 3) of images; None for plain vectors.
        failed: path and reason of every file that could not be used; "path reason" is a sentence.
        misfits: those of the failed paths whose rows are of another size than the others'.
        notes: what was left out: columns of tables, subfolders, files of other kinds.
        paths: file of each row, in order.
        tables: whether all rows come from tables of text.
        columns: names of the numbers, if all tables agree on them.
    """

    rows: Float[np.ndarray, "n d"]
    names: tuple[str, ...]
    shape: tuple[int, ...] | None
    failed: tuple[tuple[str, str], ...]
    misfits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    tables: bool = False
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Size:
    """What the rows must be like, and who said so."""

    dim: int | None
    shape: Shape | None
    source: str = "the call asks for"
    mend: str = "make it alike, or load it by itself"

    def after(self, rows: np.ndarray, shape: Shape | None, name: str) -> "Size":
        """Return the size after one more file, or refuse it."""
        dim = rows.shape[1]
        clash = shape is not None and self.shape is not None and shape != self.shape
        if self.dim is not None and (dim != self.dim or clash):
            raise _Misfit(
                f"holds {_words(dim, shape)} where {self.source} {_words(self.dim, self.shape)}; "
                f"{self.mend}"
            )
        # A file of plain vectors leaves open what images of that many pixels look like.
        if self.dim is None or (self.shape is None and shape is not None):
            return Size(dim, shape, f"{name} holds", self.mend)
        return self

    @classmethod
    def asked(cls, shape: Shape | None, dim: int | None) -> "Size":
        """Return the size that a caller asks for, checked."""
        if dim is not None:
            dim = whole(dim, "dim", 1)
        if shape is None:
            return cls(dim, None)
        shape = tuple(whole(k, "shape's entries", 1) for k in shape)
        if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
            raise ValueError(f"shape must be (height, width) or (height, width, 3), got {shape}")
        count = int(np.prod(shape, dtype=object))
        if dim not in (None, count):
            raise ValueError(
                f"dim must be the {count} numbers of shape {shape}, got {dim}; leave it"
            )
        return cls(count, shape)


@dataclass(frozen=True)
class Asked:
    """What a reading asks for.

    Attributes:
        size: of the rows.
        look: what images are made to look like.
        index_column: name or place of a table's column that is no number of a pattern.
        recursive: whether folders mean the files in their subfolders, too.
        missing: whether numbers of vectors may be missing.
    """

    size: Size = Size(None, None)
    look: Look = AS_IT_IS
    index_column: Column | None = None
    recursive: bool = False
    missing: bool = False


def load_patterns(
    paths: str | Path | Sequence[str | Path],
    *,
    shape: tuple[int, ...] | None = None,
    dim: int | None = None,
    size: tuple[int, int] | None = None,
    grey: bool | None = None,
    index_column: Column | None = None,
    recursive: bool = False,
    missing: bool = False,
) -> LoadedPatterns:
    """Read patterns or cues from files and folders, one row each, as they come.

    The kind of a file follows from its first bytes; its name tells tables (.csv, .tsv, .txt):

    * PNG, JPEG, GIF, BMP, TIFF, WEBP: one image. Grey modes, and palettes of greys, give one
      channel; all else RGB. Transparent parts show a white ground. Orientation in EXIF is applied.
      Grey of 16 bits keeps them; in colour or with opacity, the upper 8 count. More than 2²⁴
      pixels, animations and several pages are refused.
    * .npy, and .npz with one array: one vector (d,), vectors (n, d), or images (n, height, width)
      or (n, height, width, 3). Pickles are never loaded.
    * Tables: one pattern a line, separated by commas, semicolons or white space (.tsv: tabs
      alone); a first line without any number is a header; lines that start with # are left out. A
      first column without a name that counts or names the lines, as pandas and R write it, is an
      index: its entries name the rows. A number is written as in 1, -0.5 or 2e-3.
    * IDX, of MNIST and others: (n, d) or images as above.

    IDX files and tables may be packed by gzip; a packed file of more than 2²⁸ numbers is refused.
    Unsigned bytes in arrays are divided by 255; other numbers are taken as they are. A folder means
    the files in it whose names end in .png, .jpg, .gif, .bmp, .tif, .webp, .npy, .npz, .csv, .tsv,
    .idx, -ubyte or .gz, in natural order (img2 before img10); not hidden files. The path "-" means
    standard input.

    Args:
        paths: of files and folders, or one; rows keep this order.
        shape: (height, width) or (height, width, 3) that images must have. Vectors of as many
            numbers count as such images, and so does an array of just this shape.
        dim: numbers a row must have. Without shape and dim, the first file that can be read decides
            for those after it.
        size: height and width to which images are scaled, whatever their proportions.
        grey: True makes images grey, False gives them three channels.
        index_column: of tables, name or place (from 0) of a column that is no number of a pattern;
            its entries name the rows.
        recursive: whether a folder also means the files in its subfolders.
        missing: whether NaN stays as it is, and tables may have empty cells, NA, null or ? for it,
            as `AttractorMemory.recall` takes them; otherwise a file that lacks a number fails.

    Returns:
        The rows, their names, the images' shape, and which files failed and why: missing, empty or
        damaged ones, those of another size or kind, and those that hold other things than finite
        numbers.

    Raises:
        ValueError: if there is no path, or no file can be used; with the reasons.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "two.csv").write_text("a; b; c\\n1; 2; 3\\n4; 5; 6\\n")
        >>> loaded = load_patterns([folder])
        >>> loaded.rows.tolist(), loaded.names
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ('two.csv[0]', 'two.csv[1]'))
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    if len(paths) == 0:
        raise ValueError("paths must name at least one file or folder, got none")
    look = Look(_height_and_width(size), None if grey is None else bool(grey))
    if not isinstance(index_column, str | None):
        index_column = whole(index_column, "index_column", 0)
    size_asked = Size.asked(shape, dim)
    asked = Asked(size_asked, look, index_column, bool(recursive), bool(missing))
    return read_patterns(paths, asked)


def read_patterns(paths: Sequence[str | Path], asked: Asked) -> LoadedPatterns:
    """Read patterns or cues; `load_patterns` has all there is to say."""
    size, shape = asked.size, asked.size.shape
    parts: list[Decoded] = []
    files: list[Path] = []
    names: list[str] = []
    failed: list[tuple[str, str]] = []
    misfits: list[str] = []
    notes: list[str] = []
    for given in map(Path, paths):
        found: list[tuple[Path, str]] = []
        with _noting(given, failed, misfits):
            found = _spread(given, asked.recursive, notes)
        for path, name in found:
            with _noting(path, failed, misfits):
                part = read_rows(path, shape, asked.look, asked.index_column, asked.missing)
                size = size.after(part.rows, part.shape, name)
                parts.append(part)
                files.append(path)
                names.append(name)
                notes += [f"{path}: {note}" for note in part.notes]
    if not parts:
        raise NothingRead(tuple(failed), tuple(misfits), tuple(notes))
    named = [
        name if len(part.rows) == 1 and part.labels is None else f"{name}[{label}]"
        for name, part in zip(told_apart(files, names), parts, strict=True)
        for label in part.labels or range(len(part.rows))
    ]
    columns = {part.columns for part in parts}
    return LoadedPatterns(
        rows=np.concatenate([part.rows for part in parts]),
        names=tuple(named),
        shape=size.shape,
        failed=tuple(failed),
        misfits=tuple(misfits),
        notes=tuple(notes),
        paths=tuple(p for p, part in zip(files, parts, strict=True) for _ in part.rows),
        tables=all(part.table for part in parts),
        columns=columns.pop() if len(columns) == 1 else None,
    )


def _height_and_width(size: tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    if len(size) != 2:
        raise ValueError(f"size must be (height, width), got {tuple(size)}")
    height, width = (whole(k, "size's entries", 1, 4096) for k in size)
    return height, width


def _words(dim: int | None, shape: Shape | None) -> str:
    if shape is None:
        return f"rows of {dim} number{'s' * (dim != 1)}"
    return f"{'colour' if shape[2:] else 'grey'} images of {shape[0]} × {shape[1]} pixels"


@contextmanager
def _noting(path: Path, failed: list[tuple[str, str]], misfits: list[str]) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        failed.append((str(path), "does not fit into memory; split or shrink it"))
    except (ValueError, OSError) as error:
        cause = getattr(error, "strerror", None)
        reason = f"cannot be read: {cause}" if cause else str(error)
        failed.append((str(path), " ".join(reason.split())))
        if isinstance(error, _Misfit):
            misfits.append(str(path))


def _spread(path: Path, recursive: bool, notes: list[str]) -> list[tuple[Path, str]]:
    """Return a file itself, or the files of a folder, with their names."""
    if path == STDIN or not path.is_dir():
        return [(path, "stdin" if path == STDIN else path.name)]
    found, other, inner = [], [], []

    def unreadable(error: OSError) -> None:
        if error.filename == str(path):
            raise error
        notes.append(f"{error.filename}: left out: {error.strerror}")

    for folder, folders, files in os.walk(path, onerror=unreadable):
        shown = [name for name in folders if name[0] != "."]
        folders[:] = shown if recursive else []
        inner += [] if recursive else shown
        for file in (Path(folder) / name for name in files if name[0] != "."):
            known = file.name.lower().endswith(KNOWN) and file.is_file()
            known = known and file.name != RECALL_TABLE
            (found if known else other).append(file.relative_to(path))
    left = _left_out(other, "file", "of another kind", "of other kinds")
    left += _left_out([Path(name) for name in inner], "subfolder", "", "")
    if inner:
        left[-1] += ", which recursive takes in"
    if not found:
        ending = f"; left out {' and '.join(left)}" if left else ""
        raise Refused(f"is a folder without any file of a known kind ({KINDS}){ending}")
    notes += [f"{path}: left out {text}" for text in left]
    return [(path / name, name.as_posix()) for name in sorted(found, key=natural)]


def _left_out(paths: list[Path], what: str, one: str, many: str) -> list[str]:
    if not paths:
        return []
    named = ", ".join(map(str, sorted(paths, key=natural)[:_NAMED]))
    more = ", …" if paths[_NAMED:] else ""
    kind = f"{what} {one}" if len(paths) == 1 else f"{what}s {many}"
    return [f"{len(paths)} {kind.strip()} ({named}{more})"]
