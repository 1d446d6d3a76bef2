r"""Newton's method for cycles, kept from running to another one.

A point of a cycle of period p solves fᵖ(x) = x. One step is x ← x + (I − J)⁻¹(fᵖ(x) − x) with J the
product of the Jacobians along the cycle; where the map offers J = L R of low rank, (I − L R)⁻¹ =
I + L (I − R L)⁻¹ R makes it cheap. A point that is farther than `reach` from the first, or no
better than the one before, is dropped.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from attractory.analysis.spectrum import orbit_jacobian

__all__ = ["refine_cycle"]

_STEPS = 8


def refine_cycle(
    f: Any, start: np.ndarray, period: int, reach: float
) -> tuple[np.ndarray, float, bool]:
    """Return the cycle through a point by Newton's method, or as it is where that does not do."""
    best, orbit, residual = start, *_orbit(f, start, period)
    for _ in range(_STEPS):
        try:
            point = best + _newton(f, orbit[:-1], orbit[-1] - best)
        except np.linalg.LinAlgError:
            break
        # Not where another fixed point may be, and nothing that is no better.
        if not np.linalg.norm(point - start) <= reach:
            break
        new_orbit, new_residual = _orbit(f, point, period)
        if not new_residual < residual:
            break
        best, orbit, residual = point, new_orbit, new_residual
    cycle = orbit[:-1]
    refined = best is not start
    # From its smallest point, so that one cycle always reads the same.
    return np.roll(cycle, -int(np.lexsort(cycle.T[::-1])[0]), axis=0), residual, refined


def _orbit(f: Any, start: np.ndarray, period: int) -> tuple[np.ndarray, float]:
    """Return the points x, f(x), …, fᵖ(x), and ‖fᵖ(x) − x‖."""
    points = [start]
    for _ in range(period):
        points.append(np.asarray(f(jnp.asarray(points[-1])), float))
    return np.array(points), float(np.linalg.norm(points[-1] - start))


def _newton(f: Any, cycle: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """Solve (I − J) step = missed, J the product of the Jacobians along the cycle."""
    left, right = orbit_jacobian(f, cycle)
    if right is None:
        return np.linalg.solve(np.eye(len(missed)) - left, missed)
    inner = np.eye(len(right)) - right @ left
    return missed + left @ np.linalg.solve(inner, right @ missed)
