"""The basin that grows with the norm and then shrinks: absolute and relative to the norm.

Errata 12: the paper's "larger norm, larger basin" (E.2, E.3) is true up to norms of some 5 to
10 √n₀; then the absolute basin shrinks and settles, and relative to the norm it falls as 1/r.
Infinite width, f0 = 0, dim 32, n = 5, 20, 40; the basin as `paper.limit_cells` measures it, of the
paper's surrogate ½erf(x/2) + ½.
"""

import numpy as np
from matplotlib.figure import Figure

from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.limit_cells import cell
from attractory.paper.limit_claims import over_norms
from attractory.paper.statistics import (
    Estimate,
    above,
    all_of,
    between,
    estimate,
    said,
    together,
)
from attractory.paper.style import LINES, MARKERS, band, new_figure
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE", "basin_cells"]

_NORMS = {
    "quick": [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 1500.0],
    "full": [1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 100.0, 150.0, 300.0,
             500.0, 1000.0, 1500.0],
}  # fmt: skip
_SEEDS = {"quick": 4, "full": 10}
_CUES = {"quick": 40, "full": 200}


def basin_cells(
    size: Size, seeds: int | None, source: str, dim: int, numbers: list[int], data: str | None
) -> list[Settings]:
    """Return cells that measure basins over norms, which are multiples of √(dim/32).

    Example:
        >>> basin_cells("quick", 1, "sphere", 128, [5], None)[0]["norms"][:2]
        [2.0, 20.0]
    """
    grid, cues = _NORMS[size], _CUES[size]
    if dim > 32:  # such a cell would take minutes
        grid, cues = grid[::2], min(cues, 100)
    norms = (np.array(grid) * np.sqrt(dim / 32)).round(6).tolist()
    return [
        {
            "source": source, "n": n, "dim": dim, "norms": norms, "activation": "erf_surrogate",
            "depth": 2, "width": 0, "trials": max(1, cues // n), "seed": seed, "data": data,
        }
        for n in numbers
        for seed in range(seeds or _SEEDS[size])
    ]  # fmt: skip


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    return basin_cells(size, seeds, "sphere", 32, [5, 20, 40], None)


def _ratio(results: Results, n: int, low: float, high: float, absolute: bool) -> Estimate:
    """Return the logarithm of the basin's ratio between two norms, within a seed."""
    norms, basin = over_norms(results, "basin", n=n)
    if low not in norms or high not in norms:
        return estimate([])
    a, b = (basin[:, norms.index(r)] * (r if absolute else 1.0) for r in (low, high))
    with np.errstate(divide="ignore", invalid="ignore"):  # a basin of 0 is one below 0.001
        return estimate(np.log(b / a))


def _factors(found: dict[int, Estimate]) -> str:
    return "; ".join(f"n = {n}: {e.text(3, np.exp, '×{}')}" for n, e in found.items())


def _claims(results: Results) -> list[Claim]:
    numbers = results.levels("n")

    def factors(low: float, high: float, absolute: bool) -> dict[int, Estimate]:
        found = together([_ratio(results, n, low, high, absolute) for n in numbers])
        return dict(zip(numbers, found, strict=True))

    up, down = factors(3.0, 30.0, True), factors(30.0, 300.0, True)
    drop, settles = factors(30.0, 1000.0, True), factors(1000.0, 1500.0, True)
    rise, fall = factors(3.0, 30.0, False), factors(1000.0, 1500.0, False)
    rule = "logarithm of the basin's ratio within a seed: interval above 0 for every n; fails if "
    return [
        Claim("paper, E.2, at infinite width",
              "Larger norm, larger basin: from norm 3 to 30 (noise radius)",
              rule + "below for one", _factors(up), all_of(*(above(e, 0) for e in up.values()))),
        Claim("paper, E.2, at infinite width",
              "Larger norm, larger basin: from norm 30 to 300 (noise radius)",
              rule + "below for one", _factors(down),
              all_of(*(above(e, 0) for e in down.values()))),
        Claim("errata 12", "The absolute basin drops 10 to 20 times from its peak near norm 30",
              "basin at norm 30 over that at 1,000: interval within 5 … 40 for every n",
              _factors(drop),
              all_of(*(between(e, -np.log(40), -np.log(5)) for e in drop.values()))),
        Claim("errata 12", "The absolute basin then settles",
              "from norm 1,000 to 1,500 it changes by less than a factor 1.27 (interval, every n)",
              _factors(settles),
              all_of(*(between(e, -np.log(1.27), np.log(1.27)) for e in settles.values()))),
        Claim("errata 12", "Relative to the norm, too, the basin first grows: from norm 3 to 30",
              rule + "below for one", _factors(rise),
              all_of(*(above(e, 0) for e in rise.values()))),
        Claim("errata 12", "Relative to the norm it falls as 1/r at large norm",
              "from norm 1,000 to 1,500 it falls by a factor 1.3 to 1.7 (interval, every n)",
              _factors(fall),
              all_of(*(between(e, -np.log(1.7), -np.log(1.3)) for e in fall.values()))),
    ]  # fmt: skip


def _pictures(results: Results) -> dict[str, Figure]:
    figure = new_figure(8.4, 3.8)
    axes = figure.subplots(1, 2)
    for k, n in enumerate(results.levels("n")):
        norms, basin = over_norms(results, "basin", n=n)
        dim = results.where(n=n).levels("dim")[0]
        style = {"lw": 1.7, "marker": MARKERS[k], "ms": 4, "label": f"n = {n}"}
        band(axes[0], norms, basin * np.array(norms) / np.sqrt(dim), LINES[k], **style)
        band(axes[1], norms, basin, LINES[k], **style)
    axes[0].set_ylabel("noise that 90 % of cues survive (std)", fontsize=9)
    axes[1].set_ylabel("norm of that noise / norm of the patterns", fontsize=9)
    for axis, text in zip(axes, ("absolute", "relative to the norm"), strict=True):
        axis.set_title(f"{text}; infinite width, f0 = 0, dim 32", fontsize=9)
    for axis in axes:
        axis.set(xscale="log", yscale="log", xlabel="norm of the patterns")
        axis.grid(alpha=0.25)
    axes[0].legend(fontsize=8, frameon=False, loc="lower right")
    claims = _claims(results)
    grows = said(
        claims[0].holds, "it grows from norm 3 to 30", "it does not grow from norm 3 to 30"
    )
    drops = said(claims[2].holds, "it shrinks again, 5 to 40 times by norm 1,000",
                 "it is not 5 to 40 times smaller at norm 1,000")  # fmt: skip
    figure.suptitle(f"The basin: {grows}; {drops}", fontsize=10)
    return {"basin-and-norm": figure}


FIGURE = PaperFigure(
    "basin-and-norm",
    "The basin against the norm, absolute and relative",
    "Infinite width, f0 = 0, dim 32, patterns uniform on a sphere; the noise up to which 90 % of "
    "the cues are recalled within 50 steps. The paper's surrogate for the logistic.",
    cell,
    _cells,
    _claims,
    _pictures,
)
