"""The map in the middle of its training, by matrix functions of SciPy's."""

import numpy as np
import pytest
from scipy.linalg import expm

from attractory import fit_regression, flow_regression, ntk
from attractory.datasets import sphere

X = sphere(6, 5, norm=4.0, seed=1)


@pytest.mark.parametrize("time", [0.3, 50.0])
def test_map_at_a_time(time):
    k = ntk(X) + 0.01 * np.eye(6)
    coefficients = np.linalg.solve(k, np.eye(6) - expm(-k * time)) @ X
    f = flow_regression(X, time, ridge=0.01)
    np.testing.assert_allclose(f.coefficients, coefficients, atol=1e-12)
    np.testing.assert_allclose(f(X), ntk(X) @ coefficients, atol=1e-12)
    assert not f.interpolates


def test_ends_of_the_flow():
    late, end = flow_regression(X, np.inf), fit_regression(X)
    np.testing.assert_allclose(late.coefficients, end.coefficients, rtol=1e-7)
    assert late.interpolates
    with pytest.raises(ValueError, match="time must be at least 0"):
        flow_regression(X, -0.5)
