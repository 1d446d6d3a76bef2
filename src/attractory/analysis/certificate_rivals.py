r"""How far the kernel map of depth 2 of many patterns contracts, its terms bounded together.

A deviation δ = ν x̂ + τ, τ ⊥ x*, of length ρ is taken in two moves, as in
`analysis.certificate_shells`. With m = r + ν, T = ‖τ‖, l_j = y_j·x̂ and θ_j(m, T) the kernel of
pattern y_j at s = m l_j/d, p = (m² + T²)/d,

    f(x* + δ) − f(x*) = Aᵀ(Δ + θ_s t + R),   Δ_j = θ_j(m, T) − θ_j(r, 0),   t_j = y_j·τ/d.

|θ_j| rises with m and falls with T, also of a pattern near x*, so that its values at two corners of
a cell of (ν, T) hold Δ_j. θ has a power series in s without negative coefficients: |R_j| ≤ c_j t_j²
with c_j from the largest |s| and |t_j|. With the slopes θ_s at x*, M = Aᵀθ_s yᵀ/d, a scalar μ and
weights ω > 0 that is

    μ M τ + k + Aᵀ√ω w,   ‖w‖ ≤ q,

k known, and q from joint bounds of many products (`analysis.correlation_bounds`): patterns are
many, and δ cannot be along all of them. First and last term are bounded together,

    ‖μ M τ + Aᵀ√ω w‖² ≤ λmax(M Mᵀ + AᵀωA/κ) (μ²T² + κ q²)   for every κ > 0.

If ‖f(x* + δ) − f(x*)‖ < γρ for all δ up to a radius, cues within it come to x*.
"""

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from attractory.activations import ErfMixture
from attractory.analysis.certificate_boxes import Box, Pair, Place, Range
from attractory.analysis.certificate_gain import SLACK, above_eigenvalues
from attractory.analysis.correlation_bounds import LargestSums, gram_of

__all__ = ["RivalBound"]

_TARGET = 0.999  # γ
_HOPELESS = 0.1  # above γ: narrower cells do not help
_EXPECTED = 0.1  # radius over r at which weights are chosen
_AROUND = 24  # cells in the angle, of a ball
_ROUNDING = 1e-13  # of a sum of kernels
_BALLS = 0.01, 0.003, 0.001  # first radius, over r
_STEP = 1.5  # outer over inner radius of a shell
_LAST = 1.012
_LARGEST = 0.5  # radius over r
_CELLS = 6  # in the angle from the plane across x̂, to begin with
_NARROWEST = 0.02  # radians
_PRICES = np.geomspace(1e-2, 1e2, 5)  # κ, of the two matrices' ratio
_FLOOR = 1e-3  # of ω, relative to its largest
_ROUNDS = 3  # of search for good joint bounds
_LEAST = 1e-14  # weight of a pair of scales that is left out, relative to all
_BESIDE = 1e-4  # distance from x*, relative, of a pattern that it is at
_EQUAL = 1e-10  # by which squares of norms may differ to count as one
_NODES = 64  # in the angle to x*
_TAIL = 4  # last coefficients of a polynomial that are looked at
_POLYNOMIAL = 1e-12  # the largest of these, relative to the largest value
_NEAREST = 0.05  # of r, added to the length of patterns across x* in c


class Terms(NamedTuple):
    """What f(x* + δ) − f(x*) is made of in a box, relative to the length ρ of δ.

    Attributes:
        known: products of the vectors C, k_ν and k_T of the known part, C/ρ + ν/ρ k_ν + T²/ρ k_T.
        toward: of Mᵀ times these.
        free: of √ω A times these.
        scale: μ.
        off, half, bent: q by slopes, by half-widths of Δ, and, over T²/ρ, by R.
        own: what is unknown of a pattern near x*.
    """

    known: np.ndarray
    toward: np.ndarray
    free: np.ndarray
    scale: float
    off: float
    half: float
    bent: float
    own: float


class RivalBound:
    """The bound around one fixed point.

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
        self.dim, self.size = len(point), float(np.linalg.norm(point))
        unit = point / self.size
        self.along = patterns @ unit
        squares = np.array(act.scales) ** 2
        pairs = 2 / np.pi * act.gain**2 * np.outer(act.weights, act.weights)
        some = pairs > _LEAST * pairs.sum()
        self._pairs = pairs[some]
        self._v, self._w = (v[some] for v in np.broadcast_arrays(squares[:, None], squares))
        squares = (patterns**2).sum(axis=1)
        self.sign = np.where(self.along < 0, -1.0, 1.0)
        length, q = np.abs(self.along), squares / self.dim
        across = np.linalg.norm(patterns - np.outer(self.along, unit), axis=1)
        self.own, self._worst = int((self.along / np.sqrt(squares)).argmax()), 0.0
        self.others = np.ones(len(patterns), bool)
        self.others[self.own] = across[self.own] > _BESIDE * length[self.own]
        self._own_across = float(across[self.own])
        self.length, self.across, self.q, self._spread = length, across, q, None
        self._kept: dict[Place, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        if np.ptp(q) <= _EQUAL * q.max() and len(q) > 2 * _NODES:
            self._on_nodes(length, across)
        r = self.size
        self.slope = self._at_rows(self._slope(Place(r, 0.0)))
        self._at_rest = self._value(Place(r, 0.0))
        curve = self._curvature(Box(r, r, 0.0, _EXPECTED * r))
        floor = _FLOOR * curve[self.others].max()
        self.omega = np.where(self.others, np.maximum(curve, floor), 1.0)
        self._ways(unit, patterns, weights)

    def _on_nodes(self, length: np.ndarray, across: np.ndarray) -> None:
        """Take kernels at nodes in the angle to x*, of which those of patterns are polynomials.

        They are analytic in it, as long as all patterns have one norm. The one at x* is a node of
        its own.
        """
        angle = np.arctan2(across, length)
        least = float(angle[self.others].min())
        nodes = np.polynomial.chebyshev.chebpts1(_NODES)
        to = np.polynomial.chebyshev.chebvander
        weigh = np.linalg.inv(to(nodes, _NODES - 1))
        place = np.clip((angle - least) / (np.pi / 2 - least) * 2 - 1, -1, 1)
        spread = np.hstack([to(place, _NODES - 1) @ weigh, np.zeros((len(angle), 1))])
        if not self.others[self.own]:
            spread[self.own] = np.eye(_NODES + 1)[-1]
        every = self.length, self.across, self.q, None
        angles = least + (np.pi / 2 - least) * (nodes + 1) / 2
        norm = float(np.sqrt(self.q.mean() * self.dim))
        self.length = np.append(norm * np.cos(angles), length[self.own])
        self.across = np.append(norm * np.sin(angles), across[self.own])
        self.q = np.full(_NODES + 1, self.q.mean())
        self._spread, self._last = spread, weigh[-_TAIL:]
        box = Box(0.9 * self.size, 1.1 * self.size, 0.0, _EXPECTED * self.size)
        if not np.isfinite(self._curvature(box)[self.others]).all():
            self.length, self.across, self.q, self._spread = every

    def _sum(self, terms: Float[np.ndarray, "k m"]) -> Float[np.ndarray, " k"]:
        """Return sums over pairs of scales, at the nodes; NaN where no polynomial serves."""
        values = terms @ self._pairs
        if self._spread is None:
            return values
        last = np.abs(self._last @ values[:-1]).max()
        if not last <= _POLYNOMIAL * np.abs(values[:-1]).max():
            return np.full(len(values), np.nan)
        return values

    def _at_rows(self, values: Float[np.ndarray, "*m k"]) -> Float[np.ndarray, "*m n"]:
        """Return what values at the nodes are at the patterns."""
        return values if self._spread is None else values @ self._spread.T

    def _ways(self, unit: np.ndarray, patterns: np.ndarray, weights: np.ndarray) -> None:
        """Work out the matrices, and the joint bounds of terms of first and second order."""
        span = np.vstack([patterns, unit])
        basis = np.linalg.qr(span.T)[0] if len(span) < self.dim else None
        inside = [v if basis is None else v @ basis for v in (patterns, weights, unit)]
        patterns, self.weights, unit = inside
        self.own_size = float(np.linalg.norm(self.weights[self.own])) * (not self.others[self.own])
        back = (patterns - np.outer(self.along, unit)) / self.dim
        self.middle = self.weights.T @ (np.where(self.others, self.slope, 0.0)[:, None] * back)
        free = np.where(self.others, self.omega, 0.0)
        self.gram = self.weights.T @ (free[:, None] * self.weights)
        signed = self._at_rows(np.eye(len(self.length))) * self.sign
        back = signed @ self.weights
        self._back = back, back @ self.middle, back @ self.gram
        both = self.middle @ self.middle.T
        # Of a pattern that x* is near t is nearly 0: it is bounded as any other.
        ratio = float(np.trace(self.gram) / np.trace(both))
        self.prices = _PRICES * ratio
        self.tops = np.array([above_eigenvalues(both + self.gram / k) for k in self.prices])
        first = np.where(self.others, self.slope**2 / self.omega, 0.0)
        sums = LargestSums(
            gram_of(patterns / self.dim), self.along / self.dim, [first[:, None], free[:, None]]
        ).after(_ROUNDS)
        self.first, self.second = (float(np.sqrt(v[0])) for v in sums)

    def grow(self, slack: float) -> tuple[float, float]:
        """Return the largest radius found and γ; 0 if there is none.

        Args:
            slack: by how much the map is off, in any step.
        """
        for share in _BALLS:
            radius = share * self.size
            rate = self.ball(radius)
            if rate < _TARGET and rate * radius + slack < radius * (1 - SLACK):
                break
        else:
            return 0.0, np.nan
        step = _STEP
        while step > _LAST:
            outer = radius * step
            found = self.shell(radius, outer) if outer < _LARGEST * self.size else np.inf
            if found < _TARGET and found * radius + slack < radius * (1 - SLACK):
                radius, rate = radius * step, max(rate, found)
            else:
                step = 1 + (step - 1) / 2
        return radius, rate

    def ball(self, radius: float) -> float:
        """Return a bound of ‖f(x* + δ) − f(x*)‖/‖δ‖ for all δ up to a radius."""
        r = self.size
        box = Box(r - radius, r + radius, 0.0, radius)
        terms = self._terms(box, Place(r, 0.0), (radius, radius**2), radius)
        edges = np.linspace(-np.pi / 2, np.pi / 2, _AROUND + 1).tolist()
        return max(self._worst_of(terms, (0.0, radius), cell) for cell in pairwise(edges))

    def shell(self, inner: float, outer: float) -> float:
        """Return a bound of ‖f(x* + δ) − f(x*)‖/‖δ‖ in a shell; one above γ ends the search."""
        edges, worst = np.linspace(-np.pi / 2, np.pi / 2, _CELLS + 1).tolist(), 0.0
        waiting = list(pairwise(edges))
        # Where the last shell was the worst this one is, too.
        waiting.sort(key=lambda cell: abs((cell[0] + cell[1]) / 2 - self._worst), reverse=True)
        while waiting:
            cell = waiting.pop()
            here = self.cell((inner, outer), cell)
            if here < _TARGET:
                worst = max(worst, here)
                continue
            self._worst = middle = (cell[0] + cell[1]) / 2
            if cell[1] - cell[0] < 2 * _NARROWEST or here > _TARGET + _HOPELESS:
                return here
            waiting += [(middle, cell[1]), (cell[0], middle)]
        return worst

    def cell(self, radius: Pair, angle: Pair) -> float:
        """Return a bound of ‖f(x* + δ) − f(x*)‖/‖δ‖ for radii and angles of δ between two each."""
        ahead, beside = np.sin(angle), np.cos(angle)
        most = 1.0 if angle[0] < 0 < angle[1] else float(beside.max())
        across = radius[0] * max(float(beside.min()), 0.0), radius[1] * most
        ends = [r * a for r in radius for a in ahead]
        box = Box(self.size + min(ends), self.size + max(ends), *across)
        return self._worst_of(self._terms(box, box.center, box.half, radius[0]), radius, angle)

    def _terms(self, box: "Box", center: "Place", width: Pair, least: float) -> "Terms":
        """Return what f(x* + δ) − f(x*) is made of, in a box.

        Args:
            box: of m and T.
            center: about which Δ and θ_s are taken by their slopes in m and T².
            width: by how much m and T² differ from it, at most.
            least: length of δ over which that is so; of one that is 0, the widths are of it.
        """
        self._kept.clear()
        with np.errstate(invalid="ignore"):  # NaN where nothing is known, up to the bound
            return self._terms_of(box, center, width, least)

    def _terms_of(self, box: "Box", center: "Place", width: Pair, least: float) -> "Terms":
        wide, high = width
        in_m, in_square = self._ranges(box)
        moved = self._value(center) - self._at_rest
        moved = moved - (center.m - self.size) * in_m.middle
        at_nodes = np.stack([
            moved - center.across**2 * in_square.middle, in_m.middle, in_square.middle
        ])  # fmt: skip
        known, toward, free = (at_nodes @ back for back in self._back)
        slopes = self._slope_ranges(box)
        half, slope, *in_rows = self._at_rows(np.stack([
            (wide * in_m.half + high * in_square.half) / least, self._slope(center),
            *(values for one in slopes for values in one),
        ]))  # fmt: skip
        scale, off = self._multiple(slope)
        for (middle, spare), size in zip((in_rows[:2], in_rows[2:]), width, strict=True):
            more, less = self._multiple(middle)
            scale += size * abs(more)
            off += size * (less + float((spare / self.slope)[self.others].max()))
        return Terms(
            known=known @ known.T,
            toward=toward @ toward.T,
            free=free @ known.T,
            scale=scale,
            off=off * self.first,
            half=self._root_sum(half),
            bent=self._bent(box),
            own=self.own_size * float(half[self.own]) + self._beside(box),
        )

    def _worst_of(self, terms: "Terms", radius: Pair, angle: Pair) -> float:
        """Return the bound over radii and angles: convex in the known part, worst at its ends."""
        ahead, beside = np.sin(angle), np.cos(angle)
        most = 1.0 if angle[0] < 0 < angle[1] else float(beside.max())
        least = max(float(beside.min()), 0.0)
        free = terms.half + terms.off * most + terms.bent * radius[1] * most**2
        scale = terms.scale * most
        both = float(np.sqrt((self.tops * (scale**2 + self.prices * free**2)).min()))
        inverse = [1 / r if r > 0 else 0.0 for r in radius]
        found = []
        for by in product(inverse, ahead, (radius[0] * least**2, radius[1] * most**2)):
            v = np.array(by)
            size, toward, across = (
                float(np.sqrt(max(v @ m @ v, 0.0))) for m in (terms.known, terms.toward, terms.free)
            )
            with_it = min(scale * toward + free * across, both * size)
            found.append(np.sqrt(size**2 + 2 * with_it + both**2))
        total = (float(np.max(found)) + terms.own) * (1 + SLACK)  # NaN if any of them is
        return total if np.isfinite(total) else np.inf

    def _multiple(self, values: Float[np.ndarray, " n"]) -> tuple[float, float]:
        """Return μ, and by how much values differ from μ θ_s, over θ_s, at most."""
        ratio = (values / self.slope)[self.others]
        low, high = float(ratio.min()), float(ratio.max())
        return (low + high) / 2, (high - low) / 2

    def _root_sum(self, half: Float[np.ndarray, " n"]) -> float:
        return float(np.sqrt((half[self.others] ** 2 / self.omega[self.others]).sum()))

    def _bent(self, box: "Box") -> float:
        some = self.others
        return float((self._curvature(box)[some] / self.omega[some]).max()) * self.second

    def _ranges(self, box: "Box") -> tuple["Range", "Range"]:
        """Return the ranges of |∂θ_j/∂m|, and of −|∂θ_j/∂T²|, over a box, at the nodes."""
        # (χ/m + 2 T²|θ_p|/(m d)): both fall with D and P, and the second rises with T.
        q, out, by = self.q[:, None] + self._w, [], self.length[:, None] / self.dim
        for near, far in ((box.first, box.last), (box.last, box.first)):
            _, big, inverse = self._parts(near)
            first, third = inverse / big, q * inverse * inverse * inverse
            fall = (first + third) / 2
            ahead = self._v * (first + third)
            out.append((
                self._sum(by * (ahead + 2 * far.across**2 / self.dim * fall)),
                self._sum(far.m * by / self.dim * fall),
            ))  # fmt: skip
        (high, much), (low, little) = out
        return Range.between(low, high), Range.between(-much, -little)

    def _slope_ranges(self, box: "Box") -> tuple["Range", "Range"]:
        """Return the ranges of ∂θ_s/∂m and ∂θ_s/∂T² over a box, at the nodes."""
        q, out, by = self.q[:, None] + self._w, [], self.length[:, None] / self.dim
        for near, far in ((box.first, box.last), (box.last, box.first)):
            s = far.m * by
            _, _, inverse = self._parts(near)
            square = inverse * inverse
            third, bent = inverse * square, s * s * square
            rise = self._sum(by * s * (4 + 3 * bent) * third)
            fall = self._sum(q / self.dim * (1 + 1.5 * bent) * third)
            out.append((rise, 2 * far.m * fall, fall))
        (up, down, high), (low_up, low_down, low) = out
        return Range.between(low_up - down, up - low_down), Range.between(-high, -low)

    def _value(self, place: "Place") -> Float[np.ndarray, " k"]:
        """Return |θ_j(m, T)|."""
        s, _, inverse = self._parts(place)
        ratio = s * inverse
        return self._sum(np.arctan(ratio) + ratio)

    def _slope(self, place: "Place") -> Float[np.ndarray, " k"]:
        s, _, inverse = self._parts(place)
        return self._sum(inverse * (2 + (s * inverse) ** 2))

    def _curvature(self, box: "Box") -> Float[np.ndarray, " n"]:
        """Return c, at the patterns: of the largest |s| and |t| and the least p of a box."""
        s = box.last.m * self.length / self.dim
        reach = np.sqrt(self.across**2 + (_NEAREST * self.size) ** 2)
        reach = reach * box.last.across / self.dim
        there, _, far = self._parts(box.first, s + reach)
        here, _, near = self._parts(box.first, s)
        ahead, behind = there * far, here * near
        terms = (
            np.arctan(ahead) - np.arctan(behind) + ahead - behind
            - reach[:, None] * near * (2 + behind * behind)
        ) / reach[:, None] ** 2  # fmt: skip
        if self._spread is not None:  # the pattern near x* has its own bound, and no part in others
            terms[-1] = 0.0
        rise = np.maximum(self._at_rows(self._sum(terms)), 0.0) * (1 + SLACK)
        rise += _ROUNDING / (_NEAREST * self.size * box.last.across / self.dim) ** 2
        return np.where(np.isfinite(rise), rise, np.inf)

    def _beside(self, box: "Box") -> float:
        """Return what t does to the pattern near x*, over T: its s² is at most p q."""
        q, p = float(self.q[-1 if self._spread is not None else self.own]), box.last.square
        least = box.first.square / self.dim
        root = np.sqrt(self._w * least + self._v * (q + self._w))
        slope = float((2 / root + p / self.dim * q / root**3) @ self._pairs)
        return self.own_size * slope * self._own_across / self.dim

    def _parts(
        self, place: "Place", s: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return s, P and 1/D for every pair of scales; NaN where there is none."""
        if s is None and place in self._kept:
            return self._kept[place]
        given, s = s, place.m * self.length / self.dim if s is None else s
        big, q = place.square / self.dim + self._v, self.q[:, None] + self._w
        with np.errstate(invalid="ignore"):
            found = s[:, None], big, 1 / np.sqrt(big * q - s[:, None] ** 2)
        if given is None:
            self._kept[place] = found
        return found
