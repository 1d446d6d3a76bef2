"""Further sigmoidal activations: arctan and softsign, with the logistic function, tanh and erf.

Appendix E.4 says that the results "can be extended to different sigmoidal activation functions" and
shows three. Arctan and softsign approach their limits as 1/x, slower than any of those. Infinite
width, dim 32, n = 20, f0 = 0 and f0 of a network of width 10,000 (quick: 500). The basin is
measured of erf only, and not in quick: the others are mixtures of 16 to 64 nodes, and a bisection
over the noise takes up to half a minute a norm.
"""

from typing import Any

import numpy as np

from attractory.paper.claims import PaperFigure, Size
from attractory.paper.limit_cells import cell
from attractory.paper.limit_claims import draw_kinds, kind_claims
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE"]

_TEXT = {name: name for name in ("sigmoid", "tanh", "erf", "arctan", "softsign")}
_BASINS = ("erf",)
_SIZES: dict[str, dict[str, Any]] = {
    "quick": {"points": 3, "trials": 0, "width": 500, "seeds": 4},
    "full": {"points": 12, "trials": 4, "width": 10_000, "seeds": 10},
}


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    chosen = _SIZES[size]
    norms = np.geomspace(8.0, 3200.0, chosen["points"]).round(3).tolist()
    return [
        {
            "source": "sphere", "n": 20, "dim": 32, "norms": norms, "depth": 2,
            "activation": name, "width": chosen["width"],
            "trials": chosen["trials"] if name in _BASINS else 0,
            "seed": seed, "data": None,
        }
        for name in _TEXT
        for seed in range(seeds or chosen["seeds"])
    ]  # fmt: skip


_TITLE = "Five activations"

FIGURE = PaperFigure(
    "activations",
    "Spectra of five sigmoidal activations",
    "Infinite width, dim 32, n = 20, f0 = 0, and f0 sampled at width 10,000 (quick: 500). "
    "The basin is measured of erf only, and not in quick.",
    cell,
    _cells,
    lambda results: kind_claims(results, "activation", _TEXT),
    lambda results: {"activations": draw_kinds(results, "activation", _TEXT, _TITLE)},
)
