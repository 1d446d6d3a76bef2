"""Kernels of dense networks that the tables do not know, and of arrays that are being traced."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import checkify
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.precision import full_precision, own_settings
from attractory._util.validation import LARGEST
from attractory.kernels.dense import Dense
from attractory.kernels.kernel import Kernel
from attractory.kernels.mirror import mirror
from attractory.kernels.pure import pure_kernels

__all__ = ["by_tiles", "traced_kernel"]

_TILE = 512  # rows and columns
_SIZES = (16, 64, 256, _TILE)  # tiles are padded to one of these: few compilations


def traced_kernel(x: ArrayLike, y: ArrayLike | None, network: Dense, kind: str) -> Array:
    """Return a kernel, "ntk" or "nngp", as a JAX array in the precision of the points.

    Raises:
        ValueError: for shapes that do not fit.
        TypeError: for points that are not real numbers, or of two precisions.
    """
    with own_settings():
        rows = _points(x, "x")
        columns = None if y is None else _points(y, "y", rows)
        _check_values(rows, columns, network)
        found = pure_kernels(network, rows, columns)
        return found.ntk if kind == "ntk" else found.nngp


def _check_values(x: Array, y: Array | None, network: Dense) -> None:
    """State what values must be, for `checkify`; without it, nothing is done."""
    for name, points in (("x", x), ("y", y)):
        if points is not None:
            # 1e50 is not there in float32, which has infinity in its place.
            good = jnp.all(jnp.abs(points) <= min(LARGEST, float(jnp.finfo(points.dtype).max)))
            checkify.debug_check(good, f"{name} must be finite and not larger than {LARGEST:g}")
    weights, biases = jnp.asarray(network.weight_std), network.bias_std
    checkify.debug_check(jnp.all(weights > 0), "weight_std must be positive and finite")
    if biases is not None:
        checkify.debug_check(jnp.all(jnp.asarray(biases) >= 0), "bias_std must be at least 0")


def _points(value: ArrayLike, name: str, like: Array | None = None) -> Array:
    points = jnp.asarray(value)
    if jnp.issubdtype(points.dtype, jnp.integer) or points.dtype == bool:
        points = points.astype(float if like is None else like.dtype)
    if points.dtype not in (jnp.float32, jnp.float64):
        raise TypeError(f"{name} must be float32 or float64, got {points.dtype}")
    if points.ndim != 2:
        one = "; one point is x[None]" if points.ndim == 1 else ""
        raise ValueError(f"{name} must have shape (n, d), got shape {points.shape}{one}")
    if 0 in points.shape:
        raise ValueError(f"{name} must not be empty, got shape {points.shape}")
    if like is not None and points.shape[1] != like.shape[1]:
        raise ValueError(
            f"{name} must have {like.shape[1]} features in its last axis, got {points.shape[1]}"
        )
    if like is not None and points.dtype != like.dtype:
        raise TypeError(
            f"{name} is {points.dtype} where x is {like.dtype}; give both one precision"
        )
    return points


def by_tiles(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"] | None,
    network: Dense,
    kind: str,
    dtype: np.dtype,
) -> Float[np.ndarray, "n m"]:
    """Return a kernel of checked points, computed in float64, a tile at a time."""
    other = x if y is None else y
    out = np.empty((len(x), len(other)), dtype)
    for i in range(0, len(x), _TILE):
        for j in range(i if y is None else 0, len(other), _TILE):
            rows, columns = x[i : i + _TILE], other[j : j + _TILE]
            own = y is None and i == j
            with full_precision():
                values = _tile(
                    network.kernel, (network.parametrization, network.widths), kind,
                    network.weight_std, network.bias_std, _padded(rows),
                    None if own else _padded(columns),
                )  # fmt: skip
                out[i : i + _TILE, j : j + _TILE] = values[: len(rows), : len(columns)]
    if y is None:
        mirror(out)
    return out


def _padded(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "m d"]:
    more = next(size for size in _SIZES if size >= len(points)) - len(points)
    return np.pad(points, ((0, more), (0, 0)), mode="edge")


@partial(jax.jit, static_argnums=(0, 1, 2))
def _tile(
    kernel: Kernel,
    form: tuple[str, tuple[int, ...]],
    kind: str,
    weight_std: Array,
    bias_std: Array | None,
    x: Array,
    y: Array | None,
) -> Array:
    found = pure_kernels(Dense(kernel, weight_std, bias_std, *form), x, y)
    return found.ntk if kind == "ntk" else found.nngp
