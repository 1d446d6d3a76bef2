"""A ninth set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`: here noise, blur, files, tones, light and lost pixels;
in `spent_9_covered.py` what covers a part, what moves, and mixtures; those for rows of any numbers
are in `spent_9_vectors.py`. They are mostly two at a time, each strength drawn for each cue. Those
that move what is shown are `shifted_and_blurred`, `askew_and_noisy`, `nearer_or_farther`,
`slanted_and_faint`, `crumpled`, `upside_down_and_soft`, `rolled_round`, `badly_cut_out`, and of
vectors `few_cells_swapped`.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter, uniform_filter

from .spent_9_covered import COVERED
from .spent_9_vectors import VECTORS
from .views import between, flat, grid, images_of, noise, sized, through_a_file

__all__ = ["IMAGES", "VECTORS"]


def noise_and_pepper(rows, shape, stored, rng):
    """Noise of 0.15 to 0.35, and 0.05 to 0.2 of the values are 0 or 1."""
    images = images_of(rows, shape)
    images += between(0.15, 0.35, images, rng) * noise(1, images, rng)
    hit = rng.random(images.shape) < between(0.05, 0.2, images, rng)
    return flat(np.where(hit, rng.integers(0, 2, images.shape), images))


def noise_and_zeros(rows, shape, stored, rng):
    """Noise of 0.1 to 0.2; then 0.4 to 0.6 of the pixels are 0."""
    images = images_of(rows, shape)
    images += between(0.1, 0.2, images, rng) * noise(1, images, rng)
    kept = rng.random((*images.shape[:3], 1)) >= between(0.4, 0.6, images, rng)
    return flat(images * kept)


def some_pixels_anything(rows, shape, stored, rng):
    """Of the pixels 0.25 to 0.45 have any value from 0 to 1, the others noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    images += between(0.05, 0.15, images, rng) * noise(1, images, rng)
    hit = rng.random((*images.shape[:3], 1)) < between(0.25, 0.45, images, rng)
    return flat(np.where(hit, rng.random(images.shape), images))


def noisy_where_bright(rows, shape, stored, rng):
    """Each value times 1 plus noise of 0.4 to 0.9, and noise of 0.05 to 0.1 in all."""
    images = images_of(rows, shape)
    images *= 1 + between(0.4, 0.9, images, rng) * noise(1, images, rng)
    return flat(images + between(0.05, 0.1, images, rng) * noise(1, images, rng))


def lines_and_columns_off(rows, shape, stored, rng):
    """Each line and each column is off by a number of deviation 0.08 to 0.2; noise of 0.05."""
    images = images_of(rows, shape)
    size = between(0.08, 0.2, images, rng)
    images += size * rng.normal(size=(len(images), shape[0], 1, 1))
    images += size * rng.normal(size=(len(images), 1, shape[1], 1))
    return flat(images + noise(0.05, images, rng))


def coarse_noise(rows, shape, stored, rng):
    """Noise that is alike in squares of two pixels (of 28), of 0.15 to 0.3."""
    images, size = images_of(rows, shape), max(2, round(2 * shape[0] / 28))
    few = [-(-s // size) for s in shape[:2]]
    drawn = rng.normal(size=(len(images), *few, images.shape[3]))
    alike = drawn.repeat(size, axis=1).repeat(size, axis=2)[:, : shape[0], : shape[1]]
    return flat(images + between(0.15, 0.3, images, rng) * alike)


def noise_through_jpeg(rows, shape, stored, rng):
    """Noise of 0.1 to 0.2, then a JPEG file of quality 5 to 20."""
    images = images_of(rows, shape)
    images += between(0.1, 0.2, images, rng) * noise(1, images, rng)
    for k, image in enumerate(images):
        images[k] = through_a_file(image, "JPEG", quality=int(rng.integers(5, 21)))
    return flat(images)


def moved_while_exposed(rows, shape, stored, rng):
    """Smeared along a straight way of 3 to 6 pixels (of 28) in any direction; noise 0.03 to 0.1."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        far, way = rng.uniform(3, 6) * shape[0] / 56, rng.uniform(0, np.pi)
        half = int(np.ceil(far))
        mask = np.zeros((2 * half + 1, 2 * half + 1))
        for step in np.linspace(-far, far, 8 * half + 1):
            mask[round(half + step * np.sin(way)), round(half + step * np.cos(way))] += 1
        images[k] = convolve(image, mask[..., None] / mask.sum(), mode="nearest")
    return flat(images + between(0.03, 0.1, images, rng) * noise(1, images, rng))


def soft_dark_and_noisy(rows, shape, stored, rng):
    """Smooth over 0.7 to 1.3 pixels (of 28), 0.3 to 0.6 of the light, noise of 0.02 to 0.05."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        soft = rng.uniform(0.7, 1.3) * shape[0] / 28
        images[k] = rng.uniform(0.3, 0.6) * gaussian_filter(image, (soft, soft, 0))
    return flat(images + between(0.02, 0.05, images, rng) * noise(1, images, rng))


def pepper_smoothed(rows, shape, stored, rng):
    """Of the values 0.15 to 0.35 are 0 or 1; then smooth over 0.6 to 1 pixels (of 28)."""
    images = images_of(rows, shape)
    hit = rng.random(images.shape) < between(0.15, 0.35, images, rng)
    images = np.where(hit, rng.integers(0, 2, images.shape), images)
    for k, image in enumerate(images):
        soft = rng.uniform(0.6, 1) * shape[0] / 28
        images[k] = gaussian_filter(image, (soft, soft, 0))
    return flat(images)


def every_few_pixels_kept(rows, shape, stored, rng):
    """Every second or so pixel is kept (1.8 to 2.6 of 28), straight between; noise 0.05 to 0.15."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        step = rng.uniform(1.8, 2.6) * shape[0] / 28
        few = tuple(max(4, round(s / step)) for s in shape[:2])
        small = sized(image, few, Image.Resampling.NEAREST)
        images[k] = sized(small, shape[:2], Image.Resampling.BILINEAR)
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def posterised_with_noise(rows, shape, stored, rng):
    """Noise of 0.08 to 0.2, then three or four levels from 0 to 1."""
    images = images_of(rows, shape)
    images += between(0.08, 0.2, images, rng) * noise(1, images, rng)
    steps = rng.integers(2, 4, (len(images), 1, 1, 1))
    return flat(np.round(steps * np.clip(images, 0, 1)) / steps)


def faint_under_noise(rows, shape, stored, rng):
    """Between 0.25 and 0.5 of the contrast about 0.5; noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    made = 0.5 + between(0.25, 0.5, images, rng) * (images - 0.5)
    return flat(made + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def faint_negative(rows, shape, stored, rng):
    """Black is white, at 0.35 to 0.7 of the contrast on any grey; noise of 0.03 to 0.1."""
    images = images_of(rows, shape)
    made = between(0, 0.3, images, rng) + between(0.35, 0.7, images, rng) * (1 - images)
    return flat(made + between(0.03, 0.1, images, rng) * noise(1, images, rng))


def levels_set_by_hand(rows, shape, stored, rng):
    """Black, white and middle of a photo program: black 0 to 0.25, white 0.6 to 1, power 0.5 to 2.

    Noise of 0.03 to 0.1 first.
    """
    images = images_of(rows, shape)
    images += between(0.03, 0.1, images, rng) * noise(1, images, rng)
    black, white = between(0, 0.25, images, rng), between(0.6, 1, images, rng)
    power = 2 ** between(-1, 1, images, rng)
    return flat(np.clip((images - black) / (white - black), 0, 1) ** power)


def auto_contrast(rows, shape, stored, rng):
    """Noise of 0.1 to 0.25; then the 2nd to 98th percentile fills 0 to 1, cut there."""
    images = images_of(rows, shape)
    images += between(0.1, 0.25, images, rng) * noise(1, images, rng)
    low, high = np.quantile(images, [0.02, 0.98], axis=(1, 2, 3), keepdims=True)
    return flat(np.clip((images - low) / np.maximum(high - low, 1e-12), 0, 1))


def scanned_black_and_white(rows, shape, stored, rng):
    """White where brighter than the mean about it, by 0.05; 0.01 to 0.05 of all the other way.

    The mean is of a square of 11 pixels (of 28), after noise of 0.03.
    """
    images, size = images_of(rows, shape), max(3, round(11 * shape[0] / 28))
    images += noise(0.03, images, rng)
    about = uniform_filter(images, (0, size, size, 0))
    wrong = rng.random(images.shape) < between(0.01, 0.05, images, rng)
    return flat(((images > about + 0.05) ^ wrong).astype(float))


def light_falls_off(rows, shape, stored, rng):
    """Light from 1.2 at one side to 0.1 to 0.3 at the other, any direction; noise 0.03 to 0.1."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        way, least = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.3)
        along = (down * np.sin(way) + across * np.cos(way)) / np.sqrt(2)
        image *= (least + (1.2 - least) * (1 + along) / 2)[..., None]
        image += noise(rng.uniform(0.03, 0.1), image, rng)
    return flat(images)


def hum_and_noise(rows, shape, stored, rng):
    """Waves of 0.15 to 0.4 down or across, 3 to 9 pixels (of 28) long; noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    for image in images:
        axis = rng.integers(2)
        place = np.arange(shape[axis]) / (rng.uniform(3, 9) * shape[0] / 28)
        wave = rng.uniform(0.15, 0.4) * np.sin(2 * np.pi * (place + rng.random()))
        image += wave[:, None, None] if axis == 0 else wave[None, :, None]
        image += noise(rng.uniform(0.05, 0.15), image, rng)
    return flat(images)


def colour_cast_and_noise(rows, shape, stored, rng):
    """Each channel times 0.5 to 1.3 and up to 0.2 more; noise of 0.05 to 0.15, cut to [0, 1]."""
    images = images_of(rows, shape)
    each = (len(images), 1, 1, images.shape[3])
    images = rng.uniform(0.5, 1.3, each) * images + rng.uniform(0, 0.2, each)
    images += between(0.05, 0.15, images, rng) * noise(1, images, rng)
    return flat(np.clip(images, 0, 1))


def blocks_lost(rows, shape, stored, rng):
    """Of seven by seven blocks 0.25 to 0.45 are black; noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    images += between(0.05, 0.15, images, rng) * noise(1, images, rng)
    i, j = (np.arange(s) * 7 // s for s in shape[:2])
    for image in images:
        image[(rng.random((7, 7)) < rng.uniform(0.25, 0.45))[np.ix_(i, j)]] = 0
    return flat(images)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        noise_and_pepper, noise_and_zeros, some_pixels_anything, noisy_where_bright,
        lines_and_columns_off, coarse_noise, noise_through_jpeg, moved_while_exposed,
        soft_dark_and_noisy, pepper_smoothed, every_few_pixels_kept, posterised_with_noise,
        faint_under_noise, faint_negative, levels_set_by_hand, auto_contrast,
        scanned_black_and_white, light_falls_off, hum_and_noise,
        colour_cast_and_noise, blocks_lost,
        *COVERED,
    )
}  # fmt: skip
