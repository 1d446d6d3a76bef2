r"""Infinite-width kernels of fully connected networks: NNGP and NTK, any depth, and gradients.

Layers apply σ(x W/√fan-in) with standard normal W, the last one linear, and no biases unless asked
for; the depth counts weight matrices, so that depth 2 has one hidden layer. A sigmoidal activation
is a Gaussian scale mixture of erf (`attractory.activations`), for which the layer's expectations
are sums of closed forms (appendix D.1 of Jiang & Pehlevan, 2020, is the case of one scale); others
are in `attractory.duals`. `kernels.recursion` has the recursion.

Results are float64 NumPy arrays whatever JAX's own setting (`_util.precision`), but where an
argument is traced, for which there is `kernels.pure`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike, DTypeLike
from attractory._util.gpu import gpu, gpu_bytes
from attractory._util.machine import few_sizes
from attractory._util.precision import double, full_precision, traced
from attractory._util.threads import side_by_side
from attractory.activations import Activation
from attractory.kernels import on_gpu, recursion
from attractory.kernels.across import across_numpy
from attractory.kernels.any_dense import by_tiles, traced_kernel
from attractory.kernels.by_pairs import by_pairs
from attractory.kernels.dense import Dense, with_scales
from attractory.kernels.expectations import Numbers, pair_sum
from attractory.kernels.kernel import Kernel, checked_sets
from attractory.kernels.many_norms import cross_of_norms, symmetric_of_norms
from attractory.kernels.mirror import mirror
from attractory.kernels.recursion import group_by_norm
from attractory.kernels.tiles import (
    TILE,
    Tiles,
    column_tiles,
    is_one_norm,
    tile,
)

__all__ = ["KernelGradient", "nngp", "nngp_gradient", "ntk", "ntk_gradient"]

DOUBLE = np.dtype(np.float64)
_SHARE = 0.3  # of a GPU's memory that a matrix made there may take
_ROWS = 16  # rows of a gradient are padded to that, or more
_WAITING = 1 << 20  # entries that wait to be computed from the points themselves
_NONE = np.zeros(0, np.intp)
_FEW = 1 << 14  # entries up to which the sum over pairs of scales is faster than tables


class KernelGradient(NamedTuple):
    """Gradient of k(x, y) in x, as factors: ∂k/∂xᵢ (xᵢ, yⱼ) = across[i, j] yⱼ⊥ + along[i, j] xᵢ.

    Here yⱼ⊥ = yⱼ − (xᵢ·yⱼ/‖xᵢ‖²) xᵢ (yⱼ itself where xᵢ = 0). Arrays over n inputs and m columns:

    Attributes:
        across: (n, m).
        along: (n, m).
        x: (n, d).
        y: (m, d).
    """

    across: Float[np.ndarray, "n m"]
    along: Float[np.ndarray, "n m"]
    x: Float[np.ndarray, "n d"]
    y: Float[np.ndarray, "m d"]

    def dense(self) -> Float[np.ndarray, "n m d"]:
        """Return the gradients themselves, shape (n, m, d)."""
        x = self.x[:, None, :]
        across = across_numpy(x, np.broadcast_to(self.y, (len(x), *self.y.shape)))
        return self.across[:, :, None] * across + self.along[:, :, None] * x


def nngp(
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    weight_std: float | ArrayLike = 1.0,
    bias_std: float | ArrayLike | None = None,
    parametrization: str = "ntk",
    width: int | Sequence[int] | None = None,
    dtype: DTypeLike = np.float64,
) -> Float[np.ndarray | Array, "n m"]:
    """Return the NNGP kernel, the covariance of the network's outputs at initialisation.

    A float64 NumPy array; inside `jax.jit`, `jax.grad` or `jax.vmap`, where an argument is traced,
    a JAX array in the points' own precision. There a value that is not finite is not refused, and
    makes its entries NaN, and a traced scale counts by its square; `jax.experimental.checkify` with
    `errors=checkify.user_checks` refuses both by name. Derivatives at kinks (`activation="relu"`
    and parallel points, or a point at 0) are the means of the one-sided ones; at 0 above depth 2,
    where these are not linear in the direction, their linear part.

    Args:
        x: points, shape (n, d).
        y: points, shape (m, d); x itself by default, which gives an exactly symmetric matrix.
        activation: a name or an object of `attractory.activations` or `attractory.duals`.
        depth: number of weight matrices, at least 2.
        weight_std: σ_w, of every layer or (depth,); weights are N(0, σ_w²/fan-in).
        bias_std: σ_b, of every layer or (depth,); no biases by default.
        parametrization: "ntk", or "standard", in which weights are trained as they are and not
            over the root of their fan-in.
        width: for "standard": the hidden layers' size, or each of them.
        dtype: of the result, float64 or float32. Each entry is computed in float64, a tile at a
            time, so that float32 takes half the memory. In a trace the points' own counts.

    Raises:
        ValueError: for values that are not finite or beyond 1e50, empty or mismatched shapes, an
            unknown activation, a depth below 2, scales that are negative, a width without the
            standard parametrisation or none with it.
        QuadratureError: a ValueError, if `activation_from` cannot do with these norms.
        TypeError: for values that are not real numbers, points of two precisions in a trace, and
            a depth or width that is traced.

    Example:
        >>> nngp([[0.0, 0.0]], activation="sigmoid").round(12).tolist()  # σ(0)²
        [[0.25]]
    """
    of = Dense.of(Kernel.of(activation, depth), weight_std, bias_std, parametrization, width)
    return _values(x, y, of, "nngp", dtype)


def ntk(
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    weight_std: float | ArrayLike = 1.0,
    bias_std: float | ArrayLike | None = None,
    parametrization: str = "ntk",
    width: int | Sequence[int] | None = None,
    dtype: DTypeLike = np.float64,
) -> Float[np.ndarray | Array, "n m"]:
    """Return the neural tangent kernel, Θ∞ of the paper; arguments and errors as `nngp`.

    Example:
        >>> k = ntk([[3.0, 4.0], [4.0, -3.0]], activation="erf")
        >>> k.shape, bool(abs(k[0, 1]) < 1e-15)  # orthogonal, odd activation
        ((2, 2), True)

        It composes with JAX:

        >>> import jax
        >>> gradient = jax.jit(jax.grad(lambda v: ntk(v[None], activation="relu")[0, 0]))
        >>> gradient(jax.numpy.ones(2)).tolist()  # of ‖x‖²/d, which is 1/2 of the sum of squares
        [1.0, 1.0]
    """
    of = Dense.of(Kernel.of(activation, depth), weight_std, bias_std, parametrization, width)
    return _values(x, y, of, "ntk", dtype)


def nngp_gradient(
    x: ArrayLike, y: ArrayLike, *, activation: str | Activation = "sigmoid", depth: int = 2
) -> KernelGradient:
    """Return the gradient of `nngp(x, y)` in x, as factors; arguments and errors as there.

    Example:
        >>> g = nngp_gradient([[3.0, 4.0]], [[1.0, 2.0], [0.0, 1.0]], activation="linear")
        >>> np.round(g.dense(), 12).tolist()  # of x·y/2
        [[[0.5, 1.0], [0.0, 0.5]]]
    """
    rows, columns = _both(x, y)
    kernel = Kernel.of(activation, depth).adapted("x and y", rows, columns)
    return gradients(rows, columns, kernel, "nngp")


def ntk_gradient(
    x: ArrayLike, y: ArrayLike, *, activation: str | Activation = "sigmoid", depth: int = 2
) -> KernelGradient:
    """Return the gradient of `ntk(x, y)` in x, as factors; arguments and errors as `nngp`.

    Example:
        >>> g = ntk_gradient([[3.0, 4.0]], [[1.0, 2.0], [0.0, 1.0]])
        >>> g.across.shape, g.dense().shape
        ((1, 2), (1, 2, 2))
    """
    rows, columns = _both(x, y)
    kernel = Kernel.of(activation, depth).adapted("x and y", rows, columns)
    return gradients(rows, columns, kernel, "ntk")


def _values(
    x: ArrayLike, y: ArrayLike | None, network: Dense, kind: str, dtype: DTypeLike
) -> Float[np.ndarray | Array, "n m"]:
    precision = np.dtype(dtype)
    if precision not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {precision}")
    if traced(x, y, network.weight_std, network.bias_std):
        return traced_kernel(x, y, network, kind)
    rows, columns = checked_sets(x, y)
    folded = (network.kernel, 1.0, 0.0) if network.plain else network.folded()
    if folded is None:
        adapted = network.adapted(rows, columns)
        return by_tiles(rows, columns, adapted, kind, precision)
    kernel, weight, bias = folded
    if weight != 1 or bias != 0:
        rows = with_scales(rows, weight, bias)
        columns = None if columns is None else with_scales(columns, weight, bias)
    kernel = kernel.adapted("x and y", rows, columns)
    if precision == np.float64:
        return kernel_matrix(rows, columns, kernel, kind)
    return _in_single(rows, columns, kernel, kind)


def _both(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = checked_sets(x, y)
    assert columns is not None
    return rows, columns


@double
def gradients(
    rows: Float[np.ndarray, "n d"], columns: Float[np.ndarray, "m d"], kernel: Kernel, kind: str
) -> KernelGradient:
    """Return the gradient of a kernel, "ntk" or "nngp", of points that have been checked."""
    n, m = len(rows), len(columns)
    x, y = (_padded(points) for points in (rows, columns))
    act, layers = pair_sum(kernel.activation), recursion.layers(kernel)
    dim, count, is_ntk = np.asarray(rows.shape[1]), np.asarray(n), np.asarray(kind == "ntk")
    across, along = _gradients(act, layers, x, y, dim, count, is_ntk)
    across, along = (np.asarray(values)[:n, :m] for values in (across, along))
    return KernelGradient(across, along, rows, columns)


def _padded(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "m e"]:
    """Return points of one of few sizes, zeros appended on both axes."""
    n, d = points.shape
    return np.pad(points, ((0, few_sizes(n, _ROWS) - n), (0, few_sizes(d) - d)))


@jax.jit
def _gradients(
    act: Numbers,
    hidden_layers: jax.Array | None,
    x: jax.Array,
    y: jax.Array,
    dim: jax.Array,
    n: jax.Array,
    is_ntk: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Return the gradient's factors in the first n rows; nothing is static, so one serves all."""

    def row(k: jax.Array, out: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        found = recursion.gradient(act, hidden_layers, x[k], y, dim, is_ntk)[:2]
        return tuple(values.at[k].set(v) for values, v in zip(out, found, strict=True))

    zeros = jnp.zeros((len(x), len(y)))
    return lax.fori_loop(0, n, row, (zeros, zeros))


@double
def kernel_matrix(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"] | None, kernel: Kernel, kind: str
) -> Float[np.ndarray, "n m"]:
    """Return a kernel, "ntk" or "nngp", of points that have been checked; y by default x."""
    if len(x) * len(x if y is None else y) <= _FEW:
        return _few(x, y, kernel, kind)
    if gpu() is not None and 8.0 * len(x) * len(x if y is None else y) < _SHARE * gpu_bytes():
        return on_gpu.to_host(on_gpu.matrix(x, y, kernel, kind))
    if y is None:
        return _symmetric(x, kernel, kind)
    # The kernel is symmetric, and columns of one common norm are the cheaper side.
    if is_one_norm(x) and not is_one_norm(y):
        return np.ascontiguousarray(_cross(y, x, kernel, kind).T)
    if not (is_one_norm(x) or is_one_norm(y)):
        found = cross_of_norms(x, y, kernel, kind)
        if found is not None:
            return found
    return _cross(x, y, kernel, kind)


@double
def _in_single(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"] | None, kernel: Kernel, kind: str
) -> Float[np.ndarray, "n m"]:
    """Return the kernel rounded to float32, no more than a tile of it ever in float64."""
    if y is None:
        return _symmetric_by_tiles(x, kernel, kind, np.dtype(np.float32))
    return _cross(x, y, kernel, kind, np.dtype(np.float32))


def _few(x: np.ndarray, y: np.ndarray | None, kernel: Kernel, kind: str) -> np.ndarray:
    if y is not None:
        first, second = np.divmod(np.arange(len(x) * len(y)), len(y))
        return by_pairs(kernel, x, y, first, second, kind).reshape(len(x), len(y))
    out = np.empty((len(x), len(x)))
    first, second = np.triu_indices(len(x))
    out[first, second] = by_pairs(kernel, x, x, first, second, kind)
    out[second, first] = out[first, second]
    return out


def _cross(
    x: np.ndarray, y: np.ndarray, kernel: Kernel, kind: str, dtype: np.dtype = DOUBLE
) -> np.ndarray:
    out = np.empty((len(x), len(y)), dtype)
    one_norm = is_one_norm(np.vstack([x, y]))
    for members in group_by_norm(kernel, y):
        group = np.ascontiguousarray(y[members])
        for j, columns in column_tiles(kernel, group, one_norm, TILE, x):
            for i in range(0, len(x), TILE):
                rows = x[i : i + TILE]
                values = tile(columns, rows, len(group[j : j + TILE]), kind)
                out[i : i + TILE, members[j : j + TILE]] = values
    return out


def _symmetric(x: np.ndarray, kernel: Kernel, kind: str) -> np.ndarray:
    if not is_one_norm(x):
        found = symmetric_of_norms(x, kernel, kind)
        if found is not None:
            return found
    return _symmetric_by_tiles(x, kernel, kind)


def _symmetric_by_tiles(
    x: np.ndarray, kernel: Kernel, kind: str, dtype: np.dtype = DOUBLE
) -> np.ndarray:
    tiles = Tiles(x, kernel, kind, size=TILE)
    out, order = np.empty((len(x), len(x)), dtype), tiles.order
    index = np.arange(len(x)) if order is None else order
    device = jax.default_device.value  # of this thread

    def one(place: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Put a tile and its mirror image in, and return the entries that are too coarse."""
        with full_precision(), jax.default_device(device):
            values, coarse = tiles.rough(*place)
        rows, columns = (tiles.spans[k] for k in place)
        if rows == columns:
            values = values.copy()
            mirror(values)
            coarse = None if coarse is None else np.triu(coarse)
        if order is None:
            out[rows, columns] = values
            if rows != columns:
                out[columns, rows] = values.T
        else:
            out[np.ix_(order[rows], order[columns])] = values
            out[np.ix_(order[columns], order[rows])] = values.T
        if coarse is None:
            return _NONE, _NONE
        first, second = np.nonzero(coarse)
        return index[rows][first], index[columns][second]

    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    for found in side_by_side(one, tiles.upper()):
        waiting.append(found)
        if sum(len(first) for first, _ in waiting) > _WAITING:
            _finer(out, waiting, x, kernel, kind)
    _finer(out, waiting, x, kernel, kind)
    return out


def _finer(
    out: np.ndarray,
    waiting: list[tuple[np.ndarray, np.ndarray]],
    x: np.ndarray,
    kernel: Kernel,
    kind: str,
) -> None:
    """Put entries in anew, from the points themselves, those of all tiles at once."""
    first, second = (np.concatenate(part) for part in zip(*waiting, strict=True))
    waiting.clear()
    if len(first):
        out[first, second] = out[second, first] = by_pairs(kernel, x, x, first, second, kind)
