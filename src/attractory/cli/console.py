"""What all commands show alike: progress, warnings, lines on stderr, and tables."""

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
    """Show on stderr what goes on, by the function yielded, and afterwards the warnings it met.

    Args:
        text: shown first; None for work that shows a bar of its own.
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
    """Return a name that can be printed: files may be named by line breaks and escape codes."""
    return "".join(c if c.isprintable() else "�" for c in name)


def show(table: "Table", width: int = 110) -> None:
    """Print a table on stdout, of a fixed width where it is no terminal."""
    from rich.console import Console

    # Names of files are no markup.
    console = Console(width=None if sys.stdout.isatty() else width, markup=False, emoji=False)
    console.print(table)
