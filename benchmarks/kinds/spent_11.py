"""An eleventh set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`: here lenses, sensors, tones, files and transmission; in
`spent_11_covered.py` what moves a little, what covers a part, and mixtures; those for rows of any
numbers are in `spent_11_vectors.py`. Each strength is drawn for each cue. Those that move what is
shown are `colours_magnified_unequally`, `lines_swapped_in_pairs`, `burst_not_aligned`, the first
eight of `spent_11_covered.py`, and of vectors `blocks_of_columns_exchanged`.
"""

import numpy as np
from PIL import Image
from scipy.fft import dctn, idctn
from scipy.ndimage import convolve, gaussian_filter

from .spent_11_covered import COVERED
from .spent_11_vectors import VECTORS
from .views import (
    between,
    drawn,
    flat,
    grid,
    images_of,
    in_bytes,
    moved,
    noise,
    sized,
    through_a_file,
)

__all__ = ["IMAGES", "VECTORS"]


def astigmatic_and_grainy(rows, shape, stored, rng):
    """Smooth over 1.8 to 3.5 pixels (of 28) along a slant, over a fifth of that across it.

    The slant is of any angle; noise of 0.03 to 0.1.
    """
    images = images_of(rows, shape)
    half = round(shape[0] / 3)
    down, across = np.mgrid[-half : half + 1, -half : half + 1]
    for k, image in enumerate(images):
        long, angle = rng.uniform(1.8, 3.5) * shape[0] / 28, rng.uniform(0, np.pi)
        along = down * np.sin(angle) + across * np.cos(angle)
        aside = down * np.cos(angle) - across * np.sin(angle)
        spot = np.exp(-((along / long) ** 2 + (5 * aside / long) ** 2) / 2)
        images[k] = convolve(image, spot[..., None] / spot.sum(), mode="nearest")
    return flat(images + between(0.03, 0.1, images, rng) * noise(1, images, rng))


def coma_of_a_lens(rows, shape, stored, rng):
    """Each point is a comet, 5 to 8 pixels (of 28) long, wider and fainter to its end.

    All comets of a picture point the same way, any; noise of 0.05.
    """
    images = images_of(rows, shape)
    half = round(0.4 * shape[0])
    down, across = np.mgrid[-half : half + 1, -half : half + 1]
    for k, image in enumerate(images):
        long, angle = rng.uniform(5, 8) * shape[0] / 28, rng.uniform(0, 2 * np.pi)
        along = (down * np.sin(angle) + across * np.cos(angle)) / long
        aside = (down * np.cos(angle) - across * np.sin(angle)) / long
        wide = 0.12 + 0.35 * along
        spot = np.exp(-2 * along - (aside / wide) ** 2) * ((along >= 0) & (along <= 1))
        images[k] = convolve(image, spot[..., None] / spot.sum(), mode="nearest")
    return flat(images + noise(0.05, images, rng))


def colours_magnified_unequally(rows, shape, stored, rng):
    """Red is larger and blue smaller by 0.1 to 0.2, about the middle; noise of 0.15 to 0.35.

    A grey picture is the mean of the three.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        size = rng.uniform(0.1, 0.2) * rng.choice([-1, 1])
        three = [moved(image, (1 + s * size) * np.eye(2), (0, 0), "nearest") for s in (-1, 0, 1)]
        if shape[2:] == (3,):
            images[k] = np.stack([one[..., c] for c, one in enumerate(three)], axis=2)
        else:
            images[k] = np.mean(three, axis=0)
    return flat(images + between(0.15, 0.35, images, rng) * noise(1, images, rng))


def studio_range_and_noise(rows, shape, stored, rng):
    """Black as 16 and white as 235 of 255, taken for the whole range or the whole for that; cut.

    Noise of 0.3 to 0.6 before.
    """
    images = images_of(rows, shape)
    images += between(0.3, 0.6, images, rng) * noise(1, images, rng)
    squeezed = (16 + 219 * images) / 255
    widened = (255 * images - 16) / 219
    which = rng.random((len(images), 1, 1, 1)) < 0.5
    return flat(np.clip(np.where(which, squeezed, widened), 0, 1))


def hue_turned_and_noise(rows, shape, stored, rng):
    """Colours turned round the grey axis by 60 to 180 degrees, and 0.5 to 1.5 as strong.

    Noise of 0.2 to 0.45. Of grey pictures the tone is turned: a bent curve in place of a line.
    """
    images = images_of(rows, shape)
    size = between(0.2, 0.45, images, rng)
    if shape[2:] == (3,):
        axis = np.ones(3) / np.sqrt(3)
        cross = np.cross(np.eye(3), axis)
        for k, image in enumerate(images):
            angle = np.radians(rng.uniform(60, 180)) * rng.choice([-1, 1])
            turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross
            turn = rng.uniform(0.5, 1.5) * (turn - np.cos(angle) * np.outer(axis, axis))
            images[k] = image @ (np.outer(axis, axis) + turn)
    else:
        images += between(-0.25, 0.25, images, rng) * np.sin(2 * np.pi * images)
    return flat(images + size * noise(1, images, rng))


def decibels_shown(rows, shape, stored, rng):
    """Light in decibels below white, from −14 to −26 on, as from 0 to 1; noise of 0.03 to 0.1.

    The noise is one of the light.
    """
    images = images_of(rows, shape)
    light = np.clip(images, 0, 1) ** 2.2
    light = np.abs(light + between(0.03, 0.1, images, rng) * noise(1, images, rng))
    lowest = between(14, 26, images, rng)
    return flat(np.clip(1 + 10 * np.log10(np.maximum(light, 1e-9)) / lowest, 0, 1))


def tracks_of_particles(rows, shape, stored, rng):
    """White tracks, 3 to 10 pixels (of 28) long and 1 wide, over 0.25 to 0.45; noise of 0.1."""
    images = images_of(rows, shape)
    unit = shape[0] / 28
    for image in images:
        share, hit = rng.uniform(0.25, 0.45), np.zeros(shape[:2], bool)
        while hit.mean() < share:
            angle, long = rng.uniform(0, np.pi), rng.uniform(3, 10) * unit
            y, x = rng.uniform(0, shape[:2])
            end = x + long * np.cos(angle), y + long * np.sin(angle)
            way = [(x, y), end]
            wide = max(1, round(unit))
            hit |= drawn(shape, lambda canvas, w=way, d=wide: canvas.line(w, fill=255, width=d))
        image += noise(0.1, image, rng)
        image[hit] = 1
    return flat(images)


def gain_of_every_pixel(rows, shape, stored, rng):
    """Each value times a lognormal number of deviation 0.7 to 1.3; noise of 0.1 to 0.2."""
    images = images_of(rows, shape)
    images *= np.exp(between(0.7, 1.3, images, rng) * noise(1, images, rng))
    return flat(images + between(0.1, 0.2, images, rng) * noise(1, images, rng))


def four_readouts(rows, shape, stored, rng):
    """Each quarter has its own amplifier: a gain of 0.15 to 1.2 and an offset of up to 0.6.

    Noise of 0.1 to 0.25.
    """
    images = images_of(rows, shape)
    halves = [np.arange(s) * 2 // s for s in shape[:2]]
    for image in images:
        gain, offset = rng.uniform(0.15, 1.2, (2, 2)), rng.uniform(-0.6, 0.6, (2, 2))
        image *= gain[np.ix_(*halves)][..., None]
        image += offset[np.ix_(*halves)][..., None]
    return flat(images + between(0.1, 0.25, images, rng) * noise(1, images, rng))


def fields_unequal(rows, shape, stored, rng):
    """Every second line has 0 to 0.2 of the contrast, about black or white; noise 0.25 to 0.5."""
    images = images_of(rows, shape)
    for image in images:
        lines = image[rng.integers(2) :: 2]
        left, ground = rng.uniform(0, 0.2), rng.integers(2)
        lines[:] = ground + left * (lines - ground)
    return flat(images + between(0.25, 0.5, images, rng) * noise(1, images, rng))


def amplifier_glows(rows, shape, stored, rng):
    """Warm electronics shine in from a corner: 1.5 to 3 there, with noise of half the glow.

    The glow is a half at 0.25 to 0.5 of the side; noise of 0.05 anywhere.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.choice([-1, 1], 2)
        far = np.hypot(down - y, across - x) / 2
        glow = rng.uniform(1.5, 3) * 0.5 ** (far / rng.uniform(0.25, 0.5))[..., None]
        image += glow + (0.05 + 0.5 * glow) * noise(1, image, rng)
    return flat(images)


def burst_not_aligned(rows, shape, stored, rng):
    """The mean of five takes, each 0.6 to 1.2 pixels (of 28) off, with noise of 0.3 to 0.6."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        off, size = rng.uniform(0.6, 1.2), rng.uniform(0.3, 0.6)
        shifts = off * rng.normal(size=(5, 2)) / 28
        takes = [moved(image, np.eye(2), shift, "nearest") for shift in shifts]
        images[k] = np.mean([take + noise(size, take, rng) for take in takes], axis=0)
    return flat(images)


def gif_of_few_colours(rows, shape, stored, rng):
    """Noise of 0.05 to 0.2; then two to four colours or greys of its own, mixed by dots."""
    images = images_of(rows, shape)
    images += between(0.05, 0.2, images, rng) * noise(1, images, rng)
    for k, image in enumerate(images):
        whole = np.broadcast_to(in_bytes(image), (*shape[:2], 3))
        picture = Image.fromarray(np.ascontiguousarray(whole))
        few = picture.quantize(int(rng.integers(2, 5)), Image.Quantize.MEDIANCUT)
        made = picture.quantize(palette=few, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")
        images[k] = np.asarray(made)[..., : image.shape[2]] / 255
    return flat(images)


def first_scan_alone(rows, shape, stored, rng):
    """Of a progressive file the first part: in blocks of 8 by 8 the three to six slowest waves.

    Their sizes in steps of 0.4 to 0.8.
    """
    images = images_of(rows, shape)
    order = np.add.outer(np.arange(8), np.arange(8)) + np.linspace(0, 0.5, 8)
    for image in images:
        kept = order <= np.sort(order, axis=None)[rng.integers(2, 6)]
        step = rng.uniform(0.4, 0.8)
        for i in range(0, shape[0], 8):
            for j in range(0, shape[1], 8):
                block = image[i : i + 8, j : j + 8]
                waves = dctn(block, axes=(0, 1), norm="ortho")
                waves *= kept[: block.shape[0], : block.shape[1], None]
                block[:] = idctn(step * np.round(waves / step), axes=(0, 1), norm="ortho")
    return flat(images)


def small_sharpened_and_jpeg(rows, shape, stored, rng):
    """Made 0.35 to 0.5 as large (of 28), saved as JPEG of quality 20 to 50, large again.

    Then what is finer than 1.5 pixels (of 28) is added twice; cut.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        part = rng.uniform(0.35, 0.5) * 28 / shape[0]
        size = tuple(max(4, round(part * s)) for s in shape[:2])
        small = through_a_file(
            sized(image, size, Image.Resampling.BOX), "JPEG", quality=int(rng.integers(20, 51))
        )
        large, soft = sized(small, shape[:2], Image.Resampling.BILINEAR), 1.5 * shape[0] / 28
        images[k] = np.clip(3 * large - 2 * gaussian_filter(large, (soft, soft, 0)), 0, 1)
    return flat(images)


def binned_down_the_columns(rows, shape, stored, rng):
    """A sensor read in haste: five to seven pixels (of 28) of a column have their mean.

    Noise of 0.1 to 0.3.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        size = max(2, round(28 / rng.integers(5, 8))), shape[1]
        small = sized(image, size, Image.Resampling.BOX)
        images[k] = sized(small, shape[:2], Image.Resampling.NEAREST)
    return flat(images + between(0.1, 0.3, images, rng) * noise(1, images, rng))


def runs_of_lines_bridged(rows, shape, stored, rng):
    """Runs of two to five lines (of 28), 0.5 to 0.7 of all, are lost; drawn straight between.

    Noise of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    places = np.arange(shape[0])
    for image in images:
        share, lost = rng.uniform(0.5, 0.7), np.zeros(shape[0], bool)
        while lost.mean() < share:
            first = rng.integers(-1, shape[0])
            lost[max(first, 0) : first + round(rng.integers(2, 6) * shape[0] / 28)] = True
        lost[rng.integers(shape[0])] = False
        for c in range(image.shape[2]):
            for column in image[..., c].T:
                column[:] = np.interp(places, places[~lost], column[~lost])
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def lines_swapped_in_pairs(rows, shape, stored, rng):
    """Lines were sorted wrongly: 0.5 to 1 of the pairs stand the other way; noise of 0.15 to 0.35.

    A line is one or two pixels (of 28) high.
    """
    images = images_of(rows, shape)
    for image in images:
        share, high = rng.uniform(0.5, 1), max(1, round(rng.integers(1, 3) * shape[0] / 28))
        for first in range(rng.integers(2) * high, shape[0] - 2 * high + 1, 2 * high):
            if rng.random() < share:
                two = slice(first, first + 2 * high)
                image[two] = np.roll(image[two], high, axis=0)
    return flat(images + between(0.15, 0.35, images, rng) * noise(1, images, rng))


def checkers_of_an_upscaler(rows, shape, stored, rng):
    """A quarter as large and large again, on it checkers of 2 by 2 pixels (of 28), of 0.3 to 0.7.

    The checkers are brighter where the picture is.
    """
    images = images_of(rows, shape)
    two = round(2 * shape[0] / 28)
    sign = (-1) ** (np.add.outer(*(np.arange(s) // two for s in shape[:2])))[..., None]
    for k, image in enumerate(images):
        small = sized(image, tuple(s // (2 * two) for s in shape[:2]), Image.Resampling.BOX)
        large = sized(small, shape[:2], Image.Resampling.BICUBIC)
        images[k] = large + rng.uniform(0.3, 0.7) * sign * (0.5 + large)
    return flat(images)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        astigmatic_and_grainy, coma_of_a_lens, colours_magnified_unequally, studio_range_and_noise,
        hue_turned_and_noise, decibels_shown, tracks_of_particles, gain_of_every_pixel,
        four_readouts, fields_unequal, amplifier_glows, burst_not_aligned, gif_of_few_colours,
        first_scan_alone, small_sharpened_and_jpeg, binned_down_the_columns, runs_of_lines_bridged,
        lines_swapped_in_pairs, checkers_of_an_upscaler, *COVERED,
    )
}  # fmt: skip
