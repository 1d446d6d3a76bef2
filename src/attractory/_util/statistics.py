"""Exact confidence intervals of a share."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.stats import beta

__all__ = ["clopper_pearson"]


def clopper_pearson(
    successes: int | ArrayLike, trials: int, confidence: float
) -> tuple[Float[np.ndarray, "*k"], Float[np.ndarray, "*k"]]:
    """Return the lower and upper end for each count of successes (Clopper & Pearson 1934).

    The interval holds the true share with at least this confidence whatever that share is.
    """
    k, n = np.asarray(successes, float), float(trials)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):  # at 0 and n, where the ends are known
        low, high = beta.ppf(tail, k, n - k + 1), beta.ppf(1 - tail, k + 1, n - k)
    return np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high)
