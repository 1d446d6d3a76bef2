r"""Eigenvalues of a map's Jacobian: a fixed point is an attractor when all lie inside |λ| = 1.

A map may offer `jacobian(x)`, or `jacobian_factors(x)` = (L, R) with J = L R of rank r < d: the
non-zero eigenvalues of L R are those of the r × r matrix R L, which is what is computed then.
Otherwise the Jacobian is taken by automatic differentiation.

The spectral radius needs less: products of J with vectors, by `linearize(x)` if the map offers it
and else by automatic differentiation, for all points together. See `solvers.arnoldi`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Complex, Float

from attractory._util.aliases import ArrayLike
from attractory._util.machine import refuse_square_matrices
from attractory._util.precision import double
from attractory._util.threads import side_by_side
from attractory._util.validation import as_points
from attractory.maps.protocol import (
    Map,
    dtype_of,
    jacobian_factors_of,
    jacobian_of,
    linearize_of,
    named,
)
from attractory.solvers.arnoldi import ritz_radii

__all__ = ["eigenvalues", "spectral_radius"]

_MATRICES = 3  # d × d ones that a dense Jacobian and its eigenvalues take
_DENSE = 200  # rows of a matrix up to which LAPACK is as fast as Arnoldi iteration
_LARGEST_BASIS = 256  # vectors, or a third of the rows; beyond, LAPACK costs little more
_FEW = 1 << 20  # numbers in the Jacobians that are computed together
_TOGETHER = 64  # points whose products are computed together
_ENTRIES = 1 << 26  # … if their bases hold at most this many numbers


@double
def eigenvalues(f: Map, points: ArrayLike) -> Complex[np.ndarray, "k d"]:
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
    matrices = _smallest_matrices(f, x)
    for k, values in enumerate(_all_eigenvalues(matrices, len(x))):
        # Conjugates have one modulus up to rounding: sort them by imaginary part, upper first.
        order = np.lexsort((-values.imag, -np.abs(values).round(12)))
        out[k, : len(values)] = values[order]
    return out


@double
def spectral_radius(f: Map, points: ArrayLike) -> Float[np.ndarray, " k"]:
    """Return the largest modulus of the Jacobian's eigenvalues at points, (k, d) → (k,).

    Above dim 200 it comes from Arnoldi iteration, good to 1e-8 (1e-5 for a float32 map) unless the
    matrix is so far from normal that its eigenvalues are not; where that has not converged, from
    all eigenvalues. Arguments and errors are those of `eigenvalues`.

    Example:
        >>> spectral_radius(lambda x: 0.5 * x, np.zeros((3, 4))).tolist()
        [0.5, 0.5, 0.5]
    """
    x = as_points(points, "points")
    if x.shape[1] <= _DENSE or not _has_products(f):
        return np.array([_radius(matrix) for matrix in _smallest_matrices(f, x)])
    dim, most = x.shape[1], _most(x.shape[1])
    size = max(1, min(_TOGETHER, _ENTRIES // (dim * most)))
    blocks = [x[k : k + size] for k in range(0, len(x), size)]
    radii = np.concatenate(
        [ritz_radii(_Products(f, block), block.shape, dtype_of(f), most) for block in blocks]
    )
    left = np.flatnonzero(np.isnan(radii))
    matrices = (_smallest_matrix(f, point) for point in x[left])
    for k, values in zip(left, _all_eigenvalues(matrices, len(left)), strict=True):
        radii[k] = np.abs(values).max()
    return radii


def _has_products(f: Map) -> bool:
    """Whether products are cheaper than a Jacobian of the map's own."""
    return bool(linearize_of(f)) or not (jacobian_of(f) or jacobian_factors_of(f))


def _most(dim: int) -> int:
    return min(_LARGEST_BASIS, dim // 3)


def _radius(matrix: np.ndarray) -> float:
    if len(matrix) > _DENSE:
        shape = (1, len(matrix))
        found = ritz_radii(lambda _, v: v @ matrix.T, shape, matrix.dtype, _most(len(matrix)))[0]
        if np.isfinite(found):
            return float(found)
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _all_eigenvalues(matrices: Iterable[np.ndarray], count: int) -> Iterator[Any]:
    """Yield the eigenvalues of each of so many matrices."""
    run = side_by_side if count > 1 else map
    return iter(run(np.linalg.eigvals, matrices))


class _Products:
    """Products of the Jacobians at some of the points with as many vectors."""

    def __init__(self, f: Map, points: np.ndarray):
        self._f, self._points = f, points
        self._which = np.arange(len(points))
        self._linear = _linear_map(f, points)

    def __call__(self, which: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        if not np.array_equal(which, self._which):
            self._which, self._linear = which, _linear_map(self._f, self._points[which])
        return np.asarray(self._linear(vectors))


def _linear_map(f: Map, points: np.ndarray) -> Callable[[np.ndarray], Any]:
    linearize = linearize_of(f)
    if linearize is not None:
        return linearize(points)
    at = jax.device_put(np.asarray(points, dtype_of(f)))

    def product(vectors: np.ndarray) -> Any:
        with _differentiation():
            return _jvp(f, at, jax.device_put(vectors))

    return product


def _smallest_matrices(f: Map, points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield what `_smallest_matrix` returns at each point, small ones from one call of the map."""
    own = jacobian_of(f)
    if jacobian_factors_of(f) is None and own is not None and points.size * len(points[0]) <= _FEW:
        return iter(np.asarray(own(points)))
    return (_smallest_matrix(f, point) for point in points)


def _smallest_matrix(f: Map, point: np.ndarray) -> np.ndarray:
    """Return the Jacobian at a point, or the smaller matrix of the same non-zero eigenvalues."""
    return smaller_product(*orbit_jacobian(f, point[None]))


def smaller_product(left: np.ndarray, right: np.ndarray | None) -> np.ndarray:
    """Return L R or R L, whichever is smaller; their non-zero eigenvalues are the same."""
    if right is None:
        return left
    return right @ left if right.shape[0] < right.shape[1] else left @ right


def orbit_radius(f: Map, points: Float[np.ndarray, "p d"]) -> float:
    """Return the spectral radius of the product of Jacobians along a cycle."""
    return _radius(smaller_product(*orbit_jacobian(f, points)))


def orbit_jacobian(
    f: Map, points: Float[np.ndarray, "p d"]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return L and R with J(xₚ)…J(x₁) = L R, or the product and None where no factors are."""
    factors = jacobian_factors_of(f)
    if factors is None:
        whole = _jacobian(f, points[0])
        for point in points[1:]:
            whole = _jacobian(f, point) @ whole
        return whole, None
    left, right = (np.asarray(part) for part in factors(points[0]))
    for point in points[1:]:
        outer, inner = (np.asarray(part) for part in factors(point))
        left = outer @ (inner @ left)
    return left, right


def _jacobian(f: Map, point: np.ndarray) -> np.ndarray:
    mend = "a map with jacobian_factors, or linearize for the radius, needs none of its size"
    refuse_square_matrices(len(point), _MATRICES, "a dense Jacobian and its eigenvalues", mend)
    own = jacobian_of(f)
    if own is not None:
        return np.asarray(own(point))
    with _differentiation():
        return np.asarray(_forward(f, jax.device_put(np.asarray(point, dtype_of(f)))))


@contextmanager
def _differentiation() -> Iterator[None]:
    try:
        yield
    except (TypeError, AttributeError) as error:
        raise TypeError(
            "f must be built from JAX operations (jax.numpy instead of numpy or torch), or offer a "
            f"jacobian of its own; differentiating it failed with {named(error)}"
        ) from error


@eqx.filter_jit
def _forward(f: Map, point: jax.Array) -> jax.Array:
    return jax.jacfwd(f)(point)


@eqx.filter_jit
def _jvp(f: Map, points: jax.Array, vectors: jax.Array) -> Any:
    return jax.jvp(f, (points,), (vectors,))[1]
