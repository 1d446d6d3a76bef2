"""The kinds of `spent_11.py` that move a little, cover a part, or mix with other rows.

The functions are as those of `held_out.py`.
"""

import numpy as np
from PIL import ImageDraw
from scipy.ndimage import gaussian_filter

from .views import (
    between,
    drawn,
    flat,
    grid,
    images_of,
    moved,
    noise,
    seen_from,
    smooth,
    through_a_file,
    turned,
)


def half_a_pixel_off_and_noise(rows, shape, stored, rng):
    """Moved by 0.3 to 0.9 pixels (of 28) in any direction; noise of 0.35 to 0.65."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        way, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.9) / 28
        shift = far * np.sin(way), far * np.cos(way) * shape[0] / shape[1]
        images[k] = moved(image, np.eye(2), shift, "nearest")
    return flat(images + between(0.35, 0.65, images, rng) * noise(1, images, rng))


def slightly_turned_and_salted(rows, shape, stored, rng):
    """Turned by 2 to 7 degrees either way; of the pixels 0.15 to 0.35 are 0 or 1."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        angle = np.radians(rng.uniform(2, 7)) * rng.choice([-1, 1])
        image = moved(image, turned(angle), (0, 0), "nearest")
        hit = rng.random(shape[:2]) < rng.uniform(0.15, 0.35)
        image[hit] = rng.integers(0, 2, hit.sum())[:, None]
        images[k] = image
    return flat(images)


def cropped_a_little_and_jpeg(rows, shape, stored, rng):
    """Of the sides 0.86 to 0.95, from anywhere, fill the picture; JPEG of quality 5 to 20."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        part = rng.uniform(0.86, 0.95)
        shift = rng.uniform(-1, 1, 2) * (1 - part) / 2
        large = moved(image, part * np.eye(2), shift, "nearest")
        images[k] = through_a_file(large, "JPEG", quality=int(rng.integers(5, 21)))
    return flat(images)


def aspect_slightly_wrong(rows, shape, stored, rng):
    """Longer by 1.1 to 1.25 down or across and shorter the other way; 0.4 to 0.8 of the light.

    Noise of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        by = rng.uniform(1.1, 1.25) ** rng.choice([-1, 1])
        made = moved(image, np.diag([by, 1 / by]), (0, 0), "nearest")
        images[k] = rng.uniform(0.4, 0.8) * made
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def bent_by_a_lens_and_noise(rows, shape, stored, rng):
    """A barrel or a cushion: a corner moves by 0.1 to 0.22 of its distance; noise of 0.2 to 0.4.

    The lens's middle is up to 0.3 of the way to the edges off the picture's.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        y, x = rng.uniform(-0.3, 0.3, 2)
        far = ((down - y) ** 2 + (across - x) ** 2) / 2
        by = rng.uniform(0.1, 0.22) * rng.choice([-1, 1])
        images[k] = seen_from(
            image, y + (down - y) * (1 + by * far), x + (across - x) * (1 + by * far)
        )
    return flat(images + between(0.2, 0.4, images, rng) * noise(1, images, rng))


def page_near_the_spine(rows, shape, stored, rng):
    """Copied from a thick book: to one side ever narrower, by 0.3 to 0.6, and darker.

    To 0.1 to 0.4 of the light at that edge; noise of 0.05.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        side = rng.choice([-1, 1])
        near = (1 + side * across) / 2
        bent = across + side * rng.uniform(0.3, 0.6) * near**2 * (1 - near)
        dark = 1 - rng.uniform(0.6, 0.9) * near**4
        images[k] = dark[..., None] * seen_from(image, down, bent)
    return flat(images + noise(0.05, images, rng))


def wobbled_by_a_motor(rows, shape, stored, rng):
    """Lines lie to the left and right by a wave of 1.2 to 2.2 pixels (of 28); noise 0.1 to 0.25.

    Of 2 to 6 periods from top to bottom, or columns up and down so.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        size, many, phase = rng.uniform(1.2, 2.2) / 14, rng.uniform(1, 3), 2 * np.pi * rng.random()
        if rng.random() < 0.5:
            at = down, across + size * np.sin(2 * np.pi * many * down + phase)
        else:
            at = down + size * np.sin(2 * np.pi * many * across + phase), across
        images[k] = seen_from(image, *at)
    return flat(images + between(0.1, 0.25, images, rng) * noise(1, images, rng))


def barely_askew_pale_and_soft(rows, shape, stored, rng):
    """Turned by up to 4 degrees, 0.95 to 1.05 as large, up to 0.04 of the sides off.

    Smooth over 0.5 to 1 pixels (of 28); 0.2 to 0.5 of the contrast on white.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        matrix = rng.uniform(0.95, 1.05) * turned(np.radians(rng.uniform(-4, 4)))
        made = moved(image, matrix, rng.uniform(-0.04, 0.04, 2), "nearest")
        soft = rng.uniform(0.5, 1) * shape[0] / 28
        images[k] = 1 - rng.uniform(0.2, 0.5) * (1 - gaussian_filter(made, (soft, soft, 0)))
    return flat(images)


def barcode_across(rows, shape, stored, rng):
    """A bar code, 0.35 to 0.5 of the height, from edge to edge; noise of 0.05 to 0.15 in all.

    Bars are one to three pixels (of 28) wide.
    """
    images = images_of(rows, shape)
    images += between(0.05, 0.15, images, rng) * noise(1, images, rng)
    for image in images:
        high = round(rng.uniform(0.35, 0.5) * shape[0])
        first, at = rng.integers(0, shape[0] - high + 1), 0
        while at < shape[1]:
            wide = max(1, round(rng.integers(1, 4) * shape[1] / 28))
            image[first : first + high, at : at + wide] = 1
            image[first : first + high, at + wide : at + 2 * wide] = 0
            at += 2 * wide
    return flat(images)


def punched_full_of_holes(rows, shape, stored, rng):
    """Round holes, 0.06 to 0.1 of the side in radius, take 0.3 to 0.5: black or white beneath.

    What is left has 0.3 to 0.6 of the contrast about 0.5, and noise of 0.05.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        image[:] = 0.5 + rng.uniform(0.3, 0.6) * (image - 0.5) + noise(0.05, image, rng)
        share, hole = rng.uniform(0.3, 0.5), np.zeros(shape[:2], bool)
        while hole.mean() < share:
            y, x = rng.uniform(-1, 1, 2)
            hole |= np.hypot(down - y, across - x) < rng.uniform(0.12, 0.2)
        image[hole] = rng.integers(2)
    return flat(images)


def play_button_over_it(rows, shape, stored, rng):
    """A video's first picture: a dim disc with a white triangle, and a bar over the lowest 0.2.

    The disc is 0.27 to 0.36 of the side in radius, and lets 0.1 to 0.3 pass; JPEG of quality 20
    to 60.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        far, inner = np.hypot(down, across), rng.uniform(0.54, 0.72)
        image[far < inner] *= rng.uniform(0.1, 0.3)
        shown = (across > -0.4 * inner) & (across + 1.7 * np.abs(down) < 0.6 * inner)
        image[shown] = 1
        bar = down > 0.6
        image[bar] *= 0.3
        image[bar & (np.abs(down - 0.8) < 0.08) & (across < rng.uniform(-0.8, 0.8))] = 0.9
        images[k] = through_a_file(image, "JPEG", quality=int(rng.integers(20, 61)))
    return flat(images)


def grass_in_front(rows, shape, stored, rng):
    """Blades stand before the picture from below, pointed and bent, each of a tone of its own.

    They take 0.45 to 0.65 of it.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        share, hidden = rng.uniform(0.45, 0.65), np.zeros(shape[:2], bool)
        while hidden.mean() < share:
            tip, foot = rng.uniform(-1, 0.3), rng.uniform(-1.1, 1.1)
            up = (1 - down) / (1 - tip)  # 0 at the foot, 1 at the tip
            middle = foot + rng.uniform(-0.5, 0.5) * up**2
            blade = (up <= 1) & (np.abs(across - middle) < rng.uniform(0.06, 0.12) * (1.1 - up))
            tone = np.array([0.7, 1, 0.5])[: image.shape[2]] if image.shape[2] == 3 else 1
            image[blade] = rng.uniform(0.2, 0.8) * tone
            hidden |= blade
    return flat(images)


def confetti(rows, shape, stored, rng):
    """Discs of any tone or colour, 1 to 2 pixels (of 28) in radius, hide 0.45 to 0.65."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        share, hidden = rng.uniform(0.45, 0.65), np.zeros(shape[:2], bool)
        while hidden.mean() < share:
            y, x = rng.uniform(-1, 1, 2)
            disc = np.hypot(down - y, across - x) < rng.uniform(1, 2) / 14
            image[disc] = rng.random(image.shape[2])
            hidden |= disc
    return flat(images)


def marked_with_a_highlighter(rows, shape, stored, rng):
    """Four to six strokes, 0.14 to 0.2 of the side wide, through which 0.1 to 0.3 passes.

    The pen's own light, of 0.5 to 1 in its colour, is what is lost; noise of 0.1 to 0.25.
    """
    images = images_of(rows, shape)
    for image in images:
        for _ in range(rng.integers(4, 7)):
            ends = [tuple(rng.uniform(0, shape[1::-1])) for _ in range(2)]
            angle = np.arctan2(ends[1][1] - ends[0][1], ends[1][0] - ends[0][0])
            aside = 2 * shape[1] * np.array([np.cos(angle), np.sin(angle)])
            way = [tuple(ends[0] - aside), tuple(ends[0] + aside)]
            wide = max(1, round(rng.uniform(0.14, 0.2) * shape[1]))

            def stroke(canvas: ImageDraw.ImageDraw, way=way, wide=wide):
                canvas.line(way, fill=255, width=wide)

            on, left = drawn(shape, stroke), rng.uniform(0.1, 0.3)
            image[on] = left * image[on] + (1 - left) * rng.uniform(0.5, 1, image.shape[2])
    return flat(images + between(0.1, 0.25, images, rng) * noise(1, images, rng))


def quarter_of_another_and_soft(rows, shape, stored, rng):
    """A quarter at a corner is another stored row's; smooth over 0.8 to 1.5 pixels (of 28).

    The quarter's sides are 0.45 to 0.6 of the picture's.
    """
    images = images_of(rows, shape)
    others = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)
    for image, other in zip(images, others, strict=True):
        high, wide = (
            round(part * s) for part, s in zip(rng.uniform(0.45, 0.6, 2), shape[:2], strict=True)
        )
        at = tuple(slice(0, s) if rng.random() < 0.5 else slice(-s, None) for s in (high, wide))
        image[at] = other[at]
        soft = rng.uniform(0.8, 1.5) * shape[0] / 28
        image[:] = gaussian_filter(image, (soft, soft, 0))
    return flat(images)


def shadow_of_blinds(rows, shape, stored, rng):
    """Slanting bars of shadow, 2.5 to 5 pixels (of 28) apart, let 0.02 to 0.15 of the light pass.

    Their edges are soft; the light between them is 0.8 to 1.5; noise of 0.15 to 0.4.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        angle, apart = rng.uniform(-0.6, 0.6), rng.uniform(2.5, 5) / 14
        along = (down * np.cos(angle) + across * np.sin(angle)) / apart + rng.random()
        light = 1 / (1 + np.exp(-6 * np.sin(2 * np.pi * along)))
        low, high = rng.uniform(0.02, 0.15), rng.uniform(0.8, 1.5)
        image *= (low + (high - low) * light)[..., None]
    return flat(images + between(0.15, 0.4, images, rng) * noise(1, images, rng))


def frost_from_the_edges(rows, shape, stored, rng):
    """Frost of grey 0.8 with ragged borders grows from the edges over 0.55 to 0.75 of the picture.

    The clear part is smooth over 0.5 to 1 pixels (of 28).
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        depth = np.maximum(np.abs(down), np.abs(across)) + 0.2 * smooth(shape, 1.5, rng)
        soft = rng.uniform(0.5, 1) * shape[0] / 28
        image[:] = gaussian_filter(image, (soft, soft, 0))
        over = 12 * (depth - np.quantile(depth, 1 - rng.uniform(0.55, 0.75)))
        over = (1 / (1 + np.exp(-over)))[..., None]
        frost = 0.8 + noise(0.15, image, rng)
        image[:] = (1 - over) * image + over * frost
    return flat(images)


def transparency_shown_as_checks(rows, shape, stored, rng):
    """What has the tone of the border, within 0.1, is checks of two greys; noise of 0.25 to 0.45.

    Of 3 to 4 pixels (of 28), at least 0.3 apart.
    """
    images = images_of(rows, shape)
    for image in images:
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        clear = np.abs(image - np.median(edge, axis=0)).max(axis=2) < 0.1
        side = rng.uniform(3, 4) * shape[0] / 28
        checks = np.add.outer(*(np.arange(s) // side for s in shape[:2])) % 2
        low = rng.uniform(0, 0.5)
        tones = low + rng.uniform(0.3, 0.5) * checks
        image[clear] = tones[clear][:, None]
    return flat(images + between(0.25, 0.45, images, rng) * noise(1, images, rng))


def light_leaks_into_the_film(rows, shape, stored, rng):
    """Light of 0.9 to 1, orange in colour, from a side or a corner: it takes the dark away.

    A half at 0.35 to 0.55 of the way; 0.25 to 0.5 of the contrast is left on grey elsewhere; noise
    of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        angle = rng.uniform(0, 2 * np.pi)
        along = (1 + down * np.sin(angle) + across * np.cos(angle)) / 2
        wave = 0.1 * np.sin(4 * (across * np.sin(angle) - down * np.cos(angle)) + 6 * rng.random())
        leak = 1 / (1 + np.exp(15 * (along + wave - rng.uniform(0.35, 0.55))))
        tone = np.array([1, 0.7, 0.35])[: image.shape[2]] if image.shape[2] == 3 else 1
        left = rng.uniform(0.25, 0.5)
        image[:] = left * image + (1 - left) * 0.4
        image[:] = 1 - (1 - image) * (1 - rng.uniform(0.9, 1) * leak[..., None] * tone)
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


COVERED = (
    half_a_pixel_off_and_noise, slightly_turned_and_salted, cropped_a_little_and_jpeg,
    aspect_slightly_wrong, bent_by_a_lens_and_noise, page_near_the_spine, wobbled_by_a_motor,
    barely_askew_pale_and_soft, barcode_across, punched_full_of_holes, play_button_over_it,
    grass_in_front, confetti, marked_with_a_highlighter, quarter_of_another_and_soft,
    shadow_of_blinds, frost_from_the_edges, transparency_shown_as_checks, light_leaks_into_the_film,
)  # fmt: skip
