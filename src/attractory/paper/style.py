"""Colours and lines of the pictures: Okabe & Ito's palette, which colour-blind readers can read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from attractory.paper.statistics import estimate

__all__ = ["GREY", "LINES", "MARKERS", "band", "new_figure", "shades"]

GREY = "#777777"
LINES = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
MARKERS = "o", "s", "^", "D", "v", "P"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, sizes in inches.

    Example:
        >>> new_figure(6.0, 4.0).get_size_inches().tolist()
        [6.0, 4.0]
    """
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def shades(count: int) -> list[tuple[float, float, float, float]]:
    """Return colours of an ordered quantity, from dark to light.

    Example:
        >>> len(shades(3))
        3
    """
    from matplotlib import colormaps

    return [colormaps["cividis"](x) for x in np.linspace(0.0, 0.92, count)]


def band(
    axis: Axes, x: Sequence[float | int], samples: np.ndarray, color: ColorType, **line: Any
) -> None:
    """Draw the mean over seeds, (seeds, x), and its 95 % interval where seeds allow one.

    Example:
        >>> axis = new_figure(3.0, 2.0).subplots()
        >>> band(axis, [1.0, 2.0], np.ones((3, 2)), "black", label="ones")
    """
    ends = [estimate(column) for column in np.asarray(samples, float).T]
    low, high = [e.low for e in ends], [e.high for e in ends]
    axis.fill_between(x, low, high, color=color, alpha=0.18, lw=0)
    axis.plot(x, [e.mean for e in ends], color=color, **line)
