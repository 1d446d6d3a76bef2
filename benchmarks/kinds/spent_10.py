"""A tenth set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`: here cameras, sensors, files and prints; in
`spent_10_covered.py` what covers a part, what moves, and mixtures; those for rows of any numbers
are in `spent_10_vectors.py`. About half of them are one damage and half two at a time, each
strength drawn for each cue. Light is the value to the power 2.2. Those that move what is shown are
`two_takes_apart`, `stitched_badly`, `corners_misplaced`, `registered_badly`,
`streaks_and_fed_askew`, `mirrored_and_overexposed`, and of vectors `lagged_copy_averaged_in`,
`run_slipped_by_one`, `columns_swapped_in_the_file`.
"""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation, convolve, gaussian_filter
from scipy.signal import wiener

from .spent_10_covered import COVERED
from .spent_10_vectors import VECTORS
from .views import between, flat, grid, images_of, in_bytes, noise, sized, through_a_file

__all__ = ["IMAGES", "VECTORS"]


def _light(images):
    """Return light, of values from 0 to 1."""
    return np.clip(images, 0, 1) ** 2.2


def _value(light):
    """Return values from 0 to 1, of light, cut where there is too much."""
    return np.clip(light, 0, 1) ** (1 / 2.2)


def few_photons_counted(rows, shape, stored, rng):
    """White is 4 to 15 photons, counted with an error of 0.5 to 1.5; the count's tone curve."""
    images = images_of(rows, shape)
    white = between(4, 15, images, rng)
    counts = rng.poisson(white * _light(images)).astype(float)
    counts += between(0.5, 1.5, images, rng) * noise(1, images, rng)
    return flat(_value(counts / white))


def underexposed_and_lifted(rows, shape, stored, rng):
    """Three to five stops too dark, read with noise of 0.01 to 0.03 of the light, and lifted again.

    Rounded to 8 bits of light before that.
    """
    images = images_of(rows, shape)
    gain = 2 ** between(3, 5, images, rng)
    read = _light(images) / gain + between(0.01, 0.03, images, rng) * noise(1, images, rng)
    return flat(_value(gain * np.round(255 * read) / 255))


def stops_too_bright(rows, shape, stored, rng):
    """Between 0.7 and 2 stops more light than white holds, cut there."""
    images = images_of(rows, shape)
    return flat(_value(2 ** between(0.7, 2, images, rng) * _light(images)))


def gamma_forgotten_and_noise(rows, shape, stored, rng):
    """The tone curve once too often or not at all; noise of 0.08 to 0.2."""
    images = images_of(rows, shape)
    power = 2.2 ** rng.choice([-1, 1], (len(images), 1, 1, 1))
    made = np.clip(images, 0, 1) ** power
    return flat(made + between(0.08, 0.2, images, rng) * noise(1, images, rng))


def out_of_focus(rows, shape, stored, rng):
    """Each point of light is a disc of 1.5 to 2.6 pixels' radius (of 28)."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        radius = rng.uniform(1.5, 2.6) * shape[0] / 28
        half = int(np.ceil(radius))
        down, across = np.mgrid[-half : half + 1, -half : half + 1]
        disc = np.clip(radius + 0.5 - np.hypot(down, across), 0, 1)
        images[k] = convolve(_light(image), disc[..., None] / disc.sum(), mode="nearest")
    return flat(_value(images))


def cheap_lens(rows, shape, stored, rng):
    """Ever darker, to 0.2 to 0.5 in the corners, and softer, to 1.5 to 2.5 pixels (of 28) there."""
    images = images_of(rows, shape)
    far = (np.hypot(*grid(shape)) / np.sqrt(2))[..., None]
    for k, image in enumerate(images):
        soft = rng.uniform(1.5, 2.5) * shape[0] / 28
        part = np.clip(1.3 * far, 0, 1)
        image = (1 - part) * image + part * gaussian_filter(image, (soft, soft, 0))
        images[k] = image * (1 - rng.uniform(0.5, 0.8) * far**2)
    return flat(images)


def dead_clusters(rows, shape, stored, rng):
    """Clusters of dead pixels, black or white, 0.3 to 0.55 of the sensor."""
    images = images_of(rows, shape)
    for image in images:
        share, dead = rng.uniform(0.3, 0.55), np.zeros(shape[:2], bool)
        while dead.mean() < share:
            some = rng.random(shape[:2]) < 0.004
            some = binary_dilation(some, iterations=int(rng.integers(1, 3)))
            some &= ~dead
            image[some] = rng.integers(2)
            dead |= some
    return flat(images)


def four_look_speckle(rows, shape, stored, rng):
    """Speckle of a radar: each pixel times a gamma number of mean 1 and two to five looks."""
    images = images_of(rows, shape)
    looks = np.broadcast_to(rng.integers(2, 6, (len(images), 1, 1, 1)), images.shape)
    return flat(images * rng.gamma(looks, 1 / looks))


def jpeg_2000(rows, shape, stored, rng):
    """A file of JPEG 2000 of 17 to 24 decibels, signal over error."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        images[k] = through_a_file(
            image,
            "JPEG2000",
            quality_mode="dB",
            quality_layers=[rng.uniform(17, 24)],
            irreversible=True,
            num_resolutions=3,
        )
    return flat(images)


def download_broken_off(rows, shape, stored, rng):
    """A JPEG file of quality 60 to 85, of whose picture 0.35 to 0.75 was read; grey below."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        whole, buffer = in_bytes(image), io.BytesIO()
        picture = Image.fromarray(whole[..., 0] if image.shape[2] == 1 else whole)
        picture.save(buffer, "JPEG", quality=int(rng.integers(60, 86)))
        file = buffer.getvalue()
        begin = file.index(b"\xff\xda") + 12  # the picture itself, behind its head
        end = begin + round(rng.uniform(0.35, 0.75) * (len(file) - 2 - begin))
        part = file[:end] + b"\xff\xd9"
        images[k] = np.asarray(Image.open(io.BytesIO(part))).reshape(image.shape) / 255
    return flat(images)


def thumbnail_enlarged(rows, shape, stored, rng):
    """Made 0.28 to 0.42 as large, as photo programs do, and large again."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        part = rng.uniform(0.28, 0.42) * 28 / shape[0]
        small = sized(
            image, tuple(max(4, round(part * s)) for s in shape[:2]), Image.Resampling.LANCZOS
        )
        images[k] = sized(np.clip(small, 0, 1), shape[:2], Image.Resampling.BICUBIC)
    return flat(images)


def sharpened_too_much(rows, shape, stored, rng):
    """Noise of 0.1 to 0.2; then 3 to 6 times what is finer than 1 pixel (of 28) added; cut."""
    images = images_of(rows, shape)
    images += between(0.1, 0.2, images, rng) * noise(1, images, rng)
    soft = shape[0] / 28
    fine = images - gaussian_filter(images, (0, soft, soft, 0))
    return flat(np.clip(images + between(3, 6, images, rng) * fine, 0, 1))


def cleaned_by_wiener(rows, shape, stored, rng):
    """Noise of 0.2 to 0.4, cut to [0, 1]; then Wiener's filter over 5 by 5 pixels."""
    images = images_of(rows, shape)
    images += between(0.2, 0.4, images, rng) * noise(1, images, rng)
    for image in np.clip(images, 0, 1, out=images):
        for c in range(image.shape[2]):
            image[..., c] = wiener(image[..., c], 5)
    return flat(images)


def grey_copy_and_jpeg(rows, shape, stored, rng):
    """As a grey picture, in a JPEG file of quality 2 to 8."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        grey = (image @ (np.array([0.3, 0.59, 0.11]) if image.shape[2] == 3 else [1.0]))[..., None]
        images[k] = through_a_file(grey, "JPEG", quality=int(rng.integers(2, 9)))
    return flat(images)


def weak_reception(rows, shape, stored, rng):
    """Snow of 0.2 to 0.4; each line starts up to 0.7 to 1.5 pixels (of 28) early or late."""
    images = images_of(rows, shape)
    places = np.arange(shape[1])
    for image in images:
        most = rng.uniform(0.7, 1.5) * shape[0] / 28
        for line, late in zip(image, rng.uniform(-most, most, shape[0]), strict=True):
            for c in range(image.shape[2]):
                line[:, c] = np.interp(places + late, places, line[:, c].copy())
        image += rng.uniform(0.2, 0.4) * noise(1, image, rng)
    return flat(images)


def blocks_of_another_frame(rows, shape, stored, rng):
    """Of 6 by 6 blocks 0.25 to 0.45 are another stored row's; JPEG of quality 15 to 40."""
    images = images_of(rows, shape)
    others = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)
    i, j = (np.arange(s) * 6 // s for s in shape[:2])
    for k, (image, other) in enumerate(zip(images, others, strict=True)):
        lost = (rng.random((6, 6)) < rng.uniform(0.25, 0.45))[np.ix_(i, j)][..., None]
        mixed = np.where(lost, other, image)
        images[k] = through_a_file(mixed, "JPEG", quality=int(rng.integers(15, 41)))
    return flat(images)


def nozzles_clogged(rows, shape, stored, rng):
    """Of the printed lines 0.4 to 0.6 are not inked: white paper, in bands of one to three."""
    images = images_of(rows, shape)
    for image in images:
        share, lost = rng.uniform(0.4, 0.6), np.zeros(shape[0], bool)
        while lost.mean() < share:
            first = rng.integers(shape[0])
            lost[first : first + rng.integers(1, 4)] = True
        image[lost] = 1
    return flat(images)


def toner_low(rows, shape, stored, rng):
    """Ink fades towards white: waves across, to 0.05 to 0.35 of it in the palest stripe."""
    images = images_of(rows, shape)
    across = np.linspace(0, 1, shape[1])[:, None]
    for image in images:
        wave = 0.5 + 0.5 * np.sin(2 * np.pi * (rng.uniform(1, 2.5) * across + rng.random()))
        ink = rng.uniform(0.05, 0.35) + 0.65 * wave
        image[:] = 1 - ink * (1 - image)
    return flat(images)


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        few_photons_counted, underexposed_and_lifted, stops_too_bright, gamma_forgotten_and_noise,
        out_of_focus, cheap_lens, dead_clusters, four_look_speckle, jpeg_2000,
        download_broken_off, thumbnail_enlarged, sharpened_too_much, cleaned_by_wiener,
        grey_copy_and_jpeg, weak_reception, blocks_of_another_frame, nozzles_clogged, toner_low,
        *COVERED,
    )
}  # fmt: skip
