"""Damage that recall was not made on: written down before it is measured, and measured once.

`IMAGES` are kinds for images with values in [0, 1]: here lenses, sensors, tones, files and
transmission; in `held_out_covered.py` what moves a little, what covers a part, and mixtures.
`VECTORS` are for rows of any numbers, in `held_out_vectors.py`. They are what happens to pictures
and tables in use; each strength is drawn for each cue, from a range in which somebody who looks
with care mostly still says which of a hundred rows it is. Each function takes rows (k, d), their
shape (height, width) or (height, width, channels), the stored rows, and a generator, and returns
cues (k, d). A pixel "of 28" is a 28th of the height. Whoever wrote the kinds had not seen the code
that recalls cues; only simple searches were run on them, to judge how severe they are. Those that
move what is shown are the first eight of `held_out_covered.py`.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.signal import lfilter

from .held_out_covered import COVERED
from .held_out_vectors import VECTORS
from .views import between, flat, grid, images_of, noise, sized, smooth

__all__ = ["IMAGES", "VECTORS"]


def charge_left_behind(rows, shape, stored, rng):
    """Each pixel leaves a part of its charge to the next below, half gone in 4 to 8 (of 28).

    What has gathered so far is a part of 0.6 to 0.85 of what is shown; noise of 0.1 to 0.2.
    """
    images = images_of(rows, shape)
    for image in images:
        left = 0.5 ** (28 / shape[0] / rng.uniform(4, 8))
        trail = lfilter([1 - left], [1, -left], image, axis=0)
        part = rng.uniform(0.6, 0.85)
        image[:] = part * trail + (1 - part) * image
    return flat(images + between(0.1, 0.2, images, rng) * noise(1, images, rng))


def two_levels_a_block(rows, shape, stored, rng):
    """Noise of 0.2 to 0.4; then blocks of 4 by 4 pixels have two levels: their mean and deviation.

    A block's mean and its deviation are told in steps of a fifth.
    """
    images = images_of(rows, shape)
    images += between(0.2, 0.4, images, rng) * noise(1, images, rng)
    for image in images:
        for i in range(0, shape[0], 4):
            for j in range(0, shape[1], 4):
                block = image[i : i + 4, j : j + 4]
                mean, off = block.mean(axis=(0, 1)), block.std(axis=(0, 1))
                mean, off = np.round(5 * mean) / 5, np.round(5 * off) / 5
                block[:] = np.where(block > block.mean(axis=(0, 1)), mean + off, mean - off)
    return flat(images)


def exposures_joined_badly(rows, shape, stored, rng):
    """What is brighter than 0.25 to 0.6 is of a darker exposure: 0.3 to 0.6 lower than it should.

    Noise of 0.1 to 0.25 before, by which the border is ragged, and half as much after.
    """
    images = images_of(rows, shape)
    size = between(0.1, 0.25, images, rng)
    rough = images + size * noise(1, images, rng)
    bright = rough > between(0.25, 0.6, images, rng)
    joined = rough - between(0.3, 0.6, images, rng) * bright
    return flat(joined + size / 2 * noise(1, images, rng))


def light_evened_out(rows, shape, stored, rng):
    """The logarithm of light less its mean over 4 to 9 pixels (of 28), noise of 0.1 to 0.25 before.

    Shown about 0.5, a factor of four as 0.3.
    """
    images = images_of(rows, shape)
    images += between(0.1, 0.25, images, rng) * noise(1, images, rng)
    for image in images:
        light, wide = np.log(0.1 + np.clip(image, 0, 1)), rng.uniform(4, 9) * shape[0] / 28
        image[:] = 0.5 + 0.3 / np.log(4) * (light - gaussian_filter(light, (wide, wide, 0)))
    return flat(images)


def noise_in_places(rows, shape, stored, rng):
    """Noise whose size is a smooth field: from 0.02 to 0.1 in one place to 1.5 to 3 in another."""
    images = images_of(rows, shape)
    for image in images:
        field = smooth(shape, rng.uniform(3, 6), rng)
        field = (field - field.min()) / np.ptp(field)
        low, high = rng.uniform(0.02, 0.1), rng.uniform(1.5, 3)
        image += low * (high / low) ** field[..., None] * noise(1, image, rng)
    return flat(images)


def ordered_dither(rows, shape, stored, rng):
    """Half to 0.8 of the contrast, noise of 0.1 to 0.3; then black or white by a screen of 4 by 4.

    The thresholds of the screen are 1 to 16 of 17.
    """
    images = images_of(rows, shape)
    two = np.array([[0, 2], [3, 1]])
    four = np.block([[4 * two, 4 * two + 2], [4 * two + 3, 4 * two + 1]])
    screen = np.tile((four + 1) / 17, (-(-shape[0] // 4), -(-shape[1] // 4)))
    images = 0.5 + between(0.5, 0.8, images, rng) * (images - 0.5)
    images += between(0.1, 0.3, images, rng) * noise(1, images, rng)
    return flat((images > screen[: shape[0], : shape[1], None]).astype(float))


def small_noisy_and_enlarged(rows, shape, stored, rng):
    """Made 0.3 to 0.45 as large (of 28), noise of 0.1 to 0.25 there, and made large again."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        part = min(0.7, rng.uniform(0.3, 0.45) * max(1, np.sqrt(28 / shape[0])))
        small = sized(image, tuple(round(part * s) for s in shape[:2]), Image.Resampling.BOX)
        small = small + rng.uniform(0.1, 0.25) * rng.normal(size=small.shape)
        images[k] = sized(small, shape[:2], Image.Resampling.BICUBIC)
    return flat(images)


def filter_of_an_app(rows, shape, stored, rng):
    """A faded film's look: black raised, a bent curve, dark corners, a tint, and grain.

    Black is 0.15 to 0.35 and white 0.6 to 0.85; corners have 0.2 to 0.5 of the light; channels are
    up to 0.1 off; the grain, of 0.15 to 0.3, is alike over 0.7 pixels (of 28).
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    far = (down**2 + across**2)[..., None] / 2
    for image in images:
        black, white = rng.uniform(0.15, 0.35), rng.uniform(0.6, 0.85)
        tone = np.clip(image, 0, 1)
        tone = black + (white - black) * tone * tone * (3 - 2 * tone)
        tone = tone * (1 - rng.uniform(0.5, 0.8) * far) + rng.uniform(-0.1, 0.1, image.shape[2])
        soft = 0.7 * shape[0] / 28
        grain = gaussian_filter(noise(1, image, rng), (soft, soft, 0))
        image[:] = tone + rng.uniform(0.15, 0.3) * grain / grain.std()
    return flat(images)


def absorbed_and_counted(rows, shape, stored, rng):
    """X-rays: where the picture is 1, e to −2 to −3.5 of 6 to 20 quanta pass; they are counted.

    Shown is the logarithm of the count and a half, so that 0 and 1 are right on the average.
    """
    images = images_of(rows, shape)
    depth, many = between(2, 3.5, images, rng), between(6, 20, images, rng)
    count = rng.poisson(many * np.exp(-depth * np.clip(images, 0, 1)))
    return flat(np.log((many + 0.5) / (count + 0.5)) / depth)


def one_ink_missing(rows, shape, stored, rng):
    """One of the channels is white, the others have noise of 0.1 to 0.3.

    Of grey pictures 0.2 to 0.4 of the contrast on white is left, with noise of 0.1 to 0.2.
    """
    images = images_of(rows, shape)
    if shape[2:] == (3,):
        images += between(0.1, 0.3, images, rng) * noise(1, images, rng)
        for image in images:
            image[..., rng.integers(3)] = 1
        return flat(images)
    images = 1 - between(0.2, 0.4, images, rng) * (1 - images)
    return flat(images + between(0.1, 0.2, images, rng) * noise(1, images, rng))


def seen_by_a_thermal_camera(rows, shape, stored, rng):
    """Smooth over 1 to 1.8 pixels (of 28), columns off by 0.05 to 0.2, a pale disc, and noise.

    The disc, of the lens's own warmth, is 0.2 to 0.6 in the middle; the noise is of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        soft = rng.uniform(1, 1.8) * shape[0] / 28
        image[:] = gaussian_filter(image, (soft, soft, 0))
        image += rng.uniform(0.05, 0.2) * rng.normal(size=(1, shape[1], 1))
        y, x, wide = *rng.uniform(-0.4, 0.4, 2), rng.uniform(0.4, 0.7)
        warm = np.exp(-((down - y) ** 2 + (across - x) ** 2) / (2 * wide**2))
        image += rng.uniform(0.2, 0.6) * warm[..., None]
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def newtons_rings(rows, shape, stored, rng):
    """Rings of 0.4 to 0.7, ever closer outwards, lie over 0.5 to 0.8 of the contrast.

    Their middle is anywhere; three to six from there to a corner's distance; noise of 0.1 to 0.2.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.uniform(-0.7, 0.7, 2)
        far = ((down - y) ** 2 + (across - x) ** 2)[..., None] / 2
        wave = np.cos(2 * np.pi * (rng.uniform(3, 6) * far + rng.random()))
        image[:] = 0.5 + rng.uniform(0.5, 0.8) * (image - 0.5) + rng.uniform(0.4, 0.7) * wave
    return flat(images + between(0.1, 0.2, images, rng) * noise(1, images, rng))


def sharp_only_where_looked_at(rows, shape, stored, rng):
    """Sharp at one place, ever softer away from it: by 0.25 of the way a pixel (of 28) at first.

    Four to seven pixels at a side's length from there; noise of 0.1 to 0.2.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    steps = np.array([0, 0.7, 1.4, 2.8, 5.6])
    for image in images:
        y, x = rng.uniform(-0.6, 0.6, 2)
        soft = rng.uniform(4, 7) * np.hypot(down - y, across - x) / 2
        wides = steps * shape[0] / 28
        layers = np.stack([gaussian_filter(image, (wide, wide, 0)) for wide in wides])
        place = np.interp(soft, steps, np.arange(5))
        low = np.minimum(place.astype(int), 3)
        part = (place - low)[..., None]
        at = np.ix_(*map(np.arange, shape[:2]))
        image[:] = (1 - part) * layers[(low, *at)] + part * layers[(low + 1, *at)]
    return flat(images + between(0.1, 0.2, images, rng) * noise(1, images, rng))


def dashes_of_a_weak_dish(rows, shape, stored, rng):
    """White and black dashes along the lines, each fading over 3 to 8 pixels (of 28).

    They begin in 0.06 to 0.12 of the pixels (of 28); noise of 0.1.
    """
    images = images_of(rows, shape)
    unit = shape[0] / 28
    for image in images:
        begin = rng.random(shape[:2]) < rng.uniform(0.06, 0.12) / max(unit, 0.5)
        sign = begin * rng.choice([-1.0, 1.0], shape[:2])
        left = 0.1 ** (1 / (rng.uniform(3, 8) * unit))
        dash = lfilter([1], [1, -left], sign, axis=1)[..., None]
        hidden = np.minimum(np.abs(dash), 1)
        image[:] = (1 - hidden) * image + hidden * (dash > 0) + noise(0.1, image, rng)
    return flat(images)


def means_shown_where_dim(rows, shape, stored, rng):
    """Cleaned where it is dim: below 0.3 to 0.6 each pixel is the mean of five by five about it.

    Noise of 0.3 to 0.5 before.
    """
    images = images_of(rows, shape)
    images += between(0.3, 0.5, images, rng) * noise(1, images, rng)
    wide = max(2, round(5 * shape[0] / 28))
    for image in images:
        mean = uniform_filter(image, (wide, wide, 1), mode="nearest")
        image[:] = np.where(mean < rng.uniform(0.3, 0.6), mean, image)
    return flat(images)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        charge_left_behind, two_levels_a_block, exposures_joined_badly, light_evened_out,
        noise_in_places, ordered_dither, small_noisy_and_enlarged, filter_of_an_app,
        absorbed_and_counted, one_ink_missing, seen_by_a_thermal_camera, newtons_rings,
        sharp_only_where_looked_at, dashes_of_a_weak_dish, means_shown_where_dim, *COVERED,
    )
}  # fmt: skip
