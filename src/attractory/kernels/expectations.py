r"""Gaussian expectations of an activation at a pair of inputs, as a sum over pairs of scales.

For (u, v) normal with variances a, b and covariance s, and σ a mixture of erf with squared scales
wᵢ and weights pᵢ (`attractory.activations`),

    E[σ(u)σ(v)]   = offset² + gain² (2/π) Σᵢⱼ pᵢpⱼ atan2(s, Dᵢⱼ)
    E[σ′(u)σ′(v)] =           gain² (2/π) Σᵢⱼ pᵢpⱼ / Dᵢⱼ,
    Dᵢⱼ² = (a + wᵢ)(b + wⱼ) − s² = gap + a wⱼ + b wᵢ + wᵢwⱼ,   gap = ab − s².

`gap` is a separate argument because ab − s² cancels for near-parallel inputs of large norm; callers
that know the inputs compute it to the last digits (`perpendicular`).

The paper's appendix D.1 is the one-node case.
"""

from functools import lru_cache
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from attractory.activations import Activation, ErfMixture, Linear
from attractory.duals.angles import angle_above, angle_beside
from attractory.duals.protocol import DualActivation

_PAIRS = (256, 8192)  # pairs are padded to one of these


class PairSum(eqx.Module):
    """An activation's expectations as numbers, so that one compiled function serves all of them.

        E[σσ] = constant + linear · s + factor Σ p angle(s, D),   E[σ′σ′] = linear + factor Σ p / D

    Attributes:
        folded: whether the angle is atan2(D, −s), see `finish_value`.
        linear, constant, factor: the numbers.
        u, v, p: the pairs; at least one array element, even where `count` is 0.
        count: of the pairs.
    """

    folded: bool = eqx.field(static=True)
    linear: Float[Array | np.ndarray, ""]
    constant: Float[Array | np.ndarray, ""]
    factor: Float[Array | np.ndarray, ""]
    u: Float[Array | np.ndarray, " k"]
    v: Float[Array | np.ndarray, " k"]
    p: Float[Array | np.ndarray, " k"]
    count: int | Int[Array | np.ndarray, ""]  # known in compiled code, or an argument of it


def scale_pairs(act: ErfMixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return wᵢ, wⱼ and pᵢpⱼ of every pair of nodes, flattened."""
    w, p = np.square(act.scales), np.asarray(act.weights)
    first, second = np.meshgrid(w, w, indexing="ij")
    return first.ravel(), second.ravel(), np.outer(p, p).ravel()


def least_scale(act: Activation) -> float:
    """Return the least squared scale: a gap's rounding is compared with it."""
    if isinstance(act, Linear):
        return np.inf
    return act.least_scale if isinstance(act, DualActivation) else min(act.scales) ** 2


def cost(act: Activation) -> int:
    """Return about how many terms an activation's expectations sum over."""
    if isinstance(act, Linear):
        return 1
    return act.cost if isinstance(act, DualActivation) else len(act.scales) ** 2


def is_folded(act: Activation) -> bool:
    """Whether the constant is folded into the angle, see `finish_value`."""
    return isinstance(act, ErfMixture) and act.offset**2 == act.gain**2


Numbers = PairSum | DualActivation


@lru_cache(maxsize=64)
def pair_sum(act: Activation) -> Numbers:
    """Return an activation as numbers, its pairs padded to one of few sizes.

    What is no mixture is returned as it is: it is an argument of compiled code without arrays.
    """
    if isinstance(act, DualActivation):
        return act
    if isinstance(act, Linear):
        numbers, pairs = (act.alpha**2, act.beta**2, 0.0), (np.zeros(0),) * 3
    else:
        constant = 0.0 if is_folded(act) else act.offset**2
        numbers, pairs = (0.0, constant, act.gain**2 * 2 / np.pi), scale_pairs(act)
    count = len(pairs[0])
    size = next((size for size in _PAIRS if size >= count), count)
    u, v, p = (np.pad(x, (0, size - count), constant_values=1.0) for x in pairs)
    linear, constant, factor = map(np.asarray, numbers)
    return PairSum(is_folded(act), linear, constant, factor, u, v, p, np.asarray(count))


def _numbers(act: Activation | PairSum, dtype: np.dtype) -> PairSum:
    """Return an activation as numbers of a precision, its count known where it is no argument."""
    known = act if isinstance(act, PairSum) else pair_sum(act)
    assert isinstance(known, PairSum)
    count = known.count if isinstance(act, PairSum) else int(known.count)
    numbers = jax.tree.map(
        lambda x: jnp.asarray(x, dtype), eqx.tree_at(lambda n: n.count, known, 0.0)
    )
    return eqx.tree_at(lambda n: n.count, numbers, count)


def finish_value(act: ErfMixture, angle: Array) -> Array:
    """Return offset² + gain²(2/π) Σ pᵢpⱼ atan2(s, Dᵢⱼ) from the summed angle, without cancellation.

    For logistic-like activations offset² = gain², and the constant is folded into the angle
    (π/2 + atan2(s, D) = atan2(D, −s)): antiparallel inputs of large norm leave a value near 0.
    The angle is atan2(D, −s) or atan2(s, D) accordingly; see `folded_angle`.
    """
    scaled = act.gain**2 * 2 / np.pi * angle
    return scaled if is_folded(act) else act.offset**2 + scaled


def folded_angle(folded: bool, s: Array, root: Array) -> Array:
    """Return the angle that `finish_value` takes."""
    return angle_above(root, s) if folded else angle_beside(s, root)


def perpendicular(
    x: Float[Array | np.ndarray, "*k d"],
    y: Float[Array | np.ndarray, "*k d"],
    dim: int | Array,
    xp: ModuleType = jnp,
) -> tuple[Any, Any, Any]:
    """Return y⊥ = y − (x·y/x·x) x, (…, d), s = x·y/d and gap = ‖x‖²‖y⊥‖²/d², to the last digits.

    One re-orthogonalisation makes y⊥ as accurate as y itself; equal inputs give exactly 0.

    Args:
        x, y: points, (…, d), and others of the same shape; they may be padded by zeros.
        dim: d.
        xp: JAX's NumPy, or NumPy, for which nothing is compiled.
    """
    square = xp.sum(x * x, axis=-1, keepdims=True)
    safe = xp.where(square > 0, square, 1.0)
    product = xp.sum(x * y, axis=-1, keepdims=True)
    across = y - product / safe * x
    across = across - xp.sum(x * across, axis=-1, keepdims=True) / safe * x
    gap = square[..., 0] * xp.sum(across * across, axis=-1) / dim**2
    return across, product[..., 0] / dim, gap


def first_layer(
    x: Float[Array | np.ndarray, "k d"],
    y: Float[Array | np.ndarray, "k d"],
    dim: int | Array,
    xp: ModuleType = jnp,
) -> tuple[Any, Any, Any, Any]:
    """Return s, gap, a and b of each x and the y of the same index; see `perpendicular`."""
    _, s, gap = perpendicular(x, y, dim, xp)
    return s, gap, xp.sum(x * x, axis=-1) / dim, xp.sum(y * y, axis=-1) / dim


def moments(
    act: Activation | PairSum, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, Array]:
    """Return E[σ(u)σ(v)] and E[σ′(u)σ′(v)]; arguments broadcast."""
    if isinstance(act, DualActivation):
        shape = jnp.broadcast_shapes(s.shape, gap.shape, a.shape, b.shape)
        value, slope = act.moments(s, gap, a, b)
        return jnp.broadcast_to(value, shape), jnp.broadcast_to(slope, shape)
    n = _numbers(act, s.dtype)

    def add(k: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        u, v, p = n.u[k], n.v[k], n.p[k]
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        return sums[0] + p * folded_angle(n.folded, s, root), sums[1] + p / root

    shape = jnp.broadcast_shapes(s.shape, gap.shape, a.shape, b.shape)
    zero = jnp.zeros(shape, s.dtype)
    angle, slope = lax.fori_loop(0, n.count, add, (zero, zero))
    return n.linear * s + n.constant + n.factor * angle, n.linear + n.factor * slope


def variance(act: Activation | PairSum, a: Array) -> Array:
    """Return E[σ(u)²] for u of variance a."""
    if isinstance(act, DualActivation):
        return act.variance(a)
    return moments(act, a, jnp.zeros_like(a), a, a)[0]


def variance_slope(act: Activation | PairSum, a: Float[Array, ""]) -> Float[Array, ""]:
    """Return d E[σ(u)²] / da, from ½(wᵢ/(a + wᵢ) + wⱼ/(a + wⱼ)) / Dᵢⱼ: no cancellation."""
    n = _numbers(act, a.dtype)
    root = jnp.sqrt(a * (n.u + n.v) + n.u * n.v)
    terms = n.p * 0.5 * (n.u / (a + n.u) + n.v / (a + n.v)) / root
    total = jnp.where(jnp.arange(len(n.p)) < n.count, terms, 0.0).sum()
    return jnp.asarray(n.linear + n.factor * total)


def first_layer_tangents(
    act: Activation | PairSum, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Return value, slope and their derivatives across and along the first input.

    "Across" is ∂/∂s; that of the value is the slope (Price's theorem). "Along" is the change with
    log‖x‖, s∂/∂s + 2a∂/∂a, in the forms

        along atan2(s, D) = s w / ((a + w) D),    along (s/D) = s w (b + v) / D³

    whose naive difference would cancel to w/a of its terms.

    Returns:
        value, slope, the slope across, the value along, and along(s · slope), for that reason not
        along(slope).
    """
    n = _numbers(act, s.dtype)

    def add(k: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        u, v, p = n.u[k], n.v[k], n.p[k]
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        inverse = p / root
        cube = inverse / root**2
        return (
            sums[0] + p * folded_angle(n.folded, s, root),
            sums[1] + inverse,
            sums[2] + s * cube,
            sums[3] + s * u / (a + u) * inverse,
            sums[4] + s * u * (b + v) * cube,
        )

    zero = jnp.zeros(jnp.broadcast_shapes(s.shape, gap.shape, a.shape, b.shape), s.dtype)
    sums = lax.fori_loop(0, n.count, add, (zero,) * 5)
    angle, slope, slope_s, along_value, along_product = (n.factor * total for total in sums)
    straight = n.linear * s
    return (
        straight + n.constant + angle,
        n.linear + slope,
        slope_s,
        straight + along_value,
        straight + along_product,
    )


def moments_and_tangents(
    act: Activation | PairSum,
    s: Array,
    gap: Array,
    a: Array,
    b: Array,
    s_dot: Float[Array, "k m"],
    a_dot: Float[Array, "k 1"],
) -> tuple[Array, Array, Array, Array]:
    """Return value and slope, and their changes when (s, a) change by each (s_dot, a_dot)."""
    n = _numbers(act, s.dtype)

    def add(k: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        u, v, p = n.u[k], n.v[k], n.p[k]
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        inverse = p / root
        return (
            sums[0] + p * folded_angle(n.folded, s, root),
            sums[1] + inverse,
            sums[2] + inverse * (s_dot - s * a_dot / (2 * (a + u))),
            sums[3] + inverse / root**2 * (s * s_dot - (b + v) * a_dot / 2),
        )

    zero, zeros = jnp.zeros_like(s), jnp.zeros_like(s_dot)
    sums = lax.fori_loop(0, n.count, add, (zero, zero, zeros, zeros))
    angle, slope, value_dot, slope_dot = (n.factor * total for total in sums)
    return (
        n.linear * s + n.constant + angle,
        n.linear + slope,
        n.linear * s_dot + value_dot,
        slope_dot,
    )


def following_gap(
    act: Activation | PairSum,
    pair: tuple[Array, Array, Array, Array],
    value: Array,
    ends: tuple[Array, Array],
) -> Array:
    """Return the gap of the next layer.

    Args:
        act: the activation.
        pair: s, gap, a and b of this layer.
        value, ends: covariance and variances of the next.
    """
    if isinstance(act, DualActivation):
        return act.following_gap(*pair, value, ends)
    return covariance_gap(value, *ends)


def covariance_gap(s: Array, a: Array, b: Array) -> Array:
    """Return ab − s² ≥ 0 where a, b are bounded, so that plain subtraction loses nothing."""
    return jnp.maximum(a * b - s * s, 0.0)
