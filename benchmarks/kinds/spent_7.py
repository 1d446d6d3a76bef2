"""A seventh set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`: here sensors, codes, files, tones and frequencies; in
`spent_7_scenes.py` what is in front of the sensor, what moves, and what is mixed with something
else; those for rows of any numbers are in `spent_7_vectors.py`. Those that move what is shown are
`stored_as_planes`, `address_line_stuck`, `heights_seen_aslant`, `radar_not_converted`, `pleated`,
`vertical_hold_lost`, `magnifying_glass`, `tiles_turned`, and of vectors `out_of_order`,
`loggers_out_of_step`, `dispersed`.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_gradient_magnitude

from .spent_7_scenes import SCENES
from .spent_7_vectors import VECTORS
from .views import flat, grain, images_of, noise

__all__ = ["IMAGES", "VECTORS"]


def _pixels(shape):
    """Return how many pixels of the image one of 28 is, 1 at least."""
    return max(1, round(shape[0] / 28))


def flickering_lamp(rows, shape, stored, rng):
    """Read line by line while a lamp flickers 3 to 6 times: almost dark between; noise of 0.1."""
    images = images_of(rows, shape)
    turns = np.linspace(0, 2 * np.pi, shape[0])
    for image in images:
        light = 1 + 0.95 * np.sin(rng.uniform(3, 6) * turns + rng.uniform(0, 2 * np.pi))
        image *= light[:, None, None]
    return flat(images + noise(0.1, images, rng))


def event_camera(rows, shape, stored, rng):
    """A step of a pixel (of 28): 1 where the logarithm grew by 0.15, 0 where it fell, or 0.5."""
    images, step = images_of(rows, shape), _pixels(shape)
    logs = np.log(np.maximum(images + noise(0.01, images, rng), 0) + 0.1)
    for image, log in zip(images, logs, strict=True):
        change = np.roll(log, rng.choice([-1, 1]) * step, axis=rng.integers(2)) - log
        image[:] = 0.5 + 0.5 * np.sign(change) * (np.abs(change) > 0.15)
    wrong = rng.random(images.shape) < 0.05
    return flat(np.where(wrong, rng.integers(0, 3, images.shape) / 2, images))


def one_bit_a_pixel(rows, shape, stored, rng):
    """Delta modulation: along each line a level follows, by 0.2 up or down at every pixel."""
    images = images_of(rows, shape)
    level = np.full_like(images[:, :, 0], 0.5)
    for j in range(shape[1]):
        level = level + np.where(images[:, :, j] > level, 0.2, -0.2)
        images[:, :, j] = level
    return flat(grain(images, rng))


def means_of_blocks_lost(rows, shape, stored, rng):
    """Each block of a seventh of the side is sent less its mean, shown as 0.5; grain."""
    images = images_of(rows, shape)
    i, j = (np.arange(s) * 7 // s for s in shape[:2])
    block = np.add.outer(7 * i, j)
    for one in np.unique(block):
        some = images[:, block == one]
        images[:, block == one] = 0.5 + some - some.mean(axis=1, keepdims=True)
    return flat(grain(images, rng))


def error_diffused(rows, shape, stored, rng):
    """Half the contrast about 0.5, noise of 0.1; then black or white by Floyd and Steinberg."""
    images = 0.25 + images_of(rows, shape) / 2
    left = np.pad(images + noise(0.1, images, rng), [(0, 0), (0, 1), (1, 1), (0, 0)])
    for i in range(shape[0]):
        for j in range(1, shape[1] + 1):
            images[:, i, j - 1] = left[:, i, j] > 0.5
            error = (left[:, i, j] - images[:, i, j - 1]) / 16
            left[:, i, j + 1] += 7 * error
            left[:, i + 1, j - 1] += 3 * error
            left[:, i + 1, j] += 5 * error
            left[:, i + 1, j + 1] += error
    return flat(images)


def dots_of_size(rows, shape, stored, rng):
    """A newspaper's screen: one dot in each 3 × 3 pixels (of 28), as large as its mean; grain."""
    images, size = images_of(rows, shape), 3 * _pixels(shape)
    places = np.arange(size) - (size - 1) / 2 + 0.01  # no two as far from the middle
    order = np.hypot.outer(places, places + 0.02).ravel().argsort().argsort().reshape(size, size)
    least = (order[..., None] + 0.5) / size**2
    for i in range(0, shape[0], size):
        for j in range(0, shape[1], size):
            cell = images[:, i : i + size, j : j + size]
            mean = cell.mean(axis=(1, 2), keepdims=True)
            cell[:] = mean > least[: cell.shape[1], : cell.shape[2]]
    return flat(grain(images, rng))


def equaliser_misset(rows, shape, stored, rng):
    """Frequencies, by how high, are up to six times as strong or as weak; noise of 0.05."""
    images = images_of(rows, shape)
    far = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, shape[:2]), indexing="ij"))
    for k, image in enumerate(images):
        gain = 6 ** np.interp(far, np.linspace(0, 0.71, 6), rng.uniform(-1, 1, 6))
        found = np.fft.fft2(image - image.mean(), axes=(0, 1)) * gain[..., None]
        images[k] = image.mean() + np.fft.ifft2(found, axes=(0, 1)).real
    return flat(grain(images, rng))


def amplitudes_of_another(rows, shape, stored, rng):
    """Each frequency has the row's phase and another row's amplitude; noise of 0.1."""
    images = images_of(rows, shape)
    others = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)
    own, other = (np.fft.fft2(some, axes=(1, 2)) for some in (images, others))
    made = np.fft.ifft2(np.abs(other) * np.exp(1j * np.angle(own)), axes=(1, 2)).real
    return flat(made + noise(0.1, images, rng))


def stored_as_planes(rows, shape, stored, rng):
    """Channel after channel was taken for pixel after pixel; grey: even lines, then odd ones."""
    images = images_of(rows, shape)
    if images.shape[3] > 1:
        return grain(flat(np.moveaxis(images, 3, 1)), rng)
    return flat(grain(np.concatenate([images[:, ::2], images[:, 1::2]], axis=1), rng))


def signed_distances(rows, shape, stored, rng):
    """How far the edge of what is brighter than the mean is: 0.5 on it, 1 or 0 at 4 (of 28)."""
    images, most = images_of(rows, shape), 4 * shape[0] / 28
    for k, c in np.ndindex(len(images), images.shape[3]):
        high = np.pad(images[k, ..., c] > images[k, ..., c].mean(), 1)  # an edge is in sight
        inside, outside = (np.asarray(distance_transform_edt(one)) for one in (high, ~high))
        images[k, ..., c] = np.clip(0.5 + (inside - outside)[1:-1, 1:-1] / most / 2, 0, 1)
    return flat(images + noise(0.1, images, rng))


def local_ranks(rows, shape, stored, rng):
    """The share of pixels within 3 (of 28) down and across that are darker; noise of 0.02 first."""
    images, most = images_of(rows, shape), 3 * _pixels(shape)
    images += noise(0.02, images, rng)
    around = np.pad(images, [(0, 0), (most, most), (most, most), (0, 0)], mode="reflect")
    made, side = np.zeros_like(images), 2 * most + 1
    for i, j in np.ndindex(side, side):
        made += around[:, i : i + shape[0], j : j + shape[1]] < images
    return flat(made / (side**2 - 1))


def gray_code(rows, shape, stored, rng):
    """Bytes, after noise of 0.15, are of Gray's code, and were taken for plain numbers."""
    whole = np.round(255 * np.clip(rows + noise(0.15, rows, rng), 0, 1)).astype(int)
    return (whole ^ (whole >> 1)) / 255


def haze_taken_off(rows, shape, stored, rng):
    """Less 0.6 of the mean row, as if that were haze, and cut at 0; noise of 0.1."""
    return np.maximum(rows - 0.6 * stored.mean(axis=0), 0) + noise(0.1, rows, rng)


def gain_of_each_line(rows, shape, stored, rng):
    """After noise of 0.1 each line is stretched to lie from 0 to 1, an empty one like all."""
    images = images_of(rows, shape)
    images += noise(0.1, images, rng)
    low, high = (f(images, axis=(2, 3), keepdims=True) for f in (np.min, np.max))
    return flat((images - low) / np.maximum(high - low, 1e-12))


def sums_up_to_here(rows, shape, stored, rng):
    """A summed-area table: each pixel is the sum of all above and to the left; noise of 0.01."""
    images = images_of(rows, shape)
    sums = images.cumsum(axis=1).cumsum(axis=2)
    made = sums / np.maximum(sums[:, -1:, -1:], 1e-12)
    return flat(made + noise(0.01, images, rng))


def address_line_stuck(rows, shape, stored, rng):
    """One bit of a byte's address is always 0: what is shown there is what stands without it."""
    places, most = np.arange(rows.shape[1]), int(np.log2(rows.shape[1])) - 1
    made = np.stack([row[places & ~(1 << rng.integers(1, most))] for row in rows])
    return grain(made, rng)


def interferogram(rows, shape, stored, rng):
    """Four to seven fringes; where the image is 1 they are off by half a fringe; noise 0.15."""
    images = images_of(rows, shape)
    across = np.linspace(0, 1, shape[1])[None, :, None]
    for image in images:
        turns = rng.uniform(4, 7) * across + 0.5 * image + rng.random()
        image[:] = 0.5 + 0.5 * np.cos(2 * np.pi * turns)
    return flat(images + noise(0.15, images, rng))


def edges_erased(rows, shape, stored, rng):
    """The two in ten pixels where the slope is steepest are 0.5; noise of 0.1."""
    images, wide = images_of(rows, shape), 0.5 * shape[0] / 28
    for image in images:
        slope = gaussian_gradient_magnitude(image.mean(axis=2), wide)
        image[slope > np.quantile(slope, 0.8)] = 0.5
    return flat(images + noise(0.1, images, rng))


def lost_where_bright(rows, shape, stored, rng):
    """Overloaded: each value is lost, 0, with a probability of 0.85 of it; noise of 0.1."""
    return np.where(rng.random(rows.shape) < 0.85 * rows, 0, rows) + noise(0.1, rows, rng)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        flickering_lamp, event_camera, one_bit_a_pixel, means_of_blocks_lost, error_diffused,
        dots_of_size, equaliser_misset, amplitudes_of_another, stored_as_planes, signed_distances,
        local_ranks, gray_code, haze_taken_off, gain_of_each_line, sums_up_to_here,
        address_line_stuck, interferogram, edges_erased, lost_where_bright,
        *SCENES,
    )
}  # fmt: skip
