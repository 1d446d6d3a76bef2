"""Critical shocks: the true distance where it is known, confirmed escapes elsewhere."""

import numpy as np
import pytest
from toy_maps import Cubic, Product, Ring, Sigmoid

from attractory import critical_shock, fit_regression, recall
from attractory.analysis import RecallRule, ShockStatus
from attractory.datasets import sphere


@pytest.mark.parametrize(
    "parts",
    [(Sigmoid(2.0),), (Cubic(0.3),), (Ring(),), (Cubic(0.3),) * 18 + (Ring(inner=0.9),)],
    ids=["sigmoid", "cubic", "ring", "product in 20-D"],
)
def test_within_one_percent_of_the_true_distance(parts):
    toy = Product(parts)
    # Its first attractor, written down: the product has half a million.
    points = np.hstack([part.attractors[0] for part in parts])
    true = np.array([min(part.distances[0] for part in parts)])
    result = critical_shock(toy, points, starts=6, rule=RecallRule(max_steps=80))
    assert (result.distance >= true * (1 - 1e-9)).all()  # an upper bound
    assert (result.distance <= 1.01 * true).all()
    assert (result.inside <= true * (1 + 1e-3)).all()
    np.testing.assert_allclose(np.linalg.norm(result.shock, axis=1), result.distance, rtol=1e-9)


def test_shocks_escape_and_a_little_less_comes_home():
    x = sphere(5, 30, norm=40.0)
    f = fit_regression(x, activation="erf")
    result = critical_shock(f, x, starts=4, seed=3)
    away = recall(f, x + result.shock, max_steps=5000).state
    assert (np.linalg.norm(away - x, axis=1) > 0.01 * 40).all()
    back = x + result.shock * (result.inside / result.distance)[:, None]
    home = recall(f, back, max_steps=5000).state
    assert (np.linalg.norm(home - x, axis=1) < 0.01 * 40).all()
    assert (result.inside > 0.99 * result.distance).all()
    # No random direction leaves sooner.
    noise = np.random.default_rng(0).standard_normal((100, 5, 30))
    unit = noise / np.linalg.norm(noise, axis=2, keepdims=True)
    cues = x + 0.99 * result.distance[:, None] * unit
    ends = recall(f, cues, max_steps=5000).state
    assert (np.linalg.norm(ends - x, axis=2) < 0.01 * 40).all()
    again = critical_shock(f, x, starts=4, seed=3)
    assert (again.distance == result.distance).all()
    assert again.settings == result.settings


def test_no_fixed_point_and_no_boundary():
    other = critical_shock(Cubic(0.3), [[0.5], [1.0]])
    assert np.isnan(other.distance[0])
    assert np.isnan(other.shock[0]).all()
    assert other.residual[0] == pytest.approx(0.3 * 0.375, rel=1e-9)
    assert other.distance[1] == pytest.approx(1.0, rel=0.01)
    whole = critical_shock(lambda x: 0.5 * x + 1.0, [[2.0]])
    assert whole.distance.tolist() == [np.inf]
    assert whole.inside[0] == pytest.approx(20.0)
    assert "0 of 1 patterns" in repr(whole)
    assert other.status.tolist() == [ShockStatus.NOT_FIXED, ShockStatus.FOUND]
    assert whole.status.tolist() == [ShockStatus.NONE_FOUND]
    for status in ShockStatus:
        assert status.message


def test_slow_return_is_not_taken_for_escape_nor_for_none():
    """At multiplier 1 − 2a a cue takes 350/a steps from half the norm; the boundary is at 1."""
    slow = critical_shock(Cubic(0.003), [[1.0], [-1.0]], starts=2, rounds=2)
    assert slow.status.tolist() == [ShockStatus.FOUND] * 2
    np.testing.assert_allclose(slow.distance, 1.0, rtol=0.002)
    assert (slow.steps > 200).all()
    ends = recall(Cubic(0.003), np.array([[1.0], [-1.0]]) + slow.shock, max_steps=20_000).state
    np.testing.assert_allclose(ends, [[-1.0], [1.0]], atol=1e-3)
    rule = RecallRule(max_steps=8)
    undecided = critical_shock(Cubic(1e-4), [[1.0]], starts=2, rounds=2, rule=rule)
    assert undecided.status.tolist() == [ShockStatus.TOO_SLOW]
    assert np.isnan(undecided.distance).all()
    assert undecided.steps.tolist() == [8 * 64]
    assert "1 too slow to tell" in repr(undecided)


@pytest.mark.parametrize(
    ("patterns", "kw", "words"),
    [
        ([[np.nan]], {}, "patterns must be finite"),
        ([[0.0]], {}, "patterns must not contain a zero vector"),
        ([[1.0]], {"starts": 0}, "starts must be at least 1"),
        ([[1.0]], {"precision": 0.0}, "precision must be"),
    ],
)
def test_bad_values(patterns, kw, words):
    with pytest.raises(ValueError, match=words):
        critical_shock(Cubic(0.3), patterns, **kw)


def test_a_map_that_is_not_square():
    with pytest.raises(TypeError, match="must map"):
        critical_shock(lambda x: x[..., :1], [[1.0, 1.0]])
