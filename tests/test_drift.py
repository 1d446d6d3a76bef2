"""Recall without the drift: its step against algebra, and the linear part against the map's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import AttractorMemory, bundled_digits
from attractory._drift import _PACE, Drift, Relaxed


@pytest.fixture(scope="module")
def memory():
    return AttractorMemory(search=False).fit(bundled_digits(200)[0])


def test_a_step_is_newtons_with_the_linear_part():
    """x + b (I − S + ε)⁻¹ (f(x) − x) for a matrix S, by a dense solve; then back to the norm."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    kept = np.array([0.9, 0.7, 0.2])
    linear = (basis[:, :3] * kept) @ basis[:, :3].T
    shift, x = rng.normal(size=6), rng.normal(size=(4, 6))
    step = Relaxed(lambda v: v @ linear.T + shift, basis[:, :3], 1 - kept, np.asarray(2.0))
    soft = np.array([0.0, 0.1, 1.0, 10.0])
    with jax.enable_x64(True):
        found = np.asarray(step.step(jnp.asarray(x), jnp.asarray(soft)))
    for row, start, e in zip(found, x, soft, strict=True):
        system = np.eye(6) * (1 + e) - linear
        new = start + _PACE * np.linalg.solve(system, linear @ start + shift - start)
        np.testing.assert_allclose(row, 2 * new / np.linalg.norm(new), rtol=1e-12)


def test_patterns_are_at_rest(memory):
    step = memory._drift.relaxed(memory.map_)
    points = memory.points_
    with jax.enable_x64(True):
        for soft in (1e-3, 1.0):
            moved = step.step(jnp.asarray(points), jnp.full(len(points), soft))
            np.testing.assert_allclose(moved, points, atol=1e-5 * memory.norm_)


def test_the_linear_part_is_what_the_map_does_far_from_patterns(memory):
    """Along strong axes a state without a pattern near it keeps the share s that is foretold."""
    basis, lost, mean = memory._drift.parts
    np.testing.assert_allclose(basis.T @ basis, np.eye(len(lost)), atol=1e-10)
    assert ((lost > 0) & (lost < 1)).all()
    assert lost.min() < mean < lost.max()
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(20, len(memory))) @ memory.points_
    mixed *= memory.norm_ / np.linalg.norm(mixed, axis=1, keepdims=True)
    for axes in (slice(-10, None), slice(-60, -10)):
        along = basis[:, axes]
        share = np.einsum("ijk,jq,kq->iq", memory.map_.jacobian(mixed), along, along)
        assert abs(np.median(share) - np.median(1 - lost[axes])) < 0.1


def test_ample_patterns_ask_for_a_smaller_softness():
    """ε is in proportion to what a step takes off, and to 1,000 over the number of patterns."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 4))
    x *= 5 / np.linalg.norm(x, axis=1, keepdims=True)
    act = AttractorMemory(search=False).fit(x[:50])._model.activation
    few, many = (Drift(x[:n], act, 2, 3.0) for n in (1000, 3000))
    for drift, per in ((few, 1.0), (many, 3.0)):
        first, last = drift.softness
        assert first > last > 0
        assert first * per / drift.parts[2] == pytest.approx(0.6)
