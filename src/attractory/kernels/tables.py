r"""Tables of a layer's Gaussian expectations: polynomials in place of the sum over pairs of scales.

Split a mean scale w₀ off the sum: with c₀ = w₀(a + b + w₀), D₀² = gap + c₀ and t = c₀/D₀² ∈ (0, 1],

    Σ pᵢpⱼ / Dᵢⱼ         = Φ(t) / D₀,
    Σ pᵢpⱼ atan2(s, Dᵢⱼ) = atan2(s, D₀) + (s/D₀) Ψ(t) / B,      B = 1 + ab/c₀.

With R = (a wⱼ + b wᵢ + wᵢwⱼ)/c₀ and Q = 1 + (R − 1)t, so that Dᵢⱼ = D₀√Q,

    Φ = Σ pᵢpⱼ / √Q,
    Ψ = B Σ pᵢpⱼ Y atan(√(z) Y)/(√(z) Y),   z = s²/D₀² = tB − 1,
    Y = (1 − R) / (B(1 + √Q) + R − 1),

from atan α − atan β = atan((α − β)/(1 + αβ)). Both are analytic in t on all of [0, 1] whatever the
norms (the logarithms of the arcsines at t = 0 cancel in the difference), so some 30 Chebyshev
coefficients give every digit, and a kernel entry costs one arctangent, one square root and one
polynomial. Ψ/B stays small, which keeps the relative accuracy of the near-zero values at
antiparallel inputs. The coefficients depend on a (in pieces, polynomial in log(a + min w) or, in
the last piece, in 1/(a + min w)) and on b (polynomial in log(b + min w)).

A table is made in four steps: the ranges of a and b, the nodes in them, Φ and Ψ at the nodes, and
their coefficients, cut where they have become small.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.fft import dctn

from attractory.activations import Activation, ErfMixture
from attractory.kernels.expectations import (
    finish_value,
    folded_angle,
    is_folded,
    moments,
    scale_pairs,
)

_PIECE = np.log(4.0)  # longest piece of a, in log(a + min w)
_ALIKE = 8  # the number of pieces is a multiple of it, so that few shapes are compiled
_DEGREES = (64, 24, 24)  # coefficients in t, a and b before they are cut
_FEWER = (40, 20)  # in t and a, tried first: a half of the time, and nearly always enough
_TAIL = 2e-15  # relative to the largest coefficient: smaller ones are cut; rounding reaches 1e-15
_SIZES = (4, 8, 16, 24, 28, 36, 48)  # coefficients kept: few sizes, so that few are compiled
_UNRESOLVED = 1e-13  # relative to the largest: with more at the last coefficients there is no table
_MANY = 24  # scales: more of them spread too far, which tabulating would find after minutes
SAME = 4e-15  # relative spread of variances that rounding alone explains
GROUP = 8.0  # b + min w within a table spans at most this factor


class LayerTable(eqx.Module):
    """Moments of one layer for any covariance and gap, a in a range and b in a narrow one.

    Without coefficients (`phi` None: the linear activation, one scale, or scales too many decades
    apart for the polynomials) it sums over the pairs.
    """

    act: Activation = eqx.field(static=True)
    split: float = eqx.field(static=True)
    shift: float = eqx.field(static=True)
    infinite: bool = eqx.field(static=True)
    b_ends: Float[Array, "2"] | None  # of log(b + min w); None where b is one number
    edges: Array  # of log(a + min w), one more than pieces
    t_low: Array  # (pieces,)
    phi: Float[Array, "pieces degree_a degree_b degree_t"] | None
    psi: Float[Array, "pieces degree_a degree_b degree_t"] | None

    def _coefficients(self, a: Array, b: Array) -> tuple[Array, Array, Array]:
        """Return Φ's and Ψ's coefficients in t, (degree, rows, 1 or columns), and t_low."""
        assert self.phi is not None
        assert self.psi is not None
        place = jnp.log(a[:, 0] + self.shift)
        pieces = self.phi.shape[0]
        piece = jnp.clip(jnp.searchsorted(self.edges, place, side="right") - 1, 0, pieces - 1)
        low, high = self.edges[piece], self.edges[piece + 1]
        local = (2 * place - low - high) / jnp.where(high > low, high - low, 1.0)
        if self.infinite:  # the last piece, in e^(low − place) ∈ (0, 1]
            local = jnp.where(piece == pieces - 1, 1 - 2 * jnp.exp(low - place), local)
        basis_a = _chebyshev(jnp.clip(local, -1, 1), self.phi.shape[1])
        columns = None
        if self.b_ends is not None:
            ends = self.b_ends
            local_b = (2 * jnp.log(b.ravel() + self.shift) - ends.sum()) / (ends[1] - ends[0])
            columns = _chebyshev(jnp.clip(local_b, -1, 1), self.phi.shape[2])

        def gather(table: Array) -> Array:
            rows = jnp.einsum("ri,rijk->krj", basis_a, table[piece])
            if columns is None:
                return rows
            if b.shape[1] == 1:  # a column for each row
                return jnp.einsum("krj,rj->kr", rows, jnp.broadcast_to(columns, rows.shape[1:]))[
                    ..., None
                ]
            return jnp.einsum("krj,cj->krc", rows, columns)

        return gather(self.phi), gather(self.psi), self.t_low[piece][:, None]

    def _parts(self, gap: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
        c0 = self.split * (a + b + self.split)
        square = gap + c0
        return jnp.sqrt(square), c0 / square, c0 / (a * b + c0)

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return value and slope for a (rows, 1) and b (1, columns), or (rows, 1) too."""
        if self.phi is None:
            return moments(self.act, s, gap, a, b)
        assert isinstance(self.act, ErfMixture)
        root, t, inverse_b = self._parts(gap, a, b)
        phi, psi, low = self._coefficients(a, b)
        x = (2 * t - 1 - low) / (1 - low)
        angle = folded_angle(is_folded(self.act), s, root) + s / root * inverse_b * _clenshaw(
            psi, x
        )
        slope = self.act.gain**2 * 2 / np.pi * _clenshaw(phi, x) / root
        return finish_value(self.act, angle), slope

    def product(self, s: Array, gap: Array, a: Array, b: Array) -> Array:
        """Return value + s · slope, the NTK of depth 2, with one polynomial for the two."""
        if self.phi is None or self.b_ends is not None:
            value, slope = self.moments(s, gap, a, b)
            return value + s * slope
        assert isinstance(self.act, ErfMixture)
        root, t, _ = self._parts(gap, a, b)
        phi, psi, low = self._coefficients(a, b)
        one_b = b[:, :1]  # b is one number, but for rounding
        c0 = self.split * (a + one_b + self.split)
        both = phi + psi * (c0 / (a * one_b + c0))
        x = (2 * t - 1 - low) / (1 - low)
        angle = folded_angle(is_folded(self.act), s, root) + s / root * _clenshaw(both, x)
        return finish_value(self.act, angle)


class _Ranges(NamedTuple):
    """What a table spans, and how.

    Attributes:
        split: w₀, the geometric mean of the squared scales.
        shift: min w; no entry has a singularity nearer to 0 than a, b = −min w.
        a: lower and upper end of a; above the upper one lies the last piece where `infinite`.
        b: lower and upper end.
        same_a, same_b: whether a, or b, is one number but for rounding.
        infinite: whether a has no upper bound.
    """

    split: float
    shift: float
    a: tuple[float, float]
    b: tuple[float, float]
    same_a: bool
    same_b: bool
    infinite: bool


class _Nodes(NamedTuple):
    """Where Φ and Ψ are computed; `edges`, `t_low` and `b_ends` are those of `LayerTable`."""

    t: Float[np.ndarray, "pieces nodes_t"]
    a: Float[np.ndarray, "pieces nodes_a 1"]
    b: Float[np.ndarray, " nodes_b"]
    edges: np.ndarray
    t_low: Float[np.ndarray, " pieces"]
    b_ends: Float[np.ndarray, "2"]


@lru_cache(maxsize=64)
def layer_table(
    act: Activation, a_range: tuple[float, float], b_range: tuple[float, float]
) -> LayerTable:
    """Tabulate a layer for a in a_range (upper end may be infinite) and b in b_range."""
    if not isinstance(act, ErfMixture) or len(act.scales) == 1:
        return _pair_sum(act)
    ranges = _ranges(act, a_range, b_range)
    if len(act.scales) > _MANY and not (ranges.same_a and ranges.same_b):
        return _pair_sum(act)
    for degrees, last in ((_fewer(ranges), _TAIL), (_DEGREES, _UNRESOLVED)):
        nodes = _nodes(ranges, degrees)
        tables = [_coefficients(values) for values in _tabulate(act, ranges.split, nodes)]
        sizes = _resolved_sizes(*tables, last=last)
        if sizes is not None:
            break
    else:
        return _pair_sum(act)
    phi, psi = (_resized(table, sizes) for table in tables)
    b_ends = None if ranges.same_b else nodes.b_ends
    # jnp.asarray would compile a program for each shape; and these are kept beyond any trace.
    with jax.ensure_compile_time_eval():
        arrays = jax.device_put((b_ends, nodes.edges, nodes.t_low, phi, psi))
    return LayerTable(act, ranges.split, ranges.shift, ranges.infinite, *arrays)


def _pair_sum(act: Activation) -> LayerTable:
    empty = jnp.zeros(0)
    return LayerTable(act, 0.0, 0.0, False, None, empty, empty, None, None)


def _ranges(act: ErfMixture, a_range: tuple[float, float], b_range: tuple[float, float]) -> _Ranges:
    w, p = np.square(act.scales), np.asarray(act.weights)
    split = float(np.exp(p @ np.log(w)))
    low, high = a_range
    infinite = not np.isfinite(high)
    if infinite:
        # R vanishes at a = −wᵢ(b + wⱼ)/wⱼ: 1/a must stay well inside the largest of these.
        high = max(4 * w.max() / w.min() * (b_range[1] + split), 4 * low)
    shift = float(w.min())
    same_b = b_range[1] - b_range[0] <= SAME * (b_range[1] + shift)
    same_a = not infinite and high - low <= SAME * (high + shift)
    return _Ranges(split, shift, (low, high), b_range, same_a, same_b, infinite)


def _fewer(ranges: _Ranges) -> tuple[int, int, int]:
    """Return degrees in t, a and b that are nearly always enough; fewer in b where it is narrow."""
    low, high = (np.log(end + ranges.shift) for end in ranges.b)
    return (*_FEWER, min(10 + int(np.ceil(6 * (high - low))), _DEGREES[2]))


def _nodes(ranges: _Ranges, degrees: tuple[int, int, int]) -> _Nodes:
    """Lay Chebyshev nodes into the pieces of a, into b, and into t ∈ [t_low, 1] of each piece."""
    split, shift = ranges.split, ranges.shift
    nodes_t, nodes_a, nodes_b = (np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in degrees)
    edges = _edges(ranges)
    ends_b = np.log(np.asarray(ranges.b) + shift)
    if ranges.same_b:
        b = np.array([ranges.b[0]])
    else:
        b = np.exp(ends_b.mean() + (ends_b[1] - ends_b[0]) / 2 * nodes_b) - shift
        b = np.maximum(b, 0.0)
    if ranges.same_a:
        a = np.full((1, 1, 1), ranges.a[0])
    else:
        log_a = edges[:-1, None] + (edges[1:] - edges[:-1])[:, None] * (1 + nodes_a) / 2
        if ranges.infinite:
            log_a[-1] = edges[-2] - np.log((1 - nodes_a) / 2)
        a = np.maximum(np.exp(log_a) - shift, 0.0)[:, :, None]
    a_top = np.exp(np.minimum(edges[1:, None], 700.0)) - shift
    # t is smallest for orthogonal inputs of the largest variances, where s = 0 and t = 1/B.
    b_top = ranges.b[0] if ranges.same_b else ranges.b[1]
    t_low = (1 / (1 + b_top / split * (a_top / (a_top + b_top + split))))[:, 0] * (1 - 1e-12)
    t = (1 + t_low[:, None] + (1 - t_low)[:, None] * nodes_t) / 2
    return _Nodes(t, a, b, edges, t_low, ends_b)


def _edges(ranges: _Ranges) -> np.ndarray:
    """Return the ends of the pieces of a, in log(a + min w); the last may be infinite."""
    low, high = (np.log(end + ranges.shift) for end in ranges.a)
    count = max(1, int(np.ceil((high - low) / _PIECE)))
    if not ranges.infinite:
        return np.linspace(low, high, count + 1)
    # As many pieces as in tables of other norms, for which the same compiled code then serves.
    count = -(-(count + 1) // _ALIKE) * _ALIKE - 1
    return np.append(np.linspace(low, high, count + 1), np.inf)


def _resolved_sizes(*tables: np.ndarray, last: float) -> tuple[int, ...] | None:
    """Return how many coefficients to keep in a, b and t, None where they do not fall to `last`."""
    sizes = [1, 1, 1]
    for table in tables:
        scale = np.abs(table).max()
        for axis in (1, 2, 3):
            others = tuple(k for k in range(4) if k != axis)
            envelope = np.abs(table).max(axis=others) / scale
            if len(envelope) > 4 and envelope[-2:].max() > last:
                return None
            keep = int(np.flatnonzero(envelope > _TAIL)[-1]) + 1
            if len(envelope) > 1:
                size = next((size for size in _SIZES if size >= keep), keep)
                sizes[axis - 1] = max(sizes[axis - 1], size)
    return tuple(sizes)


def _resized(table: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Cut or pad a table to sizes that other tables have, so that the same compiled code serves."""
    kept = table[:, : sizes[0], : sizes[1], : sizes[2]]
    ends = [(0, size - had) for size, had in zip(sizes, kept.shape[1:], strict=True)]
    return np.pad(kept, [(0, 0), *ends])


def _tabulate(act: ErfMixture, w0: float, nodes: _Nodes) -> tuple[np.ndarray, np.ndarray]:
    """Return Φ and Ψ, (pieces, a, b, t), by the formulas in this module's docstring."""
    t, a, b = nodes.t[:, None, None, :], nodes.a[..., None], nodes.b[None, None, :, None]
    pieces = max(len(x) for x in (t, a, b))
    sums = [sum_pairs(act, w0, *(x[k % len(x)] for x in (t, a, b))) for k in range(pieces)]
    phi, psi = zip(*sums, strict=True)
    return np.stack(phi), np.stack(psi)


def sum_pairs(
    act: ErfMixture, w0: float, t: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a piece's Φ and Ψ; there are hundreds of pairs, so they share their memory."""
    c0 = w0 * (a + b + w0)
    big = 1 + b / w0 * (a / (a + b + w0))
    z = t * big - 1
    # Y atan(√z Y)/(√z Y) = atan(√z Y)/√z, artanh where z < 0; at 1e-8 it is Y to the last digit.
    root_z, negative = np.maximum(np.sqrt(np.abs(z)), 1e-8), z < 0
    some_negative = negative.any()
    phi, psi = np.zeros(z.shape), np.zeros(z.shape)
    root, y, term = np.empty_like(phi), np.empty_like(phi), np.empty_like(phi)
    for u, v, p in zip(*scale_pairs(act), strict=True):
        excess = (a * v + b * u + u * v - c0) / c0  # R − 1
        np.multiply(excess, t, out=root)
        root += 1
        np.sqrt(root, out=root)
        phi += np.divide(p, root, out=term)
        root += 1
        np.multiply(big, root, out=y)
        y += excess
        np.divide(-excess, y, out=y)
        y *= root_z
        np.arctan(y, out=term)
        if some_negative:
            np.clip(y, -1 + 1e-16, 1 - 1e-16, out=y)
            np.arctanh(y, out=term, where=negative)
        term *= p
        psi += term
    return phi, psi * (big / root_z)


def _coefficients(values: np.ndarray) -> np.ndarray:
    """Return Chebyshev coefficients along the last three axes of values at Chebyshev nodes."""
    shape = values.shape[1:]
    table = np.asarray(dctn(values, type=2, axes=(1, 2, 3))) / np.prod(shape)
    for axis in (1, 2, 3):
        first = [slice(None)] * 4
        first[axis] = slice(0, 1)
        table[tuple(first)] /= 2
    return table


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _chebyshev(x: Float[Array, " k"], count: int) -> Float[Array, "k count"]:
    """Return T₀ … T_{count−1} at x."""
    return jnp.cos(jnp.arange(count) * jnp.arccos(x)[:, None])


@_chebyshev.defjvp
def _chebyshev_jvp(
    count: int, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    """Take k U_{k−1} by its recurrence: the arccosine's derivative is infinite at both ends."""
    (x,), (x_dot,) = primals, tangents
    older, newer = jnp.zeros_like(x), jnp.ones_like(x)
    slopes = [older]
    for k in range(1, count):
        slopes.append(k * newer)
        older, newer = newer, 2 * x * newer - older
    return _chebyshev(x, count), jnp.stack(slopes, axis=1) * x_dot[:, None]


def _clenshaw(c: Array, x: Array) -> Array:
    """Sum cₖ Tₖ(x); c has shape (degree, rows, 1 or columns)."""
    older, newer = jnp.zeros_like(x), jnp.zeros_like(x)
    for k in range(c.shape[0] - 1, 0, -1):
        older, newer = newer, 2 * x * newer - older + c[k]
    return x * newer - older + c[0]
