"""A second set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, rotate, uniform_filter1d


def _images(rows, shape):
    return rows.reshape(len(rows), *shape).copy()


def _flat(images):
    return images.reshape(len(images), -1)


def _grid(shape):
    """Return coordinates from −1 to 1 down and across, each (height, width, 1 …)."""
    ones = [np.linspace(-1, 1, s) for s in shape[:2]]
    return [
        g.reshape(*shape[:2], *([1] * (len(shape) - 2))) for g in np.meshgrid(*ones, indexing="ij")
    ]


def motion_blur(rows, shape, stored, rng):
    """Smeared over a sixth of the side, down or across, and noise of 0.05."""
    images = _images(rows, shape)
    for k, image in enumerate(images):
        images[k] = uniform_filter1d(image, max(2, shape[0] // 6), axis=rng.integers(2))
    return _flat(images + 0.05 * rng.normal(size=images.shape))


def scratches(rows, shape, stored, rng):
    """Fifteen straight lines of one pixel's width and a grey of their own."""
    images = _images(rows, shape)
    steps = np.linspace(0, 1, 4 * max(shape[:2]))
    for image in images:
        for _ in range(15):
            ends = rng.random((2, 2)) * (np.array(shape[:2]) - 1)
            i, j = np.round(ends[0] + steps[:, None] * (ends[1] - ends[0])).astype(int).T
            image[i, j] = rng.random()
    return _flat(images)


def coarse(rows, shape, stored, rng):
    """Squares of four by four pixels have their mean, and noise of 0.05."""
    images = _images(rows, shape)
    for i in range(0, shape[0], 4):
        for j in range(0, shape[1], 4):
            cell = images[:, i : i + 4, j : j + 4]
            cell[:] = cell.mean(axis=(1, 2), keepdims=True)
    return _flat(images + 0.05 * rng.normal(size=images.shape))


def salt(rows, shape, stored, rng):
    """Half of the pixels are 1."""
    return np.where(rng.random(rows.shape) < 0.5, 1.0, rows)


def rotated(rows, shape, stored, rng):
    """Turned by 8 degrees to either side."""
    images = _images(rows, shape)
    for k, image in enumerate(images):
        images[k] = rotate(image, 8 * rng.choice([-1, 1]), reshape=False, order=1, mode="nearest")
    return _flat(images)


def vignette(rows, shape, stored, rng):
    """Darker towards the corners by nine tenths, and noise of 0.1."""
    down, across = _grid(shape)
    light = 1 - 0.9 * np.minimum((down**2 + across**2) / 2, 1) ** 0.5
    return _flat(_images(rows, shape) * light) + 0.1 * rng.normal(size=rows.shape)


def interference(rows, shape, stored, rng):
    """A plane wave of amplitude 0.6 is added, of two to six periods across."""
    images = _images(rows, shape)
    down, across = _grid(shape)
    for image in images:
        angle, turns = rng.uniform(0, 2 * np.pi), rng.uniform(2, 6)
        along = np.cos(angle) * down + np.sin(angle) * across
        image += 0.6 * np.sin(np.pi * turns * along + rng.uniform(0, 2 * np.pi))
    return _flat(images)


def halftone(rows, shape, stored, rng):
    """Each pixel is 1 with the probability that its value was."""
    return (rng.random(rows.shape) < np.clip(rows, 0, 1)).astype(float)


def columns_grey(rows, shape, stored, rng):
    """Each column of pixels has, with probability 0.6, a grey of its own."""
    images = _images(rows, shape)
    for image in images:
        for j in np.flatnonzero(rng.random(shape[1]) < 0.6):
            image[:, j] = rng.random()
    return _flat(images)


def ghost(rows, shape, stored, rng):
    """Another stored row shines through: 0.6 of the one and 0.4 of the other, and noise of 0.05."""
    other = stored[rng.integers(len(stored), size=len(rows))]
    return 0.6 * rows + 0.4 * other + 0.05 * rng.normal(size=rows.shape)


def solarised(rows, shape, stored, rng):
    """Values above 0.5 are inverted, and noise of 0.05."""
    return np.where(rows > 0.5, 1 - rows, rows) + 0.05 * rng.normal(size=rows.shape)


def through_a_hole(rows, shape, stored, rng):
    """A disc of 0.5 of the side is seen, anywhere near the middle; the rest is 0.5."""
    images = _images(rows, shape)
    down, across = _grid(shape)
    for image in images:
        i, j = rng.uniform(-0.3, 0.3, 2)
        seen = (down - i) ** 2 + (across - j) ** 2 < 0.25
        image[:] = np.where(seen, image, 0.5)
    return _flat(images)


def clouds(rows, shape, stored, rng):
    """Smooth noise of deviation 0.5 is added, alike over a tenth of the side."""
    images = _images(rows, shape)
    for image in images:
        field = gaussian_filter(rng.normal(size=shape[:2]), shape[0] / 10)
        image += 0.5 * (field / field.std()).reshape(*shape[:2], *([1] * (len(shape) - 2)))
    return _flat(images)


def negative(rows, shape, stored, rng):
    """Black is white, and noise of 0.2."""
    return 1 - rows + 0.2 * rng.normal(size=rows.shape)


def frosted_glass(rows, shape, stored, rng):
    """Each pixel shows one up to two away from it, down and across."""
    images = _images(rows, shape)
    here = np.meshgrid(*map(np.arange, shape[:2]), indexing="ij")
    for k, image in enumerate(images):
        i, j = (
            np.clip(g + rng.integers(-2, 3, g.shape), 0, s - 1)
            for g, s in zip(here, shape[:2], strict=True)
        )
        images[k] = image[i, j]
    return _flat(images)


def soft_and_holed(rows, shape, stored, rng):
    """Smoothed over one pixel in 28, half the contrast, and a third of the pixels 0."""
    wide = shape[0] / 28
    images = gaussian_filter(_images(rows, shape), (0, wide, wide) + (0,) * (len(shape) - 2))
    made = _flat(images) / 2 + 0.2
    return np.where(rng.random(rows.shape) < 1 / 3, 0.0, made)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        motion_blur, scratches, coarse, salt, rotated, vignette, interference, halftone,
        columns_grey, ghost, solarised, through_a_hole, clouds, negative, frosted_glass,
        soft_and_holed,
    )
}  # fmt: skip


def student(rows, shape, stored, rng):
    """Noise of Student's law of 1.5 degrees of freedom, of half the columns' deviation."""
    return rows + 0.5 * stored.std(axis=0) * rng.standard_t(1.5, size=rows.shape)


def sentinel(rows, shape, stored, rng):
    """Seven in ten columns are −999."""
    return np.where(rng.random(rows.shape) < 0.7, -999.0, rows)


def three_levels(rows, shape, stored, rng):
    """Each column is told as low, middle or high, a tenth of them wrongly."""
    low, high = np.quantile(stored, [1 / 3, 2 / 3], axis=0)
    told = (rows > low).astype(float) + (rows > high)
    wrong = rng.random(rows.shape) < 0.1
    told = np.where(wrong, rng.integers(0, 3, rows.shape), told)
    return stored.mean(axis=0) + (told - 1) * stored.std(axis=0)


def flipped(rows, shape, stored, rng):
    """A quarter of the columns lie on the other side of the mean, and noise of 0.3."""
    mean = stored.mean(axis=0)
    sign = np.where(rng.random(rows.shape) < 0.25, -1.0, 1.0)
    return mean + sign * (rows - mean) + 0.3 * stored.std(axis=0) * rng.normal(size=rows.shape)


def moving_average(rows, shape, stored, rng):
    """Each column is the mean of three beside one another, and noise of 0.1."""
    made = uniform_filter1d(rows, 3, axis=1)
    return made + 0.1 * stored.std(axis=0) * rng.normal(size=rows.shape)


def blended(rows, shape, stored, rng):
    """0.6 of the row and 0.4 of another."""
    return 0.6 * rows + 0.4 * stored[rng.integers(len(stored), size=len(rows))]


def lognormal_factors(rows, shape, stored, rng):
    """Each distance from the column's mean times a lognormal number of deviation 0.7."""
    mean = stored.mean(axis=0)
    return mean + (rows - mean) * rng.lognormal(0, 0.7, rows.shape)


def random_walk(rows, shape, stored, rng):
    """A random walk over the columns is added, of two deviations at its end."""
    steps = rng.normal(size=rows.shape).cumsum(axis=1) / np.sqrt(rows.shape[1])
    return rows + 2 * stored.std(axis=0).mean() * steps


def half_at_mean_and_noise(rows, shape, stored, rng):
    """Half of the columns have their mean, and all have noise of 0.7 of their deviation."""
    out = np.where(rng.random(rows.shape) < 0.5, stored.mean(axis=0), rows)
    return out + 0.7 * stored.std(axis=0) * rng.normal(size=rows.shape)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        student, sentinel, three_levels, flipped, moving_average, blended, lognormal_factors,
        random_walk, half_at_mean_and_noise,
    )
}  # fmt: skip
