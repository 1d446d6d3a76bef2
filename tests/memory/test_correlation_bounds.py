"""Joint bounds on many products, against their largest values."""

import numpy as np

from attractory.memory.correlation_bounds import across, joint_weights, largest_sum


def largest(q, weights, power, rng):
    """The largest Σ ω (q·u)²ᵏ found over unit u, by fixed-point iteration from many starts."""
    u = np.vstack([q, rng.normal(size=(50, q.shape[1]))])
    for _ in range(200):
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        u = (weights * (u @ q.T) ** (2 * power - 1)) @ q
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return (weights * (u @ q.T) ** (2 * power)).sum(axis=1).max()


def test_no_direction_has_more_than_the_bound_and_some_have_all_of_it():
    rng = np.random.default_rng(0)
    q = rng.normal(size=(30, 8))
    p = q[0] / np.linalg.norm(q[0])
    rest = q[1:] - np.outer(q[1:] @ p, p)
    products = across((q[1:] @ q[1:].T).astype(np.float32), q[1:] @ p)
    np.testing.assert_allclose(products, np.abs(rest @ rest.T), atol=1e-4)
    for power in (1, 2, 3):
        weights = rng.random(29)
        bound = largest_sum(products**power, weights)
        assert largest(rest, weights, power, rng) <= bound
        joint = joint_weights(products, power, rng.random((2, 29)) + 0.01)
        for each in joint:
            assert largest(rest, each, power, rng) <= 1
    # Of vectors at right angles it is the largest weight, of equal ones the sum: nothing is given
    # away.
    right = np.eye(4, dtype=np.float32)
    np.testing.assert_allclose(largest_sum(right, np.arange(4.0)), 3, rtol=1e-3)
    np.testing.assert_allclose(joint_weights(right, 3, np.ones((1, 4))), 1, rtol=1e-4)
    same = np.ones((4, 4), np.float32)
    np.testing.assert_allclose(largest_sum(same, np.arange(4.0), rounds=8), 6, rtol=1e-3)
    np.testing.assert_allclose(joint_weights(same, 3, np.ones((1, 4))), 0.25, rtol=1e-4)
    assert largest_sum(right, np.zeros(4)) == 0
