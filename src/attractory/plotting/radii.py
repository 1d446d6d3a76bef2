"""Figures of basin radii: per pattern between proof and attack, and against the norm.

As in `plotting.spectra`, each function returns a `matplotlib.figure.Figure`.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from attractory._util.statistics import where_largest
from attractory.analysis.certificate import Certificate
from attractory.analysis.critical_shocks import CriticalShock, ShockStatus
from attractory.analysis.norm_search import BestNorm, NormProfile
from attractory.plotting.style import BLUE, GREEN, GREY, VERMILION, new_figure

__all__ = ["plot_best_norm", "plot_norm_profile", "plot_radii"]

_NAMED = 40  # patterns below which each is named on the axis


def plot_radii(
    certificate: Certificate | None = None,
    shock: CriticalShock | None = None,
    *,
    title: str = "",
) -> Figure:
    """Show, pattern by pattern, the ball proven to be recalled and the smallest shock that is not.

    Args:
        certificate: as `certified_radius` returns it; may be left out.
        shock: as `critical_shock` returns it, at the same patterns; may be left out.
        title: the message of the figure; by default how far apart the two are.

    Raises:
        ValueError: if the two differ in number of patterns, or neither is given.

    Example:
        >>> from attractory import certified_radius, critical_shock, fit_regression
        >>> from attractory.datasets import sphere
        >>> x = sphere(4, 16, norm=20.0)
        >>> f = fit_regression(x, activation="erf")
        >>> plot_radii(certified_radius(f, x), critical_shock(f, x)).axes[0].get_xlabel()
        'pattern, by critical shock'
    """
    if certificate is None and shock is None:
        raise ValueError("certificate or shock must be given, got neither")
    if certificate and shock and len(certificate.radius) != len(shock.distance):
        raise ValueError(
            f"certificate and shock must be of the same patterns, got {len(certificate.radius)} "
            f"and {len(shock.distance)}"
        )
    size = len(certificate.radius if certificate else shock.distance)  # pyright: ignore
    low = certificate.radius if certificate else np.full(size, np.nan)
    high = shock.distance if shock else np.full(size, np.nan)
    order = np.argsort(high if shock else low)
    low, high, place = low[order], high[order], np.arange(size)
    figure = new_figure(6.4, 4.2)
    axis = figure.subplots()
    known = np.isfinite(low) & np.isfinite(high) & (low > 0)
    axis.vlines(place[known], low[known], high[known], color=GREY, lw=1, alpha=0.6)
    if shock:
        axis.plot(place, high, "v", color=VERMILION, label="critical shock: a cue this far is lost")
        slow = shock.status[order] == ShockStatus.TOO_SLOW
        if slow.any():
            reached = shock.inside[order][slow]
            axis.plot(place[slow], reached, "_", color=GREY, ms=9, label="too slow to tell beyond")
    if certificate:
        axis.plot(place, low, "^", color=BLUE, label="certified: every cue nearer ends there")
    by = "critical shock" if shock else "certified radius"
    axis.set(xlabel=f"pattern, by {by}", ylabel="distance from the pattern")
    found = np.concatenate([low[np.isfinite(low)], high[np.isfinite(high)], [0.0]])
    axis.set_ylim(0, 1.08 * found.max() or 1.0)
    if size <= _NAMED:
        axis.set_xticks(place, [str(k) for k in order], fontsize=7)
    else:
        axis.set_xticks([])
    axis.grid(axis="y", alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    axis.set_title(title or _reach(low, high, certificate, shock), fontsize=10)
    return figure


def _reach(
    low: np.ndarray, high: np.ndarray, certificate: Certificate | None, shock: CriticalShock | None
) -> str:
    """Say how far proof and attack reach."""
    if certificate and shock:
        known = np.isfinite(low) & np.isfinite(high) & (low > 0)
        ratio = np.median(low[known] / high[known]) if known.any() else np.nan
        return f"The basin's radius lies between; the proof reaches {ratio:.0%} of the attack"
    found = high[np.isfinite(high)] if shock else low[np.isfinite(low) & (low > 0)]
    what = "shocks found" if shock else "balls certified"
    spread = f", radii {found.min():.3g} to {found.max():.3g}" if len(found) else ""
    return f"{len(found)} of {len(low)} {what}{spread}"


def plot_norm_profile(profile: NormProfile, *, title: str = "") -> Figure:
    """Show spectral radius, recall and certified radius of the same patterns against their norm.

    Args:
        profile: as `norm_profile` returns it.
        title: the message of the figure; by default where recall of the largest noise peaks.

    Example:
        >>> from functools import partial
        >>> from attractory import fit_regression, norm_profile
        >>> from attractory.datasets import sphere
        >>> fit = partial(fit_regression, activation="erf")
        >>> settings = {"sizes": [0.5], "trials": 5}
        >>> profile = norm_profile(sphere(4, 16), [10.0, 60.0], fit=fit, **settings)
        >>> len(plot_norm_profile(profile).axes)
        3
    """
    certified = profile.certified
    rows = 2 if certified is None else 3
    figure = new_figure(6.4, 2.6 * rows)
    axes = figure.subplots(rows, 1, sharex=True)
    radius = profile.spectral_radius
    axes[0].fill_between(
        profile.norms, radius.min(axis=1), radius.max(axis=1), color=BLUE, alpha=0.25, lw=0,
        label="all patterns",
    )  # fmt: skip
    axes[0].plot(profile.norms, np.median(radius, axis=1), color=BLUE, label="median")
    axes[0].axhline(1, color=GREY, lw=0.8, ls="--", label="attractor below")
    axes[0].set_ylabel("spectral radius")
    sizes = profile.curves[0].sizes
    shades = np.linspace(0.25, 1.0, len(sizes))
    for k, (size, shade) in enumerate(zip(sizes, shades, strict=True)):
        low, high = np.array([[end[k] for end in c.pooled_interval] for c in profile.curves]).T
        axes[1].fill_between(profile.norms, low, high, color=VERMILION, alpha=0.12 * shade, lw=0)
        axes[1].plot(
            profile.norms, profile.recalled[:, k], color=VERMILION, alpha=shade, lw=1 + shade,
            marker="osD^vP*X"[k % 8], ms=4, label=f"{size:g}",
        )  # fmt: skip
    axes[1].set_ylabel("cues recalled")
    axes[1].yaxis.set_major_formatter(PercentFormatter(1.0))
    axes[1].set_ylim(-0.03, 1.03)
    axes[1].legend(
        title=profile.curves[0].unit, title_fontsize=7, fontsize=7, ncols=2, frameon=False
    )
    if certified is not None:
        axes[2].fill_between(
            profile.norms, certified.min(axis=1), certified.max(axis=1), color=GREEN, alpha=0.25,
            lw=0, label="all patterns",
        )  # fmt: skip
        axes[2].plot(
            profile.norms, np.median(certified, axis=1), color=GREEN, marker="o", ms=3,
            label="median",
        )  # fmt: skip
        axes[2].set_ylabel("certified radius / norm")
        axes[2].legend(fontsize=7, frameon=False)
    axes[0].legend(fontsize=7, frameon=False)
    axes[-1].set(xlabel="norm of the patterns", xscale="log")
    _plain_log(axes[-1])
    for axis in axes:
        axis.grid(alpha=0.25)
    best = where_largest(profile.norms.round(2).tolist(), profile.recalled.mean(axis=1))
    axes[0].set_title(title or f"Norm with the most cues recalled: {best}", fontsize=10)
    return figure


def plot_best_norm(best: BestNorm, *, title: str = "") -> Figure:
    """Show the relative radius of every memory that was fitted on the way to the best norm.

    Args:
        best: as `best_norm` returns it.
        title: the message of the figure; by default the norm found and its radius.

    Example:
        >>> from functools import partial
        >>> from attractory import best_norm, fit_regression
        >>> from attractory.datasets import sphere
        >>> fit = partial(fit_regression, activation="erf")
        >>> best = best_norm(sphere(4, 16), fit=fit, fits=3, trials=4)
        >>> plot_best_norm(best).axes[0].get_xscale()
        'log'
    """
    figure = new_figure(6.0, 3.8)
    axis = figure.subplots()
    axis.plot(best.norms, best.radii, "o", color=BLUE, label=f"memories fitted ({best.fits})")
    axis.plot(best.norm, best.radius, "*", color=VERMILION, ms=14, label="best")
    share = f"{best.settings['success']:.0%}"
    axis.set(
        xscale="log", xlabel="norm of the patterns",
        ylabel=f"noise at which {share} are recalled\n(relative to the norm)",
    )  # fmt: skip
    _plain_log(axis)
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, frameon=False)
    low, high = best.tied
    norm = f"{best.norm:.3g}" if low == high else f"{low:.3g} to {high:.3g}, all alike"
    norm += " (edge of the range)" if best.at_edge else ""
    noise = f"{'at least ' if best.at_least else ''}{best.radius:.2g}"
    axis.set_title(
        title or f"Best norm {norm}: recalls from noise {noise} × the norm",
        fontsize=10,
    )
    return figure


def _plain_log(axis: Any) -> None:
    """Label a logarithmic axis with 1, 2 and 5 of each decade, written out."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
