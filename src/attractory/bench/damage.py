"""The kinds of damage that recall was made on: six, eight more, and some for vectors.

Each function takes rows (k, d), their shape (height, width) or (height, width, channels), all
stored rows (n, d) and a generator, and returns cues (k, d). `IMAGES` are for images with values in
[0, 1], `VECTORS` for rows of any numbers. Lost parts of images become 0; the size of noise is
relative to the row's distance from the mean row.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

__all__ = ["HEADLINE", "IMAGES", "VECTORS", "Damage", "Shape", "shift"]

Points = Float[np.ndarray, "k d"]
Rows = Float[np.ndarray, "n d"]
Shape = tuple[int, ...]
Damage = Callable[[Points, Shape, Rows, np.random.Generator], Points]


def _as_images(rows: np.ndarray, shape: Shape) -> np.ndarray:
    return rows.reshape(len(rows), *shape).copy()


def top_half(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """The upper half is 0."""
    images = _as_images(rows, shape)
    images[:, : shape[0] // 2] = 0
    return images.reshape(rows.shape)


def bottom_half(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """The lower half is 0."""
    images = _as_images(rows, shape)
    images[:, shape[0] // 2 :] = 0
    return images.reshape(rows.shape)


def speckled(
    rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator, share: float
) -> Points:
    """A share of the numbers is 0 or 1, by a fair coin (salt and pepper)."""
    out = rows.copy()
    lost = rng.random(rows.shape) < share
    out[lost] = rng.integers(0, 2, lost.sum())
    return out


def noisy(
    rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator, size: float = 1.0
) -> Points:
    """White noise of a size relative to the row's distance from the mean."""
    noise = rng.normal(size=rows.shape)
    away = np.linalg.norm(rows - stored.mean(axis=0), axis=1, keepdims=True)
    return rows + size * away * noise / np.linalg.norm(noise, axis=1, keepdims=True)


def block(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """A box of half of each side, anywhere, is 0."""
    images = _as_images(rows, shape)
    for image in images:
        i, j = (rng.integers(s - s // 2 + 1) for s in shape[:2])
        image[i : i + shape[0] // 2, j : j + shape[1] // 2] = 0
    return images.reshape(rows.shape)


def white_half(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """The left half is 1."""
    images = _as_images(rows, shape)
    images[:, :, : shape[1] // 2] = 1
    return images.reshape(rows.shape)


def dropped(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """Eight in ten coordinates are 0."""
    return np.where(rng.random(rows.shape) < 0.8, 0.0, rows)


def any_values(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """Six in ten coordinates have any value in the range."""
    low, high = stored.min(), stored.max()
    return np.where(rng.random(rows.shape) < 0.6, rng.uniform(low, high, rows.shape), rows)


def stripes(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """Three of every five lines are 0.7."""
    images = _as_images(rows, shape)
    images[:, np.arange(shape[0]) % 5 < 3] = 0.7
    return images.reshape(rows.shape)


def shift(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """Moved by a pixel (of 28) in one of four directions."""
    images = _as_images(rows, shape)
    for image in images:
        step = rng.choice([-1, 1]) * max(1, shape[0] // 28)
        image[:] = np.roll(image, step, int(rng.integers(2)))
    return images.reshape(rows.shape)


def blur(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """Smoothed over 1.5 pixels (of 28), with noise of 0.05."""
    wide = 1.5 * shape[0] / 28
    images = rows.reshape(len(rows), *shape)
    made = gaussian_filter(images, (0, wide, wide) + (0,) * (len(shape) - 2))
    return made.reshape(rows.shape) + 0.05 * rng.normal(size=rows.shape)


def grey_and_noise(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """A fifth of the contrast, an offset, and noise of 0.1."""
    return 0.2 * rows + rng.uniform(0, 0.8, (len(rows), 1)) + 0.1 * rng.normal(size=rows.shape)


def rounded(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """White noise of the row's size, rounded to halves."""
    return np.round(2 * noisy(rows, shape, stored, rng)) / 2


def run_lost(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """A run of half the columns has one value of the table."""
    out, size = rows.copy(), rows.shape[1]
    for row in out:
        where = (np.arange(size // 2) + rng.integers(size)) % size
        row[where] = rng.choice(stored[rng.integers(len(stored))])
    return out


def column_values(rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator) -> Points:
    """Half of the columns have those of other rows, each another."""
    other = stored[rng.integers(len(stored), size=rows.shape), np.arange(rows.shape[1])]
    return np.where(rng.random(rows.shape) < 0.5, other, rows)


HEADLINE: dict[str, Damage] = {
    "top half": top_half,
    "bottom half": bottom_half,
    "salt-and-pepper 0.3": partial(speckled, share=0.3),
    "salt-and-pepper 0.5": partial(speckled, share=0.5),
    "noise 1": partial(noisy, size=1.0),
    "noise 2": partial(noisy, size=2.0),
}
IMAGES: dict[str, Damage] = HEADLINE | {
    f.__name__.replace("_", " "): f
    for f in (block, white_half, dropped, any_values, stripes, shift, blur, grey_and_noise, rounded)
}
VECTORS: dict[str, Damage] = {"noise 1": noisy} | {
    f.__name__.replace("_", " "): f for f in (run_lost, column_values, dropped, any_values)
}
