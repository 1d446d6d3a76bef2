r"""First derivatives of the NNGP kernel and the NTK of all pairs of points, in closed form.

A pair can change in three ways: across (s alone), and along each of its points, in log‖x‖ and
log‖y‖ (`kernels.pair_numbers`). In a layer of covariance s and variances a, b, it changes s across
by c, and the logarithms of the norms by λ and μ. With the activation's own changes (`Changes`),

    E[φφ]˙ = slope c + λ value_x + μ value_y,   E[φ′φ′]˙ = slope_s c + λ slope_x + μ slope_y,

and in the next layer, of s′ = σ_w² E[φφ] + σ_b² and a′ = σ_w² E[φ²] + σ_b²,

    λ′ = λ σ_w² V_x/(2a′),   c′ = σ_w² E[φφ]˙ − s′ (λ′ + μ′),   V_x = 2a dE[φ²]/da.

Of a homogeneous activation c′ is made without that difference, since its kernels have a cusp where
c belongs. A block of rows goes through all layers at once, so that what is between them stays in a
cache.
"""

from typing import Any, NamedTuple

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
from attractory.kernels.pair_numbers import PairNumbers

__all__ = ["Derivatives", "Layers", "derivatives"]

_BLOCK = 1 << 17  # pairs at a time


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
    along_x: Array
    along_y: Array
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
    ways: list[_Way]
    by_product: Array | None


def derivatives(
    act: Activation, same: bool, layers: Layers, n: PairNumbers, product: Array | None
) -> tuple[Derivatives, Derivatives]:
    """Return the derivatives of the NNGP kernel and of the NTK.

    Args:
        act: the activation.
        same: whether both sets of points are one.
        layers: their numbers.
        n: of the pairs.
        product: x·y and 1 for a trained bias, (n, m), in the standard parametrisation; else None.
    """
    count, other = n.s.shape
    blocks = max(1, -(-count * other // _BLOCK))
    size = -(-count // blocks)
    blocks = -(-count // size)
    rows = jnp.arange(blocks * size).reshape(blocks, size)

    def one(of: tuple[Any, ...]) -> tuple[Derivatives, Derivatives]:
        rows, s, gap, a, product = of
        diagonal = rows[:, None] == jnp.arange(other) if same else None
        return _of_block(act, layers, (s, gap, a, n.b), product, diagonal)

    def split(v: Array) -> Array:
        padded = jnp.pad(v, ((0, blocks * size - count), (0, 0)), mode="edge")
        return padded.reshape(blocks, size, -1)

    of = n.s, n.gap, n.a, product
    if blocks == 1:
        nngp, ntk = one((rows[0], *of))
    else:
        found = lax.map(one, (rows, *jax.tree.map(split, of)))
        nngp, ntk = jax.tree.map(lambda v: v.reshape(blocks * size, -1)[:count], found)
    if same and not _is_plain(act, layers):
        nngp, ntk = (d._replace(along_y=d.along_x.T) for d in (nngp, ntk))
    return nngp, ntk


def _of_block(
    act: Activation,
    layers: Layers,
    pair: Pair,
    product: Array | None,
    diagonal: Array | None,
) -> tuple[Derivatives, Derivatives]:
    m, cusp = moment_changes(act, *pair, product is None), _is_homogeneous(act)
    # In the first layer the NTK is s, or x·y, and slope_x that of their product with E[φ′φ′].
    at = pair[0] if product is None else product
    turned = [at * m.slope_s, m.slope_x, m.slope_y]
    if product is None:
        turned[0] += m.slope
    else:
        turned[1:] = at * m.slope_x, at * m.slope_y
    nothing = jnp.zeros_like(pair[0]) if cusp else None
    ways = [
        _Way(m.slope, m.slope if cusp else None, None, turned[0]),
        _Way(m.value_x, nothing, jnp.ones_like(pair[2]), turned[1]),
        _Way(m.value_y, nothing, jnp.ones_like(pair[3]), turned[2]),
    ]
    plain = _is_plain(act, layers)
    if plain:
        ways = ways[:1]
    elif diagonal is not None:  # what changes along y mirrors what changes along x
        ways = ways[:2]
    first = jax.tree.map(lambda v: v[0], layers)
    state = _State(pair, m.value, at * m.slope, ways, None if product is None else m.slope)
    state = _weighted(first, state)

    def deeper(state: _State, of: tuple[Layers, Layers]) -> tuple[_State, None]:
        there = next_layer(act, state.pair, state.value, of[0].w, of[0].b, diagonal)
        m = moment_changes(act, *there.pair, False)
        ways = [_further(act, k, state, there, of[0], m) for k in range(len(state.ways))]
        by_product = None if state.by_product is None else state.by_product * m.slope
        return _weighted(
            of[1], _State(there.pair, m.value, state.theta * m.slope, ways, by_product)
        ), None

    if len(layers.w) > 1:
        of = jax.tree.map(lambda v: v[:-1], layers), jax.tree.map(lambda v: v[1:], layers)
        state, _ = lax.scan(deeper, state, of)
    w = layers.w[-1]
    if plain:
        nngp = [w * state.ways[0].value, *[w * state.value] * 2]
        ntk = [state.ways[0].theta, *[state.theta] * 2]
    else:
        nngp, ntk = [w * way.value for way in state.ways], [way.theta for way in state.ways]
    # Those along y are put in place of by `derivatives` where they mirror.
    nngp, ntk = ([*found, found[1]][:3] for found in (nngp, ntk))
    return Derivatives(*nngp, None), Derivatives(*ntk, state.by_product)


def _weighted(of: Layers, state: _State) -> _State:
    """Return the state with the NTK, and its changes, of after a layer's weights."""

    def after(value: Array, theta: Array) -> Array:
        if of.widths is None:
            return of.w * (value + theta)
        return of.widths * value + of.w * theta

    theta, by_product = after(state.value, state.theta), state.by_product
    if of.b is not None:
        theta = theta + (of.b if of.widths is None else 1.0)
    ways = [way._replace(theta=after(way.value, way.theta)) for way in state.ways]
    return state._replace(
        theta=theta, ways=ways, by_product=None if by_product is None else of.w * by_product
    )


def _further(
    act: Activation, which: int, state: _State, there: NextLayer, of: Layers, m: Changes
) -> _Way:
    """Return one of the ways after the next layer's activation; the NTK before its weights."""
    way, cusp = state.ways[which], _is_homogeneous(act)
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
