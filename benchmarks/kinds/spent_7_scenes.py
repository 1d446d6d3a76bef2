"""The kinds of `spent_7.py` before the sensor: what moves, hides a part, or is mixed with them.

The functions are as those of `held_out.py`.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from .views import drawn, flat, grain, grid, images_of, seen_from, smooth


def heights_seen_aslant(rows, shape, stored, rng):
    """Brightness is height: each pixel stands 5 high (of 28) at 1, and hides what is behind it."""
    images = images_of(rows, shape)
    made = images.copy()
    high = np.round(5 * shape[0] / 28 * np.clip(images.mean(axis=3), 0, 1)).astype(int)
    for i in range(shape[0]):  # from the back to the front
        for up in range(min(i, high[:, i].max()) + 1):
            k, j = np.nonzero(high[:, i] >= up)
            side = np.where(high[k, i, j] == up, 1, 0.5)[:, None]
            made[k, i - up, j] = side * images[k, i, j]
    return flat(grain(made, rng))


def radar_not_converted(rows, shape, stored, rng):
    """Not yet made a picture: down is how far from the middle, across is which way; grain."""
    images = images_of(rows, shape)
    far, way = np.meshgrid(
        np.linspace(0, 1.2, shape[0]), np.linspace(0, 2 * np.pi, shape[1]), indexing="ij"
    )
    for k, image in enumerate(images):
        images[k] = seen_from(image, far * np.sin(way), far * np.cos(way))
    return flat(grain(images, rng))


def pleated(rows, shape, stored, rng):
    """A strip near the middle, a seventh of the side, is folded away; both sides meet; grain."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        axis = rng.integers(2)
        size = shape[axis]
        wide, start = max(1, round(size / 7)), int(rng.uniform(0.25, 0.55) * size)
        left = np.delete(np.arange(size), np.s_[start : start + wide])
        left = np.pad(left, (wide // 2, wide - wide // 2), mode="edge")
        images[k] = np.take(image, left, axis=axis)
    return flat(grain(images, rng))


def vertical_hold_lost(rows, shape, stored, rng):
    """An old set's picture rolls: it begins anywhere, and a black bar parts its end from that."""
    images, bar = images_of(rows, shape), max(1, round(shape[0] / 14))
    for image in images:
        image[-bar:] = 0
        image[:] = np.roll(image, int(rng.uniform(0.15, 0.85) * shape[0]), axis=0)
    return flat(grain(images, rng))


def magnifying_glass(rows, shape, stored, rng):
    """A glass 0.65 of the side across shows its middle twice as large; its rim is dark; grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.uniform(-0.3, 0.3, 2)
        far = np.hypot(down - y, across - x)
        larger = seen_from(image, (down + y) / 2, (across + x) / 2)
        image[far < 0.65] = larger[far < 0.65]
        image[np.abs(far - 0.65) < 1.2 / shape[0]] = 0.1
    return flat(grain(images, rng))


def tiles_turned(rows, shape, stored, rng):
    """Of four by four tiles ten are laid turned: a quarter or half (of oblong ones half); grain."""
    images = images_of(rows, shape)
    high, wide = (s // 4 for s in shape[:2])
    for image in images:
        for one in rng.permutation(16)[:10]:
            i, j = one // 4 * high, one % 4 * wide
            turns = rng.integers(1, 4) if high == wide else 2
            image[i : i + high, j : j + wide] = np.rot90(
                image[i : i + high, j : j + wide], turns
            ).copy()
    return flat(grain(images, rng))


def other_background(rows, shape, stored, rng):
    """Where it is as at its border there are clouds, 0.6 of what is seen, about a grey; grain."""
    images = images_of(rows, shape)
    for image in images:
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        alike = np.abs(image - np.median(border, axis=0)).max(axis=2) < 0.2
        clouds = rng.uniform(0.2, 0.8) + 0.2 * smooth(shape, 3, rng)[..., None]
        image[alike] = (0.4 * image + 0.6 * np.clip(clouds, 0, 1))[alike]
    return flat(grain(images, rng))


def steamed_up(rows, shape, stored, rng):
    """Smooth over 1.5 pixels (of 28), a third of the contrast, but where two wipes went; grain."""
    images, soft = images_of(rows, shape), 1.5 * shape[0] / 28
    wide = max(1, round(0.2 * shape[0]))
    for image in images:
        ends = rng.uniform(0.15, 0.85, (2, 2, 2)) * [shape[1], shape[0]]
        ends[:, 0, 0], ends[:, 1, 0] = 0, shape[1]
        clear = drawn(
            shape,
            lambda canvas, ends=ends: [
                canvas.line([tuple(p) for p in wipe], fill=255, width=wide) for wipe in ends
            ],
        )
        steam = 0.45 + gaussian_filter(image, (soft, soft, 0)) / 3
        image[~clear] = steam[~clear]
    return flat(grain(images, rng))


def two_slides(rows, shape, stored, rng):
    """Light passes another row's slide first: times 0.2 and 0.8 of it; grain."""
    others = stored[rng.integers(len(stored), size=len(rows))]
    return grain(rows * (0.2 + 0.8 * others), rng)


def clouds_and_their_shadows(rows, shape, stored, rng):
    """White clouds over three in ten pixels, and their shadows, a fifth as bright, beside them."""
    images, aside = images_of(rows, shape), max(1, round(4 * shape[0] / 28))
    for image in images:
        field = smooth(shape, 2.5, rng)
        cloud = field > np.quantile(field, 0.7)
        image[np.roll(cloud, (aside, aside), axis=(0, 1))] *= 0.2
        image[cloud] = 0.95
    return flat(grain(images, rng))


def runs_of_paint(rows, shape, stored, rng):
    """In seven of ten columns the brightest yet runs on downwards, by 0.03 fainter a pixel."""
    images, fainter = images_of(rows, shape), 0.03 * 28 / shape[0]
    runs = (rng.random((len(rows), shape[1], 1)) < 0.7).astype(float)
    for i in range(1, shape[0]):
        images[:, i] = np.maximum(images[:, i], runs * (images[:, i - 1] - fainter))
    return flat(grain(images, rng))


def dissolve(rows, shape, stored, rng):
    """One row dissolves into another: of every ten pixels, by chance, four are the other's."""
    others = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)
    images = images_of(rows, shape)
    return flat(np.where(rng.random(images.shape[:3])[..., None] < 0.4, others, images))


SCENES = (
    heights_seen_aslant, radar_not_converted, pleated, vertical_hold_lost, magnifying_glass,
    tiles_turned, other_background, steamed_up, two_slides, clouds_and_their_shadows,
    runs_of_paint, dissolve,
)  # fmt: skip
