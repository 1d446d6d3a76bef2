"""Shells around a certified ball: both moves against the kernel itself, cells against the map."""

import numpy as np
import pytest
from kernel_gains import theta, worst_gain

from attractory import certified_radius, fit_regression
from attractory.analysis.certificate_shells import Shells
from attractory.datasets import sphere

DIM, NORM = 12, 25.0


@pytest.fixture(scope="module")
def f():
    return fit_regression(sphere(5, DIM, norm=NORM), activation="erf_surrogate")


@pytest.fixture(scope="module")
def shells(f):
    x = np.asarray(f.patterns)
    return Shells(f.activation, x[0], x, np.asarray(f.coefficients))


def test_the_first_move_is_the_kernels_difference(f, shells):
    y, q = np.asarray(f.patterns), shells.square
    x, size = y[0], shells.size
    start = theta(f.activation, y @ x / DIM, x @ x / DIM, q)[0]
    for nu, tau in ((-3.0, 4.0), (2.0, 5.0), (-5.0, 1.0), (0.0, 3.0), (4.0, 0.0)):
        end = theta(
            f.activation, (size + nu) * shells.along / DIM, ((size + nu) ** 2 + tau**2) / DIM, q
        )[0]
        (on, on_half), (off, off_half) = shells.first_move((nu, nu), (tau, tau))
        half = on_half * abs(nu) + off_half * tau**2
        off_by = np.abs(on * nu + off * tau**2 - (end - start))
        assert (off_by <= half + 1e-12).all()
        assert (half <= 0.1 * np.abs(end - start).max()).all()
        # Of a cell it holds all that the cell has, the ends of both moves.
        wide = shells.first_move((nu - 1, nu + 1), (tau, tau + 1))
        for some, narrow in zip(wide, ((on, on_half), (off, off_half)), strict=True):
            assert (np.abs(some[0] - narrow[0]) <= some[1] - narrow[1] + 1e-12).all()


def test_the_second_move_has_the_slopes_of_all_secants(f, shells):
    q, size = shells.square, shells.size
    for nu, tau in ((-3.0, 4.0), (2.0, 6.0), (-6.0, 9.0)):
        middle, half = shells.second_move((nu, nu), (tau, tau))
        p = ((size + nu) ** 2 + tau**2) / DIM
        begin = (size + nu) * shells.along / DIM
        steps = np.concatenate([np.linspace(-1, -0.01, 40), np.linspace(0.01, 1, 40)])[:, None]
        t = steps * tau * shells.across / DIM
        slopes = np.array([
            (theta(f.activation, begin + a, p, q)[0] - theta(f.activation, begin, p, q)[0])[1:]
            / a[1:] for a in t
        ])  # fmt: skip
        low, high = (middle - half)[1:], (middle + half)[1:]
        assert (slopes >= low - 1e-9).all()
        assert (slopes <= high + 1e-9).all()
        # One end is reached but for the trapezoids.
        assert (high <= slopes.max(axis=0) * 1.2).all()
        wide = shells.second_move((nu - 1, nu + 1), (tau - 1, tau + 1))
        assert (wide[0] - wide[1] <= middle - half).all()
        assert (wide[0] + wide[1] >= middle + half).all()


def test_no_deviation_of_a_cell_gains_more_than_is_proven(f, shells):
    x, close = np.asarray(f.patterns)[0], []
    for radius in (1.0, 4.0, 7.0):
        for angle in (-1.2, -0.5, -0.2, 0.0, 0.3, 0.9):
            gain = worst_gain(f, x, radius, angle)
            thin = shells.in_cell((0.99 * radius, radius), (angle - 1e-3, angle + 1e-3), 0.0)
            wide = shells.in_cell((0.8 * radius, radius), (angle - 0.1, angle + 0.1), 0.0)
            assert gain <= thin <= 1.03 * wide
            close.append(thin / gain)
    assert min(close) < 1.12


def test_a_cell_is_bounded_with_all_its_lengths_and_all_that_is_unknown(shells, monkeypatch):
    first, second, asked = shells.first_move, shells.second_move, []
    monkeypatch.setattr(shells, "first_move", lambda *pairs: asked.append(pairs) or first(*pairs))
    for angles in ((-0.9, -0.5), (-0.2, 0.4), (0.3, 1.4)):
        radii = 3.0, 5.0
        known = shells.in_cell(radii, angles, 0.0)
        (low, high), (near, far) = asked[-1]
        for r in radii:
            for a in np.linspace(*angles, 9):
                assert low - 1e-12 <= r * np.sin(a) <= high + 1e-12
                assert near - 1e-12 <= r * np.cos(a) <= far + 1e-12
        # Slopes that are less known make a larger bound.
        with monkeypatch.context() as patch:
            patch.setattr(
                shells, "second_move", lambda *pairs: second(*pairs) * np.array([[1.0], [5.0]])
            )
            assert shells.in_cell(radii, angles, 0.0) > 1.01 * known


def test_the_rate_of_a_shell_is_that_of_its_worst_cell(f, monkeypatch):
    x = np.asarray(f.patterns)
    shells = Shells(f.activation, x[0], x, np.asarray(f.coefficients))
    monkeypatch.setattr(shells, "in_cell", lambda _, angle: 0.9 - 0.1 * abs(sum(angle) / 2 - 0.3))
    assert shells.rate(1.0, 1.1) == pytest.approx(0.9 - 0.1 * (0.3 - np.pi / 12))


def test_cues_in_the_grown_ball_come_nearer(f):
    x = np.asarray(f.patterns)[:1]
    plain, found = certified_radius(f, x), certified_radius(f, x, grown=True)
    assert found.radius[0] > 3 * plain.radius[0]
    assert plain.rate[0] <= found.rate[0] < 1
    assert found.floor[0] == plain.floor[0]
    gains = [
        worst_gain(f, x[0], share * found.radius[0], angle)
        for share in (0.5, 0.999) for angle in np.linspace(-1.2, 0.4, 5)
    ]  # fmt: skip
    assert max(gains) <= found.rate[0]
    # Beyond a certain radius steps do not come nearer, and nothing is certified.
    far = [worst_gain(f, x[0], 2.2 * found.radius[0], a) for a in (-0.6, -0.2)]
    assert max(far) > 1


def test_a_grown_ball_is_around_the_point_given(f, monkeypatch):
    """Shells are around the fixed point, and every step is off by what the residual adds."""
    asked = []

    class Doubled(Shells):
        def grow(self, radius, slack):
            asked.append((self.size, radius, slack))
            return 2 * radius, 0.9999

    monkeypatch.setattr("attractory.analysis.certificate.Shells", Doubled)
    x = np.asarray(f.patterns)[:1]
    off = 1e-4 * NORM * np.eye(DIM)[:1]
    plain, found = certified_radius(f, x + off), certified_radius(f, x + off, grown=True)
    size, radius, slack = asked[0]
    assert size == pytest.approx(NORM, rel=1e-9)
    assert radius == pytest.approx(plain.radius[0] + 1e-4 * NORM)
    assert found.radius[0] == pytest.approx(2 * radius - 1e-4 * NORM)
    assert found.rate[0] == 0.9999
    left = np.linalg.norm(f(found.fixed_point) - found.fixed_point)
    assert left <= slack < 1e-6


def test_a_shell_that_steps_off_by_the_slack_may_leave_is_none(shells, monkeypatch):
    monkeypatch.setattr(Shells, "rate", lambda *_: 0.9)
    assert shells.grow(1.0, 0.2) == (1.0, 0.0)
    radius, rate = shells.grow(1.0, 0.05)
    assert rate == 0.9
    assert 0.7 * NORM < radius < 0.8 * NORM


def test_only_what_the_shells_are_of_is_grown(f):
    x = np.asarray(f.patterns)[:1]

    def change(_, radius):
        return 0.01 * radius

    given = certified_radius(f, x, jacobian_change=change)
    same = certified_radius(f, x, jacobian_change=change, grown=True)
    assert same.radius[0] == given.radius[0]
