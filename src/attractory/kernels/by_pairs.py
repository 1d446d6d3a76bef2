"""The kernel of pairs of points one by one, from the points themselves, every digit kept."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from attractory.kernels.expectations import first_layer, least_scale, pair_sum
from attractory.kernels.kernel import Kernel
from attractory.kernels.recursion import along_pairs, coarse_gaps, layers

__all__ = ["NOWHERE", "by_pairs", "coarse_entries", "with_finer_gaps"]

NOWHERE = -(1 << 30)  # place of rows that are no columns

_PAIRS = (16, 256)  # pairs computed at a time, if there are few
_CHUNK = 1 << 21  # coordinates of the points whose pairs are computed at a time


def by_pairs(
    kernel: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    kind: str,
) -> np.ndarray:
    """Return the kernel of x[first] and y[second], a chunk of one size at a time."""
    most = 1 << max(4, min(12, (_CHUNK // x.shape[1]).bit_length()))
    # Three sizes are compiled, and few pairs are not padded to thousands.
    chunk = min(most, next((size for size in _PAIRS if len(first) <= 8 * size), most))
    out, numbers = np.empty(len(first)), pair_sum(kernel.activation)
    for k in range(0, len(first), chunk):
        i, j = first[k : k + chunk], second[k : k + chunk]
        with np.errstate(all="ignore"):  # as XLA does
            start = np.stack(first_layer(x[i], y[j], x.shape[1], np))
        start = np.pad(start, ((0, 0), (0, chunk - len(i))), mode="edge")
        values = _along_pairs(numbers, layers(kernel), kind == "ntk", *start)
        out[k : k + chunk] = np.asarray(values)[: len(i)]
    return out


def coarse_entries(
    s: Float[Array | np.ndarray, "r m"],
    variances: tuple[Array | np.ndarray, Array | np.ndarray],
    place: int,
    kernel: Kernel,
) -> Bool[np.ndarray, "r m"]:
    """Return which entries' gaps are too coarse if made of covariances.

    Args:
        s: covariances.
        variances: of rows and columns at the first layer.
        place: column of the first row's own point, below minus their number if it is none.
        kernel: whose entries they are.
    """
    least = np.asarray(least_scale(kernel.activation))
    return np.asarray(_coarse(s, *variances, least, np.asarray(place)))


@jax.jit
def _coarse(s: Array, a: Array, b: Array, least: Array, place: Array) -> Array:
    same = (jnp.arange(len(a)) + place)[:, None] == jnp.arange(len(b))
    return coarse_gaps(s, a[:, None], b[None], least) & ~same


def with_finer_gaps(
    values: Float[np.ndarray, "r m"],
    coarse: Bool[np.ndarray, "r m"],
    points: tuple[np.ndarray, np.ndarray],
    kernel: Kernel,
    kind: str,
) -> Float[np.ndarray, "r m"]:
    """Return a kernel's values, those whose gaps are too coarse computed from the points.

    Args:
        values: of the first rows and columns of the points.
        coarse: which of them, see `recursion.coarse_gaps`.
        points: rows and columns.
        kernel, kind: whose values they are.
    """
    first, second = np.nonzero(coarse)
    if not len(first):
        return values
    values = values.copy()
    values[first, second] = by_pairs(kernel, *points, first, second, kind)
    return values


_along_pairs = jax.jit(along_pairs)
