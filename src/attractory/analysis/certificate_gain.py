r"""How much a linear map with bounded, otherwise unknown perturbations can stretch a vector.

Given the set of all y = M δ + B Σ_k w_k with |w_kj| ≤ |(C_k δ)_j| and |v_j| ≤ e_j ‖δ‖ for one more
summand v, a bound ‖y‖ ≤ γ‖δ‖ follows from any positive multipliers λ (the S-procedure of robust
control: Yakubovich; Boyd et al., *Linear Matrix Inequalities in System and Control Theory*, 1994,
sections 2.6.3 and 8.1): the best split of a sum of summands acts like one summand of multiplier
Λ = 1/Σ_k 1/λ_k, and if Λ ≻ BᵀB,

    γ² = λ_max(MᵀM + Σ_k C_kᵀ λ_k C_k + MᵀB (Λ − BᵀB)⁻¹ BᵀM) + Σ_j λ_j e_j².

The bound holds for every choice, so the search for a good one need not be exact.
"""

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import OptimizeResult, minimize

SLACK = 1e-9  # relative; rounding in these sums is some 1e-13
_SEARCHED = 300  # columns up to which multipliers are optimised, not only scaled
_STEPS = 60


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
    # What cannot move the result in double precision is covered by the slack.
    present = sizes * widths > 1e-14 * max(nominal, 1e-300)
    columns = present.any(axis=0)
    if not columns.any():
        return nominal * (1 + SLACK), None
    b, widths, sizes, present = (
        b[:, columns],
        widths[columns],
        sizes[:, columns],
        present[:, columns],
    )
    rows = [c[columns] for c in linear]
    bb, mb = b.T @ b, m.T @ b
    mm = m.T @ m

    def square(logs: np.ndarray) -> tuple[float, np.ndarray]:
        """Return γ² and its gradient in the logarithms of the multipliers."""
        multipliers = np.where(present, np.exp(logs.reshape(present.shape)), 0.0)
        inverse = np.where(present, np.exp(-logs.reshape(present.shape)), 0.0)
        joint = 1 / inverse.sum(axis=0)
        try:
            factor = cho_factor(np.diag(joint) - bb, lower=True, check_finite=False)
        except LinAlgError:
            return 1e12, np.zeros(logs.size)
        solved = cho_solve(factor, mb.T, check_finite=False)
        total = mm + mb @ solved
        for c, some in zip(rows, multipliers, strict=False):
            total = total + c.T @ (some[:, None] * c)
        values, vectors = np.linalg.eigh((total + total.T) / 2)
        top = vectors[:, -1]
        gains = np.stack([*((c @ top) ** 2 for c in rows), sizes[-1] ** 2])
        loss = (solved @ top) ** 2 * joint**2
        gradient = gains * multipliers - loss * inverse
        return float(values[-1] + multipliers[-1] @ sizes[-1] ** 2), gradient.ravel()

    if start is not None and start.shape == (present.size,):
        best, logs = square(start)[0], start
    else:
        balanced = np.where(present, widths / np.where(present, sizes, 1.0), 1.0)
        count = np.maximum(1, present.sum(axis=0))
        scale = float(np.linalg.norm(b / np.sqrt(balanced.min(axis=0) / count), 2)) ** 2
        candidates = [np.log(balanced * scale * k).ravel() for k in (1.05, 2.0, 5.0, 20.0)]
        best, logs = min(((square(c)[0], c) for c in candidates), key=lambda pair: pair[0])
    if b.shape[1] <= _SEARCHED and best > enough:

        def done(intermediate_result: OptimizeResult) -> None:
            if intermediate_result.fun <= enough:
                raise StopIteration

        found = minimize(
            square, logs, jac=True, method="L-BFGS-B", callback=done, options={"maxiter": _STEPS}
        )
        if found.fun < best:
            best, logs = float(found.fun), found.x
    return float(np.sqrt(best)) * (1 + SLACK), logs
