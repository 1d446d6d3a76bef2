r"""Bounds on the slopes of the depth-2 NTK over a ball, for certificates.

With s = x·y/d, p = ‖x‖²/d and q = ‖y‖²/d, the kernel θ(s, p) of a query x and a pattern y is a sum
over pairs of scales (v, w) of the activation, P = p + v², Q = q + w², D² = PQ − s²:

    θ = const + g Σ [arcsin(s/√(PQ)) + s/D],    ∂θ/∂s = g Σ [2/D + s²/D³],
    ∂θ/∂p = −g s Σ [1/(2PD) + Q/(2D³)].

s and p are not independent: near the pattern D² is a small difference of large numbers. In terms
of s and the gap G = pq − s² = q‖x⊥y‖²/d, which are independent, D² = G + w²p + v²q + v²w² with
p = (s² + G)/q is a sum of positive terms that grows in both, so that bounds over a box are values
at its corners.

Along the segment x(t) = x + tδ, f(x + δ) − f(x) = Aᵀ ∫ (∂θ/∂s s′ + ∂θ/∂p p′) dt, where s′ = y·δ/d
and p′ = 2(x·δ + t‖δ‖²)/d: what is bounded are the means over t of the slopes, from below and above,
by sums over cells of t.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from attractory.activations import ErfMixture

_PARTS = 8  # parts of a segment over which means are taken
_ROUNDING = 1e-9  # added to every radius, relative to the point's norm


class MeanSlopes(NamedTuple):
    """Midpoint and half-width of the means over t of ∂θ/∂s, ∂θ/∂p and 2t ∂θ/∂p, (n,) each."""

    in_s: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]
    in_p: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]
    in_square: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]


def mean_slopes(
    act: ErfMixture,
    point: Float[np.ndarray, " d"],
    patterns: Float[np.ndarray, "n d"],
    radius: float,
) -> MeanSlopes:
    """Bound the slopes over all segments from a point to anywhere within a radius of it."""
    dim = patterns.shape[1]
    norms = np.linalg.norm(patterns, axis=1)
    along = patterns @ point / norms
    across = np.linalg.norm(point - (along / norms)[:, None] * patterns, axis=1)
    rounding = _ROUNDING * float(np.linalg.norm(point))
    low, high = np.zeros((3, len(patterns))), np.zeros((3, len(patterns)))
    for k in range(_PARTS):
        begin, end = k / _PARTS, (k + 1) / _PARTS
        reach = end * radius + rounding
        s = np.stack([along - reach, along + reach]) * norms / dim
        gaps = np.stack([np.maximum(0.0, across - reach), across + reach]) ** 2 * norms**2 / dim**2
        slopes = _corners(act, s, gaps, norms**2 / dim)
        weights = np.array([end - begin, end - begin, end**2 - begin**2])[:, None]
        low += weights * slopes[0][[0, 1, 1]]
        high += weights * slopes[1][[0, 1, 1]]
    middle, half = (low + high) / 2, (high - low) / 2
    return MeanSlopes(*((middle[k], half[k]) for k in range(3)))


def _corners(
    act: ErfMixture,
    s: Float[np.ndarray, "2 n"],
    gaps: Float[np.ndarray, "2 n"],
    q: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, "2 n"], Float[np.ndarray, "2 n"]]:
    """Return lower and upper bounds of (∂θ/∂s, ∂θ/∂p) over boxes of s and gap."""
    squares = np.array(act.scales) ** 2
    weights = 2 / np.pi * act.gain**2 * np.outer(act.weights, act.weights)
    v, w = squares[:, None], squares[None, :]
    size = np.sort(np.abs(s), axis=0)
    size[0] = np.where((s[0] < 0) & (s[1] > 0), 0.0, size[0])

    def parts(size: np.ndarray, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = (size**2 + gap) / q
        total = p[:, None, None] + v
        d = np.sqrt(gap[:, None, None] + w * p[:, None, None] + v * q[:, None, None] + v * w)
        return d, total

    (d_low, p_low), (d_high, p_high) = parts(size[0], gaps[0]), parts(size[1], gaps[1])
    inner, outer = (size[k][:, None, None] ** 2 for k in (0, 1))
    big_q = q[:, None, None] + w
    in_s = [
        np.sum(weights * (2 / d + square / d**3), axis=(1, 2))
        for d, square in ((d_high, inner), (d_low, outer))
    ]
    fall = [
        np.sum(weights * (1 / (2 * p * d) + big_q / (2 * d**3)), axis=(1, 2))
        for d, p in ((d_high, p_high), (d_low, p_low))
    ]
    corners = np.stack([-a * b for a in s for b in fall])
    return np.stack([in_s[0], corners.min(axis=0)]), np.stack([in_s[1], corners.max(axis=0)])
