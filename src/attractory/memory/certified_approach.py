r"""How near to a row the recall steps without the linear part are proven to bring a state to rest.

Such a step is x ← (1 − b) x + b z, back to the norm, with z = T x + κ(0) Σ vⱼ + Σⱼ h(ρⱼ) vⱼ,
T = ε (I − S + ε)⁻¹ and vⱼ = (I − S + ε)⁻¹ aⱼ (`memory.drift_free_steps`). Every row is at rest but
for what the map misses it by. So at an angle a from row p = pᵢ, with ρⱼ = cos a cⱼ + sin a tⱼ,

    z − p = T (x − p) + (h(cos a) − h(1)) vᵢ + Σ_{j≠i} (h(ρⱼ) − h(cⱼ)) vⱼ + miss.

h has a power series without negative coefficients, so that its derivatives are the largest at |c|,
and with ωⱼ = h⁽ᵐ⁾(|cⱼ|)/m! the terms of order m in sin a have a sum of length at most

    sinᵐa √P √Q,   Σⱼ ωⱼ tⱼ²ᵐ ≤ P,   Σⱼ ωⱼ (vⱼ·u)² ≤ Q   (`analysis.correlation_bounds`).

Orders up to 4 are taken so, what is left by the triangle inequality. All are of at least first
order in a: there is a factor by which one step reduces angles up to φ. Where votes are large and
nearly cancel, √P √Q is far above the first-order term: then the norm of its matrix is worked out.
"""

from bisect import bisect_left
from functools import cached_property
from math import atan2, cos, inf, sin
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from attractory.activations import ErfMixture
from attractory.analysis.correlation_bounds import LargestSums, gram_of
from attractory.memory.drift_free_steps import PACE, LinearPart
from attractory.memory.momentum_iteration import Stage
from attractory.memory.norm_rule import by_correlation, expansion

__all__ = ["OPPOSITE", "Approach", "ApproachBound", "RowBound"]

ANGLES = np.geomspace(2e-3, 0.6, 110)  # radians
_ANGLES: list[float] = ANGLES.tolist()
_ORDERS = 4
_PLACES = 4096  # of the tables over correlations from 0 to 1
_STEP = 80  # places between the points of a divided difference
_TAYLOR, _FITTED = 0.5, 19  # |ρ| up to which h is a polynomial, and its degree
OPPOSITE = 1e-13  # of 1 + c, of a row that is another's opposite
_LEAST_GAP, _STEEPER = 1e-11, 1.02  # of chords whose limit is the slope at 1, and room for it
_APART = 8  # places between those that h′ is bounded by
_LESS = 1 - 1e-6  # of its coefficients, taken from below
_INVERSE = 1e-6  # by which (I − S + ε)⁻¹ (I − S + ε) may differ from I
_DIGITS = 1e-10  # of h
_LONGER = 1.1  # angle turned, over the length of a small step, with room for rounding
_NORM = 1e-5  # what a norm of float32 may turn the first step of float64 by
_SINGLE = 2.0**-24  # rounding of float32
_DOUBLE = 3e-14  # of the map's sums in float64, relative to the sum of their terms' lengths


class Approach(NamedTuple):
    """What steps do near a row; arrays over `ANGLES`.

    Attributes:
        across: bound of the part of z across the row, over the angle, for angles up to this.
        along: bound of |1 − z·p|.
        miss: length of what the map misses, at any angle, in the units of the sphere.
        firm: ε.
        rounding: of a step in float32, across the row and along it, for angles up to this; and of
            one in float64.
    """

    across: Float[np.ndarray, " m"]
    along: Float[np.ndarray, " m"]
    miss: float
    firm: float
    rounding: tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"], float]

    def step(self, angle: float, single: bool) -> float:
        """Return the angle below which a step ends from any angle up to this; inf if unknown."""
        place = bisect_left(_ANGLES, angle)
        if place == len(_ANGLES):
            return inf
        beside, along, double = self.rounding
        extra = float(beside[place]) if single else double
        less = float(along[place]) if single else double
        aside = float(self.across[place]) * angle + self.miss + extra
        ahead = 1 - float(self.along[place]) - self.miss - less
        if not ahead > 0:
            return inf
        x = (1 - PACE) * sin(angle) + PACE * aside
        y = (1 - PACE) * cos(angle) + PACE * ahead
        return atan2(x, y) + (1e-6 if single else 1e-15)

    def rests_from(self, single: Stage, double: Stage, tolerance: float, most: float) -> float:
        """Return the largest angle from which a state is proven to come to rest at the row; or 0.

        Args:
            single, double: how the steps run, in float32 and then in float64.
            tolerance: by how much the map then moves a state at rest, at most.
            most: largest angle asked for.
        """
        count = int(np.searchsorted(ANGLES, most, side="right"))
        if not self._ends(double, tolerance):
            return 0.0
        # Where steps from an angle are proven, they are from smaller ones.
        low, high = -1, count
        while high - low > 1:
            middle = (low + high) // 2
            good = self._settles(middle, single, double)
            low, high = (middle, high) if good else (low, middle)
        return float(ANGLES[low]) if low >= 0 else 0.0

    def _settles(self, place: int, single: Stage, double: Stage) -> bool:
        """Whether states up to an angle are at rest before the steps have been used up."""
        ended = self._leg(float(ANGLES[place]), single, True)
        if not ended < ANGLES[-1]:
            return False
        ended += _NORM
        falls = self._falls(False)[1 : int(np.searchsorted(ANGLES, ended)) + 1]
        if not (falls > 2 * double.tolerance).all():
            return False
        for _ in range(double.steps - 2):
            if 2 * ended <= double.tolerance:
                return True
            ended = self.step(ended, False)
        return False

    def _leg(self, angle: float, stage: Stage, single: bool) -> float:
        """Return the angle below which a leg ends, its steps used up or at a small one."""
        falls = self._falls(single)[1 : int(np.searchsorted(ANGLES, angle)) + 1]
        short = np.flatnonzero(~(falls > _LONGER * stage.tolerance))
        early, a = float(ANGLES[short[-1] + 1] if len(short) else ANGLES[0]), angle
        if not self.step(angle, single) < angle:
            return inf
        for _ in range(stage.steps):
            after = self.step(a, single)
            if not after < a:
                break
            a = after
        return max(early, a)

    def _falls(self, single: bool) -> Float[np.ndarray, " m"]:
        """Return by how much a step reduces angles from one of `ANGLES` to the next, at least."""
        beside, along, double = self.rounding
        extra = self.miss + (beside if single else double)
        less = self.miss + (along if single else double)
        ahead = (1 - PACE) * np.cos(ANGLES) + PACE * (1 - self.along - less)
        known = ahead > 0
        ahead = np.where(known, ahead, 1.0)
        # tan of the angle after is at most a times this and a constant.
        rate = ((1 - PACE) + PACE * self.across) / ahead
        constant = PACE * extra / ahead + (1e-6 if single else 1e-15)
        least = np.where(rate < 1, np.append(0.0, ANGLES[:-1]), ANGLES)
        return np.where(known, least * (1 - rate) - constant, -inf)

    def _ends(self, stage: Stage, tolerance: float) -> bool:
        """Whether the map leaves at rest what the leg has left at rest near the row."""
        extra = self.miss + self.rounding[2]
        ahead = (1 - PACE) * np.cos(ANGLES[0]) + PACE * (1 - self.along[0] - extra)
        if not ahead > 0:
            return False
        rate = ((1 - PACE) + PACE * self.across[0]) / ahead
        if not rate < 1:
            return False
        angle = (_LONGER * stage.tolerance + PACE * extra / ahead + 1e-15) / (1 - rate)
        if not angle < ANGLES[0]:
            return False
        moved = angle * (1 + self.across[0] + self.along[0] / ANGLES[0]) + 2 * extra
        return bool((1 + self.firm) * moved <= tolerance)


class ApproachBound:
    """The bound for one memory.

    Args:
        linear: what the steps leave out.
    """

    def __init__(self, linear: LinearPart):
        self.linear = linear
        store, rule = linear.store, linear.store.settings
        self.dim, self.norm = store.x.shape[1], linear.norm
        self.place = (self.dim + 16) * _SINGLE  # error of a correlation in float32
        self.patterns = store.x / self.norm
        inverse, across_span = linear.inverse
        self.votes = (store.solution().coefficients @ inverse) / self.norm
        self.gram, self.vote_gram = gram_of(self.patterns), gram_of(self.votes)
        self.squares = (self.votes**2).sum(axis=1)
        values = np.linalg.eigvalsh(inverse)
        self.stretch = float(max(values[-1], across_span)) * (1 + 1e-9)
        self.soft = linear.soft * self.stretch
        self.kernel = (self.norm, rule.activation, rule.depth, 0.0, self.dim)
        # At depth 2 of error functions; of more layers where the activation is.
        act = rule.activation
        self.odd = isinstance(act, ErfMixture) and (rule.depth == 2 or act.offset == 0)
        self._tables()
        # What the map misses each row by, and the sums whose terms are rounded.
        self.coefficients = np.linalg.norm(store.solution().coefficients, axis=1) / self.norm
        self.still = float(np.linalg.norm(linear.soft * inverse))
        self.missed = store.missed() * self.stretch
        # Where S has eigenvalues of 1 by rounding, the inverse is another matrix's.
        back = inverse @ linear.matrix
        if np.abs((1 + linear.soft) * inverse - back - np.eye(self.dim)).max() > _INVERSE:
            self.missed = np.full(len(self.patterns), np.inf)

    def _tables(self) -> None:
        rho = np.linspace(0, 1, _PLACES + 1)
        kernel = by_correlation(rho, *self.kernel)
        slope, _ = expansion(*self.kernel)
        self.kernels = kernel
        series = np.polynomial.Chebyshev.interpolate(
            lambda r: by_correlation(r, *self.kernel), _FITTED, domain=[-_TAYLOR, _TAYLOR]
        )
        taylor = series.convert(kind=np.polynomial.Polynomial, domain=[-1, 1]).coef
        low = np.where(np.arange(len(taylor)) < 2, 0.0, taylor)
        # What the steps take for the slope differs from it by a third-order term.
        off = abs(slope - taylor[1])
        self.lowest = taylor[:2]
        self.high = self.high_at(rho)
        poly, near = np.polynomial.polynomial.polyval, rho <= _TAYLOR
        self.high[near] = np.maximum(poly(rho[near], low), 0.0)
        # Of an interpolated convex function: that of the interval that follows.
        slopes = np.diff(self.high) * _PLACES
        # That at 1 is the limit of chords that end there.
        gap = np.geomspace(1 / _PLACES, _LEAST_GAP, 48)
        chords = (self.high[-1] - self.high_at(1 - gap)) / gap
        steepest = max(float(chords.max()), float(slopes[-1])) * _STEEPER
        self.slope = np.append(slopes[1:], [steepest] * 2)
        # How far a chord lies above it: an eighth of the second difference after it, at most. In
        # the last two cells, a quarter of what the slope changes by.
        digits = _DIGITS * self.high[-1]
        bow, last = np.diff(self.high, 2) / 8 + digits, (steepest - slopes[-2]) / (4 * _PLACES)
        self.bow = np.append(np.maximum.accumulate(bow[1:]), [max(last, bow[-1]) + digits] * 3)
        self.fall = np.maximum(self.high[-1] - self.high_at(np.cos(ANGLES)), 0.0) + digits
        # Derivatives over m!: not less than their values, and not more.
        coefs = np.maximum(low * _LESS - 1e-9 * kernel[-1], 0.0)
        coefs[:2] = 0.0
        self.above, self.below = [], []
        for m in range(1, _ORDERS + 1):
            self.above.append(_above(self.high, m) + (off if m == 1 else 0.0))
            derived = np.polynomial.Polynomial(coefs).deriv(m)(rho)
            self.below.append(derived / np.prod(np.arange(1, m + 1)))
        self.size = float(self.high[-1])
        self._slopes(off)

    def _slopes(self, off: float) -> None:
        """Bound h′ of an odd h, convex as h is: chords of one list are above, of another below."""
        gap, digits = _APART, _DIGITS * self.size
        h = np.append(-self.high[: 2 * gap + 1][:0:-1], self.high)  # h(−ρ) = −h(ρ)
        # The mean of a convex function over an interval is above its middle, below its ends' mean.
        means = (h[2 * gap :] - h[: -2 * gap]) / (2 * gap)
        ends = (h[2 * gap :] - h[gap:-gap]) / gap
        above = np.append(means[gap:], np.full(gap, np.inf)) + digits / gap
        below = 2 * ends - means - 5 * digits / gap
        before, after = np.append(above[1], above[:-2]), np.append(above[2:], np.inf)
        # A chord is above a convex function by a quarter of the change of its slope at most.
        bow = (after - below[1:] - below[:-1] + before) / 4
        self.above_slope = above * _PLACES + off
        self.below_slope = np.maximum(np.append(below[:-1] - bow, 0.0) * _PLACES - off, 0.0)

    def high_at(self, rho: np.ndarray) -> np.ndarray:
        """Return h at correlations that are not small."""
        low = self.lowest[0] + self.lowest[1] * rho
        return np.maximum(by_correlation(rho, *self.kernel) - low, 0.0)

    def at(self, table: np.ndarray, c: np.ndarray, up: bool = True) -> np.ndarray:
        """Return a rising table's values at correlations from 0 to 1, from above or from below."""
        place = c * _PLACES
        index = np.ceil(place - 1e-9) if up else np.floor(place)
        return table[np.minimum(index.astype(int), _PLACES)]

    def between(self, table: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Return a convex table's chords, which are not below it."""
        place = c * _PLACES
        below = np.minimum(place.astype(int), _PLACES - 1)
        return table[below] + (place - below) * (table[below + 1] - table[below])

    def left_over(self, c: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """Return what h(c + reach) − h(c) has beyond the orders, at most; correlations from 0."""
        there = np.minimum(c + reach, 1.0)
        rest = self.between(self.high, there) - (self.between(self.high, c) - self.at(self.bow, c))
        for m in range(_ORDERS):
            rest = rest - self.at(self.below[m], c, up=False) * reach ** (m + 1)
        return np.where(c + reach > 1, np.inf, np.maximum(rest, 0.0))

    @cached_property
    def left_by_correlation(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is left of h, its error and h itself at each angle, at |c| up to a place's; (m, k).

        The error is that of a step in float32: of correlations, and of chords of its table.

        What is left is a series in c and the reach without negative coefficients: over a cell of c
        it is at most that of its largest c and largest reach. So are the others.
        """
        c = np.linspace(0, 1, _PLACES + 1)
        below = np.append(0.0, c[:-1])
        reach = ANGLES[:, None] * np.sqrt(1 - below**2)  # sin a is at most a
        rest = self.left_over(c, reach)
        # Of at least first order, it falls at least as fast as the angle.
        share = (rest / ANGLES[:, None])[::-1]
        rest = np.minimum.accumulate(share)[::-1] * ANGLES[:, None]
        there = np.minimum(c + reach, 1.0)
        beyond = np.minimum(there + 2 * self.place, 1.0)
        error = self.place * self.at(self.slope, beyond) + self.at(self.bow, beyond) / 2
        return rest, error, self.at(self.high, there)

    def row(self, i: int) -> "RowBound":
        """Return the bound near a row; nothing is known beside an equal one."""
        with np.errstate(invalid="ignore"):
            return RowBound(self, i)


class RowBound:
    """What steps do near one row.

    Args:
        bound: of the memory.
        i: index of the row.
    """

    def __init__(self, bound: ApproachBound, i: int):
        self._bound, self._i = bound, i
        p, v = bound.patterns, bound.votes
        close = p @ p[i]
        # Of an odd h the vote of the row's opposite is one of the row's own, with its sign turned.
        opposite = (close < -1 + OPPOSITE) & bound.odd
        own = v[i] - v[opposite].sum(axis=0)
        self._toward, squares = v @ p[i], bound.squares.copy()
        self._toward[i], squares[i] = own @ p[i], own @ own
        self._size = np.sqrt(np.maximum(squares - self._toward**2, 0.0))
        self._length = np.sqrt(bound.squares[i]) + np.sqrt(bound.squares[opposite]).sum()
        self._c = np.minimum(np.abs(close) + 1e-12, 1.0)
        place = np.minimum(np.ceil(self._c * _PLACES - 1e-9).astype(int), _PLACES)
        others = (np.arange(len(p)) != i) & ~opposite
        self._weights = [np.where(others, above[place], 0.0) for above in bound.above]
        # By how much slopes at cos a c fall short of those at c, over a².
        self._others, self._close, flatter = others, close, self._weights[1] * self._c
        columns = [w[:, None] for w in self._weights]
        columns[0] = np.hstack([columns[0], flatter[:, None]])
        self._seen = LargestSums(bound.gram, close, columns)
        # Along p there is one number a vote, and no sum of them to bound.
        weights = np.stack([*self._weights, flatter], axis=1)
        self._of_votes = LargestSums(bound.vote_gram, self._toward, [weights])
        self._used, where = np.unique(place[others], return_inverse=True)
        self._lengths = np.stack([
            np.bincount(where, weights=w[others], minlength=len(self._used))
            for w in (self._size, np.abs(self._toward), np.sqrt(bound.squares))
        ], axis=1)  # fmt: skip

    def after(self, rounds: int, closely: bool = False) -> Approach:
        """Return what steps do; each round of search costs two products with n × n matrices.

        Args:
            rounds: of search.
            closely: whether the first-order term is worked out, which costs as much as some more.
        """
        with np.errstate(invalid="ignore"):
            return self._after(rounds, self.first_order if closely else inf)

    @cached_property
    def first_order(self) -> float:
        """A bound of the norm of Σ h′(cⱼ) vⱼ qⱼᵀ across the row, near to it; inf if unknown."""
        bound, p = self._bound, self._bound.patterns[self._i]
        place = np.minimum((self._c * _PLACES).astype(int), _PLACES - 1)
        share = self._c * _PLACES - place
        with np.errstate(invalid="ignore"):  # inf less inf, of no other row
            high, low = (
                np.where(self._others, t[place] + share * (t[place + 1] - t[place]), 0.0)
                for t in (bound.above_slope, bound.below_slope)
            )
        if not (bound.odd and np.isfinite(high).all()):
            return inf
        votes = bound.votes - np.outer(self._toward, p)
        seen = bound.patterns - np.outer(self._close, p)
        matrix = votes.T @ (((high + low) / 2)[:, None] * seen)
        most = np.sqrt(max(float(np.linalg.eigvalsh(matrix @ matrix.T)[-1]), 0.0))
        reach = np.sqrt(np.maximum(1 - self._close**2, 0.0))
        return float(
            most * (1 + _INVERSE) + ((high - low) / 2 * (1 + _INVERSE)) @ (self._size * reach)
        )

    def slopes(self, rounds: int, first_order: float) -> Float[np.ndarray, " m"]:
        """Bound the norm of Σ h′(cos a cⱼ) vⱼ qⱼᵀ across the row, at each angle a.

        Args:
            rounds: of search.
            first_order: a bound of it at a = 0, or inf.
        """
        seen, of_votes = self._seen.after(rounds)[0], self._of_votes.after(rounds)[0]
        turned = first_order + ANGLES**2 * np.sqrt(seen[1] * of_votes[-1])
        return np.minimum(np.sqrt(seen[0] * of_votes[0]), turned)

    def _after(self, rounds: int, first_order: float) -> Approach:
        bound, i, toward, weights, c = self._bound, self._i, self._toward, self._weights, self._c
        seen = np.array([k[0] for k in self._seen.after(rounds)])
        of_votes = self._of_votes.after(rounds)[0][:-1]
        orders = np.sqrt(seen * of_votes)
        first = self.slopes(rounds, first_order)
        sums = np.sqrt(seen * [(w * toward**2).sum() for w in weights])
        shift = np.sqrt((weights[0] * c**2).sum() * of_votes[0])
        still = float((weights[0] * c * np.abs(toward)).sum())
        rest, errors, heights = (table[:, self._used] for table in bound.left_by_correlation)
        powers = ANGLES[:, None] ** np.arange(1, _ORDERS + 1)
        turned = ANGLES**2 / 2
        own = bound.fall
        # Over the angle, the largest for angles from the one before to this one.
        begin = np.append(ANGLES[0] / 2, ANGLES[:-1])
        ratio = np.maximum.accumulate(own / begin)
        ratio[0] = max(ratio[0], own[0] / ANGLES[0] * 2)
        left = rest @ self._lengths[:, :2]
        beside = ANGLES * first + powers[:, 1:] @ orders[1:] + turned * shift + left[:, 0]
        ahead = powers @ sums + turned * still + left[:, 1]
        beside = beside / ANGLES + ratio * self._size[i] + bound.soft
        ahead = ahead + own * abs(toward[i]) + bound.soft * ANGLES
        unit = (len(bound.patterns) + bound.dim + 128) * _SINGLE
        # An error of a correlation moves z along its vote; the row's own is mostly along the row.
        lengths, length = self._lengths, self._length
        error = bound.place * bound.slope[-1] + bound.bow[-1] / 2
        sums = 2 * unit * (heights @ lengths[:, 2] + bound.size * length)
        sums = sums + unit * (1 + bound.still) + _NORM
        across = errors @ lengths[:, 0] + error * self._size[i] + sums
        along = errors @ lengths[:, 1] + error * abs(toward[i]) + sums
        kernels = bound.at(bound.kernels, np.minimum(c + ANGLES[-1], 1.0)) @ bound.coefficients
        rounding = across, along, float(kernels) * bound.stretch * _DOUBLE
        return Approach(beside, ahead, float(bound.missed[i]), bound.linear.soft, rounding)


def _above(values: Float[np.ndarray, " k"], order: int) -> Float[np.ndarray, " k"]:
    """Return divided differences over points at and after each place: not below h⁽ᵐ⁾/m!."""
    count = len(values)
    gap = np.minimum(_STEP, (count - 1 - np.arange(count)) // order)
    out = np.full(count, np.inf)
    good = np.flatnonzero(gap > 0)
    total = np.zeros(len(good))
    sign = 1.0
    binomial = 1
    for k in range(order, -1, -1):
        total += sign * binomial * values[good + k * gap[good]]
        sign, binomial = -sign, binomial * k // (order - k + 1)
    width = gap[good] / (count - 1)
    factorial = float(np.prod(np.arange(1, order + 1)))
    slack = 2**order * _DIGITS * values[-1]
    out[good] = np.maximum(total + slack, 0.0) / (factorial * width**order)
    return np.maximum.accumulate(out)
