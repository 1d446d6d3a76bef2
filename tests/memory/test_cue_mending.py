"""The mended cue: which row, under which damage, and what of the cue is kept."""

import numpy as np
import pytest

from attractory.memory.cue_mending import DAMAGE, CueMending
from attractory.memory.damage_models import KEPT_STARTS, density, mixture
from attractory.memory.metric import Metric, fit_metric

RNG = np.random.default_rng(5)
ROWS = RNG.normal(size=(60, 160)) @ RNG.normal(size=(160, 160)) / 12
LOST = RNG.random(160) < 0.8
HOME = np.arange(30)


def mended(rows, cues, known=None):
    mean = rows.mean(axis=0)
    metric = fit_metric(rows - mean, 0.01)
    points, starts = (metric.apply(x - mean) for x in (rows, cues))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (points, starts)]
    return CueMending(rows, unit[0], mean, metric).mend(cues, unit[1], known)


def test_a_row_comes_back_from_a_fifth_and_keeps_it():
    cues = np.where(LOST, 2.0, ROWS[HOME])
    found = mended(ROWS, cues)
    assert (found.row == HOME).all()
    assert [DAMAGE[k] for k in found.damage] == ["replaced"] * 30
    assert np.abs(found.cue - ROWS[HOME]).max() < 0.3


def test_neither_scale_nor_offset_nor_order_changes_the_choice():
    cues = np.where(LOST, 2.0, ROWS[HOME]) + 0.1 * RNG.normal(size=(30, 160))
    first = mended(ROWS, cues)
    order = RNG.permutation(160)
    for change in (lambda x: 64 * x, lambda x: x + 3, lambda x: x[:, order]):
        other = mended(change(ROWS), change(cues))
        assert (other.row == first.row).all()
        assert (other.damage == first.damage).all()
        assert other.cue == pytest.approx(change(first.cue), rel=1e-2, abs=0.5)


def test_noise_is_seen_as_noise():
    cues = 0.2 * ROWS[HOME] + 4 + 0.1 * RNG.normal(size=(30, 160))
    found = mended(ROWS, cues)
    assert (found.row == HOME).all()
    assert {DAMAGE[k] for k in found.damage} <= {"noise", "structured noise"}


def test_what_is_unknown_says_nothing():
    known = np.broadcast_to(~LOST, (30, 160))
    cues = ROWS[HOME] + 0.05 * RNG.normal(size=(30, 160))
    first = mended(ROWS, np.where(known, cues, 0.0), known)
    other = mended(ROWS, np.where(known, cues, 1e6 * RNG.normal(size=(30, 160))), known)
    assert (first.row == HOME).all()
    assert other.cue == pytest.approx(first.cue, abs=1e-5)


def test_smooth_rows_that_moved_come_back():
    place = np.linspace(0, 1, 120)
    waves = np.sin(2 * np.pi * np.outer(np.arange(1, 25), place))
    rows = RNG.normal(size=(80, 24)) @ waves
    cues = np.roll(rows, 1, axis=1)
    found = mended(rows, cues)
    assert (found.row == np.arange(80)).mean() > 0.95


@pytest.mark.parametrize("dim", [2, 5, 14])
def test_few_numbers_and_few_rows_are_no_errors(dim):
    rows = RNG.normal(size=(3, dim))
    cues = rows + 0.01 * RNG.normal(size=(3, dim))
    mean = np.zeros(dim)
    points = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    starts = cues / np.linalg.norm(cues, axis=1, keepdims=True)
    mending = CueMending(rows, points, mean, Metric.identity(dim))
    assert (mending.mend(cues, starts).row == np.arange(3)).all()
    known = np.ones((3, dim), bool)
    known[:, 0] = False
    assert np.isfinite(mending.mend(cues, starts, known).cue).all()


def test_more_coordinates_than_are_compared():
    rows = RNG.normal(size=(20, 3000))
    cues = np.where(np.arange(3000) < 2500, 1.0, rows)
    assert (mended(rows, cues).row == np.arange(20)).all()
    known = np.zeros((20, 3000), bool)
    known[:, -40:] = True
    assert (mended(rows, cues, known).row == np.arange(20)).all()


@pytest.mark.parametrize("told", [False, True])
def test_threads_change_nothing(monkeypatch, told):
    cues = np.where(LOST, 2.0, ROWS[HOME]) + 0.1 * RNG.normal(size=(30, 160))
    known = np.repeat(RNG.random((3, 160)) < 0.5, 10, axis=0) if told else None
    found = []
    for count in (1, 3):
        monkeypatch.setattr("attractory.memory.cue_mending.threads", lambda count=count: count)
        found.append(mended(ROWS, cues, known))
    one, three = found
    assert (one.row == three.row).all()
    np.testing.assert_allclose(one.cue, three.cue, atol=1e-4)
    np.testing.assert_allclose(one.confidence, three.confidence, atol=1e-4)


def test_em_on_few_coordinates_ends_where_em_on_all_does(monkeypatch):
    rows = RNG.normal(size=(1, 12, 2000)).astype(np.float32)
    kept = RNG.random(2000) < 0.3
    x = np.where(kept, 0.8 * rows[:, 5] + 0.2, 3 * RNG.normal(size=(1, 2000))).astype(np.float32)
    x[0, kept] += 0.1 * RNG.normal(size=kept.sum())
    few = mixture(x, rows, density(x), KEPT_STARTS[0])
    monkeypatch.setattr("attractory.memory.damage_models._drawn", lambda count: None)
    whole = mixture(x, rows, density(x), KEPT_STARTS[0])
    best = [int(fit.rows[0, fit.terms.sum(axis=2)[0].argmax()]) for fit in (few, whole)]
    assert best == [5, 5]
    own = [int(np.flatnonzero(fit.rows[0] == 5)[0]) for fit in (few, whole)]
    for name in ("contrast", "offset", "noise"):
        one, other = (getattr(fit, name)[0, k, 0] for fit, k in zip((few, whole), own, strict=True))
        assert abs(one - other) < 0.02
    assert whole.terms[0, own[1]].sum() - few.terms[0, own[0]].sum() < 0.01 * 2000
