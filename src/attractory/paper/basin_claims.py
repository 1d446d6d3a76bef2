"""What figures E.2, E.3 and 4b claim of basins, and their pictures: recall by norm and noise."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attractory._util.statistics import where_largest
from attractory.paper.basin_cells import STEPS
from attractory.paper.claims import Claim, Results
from attractory.paper.statistics import Estimate, above, all_of, estimate
from attractory.paper.style import MARKERS, band, new_figure, shades
from attractory.sweeps.grid import Settings

__all__ = ["draw", "norm_claims", "success", "widest"]

_NAMES = {"network": "trained network", "limit": "infinite width, f0 = 0"}


def success(results: Results, name: str, **settings: Any) -> tuple[list[int], np.ndarray]:
    """Return the seeds and each one's mean share over the noise radii.

    Example:
        >>> success(Results([]), "limit")[0]
        []
    """
    rows = {s["seed"]: float(np.mean(v[name])) for s, v in results.where(**settings)}
    seeds = sorted(seed for seed, value in rows.items() if np.isfinite(value))
    return seeds, np.array([rows[seed] for seed in seeds])


def norm_claims(
    results: Results, source: str, norms: tuple[float, float, float], **settings: Any
) -> list[Claim]:
    """Return the claims "larger norm, larger basin" up to the middle norm and beyond it.

    Args:
        results: cells.
        source: of the claim.
        norms: where they are compared.
        settings: of the cells that count, besides n.

    Example:
        >>> [claim.holds for claim in norm_claims(Results([]), "", (1.0, 2.0, 3.0))]
        [None, None, None, None]
    """
    claims = []
    for name, label in _NAMES.items():
        for low, high in (norms[:2], norms[1:]):
            parts, verdicts = [], []
            numbers = results.where(**settings).levels("n")
            for n in numbers:
                gain = _difference(
                    results, name, {**settings, "n": n, "norm": low},
                    {**settings, "n": n, "norm": high},
                ).among(len(numbers))  # fmt: skip
                parts.append(f"n = {n}: {gain.text(2)}")
                verdicts.append(above(gain, 0.0))
            claims.append(
                Claim(
                    source if name == "network" else f"{source}, at infinite width",
                    f"The basin of attraction is larger at larger norm: {high:g} over {low:g} "
                    f"({label})",
                    "share recalled, averaged over the noise radii, at the larger norm minus that "
                    "at the smaller of the same seed: interval above 0 for every n; fails if below "
                    "for one",
                    "difference of the shares: " + "; ".join(parts), all_of(*verdicts),
                )
            )  # fmt: skip
    return claims


def _difference(results: Results, name: str, first: Settings, second: Settings) -> Estimate:
    """Return the difference of two success rates, second minus first, over the seeds of both."""
    (a_seeds, a), (b_seeds, b) = (success(results, name, **s) for s in (first, second))
    both = [seed for seed in a_seeds if seed in b_seeds]
    gains = [b[b_seeds.index(k)] - a[a_seeds.index(k)] for k in both]
    return estimate(gains, (-1, 1))


def widest(results: Results, name: str) -> str:
    """Return the norms at which the mean share over the radii is largest, as text.

    Norms that tie with the best are named, and so are ends of the range of norms.

    Example:
        >>> from attractory.sweeps.results import Cell
        >>> cells = [Cell({"n": 5, "norm": r, "seed": 0}, {"limit": np.array([1 / r])}, None, 0.0)
        ...          for r in (1.0, 2.0)]
        >>> widest(Results(cells), "limit")
        'at most 1'
    """
    norms = results.levels("norm")
    rows = [
        [
            float(shares.mean()) if len(shares) else np.nan
            for shares in (success(results, name, n=n, norm=r)[1] for r in norms)
        ]
        for n in results.levels("n")
    ]
    return where_largest(norms, rows) if rows else "none"


def draw(results: Results, title: str) -> Figure:
    """Return the success rates against the norm, a line a noise radius, a column an n.

    Example:
        >>> draw(Results([]), "nothing").get_suptitle()
        'nothing'
    """
    numbers, norms = results.levels("n"), results.levels("norm")
    figure = new_figure(1.6 + 2.5 * max(1, len(numbers)), 5.2)
    figure.suptitle(title, fontsize=10)
    if not numbers:
        return figure
    axes = figure.subplots(2, len(numbers), sharex=True, sharey=True, squeeze=False)
    radii = next(s["radii"] for s, _ in results)
    colors = shades(len(radii))
    for row, (name, label) in zip(axes, _NAMES.items(), strict=True):
        for axis, n in zip(row, numbers, strict=True):
            seeds = results.levels("seed")
            values = np.full((len(seeds), len(norms), len(radii)), np.nan)
            for s, v in results.where(n=n):
                values[seeds.index(s["seed"]), norms.index(s["norm"])] = v[name]
            for k, radius in enumerate(radii):
                # Lines that lie on one another show one inside the other.
                width = 1.1 + 0.5 * (len(radii) - 1 - k)
                band(axis, norms, values[:, :, k], colors[k], lw=width, ms=width + 2.5,
                     marker=MARKERS[k % len(MARKERS)], within=(0, 1),
                     label=f"{radius:g}")  # fmt: skip
            axis.set(xscale="log", ylim=(-0.03, 1.03))
            axis.set_title(f"n = {n}, {label}", fontsize=8.5)
            axis.yaxis.set_major_formatter(PercentFormatter(1.0))
            axis.grid(alpha=0.25)
        row[0].set_ylabel(f"recalled within {STEPS} steps")
    for axis in axes[-1]:
        axis.set_xlabel("norm of the patterns")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", fontsize=8, frameon=False,
        title="noise\nradius (std)", title_fontsize=8,
    )  # fmt: skip
    return figure
