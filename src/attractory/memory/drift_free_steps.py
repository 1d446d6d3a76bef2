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
no say; with them it has ρ², whose sum over many patterns has
(docs/explanation/recall.md). Where patterns are thousands ρ³ is not enough either, and
`memory.high_degree_steps` goes first.
"""

from functools import cached_property

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.linalg import LinAlgError, cholesky, eigh, get_lapack_funcs

from attractory._util.aliases import DTypeLike
from attractory._util.machine import few_sizes
from attractory.maps.kernel_regression import by_blocks
from attractory.maps.protocol import Map
from attractory.maps.uncompiled import InNumpy, offer_of
from attractory.memory.coordinates import spread
from attractory.memory.high_degree_steps import (
    HighDegreeStep,
    to_norm,
    to_norm_in_numpy,
    votes_in_numpy,
    votes_of,
    without_low_degrees,
)
from attractory.memory.norm_rule import by_correlation, expansion
from attractory.memory.stored_map import KernelStore

__all__ = ["PACE", "DriftFreeStep", "DriftFreeVotes", "LinearPart"]

PACE = 0.7  # b
_SOFT = 0.01  # added to I − S, of its mean over what patterns have: rounding is not enlarged more
_BESIDE = 0.25  # of the norm, at most: a start this near to a row takes no steps of high degree
_SOME = 4096
_NONE = 1e-9  # the least that 1 − s is taken for


class DriftFreeStep(eqx.Module):
    """The step x ↦ x + b (I − S + ε)⁻¹ (f(x) − x) of a map f, back to one norm.

    Attributes:
        inner: f.
        basis: orthonormal directions, (d, q), across which S is 0; None for all of ℝᵈ.
        along: b (I − S + ε)⁻¹ less `across` times I, between these directions, (q, q).
        across: b/(1 + ε).
        norm: of the states.
    """

    inner: Map
    basis: Float[Array | np.ndarray, "d q"] | None
    along: Float[Array | np.ndarray, "q q"]
    across: Float[Array | np.ndarray, ""]
    norm: Float[Array | np.ndarray, ""]

    def __call__(self, x: Float[Array, "k d"]) -> Float[Array, "k d"]:
        """Step from states."""
        change = jnp.asarray(self.inner(x), x.dtype) - x
        if self.basis is None:
            along = change @ self.along
        else:
            along = (change @ self.basis) @ self.along @ self.basis.T
        return to_norm(x + self.across * change + along, self.norm)

    def in_numpy(self) -> InNumpy | None:
        """Return the step in NumPy, for few states; None if its map has none."""
        offer = offer_of(self.inner)
        if offer is None or self.basis is not None:
            return None
        along, across, norm = (np.asarray(v) for v in (self.along, self.across, self.norm))

        def step(x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
            change = offer.function(x) - x
            return to_norm_in_numpy(x + across * change + change @ along, norm)

        return InNumpy(step, offer.terms)


class DriftFreeVotes(eqx.Module):
    """The same step on the sphere, for the map of the rows' own kernel: x ↦ (1 − b) x + b z.

    z = ε (I − S + ε)⁻¹ x + κ(0) Σᵢ vᵢ + Σᵢ h(ρᵢ) vᵢ with vᵢ = (I − S + ε)⁻¹ aᵢ: what f(x) − x would
    cancel is not formed, so that float32 has nearly all its digits.

    Attributes:
        patterns: of norm 1, (n, d).
        votes: h(1) vᵢ, (n, d).
        table: h/h(1) at correlations from −1 to 1.
        still: ε (I − S + ε)⁻¹, (d, d).
        shift: κ(0) Σᵢ vᵢ, (d,).
        norm: of the states.
    """

    patterns: Float[Array | np.ndarray, "n d"]
    votes: Float[Array | np.ndarray, "n d"]
    table: Float[Array | np.ndarray, " m"]
    still: Float[Array | np.ndarray, "d d"]
    shift: Float[Array | np.ndarray, " d"]
    norm: Float[Array | np.ndarray, ""]

    def __call__(self, x: Float[Array, "k d"]) -> Float[Array, "k d"]:
        """Step from states."""
        return by_blocks(self._step, x, self.patterns.shape[0])

    def _step(self, x: Array) -> Array:
        vote = votes_of(x / self.norm, self.patterns, self.table) @ self.votes
        z = x @ self.still + self.shift + vote
        return to_norm((1 - PACE) * x + PACE * z, self.norm)

    def goal(
        self, x: Float[np.ndarray, "k d"], rho: Float[np.ndarray, "k n"]
    ) -> Float[np.ndarray, "k d"]:
        """Return z in NumPy, from states and their correlations with the patterns."""
        table, votes, still, shift = (
            np.asarray(v) for v in (self.table, self.votes, self.still, self.shift)
        )
        return x @ still + shift + votes_in_numpy(rho, table) @ votes

    def in_numpy(self) -> InNumpy:
        """Return the step in NumPy, for few states."""
        patterns, norm = np.asarray(self.patterns), np.asarray(self.norm)

        def step(x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
            z = self.goal(x, (x / norm) @ patterns.T)
            return to_norm_in_numpy((1 - PACE) * x + PACE * z, norm)

        return InNumpy(step, len(patterns))


class LinearPart:
    """S of a kernel memory's map, worked out when first asked for.

    All of S lies in the patterns' span, and all is worked out there: S is a D × D matrix
    (`memory.span`), and (I − S + ε)⁻¹ comes from a Cholesky factor of I − S + ε, since the
    eigenvalues of S are from 0 to below 1.

    Args:
        store: of the map, its patterns of one norm.
        full: whether the steps are for states of all d coordinates and not for the span's: a
            network's.
    """

    def __init__(self, store: KernelStore, full: bool = False):
        self.store, self._full = store.inner, full
        self._span = store.span
        self.norm = float(np.linalg.norm(self.store.x[0]))

    @cached_property
    def matrix(self) -> Float[np.ndarray, "e e"]:
        """S in the coordinates of the span, or of the rows if that is all there is."""
        store, rule = self.store, self.store.settings
        coefficients = store.solution().coefficients
        slope, _ = expansion(self.norm, rule.activation, rule.depth, 0.0, store.x.shape[1])
        matrix = (slope / self.norm**2) * (store.x.T @ coefficients)
        return (matrix + matrix.T) / 2

    @cached_property
    def mean(self) -> float:
        """The mean of 1 − s over eigenvalues s of S, weighted by the squares of some patterns."""
        x = self.store.x[spread(len(self.store.x), _SOME)]
        return max(1 - float(((x @ self.matrix) * x).sum() / (x**2).sum()), _NONE)

    @property
    def soft(self) -> float:
        """ε."""
        return _SOFT * self.mean

    @property
    def regular(self) -> bool:
        """Whether the inverse is that of I − S + ε, no eigenvalue of which is 0 by rounding."""
        return self._lower is not None

    @cached_property
    def _lower(self) -> Float[np.ndarray, "e e"] | None:
        """The Cholesky factor of I − S + ε, or None."""
        try:
            return cholesky(self.softened, lower=True, check_finite=False)
        except LinAlgError:  # by rounding, some s is above 1
            return None

    @cached_property
    def softened(self) -> Float[np.ndarray, "e e"]:
        """I − S + ε."""
        matrix = -self.matrix
        matrix[np.diag_indices(len(matrix))] += 1 + self.soft
        return matrix

    @cached_property
    def inverse(self) -> tuple[Float[np.ndarray, "e e"], float]:
        """(I − S + ε)⁻¹, and its factor across the span."""
        soft, lower = self.soft, self._lower
        if lower is None:
            lost, basis = eigh(self.softened, check_finite=False)
            lost = np.maximum(lost, soft)
            return (basis / lost) @ basis.T, 1 / (1 + soft)
        (potri,) = get_lapack_funcs(("potri",), (lower,))
        found, _ = potri(lower, lower=1)
        found = np.tril(found)
        return found + np.tril(found, -1).T, 1 / (1 + soft)

    @cached_property
    def high_degree_step(self) -> HighDegreeStep | None:
        """The step by the map's terms of high degree, in float32; None if it has none."""
        store, rule = self.store, self.store.settings
        table = without_low_degrees(self.norm, rule.activation, rule.depth, store.x.shape[1])
        if table is None:
            return None
        (patterns, votes), norm = self._patterns_and_votes, self.norm
        if self._full:
            patterns, votes = (self._span.outward(v) for v in (patterns, votes))
            patterns, norm = patterns * self._span.scale, norm / self._span.scale
        return HighDegreeStep(*(np.asarray(v, np.float32) for v in (patterns, votes, table, norm)))

    @cached_property
    def _patterns_and_votes(self) -> tuple[Float[np.ndarray, "m e"], Float[np.ndarray, "m e"]]:
        """Patterns of norm 1 and h(1) vᵢ, float32, with patterns without a vote to fill up."""
        store, rule = self.store, self.store.settings
        _, size = expansion(self.norm, rule.activation, rule.depth, 0.0, store.x.shape[1])
        shape = few_sizes(len(store.x)), store.x.shape[1]
        patterns, votes = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        patterns[: len(store.x)] = store.x / self.norm
        coefficients = np.asarray(store.solution().coefficients, np.float32)
        inverse = np.asarray(size * self.inverse[0], np.float32)
        np.matmul(coefficients, inverse, out=votes[: len(store.x)])
        return patterns, votes

    @cached_property
    def beside(self) -> Float[np.ndarray, " n"]:
        """Distances from rows, relative to the norm, below which steps of high degree lead off.

        At a row they lead to its own vote. Rows that are much alike have votes far from them.
        """
        step = self.high_degree_step
        if step is None:
            return np.zeros(len(self.store.x))
        patterns, votes = (np.asarray(v)[: len(self.store.x)] for v in (step.patterns, step.votes))
        length = np.linalg.norm(votes, axis=1, keepdims=True)
        off = np.linalg.norm(votes / np.where(length > 0, length, 1.0) - patterns, axis=1)
        return np.minimum(off, _BESIDE).astype(float)

    def rough_step(self, f: Map) -> "DriftFreeStep | DriftFreeVotes":
        """Return the step in float32 of the map, which is in float32 too."""
        return self.drift_free_step(f, np.float32) if self.votes is None else self.votes

    @cached_property
    def votes(self) -> DriftFreeVotes | None:
        """The step in float32 by votes; None for a network, or where κ has linear terms alone."""
        store, rule = self.store, self.store.settings
        kernel = self.norm, rule.activation, rule.depth
        table = without_low_degrees(*kernel, store.x.shape[1], degree=2)
        if self._full or table is None:
            return None
        at_0 = float(by_correlation(np.zeros(1), *kernel, 0.0, store.x.shape[1])[0])
        inverse, _ = self.inverse
        shift = at_0 * (store.solution().coefficients.sum(axis=0) @ inverse)
        values = *self._patterns_and_votes, table, self.soft * inverse, shift, self.norm
        return DriftFreeVotes(*(np.asarray(v, np.float32) for v in values))

    def drift_free_step(self, f: Map, kind: DTypeLike) -> DriftFreeStep:
        """Return the step of the map in a precision."""
        inverse, across = self.inverse
        along = inverse - across * np.eye(len(inverse))
        basis, norm = None, self.norm
        if self._full and self._span.basis is not None:
            basis, norm = np.asarray(self._span.basis, kind), norm / self._span.scale
            along = along[: basis.shape[1], : basis.shape[1]]
        values = PACE * along, PACE * across, norm
        return DriftFreeStep(f, basis, *(np.asarray(v, kind) for v in values))
