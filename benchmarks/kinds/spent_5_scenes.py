"""The kinds of `spent_5.py` that are before the sensor: weather, light, optics, how it was held.

The functions are as those of `held_out.py`.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from .views import drawn, flat, grain, grid, images_of, noise, seen_from, smooth


def orientation_lost(rows, shape, stored, rng):
    """One of the seven wrong orientations (of a square; else of the three): turned or mirrored."""
    images, square = images_of(rows, shape), shape[0] == shape[1]
    for k, image in enumerate(images):
        which = 1 + rng.integers(7 if square else 3)
        turned = image[:: -1 if which & 1 else 1, :: -1 if which & 2 else 1]
        images[k] = turned.swapaxes(0, 1) if which & 4 else turned
    return flat(images)


def photographed_by_hand(rows, shape, stored, rng):
    """Turned by up to 15 degrees, 0.85 to 1.15 as large, up to a tenth of the side off; grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        angle, size = np.radians(rng.uniform(-15, 15)), rng.uniform(0.85, 1.15)
        (y, x), c, s = rng.uniform(-0.2, 0.2, 2), np.cos(angle) / size, np.sin(angle) / size
        images[k] = seen_from(image, c * down - s * across + y, s * down + c * across + x)
    return flat(grain(images, rng))


def rippled(rows, shape, stored, rng):
    """Mirrored in moving water: two waves, each moves all by up to 1.3 pixels (of 28); grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        phase, turns = rng.uniform(0, 6.3, 2), np.pi * rng.uniform(2, 4, 2)
        y = 0.095 * np.sin(turns[0] * across + phase[0])
        x = 0.095 * np.sin(turns[1] * down + phase[1])
        images[k] = seen_from(image, down + y, across + x)
    return flat(grain(images, rng))


def round_a_bottle(rows, shape, stored, rng):
    """Pasted around a bottle: narrower and darker to both sides, the bottle slightly turned."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        around = np.arcsin(0.99 * across) * 2 / np.pi + rng.uniform(-0.12, 0.12)
        light = np.sqrt(1 - 0.9 * across**2)
        images[k] = seen_from(image, down, around) * light[..., None]
    return flat(grain(images, rng))


def glass_bricks(rows, shape, stored, rng):
    """Behind four by four bricks of glass: each shows half as much again, smaller; dark joints."""
    images, bricks = images_of(rows, shape), 4
    down, across = grid(shape)
    place = [np.clip((g + 1) / 2 * bricks, 0, bricks - 1e-6) for g in (down, across)]
    middle = [(np.floor(p) + 0.5) * 2 / bricks - 1 for p in place]
    edge = np.maximum(*(np.abs(p % 1 - 0.5) for p in place)) > 0.5 - bricks / shape[0] / 2
    for k, image in enumerate(images):
        seen = (m + 1.5 * (g - m) for m, g in zip(middle, (down, across), strict=True))
        images[k] = seen_from(image, *seen)
        images[k][edge] = 0.15
    return flat(grain(images, rng))


def rain(rows, shape, stored, rng):
    """Forty parallel streaks of half-transparent white, an eighth to a third of the side; haze."""
    images = images_of(rows, shape)
    for image in images:
        lean, starts = rng.uniform(-0.5, 0.5), rng.uniform(-0.2, 1, (40, 2))
        long = rng.uniform(1 / 8, 1 / 3, 40)[:, None] * np.array([1, lean])
        size = np.array(shape[:2])
        lines = [tuple((a * size)[::-1]) + tuple(((a + b) * size)[::-1])
                 for a, b in zip(starts, long, strict=True)]  # fmt: skip
        wet = drawn(shape, lambda canvas, lines=lines: [canvas.line(x, fill=255) for x in lines])
        image += 0.25 * (0.7 - image)
        image[wet] = 0.45 * image[wet] + 0.55
    return flat(grain(images, rng))


def mist(rows, shape, stored, rng):
    """Mist of grey 0.75, thicker and thicker upwards: at the top 0.05 of the contrast is left."""
    images = images_of(rows, shape)
    left = np.exp(-1.5 * (1 - grid(shape)[0]))[..., None]
    return flat(left * images + 0.75 * (1 - left) + noise(0.03, images, rng))


def half_in_shadow(rows, shape, stored, rng):
    """A shadow of straight edge near the middle: a fifth as bright beyond it, and grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)
        image[np.cos(angle) * down + np.sin(angle) * across > far] *= 0.2
    return flat(grain(images, rng))


def halation(rows, shape, stored, rng):
    """What is above 0.4 shines 1.5-fold over all within 2.5 pixels (of 28), cut at 1; and grain."""
    images, wide = images_of(rows, shape), 2.5 * shape[0] / 28
    halo = gaussian_filter(np.maximum(images - 0.4, 0), (0, wide, wide, 0))
    return flat(grain(np.clip(images + 1.5 * halo, 0, 1), rng))


def under_water(rows, shape, stored, rng):
    """Little red is left, a haze, bright nets of light, and a slight ripple of a pixel (of 28)."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    gain = np.array([0.3, 0.7, 0.85]) if images.shape[3] == 3 else np.full(images.shape[3], 0.6)
    for k, image in enumerate(images):
        y, x = (0.07 * smooth(shape, 3, rng) for _ in range(2))
        nets = np.exp(-3 * np.abs(smooth(shape, 2.5, rng)))[..., None]
        seen = seen_from(image, down + y, across + x) * gain
        images[k] = (0.8 * seen + 0.2 * gain * 0.7) * (0.6 + 1.1 * nets)
    return flat(grain(np.clip(images, 0, 1), rng))


def behind_leaves(rows, shape, stored, rng):
    """Twenty leaves, a quarter of the side long and each of a grey of its own, hide about half."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        for y, x in rng.uniform(-1, 1, (20, 2)):
            angle = rng.uniform(0, np.pi)
            along = np.cos(angle) * (down - y) + np.sin(angle) * (across - x)
            aside = np.cos(angle) * (across - x) - np.sin(angle) * (down - y)
            leaf = np.abs(aside) < 0.16 * (1 - (along / 0.3) ** 2)
            image[leaf] = rng.uniform(0, 0.7) * rng.uniform(0.6, 1, image.shape[2])
    return flat(images)


SCENES = (
    orientation_lost, photographed_by_hand, rippled, round_a_bottle, glass_bricks, rain, mist,
    half_in_shadow, halation, under_water, behind_leaves,
)  # fmt: skip
