r"""Where recall starts: the cue less its noise, whose level is estimated from the cue itself.

Centred cues are taken to be s times a pattern and white noise, so that along the metric's basis
(the principal axes of the patterns, with variances w) a cue is distributed as N(0, s²w + ν). Its
likelihood is greatest at some s² and ν, found on a grid, and ν/s² is the cue's own noise level:
near 0 for half an image, large for salt and pepper, never told.

The best linear comparison with the patterns at noise ν is in the metric (C + νI)^−½ in place of the
memory's own, M = (C + λI)^−½; as a point of the memory's coordinates it is M⁻¹(C + νI)⁻¹(x − x̄).
That point has next to nothing along the weaker axes, by which patterns differ and which iteration
loses first. The geometric mean of λ and ν keeps some weight on them. A cue without noise starts
at Mx itself.

What is missing or of another contrast moves the cue's origin as well: half a cue at 0 lacks half of
the mean x̄, speckle adds a constant to all. So a cue is taken to have, besides, a multiple of x̄ and
one of the constant 1 of its own, both unknown, with standard deviations 1 and the rows' root mean
square; their expectation, given the cue and ν, is taken off. Rows that were not centred have none.

Where rows are far from 0, a value of 0 has no meaning of its own, and a cue has moved only if its
likelihood says so, the odds against it being the prior's width over that of the answer.

Noise that hits some coordinates and spares others is far from white: a few large errors, which take
from the cue's contrast s as well, hide that the rest is exact. So noise is also fitted as Cauchy's,
of scale c and s = 1, by EM under the patterns' normal law: with weights wᵢ = 1/(1 + rᵢ²/c²) on the
residuals r of the last estimate x̂, the next one is that of the cue x̂ + w(x − x̂) under white noise.
Of normal noise c² comes out at 0.37 of its variance. Where c² is less than a fifth of ν/s², that
filled-in cue takes the cue's place.
"""

import numpy as np
from jaxtyping import Float

from attractory.memory.metric import Metric

__all__ = ["denoised"]

_CONTRASTS = np.geomspace(0.05, 2.0, 15)  # s²
_LEVELS = np.geomspace(1e-5, 3.0, 60)  # ν, of the largest variance
_HEAVY = 5.0  # ν/c² from which on noise is not normal
_ROUNDS = 20  # of EM
_FAR = 10.0  # root mean square of the mean, in spreads of the rows, from which on 0 means nothing
_PARALLEL = 1e-12  # part of the mean across the constant that is rounding
_MOST = 1e60  # values of a cue, in spreads of the rows; larger ones count as this


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
    most = _MOST * np.sqrt(metric.variances.max())
    apart, level = _without_origin(np.clip(apart, -most, most), metric, mean)
    some = np.flatnonzero(level > _HEAVY * metric.floor)
    filled, scale = _filled(apart[some], metric, level[some])
    heavy = level[some] > _HEAVY * scale
    some = some[heavy]
    apart[some], level[some] = _without_origin(filled[heavy], metric, mean)
    noise = (np.sqrt(metric.floor) * np.sqrt(level))[:, None]
    ratio = (metric.variances + metric.floor) / (metric.variances + noise)
    return metric.scaled(apart, metric.gains * ratio, outside * metric.floor / noise)


def _without_origin(
    apart: np.ndarray, metric: Metric, mean: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return cues less their origin's move, and their noise level, at least λ."""
    level = np.maximum(_noise(apart, metric), metric.floor)
    if mean is None or not mean.any():
        return apart.copy(), level
    return _less_origin(apart, metric, level, mean), level


def _filled(
    apart: np.ndarray, metric: Metric, level: np.ndarray
) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"]]:
    """Return cues with what does not fit filled in from what does, and c², at first `level`."""
    w, dim = metric.variances, apart.shape[1]
    scale = level[:, None]
    filled = apart
    for _ in range(_ROUNDS):
        share = w / (w + scale)
        found = ((filled @ metric.basis) * share) @ metric.basis.T
        rest = apart - found
        # Squares of the residuals as expected, x̂'s own uncertainty among them.
        square = rest**2 + (share * scale).sum(axis=1, keepdims=True) / dim
        weight = 1 / (1 + square / scale)
        scale = np.maximum(2 * (weight * square).mean(axis=1, keepdims=True), metric.floor)
        filled = found + weight * rest
    return filled, scale[:, 0]


def _less_origin(
    apart: np.ndarray, metric: Metric, level: np.ndarray, mean: np.ndarray
) -> Float[np.ndarray, "k d"]:
    """Return cues less the multiples of mean and constant that they are expected to have.

    A, which has mean and constant for columns, is QR: they are parallel, but for rounding, where
    rows are far from 0. With g ~ N(0, 1) and Σ = C + ν, E[Ag] = Q (QᵀΣ⁻¹Q + (RRᵀ)⁻¹)⁻¹ QᵀΣ⁻¹x.
    """
    w = metric.variances
    aside, prior = _aside(mean, w)
    count = len(prior)
    along = metric.basis.T @ aside
    across = aside - metric.basis @ along
    inverse = 1 / (w + level[:, None])
    products = (along[:, :, None] * along[:, None, :]).reshape(len(w), count**2)
    gram = (inverse @ products).reshape(-1, count, count) + prior
    gram += across.T @ across / level[:, None, None]
    seen = (inverse * (apart @ metric.basis)) @ along + apart @ across / level[:, None]
    found = np.linalg.solve(gram, seen[:, :, None])[:, :, 0]
    if (mean**2).mean() > _FAR**2 * w.sum() / len(mean):
        odds = np.linalg.slogdet(gram)[1] - np.linalg.slogdet(prior)[1]
        found[(seen * found).sum(axis=1) <= odds] = 0.0
    return apart - found @ aside.T


def _aside(
    mean: np.ndarray, w: np.ndarray
) -> tuple[Float[np.ndarray, "d q"], Float[np.ndarray, "q q"]]:
    """Return Q and (RRᵀ)⁻¹ for the mean and a constant; one column where they are parallel."""
    root = np.sqrt(len(mean))
    level = mean.mean()
    rest = mean - level
    rest -= rest.mean()
    constant = np.sqrt((mean**2).mean() + w.sum() / len(mean))
    a, b, c = level * root, np.linalg.norm(rest), constant * root
    if b <= _PARALLEL * max(np.sqrt(w.max()), 1e-3 * abs(a)):
        return np.full((len(mean), 1), 1 / root), np.array([[1 / (a**2 + c**2)]])
    slope = a / (b * c)
    prior = np.array([[1 / c**2, -slope / c], [-slope / c, 1 / b**2 + slope**2]])
    return np.column_stack([np.full(len(mean), 1 / root), rest / b]), prior


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
