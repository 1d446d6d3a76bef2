"""The explorer's page as one figure: frames of a recall, its path, spectrum, radius, basins."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from attractory._util.contraction import BELOW_ONE
from attractory._util.texts import counted
from attractory.analysis.critical_norms import CriticalNorm
from attractory.explorer.sources import Patterns
from attractory.explorer.texts import radius_text
from attractory.explorer.views import Basins, companions, frames, plane, spectra
from attractory.memory.estimator import AttractorMemory
from attractory.memory.trace import RecallTrace
from attractory.plotting.spectra import nonzero
from attractory.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    new_figure,
)

__all__ = ["BASIN_COLOURS", "draw"]

BASIN_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#333333")  # the three, another pattern, none


def draw(
    memory: AttractorMemory,
    trace: RecallTrace,
    patterns: Patterns,
    *,
    pair: tuple[int, int],
    at: int,
    courses: Sequence[CriticalNorm] = (),
    basins: Basins | None = None,
) -> Figure:
    """Return what the explorer shows as a figure.

    Args:
        memory: fitted.
        trace: of the cue.
        patterns: that the memory's rows are the first of.
        pair: patterns of the path's plane.
        at: pattern whose spectrum is shown.
        courses: of radius against norm, if any.
        basins: if any.

    Example:
        >>> from attractory import AttractorMemory
        >>> from attractory.explorer.sources import bundled
        >>> from attractory.memory import recall_trace
        >>> digits = bundled(5)
        >>> memory = AttractorMemory(metric="rule").fit(digits.rows)
        >>> trace = recall_trace(memory, digits.rows[0] / 2)
        >>> len(draw(memory, trace, digits, pair=(0, 1), at=0).axes)
        11
    """
    chosen = frames(trace.points)
    more = bool(courses) or basins is not None
    figure = new_figure(10.0, 10.0 if more else 6.2)
    parts: Any = figure.subfigures(3 if more else 2, 1, height_ratios=[1.1, 3, 3][: 2 + more])
    recall = trace.recall
    ended, sure = int(recall.pattern[0]), float(recall.confidence[0])
    steps = counted(int(recall.steps[0]), "step")
    figure.suptitle(
        f"Recalled as {patterns.names[ended]} in {steps}, confidence {sure:.2f}"
        if ended >= 0 else "The cue was not recalled as any stored pattern",
        fontsize=11,
    )  # fmt: skip
    _draw_frames(parts[0], trace, patterns, chosen, ended)
    left, right = parts[1].subplots(1, 2)
    _draw_path(left, memory, trace, pair)
    _draw_spectrum(right, memory, at)
    if more:
        left, right = parts[2].subplots(1, 2)
        _draw_courses(left, memory.norm_, courses)
        _draw_basins(right, basins)
    return figure


def _draw_frames(
    part: Any, trace: RecallTrace, patterns: Patterns, chosen: np.ndarray, ended: int
) -> None:
    height, width, channels = patterns.grid
    span = patterns.high - patterns.low
    rows = [*trace.rows[chosen]] + ([patterns.rows[ended]] if ended >= 0 else [])
    names = [f"{k}: {trace.legs[k]}" for k in chosen.tolist()]
    for axis, row, name in zip(
        part.subplots(1, 9), [*rows, *[None] * 9], [*names, "stored"] + [""] * 9, strict=False
    ):
        axis.set_axis_off()
        if row is None:
            continue
        padded = np.pad(row, (0, height * width * channels - len(row)))
        image = np.clip((padded - patterns.low) / span, 0, 1).reshape(height, width, channels)
        axis.imshow(image if channels == 3 else image[..., 0], cmap="gray", vmin=0, vmax=1)
        axis.set_title(name, fontsize=7)


def _draw_path(
    axis: Any, memory: AttractorMemory, trace: RecallTrace, pair: tuple[int, int]
) -> None:
    seen = plane(memory, trace, pair)
    a, b = seen.pair
    rest = np.delete(seen.patterns, [a, b], axis=0)
    axis.scatter(*rest.T, s=14, color=GREY, marker="D", label="other patterns")
    axis.plot(*seen.path.T, "-o", color=VERMILION, ms=3, lw=1.3, label="the state, step by step")
    axis.plot(*seen.path[0], "o", mfc="white", mec=VERMILION, ms=9, label="cue")
    axis.plot(*seen.path[-1], "o", color=VERMILION, ms=9, label="end")
    axis.plot(*seen.patterns[a], "D", color=BLUE, ms=8, label=f"A: pattern {a}")
    axis.plot(*seen.patterns[b], "D", color=ORANGE, ms=8, label=f"B: pattern {b}")
    axis.set(
        xlabel="along A (relative to the norm)", ylabel="across A, towards B", aspect="equal",
        title="Path in the plane of two patterns", adjustable="datalim",
    )  # fmt: skip
    axis.legend(fontsize=7, frameon=False)


def _draw_spectrum(axis: Any, memory: AttractorMemory, at: int) -> None:
    values = spectra(memory, [at, *companions(memory, at)])
    turn = np.linspace(0, 2 * np.pi, 300)
    axis.plot(np.cos(turn), np.sin(turn), color=GREY, lw=1)
    others = nonzero(values[1:])
    here = nonzero(values[0])
    if len(others):
        axis.scatter(np.real(others), np.imag(others), s=6, color=SKY, label="at other patterns")
    axis.scatter(np.real(here), np.imag(here), s=18, color=BLUE, label=f"at pattern {at}")
    radius = float(np.abs(values[0]).max())
    top = values[0][np.abs(values[0]).argmax()]
    axis.plot(top.real, top.imag, "o", mfc="none", mec=VERMILION, ms=11, mew=1.6, label="largest")
    reach = 1.1 * max(1.0, float(np.abs(values).max()))
    verdict = "an" if radius < BELOW_ONE else "no"
    axis.set(
        xlabel="real part", ylabel="imaginary part", aspect="equal",
        xlim=(-reach, reach), ylim=(-reach, reach),
        title=f"Spectral radius {radius_text(radius)}: {verdict} attractor",
    )  # fmt: skip
    axis.legend(fontsize=7, frameon=False, loc="lower left")


def _draw_courses(axis: Any, norm: float, courses: Sequence[CriticalNorm]) -> None:
    axis.axhline(1, color=GREY, lw=1)
    axis.axvline(norm, color=GREEN, lw=1.5, label=f"this memory's norm, {norm:.3g}")
    title = "Spectral radius against norm"
    for course in courses:
        known = np.isfinite(course.radii)
        sampled = course.f0 == "sampled"
        style = ("s--", VERMILION) if sampled else ("o-", BLUE)
        axis.plot(
            course.norms[known], course.radii[known], style[0], color=style[1], ms=3, lw=1.4,
            label="f0 of a sampled network" if sampled else "f0 = 0, infinite width",
        )  # fmt: skip
        if np.isfinite(course.norm):
            axis.plot(course.norm, 1, "*", color=VERMILION, ms=13)
            title = f"Patterns become attractors at the critical norm {course.norm:.3g}"
    axis.set(
        xscale="log", xlabel="norm of the patterns", ylabel="largest spectral radius", title=title
    )
    axis.legend(fontsize=7, frameon=False)


def _draw_basins(axis: Any, found: Basins | None) -> None:
    if found is None:
        axis.set_axis_off()
        return
    kinds, colours = found.kinds, ListedColormap(list(BASIN_COLOURS))
    half = (found.x[1] - found.x[0]) / 2
    extent = (
        found.x[0] - half, found.x[-1] + half, found.y[0] - half, found.y[-1] + half,
    )  # fmt: skip
    axis.imshow(kinds, origin="lower", extent=extent, cmap=colours, vmin=-0.5, vmax=4.5)
    for name, corner, marker in zip("ABC", found.corners, "os^", strict=True):
        axis.plot(*corner, marker, mfc="white", mec="black", ms=8)
        axis.annotate(name, corner, (7, 5), textcoords="offset points", color="white", weight=700)
    names = [f"ends at {name}, pattern {k}" for name, k in zip("ABC", found.three, strict=True)]
    patches = [
        Patch(color=colour, label=label)
        for k, (colour, label) in enumerate(
            zip(BASIN_COLOURS, [*names, "another pattern", "no pattern"], strict=True)
        )
        if (kinds == k).any()
    ]
    axis.legend(handles=patches, fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axis.set(
        xlabel="position in the plane (units of the rows)", ylabel="position in the plane",
        title="Basins in the plane of three patterns",
    )  # fmt: skip
