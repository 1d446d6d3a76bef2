"""Columns in units of their own: recall does not depend on the units."""

import warnings

import numpy as np
import pytest

from attractory import AttractorMemory, SequenceMemory, load_memory, save_memory
from attractory.memory.column_scale import column_scale
from attractory.memory.trace import recall_trace

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(12, 30)) + 3
UNITS = 10.0 ** RNG.uniform(-4, 4, 30)
CUES = ROWS + 0.4 * RNG.normal(size=ROWS.shape)


def fitted(rows, **parameters):
    return AttractorMemory(**({"metric": "rule", "activation": "erf"} | parameters)).fit(rows)


def test_recall_of_scaled_columns_does_not_depend_on_their_units():
    one, other = fitted(ROWS, scale="columns"), fitted(ROWS * UNITS, scale="columns")
    some = np.arange(30) < 20
    for known in (None, some):
        a, b = one.recall(CUES, known), other.recall(CUES * UNITS, known)
        np.testing.assert_allclose(b.state / UNITS, a.state, rtol=1e-6)
        np.testing.assert_allclose(b.confidence, a.confidence, atol=1e-5)
    np.testing.assert_allclose(other.patterns_, ROWS * UNITS, rtol=1e-9)
    assert other.score(CUES) == one.score(CUES)
    trace = recall_trace(other, CUES[0] * UNITS)
    np.testing.assert_allclose(trace.rows[-1], other.recall(CUES[:1] * UNITS).state[0], rtol=1e-9)


def test_scaling_is_dividing_by_numbers_of_ones_own():
    own = fitted(ROWS * UNITS, scale=UNITS)
    plain = fitted(ROWS, scale=None)
    np.testing.assert_allclose(
        own.recall(CUES * UNITS).state / UNITS, plain.recall(CUES).state, rtol=1e-6
    )


def test_only_columns_of_units_of_their_own_are_scaled_by_themselves():
    mean = ROWS.mean(axis=0)
    assert column_scale(ROWS, mean, "auto") is None
    table = ROWS * np.where(np.arange(30) < 2, 1e3, 1.0)
    np.testing.assert_allclose(column_scale(table, table.mean(axis=0), "auto"), table.std(axis=0))
    # Many loud columns beside more dim ones: an image and its border.
    image = ROWS * np.where(np.arange(30) < 12, 1e3, 1.0)
    assert column_scale(image, image.mean(axis=0), "auto") is None
    # A camera at rest: few pixels change, but they are no larger than the others.
    still = 100 + (ROWS - 3) * np.where(np.arange(30) < 2, 20.0, 0.1)
    assert column_scale(still, still.mean(axis=0), "auto") is None
    two = ROWS[:, :2] * [1.0, 1e4]
    assert column_scale(two, two.mean(axis=0), "auto") is not None


def test_a_constant_column_has_the_middle_scale():
    rows = ROWS * np.where(np.arange(30) == 4, 0.0, 2.0) + 1e6
    scale = column_scale(rows, rows.mean(axis=0), "columns")
    assert scale[4] == np.median(np.delete(rows.std(axis=0), 4))


def test_a_file_keeps_the_scale_and_rows_added_are_in_it(tmp_path):
    memory = fitted(ROWS[:9] * UNITS).partial_fit(ROWS[9:] * UNITS)
    save_memory(memory, tmp_path / "a.mem")
    again = load_memory(tmp_path / "a.mem")
    for each in (memory, again):
        np.testing.assert_allclose(each.patterns_, ROWS * UNITS, rtol=1e-9)
    np.testing.assert_array_equal(again.predict(CUES * UNITS), memory.predict(CUES * UNITS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unequal columns
        assert fitted(ROWS * UNITS, scale=None).state_.coordinates.scale is None


def test_frames_of_units_of_their_own_replay():
    memory = SequenceMemory(context=2, activation="erf", scale=UNITS).fit(ROWS * UNITS)
    found = memory.replay((ROWS[:2] * UNITS).ravel().reshape(2, -1), 12)
    np.testing.assert_allclose(found[-1] / UNITS, ROWS[1], atol=1e-6)
    assert (memory.predict((ROWS + 0.01) * UNITS) >= -1).all()


@pytest.mark.parametrize(
    ("scale", "error", "text"),
    [
        ("column", ValueError, "scale must be one of"),
        (np.ones(7), ValueError, "scale must have 30 numbers, got 7"),
        (-np.ones(30), ValueError, "scale must be 'auto', 'columns', None or one finite"),
        (object(), TypeError, "scale must be an array of numbers"),
    ],
)
def test_a_scale_that_is_none_is_refused(scale, error, text):
    with pytest.raises(error, match=text):
        fitted(ROWS, scale=scale)
