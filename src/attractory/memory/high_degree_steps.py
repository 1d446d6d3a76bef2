r"""Recall steps by the map's terms of high degree, in which many unlike patterns do not add up.

On a sphere the map is a sum over degrees in the correlations ρᵢ of a state with the patterns,

    f(x) = Σₖ cₖ Σᵢ ρᵢᵏ aᵢ,

cₖ the Taylor coefficients of the kernel κ(ρ), A = K⁻¹X̂. (I − S)⁻¹ aᵢ is near pᵢ/h(1), and for
patterns that are alike what tells them apart (`memory.drift_free_steps`). So each degree is a
vote: a pattern that the state has a correlation ρ with has ρᵏ of it, and the others, which are
many and among themselves alike, have together what they are little like it. At k = 1 these win; it
is what
the drift is. At k = 3 they still do where patterns are thousands or stand in groups: of 1,000
digits the vote names the right one, and the sum of its group carries the state off. Without
terms of degree below 7,

    v = (I − S)⁻¹ Σᵢ h₇(ρᵢ) aᵢ,   h₇(ρ) = κ(ρ) − Σₖ cₖρᵏ over k < 7,   x ← (1 − b) x + b v/|v|,

recall finds nearly what the nearest pattern at its start is (docs/explanation/recall.md).
Only the direction of v is used: where all correlations are small v is tiny. Stored patterns are
nearly at rest; what follows brings the state to them exactly. A state costs two products with the
patterns, as in f.
"""

from functools import lru_cache
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory.activations import Activation
from attractory.maps.kernel_regression import by_blocks
from attractory.maps.uncompiled import InNumpy
from attractory.memory.norm_rule import by_correlation

__all__ = [
    "DEGREE", "PACE", "HighDegreeStep", "to_norm", "to_norm_in_numpy", "votes_in_numpy", "votes_of",
    "without_low_degrees",
]  # fmt: skip

DEGREE = 7  # the least left in
PACE = 0.7  # b
_TAYLOR, _FITTED = 0.5, 19  # |ρ| up to which κ is a polynomial, and its degree
_PLACES = 1 << 14  # of the table of h
_AT_ONCE = 1 << 15  # correlations: what they take stays in a core's cache
_SEEN = 1e-8  # share of h in κ, at the end of the polynomial, below which it is rounding


class HighDegreeStep(eqx.Module):
    """The step x ↦ (1 − b) x + b v/|v|, back to one norm.

    Attributes:
        patterns: of norm 1, (n, d).
        votes: (I − S)⁻¹ aᵢ, (n, d).
        table: h₇ at correlations from −1 to 1.
        norm: of the states.
    """

    patterns: Float[Array | np.ndarray, "n d"]
    votes: Float[Array | np.ndarray, "n d"]
    table: Float[Array | np.ndarray, " m"]
    norm: Float[Array | np.ndarray, ""]

    def __call__(self, x: Float[Array, "k d"]) -> Float[Array, "k d"]:
        """Step from states."""
        return by_blocks(self._step, x, self.patterns.shape[0])

    def _step(self, x: Array) -> Array:
        vote = votes_of(x / self.norm, self.patterns, self.table) @ self.votes
        return to_norm((1 - PACE) * x + PACE * to_norm(vote, self.norm), self.norm)

    def in_numpy(self) -> InNumpy:
        """Return the step in NumPy, for few states."""
        patterns, votes, table = (np.asarray(v) for v in (self.patterns, self.votes, self.table))
        norm = np.asarray(self.norm)

        def step(x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
            vote = votes_in_numpy((x / norm) @ patterns.T, table) @ votes
            return to_norm_in_numpy((1 - PACE) * x + PACE * to_norm_in_numpy(vote, norm), norm)

        return InNumpy(step, len(patterns))


def votes_of(
    unit: Float[Array, "k d"],
    patterns: Float[Array | np.ndarray, "n d"],
    table: Float[Array | np.ndarray, " m"],
) -> Float[Array, "k n"]:
    """Return what a table over −1 to 1 has at the correlations of unit vectors and patterns."""
    table = jnp.asarray(table)
    last = table.shape[0] - 1
    place = (jnp.clip(unit @ patterns.T, -1, 1) + 1) * (last / 2)
    below = jnp.minimum(place.astype(jnp.int32), last - 1)
    here = table[below]
    return here + (place - below) * (table[below + 1] - here)


def votes_in_numpy(
    rho: Float[np.ndarray, "k n"], table: Float[np.ndarray, " m"]
) -> Float[np.ndarray, "k n"]:
    """Return what a table over −1 to 1 has at correlations, in NumPy."""
    last, out = len(table) - 1, np.empty_like(rho)
    size = max(1, _AT_ONCE // max(1, rho.shape[1]))
    for k in range(0, len(rho), size):
        place = np.clip(rho[k : k + size], -1, 1)
        place += 1
        place *= last / 2
        below = np.minimum(place.astype(np.int32), last - 1)
        place -= below.astype(place.dtype)
        here = table[below]
        below += 1
        there = table[below]
        there -= here
        there *= place
        np.add(here, there, out=out[k : k + size])
    return out


def to_norm_in_numpy(x: Float[np.ndarray, "k d"], norm: Any) -> Float[np.ndarray, "k d"]:
    """Return what `to_norm` does, in NumPy."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x * (norm / np.where(length > 0, length, 1)).astype(x.dtype)


def to_norm(x: Array, norm: Any) -> Array:
    """Return states brought to a norm, those that are 0 as they are."""
    length = jnp.linalg.norm(x, axis=-1, keepdims=True)
    return x * (norm / jnp.where(length > 0, length, 1.0)).astype(x.dtype)


@lru_cache(maxsize=16)  # a change of rows leaves the norm as it is
def without_low_degrees(
    norm: float, act: Activation, depth: int, dim: int, degree: int = DEGREE
) -> Float[np.ndarray, " m"] | None:
    """Return h/h(1), the terms of a degree and more, at correlations evenly from −1 to 1.

    Near 0 it is summed from Taylor coefficients: as κ less its low terms it would be rounding.

    Returns:
        An array not to be written to; None if κ is a polynomial of lower degree, to working
        precision, as at very small norms.
    """

    def kernel(rho: np.ndarray) -> np.ndarray:
        return by_correlation(rho, norm, act, depth, 0.0, dim)

    series: Any = np.polynomial.Chebyshev.interpolate(kernel, _FITTED, domain=[-_TAYLOR, _TAYLOR])
    taylor = series.convert(kind=np.polynomial.Polynomial, domain=[-1, 1]).coef
    rho = np.linspace(-1, 1, _PLACES + 1)
    high = rho**degree * np.polynomial.polynomial.polyval(rho, taylor[degree:])
    far = np.abs(rho) > _TAYLOR
    values = kernel(rho[far])
    high[far] = values - np.polynomial.polynomial.polyval(rho[far], taylor[:degree])
    at_edge = high[np.searchsorted(rho, _TAYLOR)]
    if not at_edge > _SEEN * np.abs(values).max():
        return None
    return high / high[-1]
