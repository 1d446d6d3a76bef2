"""How a time grows with a size: the slope of its logarithm, with an interval."""

import numpy as np
from scipy.stats import t as student_t


def exponent(sizes, times, confidence=0.95):
    """Return the exponent k of time ∝ size^k by least squares, and the ends of its interval.

    Example:
        >>> [round(k, 3) for k in exponent([1, 2, 4, 8], [3, 12, 48, 192])]
        [2.0, 2.0, 2.0]
    """
    x, y = np.log(np.asarray(sizes, float)), np.log(np.asarray(times, float))
    if len(x) < 3:
        raise ValueError(f"sizes must be at least 3 for an interval, got {len(x)}")
    apart = x - x.mean()
    slope = float(apart @ y / (apart @ apart))
    rest = y - y.mean() - slope * apart
    deviation = np.sqrt(rest @ rest / (len(x) - 2) / (apart @ apart))
    half = float(student_t.ppf((1 + confidence) / 2, len(x) - 2) * deviation)
    return slope, slope - half, slope + half
