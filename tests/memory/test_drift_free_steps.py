"""Recall without the drift: its step against algebra, and the linear part against the map's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import AttractorMemory, ntk
from attractory.datasets import bundled_digits
from attractory.memory.drift_free_steps import DriftFreeStep, LinearPart
from attractory.memory.stored_map import KernelStore


@pytest.fixture(scope="module")
def memory():
    return AttractorMemory(metric="rule").fit(bundled_digits(200)[0])


def test_a_step_is_newtons_with_the_linear_part():
    """x + b (I − S + ε)⁻¹ (f(x) − x) for a matrix S, by a dense solve; then back to the norm."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    kept, soft, pace = np.array([0.9, 0.7, 0.2]), 0.05, 0.6
    linear = (basis[:, :3] * kept) @ basis[:, :3].T
    shift, x = rng.normal(size=6), rng.normal(size=(4, 6))
    across = np.asarray(pace / (1 + soft))
    between = np.diag(pace / (1 - kept + soft) - across)
    for directions, along in (
        (basis[:, :3], between),
        (None, basis[:, :3] @ between @ basis[:, :3].T),
    ):
        step = DriftFreeStep(
            lambda v: v @ linear.T + shift, directions, along, across, np.asarray(2.0)
        )
        with jax.enable_x64(True):
            found = np.asarray(step(jnp.asarray(x)))
        for row, start in zip(found, x, strict=True):
            new = start + pace * np.linalg.solve(
                np.eye(6) * (1 + soft) - linear, linear @ start + shift - start
            )
            np.testing.assert_allclose(row, 2 * new / np.linalg.norm(new), rtol=1e-12)


def test_patterns_are_at_rest(memory):
    full = LinearPart(memory.state_.store, full=True).drift_free_step(memory.map_, float)
    with jax.enable_x64(True):
        moved = full(jnp.asarray(memory.points_))
        np.testing.assert_allclose(moved, memory.points_, atol=1e-9 * memory.norm_)
        inner = memory.state_.store.inner
        for kind, far in ((float, 1e-9), (np.float32, 2e-4)):
            step = memory.state_.linear_part.drift_free_step(inner.calls(), kind)
            moved = step(jnp.asarray(inner.x, kind))
            np.testing.assert_allclose(moved, inner.x, atol=far * memory.norm_)


def test_the_map_is_its_linear_part_and_what_is_nonlinear_in_the_correlations(memory):
    """f(x) = κ(0) Σ aᵢ + S x + Σ h(ρᵢ) aᵢ, h from the kernel itself less its value and slope at 0.

    The slope is taken here at points orthogonal to a pattern and a little off.
    """
    part, store, norm = memory.state_.linear_part, memory.state_.store, memory.norm_
    lost = 1 - np.linalg.eigvalsh(part.matrix)
    assert (lost > 0).all()
    assert (lost < 1 + 1e-12).all()
    assert lost.min() < part.mean < lost.max()
    x = store.x
    a = np.asarray(store.map().coefficients)
    kernel = store.kernel(x)
    one, across = x[0] / norm, np.linalg.svd(x[:1])[2][1]
    rho = np.array([-2e-3, -1e-3, 0.0, 1e-3, 2e-3])
    near = norm * (rho[:, None] * one + np.sqrt(1 - rho**2)[:, None] * across)
    values = store.kernel(x[:1], near)[0]
    slope = (values[0] - 8 * values[1] + 8 * values[3] - values[4]) / 12e-3
    h = kernel - values[2] - slope * (x @ x.T) / norm**2
    linear = store.span.outward(store.inner.x @ part.matrix)
    np.testing.assert_allclose(values[2] * a.sum(axis=0) + linear + h @ a, x, atol=1e-5 * norm)


def test_without_biases_a_vote_is_cubic():
    """h(ρ) falls as ρ³ where there are none, so that patterns at right angles have no say."""
    dim, norm = 30, 40.0
    rho = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])
    one = np.zeros((1, dim))
    one[0, 0] = norm
    others = np.zeros((5, dim))
    others[:, 0], others[:, 1] = norm * rho, norm * np.sqrt(1 - rho**2)
    values = ntk(one, others)[0]
    odd, even = (values - values[::-1]) / 2, (values + values[::-1]) / 2 - values[2]
    assert np.abs(even).max() < 1e-10 * values[2]
    slope = (8 * odd[3] - odd[4]) / (6 * 0.1)  # of ρ, with its cube taken out
    cubic = (odd - slope * rho)[3:]
    assert cubic[1] / cubic[0] == pytest.approx(8, rel=0.05)


def test_what_changes_the_memory_changes_its_linear_part(memory):
    rows = bundled_digits(200)[0]
    grown = AttractorMemory(metric="rule").fit(rows[:150])
    linear = grown.state_.linear_part
    before = np.linalg.eigvalsh(linear.matrix)
    grown.partial_fit(rows[150:])
    assert grown.state_.linear_part is not linear
    store = grown.state_.store
    fresh = LinearPart(KernelStore(store.x, store.x, store.settings))
    after, anew = (np.linalg.eigvalsh(p.matrix) for p in (grown.state_.linear_part, fresh))
    np.testing.assert_allclose(after[after > 1e-9], anew[anew > 1e-9], rtol=1e-6)
    assert (before > 1e-9).sum() < (after > 1e-9).sum()
