"""Kernel matrices, and products with them, as one compiled computation on JAX's default device.

The tables of `kernels.tables` serve here as on the host; what differs is that nothing leaves the
device. Rows are taken a stripe at a time, so that the intermediate values of a stripe and not of
the matrix are held beside it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.gpu import compiled
from attractory._util.precision import full_precision
from attractory.activations import Activation
from attractory.kernels import recursion
from attractory.kernels.kernel import Kernel, checked_sets
from attractory.kernels.tiles import is_one_norm

__all__ = [
    "Prepared", "matrix", "ntk_on_gpu", "prepare", "stripe", "stripe_rows", "times", "to_host",
]  # fmt: skip

_ENTRIES = 1 << 27  # of the kernel, held at a time besides the result
_COPIED = 1 << 23  # numbers that travel to the host at a time
_PAIRS = 1 << 25  # numbers in the points of the pairs computed anew at a time


class Prepared(eqx.Module):
    """Points tabulated as columns of the kernel, on the device.

    Attributes:
        points: (n, d), in the order of their norms where one table does not cover them.
        groups: their tables, each of consecutive points.
        order: index of each of `points` among those given; None for their own order.
    """

    points: Float[Array, "n d"]
    groups: tuple[recursion.Columns, ...]
    order: Int[Array, " n"] | None


def prepare(
    points: Float[np.ndarray, "n d"], kernel: Kernel, one_norm: bool | None = None
) -> Prepared:
    """Tabulate a kernel for points as columns; call it where float64 is on.

    Args:
        points: (n, d).
        kernel: to tabulate.
        one_norm: whether points and rows have all one norm; by default, whether the points have.
    """
    members = recursion.group_by_norm(kernel, points)
    one_norm = is_one_norm(points) if one_norm is None else one_norm
    if len(members) == 1:
        group = recursion.prepare(kernel, points, one_norm)
        return Prepared(jnp.asarray(group.points), (group,), None)
    groups = tuple(recursion.prepare(kernel, points[some], one_norm) for some in members)
    together = jnp.concatenate([jnp.asarray(group.points) for group in groups])
    return Prepared(together, groups, jnp.asarray(np.concatenate(members)))


def stripe(
    columns: Prepared,
    rows: Float[Array, "k d"],
    kind: str,
    place: Int[Array, " k"] | None = None,
) -> Float[Array, "k n"]:
    """Return the kernel of rows and the columns, in their order; to be called in compiled code.

    Args:
        columns: the columns.
        rows: any points.
        kind: "ntk" or "nngp".
        place: index of the column that is each row's own point, if they are columns too.
    """
    parts, start = [], 0
    for group in columns.groups:
        count = group.points.shape[0]
        same = None
        if place is not None:
            same = (place - start)[:, None] == jnp.arange(count)[None, :]
        values, coarse = recursion.block(group, rows, kind, same)
        if group.careful:
            values = _with_finer_gaps(group, rows, values, coarse, kind)
        parts.append(values)
        start += count
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=1)


def _with_finer_gaps(
    columns: recursion.Columns,
    rows: Float[Array, "k d"],
    values: Float[Array, "k m"],
    coarse: Bool[Array, "..."],
    kind: str,
) -> Float[Array, "k m"]:
    """Return the values, those that are too coarse computed from the points themselves."""
    y = jnp.asarray(columns.points)
    count = max(1, min(values.size, _PAIRS // rows.shape[1]))

    def some(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        values, coarse = carry
        i, j = jnp.nonzero(coarse, size=count, fill_value=values.shape)
        there = rows.at[i].get(mode="clip"), y.at[j].get(mode="clip")
        finer = recursion.pairs(columns.kernel, *there, kind)
        return values.at[i, j].set(finer, mode="drop"), coarse.at[i, j].set(False, mode="drop")

    marked = jnp.broadcast_to(coarse, values.shape)
    return lax.while_loop(lambda carry: carry[1].any(), some, (values, marked))[0]


def stripe_rows(n: int) -> int:
    """Return how many rows of a kernel with n columns are computed at a time."""
    return min(n, max(1, _ENTRIES // n))


def ntk_on_gpu(
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
) -> Float[jax.Array, "n m"]:
    """Return the neural tangent kernel as a float64 array that stays on JAX's default device.

    Operations on the result want `jax.enable_x64`, or JAX rounds it to float32 first.

    Args:
        x: points, shape (n, d).
        y: points, shape (m, d); x itself by default, which gives an exactly symmetric matrix.
        activation: a name or an object of `attractory.activations`.
        depth: number of weight matrices, at least 2.

    Raises:
        ValueError: for values that are not finite or beyond 1e50, empty or mismatched shapes, an
            unknown activation, a depth below 2.
        TypeError: for values that are not real numbers.

    Example:
        >>> k = ntk_on_gpu([[3.0, 4.0], [4.0, -3.0]], activation="erf")
        >>> k.dtype.name, abs(float(k[0, 1])) < 1e-9  # orthogonal, odd activation
        ('float64', True)
    """
    return matrix(*checked_sets(x, y), Kernel.of(activation, depth), "ntk")


def to_host(values: Float[jax.Array, "n m"]) -> Float[np.ndarray, "n m"]:
    """Return a matrix in memory of the host that may be written to."""
    out = np.empty(values.shape, values.dtype)
    step = max(1, _COPIED // max(values.shape[1], 1))

    def copy(k: int) -> None:
        with full_precision():
            out[k : k + step] = values[k : k + step]

    with ThreadPoolExecutor() as threads:
        list(threads.map(copy, range(0, len(out), step)))
    return out


def matrix(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"] | None,
    kernel: Kernel,
    kind: str,
) -> Float[jax.Array, "n m"]:
    """Return the kernel of checked points, on the default device."""
    with full_precision():
        if y is None:
            columns = prepare(x, kernel)
            # On its own: a transpose that takes the kernel's arithmetic in compiles for minutes.
            return _mirrored(_square(columns, kind, stripe_rows(len(x))), columns.order)
        columns = prepare(y, kernel, is_one_norm(np.vstack([x, y])))
        return _of_rows(columns, jnp.asarray(x), kind, min(len(x), stripe_rows(len(y))))


@partial(compiled, static_argnames=("kind", "size"))
def _square(columns: Prepared, kind: str, size: int) -> Array:
    n = columns.points.shape[0]
    return _by_stripes(
        lambda rows, place: stripe(columns, rows, kind, place), columns.points, n, size
    )


@compiled
def _mirrored(out: Array, order: Array | None) -> Array:
    """Return a matrix made of its upper triangle, rows and columns in the points' own order."""
    index = jnp.arange(len(out))
    out = jnp.where(index[:, None] <= index, out, out.T)
    if order is None:
        return out
    back = jnp.argsort(order)
    return out[back][:, back]


@partial(compiled, static_argnames=("kind", "size"))
def _of_rows(columns: Prepared, rows: Array, kind: str, size: int) -> Array:
    m = columns.points.shape[0]
    out = _by_stripes(lambda some, _: stripe(columns, some, kind), rows, m, size)
    return out if columns.order is None else out[:, jnp.argsort(columns.order)]


@partial(compiled, static_argnames=("size",))
def times(columns: Prepared, v: Float[Array, "n c"], size: int) -> Float[Array, "n c"]:
    """Return the product of the NTK of the columns and v, both in their order, by stripes."""
    return _by_stripes(
        lambda rows, place: stripe(columns, rows, "ntk", place) @ v,
        columns.points,
        v.shape[1],
        size,
    )


def _by_stripes(
    function: Callable[[Array, Array], Array], rows: Array, width: int, size: int
) -> Array:
    """Return a function of rows and their indices, (k, width) each time, for all rows."""
    n = rows.shape[0]
    if size >= n:
        return function(rows, jnp.arange(n))

    def some(k: Array, out: Array) -> Array:
        # The last stripe overlaps the one before, so that all have one shape.
        start = jnp.minimum(k * size, n - size)
        part = lax.dynamic_slice_in_dim(rows, start, size)
        return lax.dynamic_update_slice(
            out, function(part, start + jnp.arange(size)), (start, jnp.zeros_like(start))
        )

    return lax.fori_loop(0, -(-n // size), some, jnp.zeros((n, width), rows.dtype))
