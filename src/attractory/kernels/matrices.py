r"""Infinite-width kernels of fully connected networks: NNGP and NTK, any depth, and gradients.

Layers apply σ(x W/√fan-in) with standard normal W and no biases, the last one linear; depth counts
weight matrices, so depth 2 has one hidden layer. The activation is a Gaussian scale mixture of erf
(`attractory.activations`), for which the layer's expectations are sums of closed forms (appendix
D.1 of Jiang & Pehlevan, 2020, is the case of one scale); `kernels.recursion` has the recursion.

Results are float64 NumPy arrays whatever JAX's own setting: see `_util.precision`.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float
from numpy.typing import ArrayLike

from attractory._util.precision import double
from attractory._util.validation import as_points, whole
from attractory.activations import Activation
from attractory.activations import activation as find_activation
from attractory.kernels import recursion as _layers
from attractory.kernels.tiles import TILE, Tiles, by_pairs, column_tiles, is_one_norm, mirror, tile

__all__ = ["KernelGradient", "nngp", "nngp_gradient", "ntk", "ntk_gradient"]

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
    if is_one_norm(rows) and not is_one_norm(columns):
        return np.ascontiguousarray(_cross(columns, rows, act, depth, kind).T)
    return _cross(rows, columns, act, depth, kind)


def _few(x: np.ndarray, y: np.ndarray | None, act: Activation, depth: int, kind: str) -> np.ndarray:
    if y is not None:
        first, second = np.divmod(np.arange(len(x) * len(y)), len(y))
        return by_pairs(act, x, y, first, second, depth, kind).reshape(len(x), len(y))
    out = np.empty((len(x), len(x)))
    first, second = np.triu_indices(len(x))
    out[first, second] = by_pairs(act, x, x, first, second, depth, kind)
    out[second, first] = out[first, second]
    return out


def _cross(x: np.ndarray, y: np.ndarray, act: Activation, depth: int, kind: str) -> np.ndarray:
    out = np.empty((len(x), len(y)))
    one_norm = is_one_norm(np.vstack([x, y]))
    for members in _layers.group_by_norm(act, np.einsum("ij,ij->i", y, y) / y.shape[1]):
        group = np.ascontiguousarray(y[members])
        for j, columns in column_tiles(act, group, depth, one_norm):
            for i in range(0, len(x), TILE):
                rows = x[i : i + TILE]
                values = tile(columns, rows, len(group[j : j + TILE]), depth, kind)
                out[i : i + TILE, members[j : j + TILE]] = values
    return out


def _symmetric(x: np.ndarray, act: Activation, depth: int, kind: str) -> np.ndarray:
    tiles = Tiles(x, act, depth, kind)
    out = np.empty((len(x), len(x)))
    for rows, columns, values in tiles.upper():
        out[rows, columns] = values
    mirror(out)
    if tiles.order is not None:
        _permute(out, np.argsort(tiles.order))
    return out


def _permute(matrix: np.ndarray, order: np.ndarray) -> None:
    """Take rows and columns in an order, within the matrix, a block of them at a time."""
    for k in range(0, len(matrix), TILE):  # columns, row by row
        matrix[k : k + TILE] = matrix[k : k + TILE, order]
    for k in range(0, len(matrix), TILE):
        matrix[:, k : k + TILE] = matrix[order, k : k + TILE]
