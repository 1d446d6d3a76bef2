"""A sixth set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`: here noise, files, units, tones and moves; in
`spent_6_covered.py` what hides a part and what is mixed with something else; those for rows of any
numbers are in `spent_6_vectors.py`. Those that move what is shown are `combed`, `bytes_dropped`,
`wrong_line_length`, `mirrored_half`, `tilted_in_noise`, `negative_and_moved`, and of vectors
`played_faster`, `looped`.
"""

import numpy as np
from matplotlib import colormaps
from scipy.ndimage import convolve, gaussian_filter, gaussian_filter1d, uniform_filter

from .spent_6_covered import COVERED
from .spent_6_vectors import VECTORS
from .views import flat, grain, grid, images_of, noise, seen_from, smooth

__all__ = ["IMAGES", "VECTORS"]


def uniform_noise(rows, shape, stored, rng):
    """Each value is off by any number up to 0.6 either way, and cut to [0, 1]."""
    return np.clip(rows + rng.uniform(-0.6, 0.6, rows.shape), 0, 1)


def blue_noise(rows, shape, stored, rng):
    """Noise of 0.4 that has only what white noise loses when smoothed by a pixel."""
    images = images_of(rows, shape)
    fine = noise(1, images, rng)
    fine -= gaussian_filter(fine, (0, 1, 1, 0))
    return flat(images + 0.4 * fine / fine.std())


def one_over_f(rows, shape, stored, rng):
    """Noise of 0.4 whose amplitude falls as 1/f: large clouds, small ones, and grain."""
    images = images_of(rows, shape)
    far = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, shape[:2]), indexing="ij"))
    far[0, 0] = np.inf
    waves = np.fft.fft2(noise(1, images, rng), axes=(1, 2)) / far[..., None]
    clouds = np.fft.ifft2(waves, axes=(1, 2)).real
    return flat(images + 0.4 * clouds / clouds.std(axis=(1, 2, 3), keepdims=True))


def hot_pixels(rows, shape, stored, rng):
    """One value in six has something added that is exponential, of mean 3; nothing is cut."""
    return rows + (rng.random(rows.shape) < 1 / 6) * rng.exponential(3, rows.shape)


def magnetic_scan(rows, shape, stored, rng):
    """The size of a complex number with noise of 0.25, under a field that varies three-fold."""
    images = images_of(rows, shape)
    for image in images:
        image *= np.exp(0.55 * smooth(shape, 6, rng))[..., None]
    return flat(np.hypot(images + noise(0.25, images, rng), noise(0.25, images, rng)))


def night_sight(rows, shape, stored, rng):
    """An eighth of the light; each column of the sensor is off by 0.03, and each pixel by 0.04."""
    images = images_of(rows, shape) / 8
    return flat(images + noise(0.03, images[:, :1], rng) + noise(0.04, images, rng))


def as_bytes(rows, shape, stored, rng):
    """Nobody divided by 255: whole numbers up to there, after noise of 0.15."""
    return np.round(255 * np.clip(rows + noise(0.15, rows, rng), 0, 1))


def normalised_for_a_network(rows, shape, stored, rng):
    """Less 0.45 and over 0.225, as networks are fed; cut at ±1.5; noise of 0.3."""
    images = (images_of(rows, shape) - 0.45) / 0.225
    made = np.clip(images + noise(0.3, images, rng), -1.5, 1.5)
    return flat(made)


def channels_exchanged(rows, shape, stored, rng):
    """Blue first and red last, under yellow light; grey images from 0.3 to 0.9 instead; grain."""
    images = images_of(rows, shape)
    if images.shape[3] == 3:
        images = images[..., ::-1] * [1.1, 0.9, 0.5]
    return flat(grain(0.3 + 0.6 * images if images.shape[3] == 1 else images, rng))


def false_colours(rows, shape, stored, rng):
    """A thermal camera's rainbow, blue to red, for the brightness; grey images show its grey."""
    images = images_of(rows, shape)
    grey = np.clip(images.mean(axis=3) + noise(0.03, images[..., 0], rng), 0, 1)
    colours = colormaps["jet"](grey)[..., :3]
    if images.shape[3] == 1:
        colours = colours @ np.array([[0.3], [0.59], [0.11]])
    return flat(colours)


def old_console(rows, shape, stored, rng):
    """Blocks of two pixels (of 28) of one of three levels, mixed in a pattern of four by four."""
    images = images_of(rows, shape)
    size = max(1, round(2 * shape[0] / 28))
    i, j = ((np.arange(s) // size * size) for s in shape[:2])
    means = uniform_filter(images, (1, size, size, 1), origin=(0, -(size // 2), -(size // 2), 0))
    pattern = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 + 1 / 32
    ordered = pattern[np.ix_(i // size % 4, j // size % 4)][..., None]
    return flat(np.clip(np.floor(2 * means[:, i][:, :, j] + ordered), 0, 2) / 2)


def oil_paint(rows, shape, stored, rng):
    """Each pixel, after noise of 0.1, is the most even one of the four 4 × 4 patches it ends."""
    images, size = images_of(rows, shape), max(2, round(4 * shape[0] / 28))
    images += noise(0.1, images, rng)
    near, far = -(size // 2), size - 1 - size // 2
    means, uneven = [], []
    for down in (near, far):
        for across in (near, far):
            around = {"size": (1, size, size, 1), "origin": (0, down, across, 0)}
            means.append(uniform_filter(images, **around))
            squares = uniform_filter(images**2, **around) - means[-1] ** 2
            uneven.append(squares.sum(axis=3, keepdims=True))
    which = np.argmin(uneven, axis=0)[None]
    return flat(np.take_along_axis(np.array(means), which, axis=0)[0])


def coarse_in_places(rows, shape, stored, rng):
    """Six in ten blocks of a seventh of the side came without detail: their mean; grain."""
    images = images_of(rows, shape)
    i, j = (np.arange(s) * 7 // s for s in shape[:2])
    block = np.add.outer(7 * i, j)
    for image in images:
        for one in np.flatnonzero(rng.random(49) < 0.6):
            image[block == one] = image[block == one].mean(axis=0) if (block == one).any() else 0
    return flat(grain(images, rng))


def spun(rows, shape, stored, rng):
    """Turned by up to 20 degrees either way while the shutter was open; grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    turns = np.radians(np.linspace(-20, 20, 9))
    for k, image in enumerate(images):
        seen = [seen_from(image, np.cos(a) * down - np.sin(a) * across,
                          np.sin(a) * down + np.cos(a) * across) for a in turns]  # fmt: skip
        images[k] = np.mean(seen, axis=0)
    return flat(grain(images, rng))


def camera_shake(rows, shape, stored, rng):
    """Smeared along a crooked path of a hand, up to 3 pixels (of 28) from its middle; grain."""
    images = images_of(rows, shape)
    most = max(1, round(3 * shape[0] / 28))
    for k, image in enumerate(images):
        path = gaussian_filter1d(rng.normal(size=(2, 60)), 6, axis=1)
        path -= path.mean(axis=1, keepdims=True)
        path *= most / np.abs(path).max()
        kernel = np.zeros((2 * most + 1, 2 * most + 1, 1))
        np.add.at(kernel, (*np.round(path).astype(int) + most, 0), 1 / 60)
        images[k] = convolve(image, kernel, mode="nearest")
    return flat(grain(images, rng))


def combed(rows, shape, stored, rng):
    """Filmed by half pictures: every second line is 2 to 4 pixels (of 28) ahead, left or right."""
    images = images_of(rows, shape)
    for image in images:
        ahead = max(1, round(rng.uniform(2, 4) * shape[1] / 28)) * rng.choice([-1, 1])
        places = np.clip(np.arange(shape[1]) - ahead, 0, shape[1] - 1)
        image[1::2] = image[1::2][:, places]
    return flat(grain(images, rng))


def bytes_dropped(rows, shape, stored, rng):
    """Three values of the file's first half are missing; all after each stand one place earlier."""
    out = rows.copy()
    for row in out:
        kept = np.delete(row, rng.choice(row.size // 2, 3, replace=False))
        row[: kept.size], row[kept.size :] = kept, 0
    return out


def wrong_line_length(rows, shape, stored, rng):
    """The file was read with lines one pixel too long or too short: aslant, and wrapped around."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        places = np.arange(shape[0])[:, None] * rng.choice([-1, 1]) + np.arange(shape[1])
        images[k] = image[np.arange(shape[0])[:, None], places % shape[1]]
    return flat(grain(images, rng))


def mirrored_half(rows, shape, stored, rng):
    """One half, left or right, is the mirror image of the other; noise of 0.1."""
    images = images_of(rows, shape)
    for image in images:
        image[:] = image if rng.integers(2) else image[:, ::-1]
        half = shape[1] // 2
        image[:, shape[1] - half :] = image[:, :half][:, ::-1]
    return flat(images + noise(0.1, images, rng))


def tilted_in_noise(rows, shape, stored, rng):
    """Turned by 3 to 7 degrees either way, and noise of Laplace's law of deviation 0.3."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        a = np.radians(rng.uniform(3, 7)) * rng.choice([-1, 1])
        images[k] = seen_from(
            image, np.cos(a) * down - np.sin(a) * across, np.sin(a) * down + np.cos(a) * across
        )
    return flat(images + rng.laplace(0, 0.3 / np.sqrt(2), images.shape))


def negative_and_moved(rows, shape, stored, rng):
    """Black is white, two pixels (of 28) up or down and left or right; noise of 0.15."""
    images = images_of(rows, shape)
    size = max(1, round(2 * shape[0] / 28))
    for k, image in enumerate(images):
        i, j = (np.clip(np.arange(s) + size * rng.choice([-1, 1]), 0, s - 1) for s in shape[:2])
        images[k] = 1 - image[i][:, j]
    return flat(images + noise(0.15, images, rng))


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        *COVERED,
        uniform_noise, blue_noise, one_over_f, hot_pixels, magnetic_scan, night_sight, as_bytes,
        normalised_for_a_network, channels_exchanged, false_colours, old_console, oil_paint,
        coarse_in_places, spun, camera_shake, combed, bytes_dropped, wrong_line_length,
        mirrored_half, tilted_in_noise, negative_and_moved,
    )
}  # fmt: skip
