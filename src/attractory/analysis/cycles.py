r"""Newton's method for the points of a cycle, kept from running to another one.

A point of a cycle of period p solves fᵖ(x) = x. One step is x ← x + (I − J)⁻¹(fᵖ(x) − x) with J the
product of the Jacobians along the cycle; where the map offers J = L R of low rank, (I − L R)⁻¹ =
I + L (I − R L)⁻¹ R makes it cheap. A step that leads farther than `reach` from the start, or does
not reduce the residual, is not taken.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from attractory.analysis.spectrum import orbit_jacobian
from attractory.maps.protocol import Map

__all__ = ["RefinedCycle", "refine_cycle"]

_STEPS = 8
_EQUAL = 1e-9  # difference of coordinates, relative to the largest, that counts as rounding


class RefinedCycle(NamedTuple):
    """A cycle from its smallest point on, ‖fᵖ(x) − x‖ there, and whether Newton improved it."""

    points: Float[np.ndarray, "p d"]
    residual: float
    refined: bool


def refine_cycle(f: Map, start: Float[np.ndarray, " d"], period: int, reach: float) -> RefinedCycle:
    """Return the cycle through a point by Newton's method, or as it is where that fails."""
    best, orbit, residual = start, *_orbit(f, start, period)
    for _ in range(_STEPS):
        try:
            point = best + _newton(f, orbit[:-1], orbit[-1] - best)
        except np.linalg.LinAlgError:
            break
        # Further away there may be another fixed point. (NaN ends it, too.)
        if not np.linalg.norm(point - start) <= reach:
            break
        new_orbit, new_residual = _orbit(f, point, period)
        if not new_residual < residual:
            break
        best, orbit, residual = point, new_orbit, new_residual
    cycle = orbit[:-1]
    refined = best is not start
    # It begins at its smallest point, so that a cycle is the same whichever start found it.
    points = np.roll(cycle, -_smallest(cycle), axis=0)
    return RefinedCycle(points, residual, refined)


def _smallest(cycle: Float[np.ndarray, "p d"]) -> int:
    """Return which point is the smallest by first coordinate, then second, and so on.

    Coordinates that differ by rounding alone are equal: the next one decides.
    """
    left = np.arange(len(cycle))
    room = _EQUAL * np.abs(cycle).max()
    for column in cycle.T:
        if len(left) == 1:
            break
        left = left[column[left] <= column[left].min() + room]
    return int(left[0])


def _orbit(
    f: Map, start: Float[np.ndarray, " d"], period: int
) -> tuple[Float[np.ndarray, "q d"], float]:
    """Return the points x, f(x), …, fᵖ(x), and ‖fᵖ(x) − x‖."""
    points = [start]
    for _ in range(period):
        points.append(np.asarray(f(jnp.asarray(points[-1])), float))
    return np.array(points), float(np.linalg.norm(points[-1] - start))


def _newton(
    f: Map, cycle: Float[np.ndarray, "p d"], missed: Float[np.ndarray, " d"]
) -> Float[np.ndarray, " d"]:
    """Solve (I − J) step = missed, J the product of the Jacobians along the cycle."""
    left, right = orbit_jacobian(f, cycle)
    if right is None:
        return np.linalg.solve(np.eye(len(missed)) - left, missed)
    inner = np.eye(len(right)) - right @ left
    return missed + left @ np.linalg.solve(inner, right @ missed)
