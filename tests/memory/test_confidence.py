"""Confidence: the formula on numbers small enough to follow, and its laws."""

import numpy as np
import pytest
from scipy.stats import t as student_t

from attractory.datasets import sphere
from attractory.memory.confidence import (
    Confidence,
    confidence,
    unknown_evidence,
)

# Three unit vectors of a plane at 0°, 60° and 180°: correlations ½, −1 and −½.
PLANE = np.array([[1.0, 0.0], [0.5, np.sqrt(3) / 2], [-1.0, 0.0]])


def evidence_by_hand(cue, winner, directions):
    q = directions @ cue
    return min(
        (q[winner] - q[j]) / (1 - directions[winner] @ directions[j])
        for j in range(len(directions)) if j != winner
    )  # fmt: skip


def test_evidence_of_a_noiseless_cue_is_its_length():
    """c = a pᵢ: every ratio is a. So a share of unknown cues below a is the confidence."""
    x = sphere(6, 5)
    unknown = np.linspace(0.005, 0.995, 100)  # 100 of them: shares in hundredths
    for a, below in ((0.3, 30), (0.804, 80), (0.5, 50)):
        found = confidence(a * x, np.arange(6), x, unknown)
        np.testing.assert_allclose(found, below / 100)
    assert confidence(x, np.arange(6), x, unknown).tolist() == [1.0] * 6
    assert confidence(x, np.full(6, -1), x, unknown).tolist() == [0.0] * 6


def test_evidence_is_the_least_ratio_over_the_rivals():
    rng = np.random.default_rng(0)
    x, cues = sphere(7, 4), 0.9 * sphere(300, 4, seed=2)
    winner = rng.integers(7, size=300)
    unknown = np.sort(rng.uniform(-1, 1, 400))
    expected = [
        (unknown < evidence_by_hand(cue, k, x)).mean() for cue, k in zip(cues, winner, strict=True)
    ]
    np.testing.assert_allclose(confidence(cues, winner, x, unknown), expected, atol=1e-12)


def test_evidence_may_exceed_one():
    """A cue that is opposite to the only rival: (0.7 + 0.7)/1."""
    unknown = np.linspace(0.005, 1.995, 200)
    found = confidence(np.array([[0.7, -0.7]]), np.array([0]), np.eye(2), unknown)
    assert found[0] == pytest.approx(0.7)


def test_equal_evidence_is_not_less():
    """As many unknown cues have exactly this much: they do not have less."""
    unknown = np.array([0.25] * 30 + [0.5] * 30)
    found = confidence(0.5 * np.eye(4)[:1], np.array([0]), np.eye(4), unknown)
    assert found[0] == 0.5
    assert confidence(0.25 * np.eye(4)[:1], np.array([0]), np.eye(4), unknown)[0] == 0.0


@pytest.mark.parametrize("count", [3, 49])
def test_of_few_unknown_cues_students_law_is_taken(count):
    """For one more of the same kind, with the median and 1.4826 median deviations."""
    unknown = np.sort(np.random.default_rng(count).normal(0.2, 0.1, count))
    unknown[-1] += 0.5  # one far off decides nothing
    middle = np.median(unknown)
    spread = 1.4826 * np.median(np.abs(unknown - middle)) * np.sqrt(1 + 1 / count)
    for a in (0.1, 0.35, 0.6):
        found = confidence(a * np.eye(4)[:1], np.array([0]), np.eye(4), unknown)[0]
        assert found == pytest.approx(student_t.cdf((a - middle) / spread, count - 1), rel=1e-12)
    same = np.full(count, 0.2)  # no spread
    for a, share in ((0.21, 1.0), (0.19, 0.0)):
        found = confidence(a * np.eye(4)[:1], np.array([0]), np.eye(4), same)[0]
        assert found == pytest.approx(share, abs=1e-6)


def test_fifty_unknown_cues_are_counted():
    unknown = np.linspace(0.01, 0.5, 50)
    found = confidence(0.105 * np.eye(4)[:1], np.array([0]), np.eye(4), unknown)[0]
    assert found == pytest.approx(10 / 50)


def test_the_row_itself_is_known_up_to_one_per_cent():
    x, unknown = np.eye(4), np.full(60, 2.0)  # all have more evidence than any cue
    for off, expected in ((0.0099, 1.0), (0.0101, 0.0)):
        cue = np.array([[1.0, off, 0.0, 0.0]])
        cue /= np.linalg.norm(cue)
        assert confidence(cue, np.array([0]), x, unknown)[0] == expected


def test_two_patterns_or_one_have_the_correlation_itself():
    x = sphere(2, 4)
    assert unknown_evidence(x).tolist() == []
    cues = np.vstack([0.4 * x[0], -0.4 * x[1]])
    np.testing.assert_allclose(confidence(cues, np.array([0, 1]), x, np.array([])), [0.4, 0.0])
    alone = confidence(0.4 * x[:1], np.array([0]), x[:1], np.linspace(0, 1, 100))
    assert alone[0] == pytest.approx(0.41, abs=0.011)


def test_unknown_evidence_is_that_of_each_row_for_the_others():
    x = sphere(9, 4)
    expected = []
    for k, row in enumerate(x):
        others = np.delete(x, k, axis=0)
        expected.append(evidence_by_hand(row, int((others @ row).argmax()), others))
    np.testing.assert_allclose(unknown_evidence(x), np.sort(expected), atol=1e-12)
    # By hand: 0° is nearest 60°, 60° is nearest 0°, 180° is nearest 60° (−½ against −1).
    found = unknown_evidence(PLANE)
    np.testing.assert_allclose(found, np.sort([1.5 / 1.5, 1.0 / 2.0, 0.5 / 0.5]), atol=1e-12)


def test_many_rows_go_in_blocks_and_of_more_than_two_thousand_a_part():
    x = sphere(600, 6)
    found = unknown_evidence(x)
    rows = [0, 255, 256, 511, 599]
    for k in rows:
        others = np.delete(x, k, axis=0)
        value = evidence_by_hand(x[k], int((others @ x[k]).argmax()), others)
        assert np.abs(found - value).min() < 1e-12
    assert len(found) == 600
    assert (np.diff(found) >= 0).all()
    winner = np.arange(600)
    shares = confidence(0.5 * x, winner, x, np.linspace(0.0005, 0.9995, 1000))
    np.testing.assert_allclose(shares, 0.5, atol=1e-3)
    many = unknown_evidence(sphere(2100, 3))
    assert len(many) == 2000


def test_the_rule_takes_patterns_of_any_norm_and_cues_of_any_length():
    x = sphere(60, 5)
    plain = Confidence(x, 1.0)
    scaled = Confidence(7 * x, 7.0)
    np.testing.assert_allclose(plain.unknown, unknown_evidence(x))
    np.testing.assert_allclose(scaled.unknown, plain.unknown, atol=1e-12)
    noise = np.random.default_rng(0).standard_normal((60, 5))
    cues, winner = x + 0.3 * noise, np.arange(60)
    winner[0] = -1
    unit = cues / np.linalg.norm(cues, axis=1, keepdims=True)
    expected = confidence(unit, winner, x, unknown_evidence(x))
    for length in (100.0, 0.01):
        np.testing.assert_allclose(scaled.of(length * cues, winner), expected)
    assert expected[0] == 0
    assert scaled.of(np.zeros((1, 5)), np.array([0]))[0] == (plain.unknown < 0).mean()
