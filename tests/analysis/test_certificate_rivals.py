"""The bound of many patterns: its parts against the kernel itself, all of it against the map."""

import numpy as np
import pytest
from kernel_gains import theta, worst_gain

from attractory import certified_radius, fit_regression
from attractory.analysis.certificate_boxes import Box, Place
from attractory.analysis.certificate_rivals import RivalBound, Terms
from attractory.datasets import sphere

DIM, NORM = 24, 60.0


@pytest.fixture(scope="module")
def f():
    return fit_regression(sphere(70, DIM, norm=NORM), activation="erf_surrogate")


def bound_of(f, point=None):
    x = np.asarray(f.patterns)
    point = x[0] if point is None else point
    return RivalBound(f.activation, point, x, np.asarray(f.coefficients))


@pytest.fixture(scope="module")
def bound(f):
    return bound_of(f)


@pytest.fixture(scope="module")
def plain(f):
    return certified_radius(f, np.asarray(f.patterns)[:1])


def test_a_box_holds_the_kernels_slopes_and_what_is_left_of_them(f, bound):
    """By differences of the kernel from place to place, of patterns on either side and x*."""
    r, q = bound.size, (np.asarray(f.patterns) ** 2).sum(axis=1) / DIM
    box, step = Box(r - 3, r + 1, 2.0, 6.0), 1e-4
    (in_m, in_square), (bent_m, bent_square) = bound._ranges(box), bound._slope_ranges(box)
    curve = bound._curvature(box)

    def at(m, square, t=0.0):
        return theta(f.activation, m * bound.length / DIM + t, (m * m + square) / DIM, q)

    reach = np.linalg.norm(
        np.asarray(f.patterns) - np.outer(bound.along, np.asarray(f.patterns)[0] / r), axis=1
    ) / DIM  # fmt: skip
    for m in (box.m_low, r, box.m_high):
        for across in (box.across_low, 4.0, box.across_high):
            here = at(m, across**2)
            ahead, up = at(m + step, across**2), at(m, across**2 + step)
            for k, ranges in ((0, (in_m, in_square)), (1, (bent_m, bent_square))):
                for moved, (middle, half) in zip((ahead, up), ranges, strict=True):
                    found = (moved[k] - here[k]) / step
                    assert (np.abs(found - middle) <= half * (1 + 1e-6) + 1e-5).all()
            for share in (-1.0, -0.4, 0.3, 1.0):
                t = share * across * reach[1:]
                left = (
                    at(m, across**2, np.append(0.0, t))[0]
                    - here[0]
                    - np.append(0.0, here[1][1:] * t)
                )
                assert (np.abs(left[1:]) <= curve[1:] * t**2 + 1e-12).all()


def test_no_deviation_gains_more_than_is_proven_and_some_nearly_as_much(f, bound):
    x, close = np.asarray(f.patterns)[0], []
    for radius in (0.01 * NORM, 0.05 * NORM, 0.1 * NORM):
        for angle in (-1.2, -0.4, 0.0, 0.4, 1.2):
            gain = worst_gain(f, x, radius, angle)
            thin = bound.cell((0.99 * radius, radius), (angle - 1e-3, angle + 1e-3))
            wide = bound.cell((0.8 * radius, radius), (angle - 0.1, angle + 0.1))
            assert gain <= thin <= 1.001 * wide
            close.append(thin / gain)
    assert max(close) < 1.1
    ball = bound.ball(0.01 * NORM)
    for radius in (1e-3 * NORM, 0.01 * NORM):
        gains = [worst_gain(f, x, radius, a) for a in (-0.6, -0.2, 0.0, 0.2)]
        assert max(gains) <= ball < 1.2 * max(gains)


def test_terms_of_a_box_hold_what_the_kernel_has_there(f, bound):
    """Slopes as one multiple of those at x*, its own pattern, and joint sums of products."""
    r, q = bound.size, (np.asarray(f.patterns) ** 2).sum(axis=1) / DIM
    box, act = Box(r - 6, r + 4, 2.0, 7.0), f.activation
    terms = bound._terms(box, box.center, box.half, 2.0)
    in_m, in_square = (one.middle for one in bound._ranges(box))
    spare, rest = terms.off / bound.first, theta(act, r * r / DIM, r * r / DIM, q[0])[0]
    middle, square = box.center.m, box.center.across**2

    def own(m, p):
        return theta(act, m * r / DIM, p / DIM, q[0])[0] - rest

    for m in (box.m_low, r, box.m_high):
        for across in (2.0, 5.0, 7.0):
            p = m * m + across**2
            ratio = theta(act, m * bound.along / DIM, p / DIM, q)[1][1:] / bound.slope[1:]
            assert ratio.max() <= terms.scale + spare
            assert np.ptp(ratio) / 2 <= spare
            by = own(middle, middle**2 + square) + (m - middle) * in_m[0]
            left = own(m, p) - by - (across**2 - square) * in_square[0]
            assert bound.own_size * abs(left) / 2.0 <= terms.own + 1e-12
    u = np.asarray(f.patterns) - np.outer(bound.along, np.asarray(f.patterns)[0] / r)
    u = u[1:] / np.linalg.norm(u[1:], axis=1, keepdims=True)
    free, t = bound.omega[1:], u @ np.asarray(f.patterns)[1:].T / DIM
    for weight, power, found in (
        (bound.slope[1:] ** 2 / free, 2, bound.first), (free, 4, bound.second)
    ):  # fmt: skip
        assert np.sqrt((weight * t**power).sum(axis=1).max()) <= found


def assert_known_part_is_the_kernels(f, bound):
    """Of one m and one T: what f does across all patterns, and Mᵀ and √ω A of it."""
    x, a = (np.asarray(v) for v in (f.patterns, f.coefficients))
    r, q, m, across = bound.size, (x**2).sum(axis=1) / DIM, 1.05 * bound.size, 0.08 * bound.size
    terms = bound._terms(Box(m, m, across, across), Place(m, across), (0.0, 0.0), 1.0)
    there, here = (
        theta(f.activation, k * bound.along / DIM, p / DIM, q)
        for k, p in ((m, m * m + across**2), (r, r * r))
    )
    moved, others = (there[0] - here[0]) @ a, np.arange(len(x)) > 0
    across_x = x - np.outer(bound.along, x[0] / r)
    jacobian = (a[others].T * here[1][others]) @ across_x[others] / DIM
    by = np.array([1.0, m - r, across**2])
    for form, vector in (
        (terms.known, moved), (terms.toward, moved @ jacobian),
        (terms.free, np.sqrt(bound.omega[others]) * (a[others] @ moved)),
    ):  # fmt: skip
        np.testing.assert_allclose(by @ form @ by, vector @ vector, rtol=1e-6)


def test_what_is_known_of_a_step_is_the_kernels(f, bound):
    assert len(np.unique(bound.sign)) == 2
    assert_known_part_is_the_kernels(f, bound)


def test_where_the_kernel_is_nearly_linear_all_slopes_turn_alike():
    """There μ is that of the shortest state, and c that of the largest m, at the least p."""
    x, m = sphere(40, DIM, norm=2.0), 2.6
    act = fit_regression(x[:2], activation="erf_surrogate").activation
    bound = RivalBound(act, x[0], x, np.random.default_rng(0).normal(size=x.shape))
    box = Box(1.4, m, 0.0, 0.5)
    curve, terms = bound._curvature(box), bound._terms(box, box.center, box.half, 1.0)
    q, s = 4.0 / DIM, m * bound.length / DIM
    short = theta(act, 1.4 * bound.along / DIM, 1.4**2 / DIM, q)[1][1:] / bound.slope[1:]
    assert 1.01 < short.max() <= terms.scale + terms.off / bound.first
    t = 0.5 * np.linalg.norm(x - np.outer(bound.along, x[0] / 2), axis=1)[1:] / DIM
    ahead, here = (theta(act, v, (m * m + 0.25) / DIM, q) for v in (s[1:] + t, s[1:]))
    assert (ahead[0] - here[0] - here[1] * t <= curve[1:] * t**2 + 1e-12).all()


def test_the_bound_is_the_worst_of_its_terms(bound):
    """Each of them alone, and vectors on a fine grid of lengths and angles."""
    radius, angle = (1.5, 2.0), (-0.5, 0.8)
    none = np.zeros((3, 3))
    empty = Terms(none, none, none, *np.zeros(5))
    beyond = np.sqrt((bound.tops * bound.prices).min())  # of ‖w‖ = 1
    for change, expected in (
        ({"own": 0.3}, 0.3), ({"half": 0.2}, 0.2 * beyond), ({"off": 0.2}, 0.2 * beyond),
        ({"bent": 0.2}, 0.4 * beyond), ({"scale": 0.9}, 0.9 * np.sqrt(bound.tops.min())),
    ):  # fmt: skip
        found = bound._worst_of(empty._replace(**change), radius, angle)
        assert found == pytest.approx(expected, rel=1e-6)
    vectors = np.random.default_rng(3).normal(size=(3, 5)) * np.array([[3.0], [1], [0.5]])
    found = bound._worst_of(empty._replace(known=vectors @ vectors.T), radius, angle)
    ends = []
    for r in np.linspace(*radius, 21):
        a = np.linspace(*angle, 41)
        by = np.stack([np.full(41, 1 / r), np.sin(a), r * np.cos(a) ** 2], axis=1)
        ends.append(np.linalg.norm(by @ vectors, axis=1).max())
    assert max(ends) <= found <= 1.5 * max(ends)


def test_a_ball_is_bounded_at_all_angles(bound, monkeypatch):
    monkeypatch.setattr(bound, "_worst_of", lambda *given: given[2][0] ** 2 - given[2][0])
    assert bound.ball(0.1) == pytest.approx(np.pi**2 / 4 + np.pi / 2)


@pytest.mark.parametrize("part", ["_value", "_ranges", "_slope_ranges", "_slope", "_curvature"])
def test_what_is_not_known_bounds_nothing(bound, monkeypatch, part):
    """No number is taken for a small one: not in the first place looked at, nor in the last."""
    known = getattr(bound, part)

    def lost(*given):
        found = known(*given)
        many = found if isinstance(found, tuple) else (found,)
        for values in (v for one in many for v in (one if isinstance(one, tuple) else (one,))):
            values[-1] = np.nan
        return found

    monkeypatch.setattr(bound, part, lost)
    assert bound.cell((1.0, 1.1), (-0.1, 0.1)) == bound.ball(0.01 * NORM) == np.inf


def test_the_worst_cell_of_a_shell_decides(bound, monkeypatch):
    monkeypatch.setattr(bound, "cell", lambda _, angle: 0.9 - 0.1 * abs(sum(angle) / 2 - 0.3))
    assert bound.shell(1.0, 1.1) == pytest.approx(0.9 - 0.1 * (0.3 - np.pi / 12))
    # A cell that fails is halved, and one that fails when narrow ends the search.
    monkeypatch.setattr(bound, "cell", lambda _, angle: 0.95 + 0.1 * (angle[1] - angle[0]))
    assert bound.shell(1.0, 1.1) == pytest.approx(0.95 + 0.1 * np.pi / 12)
    monkeypatch.setattr(bound, "cell", lambda _, angle: 1.05 if angle[0] < 0.3 < angle[1] else 0.5)
    assert bound.shell(1.0, 1.1) == 1.05


def test_a_ball_that_steps_off_by_the_slack_may_leave_is_none(bound, monkeypatch):
    monkeypatch.setattr(bound, "ball", lambda _: 0.9)
    monkeypatch.setattr(bound, "shell", lambda *_: 0.95)
    assert bound.grow(0.11 * NORM)[0] == 0
    first, rate = bound.grow(0.0004 * NORM)  # 0.95 of the first ball and this are within it
    assert (first, rate) == (pytest.approx(0.5 * NORM, rel=0.02), 0.95)
    none = pytest.approx(0.01 * NORM), 0.9
    assert bound.grow(0.0007 * NORM) == none
    monkeypatch.setattr(bound, "shell", lambda *_: 1.0)
    assert bound.grow(1e-9) == none
    monkeypatch.setattr(bound, "ball", lambda radius: 0.9 if radius < 0.002 * NORM else 1.1)
    assert bound.grow(1e-9) == (pytest.approx(0.001 * NORM), 0.9)


def test_patterns_of_one_norm_are_taken_at_nodes_with_the_same_results(monkeypatch):
    x = sphere(140, DIM, norm=25.0)
    f = fit_regression(x, activation="erf_surrogate")
    quick = bound_of(f)
    assert quick._spread is not None
    assert_known_part_is_the_kernels(f, quick)
    monkeypatch.setattr("attractory.analysis.certificate_rivals._NODES", 999)
    plain = bound_of(f)
    assert plain._spread is None
    for cell in (((0.9, 1.0), (-0.3, 0.1)), ((1.0, 1.2), (0.4, 0.6))):
        assert quick.cell(*cell) == pytest.approx(plain.cell(*cell), rel=1e-9)
    # Few nodes are no polynomial of the kernel, and are not taken for one.
    monkeypatch.setattr("attractory.analysis.certificate_rivals._NODES", 6)
    assert bound_of(f)._spread is None


def test_a_pattern_beside_the_fixed_point_is_bounded_too(f):
    """With x* a little off it the pattern turns with δ, by the largest slope that it can have."""
    x = np.asarray(f.patterns)[0]
    u = np.random.default_rng(1).normal(size=DIM)
    off = bound_of(f, x + 5e-5 * NORM * u / np.linalg.norm(u))
    assert not off.others[0]
    across = np.linalg.norm(x - (x @ off_unit(off, x, u)) * off_unit(off, x, u))
    slope = theta(f.activation, NORM**2 / DIM, NORM**2 / DIM, NORM**2 / DIM)[1]
    box = Box(off.size, off.size, 0.0, 1e-3 * NORM)
    coefficients = np.linalg.norm(np.asarray(f.coefficients)[0])
    found = off._terms(box, box.center, (0.0, 0.0), 1.0).own
    assert found >= 0.99 * coefficients * slope * across / DIM
    far = bound_of(f, x + 1e-3 * NORM * u / np.linalg.norm(u))
    assert far.others.all()
    assert far.own_size == 0


def off_unit(bound, x, u):
    point = x + 5e-5 * NORM * u / np.linalg.norm(u)
    assert np.linalg.norm(point) == pytest.approx(bound.size)
    return point / np.linalg.norm(point)


def test_grown_balls_of_many_patterns(f, plain):
    x = np.asarray(f.patterns)[:1]
    found = certified_radius(f, x, grown=True)
    assert found.radius[0] > 2 * plain.radius[0]
    assert found.condition[0] == 1
    assert found.floor[0] < 1e-6 * NORM
    for share in (0.5, 0.999):
        gains = [worst_gain(f, x[0], share * found.radius[0], a) for a in (-0.6, -0.3, 0.0, 0.3)]
        assert max(gains) <= found.rate[0]
    # Around a point beside it the ball is smaller by the distance.
    off = 1e-4 * NORM * np.eye(DIM)[:1]
    moved = certified_radius(f, x + off, grown=True)
    assert moved.radius[0] == pytest.approx(found.radius[0] - 1e-4 * NORM, rel=1e-3)
    assert moved.floor[0] >= 1e-4 * NORM


def test_where_the_bound_proves_nothing_the_other_one_is_taken(f, plain, monkeypatch):
    x = np.asarray(f.patterns)[:1]
    monkeypatch.setattr(RivalBound, "grow", lambda *_: (0.0, np.nan))
    assert certified_radius(f, x, grown=True).radius[0] == plain.radius[0] > 0
