r"""The kernels as pure functions of JAX arrays, for jit, vmap, grad and any composition of them.

The recursion is that of `kernels.recursion`, with weights and biases of any scale,

    s ← σ_w² E[φ(u)φ(v)] + σ_b²,   Θ ← s_new + σ_w² Θ E[φ′(u)φ′(v)],

in the precision of the points; no table, and no check of values, which tracers do not have.
NTK parametrisation as in Jacot, Gabriel & Hongler (2018); the standard one as in Sohl-Dickstein,
Novak, Schoenholz & Lee (2020), *On the infinite width limit of neural networks with a standard
parameterization*, where the derivatives in a layer's weights grow with its fan-in N,
Θ ← N E[φ(u)φ(v)] + 1 + σ_w² Θ E[φ′(u)φ′(v)].
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from attractory.activations import Activation, ErfMixture, Linear
from attractory.duals.angles import angle_above, angle_beside
from attractory.duals.protocol import (
    DualActivation,
    half_distance,
    pair_sums,
    plain_gap,
    sum_over_pairs,
)
from attractory.kernels.dense import Dense
from attractory.kernels.expectations import (
    is_folded,
    least_scale,
    moments,
    scale_pairs,
)
from attractory.kernels.pair_numbers import PairNumbers, pair_numbers

__all__ = ["Kernels", "pure_kernels"]


class Kernels(NamedTuple):
    """Both kernels of two sets of points, and the NNGP kernel's variances."""

    nngp: Float[Array, "n m"]
    ntk: Float[Array, "n m"]


def pure_kernels(
    network: Dense, x: Float[Array, "n d"], y: Float[Array, "m d"] | None = None
) -> Kernels:
    """Return the NNGP kernel and the NTK.

    Args:
        network: the network, its scales tracers perhaps.
        x, y: points; y by default x.
    """
    act, depth, dtype = network.kernel.activation, network.kernel.depth, x.dtype
    w = jnp.square(jnp.asarray(network.weight_std, dtype))
    b = None if network.bias_std is None else jnp.square(jnp.asarray(network.bias_std, dtype))
    standard = network.parametrization == "standard"
    unit = standard and b is not None  # the derivative in a trained bias
    u = _with_scales(network, x)
    v = u if y is None else _with_scales(network, y)
    n = pair_numbers(y is None, least_scale(act), u, v)
    value, slope, product = _first_layer(act, n, y is None)
    if standard:
        other = x if y is None else y
        theta = (x @ other.T + unit) * slope
    else:
        theta = product
    zero = jnp.zeros_like(w) if b is None else b
    widths = jnp.asarray(network.widths or (0,) * (depth - 1), dtype)

    def with_weights(value: Array, theta: Array, w: Array, bias: Array, width: Array) -> Array:
        if standard:
            return width * value + unit + w * theta
        return w * (value + theta) + bias

    theta = with_weights(value, theta, w[1], zero[1], widths[0])

    def deeper(state: tuple[Any, ...], of: tuple[Array, ...]) -> tuple[tuple[Any, ...], None]:
        pair, value, theta = state
        before, bias, after, bias_after, width = of
        pair = _next_pair(act, pair, value, before, None if b is None else bias, y is None)
        value, slope = dual_moments(act, *pair, y is None)
        return (pair, value, with_weights(value, theta * slope, after, bias_after, width)), None

    if depth > 2:
        # A loop: written out, XLA would work each layer out anew for each use in the next.
        layers = w[1:-1], zero[1:-1], w[2:], zero[2:], widths[1:]
        state = (n.s, n.gap, n.a, n.b), value, theta
        (_, value, theta), _ = lax.scan(deeper, state, layers)
    return Kernels(w[-1] * value + zero[-1], theta)


def _with_scales(network: Dense, x: Array) -> Array:
    """Return points with which a first layer of unit weights and no biases has the same values."""
    dim, scale = x.shape[1], jnp.asarray(network.weight_std, x.dtype)[0]
    if network.bias_std is None:
        return x if _is_one(network.weight_std) else scale * x
    bias = jnp.asarray(network.bias_std, x.dtype)[0] * np.sqrt(dim)
    lifted = jnp.concatenate([scale * x, jnp.broadcast_to(bias, (len(x), 1))], axis=1)
    return lifted * np.asarray(np.sqrt((dim + 1) / dim), x.dtype)


def _is_one(scales: Array | np.ndarray) -> bool:
    return isinstance(scales, np.ndarray) and bool(scales[0] == 1)


def _next_pair(
    act: Activation,
    pair: tuple[Array, Array, Array, Array],
    value: Array,
    w: Array,
    bias: Array | None,
    same: bool,
) -> tuple[Array, Array, Array, Array]:
    """Return s, gap, a and b of the next layer."""
    s, gap, a, b = pair
    mine, theirs = dual_variance(act, a), dual_variance(act, b)
    if isinstance(act, DualActivation):
        further = act.following_gap(s, gap, a, b, value, (mine, theirs))
    else:
        further = plain_gap(value, mine, theirs)
    if same:
        diagonal = jnp.eye(len(value), dtype=bool)
        value, further = jnp.where(diagonal, mine, value), jnp.where(diagonal, 0.0, further)
    if bias is None:
        return w * value, w * w * further, w * mine, w * theirs
    # a + b − 2s of the variances, which cancels for nearly equal inputs.
    near = 2 * half_distance(value, further, mine, theirs)
    apart = jnp.where(value < 0, mine + theirs - 2 * value, near)
    further = w * w * further + w * bias * apart
    return w * value + bias, further, w * mine + bias, w * theirs + bias


def dual_variance(act: Activation, a: Array) -> Array:
    """Return E[φ(u)²]."""
    if isinstance(act, DualActivation):
        return act.variance(act.guarded(a))
    return dual_moments(act, a, jnp.zeros_like(a), a, a)[0]


def dual_moments(
    act: Activation, s: Array, gap: Array, a: Array, b: Array, symmetric: bool = False
) -> tuple[Array, Array]:
    """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)], differentiable without an array for each pair.

    Of a set with itself they are symmetric, and half the pairs of scales are enough.
    """
    if isinstance(act, Linear | DualActivation):
        return moments(act, s, gap, a, b)
    pairs = _half_pairs(act) if symmetric else scale_pairs(act)
    angle, slope = pair_sums(_term(is_folded(act)), pairs, s, gap, a, b)
    if symmetric:
        angle, slope = angle + angle.T, slope + slope.T
    factor, constant = act.gain**2 * 2 / np.pi, 0.0 if is_folded(act) else act.offset**2
    return constant + factor * angle, factor * slope


def _term(folded: bool) -> partial:
    return _FOLDED if folded else _BESIDE


def _erf_term(
    folded: bool, u: Array, v: Array, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, Array]:
    root = jnp.sqrt(gap + a * v + b * u + u * v)
    return angle_above(root, s) if folded else angle_beside(s, root), 1 / root


_FOLDED, _BESIDE = partial(_erf_term, True), partial(_erf_term, False)


def _half_pairs(act: ErfMixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs u ≤ v, those of one scale with half their weight."""
    u, v, p = scale_pairs(act)
    kept = u <= v
    return u[kept], v[kept], np.where(u == v, p / 2, p)[kept]


def _first_layer(act: Activation, n: PairNumbers, symmetric: bool) -> tuple[Array, Array, Array]:
    """Return E[φφ], E[φ′φ′] and s E[φ′φ′]."""
    if isinstance(act, ErfMixture):
        return _erf_first_layer(act, symmetric, n)
    a, b = n.a, n.b
    if isinstance(act, DualActivation):
        a, b = act.guarded(a), act.guarded(b)
    value, slope = moments(act, n.s, n.gap, a, b)
    return value, slope, n.s * slope


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _erf_first_layer(
    act: ErfMixture, symmetric: bool, n: PairNumbers
) -> tuple[Array, Array, Array]:
    value, slope = dual_moments(act, n.s, n.gap, n.a, n.b, symmetric)
    return value, slope, n.s * slope


@partial(_erf_first_layer.defjvp, symbolic_zeros=True)
def _erf_first_layer_jvp(
    act: ErfMixture, symmetric: bool, primals: tuple[PairNumbers], tangents: tuple[Any]
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Take the changes across and along, in which nothing cancels, in place of s, gap, a, b."""
    (n,), (dot,) = primals, tangents
    s, gap, a, b = n.s, n.gap, n.a, n.b
    changes: list[Any] = [jnp.zeros_like(s)] * 3

    def across(u: Array, v: Array) -> tuple[Array, ...]:
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        cube = s / root**3
        return 1 / root, cube, 1 / root + s * cube

    def along_x(u: Array, v: Array) -> tuple[Array, ...]:
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        cube = 1 / root**3
        return s * u / ((a + u) * root), -(gap + a * v) * cube, s * u * (b + v) * cube

    def along_y(u: Array, v: Array) -> tuple[Array, ...]:
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        cube = 1 / root**3
        return s * v / ((b + v) * root), -(gap + b * u) * cube, s * v * (a + u) * cube

    for move, terms in ((dot.across, across), (dot.along_x, along_x), (dot.along_y, along_y)):
        if isinstance(move, SymbolicZero):
            continue
        sums = sum_over_pairs(terms, scale_pairs(act), (s, gap, a, b))
        factor = act.gain**2 * 2 / np.pi * move
        changes = [old + factor * new for old, new in zip(changes, sums, strict=True)]
    return _erf_first_layer(act, symmetric, n), tuple(changes)
