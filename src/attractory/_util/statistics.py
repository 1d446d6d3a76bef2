"""Exact confidence intervals of a share, and where on a grid a quantity is largest."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import betaincinv  # scipy.stats takes a second to import

from attractory._util.aliases import ArrayLike

__all__ = ["clopper_pearson", "where_largest"]


def clopper_pearson(
    successes: int | ArrayLike, trials: int, confidence: float
) -> tuple[Float[np.ndarray, "*k"], Float[np.ndarray, "*k"]]:
    """Return the lower and upper end for each count of successes (Clopper & Pearson 1934).

    The interval holds the true share with at least this confidence whatever that share is.
    """
    k, n = np.asarray(successes, float), float(trials)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):  # at 0 and n, where the ends are known
        low, high = betaincinv(k, n - k + 1, tail), betaincinv(k + 1, n - k, 1 - tail)
    return np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high)


def where_largest(places: Sequence[float | int], rows: ArrayLike, tie: float = 0.0) -> str:
    """Return the places of a grid at which some seed has its largest value, as text.

    Args:
        places: the grid, ascending, (m,).
        rows: a value for each seed and place, (seeds, m); NaNs are left out.
        tie: values less than this below the largest, relative to it, count as large.

    Example:
        >>> where_largest([1, 10, 100], [[0, 1, 0]]), where_largest([1, 10, 100], [[0, 1, 1]])
        ('10', '10 or more')
        >>> where_largest([1, 10, 100], [[1, 1, 1]])
        'any from 1 to 100'
    """
    x = np.asarray(rows, float).reshape(-1, len(places))
    best: set[int] = set()
    for row in x[np.isfinite(x).any(axis=1)]:
        best |= set(np.flatnonzero(row >= np.nanmax(row) * (1 - tie)).tolist())
    if not best:
        return "none"
    ends = [float(places[k]) for k in (min(best), max(best))]
    low, high = (f"{end:g}" if end == round(end) else f"{end:.3g}" for end in ends)
    first, last = min(best) == 0, max(best) == len(places) - 1
    if first and last:
        return f"any from {low} to {high}"
    if last:
        return f"at least {low}" if low == high else f"{low} or more"
    if first:
        return f"at most {high}"
    return low if low == high else f"{low} to {high}"
