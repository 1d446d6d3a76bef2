"""The Jacobian at initialisation: moments by quadrature, τ by search, law against real networks."""

import numpy as np
import pytest
from scipy.integrate import quad

from attractory import Autoencoder, activation
from attractory.kernels.kernel import Kernel
from attractory.kernels.matrices import ntk
from attractory.kernels.single_input import diagonal, input_moments
from attractory.theory import (
    initial_jacobian_norm,
    initial_moments,
    sample_initial_jacobian,
    tau,
    theorem_1,
)

TRUE = {
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: 0.25 / np.cosh(a / 2) ** 2),
    "tanh": (np.tanh, lambda a: 1 / np.cosh(a) ** 2),
}


def expect(function, variance):
    """E of a function of a normal, by adaptive quadrature over ±12 deviations."""
    root = np.sqrt(variance)
    value, _ = quad(
        lambda t: function(root * t) * np.exp(-t * t / 2) / np.sqrt(2 * np.pi),
        -12, 12, epsabs=1e-14, epsrel=1e-12, limit=400,
    )  # fmt: skip
    return value


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("variance", [0.01, 1.0, 30.0])
def test_input_moments_are_those_of_the_true_function(name, variance):
    value, slope = TRUE[name]
    m = input_moments(activation(name), variance)
    assert m.square == pytest.approx(expect(lambda a: value(a) ** 2, variance), rel=1e-10)
    derivative = expect(lambda a: slope(a) ** 2, variance)
    assert m.derivative_square == pytest.approx(derivative, rel=1e-10)
    weighted = expect(lambda a: (a * slope(a)) ** 2, variance)
    assert m.weighted_derivative_square == pytest.approx(weighted, rel=1e-10)
    # Stein: E aσσ′ = p dκ/dp; and E a²σ′² = pκ̇ + 2p²κ̇′.
    cross = expect(lambda a: a * value(a) * slope(a), variance)
    assert variance * m.square_slope == pytest.approx(cross, rel=1e-10)
    by_slope = variance * m.derivative_square + 2 * variance**2 * m.derivative_square_slope
    assert m.weighted_derivative_square == pytest.approx(by_slope, rel=1e-10)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "erf", "arctan", "softsign"])
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_diagonal_recursion_is_the_kernel(name, depth):
    x = np.array([[3.0, 4.0, 12.0]])
    theta, slope = diagonal(Kernel.of(name, depth), 169 / 3)
    assert ntk(x, activation=name, depth=depth)[0, 0] == pytest.approx(theta, rel=1e-11)
    step = 1e-5
    up, down = (diagonal(Kernel.of(name, depth), 169 / 3 * np.exp(h))[0] for h in (step, -step))
    assert slope == pytest.approx((up - down) / (2 * step), rel=1e-8)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "erf_surrogate", "softsign", "linear"])
@pytest.mark.parametrize("depth", [2, 4])
def test_tau_is_the_supremum_and_sits_across_x(name, depth):
    value, cosine = tau(dim=6, norm=5.0, activation=name, depth=depth)
    rng = np.random.default_rng(0)
    z = rng.standard_normal((40, 6))
    cosines = z[:, 0] / np.linalg.norm(z, axis=1)
    found = [
        initial_moments(dim=6, norm=5.0, cosine=t, activation=name, depth=depth).output_variance
        for t in cosines.tolist()
    ]
    assert max(found) <= value * (1 + 1e-12)
    assert cosine == 0.0
    # A quadratic form: three values give all others.
    ends = [
        initial_moments(dim=6, norm=5.0, cosine=t, activation=name, depth=depth).output_variance
        for t in (0.0, 1.0)
    ]
    np.testing.assert_allclose(found, ends[0] + cosines**2 * (ends[1] - ends[0]), rtol=1e-10)


def test_zero_input_and_one_dimension():
    moments = initial_moments(dim=4, norm=0.0, activation="tanh", depth=4)
    # tanh′(0) = 1 and α = 0 throughout: J is a product of Gaussian matrices.
    np.testing.assert_allclose(moments.z_square, 1 / 4)
    np.testing.assert_allclose(moments.alpha_square, 0, atol=1e-30)
    assert tau(dim=1, norm=3.0)[1] == 1.0
    assert theorem_1(dim=1, width=400, draws=20).predictions[0].agrees


def test_sampled_law_is_that_of_real_networks():
    """Mean squares along three directions and operator norms, to 4 standard errors."""
    dim, width, depth, draws = 6, 40, 4, 200
    x = np.array([4.0, 0, 0, 0, 0, 0])
    real = np.array(
        [
            Autoencoder(dim, width=width, depth=depth, key=k, dtype=np.float64).jacobian(x)
            for k in range(draws)
        ]
    )
    rng = np.random.default_rng(1)
    law = np.array(
        [sample_initial_jacobian(x, width=width, depth=depth, seed=rng)[0] for _ in range(draws)]
    )

    def features(jacobians):
        squares = (jacobians**2).mean(axis=1)[:, :3]
        return np.column_stack([squares, np.linalg.norm(jacobians, 2, axis=(1, 2))])

    a, b = features(real), features(law)
    error = np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / draws)
    assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) <= 4 * error).all()
    # The first column, along x, is smaller than the others: the law knows where x points.
    assert b.mean(axis=0)[0] < 0.8 * b.mean(axis=0)[1]


def test_directions_are_columns_of_the_same_jacobian():
    x = np.array([1.0, 2.0, 3.0])
    whole, _ = sample_initial_jacobian(x, width=30, seed=3)
    assert whole.shape == (3, 3)
    some, means = sample_initial_jacobian(x, np.eye(3)[:2], width=30, depth=3, seed=3)
    assert some.shape == (3, 2)
    assert means.shape == (2, 4)
    with pytest.raises(ValueError, match="directions must have 3 columns, got 2"):
        sample_initial_jacobian(x, np.eye(2))


def test_predicted_norm_tends_to_twice_the_root_of_n0_tau():
    for dim, share in ((10, 0.2), (1000, 0.01), (100_000, 0.0005)):
        value, _ = tau(dim=dim, norm=np.sqrt(dim), activation="tanh")
        edge = 2 * np.sqrt(dim * value)
        predicted = initial_jacobian_norm(dim=dim, norm=np.sqrt(dim), activation="tanh")
        assert (1 - share) * edge < predicted < edge


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="cosine must be from -1 to 1"):
        initial_moments(dim=3, norm=1.0, cosine=1.5)
    with pytest.raises(ValueError, match="norm must be a finite number of at least 0"):
        initial_moments(dim=3, norm=-1.0)
    with pytest.raises(ValueError, match="depth must be at least 2"):
        tau(dim=3, norm=1.0, depth=1)
