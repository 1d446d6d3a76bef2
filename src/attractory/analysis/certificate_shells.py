r"""How far a certified ball of the kernel map of depth 2 can grow, shell by shell.

A deviation δ = ν x̂ + τ, τ ⊥ x*, of length ρ is taken in two moves. First along x̂ and across every
pattern: with m = r + uν, r = ‖x*‖, l_j = y_j·x̂, L_j = ‖y_j − l_j x̂‖ and s, p as in
`analysis.certificate_slopes`, the kernel changes by

    ∫₀¹ (ν χ_j + 2 r u θ_p ‖τ‖²/d) du/m,   χ = s θ_s + 2p θ_p = g Σ v² s [1/(PD) + Q/D³],

in which what s and p do to a pattern near x* has cancelled. That is a vector of two numbers, ν and
‖τ‖², and is known but for the width of a cell of them. Then towards the patterns, at a fixed p: by
t_j = y_j·τ/d times a mean of θ_s, which rises with |s| and is convex in it, so that trapezoids lie
above it and midpoints below. What is left unknown is this slope alone, by |t_j| ≤ ‖τ‖ L_j/d, and is
bounded by multipliers (`analysis.certificate_gain`). No pattern equal to x* has an unknown part.

If ‖F(δ)‖ < γρ in all cells of a shell around a certified ball, cues in it come to that ball.
"""

import numpy as np
from jaxtyping import Float

from attractory.activations import ErfMixture
from attractory.analysis.certificate_gain import SLACK, stretch

__all__ = ["MOST_PATTERNS", "Shells"]

MOST_PATTERNS = 64  # of a map whose balls are grown: the cost rises with the cube of them
_PARTS = 32  # of the first move
_SLOPES = 4  # of the second
_TARGET = 0.999  # γ
_FIRST, _LAST = 1.25, 1.015  # outer over inner radius of the shells tried
_LARGEST = 0.8  # radius over r: the shell must not come near 0
_CELLS = 6  # in the angle from the plane across x̂, to begin with
_NARROWEST = 0.01  # radians
_HOPELESS = 0.2  # above γ: narrower cells do not help
_SCALES = 1.0, 1.15, 0.9  # of the coordinate that stands for what is known
_NEAR = 0.05  # above γ: another scale may help

Pair = tuple[float, float]
Bounds = tuple[np.ndarray, np.ndarray]


class Shells:
    """The shells around one fixed point.

    Args:
        act: the activation.
        point: x*, (d,).
        patterns: (n, d).
        weights: their coefficients, (n, d), without the factor of the kernel.
    """

    def __init__(
        self,
        act: ErfMixture,
        point: Float[np.ndarray, " d"],
        patterns: Float[np.ndarray, "n d"],
        weights: Float[np.ndarray, "n d"],
    ):
        self.dim = len(point)
        self.size = float(np.linalg.norm(point))
        unit = point / self.size
        self.along = patterns @ unit
        across = patterns - np.outer(self.along, unit)
        self.across = np.linalg.norm(across, axis=1)
        self.square = (patterns**2).sum(axis=1) / self.dim
        basis = np.linalg.qr(np.vstack([patterns, point]).T)[0]
        self.weights, self.rows = weights @ basis, across @ basis / self.dim
        squares = np.array(act.scales) ** 2
        self._pairs = 2 / np.pi * act.gain**2 * np.outer(act.weights, act.weights)
        self._v, self._w = squares[:, None], squares[None, :]
        edges = np.linspace(-np.pi / 2, np.pi / 2, _CELLS + 1)
        self._cells: list[Pair] = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        self._kept: np.ndarray | None = None

    def grow(self, radius: float, slack: float) -> tuple[float, float]:
        """Return the largest radius found from which cues come to a ball, and γ; or that radius.

        Args:
            radius: of a certified ball around x*.
            slack: by how much the map is off, in any step.
        """
        rate, step = 0.0, _FIRST
        while step > _LAST and radius * step < _LARGEST * self.size:
            found = self.rate(radius, radius * step)
            if found is not None and found * radius + slack < radius * (1 - SLACK):
                radius, rate = radius * step, max(rate, found)
            else:
                step = 1 + (step - 1) / 2
        return radius, rate

    def rate(self, inner: float, outer: float) -> float | None:
        """Return a bound below γ of ‖F(δ)‖/‖δ‖ in a shell; None if none is found."""
        waiting, held, worst = self._cells[::-1], [], 0.0
        while waiting:
            cell = waiting.pop()
            here = self.in_cell((inner, outer), cell)
            if here < _TARGET:
                held.append(cell)
                worst = max(worst, here)
                continue
            middle = (cell[0] + cell[1]) / 2
            if cell[1] - cell[0] < 2 * _NARROWEST or here > _TARGET + _HOPELESS:
                self._cells = [cell, *waiting[::-1], *held]  # the worst one first
                return None
            waiting += [(middle, cell[1]), (cell[0], middle)]
        self._cells = held
        return worst

    def in_cell(self, radius: Pair, angle: Pair, target: float = _TARGET) -> float:
        """Return a bound of ‖F(δ)‖/‖δ‖ for radii and angles of δ between two each."""
        ahead, beside = np.sin(angle), np.cos(angle)
        most = 1.0 if angle[0] < 0 < angle[1] else float(beside.max())
        least = max(float(beside.min()), 0.0)
        ends = [r * a for r in radius for a in ahead]
        along = min(ends), max(ends)
        across = radius[0] * least, radius[1] * most
        (on, on_half), (off, off_half) = self.first_move(along, across)
        slope, slope_half = self.second_move(along, across)
        # All over the length of δ: ν between `ahead`, ‖τ‖² between these.
        squares = radius[0] * least**2, radius[1] * most**2
        by_on, by_off = on @ self.weights, off @ self.weights
        known = by_on * ahead.mean() + by_off * (squares[0] + squares[1]) / 2
        unknown = on_half * np.abs(ahead).max() + off_half * squares[1]
        extra = np.linalg.norm(self.weights * np.sqrt(unknown)[:, None], 2) * np.sqrt(unknown.sum())
        count, width = len(slope), self.rows.shape[1]
        middle = np.zeros((width + 1, width + 1))
        middle[:width, :width] = (self.weights.T * slope) @ self.rows
        back = np.zeros((width + 1, count + 2))
        back[:width] = np.column_stack([self.weights.T, by_on, by_off])
        rows = np.zeros((count + 2, width + 1))
        rows[:count, :width] = slope_half[:, None] * self.rows
        constant = np.zeros(count + 2)
        constant[count:] = (ahead[1] - ahead[0]) / 2, (squares[1] - squares[0]) / 2
        best = np.inf
        for scale in _SCALES:
            # (τ, scale) / ‖δ‖ is of this length at most.
            of_known = scale * max(float(np.linalg.norm(known)), 0.05) / 0.88
            length = float(np.hypot(most, of_known))
            middle[:width, width] = known / of_known
            enough = max(0.0, (target - extra) / length) ** 2
            value, self._kept = stretch(middle, back, [rows], constant / length, self._kept, enough)
            best = min(best, (value * length + extra) * (1 + SLACK))
            if not target <= best < target + _NEAR:
                break
        return best

    def first_move(self, along: Pair, across: Pair) -> tuple[Bounds, Bounds]:
        """Return the means of χ/m, and of 2 r u θ_p/(m d), as midpoints and half-widths, (n,)."""
        low, high = np.zeros((2, len(self.along))), np.zeros((2, len(self.along)))
        ratio, norms = self.along / self.dim, self.along**2 + self.across**2
        q = self.square[:, None, None] + self._w
        for k in range(_PARTS):
            begin, end = k / _PARTS, (k + 1) / _PARTS
            m = [self.size + u * a for u in (begin, end) for a in along]
            sides = (min(m) * (1 - SLACK), begin * across[0] * (1 - SLACK)), (
                max(m) * (1 + SLACK), end * across[1] * (1 + SLACK)
            )  # fmt: skip
            corners = []
            for length, aside in sides:
                gap = (length**2 * self.across**2 + aside**2 * norms) / self.dim**2
                p = (length**2 + aside**2) / self.dim
                d = self._root(gap, p)
                falling = 1 / ((p + self._v) * d) + q / d**3
                corners.append(np.stack([
                    ratio * self._sum(self._v * falling),
                    -ratio * self._sum(falling) * self.size / self.dim,
                ]))  # fmt: skip
            weight = np.array([end - begin, (end**2 - begin**2) / 2])[:, None]
            low += weight * np.minimum(*corners)
            high += weight * np.maximum(*corners)
        middle, half = (low + high) / 2, (high - low) / 2
        return (middle[0], half[0]), (middle[1], half[1])

    def second_move(self, along: Pair, across: Pair) -> Bounds:
        """Return the means of θ_s towards the patterns, as midpoints and half-widths, (n,)."""
        shrink, stretch_ = 1 - SLACK, 1 + SLACK
        m = (self.size + along[0]) * shrink, (self.size + along[1]) * stretch_
        aside = across[0] * shrink, across[1] * stretch_
        p = [(a**2 + b**2) / self.dim for a, b in zip(m, aside, strict=True)]
        size = np.abs(self.along)
        reach = aside[1] * self.across / self.dim
        least = np.maximum(m[0] * self.across - aside[1] * size, 0.0) ** 2 / self.dim**2
        nodes = np.linspace(0, 1, _SLOPES + 1)
        above, convex = [], np.ones(len(size), bool)
        for v in nodes:
            s = m[1] * size / self.dim + v * reach
            gap = p[0] * self.square - s**2
            convex &= gap >= least
            above.append(self._slope(s, p[0], np.maximum(gap, least)))
        values = np.stack(above)
        high = np.where(
            convex, (values[1:] + values[:-1]).mean(axis=0) / 2, values[1:].mean(axis=0)
        )
        below = []
        for v in (nodes[1:] + nodes[:-1]) / 2:
            s = np.maximum(m[0] * size / self.dim - v * reach, 0.0)
            below.append(self._slope(s, p[1], p[1] * self.square - s**2))
        low = np.mean(below, axis=0)
        return (low + high) / 2, (high - low) / 2

    def _slope(self, s: np.ndarray, p: float, gap: np.ndarray) -> np.ndarray:
        d = self._root(gap, p)
        return self._sum(2 / d + s[:, None, None] ** 2 / d**3)

    def _root(self, gap: np.ndarray, p: float) -> np.ndarray:
        """Return D, (n, v, w)."""
        v, w, q = self._v, self._w, self.square[:, None, None]
        return np.sqrt(gap[:, None, None] + w * p + v * q + v * w)

    def _sum(self, terms: np.ndarray) -> np.ndarray:
        return np.sum(self._pairs * terms, axis=(1, 2))
