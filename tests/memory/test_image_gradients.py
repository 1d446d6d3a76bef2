"""Directions of edges: what contrast, light and covers leave of them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from attractory.memory.image_gradients import GRADIENTS, ImageGradients, gradients
from attractory.memory.small_images import SmallImages

RNG = np.random.default_rng(9)
IMAGES = np.asarray(gaussian_filter(RNG.normal(size=(60, 24, 26)), (0, 1.5, 1.5)), np.float32)
IMAGES /= IMAGES.std()
ROWS = IMAGES.reshape(60, -1)
EDGES = ImageGradients(SmallImages(ROWS))


@pytest.mark.parametrize("scale", GRADIENTS.values())
def test_offsets_and_contrast_leave_them_and_an_inverted_image_has_the_opposite(scale):
    own = gradients(IMAGES, scale)
    np.testing.assert_allclose(gradients(7 * IMAGES - 3, scale), own, atol=1e-3)
    np.testing.assert_allclose(gradients(-IMAGES, scale), -own, atol=1e-5)
    assert np.abs(own).max() <= 1


def test_they_are_sums_of_differences_in_units_of_their_size():
    image = IMAGES[0].astype(float)
    down = image[1:, 1:] + image[1:, :-1] - image[:-1, 1:] - image[:-1, :-1]
    across = image[1:, 1:] - image[1:, :-1] + image[:-1, 1:] - image[:-1, :-1]
    square = down**2 + across**2
    size = np.sqrt(square + square.mean() / 4)
    found = gradients(IMAGES[:1], 0.0)[0].reshape(23, 25, 2)
    np.testing.assert_allclose(found[..., 0], down / size, atol=1e-4)
    np.testing.assert_allclose(found[..., 1], across / size, atol=1e-4)


def test_curves_have_slopes_alone():
    curves = np.cumsum(RNG.normal(size=(5, 1, 90)), axis=2)
    slope = np.diff(curves[:, 0], axis=1)
    wanted = slope / np.sqrt(slope**2 + (slope**2).mean(axis=1, keepdims=True) / 4)
    np.testing.assert_allclose(gradients(curves, 0.0), wanted, atol=1e-6)


def test_rows_are_alike_by_the_cosine_in_the_places_compared():
    x = ROWS[:3] + 0.1 * RNG.normal(size=(3, ROWS.shape[1])).astype(np.float32)
    rows = np.array([[1, 0, 5], [1, 2, 3], [9, 9, 2]])
    every = EDGES.similarities(x)
    for scale, whole, some, (place, _) in zip(
        GRADIENTS.values(), every, EDGES.of_some(x, rows), EDGES.rows, strict=True
    ):
        own = gradients(x.reshape(3, 24, 26), scale)[:, place]
        theirs = gradients(IMAGES, scale)[:, place]
        wanted = own @ (theirs / np.linalg.norm(theirs, axis=1, keepdims=True)).T
        np.testing.assert_allclose(whole, wanted, atol=1e-3)
        np.testing.assert_allclose(some, np.take_along_axis(wanted, rows, axis=1), atol=1e-3)


def test_the_row_is_found_behind_a_cover_in_uneven_light_at_any_contrast():
    """Though the sizes of values are those of the cover and of the light."""
    down, across = np.mgrid[:24, :26] / 24
    cues = 0.4 * IMAGES + 2 * np.sin(2 * down + 3 * across)
    cues[:, 6:15, 4:16] = 9.0
    x = np.asarray(cues.reshape(60, -1), np.float32)
    apart = x - x.mean(axis=1, keepdims=True)
    pearson = (apart @ (ROWS - ROWS.mean(axis=1, keepdims=True)).T).argmax(axis=1)
    assert (pearson == np.arange(60)).mean() < 0.5
    assert (EDGES.similarities(x)[0].argmax(axis=1) == np.arange(60)).mean() > 0.95
