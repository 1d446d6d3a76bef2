"""When a recalled state counts as right: the success rules of the published protocols."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

__all__ = [
    "Rule", "cosine_above", "distance_below", "error_below", "near_the_row", "overlap_from",
    "squared_error_at_most",
]  # fmt: skip

Points = Float[np.ndarray, "k d"]
Rows = Float[np.ndarray, "n d"]
Judge = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Rule:
    """A success rule.

    Attributes:
        words: what it says, for tables.
        judge: a function of states (k, d), the rows they should be (k, d) and all stored rows
            (n, d), which says of each state whether it counts.

    Example:
        >>> rule = error_below(0.01)
        >>> rule.words
        'mean squared error < 0.01'
        >>> rule.holds(np.array([[0.0, 0.1], [0.0, 0.2]]), np.zeros((2, 2)), np.eye(2)).tolist()
        [True, False]
    """

    words: str
    judge: Judge

    def holds(self, states: Points, rows: Points, stored: Rows) -> Bool[np.ndarray, " k"]:
        """Say of each state whether it counts; one that is not finite does not."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.isfinite(states).all(axis=1) & self.judge(states, rows, stored)


def squared_error_at_most(limit: float | int, dim: int) -> Rule:
    """Return the rule Σ (s − r)² ≤ limit · d/dim: a limit published for rows of dim numbers.

    Example:
        >>> squared_error_at_most(60, 784).holds(np.eye(1, 784), np.zeros((1, 784)), np.eye(784))
        array([ True])
    """

    def judge(states: Points, rows: Points, stored: Rows) -> np.ndarray:
        return ((states - rows) ** 2).sum(axis=1) <= limit * rows.shape[1] / dim

    return Rule(f"squared error ≤ {limit:g} · d/{dim}", judge)


def error_below(limit: float) -> Rule:
    """Return the rule: the mean of (s − r)² over coordinates is below a limit."""
    return Rule(
        f"mean squared error < {limit:g}",
        lambda states, rows, stored: ((states - rows) ** 2).mean(axis=1) < limit,
    )


def distance_below(limit: float) -> Rule:
    """Return the rule ‖s − r‖ < limit.

    Example:
        >>> distance_below(0.1).holds(np.array([[3.0, 4.05]]), np.array([[3.0, 4.0]]), np.eye(2))
        array([ True])
    """
    return Rule(
        f"distance < {limit:g}",
        lambda states, rows, stored: np.linalg.norm(states - rows, axis=1) < limit,
    )


def cosine_above(limit: float) -> Rule:
    """Return the rule: the cosine of state and row is above a limit; that of 0 is 0.

    Example:
        >>> cosine_above(0.9).holds(np.array([[2.0, 0.1]]), np.eye(1, 2), np.eye(2)).tolist()
        [True]
    """

    def judge(states: Points, rows: Points, stored: Rows) -> np.ndarray:
        size = np.linalg.norm(states, axis=1) * np.linalg.norm(rows, axis=1)
        return (states * rows).sum(axis=1) > limit * np.maximum(size, np.finfo(float).tiny)

    return Rule(f"cosine > {limit:g}", judge)


def overlap_from(limit: float) -> Rule:
    """Return the rule: the mean of sign(s) · r, of rows of ±1, is at least a limit.

    Example:
        >>> row = np.ones((1, 4))
        >>> overlap_from(0.5).holds(np.array([[0.1, 2.0, 3.0, -1.0]]), row, row).tolist()
        [True]
    """
    return Rule(
        f"overlap ≥ {limit:g}",
        lambda states, rows, stored: (np.sign(states) * rows).mean(axis=1) >= limit,
    )


def near_the_row(share: float) -> Rule:
    """Return the rule ‖s − r‖ ≤ share · ‖r − mean row‖, of this library.

    Example:
        >>> rows = np.array([[0.0, 1.0], [0.0, -1.0]])
        >>> near_the_row(0.01).holds(rows + [0.0, 0.005], rows, rows).tolist()
        [True, True]
    """

    def judge(states: Points, rows: Points, stored: Rows) -> np.ndarray:
        away = np.linalg.norm(rows - stored.mean(axis=0), axis=1)
        return np.linalg.norm(states - rows, axis=1) <= share * away

    return Rule(f"within {100 * share:g} % of the row's distance from the mean", judge)
