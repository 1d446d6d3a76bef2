"""Critical shocks: the true distance where it is known, confirmed escapes elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_maps import Cubic, Product, Ring, Sigmoid

from attractory import critical_shock, fit_regression, recall
from attractory.analysis import RecallRule, ShockStatus
from attractory.analysis.critical_shocks import _directions, _Found, _Search
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
    result = critical_shock(f, x, starts=2, seed=3)
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
    again = critical_shock(f, x, starts=2, seed=3)
    assert (again.distance == result.distance).all()
    assert again.settings == result.settings


def test_no_fixed_point_and_no_boundary():
    # Where the first cue tried, 0.5, is after 8 steps: no fixed point, so no orbit ends there.
    f, passed = Cubic(0.05), 0.5
    for _ in range(8):
        passed = f(passed)
    other = critical_shock(f, [[passed], [1.0]])
    assert np.isnan(other.distance[0])
    assert np.isnan(other.shock[0]).all()
    assert other.residual[0] == pytest.approx(0.05 * (passed - passed**3), rel=1e-9)
    assert other.steps.tolist() == [0, 200]
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


def test_a_short_run_is_confirmed_by_one_four_times_as_long():
    """From 1e-3 beyond the boundary it takes 26 steps to leave and 20 to settle: more than 20.

    Where runs of 20 steps put the boundary, at 0.99, cues come back in 30: not a shock either.
    """
    found = critical_shock(
        Cubic(0.3), [[1.0]], starts=2, rounds=0, rule=RecallRule(max_steps=20, tolerance=0.05)
    )
    assert found.steps.tolist() == [20]
    assert 1 <= found.distance[0] < 1.003
    assert 0.995 < found.inside[0] < 1
    assert found.inside[0] == pytest.approx(found.distance[0] / 1.002, rel=1e-3)


def test_shocks_scale_with_the_unit():
    """Seen in other units a map has the same shocks; also at a point just beside a fixed one."""
    unit = 100.0
    f, rule = Cubic(0.3), RecallRule(max_steps=80)
    x = np.array([[1.004], [-1.0], [1.03]])
    given = {"starts": 3, "rounds": 1, "rule": rule, "seed": 5}
    plain = critical_shock(f, x, **given)
    scaled = critical_shock(lambda y: unit * f(y / unit), unit * x, **given)
    found, none = ShockStatus.FOUND, ShockStatus.NOT_FIXED
    assert plain.status.tolist() == scaled.status.tolist() == [found, found, none]
    for name in ("distance", "inside", "shock", "residual"):
        np.testing.assert_allclose(
            getattr(scaled, name), unit * getattr(plain, name), rtol=1e-9, atol=1e-13 * unit
        )
    assert plain.distance[0] == pytest.approx(1.004, rel=2e-3)
    near = critical_shock(f, x[:2], starts=2, rounds=1, rule=rule, farthest=0.9)
    assert near.status.tolist() == [ShockStatus.NONE_FOUND] * 2
    np.testing.assert_allclose(near.inside, 0.9 * np.abs(x[:2, 0]))


def test_directions_go_to_the_nearest_patterns_first_and_come_in_opposite_pairs():
    x = np.array([[0.0, 1.0], [0.0, 3.0], [4.0, 1.0], [0.0, -5.0]])
    found = _directions(x, 6, 3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1.0)
    np.testing.assert_allclose(found[0, :3], [[0, 1], [1, 0], [0, -1]], atol=1e-12)
    np.testing.assert_allclose(found[3, :3], [[0, 1], np.array([4, 6]) / np.sqrt(52), [0, 1]])
    np.testing.assert_array_equal(found[:, 3], -found[:, 4])
    assert not np.isclose(found[:, 5], found[:, 3]).any()
    np.testing.assert_array_equal(found, _directions(x, 6, 3))
    assert not np.isclose(found[:, 3:], _directions(x, 6, 4)[:, 3:]).any()
    alone = _directions(x[:1], 5, 0)[0]
    np.testing.assert_array_equal(alone[[0, 2]], -alone[[1, 3]])
    assert not np.isclose(alone[0], alone[2]).any()


def test_what_ends_where_on_maps_that_do_one_thing():
    """Of a cue beside its pattern: at rest, thrown out, turning on a cycle, moving still."""
    directions, rule = np.array([[[1.0], [-1.0]]]), RecallRule(max_steps=24)

    def ended(f, radius):
        with jax.enable_x64(True):
            search = _Search(f, np.array([[1.0]]), directions, rule, 10.0, np.array([[1.0]]))
            return [v.tolist() for v in search.ended(np.arange(2), np.array(radius))]

    assert ended(lambda x: 1.0 * x, [0.005, 0.02]) == [[True, False], [False, True]]
    # A state near the pattern that diverges is not back.
    assert ended(lambda x: jnp.where(x == 1, x, 1e9 * x), [0.005, 0.005]) == [
        [False] * 2,
        [True] * 2,
    ]
    assert ended(lambda x: 2 - x, [0.005, 0.5]) == [[True, False], [False, True]]
    assert ended(lambda x: x + 1e-3, [0.02, 0.3]) == [[False] * 2, [False] * 2]


def test_of_two_runs_the_nearer_shock_stands():
    directions, rule = np.array([[[1.0], [-1.0]]]), RecallRule(max_steps=80)
    for earlier, stands in ((0.5, True), (1.7, False), (np.nan, False)):
        with jax.enable_x64(True):
            search = _Search(
                Cubic(0.3), np.array([[1.0]]), directions, rule, 10.0, np.array([[1.0]])
            )
            found = _Found.nothing(3, 1)
            found.distance[2] = earlier
            slow = search.run(0, 1e-3, found, np.array([2]), np.array([True]))
        assert slow.tolist() == [False]
        # To the left the boundary is at 1, to the right at √(1 + 1/0.3) − 1 = 1.08.
        assert found.distance[2] == pytest.approx(earlier if stands else 1.0, rel=2e-3)
        assert np.isnan(found.shock[2, 0]) == stands
        if not stands:
            assert found.shock[2, 0] == -found.distance[2]
            assert 0.997 < found.inside[2] <= 1
            assert found.status[2] == ShockStatus.FOUND
        assert np.isnan(found.distance[:2]).all()
