r"""Infinite-width kernels of fully connected networks: NNGP and NTK, any depth, and gradients.

Layers apply σ(x W/√fan-in) with standard normal W and no biases, the last one linear; depth counts
weight matrices, so depth 2 has one hidden layer. The activation is a Gaussian scale mixture of erf
(`attractory.activations`), for which the layer's expectations are sums of closed forms (appendix
D.1 of Jiang & Pehlevan, 2020, is the case of one scale); `attractory._layers` has the recursion.

Results are float64 NumPy arrays whatever JAX's own setting: see `attractory._precision`.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float
from numpy.typing import ArrayLike

from attractory import _layers
from attractory._checks import as_points, whole
from attractory._precision import double
from attractory._profile import SAME
from attractory.activations import Activation
from attractory.activations import activation as find_activation

__all__ = ["KernelGradient", "nngp", "nngp_gradient", "ntk", "ntk_gradient"]

_TILE = 1024
_SIZES = (16, 64, 256, _TILE)  # rows and columns are padded to one of these: few compilations
_CHUNK = 1 << 21  # numbers in the points of the pairs computed at a time
_FEW = 1 << 14  # up to so many entries the sum over pairs of scales beats tabulating it


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
        square = np.sum(self.x**2, axis=1)[:, None]
        x, y = self.x[:, None, :], self.y[None, :, :]
        across = y - (self.x @ self.y.T / np.where(square > 0, square, 1.0))[:, :, None] * x
        left = np.sum(x * across, axis=2) / np.where(square > 0, square, 1.0)
        across = across - left[:, :, None] * x
        return self.across[:, :, None] * across + self.along[:, :, None] * x


def nngp(
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
) -> Float[np.ndarray, "n m"]:
    """Return the NNGP kernel, the covariance of the network's outputs at initialisation.

    Args:
        x: points, shape (n, d).
        y: points, shape (m, d); x itself by default, which gives an exactly symmetric matrix.
        activation: a name or an object of `attractory.activations`.
        depth: number of weight matrices, at least 2.

    Raises:
        ValueError: for values that are not finite, empty or mismatched shapes, an unknown
            activation, a depth below 2.
        TypeError: for values that are not real numbers.

    Example:
        >>> nngp([[0.0, 0.0]], activation="sigmoid").round(12).tolist()  # σ(0)²
        [[0.25]]
    """
    return _kernel(x, y, activation, depth, "nngp")


def ntk(
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
) -> Float[np.ndarray, "n m"]:
    """Return the neural tangent kernel, Θ∞ of the paper; arguments and errors as `nngp`.

    Example:
        >>> k = ntk([[3.0, 4.0], [4.0, -3.0]], activation="erf")
        >>> k.shape, bool(abs(k[0, 1]) < 1e-15)  # orthogonal, odd activation
        ((2, 2), True)
    """
    return _kernel(x, y, activation, depth, "ntk")


def nngp_gradient(
    x: ArrayLike, y: ArrayLike, *, activation: str | Activation = "sigmoid", depth: int = 2
) -> KernelGradient:
    """Return the gradient of `nngp(x, y)` in x, as factors; arguments and errors as there.

    Example:
        >>> g = nngp_gradient([[3.0, 4.0]], [[1.0, 2.0], [0.0, 1.0]], activation="linear")
        >>> np.round(g.dense(), 12).tolist()  # of x·y/2
        [[[0.5, 1.0], [0.0, 0.5]]]
    """
    return _gradient(x, y, activation, depth, "nngp")


def ntk_gradient(
    x: ArrayLike, y: ArrayLike, *, activation: str | Activation = "sigmoid", depth: int = 2
) -> KernelGradient:
    """Return the gradient of `ntk(x, y)` in x, as factors; arguments and errors as `nngp`.

    Example:
        >>> g = ntk_gradient([[3.0, 4.0]], [[1.0, 2.0], [0.0, 1.0]])
        >>> g.across.shape, g.dense().shape
        ((1, 2), (1, 2, 2))
    """
    return _gradient(x, y, activation, depth, "ntk")


def _inputs(
    x: ArrayLike, y: ArrayLike | None, which: str | Activation, depth: int
) -> tuple[np.ndarray, np.ndarray | None, Activation, int]:
    rows = as_points(x, "x")
    columns = None if y is None else as_points(y, "y", dim=rows.shape[1])
    return rows, columns, find_activation(which), whole(depth, "depth", 2)


@double
def _gradient(
    x: ArrayLike, y: ArrayLike, which: str | Activation, depth: int, kind: str
) -> KernelGradient:
    rows, columns, act, depth = _inputs(x, y, which, depth)
    assert columns is not None
    across, along = _gradients(act, jnp.asarray(rows), jnp.asarray(columns), depth, kind)
    return KernelGradient(np.asarray(across), np.asarray(along), rows, columns)


@partial(jax.jit, static_argnums=(0, 3, 4))
def _gradients(
    act: Activation, x: jax.Array, y: jax.Array, depth: int, kind: str
) -> tuple[jax.Array, jax.Array]:
    return lax.map(lambda row: _layers.gradient(act, row, y, depth, kind)[:2], x)


@double
def _kernel(
    x: ArrayLike, y: ArrayLike | None, which: str | Activation, depth: int, kind: str
) -> np.ndarray:
    rows, columns, act, depth = _inputs(x, y, which, depth)
    if len(rows) * len(rows if columns is None else columns) <= _FEW:
        return _few(rows, columns, act, depth, kind)
    if columns is None:
        return _symmetric(rows, act, depth, kind)
    # The kernel is symmetric, and columns of one common norm are the cheaper side.
    if _one_norm(rows) and not _one_norm(columns):
        return np.ascontiguousarray(_cross(columns, rows, act, depth, kind).T)
    return _cross(rows, columns, act, depth, kind)


def _few(x: np.ndarray, y: np.ndarray | None, act: Activation, depth: int, kind: str) -> np.ndarray:
    if y is not None:
        first, second = np.divmod(np.arange(len(x) * len(y)), len(y))
        return _by_pairs(act, x, y, first, second, depth, kind).reshape(len(x), len(y))
    out = np.empty((len(x), len(x)))
    first, second = np.triu_indices(len(x))
    out[first, second] = _by_pairs(act, x, x, first, second, depth, kind)
    out[second, first] = out[first, second]
    return out


def _by_pairs(
    act: Activation,
    x: np.ndarray,
    y: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    depth: int,
    kind: str,
) -> np.ndarray:
    """Return the kernel of x[first] and y[second], a chunk of one size at a time."""
    most = 1 << max(4, min(12, (_CHUNK // x.shape[1]).bit_length()))
    # Few sizes to compile, and one pair does not cost what thousands do.
    bits = (len(first) - 1).bit_length()
    chunk = min(most, 1 << (bits if bits > 10 else max(4, bits + bits % 2)))
    out = np.empty(len(first))
    for k in range(0, len(first), chunk):
        i, j = first[k : k + chunk], second[k : k + chunk]
        pad = (0, chunk - len(i))
        values = _pairs(act, x[np.pad(i, pad)], y[np.pad(j, pad)], depth, kind)
        out[k : k + chunk] = np.asarray(values)[: len(i)]
    return out


def _one_norm(points: np.ndarray) -> bool:
    squares = np.einsum("ij,ij->i", points, points)
    return bool(squares.max() - squares.min() <= SAME * squares.max())


def _cross(x: np.ndarray, y: np.ndarray, act: Activation, depth: int, kind: str) -> np.ndarray:
    out = np.empty((len(x), len(y)))
    one_norm = _one_norm(np.vstack([x, y]))
    for members in _layers.group_by_norm(act, np.einsum("ij,ij->i", y, y) / y.shape[1]):
        group = np.ascontiguousarray(y[members])
        for j, columns in _column_tiles(act, group, depth, one_norm):
            for i in range(0, len(x), _TILE):
                rows = x[i : i + _TILE]
                values = _tile(columns, rows, len(group[j : j + _TILE]), depth, kind)
                out[i : i + _TILE, members[j : j + _TILE]] = values
    return out


def _symmetric(x: np.ndarray, act: Activation, depth: int, kind: str) -> np.ndarray:
    groups = _layers.group_by_norm(act, np.einsum("ij,ij->i", x, x) / x.shape[1])
    order = np.concatenate(groups)
    x = np.ascontiguousarray(x[order]) if len(groups) > 1 else x
    out = np.empty((len(x), len(x)))
    one_norm = _one_norm(x)
    start = 0
    for members in groups:
        end = start + len(members)
        for j, columns in _column_tiles(act, x[start:end], depth, one_norm):
            first, last = start + j, min(start + j + _TILE, end)
            for i in range(0, last, _TILE):  # tiles that reach above the diagonal
                rows = x[i : min(i + _TILE, last)]
                values = _tile(columns, rows, last - first, depth, kind, i - first)
                out[i : i + len(rows), first:last] = values
        start = end
    _mirror(out)
    if len(groups) > 1:
        inverse = np.argsort(order)
        out = out[np.ix_(inverse, inverse)]
    return out


def _mirror(matrix: np.ndarray) -> None:
    """Copy the upper triangle to the lower, a block at a time."""
    for i in range(0, len(matrix), _TILE):
        rows = slice(i, i + _TILE)
        corner = np.triu(matrix[rows, rows])
        matrix[rows, rows] = corner + np.triu(corner, 1).T
        matrix[i + _TILE :, rows] = matrix[rows, i + _TILE :].T


def _column_tiles(act: Activation, points: np.ndarray, depth: int, one_norm: bool):
    """Yield the start and the prepared columns of each tile, padded by repeating the last."""
    whole_group = _layers.prepare(act, points, depth, one_norm)
    for j in range(0, len(points), _TILE):
        part = slice(j, j + _TILE)
        count = len(points[part])
        pad = (0, _padded(count) - count)
        yield (
            j,
            _layers.Columns(
                act,
                whole_group.careful,
                jnp.pad(whole_group.points[part], (pad, (0, 0)), mode="edge"),
                tuple(jnp.pad(b[part], pad, mode="edge") for b in whole_group.variances),
                whole_group.profiles,
            ),
        )


def _padded(count: int) -> int:
    return next(size for size in _SIZES if size >= count)


def _tile(
    columns: _layers.Columns,
    rows: np.ndarray,
    width: int,
    depth: int,
    kind: str,
    offset: int | None = None,
) -> np.ndarray:
    count = len(rows)
    padded = np.pad(rows, ((0, _padded(count) - count), (0, 0)), mode="edge")
    diagonal = None if offset is None or offset + count <= 0 or offset >= width else offset
    values, coarse = _block(columns, padded, kind, diagonal)
    if not columns.careful:
        return np.asarray(values)[:count, :width]
    values, marked = np.array(values)[:count, :width], np.asarray(coarse)
    first, second = np.nonzero(np.broadcast_to(marked, coarse.shape)[:count, :width])
    if len(first):
        y = np.asarray(columns.points)
        values[first, second] = _by_pairs(columns.act, padded, y, first, second, depth, kind)
    return values


@partial(jax.jit, static_argnums=(2,))
def _block(
    columns: _layers.Columns, x: jax.Array, kind: str, offset: jax.Array | int | None
) -> tuple[jax.Array, jax.Array]:
    same = None
    if offset is not None:
        index = jnp.arange(x.shape[0])[:, None] + offset
        same = index == jnp.arange(columns.points.shape[0])[None, :]
    return _layers.block(columns, x, kind, same)


_pairs = partial(jax.jit, static_argnums=(0, 3, 4))(_layers.pairs)
