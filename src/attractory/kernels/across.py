r"""The part of one point across another, exact however nearly parallel the two are.

y⊥ = y − (x·y/x·x) x loses its digits where it is small beside y. Here the coefficient and x are
split into halves whose products are exact, so that what is left is y⊥ to about 1e-24 of y, whether
or not the compiler fuses multiplication and addition; a second pass takes out what rounding of the
coefficient left along x. Less than that is no difference that numbers can have, and is 0.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

__all__ = ["across", "across_numpy", "from_points"]

_LEAST = {8: 1e-22, 4: 1e-12}  # of y⊥ relative to y, by the bytes of a number


@jax.custom_jvp
def across(x: Float[Array, "*k d"], y: Float[Array, "*m d"]) -> Float[Array, "*n d"]:
    """Return y⊥, the part of y across x; y itself where x is 0. Arguments broadcast."""
    square = jnp.sum(x * x, axis=-1, keepdims=True)
    safe = jnp.where(square > 0, square, 1.0)
    rest = _less(y, jnp.sum(x * y, axis=-1, keepdims=True) / safe, x)
    rest = _less(rest, jnp.sum(x * rest, axis=-1, keepdims=True) / safe, x)
    least = _LEAST[rest.dtype.itemsize] ** 2
    size, whole = (jnp.sum(v * v, axis=-1, keepdims=True) for v in (rest, y))
    return jnp.where(size > least * whole, rest, 0.0)


@across.defjvp
def _across_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, y), (x_dot, y_dot) = primals, tangents
    rest = across(x, y)
    square = jnp.sum(x * x, axis=-1, keepdims=True)
    inverse = jnp.where(square > 0, 1 / jnp.where(square > 0, square, 1.0), 0.0)
    ratio = jnp.sum(x * y, axis=-1, keepdims=True) * inverse
    # Of x·y/x·x, by y = y⊥ + ratio x.
    change = jnp.sum(x * y_dot + (rest - ratio * x) * x_dot, axis=-1, keepdims=True) * inverse
    return rest, y_dot - ratio * x_dot - change * x


def _less(y: Array, ratio: Array, x: Array) -> Array:
    """Return y − ratio x to twice the digits of its terms."""
    high, x_high = _high(ratio), _high(x)
    return y - high * x_high - high * (x - x_high) - (ratio - high) * x


def _high(value: Array) -> Array:
    """Return the number with the lower half of its digits set to 0."""
    kind, low = (np.uint64, 27) if value.dtype == jnp.float64 else (np.uint32, 12)
    bits = lax.bitcast_convert_type(value, kind)
    kept = bits & np.asarray(~kind((1 << low) - 1), kind)
    return lax.bitcast_convert_type(kept, value.dtype)


def from_points(
    x: Float[Array, "*k d"], y: Float[Array, "*m d"], dim: int | Array
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Return s and the gap of pairs, to the last digits."""
    rest = across(x, y)
    gap = jnp.sum(x * x, axis=-1) / dim * (jnp.sum(rest * rest, axis=-1) / dim)
    return jnp.sum(x * y, axis=-1) / dim, gap


def across_numpy(
    x: Float[np.ndarray, "*k d"], y: Float[np.ndarray, "*m d"]
) -> Float[np.ndarray, "*n d"]:
    """Return the same of NumPy arrays in float64, for which nothing is compiled."""
    square = np.sum(x * x, axis=-1, keepdims=True)
    safe = np.where(square > 0, square, 1.0)
    rest = y
    for _ in range(2):
        ratio = np.sum(x * rest, axis=-1, keepdims=True) / safe
        high, x_high = _high_numpy(ratio), _high_numpy(x)
        rest = rest - high * x_high - high * (x - x_high) - (ratio - high) * x
    size, whole = (np.sum(v * v, axis=-1, keepdims=True) for v in (rest, y))
    return np.where(size > _LEAST[8] ** 2 * whole, rest, 0.0)


def _high_numpy(value: np.ndarray) -> np.ndarray:
    bits = np.ascontiguousarray(value, np.float64).view(np.uint64)
    return (bits & ~np.uint64((1 << 27) - 1)).view(np.float64)
