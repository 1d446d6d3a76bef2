"""The grid told by rows: images of any size and colour, curves, and rows on none."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter
from sklearn.datasets import load_sample_image

from attractory.memory.image_grid import Grid, grid_of


def smooth(count, shape, wide, seed=0):
    """Smooth random images, flat; channels have a part in common."""
    noise = np.random.default_rng(seed).normal(size=(count, *shape))
    images = gaussian_filter(noise, (0, wide if shape[0] > 1 else 0, wide, 0))
    images = images / images.std() + 0.7 * images.mean(axis=3, keepdims=True) / images.std()
    return images.reshape(count, -1)


@pytest.mark.parametrize("count", [20, 200])
def test_the_grid_of_smooth_images_is_found(count):
    for shape in (12, 12, 1), (16, 24, 1), (24, 10, 1), (18, 21, 3), (32, 16, 3), (7, 11, 1):
        assert grid_of(smooth(count, shape, 1.5)) == Grid(*shape)


def test_neither_units_nor_offset_change_it():
    rows = smooth(50, (16, 24, 1), 1.5)
    assert grid_of(1e-3 * rows + 500) == Grid(16, 24, 1)


def test_curves_are_images_of_one_line():
    assert grid_of(smooth(60, (1, 180, 1), 4)) == Grid(1, 180, 1)


@pytest.mark.parametrize("count", [3, 20, 200])
def test_rows_in_no_order_lie_on_no_grid(count):
    rows = smooth(count, (16, 24, 1), 1.5)
    assert grid_of(rows[:, np.random.default_rng(1).permutation(384)]) is None
    assert grid_of(np.random.default_rng(2).normal(size=(count, 256))) is None
    assert grid_of(rows[:, :20]) is None


def test_few_images_in_colour_may_have_slanted_lines():
    """A step aside a line, or less: places beside a line's length are liker than it."""
    for seed in range(6):
        images = smooth(8, (24, 24, 3), 3, seed).reshape(8, 24, 24, 3)
        for line in range(24):
            images[:, line] = np.roll(images[:, line], line, axis=1)
        images += np.random.default_rng(seed).normal(size=(8, 1, 1, 3))  # colours all over
        assert grid_of(images.reshape(8, -1)) == Grid(24, 24, 3)


def test_of_few_photographs_the_most_nearly_square_grid_is_taken():
    image = load_sample_image("flower.jpg")[:416, :640] / 255
    tiles = image.reshape(13, 32, 20, 32, 3).swapaxes(1, 2).reshape(260, -1)
    for first in range(99, 123, 3):
        assert grid_of(tiles[first : first + 3]) == Grid(32, 32, 3)


def test_few_voices_are_no_images_though_each_repeats_itself():
    """Pulses of one pitch a row, in a resonant tube: a period is no line, and ends nowhere."""
    pole = 0.97 * np.exp(0.25j)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rows = 0.02 * rng.normal(size=(2 + seed % 3, 880))
        for row in rows:
            period = rng.integers(30, 90)
            row[rng.integers(period) :: period] += 1
        voices = lfilter([1], [1, -2 * pole.real, abs(pole) ** 2], rows, axis=1)[:, 400:]
        assert grid_of(voices) == Grid(1, 480, 1)
