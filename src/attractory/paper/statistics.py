"""Means over seeds with confidence intervals, and what an interval decides.

A seed is one draw of patterns, weights and noise; cues of one memory are not independent, so every
interval is over seeds. Differences are taken within a seed before they are averaged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t

from attractory._util.statistics import clopper_pearson

__all__ = ["Estimate", "Verdict", "above", "all_of", "below", "between", "count", "estimate"]

Verdict = bool | None
FEWEST = 4  # seeds; with fewer nothing is decided
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean, or a share, with a 95 % interval.

    Attributes:
        mean: the estimate.
        low, high: ends of the interval; NaN where one seed gives none.
        seeds: how many values it is the mean of.
    """

    mean: float
    low: float
    high: float
    seeds: int

    def text(self, digits: int = 3) -> str:
        """Return it as text."""
        if self.seeds == 0:
            return "no data"
        if self.seeds == 1:
            return f"{self.mean:.{digits}g} (one seed)"
        mean, low, high = (f"{v:.{digits}g}" for v in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"


def estimate(values: ArrayLike) -> Estimate:
    """Return the mean of one value for each seed, with Student's interval; NaNs are left out.

    Example:
        >>> estimate([1.0, 2.0, 3.0, 4.0]).text()
        '2.5 [0.446, 4.55]'
    """
    x = np.asarray(values, float).ravel()
    x = x[np.isfinite(x)]
    if len(x) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    mean = float(x.mean())
    if len(x) == 1:
        return Estimate(mean, np.nan, np.nan, 1)
    # SciPy's ttest_1samp warns of equal values, which shares of 1 are; t.interval gives NaN there.
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return Estimate(mean, mean - half, mean + half, len(x))


def count(successes: ArrayLike) -> Estimate:
    """Return the share of runs that succeeded, booleans, with its Clopper–Pearson interval.

    Example:
        >>> count([True] * 10).text()
        '1 [0.692, 1]'
    """
    x = np.asarray(successes, bool).ravel()
    if len(x) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    low, high = clopper_pearson(int(x.sum()), len(x), CONFIDENCE)
    return Estimate(float(x.mean()), float(low), float(high), len(x))


def above(value: Estimate, bound: float | int) -> Verdict:
    """Say whether it exceeds a bound: None if the interval holds the bound or seeds are few.

    Example:
        >>> above(estimate([1.0, 1.1, 0.9, 1.0]), 0.5), above(estimate([1.0, 1.1]), 0.5)
        (True, None)
    """
    if value.seeds < FEWEST or not np.isfinite([value.low, value.high]).all():
        return None
    if value.low > bound:
        return True
    return False if value.high < bound else None


def below(value: Estimate, bound: float | int) -> Verdict:
    """Say whether it is less than a bound; see `above`.

    Example:
        >>> below(estimate([1.0, 1.1, 0.9, 1.0]), 0.5)
        False
    """
    answer = above(value, bound)
    return None if answer is None else not answer


def between(value: Estimate, low: float, high: float) -> Verdict:
    """Say whether it lies between two bounds: if the whole interval does; not if none of it does.

    Example:
        >>> between(estimate([1.0, 1.1, 0.9, 1.0]), 0.8, 1.2)
        True
    """
    if value.seeds < FEWEST or not np.isfinite([value.low, value.high]).all():
        return None
    if low <= value.low and value.high <= high:
        return True
    return False if value.high < low or value.low > high else None


def all_of(*verdicts: Verdict) -> Verdict:
    """Return False if one is, else None if one is or there is none, else True.

    Example:
        >>> all_of(True, None), all_of(None, False), all_of(True, True), all_of()
        (None, False, True, None)
    """
    if False in verdicts:
        return False
    return None if None in verdicts or not verdicts else True
