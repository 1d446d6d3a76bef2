r"""Where recall starts: a cue, less what noise there is by its own account.

Centred cues are taken to be s times a pattern and white noise, so that along the metric's basis
(the principal axes of the patterns, with variances w) a cue is distributed as N(0, s²w + ν). Its
likelihood is greatest at some s² and ν, found on a grid, and ν/s² is the cue's own noise level:
near 0 for half an image, large for salt and pepper, never told.

The best linear comparison with the patterns at noise ν is in the metric (C + νI)^−½ in place of the
memory's own, M = (C + λI)^−½; as a point of the memory's coordinates it is M⁻¹(C + νI)⁻¹(x − x̄).
That point has next to nothing along the weaker axes, by which patterns differ and which iteration
loses first. The geometric mean of λ and ν keeps them in the play. A cue without noise starts
at Mx itself.

What is missing or of another contrast moves the cue's origin as well: half a cue at 0 lacks half of
the mean x̄, speckle adds a constant to all. So a cue is taken to have, besides, a multiple of x̄ and
one of the constant 1 of its own, both unknown, with standard deviations 1 and the rows' root mean
square; their expectation, given the cue and ν, is taken off. Rows that were not centred have none.
"""

import numpy as np
from jaxtyping import Float

from attractory._metric import Metric

__all__ = ["denoised"]

_CONTRASTS = np.geomspace(0.05, 2.0, 15)  # s²
_LEVELS = np.geomspace(1e-5, 3.0, 60)  # ν, of the largest variance


def denoised(
    apart: Float[np.ndarray, "k d"],
    metric: Metric,
    outside: bool,
    mean: Float[np.ndarray, " d"] | None = None,
) -> Float[np.ndarray, "k d"]:
    """Return where recall of centred cues starts, in the metric's coordinates, of any length.

    Args:
        apart: cues less the mean, (k, d).
        metric: the memory's.
        outside: whether patterns, added later, have parts across the metric's basis. If none has,
            what a cue has there is noise.
        mean: of the rows, whose multiples, and constants, say nothing of a cue; none by default.
    """
    if metric.plain or not metric.floor:
        return metric.apply(apart)
    level = np.maximum(_noise(apart, metric), metric.floor)
    if mean is not None and mean.any():
        apart = _less_origin(apart, metric, level, mean)
    noise = np.sqrt(metric.floor * level)[:, None]
    ratio = (metric.variances + metric.floor) / (metric.variances + noise)
    return metric.scaled(apart, metric.gains * ratio, outside * metric.floor / noise)


def _less_origin(
    apart: np.ndarray, metric: Metric, level: np.ndarray, mean: np.ndarray
) -> Float[np.ndarray, "k d"]:
    """Return cues less the multiples of mean and constant that they are expected to have."""
    w = metric.variances
    constant = np.sqrt((mean**2).mean() + w.sum() / len(mean))
    aside = np.column_stack([mean, np.full(len(mean), constant)])
    along = metric.basis.T @ aside
    across = aside - metric.basis @ along
    # With g ~ N(0, 1) and Σ = C + ν, E[g] = (AᵀΣ⁻¹A + 1)⁻¹ AᵀΣ⁻¹x, for every cue's ν.
    inverse = 1 / (w + level[:, None])
    products = (along[:, :, None] * along[:, None, :]).reshape(len(w), 4)
    gram = (inverse @ products).reshape(-1, 2, 2) + np.eye(2)
    gram += across.T @ across / level[:, None, None]
    seen = (inverse * (apart @ metric.basis)) @ along + apart @ across / level[:, None]
    return apart - np.linalg.solve(gram, seen[:, :, None])[:, :, 0] @ aside.T


def _noise(apart: np.ndarray, metric: Metric) -> Float[np.ndarray, " k"]:
    """Return ν/s² of greatest likelihood."""
    w = metric.variances
    along = (apart @ metric.basis) ** 2
    across = np.maximum((apart**2).sum(axis=1) - along.sum(axis=1), 0.0)
    s = np.repeat(_CONTRASTS, len(_LEVELS))
    v = np.tile(_LEVELS, len(_CONTRASTS)) * w.max()
    total = s[:, None] * w + v[:, None]
    width = apart.shape[1] - len(w)
    cost = along @ (1 / total).T + across[:, None] / v + np.log(total).sum(axis=1)
    best = (cost + width * np.log(v)).argmin(axis=1)
    return v[best] / s[best]
