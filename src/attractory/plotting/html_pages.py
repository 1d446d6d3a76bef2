"""Pages of HTML that need no other file: their style, and pictures within the text."""

import base64
import io
from importlib.resources import files

from matplotlib.figure import Figure

__all__ = ["message_of", "page_style", "png_of", "text_of"]


def page_style() -> str:
    """Return the style sheet of the reports.

    Example:
        >>> "body" in page_style()
        True
    """
    return (files("attractory.plotting") / "report.css").read_text(encoding="utf-8")


def png_of(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def text_of(content: bytes) -> str:
    """Return bytes in base 64, as pages hold them.

    Example:
        >>> text_of(b"abc")
        'YWJj'
    """
    return base64.b64encode(content).decode("ascii")


def message_of(figure: Figure) -> str:
    """Return a figure's title in one line.

    Example:
        >>> from attractory.plotting.style import new_figure
        >>> figure = new_figure(2.0, 2.0)
        >>> _ = figure.subplots().set_title("it grows\\nfast")
        >>> message_of(figure)
        'it grows fast'
    """
    titles = [figure.get_suptitle(), *(axis.get_title() for axis in figure.axes)]
    return " ".join(next((title for title in titles if title), "").split())
