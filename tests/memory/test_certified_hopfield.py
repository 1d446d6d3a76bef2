"""Balls that Hopfield networks are proven to recall from, against the networks themselves."""

import numpy as np
import pytest

from attractory.datasets import bundled_digits
from attractory.memory import certify_polynomial, certify_softmax


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def digits(n):
    rows = bundled_digits(n)[0]
    return unit(rows - rows.mean(axis=0))


def towards(p, rng):
    """Unit directions from every pattern: to each other one, away from it, across, random."""
    to = unit(p[None] - p[:, None] + 1e-12)
    across = unit(p[None] - (p @ p.T)[:, :, None] * p[:, None] + 1e-12)
    return np.concatenate([to, -to, across, unit(rng.normal(size=(len(p), 20, p.shape[1])))], 1)


def softmax_step(x, p, beta):
    w = np.exp(beta * (x @ p.T - (x @ p.T).max(axis=-1, keepdims=True)))
    return w / w.sum(axis=-1, keepdims=True) @ p


def test_softmax_recalls_from_everywhere_within_and_not_from_half_way():
    p, rng = digits(12), np.random.default_rng(0)
    for beta in (30.0, 80.0):
        found = certify_softmax(p, beta)
        assert (found.radius < found.half).all()
        assert (found.radius >= found.separation).all()
        assert np.median(found.radius / found.half) > 0.7
        x = p[:, None] + 0.999 * found.radius[:, None, None] * towards(p, rng)
        for _ in range(60):
            x = softmax_step(x, p, beta)
        assert (np.linalg.norm(x - p[:, None], axis=2)[found.radius > 0] <= 0.01).all()
    # Where patterns are not told apart there is neither.
    none = certify_softmax(p, 1.0)
    assert (none.radius == 0).all()
    assert (none.separation == 0).all()


def test_two_patterns_are_recalled_from_nearly_half_way():
    """In one dimension the map is known: the boundary is half way, and β tells how sharp it is."""
    p = np.array([[1.0, 0.0], [-1.0, 0.0]])
    found = certify_softmax(p, 60.0)
    assert (found.radius > 0.95).all()
    assert (found.half == 1).all()
    right = certify_polynomial(np.eye(2), 9)
    assert (right.radius > 0.97 * np.sin(np.pi / 4)).all()


@pytest.mark.parametrize("power", [7, 8])
def test_polynomial_networks_recall_from_everywhere_within(power):
    p, rng = digits(12), np.random.default_rng(1)
    found = certify_polynomial(p, power)
    assert (found.radius > 0).mean() > 0.6
    u = towards(p, rng)
    u = unit(u - np.einsum("kqd,kd->kq", u, p)[:, :, None] * p[:, None] + 1e-12)
    x = np.sqrt(1 - found.radius**2)[:, None, None] * p[:, None] + (
        0.999 * found.radius[:, None, None] * u
    )
    for _ in range(60):
        x = unit(np.einsum("kqn,nd->kqd", (x @ p.T) ** power, p))
    assert (np.linalg.norm(x - p[:, None], axis=2)[found.radius > 0] <= 0.011).all()


def test_patterns_that_are_none_are_refused():
    with pytest.raises(ValueError, match="none of them 0"):
        certify_softmax(np.zeros((2, 3)), 1.0)
    with pytest.raises(ValueError, match="beta"):
        certify_softmax(np.eye(2), 0.0)
    with pytest.raises(ValueError, match="power"):
        certify_polynomial(np.eye(2), 1)
