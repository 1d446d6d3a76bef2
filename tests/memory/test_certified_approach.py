"""The last leg of a certified recall on steps of one factor, and what float32 takes from it."""

from math import log

import mpmath
import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.analysis.correlation_bounds import gram_of
from attractory.datasets import bundled_digits
from attractory.memory.certified_approach import _PLACES, ANGLES, Approach
from attractory.memory.certified_chain import RecallChain
from attractory.memory.guided_recall import DRIFT_FREE, at_last
from attractory.memory.norm_rule import by_correlation

TOLERANCE = 1e-9


def approach(across=0.5, along=0.0, miss=0.0, firm=0.0, single=0.0, double=0.0):
    """Steps that bring every angle down to 0.3 + 0.7 `across` of it, or a little more."""
    count = len(ANGLES)
    return Approach(
        np.zeros(count) + across,
        along * ANGLES**2 / 2,
        miss,
        firm,
        (np.full(count, single), np.full(count, single), double),
    )


def of_plane(norm, *close):
    """The bound for a memory of a row and others in one plane, at known correlations with it."""
    rows = np.zeros((1 + len(close), 8))
    rows[:, 0], rows[1:, 1] = (1.0, *close), np.sqrt(1 - np.square(close))
    memory = AttractorMemory(activation="erf", norm=norm, metric=None, center=False).fit(rows)
    return RecallChain(memory).approach


def rests(bound, single=DRIFT_FREE, steps=96, tolerance=TOLERANCE):
    double = at_last(tolerance)._replace(steps=steps)
    return bound.rests_from(single, double, tolerance, 0.5)


def test_a_known_factor_needs_a_known_number_of_steps():
    """Of 0.65 a step: those in float64 begin where a step falls short of 0.001."""
    assert rests(approach()) == pytest.approx(0.5, rel=0.06)
    # tan y = x / z on the way, so that at a little more than 0.65 a step the angle falls.
    begin, end = 0.001 / 0.35, TOLERANCE / 32
    needed = log(begin / end) / -log(0.65)
    assert rests(approach(), steps=int(needed) - 4) == 0
    assert rests(approach(), steps=int(needed) + 8) > 0.4
    # Two steps in float32 leave most of the angle to those in float64.
    few = DRIFT_FREE._replace(steps=2)
    more = log(0.5 * 0.65**2 / end) / -log(0.65)
    assert rests(approach(), few, int(more) + 8) > 0.45
    assert rests(approach(), few, int(more) - 6) < 0.45


def test_steps_that_do_not_fall_or_end_too_soon_or_move_at_rest_prove_nothing():
    assert rests(approach(across=1.01)) == 0
    # A step turns the angle by the miss, whatever it was: it never falls below.
    assert rests(approach(miss=1e-6)) == 0
    assert rests(approach(double=1e-6)) == 0
    assert rests(approach(miss=1e-12), tolerance=1e-7) > 0.4
    # In float32 it may stay at 0.02: then a small step ends the leg there, and float64 goes on.
    assert rests(approach(single=0.01)) > 0.3
    assert rests(approach(single=0.5)) == 0
    # What is at rest for the step the map moves by 1 + ε times as much.
    assert rests(approach(firm=100.0)) == 0


def test_a_step_takes_the_rounding_of_float32_into_account():
    memory = AttractorMemory(activation="erf", metric="rule").fit(bundled_digits(24)[0])
    bound = RecallChain(memory).approach
    unit, rounded = 2.0**-24, []
    for row in (0, 7):
        found, c = bound.row(row).after(2), np.abs(bound.patterns @ bound.patterns[row])
        # What an error of as many roundings as there are terms does to h of the correlations.
        slope = np.diff(by_correlation(np.array([0.0, 1e-4]), *bound.kernel))[0] / 1e-4
        c = np.minimum(c, 1 - 1e-4)
        grown = by_correlation(np.append(c + 1e-4, c), *bound.kernel).reshape(2, -1)
        heights = (grown[0] - grown[1]) / 1e-4 - slope
        least = bound.dim * unit * (heights @ np.linalg.norm(bound.votes, axis=1))
        assert (found.rounding[0] >= 0.9 * least).all()
        rounded.append((row, found.rounding[0][-1]))
        for angle in (1e-9, 0.1, 0.4):
            assert found.step(angle, True) >= found.step(angle, False) + 0.5 * least
        assert found.step(1e-12, False) >= 0.6 * (found.miss + found.rounding[2])
    # A thousand times the error of correlations moves z by as much more along the others' votes.
    bound.place *= 1001
    del bound.left_by_correlation
    for row, before in rounded:
        p, others = bound.patterns[row], np.arange(len(bound.patterns)) != row
        c, across = np.abs(bound.patterns @ p)[others], bound.votes - np.outer(bound.votes @ p, p)
        far = c + 0.9 * ANGLES[-1] * np.sqrt(1 - c**2)
        grown = by_correlation(np.append(far + 1e-4, far), *bound.kernel).reshape(2, -1)
        heights = (grown[0] - grown[1]) / 1e-4 - slope
        least = bound.dim * unit * (heights @ np.linalg.norm(across[others], axis=1))
        assert bound.row(row).after(2).rounding[0][-1] - before >= 1000 * least


def test_a_leg_that_stops_at_a_short_step_has_not_arrived():
    """Beyond 0.05 steps are so short that the leg in float64 would end there, far from rest."""
    tolerance, edge = 1e-3, np.searchsorted(ANGLES, 0.05)
    bound = approach(across=np.where(np.arange(len(ANGLES)) < edge, 0.5, 0.9995))
    found = angle = rests(bound, tolerance=tolerance)
    assert found > 0.04
    for stage, single in ((DRIFT_FREE, True), (at_last(tolerance), False)):
        for _ in range(stage.steps):
            before, angle = angle, bound.step(angle, single)
            if before - angle <= stage.tolerance:
                break
    assert angle <= tolerance


@pytest.mark.parametrize(("close", "norm"), [(0.75, 20.0), (0.99, 2.0)])
def test_of_one_vote_across_the_row_the_bound_is_no_less_than_its_change(close, norm):
    """With no vote of the row's own: towards the other one, and away, where correlations turn."""
    bound = of_plane(norm, close)
    bound.votes = np.zeros((2, 8))
    bound.votes[1, 1] = 1.0
    bound.vote_gram, bound.squares = gram_of(bound.votes), np.array([0.0, 1.0])
    bound.soft = 0.0
    found = bound.row(0).after(2)
    slope = np.diff(by_correlation(np.array([-1e-4, 1e-4]), *bound.kernel))[0] / 2e-4
    a = ANGLES[np.isfinite(found.across)]
    assert len(a) > 60
    rho = np.append(close, np.cos(np.arccos(close) + np.stack([a, -a])))
    high = by_correlation(rho, *bound.kernel) - slope * rho
    change = np.abs(high[1:] - high[0]).reshape(2, -1).max(axis=0)
    assert (change <= found.across[: len(a)] * a * (1 + 1e-6)).all()


def exact(bound):
    """The kernel of a bound's memory, in the precision of mpmath."""
    norm, act, _, _, dim = bound.kernel
    (scale,), (weight,) = act.scales, act.weights
    p, factor = norm**2 / dim, 2 / np.pi * act.gain**2 * weight**2
    big = p + scale**2

    def kernel(rho):
        s = p * rho
        return factor * (mpmath.asin(s / big) + s / mpmath.sqrt(big**2 - s**2))

    return kernel


def test_votes_that_cancel_at_the_row_no_longer_do_where_correlations_have_turned():
    """Of two rows in one plane: their slopes at cos a c part, though at c they cancel."""
    close = 0.3, 0.9
    bound = of_plane(20.0, *close)
    kernel, (reach, farther) = exact(bound), np.sqrt(1 - np.square(close))
    with mpmath.workdps(30):
        low = mpmath.diff(kernel, 0)

        def slope(c, angle=0.0):
            return float(mpmath.diff(kernel, c * mpmath.cos(angle)) - low)

        votes = 1 / (slope(close[0]) * reach), -1 / (slope(close[1]) * farther)
        bound.votes = np.zeros((3, 8))
        bound.votes[1:, 1] = votes
        bound.vote_gram, bound.squares = gram_of(bound.votes), (bound.votes**2).sum(axis=1)
        row = bound.row(0)
        assert row.first_order < 0.01
        found = row.slopes(3, row.first_order)
        for place in (-1, -8, -20):
            first, second = (slope(c, ANGLES[place]) for c in close)
            apart = abs(votes[0] * first * reach + votes[1] * second * farther)
            assert 3 * row.first_order < apart <= found[place]


def test_near_equal_rows_a_kernel_that_rises_within_a_cell_is_bounded():
    """At a large norm slopes and chords of the last cells are not those of the cells before."""
    bound = of_plane(300.0, 0.5)
    kernel, cell = exact(bound), 1 / _PLACES
    with mpmath.workdps(40):
        slope, before = mpmath.diff(kernel, 0), 1 - mpmath.mpf(cell)
        steep = mpmath.diff(kernel, 1 - mpmath.mpf(10) ** -20) - slope
        mean = (kernel(1) - kernel(before)) / cell - slope
        assert steep > 3 * mean  # what a slope from the table would miss
        assert steep <= bound.slope[-1] <= 1.1 * steep
        some = [mpmath.mpf(x) for x in np.linspace(0.01, 0.99, 9)]
        chords = [
            (1 - x) * kernel(before) + x * kernel(1) - kernel(before + x * cell) for x in some
        ]
        assert max(chords) <= bound.bow[-2]
        for k in (0, 50, 100):
            fall = kernel(1) - kernel(mpmath.cos(ANGLES[k])) - slope * (1 - mpmath.cos(ANGLES[k]))
            assert fall <= bound.fall[k] <= 1.001 * fall + 1e-9 * bound.size


def test_what_is_left_of_orders_is_that_of_the_worst_correlation_of_a_cell():
    """In high precision, from its near end on, where a state's reach is the largest."""
    bound = of_plane(2.0, 0.5)  # a kernel of few degrees, that grows slowly with the correlation
    kernel = exact(bound)
    rest, a = bound.left_by_correlation[0][-1], ANGLES[-1]
    with mpmath.workdps(40):
        for place in (400, 1200, 1800, 1900):
            c = mpmath.mpf(place - 1) / _PLACES
            reach = a * mpmath.sqrt(1 - c**2)
            orders = mpmath.fdot(mpmath.taylor(kernel, c, 4), [reach**m for m in range(5)])
            assert kernel(c + reach) - orders <= rest[place]
