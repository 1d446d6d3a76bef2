"""Figure E.1 against the norm: where 10, 40 and 70 % of eigenvalues near 1 stop holding.

The paper gives E.1 without the norm of its patterns. Errata 13 says it matters: the shares hold in
the linear region and fail outside it. Same cells as `figure_e1`, over norms.
"""

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attractory.paper.claims import Claim, PaperFigure, Results, Size
from attractory.paper.figures.figure_e1 import MAPS, cell, settings, share_claim
from attractory.paper.statistics import all_of, below, estimate, said
from attractory.paper.style import GREY, LINES, MARKERS, band, new_figure
from attractory.sweeps.grid import Settings

__all__ = ["FIGURE"]

_NORMS = {
    "quick": [0.5, 1.0, 3.0, 10.0],
    "full": [0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0],
}
_SEEDS = {"quick": 4, "full": 20}


def _cells(size: Size, seeds: int | None, data: str | None) -> list[Settings]:
    return settings(_NORMS[size], seeds or _SEEDS[size])


def _claims(results: Results) -> list[Claim]:
    small, large = (share_claim(results, "errata 13", "network", norm) for norm in (0.5, 3.0))
    lost = replace(
        large,
        statement="At norm 3 the shares 10, 40, 70 % of figure E.1 are lost (trained network)",
        rule="for some n the interval of the mean share lies outside (n − 1)/10 ± 2 points; "
        "fails if it is inside for every n",
        holds=None if large.holds is None else not large.holds,
    )
    claims = [small, lost]
    parts, verdicts = [], []
    for n in results.levels("n"):
        norms, off = sorted({s["norm"] for s, _ in results.where(n=n)}), []
        for norm in norms:
            shares = estimate(results.column("network_near", n=n, norm=norm), (0, 1))
            found = shares.among(len(norms) * len(results.levels("n")))
            answer = below(found, (n - 1) / 10 - 0.05)
            if answer:
                off.append(norm)
        first = f"from norm {off[0]:g}" if off else f"at no norm up to {norms[-1]:g}"
        parts.append(f"n = {n}: {first}" + (" or less" if off and off[0] == norms[0] else ""))
        verdicts.append(True if off else None)
    claims.append(
        Claim(
            "errata 13", "The shares of figure E.1 are lost at some norm",
            "for every n there is a norm at which the interval of the network's share lies more "
            "than 5 points below (n − 1)/10; the smallest one in the grid is given",
            "; ".join(parts), all_of(*verdicts),
        )
    )  # fmt: skip
    return claims


def _pictures(results: Results) -> dict[str, Figure]:
    figure = new_figure(8.4, 3.5)
    axes = figure.subplots(1, len(MAPS), sharey=True)
    norms = results.levels("norm")
    for axis, (kind, label) in zip(axes, MAPS.items(), strict=True):
        for k, n in enumerate(results.levels("n")):
            rows = [results.column(f"{kind}_near", n=n, norm=norm) for norm in norms]
            seeds = min(len(row) for row in rows)
            samples = np.array([row[:seeds] for row in rows]).T
            band(axis, norms, samples, LINES[k], (0, 1), "seeds", lw=1.7, marker=MARKERS[k], ms=4,
                 label=f"n = {n}")  # fmt: skip
            axis.axhline((n - 1) / 10, color=LINES[k], lw=0.8, ls=":")
        axis.set(xscale="log", xlabel="norm of the patterns", title=label)
        axis.title.set_fontsize(9)
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes[0].set(ylabel="eigenvalues within 0.05 of 1", ylim=(0, 1))
    axes[0].plot([], [], "x", color=GREY, ms=4, mew=0.8, label="each seed")
    axes[0].plot([], [], color=GREY, lw=0.8, ls=":", label="(n − 1)/10")
    axes[0].legend(fontsize=8, frameon=False)
    figure.suptitle(
        "E.1 against the norm: " + said(
            all_of(*(c.holds for c in _claims(results)[:2])),
            "its shares hold at norm 0.5 and are lost at norm 3 (trained network)",
            "its shares do not hold at norm 0.5, or are not lost at norm 3 (trained network)"),
        fontsize=10,
    )  # fmt: skip
    return {"e1-against-norm": figure}


FIGURE = PaperFigure(
    "e1-against-norm",
    "Where the shares of figure E.1 stop holding",
    "The cells of figure-e1 over norms from 0.2 to 20 (quick: 0.5 to 10).",
    cell,
    _cells,
    _claims,
    _pictures,
)
