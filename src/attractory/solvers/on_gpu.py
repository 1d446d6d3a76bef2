r"""(K + ridge) A = B with K's Cholesky factor on JAX's default device, in tiles.

The factor is a lower triangle of square tiles of one size: half the memory of the matrix, four
small compiled functions for any number of points, and no operation that wants more than a few tiles
at once. Conjugate gradients follow, preconditioned by the factor, with products and residuals in
float64. A factor in float64 leaves them one step, which is an iterative refinement; where the
triangle fits only in float32 they make good what it lacks.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory._util.gpu import compiled, gpu_bytes
from attractory._util.precision import full_precision
from attractory.kernels.kernel import Kernel
from attractory.kernels.on_gpu import Prepared, prepare, stripe, stripe_rows, times
from attractory.kernels.single_precision import single

__all__ = ["GpuProduct", "TiledFactor", "fits_gpu", "solve_on_gpu"]

_SIZES = (256, 512, 1024, 2048, 4096)  # of a tile
_TILES = 8  # a row of the triangle has at least so many, if there is a size for it
_SHARE = 0.8  # of the device's memory, that the triangle may take
_ENOUGH = 1e-13  # largest residual of a row, relative to its point's norm, that ends the steps
_GAIN = 0.5  # a step that reduces it by no more than this in float64 has stalled
_STEPS = 60
_PATIENCE = 4  # steps in a row without gain


class Solved(NamedTuple):
    """What a solve came to.

    Attributes:
        coefficients: A, (n, c), on the device, in the points' own order.
        residual: ‖(B − (K + ridge) A)ᵢ‖ relative to the norm of point i, (n,).
        steps: of the conjugate gradients.
        precision: of the factor.
    """

    coefficients: Float[jax.Array, "n c"]
    residual: Float[np.ndarray, " n"]
    steps: int
    precision: type


def tile_size(n: int) -> int:
    """Return the size of the tiles for n points."""
    return next((size for size in reversed(_SIZES) if n >= _TILES * size), _SIZES[0])


def _triangle_bytes(n: int, precision: type) -> float:
    size = tile_size(n)
    count = -(-n // size)
    return float(np.dtype(precision).itemsize * size**2 * count * (count + 1) / 2)


def fits_gpu(n: int, dim: int) -> type | None:
    """Return the precision in which the factor for n points fits the device's memory, or None."""
    room = _SHARE * gpu_bytes() - 8.0 * 10 * n * (dim + 1)
    for precision in (np.float64, np.float32):
        if _triangle_bytes(n, precision) <= room:
            return precision
    return None


class TiledFactor:
    """L with K + ridge = L Lᵀ, tiles of it on the device.

    Args:
        columns: the points, in float64 or float32; L is in that precision.
        ridge: added to the diagonal.

    Attributes:
        definite: whether the matrix is positive definite to working precision.
        exact: whether L is in float64.
    """

    def __init__(self, columns: Prepared, ridge: float):
        self._n = columns.points.shape[0]
        self._size = size = tile_size(self._n)
        self._lower: list[list[Array]] = []
        self.exact = columns.points.dtype == jnp.float64
        checks = []
        for i in range(-(-self._n // size)):
            row = list(_row_of_tiles(columns, jnp.asarray(i), jnp.asarray(ridge), size))[: i + 1]
            diagonal = jnp.diag(row[i])
            for j, known in enumerate(self._lower):
                for k in range(j):
                    row[j] = _less(row[j], row[k], known[k])
                row[j] = _divided(row[j], known[j])
            for k in range(i):
                row[i] = _less(row[i], row[k], row[k])
            row[i] = _root(row[i])
            checks.append(_pivot(row[i], diagonal))
            self._lower.append(row)
        least = float(jnp.stack(checks).min())  # NaN if the factorisation broke down
        self.definite = bool(least > self._n * float(jnp.finfo(columns.points.dtype).eps))

    def solve(self, right: Float[Array, "n c"]) -> Float[Array, "n c"]:
        """Return (K + ridge)⁻¹ right, in the factor's precision."""
        size, lower = self._size, self._lower
        count = len(lower)
        padded = jnp.pad(right.astype(lower[0][0].dtype), ((0, count * size - self._n), (0, 0)))
        parts = list(padded.reshape(count, size, -1))
        for i in range(count):
            for j in range(i):
                parts[i] = _minus(parts[i], lower[i][j], parts[j])
            parts[i] = _forward(lower[i][i], parts[i])
        for i in reversed(range(count)):
            for j in range(i + 1, count):
                parts[i] = _minus_transposed(parts[i], lower[j][i], parts[j])
            parts[i] = _backward(lower[i][i], parts[i])
        return jnp.concatenate(parts)[: self._n]


@partial(compiled, static_argnames=("size",))
def _row_of_tiles(columns: Prepared, i: Array, ridge: Array, size: int) -> Array:
    """Return the tiles of a row of the matrix, the identity's beyond its end; (count, k, k)."""
    n = columns.points.shape[0]
    count = -(-n // size)
    index = i * size + jnp.arange(size)
    values = stripe(columns, columns.points[jnp.minimum(index, n - 1)], "ntk", index)
    values = jnp.pad(values, ((0, 0), (0, count * size - n)))
    own = index[:, None] == jnp.arange(count * size)[None, :]
    values = jnp.where((index < n)[:, None], values + jnp.where(own, ridge, 0.0), own)
    return values.astype(columns.points.dtype).reshape(size, count, size).transpose(1, 0, 2)


@partial(compiled, donate_argnums=0)
def _less(tile: Array, a: Array, b: Array) -> Array:
    return tile - a @ b.T


@compiled
def _divided(tile: Array, lower: Array) -> Array:
    """Return tile lower⁻ᵀ."""
    return jax.lax.linalg.triangular_solve(lower, tile, lower=True, transpose_a=True)


@compiled
def _root(tile: Array) -> Array:
    return jax.lax.linalg.cholesky(tile, symmetrize_input=False)


@compiled
def _pivot(lower: Array, diagonal: Array) -> Array:
    """Return the least pivot relative to the entry it is left of."""
    return jnp.min(jnp.diag(lower) ** 2 / diagonal)


@partial(compiled, donate_argnums=0)
def _minus(part: Array, a: Array, b: Array) -> Array:
    return part - a @ b


@partial(compiled, donate_argnums=0)
def _minus_transposed(part: Array, a: Array, b: Array) -> Array:
    return part - a.T @ b


@compiled
def _forward(lower: Array, part: Array) -> Array:
    return jax.lax.linalg.triangular_solve(lower, part, left_side=True, lower=True)


@compiled
def _backward(lower: Array, part: Array) -> Array:
    return jax.lax.linalg.triangular_solve(
        lower, part, left_side=True, lower=True, transpose_a=True
    )


def solve_on_gpu(
    x: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n c"],
    kernel: Kernel,
    ridge: float,
    *,
    precision: type | None = None,
) -> Solved | None:
    """Solve (K + ridge) A = targets for the NTK K of x.

    Args:
        x: points, (n, d).
        targets: (n, c).
        kernel, ridge: as for `attractory.fit_regression`.
        precision: of the factor, np.float64 or np.float32; by default the first that fits.

    Returns:
        None if K is singular to the factor's precision, or no factor fits.
    """
    precision = fits_gpu(*x.shape) if precision is None else precision
    if precision is None:
        return None
    with full_precision():
        columns = prepare(x, kernel)
        right = jnp.asarray(targets if columns.order is None else targets[columns.order])
        factor = _factor(columns, ridge, precision)
        if factor is None:
            return None
        lengths = jnp.linalg.norm(columns.points, axis=1)
        found, steps = _conjugate_gradients(columns, ridge, factor, right, lengths)
        rest = right - ridge * found - times(columns, found, stripe_rows(len(x)))
        residual = np.asarray(jnp.linalg.norm(rest, axis=1) / lengths)
        if columns.order is not None:
            back = np.argsort(columns.order)
            found, residual = found[back], residual[back]
        return Solved(found, residual, steps, precision)


class GpuProduct:
    """V ↦ (K + ridge) V as `kernel_product.Product`, the kernel made and used on the GPU.

    Args:
        x: points of the NTK K, (n, d).
        kernel: whose NTK.
        ridge: added to the diagonal.
    """

    def __init__(self, x: Float[np.ndarray, "n d"], kernel: Kernel, ridge: float):
        with full_precision():
            columns = prepare(x, kernel)
            self._columns = {np.float64: columns, np.float32: _rounded(columns)}
        self._ridge = ridge

    def __call__(self, v: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return the product, in V's precision."""
        columns = self._columns[v.dtype.type]
        with full_precision():
            order = columns.order
            given = jnp.asarray(v if order is None else v[np.asarray(order)])
            out = times(columns, given, stripe_rows(len(v)))
            out = out if order is None else out[jnp.argsort(order)]
            return np.asarray(out) + self._ridge * v


def _rounded(columns: Prepared) -> Prepared:
    """Return columns in float32, whose gaps are what rounding leaves of them."""
    less = jax.device_put(single(columns))
    groups = tuple(
        type(group)(group.kernel, False, group.points, group.variances, group.tables)
        for group in less.groups
    )
    return Prepared(less.points, groups, columns.order)


def _factor(columns: Prepared, ridge: float, precision: type) -> TiledFactor | None:
    """Return a factor of K + ridge, in float32 of a matrix that is definite there."""
    if precision is np.float64:
        factor = TiledFactor(columns, ridge)
        return factor if factor.definite else None
    rough = _rounded(columns)
    top = float(stripe(columns, columns.points[:1], "ntk", jnp.zeros(1, int))[0, 0])
    lift = 0.0
    for _ in range(_PATIENCE):
        factor = TiledFactor(rough, ridge + lift)
        if factor.definite:
            return factor
        lift = max(
            10 * lift, 4 * float(np.finfo(np.float32).eps) * top * len(columns.points) ** 0.5
        )
    return None


def _conjugate_gradients(
    columns: Prepared, ridge: float, factor: TiledFactor, right: Array, lengths: Array
) -> tuple[Array, int]:
    """Return A and the steps taken; every column has its own."""
    size = stripe_rows(len(lengths))
    found, rest = jnp.zeros_like(right), right
    direction, before, worst, stalled = jnp.zeros_like(right), jnp.ones(right.shape[1]), np.inf, 0
    best = found, worst
    for step in range(_STEPS):
        solved = factor.solve(rest)
        direction, before = _next_direction(solved, rest, direction, before, step > 0)
        image = times(columns, direction, size)
        found, rest, now = _step(found, rest, direction, image, ridge, before, lengths)
        now = float(now)
        stalled = 0 if now < _GAIN * best[1] else stalled + 1
        if now < best[1]:
            best = found, now
        if best[1] <= _ENOUGH or stalled >= (1 if factor.exact else _PATIENCE) or np.isnan(now):
            return best[0], step + 1
    return best[0], _STEPS


@partial(compiled, static_argnums=4)
def _next_direction(
    solved: Array, rest: Array, direction: Array, before: Array, on: bool
) -> tuple[Array, Array]:
    inner = (solved.astype(rest.dtype) * rest).sum(axis=0)
    along = inner / jnp.where(before != 0, before, 1.0) if on else 0.0
    return solved + along * direction, inner


@compiled
def _step(
    found: Array, rest: Array, direction: Array, image: Array, ridge: Array, inner: Array,
    lengths: Array,
) -> tuple[Array, Array, Array]:  # fmt: skip
    image = image + ridge * direction
    curve = (direction * image).sum(axis=0)
    along = jnp.where(curve != 0, inner / jnp.where(curve != 0, curve, 1.0), 0.0)
    rest = rest - along * image
    return found + along * direction, rest, (jnp.linalg.norm(rest, axis=1) / lengths).max()
