"""The basin relative to the norm, against the norm and the number of patterns.

The norm that recalls from the largest relative noise is inside the range, not at infinity; the
paper does not treat it. Infinite width, f0 = 0; random patterns at dim 32 and MNIST; norms are the
same multiples of √n₀, so that the two can be compared.
"""

import numpy as np
from matplotlib.figure import Figure

from attractory._util.statistics import where_largest
from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.figures.basin_and_norm import basin_cells
from attractory.paper.limit_cells import cell
from attractory.paper.limit_claims import TIE, WITHIN, over_norms
from attractory.paper.statistics import (
    Verdict,
    above,
    all_of,
    at_least,
    estimate,
    said,
)
from attractory.paper.style import MARKERS, band, new_figure, shades
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE"]

_NUMBERS = {"quick": ([5, 20, 40], [5, 20]), "full": ([2, 5, 10, 20, 40, 80], [5, 20, 50])}
_SOURCES = {"sphere": "random, dim 32", "digits": "MNIST"}


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    random, digits = _NUMBERS[size]
    return [
        *basin_cells(size, seeds, "sphere", 32, random, None),
        *basin_cells(size, seeds, "digits", 784, digits, data),
    ]


def _claims(results: Results) -> list[Claim]:
    claims = []
    for source, label in _SOURCES.items():
        inside, verdicts, shrinks, fewer = [], [], [], []
        numbers, before = results.where(source=source).levels("n"), None
        for n in numbers:
            norms, basin = over_norms(results, "basin", source=source, n=n)
            peak = np.nanmax(basin, axis=1)
            ends = [estimate(peak - basin[:, k]) for k in (0, -1)]
            ends = [e if e.seeds else estimate(peak) for e in ends]  # not stored there at all
            ends = [e.among(2 * len(numbers)) for e in ends]
            inside.append(f"n = {n}: {at_least(estimate(peak, WITHIN), WITHIN[1])} at norm "
                          f"{where_largest(norms, basin, TIE)}")  # fmt: skip
            verdicts += [above(e, 0.0) for e in ends]
            if before is not None:
                step = estimate(np.log(before / peak)).among(len(numbers) - 1)
                factor = step.text(3, lambda log: np.exp(-log), "×{}")
                shrinks.append(f"n = {n}: {factor}")
                fewer.append(above(step, 0.0))
            before = peak
        claims += [
            _claim(f"The norm of the largest relative basin is inside the range ({label})",
                   "largest minus that at either end of the norms, within a seed: interval above "
                   "0 for every n", inside, verdicts),
            _claim(f"The largest relative basin shrinks with n ({label})",
                   "logarithm of the ratio to the previous n, within a seed: interval above 0 for "
                   "every step", shrinks, fewer),
        ]  # fmt: skip
    return claims


def _claim(statement: str, rule: str, parts: list[str], verdicts: list[Verdict]) -> Claim:
    return Claim("beyond the paper", statement, rule, "; ".join(parts), all_of(*verdicts))


def _pictures(results: Results) -> dict[str, Figure]:
    figure = new_figure(8.4, 3.8)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    numbers = results.levels("n")
    colors = shades(len(numbers))
    for axis, (source, label) in zip(axes, _SOURCES.items(), strict=True):
        some = results.where(source=source)
        for k, n in enumerate(numbers):
            if not len(some.where(n=n)):
                continue
            norms, basin = over_norms(some, "basin", n=n)
            dim = some.where(n=n).levels("dim")[0]
            band(axis, list(np.array(norms) / np.sqrt(dim)), basin, colors[k], lw=1.7,
                 marker=MARKERS[k % len(MARKERS)], ms=4, label=f"n = {n}")  # fmt: skip
        axis.set(xscale="log", yscale="log", xlabel="norm of the patterns / √n₀")
        axis.set_title(f"{label}; infinite width, f0 = 0", fontsize=9)
        axis.grid(alpha=0.25)
        axis.legend(fontsize=8, frameon=False)
    axes[0].set_ylabel("noise that 90 % of cues survive / norm", fontsize=9)
    claims = _claims(results)
    inside, shrinks = (all_of(*(c.holds for c in claims[k::2])) for k in (0, 1))
    figure.suptitle(
        "The relative basin: "
        + said(inside, "it is largest at a norm inside the range of norms",
               "it is largest at an end of the range of norms")
        + "; " + said(shrinks, "it shrinks with n", "it does not shrink with every n"), fontsize=10,
    )  # fmt: skip
    return {"norm-and-number": figure}


FIGURE = PaperFigure(
    "norm-and-number",
    "The relative basin against the norm and the number of patterns",
    "As basin-and-norm, for more n and for MNIST digits less their mean.",
    cell,
    _cells,
    _claims,
    _pictures,
)
