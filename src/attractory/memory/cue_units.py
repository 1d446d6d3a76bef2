r"""In which units cues of a table are told, if not in the rows', and what they are in those.

A person told in scores, in per cent of each column's range, as percentiles, or with all numbers on
another scale (Fahrenheit for Celsius, shares of the sum) is still that person. Where columns are
alike, as pixels are, contrast and offset are the same for all, and the models of damage fit them
(`memory.damage_models`). Where each column has a mean and a deviation of its own, the columns say
in which units a cue is, by how probable its numbers are in each: a number by Student's law of three
degrees of freedom about its column's mean, in its column's deviations, times the derivative of the
change of units. Other units than the rows' are those that are more probable by a factor of e¹⁵ and
bring half of the numbers near to their columns' means, twice as many as are near as they are told:
numbers of which some are lost or wrong are for the models of damage. Of several such units those
are taken in which the cue is nearest to a row.

The scale a and offset o of all numbers are those of x = a m + o, m the rows' mean, weighed by
1/deviations², less far numbers that Student's law forgives (three rounds of reweighted least
squares), and then the same of the row that is most like the cue by correlation. The two together
cost ln d nats, as Schwarz's criterion has it.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import gammaln

from attractory.memory.coordinates import spread

__all__ = ["MOST_COLUMNS", "CueUnits"]

_CLEARLY = 15.0  # nats
_FEWEST = 6  # numbers below which nothing is told
_ROWS = 5000  # by which columns are known well enough
MOST_COLUMNS = 4096  # up to which rows are taken for a table
_FREEDOM = 3.0
_TOP = gammaln(2.0) - gammaln(1.5) - 0.5 * np.log(3 * np.pi)  # of Student's density, its logarithm
_ROUNDS = 3
_QUANTILES = 201
_NEAR = 2.0  # deviations within which a number is near its column's mean
_HALF = 0.5  # share of a cue's numbers that must be near in other units
_IN_PLACE = 0.5  # and in the rows' own this share of those at most


class _Reading(NamedTuple):
    """Cues in the rows' units, and ln |dx/dcue| of each number."""

    cues: Float[np.ndarray, "k d"]
    slope: Float[np.ndarray, "k d"]


class CueUnits:
    """What is worked out of the stored rows, once.

    Args:
        rows: in the units given, (n, d).
    """

    def __init__(self, rows: Float[np.ndarray, "n d"]):
        self._rows = rows[spread(len(rows), _ROWS)]

    def read(
        self, cues: Float[np.ndarray, "k d"], known: Bool[np.ndarray, "k d"] | None = None
    ) -> tuple[Float[np.ndarray, "k d"], Bool[np.ndarray, " k"]]:
        """Return cues in the rows' units, and which of them were told in others.

        Args:
            cues: as they are told.
            known: which coordinates are; None for all.
        """
        live = self._deviation > 0
        seen = np.broadcast_to(live, cues.shape) if known is None else known & live
        other = np.zeros(len(cues), bool)
        near = self._near(cues, seen)
        some = np.flatnonzero((seen.sum(axis=1) >= _FEWEST) & (near <= _IN_PLACE))
        if not len(some):
            return cues, other
        best, x, seen, near = cues.copy(), cues[some], seen[some], near[some]
        own = self._nats(_Reading(x, np.zeros_like(x)), seen) + _CLEARLY
        least = np.full(len(some), np.inf)
        for units in (self._scores, self._range, self._per_cent, self._percentiles, self._scaled):
            found = units(x, seen)
            there = self._near(found.cues, seen)
            fits = (self._nats(found, seen) > own) & (there >= _HALF) & (near <= _IN_PLACE * there)
            away = np.where(fits, self._from_a_row(found.cues, seen), np.inf)
            better = away < least
            best[some[better]], least = found.cues[better], np.minimum(away, least)
        other[some] = np.isfinite(least)
        return best, other

    @cached_property
    def _mean(self) -> Float[np.ndarray, " d"]:
        return self._rows.mean(axis=0)

    @cached_property
    def _deviation(self) -> Float[np.ndarray, " d"]:
        """Those of columns; 0 of constant ones."""
        deviation = self._rows.std(axis=0)
        return np.where(deviation > 1e-9 * np.abs(self._mean), deviation, 0.0)

    @cached_property
    def _unit(self) -> Float[np.ndarray, " d"]:
        return np.where(self._deviation > 0, self._deviation, 1.0)

    @cached_property
    def _in_deviations(self) -> Float[np.ndarray, "n d"]:
        return np.where(self._deviation > 0, self._rows / self._unit, 0)

    @cached_property
    def _ends(self) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
        """The least value of each column, and from it to the largest; 1 of constant ones."""
        low, wide = self._rows.min(axis=0), np.ptp(self._rows, axis=0)
        return low, np.where(wide > 0, wide, 1.0)

    def _near(self, x: np.ndarray, seen: np.ndarray) -> Float[np.ndarray, " k"]:
        """Return the share of the numbers that are near their columns' means."""
        near = seen & (np.abs(x - self._mean) <= _NEAR * self._unit)
        return near.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)

    def _from_a_row(self, x: np.ndarray, seen: np.ndarray) -> Float[np.ndarray, " k"]:
        """Return the square of the distance from the nearest row, in deviations."""
        rows, known = self._in_deviations, seen.astype(float)
        apart = x / self._unit * known  # constant columns are never seen
        square = known @ (rows**2).T - 2 * apart @ rows.T
        return square.min(axis=1) + (apart**2).sum(axis=1)

    def _nats(self, found: _Reading, seen: np.ndarray) -> Float[np.ndarray, " k"]:
        away = (found.cues - self._mean) / self._unit
        return np.where(seen, found.slope + self._law(away), 0.0).sum(axis=1)

    def _law(self, away: np.ndarray) -> np.ndarray:
        """Return the logarithm of Student's density, of deviations from the mean."""
        return _TOP - np.log(self._unit) - (_FREEDOM + 1) / 2 * np.log1p(away**2 / _FREEDOM)

    def _affine(self, x: np.ndarray, low: np.ndarray, unit: np.ndarray) -> _Reading:
        return _Reading(low + unit * x, np.broadcast_to(np.log(unit), x.shape))

    def _scores(self, x: np.ndarray, seen: np.ndarray) -> _Reading:
        return self._affine(x, self._mean, self._unit)

    def _range(self, x: np.ndarray, seen: np.ndarray, whole: float = 1.0) -> _Reading:
        low, wide = self._ends
        return self._affine(x, low, wide / whole)

    def _per_cent(self, x: np.ndarray, seen: np.ndarray) -> _Reading:
        return self._range(x, seen, 100.0)

    def _percentiles(self, x: np.ndarray, seen: np.ndarray) -> _Reading:
        """Shares of the rows below, of 1 or 100."""
        whole = np.where(np.where(seen, x, 0).max(axis=1, keepdims=True) > 1.5, 100.0, 1.0)
        share = np.clip(x / whole, 0, 1)
        table, at = self._quantiles, np.linspace(0, 1, _QUANTILES)
        out = np.stack([np.interp(share[:, j], at, table[:, j]) for j in range(x.shape[1])], axis=1)
        # A share of the rows is evenly distributed: its density is 1 by all of the column's law.
        law = -self._law((out - self._mean) / self._unit)
        within = (x > -0.1 * whole) & (x < 1.1 * whole)
        return _Reading(out, np.where(within, law - np.log(whole), law - 30.0))

    @cached_property
    def _quantiles(self) -> Float[np.ndarray, "q d"]:
        return np.quantile(self._rows, np.linspace(0, 1, _QUANTILES), axis=0)

    def _scaled(self, x: np.ndarray, seen: np.ndarray) -> _Reading:
        """All numbers times a, and o added."""
        mean, unit = self._mean, self._unit
        weight = np.where(seen, 1 / unit**2, 0.0)
        scale, offset = _line(x, mean, weight)
        for _ in range(_ROUNDS):
            away = ((x - offset) / scale - mean) / unit
            weight = np.where(seen, 1 / (unit**2 * (1 + away**2 / _FREEDOM)), 0.0)
            scale, offset = _line(x, mean, weight)
        row = self._rows[self._most_alike(x, weight)]
        scale, offset = _line(x, row, weight)
        count = seen.sum(axis=1, keepdims=True)  # they share what the two numbers cost
        cost = np.log(scale) + np.log(count) / count
        return _Reading((x - offset) / scale, np.broadcast_to(-cost, x.shape))

    def _most_alike(self, x: np.ndarray, weight: np.ndarray) -> Int[np.ndarray, " k"]:
        """Return the row of largest correlation, weighed, with each cue."""
        rows, total = self._rows - self._mean, weight.sum(axis=1, keepdims=True)
        own = self._mean - (weight * self._mean).sum(axis=1, keepdims=True) / total
        apart = weight * (x - (weight * x).sum(axis=1, keepdims=True) / total)
        along = apart @ rows.T + (apart * self._mean).sum(axis=1, keepdims=True)
        square = weight @ (rows**2).T + 2 * (weight * own) @ rows.T
        square += (weight * own**2).sum(axis=1, keepdims=True) - (weight @ rows.T) ** 2 / total
        return (along / np.sqrt(np.maximum(square, 1e-12))).argmax(axis=1)


def _line(
    x: np.ndarray, row: np.ndarray, weight: np.ndarray
) -> tuple[Float[np.ndarray, "k 1"], Float[np.ndarray, "k 1"]]:
    """Return a > 0 and o of least weighed squares of x − a row − o."""
    total = weight.sum(axis=1, keepdims=True)
    middle_x = (weight * x).sum(axis=1, keepdims=True) / total
    middle = (weight * row).sum(axis=1, keepdims=True) / total
    along = (weight * (x - middle_x) * (row - middle)).sum(axis=1, keepdims=True)
    square = (weight * (row - middle) ** 2).sum(axis=1, keepdims=True)
    scale = np.maximum(along / np.maximum(square, 1e-300), 1e-9)
    return scale, middle_x - scale * middle
