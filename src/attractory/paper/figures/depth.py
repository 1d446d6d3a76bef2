"""Depth 2 to 4: spectra and basins of deeper infinite-width memories.

The paper's simulations all have two layers. Here depth counts weight matrices; the surrogate
½erf(x/2) + ½, dim 32, n = 20, f0 = 0 and f0 of a network of width 2,000 (quick: 300).
"""

from typing import Any

import numpy as np

from attractory.paper.claims import PaperFigure, Size
from attractory.paper.limit_cells import cell
from attractory.paper.limit_claims import draw_kinds, kind_claims
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE"]

_TEXT = {depth: f"depth {depth}" for depth in (2, 3, 4)}
_SIZES: dict[str, dict[str, Any]] = {
    "quick": {"points": 3, "trials": 1, "width": 300, "seeds": 4},
    "full": {"points": 10, "trials": 5, "width": 2000, "seeds": 10},
}


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    chosen = _SIZES[size]
    norms = (
        np.geomspace(5.0, 500.0 if size == "quick" else 5000.0, chosen["points"]).round(3).tolist()
    )
    return [
        {
            "source": "sphere", "n": 20, "dim": 32, "norms": norms, "depth": depth,
            "activation": "erf_surrogate", "width": chosen["width"],
            "trials": chosen["trials"], "seed": seed, "data": None,
        }
        for depth in _TEXT
        for seed in range(seeds or chosen["seeds"])
    ]  # fmt: skip


_TITLE = "Depth 2 to 4"

FIGURE = PaperFigure(
    "depth",
    "Spectra and basins at depth 2 to 4",
    "Infinite width, dim 32, n = 20, the paper's surrogate; f0 = 0, and f0 sampled at "
    "width 2,000 (quick: 300).",
    cell,
    _cells,
    lambda results: kind_claims(results, "depth", _TEXT),
    lambda results: {"depth": draw_kinds(results, "depth", _TEXT, _TITLE)},
)
