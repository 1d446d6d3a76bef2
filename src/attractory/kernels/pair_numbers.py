r"""What a kernel takes from a pair of points: s = x·y/d, gap = ab − s², a = ‖x‖²/d and b = ‖y‖²/d.

For JAX's transformations, with derivatives that keep their digits. A change ẋ of x moves

    s by p + (s/a) h,   a by 2h,   gap by 2 (gap/a) h − 2 s p,   p = y⊥·ẋ/d,   h = x·ẋ/d,

y⊥ the part of y across x: where x and y are nearly parallel, y⊥ from the points themselves is exact
and the difference y·ẋ − (s/a) x·ẋ is rounding. Up to a size, it is made for each pair; beyond, by
products of matrices. Gaps are made of products, and where any of these is too rough, all of the
points. The gap of a point with itself is 0, and with it p.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from attractory.kernels.across import across, from_points

__all__ = ["PairNumbers", "pair_numbers"]

_EXACT = 1 << 20  # numbers in the points of all pairs, up to which each pair's y⊥ is made
_FEW = 4  # rough gaps for each row or column, up to which they are made one by one
# Rounding of a gap from products, relative to ab, and the most of D² that it may be.
_ROUNDING, _LOSS = 8.0, 1e3  # in units of the precision's eps


class PairNumbers(NamedTuple):
    """Numbers of pairs of rows and columns, (n, m), (n, 1) or (1, m).

    The last three are 0, and their derivatives are the changes of the pair across (p of both
    points together), and along each of the points (of log‖x‖, log‖y‖): what the others' derivatives
    say, in the form in which an activation's kernel does not cancel.
    """

    s: Float[Array, "n m"]
    gap: Float[Array, "n m"]
    a: Float[Array, "n 1"]
    b: Float[Array, "1 m"]
    across: Float[Array, "n m"]
    along_x: Float[Array, "n 1"]
    along_y: Float[Array, "1 m"]


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def pair_numbers(same: bool, least: float, x: Array, y: Array) -> PairNumbers:
    """Return the numbers of all pairs.

    Args:
        same: whether y is x itself, so that the diagonal pairs a point with itself; a change of y
            is then that of x.
        least: `least_scale` of the activation.
        x, y: points.
    """
    dim = x.shape[1]
    a = jnp.sum(x * x, axis=1)[:, None] / dim
    b = a.T if same else jnp.sum(y * y, axis=1)[None] / dim
    s = x @ y.T / dim
    gap = jnp.maximum(a * b - s * s, 0.0)
    eps = float(jnp.finfo(s.dtype).eps)
    rough = _ROUNDING * eps * a * b > _LOSS * eps * (gap + least * (a + b + least))
    if same:
        rough = rough & ~jnp.eye(len(x), dtype=bool)
    gap = _finer(x, y, gap, rough)
    if same:
        diagonal = jnp.eye(len(x), dtype=bool)
        s, gap = jnp.where(diagonal, a, s), jnp.where(diagonal, 0.0, gap)
    return PairNumbers(s, gap, a, b, jnp.zeros_like(s), jnp.zeros_like(a), jnp.zeros_like(b))


@partial(pair_numbers.defjvp, symbolic_zeros=True)
def _pair_numbers_jvp(
    same: bool, least: float, primals: tuple[Array, Array], tangents: tuple[Any, Any]
) -> tuple[PairNumbers, PairNumbers]:
    (x, y), (x_dot, y_dot) = primals, tangents
    n = pair_numbers(same, least, x, y)
    nothing = jax.tree.map(lambda v: SymbolicZero(jax.typeof(v)), n)
    over, along, dots = 0.0, 0.0, nothing
    if not isinstance(x_dot, SymbolicZero):
        p, h = _across(same, x, y, n.s, n.a, x_dot)
        over, along = p, h * _inverse(n.a)
        dots = dots._replace(a=2 * h, along_x=along)
        if same:  # y moves as x does
            dots = dots._replace(b=dots.a.T, along_y=along.T)
            over, along = p + p.T, along + along.T
    if not (same or isinstance(y_dot, SymbolicZero)):
        q, k = (part.T for part in _across(same, y, x, n.s.T, n.b.T, y_dot))
        mine = k * _inverse(n.b)
        over, along = over + q, along + mine
        dots = dots._replace(b=2 * k, along_y=mine)
    if isinstance(x_dot, SymbolicZero) and isinstance(y_dot, SymbolicZero):
        return n, dots
    return n, dots._replace(
        s=over + n.s * along, gap=2 * n.gap * along - 2 * n.s * over, across=over
    )


def _inverse(a: Array) -> Array:
    return jnp.where(a > 0, 1 / jnp.where(a > 0, a, 1.0), 0.0)


def _is_small(x: Array, y: Array) -> bool:
    return x.shape[0] * y.shape[0] * x.shape[1] <= _EXACT


def _across(
    same: bool, x: Array, y: Array, s: Array, a: Array, x_dot: Array
) -> tuple[Float[Array, "n m"], Float[Array, "n 1"]]:
    """Return p and h of a change of x."""
    dim = x.shape[1]
    h = jnp.sum(x * x_dot, axis=1)[:, None] / dim
    if _is_small(x, y):
        p = jnp.sum(across(x[:, None], y[None]) * x_dot[:, None], axis=2) / dim
    else:
        p = x_dot @ y.T / dim - s * _inverse(a) * h
    if same:
        p = jnp.where(jnp.eye(len(x), dtype=bool), 0.0, p)
    return p, h


@jax.custom_batching.custom_vmap
def _finer(x: Array, y: Array, gap: Array, rough: Array) -> Array:
    """Return gaps, those that are too rough from products from the points themselves.

    A few of them one by one; all of a set if there are many.

    Sets are the leading axes, which `jax.vmap` adds; of conditions it would compute both sides.
    """

    def exact(_: None) -> Array:
        if x.ndim > 2:
            sets = [v.reshape(-1, *v.shape[-2:]) for v in (x, y, gap, rough)]
            return lax.map(lambda one: _finer(*one), tuple(sets)).reshape(gap.shape)
        if _is_small(x, y):
            return from_points(x[:, None], y[None], x.shape[1])[1]
        return lax.map(lambda row: from_points(row[None], y, x.shape[1])[1], x)

    if x.ndim > 2 or _is_small(x, y):
        return lax.cond(rough.any(), exact, lambda _: gap, None)
    most = _FEW * max(gap.shape)

    def few(_: None) -> Array:
        # Places beyond the last are those of no pair, and are dropped.
        i, j = jnp.nonzero(rough, size=most, fill_value=gap.size)
        fine = from_points(x.at[i].get(mode="clip"), y.at[j].get(mode="clip"), x.shape[1])[1]
        return gap.at[i, j].set(fine, mode="drop")

    count = rough.sum()
    which = jnp.where(count == 0, 0, jnp.where(count <= most, 1, 2))
    return lax.switch(which, [lambda _: gap, few, exact], None)


@_finer.def_vmap
def _finer_of_sets(size: int, batched: list[bool], *arrays: Any) -> tuple[Array, bool]:
    whole = [
        v if is_batched else jnp.broadcast_to(v, (size, *v.shape))
        for v, is_batched in zip(arrays, batched, strict=True)
    ]
    return _finer(*whole), True
