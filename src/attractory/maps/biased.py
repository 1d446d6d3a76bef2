r"""A map whose first layer has biases: a constant coordinate is appended to its input.

The paper's networks have no biases. Their sums over patterns then lack terms of even degree in the
correlations, because σ − σ(0) is odd: the first term after the linear one is the cube, and a state
not yet near a pattern approaches it very slowly. A constant coordinate β‖x‖, whose first-layer
weights are normal biases, adds the squares. The map with biases is the section, at that coordinate,
of a map without biases on one dimension more, so what is proven for a ball there holds on the
section.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.precision import double, traced
from attractory._util.validation import as_batch
from attractory.maps.protocol import (
    Map,
    dim_of,
    dtype_of,
    jacobian_factors_of,
    jacobian_of,
    linearize_of,
)

__all__ = ["Biased"]


def lifted(x: Float[np.ndarray, "n d"], value: float) -> Float[np.ndarray, "n c"]:
    """Return points with a constant coordinate appended.

    Example:
        >>> lifted(np.zeros((1, 2)), 3.0).tolist()
        [[0.0, 0.0, 3.0]]
    """
    return np.column_stack([x, np.full(len(x), value)])


def _array(value: ArrayLike) -> Array | np.ndarray:
    """Leave NumPy's arrays to NumPy: JAX would compile a slice for each shape."""
    return value if isinstance(value, np.ndarray) else jnp.asarray(value)


class Biased(eqx.Module):
    """The map x ↦ f([x, value]) without its last coordinate: (…, d) → (…, d).

    Attributes:
        inner: a map on d + 1 dimensions.
        value: the constant coordinate.

    Example:
        >>> from attractory import fit_regression
        >>> from attractory.datasets import sphere
        >>> patterns = sphere(5, 8, norm=10.0)
        >>> inner = fit_regression(np.hstack([patterns, np.full((5, 1), 30.0)]))
        >>> f = Biased(inner, 30.0)
        >>> bool(np.abs(f(patterns) - patterns).max() < 1e-9), f.jacobian(patterns).shape
        (True, (5, 8, 8))
    """

    inner: Map
    # An array: a number would be compiled into every function of the map.
    value: Float[Array | np.ndarray, ""] = eqx.field(converter=np.asarray)

    @property
    def dim(self) -> int:
        """Size of a pattern."""
        dim = dim_of(self.inner)
        assert dim is not None
        return dim - 1

    @property
    def dtype(self) -> np.dtype:
        """Precision of the inner map."""
        return dtype_of(self.inner)

    def __repr__(self) -> str:
        """Name the inner map."""
        return f"Biased({self.inner!r}, {float(self.value):.4g})"

    def lift(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k c"]:
        """Return points with the constant coordinate appended, (…, d) → (…, d + 1)."""
        point: Any = x if traced(self, x) else as_batch(x, "x", self.dim)
        kind = jnp if traced(self, x) else np
        return kind.concatenate(
            [point, kind.full((*point.shape[:-1], 1), self.value, point.dtype)], axis=-1
        )

    @double
    def __call__(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Apply the map to the last axis."""
        return _array(self.inner(self.lift(x)))[..., :-1]

    @double
    def jacobian(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d d"]:
        """Return the Jacobian, shape (…, d, d)."""
        whole = jacobian_of(self.inner)
        assert whole is not None
        return _array(whole(self.lift(x)))[..., :-1, :-1]

    @property
    def jacobian_factors(self) -> Callable[[ArrayLike], tuple[ArrayLike, ArrayLike]]:
        """The inner map's `jacobian_factors`, cut to d; for maps that offer it."""
        whole = jacobian_factors_of(self.inner)
        if whole is None:
            raise AttributeError("the inner map has no jacobian_factors")

        def factors(x: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
            left, right = whole(self.lift(x))
            return left[:-1], right[..., :-1]

        return factors

    @property
    def linearize(self) -> Callable[[ArrayLike], Callable[[ArrayLike], ArrayLike]]:
        """The inner map's `linearize`, cut to d; for maps that offer it."""
        whole = linearize_of(self.inner)
        if whole is None:
            raise AttributeError("the inner map has no linearize")

        def at(x: ArrayLike) -> Callable[[ArrayLike], ArrayLike]:
            product = whole(self.lift(x))

            def along(v: ArrayLike) -> ArrayLike:
                v = np.asarray(v)
                return product(np.concatenate([v, np.zeros_like(v[..., :1])], axis=-1))[..., :-1]

            return along

        return at
