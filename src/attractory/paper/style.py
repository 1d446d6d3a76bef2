"""What the paper's pictures share: the package's colours, and means with intervals over seeds."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.typing import ColorType

from attractory.paper.statistics import estimate
from attractory.plotting.style import GREY, LINES, MARKERS, new_figure, shades

__all__ = ["GREY", "LINES", "MARKERS", "band", "new_figure", "shades"]


def band(
    axis: Axes,
    x: Sequence[float | int],
    samples: np.ndarray,
    color: ColorType,
    within: tuple[float | int, float | int] = (-np.inf, np.inf),
    spread: Literal["band", "bars", "seeds"] = "band",
    **line: Any,
) -> None:
    """Draw the mean over seeds, (seeds, x), and its 95 % interval where seeds allow one.

    The interval lies between the bounds of the values, `within`, and is drawn as a band, or as bars
    at the places measured. In its place the seeds may be drawn as points, where few of them spread
    so far that their interval would say nothing.

    Example:
        >>> axis = new_figure(3.0, 2.0).subplots()
        >>> band(axis, [1.0, 2.0], np.ones((3, 2)), "black", label="ones")
    """
    ends = [estimate(column, within) for column in np.asarray(samples, float).T]
    low, high = [e.low for e in ends], [e.high for e in ends]
    if spread == "seeds":
        for row in np.asarray(samples, float):
            axis.plot(x, row, "x", color=color, ms=4, alpha=0.7, mew=0.8)
    elif spread == "bars":
        axis.vlines(x, low, high, color=color, lw=1.6, alpha=0.8)
    else:
        axis.fill_between(x, low, high, color=color, alpha=0.18, lw=0)
    axis.plot(x, [e.mean for e in ends], color=color, **line)
