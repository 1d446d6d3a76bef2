"""What the paper's pictures share: the package's colours, and means with intervals over seeds."""

from collections.abc import Sequence
from typing import Any

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
    **line: Any,
) -> None:
    """Draw the mean over seeds, (seeds, x), and its 95 % interval where seeds allow one.

    The interval ends at the bounds of the values, `within`.

    Example:
        >>> axis = new_figure(3.0, 2.0).subplots()
        >>> band(axis, [1.0, 2.0], np.ones((3, 2)), "black", label="ones")
    """
    ends = [estimate(column, within) for column in np.asarray(samples, float).T]
    low, high = [e.low for e in ends], [e.high for e in ends]
    axis.fill_between(x, low, high, color=color, alpha=0.18, lw=0)
    axis.plot(x, [e.mean for e in ends], color=color, **line)
