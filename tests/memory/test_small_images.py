"""Rows as small grey images, and their slow parts."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from attractory.memory.image_grid import Grid
from attractory.memory.slow_parts import slow_parts
from attractory.memory.small_images import SmallImages, at_most

RNG = np.random.default_rng(8)


def test_colours_are_averaged_and_large_images_pooled():
    smooth = gaussian_filter(RNG.normal(size=(40, 72, 90, 3)), (0, 3, 3, 0))
    smooth += gaussian_filter(RNG.normal(size=(40, 72, 90, 1)), (0, 3, 3, 0))
    rows = np.asarray(smooth.reshape(40, -1) / smooth.std(), np.float32)
    images = SmallImages(rows)
    assert images.grid == (72, 90, 3)
    assert images.by == (3, 3)
    wanted = rows.reshape(40, 24, 3, 30, 3, 3).mean(axis=(2, 4, 5))
    np.testing.assert_allclose(images.rows[np.arange(40)], wanted, atol=1e-5)
    np.testing.assert_allclose(images.block(slice(7, 9)), wanted[7:9], atol=1e-5)


@pytest.mark.parametrize(("side", "by", "wanted"), [(28, 1, 1), (28, 9, 7), (3, 2, 1), (8, 4, 2)])
def test_four_pixels_of_a_side_are_left(side, by, wanted):
    assert at_most(by, side) == wanted
    assert side < 4 or side // wanted >= 4


@pytest.mark.parametrize("grid", [Grid(28, 28, 1), Grid(20, 31, 3), Grid(8, 8, 1), None])
def test_slow_parts_are_constants_and_what_changes_slowly(grid):
    dim = 300 if grid is None else int(np.prod(grid))
    slow = slow_parts(dim, grid).astype(float)
    np.testing.assert_allclose(slow.T @ slow, np.eye(slow.shape[1]), atol=1e-5)

    def left(x):
        return np.linalg.norm(x - slow @ (slow.T @ x)) / np.linalg.norm(x)

    assert left(np.ones(dim)) < 1e-5
    rough = RNG.normal(size=dim)
    assert left(rough) > 0.85
    assert slow.shape[1] <= dim / 24 + 5
    if grid is not None and dim > 100:
        down, across, channel = np.indices(grid)
        light = np.cos(np.pi * (down + 0.5) / grid.height) * (channel == grid.channels - 1)
        assert left(light.ravel()) < 1e-5  # of one colour alone
        checks = (-1.0) ** (down + across)
        assert left(checks.ravel()) > 0.9
