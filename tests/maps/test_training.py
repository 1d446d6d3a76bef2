"""Training: every solver interpolates, Gauss–Newton takes the derived step, runs end honestly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import Autoencoder, train
from attractory.datasets import bundled_digits, gaussian, rescale, sphere
from attractory.maps import TrainingStatus, empirical_ntk
from attractory.maps.finite_ntk import forward_pass, largest_eigenvalue, shared_kernel
from attractory.maps.gauss_newton import gauss_newton_step
from attractory.maps.training_state import initial_state, trained_network


def _loss(model, x):
    return np.mean((np.asarray(model(x), float) - x) ** 2)


@pytest.mark.parametrize("solver", ["gauss_newton", "gradient_descent", "momentum", "adam"])
def test_every_solver_reaches_the_tolerance(solver):
    x = sphere(5, 8, norm=3.0)
    start = Autoencoder(8, width=500, key=0)
    result = train(start, x, solver=solver, tolerance=1e-6)
    assert result.converged
    assert result.losses[-1] <= 1e-6
    assert _loss(result.model, x) == pytest.approx(result.losses[-1], rel=0.05)
    assert result.losses[0] == pytest.approx(_loss(start, x), rel=1e-4)
    assert len(result.losses) == result.steps + 1
    assert result.passes > result.steps
    assert f"{solver}: converged" in repr(result)


@pytest.mark.parametrize(
    ("activation", "depth"), [("sigmoid", 4), ("tanh", 3), ("erf", 2), ("linear", 3)]
)
def test_any_depth_and_activation(activation, depth):
    x = sphere(4, 10, norm=5.0)
    f = Autoencoder(10, width=300, depth=depth, activation=activation, key=1, dtype=np.float64)
    result = train(f, x, tolerance=1e-20)
    assert result.converged
    np.testing.assert_allclose(result.model(x), x, atol=1e-8)


@pytest.mark.parametrize("norm", [1.0, 300.0, 3000.0])
def test_holds_at_every_norm(norm):
    x = rescale(bundled_digits(10)[0], norm)
    result = train(
        Autoencoder(784, width=1000, key=0), x, tolerance=1e-7 * max(1.0, norm / 300) ** 2
    )
    assert result.converged
    assert (np.diff(result.losses) < 0).all()


def test_step_is_the_minimum_norm_solution():
    """One full step changes the weights by J⁺ R, computed here with the dense Jacobian."""
    x = sphere(3, 4, norm=2.0)
    f = Autoencoder(4, width=30, key=0, dtype=np.float64)
    with jax.enable_x64(True):
        state = initial_state(f, jnp.asarray(x), jnp.asarray(x))
        points = jnp.asarray(x)
        step = gauss_newton_step(f, state, points, points, 1.0, finest=1e-13, worth=0.0)
        moved = trained_network(f, step.state, jnp.asarray(x))
        after, share, _, _ = np.asarray(step.figures)

        def outputs(weights):
            hidden = jax.nn.sigmoid(x @ weights[0].T / np.sqrt(4))
            return (hidden @ weights[1].T / np.sqrt(30)).ravel()

        blocks = jax.jit(jax.jacrev(outputs))(f.weights)
        dense = np.concatenate([np.asarray(b).reshape(12, -1) for b in blocks], axis=1)
        change = [np.asarray(a - b).ravel() for a, b in zip(moved.weights, f.weights, strict=True)]
    exact = np.linalg.pinv(dense) @ (x - f(x)).ravel()
    np.testing.assert_allclose(np.concatenate(change), exact * share, atol=1e-9)
    assert float(state.loss) == pytest.approx(_loss(f, x), rel=1e-12)
    # The loss found along the step, from factors, is that of the weights it leaves.
    assert after == pytest.approx(_loss(moved, x), rel=1e-9)


@pytest.mark.parametrize(("depth", "width"), [(2, 3000), (3, 1000)])
def test_shared_kernel_is_the_mean_over_outputs_at_great_width(depth, width):
    x = sphere(4, 6, norm=8.0)
    f = Autoencoder(6, width=width, depth=depth, key=0, dtype=np.float64)
    with jax.enable_x64(True):
        shared = np.asarray(jax.jit(lambda: shared_kernel(forward_pass(f, jnp.asarray(x))))())
        largest = float(largest_eigenvalue(f, jnp.asarray(x), 200))
    full = empirical_ntk(f, x)
    np.testing.assert_allclose(np.einsum("ijpp->ij", full) / 6, shared, rtol=0.1, atol=0.02)
    matrix = full.transpose(0, 2, 1, 3).reshape(24, 24)
    assert largest == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-2)


def test_resumes_where_it_stopped():
    x = rescale(bundled_digits(10)[0], 200.0)
    start = Autoencoder(784, width=1000, key=0)
    first = train(start, x, max_steps=2)
    assert first.status == TrainingStatus.STEP_LIMIT
    assert first.steps == 2
    rest = train(first.model, x)
    assert rest.converged
    assert rest.losses[0] == pytest.approx(first.losses[-1], rel=1e-5)


@pytest.mark.parametrize("solver", ["gauss_newton", "gradient_descent"])
def test_interruption_returns_the_last_complete_step(solver):
    x = sphere(6, 8, norm=60.0)
    start = Autoencoder(8, width=200, key=0)
    seen = []

    def stop(steps, loss):
        seen.append(steps)
        if len(seen) == 2:
            raise KeyboardInterrupt

    result = train(start, x, solver=solver, tolerance=1e-10, progress=stop)
    assert result.status == TrainingStatus.INTERRUPTED
    assert result.steps > 0
    assert _loss(result.model, x) == pytest.approx(result.losses[-1], rel=1e-3)


def test_divergence_is_said_and_leaves_finite_weights():
    x = sphere(4, 6, norm=5.0)
    start = Autoencoder(6, width=100, key=0)
    result = train(start, x, solver="gradient_descent", learning_rate=50.0, max_steps=2000)
    assert result.status == TrainingStatus.DIVERGED
    assert not result.converged
    assert all(np.isfinite(w).all() for w in result.model.weights)


def test_stall_is_said():
    """As many numbers as weights, at a norm where every unit is saturated."""
    x = sphere(12, 3, norm=300.0)
    result = train(Autoencoder(3, width=6, key=0), x, max_steps=400)
    assert result.status in (TrainingStatus.STALLED, TrainingStatus.STEP_LIMIT)
    assert not result.converged
    for status in TrainingStatus:
        assert status.message


def test_step_limit():
    result = train(Autoencoder(4, width=50, key=0), gaussian(3, 4), solver="adam", max_steps=7)
    assert result.status == TrainingStatus.STEP_LIMIT
    assert result.steps == 7
    assert len(result.losses) == 8


@pytest.mark.parametrize(
    ("patterns", "kw", "words"),
    [
        (np.ones((2, 4)), {}, "patterns must have 3 features"),
        (np.full((2, 3), np.nan), {}, "patterns must be finite"),
        (np.ones((0, 3)), {}, "patterns must not be empty"),
        (gaussian(40, 3), {}, "120 numbers, more than the 60 weights.*width of at least 20"),
        (gaussian(2, 3), {"tolerance": 0.0}, "tolerance must be"),
        (gaussian(2, 3), {"tolerance": 1e-16}, "below what float32 can resolve.*float64"),
        (gaussian(2, 3), {"max_steps": 0}, "max_steps must be at least 1"),
        (gaussian(2, 3), {"solver": "adam", "learning_rate": -1.0}, "learning_rate must be"),
        (gaussian(2, 3), {"learning_rate": 1.0}, "gauss_newton has none"),
    ],
)
def test_bad_values(patterns, kw, words):
    with pytest.raises(ValueError, match=words):
        train(Autoencoder(3, width=10, key=0), patterns, **kw)
