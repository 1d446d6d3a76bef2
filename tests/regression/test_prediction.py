"""Ensembles at finite time, posteriors, and scikit-learn's own checks."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from attractory import nngp, ntk
from attractory.regression import NTK, NTKRegressor, fit_ensemble

RNG = np.random.default_rng(0)
X, Y, POINTS = RNG.standard_normal((7, 3)), RNG.standard_normal((7, 2)), RNG.standard_normal((4, 3))
SETTINGS = {"activation": "erf", "depth": 3, "weight_std": 1.2, "bias_std": 0.3}
K, THETA = nngp(np.vstack([X, POINTS]), **SETTINGS), ntk(np.vstack([X, POINTS]), **SETTINGS)


@pytest.fixture(scope="module")
def ensemble():
    return fit_ensemble(X, Y, ridge=0.1, **SETTINGS)


@pytest.mark.parametrize("time", [0.0, 0.013, 1.7, 400.0])
def test_flow_is_the_solution_of_its_equation(ensemble, time):
    """f(x) = Θ(x, X) α with α′ = Y − (Θ + ρ) α, solved step by step."""
    theta = THETA[:7, :7] + 0.1 * np.eye(7)
    solved = solve_ivp(
        lambda _, a: (Y - theta @ a.reshape(7, 2)).ravel(), (0, time), np.zeros(14),
        method="LSODA", rtol=1e-11, atol=1e-13,
    )  # fmt: skip
    exact = THETA[7:, :7] @ solved.y[:, -1].reshape(7, 2)
    np.testing.assert_allclose(ensemble.mean(POINTS, time), exact, atol=1e-9)
    # Of a network f₀ the flow takes A f₀(X) away: the covariance is that of f₀(x) − A f₀(X).
    a = THETA[7:, :7] @ np.linalg.solve(theta, np.eye(7) - expm(-theta * time))
    left = np.hstack([-a, np.eye(4)])
    np.testing.assert_allclose(ensemble.covariance(POINTS, time), left @ K @ left.T, atol=1e-12)


def test_the_end_of_the_flow(ensemble):
    np.testing.assert_allclose(ensemble.mean(POINTS), ensemble.mean(POINTS, 1e6), atol=1e-12)
    exact = fit_ensemble(X, Y, **SETTINGS)
    np.testing.assert_allclose(exact.mean(X), Y, atol=1e-9)
    assert np.abs(exact.covariance(X)).max() < 1e-9
    np.testing.assert_allclose(fit_ensemble(X, Y[:, 0]).mean(POINTS).shape, (4,))
    # Rows x and −x under an odd activation: K is singular, and what it lacks is left alone.
    odd = fit_ensemble(np.vstack([X, -X]), np.vstack([Y, -Y]), activation="erf")
    np.testing.assert_allclose(odd.mean(-X), -Y, atol=1e-8)


def test_posterior_is_that_of_scikit_learn(ensemble):
    kernel = NTK("erf", 3, 1.2, 0.3, kind="nngp")
    gp = GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None).fit(X, Y)
    mean, covariance = gp.predict(POINTS, return_cov=True)
    found = ensemble.posterior(POINTS)
    np.testing.assert_allclose(found[0], mean, atol=1e-12)
    np.testing.assert_allclose(found[1], covariance[..., 0], atol=1e-12)
    model = NTKRegressor(**SETTINGS, kind="nngp", ridge=0.1).fit(X, Y)
    mean, std = model.predict(POINTS, return_std=True)
    np.testing.assert_allclose(mean, found[0])
    np.testing.assert_allclose(std**2, np.diag(found[1]))


@pytest.mark.parametrize(("kind", "depth"), [("ntk", 3), ("nngp", 2)])
def test_gradients_in_the_scales(kind, depth):
    kernel = NTK("erf", depth, 1.2, 0.3, kind=kind)
    values, gradient = kernel(X, eval_gradient=True)
    np.testing.assert_allclose(kernel.diag(X), np.diag(values), rtol=1e-13)
    for k in range(2):
        moved = [kernel.clone_with_theta(kernel.theta + s * np.eye(2)[k])(X) for s in (1e-5, -1e-5)]
        order = [name for name in ("bias_std", "weight_std")]
        assert [h.name for h in kernel.hyperparameters] == order
        numeric = (moved[0] - moved[1]) / 2e-5
        np.testing.assert_allclose(gradient[:, :, k], numeric, rtol=1e-7, atol=1e-9)
    with pytest.raises(ValueError, match="bias_std is fitted"):  # of 0 there is no logarithm
        NTK("erf", depth, 1.2, 0.0, kind=kind)(X, eval_gradient=True)
    fixed = NTK("erf", depth, 1.2, 0.0, kind=kind, bias_std_bounds="fixed")
    assert fixed(X, eval_gradient=True)[1].shape == (7, 7, 1)
    with pytest.raises(ValueError, match="Y must be None"):
        kernel(X, X, eval_gradient=True)


def test_gaussian_processes_fit_the_scales():
    x = np.linspace(-2, 2, 12)[:, None]
    y = np.sin(2 * x).ravel()
    start = NTK("erf", 2, 0.3, 0.1)
    gp = GaussianProcessRegressor(start, alpha=1e-3).fit(x, y)
    before = gp.log_marginal_likelihood(start.theta)
    assert gp.log_marginal_likelihood_value_ > before + 1
    assert np.abs(gp.predict(x) - y).max() < 0.1


def test_scikit_learn_checks():
    check_estimator(NTKRegressor(activation="erf"))
    # ReLU, the default, compiles for every shape: what hangs on the kernel alone.
    passed = 0
    for model, check in estimator_checks_generator(NTKRegressor()):
        if check.func.__name__ in ("check_regressors_train", "check_fit_idempotent"):
            check(model)
            passed += 1
    assert passed >= 2


def test_bad_values_are_named(ensemble):
    for call, words in [
        (lambda: ensemble.mean(POINTS, -1.0), "time must be at least 0, got -1"),
        (lambda: ensemble.covariance(POINTS, np.nan), "time must be at least 0, got nan"),
        (lambda: ensemble.mean(POINTS[:, :2]), "x must have 3 features"),
        (lambda: fit_ensemble(X, Y[:3]), r"y must have shape \(7,\) or \(7, k\)"),
        (lambda: fit_ensemble(X, Y * np.nan), "y must be finite"),
        (lambda: fit_ensemble(X, Y, ridge=-1.0), "ridge must be"),
        (lambda: fit_ensemble(X, Y, weight_std=-1.0), "weight_std must be positive"),
        (lambda: NTKRegressor(kind="nngp", time=1.0).fit(X, Y), "time is of gradient flow"),
        (lambda: NTKRegressor(kind="gp").fit(X, Y), "kind must be one of"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
