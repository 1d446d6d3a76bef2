r"""What a kernel takes from a pair of points: s = x·y/d, gap = ab − s², a = ‖x‖²/d and b = ‖y‖²/d.

For JAX's transformations, with derivatives that keep their digits. A change ẋ of x moves

    s by p + (s/a) h,   a by 2h,   gap by 2 (gap/a) h − 2 s p,   p = y⊥·ẋ/d,   h = x·ẋ/d,

y⊥ the part of y across x: where x and y are nearly parallel, y⊥ from the points themselves is exact
and the difference y·ẋ − (s/a) x·ẋ is rounding. Up to a size, it is made for each pair; beyond, by
products of matrices, and of the pairs whose angle is below some 2e-5 by y⊥ still: 2,048 of each
block of rows, beyond which rounding is eps over the angle. Gaps are made of products, and where any
of these is too rough, all of the points. The gap of a point with itself is 0, and with it p.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from attractory.kernels.across import across, from_points

__all__ = ["Moves", "PairNumbers", "are_few", "moves", "pair_numbers"]

_EXACT = 1 << 20  # numbers in the points of all pairs, up to which each pair's y⊥ is made
_FEW = 64  # rough gaps of a row, up to which they are made without the others
_NEAR = 0.6  # power of eps: the square of the sine of angles whose y⊥ are made
_SOME = (16, 128), (None, 2048)  # rows with such pairs, and pairs, that are made at a time
# Rounding of a gap from products, relative to ab, and the most of D² that it may be.
_ROUNDING, _LOSS = 8.0, 1e3  # in units of the precision's eps


class PairNumbers(NamedTuple):
    """Numbers of pairs of rows and columns, (n, m), (n, 1) or (1, m)."""

    s: Float[Array, "n m"]
    gap: Float[Array, "n m"]
    a: Float[Array, "n 1"]
    b: Float[Array, "1 m"]

    @property
    def pair(self) -> tuple[Array, Array, Array, Array]:
        """The numbers as a plain tuple, as a layer has them."""
        return self.s, self.gap, self.a, self.b


class Moves(NamedTuple):
    """How pairs change: across (p of both points together), in log‖x‖ and in log‖y‖.

    In this form an activation's kernel does not cancel. None for what does not change.
    """

    across: Float[Array, "n m"] | None
    along_x: Float[Array, "n 1"] | None
    along_y: Float[Array, "1 m"] | None


def are_few(x: Float[Array, "n d"], y: Float[Array, "m d"]) -> bool:
    """Whether each pair's y⊥ is made, and not products of matrices."""
    return x.shape[0] * y.shape[0] * x.shape[1] <= _EXACT


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def pair_numbers(
    few: bool, least: float, x: Array, y: Array, diagonal: Array | None = None
) -> PairNumbers:
    """Return the numbers of all pairs.

    Args:
        few: whether each pair's y⊥ is made, see `are_few`.
        least: `least_scale` of the activation.
        x, y: points.
        diagonal: where a point meets itself, (n, m); None if nowhere.
    """
    dim = x.shape[1]
    a, b = jnp.sum(x * x, axis=1)[:, None] / dim, jnp.sum(y * y, axis=1)[None] / dim
    s = x @ y.T / dim
    gap = jnp.maximum(a * b - s * s, 0.0)
    eps = float(jnp.finfo(s.dtype).eps)
    rough = _ROUNDING * eps * a * b > _LOSS * eps * (gap + least * (a + b + least))
    if diagonal is not None:
        rough = rough & ~diagonal
    gap = (_finer_of_few if few else _finer_of_many)(x, y, gap, rough)
    if diagonal is not None:
        s, gap = jnp.where(diagonal, a, s), jnp.where(diagonal, 0.0, gap)
    return PairNumbers(s, gap, a, b)


@partial(pair_numbers.defjvp, symbolic_zeros=True)
def _pair_numbers_jvp(
    few: bool, least: float, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[PairNumbers, PairNumbers]:
    x, y, diagonal = primals
    n = pair_numbers(few, least, x, y, diagonal)
    dots = [None if isinstance(dot, SymbolicZero) else dot for dot in tangents[:2]]
    over, mine, theirs = moves(few, least, n, x, y, diagonal, *dots)
    none: Any = jax.tree.map(lambda v: SymbolicZero(jax.typeof(v)), n)
    if over is None:
        return n, none
    along = (0.0 if mine is None else mine) + (0.0 if theirs is None else theirs)
    return n, PairNumbers(
        over + n.s * along, 2 * n.gap * along - 2 * n.s * over,
        none.a if mine is None else 2 * n.a * mine, none.b if theirs is None else 2 * n.b * theirs,
    )  # fmt: skip


def moves(
    few: bool,
    least: float,
    n: PairNumbers,
    x: Float[Array, "n d"],
    y: Float[Array, "m d"],
    diagonal: Array | None,
    x_dot: Float[Array, "n d"] | None,
    y_dot: Float[Array, "m d"] | None,
) -> Moves:
    """Return how pairs change with their points; a point that meets itself stays with itself.

    Args:
        few, least, x, y, diagonal: as of `pair_numbers`, which are n.
        x_dot, y_dot: changes of the points; None for none.
    """
    over, mine, theirs = None, None, None
    if x_dot is not None:
        over, h = _across(few, least, n, x, y, x_dot)
        mine = h * _inverse(n.a)
    if y_dot is not None:
        q, k = _across_columns(few, least, n, x, y, y_dot)
        over, theirs = q if over is None else over + q, k * _inverse(n.b)
    if over is not None and diagonal is not None:
        over = jnp.where(diagonal, 0.0, over)
    return Moves(over, mine, theirs)


def _inverse(a: Array) -> Array:
    return jnp.where(a > 0, 1 / jnp.where(a > 0, a, 1.0), 0.0)


def _across(
    few: bool, least: float, n: PairNumbers, x: Array, y: Array, x_dot: Array
) -> tuple[Float[Array, "n m"], Float[Array, "n 1"]]:
    """Return p and h of a change of x."""
    dim = x.shape[1]
    h = jnp.sum(x * x_dot, axis=1)[:, None] / dim
    if few:
        return jnp.sum(across(x[:, None], y[None]) * x_dot[:, None], axis=2) / dim, h

    def exact(i: Array, j: Array) -> Array:
        return jnp.sum(across(x[i], y[j]) * x_dot[i], axis=1) / dim

    return _exact_if_near(least, n, x_dot @ y.T / dim - n.s * (_inverse(n.a) * h), exact), h


def _across_columns(
    few: bool, least: float, n: PairNumbers, x: Array, y: Array, y_dot: Array
) -> tuple[Float[Array, "n m"], Float[Array, "1 m"]]:
    """Return p and h of a change of y, without turning a matrix: XLA is slow at that."""
    dim = x.shape[1]
    k = jnp.sum(y * y_dot, axis=1)[None] / dim
    if few:
        return jnp.sum(across(y[None], x[:, None]) * y_dot[None], axis=2) / dim, k

    def exact(i: Array, j: Array) -> Array:
        return jnp.sum(across(y[j], x[i]) * y_dot[j], axis=1) / dim

    return _exact_if_near(least, n, x @ y_dot.T / dim - n.s * (_inverse(n.b) * k), exact), k


def _exact_if_near(
    least: float, n: PairNumbers, p: Array, exact: Callable[[Array, Array], Array]
) -> Float[Array, "n m"]:
    """Return p, that of nearly parallel pairs by `exact` of their rows and columns.

    Where the kernel has a cusp its derivative is p over the angle, and so is the rounding of p.
    """
    most = float(jnp.finfo(p.dtype).eps) ** _NEAR
    near = (n.gap > 0) & (most * n.a * n.b > n.gap + least * (n.a + n.b + least))
    rows, count = near.any(axis=1), near.sum()

    def of(some: int | None, pairs: int) -> Callable[[Array], Array]:
        def put(p: Array) -> Array:
            at = jnp.nonzero(rows, size=min(some or len(p), len(p)), fill_value=len(p))[0]
            part = near.at[at].get(mode="fill", fill_value=False)
            i, j = jnp.nonzero(part, size=min(pairs, part.size), fill_value=part.shape)
            i = at.at[i].get(mode="fill", fill_value=len(p))
            inside = jnp.minimum(i, len(p) - 1), jnp.minimum(j, p.shape[1] - 1)
            made = jnp.zeros_like(near).at[i, j].set(True, mode="drop")
            return jnp.where(made, 0.0, p).at[i, j].add(exact(*inside), mode="drop")

        return put

    level = (count > 0) + ((rows.sum() > _SOME[0][0]) | (count > _SOME[0][1])).astype(int)
    return lax.switch(level, [lambda p: p, *(of(*some) for some in _SOME)], p)


@jax.custom_batching.custom_vmap
def _finer_of_few(x: Array, y: Array, gap: Array, rough: Array) -> Array:
    """Return gaps, those that are too rough from products from the points themselves.

    Sets are the leading axes, which `jax.vmap` adds; of conditions it would compute both sides.
    """

    def exact(_: None) -> Array:
        if x.ndim > 2:
            return _set_by_set(_finer_of_few, x, y, gap, rough)
        return from_points(x[:, None], y[None], x.shape[1])[1]

    return lax.cond(rough.any(), exact, lambda _: gap, None)


@jax.custom_batching.custom_vmap
def _finer_of_many(x: Array, y: Array, gap: Array, rough: Array) -> Array:
    """Return the same, a row at a time, and a few pairs of it or all."""
    if x.ndim > 2:
        return _set_by_set(_finer_of_many, x, y, gap, rough)
    rows, most = rough.any(axis=1), min(_FEW, len(y))
    places = jnp.nonzero(rows, size=len(x), fill_value=0)[0]

    def row(k: Array, gap: Array) -> Array:
        i = places[k]

        def some(_: None) -> Array:
            # Places beyond the last are those of no pair, and are dropped.
            j = jnp.nonzero(rough[i], size=most, fill_value=len(y))[0]
            fine = from_points(x[i][None], y.at[j].get(mode="clip"), x.shape[1])[1]
            return gap[i].at[j].set(fine, mode="drop")

        def every(_: None) -> Array:
            return from_points(x[i][None], y, x.shape[1])[1]

        return gap.at[i].set(lax.cond(rough[i].sum() <= most, some, every, None))

    return lax.fori_loop(0, rows.sum(), row, gap)


def _set_by_set(function: Callable[..., Array], *arrays: Array) -> Array:
    sets = tuple(v.reshape(-1, *v.shape[-2:]) for v in arrays)
    return lax.map(lambda one: function(*one), sets).reshape(arrays[2].shape)


def _in_sets(
    function: Callable[..., Array], size: int, batched: list[bool], *arrays: Any
) -> tuple[Array, bool]:
    whole = [
        v if is_batched else jnp.broadcast_to(v, (size, *v.shape))
        for v, is_batched in zip(arrays, batched, strict=True)
    ]
    return function(*whole), True


_finer_of_few.def_vmap(partial(_in_sets, _finer_of_few))
_finer_of_many.def_vmap(partial(_in_sets, _finer_of_many))
