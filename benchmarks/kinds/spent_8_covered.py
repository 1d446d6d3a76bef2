"""The kinds of `spent_8.py` that cover a part, print, photograph or mix.

The functions are as those of `held_out.py`. Pictures to mix with are parts of Matplotlib's portrait
of Grace Hopper, which no data set is made of.
"""

import numpy as np
from matplotlib.cbook import get_sample_data
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from .views import box_within, drawn, flat, grid, images_of, moved, noise, seen_from, turned


def _any_picture(shape, channels, rng):
    """Return a part of a portrait, as large as the image, grey or in colour."""
    with get_sample_data("grace_hopper.jpg") as file:
        whole = Image.open(file).convert("RGB")
    side = int(rng.integers(100, 300))
    x, y = (int(rng.integers(0, s - side)) for s in whole.size)
    part = whole.crop((x, y, x + side, y + side)).resize((shape[1], shape[0]))
    image = np.asarray(part) / 255
    return image if channels == 3 else image.mean(axis=2, keepdims=True)


def mixed_with_a_portrait(rows, shape, stored, rng):
    """Of what is seen 0.25 to 0.45 is a part of a picture that is not stored."""
    images = images_of(rows, shape)
    for image in images:
        share = rng.uniform(0.25, 0.45)
        image[:] = (1 - share) * image + share * _any_picture(shape, image.shape[2], rng)
    return flat(images)


def portrait_pasted(rows, shape, stored, rng):
    """A box, 0.4 to 0.65 of each side, shows a part of a picture that is not stored."""
    images = images_of(rows, shape)
    for image in images:
        box = box_within(shape, 0.4, 0.65, rng)
        image[box] = _any_picture(shape, image.shape[2], rng)[box]
    return flat(images + noise(0.03, images, rng))


def disc_of_black(rows, shape, stored, rng):
    """A black disc, 0.25 to 0.38 of the side in radius, near the middle; noise of 0.05."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.uniform(-0.5, 0.5, 2)
        image[np.hypot(down - y, across - x) < 2 * rng.uniform(0.25, 0.38)] = 0
    return flat(images + noise(0.05, images, rng))


def squares_of_noise(rows, shape, stored, rng):
    """Five to nine boxes of 0.12 to 0.3 of the sides show nothing but chance, from 0 to 1."""
    images = images_of(rows, shape)
    for image in images:
        for _ in range(rng.integers(5, 10)):
            box = box_within(shape, 0.12, 0.3, rng)
            image[box] = rng.random(image[box].shape)
    return flat(images)


def captioned(rows, shape, stored, rng):
    """A bar over the lowest or topmost 0.3 to 0.4, black with white letters or the other way."""
    images = images_of(rows, shape)
    font = ImageFont.load_default()
    for image in images:
        high, ink = round(rng.uniform(0.3, 0.4) * shape[0]), rng.integers(2)
        canvas = Image.new("L", (shape[1], high), int(255 * (1 - ink)))
        text = "".join(map(chr, rng.integers(65, 91, 12)))
        ImageDraw.Draw(canvas).text((1, high / 2), text, int(255 * ink), font, "lm")
        bar = slice(-high, None) if rng.random() < 0.5 else slice(high)
        image[bar] = np.asarray(canvas)[..., None] / 255
    return flat(images + noise(0.05, images, rng))


def crossed_out(rows, shape, stored, rng):
    """Two strokes, 0.09 to 0.16 of the side wide, from corner to corner, of any grey or colour."""
    images = images_of(rows, shape)
    right, below = shape[1] - 1, shape[0] - 1
    for image in images:
        wide = max(1, round(rng.uniform(0.09, 0.16) * shape[0]))

        def cross(canvas, wide=wide):
            canvas.line([(0, 0), (right, below)], fill=255, width=wide)
            canvas.line([(right, 0), (0, below)], fill=255, width=wide)

        image[drawn(shape, cross)] = rng.random(image.shape[2])
    return flat(images + noise(0.05, images, rng))


def ringed(rows, shape, stored, rng):
    """Three to five rings of a pen, 0.05 to 0.09 of the side wide, white or black."""
    images = images_of(rows, shape)
    for image in images:
        for _ in range(rng.integers(3, 6)):
            size, wide = rng.uniform(0.15, 0.4), max(1, round(rng.uniform(0.05, 0.09) * shape[0]))
            y, x = rng.uniform(0.15, 0.85, 2)
            box = [(x - size) * shape[1], (y - size) * shape[0]]
            box += [(x + size) * shape[1], (y + size) * shape[0]]
            ring = drawn(shape, lambda c, b=box, w=wide: c.ellipse(b, outline=255, width=w))
            image[ring] = rng.integers(2)
    return flat(images + noise(0.05, images, rng))


def on_squared_paper(rows, shape, stored, rng):
    """Lines of one grey down and across, each 4 to 6 pixels (of 28); noise of 0.05 to 0.12."""
    images = images_of(rows, shape)
    for image in images:
        step, first = max(3, round(rng.integers(4, 7) * shape[0] / 28)), rng.integers(0, 3, 2)
        grey = rng.uniform(0.3, 1)
        image[first[0] :: step] = grey
        image[:, first[1] :: step] = grey
        image += noise(rng.uniform(0.05, 0.12), image, rng)
    return flat(images)


def stickers(rows, shape, stored, rng):
    """Three to five triangles to pentagons, 0.12 to 0.24 of the side in radius, of any colour."""
    images = images_of(rows, shape)
    for image in images:
        for _ in range(rng.integers(3, 6)):
            way = np.linspace(0, 2 * np.pi, rng.integers(3, 6), endpoint=False) + rng.uniform(0, 6)
            far, middle = rng.uniform(0.12, 0.24) * shape[0], rng.uniform(0.1, 0.9, 2)
            x, y = (
                middle[0] * shape[1] + far * np.cos(way),
                middle[1] * shape[0] + far * np.sin(way),
            )
            points = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
            on = drawn(shape, lambda canvas, p=points: canvas.polygon(p, fill=255))
            image[on] = rng.random(image.shape[2])
    return flat(images + noise(0.03, images, rng))


def pixelated_in_part(rows, shape, stored, rng):
    """A box of 0.5 to 0.75 of each side shows means of five by five pixels (of 28)."""
    images, size = images_of(rows, shape), max(2, round(5 * shape[0] / 28))
    for image in images:
        box = box_within(shape, 0.5, 0.75, rng)
        part = image[box]
        for i in range(0, part.shape[0], size):
            for j in range(0, part.shape[1], size):
                cell = part[i : i + size, j : j + size]
                cell[:] = cell.mean(axis=(0, 1))
    return flat(images + noise(0.05, images, rng))


def printed_and_scanned(rows, shape, stored, rng):
    """Less contrast, smooth over 0.6 pixels (of 28), askew by 1 to 5 degrees; light from a side."""
    images, soft = images_of(rows, shape), 0.6 * shape[0] / 28
    for k, image in enumerate(images):
        angle = np.radians(rng.uniform(1, 5)) * rng.choice([-1, 1])
        image = moved(image, turned(angle), rng.uniform(-0.05, 0.05, 2), "nearest")
        image = 0.15 + rng.uniform(0.5, 0.75) * gaussian_filter(image, (soft, soft, 0))
        down, across = grid(shape)
        light = 1 + rng.uniform(-0.25, 0.25) * down + rng.uniform(-0.25, 0.25) * across
        images[k] = image * light[..., None]
    return flat(np.clip(images + noise(0.04, images, rng), 0, 1))


def photographed_from_the_side(rows, shape, stored, rng):
    """In perspective: one side is 0.65 to 0.85 as long as the other; 0.6 to 0.9 of the light."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        near, way = 1 / rng.uniform(0.65, 0.85), rng.choice([-1, 1])
        if rng.random() < 0.5:
            seen = seen_from(image, down, across * (1 + (near - 1) * (1 + way * down) / 2))
        else:
            seen = seen_from(image, down * (1 + (near - 1) * (1 + way * across) / 2), across)
        images[k] = rng.uniform(0.6, 0.9) * seen
    return flat(images + noise(0.05, images, rng))


def with_a_reflection(rows, shape, stored, rng):
    """A band 0.15 to 0.3 of the side wide is brighter by 0.4 to 0.9; noise of 0.05 to 0.15."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        way, wide = rng.uniform(0, np.pi), rng.uniform(0.15, 0.3)
        far = down * np.sin(way) + across * np.cos(way) - rng.uniform(-0.4, 0.4)
        image += rng.uniform(0.4, 0.9) * np.exp(-((far / wide) ** 2))[..., None]
        image += noise(rng.uniform(0.05, 0.15), image, rng)
    return flat(np.clip(images, 0, 1))


COVERED = (
    mixed_with_a_portrait, portrait_pasted, disc_of_black, squares_of_noise, captioned, crossed_out,
    ringed, on_squared_paper, stickers, pixelated_in_part, printed_and_scanned,
    photographed_from_the_side, with_a_reflection,
)  # fmt: skip
