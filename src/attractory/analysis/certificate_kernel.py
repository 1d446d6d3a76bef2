"""How much one step of the kernel map of depth 2 can enlarge a deviation, for certificates."""

from typing import NamedTuple

import numpy as np

from attractory.activations import ErfMixture, Linear
from attractory.analysis.certificate_clusters import Trees, difference_slopes, join
from attractory.analysis.certificate_gain import Gain, conjugated, stretch
from attractory.analysis.certificate_slopes import mean_slopes
from attractory.maps.kernel_regression import KernelRegression

__all__ = ["kernel_gain"]

_JOINED = (0.0, 1e-3, 0.03, 0.2)  # distances of near-duplicates tried, relative to the norm
_ENOUGH = 0.995  # γ² at which no better γ is sought: the radius is certified


def kernel_gain(f: KernelRegression, point: np.ndarray, own: int) -> tuple[np.ndarray, Gain]:
    """Return the Jacobian and the gain of the kernel map of depth 2.

    Coordinates from `own` on are held constant by biases: δ has none of them, and what the map
    makes of them is dropped.
    """
    patterns, weights = np.asarray(f.patterns), np.asarray(f.coefficients)[:, :own]
    dim = patterns.shape[1]
    # f maps into the span of the patterns; only δ's part in it, and its length, matter.
    basis = np.linalg.qr(np.vstack([patterns, point])[:, :own].T)[0]
    rows, start = patterns[:, :own] @ basis, point[:own] @ basis
    weights = weights @ basis / dim
    act = f.activation
    if not isinstance(act, Linear | ErfMixture):
        raise ValueError(
            f"activation must be a sigmoid (a mixture of erf) or linear for a certificate, got "
            f"{act.name}; spectral_radius and critical_shock take any"
        )
    ways = [
        _Way(trees.sums(weights).T, trees, trees.edge[:, :own] @ basis)
        for trees in _joined(patterns)
    ]

    def parts(radius: float, way: _Way) -> _Parts:
        if isinstance(act, Linear):
            none = np.zeros(len(patterns))
            middle = 2 * act.alpha**2 * way.back @ rows
            return _Parts(middle, [np.outer(none, start)], none, none)
        (s, s_half), (p, p_half), (square, square_half) = mean_slopes(act, point, patterns, radius)
        child, parent = way.trees.child, way.trees.parent
        by, known, unknown = rows, 0.0, []
        if len(child):
            by = rows.copy()
            by[child] = rows[parent]
            some = difference_slopes(act, point, patterns[parent], way.trees.edge, radius)
            s[child], s_half[child] = some.in_s
            p[child], p_half[child] = some.in_p
            square[child], square_half[child] = some.in_square
            edge, edge_half = np.zeros_like(rows), np.zeros_like(rows)
            edge[child] = some.in_edge[0][:, None] * way.edge
            edge_half[child] = some.in_edge[1][:, None] * way.edge
            known, unknown = edge, [edge_half]
        middle = way.back @ (s[:, None] * by + 2 * np.outer(p, start) + known)
        unknown = [s_half[:, None] * by, 2 * np.outer(p_half, start), *unknown]
        return _Parts(middle, unknown, square, square_half)

    def gain(radius: float, shape: np.ndarray | None) -> float:
        # Both ways bound the same map.
        way, (middle, unknown, square, square_half) = min(
            ((way, parts(radius, way)) for way in ways),
            key=lambda pair: pair[1].spread(pair[0].back, radius),
        )
        left = np.column_stack([way.back, way.back @ square])
        if shape is not None:
            middle, left = conjugated(middle, shape), shape @ left
            unknown = [np.linalg.solve(shape.T, c.T).T for c in unknown]
        still = np.zeros((1, len(start) if shape is None else len(shape)))
        # ‖δ‖² is at most radius · ‖δ‖, and ‖δ‖ at most its length in the other norm.
        constant = radius * np.append(square_half, 1.0)
        rows_of = [np.vstack([c, still]) for c in unknown]
        value, multipliers = stretch(
            middle, left, rows_of, constant, kept.get(len(rows_of)), _ENOUGH
        )
        # Of a radius that failed they serve if they are better than a fresh start (`stretch`).
        kept[len(rows_of)] = multipliers
        return value

    kept: dict[int, np.ndarray | None] = {}
    return parts(0.0, ways[0]).middle, gain


class _Way(NamedTuple):
    """Coefficients of the terms, (r, n), how patterns are joined, and the edges in the span."""

    back: np.ndarray
    trees: Trees
    edge: np.ndarray


class _Parts(NamedTuple):
    """The known part of the mean Jacobian and the bounds of the rest, of every term."""

    middle: np.ndarray
    unknown: list[np.ndarray]
    square: np.ndarray
    square_half: np.ndarray

    def spread(self, back: np.ndarray, radius: float) -> float:
        """Return how large the unknown part is, summed over the terms."""
        sizes = sum(np.linalg.norm(c, axis=1) for c in self.unknown) + radius * self.square_half
        return float(np.linalg.norm(back, axis=0) @ sizes)


def _joined(patterns: np.ndarray) -> list[Trees]:
    """Return the ways to join near-duplicates that differ, the first of which joins none."""
    ways: list[Trees] = []
    for within in _JOINED:
        trees = join(patterns, within)
        if not ways or len(trees.child) > len(ways[-1].child):
            ways.append(trees)
    return ways
