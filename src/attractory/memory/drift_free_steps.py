r"""Recall steps without the linear part of the map, along which iteration drifts.

On a sphere of norm r the kernel of two points is a function of their correlation ρ alone. Write it
as κ(0) + αρ + h(ρ), h of second order or higher. With coefficients A = K⁻¹X̂ a memory's map is

    f(x) = κ(0) Σᵢ aᵢ + S x + Σᵢ h(ρᵢ) aᵢ,   S = (α/r²) X̂ᵀA = (α/r²) X̂ᵀK⁻¹X̂,

S symmetric, with eigenvalues from 0 to below 1: near 1 along directions that the patterns fill
strongly, near 0 along others. So x ← f(x) takes little off a state along strong directions, nearly
all along the weak ones, by which patterns differ, and what it puts there instead is in the same
proportions: where h(ρᵢ) is small between patterns, aᵢ ≈ (I − S) pᵢ/h(1). Therefore

    x ← x + b (I − S)⁻¹ (f(x) − x) ≈ (1 − b) x + b Σᵢ (h(ρᵢ)/h(1)) pᵢ,   then back to the norm,

moves a state at one pace along all directions, towards the patterns it is like: Newton's step for
f(x) = x with the Jacobian of a place without patterns, damped by b. Every stored pattern is at
rest. Without biases h is odd, ρ³ at first, and the many patterns that a state is little like have
no say; with them it has ρ², whose sum over many patterns has (docs/recall.md). Where patterns are
thousands ρ³ is not enough either, and `memory.high_degree_steps` goes first.
"""

from functools import cached_property
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import DTypeLike

from attractory.maps.protocol import Map
from attractory.memory.high_degree_steps import HighDegreeStep, to_norm, without_low_degrees
from attractory.memory.norm_rule import expansion
from attractory.memory.stored_map import KernelStore

__all__ = ["DriftFreeStep", "LinearPart"]

_PACE = 0.7  # b
_SOFT = 0.01  # added to I − S, of its mean over what patterns have: rounding is not enlarged more
_NONE = 1e-9  # eigenvalues of S below this are none


class DriftFreeStep(eqx.Module):
    """The step x ↦ x + b (I − S + ε)⁻¹ (f(x) − x) of a map f, back to one norm.

    Attributes:
        inner: f.
        basis: orthonormal directions, (d, q).
        along: b/(1 − s + ε) along them, (q,).
        across: b/(1 + ε).
        norm: of the states.
    """

    inner: Map
    basis: Float[Array | np.ndarray, "d q"]
    along: Float[Array | np.ndarray, " q"]
    across: Float[Array | np.ndarray, ""]
    norm: Float[Array | np.ndarray, ""]

    def __call__(self, x: Float[Array, "k d"]) -> Float[Array, "k d"]:
        """Step from states."""
        change = jnp.asarray(self.inner(x), x.dtype) - x
        new = x + _scaled(change, self.basis, self.along, self.across)
        return to_norm(new, self.norm)


def _scaled(rows: Any, basis: Any, along: Any, across: Any) -> Any:
    """Return rows with factors along a basis, and one across it."""
    return across * rows + ((rows @ basis) * (along - across)) @ basis.T


class LinearPart:
    """S of a kernel memory's map, worked out when first asked for.

    Args:
        store: of the map, its patterns of one norm.
    """

    def __init__(self, store: KernelStore):
        self._store = store
        self.norm = float(np.linalg.norm(store.x[0]))

    @cached_property
    def parts(self) -> tuple[Float[np.ndarray, "d q"], Float[np.ndarray, " q"], float]:
        """Basis, 1 − s along it, and the mean of 1 − s weighted by the patterns' squares."""
        store, rule = self._store, self._store.settings
        coefficients = np.asarray(store.map().coefficients)
        slope, _ = expansion(self.norm, rule.activation, rule.depth, 0.0, store.x.shape[1])
        matrix = (slope / self.norm**2) * (store.x.T @ coefficients)
        kept, basis = np.linalg.eigh((matrix + matrix.T) / 2)
        some = kept > _NONE
        lost, basis = np.maximum(1 - kept[some], _NONE), np.ascontiguousarray(basis[:, some])
        strength = ((store.x @ basis) ** 2).sum(axis=0)
        return basis, lost, float((strength @ lost) / strength.sum())

    @property
    def _inverse(self) -> tuple[Float[np.ndarray, "d q"], Float[np.ndarray, " q"], float]:
        """(I − S + ε)⁻¹: a basis, the factors along it, and that across it."""
        basis, lost, mean = self.parts
        soft = _SOFT * mean
        return basis, 1 / (lost + soft), 1 / (1 + soft)

    @cached_property
    def high_degree_step(self) -> HighDegreeStep | None:
        """The step by the map's terms of high degree, in float32; None if it has none."""
        store, rule = self._store, self._store.settings
        table = without_low_degrees(self.norm, rule.activation, rule.depth, store.x.shape[1])
        if table is None:
            return None
        votes = _scaled(np.asarray(store.map().coefficients), *self._inverse)
        votes /= np.abs(votes).max()
        values = store.x / self.norm, votes, table, self.norm
        return HighDegreeStep(*(np.asarray(v, np.float32) for v in values))

    def drift_free_step(self, f: Map, kind: DTypeLike) -> DriftFreeStep:
        """Return the step of the map in a precision."""
        basis, along, across = self._inverse
        values = basis, _PACE * along, _PACE * across, self.norm
        return DriftFreeStep(f, *(np.asarray(v, kind) for v in values))
