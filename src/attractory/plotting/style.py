"""The colours and markers of every figure: Okabe & Ito's, told apart by colour-blind readers."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from attractory.analysis.outcomes import Outcome

__all__ = [
    "BLUE", "FATES", "GREEN", "GREY", "LINES", "MARKERS", "ORANGE", "PURPLE", "SKY", "VERMILION",
    "new_figure", "shades",
]  # fmt: skip

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
GREY = "#777777"
FATES = {  # of cues: words and colours
    Outcome.RECALLED: ("recalled", BLUE),
    Outcome.OTHER: ("another pattern", ORANGE),
    Outcome.SPURIOUS: ("spurious fixed point", VERMILION),
    Outcome.CYCLE: ("cycle", PURPLE),
    Outcome.DIVERGED: ("diverged", "#000000"),
    Outcome.LATE: ("recalled too late", SKY),
    Outcome.UNDECIDED: ("too slow to tell", "#BBBBBB"),
}
LINES = BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY  # of categories, in the order of use
MARKERS = "o", "s", "^", "D", "v", "P", "X"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, sizes in inches.

    Example:
        >>> new_figure(6.0, 4.0).get_size_inches().tolist()
        [6.0, 4.0]
    """
    return WrappingFigure(figsize=(width, height), dpi=150, layout="constrained")


class WrappingFigure(Figure):
    """A figure whose title is broken into lines: titles follow verdicts, long or short."""

    def suptitle(self, t: str, **kwargs: Any) -> Text:
        return super().suptitle(t, **{"wrap": True} | kwargs)


def shades(count: int) -> list[tuple[float, float, float, float]]:
    """Return colours of an ordered quantity, from dark to light.

    Example:
        >>> len(shades(3))
        3
    """
    from matplotlib import colormaps

    return [colormaps["cividis"](x) for x in np.linspace(0.0, 0.92, count)]
