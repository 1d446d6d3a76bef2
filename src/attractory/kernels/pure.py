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

from attractory.activations import Activation
from attractory.duals.protocol import DualActivation
from attractory.kernels.changes import Layers, derivatives
from attractory.kernels.dense import Dense
from attractory.kernels.expectations import least_scale
from attractory.kernels.layer_steps import dual_moments, next_layer
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
    act, dtype = network.kernel.activation, x.dtype
    w = jnp.square(jnp.asarray(network.weight_std, dtype))
    b = None if network.bias_std is None else jnp.square(jnp.asarray(network.bias_std, dtype))
    standard = network.parametrization == "standard"
    unit = standard and b is not None  # the derivative in a trained bias
    u = _with_scales(network, x)
    v = u if y is None else _with_scales(network, y)
    n = pair_numbers(y is None, least_scale(act), u, v)
    layers = Layers(
        w[1:], None if b is None else b[1:],
        jnp.asarray(network.widths, dtype) if standard else None,
    )  # fmt: skip
    product = x @ (x if y is None else y).T + unit if standard else None
    return _recursion(act, y is None, n, layers, product)


def _forward(
    act: Activation, same: bool, n: PairNumbers, layers: Layers, product: Array | None
) -> Kernels:
    """Return the kernels of pairs from their numbers; arguments as of `changes.derivatives`."""
    pair = n.s, n.gap, _guarded(act, n.a), _guarded(act, n.b)
    value, slope = dual_moments(act, *pair, same)
    theta = (n.s if product is None else product) * slope
    diagonal = jnp.eye(len(n.s), dtype=bool) if same else None

    def with_weights(value: Array, theta: Array, of: Layers) -> Array:
        if of.widths is None:
            return of.w * (value + theta) + (0.0 if of.b is None else of.b)
        return of.widths * value + (of.b is not None) + of.w * theta

    theta = with_weights(value, theta, jax.tree.map(lambda v: v[0], layers))

    def deeper(state: tuple[Any, ...], of: tuple[Layers, Layers]) -> tuple[tuple[Any, ...], None]:
        pair, value, theta = state
        pair = next_layer(act, pair, value, of[0].w, of[0].b, diagonal).pair
        value, slope = dual_moments(act, *pair, same)
        return (pair, value, with_weights(value, theta * slope, of[1])), None

    if len(layers.w) > 1:
        # A loop: written out, XLA would work each layer out anew for each use in the next.
        of = jax.tree.map(lambda v: v[:-1], layers), jax.tree.map(lambda v: v[1:], layers)
        (_, value, theta), _ = lax.scan(deeper, (pair, value, theta), of)
    nngp = layers.w[-1] * value
    return Kernels(nngp if layers.b is None else nngp + layers.b[-1], theta)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _recursion(
    act: Activation, same: bool, n: PairNumbers, layers: Layers, product: Array | None
) -> Kernels:
    """Return what `_forward` does, its derivatives by `_recursion_jvp`."""
    return _forward(act, same, n, layers, product)


@partial(_recursion.defjvp, symbolic_zeros=True)
def _recursion_jvp(
    act: Activation, same: bool, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Kernels, Kernels]:
    """Take the points' changes in closed form, and those of the scales through the recursion."""
    n, layers, product = primals
    n_dot, layers_dot, product_dot = tangents
    found = _recursion(act, same, n, layers, product)
    nngp, ntk = (jnp.zeros_like(v) for v in found)
    moves = n_dot.across, n_dot.along_x, n_dot.along_y, product_dot
    if not all(_is_zero(move) for move in moves):
        for_nngp, for_ntk = derivatives(act, same, layers, n, product)
        for move, one, other in zip(moves, for_nngp, for_ntk, strict=True):
            if not _is_zero(move):
                ntk = ntk + other * move
                nngp = nngp if one is None else nngp + one * move
    symbolic = partial(jax.tree.map, is_leaf=lambda dot: isinstance(dot, SymbolicZero))
    if not all(jax.tree.leaves(symbolic(_is_zero, layers_dot))):
        dots = symbolic(_instantiated, layers_dot, layers)
        more = jax.jvp(lambda of: _forward(act, same, n, of, product), (layers,), (dots,))[1]
        nngp, ntk = nngp + more.nngp, ntk + more.ntk
    return found, Kernels(nngp, ntk)


def _is_zero(dot: Any) -> bool:
    return dot is None or isinstance(dot, SymbolicZero)


def _instantiated(dot: Any, of: Array) -> Array:
    return jnp.zeros_like(of) if isinstance(dot, SymbolicZero) else dot


def _guarded(act: Activation, a: Array) -> Array:
    return act.guarded(a) if isinstance(act, DualActivation) else a


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
