"""Orthonormal bases of few long vectors, by products of matrices where that is exact enough.

Householder's QR of a (d, n) matrix reads it n times over. The Gram matrix is one product: with
XᵀX = RᵀR (Cholesky), Q = X R⁻¹ is orthonormal up to κ² eps, and once more up to eps, if κ² eps < 1
(Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa, T. Fukaya, ETNA 44, 2015). For d ≫ n this takes a
fraction of the time. Vectors that are not so independent are first turned along the eigenvectors of
XᵀX; the few of small eigenvalues that are no rounding then go through Householder's QR.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, cholesky, eigh, qr, solve_triangular

from attractory._util.threads import few_threads

__all__ = ["orthonormal"]

_REGULAR = 1e-12  # least pivot, or eigenvalue, of a Gram matrix relative to the largest
_ROUNDING = 64 * float(np.finfo(float).eps)  # length, of the largest singular value, that is none


def orthonormal(x: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d r"]:
    """Return r ≤ n orthonormal columns that span those of x, to rounding; n ≤ d.

    Example:
        >>> q = orthonormal(np.eye(5, 2) + 1.0)
        >>> np.round(q.T @ q, 12).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    size = float(np.abs(x).max(initial=0.0))
    if not size:
        return x[:, :0]
    x = x / size
    try:
        return _by_cholesky(x)
    except LinAlgError:
        pass
    with few_threads(x.shape[1] ** 2):
        values, vectors = eigh(x.T @ x, check_finite=False)
    large = values > _REGULAR * values[-1]
    found = _by_cholesky(x @ (vectors[:, large] / np.sqrt(values[large])))
    rest = x @ vectors[:, ~large]
    for _ in range(2):
        rest -= found @ (found.T @ rest)
    made: Any = qr(rest, mode="economic", pivoting=True, check_finite=False)
    some = np.abs(np.diag(made[1])) > _ROUNDING * np.sqrt(values[-1])
    if not some.any():
        return found
    rest = made[0][:, some]
    made = qr(rest - found @ (found.T @ rest), mode="economic", check_finite=False)
    return np.column_stack([found, made[0]])


def _by_cholesky(x: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d n"]:
    """Return the basis by two rounds of Cholesky's factorisation; raise if they do not do."""
    for _ in range(2):
        lower = cholesky(x.T @ x, lower=True, check_finite=False)
        pivots = np.diag(lower) ** 2
        if not pivots.min() > _REGULAR * pivots.max():
            raise LinAlgError
        inverse = solve_triangular(lower, np.eye(len(lower)), lower=True, check_finite=False)
        x = x @ inverse.T
    return x
