r"""How much a linear map with bounded, otherwise unknown perturbations can stretch a vector.

Certificates bound the mean Jacobian over a segment with it. Let y = M δ + B Σ_k w_k with
|w_kj| ≤ |(C_k δ)_j|, and for one more of the summands |w_j| ≤ e_j ‖δ‖. A bound ‖y‖ ≤ γ‖δ‖
follows from any positive multipliers λ (the S-procedure of robust control: Yakubovich; Boyd et al.,
*Linear Matrix Inequalities in System and Control Theory*, 1994, sections 2.6.3 and 8.1): the best
split of a sum of summands acts like one summand of multiplier Λ = 1/Σ_k 1/λ_k, and if Λ ≻ BᵀB,

    γ² = λ_max(MᵀM + Σ_k C_kᵀ λ_k C_k + MᵀB (Λ − BᵀB)⁻¹ BᵀM) + Σ_j λ_j e_j².

The bound holds for every choice, so the search for a good one need not be exact.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import OptimizeResult, minimize
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

# (radius, T) ↦ γ over the ball of that radius, in the norm ‖Tδ‖; T None is the Euclidean norm
Gain = Callable[[float, np.ndarray | None], float]

SLACK = 1e-9  # relative inflation of the bounds; rounding in these sums is some 1e-13
_SEARCHED = 300  # columns of B up to which multipliers are optimised, not only scaled
_STEPS = 60  # of L-BFGS at most
_LARGEST_LOG = 200.0  # of a multiplier that is tried
_LANCZOS = 1e-6  # relative error up to which the largest eigenvalue is sought
_LESS = 64  # rows of a matrix that is decomposed
_NOTHING = 1e-14  # relative size of summands that the slack covers


def conjugated(m: np.ndarray, shape: np.ndarray | None) -> np.ndarray:
    """Return T M T⁻¹."""
    return m if shape is None else shape @ np.linalg.solve(shape.T, m.T).T


def above_eigenvalues(matrix: Float[np.ndarray, "r r"]) -> float:
    """Return a number above all eigenvalues of a positive semidefinite matrix, by 1e-5 at most.

    Lanczos' method finds the largest, perhaps not all of it; that none is above a number t is shown
    by a Cholesky factor of t − matrix.
    """
    if len(matrix) > _LESS:
        try:
            begin = np.ones(len(matrix))
            tol: Any = _LANCZOS  # which the stubs take for an integer
            found = eigsh(matrix, 1, v0=begin, tol=tol, return_eigenvectors=False)
            top = float(found[0]) * (1 + 4 * _LANCZOS)
            np.linalg.cholesky(top * np.eye(len(matrix)) - matrix)
            return top
        except (ArpackNoConvergence, LinAlgError):
            pass
    return float(np.linalg.eigvalsh(matrix)[-1]) * (1 + SLACK)


def stretch(
    m: Float[np.ndarray, "r r"],
    b: Float[np.ndarray, "r k"],
    linear: list[Float[np.ndarray, "k r"]],
    constant: Float[np.ndarray, " k"],
    start: np.ndarray | None = None,
    enough: float = 0.0,
) -> tuple[float, np.ndarray | None]:
    """Return γ, inflated by the slack, and the multipliers, to start the next search from.

    Args:
        m: M.
        b: B, one column an uncertain summand.
        linear: the C_k.
        constant: e.
        start: multipliers that an earlier call with the same shapes returned.
        enough: a γ² at which the search for better ones ends.
    """
    nominal = float(np.linalg.norm(m, 2))
    widths = np.linalg.norm(b, axis=0)
    sizes = np.stack([*(np.linalg.norm(c, axis=1) for c in linear), constant])
    present = sizes * widths > _NOTHING * max(nominal, 1e-300)
    some = present.any(axis=0)
    if not some.any():
        return nominal * (1 + SLACK), None
    problem = _Problem(
        m=m, b=b[:, some], rows=[c[some] for c in linear], sizes=sizes[:, some],
        present=present[:, some],
    )  # fmt: skip
    best, logs = np.inf, np.empty(0)
    if start is not None and start.shape == (problem.present.size,):
        best, logs = problem.square(start)[0], start
    if best > enough:
        # What served before may be useless here, and then no search recovers from it.
        for candidate in problem.candidates(widths[some]):
            value = problem.square(candidate)[0]
            if value < best:
                best, logs = value, candidate
    if problem.b.shape[1] <= _SEARCHED and best > enough:
        best, logs = _searched(problem, best, logs, enough)
    return float(np.sqrt(best)) * (1 + SLACK), logs


class _Problem:
    """The bound γ² as a function of the multipliers; each summand and column has one.

    Attributes:
        b, rows: B and the C_k, of the columns that count.
        sizes: ‖(C_k)_j‖ and, last, e_j, (summands, k).
        present: which of the summands and columns count, (summands, k).
    """

    def __init__(
        self,
        *,
        m: Float[np.ndarray, "r r"],
        b: Float[np.ndarray, "r k"],
        rows: list[Float[np.ndarray, "k r"]],
        sizes: Float[np.ndarray, "s k"],
        present: Bool[np.ndarray, "s k"],
    ):
        self.b, self.rows, self.sizes, self.present = b, rows, sizes, present
        self._mm, self._mb, self._bb = m.T @ m, m.T @ b, b.T @ b

    def candidates(self, widths: Float[np.ndarray, " k"]) -> list[np.ndarray]:
        """Return multipliers, as logarithms, to begin with: balanced, at a few scales."""
        balanced = np.where(self.present, widths / np.where(self.present, self.sizes, 1.0), 1.0)
        count = np.maximum(1, self.present.sum(axis=0))
        scale = float(np.linalg.norm(self.b / np.sqrt(balanced.min(axis=0) / count), 2)) ** 2
        return [np.log(balanced * scale * k).ravel() for k in (1.05, 2.0, 5.0, 20.0)]

    def square(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        """Return γ² and its gradient in the logarithms of the multipliers."""
        present, sizes = self.present, self.sizes
        if np.abs(logs).max() > _LARGEST_LOG:  # nothing could be computed from them
            return 1e12, np.zeros(logs.size)
        multipliers = np.where(present, np.exp(logs.reshape(present.shape)), 0.0)
        inverse = np.where(present, np.exp(-logs.reshape(present.shape)), 0.0)
        joint = 1 / inverse.sum(axis=0)
        try:
            factor = cho_factor(np.diag(joint) - self._bb, lower=True, check_finite=False)
        except LinAlgError:
            return 1e12, np.zeros(logs.size)
        solved = cho_solve(factor, self._mb.T, check_finite=False)
        total = self._mm + self._mb @ solved
        for c, some in zip(self.rows, multipliers, strict=False):
            total = total + c.T @ (some[:, None] * c)
        values, vectors = np.linalg.eigh((total + total.T) / 2)
        top = vectors[:, -1]
        gains = np.stack([*((c @ top) ** 2 for c in self.rows), sizes[-1] ** 2])
        loss = (solved @ top) ** 2 * joint**2
        gradient = gains * multipliers - loss * inverse
        return float(values[-1] + multipliers[-1] @ sizes[-1] ** 2), gradient.ravel()


def _searched(
    problem: _Problem, best: float, logs: np.ndarray, enough: float
) -> tuple[float, np.ndarray]:
    """Return a smaller γ² and its multipliers by L-BFGS, or those given if it finds none."""

    def done(intermediate_result: OptimizeResult) -> None:
        if intermediate_result.fun <= enough:
            raise StopIteration

    found = minimize(
        problem.square, logs, jac=True, method="L-BFGS-B", callback=done,
        options={"maxiter": _STEPS},
    )  # fmt: skip
    return (float(found.fun), found.x) if found.fun < best else (best, logs)
