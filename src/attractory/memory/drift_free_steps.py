r"""The linear part of a memory's map, along which iteration drifts, and how to step without it.

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

from attractory.memory.high_degree_steps import Sharp, to_norm, without_low_degrees
from attractory.memory.norm_rule import expansion

__all__ = ["Drift", "Relaxed"]

_PACE = 0.7  # b
_SOFT = 0.01  # added to I − S, of its mean over what patterns have: rounding is not enlarged more
_NONE = 1e-9  # eigenvalues of S below this are none


class Relaxed(eqx.Module):
    """The step x ↦ x + b (I − S + ε)⁻¹ (f(x) − x) of a map f, back to one norm.

    Attributes:
        inner: f.
        basis: orthonormal directions, (d, q).
        along: b/(1 − s + ε) along them, (q,).
        across: b/(1 + ε).
        norm: of the states.
    """

    inner: Any
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


class Drift:
    """The linear part of a kernel memory's map; it is computed when first asked for.

    Args:
        store: of the map, its patterns of one norm; see `memory.stored_map`.
    """

    def __init__(self, store: Any):
        self._store = store
        self.norm = float(np.linalg.norm(store.x[0]))

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Basis, 1 − s along it, and its mean weighted by the patterns' squares."""
        store = self._store
        dim = store.x.shape[1]
        coefficients = np.asarray(store.regression().coefficients)[:, :dim]
        slope, _ = expansion(self.norm, store.activation, store.depth, store.bias, dim)
        matrix = (slope / self.norm**2) * (store.x.T @ coefficients)
        kept, basis = np.linalg.eigh((matrix + matrix.T) / 2)
        some = kept > _NONE
        lost, basis = np.maximum(1 - kept[some], _NONE), np.ascontiguousarray(basis[:, some])
        strength = ((store.x @ basis) ** 2).sum(axis=0)
        return basis, lost, float((strength @ lost) / strength.sum())

    @property
    def _inverse(self) -> tuple[np.ndarray, np.ndarray, float]:
        """(I − S + ε)⁻¹: a basis, the factors along it, and that across it."""
        basis, lost, mean = self.parts
        soft = _SOFT * mean
        return basis, 1 / (lost + soft), 1 / (1 + soft)

    @cached_property
    def sharp(self) -> Sharp | None:
        """The step by the map's terms of high degree, in float32; None if it has none."""
        store = self._store
        dim = store.x.shape[1]
        table = without_low_degrees(self.norm, store.activation, store.depth, store.bias, dim)
        if table is None:
            return None
        a = np.asarray(store.regression().coefficients)[:, :dim]
        votes = _scaled(a, *self._inverse)
        votes /= np.abs(votes).max()
        values = store.x / self.norm, votes, table, self.norm
        return Sharp(*(np.asarray(v, np.float32) for v in values))

    def relaxed(self, f: Any, kind: Any) -> Relaxed:
        """Return the step of the map in a precision."""
        basis, along, across = self._inverse
        values = basis, _PACE * along, _PACE * across, self.norm
        return Relaxed(f, *(np.asarray(v, kind) for v in values))
