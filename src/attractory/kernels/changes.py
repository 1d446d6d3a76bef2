r"""First derivatives of the NNGP kernel and the NTK of all pairs of points, in closed form.

A pair can change in three ways: across (s alone), and along each of its points, in log‖x‖ and
log‖y‖ (`kernels.pair_numbers`). In a layer of covariance s and variances a, b, it changes s across
by c, and the logarithms of the norms by λ and μ. With the activation's own changes (`Changes`),

    E[φφ]˙ = slope c + λ value_x + μ value_y,   E[φ′φ′]˙ = slope_s c + λ slope_x + μ slope_y,

and in the next layer, of s′ = σ_w² E[φφ] + σ_b² and a′ = σ_w² E[φ²] + σ_b²,

    λ′ = λ σ_w² V_x/(2a′),   c′ = σ_w² E[φφ]˙ − s′ (λ′ + μ′),   V_x = 2a dE[φ²]/da.

Of a homogeneous activation c′ is made without that difference, since its kernels have a cusp where
c belongs.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from attractory.activations import Activation
from attractory.duals.protocol import Changes, DualActivation, half_distance
from attractory.kernels.layer_steps import (
    NextLayer,
    Pair,
    moment_changes,
    next_layer,
    variance_and_change,
)

__all__ = ["Derivatives", "Layers", "derivatives"]


class Layers(NamedTuple):
    """The numbers of the layers after the first.

    Attributes:
        w, b: σ_w² and σ_b², (depth − 1,); b None for no biases.
        widths: fan-ins in the standard parametrisation, (depth − 1,); else None.
    """

    w: Array
    b: Array | None
    widths: Array | None


class Derivatives(NamedTuple):
    """Derivatives of a kernel across, along x, along y; and by x·y where that is not s itself."""

    across: Array
    along_x: Array | None
    along_y: Array | None
    product: Array | None


class _Way(NamedTuple):
    """What one way of changing a pair has changed.

    Attributes:
        value: E[φφ].
        rest: the part of it across; kept for homogeneous activations.
        norm: λ or μ; None across.
        theta: the NTK.
    """

    value: Array
    rest: Array | None
    norm: Array | None
    theta: Array


class _State(NamedTuple):
    """Where a layer's activation has led: its inputs, E[φφ], the NTK and how both change."""

    pair: Pair
    value: Array
    theta: Array
    ways: list[_Way | None]
    by_product: Array | None


def derivatives(
    act: Activation,
    layers: Layers,
    pair: Pair,
    along: tuple[bool, bool],
    product: Array | None,
    diagonal: Array | None,
) -> tuple[Derivatives, Derivatives]:
    """Return the derivatives of the NNGP kernel and of the NTK.

    Args:
        act: the activation.
        layers: their numbers.
        pair: the numbers of the pairs.
        along: whether derivatives along x, and along y, are wanted.
        product: x·y and 1 for a trained bias, (n, m), in the standard parametrisation; else None.
        diagonal: where a point meets itself; None if nowhere.
    """
    m, cusp = moment_changes(act, *pair, product is None), _is_homogeneous(act)
    # In the first layer the NTK is s, or x·y, and slope_x that of their product with E[φ′φ′].
    at = pair[0] if product is None else product
    turned = [at * m.slope_s, m.slope_x, m.slope_y]
    if product is None:
        turned[0] += m.slope
    else:
        turned[1:] = at * m.slope_x, at * m.slope_y
    nothing = jnp.zeros_like(pair[0]) if cusp else None
    plain = _is_plain(act, layers)
    ways: list[_Way | None] = [
        _Way(m.slope, m.slope if cusp else None, None, turned[0]),
        None,
        None,
    ]
    if along[0] and not plain:
        ways[1] = _Way(m.value_x, nothing, jnp.ones_like(pair[2]), turned[1])
    if along[1] and not plain:
        ways[2] = _Way(m.value_y, nothing, jnp.ones_like(pair[3]), turned[2])
    first = jax.tree.map(lambda v: v[0], layers)
    state = _State(pair, m.value, at * m.slope, ways, None if product is None else m.slope)
    state = _weighted(first, state)

    def deeper(state: _State, of: tuple[Layers, Layers]) -> tuple[_State, None]:
        there = next_layer(act, state.pair, state.value, of[0].w, of[0].b, diagonal)
        m = moment_changes(act, *there.pair, False)
        ways = [_further(act, k, state, there, of[0], m) for k in range(3)]
        by_product = None if state.by_product is None else state.by_product * m.slope
        return _weighted(
            of[1], _State(there.pair, m.value, state.theta * m.slope, ways, by_product)
        ), None

    if len(layers.w) > 1:
        of = jax.tree.map(lambda v: v[:-1], layers), jax.tree.map(lambda v: v[1:], layers)
        state, _ = lax.scan(deeper, state, of)
    w, (over, *others) = layers.w[-1], state.ways
    nngp = [None if way is None else w * way.value for way in others]
    ntk = [None if way is None else way.theta for way in others]
    if plain:
        nngp, ntk = [w * state.value] * 2, [state.theta] * 2
    assert over is not None
    return (
        Derivatives(w * over.value, nngp[0], nngp[1], None),
        Derivatives(over.theta, ntk[0], ntk[1], state.by_product),
    )


def _weighted(of: Layers, state: _State) -> _State:
    """Return the state with the NTK, and its changes, of after a layer's weights."""

    def after(value: Array, theta: Array) -> Array:
        if of.widths is None:
            return of.w * (value + theta)
        return of.widths * value + of.w * theta

    theta, by_product = after(state.value, state.theta), state.by_product
    if of.b is not None:
        theta = theta + (of.b if of.widths is None else 1.0)
    ways = [
        None if way is None else way._replace(theta=after(way.value, way.theta))
        for way in state.ways
    ]
    return state._replace(
        theta=theta, ways=ways, by_product=None if by_product is None else of.w * by_product
    )


def _further(
    act: Activation, which: int, state: _State, there: NextLayer, of: Layers, m: Changes
) -> _Way | None:
    """Return one of the ways after the next layer's activation; the NTK before its weights."""
    way, cusp = state.ways[which], _is_homogeneous(act)
    if way is None:
        return None
    c, norm = of.w * (way.value if way.rest is None else way.rest), None
    if way.norm is not None:
        own, before, after = state.pair[1 + which], there.mine, there.pair[1 + which]
        if which == 2:
            before = there.theirs
        inverse = jnp.where(after > 0, 1 / jnp.where(after > 0, after, 1.0), 0.0)
        norm = way.norm * of.w * variance_and_change(act, own)[1] * inverse / 2
        if not cusp:
            c = c - there.pair[0] * norm
        elif of.b is not None:
            # w E[φφ]˙ − s′ λ′ of E[φφ]˙ = λ E[φφ] and λ′ = λ w E[φ²]/a′.
            near = half_distance(there.value, there.gap, there.mine, there.theirs)
            near = near + before - (there.mine + there.theirs) / 2
            less = jnp.where(there.value < 0, before - there.value, near)
            c = c - way.norm * of.w * of.b * inverse * less
    value, slope = m.slope * c, m.slope_s * c
    if norm is not None:
        value = value + norm * (m.value_x if which == 1 else m.value_y)
        slope = slope + norm * (m.slope_x if which == 1 else m.slope_y)
    rest = m.slope * c if cusp else None
    return _Way(value, rest, norm, way.theta * m.slope + state.theta * slope)


def _is_plain(act: Activation, layers: Layers) -> bool:
    """Whether the kernels are homogeneous in each point, their own derivatives along it."""
    return _is_homogeneous(act) and layers.b is None and layers.widths is None


def _is_homogeneous(act: Activation) -> bool:
    return isinstance(act, DualActivation) and act.homogeneous
