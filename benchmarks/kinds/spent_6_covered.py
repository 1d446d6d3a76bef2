"""The kinds of `spent_6.py` by what hides a part of an image, or is mixed with it.

The functions are as those of `held_out.py`.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import convolve

from .views import flat, grain, grid, images_of, noise, smooth


def _others(rows, stored, rng):
    return stored[rng.integers(len(stored), size=len(rows))]


def taped_crosswise(rows, shape, stored, rng):
    """Two tapes, each a sixth of the side wide and of a grey of its own, from corner to corner."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        for sign in rng.permutation([-1, 1]):
            image[np.abs(down - sign * across) < 1 / 6 * np.sqrt(2)] = rng.uniform(0.2, 1)
    return flat(grain(images, rng))


def dog_eared(rows, shape, stored, rng):
    """One corner, half of each side, is folded in: blank paper, and black where it was; grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.choice([-1, 1], 2)
        image[(y * down > 0) & (x * across > 0)] = 0.85
        image[y * down + x * across > 1] = 0
    return flat(grain(images, rng))


def watermarked(rows, shape, stored, rng):
    """Half-transparent white letters all over, aslant; then JPEG of quality 25."""
    images = images_of(rows, shape)
    font, side = ImageFont.load_default(0.3 * shape[0]), 2 * max(shape[:2])
    for k, image in enumerate(images):
        canvas = Image.new("L", (side, side))
        for line in range(8):
            letters = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUVXYZ"), 12))
            place = (-0.1 * shape[1] * (line % 2), 0.26 * line * shape[0])
            ImageDraw.Draw(canvas).text(place, letters, fill=255, font=font)
        y, x = (side - s for s in shape[:2])
        turned = canvas.rotate(25).crop((x // 2, y // 2, x // 2 + shape[1], y // 2 + shape[0]))
        ink = 0.45 * np.asarray(turned)[..., None] / 255
        marked = np.clip(image * (1 - ink) + ink, 0, 1)
        file = BytesIO()
        pixels = np.round(255 * marked).astype(np.uint8)
        Image.fromarray(pixels.squeeze()).save(file, "JPEG", quality=25)
        images[k] = np.asarray(Image.open(file)).reshape(image.shape) / 255
    return flat(images)


def chessboard(rows, shape, stored, rng):
    """Every second square of six by six is hidden, by one grey of the cue's own; grain."""
    images = images_of(rows, shape)
    i, j = (np.arange(s) * 6 // s for s in shape[:2])
    for image in images:
        image[np.add.outer(i, j) % 2 == rng.integers(2)] = rng.random()
    return flat(grain(images, rng))


def code_stuck_on(rows, shape, stored, rng):
    """A label of 0.6 of each side, anywhere: a code of ten by ten cells, black or white."""
    images = images_of(rows, shape)
    size = [max(1, round(0.6 * s)) for s in shape[:2]]
    i, j = (np.arange(s) * 10 // s for s in size)
    for image in images:
        y, x = (rng.integers(s - b + 1) for s, b in zip(shape[:2], size, strict=True))
        cells = rng.integers(0, 2, (10, 10))
        image[y : y + size[0], x : x + size[1]] = cells[np.ix_(i, j)][..., None]
    return flat(grain(images, rng))


def behind_a_fan(rows, shape, stored, rng):
    """Three dark blades of 52 degrees each turn about a place near the middle; grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        (y, x), turn = rng.uniform(-0.2, 0.2, 2), rng.uniform(0, 2 * np.pi)
        angle = (np.degrees(np.arctan2(down - y, across - x) + turn)) % 120
        image[(angle < 52) | (np.hypot(down - y, across - x) < 0.15)] = 0.25
    return flat(grain(images, rng))


def spilt_ink(rows, shape, stored, rng):
    """One blot of ragged edge near the middle, about 0.28 of all; black, or white at even odds."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.uniform(-0.4, 0.4, 2)
        far = np.hypot(down - y, across - x) + 0.2 * smooth(shape, 2, rng)
        image[far < np.quantile(far, 0.28)] = rng.integers(2)
    return flat(grain(images, rng))


def middle_cut_out(rows, shape, stored, rng):
    """A middle of 0.45 of each side is cut out; there is the mean of what is left; grain."""
    images = images_of(rows, shape)
    inner = np.maximum(*(np.abs(g) for g in grid(shape))) < 0.45
    for image in images:
        image[inner] = image[~inner].mean(axis=0)
    return flat(grain(images, rng))


def through_a_slot(rows, shape, stored, rng):
    """A slot of a third of the side, across or down, near the middle; the rest is white."""
    images = images_of(rows, shape)
    for image in images:
        across = grid(shape)[rng.integers(2)]
        image[np.abs(across - rng.uniform(-0.25, 0.25)) > 1 / 3] = 1
    return flat(grain(images, rng))


def defocused_behind_a_post(rows, shape, stored, rng):
    """Each point is a disc of radius 2 pixels (of 28); a post, 0.3 of the width, of one grey."""
    images = images_of(rows, shape)
    size = 2 * shape[0] / 28
    side = np.arange(-int(np.ceil(size)), int(np.ceil(size)) + 1)
    disc = (np.hypot(*np.meshgrid(side, side)) <= size)[..., None].astype(float)
    for k, image in enumerate(images):
        images[k] = convolve(image, disc / disc.sum(), mode="nearest")
        images[k][np.abs(grid(shape)[1] - rng.uniform(-0.4, 0.4)) < 0.3] = rng.random()
    return flat(grain(images, rng))


def on_tartan(rows, shape, stored, rng):
    """Woven into a cloth of checks: 0.55 of the image and as much of random bands both ways."""
    images = images_of(rows, shape)
    bands = [np.arange(s) * 9 // s for s in shape[:2]]
    for image in images:
        colours = rng.random((2, 9, image.shape[2]))
        cloth = (colours[0][bands[0]][:, None] + colours[1][bands[1]]) / 2
        image[:] = 0.55 * image + 0.55 * cloth
    return flat(grain(images, rng))


def in_a_crowd(rows, shape, stored, rng):
    """0.4 of the image and 0.12 of each of five other rows, as of a plate exposed six times."""
    others = sum(_others(rows, stored, rng) for _ in range(5))
    return 0.4 * rows + 0.12 * others + noise(0.03, rows, rng)


def brighter_of_two(rows, shape, stored, rng):
    """At each place the brighter of the image and of 0.7 of another row; grain."""
    return grain(np.maximum(rows, 0.7 * _others(rows, stored, rng)), rng)


def difference_of_two(rows, shape, stored, rng):
    """How far the image and 0.6 of another row are apart, without a sign; grain."""
    return grain(np.abs(rows - 0.6 * _others(rows, stored, rng)), rng)


def crossfade(rows, shape, stored, rng):
    """From one side to the other, in any direction, less and less of it and more of another row."""
    images, others = images_of(rows, shape), images_of(_others(rows, stored, rng), shape)
    down, across = grid(shape)
    for image, other in zip(images, others, strict=True):
        turn = rng.uniform(0, 2 * np.pi)
        share = 0.4 + 0.7 * (np.cos(turn) * down + np.sin(turn) * across)
        share = np.clip(share, 0, 1)[..., None]
        image[:] = (1 - share) * image + share * other
    return flat(grain(images, rng))


COVERED = (
    taped_crosswise, dog_eared, watermarked, chessboard, code_stuck_on, behind_a_fan, spilt_ink,
    middle_cut_out, through_a_slot, defocused_behind_a_post, on_tartan, in_a_crowd,
    brighter_of_two, difference_of_two, crossfade,
)  # fmt: skip
