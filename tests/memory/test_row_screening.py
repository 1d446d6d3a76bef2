"""A shortlist cut down: rows that a model of damage puts far ahead stay."""

import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory.row_screening import KEPT, alike, filled

RNG = np.random.default_rng(7)
ROWS, _ = bundled_digits(100)
MENDING = AttractorMemory(activation="erf", metric="rule").fit(ROWS).state_.mending
EVERY = [np.arange(100)] * 40
CHANGES = {
    "noise": lambda x: x + 0.6 * RNG.normal(size=x.shape),
    "half": lambda x: np.where(np.arange(784) < 392, 0.7, x),
    "speckle": lambda x: np.where(RNG.random(x.shape) < 0.6, RNG.random(x.shape), x),
    "inverted and rounded": lambda x: np.round(3 * (1 - x)),
    "moved": lambda x: np.roll(x, 1, axis=1),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_the_right_row_is_kept_of_all_rows(kind):
    x = MENDING.frame.inward(CHANGES[kind](ROWS[:40]))
    own = x.astype(float), MENDING._points
    kept = MENDING._screening.of(x, EVERY, own)
    assert {len(rows) for rows in kept} == {KEPT}
    assert np.mean([k in rows for k, rows in enumerate(kept)]) >= 0.95


def test_short_lists_stay_whole_and_other_cues_change_nothing():
    x = MENDING.frame.inward(CHANGES["noise"](ROWS[:6]))
    lists = [RNG.choice(100, size, replace=False) for size in (3, KEPT, KEPT + 1, 40, 60, 5)]
    own = x.astype(float), MENDING._points
    kept = MENDING._screening.of(x, lists, own)
    for k, rows in enumerate(kept):
        assert set(rows) <= set(lists[k])
        assert len(rows) == min(len(lists[k]), KEPT)
        alone = MENDING._screening.of(x[k : k + 1], lists[k : k + 1], (own[0][k : k + 1], own[1]))
        assert set(alone[0]) == set(rows)


def test_cues_are_looked_at_once_each_and_only_with_those_of_their_mask():
    lists = [np.arange(size) for size in RNG.integers(1, 30, 50)]
    known = np.repeat(np.eye(5, 7) > 0, 10, axis=0)
    for mask in (None, known):
        groups = list(alike(lists, 64, mask))
        assert sorted(np.concatenate(groups).tolist()) == list(range(50))
        for some in groups:
            rows, real = filled([lists[k] for k in some])
            assert len(some) == 1 or real.sum() <= 64
            for k, own, there in zip(some, rows, real, strict=True):
                assert own[there].tolist() == lists[k].tolist()
            assert mask is None or (mask[some] == mask[some[0]]).all()
