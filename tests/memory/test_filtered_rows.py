"""Rows seen through a lens: filters and slow parts leave nothing of the row's cue."""

import numpy as np
import pytest
from scipy.ndimage import correlate, gaussian_filter

from attractory.memory import filtered_rows
from attractory.memory.filtered_rows import filtered
from attractory.memory.image_grid import Grid
from attractory.memory.slow_parts import slow_parts

RNG = np.random.default_rng(10)
IMAGES = np.asarray(gaussian_filter(RNG.normal(size=(9, 22, 25)), (0, 0.8, 0.8)), np.float32)
IMAGES /= IMAGES.std()
DOUBLE = np.zeros((5, 5))
DOUBLE[2, 2] = DOUBLE[3, 0] = 0.5
DOWN, ACROSS = np.mgrid[:22, :25] / 22


def unlike(compared):
    rest = compared.x[:, None] - compared.rows
    return (rest**2).sum(axis=2) / (compared.x**2).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: gaussian_filter(image, 0.8, mode="nearest"),
        lambda image: correlate(image, RNG.normal(size=(5, 5)), mode="nearest"),
        lambda image: correlate(image, DOUBLE, mode="nearest"),
        lambda image: 2 * image - gaussian_filter(image, 0.7, mode="nearest"),
    ],
    ids=["soft", "any filter", "double", "sharpened"],
)
def test_a_filtered_row_in_slow_light_is_told(change):
    light = 3 * np.cos(np.pi * (DOWN + 0.5 / 22)) + np.cos(2 * np.pi * (ACROSS * 22 + 0.5) / 25)
    cues = np.stack([change(image) for image in IMAGES[:4].astype(float)]) + light
    cues = np.asarray(cues, np.float32)
    left = unlike(filtered(cues, np.broadcast_to(IMAGES, (4, *IMAGES.shape))))
    assert (left.argmin(axis=1) == np.arange(4)).all()
    own = left[np.arange(4), np.arange(4)]
    assert (own < 0.2 * np.sort(left, axis=1)[:, 1]).all()
    scores = filtered(cues, np.broadcast_to(IMAGES, (4, *IMAGES.shape))).fit.terms.sum(axis=2)
    assert (scores.argmax(axis=1) == np.arange(4)).all()


def test_the_filter_is_that_of_least_squares(monkeypatch):
    monkeypatch.setattr(filtered_rows, "_RIDGE", 1e-9)
    cue = np.asarray(RNG.normal(size=(1, 22, 25)) + IMAGES[:1], np.float32)
    compared = filtered(cue, IMAGES[None])
    slow = slow_parts(550, Grid(22, 25, 1)).astype(float)
    for row, told in zip(IMAGES[:3], compared.rows[0], strict=False):
        wide = np.pad(row.astype(float), 2, mode="edge")
        shifts = [wide[i : i + 22, j : j + 25].ravel() for i in range(5) for j in range(5)]
        both = np.column_stack([*shifts, slow])
        factors = np.linalg.lstsq(both, cue.ravel().astype(float), rcond=None)[0]
        rest = cue.ravel() - both @ factors
        assert compared.x[0] - told == pytest.approx(rest, abs=5e-3)


def test_small_images_have_smaller_filters_and_curves_longer_ones():
    assert filtered_rows._shifted(np.ones((1, 1, 7, 7), np.float32)).shape[2] == 1
    assert filtered_rows._shifted(np.ones((1, 1, 12, 12), np.float32)).shape[2] == 9
    assert filtered_rows._shifted(np.ones((1, 1, 28, 28), np.float32)).shape[2] == 25
    assert filtered_rows._shifted(np.ones((1, 1, 1, 200), np.float32)).shape[2] == 9
