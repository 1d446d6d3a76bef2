"""What undamaged rows look like, and how far rows are from one another."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

from attractory import AttractorMemory
from attractory.memory.neighbourhoods import Neighbourhoods
from attractory.memory.undamaged import FEWEST_ROWS, Undamaged

RNG = np.random.default_rng(13)
PICTURES = gaussian_filter(RNG.normal(size=(500, 20, 20)), (0, 1.5, 1.5)).reshape(500, -1)
PICTURES = np.clip(2 * PICTURES / PICTURES.std() + 0.5, -1, 3)
TABLE = np.round(3 * RNG.normal(size=(500, 8)) @ RNG.normal(size=(8, 24)))
CHANGES = {
    "a little noise": lambda x: x + 0.3 * RNG.normal(size=x.shape),
    "half in one value": lambda x: np.where(np.arange(x.shape[1]) % 24 < 10, 0.37, x),
    "pale": lambda x: 0.6 * x + 0.7,
    "columns of others": lambda x: np.where(
        RNG.random(x.shape) < 0.3, x[RNG.permutation(len(x))], x
    ),
}


def made(rows):
    points = np.asarray(rows, np.float32)
    return Undamaged(points[:300], Neighbourhoods(points[:300]).like), points[300:]


@pytest.mark.parametrize("rows", [PICTURES, TABLE], ids=["pictures", "whole numbers"])
@pytest.mark.parametrize("change", CHANGES)
def test_damaged_rows_look_unlike_undamaged_ones_that_are_not_stored(rows, change):
    usual, others = made(rows)
    damaged = np.asarray(CHANGES[change](others), np.float32)
    found = np.concatenate([usual.unlike(others), usual.unlike(damaged)])
    labels = np.repeat([0, 1], len(others))
    assert roc_auc_score(labels, found[:, 0] + found[:, 1]) > 0.9
    assert (found[:, 2] == 1).all()


def test_the_stored_rows_compared_with_look_as_those_do_that_are_not():
    usual, others = made(PICTURES)
    stored = usual.unlike(usual._points[usual._halves[1]])[:, 0]
    assert 0.4 < roc_auc_score(
        np.repeat([0, 1], (len(stored), len(others))),
        np.concatenate([stored, usual.unlike(others)[:, 0]]),
    ) < 0.65  # fmt: skip


@pytest.mark.parametrize("rows", [PICTURES[:90], TABLE[:90]])
def test_rows_beside_are_measured_by_those_nearest_to_rows(rows):
    points = np.asarray(rows, np.float32)
    usual = Undamaged(points, None)
    squares, alike = [], []
    for k, row in enumerate(rows):
        others = np.delete(rows, k, axis=0)
        squares.append(((others - row) ** 2).mean(axis=1).min())
        alike.append(1 - max(np.corrcoef(row, other)[0, 1] for other in others) ** 2)
    x = points[:2] + np.float32(0.2)
    found = usual.beside(x, np.stack([points[2:5], points[5:8]]))
    for k in range(2):
        for j, row in enumerate(rows[[2, 3, 4] if k == 0 else [5, 6, 7]]):
            rho = max(np.corrcoef(x[k], row)[0, 1], 0)
            wanted = ((x[k] - row) ** 2).mean() / np.median(squares)
            left = (1 - rho**2) / np.median(alike)
            assert found[k, j] == pytest.approx(np.log([wanted, left]), abs=0.02)


def test_of_few_rows_nothing_is_known():
    usual = Undamaged(np.asarray(PICTURES[: FEWEST_ROWS - 1], np.float32), None)
    x = np.asarray(PICTURES[:3], np.float32)
    assert (usual.unlike(x) == 0).all()
    assert (usual.beside(x, x[None].repeat(3, axis=0)) == 0).all()


def test_rows_of_one_column_and_constant_ones_are_figures_too():
    for rows in (RNG.normal(size=(40, 1)), np.tile([1.0, 0.0, 0.0], (30, 1))):
        points = np.asarray(rows, np.float32)
        usual = Undamaged(points, None)
        with np.errstate(all="raise", under="ignore"):
            assert np.isfinite(usual.unlike(points[:3])).all()
            assert np.isfinite(usual.beside(points[:3], points[None, :2].repeat(3, 0))).all()


def places(count, rng):
    """Rows of places beside one another, which lie on one smooth surface."""
    place = rng.random((count, 2)) @ rng.normal(0, 3, (2, 12)) + rng.uniform(0, 6, 12)
    return np.cos(place) @ rng.normal(size=(12, 60))


def test_of_undamaged_strangers_few_are_known_however_near_they_lie(monkeypatch):
    rows = places(500, np.random.default_rng(4))
    strangers = rows[400:]
    memory = AttractorMemory(metric="rule").fit(rows[:400])
    known = memory.recall(strangers).known.mean()
    assert known <= 0.2  # one in ten, and two errors of forty rows and of a hundred
    damaged = rows[:100] + 0.3 * rows.std(axis=0) * np.random.default_rng(5).normal(size=(100, 1))
    found = memory.recall(damaged)
    assert (found.pattern == np.arange(100))[found.known].mean() > 0.95
    monkeypatch.setattr(Undamaged, "most", -1.0)
    assert AttractorMemory(metric="rule").fit(rows[:400]).recall(strangers).known.mean() > known


def test_nothing_is_taken_off_what_looks_damaged_or_is_at_its_row():
    rows = places(500, np.random.default_rng(4))
    noise = np.random.default_rng(6).normal(size=(60, 60))
    memory = AttractorMemory(metric="rule").fit(rows[:400])
    mending = memory.state_.mending
    cues = {
        "strangers": rows[400:460],
        "damaged": rows[:60] + np.where(np.arange(60) < 30, 9.0, noise),
        "at the row": rows[:60] + 1e-4 * noise,
    }
    looks = {k: mending.undamaged(mending.frame.inward(v)) for k, v in cues.items()}
    assert looks["strangers"].mean() > 0.8
    assert not looks["damaged"].any()
    assert looks["at the row"].mean() > 0.5
    sure = []
    for mending.__dict__["_too_sure"] in (0.0, 4.0):
        sure.append({name: memory.recall(given).confidence for name, given in cues.items()})
    for name in ("damaged", "at the row"):
        np.testing.assert_array_equal(sure[0][name], sure[1][name])
    away = sure[0]["strangers"] - sure[1]["strangers"]
    assert (away[looks["strangers"]] > 0).mean() > 0.5
    assert (away[~looks["strangers"]] == 0).all()
