"""Squares of points' lengths, by which points of one norm are known."""

import numpy as np
from jaxtyping import Float

__all__ = ["square_norms"]

_AT_ONCE = 1 << 18  # numbers squared at a time


def square_norms(points: Float[np.ndarray, "m d"]) -> Float[np.ndarray, " m"]:
    """Return |x|² to a few roundings at any d: points of one norm are known by it."""
    out, size = np.empty(len(points), points.dtype), max(1, _AT_ONCE // points.shape[1])
    for k in range(0, len(points), size):
        some = points[k : k + size]
        out[k : k + size] = (some * some).sum(axis=1)  # by pairs, as `einsum` does not add
    return out
