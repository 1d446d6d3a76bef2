"""Tables of numbers as text: one pattern a line, separated by commas, semicolons, tabs or spaces.

Read line by line, so that what is no table is left after its first lines.
"""

import csv
import io
import itertools
import re
from array import array
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO, cast

import numpy as np
from jaxtyping import Float

from attractory._util.byte_file import ByteFile
from attractory.io.kinds import Refused

__all__ = ["Column", "Table", "read_table"]

Column = int | str

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)
# Digits with signs of other habits: 1,5  1_000  1.000,5  1'000  0x10  1e 5  12 %  −1  ٣
_NEARLY = re.compile(
    r"[-+−(€$£¥_\s]*(?:0[xob][0-9a-fp.+-]+|[.,]?\d[\d.,'’_\s]*(?:[dej][+−_\s-]*[\d._]*)?)"
    r"\s*[lfj)%€$£¥²³]*",
    re.IGNORECASE,
)
_INTEGER = re.compile(r"[0-9]+")
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}  # cells that tell no number, in small
_LINE = 2**26  # characters; a row of 2²² numbers of 16 digits
_BEFORE = 2**20  # characters of header, comments and empty lines before the first numbers
_UNNAMED = ("", "Unnamed: 0")  # what pandas calls an index
_UNPACKED = 2**27  # characters; MNIST as a table has 109 million
_UNPACKED_LINES = 2**22
_COUNTED = 10  # from so many columns on, names 0, 1, 2, … are no pattern even among integers


@dataclass(frozen=True)
class Table:
    """What a table holds.

    Attributes:
        rows: (n, d).
        labels: of the rows, from an index column; None without.
        columns: names of the d columns, from the header; None without.
        notes: what was left out, as parts of a sentence.
    """

    rows: Float[np.ndarray, "n d"]
    labels: tuple[str, ...] | None
    columns: tuple[str, ...] | None
    notes: tuple[str, ...]


def read_table(
    file: ByteFile,
    *,
    tabs: bool,
    packed: bool,
    index_column: Column | None = None,
    missing: bool = False,
) -> Table:
    """Read a table that is open at its start.

    Args:
        file: to read from.
        tabs: whether only tabs separate, as in .tsv files.
        packed: whether the file is unpacked as it is read, and so may be longer than it looks.
        index_column: name or place (from 0) of a column that holds no numbers of a pattern.
        missing: whether empty cells, NA and the like are NaN; otherwise they are refused.

    Raises:
        Refused: with the line and the cell that is wrong.
    """
    with closing(_lines(file, packed)) as lines:
        return _read(lines, tabs, _Reader(index_column, missing))


def _read(lines: Iterator[tuple[int, str]], tabs: bool, reader: "_Reader") -> Table:
    first = list(itertools.islice(lines, 2))
    if not first:
        raise Refused(_NONE)
    marks = ["\t" if tabs else _separator(line) for _, line in first]
    # A header may have other marks than the lines of numbers.
    separator = marks[-1 if _are_names(_split(first[0][1], marks[0])) else 0]
    cells = _cells(itertools.chain(first, lines), separator)
    return reader.read(cells)


def _separator(line: str) -> str | None:
    return next((mark for mark in ";," if mark in line), None)


def _split(line: str, separator: str | None) -> list[str]:
    return [cell.strip(' \t\r\n"') for cell in line.split(separator)]


def _are_names(cells: list[str]) -> bool:
    """Whether the cells of a first line are names: none is a number, and not all nearly one."""
    if any(map(_NUMBER.fullmatch, cells)):
        return False
    return not all(map(_NEARLY.fullmatch, cells))


_NONE = "is empty: no line holds only numbers (decimals take a point)"


class _Reader:
    """Rows as they come, and what the first lines decide on them."""

    def __init__(self, index_column: Column | None, missing: bool) -> None:
        self.asked = index_column
        self.missing = missing
        self.header: list[str] | None = None
        self.index: int | None = None  # the column left out
        self.guessed = False  # by its empty name
        self.doubtful = False  # whether the header may be a pattern that lacks its first number
        self.labels: list[str] = []
        self.numbers = array("d")  # of all rows, one after the other
        self.dim = 0  # numbers in a row; 0 before the first
        self.fractions = False  # whether a cell is spelled otherwise than as an integer

    def read(self, lines: Iterator[tuple[int, list[str]]]) -> Table:
        for number, cells in lines:
            if self.header is None and not self.dim:
                cells = [cell.strip() for cell in cells]
                if self._is_header(cells):
                    self.header = cells
                    self._find_index(cells)
                    continue
            self._take(number, cells)
        if not self.dim:
            raise Refused(_NONE)
        return self._table()

    def _is_header(self, cells: list[str]) -> bool:
        """Whether a first line names columns.

        Names that count from 0, as pandas gives them, come after the index's empty name.
        """
        if cells[0] in _UNNAMED and len(cells) > 1:
            self.doubtful = not (_counts(cells[1:]) or _are_names(cells[1:]))
            return True
        return _are_names(cells)

    def _find_index(self, header: list[str]) -> None:
        if isinstance(self.asked, str) and self.asked in header:
            self.index = header.index(self.asked)
        elif self.asked is None and len(header) > 1 and header[0] in _UNNAMED:
            self.index, self.guessed = 0, True

    def _take(self, number: int, cells: list[str]) -> None:
        if self.index is None and self.asked is not None:
            self._place(len(cells))
        if not self.dim and self.header and len(cells) == len(self.header) + 1:
            self.header = ["", *self.header]  # R leaves out the name of its rows' names
            self._find_index(self.header)
        if self.index is not None and self.index < len(cells):
            self.labels.append(cells[self.index].strip())
            cells = cells[: self.index] + cells[self.index + 1 :]
        row = self._row(number, cells)
        if self.dim and len(row) != self.dim:
            raise Refused(
                f"has {len(row)} numbers in line {number} where the first pattern has "
                f"{self.dim}; every pattern takes as many"
            )
        if not row:
            raise Refused(f"has no numbers in line {number} beside its index column")
        self.dim = len(row)
        self.numbers.extend(row)

    def _row(self, number: int, cells: list[str]) -> list[float]:
        together = "".join(cells)
        if self.dim:
            self.fractions = self.fractions or not together.isdigit()
        with suppress(ValueError):
            if together.isascii() and "_" not in together:  # float() takes nothing else then
                return list(map(float, cells))
        values = []
        for k, cell in enumerate(map(str.strip, cells)):
            value = self._number(cell)
            if value is None:
                raise Refused(self._wrong(number, k, cell))
            values.append(value)
        return values

    def _number(self, cell: str) -> float | None:
        """Return a cell's number, NaN if it may be missing and is, None if it is none."""
        lacking = self.missing and cell.lower() in _MISSING
        return float("nan") if lacking else _value(cell)

    def _wrong(self, number: int, place: int, cell: str) -> str:
        """Say which cell is no number, and what would do."""
        place += self.index is not None and self.index <= place
        column = place
        if self.header is not None and place < len(self.header):
            column = self.header[place][:40] or place
        what = f"has {cell[:40]!r} for a number in line {number}, column {column!r}"
        if re.search(r"\d,|,\d", cell):
            return f"{what}; decimals take a point"
        if cell.lower() in _MISSING:
            return f"{what}; fill it or leave the line out: only cues may lack numbers"
        if not self.dim and self.asked is None:
            return (
                f"{what}; if this column names the patterns, --index-column {column} says so "
                "(index_column), else leave it out"
            )
        return what

    def _place(self, count: int) -> None:
        """Find the column that was asked for by its place."""
        asked = self.asked
        if isinstance(asked, str) and not _INTEGER.fullmatch(asked):
            names = f"; there are {', '.join(self.header)[:200]}" if self.header else ""
            raise Refused(f"has no column {asked!r}{names}")
        place = int(asked or 0)
        if place >= count:
            raise Refused(f"has no column {place}; the first is 0, the last {count - 1}")
        self.index = place

    def _table(self) -> Table:
        notes: list[str] = []
        rows = np.frombuffer(self.numbers).reshape(-1, self.dim)
        labels = None if self.index is None else tuple(self.labels)
        columns = self.header
        kept = _measured(self.labels) if self.guessed else None
        if self.doubtful and not (kept is None and _counts(self.labels)):
            return self._without_header(rows)
        if kept is not None:
            rows, labels = np.concatenate([kept[:, None], rows], axis=1), None
        elif self.index is not None and columns is not None:
            columns = columns[: self.index] + columns[self.index + 1 :]
        if self.guessed and kept is None:
            notes.append("its first column, which has no name, was taken for an index")
        if labels is not None and _counts(self.labels):
            labels = None  # no more than the rows' own numbers
        if columns is None and self._counted(rows):
            columns, rows = [str(k) for k in range(rows.shape[1])], rows[1:]
            labels = labels[1:] if labels is not None else None
            notes.append("its first line, 0, 1, 2, …, was taken for names of columns")
        fits = columns is not None and len(columns) == rows.shape[1]
        return Table(rows, labels, tuple(columns or ()) if fits else None, tuple(notes))

    def _without_header(self, rows: Float[np.ndarray, "n d"]) -> Table:
        """Return the table of which the first line is a pattern that lacks its first number."""
        first = [self._number(cell) for cell in self.header or ()]
        column = [self._number(cell) for cell in self.labels]
        if None in first or None in column:
            raise Refused(self._wrong(1, 0, ""))
        below = np.concatenate([np.array(column, np.float64)[:, None], rows], axis=1)
        return Table(np.concatenate([np.array([first], np.float64), below]), None, None, ())

    def _counted(self, rows: Float[np.ndarray, "n d"]) -> bool:
        """Whether the first row is names 0 … d − 1, which pandas gives to columns without any."""
        n, dim = rows.shape
        if n < 2 or dim < 2 or not (rows[0] == np.arange(dim)).all():
            return False
        goes_on = (rows[1] == np.arange(dim, 2 * dim)).all()
        return not goes_on and (self.fractions or dim >= _COUNTED)


def _counts(cells: list[str]) -> bool:
    """Whether cells are 0, 1, 2, …"""
    return all(cell == str(k) for k, cell in enumerate(cells))


def _measured(labels: list[str]) -> Float[np.ndarray, " n"] | None:
    """Return an unnamed column's numbers if it cannot be an index: fractions, or numbers twice."""
    values = [_value(label) for label in labels]
    if None in values:
        return None
    integers = all(re.fullmatch(r"[+-]?[0-9]+", label) for label in labels)
    if integers and len(set(labels)) == len(labels):
        return None
    return np.array(values, np.float64)


def _value(cell: str) -> float | None:
    return float(cell) if _NUMBER.fullmatch(cell) else None


def _lines(file: ByteFile, packed: bool) -> Generator[tuple[int, str], None, None]:
    """Yield the lines that are neither empty nor comments, with their numbers."""
    start = file.read(2)
    file.seek(0)
    # Numbers are ASCII; what a header or a comment has in another encoding does not matter.
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = io.TextIOWrapper(cast(IO[bytes], file), encoding, errors="replace")
    number = read = 0
    found = False
    try:
        while line := text.readline(_LINE):
            number, read = number + 1, read + len(line)
            if len(line) >= _LINE:
                raise Refused(f"has a line of more than {_LINE:,} characters (line {number})")
            if packed and (read > _UNPACKED or number > _UNPACKED_LINES):
                raise Refused(
                    f"unpacks to more than {_UNPACKED:,} characters or {_UNPACKED_LINES:,} lines; "
                    "unpack it first, or split it"
                )
            if "\0" in line:
                raise Refused("is no text; save it as numbers separated by commas")
            if line.strip() and not line.lstrip().startswith("#"):
                found = True
                yield number, line
            elif not found and read > _BEFORE:
                raise Refused(f"is no table: no numbers in its first {_BEFORE:,} characters")
    finally:
        text.detach()  # the file is closed by who opened it


def _cells(
    lines: Iterable[tuple[int, str]], separator: str | None
) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line, without quotes and spaces around them."""
    if separator is None:
        for number, line in lines:
            yield number, line.split()
        return
    place = 1

    def texts() -> Iterator[str]:
        nonlocal place
        for number, line in lines:
            place = number
            yield line

    try:
        for cells in csv.reader(texts(), delimiter=separator, skipinitialspace=True):
            yield place, cells
    except csv.Error as error:
        raise Refused(f"has a cell without an end in line {place} ({error})") from None
