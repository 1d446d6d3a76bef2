"""Which coordinates are alike, and rows found by their edges."""

import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory.damage_kinds import MODELS
from attractory.memory.neighbourhoods import Neighbourhoods

ROWS = bundled_digits(60)[0].astype(np.float32)


def outlines(rows):
    """How much each pixel and those beside it differ, by the pixels' places alone."""
    images = np.pad(rows.reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)), mode="edge")
    near = [images[:, i : i + 28, j : j + 28] for i, j in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))]
    return (np.max(near, axis=0) - np.min(near, axis=0)).reshape(len(rows), -1)


def first_by(model, rows, evidence):
    """The row that a model puts first, of each cue."""
    return rows[np.arange(len(rows)), evidence.behind[:, MODELS.index(model)].argmin(axis=1)]


def test_rows_differ_by_the_largest_less_the_least_about_each_coordinate():
    near = Neighbourhoods(ROWS)
    where, found = near.outlines
    assert (near.like[:, 0] == np.arange(784)).all()
    wanted = np.empty_like(found)
    for k, j in enumerate(where):
        wanted[:, k] = np.ptp(ROWS[:, near.like[j]], axis=1)
    wanted -= wanted.mean(axis=1, keepdims=True)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert found == pytest.approx(wanted, abs=1e-5)


def test_where_columns_are_not_alike_there_are_none():
    near = Neighbourhoods(np.random.default_rng(0).normal(size=(100, 30)))
    assert near.like is None
    assert near.outlines is None


@pytest.mark.parametrize("sign", [1, -1])
def test_outlines_of_rows_bring_the_rows_back(sign):
    memory = AttractorMemory(activation="erf", metric="rule").fit(ROWS)
    cues = sign * outlines(ROWS[:12].astype(float)) + (sign < 0)
    mending, starts = memory.state_.mending, memory.state_.start(cues)
    firsts = []
    for cue, _, rows, evidence in mending.evidence(cues, starts):
        assert (rows == cue[:, None]).any(axis=1).all()
        firsts += (first_by("edges", rows, evidence) == cue).tolist()
    assert np.mean(firsts) > 0.9
    assert np.mean(memory.recall(cues).pattern == np.arange(12)) > 0.8


def test_of_two_models_of_moves_each_finds_its_own_the_better():
    memory = AttractorMemory(activation="erf", metric="rule").fit(ROWS)
    mending, firsts = memory.state_.mending, {}
    for shift in (1, 2):
        moved = np.roll(ROWS[:24].reshape(-1, 28, 28), shift, axis=1).reshape(24, -1).astype(float)
        for cue, _, rows, told in mending.evidence(moved, memory.state_.start(moved)):
            for name in ("moved", "moved far"):
                right = (first_by(name, rows, told) == cue).tolist()
                firsts.setdefault((shift, name), []).extend(right)
    found = {key: np.mean(right) for key, right in firsts.items()}
    assert found[1, "moved"] > found[1, "moved far"]
    assert found[2, "moved far"] > found[2, "moved"] + 0.2
