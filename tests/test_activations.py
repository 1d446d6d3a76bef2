"""The mixtures are the activations: values, densities, and Gaussian expectations by quadrature."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats
from scipy.special import erf, expit, ndtr

from attractory import activation, nngp
from attractory.activations import (
    ErfMixture,
    Linear,
    activation_names,
    gauss_rule,
)
from attractory.kernels.single_input import input_moments

MIXTURES = [name for name in activation_names() if isinstance(activation(name), ErfMixture)]
# Largest relative error of pair expectations, as `attractory.activations` states it.
PAIR_ERROR = {"sigmoid": 1e-12, "tanh": 1e-12, "arctan": 2e-10, "softsign": 1e-8}
EXACT = {
    "sigmoid": expit,
    "tanh": np.tanh,
    "erf": special.erf,
    "erf_surrogate": lambda x: special.erf(x / 2) / 2 + 0.5,
    "arctan": np.arctan,
    "softsign": lambda x: x / (1 + np.abs(x)),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_function_is_exact(name):
    x = np.linspace(-20, 20, 101)
    with jax.enable_x64(True):
        np.testing.assert_allclose(activation(name)(x), EXACT[name](x), atol=1e-15, rtol=1e-14)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "erf", "erf_surrogate"])
def test_mixture_reproduces_the_function(name):
    # A single value of x is a harder integrand than a Gaussian average; hence the looser bound.
    x = np.linspace(-30, 30, 301)
    with jax.enable_x64(True):
        np.testing.assert_allclose(activation(name).mixture(x), EXACT[name](x), atol=2e-9)


@pytest.mark.parametrize("name", MIXTURES)
def test_limits_are_offset_and_gain(name):
    act = activation(name)
    assert act.offset == pytest.approx(EXACT[name](0.0), abs=1e-15)
    far = 1e9
    assert EXACT[name](far) == pytest.approx(act.offset + act.gain, rel=1e-6)
    assert sum(act.weights) == pytest.approx(1, abs=1e-14)
    assert (EXACT[name](-3.0) == -EXACT[name](3.0)) == (act.offset == 0)


def _gauss(f, std):
    """E f(std·z), by quadrature on pieces that resolve f's own scale and the Gaussian's."""
    points = np.array([0, 1e-3, 0.01, 0.1, 0.5, 1, 2, 4, 8, 16, 64, 1e3, 1e4, 1e6])
    ends = np.unique(np.clip(np.concatenate([points / std, np.linspace(0, 12, 13)]), 0, 12))

    def integrand(z):
        return (f(std * z) + f(-std * z)) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    return sum(
        integrate.quad(integrand, *end, epsabs=0, epsrel=1e-12, limit=200)[0]
        for end in pairwise(ends)
    )


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("ratio", [1.0, -1.0, 0.1, 30.0])
@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
def test_expectations_of_parallel_inputs(name, ratio):
    """nngp(x, cx) is the one-dimensional integral E[σ(u)σ(cu)]."""
    f = EXACT[name]
    for a in (1e-4, 1e-2, 1.0, 100.0, 1e4):
        x = np.full((1, 3), np.sqrt(a))
        value = nngp(x, ratio * x, activation=name)[0, 0]
        exact = _gauss(lambda u: f(u) * f(ratio * u), np.sqrt(a))
        scale = np.sqrt(_gauss(lambda u: f(u) ** 2, np.sqrt(a)))
        scale *= np.sqrt(_gauss(lambda u: f(ratio * u) ** 2, np.sqrt(a)))
        assert abs(value - exact) <= PAIR_ERROR.get(name, 1e-12) * scale


@pytest.mark.parametrize("name", [*MIXTURES, "user's own"])
def test_moments_over_28_decades_of_variance(name):
    """E[σ²] and E[σ′²] by a trapezoid rule in log |z|, whose integrand is analytic and decays."""
    log_z = np.arange(-60, 2.8, 0.004)
    z = np.exp(log_z)
    measure = 2 * np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * z * 0.004
    own = ErfMixture("own", 0.0, 2.0, (1e-3, 1.0, 1e4), (0.2, 0.5, 0.3))
    act = own if name == "user's own" else activation(name)
    half = np.sqrt(0.5) / np.asarray(own.scales)
    functions = {
        "sigmoid": (expit, lambda x: expit(x) * expit(-x)),
        "tanh": (np.tanh, lambda x: 1 / np.cosh(np.minimum(x, 300.0)) ** 2),
        "erf": (erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x)),
        "erf_surrogate": (
            lambda x: ndtr(x / np.sqrt(2)),
            lambda x: np.exp(-x * x / 4) / np.sqrt(4 * np.pi),
        ),
        "arctan": (np.arctan, lambda x: 1 / (1 + x * x)),
        "softsign": (lambda x: x / (1 + x), lambda x: (1 + x) ** -2.0),
        "user's own": (
            lambda x: 2 * erf(np.outer(x, half)) @ own.weights,
            lambda x: 4 / np.sqrt(np.pi) * np.exp(-(np.outer(x, half) ** 2)) @ (half * own.weights),
        ),
    }
    function, slope = functions[name]
    for a in 10.0 ** np.arange(-14, 15):
        u = np.sqrt(a) * z
        square = ((function(u) - act.offset) ** 2) @ measure + act.offset**2
        moments = input_moments(act, a)
        tolerance = PAIR_ERROR.get(name, 1e-12)
        assert moments.square == pytest.approx(square, rel=tolerance)
        assert moments.derivative_square == pytest.approx(slope(u) ** 2 @ measure, rel=tolerance)


@pytest.mark.parametrize("name", ["arctan", "softsign", "tanh"])
def test_expectations_of_oblique_inputs(name):
    """Two dimensions, by a trapezoid rule: exponentially exact for analytic integrands."""
    f = EXACT[name]
    tolerance = {"arctan": 1e-8, "softsign": 2e-5, "tanh": 1e-10}[name]  # softsign has a kink
    z = np.linspace(-10, 10, 2001)
    weight = np.exp(-z * z / 2) * (z[1] - z[0]) / np.sqrt(2 * np.pi)
    for a, b, rho in ((0.04, 0.09, 0.7), (1.0, 0.5, -0.4), (0.3, 0.3, 0.95)):
        u = np.sqrt(a) * z[:, None]
        v = np.sqrt(b) * (rho * z[:, None] + np.sqrt(1 - rho**2) * z[None, :])
        exact = weight @ (f(u) * f(v)) @ weight
        x = np.sqrt(2 * a) * np.array([[1.0, 0.0]])
        y = np.sqrt(2 * b) * np.array([[rho, np.sqrt(1 - rho**2)]])
        assert nngp(x, y, activation=name)[0, 0] == pytest.approx(exact, rel=tolerance)


def test_logistic_nodes_are_those_of_the_kolmogorov_law():
    """Moments E[K^2] = π²/12 and E[K^4] = 7π⁴/720, which no step of the construction uses."""
    act = activation("sigmoid")
    k, p = np.asarray(act.scales) / 2, np.asarray(act.weights)
    assert p @ k**2 == pytest.approx(np.pi**2 / 12, rel=1e-11)
    assert p @ k**4 == pytest.approx(7 * np.pi**4 / 720, rel=1e-9)


def test_gauss_rule_is_exact_for_polynomials():
    rng = np.random.default_rng(1)
    atoms, masses = rng.normal(size=40), rng.uniform(0.1, 1, size=40)
    nodes, weights = gauss_rule(atoms, masses, 6)
    for power in range(12):  # 2m − 1 = 11
        exact = np.average(atoms**power, weights=masses)
        assert weights @ nodes**power == pytest.approx(exact, abs=1e-9 * max(1, abs(exact)))


def test_user_mixture_is_the_normal_distribution_function():
    steep = ErfMixture("steep", 0.5, 0.5, (2.0,), (1.0,))
    x = np.linspace(-5, 5, 11)
    with jax.enable_x64(True):
        np.testing.assert_allclose(steep(x), stats.norm.cdf(x / 2), atol=1e-15)
    assert activation(steep) is steep
    assert hash(steep) == hash(ErfMixture("steep", 0.5, 0.5, (2.0,), (1.0,)))


def test_linear():
    assert Linear(2.0, 1.0)(jnp.array(3.0)) == 7
    assert Linear(1.0)(-2.0) == -Linear(1.0)(2.0)
    assert Linear(1.0, 0.5)(-2.0) != -Linear(1.0, 0.5)(2.0)
    assert activation("linear") == Linear()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: activation("step"),
            ValueError,
            "activation must be one of sigmoid.*'step'",
        ),
        (
            lambda: ErfMixture("m", 0.0, 1.0, (1.0, -1.0), (0.5, 0.5)),
            ValueError,
            "scales must",
        ),
        (lambda: ErfMixture("m", 0.0, 1.0, (1.0,), (0.5, 0.5)), ValueError, "must pair up"),
        (lambda: ErfMixture("m", 0.0, 1.0, (1.0,), (0.5,)), ValueError, "weights must sum to 1"),
        (lambda: ErfMixture("m", 0.0, 0.0, (1.0,), (1.0,)), ValueError, "gain must be"),
        (lambda: ErfMixture("m", float("nan"), 1.0, (1.0,), (1.0,)), ValueError, "offset must be"),
        (lambda: Linear(0.0), ValueError, "alpha"),
        (lambda: Linear(1.0, np.inf), ValueError, "beta"),
    ],
)
def test_bad_values_are_named(make, error, words):
    with pytest.raises(error, match=words):
        make()
