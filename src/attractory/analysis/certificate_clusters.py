r"""What near-duplicate patterns do together over a ball, for certificates.

The coefficients of two patterns y and y + e that nearly coincide are huge and opposite, of order
1/‖e‖. Bounds on the slopes of each, taken apart, would be multiplied by them; what counts is the
difference of the two kernels, of order ‖e‖. So the patterns are joined to trees by their shortest
distances, and with a_j the coefficients, c(j) the pattern that j hangs from and A_j the sum of the
coefficients of j and of all that hang from it,

    Σ_j a_j θ(x, y_j) = Σ_roots A_j θ(x, y_j) + Σ_others A_j [θ(x, y_j) − θ(x, y_c(j))].

Along y(τ) = y_c + τe and x(t) = x + tδ, in the notation of `analysis.certificate_slopes`, the slope
of a difference is the mean over τ of

    (θ_ss s_τ + θ_sq q_τ) (y_c + τe)·δ/d + θ_s e·δ/d + (θ_sp s_τ + θ_pq q_τ) p′,

s_τ = x(t)·e/d, q_τ = 2 y(τ)·e/d. Every second derivative is a sum of terms that are monotone in s,
and in D, P and Q, so that bounds over a box are values at its corners:

    θ_ss = g Σ [4s/D³ + 3s³/D⁵],         θ_pq = g Σ s[1/(2D³) + 3s²/(4D⁵)],
    θ_sq = −g Σ P[1/D³ + 3s²/(2D⁵)],     θ_sp = −g Σ Q[1/D³ + 3s²/(2D⁵)].
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from attractory.activations import ErfMixture

__all__ = ["DifferenceSlopes", "Trees", "difference_slopes", "join"]

_PARTS = 8  # parts of a segment over which means are taken
_ROUNDING = 1e-9  # added to every radius, relative to the point's norm
_BLOCK = 1 << 24  # distances computed at a time
_FARTHEST = 0.5  # a pattern's distance from the one it hangs from, relative to either's norm

Interval = tuple[np.ndarray, np.ndarray]


class Trees(NamedTuple):
    """Patterns joined to others.

    Attributes:
        child: indices of the patterns that hang from another, a parent before its children, (m,).
        parent: the pattern each of them hangs from, (m,).
        edge: child minus parent, (m, d).
    """

    child: Int[np.ndarray, " m"]
    parent: Int[np.ndarray, " m"]
    edge: Float[np.ndarray, "m d"]

    def sums(self, coefficients: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Return A: of each pattern, its coefficients and those of all that hang from it."""
        total = coefficients.astype(np.longdouble)  # they nearly cancel
        for child, parent in zip(self.child[::-1], self.parent[::-1], strict=True):
            total[parent] += total[child]
        return total.astype(float)


class DifferenceSlopes(NamedTuple):
    """Midpoint and half-width of the means over t, (m,) each; see the module.

    Attributes:
        in_s: the factor of y_c·δ/d.
        in_edge: of e·δ/d.
        in_p: of 2x·δ/d.
        in_square: of ‖δ‖²/d.
    """

    in_s: Interval
    in_edge: Interval
    in_p: Interval
    in_square: Interval


def join(patterns: Float[np.ndarray, "n d"], within: float) -> Trees:
    """Join patterns whose distance is at most `within` of the smaller norm, along shortest trees.

    Args:
        patterns: rows.
        within: the distance; 0 joins none.
    """
    count = len(patterns)
    norms = np.linalg.norm(patterns, axis=1)
    pairs = _close(patterns, norms, min(within, _FARTHEST)) if within > 0 else []
    first, second = (np.concatenate([p[k] for p in pairs] or [[]]).astype(int) for k in (0, 1))
    length = np.linalg.norm(patterns[first] - patterns[second], axis=1)
    # Zero would be no edge.
    graph = coo_array((np.maximum(length, 1e-300), (first, second)), shape=(count, count)).tocsr()
    tree = minimum_spanning_tree(graph)
    number, label = connected_components(tree, directed=False)
    child, parent = [], []
    for k in np.flatnonzero(np.bincount(label, minlength=number) > 1):
        root = int(np.flatnonzero(label == k)[0])
        order, before = breadth_first_order(tree, root, directed=False)
        child.append(order[1:])
        parent.append(before[order[1:]])
    children, parents = (
        np.concatenate([*v, np.empty(0, int)]).astype(int) for v in (child, parent)
    )
    return Trees(children, parents, patterns[children] - patterns[parents])


def _close(
    patterns: np.ndarray, norms: np.ndarray, within: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the pairs of patterns that are near to one another, first before second."""
    found, size = [], max(1, _BLOCK // len(patterns))
    for begin in range(0, len(patterns), size):
        some = patterns[begin : begin + size]
        square = norms[begin : begin + size, None] ** 2 + norms**2 - 2 * some @ patterns.T
        limit = within * np.minimum(norms[begin : begin + size, None], norms)
        row, column = np.nonzero(square <= limit**2)
        row += begin
        found.append((row[row < column], column[row < column]))
    return found


def difference_slopes(
    act: ErfMixture,
    point: Float[np.ndarray, " d"],
    parents: Float[np.ndarray, "m d"],
    edges: Float[np.ndarray, "m d"],
    radius: float,
) -> DifferenceSlopes:
    """Bound the slopes of θ(x, y + e) − θ(x, y) over segments from a point to within a radius.

    Args:
        act: the activation.
        point: where the segments begin.
        parents, edges: the y and the e, ‖e‖ at most half of ‖y‖.
        radius: how far the segments reach.
    """
    dim = parents.shape[1]
    norms, lengths = np.linalg.norm(parents, axis=1), np.linalg.norm(edges, axis=1)
    size = float(np.linalg.norm(point))
    along = parents @ point / norms
    across = np.linalg.norm(point - (along / norms)[:, None] * parents, axis=1)
    rounding = _ROUNDING * size
    # y(τ) leaves the direction of y by an angle whose sine is at most ‖e‖/‖y‖.
    angle = np.arcsin(np.minimum(1.0, lengths / norms)) * (1 + _ROUNDING)
    widths = np.stack([norms - lengths, norms + lengths]) * np.array([[1 - 1e-12], [1 + 1e-12]])
    turn = (parents * edges).sum(axis=1)
    spare = 1e-13 * norms * lengths
    in_q = 2 * (turn - spare) / dim, 2 * (turn + lengths**2 + spare) / dim
    to_edge = edges @ point
    low, high = np.zeros((4, len(parents))), np.zeros((4, len(parents)))
    for k in range(_PARTS):
        begin, end = k / _PARTS, (k + 1) / _PARTS
        reach = end * radius + rounding
        moved = reach + (size + reach) * angle
        box = np.stack([along - moved, along + moved])
        gaps = np.stack([np.maximum(0.0, across - moved), across + moved])
        second = _second_slopes(act, box, gaps, widths, dim)
        in_s = (to_edge - reach * lengths) / dim, (to_edge + reach * lengths) / dim
        first = _sum(_times(second.ss, in_s), _times(second.sq, in_q))
        # The mean of τ over the edge is ½.
        edge = second.s[0] + first[0] / 2, second.s[1] + first[1] / 2
        last = _sum(_times(second.sp, in_s), _times(second.pq, in_q))
        weights = np.array([end - begin, end - begin, end - begin, end**2 - begin**2])[:, None]
        low += weights * np.stack([first[0], edge[0], last[0], last[0]])
        high += weights * np.stack([first[1], edge[1], last[1], last[1]])
    middle, half = (low + high) / 2, (high - low) / 2
    return DifferenceSlopes(*((middle[k], half[k]) for k in range(4)))


class _Second(NamedTuple):
    """Bounds of θ_s and of the second derivatives, (m,) each."""

    s: Interval
    ss: Interval
    sq: Interval
    sp: Interval
    pq: Interval


def _second_slopes(
    act: ErfMixture, along: np.ndarray, across: np.ndarray, norms: np.ndarray, dim: int
) -> _Second:
    """Bound them over boxes of x·y/‖y‖, of x's distance from the line of y, and of ‖y‖, (2, m)."""
    squares = np.array(act.scales) ** 2
    weights = 2 / np.pi * act.gain**2 * np.outer(act.weights, act.weights)
    v, w = squares[:, None], squares[None, :]
    size = np.sort(np.abs(along), axis=0)
    size[0] = np.where((along[0] < 0) & (along[1] > 0), 0.0, size[0])

    def at(k: int) -> tuple[np.ndarray, ...]:
        gap, p, q = (
            value[:, None, None]
            for value in (
                (across[k] * norms[k] / dim) ** 2,
                (size[k] ** 2 + across[k] ** 2) / dim,
                norms[k] ** 2 / dim,
            )
        )
        return np.sqrt(gap + w * p + v * q + v * w), p + v, q + w

    (d_low, p_low, q_low), (d_high, p_high, q_high) = at(0), at(1)
    inner, outer = ((size[k] * norms[k] / dim)[:, None, None] ** 2 for k in (0, 1))

    def total(terms: np.ndarray) -> np.ndarray:
        return np.sum(weights * terms, axis=(1, 2))

    def odd(a: float, b: float) -> Interval:
        # a s/D³ + b s³/D⁵ grows with s; at the ends of s, D is at one of its own.
        ends = [along[k] * norms[m] / dim for k in (0, 1) for m in (0, 1)]
        corners = np.stack([
            total(a * s[:, None, None] / d**3 + b * s[:, None, None] ** 3 / d**5)
            for s in ends for d in (d_low, d_high)
        ])  # fmt: skip
        return corners.min(axis=0), corners.max(axis=0)

    def falling(low: np.ndarray, high: np.ndarray) -> Interval:
        least = total(low * (1 / d_high**3 + 1.5 * inner / d_high**5))
        most = total(high * (1 / d_low**3 + 1.5 * outer / d_low**5))
        return -most, -least

    return _Second(
        s=(total(2 / d_high + inner / d_high**3), total(2 / d_low + outer / d_low**3)),
        ss=odd(4.0, 3.0),
        sq=falling(p_low, p_high),
        sp=falling(q_low, q_high),
        pq=odd(0.5, 0.75),
    )


def _times(a: Interval, b: Interval) -> Interval:
    corners = np.stack([x * y for x in a for y in b])
    return corners.min(axis=0), corners.max(axis=0)


def _sum(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]
