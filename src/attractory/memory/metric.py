r"""The metric a memory works in: rows multiplied by M = (C + λI)^−½, C their covariance.

Patterns that share a few strong directions are alike in nearly all they have; in the metric they
are nearly orthogonal, and a map finds them further apart. A first layer whose weights are drawn
from N(0, M²) is the same map in the coordinates Mx, so nothing else changes: the Jacobian's
eigenvalues are those of the map in either coordinates.

M is kept as its action on an orthonormal basis and one factor for all directions across it; the
smallest covariance is none at all, and M is scaled so that this factor is 1. No basis is the
identity.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float
from scipy.linalg import null_space

from attractory._util.machine import refuse_square_matrices
from attractory.solvers.orthonormal import orthonormal

__all__ = ["AUTO", "Metric", "fit_metric", "principal", "whitening"]

AUTO = 0.01  # λ, of the covariance's largest eigenvalue
_AMPLE = 1000  # rows; more of them are told apart by weaker directions
_NOTHING = 1e-12  # variances below this share of the largest are rounding
_ROUNDING = 1e-6  # and their roots
_MANY = 4  # times d: rows from which directions across the basis are worth finding
_MATRICES = 6  # d × d ones that a metric of the user's own and its eigenvectors take


class Metric(eqx.Module):
    """A symmetric positive definite matrix M, and the variances of the patterns along its axes.

    Attributes:
        basis: orthonormal columns, (d, q).
        gains: M's eigenvalues there, (q,); it is `rest` across them.
        variances: mean squares of the centred patterns along the basis, (q,).
        floor: the λ of a whitening metric in the rows' own units squared, or 0: the noise level
            below which cues are not told apart (`memory.cue_denoising`).
    """

    basis: Float[np.ndarray, "d q"]
    gains: Float[np.ndarray, " q"]
    variances: Float[np.ndarray, " q"]
    rest: float = 1.0
    floor: float = 0.0

    @classmethod
    def identity(cls, dim: int) -> "Metric":
        """Return the metric that changes nothing."""
        return cls(np.empty((dim, 0)), np.empty(0), np.empty(0))

    @property
    def plain(self) -> bool:
        """Whether M is the identity."""
        return not len(self.gains)

    @property
    def share(self) -> float:
        """λ of a whitening metric, of the largest variance; 0 for another."""
        return self.floor / float(self.variances.max()) if self.floor else 0.0

    def with_share(self, share: float) -> "Metric":
        """Return a whitening metric with another λ."""
        floor = share * float(self.variances.max())
        gains = np.sqrt(floor / (self.variances + floor))
        return Metric(self.basis, gains, self.variances, floor=floor)

    def apply(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return M x, row by row."""
        return self.scaled(x, self.gains, self.rest)

    def invert(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return M⁻¹ x, row by row."""
        return self.scaled(x, 1 / self.gains, 1 / self.rest)

    def scaled(self, x: np.ndarray, along: np.ndarray, across: float | np.ndarray) -> np.ndarray:
        """Return rows with factors along the basis, (q,) or (k, q), and one across, or (k, 1)."""
        if self.plain:
            return x * across
        (dim, axes), count = self.basis.shape, len(x)
        if along.ndim == 1 and dim * (count + axes) < 2 * count * axes:  # one product, and not two
            matrix = (self.basis * (along - across)) @ self.basis.T
            matrix[np.diag_indices(dim)] += across
            return x @ matrix
        return across * x + ((x @ self.basis) * (along - across)) @ self.basis.T

    def outside(self, x: Float[np.ndarray, "k d"]) -> bool:
        """Whether rows in the metric's coordinates have parts across the basis."""
        if self.plain or self.basis.shape[0] == len(self.gains):
            return False
        dim, axes = self.basis.shape
        if 2 * axes > dim and len(x) > _MANY * dim:
            across = null_space(self.basis.T)
            rest = (x @ across) @ across.T
        else:
            rest = x - (x @ self.basis) @ self.basis.T
        return bool(np.abs(rest).max() > _ROUNDING * np.abs(x).max())

    @property
    def ends(self) -> tuple[float, float]:
        """M's smallest and largest eigenvalue."""
        values = self.gains
        if len(values) < self.basis.shape[0]:
            values = np.append(values, self.rest)
        return float(values.min()), float(values.max())


def fit_metric(apart: Float[np.ndarray, "n d"], metric: Any) -> Metric:
    """Return the metric of rows less their mean.

    Args:
        apart: the rows, (n, d); they may be fewer than their numbers, or constant in some.
        metric: "rule" or "search" for λ = 0.01, less for more than 1,000 rows; None for the
            identity; λ > 0; or M itself, (d, d).

    Raises:
        ValueError: if λ is not positive, or M not symmetric positive definite of that size.
    """
    _, dim = apart.shape
    if metric is None:
        return Metric.identity(dim)
    if isinstance(metric, list | tuple | np.ndarray):
        mend = "a number λ > 0 in its place needs no matrix"
        refuse_square_matrices(dim, _MATRICES, "a metric of your own", mend)
        matrix = _checked(np.asarray(metric, float), dim)
        gains, basis = np.linalg.eigh(matrix)
        variances = ((apart @ basis) ** 2).mean(axis=0)
        return Metric(basis, gains / gains[-1], variances)
    share = AUTO * min(1.0, _AMPLE / len(apart)) if isinstance(metric, str) else float(metric)
    return whitening(apart, share)


def whitening(apart: Float[np.ndarray, "n d"], share: float) -> Metric:
    """Return the metric (C + λI)^−½ of rows less their mean, λ a share of the largest variance."""
    squares, basis = principal(apart)
    variances = squares / len(apart)
    if not len(variances):
        return Metric.identity(apart.shape[1])
    floor = share * float(variances[-1])
    return Metric(basis, np.sqrt(floor / (variances + floor)), variances, floor=floor)


def principal(x: Float[np.ndarray, "n d"]) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues of xᵀx above rounding, rising, and its eigenvectors, (d, q)."""
    # Of the two Gram matrices the smaller one has all there is to know.
    small = len(x) < x.shape[1]
    values, vectors = np.linalg.eigh(x @ x.T if small else x.T @ x)
    kept = values > _NOTHING * max(values[-1], 0.0)
    squares, vectors = values[kept], vectors[:, kept]
    if small:
        # Those of small eigenvalues lose their right angles.
        vectors = orthonormal(x.T @ (vectors / np.sqrt(squares)))
    return squares, vectors


def _checked(matrix: np.ndarray, dim: int) -> np.ndarray:
    if matrix.shape != (dim, dim):
        raise ValueError(f"metric must be a matrix ({dim}, {dim}), got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("metric must be finite, got NaN or infinite entries")
    if np.abs(matrix - matrix.T).max() > 1e-9 * np.abs(matrix).max():
        raise ValueError("metric must be symmetric; (M + M.T) / 2 would be")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if not least > 0:
        raise ValueError(
            f"metric must be positive definite, got smallest eigenvalue {least:.3g}; "
            "add a multiple of the identity"
        )
    return (matrix + matrix.T) / 2
