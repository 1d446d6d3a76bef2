"""Columns of numbers as tables of text and of HTML, cut after some rows."""

from collections.abc import Mapping, Sequence
from html import escape

__all__ = ["html_table", "text_table"]

_MOST = 20  # rows shown


def text_table(columns: Mapping[str, Sequence[str]], more: str) -> str:
    """Return lines with columns to the right, and at most 20 rows.

    Args:
        columns: cells by heading.
        more: where the others are.

    Example:
        >>> print(text_table({"row": ["0", "11"], "radius": ["0.5", "1.25"]}, "elsewhere"))
        row  radius
          0     0.5
         11    1.25
    """
    widths = [max(map(len, [head, *cells[:_MOST]])) for head, cells in columns.items()]
    count = len(next(iter(columns.values())))
    lines = [list(columns), *zip(*(cells[:_MOST] for cells in columns.values()), strict=True)]
    text = ["  ".join(f"{c:>{w}}" for c, w in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(text) + (f"\n… {count - _MOST} more: {more}" if count > _MOST else "")


def html_table(columns: Mapping[str, Sequence[str]], caption: str, more: str) -> str:
    """Return the same as an HTML table with a caption.

    Example:
        >>> html_table({"row": ["0"]}, "one row", "elsewhere")
        '<table><caption>one row</caption><tr><th>row</th></tr><tr><td>0</td></tr></table>'
    """
    count = len(next(iter(columns.values())))
    lines = zip(*(cells[:_MOST] for cells in columns.values()), strict=True)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines
    )
    head = "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in columns) + "</tr>"
    rest = f"; {count - _MOST} more: {more}" if count > _MOST else ""
    return f"<table><caption>{escape(caption + rest)}</caption>{head}{rows}</table>"
