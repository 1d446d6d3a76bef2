"""The large-norm limit: constants by quadrature, limits by going there, rates by Richardson."""

import numpy as np
import pytest
from scipy.integrate import quad

from attractory import fit_regression, ntk, spectral_radius
from attractory.datasets import rescale, sphere
from attractory.theory import (
    approach_rate,
    diagonal_growth,
    large_enough_norm,
    large_norm_limit,
    single_example,
)

SLOPES = {
    "sigmoid": lambda a: 0.25 / np.cosh(a / 2) ** 2,
    "tanh": lambda a: 1 / np.cosh(a) ** 2,
    "erf": lambda a: 2 / np.sqrt(np.pi) * np.exp(-(a**2)),
    "arctan": lambda a: 1 / (1 + a**2),
    "softsign": lambda a: 1 / (1 + abs(a)) ** 2,
}


@pytest.mark.parametrize("name", SLOPES)
def test_growth_is_the_integral_of_the_squared_slope(name):
    """I_k/√p = ∫σ′²/√(2π): from the true function, not the mixture."""
    area = 2 * quad(lambda a: SLOPES[name](a) ** 2, 0, 300, limit=400)[0]
    root, constant = diagonal_growth(name)
    assert root == pytest.approx(area / np.sqrt(2 * np.pi), rel=1e-6)
    limit = {"sigmoid": 0.5, "arctan": (np.pi / 2) ** 2}.get(name, 1.0)  # σ(∞)² averaged
    assert constant == pytest.approx(limit, rel=1e-6)


@pytest.mark.parametrize(("name", "depth"), [("sigmoid", 2), ("tanh", 3), ("erf_surrogate", 4)])
def test_diagonal_growth_is_the_kernels(name, depth):
    root, constant = diagonal_growth(name, depth)
    for norm, room in ((1e4, 1e-2), (1e6, 1e-4)):
        theta = ntk([[norm, 0.0, 0.0, 0.0]], activation=name, depth=depth)[0, 0]
        assert theta - root * norm / 2 == pytest.approx(constant, rel=room)


@pytest.mark.parametrize("depth", [2, 3])
def test_rate_by_richardson(depth):
    """(½ − λ) r at r and 2r, extrapolated, meets the first order far better than either."""
    x = sphere(5, 12, seed=2)
    rates = approach_rate(x, activation="tanh", depth=depth)
    found = []
    for norm in (1e4, 2e4):
        f = fit_regression(norm * x, activation="tanh", depth=depth)
        found.append((0.5 - spectral_radius(f, norm * x)) * norm)
    np.testing.assert_allclose(2 * found[1] - found[0], rates, rtol=1e-4)


@pytest.mark.parametrize("name", ["sigmoid", "erf"])
@pytest.mark.parametrize("pairs", [1, 2])
def test_rate_with_antiparallel_pairs(name, pairs):
    x = sphere(4, 12, seed=3)
    x = np.vstack([x, -x[:pairs]])
    rates = approach_rate(x, activation=name)
    norm = 1e5
    f = fit_regression(norm * x, activation=name)
    np.testing.assert_allclose((0.5 - spectral_radius(f, norm * x)) * norm, rates, rtol=2e-3)
    # A pair is one direction: its members have one rate, and it does not matter which was given.
    np.testing.assert_allclose(rates[4:], rates[:pairs], rtol=1e-12)


def test_without_neighbours_the_rate_is_that_of_one_example():
    (rate,) = approach_rate(np.eye(1, 9), activation="sigmoid")
    slope = single_example(dim=9, norm=1e6).predictions[0].measured
    assert (0.5 - slope) * 1e6 == pytest.approx(rate, rel=1e-4)


def test_named_norm_is_large_enough_and_not_absurdly_so():
    for name in ("erf_surrogate", "tanh"):
        x = sphere(6, 16, seed=4)
        for tolerance in (1e-2, 1e-4):
            norm = large_enough_norm(x, tolerance=tolerance, activation=name)
            f = fit_regression(norm * x, activation=name)
            size = np.linalg.norm(f.jacobian(norm * x), 2, axis=(1, 2))
            assert np.abs(size - 0.5).max() < tolerance
            f = fit_regression(norm / 4 * x, activation=name)
            size = np.linalg.norm(f.jacobian(norm / 4 * x), 2, axis=(1, 2))
            assert np.abs(size - 0.5).max() > tolerance


def test_limit_on_digits_and_near_parallel_patterns():
    from attractory.datasets import bundled_digits

    digits = rescale(bundled_digits(6)[0], norm=1.0)
    assert large_norm_limit(digits).verdict == "holds"
    near = np.vstack([np.eye(1, 8), [[1.0, 0.05] + [0.0] * 6]])
    assert large_norm_limit(near, activation="erf").verdict == "holds"


def test_refused_settings_name_the_reason():
    x = sphere(3, 5)
    with pytest.raises(ValueError, match=r"activation must be sigmoidal.*limit is 1"):
        large_norm_limit(x, activation="linear")
    with pytest.raises(ValueError, match="rows 0 and 1 parallel"):
        approach_rate([[1.0, 0.0], [2.0, 0.0]])
    with pytest.raises(ValueError, match="antiparallel patterns need depth 2 here, got depth 3"):
        approach_rate(np.vstack([x, -x[:1]]), depth=3)
    with pytest.raises(ValueError, match="patterns must not contain a zero vector"):
        approach_rate([[0.0, 0.0]])
