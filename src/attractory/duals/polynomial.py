r"""Polynomials, monomials and Hermite series as activations.

A series Σ cₙ hₙ in normalised Hermite polynomials hₙ = Heₙ/√n! of an input of variance a is
Σ eⱼ(a) √aʲ hⱼ of its standardised input, with

    eⱼ(a) = Σₖ c_{j+2k} √((j + 2k)!/j!) (a − 1)ᵏ / (2ᵏ k!),   E[φ(u)φ(v)] = Σⱼ eⱼ(a) eⱼ(b) sʲ,

and E[φ′(u)φ′(v)] is its derivative in s (Price's theorem).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array
from numpy.polynomial import hermite_e

from attractory._util.precision import double
from attractory.duals.protocol import DualActivation, checked_number

__all__ = ["Polynomial"]

_HIGHEST = 20  # degree: beyond it sums of terms of both signs lose the digits that are promised


@jax.tree_util.register_static
@dataclass(frozen=True)
class Polynomial(DualActivation):
    """The activation Σ cₙ hₙ(x), a series in normalised Hermite polynomials hₙ = Heₙ/√n!.

    `Polynomial.of_powers` takes the coefficients of x⁰, x¹, … instead.

    Attributes:
        coefficients: c₀, c₁, …, of degree 1 to 20.
        powers: the same as coefficients of x⁰, x¹, …; made if not given.

    Raises:
        ValueError: if a coefficient is not finite, or the degree out of range.

    Example:
        >>> Polynomial.of_powers((0.0, 0.0, 0.0, 1.0)).name
        'x^3'
        >>> float(Polynomial((0.0, 0.0, 1.0))(2.0))  # (4 − 1)/√2
        2.1213203435596424
    """

    coefficients: tuple[float, ...]
    powers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the coefficients."""
        values = tuple(checked_number(c, "coefficients") for c in self.coefficients)
        if not 2 <= len(values) <= _HIGHEST + 1 or not any(values[1:]):
            raise ValueError(
                f"coefficients must be of degree 1 to {_HIGHEST}, got {len(values)} of them"
            )
        object.__setattr__(self, "coefficients", values)
        if not self.powers:
            object.__setattr__(self, "powers", tuple(map(float, _powers(values))))

    @classmethod
    def of_powers(cls, powers: tuple[float, ...]) -> "Polynomial":
        """Return the polynomial Σ powersₙ xⁿ."""
        values = tuple(checked_number(c, "powers") for c in powers)
        series = hermite_e.poly2herme(np.asarray(values)) * _root_factorials(len(values))
        return cls(tuple(map(float, series)), values)

    @property
    def name(self) -> str:
        """The name shown in tables and errors."""
        used = [n for n, c in enumerate(self.powers) if c]
        if len(used) == 1 and self.powers[used[0]] == 1:
            return f"x^{used[0]}"
        return "hermite(" + ", ".join(f"{c:g}" for c in self.coefficients) + ")"

    @property
    def least_scale(self) -> float:
        """Infinite: nothing depends on the gap."""
        return np.inf

    def describe(self) -> dict[str, object]:
        """Return the coefficients."""
        return {"polynomial": list(self.coefficients), "powers": list(self.powers)}

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""
        x = jnp.asarray(x)
        result = jnp.full_like(x * 1.0, self.powers[-1])
        for value in self.powers[-2::-1]:
            result = result * x + value
        return result

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        value = slope = jnp.zeros_like(s + a + b)
        for j in range(len(self.coefficients) - 1, -1, -1):
            term = self._part(j, a) * self._part(j, b)
            slope = slope * s + value
            value = value * s + term
        return value, slope

    def _part(self, j: int, a: Array) -> Array:
        """Return eⱼ(a), from powers where there is one alone, so that nothing cancels."""
        if self.name.startswith("x^"):
            degree = len(self.powers) - 1
            if (degree - j) % 2:
                return jnp.zeros_like(a)
            k = (degree - j) // 2
            share = factorial(degree) / (factorial(k) * 2**k * np.sqrt(factorial(j)))
            return share * a**k
        result = jnp.zeros_like(a)
        for k in range((len(self.coefficients) - 1 - j) // 2, -1, -1):
            root = np.sqrt(float(factorial(j + 2 * k) // factorial(j)))
            result = (
                result * (a - 1)
                + float(root / (2**k * factorial(k))) * self.coefficients[j + 2 * k]
            )
        return result


@lru_cache(maxsize=64)
def _powers(coefficients: tuple[float, ...]) -> np.ndarray:
    return hermite_e.herme2poly(np.asarray(coefficients) / _root_factorials(len(coefficients)))


def _root_factorials(count: int) -> np.ndarray:
    return np.array([np.sqrt(float(factorial(n))) for n in range(count)])
