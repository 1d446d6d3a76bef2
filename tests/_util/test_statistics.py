"""Clopper–Pearson intervals: their defining identities, and coverage summed exactly."""

import numpy as np
import pytest
from scipy.stats import binom

from attractory._util.statistics import clopper_pearson


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
@pytest.mark.parametrize("n", [1, 7, 200])
def test_ends_leave_the_tails_they_should(n, confidence):
    k, tail = np.arange(n + 1), (1 - confidence) / 2
    low, high = clopper_pearson(k, n, confidence)
    np.testing.assert_allclose(binom.sf(k[1:] - 1, n, low[1:]), tail, rtol=1e-9)
    np.testing.assert_allclose(binom.cdf(k[:-1], n, high[:-1]), tail, rtol=1e-9)
    assert (low[0], high[-1]) == (0.0, 1.0)
    np.testing.assert_allclose(high[0], 1 - tail ** (1 / n), rtol=1e-12)
    np.testing.assert_allclose(low, 1 - high[::-1], atol=1e-14)  # successes and failures swapped
    # The intervals that hold p have at least the stated probability, whatever p is.
    for p in np.linspace(0.003, 0.997, 83):
        assert binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum() >= confidence - 1e-12
