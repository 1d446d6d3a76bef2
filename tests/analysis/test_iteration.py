"""Recall, on maps whose orbits are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import fit_regression, recall
from attractory.analysis import RecallStatus
from attractory.datasets import sphere


def test_linear_contraction_takes_as_many_steps_as_the_rate_says():
    """x ← rx from ‖x‖ = 1 moves by r^k (1 − r) at step k + 1; converged at tol r^k + tol²."""
    rate, tol = 0.5, 1e-3
    shift = jnp.array([3.0, 4.0])  # fixed point shift/(1 − r), of norm 10
    result = recall(lambda x: rate * x + shift, [[16.0, 16.0], [6.0, 8.0]], tol=tol)
    start = np.linalg.norm(np.array([10.0, 8.0]))
    k = np.arange(60)
    first = np.argmax(start * rate**k * (1 - rate) <= tol * 10) + 1
    assert abs(int(result.steps[0]) - first) <= 1
    assert result.steps[1] == 1  # began at the fixed point
    assert result.converged.all()
    np.testing.assert_allclose(result.state, [[6.0, 8.0]] * 2, atol=tol * 20)
    assert (result.residual <= tol * 10 + tol**2).all()


def test_residual_belongs_to_the_state():
    f = fit_regression(sphere(6, 10, norm=20.0))
    result = recall(f, sphere(40, 10, norm=15.0, seed=3), max_steps=25)
    moved = np.linalg.norm(f(result.state) - result.state, axis=1)
    np.testing.assert_allclose(result.residual, moved, rtol=1e-9, atol=1e-11)
    assert (result.residual[~result.converged] > 1e-8).all()


def test_statuses():
    """x ← x³ on the line: 0 attracts |x| < 1, 1 and −1 are fixed, beyond it diverges."""
    result = recall(lambda x: x**3, [[0.9], [1.0], [-1.0], [1.1]])
    expected = [
        RecallStatus.CONVERGED,
        RecallStatus.CONVERGED,
        RecallStatus.CONVERGED,
        RecallStatus.DIVERGED,
    ]
    assert result.status.tolist() == expected
    np.testing.assert_allclose(result.state[:3].ravel(), [0.0, 1.0, -1.0], atol=1e-8)
    assert np.isfinite(result.state).all()
    flip = recall(lambda x: -x, [[1.0]], max_steps=7)
    assert flip.status.tolist() == [RecallStatus.NOT_CONVERGED]
    assert flip.steps.tolist() == [7]
    assert flip.residual[0] == pytest.approx(2.0)
    lost = recall(lambda x: jnp.where(x > 2, jnp.nan, 2 * x), [[1.0], [0.0]])
    assert lost.status.tolist() == [RecallStatus.DIVERGED, RecallStatus.CONVERGED]
    for status in RecallStatus:
        assert status.message


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (700, 5)])
def test_any_leading_shape_and_every_cue_on_its_own(shape):
    """The result of a cue does not depend on its company in the batch."""
    f = fit_regression(sphere(4, 5, norm=10.0))
    cues = np.random.default_rng(1).normal(size=shape) * 5
    result = recall(f, cues)
    assert result.state.shape == shape
    assert result.steps.shape == result.residual.shape == result.status.shape == shape[:-1]
    flat, states, steps = cues.reshape(-1, 5), result.state.reshape(-1, 5), result.steps.ravel()
    for k in {0, len(flat) // 2, len(flat) - 1}:
        alone = recall(f, flat[k])
        assert abs(int(alone.steps) - int(steps[k])) <= 1
        np.testing.assert_allclose(alone.state, states[k], atol=1e-6)


def test_stops_early():
    """Far fewer applications than max_steps: a slow map would not end in time otherwise."""
    calls = []

    def f(x):
        jax.debug.callback(lambda: calls.append(1))
        return 0.1 * x

    recall(f, np.ones((3, 2)), max_steps=10_000)
    assert len(calls) < 50


def test_new_cues_compile_nothing():
    traces = []

    def f(x):
        traces.append(1)
        return 0.5 * x

    recall(f, np.ones((3, 2)))
    once = len(traces)
    recall(f, 7 * np.ones((3, 2)), tol=1e-3, max_steps=50)
    assert len(traces) == once


def test_float32_maps_iterate_in_float32():
    class Half:
        dtype = np.float32

        def __call__(self, x):
            assert x.dtype == np.float32
            return 0.5 * x

    result = recall(Half(), np.ones((1, 2)), tol=1e-3)
    assert result.state.dtype == np.float32


def test_bad_values():
    f = fit_regression(sphere(3, 4, norm=5.0))
    for call, error, words in [
        (lambda: recall(f, np.full((1, 4), np.nan)), ValueError, "cues must be finite"),
        (lambda: recall(f, np.ones((1, 5))), ValueError, "cues must have 4 features"),
        (lambda: recall(f, np.ones((0, 4))), ValueError, "not be empty"),
        (lambda: recall(f, np.ones((1, 4)), tol=0.0), ValueError, "tol must be"),
        (lambda: recall(f, np.ones((1, 4)), max_steps=0), ValueError, "max_steps must be"),
        (lambda: recall(lambda x: x[..., :1], np.ones((1, 4))), TypeError, "must map"),
        (lambda: recall(lambda x: np.sin(x), np.ones((1, 4))), TypeError, "JAX operations"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_near_zero_the_square_of_the_tolerance_decides_and_every_step_counts():
    """x ← x/2 from 1: the step 2⁻ᵏ/2 is small enough once 2⁻ᵏ (½ − tol) ≤ tol²."""
    for tol in (1e-2, 1e-4):
        result = recall(lambda x: 0.5 * x, [[1.0]], tol=tol)
        k = int(np.ceil(np.log2((0.5 - tol) / tol**2)))
        assert result.steps.tolist() == [k + 1]
        assert result.state[0, 0] == 2.0**-k
        assert result.residual[0] == 2.0 ** -(k + 1)
        assert recall(lambda x: 0.5 * x, [[1.0]], tol=tol, max_steps=k).steps.tolist() == [k]
        assert not recall(lambda x: 0.5 * x, [[1.0]], tol=tol, max_steps=k).converged[0]
        assert recall(lambda x: 0.5 * x, [[1.0]], tol=tol, max_steps=k + 1).converged[0]


def test_divergence_is_relative_to_the_largest_cue_or_one():
    """Doubled until above 100 or 100 times the largest cue."""
    for cues, bound in (([[1e-3]], 100.0), ([[1.0], [50.0]], 5000.0)):
        result = recall(lambda x: 2 * x, cues, limit=100.0)
        assert (result.status == RecallStatus.DIVERGED).all()
        k = np.floor(np.log2(bound / np.ravel(cues))).astype(int)  # steps within the bound
        assert result.steps.tolist() == (k + 1).tolist()
        np.testing.assert_array_equal(result.state[:, 0], np.ravel(cues) * 2.0**k)
    nan = recall(lambda x: jnp.where(x > 3, jnp.nan, 2 * x), [[1.0]])
    assert (nan.residual.tolist(), nan.state.tolist()) == ([np.inf], [[4.0]])
    text = repr(recall(lambda x: 0.5 * x, [[1.0], [2.0]], max_steps=3))
    assert text == (
        "RecallResult(0 converged, 2 not converged, 0 diverged; at most 3 steps, "
        "largest residual 2.5e-01)"
    )


def test_cues_of_differing_speed_in_a_large_batch_keep_their_rows():
    """Rates from 0.1 to 0.999 at 40 cues: the batch is regrouped as they end, one by one."""
    rate = np.linspace(0.1, 0.99, 40)
    cues = np.stack([np.linspace(1, 2, 40), np.linspace(0, 0.89, 40)], axis=1)
    result = recall(  # the second coordinate tells the rate, and stays
        lambda x: jnp.stack([(0.1 + x[..., 1]) * x[..., 0], x[..., 1]], axis=-1), cues, tol=1e-6
    )
    np.testing.assert_allclose(result.state[:, 1], cues[:, 1])
    assert result.converged.all()
    for k, q in enumerate(rate):
        size = np.hypot(*result.state[k])
        moved = (1 - q) * result.state[k, 0]
        assert moved == pytest.approx(result.residual[k], rel=1e-6)
        assert moved <= 1e-6 * size + 1e-12
        before = result.state[k, 0] / q  # one step earlier it had not ended
        assert result.steps[k] == 1 or (1 - q) * before > 1e-6 * np.hypot(before, cues[k, 1])
        assert result.state[k, 0] == pytest.approx(cues[k, 0] * q ** (result.steps[k] - 1))
