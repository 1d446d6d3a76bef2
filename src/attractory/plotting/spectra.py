"""Figures from results. Each function returns a `matplotlib.figure.Figure`; save it with `savefig`.

Nothing here touches pyplot, so no window opens and no global state changes.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex
from matplotlib.figure import Figure

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points
from attractory.analysis.critical_norms import CriticalNorm
from attractory.plotting.style import BLUE, GREY, LINES, VERMILION, new_figure

__all__ = ["plot_critical_norm", "plot_eigenvalues", "plot_image_rows"]

_ZERO = 1e-12  # modulus below which an eigenvalue is 0 up to rounding


def plot_image_rows(
    rows: Sequence[tuple[str, ArrayLike]],
    shape: tuple[int, int],
    *,
    title: str = "",
    missed: Sequence[ArrayLike | None] | None = None,
) -> Figure:
    """Show rows of images, one column a pattern.

    Args:
        rows: label and images (n, height · width) with values in [0, 1] (others are clipped).
        shape: (height, width).
        title: the message of the figure.
        missed: for each row None, or booleans (n,); such images get a frame.

    Raises:
        ValueError: if the rows differ in number of images, or images do not have that many pixels.

    Example:
        >>> figure = plot_image_rows([("original", np.eye(2)[:, [0, 1, 1, 0]])], (2, 2))
        >>> len(figure.axes)
        2
    """
    images = [as_points(values, label, dim=shape[0] * shape[1]) for label, values in rows]
    count = len(images[0])
    if any(len(values) != count for values in images):
        raise ValueError(f"rows must have as many images each, got {[len(v) for v in images]}")
    width = max(0.55 * count, 4.5) + 1.3
    figure = Figure(figsize=(width, 0.57 * len(rows) + 0.55), dpi=150)
    axes = figure.subplots(len(rows), count, squeeze=False)
    for line, ((label, _), values) in enumerate(zip(rows, images, strict=True)):
        frames = None if missed is None else missed[line]
        for k, axis in enumerate(axes[line]):
            axis.imshow(np.clip(values[k].reshape(shape), 0, 1), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            bad = frames is not None and bool(np.asarray(frames)[k])
            for spine in axis.spines.values():
                spine.set(visible=bad, color=VERMILION, linewidth=2.5)
        axes[line, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    height = figure.get_figheight()
    figure.suptitle(title, fontsize=10, y=1 - 0.08 / height, va="top")
    figure.subplots_adjust(
        left=1.25 / width, right=1 - 0.05 / width, bottom=0.04 / height, top=1 - 0.38 / height,
        wspace=0.06, hspace=0.06,
    )  # fmt: skip
    return figure


def plot_eigenvalues(values: Complex[np.ndarray, "k d"], *, title: str = "") -> Figure:
    """Show eigenvalues of Jacobians in the complex plane, beside the unit circle.

    Zeros, which a low rank implies, are left out. The largest eigenvalue of each point is
    marked; a point is an attractor when its own lies inside the circle.

    Args:
        values: (k, d), one row a point, as `analysis.spectrum.eigenvalues` gives them.
        title: the message of the figure.

    Example:
        >>> plot_eigenvalues(np.array([[0.5 + 0.5j, 0.5 - 0.5j, 0.0]])).axes[0].get_xlabel()
        'real part'
    """
    values = np.atleast_2d(np.asarray(values, dtype=complex))
    largest = values[np.arange(len(values)), np.abs(values).argmax(axis=1)]
    others = values[np.abs(values) > _ZERO]
    figure = new_figure(5.2, 5.9)
    axis = figure.subplots()
    turn = np.linspace(0, 2 * np.pi, 400)
    axis.plot(np.cos(turn), np.sin(turn), color=GREY, lw=1.2, label="unit circle: attractor inside")
    axis.axhline(0, color=GREY, lw=0.4)
    axis.axvline(0, color=GREY, lw=0.4)
    axis.scatter(
        np.real(others), np.imag(others), s=9, color=BLUE, alpha=0.45, lw=0,
        label=f"{len(others)} non-zero eigenvalues at {len(values)} patterns",
    )  # fmt: skip
    axis.scatter(
        np.real(largest), np.imag(largest), s=34, facecolors="none", edgecolors=VERMILION, lw=1.1,
        label="largest of each pattern",
    )  # fmt: skip
    reach = 1.08 * max(1.0, float(np.abs(values).max()))
    axis.set(
        xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal",
        xlabel="real part", ylabel="imaginary part",
    )  # fmt: skip
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    axis.set_title(title, fontsize=10)
    return figure


def plot_critical_norm(results: Sequence[tuple[str, CriticalNorm]], *, title: str = "") -> Figure:
    """Show the largest spectral radius of the patterns against their norm, and where it falls.

    Args:
        results: label and result; dashed lines for f0 = 0, full ones for f0 sampled, one colour a
            label's first word. A dot marks the critical norm.
        title: the message of the figure.

    Example:
        >>> from attractory.analysis.critical_norms import critical_norm
        >>> result = critical_norm(np.eye(2, 9), activation="erf", f0="zero", norms=[1.0, 10.0])
        >>> plot_critical_norm([("two", result)]).axes[0].get_xlabel()
        'norm of the patterns'
    """
    figure = new_figure(6.6, 4.2)
    axis = figure.subplots()
    axis.axhline(1, color=GREY, lw=0.8)
    colours: dict[str, str] = {}
    for label, result in results:
        colour = colours.setdefault(label.split()[0], LINES[len(colours) % len(LINES)])
        known = np.isfinite(result.radii)
        style = "--" if result.f0 == "zero" else "-"
        axis.plot(
            result.norms[known], result.radii[known], style, color=colour, lw=1.6, label=label
        )
        if np.isfinite(result.norm):
            axis.plot(result.norm, 1, "o", color=colour, ms=6)
            axis.annotate(
                f"{result.norm:.3g}", (result.norm, 1), (-3, -14), textcoords="offset points",
                ha="right", fontsize=8, color=colour,
            )  # fmt: skip
    axis.set(xscale="log", xlabel="norm of the patterns", ylabel="largest spectral radius")
    axis.legend(fontsize=8, frameon=False)
    axis.set_title(title, fontsize=10)
    return figure
