"""Steps along the Gauss–Newton flow, and the last layer's: against dense algebra and each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

from attractory import Autoencoder, fit_sampled_regression, spectral_radius, train
from attractory.datasets import bundled_digits, rescale, sphere
from attractory.maps.gauss_newton_flow import along_gradient_flow, flow_steps, last_layer
from attractory.maps.training_state import initial_state, trained_network


def _step(network, x, *, count=1, longest=1.0):
    """Take steps from a fresh network, and return the flow_steps and the network it leads to."""
    with jax.enable_x64(True):
        points = jnp.asarray(x, network.dtype)
        done = flow_steps(
            network, initial_state(network, points, points), points, points, longest, 0, 0, count
        )
        return done, trained_network(network, done.state, points)


def _changes(before, after):
    return [
        np.asarray(a) - np.asarray(b) for a, b in zip(after.weights, before.weights, strict=True)
    ]


def _loss(network, x):
    return np.mean((np.asarray(network(x), float) - x) ** 2)


def test_gradient_flow_is_followed_exactly_where_the_kernel_is_fixed():
    """dR/dt = −P R by the matrix exponential, at the time when a quarter of R is gone."""
    rng = np.random.default_rng(0)
    root, residual = rng.standard_normal((5, 5)), rng.standard_normal((5, 3))
    kernel = root @ root.T
    with jax.enable_x64(True):
        u = np.asarray(along_gradient_flow(jnp.asarray(kernel), jnp.asarray(residual), 0.25))
    left = residual - kernel @ u
    assert np.linalg.norm(left) == pytest.approx(0.75 * np.linalg.norm(residual), rel=1e-9)
    time = brentq(
        lambda t: np.linalg.norm(expm(-t * kernel) @ residual) - np.linalg.norm(left), 0.0, 10.0
    )
    np.testing.assert_allclose(left, expm(-time * kernel) @ residual, atol=1e-7)


@pytest.mark.parametrize("depth", [2, 3])
def test_step_is_the_way_back_of_the_kernel_solution(depth):
    """At small norm nothing bends or is held: δW = Gᵀ A/√fan-in with u = τ P⁻¹R, all in NumPy."""
    x = sphere(4, 6, norm=0.5)
    f = Autoencoder(6, width=40, depth=depth, key=0, dtype=np.float64)
    done, after = _step(f, x, longest=0.25)
    weights, inputs, slopes = [np.asarray(w) for w in f.weights], [x], []
    for w in weights[:-1]:
        value = 1 / (1 + np.exp(-inputs[-1] @ w.T / np.sqrt(w.shape[1])))
        inputs.append(value)
        slopes.append(value * (1 - value))
    grams = [a @ a.T / a.shape[1] for a in inputs]
    kernel, chain = grams[-1], 1.0
    for inner, slope in zip(grams[-2::-1], slopes[::-1], strict=True):
        chain = chain * (slope @ slope.T / slope.shape[1])
        kernel = kernel + inner * chain
    g = 0.25 * np.linalg.solve(kernel, x - np.asarray(f(x)))
    found = _changes(f, after)
    for k in range(depth - 1, -1, -1):
        np.testing.assert_allclose(
            found[k], g.T @ inputs[k] / np.sqrt(weights[k].shape[1]), rtol=1e-5, atol=1e-7
        )
        if k:
            g = (g @ weights[k] / np.sqrt(weights[k].shape[1])) * slopes[k - 1]
    # The loss found along the step, from factors, is that of the weights it leaves.
    assert float(done.state.loss) == pytest.approx(_loss(after, x), rel=1e-9)
    assert int(done.steps) == 1
    assert float(done.losses[0]) == float(done.state.loss)


def test_lazy_steps_lie_in_the_span_of_the_gradients():
    """At great width the steps add up to J⁺R, the least change that interpolates."""
    x = sphere(3, 4, norm=2.0)
    f = Autoencoder(4, width=20_000, key=0, dtype=np.float64)
    result = train(f, x, tolerance=1e-20)
    assert result.converged
    hidden = 1 / (1 + np.exp(-x @ np.asarray(f.weights[0]).T / 2))
    slope, outer = hidden * (1 - hidden), np.asarray(f.weights[1]) / np.sqrt(20_000)
    # Rows of J: outputs p of patterns i; columns: W_1[k, q] and W_2[p, k].
    first = np.einsum("pk,ik,iq->ipkq", outer, slope, x / 2).reshape(12, -1)
    second = np.einsum("pr,ik->iprk", np.eye(4), hidden / np.sqrt(20_000)).reshape(12, -1)
    jacobian = np.concatenate([first, second], axis=1)
    kernel = jacobian @ jacobian.T
    exact = jacobian.T @ np.linalg.solve(kernel, (x - np.asarray(f(x))).ravel())
    change = np.concatenate([part.ravel() for part in _changes(f, result.model)])
    assert np.linalg.norm(change - exact) < 0.03 * np.linalg.norm(exact)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_no_unit_goes_further_than_it_bends(activation):
    """Six typical scales of the logistic function are 10.1; tanh(x) is that of 2x."""
    x = rescale(bundled_digits(5)[0], 300.0)
    f = Autoencoder(784, width=1000, activation=activation, key=0)
    done, _ = _step(f, x)
    with jax.enable_x64(True):
        change = np.abs(np.asarray(x @ x.T / 784 @ done.state.first_layer_change, float))
    scale = 10.1 if activation == "sigmoid" else 5.05
    assert change.max() == pytest.approx(scale, rel=0.02)
    assert np.isclose(change.max(axis=0), change.max(), rtol=1e-3).mean() > 0.2


def test_a_linear_network_is_held_by_nothing():
    """Nothing bends, so the length is 1, and units go much further than sigmoidal ones may."""
    x = sphere(4, 10, norm=1000.0)
    f = Autoencoder(10, width=3000, activation="linear", key=0, dtype=np.float64)
    _, after = _step(f, x)
    first, second = (np.asarray(w) for w in f.weights)
    hidden = x @ first.T / np.sqrt(10)
    kernel = hidden @ hidden.T / 3000 + x @ x.T / 10
    u = np.linalg.solve(kernel, x - np.asarray(f(x)))
    exact = (u @ second / np.sqrt(3000)).T @ x / np.sqrt(10)
    found = _changes(f, after)[0]
    np.testing.assert_allclose(found, exact, atol=1e-6 * np.abs(exact).max())
    assert np.abs(x @ found.T / np.sqrt(10)).max() > 30


def test_last_layer_takes_the_rest_with_the_least_change():
    x = sphere(5, 7, norm=3.0)
    f = Autoencoder(7, width=60, key=0, dtype=np.float64)
    with jax.enable_x64(True):
        points = jnp.asarray(x)
        state = last_layer(f, initial_state(f, points, points), points)
        after = trained_network(f, state, points)
    hidden = 1 / (1 + np.exp(-x @ np.asarray(f.weights[0]).T / np.sqrt(7)))
    exact = (np.linalg.pinv(hidden / np.sqrt(60)) @ (x - np.asarray(f(x)))).T
    first, second = _changes(f, after)
    assert not first.any()
    np.testing.assert_allclose(second, exact, atol=1e-6 * np.abs(exact).max())
    assert _loss(after, x) < 1e-14
    assert float(state.loss) == pytest.approx(_loss(after, x), abs=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_more_patterns_than_the_hidden_layer_tells_apart(seed):
    """40 points of dim 32 at norm 1: the hidden values' Gram matrix has rank 33 in float32."""
    x = sphere(40, 32, norm=1.0, seed=seed)
    result = train(Autoencoder(32, width=3000, key=seed), x)
    assert result.converged
    assert _loss(result.model, x) <= 1.01e-7


def test_more_patterns_than_units():
    """The last layer cannot end it, and the kernel stands in badly: conjugate gradients take it."""
    x = sphere(12, 6, norm=3.0)
    result = train(Autoencoder(6, width=9, key=1, dtype=np.float64), x, max_steps=300)
    assert result.converged
    assert (np.diff(result.losses) < 0).all()


def test_a_step_that_fails_gives_way():
    """Three tight groups at a huge norm, few units: steps fail, and the run comes to an end."""
    rng = np.random.default_rng(0)
    groups = rng.standard_normal((3, 3))[np.arange(21) % 3]
    x = rescale(groups + 0.01 * rng.standard_normal((21, 3)), 4e4)
    for key in range(4):
        result = train(Autoencoder(3, width=200, key=key), x, tolerance=50.0)
        assert result.losses[-1] <= result.losses[0]
        assert len(result.losses) == result.steps + 1
        settled = np.mean((np.asarray(result.model(x), float) - x) ** 2)
        assert settled == pytest.approx(result.losses[-1], rel=0.01, abs=1.0)


def test_ends_near_gradient_descent_where_units_saturate():
    """The two are much nearer to one another than to the limit."""
    x = sphere(6, 16, norm=100.0)
    f = Autoencoder(16, width=1000, key=0, dtype=np.float64)
    flow = train(f, x, tolerance=1e-4)
    descent = train(f, x, solver="gradient_descent", tolerance=1e-4)
    assert flow.converged
    assert descent.converged
    cues = x + 0.5 * rescale(np.random.default_rng(0).standard_normal(x.shape), 100.0)
    found, wanted = np.asarray(flow.model(cues)), np.asarray(descent.model(cues))
    limit = np.asarray(fit_sampled_regression(f, x)(cues))
    assert np.linalg.norm(found - wanted) < 0.5 * np.linalg.norm(wanted - limit)


def test_gradient_flow_ends_nearer_to_gradient_descent():
    x = sphere(6, 16, norm=30.0)
    start = Autoencoder(16, width=1000, key=0, dtype=np.float64)
    cues = x + 0.5 * rescale(np.random.default_rng(0).standard_normal(x.shape), 30.0)
    models = {
        solver: train(start, x, solver=solver, tolerance=1e-5).model
        for solver in ("gauss_newton", "gradient_flow", "gradient_descent")
    }
    outputs = {solver: np.asarray(f(cues)) for solver, f in models.items()}
    radii = {solver: spectral_radius(f, x).mean() for solver, f in models.items()}
    for found, share in ((outputs, 0.8), (radii, 0.5)):
        far, near = (
            np.linalg.norm(found[solver] - found["gradient_descent"])
            for solver in ("gauss_newton", "gradient_flow")
        )
        assert near < share * far
