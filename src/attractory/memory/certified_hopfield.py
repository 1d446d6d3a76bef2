r"""How far from a pattern modern and polynomial Hopfield networks are proven to recall it.

Ramsauer et al. (*Hopfield networks is all you need*, 2021, theorems 4 and 5) have a ball of radius
1/(β n M) around a pattern that is told apart from the others by Δᵢ = |pᵢ|² − maxⱼ pᵢ·pⱼ of at least
2/(βn) + ln(2(n − 1) n β M²)/β, M the largest norm. Here the bound of `memory.certified_votes` is.

**Softmax**: x ← Σⱼ softmax(β P x)ⱼ pⱼ. With unit patterns, x = pᵢ + u, |u| ≤ r, cⱼ = pᵢ·pⱼ,
dⱼ = |pⱼ − pᵢ| and tⱼ the product of pⱼ with the direction of u's part across pᵢ, the weight of
pattern j over that of i is at most eⱼ = exp β(−(1 − cⱼ) + r √((1 − cⱼ)² + tⱼ²)). The next state is
within ψ of pᵢ if Σⱼ eⱼ (dⱼ − ψ) < ψ, so that by Σⱼ Dⱼ tⱼ⁶ ≤ 1 (`analysis.correlation_bounds`) it is
if for some m ≥ 0

    m + Σⱼ max over |t| ≤ √(1 − cⱼ²) of (max(dⱼ − ψ, 0) eⱼ(t) − m Dⱼ t⁶) < ψ.

**Polynomial**: x ← Σⱼ (pⱼ·x)ᵏ pⱼ, back to the norm, is the step by terms of high degree with votes
that are the patterns themselves.

Both are followed from the largest ball that is led inward until states are within 1 % of the norm.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, positive, whole
from attractory.analysis.correlation_bounds import gram_of, joint_weights, power_sums
from attractory.memory.certified_votes import VoteBound
from attractory.memory.high_degree_steps import HighDegreeStep

__all__ = ["HopfieldCertificate", "certify_polynomial", "certify_softmax"]

_THERE = 0.01  # of the norm: at the pattern
_STEPS = 50
_HALVINGS = 12
_LESS = (0.002, 0.01, 0.03, 0.1, 0.3, 0.6)
_NODES = 48
_PRICES = np.array([0.0, 0.02, 0.06, 0.12, 0.2, 0.3, 0.42, 0.55, 0.68, 0.8, 0.9, 0.97])
_LEVELS = np.array([1.0, 0.97, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.03, 0.008, 1e-3])
_POWERS = np.array([2.0, 4.0, 8.0])  # y, of how near rivals may come
_LOW = 0.03
_MARGIN = 1e-9
_TABLE = 1 << 14


class HopfieldCertificate(NamedTuple):
    """Certified balls around patterns, relative to the norm; (n,) each.

    Attributes:
        radius: every state nearer than this is recalled within 1 % of the norm; 0 if nothing is
            proven. States of a polynomial network are of the patterns' norm, and it is the sine of
            the angle.
        separation: the radius by Ramsauer's theorem; 0 where its condition does not hold, NaN for a
            polynomial network, which it is not of.
        half: half the distance to the nearest other pattern.
    """

    radius: Float[np.ndarray, " n"]
    separation: Float[np.ndarray, " n"]
    half: Float[np.ndarray, " n"]


def certify_softmax(patterns: ArrayLike, beta: float) -> HopfieldCertificate:
    """Return certified balls of the modern Hopfield network x ← Σⱼ softmax(β P x)ⱼ pⱼ.

    Args:
        patterns: (n, d), brought to norm 1 by this; n at least 2.
        beta: for patterns of norm 1.

    Raises:
        ValueError: for patterns that are 0, or β that is not above 0.

    Example:
        >>> found = certify_softmax(np.eye(4), 20.0)
        >>> bool((found.radius > 0.5).all()), bool((found.separation > 0.01).all())
        (True, True)
    """
    p, beta = _unit(patterns), positive(beta, "beta")
    n, gram = len(p), gram_of(p)
    distance = np.sqrt(np.maximum(2 - 2 * p @ p.T, 0.0))
    np.fill_diagonal(distance, np.inf)
    half = distance.min(axis=1) / 2
    apart = 2 * half**2
    enough = apart >= 2 / (beta * n) + np.log(2 * (n - 1) * n * beta) / beta
    radius = np.array([_softmax_row(p, gram, i, beta, half[i]) for i in range(n)])
    return HopfieldCertificate(radius, np.where(enough, 1 / (beta * n), 0.0), half)


def _softmax_row(p: np.ndarray, gram: np.ndarray, i: int, beta: float, most: float) -> float:
    bounds = _softmax_bounds(p, gram, i, beta, most)

    def after(radius: float) -> float:
        return min(bound.step(radius) for bound in bounds)

    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if after(middle) < middle else (low, middle)
    for less in _LESS if low > 0 else ():
        radius = start = low * (1 - less)
        for _ in range(_STEPS):
            if 0 < radius <= _THERE:
                return start
            following = after(radius)
            if not following < radius:
                break
            radius = following
    return 0.0


def _softmax_bounds(
    p: np.ndarray, gram: np.ndarray, i: int, beta: float, most: float
) -> list["_SoftmaxBound"]:
    """Return bounds around one pattern, for balls of up to a radius; all of them hold."""
    others = np.arange(len(p)) != i
    c = p @ p[i]
    nearest = np.cos(np.maximum(np.arccos(np.clip(np.abs(c), 0, 1)) - np.arcsin(min(most, 1)), 0))
    y = np.where(others[:, None], np.maximum(nearest, _LOW)[:, None] ** _POWERS, 0.0)
    weights = joint_weights(power_sums(gram, c, [None, None, y])[2], y)[others].T
    return [_SoftmaxBound(c[others], weight, beta) for weight in weights]


class _SoftmaxBound:
    """The bound around one pattern, of correlations c with the others and weights D."""

    def __init__(self, c: Float[np.ndarray, " m"], weight: Float[np.ndarray, " m"], beta: float):
        self.beta, self.away = beta, 1 - c
        self.distance = np.sqrt(np.maximum(2 - 2 * c, 0.0)) * (1 + _MARGIN)
        reach = np.sqrt(np.maximum(1 - c**2, 0.0)) * (1 + _MARGIN)
        t = reach * np.linspace(0, 1, _NODES + 1)[:, None]
        # As in `certified_votes`: a convex function below its chords, and what t⁶ is below its own.
        gap, following = reach / _NODES, np.append(t[1:], t[-1:], axis=0)
        self.price = weight * (t**6 - 3.75 * gap**2 * following**4)
        self.slope = np.hypot(self.away, t)

    def step(self, radius: float) -> float:
        """Return within what a step leads from the ball of a radius; inf if unknown."""
        exponent = self.beta * (radius * self.slope - self.away)
        gain = np.exp(np.minimum(exponent, 700.0)) * (1 + _MARGIN)
        best = np.inf
        for psi in (radius * _LEVELS).tolist():
            share = gain * (np.maximum(self.distance - psi, 0.0) / psi)
            if not any(
                m + np.maximum((share - m * self.price).max(axis=0), 0.0).sum() < 1 - _MARGIN
                for m in _PRICES
            ):
                break
            best = psi
        return float(best)


def certify_polynomial(patterns: ArrayLike, power: int) -> HopfieldCertificate:
    """Return certified balls of the Hopfield network x ← Σⱼ (pⱼ·x)ᵏ pⱼ, back to the norm.

    Args:
        patterns: (n, d), brought to norm 1 by this; n at least 2.
        power: k, at least 2.

    Raises:
        ValueError: for patterns that are 0, or a power below 2.

    Example:
        >>> bool((certify_polynomial(np.eye(4), 7).radius > 0.6).all())
        True
    """
    p, power = _unit(patterns), whole(power, "power", 2)
    table = np.linspace(-1, 1, _TABLE + 1) ** power
    bound = VoteBound(
        HighDegreeStep(*(np.asarray(v, np.float32) for v in (p, p, table, 1.0))), len(p)
    )
    rows = np.arange(len(p))
    close = np.clip(p @ p.T, -1, 1)
    half = np.sqrt(np.maximum(2 - 2 * close, 0.0))
    np.fill_diagonal(half, np.inf)
    if power % 2 == 0:  # a pattern's opposite is recalled as the pattern
        close = np.abs(close)
    np.fill_diagonal(close, -1.0)
    most = np.arccos(close.max(axis=1)) / 2
    found = np.zeros(len(p))
    for rivals in bound.rivals(rows, 0.95 * np.minimum(most, np.pi / 4)):
        low, high = np.zeros(len(p)), most.copy()
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            good = bound.leads_in(rivals, middle)
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        for less in _LESS:
            start = low * (1 - less)
            left = np.flatnonzero(start > found)
            angle, some = start[left], rivals.some(left)
            for _ in range(_STEPS):
                moving = np.flatnonzero((angle > _THERE) & np.isfinite(angle))
                if not len(moving):
                    break
                following = bound.vote(some.some(moving), angle[moving])
                falls = following < angle[moving] - 1e-6
                angle[moving] = np.where(falls, following, np.inf)
            ended = angle <= _THERE
            found[left[ended]] = start[left[ended]]
    return HopfieldCertificate(np.sin(found), np.full(len(p), np.nan), half.min(axis=1) / 2)


def _unit(patterns: ArrayLike) -> Float[np.ndarray, "n d"]:
    x = as_points(patterns, "patterns")
    length = np.linalg.norm(x, axis=1, keepdims=True)
    if len(x) < 2 or not length.min() > 0:
        raise ValueError(f"patterns must be at least 2, none of them 0, got {len(x)} of norms from "
                         f"{length.min(initial=0):.3g} on")  # fmt: skip
    return x / length
