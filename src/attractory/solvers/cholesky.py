"""A Cholesky factor that grows and shrinks: K = L Lᵀ with rows appended and removed.

Appending m rows to n costs O(n²m) and removing one O(n²), against O(n³) for a new factor. A factor
is not changed: an update returns another, so that one that fails leaves the old one whole.
"""

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, cholesky, get_blas_funcs, solve_triangular

from attractory._util.precision import aligned

__all__ = ["Factor"]

_EPS = float(np.finfo(float).eps)


class Factor:
    """The lower Cholesky factor of a symmetric positive definite matrix, in whose place it is put.

    Raises:
        LinAlgError: if the matrix is not positive definite to working precision.
    """

    def __init__(self, matrix: Float[np.ndarray, "n n"]):
        diagonal = np.diag(matrix).copy()
        # LAPACK's order is by columns, in which a symmetric matrix is its own transpose.
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
        # In the place of one copy: rightᵀ L⁻ᵀ L⁻¹, whose order by columns is right's by rows.
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
        # The rows below keep their products if the removed column's part is rotated into them.
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
        """Refuse pivots that are mere rounding."""
        if (np.diag(lower) ** 2 <= len(lower) * _EPS * diagonal).any():
            raise LinAlgError("not positive definite to working precision")
