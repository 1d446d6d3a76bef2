r"""Expectations that are long sums, as polynomials in a few variables.

Gates of many scales, and functions by quadrature, sum hundreds of terms for each pair of points.
What is left of them beside a closed form (`SmoothParts.core`) is a smooth function of a place
y ∈ [0, 1] that the pair's angle gives, and of its two variances,

    F(s, a, b) = core + unit(s, a, b) · Σ c_kij T_k(2y − 1) T_i(log(a + w)) T_j(log(b + w)),

with coefficients from the sums themselves at Chebyshev nodes of the variances that occur. The last
ones tell the error; where they are not small, or the variances span too much, there is no table,
and the sums stand.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from attractory.duals.protocol import DualActivation

A = TypeVar("A", bound=DualActivation)

__all__ = ["SmoothParts", "Tabulated", "coefficients", "error"]


class SmoothParts(ABC, Generic[A]):
    """How an activation's expectations are split into a closed form and smooth functions.

    Attributes:
        act: the activation.
        shift: w, added to variances before the logarithm.
        terms: coefficients in y.
    """

    act: A
    shift: float
    terms: int

    @abstractmethod
    def place(self, s: Array, gap: Array, a: Array, b: Array) -> Array:
        """Return y ∈ [0, 1]."""

    @abstractmethod
    def pair(self, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return s and the gap at a place."""

    @abstractmethod
    def smooth(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return the smooth functions of E[φ(u)φ(v)] and of E[φ′(u)φ′(v)]."""

    @abstractmethod
    def weights(self, low: Array, largest: Float[Array, " f"]) -> Float[Array, " f"]:
        """Return by what errors of the smooth functions count.

        Args:
            low: the least variance.
            largest: coefficient of each function.
        """

    @abstractmethod
    def moments(
        self, smooth: tuple[Array, Array], s: Array, gap: Array, a: Array, b: Array
    ) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)] from the smooth functions."""

    @abstractmethod
    def following_gap(
        self,
        value: Array,
        smooth: Array,
        pair: tuple[Array, Array, Array, Array],
        ends: tuple[Array, Array],
    ) -> Array:
        """Return the next layer's gap; `smooth` is that of E[φ(u)φ(v)]."""


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("ends", "table"),
    meta_fields=("of",),
)
@dataclass(frozen=True, eq=False)
class Tabulated(DualActivation):
    """An activation whose expectations are tabulated for a range of variances.

    Attributes:
        of: how the activation is split.
        ends: the range, of log(a + w); several for layers that a loop takes one by one.
        table: c_kij of both functions.
    """

    of: SmoothParts[Any]
    ends: Float[Array, "*layers 2"]
    table: Float[Array, "*layers f k i j"]

    @property
    def name(self) -> str:
        """The activation's."""
        return self.of.act.name

    @property
    def least_scale(self) -> float:
        """The activation's."""
        return self.of.act.least_scale

    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""
        return self.of.act(x)

    def cut(self, others: int) -> "Tabulated":
        """Return the table with so many coefficients in each variance."""
        return replace(self, table=self.table[:, :, :others, :others])

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        return self.of.moments(self._smooth(s, gap, a, b), s, gap, a, b)

    def variance(self, a: Array) -> Array:
        """Return E[φ(u)²], by the sums themselves: there are few variances."""
        return self.of.act.variance(a)

    def following_gap(
        self, s: Array, gap: Array, a: Array, b: Array, value: Array, ends: tuple[Array, Array]
    ) -> Array:
        """Return the gap of the next layer."""
        smooth = self._smooth(s, gap, a, b)[0]
        return self.of.following_gap(value, smooth, (s, gap, a, b), ends)

    def guarded(self, a: Array) -> Array:
        """Return variances, as the activation has them."""
        return self.of.act.guarded(a)

    def _smooth(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        x = 2 * self.of.place(s, gap, a, b) - 1
        # Read some 30 times: let it be worked out once.
        x = lax.optimization_barrier(x)
        rows, columns = (self._basis(v) for v in (a, b))
        value, slope = (_sum(self.table[f], rows, columns, x) for f in range(2))
        return value, slope

    def _basis(self, a: Array) -> Array:
        """Return T₀, T₁, … of a variance, stacked before its axes."""
        low, high = self.ends[0], self.ends[1]
        wide = high > low
        place = (2 * jnp.log(a + self.of.shift) - low - high) / jnp.where(wide, high - low, 1.0)
        place = jnp.where(wide, jnp.clip(place, -1, 1), 0.0)
        basis = [jnp.ones_like(place), place]
        for _ in range(2, self.table.shape[2]):
            basis.append(2 * place * basis[-1] - basis[-2])
        return jnp.stack(basis[: self.table.shape[2]])


def _sum(
    table: Float[Array, "k i j"], rows: Array, columns: Array, x: Array
) -> Float[Array, "..."]:
    """Return Σ c_kij T_i(a) T_j(b) T_k(x), a variance's basis being (i, rows, 1) or the like."""
    along = jnp.einsum("kij,i...->kj...", table, rows)
    older = newer = jnp.zeros_like(x)
    for k in range(len(table) - 1, -1, -1):
        here = along[k, 0] * columns[0]
        for j in range(1, table.shape[2]):
            here = here + along[k, j] * columns[j]
        older, newer = newer, (2 if k else 1) * x * newer - older + here
    return newer


def coefficients(
    parts: SmoothParts[Any], ends: Float[Array, "2"], sizes: tuple[int, int]
) -> Float[Array, "f k i j"]:
    """Return c_kij of both functions for variances between the ends."""
    (degree, others), dtype = sizes, ends.dtype
    nodes, weights = _nodes(degree)
    places = jnp.asarray((1 + nodes) / 2, dtype)[:, None, None]
    where, inverse = _nodes(others)
    log = (ends.sum() + (ends[1] - ends[0]) * jnp.asarray(where, dtype)) / 2
    variances = jnp.maximum(jnp.exp(log) - parts.shift, 0.0)
    a, b = variances[None, :, None], variances[None, None, :]
    s, gap = parts.pair(places, a, b)
    found = jnp.stack(parts.smooth(s, gap, a, b))
    weights, inverse = (jnp.asarray(v, dtype) for v in (weights, inverse))
    return jnp.einsum("fyab,ky,ia,jb->fkij", found, weights, inverse, inverse)


def error(
    parts: SmoothParts[Any], ends: Float[Array, "2"], table: Float[Array, "f k i j"], others: int
) -> Array:
    """Return about the largest error of a table cut to so many coefficients in each variance."""
    size = jnp.abs(table)
    weights = parts.weights(jnp.exp(ends[0]) - parts.shift, size.max(axis=(1, 2, 3)))
    errors = [size[:, -2:].max(axis=(1, 2, 3))]
    for axis in (2, 3) if table.shape[2] > 1 else ():
        along = size.max(axis=tuple({1, 2, 3} - {axis}))
        if others < along.shape[1]:
            errors.append(along[:, others:].sum(axis=1))
            continue
        # The next coefficient, by how the last ones fall.
        ratio = along[:, -1] / jnp.maximum(along[:, -3], jnp.finfo(size.dtype).tiny)
        errors.append(along[:, -1] * jnp.sqrt(jnp.minimum(ratio, 1.0)))
    worst = jnp.max(jnp.stack(errors) * weights)
    return jnp.where(jnp.isfinite(worst), worst, jnp.inf)


def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Chebyshev nodes, and the matrix that makes coefficients of values there."""
    angles = np.pi * (np.arange(count) + 0.5) / count
    matrix = 2 / count * np.cos(np.arange(count)[:, None] * angles)
    matrix[0] /= 2
    return np.cos(angles), matrix
