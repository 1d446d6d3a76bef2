"""Cues of a table told in other units come back in the rows' own."""

import numpy as np
import pytest
from sklearn.datasets import load_wine

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory.cue_units import CueUnits

_RNG = np.random.default_rng(0)
ROWS = _RNG.normal(size=(60, 9)) * 10.0 ** _RNG.integers(-1, 3, 9) + 100 * _RNG.normal(size=9)
ROWS[:, 4] = 7.0  # a column without a deviation
MEAN, DEVIATION = ROWS.mean(axis=0), np.where(ROWS.std(axis=0) > 1e-9, ROWS.std(axis=0), 1)
LOW, RANGE = ROWS.min(axis=0), np.where(np.ptp(ROWS, axis=0) > 0, np.ptp(ROWS, axis=0), 1)
TOLD = {
    "fahrenheit": lambda x: 32 + 1.8 * x,
    "grams": lambda x: 1000 * x,
    "shares of the sum": lambda x: x / np.abs(x).sum(axis=1, keepdims=True),
    "scores": lambda x: (x - MEAN) / DEVIATION,
    "from 0 to 1": lambda x: (x - LOW) / RANGE,
    "per cent": lambda x: 100 * (x - LOW) / RANGE,
}


@pytest.mark.parametrize("told", TOLD)
def test_units_are_undone(told):
    found, other = CueUnits(ROWS).read(TOLD[told](ROWS))
    assert other.all()
    assert np.allclose((found - ROWS) / DEVIATION, 0, atol=1e-9)


def test_percentiles_come_back_as_the_numbers_that_have_them():
    live = np.flatnonzero(np.ptp(ROWS, axis=0) > 0)
    rows = ROWS[:, live]
    share = rows.argsort(axis=0).argsort(axis=0) / (len(rows) - 1)
    for whole in (1, 100):
        found, other = CueUnits(rows).read(whole * share)
        assert other.mean() > 0.95  # of two rows, half of the numbers might be as they are told
        gap = np.diff(np.sort(rows, axis=0), axis=0).max(axis=0)  # the tables' steps are finer
        assert (np.abs(found - rows) <= gap)[other].all()


@pytest.mark.parametrize("told", ["fahrenheit", "from 0 to 1"])
def test_unknown_numbers_have_no_say(told):
    known = np.ones_like(ROWS, bool)
    known[:, 1] = False
    cues = np.where(known, TOLD[told](ROWS), 1e6)
    found, other = CueUnits(ROWS).read(cues, known)
    assert other.all()
    assert np.allclose(((found - ROWS) / DEVIATION)[known], 0, atol=1e-9)


def test_rows_and_what_is_lost_or_wrong_in_part_stay():
    lost, rng = ROWS.copy(), np.random.default_rng(1)
    for row in lost:
        some = rng.permutation(9)[:4]
        row[some[:2]] = 0
        row[some[2:]] *= 1.8
    noisy, sentinel = ROWS + DEVIATION * rng.normal(size=ROWS.shape), ROWS.copy()
    for row in sentinel:
        row[rng.permutation(9)[:5]] = -999.0
    for cues in (ROWS, lost, noisy, sentinel):
        found, other = CueUnits(ROWS).read(cues)
        assert not other.any()
        assert np.array_equal(found, cues)


def test_a_memory_recalls_rows_told_in_other_units():
    rows = load_wine(return_X_y=True)[0][::4]
    memory = AttractorMemory().fit(rows)
    scores = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    result = memory.recall(np.vstack([32 + 1.8 * rows, scores]))
    assert np.array_equal(result.pattern, np.tile(np.arange(len(rows)), 2))
    assert set(result.damage) == {"changed values"}
    digits, _ = bundled_digits(10)
    assert AttractorMemory().fit(digits).state_.cue_units is None
