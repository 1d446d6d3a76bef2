"""Corrupted cues for `baselines.py` and `ablation.py`, and what they are compared with."""

import numpy as np

from attractory import corrupt

HEADLINE = (
    "top half", "bottom half", "salt-and-pepper 0.3", "salt-and-pepper 0.5", "noise 1", "noise 2"
)  # fmt: skip
FURTHER = ("left half", "block", "noise 0.5", "shift")


def cues(rows, shape, kind, draws=1, seed=0):
    """Return cues (draws · n, d), the rows in order in every draw.

    Halves and the block (half as high and wide as the image, anywhere) become 0, a shift is by one
    pixel in one of four directions, noise is relative to each row's distance from the mean, and
    salt and pepper are 0 and 1, the range of the pixels.
    """
    n, (height, width) = len(rows), shape
    rng = np.random.default_rng([seed, *kind.encode()])
    made = np.repeat(rows.reshape(1, n, height, width), draws, axis=0)
    name, _, size = kind.rpartition(" ")
    if kind == "top half":
        made[:, :, : height // 2] = 0
    elif kind == "bottom half":
        made[:, :, height // 2 :] = 0
    elif kind == "left half":
        made[..., : width // 2] = 0
    elif kind == "block":
        for image in made.reshape(-1, height, width):
            i, j = rng.integers(height // 2 + 1), rng.integers(width // 2 + 1)
            image[i : i + height // 2, j : j + width // 2] = 0
    elif kind == "shift":
        for image in made.reshape(-1, height, width):
            axis, step = rng.integers(2), rng.choice([-1, 1])
            image[:] = np.roll(image, step, axis)
    elif name == "noise":
        sizes = np.linalg.norm(rows - rows.mean(axis=0), axis=1)
        return corrupt(
            rows, "gaussian", float(size) * sizes / np.sqrt(height * width), trials=draws, seed=seed
        ).reshape(-1, height * width)
    else:
        flat = made.reshape(draws * n, -1)
        lost = rng.random(flat.shape) < float(size)
        flat[lost] = rng.integers(0, 2, lost.sum())
    return made.reshape(draws * n, height * width)


def noisy(rows, mean, size, rng):
    """Return rows with white noise of this size relative to each row's distance from the mean."""
    noise = rng.normal(size=rows.shape)
    away = np.linalg.norm(rows - mean, axis=1, keepdims=True)
    return rows + size * away * unit(noise)


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-300)


def contrast(x):
    """Rows less their own means, at unit length, whose products are Pearson's correlations."""
    return unit(x - x.mean(axis=-1, keepdims=True))


def nearest(points, patterns):
    """Index of the pattern nearest to each point."""
    squares = (patterns**2).sum(axis=1)
    return (points @ patterns.T * 2 - squares).argmax(axis=1)
