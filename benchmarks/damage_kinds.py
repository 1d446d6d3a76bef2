"""Damage that recall was tuned on: six kinds of `_cues.HEADLINE`, eight more, some for vectors."""

import numpy as np
from _cues import HEADLINE
from scipy.ndimage import gaussian_filter


def _headline(kind):
    def make(rows, shape, stored, rng):
        images = rows.reshape(len(rows), *shape).copy()
        name, _, size = kind.rpartition(" ")
        if kind == "top half":
            images[:, : shape[0] // 2] = 0
        elif kind == "bottom half":
            images[:, shape[0] // 2 :] = 0
        elif name == "noise":
            return noisy(rows, shape, stored, rng, float(size))
        else:
            lost = rng.random(images.shape) < float(size)
            images[lost] = rng.integers(0, 2, lost.sum())
        return images.reshape(len(rows), -1)

    return make


def noisy(rows, shape, stored, rng, size=1.0):
    """White noise of a size relative to the row's distance from the mean."""
    noise = rng.normal(size=rows.shape)
    away = np.linalg.norm(rows - stored.mean(axis=0), axis=1, keepdims=True)
    return rows + size * away * noise / np.linalg.norm(noise, axis=1, keepdims=True)


def block(rows, shape, stored, rng):
    """A box of half of each side, anywhere, is 0."""
    images = rows.reshape(len(rows), *shape).copy()
    for image in images:
        i, j = (rng.integers(s - s // 2 + 1) for s in shape[:2])
        image[i : i + shape[0] // 2, j : j + shape[1] // 2] = 0
    return images.reshape(len(rows), -1)


def white_half(rows, shape, stored, rng):
    """The left half is 1."""
    images = rows.reshape(len(rows), *shape).copy()
    images[:, :, : shape[1] // 2] = 1
    return images.reshape(len(rows), -1)


def dropped(rows, shape, stored, rng):
    """Eight in ten coordinates are 0."""
    return np.where(rng.random(rows.shape) < 0.8, 0.0, rows)


def any_values(rows, shape, stored, rng):
    """Six in ten coordinates have any value in the range."""
    low, high = stored.min(), stored.max()
    return np.where(rng.random(rows.shape) < 0.6, rng.uniform(low, high, rows.shape), rows)


def stripes(rows, shape, stored, rng):
    """Three of every five lines are 0.7."""
    images = rows.reshape(len(rows), *shape).copy()
    images[:, np.arange(shape[0]) % 5 < 3] = 0.7
    return images.reshape(len(rows), -1)


def shift(rows, shape, stored, rng):
    """Moved by a pixel (of 28) in one of four directions."""
    images = rows.reshape(len(rows), *shape).copy()
    for image in images:
        step = rng.choice([-1, 1]) * max(1, shape[0] // 28)
        image[:] = np.roll(image, step, int(rng.integers(2)))
    return images.reshape(len(rows), -1)


def blur(rows, shape, stored, rng):
    """Smoothed over 1.5 pixels (of 28), with noise of 0.05."""
    wide = 1.5 * shape[0] / 28
    images = rows.reshape(len(rows), *shape)
    made = gaussian_filter(images, (0, wide, wide) + (0,) * (len(shape) - 2))
    return made.reshape(len(rows), -1) + 0.05 * rng.normal(size=rows.shape)


def grey_and_noise(rows, shape, stored, rng):
    """A fifth of the contrast, an offset, and noise of 0.1."""
    return 0.2 * rows + rng.uniform(0, 0.8, (len(rows), 1)) + 0.1 * rng.normal(size=rows.shape)


def rounded(rows, shape, stored, rng):
    """White noise of the row's size, rounded to halves."""
    return np.round(2 * noisy(rows, shape, stored, rng)) / 2


IMAGES = {kind: _headline(kind) for kind in HEADLINE} | {
    f.__name__.replace("_", " "): f
    for f in (block, white_half, dropped, any_values, stripes, shift, blur, grey_and_noise, rounded)
}


def run_lost(rows, shape, stored, rng):
    """A run of half the columns has one value of the table."""
    out, size = rows.copy(), rows.shape[1]
    for row in out:
        where = (np.arange(size // 2) + rng.integers(size)) % size
        row[where] = rng.choice(stored[rng.integers(len(stored))])
    return out


def column_values(rows, shape, stored, rng):
    """Half of the columns have those of other rows, each another."""
    other = stored[rng.integers(len(stored), size=rows.shape), np.arange(rows.shape[1])]
    return np.where(rng.random(rows.shape) < 0.5, other, rows)


VECTORS = {"noise 1": noisy} | {
    f.__name__.replace("_", " "): f for f in (run_lost, column_values, dropped, any_values)
}
