"""Pictures of rows that are images, grey or in colour.

As in `plotting.spectra`, each function returns a `matplotlib.figure.Figure`.
"""

import textwrap
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points
from attractory.plotting.style import VERMILION

__all__ = [
    "ImageShape",
    "as_image",
    "checked_shape",
    "heading",
    "image_axes",
    "in_lines",
    "plot_image_rows",
    "show_image",
]

ImageShape = tuple[int, int] | tuple[int, int, int]  # height, width, and 3 colours if there are any
_LETTER, _LINE = 0.085, 0.17  # inches: width of a title's letter, height of a line


def plot_image_rows(
    rows: Sequence[tuple[str, ArrayLike]],
    shape: ImageShape,
    *,
    title: str = "",
    missed: Sequence[ArrayLike | None] | None = None,
) -> Figure:
    """Show rows of images, one column a pattern.

    Args:
        rows: label and images (n, height · width) with values in [0, 1] (others are clipped); in
            colour (n, height · width · 3), red, green and blue of a pixel together.
        shape: (height, width), in colour (height, width, 3), as `io.load_patterns` gives it.
        title: the message of the figure.
        missed: for each row None, or booleans (n,); such images get a frame.

    Raises:
        ValueError: if the rows differ in number of images, or images do not have that many pixels.

    Example:
        >>> figure = plot_image_rows([("original", np.eye(2)[:, [0, 1, 1, 0]])], (2, 2))
        >>> len(figure.axes)
        2
        >>> len(plot_image_rows([("colour", np.zeros((1, 12)))], (2, 2, 3)).axes)
        1
    """
    shape = checked_shape(shape)
    images = [as_points(values, label, dim=prod(shape)) for label, values in rows]
    count = len(images[0])
    if any(len(values) != count for values in images):
        raise ValueError(f"rows must have as many images each, got {[len(v) for v in images]}")
    figure, axes = image_axes([label for label, _ in rows], count, shape, title)
    for line, values in enumerate(images):
        frames = None if missed is None else missed[line]
        for k, axis in enumerate(axes[line]):
            framed = frames is not None and bool(np.asarray(frames)[k])
            show_image(axis, values[k], shape, framed)
    return figure


def checked_shape(shape: Sequence[int]) -> ImageShape:
    """Return an image's shape, or refuse what is none."""
    given = tuple(int(n) for n in shape)
    if len(given) not in (2, 3) or min(given) < 1 or given[2:] not in ((), (3,)):
        raise ValueError(f"shape must be (height, width) or (height, width, 3), got {tuple(shape)}")
    return given  # pyright: ignore[reportReturnType]


def as_image(values: Float[np.ndarray, " d"], shape: ImageShape) -> np.ndarray:
    """Return a row as an image with values in [0, 1]."""
    return np.clip(values.reshape(shape), 0, 1)


def show_image(axis: Axes, values: Float[np.ndarray, " d"], shape: ImageShape, framed: bool) -> Any:
    """Draw one row in its place, with a frame if it is wrong; return what was drawn."""
    for spine in axis.spines.values():
        spine.set(visible=framed, color=VERMILION, linewidth=2.5)
    return axis.imshow(as_image(values, shape), cmap="gray", vmin=0, vmax=1)


def heading(figure: Figure, text: str) -> Text:
    """Set a figure's title, at its upper edge whatever its height, and return it."""
    text, high = in_lines(text, figure.get_figwidth()), figure.get_figheight()
    return figure.suptitle(text, fontsize=10, y=1 - 0.08 / high, va="top")


def in_lines(title: str, width: float) -> str:
    """Break a title into lines that fit a figure's width, in inches."""
    letters = max(1, int(width / _LETTER))
    return "\n".join(textwrap.fill(line, letters) for line in title.split("\n"))


def image_axes(
    labels: Sequence[str], count: int, shape: ImageShape, title: str
) -> tuple[Figure, np.ndarray]:
    """Return a figure with room for a title and lines of images, and its axes, (lines, count)."""
    wide = 0.55 * shape[1] / max(shape[:2]) if shape[1] < shape[0] else 0.55
    high = wide * shape[0] / shape[1]
    width = max(wide * count, 4.5) + 1.3
    more = _LINE * in_lines(title, width).count("\n")
    height = (high + 0.02) * len(labels) + 0.55 + more
    figure = Figure(figsize=(width, height), dpi=150)
    axes = figure.subplots(len(labels), count, squeeze=False)
    for axis in axes.ravel():
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
    for line, label in zip(axes, labels, strict=True):
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    heading(figure, title)
    figure.subplots_adjust(
        left=1.25 / width, right=1 - 0.05 / width, bottom=0.04 / height,
        top=1 - (0.38 + more) / height, wspace=0.06, hspace=0.06,
    )  # fmt: skip
    return figure, axes
