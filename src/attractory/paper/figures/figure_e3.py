"""Figures E.3 and 4b: convergence success rate on MNIST, n = 5 and 20, against norm and noise.

The paper (appendix E.3): images "prepossessed by subtracting means and rescaled to have different
input norms", otherwise as E.2; "larger input norm gives greater basin of attraction for 5 and 20
examples", and "because MNIST images have large input dimension, they need larger radius to move out
of the linear region". Here the mean image is that of all images at hand (the 200 bundled ones, or
the test set of `--data`), and each seed draws its own n. For the last sentence random patterns of
dim 32 are compared at infinite width: a norm is out of the linear region when the mean spectral
radius of the infinite-width memory (f0 = 0; quick: the surrogate's) at its patterns is below 0.95.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from attractory.paper.basin_cells import cell
from attractory.paper.basin_claims import draw, norm_claims, widest
from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.statistics import above, all_of, estimate, shown
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE"]

_OUTSIDE = 0.95
_COMPARED = 15.0, 150.0, 1500.0
_GRID = np.geomspace(3.0, 300.0, 9).round(2).tolist()  # for the linear region
_SIZES: dict[str, dict[str, Any]] = {
    "quick": {
        "width": 1000, "norms": [15.0, 50.0, 150.0, 500.0, 1500.0], "cues": 20,
        "radii": [0.3, 1.0, 3.0, 10.0], "seeds": 4, "limit": "erf_surrogate",
    },
    "full": {
        "width": 10_000, "norms": [5.0, 15.0, 30.0, 50.0, 100.0, 150.0, 300.0, 500.0, 1500.0],
        "cues": 40, "radii": [0.3, 1.0, 3.0, 6.0, 10.0, 20.0, 50.0], "seeds": 10,
        "limit": "sigmoid",
    },
}  # fmt: skip


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    chosen = _SIZES[size]
    runs = range(seeds or chosen["seeds"])
    networks = [
        {
            "source": "digits", "n": n, "dim": 784, "norm": norm, "seed": seed,
            "width": chosen["width"], "radii": chosen["radii"], "trials": chosen["cues"] // n,
            "limit": chosen["limit"], "data": data,
        }
        for n in (5, 20)
        for norm in chosen["norms"]
        for seed in runs
    ]  # fmt: skip
    limits = [
        {
            "source": source, "n": n, "dim": dim, "norm": norm, "seed": seed, "width": 0,
            "radii": [], "trials": 1, "limit": chosen["limit"],
            "data": data if source == "digits" else None,
        }
        for source, dim in (("sphere", 32), ("digits", 784))
        for n in (5, 20)
        for norm in _GRID
        for seed in runs
    ]  # fmt: skip
    return networks + limits


def _leaves(results: Results, **settings: Any) -> float:
    """Return the norm at which the radius falls through the bound, interpolated in log r."""
    rows = sorted((s["norm"], v["radius"]) for s, v in results.where(width=0, **settings))
    for (a, high), (b, low) in pairwise(rows):
        if high >= _OUTSIDE > low:
            return float(a * (b / a) ** ((high - _OUTSIDE) / (high - low)))
    return float("nan")


def _claims(results: Results) -> list[Claim]:
    drawn = Results(c for c in results.all if c.settings["width"])
    claims = norm_claims(drawn, "paper, E.3 and figure 4b", _COMPARED)
    parts, verdicts, numbers = [], [], results.levels("n")
    for n in numbers:
        ends = np.array([
            [_leaves(results, source=source, n=n, seed=seed) for source in ("sphere", "digits")]
            for seed in results.levels("seed")
        ])  # fmt: skip
        ratio = estimate(np.log(ends[:, 1] / ends[:, 0])).among(len(numbers))
        low, high = np.nanmean(ends, axis=0)
        out = int(np.isnan(ends).any(axis=1).sum())
        left = f", {out} of {len(ends)} seeds not within the grid" if out else ""
        parts.append(f"n = {n}: norm {shown(high)} for digits, {shown(low)} at dim 32, ratio "
                     f"{ratio.text(3, np.exp)}{left}")  # fmt: skip
        verdicts.append(above(ratio, 0.0))
    claims.append(
        Claim(
            "paper, E.3", "MNIST images need a larger norm to move out of the linear region, for "
            "their dimension is large",
            "norm at which the mean spectral radius of the limit (f0 = 0) falls below 0.95: "
            "logarithm of its ratio to that of random patterns at dim 32, interval above 0",
            "; ".join(parts) + "; √(784/32) = 4.95", all_of(*verdicts),
        )
    )  # fmt: skip
    return claims


def _pictures(results: Results) -> dict[str, Figure]:
    drawn = Results(c for c in results.all if c.settings["width"])
    title = (
        f"E.3, 4b: norm of the widest basin, MNIST: {widest(drawn, 'network')} (network), "
        f"{widest(drawn, 'limit')} (infinite width)"
    )
    return {"figure-e3": draw(drawn, title)}


FIGURE = PaperFigure(
    "figure-e3",
    "Convergence success rate against norm and noise radius, MNIST (with figure 4b)",
    "MNIST digits less their mean image, rescaled; logistic, width 10,000 (quick: 1,000), n = 5 "
    "and 20, drawn anew for each seed; noise and success as in figure-e2.",
    cell,
    _cells,
    _claims,
    _pictures,
)
