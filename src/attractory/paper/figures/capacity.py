"""How many patterns a memory holds: recall against n, at several norms.

The paper stores 40 at most. Infinite width, f0 = 0, random patterns on a sphere (dim 32; full: dim
100 too), noise of a tenth of their norm, 50 steps: the share of cues that is recalled, and how
many patterns are attractors. Activation: the surrogate, whose kernel is the cheapest.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attractory._util.contraction import BELOW_ONE
from attractory._util.statistics import where_largest
from attractory.analysis.corruption import Noise
from attractory.analysis.curves import recall_curve
from attractory.analysis.outcomes import RecallRule
from attractory.analysis.spectrum import spectral_radius
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.protocol import SingularKernelError
from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.setup import make_patterns
from attractory.paper.statistics import (
    above,
    all_of,
    at_least,
    estimate,
    said,
    shown,
)
from attractory.paper.style import GREY, MARKERS, band, new_figure, shades
from attractory.sweeps.grid import Settings
from attractory.sweeps.values import Values

__all__ = ["FIGURE", "cell"]

_NOISE = 0.1
_WANTED = 0.9
_LOOKED_AT = 64  # patterns at which recall and spectral radii are measured
_SIZES: dict[str, dict[str, Any]] = {
    "quick": {"dims": [32], "seeds": 4, "share": [0.5, 1, 4, 16], "scale": [1, 3, 10, 30]},
    "full": {"dims": [32, 100], "seeds": 10, "share": [0.5, 1, 2, 4, 16],
             "scale": [1, 3, 10, 30]},
}  # fmt: skip


def cell(*, n: int, dim: int, norm: float, noise: float, seed: int) -> Values:
    """Return which share of n random patterns is recalled from a little noise.

    Args:
        n, dim, norm: of the patterns.
        noise: norm of the noise relative to the patterns', in root mean square.
        seed: of patterns and noise.

    Returns:
        recalled: share of cues of up to 64 patterns; stable: share of these patterns whose spectral
        radius is below 1; stored: whether the kernel could be solved at all (else both are 0).

    Example:
        >>> values = cell(n=4, dim=16, norm=20.0, noise=0.1, seed=0)
        >>> values["recalled"], values["stable"], values["stored"]
        (1.0, 1.0, True)
    """
    x = make_patterns(norm, source="sphere", n=n, dim=dim, seed=seed, data=None)
    try:
        f = fit_regression(x, activation="erf_surrogate")
    except SingularKernelError:
        return {"recalled": 0.0, "stable": 0.0, "stored": False}
    if not f.interpolates:
        return {"recalled": 0.0, "stable": 0.0, "stored": False}
    some = x[:_LOOKED_AT]
    curve = recall_curve(
        f, some, [noise], noise=Noise(seed=seed), trials=max(1, _LOOKED_AT // len(some)),
        rule=RecallRule(extra_steps=0), progress=False,
    )  # fmt: skip
    stable = float((spectral_radius(f, some) < BELOW_ONE).mean())
    return {"recalled": float(curve.pooled_fraction[0]), "stable": stable, "stored": True}


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    chosen = _SIZES[size]
    return [
        {"n": int(share * dim), "dim": dim, "norm": float(round(scale * np.sqrt(dim), 6)),
         "noise": _NOISE, "seed": seed}
        for dim in chosen["dims"]
        for share in chosen["share"]
        for scale in chosen["scale"]
        for seed in range(seeds or chosen["seeds"])
    ]  # fmt: skip


def _capacity(results: Results, seed: int) -> dict[float, int]:
    """Return by norm the largest n up to which nine tenths of the cues are recalled."""
    found = {}
    for norm in results.levels("norm"):
        most = 0
        for n in results.levels("n"):
            row = results.column("recalled", n=n, norm=norm, seed=seed)
            if not len(row) or row[0] < _WANTED:
                break
            most = n
        found[norm] = most
    return found


def _claims(results: Results) -> list[Claim]:
    more, verdicts, best, inside = [], [], [], []
    dims = len(results.levels("dim"))
    for dim in results.levels("dim"):
        some = results.where(dim=dim)
        tables = [_capacity(some, seed) for seed in some.levels("seed")]
        most = np.array([max(table.values()) for table in tables])
        end = some.levels("n")[-1] / dim
        ratio = estimate(most / dim, (0, np.inf)).among(dims)
        more.append(f"dim {dim}: {at_least(ratio, end)} · n₀")
        verdicts.append(above(ratio, 2.0))
        norms = some.levels("norm")
        ends = estimate([max(t.values()) - max(t[norms[0]], t[norms[-1]]) for t in tables])
        ends = ends.among(dims)
        censored = f"at least {shown(ends.mean)}" if (most >= end * dim).any() else ends.text()
        place = where_largest(
            [round(norm / np.sqrt(dim), 2) for norm in norms],
            [[t[norm] for norm in norms] for t in tables],
        )
        best.append(f"dim {dim}: {censored} more than at the ends, best near {place} √n₀")
        inside.append(above(ends, 0.0))
    return [
        Claim("beyond the paper", "A memory holds more than twice as many random patterns as it "
              "has dimensions", "largest n of the grid, over the norms, up to which 90 % of the "
              "cues with noise 0.1 are recalled (at the end of the grid: at least that): interval "
              "of n/n₀ above 2", "; ".join(more),
              all_of(*verdicts)),
        Claim("beyond the paper", "Capacity is largest at a norm inside the range",
              "capacity at the best norm minus that at either end, within a seed: interval above 0",
              "; ".join(best), all_of(*inside)),
    ]  # fmt: skip


def _pictures(results: Results) -> dict[str, Figure]:
    dims = results.levels("dim")
    figure = new_figure(2.0 + 4.2 * max(1, len(dims)), 3.8)
    axes = figure.subplots(1, max(1, len(dims)), sharey=True, squeeze=False)[0]
    for axis, dim in zip(axes, dims, strict=False):
        some = results.where(dim=dim)
        norms, numbers, seeds = some.levels("norm"), some.levels("n"), some.levels("seed")
        for k, (color, norm) in enumerate(zip(shades(len(norms)), norms, strict=True)):
            rows = np.full((len(seeds), len(numbers)), np.nan)
            for s, v in some.where(norm=norm):
                rows[seeds.index(s["seed"]), numbers.index(s["n"])] = v["recalled"]
            # Lines that lie on one another show one inside the other.
            width = 1.2 + 0.8 * (len(norms) - 1 - k)
            band(axis, numbers, rows, color, lw=width, marker=MARKERS[k % len(MARKERS)],
                 ms=width + 3, within=(0, 1), label=f"{norm / np.sqrt(dim):.2g} √n₀")  # fmt: skip
        axis.axvline(dim, color=GREY, lw=0.9, ls="--")
        axis.annotate(" n = n₀", (dim, 0.55), fontsize=8, color=GREY)
        axis.set(xscale="log", xlabel="number of patterns n", ylim=(-0.03, 1.03))
        axis.set_xticks(numbers, [f"{n:,}" for n in numbers])
        axis.set_xticks([], minor=True)
        axis.set_title(f"random patterns, dim n₀ = {dim}, infinite width", fontsize=9)
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("cues recalled, noise 0.1 of the norm")
    axes[-1].legend(title="norm", fontsize=8, title_fontsize=8, frameon=False,
                    loc="center left", bbox_to_anchor=(1.0, 0.5))  # fmt: skip
    more = _claims(results)[0].holds
    figure.suptitle(
        "Capacity: "
        + said(more, "it is above 2 n₀, if the norm is right", "it is not above 2 n₀"), fontsize=10,
    )  # fmt: skip
    return {"capacity": figure}


FIGURE = PaperFigure(
    "capacity",
    "Recall against the number of patterns",
    "Infinite width, f0 = 0, surrogate, random patterns on a sphere; noise of a tenth of the norm, "
    "50 steps, 64 cues or more, so that the lowest share above 0 is about 1.6 %. Where two lines "
    "are one, the narrow one lies in the wide one. At 30 √n₀ the basins of few patterns are "
    "narrower than this noise (basin-and-norm), and more cues are recalled as n grows.",
    cell,
    _cells,
    _claims,
    _pictures,
)
