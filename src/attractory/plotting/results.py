"""Which function draws which result: `plot(result)`, and so `result.plot()`."""

from functools import singledispatch
from typing import Any

from matplotlib.figure import Figure

from attractory.analysis.census import AttractorCensus
from attractory.analysis.certificate import Certificate
from attractory.analysis.critical_norms import CriticalNorm
from attractory.analysis.critical_shocks import CriticalShock
from attractory.analysis.curves import RecallCurve
from attractory.analysis.iteration import RecallResult
from attractory.analysis.norm_search import BestNorm, NormProfile
from attractory.analysis.outcomes import OutcomeResult
from attractory.maps.training import TrainingResult
from attractory.memory.certified_recall import RecallCertificate
from attractory.memory.cycles import CycleDiagnosis
from attractory.memory.diagnosis import Diagnosis
from attractory.memory.metric_search import Choice
from attractory.memory.recalled import MemoryRecall
from attractory.plotting.basins import plot_census, plot_recall_curve
from attractory.plotting.certified import plot_certified_recall
from attractory.plotting.memories import (
    plot_choice,
    plot_cycles,
    plot_diagnosis,
    plot_memory_recall,
)
from attractory.plotting.radii import plot_best_norm, plot_norm_profile, plot_radii
from attractory.plotting.recalls import plot_outcomes, plot_recall, plot_training
from attractory.plotting.spectra import plot_critical_norm

__all__ = ["plot"]


@singledispatch
def plot(result: object, **options: Any) -> Figure:
    """Return a figure of a result; every result with a method `plot` is drawn by this.

    Args:
        result: a recall, what became of cues, a curve, census, certificate, shock, critical or best
            norm, profile, diagnosis, choice, or a training run.
        options: of the function that draws it: `plot_recall`, `plot_outcomes`,
            `plot_memory_recall`, `plot_recall_curve`, `plot_census`, `plot_radii`,
            `plot_critical_norm`, `plot_best_norm`, `plot_norm_profile`, `plot_diagnosis`,
            `plot_cycles`, `plot_certified_recall`,
            `plot_choice` or `plot_training`.

    Raises:
        TypeError: for anything else.

    Example:
        >>> from attractory import recall
        >>> result = recall(lambda x: 0.5 * x, [[1.0], [2.0]])
        >>> plot(result).axes[0].get_title() == result.plot().axes[0].get_title()
        True
    """
    raise TypeError(f"result must be one of this library's, got {type(result).__name__}")


plot.register(AttractorCensus, plot_census)
plot.register(BestNorm, plot_best_norm)
plot.register(Choice, plot_choice)
plot.register(CriticalNorm, lambda found, **options: plot_critical_norm([found], **options))
plot.register(CriticalShock, lambda shock, **options: plot_radii(shock=shock, **options))
plot.register(Certificate, plot_radii)
plot.register(CycleDiagnosis, plot_cycles)
plot.register(Diagnosis, plot_diagnosis)
plot.register(MemoryRecall, plot_memory_recall)
plot.register(NormProfile, plot_norm_profile)
plot.register(OutcomeResult, plot_outcomes)
plot.register(RecallCertificate, plot_certified_recall)
plot.register(RecallCurve, plot_recall_curve)
plot.register(RecallResult, plot_recall)
plot.register(TrainingResult, plot_training)
