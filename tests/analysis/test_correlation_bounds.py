"""Joint bounds on many products, against their largest values."""

import numpy as np

from attractory.analysis.correlation_bounds import LargestSums, gram_of, joint_weights, power_sums


def largest(q, weights, power, rng):
    """The largest Σ ω (q·u)²ᵏ found over unit u, by fixed-point iteration from many starts."""
    u = np.vstack([q, rng.normal(size=(50, q.shape[1]))])
    for _ in range(200):
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        u = (weights * (u @ q.T) ** (2 * power - 1)) @ q
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return (weights * (u @ q.T) ** (2 * power)).sum(axis=1).max()


def test_no_direction_has_more_than_the_bound_and_some_have_all_of_it(monkeypatch):
    monkeypatch.setattr("attractory.analysis.correlation_bounds._TILE", 8)  # several of them
    rng = np.random.default_rng(0)
    q = rng.normal(size=(30, 8))
    p = q[0] / np.linalg.norm(q[0])
    rest = q[1:] - np.outer(q[1:] @ p, p)
    gram, along = gram_of(q[1:]), q[1:] @ p
    np.testing.assert_allclose(gram, q[1:] @ q[1:].T, rtol=1e-6, atol=1e-6)
    y = rng.random((3, 29, 2)) + 0.01
    sums = power_sums(gram, along, list(y))
    weights = rng.random((3, 29))
    search = LargestSums(gram, along, list(weights[:, :, None]))
    first, bounds = search.after(1), search.after(4)
    assert all(b < a for a, b in zip(first, bounds, strict=True))  # further rounds help
    again = LargestSums(gram, along, list(weights[:, :, None])).after(4)
    np.testing.assert_array_equal(bounds, again)  # and go on from those before
    for power in (1, 2, 3):
        exact = np.abs(rest @ rest.T) ** power @ y[power - 1]
        assert (exact <= sums[power - 1]).all()
        assert (sums[power - 1] <= 1.001 * exact).all()
        assert largest(rest, weights[power - 1], power, rng) <= bounds[power - 1][0]
        for each in joint_weights(sums[power - 1], y[power - 1]).T:
            assert largest(rest, each, power, rng) <= 1
    only = power_sums(gram, along, [None, None, y[2]])
    np.testing.assert_array_equal(only[2], sums[2])
    assert only[0].shape == (29, 0)


def test_of_vectors_at_right_angles_and_of_equal_ones_nothing_is_given_away():
    """The largest weight, and the sum of the weights."""
    right, none = np.eye(4, dtype=np.float32), np.zeros(4)
    weights, ones = np.arange(4.0)[:, None], np.ones((4, 1))
    np.testing.assert_allclose(LargestSums(right, none, [weights]).after(4)[0], 3, rtol=1e-3)
    sums = power_sums(right, none, [None, None, ones])[2]
    np.testing.assert_allclose(joint_weights(sums, ones), 1, rtol=1e-4)
    same = np.ones((4, 4), np.float32)
    found = LargestSums(same, none, [weights, weights]).after(8)
    np.testing.assert_allclose(found, 6, rtol=1e-3)
    sums = power_sums(same, none, [None, None, ones])[2]
    np.testing.assert_allclose(joint_weights(sums, ones), 0.25, rtol=1e-4)
    apart = np.where(ones > 0, [[1.0, 0.0]], 0.0) * np.array([[1.0], [1], [0], [0]])
    assert (joint_weights(power_sums(same, none, [apart])[0], apart)[2:] == 0).all()
    assert LargestSums(right, none, [np.zeros((4, 1))]).after(4)[0] == 0
    one = np.array([[np.inf], [0], [0], [0]])
    assert np.isinf(LargestSums(right, none, [one]).after(1)[0])


def test_of_vectors_that_are_nearly_the_unit_vector_rounding_is_covered():
    """Their products across it are as small as the rounding of float32."""
    rng = np.random.default_rng(1)
    p = rng.normal(size=20)
    p /= np.linalg.norm(p)
    q = p + 1e-4 * rng.normal(size=(40, 20))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    rest = q - np.outer(q @ p, p)
    ones = np.ones((40, 1))
    sums = power_sums(gram_of(q), q @ p, [np.eye(40), ones])
    assert (np.abs(rest @ rest.T) <= sums[0]).all()
    assert ((rest @ rest.T) ** 2 @ ones <= sums[1]).all()
