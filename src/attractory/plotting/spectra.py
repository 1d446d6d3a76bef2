"""Figures from results. Each function returns a `matplotlib.figure.Figure`; save it with `savefig`.

Nothing here touches pyplot, so no window opens and no global state changes.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from attractory._util.contraction import BELOW_ONE
from attractory._util.texts import counted
from attractory.analysis.critical_norms import CriticalNorm
from attractory.plotting.style import BLUE, GREY, LINES, MARKERS, VERMILION, new_figure

__all__ = ["nonzero", "plot_critical_norm", "plot_eigenvalues"]

_ZERO = 1e-12  # modulus below which an eigenvalue is 0 up to rounding


def nonzero(values: Complex[np.ndarray, "..."]) -> Complex[np.ndarray, " k"]:
    """Return the eigenvalues that are not 0 up to rounding, of all points together.

    Example:
        >>> nonzero(np.array([[0.5 + 0j, 1e-17]])).tolist()
        [(0.5+0j)]
    """
    return values[np.abs(values) > _ZERO]


def plot_eigenvalues(values: Complex[np.ndarray, "k d"], *, title: str = "") -> Figure:
    """Show eigenvalues of Jacobians in the complex plane, and how large the largest ones are.

    Left, beside the unit circle, all but the zeros, which a low rank implies; the largest one of
    each point is marked. Right, how many points have which spectral radius: below 1 a point is an
    attractor.

    Args:
        values: (k, d), one row a point, as `analysis.spectrum.eigenvalues` gives them.
        title: the message of the figure; by default at how many points the radius is below 1.

    Example:
        >>> plot_eigenvalues(np.array([[0.5 + 0.5j, 0.5 - 0.5j, 0.0]])).axes[0].get_xlabel()
        'real part'
    """
    values = np.atleast_2d(np.asarray(values, dtype=complex))
    largest = values[np.arange(len(values)), np.abs(values).argmax(axis=1)]
    others = nonzero(values)
    figure = new_figure(8.6, 4.6)
    axis, counts = figure.subplots(1, 2, width_ratios=(5, 4))
    turn = np.linspace(0, 2 * np.pi, 400)
    axis.plot(np.cos(turn), np.sin(turn), color=GREY, lw=1.2, label="unit circle: attractor inside")
    axis.axhline(0, color=GREY, lw=0.4)
    axis.axvline(0, color=GREY, lw=0.4)
    axis.scatter(
        np.real(others), np.imag(others), s=9, color=BLUE, alpha=0.45, lw=0,
        label=f"{counted(len(others), 'non-zero eigenvalue')} at {counted(len(values), 'pattern')}",
    )  # fmt: skip
    axis.scatter(
        np.real(largest), np.imag(largest), s=34, facecolors="none", edgecolors=VERMILION, lw=0.8,
        alpha=0.7, label="largest of each pattern",
    )  # fmt: skip
    reach = 1.08 * max(1.0, float(np.abs(values).max()))
    axis.set(
        xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal",
        xlabel="real part", ylabel="imaginary part",
    )  # fmt: skip
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.yaxis.set_major_locator(MaxNLocator(5))
    radius = np.abs(largest)
    low, high = float(radius.min()), float(radius.max())
    pad = max(0.05 * (high - low), 0.01)
    bins = np.linspace(low - pad, high + pad, min(25, max(6, len(radius) // 2)) + 1)
    counts.hist(radius, bins, color=VERMILION, alpha=0.85)
    if low - 5 * pad <= 1 <= high + 5 * pad:
        counts.axvline(1, color=GREY, lw=1.2, ls="--", label="1: attractor below")
        counts.legend(fontsize=8, frameon=False)
    counts.set(xlabel="spectral radius (attractor below 1)", ylabel="patterns")
    counts.yaxis.set_major_locator(MaxNLocator(integer=True))
    counts.xaxis.set_major_locator(MaxNLocator(5))
    figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=3,
                  handles=axis.get_legend_handles_labels()[0])  # fmt: skip
    inside = f"{int((radius < BELOW_ONE).sum())} of {counted(len(radius), 'pattern')}"
    figure.suptitle(title or f"The spectral radius is below 1 at {inside}", fontsize=10)
    return figure


def _with_crossing(result: CriticalNorm) -> tuple[np.ndarray, np.ndarray]:
    """Return the course with the critical norm in it: between points of the grid it is found."""
    known = np.isfinite(result.radii)
    norms, radii = result.norms[known], result.radii[known]
    if np.isfinite(result.norm):
        place = np.searchsorted(norms, result.norm)
        norms, radii = np.insert(norms, place, result.norm), np.insert(radii, place, 1.0)
    return norms, radii


def plot_critical_norm(
    results: Sequence[CriticalNorm | tuple[str, CriticalNorm]], *, title: str = ""
) -> Figure:
    """Show the largest spectral radius of the patterns against their norm, and where it falls.

    Args:
        results: each a result, or label and result; dashed lines for f0 = 0, full ones for f0
            sampled, one colour a label's first word. A dot marks the critical norm.
        title: the message of the figure; by default that of a single result.

    Example:
        >>> from attractory.analysis.critical_norms import critical_norm
        >>> result = critical_norm(np.eye(2, 9), activation="erf", f0="zero", norms=[1.0, 10.0])
        >>> plot_critical_norm([("two", result)]).axes[0].get_xlabel()
        'norm of the patterns'
    """
    named = [
        (f"f0 {'= 0' if each.f0 == 'zero' else 'sampled'}", each)
        if isinstance(each, CriticalNorm) else each
        for each in results
    ]  # fmt: skip
    figure = new_figure(6.6, 4.2)
    axis = figure.subplots()
    axis.axhline(1, color=GREY, lw=0.8)
    colours: dict[str, str] = {}
    for k, (label, result) in enumerate(named):
        colour = colours.setdefault(label.split()[0], LINES[len(colours) % len(LINES)])
        norms, radii = _with_crossing(result)
        style = "--" if result.f0 == "zero" else "-"
        if np.isfinite(result.norm):
            label += f": {result.norm:.3g}"
            axis.plot(result.norm, 1, MARKERS[k % len(MARKERS)], color=colour, ms=6)
        axis.plot(
            norms, radii, style, color=colour, lw=1.6, label=label,
            marker=MARKERS[k % len(MARKERS)] if np.isfinite(result.norm) else "", markevery=[],
        )  # fmt: skip
    axis.set(xscale="log", xlabel="norm of the patterns", ylabel="largest spectral radius")
    axis.legend(fontsize=8, frameon=False, title="critical norm", title_fontsize=8)
    if len(named) == 1 and not title:
        found = named[0][1]
        title = found.status.message[:1].upper() + found.status.message[1:]
        if np.isfinite(found.norm):
            title = f"The spectral radius falls below 1 at norm {found.norm:.4g}"
    axis.set_title(title, fontsize=10, wrap=True)
    return figure
