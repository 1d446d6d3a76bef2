"""How the published protocols make cues: noise, masks, dropped and replaced pixels, flipped signs.

Each function takes rows (k, d), their shape, all stored rows and a generator, as those of
`bench.damage`, after its own settings. Those that leave something known return the cues and a mask
of what is.
"""

import numpy as np
from jaxtyping import Bool, Float

from attractory.bench.damage import Shape

__all__ = [
    "dropped", "flipped", "lower_zero", "noise", "pixels_told", "positive_noise", "replaced",
    "right_hidden",
]  # fmt: skip

Points = Float[np.ndarray, "k d"]
Rows = Float[np.ndarray, "n d"]
Told = tuple[Points, Bool[np.ndarray, "k d"]]


def noise(
    size: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Points:
    """White noise of a standard deviation, not clipped."""
    return rows + size * rng.normal(size=rows.shape)


def positive_noise(
    size: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Points:
    """White noise; what is negative is made positive, and what is above 1 becomes 1."""
    return np.clip(np.abs(rows + size * rng.normal(size=rows.shape)), 0.0, 1.0)


def lower_zero(
    share: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Points:
    """The lowest lines of the image, a share of them, are 0.

    Example:
        >>> rows = np.ones((1, 4))
        >>> lower_zero(0.5, rows, (2, 2), rows, np.random.default_rng(0)).tolist()
        [[1.0, 1.0, 0.0, 0.0]]
    """
    images = rows.reshape(len(rows), *shape).copy()
    images[:, int((1 - share) * shape[0]) :] = 0
    return images.reshape(rows.shape)


def dropped(
    share: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Told:
    """Each pixel is 0 with a probability, in all its colours; the others are known."""
    known = _by_pixel(rng.random((len(rows), *_pixels(rows, shape))) >= share, rows)
    return np.where(known, rows, 0.0), known


def right_hidden(
    share: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Told:
    """The last columns of the image, a share of them, are 0; the others are known."""
    known = np.ones((len(rows), *shape), bool)
    known[:, :, shape[1] - int(share * shape[1]) :] = False
    known = known.reshape(rows.shape)
    return np.where(known, rows, 0.0), known


def pixels_told(
    share: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Told:
    """A share of the pixels, at least one, drawn at random, is known; the others are 0.

    Example:
        >>> rows = np.ones((1, 8))
        >>> cues, known = pixels_told(0.25, rows, (8,), rows, np.random.default_rng(0))
        >>> int(known.sum()), cues.sum().item()
        (2, 2.0)
    """
    size = _pixels(rows, shape)
    count = max(1, round(share * int(np.prod(size))))
    order = rng.permuted(np.tile(np.arange(int(np.prod(size))), (len(rows), 1)), axis=1)
    known = _by_pixel((order < count).reshape(len(rows), *size), rows)
    return np.where(known, rows, 0.0), known


def replaced(
    share: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Points:
    """A share of the numbers has values between those of the least and the largest stored one."""
    order = rng.permuted(np.tile(np.arange(rows.shape[1]), (len(rows), 1)), axis=1)
    values = rng.uniform(stored.min(), stored.max(), rows.shape)
    return np.where(order < int(share * rows.shape[1]), values, rows)


def flipped(
    share: float | int, rows: Points, shape: Shape, stored: Rows, rng: np.random.Generator
) -> Points:
    """A share of the signs, drawn at random, is turned.

    Example:
        >>> row = np.ones((1, 10))
        >>> flipped(0.2, row, (10,), row, np.random.default_rng(0)).sum().item()
        6.0
    """
    order = rng.permuted(np.tile(np.arange(rows.shape[1]), (len(rows), 1)), axis=1)
    return np.where(order < round(share * rows.shape[1]), -rows, rows)


def _pixels(rows: np.ndarray, shape: Shape) -> tuple[int, ...]:
    """Return the sizes of an image without its colours."""
    return shape[:2] if len(shape) > 1 else (rows.shape[1],)


def _by_pixel(chosen: np.ndarray, rows: np.ndarray) -> Bool[np.ndarray, "k d"]:
    """Return choices of pixels as choices of numbers: of three colours alike."""
    flat = chosen.reshape(len(rows), -1)
    return np.repeat(flat, rows.shape[1] // flat.shape[1], axis=1)
