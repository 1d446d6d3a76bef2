"""What a map is: any function x ↦ f(x) of patterns, and what it may offer besides.

Recall, spectra, basins and certificates take every map, a plain Python function among them. What
the maps of this package know about themselves (their size, precision and derivatives) is asked for
by the functions here, which say what holds for a map that does not know.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jax.errors import JAXIndexError, JAXTypeError

__all__ = ["Map", "SingularKernelError"]


class SingularKernelError(ValueError):
    """K is singular to working precision, and the patterns cannot all be fixed points."""


@runtime_checkable
class Map(Protocol):
    """A map from (…, d) to (…, d), applied to the last axis; written with JAX operations.

    Every function of one array is a map. A map may also have these attributes, each optional:

    - `dim`: the d that it is for; by default any.
    - `dtype`: the precision that it computes in; float64 by default.
    - `jacobian(x)`: its Jacobian at x, (…, d) → (…, d, d), [i, j] = ∂fᵢ/∂xⱼ; by default JAX
      differentiates the map.
    - `jacobian_factors(x)`: at one point x, matrices L (d, r) and R (r, d) of small rank r whose
      product is the Jacobian.
    - `linearize(x)`: the function v ↦ J(x) v for points x and vectors v of one shape, (…, d).

    Example:
        >>> isinstance(lambda x: x / 2, Map)
        True
    """

    def __call__(self, x: Any, /) -> Any:
        """Apply the map to the last axis."""
        ...


def dim_of(f: Map) -> int | None:
    """Return the size of the patterns that a map is for, None if it is for any.

    Example:
        >>> dim_of(np.cos) is None
        True
    """
    return getattr(f, "dim", None)


def dtype_of(f: Map) -> np.dtype:
    """Return the precision that a map computes in.

    Example:
        >>> dtype_of(np.cos)
        dtype('float64')
    """
    return np.dtype(getattr(f, "dtype", np.float64))


def jacobian_of(f: Map) -> Callable[[Any], Any] | None:
    """Return a map's own `jacobian`, or None."""
    return getattr(f, "jacobian", None)


def jacobian_factors_of(f: Map) -> Callable[[Any], tuple[Any, Any]] | None:
    """Return a map's own `jacobian_factors`, or None."""
    return getattr(f, "jacobian_factors", None)


def linearize_of(f: Map) -> Callable[[Any], Callable[[Any], Any]] | None:
    """Return a map's own `linearize`, or None."""
    return getattr(f, "linearize", None)


def named(error: Exception) -> str:
    """Return an error of a map that is not made of JAX operations, as part of a message."""
    kind, text = type(error).__name__, " ".join(str(error).split())
    # JAX's own errors explain tracing at length, and the type says enough.
    if isinstance(error, JAXTypeError | JAXIndexError) or not text:
        return kind
    return f"{kind}: {text[:200]}"
