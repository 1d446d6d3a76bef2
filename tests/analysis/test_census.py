"""The census finds the attractors that are known to be there, and only those."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_maps import Cubic, Product, Ring, Sigmoid

from attractory import attractor_census, fit_regression, spectral_radius
from attractory._util.statistics import clopper_pearson
from attractory.analysis import RecallRule, census_starts
from attractory.analysis.cycles import refine_cycle
from attractory.datasets import bundled_digits, rescale

LONG = RecallRule(max_steps=4000)


def around(point, std, count, seed=0):
    noise = np.random.default_rng(seed).normal(size=(count, len(point)))
    return np.asarray(point) + std * noise


def match(census, f):
    """Return for each attractor of the census the index of the known one, checking its points."""
    known = []
    for a in census.attractors:
        gaps = [
            np.inf if len(points) != a.period
            else np.linalg.norm(points - a.points[0], axis=1).min()
            for points in f.attractors
        ]  # fmt: skip
        k = int(np.argmin(gaps))
        known.append(k)
        # The whole cycle, in its order, whichever point it starts from.
        start = int(np.linalg.norm(f.attractors[k] - a.points[0], axis=1).argmin())
        np.testing.assert_allclose(a.points, np.roll(f.attractors[k], -start, axis=0), atol=1e-9)
    return known


@pytest.mark.parametrize(
    ("f", "middle", "std", "count"),
    [
        (Sigmoid(), [0.0], 1.0, 60),
        (Cubic(0.3), [0.0], 0.7, 60),
        (Ring(), [3.0, 4.0], 1.0, 100),
        (Ring(2, centre=(0.0, 1.0)), [0.0, 1.0], 1.0, 100),
        (Product((Ring(3), Sigmoid())), [3.0, 4.0, 0.0], 1.0, 100),
        (Product((Sigmoid(),) * 4), [0.0] * 4, 1.0, 200),
    ],
    ids=str,
)
def test_finds_exactly_the_known_attractors(f, middle, std, count):
    census = attractor_census(f, starts=around(middle, std, count), confidence=0.999)
    known = match(census, f)
    assert sorted(known) == list(range(len(f.attractors)))  # each of them, once
    assert (census.undecided, census.diverged) == (0, 0)
    assert sum(a.hits for a in census.attractors) == count
    for k, a in zip(known, census.attractors, strict=True):
        assert a.spectral_radius == pytest.approx(np.abs(f.multipliers[k]).max(), abs=1e-8)
        assert a.residual < 1e-12
        assert a.interval[0] <= a.share <= a.interval[1]
        assert not a.stored
        assert (a.nearest, a.distance) == (-1, np.inf)
    hits = [a.hits for a in census.attractors]
    assert hits == sorted(hits, reverse=True)
    for k, a in enumerate(census.attractors):
        assert (census.label == k).sum() == a.hits


def test_shares_are_sizes_of_basins():
    """Normal starts about the centre: 1 − exp(−1/2σ²) within the disc, a half of each sign."""
    f = Product((Ring(3), Sigmoid()))
    starts = around([3.0, 4.0, 0.0], 0.8, 1500)
    census = attractor_census(f, [[3.0, 4.0, 1.0]], starts=starts, confidence=0.999)
    inside = 1 - np.exp(-1 / (2 * 0.8**2))
    truth = np.array([inside, inside, 1 - inside, 1 - inside]) / 2  # centres come first
    for k, a in zip(match(census, f), census.attractors, strict=True):
        assert a.interval[0] <= truth[k] <= a.interval[1]
        assert a.stored == (k == 0)
        assert a.nearest == 0
    assert (len(census.stored), len(census.spurious), census.patterns) == (1, 3, 1)
    assert census.spurious_share == pytest.approx(1 - census.stored[0].share)
    assert census.kind.tolist() == ["given"] * 1500
    assert "1 of 1 patterns and 3 spurious (2 cycles) from 1500 starts" in repr(census)
    assert any("cycle of period 3, not stored" in repr(a) for a in census.spurious)


def test_cyclic_shifts_are_one_attractor_and_read_the_same():
    f = Ring(5)
    starts = f.attractors[1] + 0.01
    census = attractor_census(f, starts=starts)
    assert len(census.attractors) == 1
    points = census.attractors[0].points
    # Two points share it, but for rounding, and of these the lower comes first.
    assert points[0, 0] == pytest.approx(points[:, 0].min(), abs=1e-12)
    assert points[0, 1] < points[:, 1].mean()
    other = attractor_census(f, starts=starts[[3]]).attractors[0].points
    np.testing.assert_allclose(other, points, atol=1e-12)


def test_unstable_points_are_reported_with_their_radius():
    """A start on the saddle 0 stays; x ← x³ diverges beyond ±1; an irrational turn goes on."""
    saddle = attractor_census(Sigmoid(), [[1.0]], starts=[[0.0], [0.5]])
    radius = {round(float(a.points[0, 0])): a.spectral_radius for a in saddle.attractors}
    assert radius[0] == pytest.approx(2 / np.tanh(2))
    assert radius[1] < 1
    cube = attractor_census(lambda x: x**3, starts=[[0.5], [1.1], [-0.5]])
    assert cube.label.tolist() == [0, -2, 0]
    assert cube.diverged == 1
    # One that diverged is elsewhere, and counts among the starts.
    zero = cube.attractors[0]
    low, high = clopper_pearson([2], 3, 0.95)
    assert zero.interval == (low[0], high[0])
    assert zero.share == cube.spurious_share == 2 / 3
    c, s = np.cos(1.0), np.sin(1.0)
    turn = attractor_census(
        lambda x: x @ jnp.array([[c, s], [-s, c]], x.dtype),
        starts=[[1.0, 0.0]],
        rule=RecallRule(max_steps=200),
    )
    assert (turn.undecided, turn.attractors) == (1, ())


def test_undecided_starts_are_not_counted_as_elsewhere():
    """Below 0 it drifts for ever: those two starts may yet come to 1, as far as was seen."""
    drift = attractor_census(
        lambda x: jnp.where(x > 0, (x + 1) / 2, x - 1e-3),
        starts=[[0.5], [2.0], [3.0], [-1.0], [-2.0]],
        rule=RecallRule(max_steps=200),
    )
    assert (drift.undecided, drift.attractors[0].hits) == (2, 3)
    low, high = clopper_pearson([3, 5], 5, 0.95)
    assert (
        drift.attractors[0].interval == (low[0], high[1]) == (pytest.approx(0.1466, abs=1e-4), 1.0)
    )


def test_digits_low_rank_newton_and_chunks():
    """The stored digits are found; radii and counts agree with the other routes to them."""
    x = rescale(bundled_digits(8)[0][:, ::4], 50.0)
    f = fit_regression(x)
    census = attractor_census(f, x, count=30, seed=1, rule=LONG)
    assert census.undecided + census.diverged == 0
    assert len(census.stored) >= 4
    for a in census.attractors:
        assert a.residual < 1e-10 * 50
        assert a.refined
        assert a.spectral_radius == pytest.approx(spectral_radius(f, a.points)[0], rel=1e-9)
    for a in census.stored:
        np.testing.assert_allclose(a.points[0], x[a.nearest], atol=1e-9)
    again = attractor_census(f, x, count=30, seed=1, rule=LONG, chunk=9)
    np.testing.assert_array_equal(again.label, census.label)


@pytest.mark.parametrize("route", ["factors", "jacobian", "automatic"])
def test_newton_by_every_route(route):
    """From 1e-5 off a digit one step leaves about the square of that."""
    x = rescale(bundled_digits(5)[0][:, 200:260], 30.0)
    f = fit_regression(x)

    class Dense:
        __call__ = staticmethod(f)
        jacobian = staticmethod(f.jacobian)

    g = {"factors": f, "jacobian": Dense(), "automatic": lambda y: f(y)}[route]
    with jax.enable_x64(True):
        points, residual, refined = refine_cycle(g, x[2] + 1e-5, 1, 3e-3)
    assert refined
    np.testing.assert_allclose(points, x[2:3], atol=1e-10)
    assert residual < 1e-11


def test_newton_may_not_jump():
    """Near the turning point of f(x) − x Newton's step is long, and must not be taken."""

    def f(x):
        return x + (x - 1) * (x - 2) * 0.1  # fixed points 1 and 2, flat in between at 1.5

    with jax.enable_x64(True):
        # At a triple root each step goes a third of the way: the second leads beyond the reach.
        points, _, refined = refine_cycle(lambda x: x + (x - 1) ** 3, np.array([1.3]), 1, 0.15)
        assert refined
        assert points[0, 0] == pytest.approx(1.2)
        # Newton's method for the root of an arctangent overshoots from 1.5: not taken.
        points, residual, refined = refine_cycle(
            lambda x: x + jnp.arctan(x), np.array([1.5]), 1, 10.0
        )
        assert (points.tolist(), refined) == ([[1.5]], False)
        assert residual == pytest.approx(np.arctan(1.5))
        start = np.array([1.4999])
        points, residual, refined = refine_cycle(f, start, 1, 1e-4)
        assert not refined
        np.testing.assert_array_equal(points, start[None])
        assert residual == pytest.approx(abs(0.1 * 0.4999 * 0.5001))
        flat, _, refined = refine_cycle(lambda x: x + 1e-9, np.array([1.0]), 1, 1e-4)  # I − J = 0
        assert not refined
        assert flat.tolist() == [[1.0]]
        points, _, refined = refine_cycle(f, np.array([1.00001]), 1, 1e-4)
        assert refined
        assert points[0, 0] == pytest.approx(1.0, abs=1e-13)


def test_starts_are_of_three_kinds():
    x = np.array([[3.0, 0, 0, 0], [0, 5.0, 0, 0]])
    starts, kind = census_starts(x, 3000, seed=2)
    assert [(kind == k).sum() for k in ("gaussian", "between", "far")] == [1000] * 3
    noise = starts[kind == "gaussian"]
    # E‖noise‖² is the mean square norm, 17; its standard deviation is some 14 a draw.
    assert (noise**2).sum(axis=1).mean() == pytest.approx(17, abs=5 * 14 / np.sqrt(1000))
    between = starts[kind == "between"]
    np.testing.assert_allclose(between[:, 0] / 3 + between[:, 1] / 5, 1.0)  # on the segment
    assert between[:, 0].min() < 0.1 < 2.9 < between[:, 0].max()
    assert (between[:, :2] > 0).all()  # of two patterns, never one and itself
    far = np.linalg.norm(starts[kind == "far"], axis=1)
    assert (far.min() >= 6, far.max() <= 50, far.max() > 40) == (True, True, True)
    again, _ = census_starts(x, 3000, seed=2)
    np.testing.assert_array_equal(starts, again)
    assert not np.isclose(starts, census_starts(x, 3000, seed=3)[0]).any(axis=1).all()
    single, _ = census_starts(x[:1], 30)
    assert np.isfinite(single).all()


def test_result_as_plain_data():
    census = attractor_census(Sigmoid(), [[1.0]], count=9, seed=4)
    drawn, kind = census_starts([[1.0]], 9, seed=4)
    np.testing.assert_array_equal(
        census.label == census.label[0], (drawn[:, 0] > 0) == (drawn[0, 0] > 0)
    )
    np.testing.assert_array_equal(census.kind, kind)
    data = json.loads(json.dumps(census.to_dict()))
    assert (data["starts"], data["seed"], data["patterns"]) == (9, 4, 1)
    assert data["attractors"][0]["hits"] == census.attractors[0].hits
    bare = attractor_census(Sigmoid(), starts=[[1.0]]).to_dict()
    assert json.dumps(bare, allow_nan=False)
    assert bare["attractors"][0]["nearest"] is None


def test_bad_values():
    f, x = Sigmoid(), [[1.0]]
    for call, error, words in [
        (lambda: attractor_census(f), ValueError, "starts or patterns must be given"),
        (lambda: attractor_census(f, [[np.nan]]), ValueError, "patterns must be finite"),
        (lambda: attractor_census(f, [[0.0]]), ValueError, "zero vector"),
        (lambda: attractor_census(f, x, starts=[[1.0, 2.0]]), ValueError, "starts must have 1 fea"),
        (lambda: attractor_census(f, starts=[[np.inf]]), ValueError, "starts must be finite"),
        (lambda: attractor_census(f, x, count=0), ValueError, "count must be at least 1"),
        (lambda: RecallRule(tolerance=2.0), ValueError, "tolerance must lie"),
        (lambda: attractor_census(f, x, confidence=0.0), ValueError, "confidence must lie"),
        (lambda: attractor_census(f, x, chunk=0), ValueError, "chunk must be"),
        (lambda: attractor_census(f, x, seed=-1), ValueError, "seed must be"),
        (lambda: attractor_census(lambda y: y[..., :1], [[1.0, 1.0]]), TypeError, "must map"),
        (lambda: census_starts([[0.0]], 3), ValueError, "zero vector"),
        (lambda: census_starts(x, 0), ValueError, "count must be"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_a_cycle_is_told_by_its_nearest_point_and_is_never_stored():
    """x ← −x from 2: the cycle 2, −2 beside the pattern 2.005, whose norm counts."""
    patterns = [[2.005], [-5.0], [100.0]]
    census = attractor_census(lambda x: -x, patterns, starts=[[2.0], [-2.0]])
    (a,) = census.attractors
    assert (a.period, a.nearest, a.stored, a.hits) == (2, 0, False, 2)
    assert a.distance == pytest.approx(0.005 / 2.005)
    assert a.points.tolist() == [[-2.0], [2.0]]  # the smaller point first
    census = attractor_census(lambda x: 1.0 * x, patterns, starts=[[99.5], [2.0], [98.0], [2.03]])
    told = {float(a.points[0, 0]): (a.nearest, a.stored) for a in census.attractors}
    assert told == {99.5: (2, True), 2.0: (0, True), 98.0: (2, False), 2.03: (0, False)}
    assert [len(census.stored), len(census.spurious)] == [2, 2]
    assert census.spurious_share == 0.5


def test_points_are_one_within_a_distance_relative_to_the_scale():
    """On the identity each start stays: those within 1e-5 of the scale are one attractor."""
    for unit in (1.0, 1e4):
        starts = unit * np.array([[1.0], [1.0 + 5e-6], [1.0 + 3e-5]])
        census = attractor_census(lambda x: 1.0 * x, starts=starts)
        assert sorted(a.hits for a in census.attractors) == [1, 2]
    # Along a line of fixed points I − J is singular: the point stays as the best start left it.
    starts = [[1e-3, 1.0], [1e-12, 1.0], [1e-6, 1.0]]
    (a,) = attractor_census(lambda x: x * jnp.array([0.1, 1.0]), starts=starts).attractors
    assert (a.hits, a.refined) == (3, False)
    assert a.residual < 1e-20
    assert a.spectral_radius == pytest.approx(1.0)
