"""From one layer's covariances and variances to the next, in JAX operations alone.

Activations that are mixtures of error functions, linear ones, and those of `duals` alike.
"""

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from attractory.activations import Activation, ErfMixture, Linear
from attractory.duals.angles import angle_above, angle_beside
from attractory.duals.protocol import (
    Changes,
    DualActivation,
    half_distance,
    pair_sums,
    plain_gap,
)
from attractory.kernels.expectations import is_folded, moments, scale_pairs

__all__ = [
    "NextLayer", "Pair", "dual_moments", "dual_variance", "moment_changes", "next_layer",
    "variance_and_change",
]  # fmt: skip

Pair = tuple[Array, Array, Array, Array]  # s, gap, a and b


class NextLayer(NamedTuple):
    """The next layer's s, gap, a and b; and E[φφ], its gap, E[φ(u)²], E[φ(v)²] before weights."""

    pair: Pair
    value: Array
    gap: Array
    mine: Array
    theirs: Array


def next_layer(
    act: Activation, pair: Pair, value: Array, w: Array, bias: Array | None, diagonal: Array | None
) -> NextLayer:
    """Return what the next layer starts from.

    Args:
        act: the activation.
        pair: of this layer.
        value: E[φ(u)φ(v)] of it.
        w, bias: σ_w² and σ_b²; None for no biases.
        diagonal: where a point meets itself; None if nowhere.
    """
    s, gap, a, b = pair
    mine, theirs = dual_variance(act, a), dual_variance(act, b)
    if isinstance(act, DualActivation):
        further = act.following_gap(s, gap, a, b, value, (mine, theirs))
    else:
        further = plain_gap(value, mine, theirs)
    if diagonal is not None:
        value, further = jnp.where(diagonal, mine, value), jnp.where(diagonal, 0.0, further)
    if bias is None:
        following = w * value, w * w * further, w * mine, w * theirs
        return NextLayer(following, value, further, mine, theirs)
    # a + b − 2s of the variances, which cancels for nearly equal inputs.
    near = 2 * half_distance(value, further, mine, theirs)
    # A last digit between the variances of one point would be a distance, and its root a cusp.
    near = jnp.where(near > (4 * jnp.finfo(near.dtype).eps) ** 2 * (mine + theirs), near, 0.0)
    apart = jnp.where(value < 0, mine + theirs - 2 * value, near)
    following = (
        w * value + bias, w * w * further + w * bias * apart, w * mine + bias, w * theirs + bias
    )  # fmt: skip
    return NextLayer(following, value, further, mine, theirs)


def dual_variance(act: Activation, a: Array) -> Array:
    """Return E[φ(u)²]."""
    if isinstance(act, DualActivation):
        return act.variance(act.guarded(a))
    return dual_moments(act, a, jnp.zeros_like(a), a, a)[0]


def variance_and_change(act: Activation, a: Array) -> tuple[Array, Array]:
    """Return E[φ(u)²] and its change with the logarithm of the standard deviation."""
    found = moment_changes(act, a, jnp.zeros_like(a), a, a, False)
    return found.value, found.value_x + found.value_y


def dual_moments(
    act: Activation, s: Array, gap: Array, a: Array, b: Array, symmetric: bool = False
) -> tuple[Array, Array]:
    """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)], differentiable without an array for each pair.

    Of a set with itself they are symmetric, and half the pairs of scales are enough.
    """
    if isinstance(act, Linear | DualActivation):
        return moments(act, s, gap, a, b)
    pairs = _half_pairs(act) if symmetric else scale_pairs(act)
    angle, slope = pair_sums(_FOLDED if is_folded(act) else _BESIDE, pairs, s, gap, a, b)
    if symmetric:
        angle, slope = angle + angle.T, slope + slope.T
    factor, constant = act.gain**2 * 2 / np.pi, 0.0 if is_folded(act) else act.offset**2
    return constant + factor * angle, factor * slope


def _erf_term(
    folded: bool, u: Array, v: Array, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, Array]:
    root = jnp.sqrt(gap + a * v + b * u + u * v)
    return angle_above(root, s) if folded else angle_beside(s, root), 1 / root


def _half_pairs(act: ErfMixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs u ≤ v, those of one scale with half their weight."""
    u, v, p = scale_pairs(act)
    kept = u <= v
    return u[kept], v[kept], np.where(u == v, p / 2, p)[kept]


def moment_changes(
    act: Activation, s: Array, gap: Array, a: Array, b: Array, first: bool
) -> Changes:
    """Return E[φφ], E[φ′φ′] and their changes; of `first`, slope_x and _y are those of s E[φ′φ′].

    In the first layer a mixture's changes along a point of large norm would cancel otherwise.
    """
    if isinstance(act, ErfMixture):
        term = _CHANGES[is_folded(act), first]
        sums = pair_sums(term, scale_pairs(act), s, gap, a, b)
        factor, constant = act.gain**2 * 2 / np.pi, 0.0 if is_folded(act) else act.offset**2
        scaled = [factor * total for total in sums]
        return Changes(constant + scaled[0], *scaled[1:])
    if isinstance(act, Linear):
        zero, slope = jnp.zeros_like(s), jnp.full_like(s, act.alpha**2)
        value = slope * s
        found = Changes(value + act.beta**2, slope, zero, value, value, zero, zero)
    else:
        found = act.changes(s, gap, a, b)
    if not first:
        return found
    return found._replace(
        slope_x=s * (found.slope + found.slope_x), slope_y=s * (found.slope + found.slope_y)
    )


def _erf_changes(
    folded: bool, first: bool, u: Array, v: Array, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, ...]:
    root = jnp.sqrt(gap + a * v + b * u + u * v)
    inverse = 1 / root
    cube = inverse / root**2
    angle = angle_above(root, s) if folded else angle_beside(s, root)
    if first:
        along = s * u * (b + v) * cube, s * v * (a + u) * cube
    else:
        along = -(gap + a * v) * cube, -(gap + b * u) * cube
    value_x, value_y = s * u / (a + u) * inverse, s * v / (b + v) * inverse
    return angle, inverse, s * cube, value_x, value_y, *along


_FOLDED, _BESIDE = partial(_erf_term, True), partial(_erf_term, False)
_CHANGES = {
    (folded, first): partial(_erf_changes, folded, first)
    for folded in (True, False) for first in (True, False)
}  # fmt: skip
