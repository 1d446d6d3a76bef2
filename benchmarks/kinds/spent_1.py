"""Damage that recall was not made on at first: measured blind once, and tuned on since.

The functions are as those of `attractory.bench.damage`.
"""

import numpy as np
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter, map_coordinates, zoom


def _images(rows, shape):
    return rows.reshape(len(rows), *shape).copy()


def _box(shape, share, rng):
    """Return slices of a box with a share of the image's height and width, anywhere."""
    sides = [max(1, round(share * s)) for s in shape[:2]]
    places = [rng.integers(0, s - b + 1) for s, b in zip(shape[:2], sides, strict=True)]
    return tuple(slice(p, p + b) for p, b in zip(places, sides, strict=True))


def _flat(images):
    return images.reshape(len(images), -1)


def jpeg(rows, shape, stored, rng):
    """The cosine transform of blocks of 4 × 4 is rounded, the finer the coarser."""
    images = _images(rows, shape)
    height, width = (s // 4 * 4 for s in shape[:2])
    some = images[:, :height, :width]
    blocks = some.reshape(len(rows), height // 4, 4, width // 4, 4, *shape[2:])
    found = dctn(blocks, axes=(2, 4), norm="ortho")
    u = np.add.outer(np.arange(4), np.arange(4)).reshape(4, 1, 4, *([1] * (len(shape) - 2)))
    step = 0.4 * (1 + u)
    images[:, :height, :width] = idctn(
        np.round(found / step) * step, axes=(2, 4), norm="ortho"
    ).reshape(some.shape)
    return _flat(np.clip(images, 0, 1))


def patch_of_another(rows, shape, stored, rng):
    """A box of 0.6 of each side shows another stored row."""
    images = _images(rows, shape)
    for image in images:
        box = _box(shape, 0.6, rng)
        image[box] = stored[rng.integers(len(stored))].reshape(shape)[box]
    return _flat(images)


def region_inverted(rows, shape, stored, rng):
    """A box of 0.6 of each side is inverted."""
    images = _images(rows, shape)
    for image in images:
        box = _box(shape, 0.6, rng)
        image[box] = 1 - image[box]
    return _flat(images)


def speckle_product(rows, shape, stored, rng):
    """Every pixel times an exponential number, and noise of 0.05."""
    return rows * rng.exponential(size=rows.shape) + 0.05 * rng.normal(size=rows.shape)


def occluding_bars(rows, shape, stored, rng):
    """Every second pair of columns has one grey, another for each image."""
    images = _images(rows, shape)
    for image in images:
        image[:, np.arange(shape[1]) // 2 % 2 == rng.integers(2)] = rng.random()
    return _flat(images)


def lines_dropped(rows, shape, stored, rng):
    """Six in ten lines are lost; each shows the last one before it that is not."""
    images = _images(rows, shape)
    for image in images:
        lost = rng.random(shape[0]) < 0.6
        lost[0] = False
        image[:] = image[np.maximum.accumulate(np.where(lost, 0, np.arange(shape[0])))]
    return _flat(images)


def erased_grey(rows, shape, stored, rng):
    """Three boxes, each of 0.4 of each side, of greys of their own, and noise of 0.1 in all."""
    images = _images(rows, shape)
    for image in images:
        for _ in range(3):
            image[_box(shape, 0.4, rng)] = rng.random()
    return _flat(images + 0.1 * rng.normal(size=images.shape))


def scan_lines_moved(rows, shape, stored, rng):
    """Each line is moved sideways by up to two pixels."""
    images = _images(rows, shape)
    for image in images:
        for line in range(shape[0]):
            image[line] = np.roll(image[line], rng.integers(-2, 3), axis=0)
    return _flat(images)


def gamma(rows, shape, stored, rng):
    """Each image to a power of its own, from 0.3 to 3, and noise of 0.1."""
    power = 3.0 ** rng.uniform(-1, 1, (len(rows), 1))
    return np.clip(rows, 0, 1) ** power + 0.1 * rng.normal(size=rows.shape)


def poisson(rows, shape, stored, rng):
    """Counts of light: two at 1, and a dark count of a half."""
    return rng.poisson(2 * rows + 0.5) / 2.0


def elastic(rows, shape, stored, rng):
    """Pixels are moved by a smooth field of about one pixel in 28."""
    images = _images(rows, shape)
    grid = np.stack(np.meshgrid(*map(np.arange, shape[:2]), indexing="ij")).astype(float)
    width = shape[1] / 8
    for image in images:
        field = np.stack([gaussian_filter(rng.normal(size=shape[:2]), width) for _ in range(2)])
        place = grid + field * (shape[1] / 28) / field.std()
        for c in np.ndindex(shape[2:]):
            one = (slice(None), slice(None), *c)
            image[one] = map_coordinates(image[one], place, order=1, mode="nearest")
    return _flat(images)


def half_and_noise(rows, shape, stored, rng):
    """A half, left or right, is 0.5, and noise of 0.3 lies on all."""
    images = _images(rows, shape)
    for image in images:
        half = slice(shape[1] // 2) if rng.random() < 0.5 else slice(shape[1] // 2, None)
        image[:, half] = 0.5
    return _flat(images + 0.3 * rng.normal(size=images.shape))


def speckle_and_contrast(rows, shape, stored, rng):
    """A third of the contrast, an offset, and a third of the pixels black or white."""
    made = rows / 3 + rng.uniform(0, 0.6, (len(rows), 1))
    lost = rng.random(rows.shape) < 1 / 3
    return np.where(lost, rng.integers(0, 2, rows.shape), made)


def cropped(rows, shape, stored, rng):
    """The middle 0.9 of each side, enlarged to the whole."""
    images = _images(rows, shape)
    for k, image in enumerate(images):
        inner = [max(1, round(0.9 * s)) for s in shape[:2]]
        cut = image[
            tuple(
                slice((s - b) // 2, (s - b) // 2 + b) for s, b in zip(shape[:2], inner, strict=True)
            )
        ]
        factor = [s / b for s, b in zip(shape[:2], inner, strict=True)]
        images[k] = zoom(cut, [*factor, *([1] * (len(shape) - 2))], order=1)
    return _flat(images)


def lit_from_a_side(rows, shape, stored, rng):
    """A ramp from 0 to 1.5 in a direction of its own is added, and noise of 0.1."""
    images = _images(rows, shape)
    ones = [np.linspace(-0.5, 0.5, s) for s in shape[:2]]
    for image in images:
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.add.outer(np.sin(angle) * ones[0], np.cos(angle) * ones[1])
        image += 1.5 * ramp.reshape(*shape[:2], *([1] * (len(shape) - 2)))
    return _flat(images + 0.1 * rng.normal(size=images.shape))


def two_levels(rows, shape, stored, rng):
    """Black or white by a threshold between 0.2 and 0.8, a tenth of the pixels the other way."""
    high = rows > rng.uniform(0.2, 0.8, (len(rows), 1))
    return np.where(rng.random(rows.shape) < 0.1, ~high, high).astype(float)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        jpeg, patch_of_another, region_inverted, speckle_product, occluding_bars, lines_dropped,
        erased_grey, scan_lines_moved, gamma, poisson, elastic, half_and_noise,
        speckle_and_contrast, cropped, lit_from_a_side, two_levels,
    )
}  # fmt: skip


def _spread(stored):
    return stored.std(axis=0).mean()


def cauchy(rows, shape, stored, rng):
    """Noise of Cauchy's law, of half the columns' standard deviation."""
    return rows + 0.5 * _spread(stored) * rng.standard_cauchy(rows.shape)


def columns_exchanged(rows, shape, stored, rng):
    """Half of the columns have their values exchanged among them."""
    out = rows.copy()
    for row in out:
        some = np.flatnonzero(rng.random(row.size) < 0.5)
        row[some] = row[rng.permutation(some)]
    return out


def run_of_another(rows, shape, stored, rng):
    """A run of six in ten columns is another row's."""
    out, size = rows.copy(), rows.shape[1]
    for row in out:
        where = (np.arange(round(0.6 * size)) + rng.integers(size)) % size
        row[where] = stored[rng.integers(len(stored)), where]
    return out


def drift(rows, shape, stored, rng):
    """A straight line over the columns is added, of six standard deviations, and noise of half."""
    line = np.linspace(-3, 3, rows.shape[1]) * rng.choice([-1, 1], (len(rows), 1))
    return rows + _spread(stored) * (line + 0.5 * rng.normal(size=rows.shape))


def clipped(rows, shape, stored, rng):
    """What is off the columns' medians by over a fifth of their deviation is cut there."""
    middle, width = np.median(stored, axis=0), 0.2 * stored.std(axis=0)
    return np.clip(rows, middle - width, middle + width)


def columns_scaled(rows, shape, stored, rng):
    """Each column's distance from the mean times a number from 0 to 2, and noise of half."""
    mean = stored.mean(axis=0)
    noise = 0.5 * stored.std(axis=0) * rng.normal(size=rows.shape)
    return mean + (rows - mean) * rng.uniform(0, 2, rows.shape) + noise


def lost_and_noise(rows, shape, stored, rng):
    """Six in ten columns have 0, and all have noise of half their deviation."""
    out = np.where(rng.random(rows.shape) < 0.6, 0.0, rows)
    return out + 0.5 * stored.std(axis=0) * rng.normal(size=rows.shape)


def other_units(rows, shape, stored, rng):
    """All is multiplied by 0.2 and moved by a number, with noise of a twentieth."""
    move = 3 * _spread(stored) * rng.normal(size=(len(rows), 1))
    return 0.2 * rows + move + 0.05 * stored.std(axis=0) * rng.normal(size=rows.shape)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        cauchy, columns_exchanged, run_of_another, drift, clipped, columns_scaled, lost_and_noise,
        other_units,
    )
}  # fmt: skip
