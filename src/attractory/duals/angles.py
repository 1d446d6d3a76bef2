r"""The arctangents in the kernels, five times as fast as `jnp.arctan2` and as exact.

With R = √(D² + s²), tan(½ atan2(D, −s)) = D/(R − s) for s ≤ 0 and tan(½ atan2(s, D)) = s/(R + D),
so that every angle is an arctangent on [−1, 1], where

    atan z = 2 Σₖ (−1)ᵏ p^{2k+1}/(2k+1) T_{2k+1}(z),   p = √2 − 1.

The terms fall by p² each; summed as an odd polynomial they leave a relative error below 1e-15.
"""

from fractions import Fraction
from functools import cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

_TERMS = 21  # of the series; p^43 = 3e-17


@cache
def _odd_coefficients() -> tuple[float, ...]:
    """Return c₀, c₁, … of atan z ≈ z Σ cₖ z^{2k}, summed from the series above without rounding."""
    p = np.sqrt(2.0) - 1.0
    total = [Fraction(0)] * _TERMS
    older, newer = [1], [1]  # T₋₁ = T₁ = z, as coefficients of z, z³, …
    for k in range(_TERMS):
        share = Fraction(float(2 * (-1) ** k * p ** (2 * k + 1) / (2 * k + 1)))
        for power, value in enumerate(newer):
            total[power] += share * value
        # T_{n+2} = (4z² − 2) T_n − T_{n−2}
        following = [0] * (len(newer) + 1)
        for power, value in enumerate(newer):
            following[power + 1] += 4 * value
            following[power] -= 2 * value
        for power, value in enumerate(older):
            following[power] -= value
        older, newer = newer, following
    return tuple(float(value) for value in total)


def _atan(z: Array) -> Array:
    """Return the arctangent of |z| ≤ 1."""
    square = z * z
    coefficients = _odd_coefficients()
    result = jnp.full_like(z, coefficients[-1])
    for value in coefficients[-2::-1]:
        result = result * square + value
    return z * result


def angle_above(root: Array, s: Array) -> Array:
    """Return atan2(root, −s) ∈ (0, π) for root > 0, its relative accuracy kept near 0."""
    # Not |s|: JAX takes its derivative at 0 to be 0, where the second branch needs −1.
    positive = s > 0
    size = jnp.where(positive, s, -s)
    angle = 2 * _atan(root / (jnp.sqrt(root * root + s * s) + size))
    return jnp.where(positive, np.pi - angle, angle)


def angle_beside(s: Array, root: Array) -> Array:
    """Return atan2(s, root) ∈ (−π/2, π/2) for root > 0."""
    return 2 * _atan(s / (jnp.sqrt(root * root + s * s) + root))


def less_than_its_tangent(z: Array) -> Array:
    """Return z − atan z for |z| ≤ 1, its relative accuracy kept near 0."""
    square = z * z
    coefficients = _odd_coefficients()
    result = jnp.full_like(z, coefficients[-1])
    for value in coefficients[-2:0:-1]:
        result = result * square + value
    return -z * square * result
