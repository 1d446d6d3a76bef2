r"""Section 4.4's observation: the spectral radius at stored patterns drops below 1 with the norm.

It holds in one of two cases. With f0 sampled (as in a trained network) the radius is at most 1 in
the linear region by Lemmas 3 and 4, exceeds 1 beyond it because f0 adds directions of its own, and
falls below 1 at the critical norm (`attractory.critical_norm`). With f0 = 0 well separated
patterns have a radius below 1 at every norm, and nothing drops. (Strongly correlated patterns, or n
near and above n₀, can exceed 1 there too, by a per cent at most in what we have seen.)
"""

from typing import Any

import numpy as np

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, whole
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.analysis.critical_norms import critical_norm
from attractory.theory.findings import Finding, Prediction

__all__ = ["drop_below_one"]


def drop_below_one(
    patterns: ArrayLike,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    f0: str = "sampled",
    width: int = 1000,
    key: int = 0,
    points: int = 8,
) -> Finding:
    """Check that the largest spectral radius at the patterns exceeds 1 and then drops below it.

    Args:
        patterns, activation, depth, f0, width, key: as for `attractory.critical_norm`.
        points: number of norms, from 0.1 to 100 √dim.

    Example:
        >>> from attractory.datasets import sphere
        >>> x = sphere(5, 16)
        >>> drop_below_one(x, activation="erf_surrogate", points=6).verdict
        'holds'
        >>> drop_below_one(x, activation="erf_surrogate", f0="zero", points=6).verdict
        'assumptions not met: f0 sampled: with f0 = 0 there may be nothing to drop'
    """
    x = as_points(patterns, "patterns")
    norms = np.geomspace(0.1, 100, whole(points, "points", 2)) * np.sqrt(x.shape[1])
    result = critical_norm(
        x, activation=activation, depth=depth, f0=f0, width=width, key=key, norms=norms,
        progress=False,
    )  # fmt: skip
    known = result.radii[np.isfinite(result.radii)]
    unmet = ()
    if f0 == "zero":
        unmet = ("f0 sampled: with f0 = 0 there may be nothing to drop",)
    predictions = (
        Prediction("largest radius over the norms", 1 + 1e-6, float(known.max()), ">", 0, unmet),
        Prediction("radius at the largest norm", 1.0, float(known[-1]), "<"),
    )
    setting: dict[str, Any] = {
        "n": len(x), "dim": x.shape[1], "activation": find_activation(activation).name,
        "depth": depth, "f0": f0,
    }  # fmt: skip
    note = f"critical norm {result.norm:.6g}" if np.isfinite(result.norm) else result.status.message
    return Finding("Section 4.4, drop", setting, predictions, note=note)
