"""An eighth set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`: here noise, tones, files, lost pixels and what moves;
in `spent_8_covered.py` what covers a part, prints and photographs, and mixtures with pictures that
are not stored; those for rows of any numbers are in `spent_8_vectors.py`. Each strength is drawn
for each cue. Those that move what is shown are `shifted_and_noisy`, `cropped_and_darkened`,
`turned_and_blurred`, `mirrored_and_noisy`, `on_its_side_and_dark`, `stretched_one_way`,
`peppered_and_shifted`, `smaller_on_grey`, `printed_and_scanned`, `photographed_from_the_side`, and
of vectors `clock_fast_and_late`, `neighbours_swapped`.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, median_filter, uniform_filter

from .spent_8_covered import COVERED
from .spent_8_vectors import VECTORS
from .views import (
    between,
    flat,
    images_of,
    in_bytes,
    moved,
    noise,
    sized,
    through_a_file,
    turned,
)

__all__ = ["IMAGES", "VECTORS"]


def _in_colour(image):
    """Return an image of three channels, equal ones of a grey image."""
    return np.repeat(image, 3 // image.shape[2], axis=2)


def shifted_and_noisy(rows, shape, stored, rng):
    """Moved by 0.04 to 0.13 of each side, 0 where nothing was; noise of 0.1 to 0.3."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        shift = rng.choice([-1, 1], 2) * rng.uniform(0.04, 0.13, 2)
        images[k] = moved(image, np.eye(2), shift, "constant")
    return flat(images + between(0.1, 0.3, images, rng) * noise(1, images, rng))


def cropped_and_darkened(rows, shape, stored, rng):
    """A part of 0.75 to 0.92 of the sides fills the picture; 0.3 to 0.6 of the light."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        part = rng.uniform(0.75, 0.92)
        shift = rng.uniform(-0.5, 0.5, 2) * (1 - part)
        images[k] = moved(image, part * np.eye(2), shift, "nearest")
    images *= between(0.3, 0.6, images, rng)
    return flat(images + noise(0.02, images, rng))


def turned_and_blurred(rows, shape, stored, rng):
    """Turned by 6 to 25 degrees, then smooth over 0.6 to 1.2 pixels (of 28)."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        angle = np.radians(rng.uniform(6, 25)) * rng.choice([-1, 1])
        soft = rng.uniform(0.6, 1.2) * shape[0] / 28
        images[k] = gaussian_filter(moved(image, turned(angle), (0, 0), "nearest"), (soft, soft, 0))
    return flat(images)


def mirrored_and_noisy(rows, shape, stored, rng):
    """Left is right, with noise of 0.1 to 0.25."""
    images = images_of(rows, shape)[:, :, ::-1]
    return flat(images + between(0.1, 0.25, images, rng) * noise(1, images, rng))


def on_its_side_and_dark(rows, shape, stored, rng):
    """A quarter turn (oblong ones half a turn), at 0.4 to 0.7 of the light; noise of 0.05."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        turns = rng.choice([1, 3]) if shape[0] == shape[1] else 2
        images[k] = np.rot90(image, turns)
    return flat(between(0.4, 0.7, images, rng) * images + noise(0.05, images, rng))


def stretched_one_way(rows, shape, stored, rng):
    """Longer by 1.15 to 1.4 down or across, what is beyond is cut off; noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        matrix, axis = np.eye(2), rng.integers(2)
        matrix[axis, axis] = 1 / rng.uniform(1.15, 1.4)
        images[k] = moved(image, matrix, (0, 0), "nearest")
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def smaller_on_grey(rows, shape, stored, rng):
    """Shown at 0.65 to 0.85 of its size, anywhere that it fits, on one grey; noise of 0.05."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        part, grey = rng.uniform(0.65, 0.85), rng.uniform(0.2, 0.8)
        shift = rng.uniform(-0.5, 0.5, 2) * (1 - part) / part
        seen = moved(image - grey, np.eye(2) / part, shift, "constant")
        images[k] = grey + seen
    return flat(images + noise(0.05, images, rng))


def peppered_and_shifted(rows, shape, stored, rng):
    """Moved by up to 0.08 of each side, the edge goes on; 0.1 to 0.25 of pixels are 0 or 1."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        images[k] = moved(image, np.eye(2), rng.uniform(-0.08, 0.08, 2), "nearest")
    hit = rng.random(images.shape) < between(0.1, 0.25, images, rng)
    return flat(np.where(hit, rng.integers(0, 2, images.shape), images))


def jpeg_of_a_smaller_one(rows, shape, stored, rng):
    """Made 0.45 to 0.75 of the size, saved as JPEG of quality 15 to 40, made large again."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        part = rng.uniform(0.45, 0.75)
        size = max(4, round(part * shape[0])), max(4, round(part * shape[1]))
        small = sized(image, size, Image.Resampling.BOX)
        coded = through_a_file(small, "JPEG", quality=int(rng.integers(15, 41)))
        images[k] = sized(coded, shape[:2], Image.Resampling.BICUBIC)
    return flat(images)


def webp_twice(rows, shape, stored, rng):
    """Noise of 0.05 to 0.15, then saved as WebP of quality 1 to 20, twice."""
    images = images_of(rows, shape)
    images += between(0.05, 0.15, images, rng) * noise(1, images, rng)
    for k, image in enumerate(images):
        colour = _in_colour(image)
        for _ in range(2):
            colour = through_a_file(colour, "WEBP", quality=int(rng.integers(1, 21)))
        images[k] = colour if image.shape[2] == 3 else colour.mean(axis=2, keepdims=True)
    return flat(images)


def few_colours(rows, shape, stored, rng):
    """Three to six colours of its own; noise of 0.02 to 0.1 first."""
    images = images_of(rows, shape)
    images += between(0.02, 0.1, images, rng) * noise(1, images, rng)
    for k, image in enumerate(images):
        whole = in_bytes(_in_colour(image))
        few = Image.fromarray(whole).quantize(int(rng.integers(3, 7))).convert("RGB")
        images[k] = np.asarray(few)[..., : image.shape[2]] / 255
    return flat(images)


def pixelated_and_noisy(rows, shape, stored, rng):
    """Blocks of two or three pixels (of 28) are one grey or colour; noise of 0.05 to 0.2."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        size = rng.integers(2, 4)
        few = tuple(round(s / size * 28 / shape[0]) for s in shape[:2])
        small = sized(image, few, Image.Resampling.BOX)
        images[k] = sized(small, shape[:2], Image.Resampling.NEAREST)
    return flat(images + between(0.05, 0.2, images, rng) * noise(1, images, rng))


def noisy_then_median(rows, shape, stored, rng):
    """Noise of 0.2 to 0.4, cut to [0, 1], then the median of three by three pixels."""
    images = images_of(rows, shape)
    images += between(0.2, 0.4, images, rng) * noise(1, images, rng)
    return flat(median_filter(np.clip(images, 0, 1), (1, 3, 3, 1)))


def boxes_of_blur_and_noise(rows, shape, stored, rng):
    """The mean over a square of three to five pixels (of 28); noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        size = max(2, round(rng.uniform(3, 5) * shape[0] / 28))
        images[k] = uniform_filter(image, (size, size, 1))
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def blurred_one_way(rows, shape, stored, rng):
    """Smooth over 1.5 to 3 pixels (of 28) down or across, and hardly the other way; noise 0.03."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        soft = np.array([rng.uniform(1.5, 3), 0.3])[rng.permutation(2)] * shape[0] / 28
        images[k] = gaussian_filter(image, (*soft, 0))
    return flat(images + noise(0.03, images, rng))


def long_tailed_noise(rows, shape, stored, rng):
    """Student's noise of two degrees of freedom, of scale 0.08 to 0.2, not cut."""
    drawn = rng.standard_t(2, rows.shape)
    return rows + rng.uniform(0.08, 0.2, (len(rows), 1)) * drawn


def film_grain(rows, shape, stored, rng):
    """Noise smooth over 0.6 pixels, of 0.2 to 0.45 in mid tones and a fifth of that at 0 and 1."""
    images = np.clip(images_of(rows, shape), 0, 1)
    fine = gaussian_filter(noise(1, images, rng), (0, 0.6, 0.6, 0))
    fine /= fine.std()
    tone = 0.2 + 1.6 * np.sqrt(images * (1 - images))
    return flat(images + between(0.2, 0.45, images, rng) * tone * fine)


def few_photons_stretched(rows, shape, stored, rng):
    """Six to twenty photons where it is 1, one to two more anywhere; stretched to [0, 1]."""
    images = images_of(rows, shape)
    light = between(6, 20, images, rng)
    made = rng.poisson(light * np.clip(images, 0, 1) + between(1, 2, images, rng)).astype(float)
    low, high = (f(made, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    return flat((made - low) / np.maximum(high - low, 1))


def faint_and_rounded(rows, shape, stored, rng):
    """Between 0.1 and 0.3 of the contrast about any grey, noise of 0.03, rounded to twentieths."""
    images = images_of(rows, shape)
    made = between(0.1, 0.3, images, rng) * (images - 0.5) + between(0.2, 0.8, images, rng)
    return flat(np.round(20 * (made + noise(0.03, images, rng))) / 20)


def too_hard(rows, shape, stored, rng):
    """A steep tone curve (a logistic of slope 8 to 15 about 0.3 to 0.6); noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    slope, about = between(8, 15, images, rng), between(0.3, 0.6, images, rng)
    made = 1 / (1 + np.exp(-slope * (images - about)))
    return flat(made + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def too_dark_and_clipped(rows, shape, stored, rng):
    """Between 0.15 and 0.35 is taken off, and what is below 0 is cut; noise of 0.05 first."""
    images = images_of(rows, shape)
    return flat(np.maximum(images + noise(0.05, images, rng) - between(0.15, 0.35, images, rng), 0))


def colour_jitter(rows, shape, stored, rng):
    """Brightness and contrast by 0.5 to 1.5, saturation by 0.2 to 1.6; channels by 0.8 to 1.2."""
    images = images_of(rows, shape)
    grey = images.mean(axis=3, keepdims=True)
    images = grey + between(0.2, 1.6, images, rng) * (images - grey)
    images *= rng.uniform(0.8, 1.2, (len(images), 1, 1, images.shape[3]))
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    images = mean + between(0.5, 1.5, images, rng) * (images - mean)
    images *= between(0.5, 1.5, images, rng)
    return flat(np.clip(images + noise(0.02, images, rng), 0, 1))


def dead_columns_repaired(rows, shape, stored, rng):
    """Of the columns 0.3 to 0.55 are dead and show what is left of them; noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    for image in images:
        dead = rng.random(shape[1]) < rng.uniform(0.3, 0.55)
        for j in np.nonzero(dead)[0]:
            image[:, j] = image[:, max(j - 1, 0)]
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def lost_filled_with_mean(rows, shape, stored, rng):
    """Of the pixels 0.5 to 0.8 are lost, and show the mean of those that are left; noise 0.05."""
    images = images_of(rows, shape)
    images += noise(0.05, images, rng)
    for image in images:
        lost = rng.random(shape[:2]) < rng.uniform(0.5, 0.8)
        image[lost] = image[~lost].mean(axis=0)
    return flat(images)


def lost_filled_with_last(rows, shape, stored, rng):
    """Of the pixels 0.4 to 0.65 are lost, and show the last along their line that is not."""
    images = images_of(rows, shape)
    for image in images:
        kept = rng.random(shape[:2]) >= rng.uniform(0.4, 0.65)
        kept[:, 0] = True
        last = np.maximum.accumulate(np.where(kept, np.arange(shape[1]), 0), axis=1)
        image[:] = np.take_along_axis(image, last[..., None], axis=1)
    return flat(images + noise(0.05, images, rng))


def lower_part_lost_and_blurred(rows, shape, stored, rng):
    """The lowest 0.3 to 0.5 is 0; the rest is smooth over 0.7 to 1.2 pixels (of 28)."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        soft = rng.uniform(0.7, 1.2) * shape[0] / 28
        images[k] = gaussian_filter(image, (soft, soft, 0))
        images[k, round(shape[0] * rng.uniform(0.5, 0.7)) :] = 0
    return flat(images)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        shifted_and_noisy, cropped_and_darkened, turned_and_blurred, mirrored_and_noisy,
        on_its_side_and_dark, stretched_one_way, smaller_on_grey, peppered_and_shifted,
        jpeg_of_a_smaller_one, webp_twice, few_colours, pixelated_and_noisy, noisy_then_median,
        boxes_of_blur_and_noise, blurred_one_way, long_tailed_noise, film_grain,
        few_photons_stretched, faint_and_rounded, too_hard, too_dark_and_clipped, colour_jitter,
        dead_columns_repaired, lost_filled_with_mean, lost_filled_with_last,
        lower_part_lost_and_blurred,
        *COVERED,
    )
}  # fmt: skip
