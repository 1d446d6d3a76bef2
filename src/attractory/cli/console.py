"""What all commands print: progress, warnings and errors on stderr, tables on stdout."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["complain", "one_line", "show", "working"]


@contextmanager
def working(text: str | None) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is being done, on stderr; print warnings at the end.

    Args:
        text: shown first; None for work that shows its own bar.
    """
    from rich.console import Console
    from rich.markup import escape

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if text is None:
            yield lambda text: None
        else:
            with Console(stderr=True).status(escape(text)) as status:
                yield lambda text: status.update(escape(text))
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        complain(f"warning: {message}")


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"attractory: {' '.join(message.split())}", file=sys.stderr)


def one_line(name: str) -> str:
    """Return a name that can be printed: names of files may hold line breaks and escape codes."""
    return "".join(c if c.isprintable() else "�" for c in name)


def show(table: "Table", width: int = 110) -> None:
    """Print a table on stdout, this wide if stdout is no terminal."""
    from rich.console import Console

    # Brackets in names of files are no markup.
    console = Console(width=None if sys.stdout.isatty() else width, markup=False, emoji=False)
    console.print(table)
