"""Figures of batches: how cues came to rest, what became of them, how a network was trained.

As in `plotting.spectra`, each function returns a `matplotlib.figure.Figure`.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from attractory._util.texts import counted
from attractory.analysis.iteration import RecallResult, RecallStatus
from attractory.analysis.outcomes import Outcome, OutcomeResult
from attractory.maps.training import TrainingResult
from attractory.plotting.images import ImageShape, plot_image_rows
from attractory.plotting.style import BLUE, FATES, GREY, ORANGE, VERMILION, new_figure

__all__ = ["plot_outcomes", "plot_recall", "plot_training"]

_SHOWN = 20  # images of a batch
_STATUSES = {
    RecallStatus.CONVERGED: ("at rest", BLUE, "o"),
    RecallStatus.NOT_CONVERGED: ("still moving", ORANGE, "s"),
    RecallStatus.DIVERGED: ("diverged", VERMILION, "X"),
}


def plot_recall(
    result: RecallResult, *, shape: ImageShape | None = None, title: str = ""
) -> Figure:
    """Show how many steps each cue took and how far it still moves; of images, where they ended.

    Args:
        result: as `recall` returns it, for any number of cues.
        shape: (height, width), or (height, width, 3) in colour, of states that are images with
            values in [0, 1]; the first 20 are shown, framed if they had not come to rest.
        title: the message of the figure; by default how many came to rest.

    Example:
        >>> from attractory import recall
        >>> result = recall(lambda x: 0.5 * x, [[1.0], [2.0]])
        >>> plot_recall(result).axes[0].get_title()
        '2 of 2 cues came to rest, in at most 55 steps'
    """
    status, steps = np.atleast_1d(result.status).ravel(), np.atleast_1d(result.steps).ravel()
    rest = int((status == RecallStatus.CONVERGED).sum())
    title = title or (
        f"{rest} of {counted(len(status), 'cue')} came to rest, in at most {steps.max():,} steps"
    )
    if shape is not None:
        states = result.state.reshape(-1, result.state.shape[-1])[:_SHOWN]
        moving = status[:_SHOWN] != RecallStatus.CONVERGED
        return plot_image_rows([("ended at", states)], shape, title=title, missed=[moving])
    residual = np.atleast_1d(result.residual).ravel()
    figure = new_figure(6.0, 3.8)
    axis = figure.subplots()
    tiny = np.finfo(float).tiny
    for kind, (name, color, marker) in _STATUSES.items():
        chosen = (status == kind) & np.isfinite(residual)
        if (status == kind).any():
            shown = np.maximum(residual[chosen], tiny)
            label = f"{name}: {int((status == kind).sum())}"
            axis.plot(steps[chosen], shown, marker, color=color, ms=5, alpha=0.7, label=label)
    axis.set(xlabel="steps (applications of the map)", ylabel="last step, in units of the cue")
    axis.set_yscale("log")
    known = residual[np.isfinite(residual) & (residual > 0)]
    if len(known):  # whole decades
        axis.set_ylim(10 ** np.floor(np.log10(known.min()) - 0.3),
                      10 ** np.ceil(np.log10(known.max()) + 0.3))  # fmt: skip
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, frameon=False)
    axis.set_title(title, fontsize=10)
    return figure


def plot_outcomes(result: OutcomeResult, *, title: str = "") -> Figure:
    """Show how many cues ended how.

    Args:
        result: as `recall_outcomes` returns it.
        title: the message of the figure; by default how many were recalled.

    Example:
        >>> from attractory import recall_outcomes
        >>> f = lambda x: 1.5 * x - 0.5 * x**3
        >>> result = recall_outcomes(f, [[0.5], [-0.5], [5.0]], [[1.0], [-1.0]], 0)
        >>> plot_outcomes(result).axes[0].get_title()
        '1 of 3 cues recalled'
    """
    outcome = np.atleast_1d(result.outcome).ravel()
    seen = [o for o in Outcome if (outcome == o).any()]
    figure = new_figure(6.0, 0.9 + 0.42 * len(seen))
    axis = figure.subplots()
    for place, kind in enumerate(seen):
        number = int((outcome == kind).sum())
        axis.barh(place, number, color=FATES[kind][1], height=0.7)
        axis.annotate(f" {number:,}", (number, place), va="center", fontsize=8)
    axis.set_yticks(range(len(seen)), [FATES[o][0] for o in seen])
    axis.invert_yaxis()
    axis.set_xlabel("cues")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.margins(x=0.08)
    axis.spines[["top", "right"]].set_visible(False)
    recalled = int((outcome == Outcome.RECALLED).sum())
    axis.set_title(title or f"{recalled} of {counted(len(outcome), 'cue')} recalled", fontsize=10)
    return figure


def plot_training(result: TrainingResult, *, title: str = "") -> Figure:
    """Show the loss of a training run against its steps.

    Args:
        result: as `train` returns it.
        title: the message of the figure; by default how training ended.

    Example:
        >>> from attractory import Autoencoder, train
        >>> from attractory.datasets import sphere
        >>> result = train(Autoencoder(5, width=100, key=0), sphere(2, 5, norm=3.0), progress=False)
        >>> plot_training(result).axes[0].get_yscale()
        'log'
    """
    figure = new_figure(6.0, 3.6)
    axis = figure.subplots()
    marker = "o" if len(result.losses) <= 40 else ""
    axis.plot(np.arange(len(result.losses)), result.losses, color=BLUE, marker=marker, ms=4)
    axis.axhline(result.losses[-1], color=GREY, lw=0.7, ls=":")
    axis.set(yscale="log", xlabel="steps", ylabel="mean squared error per entry")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.25)
    ended = result.status.name.lower().replace("_", " ")
    axis.set_title(
        title
        or f"Training {ended} at loss {result.losses[-1]:.1e} after "
        f"{counted(result.steps, 'step')} ({result.solver}, {result.seconds:.1f} s)",
        fontsize=10,
    )
    return figure
