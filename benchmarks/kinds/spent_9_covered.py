"""The kinds of `spent_9.py` that cover a part, move, or mix with other rows.

The functions are as those of `held_out.py`.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from .views import (
    between,
    box_within,
    drawn,
    flat,
    grid,
    images_of,
    moved,
    noise,
    seen_from,
    smooth,
    turned,
)


def a_side_hidden(rows, shape, stored, rng):
    """From any of the four sides 0.25 to 0.45 is one grey; noise of 0.08 to 0.2 in all."""
    images = images_of(rows, shape)
    for image in images:
        seen = np.rot90(image, rng.integers(4))  # a view: what is written is written there
        seen[: round(rng.uniform(0.25, 0.45) * seen.shape[0])] = rng.uniform(0, 1)
        image += noise(rng.uniform(0.08, 0.2), image, rng)
    return flat(images)


def a_corner_torn_off(rows, shape, stored, rng):
    """A triangle at a corner, of 0.15 to 0.5 of all, is white, as paper is; noise of 0.05."""
    images = images_of(rows, shape)
    down, across = (g / 2 + 0.5 for g in grid(shape))
    for image in images:
        far = (down if rng.random() < 0.5 else 1 - down) * rng.uniform(0.8, 1.25)
        far = far + (across if rng.random() < 0.5 else 1 - across)
        image[far < rng.uniform(0.6, 0.9)] = 1
    return flat(images + noise(0.05, images, rng))


def two_boxes_of_grey(rows, shape, stored, rng):
    """Two boxes, 0.25 to 0.45 of each side, of greys or colours of their own; noise 0.05 to 0.1."""
    images = images_of(rows, shape)
    for image in images:
        for _ in range(2):
            image[box_within(shape, 0.25, 0.45, rng)] = rng.random(image.shape[2])
        image += noise(rng.uniform(0.05, 0.1), image, rng)
    return flat(images)


def word_stamped_on(rows, shape, stored, rng):
    """A framed word aslant, of six capitals, black or white, 0.7 to 0.95 opaque; noise of 0.03."""
    images, font = images_of(rows, shape), ImageFont.load_default()
    for image in images:
        canvas, pen = Image.new("L", (44, 16)), None
        pen = ImageDraw.Draw(canvas)
        pen.rectangle([0, 0, 43, 15], outline=255)
        text = "".join(map(chr, rng.integers(65, 91, 6)))
        pen.text((22, 8), text, 255, font, "mm")
        size = max(8, round(0.95 * shape[1])), max(4, round(0.36 * shape[0]))
        word = canvas.resize(size, Image.Resampling.BILINEAR)
        word = word.rotate(rng.uniform(-30, 30), Image.Resampling.BILINEAR, expand=True)
        page = Image.new("L", (shape[1], shape[0]))
        place = [(s - w) / 2 for s, w in zip(page.size, word.size, strict=True)]
        shift = rng.uniform(-0.12, 0.12, 2) * page.size
        page.paste(word, (round(place[0] + shift[0]), round(place[1] + shift[1])))
        over = rng.uniform(0.7, 0.95) * np.asarray(page)[..., None] / 255
        image[:] = (1 - over) * image + over * rng.integers(2)
    return flat(images + noise(0.03, images, rng))


def dust_and_hairs(rows, shape, stored, rng):
    """Four to eight bent hairs, and specks on 0.02 to 0.06, all white or black; noise of 0.05."""
    images = images_of(rows, shape)
    for image in images:
        for _ in range(rng.integers(4, 9)):
            start, way = rng.uniform(0, 1, 2) * shape[:2], rng.uniform(0, 2 * np.pi)
            ways = way + np.cumsum(rng.normal(0, 0.35, 8))
            steps = 0.08 * shape[0] * np.stack([np.sin(ways), np.cos(ways)], axis=1)
            points = [(float(x), float(y)) for y, x in start + np.cumsum(steps, axis=0)]
            hair = drawn(shape, lambda canvas, p=points: canvas.line(p, fill=255))
            image[hair] = rng.integers(2)
        dust = rng.random(shape[:2]) < rng.uniform(0.02, 0.06)
        image[dust] = rng.integers(2, size=(dust.sum(), 1))
    return flat(images + noise(0.05, images, rng))


def smudged(rows, shape, stored, rng):
    """Two or three strokes of a wet finger, 0.18 to 0.3 of the side wide: all smooth there.

    Over 2.5 pixels (of 28); noise of 0.03 to 0.08.
    """
    images, soft = images_of(rows, shape), 2.5 * shape[0] / 28
    for image in images:
        wet = gaussian_filter(image, (soft, soft, 0))
        for _ in range(rng.integers(2, 4)):
            ends = [tuple(map(float, p)) for p in rng.uniform(0, 1, (2, 2)) * shape[1::-1]]
            wide = max(2, round(rng.uniform(0.18, 0.3) * shape[0]))
            on = drawn(shape, lambda canvas, e=ends, w=wide: canvas.line(e, fill=255, width=w))
            image[on] = wet[on]
        image += noise(rng.uniform(0.03, 0.08), image, rng)
    return flat(images)


def another_pasted_and_noise(rows, shape, stored, rng):
    """A box of 0.3 to 0.48 of each side shows another stored row; noise of 0.1 to 0.2."""
    images = images_of(rows, shape)
    others = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)
    for image, other in zip(images, others, strict=True):
        box = box_within(shape, 0.3, 0.48, rng)
        image[box] = other[box]
        image += noise(rng.uniform(0.1, 0.2), image, rng)
    return flat(images)


def another_shines_through(rows, shape, stored, rng):
    """Of what is seen 0.2 to 0.35 is another stored row; noise of 0.08 to 0.18."""
    others = stored[rng.integers(len(stored), size=len(rows))]
    share = rng.uniform(0.2, 0.35, (len(rows), 1))
    mixed = (1 - share) * rows + share * others
    return mixed + rng.uniform(0.08, 0.18, (len(rows), 1)) * noise(1, rows, rng)


def patches_of_cloud(rows, shape, stored, rng):
    """Clouds alike over 3 pixels (of 28), of any grey, hide 0.2 to 0.4 of it; noise of 0.05."""
    images = images_of(rows, shape)
    for image in images:
        cloud = smooth(shape, 3, rng)
        over = np.clip(4 * (cloud - np.quantile(cloud, 1 - rng.uniform(0.2, 0.4))), 0, 1)[..., None]
        image[:] = (1 - over) * image + over * rng.uniform(0, 1)
    return flat(images + noise(0.05, images, rng))


def shifted_and_blurred(rows, shape, stored, rng):
    """Moved by up to 0.1 of each side, its edge goes on; smooth over 0.6 to 1.2 pixels (of 28)."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        soft = rng.uniform(0.6, 1.2) * shape[0] / 28
        image = moved(image, np.eye(2), rng.uniform(-0.1, 0.1, 2), "nearest")
        images[k] = gaussian_filter(image, (soft, soft, 0))
    return flat(images + noise(0.03, images, rng))


def askew_and_noisy(rows, shape, stored, rng):
    """Turned by 3 to 14 degrees either way, its edge goes on; noise of 0.1 to 0.25."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        angle = np.radians(rng.uniform(3, 14)) * rng.choice([-1, 1])
        images[k] = moved(image, turned(angle), (0, 0), "nearest")
    return flat(images + between(0.1, 0.25, images, rng) * noise(1, images, rng))


def nearer_or_farther(rows, shape, stored, rng):
    """Between 0.8 and 1.25 of its size about its middle, 0.5 to 1 of the light; noise of 0.05."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        size = 1.25 ** rng.uniform(-1, 1)
        images[k] = rng.uniform(0.5, 1) * moved(image, np.eye(2) / size, (0, 0), "nearest")
    return flat(images + noise(0.05, images, rng))


def slanted_and_faint(rows, shape, stored, rng):
    """Each line moved in proportion to its height: top and bottom 0.1 to 0.3 of the side apart.

    At 0.4 to 0.7 of the contrast about 0.5; noise of 0.03 to 0.08.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        slant = rng.uniform(0.1, 0.3) * rng.choice([-1, 1])
        seen = seen_from(image, down, across + slant * down)
        images[k] = 0.5 + rng.uniform(0.4, 0.7) * (seen - 0.5)
    return flat(images + between(0.03, 0.08, images, rng) * noise(1, images, rng))


def crumpled(rows, shape, stored, rng):
    """Pixels moved by a smooth field of 0.7 to 1.2 pixels (of 28), and shaded by another, of 0.15.

    Both are alike over 4 pixels (of 28); noise of 0.04.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        size = rng.uniform(0.7, 1.2) / 14
        y, x = (size * smooth(shape, 4, rng) for _ in range(2))
        seen = seen_from(image, down + y, across + x * shape[0] / shape[1])
        images[k] = seen * (1 + 0.15 * smooth(shape, 4, rng))[..., None]
    return flat(images + noise(0.04, images, rng))


def upside_down_and_soft(rows, shape, stored, rng):
    """Half a turn, smooth over 0.5 to 1 pixels (of 28); noise of 0.03 to 0.12."""
    images = images_of(rows, shape)[:, ::-1, ::-1]
    made = images.copy()
    for k, image in enumerate(images):
        soft = rng.uniform(0.5, 1) * shape[0] / 28
        made[k] = gaussian_filter(image, (soft, soft, 0))
    return flat(made + between(0.03, 0.12, made, rng) * noise(1, made, rng))


def rolled_round(rows, shape, stored, rng):
    """One to three pixels (of 28) down or up and aside, round the edges; noise of 0.05 to 0.2."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        steps = rng.choice([-1, 1], 2) * np.round(rng.integers(1, 4, 2) * shape[0] / 28).astype(int)
        images[k] = np.roll(image, tuple(steps), (0, 1))
    return flat(images + between(0.05, 0.2, images, rng) * noise(1, images, rng))


def badly_cut_out(rows, shape, stored, rng):
    """Turned by up to 8 degrees, 0.9 to 1.1 as large, up to 0.06 off; a box of grey; noise 0.05.

    The box is of 0.2 to 0.35 of each side.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        matrix = turned(np.radians(rng.uniform(-8, 8))) / rng.uniform(0.9, 1.1)
        images[k] = moved(image, matrix, rng.uniform(-0.06, 0.06, 2), "nearest")
        images[k][box_within(shape, 0.2, 0.35, rng)] = rng.uniform(0, 1)
    return flat(images + noise(0.05, images, rng))


COVERED = (
    a_side_hidden, a_corner_torn_off, two_boxes_of_grey,
    word_stamped_on, dust_and_hairs, smudged, another_pasted_and_noise, another_shines_through,
    patches_of_cloud, shifted_and_blurred, askew_and_noisy, nearer_or_farther, slanted_and_faint,
    crumpled, upside_down_and_soft, rolled_round, badly_cut_out,
)  # fmt: skip
