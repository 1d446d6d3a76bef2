r"""The kernels as pure functions of JAX arrays, for jit, vmap, grad and any composition of them.

The recursion is that of `kernels.recursion`, with weights and biases of any scale,

    s ← σ_w² E[φ(u)φ(v)] + σ_b²,   Θ ← s_new + σ_w² Θ E[φ′(u)φ′(v)],

in the precision of the points; no table, and no check of values, which tracers do not have.
NTK parametrisation as in Jacot, Gabriel & Hongler (2018); the standard one as in Sohl-Dickstein,
Novak, Schoenholz & Lee (2020), *On the infinite width limit of neural networks with a standard
parameterization*, where the derivatives in a layer's weights grow with its fan-in N,
Θ ← N E[φ(u)φ(v)] + 1 + σ_w² Θ E[φ′(u)φ′(v)].
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from attractory.activations import Activation, ErfMixture
from attractory.duals.protocol import DualActivation
from attractory.kernels.changes import Derivatives, Layers, derivatives
from attractory.kernels.dense import Dense
from attractory.kernels.expectations import least_scale
from attractory.kernels.layer_steps import dual_moments, next_layer
from attractory.kernels.pair_numbers import PairNumbers, are_few, moves, pair_numbers

__all__ = ["Kernels", "pure_kernels"]

_BLOCK = 1 << 17  # pairs at a time

T = TypeVar("T")


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
    u = _with_scales(network, x)
    v = u if y is None else _with_scales(network, y)
    layers = Layers(
        w[1:], None if b is None else b[1:],
        jnp.asarray(network.widths, dtype) if standard else None,
    )  # fmt: skip
    points = (
        Points(u, x if standard else None),
        Points(v, (x if y is None else y) if standard else None),
    )
    return _kernels(act, y is None, *points, layers)


class Points(NamedTuple):
    """Rows or columns.

    Attributes:
        scaled: with the first layer's scales, (n, d).
        raw: as they are, in the standard parametrisation; else None.
    """

    scaled: Array
    raw: Array | None


class _Moved(NamedTuple):
    """How points change; None for not at all."""

    scaled: Array | None
    raw: Array | None


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _kernels(act: Activation, same: bool, x: Points, y: Points, layers: Layers) -> Kernels:
    """Return the kernels of all pairs, their derivatives by `_kernels_jvp`.

    Args:
        act: the activation.
        same: whether y is x.
        x, y: points.
        layers: the numbers of the layers after the first.
    """
    values = jax.custom_batching.custom_vmap(partial(_values, act, same))
    values.def_vmap(partial(_values_of_sets, act, same))
    return values(x, y, layers)


def _values(act: Activation, same: bool, x: Points, y: Points, layers: Layers) -> Kernels:
    """Return the kernels, a block of rows at a time; arguments as of `_kernels`."""
    few, count = are_few(x.scaled, y.scaled), len(x.scaled)
    halves = same and isinstance(act, ErfMixture) and len(act.scales) > 1

    def one(rows: Array, x: Points) -> Kernels:
        n, diagonal = _pairs(act, few, rows if same else None, x, y)
        return _forward(act, n, layers, _products(x, y, layers), diagonal, halves)

    blocks, size = _blocks(count, len(y.scaled))
    if blocks == 1 or halves:  # half of the pairs of scales are enough for a whole matrix
        return one(jnp.arange(count), x)
    found = lax.map(lambda of: one(*of), _split((jnp.arange(count), x), blocks, size))
    return jax.tree.map(lambda v: v.reshape(blocks * size, -1)[:count], found)


def _values_of_sets(
    act: Activation, same: bool, size: int, batched: list[Any], *arrays: Any
) -> tuple[Kernels, tuple[bool, ...]]:
    """Return the kernels of several sets, as many at a time as stay in a cache."""
    leaves, tree = jax.tree.flatten(arrays)
    over = jax.tree.leaves(batched)
    x, y, _ = arrays
    together = max(1, _BLOCK // (x.scaled.shape[-2] * y.scaled.shape[-2]))

    def one(some: list[Array]) -> Kernels:
        parts = iter(some)
        every = [next(parts) if moves else v for v, moves in zip(leaves, over, strict=True)]
        return _values(act, same, *jax.tree.unflatten(tree, every))

    sets = [v for v, moves in zip(leaves, over, strict=True) if moves]
    found = lax.map(one, sets, batch_size=min(together, size))
    return found, jax.tree.map(lambda _: True, found)


def _blocks(rows: int, columns: int) -> tuple[int, int]:
    """Return into how many blocks of how many rows all pairs are divided."""
    blocks = max(1, -(-rows * columns // _BLOCK))
    size = -(-rows // blocks)
    return -(-rows // size), size


def _split(tree: T, blocks: int, size: int) -> T:
    """Return arrays in blocks of rows, padded by repeating the last."""

    def split(v: Array) -> Array:
        more = blocks * size - len(v)
        padded = jnp.pad(v, ((0, more), *[(0, 0)] * (v.ndim - 1)), mode="edge")
        return padded.reshape(blocks, size, *v.shape[1:])

    return jax.tree.map(split, tree)


@partial(_kernels.defjvp, symbolic_zeros=True)
def _kernels_jvp(
    act: Activation, same: bool, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Kernels, Kernels]:
    """Take the points' changes in closed form, and those of the scales through the recursion."""
    x, y, layers = primals
    found = _kernels(act, same, x, y, layers)
    x_dot, y_dot = (_Moved(*(None if _is_zero(d) else d for d in dot)) for dot in tangents[:2])
    changes = [jnp.zeros_like(v) for v in found]
    if jax.tree.leaves((x_dot, y_dot)):
        changes = _changes(act, same, (x, x_dot), (y, y_dot), layers)
    layers_dot, symbolic = tangents[2], partial(jax.tree.map, is_leaf=_is_symbolic)
    if not all(jax.tree.leaves(symbolic(_is_zero, layers_dot))):
        dots = symbolic(_instantiated, layers_dot, layers)
        rows = jnp.arange(len(x.scaled)) if same else None
        n, diagonal = _pairs(act, are_few(x.scaled, y.scaled), rows, x, y)
        product = _products(x, y, layers)
        forward = lambda of: _forward(act, n, of, product, diagonal, False)  # noqa: E731
        more = jax.jvp(forward, (layers,), (dots,))[1]
        changes = [one + other for one, other in zip(changes, more, strict=True)]
    return found, Kernels(*changes)


def _changes(
    act: Activation,
    same: bool,
    x: tuple[Points, _Moved],
    y: tuple[Points, _Moved],
    layers: Layers,
) -> tuple[Array, Array]:
    """Return how the kernels change with points, each given with its change.

    A block of rows goes through all layers at once, and nothing of it is kept for the reverse mode:
    to read and write matrices of all pairs takes longer than to compute them anew.
    """
    count, other = len(x[0].scaled), len(y[0].scaled)
    blocks, size = _blocks(count, other)
    few = are_few(x[0].scaled, y[0].scaled)
    if same:  # what changes with y mirrors what changes with x
        y = y[0], _Moved(None, None)

    def one(
        of: tuple[Array, Points, _Moved], y: tuple[Points, _Moved], layers: Layers
    ) -> tuple[Array, Array]:
        rows, x, x_dot = of
        n, diagonal = _pairs(act, few, rows if same else None, x, y[0])
        points = x.scaled, y[0].scaled
        way = moves(few, least_scale(act), n, *points, diagonal, x_dot.scaled, y[1].scaled)
        along = way.along_x is not None, way.along_y is not None
        product = _products(x, y[0], layers)
        changed = *way, None if product is None else _moved_products((x, x_dot), y)
        nngp, ntk = derivatives(act, layers, n.pair, along, product, diagonal)
        return _along(nngp, changed), _along(ntk, changed)

    if blocks == 1:
        found = one((jnp.arange(count), *x), y, layers)
    else:
        again = jax.checkpoint(one, prevent_cse=False)
        parts = lax.map(
            lambda of: again(of, y, layers), _split((jnp.arange(count), *x), blocks, size)
        )
        found = tuple(v.reshape(blocks * size, other)[:count] for v in parts)
    nngp, ntk = found
    return (nngp + nngp.T, ntk + ntk.T) if same else (nngp, ntk)


def _along(derivatives: Derivatives, changed: Iterable[Array | None]) -> Array:
    pairs = zip(derivatives, changed, strict=True)
    terms = [by * change for by, change in pairs if by is not None and change is not None]
    return sum(terms[1:], start=terms[0])


def _products(x: Points, y: Points, layers: Layers) -> Array | None:
    """Return x·y, and 1 for a trained bias, in the standard parametrisation."""
    if x.raw is None or y.raw is None:
        return None
    return x.raw @ y.raw.T + (layers.b is not None)


def _moved_products(x: tuple[Points, _Moved], y: tuple[Points, _Moved]) -> Array | None:
    terms = []
    for one, other in ((x[1].raw, y[0].raw), (x[0].raw, y[1].raw)):
        if one is not None and other is not None:
            terms.append(one @ other.T)
    return sum(terms[1:], start=terms[0]) if terms else None


def _forward(
    act: Activation,
    n: PairNumbers,
    layers: Layers,
    product: Array | None,
    diagonal: Array | None,
    symmetric: bool,
) -> Kernels:
    """Return the kernels of pairs from their numbers.

    Args:
        act, n, layers, product, diagonal: as of `changes.derivatives`.
        symmetric: whether the pairs are a whole matrix.
    """
    pair = n.pair
    value, slope = dual_moments(act, *pair, symmetric)
    theta = (n.s if product is None else product) * slope

    def with_weights(value: Array, theta: Array, of: Layers) -> Array:
        if of.widths is None:
            return of.w * (value + theta) + (0.0 if of.b is None else of.b)
        return of.widths * value + (of.b is not None) + of.w * theta

    theta = with_weights(value, theta, jax.tree.map(lambda v: v[0], layers))

    def deeper(state: tuple[Any, ...], of: tuple[Layers, Layers]) -> tuple[tuple[Any, ...], None]:
        pair, value, theta = state
        pair = next_layer(act, pair, value, of[0].w, of[0].b, diagonal).pair
        value, slope = dual_moments(act, *pair, symmetric)
        return (pair, value, with_weights(value, theta * slope, of[1])), None

    if len(layers.w) > 1:
        # A loop: written out, XLA would work each layer out anew for each use in the next.
        of = jax.tree.map(lambda v: v[:-1], layers), jax.tree.map(lambda v: v[1:], layers)
        (_, value, theta), _ = lax.scan(deeper, (pair, value, theta), of)
    nngp = layers.w[-1] * value
    return Kernels(nngp if layers.b is None else nngp + layers.b[-1], theta)


def _is_zero(dot: Any) -> bool:
    return dot is None or isinstance(dot, SymbolicZero)


def _is_symbolic(dot: Any) -> bool:
    return isinstance(dot, SymbolicZero)


def _instantiated(dot: Any, of: Array) -> Array:
    return jnp.zeros_like(of) if isinstance(dot, SymbolicZero) else dot


def _pairs(
    act: Activation, few: bool, rows: Array | None, x: Points, y: Points
) -> tuple[PairNumbers, Array | None]:
    """Return the numbers of all pairs, and where a point meets itself.

    Args:
        act: the activation.
        few: as of `pair_numbers`.
        rows: which of y the points x are; None if none.
        x, y: points.
    """
    diagonal = None if rows is None else rows[:, None] == jnp.arange(len(y.scaled))
    n = pair_numbers(few, least_scale(act), x.scaled, y.scaled, diagonal)
    if isinstance(act, DualActivation):
        n = n._replace(a=act.guarded(n.a), b=act.guarded(n.b))
    return n, diagonal


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
