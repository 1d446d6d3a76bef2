"""Means over seeds with confidence intervals, and what an interval decides.

A seed is one draw of patterns, weights and noise; cues of one memory are not independent, so every
interval is over seeds. Differences are taken within a seed before they are averaged. The intervals
of one claim are widened for their number (Bonferroni), so that they hold together with 95 %.
Intervals of bounded values end at the bounds. A largest value that lies at the end of a grid is
censored: it is told as "at least".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from attractory._util.statistics import clopper_pearson

__all__ = [
    "Estimate",
    "Verdict",
    "above",
    "all_of",
    "at_least",
    "below",
    "between",
    "count",
    "estimate",
    "said",
    "together",
]

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
        values: which they are.
        within: bounds of a value.
    """

    mean: float
    low: float
    high: float
    seeds: int
    values: tuple[float, ...] = field(default=(), repr=False, compare=False)
    within: tuple[float | int, float | int] = field(
        default=(-np.inf, np.inf), repr=False, compare=False
    )

    def among(self, number: int) -> "Estimate":
        """Return it with the interval that, of so many in one claim, holds with all of them.

        Example:
            >>> estimate([1.0, 2.0, 3.0, 4.0]).among(2).text()
            '2.5 [-0.196, 5.2]'
        """
        return estimate(np.array(self.values), self.within, number)

    def text(self, digits: int = 3) -> str:
        """Return it as text."""
        if self.seeds == 0:
            return "no data"
        if self.seeds == 1:
            return f"{self.mean:.{digits}g} (one seed)"
        mean, low, high = (f"{v:.{digits}g}" for v in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"


def estimate(
    values: ArrayLike, within: tuple[float | int, float | int] = (-np.inf, np.inf), number: int = 1
) -> Estimate:
    """Return the mean of one value for each seed, with Student's interval; NaNs are left out.

    Args:
        values: one a seed.
        within: bounds of a value, at which the interval ends.
        number: of the intervals that are to hold together.

    Example:
        >>> estimate([1.0, 2.0, 3.0, 4.0]).text()
        '2.5 [0.446, 4.55]'
    """
    x = np.asarray(values, float).ravel()
    x = x[np.isfinite(x)]
    if len(x) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    mean, kept = float(x.mean()), tuple(x.tolist())
    if len(x) == 1:
        return Estimate(mean, np.nan, np.nan, 1, kept, within)
    # SciPy's ttest_1samp warns of equal values, which shares of 1 are; its interval is NaN there.
    tail = (1 - CONFIDENCE) / 2 / max(1, number)
    half = float(stdtrit(len(x) - 1, 1 - tail) * x.std(ddof=1) / np.sqrt(len(x)))
    low, high = float(max(mean - half, within[0])), float(min(mean + half, within[1]))
    return Estimate(mean, low, high, len(x), kept, within)


def together(found: Sequence[Estimate]) -> list[Estimate]:
    """Return the estimates of one claim with intervals that hold together.

    Example:
        >>> [e.text() for e in together([estimate([1.0, 2.0, 3.0, 4.0])] * 2)]
        ['2.5 [-0.196, 5.2]', '2.5 [-0.196, 5.2]']
    """
    return [e.among(len(found)) for e in found]


def at_least(value: Estimate, end: float | int) -> str:
    """Return it as text, where values at the end of the grid may be larger.

    Example:
        >>> at_least(estimate([16, 16, 16, 16]), 16), at_least(estimate([16, 4, 16, 4]), 16)
        ('at least 16', 'at least 10 (2 of 4 seeds at the end of the grid)')
    """
    beyond = sum(v >= end for v in value.values)
    if not beyond:
        return value.text()
    text = f"at least {value.mean:.3g}"
    if beyond == value.seeds:
        return text
    return f"{text} ({beyond} of {value.seeds} seeds at the end of the grid)"


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


def said(verdict: Verdict, yes: str, no: str) -> str:
    """Return a figure's title by the verdict on it, "not decided: …" where there is none.

    Example:
        >>> said(None, "it grows", "it does not grow"), said(False, "it grows", "it does not grow")
        ('not decided: it grows', 'it does not grow')
    """
    if verdict is None:
        return f"not decided: {yes}"
    return yes if verdict else no
