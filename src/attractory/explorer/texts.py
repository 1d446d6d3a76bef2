"""The sentences under the explorer's pictures: what each shows, in numbers."""

import numpy as np
from jaxtyping import Complex

from attractory._util.contraction import BELOW_ONE
from attractory._util.texts import counted
from attractory.analysis.critical_norms import CriticalNorm
from attractory.analysis.iteration import RecallStatus
from attractory.explorer.session import Seen
from attractory.explorer.views import Basins

__all__ = [
    "basins_text",
    "companions_text",
    "course_text",
    "critical_text",
    "radius_text",
    "recall_text",
    "spectrum_text",
]


def recall_text(seen: Seen) -> str:
    """Say where the cue ended, and how sure that is."""
    recall, names = seen.trace.recall, seen.state.patterns.names
    steps, sure = counted(int(recall.steps[0]), "step"), float(recall.confidence[0])
    if seen.ended < 0:
        status = RecallStatus(int(recall.status[0])).message
        nearest = float(recall.distance[0])
        return (
            f"Not recalled: after {steps} the state is {nearest:.2f} of the norm from the "
            f"nearest stored pattern ({status})."
        )
    known = "known" if bool(recall.known[0]) else "not known: below 0.90"
    own = "" if seen.ended == seen.state.chosen else f", not {names[seen.state.chosen]}"
    return f"Recalled as {names[seen.ended]}{own} in {steps}; confidence {sure:.2f} ({known})."


def spectrum_text(seen: Seen) -> str:
    """Say whether the pattern is an attractor."""
    verdict = "an attractor" if seen.radius < BELOW_ONE else "no attractor"
    return f"Spectral radius {radius_text(seen.radius)} at pattern {seen.at}: {verdict}."


def radius_text(radius: float) -> str:
    """Return a spectral radius with as many digits as tell it from 1.

    Example:
        >>> radius_text(0.60612), radius_text(0.99998)
        ('0.606', '0.99998')
    """
    digits = 3 if radius == 1 else int(np.clip(1 - np.log10(abs(radius - 1)), 3, 12))
    return f"{radius:.{digits}f}"


def companions_text(seen: Seen, others: Complex[np.ndarray, "m e"]) -> str:
    """Say how many patterns are attractors."""
    radii = np.append(np.abs(others).max(axis=1), seen.radius)
    return f"{int((radii < 1).sum())} of {len(radii)} patterns are attractors."


def course_text(course: CriticalNorm, norm: float) -> str:
    """Say what the course of the memory's own map is."""
    known = np.isfinite(course.radii)
    if not known.any():
        return "The patterns cannot be stored at any of these norms."
    k = int(np.nanargmin(course.radii))
    text = (
        f"Largest spectral radius of all patterns, infinite width, f0 = 0: least, "
        f"{course.radii[k]:.3f}, at norm {course.norms[k]:.3g}"
    )
    above = course.radii[known].max() > 1 + 1e-7
    end = "above 1 at some norms" if above else "below 1 at every norm, so none is critical"
    return f"{text}; {end}. The green line is this memory's norm, {norm:.3g}."


def critical_text(course: CriticalNorm, width: int) -> str:
    """Say what the critical norm of a sampled network's limit is."""
    if np.isfinite(course.norm):
        return (
            f"Started at the outputs of a network of width {width}, patterns become attractors at "
            f"the critical norm {course.norm:.3g}."
        )
    return f"Started at the outputs of a network of width {width}: {course.status.message}."


def basins_text(found: Basins) -> str:
    """Say which share of the plane each pattern has."""
    a, b, c = found.three
    shares = list(found.shares.values())
    return (
        f"Of the cues in the plane {shares[0]:.0%} end at A (pattern {a}), {shares[1]:.0%} at B "
        f"({b}), {shares[2]:.0%} at C ({c}), {shares[3]:.0%} at another pattern, {shares[4]:.0%} "
        "at none."
    )
