"""What all commands print: progress, warnings and errors on stderr, results on stdout.

Everything goes through here. Names come from files and folders, and may hold escape codes.
"""

import json
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attractory._util.progress import Stderr

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["complain", "counting_to", "one_line", "print_json", "say", "show", "working"]


@contextmanager
def working(text: str | None) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is being done, on stderr; print warnings at the end.

    Args:
        text: shown first; None for work that shows its own bar.
    """
    from rich.markup import escape

    def plain(text: str) -> str:
        return escape(one_line(text))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if text is None:
            yield lambda text: None
        else:
            console = _console(file=Stderr(sys.stderr))
            spinner = "dots" if console.encoding.lower().startswith("utf") else "line"
            with console.status(plain(text), spinner=spinner) as status:
                yield lambda text: status.update(plain(text))
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        complain(f"warning: {message}")


def counting_to(tell: Callable[[str], object], what: str) -> Callable[[int, int], None]:
    """Return a function of what is done and of all there is, which tells it."""

    def show(done: int, total: int) -> None:
        tell(f"{what} {min(done + 1, total)} of {total}")

    return show


def complain(message: str) -> None:
    """Print one line on stderr."""
    # Not `print`, which takes standard output if there is no standard error.
    Stderr(sys.stderr).write(f"attractory: {one_line(' '.join(message.split()))}\n")


def say(text: str) -> None:
    """Print one line on stdout."""
    print(one_line(text))


def print_json(report: Any) -> None:
    """Print a report as JSON, in ASCII, so that every terminal and every pipe takes it."""
    print(json.dumps(report, indent=2).replace("\x7f", "\\u007f"))


def one_line(name: str) -> str:
    """Return a text that can be printed: names of files may hold line breaks and escape codes."""
    # Spaces of other widths do no harm, and are part of the names that some systems give.
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else "�" for c in name)


def show(table: "RenderableType", width: int = 110) -> None:
    """Print a table, or words broken into lines, this wide if stdout is no terminal."""
    console = _console()
    if not console.is_terminal:
        console.width = width
    console.print(table)


def _console(**options: Any) -> "Console":
    """Return a console that prints brackets as they are, and no codes but its own."""
    from rich.console import Console
    from rich.text import Text

    class Plain(Console):
        def render_str(self, text: str, **how: Any) -> Text:  # cells, headings and captions
            return super().render_str("\n".join(map(one_line, text.split("\n"))), **how)

    return Plain(markup=False, emoji=False, **options)
