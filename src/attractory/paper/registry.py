"""The figures, in the paper's order, then what the errata found, then what lies beyond."""

from collections.abc import Sequence
from difflib import get_close_matches

from attractory.paper.claims import PaperFigure
from attractory.paper.figures.activations import FIGURE as ACTIVATIONS
from attractory.paper.figures.basin_and_norm import FIGURE as BASIN_AND_NORM
from attractory.paper.figures.capacity import FIGURE as CAPACITY
from attractory.paper.figures.depth import FIGURE as DEPTH
from attractory.paper.figures.e1_against_norm import FIGURE as E1_AGAINST_NORM
from attractory.paper.figures.f0 import FIGURE as F0
from attractory.paper.figures.figure_5 import FIGURE as FIGURE_5
from attractory.paper.figures.figure_d1 import FIGURE as FIGURE_D1
from attractory.paper.figures.figure_e1 import FIGURE as FIGURE_E1
from attractory.paper.figures.figure_e2 import FIGURE as FIGURE_E2
from attractory.paper.figures.figure_e3 import FIGURE as FIGURE_E3
from attractory.paper.figures.norm_and_number import FIGURE as NORM_AND_NUMBER

__all__ = ["FIGURES", "figures_named"]

FIGURES: dict[str, PaperFigure] = {
    figure.name: figure
    for figure in (
        FIGURE_D1, FIGURE_E1, FIGURE_E2, FIGURE_E3, FIGURE_5, F0, BASIN_AND_NORM, E1_AGAINST_NORM,
        NORM_AND_NUMBER, DEPTH, ACTIVATIONS, CAPACITY,
    )
}  # fmt: skip
# The paper's own numbers for what shares a module with another.
_ALSO = {
    "figure-4b": "figure-e3", "figure-e4": "figure-5", "figure-e5": "figure-5",
    "figure-e6": "figure-5",
}  # fmt: skip


def figures_named(names: Sequence[str] = ()) -> list[PaperFigure]:
    """Return the figures of these names, each once, in the order of `FIGURES`; all of them for ().

    "e2", "figure_e2" and "Figure E.2" are names of figure-e2 too.

    Raises:
        ValueError: for an unknown name; the message gives the near ones.

    Example:
        >>> [figure.name for figure in figures_named(["E.2", "figure-4b"])]
        ['figure-e2', 'figure-e3']
        >>> figures_named(["figure-e9"])
        Traceback (most recent call last):
        ValueError: there is no figure 'figure-e9'; near it are figure-e6, figure-e5, figure-e4
    """
    wanted = {_find(name) for name in names}
    return [figure for name, figure in FIGURES.items() if not names or name in wanted]


def _find(name: str) -> str:
    plain = "-".join(name.strip().lower().replace(".", "").replace("_", "-").split())
    known = {**{key: key for key in FIGURES}, **_ALSO}
    for guess in (plain, f"figure-{plain}"):
        if guess in known:
            return known[guess]
    near = get_close_matches(plain, known, 3)
    hint = f"near it are {', '.join(near)}" if near else f"there are {', '.join(FIGURES)}"
    raise ValueError(f"there is no figure {name!r}; {hint}")
