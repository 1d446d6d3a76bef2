"""Figures of basins: recall curves, and the attractors of a census.

As in `plotting.spectra`, each function returns a `matplotlib.figure.Figure`.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attractory.analysis.census import AttractorCensus
from attractory.analysis.curves import RecallCurve
from attractory.analysis.outcomes import Outcome
from attractory.plotting.style import BLUE, FATES, GREY, PURPLE, VERMILION, new_figure

__all__ = ["plot_census", "plot_recall_curve"]

_KINDS = (
    ("stored patterns", BLUE, "o", lambda a: a.stored),
    ("spurious fixed points", VERMILION, "^", lambda a: not a.stored and a.period == 1),
    ("cycles", PURPLE, "s", lambda a: a.period > 1),
)
_MOST = 60  # attractors shown at most


def plot_recall_curve(curve: RecallCurve, *, title: str = "") -> Figure:
    """Show the share of cues recalled against the size of the corruption, and all outcomes.

    Above, the pooled share with its interval as a band, and every pattern's share faintly. Below,
    stacked, what became of the cues.

    Args:
        curve: as `analysis.curves.recall_curve` returns it.
        title: the message of the figure; by default where the pooled share crosses one half.

    Example:
        >>> from attractory.analysis.curves import recall_curve
        >>> curve = recall_curve(lambda x: 1.5 * x - 0.5 * x**3, [[1.0], [-1.0]], [0.2, 0.8])
        >>> plot_recall_curve(curve).axes[1].get_xlabel()
        'size of the gaussian corruption (noise norm / pattern norm)'
    """
    figure = new_figure(6.4, 6.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    sizes, marker = curve.sizes, "o" if len(curve.sizes) <= 15 else ""
    for k, share in enumerate(curve.fraction):
        label = f"each of the {len(curve.fraction)} patterns" if k == 0 else None
        top.plot(sizes, share, color=GREY, lw=0.7, alpha=0.45, label=label)
    low, high = curve.pooled_interval
    top.fill_between(
        sizes, low, high, color=BLUE, alpha=0.3, lw=0, label=f"{curve.confidence:.0%} interval"
    )
    top.plot(
        sizes, curve.pooled_fraction, color=BLUE, lw=2.2, marker=marker, ms=4, label="all patterns"
    )
    top.set(ylim=(-0.03, 1.03), ylabel=f"recalled within {curve.rule.max_steps} steps")
    top.grid(alpha=0.25)
    top.legend(fontsize=8, frameon=False, loc="best")

    counts = curve.pooled_counts
    seen = [o for o in Outcome if counts[:, o].any()]
    shares = [counts[:, o] / counts.sum(axis=1) for o in seen]
    colors, labels = [FATES[o][1] for o in seen], [FATES[o][0] for o in seen]
    if len(sizes) > 1:
        bottom.stackplot(sizes, shares, colors=colors, labels=labels, alpha=0.85, lw=0)
        bottom.margins(x=0)
    else:  # no area over a single size
        base = np.zeros(1)
        for share, color, label in zip(shares, colors, labels, strict=True):
            bottom.bar(sizes, share, bottom=base, color=color, label=label, width=0.2 * sizes[0])
            base = base + share
    bottom.set(
        ylim=(0, 1), ylabel="share of cues",
        xlabel=f"size of the {curve.noise.kind.replace('_', '-')} corruption ({curve.unit})",
    )  # fmt: skip
    for axis in (top, bottom):
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    handles, names = bottom.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside lower center", ncols=3, fontsize=8, frameon=False,
        title="what became of the cues", title_fontsize=8,
    )  # fmt: skip
    top.set_title(title or _half(curve), fontsize=10)
    return figure


def _half(curve: RecallCurve) -> str:
    """Say where the pooled share falls below one half."""
    share, sizes = curve.pooled_fraction, curve.sizes
    n = len(curve.counts)
    below = np.flatnonzero(share < 0.5)
    if not len(below):
        return f"{share.min():.0%} or more of cues recalled at every size, {n} patterns"
    k = int(below[0])
    if k == 0:
        return f"fewer than half of cues recalled at the smallest size, {n} patterns"
    where = np.interp(0.5, [share[k], share[k - 1]], [sizes[k], sizes[k - 1]])
    return f"Half of all cues are recalled at size {where:.2g}, {n} patterns"


def plot_census(census: AttractorCensus, *, title: str = "") -> Figure:
    """Show every attractor: the share of starts that reach it, and how strongly it attracts.

    Stored patterns are blue discs, spurious fixed points vermilion triangles, cycles purple
    squares with their period. Left, by share, with its interval; right, share against spectral
    radius. The 60 most frequent are shown.

    Args:
        census: as `analysis.census.attractor_census` returns it.
        title: the message of the figure; by default how many of each kind there are.

    Raises:
        ValueError: if the census found no attractor.

    Example:
        >>> from attractory.analysis.census import attractor_census
        >>> census = attractor_census(lambda x: 1.5 * x - 0.5 * x**3, [[1.0], [-1.0]], count=20)
        >>> plot_census(census).axes[1].get_xlabel()
        'spectral radius (attracts below 1)'
    """
    if not census.attractors:
        raise ValueError("census must have found an attractor; raise its max_steps or count")
    figure = new_figure(9.2, 4.6)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    shown = census.attractors[:_MOST]
    for name, color, marker, chosen in _KINDS:
        place = [k for k, a in enumerate(shown) if chosen(a)]
        if not place:
            continue
        share = np.array([shown[k].share for k in place])
        ends = np.array([shown[k].interval for k in place])
        error = np.abs(ends.T - share)
        radius = [shown[k].spectral_radius for k in place]
        style = dict(color=color, fmt=marker, ms=5, lw=1, label=f"{name}: {len(place)}")
        left.errorbar(np.array(place) + 1, share, yerr=error, **style)  # pyright: ignore[reportArgumentType]
        right.plot(radius, share, marker, color=color, ms=5, alpha=0.8)
        for k, r, s in zip(place, radius, share, strict=True):
            if shown[k].period > 1:
                text = f"period {shown[k].period}"
                right.annotate(text, (r, s), xytext=(5, 4), textcoords="offset points", fontsize=7)
    left.set_xlabel("attractor, most frequent first")
    left.set_ylabel(f"share of {census.starts} starts, {census.confidence:.0%} interval")
    left.xaxis.get_major_locator().set_params(integer=True)
    left.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    left.set_ylim(bottom=0)
    largest = max(1.0, *(a.spectral_radius for a in shown))
    smallest = min(a.spectral_radius for a in shown)
    pad = 0.05 * (largest - smallest) + 1e-3
    right.xaxis.get_major_locator().set_params(nbins=5)
    right.axvline(1.0, color=GREY, lw=1, ls="--")
    right.set(xlabel="spectral radius (attracts below 1)", xlim=(smallest - pad, largest + pad))
    for axis in (left, right):
        axis.grid(alpha=0.25)
    left.legend(fontsize=8, frameon=False, loc="upper right")
    figure.suptitle(title or _summary(census), fontsize=10)
    return figure


def _summary(census: AttractorCensus) -> str:
    hidden = len(census.attractors) - _MOST
    rest = f"; {hidden} rarer ones not shown" if hidden > 0 else ""
    lost = [
        f"{count / census.starts:.1%} {name}"
        for count, name in ((census.diverged, "diverged"), (census.undecided, "undecided"))
        if count
    ]
    return (
        f"{len(census.stored)} of {census.patterns} stored patterns and {len(census.spurious)} "
        f"spurious attractors reached; {census.spurious_share:.1%} of starts end spurious"
        + "".join(f", {part}" for part in lost)
        + rest
    )
