r"""Eigenvalues of a map's Jacobian: a fixed point is an attractor when all lie inside |λ| = 1.

A map may offer `jacobian(x)`, or `jacobian_factors(x)` = (L, R) with J = L R of rank r < d: the
non-zero eigenvalues of L R are those of the r × r matrix R L, which is what is computed then.
Otherwise the Jacobian is taken by automatic differentiation.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, eigs

from attractory._checks import as_points
from attractory._precision import double

__all__ = ["eigenvalues", "spectral_radius"]

_DENSE = 200  # up to this size LAPACK is as fast as Arnoldi


@double
def eigenvalues(f: Callable[[Any], Any], points: ArrayLike) -> Complex[np.ndarray, "k d"]:
    """Return the Jacobian's eigenvalues at points, largest modulus first.

    Args:
        f: a map (…, d) → (…, d) built from JAX operations, perhaps with a Jacobian of its own.
        points: (k, d).

    Returns:
        Complex array (k, d); zeros that a low rank implies are exact zeros.

    Raises:
        ValueError: if points are not finite or of the wrong shape.

    Example:
        >>> A = np.array([[0.0, -0.5], [0.5, 0.0]])
        >>> eigenvalues(lambda x: x @ A.T, np.zeros((1, 2))).imag.round(6).tolist()
        [[0.5, -0.5]]
    """
    x = as_points(points, "points")
    out = np.zeros(x.shape, complex)
    for k, point in enumerate(x):
        values = np.linalg.eigvals(_smallest_matrix(f, point))
        # Conjugates have one modulus up to rounding: sort them by imaginary part, upper first.
        order = np.lexsort((-values.imag, -np.abs(values).round(12)))
        out[k, : len(values)] = values[order]
    return out


@double
def spectral_radius(f: Callable[[Any], Any], points: ArrayLike) -> Float[np.ndarray, " k"]:
    """Return the largest modulus of the Jacobian's eigenvalues at points, (k, d) → (k,).

    Large matrices go to Arnoldi iteration, with the dense solver behind it; arguments and errors
    are those of `eigenvalues`.

    Example:
        >>> spectral_radius(lambda x: 0.5 * x, np.zeros((3, 4))).tolist()
        [0.5, 0.5, 0.5]
    """
    x = as_points(points, "points")
    return np.array([_radius(_smallest_matrix(f, point)) for point in x])


def _radius(matrix: np.ndarray) -> float:
    if len(matrix) > _DENSE:
        # A start vector of its own makes the result reproducible.
        start = np.random.default_rng(0).standard_normal(len(matrix))
        try:
            values = eigs(
                matrix, k=6, ncv=40, v0=start, return_eigenvectors=False,
                tol=1e-10,  # pyright: ignore[reportArgumentType] (stubs want an int)
            )  # fmt: skip
            return float(np.abs(values).max())
        except (ArpackError, ArpackNoConvergence):
            pass
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _smallest_matrix(f: Any, point: np.ndarray) -> np.ndarray:
    """Return the Jacobian at a point, or the smaller matrix of the same non-zero eigenvalues."""
    return smaller_product(*orbit_jacobian(f, point[None]))


def smaller_product(left: np.ndarray, right: np.ndarray | None) -> np.ndarray:
    """Return L R or R L, whichever is smaller; their non-zero eigenvalues are the same."""
    if right is None:
        return left
    return right @ left if right.shape[0] < right.shape[1] else left @ right


def orbit_radius(f: Any, points: Float[np.ndarray, "p d"]) -> float:
    """Return the spectral radius of the product of Jacobians along a cycle."""
    return _radius(smaller_product(*orbit_jacobian(f, points)))


def orbit_jacobian(
    f: Any, points: Float[np.ndarray, "p d"]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return L and R with J(xₚ)…J(x₁) = L R, or the product and None where no factors are."""
    if not hasattr(f, "jacobian_factors"):
        whole = _jacobian(f, points[0])
        for point in points[1:]:
            whole = _jacobian(f, point) @ whole
        return whole, None
    left, right = (np.asarray(part) for part in f.jacobian_factors(points[0]))
    for point in points[1:]:
        outer, inner = (np.asarray(part) for part in f.jacobian_factors(point))
        left = outer @ (inner @ left)
    return left, right


def _jacobian(f: Any, point: np.ndarray) -> np.ndarray:
    if hasattr(f, "jacobian"):
        return np.asarray(f.jacobian(point))
    try:
        return np.asarray(_forward(f, jnp.asarray(point, getattr(f, "dtype", np.float64))))
    except jax.errors.JAXTypeError as error:
        raise TypeError(
            "f must be built from JAX operations (jax.numpy instead of numpy), or offer a "
            f"jacobian of its own; differentiating it failed with {type(error).__name__}"
        ) from error


@eqx.filter_jit
def _forward(f: Callable[[Any], Any], point: jax.Array) -> jax.Array:
    return jax.jacfwd(f)(point)
