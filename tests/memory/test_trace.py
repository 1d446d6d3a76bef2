"""The states of one recall, one step at a time."""

import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory import recall_trace

DIGITS, _ = bundled_digits(8)


def damaged(k):
    cue = DIGITS[k].copy()
    cue[392:] = 0.0
    return cue


@pytest.mark.parametrize(
    "settings",
    [{"metric": "rule"}, {"metric": None, "iteration": "plain"}],
    ids=["guided", "plain"],
)
def test_a_trace_goes_from_the_cue_to_where_recall_ends(settings):
    memory = AttractorMemory(activation="erf", **settings).fit(DIGITS)
    trace = recall_trace(memory, damaged(0))
    recall = memory.recall(damaged(0)[None])
    np.testing.assert_array_equal(trace.rows[0], damaged(0))
    np.testing.assert_array_equal(trace.rows[-1], recall.state[0])
    assert trace.recall.pattern.tolist() == recall.pattern.tolist() == [0]
    assert len(trace.legs) == len(trace.rows) == len(trace.points)
    # The last step by itself comes to the place that recall names; recall goes on in float64.
    np.testing.assert_allclose(trace.points[-2], memory.points_[0], atol=1e-3 * memory.norm_)
    np.testing.assert_allclose(trace.points[-1], memory.points_[0], atol=1e-3 * memory.norm_)
    # Rows and points say the same.
    encoded, _ = memory.state_.coordinates.encode(trace.rows)
    length = np.linalg.norm(trace.points, axis=1, keepdims=True)
    np.testing.assert_allclose(encoded, trace.points * (memory.norm_ / length), atol=1e-6)


def test_each_plain_step_is_the_map():
    memory = AttractorMemory(activation="erf", metric=None, iteration="plain").fit(DIGITS)
    points = recall_trace(memory, damaged(1)).points
    np.testing.assert_allclose(points[1:6], np.asarray(memory.map_(points[:5])), atol=1e-8)


def test_a_stored_row_stays_and_other_cues_are_refused():
    memory = AttractorMemory(activation="erf", metric="rule").fit(DIGITS)
    trace = recall_trace(memory, DIGITS[3])
    assert trace.legs == ("cue", "rest")
    np.testing.assert_allclose(trace.points[0], trace.points[1], atol=1e-6 * memory.norm_)
    for cue in (DIGITS[:2], DIGITS[0, :5], np.full(784, np.nan)):
        with pytest.raises(ValueError, match="cue"):
            recall_trace(memory, cue)
