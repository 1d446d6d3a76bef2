r"""Conjugate gradients for many right-hand sides at once: K A = B without K.

All columns share one search space. With D an orthonormal basis of the directions, one step is

    A ← A + D (DᵀKD)⁻¹ DᵀR,   R ← R − K D (DᵀKD)⁻¹ DᵀR,   D ← orth(Z − D (DᵀKD)⁻¹ (KD)ᵀ Z),

Z the preconditioned residual (O'Leary, 1980, with the directions orthonormalised, as in Dubrulle,
2001, which keeps the columns independent). A step costs the same products as solving column by
column, and its error is the least over all matrix polynomials: one step removes the c largest
eigenvalues, the next one c more. A memory's right-hand sides are its patterns, which nearly span
those eigenvectors (K ≈ κ(0)11ᵀ + αG + βI, `memory.norm_rule`), so that a dozen steps are enough
where single columns take hundreds.

Rounds run in float32 as long as they reduce the residual, which is measured in float64.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, cho_factor, cho_solve, qr

__all__ = ["Solution", "solve"]

_INNER = 1e-4  # least residual of a round in float32, relative to that at its start
_GAIN = 0.3  # residual that a round may leave, relative to that at its start; else it stalled
_WITHIN = 0.8  # of the tolerance, that a round is to reach
_SLOW = 1e-3, 0.3  # residual from which on a step in float32 must leave no more of the last one's
_EVERY = 200  # steps of one round in float32, at most


class Solution(NamedTuple):
    """The solution and its accuracy.

    Attributes:
        coefficients: A, (n, c).
        residual: ‖(B − K A)ᵢ‖ relative to `sizes`, measured in float64, (n,).
        steps: products with K, of either precision.
        converged: whether all residuals are within the tolerance.
    """

    coefficients: Float[np.ndarray, "n c"]
    residual: Float[np.ndarray, " n"]
    steps: int
    converged: bool


def solve(
    product: Callable[[np.ndarray], np.ndarray],
    right: Float[np.ndarray, "n c"],
    sizes: Float[np.ndarray, " n"],
    *,
    tolerance: float,
    max_steps: int,
    precondition: Callable[[np.ndarray], np.ndarray] | None = None,
    report: Callable[[int, float], object] = lambda steps, residual: None,
) -> Solution:
    """Solve K A = B by rounds of conjugate gradients, each on what the last one left.

    Args:
        product: V ↦ K V in V's precision, K symmetric positive definite.
        right: B.
        sizes: what the residual of each row is relative to.
        tolerance: largest relative residual of a row that is small enough.
        max_steps: products, of either precision.
        precondition: R ↦ P⁻¹R for P like K.
        report: called with the products so far and the largest relative residual.
    """
    found, rest, steps = np.zeros_like(right), right.copy(), 0
    worst = _worst(rest, sizes)
    kind: Any = np.float32
    while worst > tolerance and steps < max_steps:
        goal = max(_WITHIN * tolerance / worst, _INNER if kind is np.float32 else 0.0)
        scale = float(np.abs(rest).max())
        change, used = _round(
            product, (rest / scale).astype(kind), sizes / sizes.max(), goal,
            min(max_steps - steps, _EVERY if kind is np.float32 else max_steps), precondition,
            lambda k, part, at=(steps, worst): report(at[0] + k, at[1] * part),
        )  # fmt: skip
        steps += used
        trial = found + scale * change
        left = right - product(trial)
        steps += 1
        # The largest residual of a row need not fall in every round; the norm of all of them does.
        gain = float(np.linalg.norm(left) / np.linalg.norm(rest))
        if gain < 1:
            found, rest, worst = trial, left, _worst(left, sizes)
            report(steps, worst)
        if not gain < _GAIN:
            if kind is np.float64:
                break
            kind = np.float64
    residual = np.linalg.norm(rest, axis=1) / sizes
    return Solution(found, residual, steps, bool(worst <= tolerance))


def _worst(rest: np.ndarray, sizes: np.ndarray) -> float:
    return float((np.linalg.norm(rest, axis=1) / sizes).max())


def _round(
    product: Callable[[np.ndarray], np.ndarray],
    right: np.ndarray,
    sizes: np.ndarray,
    goal: float,
    max_steps: int,
    precondition: Callable[[np.ndarray], np.ndarray] | None,
    report: Callable[[int, float], object],
) -> tuple[np.ndarray, int]:
    """Reduce the largest residual of a row by the factor `goal`; return A and the steps."""
    ahead = precondition or (lambda r: r)
    found, rest = np.zeros_like(right), right.copy()
    first, part = _worst(rest, sizes), 1.0
    # A block that nearly spans the eigenvectors gains by starting anew what rounding takes from it.
    single = right.dtype == np.float32 and precondition is None
    directions = _basis(ahead(rest).copy())
    for k in range(1, max_steps + 1):
        image = product(directions)
        inner = directions.T @ image
        try:
            factor = cho_factor((inner + inner.T) / 2, check_finite=False)
        except LinAlgError:  # K is not positive definite in this precision
            return found, k
        along = cho_solve(factor, directions.T @ rest, check_finite=False)
        found += directions @ along
        rest -= image @ along
        last, part = part, _worst(rest, sizes) / first
        report(k, part)
        if not part > goal or (single and part < _SLOW[0] and part > _SLOW[1] * last):
            return found, k
        new = ahead(rest)
        new = new - directions @ cho_solve(factor, image.T @ new, check_finite=False)
        directions = _basis(new)
    return found, max_steps


def _basis(block: np.ndarray) -> np.ndarray:
    """Return orthonormal columns whose span includes the block's; the block is overwritten."""
    parts: Any = qr(block, mode="economic", overwrite_a=True, check_finite=False)
    return parts[0]
