"""Kernel equations solved by a Cholesky factor, and a factor that grows and shrinks.

`solve` factorises K once, in its own memory. A `Factor` K = L Lᵀ is kept: appending m rows to n
costs O(n²m) and removing one O(n²), against O(n³) for a new factor. It is not changed: an update
returns another, so that one that fails leaves the old one whole.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from scipy.linalg import (
    LinAlgError,
    cho_factor,
    cho_solve,
    cholesky,
    eigh,
    get_blas_funcs,
    get_lapack_funcs,
    solve_triangular,
)

from attractory._util.precision import aligned
from attractory.kernels.mirror import mirror
from attractory.kernels.tiles import TILE

__all__ = ["Factor", "solve"]

_EPS = float(np.finfo(float).eps)


def solve(
    matrix: Float[np.ndarray, "n n"], targets: Float[np.ndarray, "n c"], ridge: float
) -> tuple[Float[np.ndarray, "n c"], Float[np.ndarray, "n c"] | None]:
    """Solve (K + ridge I) A = targets by Cholesky, refined once; by eigenvectors if singular.

    The factor takes the place of one triangle of the matrix; the other triangle, and the diagonal
    kept beside, still hold the matrix.

    Args:
        matrix: K, symmetric; used up.
        targets: one row a point, (n, c).
        ridge: added to the diagonal.

    Returns:
        A, and None if K + ridge I is regular to working precision; if it is singular, the solution
        of least norm and the product (K + ridge I) A, which may miss the targets.
    """
    n = len(matrix)
    matrix[np.diag_indices(n)] += ridge
    # K and its factor must not differ in size, or sums of their entries lose digits of one. A power
    # of 2 costs none.
    scale = float(np.ldexp(1.0, int(np.frexp(np.trace(matrix) / n)[1])))
    matrix /= scale
    targets = targets / scale
    diagonal = np.diag(matrix).copy()
    size = max(float(np.abs(part).sum(axis=1).max()) for part in _stripes(matrix))
    try:
        factor = cho_factor(matrix.T, lower=True, overwrite_a=True, check_finite=False)
        (pocon,) = get_lapack_funcs(("pocon",), (matrix,))
        reciprocal_condition, _ = pocon(factor[0], size, uplo="L")
    except LinAlgError:
        factor, reciprocal_condition = None, 0.0
    if factor is not None and reciprocal_condition > n * _EPS:
        coefficients = cho_solve(factor, targets, check_finite=False)
        own = diagonal - np.diag(factor[0])
        (symm,) = get_blas_funcs(("symm",), (matrix,))
        product = symm(1.0, factor[0], coefficients, lower=0) + own[:, None] * coefficients
        return coefficients + cho_solve(factor, targets - product, check_finite=False), None
    mirror(matrix.T)
    matrix[np.diag_indices(n)] = diagonal
    # K may be singular and the patterns fixed points all the same: x and −x under an odd σ, or
    # more patterns than dimensions under a linear one. The least-norm solution is where gradient
    # flow ends.
    values, vectors = eigh(matrix, check_finite=False)
    kept = values > n * _EPS * values[-1]
    basis = vectors[:, kept]
    coefficients = basis @ ((basis.T @ targets) / values[kept, None])
    return coefficients, scale * (matrix @ coefficients)


def _stripes(matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the matrix a few rows at a time."""
    return (matrix[k : k + TILE] for k in range(0, len(matrix), TILE))


class Factor:
    """The lower Cholesky factor of a symmetric positive definite matrix, made in its memory.

    Raises:
        LinAlgError: if the matrix is not positive definite to working precision.
    """

    def __init__(self, matrix: Float[np.ndarray, "n n"]):
        diagonal = np.diag(matrix).copy()
        # LAPACK stores by columns; a symmetric matrix is its own transpose.
        self._lower = cholesky(matrix.T, lower=True, overwrite_a=True, check_finite=False)
        self._check(self._lower, diagonal)

    @classmethod
    def of_lower(cls, lower: Float[np.ndarray, "n n"]) -> "Factor":
        """Return the factor whose lower triangle is known."""
        made = cls.__new__(cls)
        made._lower = lower
        return made

    @property
    def lower(self) -> Float[np.ndarray, "n n"]:
        """L itself."""
        return self._lower

    def solve(self, right: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Return K⁻¹ right, in memory that JAX takes over without a copy."""
        # rightᵀ L⁻ᵀ L⁻¹, stored by columns, is the result by rows: one copy is enough.
        (trsm,) = get_blas_funcs(("trsm",), (self._lower,))
        done = aligned(right).T
        for transposed in (1, 0):
            done = trsm(1.0, self._lower, done, side=1, lower=1, trans_a=transposed, overwrite_b=1)
        return done.T

    def append(
        self, beside: Float[np.ndarray, "n m"], corner: Float[np.ndarray, "m m"]
    ) -> "Factor":
        """Return the factor of [[K, beside], [besideᵀ, corner]]."""
        n, m = beside.shape
        across = solve_triangular(self._lower, beside, lower=True, check_finite=False).T
        last = cholesky(corner - across @ across.T, lower=True, check_finite=False)
        self._check(last, np.diag(corner))
        lower = np.empty((n + m, n + m), order="F")
        lower[:n, :n], lower[n:, :n], lower[n:, n:] = self._lower, across, last
        lower[:n, n:] = 0.0
        return Factor.of_lower(lower)

    def remove(self, index: int) -> "Factor":
        """Return the factor without one row and column."""
        n = len(self._lower)
        lower = np.empty((n - 1, n - 1), order="F")
        lower[:index, :index] = self._lower[:index, :index]
        lower[:index, index:] = 0.0
        lower[index:, :index] = self._lower[index + 1 :, :index]
        # Givens rotations take the removed row's column into the rows below it.
        rest = np.asfortranarray(self._lower[index + 1 :, index + 1 :])
        carry = self._lower[index + 1 :, index].copy()
        for k in range(len(carry)):
            size = np.hypot(rest[k, k], carry[k])
            cosine, sine = rest[k, k] / size, carry[k] / size
            column = rest[k:, k].copy()
            rest[k:, k] = cosine * column + sine * carry[k:]
            carry[k:] = cosine * carry[k:] - sine * column
        lower[index:, index:] = rest
        return Factor.of_lower(lower)

    @staticmethod
    def _check(lower: np.ndarray, diagonal: np.ndarray) -> None:
        """Refuse pivots that are no larger than rounding errors."""
        if (np.diag(lower) ** 2 <= len(lower) * _EPS * diagonal).any():
            raise LinAlgError("not positive definite to working precision")
