"""The infinite-width autoencoder that starts at a network's own outputs, f0, instead of at zero."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from attractory._util.precision import double, full_precision, to_numpy
from attractory._util.validation import as_points, nonnegative
from attractory.maps.kernel_regression import (
    INTERPOLATES,
    KernelRegression,
    checked_points,
    fit_targets,
    missed_by,
    warn_of_misses,
)
from attractory.maps.network import Autoencoder

__all__ = ["SampledRegression", "fit_sampled_regression"]


class SampledRegression(eqx.Module):
    """The map f0(x) + (X̂ − f0(X̂)) K⁻¹ k(x): a network's own limit; by `fit_sampled_regression`.

    Attributes:
        start: f0, the network at its initial weights.
        correction: the kernel regression of X̂ − f0(X̂).
        residual: largest ‖f(xᵢ) − xᵢ‖/‖xᵢ‖ over the patterns, measured after fitting.
    """

    start: Autoencoder
    correction: KernelRegression
    residual: Float[Array | np.ndarray, ""]

    @property
    def dim(self) -> int:
        """Size of a pattern."""
        return self.correction.dim

    @property
    def patterns(self) -> Float[Array | np.ndarray, "n d"]:
        """The stored examples."""
        return self.correction.patterns

    @property
    def interpolates(self) -> bool:
        """Whether every pattern is a fixed point to 1e-6 of its norm."""
        return float(self.residual) <= INTERPOLATES

    def __repr__(self) -> str:
        """Say what is stored, and how exactly."""
        state = "interpolates" if self.interpolates else "DOES NOT INTERPOLATE"
        return (
            f"SampledRegression({len(self.patterns)} patterns, start {self.start}: {state}, "
            f"residual {float(self.residual):.1e})"
        )

    @double
    def __call__(self, x: ArrayLike) -> Float[Array, "*k d"]:
        """Apply the map to the last axis; errors as `KernelRegression`."""
        point = checked_points(self.correction, x)
        return jnp.asarray(self.start(point)) + jnp.asarray(self.correction(point))

    @double
    def jacobian(self, x: ArrayLike) -> Float[Array, "*k d d"]:
        """Return the Jacobian, shape (…, d, d)."""
        point = checked_points(self.correction, x)
        return jnp.asarray(self.start.jacobian(point)) + jnp.asarray(
            self.correction.jacobian(point)
        )

    def linearize(self, x: ArrayLike) -> Callable[[ArrayLike], Float[np.ndarray, "*k d"]]:
        """Return v ↦ J(x) v, for many v at the same x; both have shape (…, d)."""
        start = self.start.linearize(x)
        left, right = self.correction.jacobian_factors(x)

        def product(v: ArrayLike) -> Float[np.ndarray, "*k d"]:
            along = np.einsum("...nd,...d->...n", right, np.asarray(v))
            return np.asarray(start(v)) + along @ np.asarray(left).T

        return product


def fit_sampled_regression(
    start: Autoencoder, patterns: ArrayLike, *, ridge: float = 0.0
) -> SampledRegression:
    """Store patterns as fixed points of the infinite-width map that starts at a network's f0.

    It is what gradient flow from these very weights tends to as the widths grow; with f0 = 0 it
    would be `fit_regression`. The two differ in kind at small norm, where f0 has eigenvalues of its
    own (`docs/errata.md`, 16).

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
        part = to_numpy(fit_targets(x, targets, start.activation, start.depth, ridge))
        f = SampledRegression(start, part, np.asarray(np.inf))
        f = eqx.tree_at(lambda g: g.residual, f, np.asarray(missed_by(f(x), x, x).max()))
    warn_of_misses(f, part, x)
    return f
