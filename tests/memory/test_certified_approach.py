"""The last leg of a certified recall on steps of one factor, and what float32 takes from it."""

from math import log

import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory.certified_approach import ANGLES, Approach
from attractory.memory.certified_chain import RecallChain
from attractory.memory.guided_recall import DRIFT_FREE, at_last
from attractory.memory.norm_rule import by_correlation

TOLERANCE = 1e-9


def approach(across=0.5, along=0.0, miss=0.0, firm=0.0, single=0.0, double=0.0):
    """Steps that bring every angle down to 0.3 + 0.7 `across` of it, or a little more."""
    count = len(ANGLES)
    return Approach(
        np.full(count, across), along * ANGLES**2 / 2, miss, firm, (np.full(count, single), double)
    )


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
    unit = 2.0**-24
    for row in (0, 7):
        found, c = bound.row(row), np.abs(bound.patterns @ bound.patterns[row])
        # What an error of as many roundings as there are terms does to h of the correlations.
        slope = np.diff(by_correlation(np.array([0.0, 1e-4]), *bound.kernel))[0] / 1e-4
        c = np.minimum(c, 1 - 1e-4)
        grown = by_correlation(np.append(c + 1e-4, c), *bound.kernel).reshape(2, -1)
        heights = (grown[0] - grown[1]) / 1e-4 - slope
        least = bound.dim * unit * (heights @ np.linalg.norm(bound.votes, axis=1))
        assert (found.rounding[0] >= 0.9 * least).all()
        for angle in (1e-9, 0.1, 0.4):
            assert found.step(angle, True) >= found.step(angle, False) + 0.5 * least
        assert found.step(1e-12, False) >= 0.6 * (found.miss + found.rounding[1])
