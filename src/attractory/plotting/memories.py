"""Figures of memories: what a recall came to, how rows are stored, how the metric was chosen.

As in `plotting.spectra`, each function returns a `matplotlib.figure.Figure`.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attractory._util.statistics import clopper_pearson
from attractory._util.texts import counted
from attractory.memory.cycles import CycleDiagnosis
from attractory.memory.diagnosis import Diagnosis
from attractory.memory.metric_search import Choice
from attractory.memory.recalled import MemoryRecall
from attractory.plotting.images import ImageShape, plot_image_rows
from attractory.plotting.style import (
    BLUE,
    GREY,
    LINES,
    MARKERS,
    ORANGE,
    VERMILION,
    new_figure,
)

__all__ = ["plot_choice", "plot_cycles", "plot_diagnosis", "plot_memory_recall"]

_SHOWN = 20  # images of a batch
_NAMED = 8  # cycles in a legend
_LEAST = 1e-6  # distance that is shown for all that are less


def plot_memory_recall(
    result: MemoryRecall, *, shape: ImageShape | None = None, title: str = ""
) -> Figure:
    """Show how sure a memory is of each cue and how near it ended; of images, the images.

    Args:
        result: as `AttractorMemory.recall` returns it.
        shape: (height, width), or (height, width, 3) in colour, of rows that are images with
            values in [0, 1]; the first 20 are shown, framed if they are not known.
        title: the message of the figure; by default how many are known.

    Example:
        >>> from attractory import AttractorMemory
        >>> memory = AttractorMemory(activation="erf", norm=30.0).fit(np.eye(4, 9))
        >>> plot_memory_recall(memory.recall(np.eye(4, 9))).axes[0].get_xlabel()
        'distance from the nearest stored row / norm, at least 10⁻⁶'
    """
    held = result.pattern >= 0
    title = title or (
        f"{int(held.sum())} of {counted(len(held), 'cue')} ended at a stored row, "
        f"{int(result.known.sum())} known"
    )
    if shape is not None:
        title += "; orange: not known" if not result.known[:_SHOWN].all() else ""
        rows = [("recalled", result.state[:_SHOWN])]
        return plot_image_rows(rows, shape, title=title, missed=[~result.known[:_SHOWN]])
    figure = new_figure(6.0, 3.8)
    axis = figure.subplots()
    groups = (
        ("known", result.known, BLUE, "o"),
        ("at a stored row, not known", held & ~result.known, ORANGE, "s"),
        ("at no stored row", ~held, VERMILION, "X"),
    )
    for name, chosen, color, marker in groups:
        if chosen.any():
            away = np.maximum(result.distance[chosen], _LEAST)
            axis.plot(away, result.confidence[chosen], marker, color=color, ms=6, alpha=0.7,
                      label=f"{name}: {int(chosen.sum())}")  # fmt: skip
    axis.axvline(0.01, color=GREY, lw=0.9, ls=":", label="at a row: nearer than 0.01")
    axis.set(xscale="log", xlim=(_LEAST / 2, max(3.0, 2 * float(result.distance.max()))))
    axis.set(
        xlabel="distance from the nearest stored row / norm, at least 10⁻⁶", ylim=(-0.03, 1.03)
    )
    axis.set_ylabel("confidence")
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, frameon=False, loc="center")
    axis.set_title(title, fontsize=10)
    return figure


def plot_diagnosis(diagnosis: Diagnosis, *, title: str = "") -> Figure:
    """Show, row by row, the spectral radius, and between which distances cues are lost.

    Args:
        diagnosis: as `diagnose` returns it.
        title: the message of the figure; by default how many rows are attractors.

    Example:
        >>> from attractory import AttractorMemory, diagnose
        >>> memory = AttractorMemory(activation="erf", norm=30.0).fit(np.eye(4, 9))
        >>> plot_diagnosis(diagnose(memory, shock=False)).axes[0].get_ylabel()
        'spectral radius'
    """
    measured = [
        (diagnosis.critical_shock, "v", VERMILION, "critical shock: a cue this far is lost"),
        (diagnosis.certified, "^", BLUE, "certified: every cue nearer is recalled"),
    ]
    measured = [each for each in measured if np.isfinite(each[0]).any()]
    panels = 2 if measured else 1
    figure = new_figure(6.4, 2.6 * panels + 0.4)
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    good = diagnosis.attractor
    for chosen, color, marker, name in (
        (good, BLUE, "o", "attractors"), (~good, VERMILION, "X", "no attractors"),
    ):  # fmt: skip
        if chosen.any():
            axes[0].plot(diagnosis.rows[chosen], diagnosis.spectral_radius[chosen], marker, ms=5,
                         color=color, label=f"{name}: {int(chosen.sum())}")  # fmt: skip
    axes[0].axhline(1, color=GREY, lw=0.9, ls="--")
    axes[0].set_ylabel("spectral radius")
    axes[0].set_ylim(bottom=0)
    axes[0].legend(fontsize=8, frameon=False)
    if measured:
        for values, marker, color, name in measured:
            axes[1].plot(diagnosis.rows, values, marker, color=color, ms=5, label=name)
        axes[1].set_ylabel("distance / row's distance\nfrom the mean row")
        known = np.concatenate([values[np.isfinite(values)] for values, *_ in measured])
        if (known > 0).all():
            axes[1].set_yscale("log")
        else:
            axes[1].set_ylim(bottom=0)
        axes[1].legend(fontsize=8, frameon=False)
    for axis in axes:
        axis.grid(alpha=0.25)
    axes[-1].set_xlabel("stored row")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_title(
        title or f"{int(good.sum())} of {counted(len(good), 'row')} are attractors", fontsize=10
    )
    return figure


def plot_choice(choice: Choice, *, title: str = "") -> Figure:
    """Show what `fit` tried before it chose its metric.

    Args:
        choice: `choice_` of a fitted memory.
        title: the message of the figure; by default what was chosen.

    Example:
        >>> from attractory.memory.metric_search import Trial
        >>> choice = Choice(0.1, 40, 20, (Trial(0.01, 30, 28), Trial(0.1, 36, 33)))
        >>> plot_choice(choice).axes[0].get_xlabel()
        "the metric's λ"
    """
    trials = sorted(choice.trials, key=lambda trial: trial.metric)
    values = [trial.metric for trial in trials]
    figure = new_figure(6.0, 3.6)
    axis = figure.subplots()
    axis.plot(values, [t.nearest / choice.cues for t in trials], "s--", color=GREY, ms=5,
              label="nearest to their row at the start")  # fmt: skip
    axis.plot(values, [t.recalled / choice.cues for t in trials], "o-", color=BLUE, ms=6,
              label="recalled")  # fmt: skip
    axis.axvline(choice.metric, color=VERMILION, lw=1, ls=":", label="chosen")
    axis.set(xscale="log", xlabel="the metric's λ", ylim=(-0.03, 1.03))
    axis.set_ylabel(f"share of {counted(choice.cues, 'held-out cue')}")
    axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, frameon=False, loc="lower left")
    best = max(t.recalled for t in trials)
    found = f"λ = {choice.metric:.3g} recalls {choice.recalled} of {choice.cues}"
    beside = "the most" if choice.recalled == best else f"but for chance as many as any ({best})"
    axis.set_title(title or f"{found}, {beside}", fontsize=10)
    return figure


def plot_cycles(diagnosis: CycleDiagnosis, *, title: str = "") -> Figure:
    """Show the Floquet multiplier of each cycle, and from how much noise replay comes back to it.

    Args:
        diagnosis: as `SequenceMemory.diagnose` returns it.
        title: the message of the figure; by default how many cycles are attractors.

    Example:
        >>> from attractory import SequenceMemory
        >>> memory = SequenceMemory(activation="erf", norm=20.0).fit(np.eye(4, 9))
        >>> plot_cycles(memory.diagnose(noise=[0.1, 0.2])).axes[0].get_ylabel()
        'largest Floquet multiplier'
    """
    figure = new_figure(8.0, 3.4)
    radii, shares = figure.subplots(1, 2)
    count, good = len(diagnosis.cycles), diagnosis.stable
    place = np.arange(count)
    # Of long cycles they are far below what rounding leaves of anything.
    size = np.maximum(diagnosis.multiplier, 1e-30)
    for chosen, color, marker, name in (
        (good, BLUE, "o", "attract"), (~good, VERMILION, "X", "do not"),
    ):  # fmt: skip
        if chosen.any():
            radii.plot(place[chosen], size[chosen], marker, color=color, ms=7,
                       label=f"{name}: {int(chosen.sum())}")  # fmt: skip
    radii.axhline(1, color=GREY, lw=0.9, ls="--")
    radii.set(
        yscale="log", xlabel="cycle", ylabel="largest Floquet multiplier", xlim=(-0.7, count - 0.3)
    )
    radii.xaxis.get_major_locator().set_params(integer=True)
    radii.legend(fontsize=8, frameon=False)
    for k in range(count):
        low, high = clopper_pearson(diagnosis.returned[k], diagnosis.cues, 0.95)
        share, color = diagnosis.returned[k] / diagnosis.cues, LINES[k % len(LINES)]
        shares.errorbar(
            diagnosis.noise, share, np.maximum([share - low, high - share], 0), color=color,
            capsize=3, lw=1.4, marker=MARKERS[k % len(MARKERS)],
            label=f"cycle {k}: {counted(len(diagnosis.cycles[k]), 'frame')}",
        )  # fmt: skip
    shares.set(
        xlabel="noise / frame's distance from the mean", ylabel="share back in phase",
        ylim=(-0.03, 1.03),
    )  # fmt: skip
    if count <= _NAMED:
        shares.legend(fontsize=8, frameon=False)
    figure.suptitle(title or f"{int(good.sum())} of {counted(count, 'cycle')} attract", fontsize=10)
    return figure
