"""Figure E.2: convergence success rate against the norm and the noise radius, random data, dim 32.

The paper (appendix E.2): two layers, width 10,000, dim 32, n = 5, 20, 40; Gaussian noise, 50
iterations; "the basin of attraction is larger when there are fewer training examples and larger
input norms". Patterns here are uniform on a sphere, one draw a seed; noise, rule of success and
training as in `paper.basin_cells`. Below the networks is the infinite width, f0 = 0 (quick: of the
paper's surrogate ½erf(x/2) + ½, which compiles once, not once a norm). The paper does not give its
range of norms; this one ends where the limit's basin is small again.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from attractory.paper.basin_cells import cell
from attractory.paper.basin_claims import draw, norm_claims, success, widest
from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.statistics import above, all_of, estimate
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE"]

_NUMBERS = 5, 20, 40
_COMPARED = 3.0, 30.0, 300.0
_SIZES: dict[str, dict[str, Any]] = {
    "quick": {
        "width": 1000, "norms": [1.0, 3.0, 10.0, 30.0, 100.0, 300.0], "cues": 40,
        "radii": [0.1, 0.3, 1.0, 3.0, 10.0, 30.0], "seeds": 4, "limit": "erf_surrogate",
    },
    "full": {
        "width": 10_000,
        "norms": [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 300.0, 1000.0],
        "cues": 120, "radii": [0.1, 0.3, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 100.0], "seeds": 10,
        "limit": "sigmoid",
    },
}  # fmt: skip


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    chosen = _SIZES[size]
    return [
        {
            "source": "sphere", "n": n, "dim": 32, "norm": norm, "seed": seed,
            "width": chosen["width"], "radii": chosen["radii"], "trials": chosen["cues"] // n,
            "limit": chosen["limit"], "data": None,
        }
        for n in _NUMBERS
        for norm in chosen["norms"]
        for seed in range(seeds or chosen["seeds"])
    ]  # fmt: skip


def _claims(results: Results) -> list[Claim]:
    numbers, parts, verdicts = results.levels("n"), [], []
    for few, many in pairwise(numbers):
        gains = []
        for seed in results.levels("seed"):
            pairs = [
                [success(results, "network", n=n, seed=seed, norm=r)[1] for n in (few, many)]
                for r in results.levels("norm")
            ]
            known = [float(a[0] - b[0]) for a, b in pairs if len(a) and len(b)]
            gains.append(np.mean(known) if known else np.nan)
        gain = estimate(gains, (-1, 1)).among(len(numbers) - 1)
        parts.append(f"n = {few} over {many}: {gain.text(2)}")
        verdicts.append(above(gain, 0.0))
    fewer = Claim(
        "paper, E.2", "The basin of attraction is larger when there are fewer training examples",
        "share recalled, averaged over noise radii and over the norms at which both networks are "
        "trained, within a seed: interval of the difference above 0 for each step in n",
        "difference of the shares: " + "; ".join(parts), all_of(*verdicts),
    )  # fmt: skip
    return [fewer, *norm_claims(results, "paper, E.2", _COMPARED)]


def _pictures(results: Results) -> dict[str, Figure]:
    title = (
        f"E.2: norm of the widest basin: {widest(results, 'network')} (network), "
        f"{widest(results, 'limit')} (infinite width)"
    )
    return {"figure-e2": draw(results, title)}


FIGURE = PaperFigure(
    "figure-e2",
    "Convergence success rate against norm and noise radius, random data",
    "Dim 32, logistic, width 10,000 (quick: 1,000), n = 5, 20, 40; Gaussian noise, its standard "
    "deviation the radius; success: within 1 % of the pattern after 50 steps.",
    cell,
    _cells,
    _claims,
    _pictures,
)
