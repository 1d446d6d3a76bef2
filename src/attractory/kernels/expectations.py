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

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from attractory.activations import Activation, ErfMixture, Linear
from attractory.kernels.angles import angle_above, angle_beside


def scale_pairs(act: ErfMixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return wᵢ, wⱼ and pᵢpⱼ of every pair of nodes, flattened."""
    w, p = np.square(act.scales), np.asarray(act.weights)
    first, second = np.meshgrid(w, w, indexing="ij")
    return first.ravel(), second.ravel(), np.outer(p, p).ravel()


def finish_value(act: ErfMixture, angle: Array) -> Array:
    """Return offset² + gain²(2/π) Σ pᵢpⱼ atan2(s, Dᵢⱼ) from the summed angle, without cancellation.

    For logistic-like activations offset² = gain², and the constant is folded into the angle
    (π/2 + atan2(s, D) = atan2(D, −s)): antiparallel inputs of large norm leave a value near 0.
    The angle is atan2(D, −s) or atan2(s, D) accordingly; see `folded_angle`.
    """
    scaled = act.gain**2 * 2 / np.pi * angle
    return scaled if act.offset**2 == act.gain**2 else act.offset**2 + scaled


def folded_angle(act: ErfMixture, s: Array, root: Array) -> Array:
    """Return the angle that `finish_value` takes."""
    if act.offset**2 == act.gain**2:
        return angle_above(root, s)
    return angle_beside(s, root)


def perpendicular(
    x: Float[Array, "*k d"], y: Float[Array, "*k d"]
) -> tuple[Float[Array, "*k d"], Float[Array, "*k"], Float[Array, "*k"]]:
    """Return y⊥ = y − (x·y/x·x) x, s = x·y/d and gap = ‖x‖²‖y⊥‖²/d², to the last digits.

    One re-orthogonalisation makes y⊥ as accurate as y itself; equal inputs give exactly 0.
    """
    dim = x.shape[-1]
    square = jnp.sum(x * x, axis=-1, keepdims=True)
    safe = jnp.where(square > 0, square, 1.0)
    product = jnp.sum(x * y, axis=-1, keepdims=True)
    across = y - product / safe * x
    across = across - jnp.sum(x * across, axis=-1, keepdims=True) / safe * x
    gap = square[..., 0] * jnp.sum(across * across, axis=-1) / dim**2
    return across, product[..., 0] / dim, gap


def moments(act: Activation, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return E[σ(u)σ(v)] and E[σ′(u)σ′(v)]; arguments broadcast."""
    if isinstance(act, Linear):
        return act.alpha**2 * s + act.beta**2, jnp.full_like(s, act.alpha**2)
    pairs = tuple(jnp.asarray(v, s.dtype) for v in scale_pairs(act))

    def add(k: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        u, v, p = (values[k] for values in pairs)
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        return sums[0] + p * folded_angle(act, s, root), sums[1] + p / root

    shape = jnp.broadcast_shapes(s.shape, gap.shape, a.shape, b.shape)
    zero = jnp.zeros(shape, s.dtype)
    angle, slope = lax.fori_loop(0, len(pairs[2]), add, (zero, zero))
    value = finish_value(act, angle)
    return value, act.gain**2 * 2 / np.pi * slope


def variance(act: Activation, a: Array) -> Array:
    """Return E[σ(u)²] for u of variance a."""
    return moments(act, a, jnp.zeros_like(a), a, a)[0]


def variance_slope(act: Activation, a: Array) -> Array:
    """Return d E[σ(u)²] / da, from ½(wᵢ/(a + wᵢ) + wⱼ/(a + wⱼ)) / Dᵢⱼ: no cancellation."""
    if isinstance(act, Linear):
        return jnp.full_like(a, act.alpha**2)
    u, v, p = (jnp.asarray(values, a.dtype) for values in scale_pairs(act))
    column = a[..., None]
    root = jnp.sqrt(column * (u + v) + u * v)
    terms = p * 0.5 * (u / (column + u) + v / (column + v)) / root
    return act.gain**2 * 2 / np.pi * terms.sum(-1)


def first_layer_tangents(
    act: Activation, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Return value, slope and their derivatives across and along the first input.

    "Across" is ∂/∂s. "Along" is the change with log‖x‖, s∂/∂s + 2a∂/∂a, in the forms

        along atan2(s, D) = s w / ((a + w) D),    along (s/D) = s w (b + v) / D³

    whose naive difference would cancel to w/a of its terms. The last result is along(s · slope)
    for that reason, not along(slope).
    """
    if isinstance(act, Linear):
        slope = jnp.full_like(s, act.alpha**2)
        zero = jnp.zeros_like(s)
        value = slope * s + act.beta**2
        return value, slope, slope, zero, slope * s, slope * s
    pairs = tuple(jnp.asarray(v, s.dtype) for v in scale_pairs(act))

    def add(k: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        u, v, p = (values[k] for values in pairs)
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        inverse = p / root
        cube = inverse / root**2
        return (
            sums[0] + p * folded_angle(act, s, root),
            sums[1] + inverse,
            sums[2] + s * cube,
            sums[3] + s * u / (a + u) * inverse,
            sums[4] + s * u * (b + v) * cube,
        )

    zero = jnp.zeros(jnp.broadcast_shapes(s.shape, gap.shape, a.shape, b.shape), s.dtype)
    angle, slope, slope_s, along_value, along_product = lax.fori_loop(
        0, len(pairs[2]), add, (zero,) * 5
    )
    factor = act.gain**2 * 2 / np.pi
    value = finish_value(act, angle)
    return (
        value,
        factor * slope,
        factor * slope,  # ∂ value/∂s is the slope: Price's theorem
        factor * slope_s,
        factor * along_value,
        factor * along_product,
    )


def layer_tangents(
    act: Activation,
    s: Array,
    gap: Array,
    a: Array,
    b: Array,
    s_dot: Array,
    a_dot: Array,
) -> tuple[Array, Array]:
    """Return the changes of value and slope when (s, a) change by (s_dot, a_dot)."""
    if isinstance(act, Linear):
        return act.alpha**2 * s_dot, jnp.zeros_like(s_dot)
    pairs = tuple(jnp.asarray(v, s.dtype) for v in scale_pairs(act))

    def add(k: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        u, v, p = (values[k] for values in pairs)
        root = jnp.sqrt(gap + a * v + b * u + u * v)
        inverse = p / root
        return (
            sums[0] + inverse * (s_dot - s * a_dot / (2 * (a + u))),
            sums[1] + inverse / root**2 * (s * s_dot - (b + v) * a_dot / 2),
        )

    shape = jnp.broadcast_shapes(s.shape, s_dot.shape, a_dot.shape)
    zero = jnp.zeros(shape, s.dtype)
    value, slope = lax.fori_loop(0, len(pairs[2]), add, (zero, zero))
    factor = act.gain**2 * 2 / np.pi
    return factor * value, factor * slope


def covariance_gap(s: Array, a: Array, b: Array) -> Array:
    """Return ab − s² ≥ 0 where a, b are bounded, so that plain subtraction loses nothing."""
    return jnp.maximum(a * b - s * s, 0.0)
