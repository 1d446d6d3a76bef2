"""The infinite-width autoencoder that starts at a network's own outputs, f0, instead of at zero."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.precision import double, full_precision, to_numpy, traced
from attractory._util.validation import as_points, nonnegative
from attractory.kernels.kernel import Kernel
from attractory.maps.interpolation import StoredMap, missed_by, warn_of_misses
from attractory.maps.kernel_regression import (
    KernelRegression,
    checked_points,
    factorised_regression,
)
from attractory.maps.network import Autoencoder

__all__ = ["SampledRegression", "fit_sampled_regression"]


class SampledRegression(StoredMap):
    """The map f0(x) + (X̂ − f0(X̂)) K⁻¹ k(x): a network's own limit; by `fit_sampled_regression`.

    Attributes:
        patterns, residual: as in `StoredMap`.
        start: f0, the network at its initial weights.
        correction: the kernel regression of X̂ − f0(X̂).
    """

    start: Autoencoder
    correction: KernelRegression

    def _contents(self) -> str:
        return f"{len(self.patterns)} patterns, start {self.start}"

    @double
    def __call__(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Apply the map to the last axis; errors as `KernelRegression`."""
        point = checked_points(self.correction, x)
        return _sum(self.start(point), self.correction(point))

    @double
    def jacobian(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d d"]:
        """Return the Jacobian, shape (…, d, d)."""
        point = checked_points(self.correction, x)
        return _sum(self.start.jacobian(point), self.correction.jacobian(point))

    def linearize(self, x: ArrayLike) -> Callable[[ArrayLike], Float[np.ndarray, "*k d"]]:
        """Return v ↦ J(x) v, for many v at the same x; both have shape (…, d)."""
        start = self.start.linearize(x)
        left, right = self.correction.jacobian_factors(x)

        def product(v: ArrayLike) -> Float[np.ndarray, "*k d"]:
            along = np.einsum("...nd,...d->...n", right, np.asarray(v))
            return np.asarray(start(v)) + along @ np.asarray(left).T

        return product


def _sum(one: Array | np.ndarray, other: Array | np.ndarray) -> Array | np.ndarray:
    """Add NumPy's arrays by NumPy: JAX would compile the sum for each shape."""
    return jnp.asarray(one) + jnp.asarray(other) if traced(one, other) else one + other


def fit_sampled_regression(
    start: Autoencoder, patterns: ArrayLike, *, ridge: float = 0.0
) -> SampledRegression:
    """Store patterns as fixed points of the infinite-width map that starts at a network's f0.

    It is what gradient flow from these very weights tends to as the widths grow; with f0 = 0 it
    would be `fit_regression`. The two differ in kind at small norm, where f0 has eigenvalues of its
    own (`docs/reference/errata.md`, 16).

    Args:
        start: an untrained network; its activation and depth give the kernel.
        patterns: shape (n, d).
        ridge: as for `fit_regression`, with its errors and warnings.

    Example:
        >>> from attractory.datasets import sphere
        >>> network = Autoencoder(8, width=200, key=0, dtype=np.float64)
        >>> f = fit_sampled_regression(network, sphere(5, 8, norm=10.0))
        >>> f.interpolates, f.jacobian(f.patterns).shape
        (True, (5, 8, 8))
    """
    x = as_points(patterns, "patterns", start.dim)
    ridge = nonnegative(ridge, "ridge")
    with full_precision():
        targets = x - np.asarray(start(x), float)
        kernel = Kernel(start.activation, start.depth)
        part = to_numpy(factorised_regression(x, targets, kernel, ridge))
        f = SampledRegression(part.patterns, np.asarray(np.inf), start, part)
        f = eqx.tree_at(lambda g: g.residual, f, np.asarray(missed_by(f(x), x, x).max()))
    if ridge == 0:
        warn_of_misses(f, x)
    return f
