"""Held-out kinds that move a little, cover a part, or mix with other rows, for `held_out.py`."""

import numpy as np
from PIL import ImageDraw
from scipy.fft import fft2, ifft2
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


def moved_in_the_scanner(rows, shape, stored, rng):
    """Measured as lines of waves; of them 0.3 to 0.5 after it moved by 1.5 to 3 pixels (of 28).

    Those lines are one run, round the end of the spectrum; noise of 0.1 to 0.3.
    """
    images = images_of(rows, shape)
    for image in images:
        way, far = rng.uniform(0, 2 * np.pi), rng.uniform(1.5, 3) / 28
        shift = far * np.sin(way), far * np.cos(way) * shape[0] / shape[1]
        before = fft2(image, axes=(0, 1))
        after = fft2(moved(image, np.eye(2), shift, "nearest"), axes=(0, 1))
        size, first = round(rng.uniform(0.3, 0.5) * shape[0]), rng.integers(shape[0])
        late = (first + np.arange(size)) % shape[0]
        before[late] = after[late]
        image[:] = ifft2(before, axes=(0, 1)).real
    return flat(images + between(0.1, 0.3, images, rng) * noise(1, images, rng))


def pushed_about_by_a_tool(rows, shape, stored, rng):
    """Three to five places are pushed 1.5 to 3 pixels (of 28) aside, and what is about them less.

    A push is felt over 4 to 6 pixels; noise of 0.1 to 0.3.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        at = [down.copy(), across.copy()]
        for _ in range(rng.integers(3, 6)):
            y, x = rng.uniform(-0.7, 0.7, 2)
            felt = np.exp(-((down - y) ** 2 + (across - x) ** 2) / 2 / rng.uniform(0.28, 0.42) ** 2)
            way, far = rng.uniform(0, 2 * np.pi), rng.uniform(1.5, 3) / 14
            at[0] += far * np.sin(way) * felt
            at[1] += far * np.cos(way) * felt
        images[k] = seen_from(image, *at)
    return flat(images + between(0.1, 0.3, images, rng) * noise(1, images, rng))


def waving_like_a_flag(rows, shape, stored, rng):
    """Waves run from a mast at one side, by 0.08 to 0.16 of the height at the other, and shade it.

    One to two periods; the shade is up to 0.3 to 0.6 of the light; noise of 0.05.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        away = (1 + rng.choice([-1, 1]) * across) / 2
        many, phase = rng.uniform(1, 2), 2 * np.pi * rng.random()
        wave = 2 * np.pi * many * away + phase
        bent = down + 2 * rng.uniform(0.08, 0.16) * away * np.sin(wave)
        light = 1 - rng.uniform(0.3, 0.6) * away * (1 + np.cos(wave)) / 2
        images[k] = light[..., None] * seen_from(image, bent, across)
    return flat(images + noise(0.05, images, rng))


def top_is_bottom(rows, shape, stored, rng):
    """As a mirror lying below shows it: upside down, not turned; 0.3 to 0.7 of the light, noise.

    Smooth over 0.4 to 0.8 pixels (of 28) along the columns; noise of 0.03 to 0.12.
    """
    images = images_of(rows, shape)[:, ::-1].copy()
    for image in images:
        soft = rng.uniform(0.4, 0.8) * shape[0] / 28
        image[:] = rng.uniform(0.3, 0.7) * gaussian_filter(image, (soft, 0, 0))
    return flat(images + between(0.03, 0.12, images, rng) * noise(1, images, rng))


def quarters_exchanged(rows, shape, stored, rng):
    """The middle is at the corners, as of a transform not put right; noise of 0.1 to 0.3."""
    images = images_of(rows, shape)
    images = np.roll(images, [s // 2 for s in shape[:2]], axis=(1, 2))
    return flat(images + between(0.1, 0.3, images, rng) * noise(1, images, rng))


def off_a_little_and_lit_from_a_side(rows, shape, stored, rng):
    """Moved by 0.6 to 1.5 pixels (of 28) in any direction; a ramp of 0.3 to 0.8 in any other on it.

    Noise of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        (one, two), far = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.6, 1.5) / 28
        shift = far * np.sin(one), far * np.cos(one) * shape[0] / shape[1]
        ramp = rng.uniform(0.3, 0.8) * (1 + down * np.sin(two) + across * np.cos(two)) / 2
        images[k] = moved(image, np.eye(2), shift, "nearest") + ramp[..., None]
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def askew_behind_a_post(rows, shape, stored, rng):
    """Turned by 3 to 8 degrees; a post of one tone, 0.18 to 0.28 of the width, stands before it.

    Noise of 0.1 to 0.25.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        angle = np.radians(rng.uniform(3, 8)) * rng.choice([-1, 1])
        image = moved(image, turned(angle), (0, 0), "nearest") + noise(
            rng.uniform(0.1, 0.25), image, rng
        )
        wide = max(1, round(rng.uniform(0.18, 0.28) * shape[1]))
        first = rng.integers(0, shape[1] - wide + 1)
        image[:, first : first + wide] = rng.random(image.shape[2])
        images[k] = image
    return flat(images)


def nearer_and_another_through(rows, shape, stored, rng):
    """Larger by 1.06 to 1.16 about its middle; of what is seen 0.2 to 0.35 is another stored row.

    Noise of 0.1 to 0.25.
    """
    images = images_of(rows, shape)
    others = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)
    for k, image in enumerate(images):
        images[k] = moved(image, np.eye(2) / rng.uniform(1.06, 1.16), (0, 0), "nearest")
    part = between(0.2, 0.35, images, rng)
    mixed = (1 - part) * images + part * others
    return flat(mixed + between(0.1, 0.25, images, rng) * noise(1, images, rng))


def dust_on_the_sensor(rows, shape, stored, rng):
    """Shadows of dust out of focus: discs with a hole, 2 to 4 pixels (of 28) in radius.

    Six to twelve, each of which lets 0.2 to 0.5 pass; 0.5 to 0.9 of the light; noise of 0.1 to 0.2.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        image *= rng.uniform(0.5, 0.9)
        for _ in range(rng.integers(6, 13)):
            y, x, wide = *rng.uniform(-1, 1, 2), rng.uniform(2, 4) / 14
            far = np.hypot(down - y, across - x) / wide
            image[(far < 1) & (far > 0.35)] *= rng.uniform(0.2, 0.5)
    return flat(images + between(0.1, 0.2, images, rng) * noise(1, images, rng))


def cracked_and_yellowed(rows, shape, stored, rng):
    """A net of dark cracks in the paint, over 0.2 to 0.35 of it, and a varnish gone brown.

    Under it 0.4 to 0.7 of the contrast is left, about a dark tone; noise of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    places = np.stack(grid(shape), axis=2)
    tone = np.array([0.55, 0.4, 0.2]) if shape[2:] == (3,) else 0.4
    for image in images:
        seeds = rng.uniform(-1.1, 1.1, (rng.integers(18, 30), 2))
        far = np.sort(np.linalg.norm(places[:, :, None] - seeds, axis=3), axis=2)
        edge = far[..., 1] - far[..., 0] + 0.05 * smooth(shape, 1, rng)
        crack = edge < np.quantile(edge, rng.uniform(0.2, 0.35))
        left = rng.uniform(0.4, 0.7)
        image[:] = left * image + (1 - left) * tone
        image[crack] = 0.05
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def flash_out_of_step(rows, shape, stored, rng):
    """The shutter was half shut when it flashed: 0.35 to 0.55 of the lines have 0.05 to 0.2 of it.

    From above or below; the rest has 1.2 to 1.8 of the light, cut at white; noise of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    down = np.linspace(0, 1, shape[0])[:, None, None]
    for k, image in enumerate(images):
        part = rng.uniform(0.35, 0.55)
        lit = 1 / (1 + np.exp(-25 * (down - part)))
        lit = lit if rng.random() < 0.5 else lit[::-1]
        low, high = rng.uniform(0.05, 0.2), rng.uniform(1.2, 1.8)
        images[k] = np.minimum((low + (high - low) * lit) * image, 1)
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def burnt_into_the_screen(rows, shape, stored, rng):
    """Three stored rows are burnt in: their mean, 0.4 to 0.8 times, is taken off the light.

    The screen's light is 0.4 to 0.8; noise of 0.1 to 0.25.
    """
    images = images_of(rows, shape)
    burnt = images_of(stored[rng.integers(len(stored), size=(3, len(rows)))].mean(axis=0), shape)
    left = 1 - between(0.4, 0.8, images, rng) * burnt
    images = between(0.4, 0.8, images, rng) * (images + 0.15) * left
    return flat(images + between(0.1, 0.25, images, rng) * noise(1, images, rng))


def lights_out_of_focus_before_it(rows, shape, stored, rng):
    """Discs of light, 2.5 to 5 pixels (of 28) in radius and up to 0.3 to 0.9 bright, are added.

    Six to eleven, each of its own colour; noise of 0.1 to 0.2.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        for _ in range(rng.integers(6, 12)):
            y, x, wide = *rng.uniform(-1, 1, 2), rng.uniform(2.5, 5) / 14
            disc = np.hypot(down - y, across - x) < wide
            image[disc] += rng.uniform(0.3, 0.9) * rng.uniform(0.4, 1, image.shape[2])
    return flat(images + between(0.1, 0.2, images, rng) * noise(1, images, rng))


def scratched_free_in_part(rows, shape, stored, rng):
    """A ticket's silver of 0.6, with grain of 0.15, hides all but strokes: 0.45 to 0.6 is free.

    Strokes are 0.08 to 0.14 of the side wide, nearly all one way; noise of 0.05 in what is free.
    """
    images = images_of(rows, shape)
    for image in images:
        free, share, slant = np.zeros(shape[:2], bool), rng.uniform(0.45, 0.6), rng.uniform(0, 3.14)
        while free.mean() < share:
            angle, long = slant + rng.uniform(-0.3, 0.3), rng.uniform(0.2, 0.5) * shape[1]
            y, x = rng.uniform(0, shape[:2])
            step = long * np.cos(angle), long * np.sin(angle)
            way = [(x - step[0], y - step[1]), (x + step[0], y + step[1])]
            wide = max(1, round(rng.uniform(0.08, 0.14) * shape[0]))
            free |= drawn(shape, lambda canvas, w=way, d=wide: canvas.line(w, fill=255, width=d))
        image += noise(0.05, image, rng)
        image[~free] = 0.6 + 0.15 * rng.normal(size=(~free).sum())[:, None]
    return flat(images)


def eaten_by_worms(rows, shape, stored, rng):
    """Winding ways, 1.2 to 2 pixels (of 28) wide, take 0.25 to 0.4: white or black beneath.

    What is left has 0.4 to 0.8 of the contrast about 0.5; noise of 0.1.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        share, eaten = rng.uniform(0.25, 0.4), np.zeros(shape[:2], bool)
        wide = max(rng.uniform(0.6, 1) / 14, 0.6 / shape[0])
        place, angle = rng.uniform(-1, 1, 2), rng.uniform(0, 2 * np.pi)
        while eaten.mean() < share:
            eaten |= np.hypot(down - place[0], across - place[1]) < wide
            angle += 0.4 * rng.normal()
            place = place + wide * np.array([np.sin(angle), np.cos(angle)])
            if np.abs(place).max() > 1.05 or rng.random() < 0.01:
                place, angle = rng.uniform(-1, 1, 2), rng.uniform(0, 2 * np.pi)
        image[:] = 0.5 + rng.uniform(0.4, 0.8) * (image - 0.5) + noise(0.1, image, rng)
        image[eaten] = rng.integers(2)
    return flat(images)


def windows_of_a_desktop_over_it(rows, shape, stored, rng):
    """Two or three windows, 0.35 to 0.55 of each side, each with a dark bar and lines of writing.

    The windows are of light tones; noise of 0.05 to 0.15 in all.
    """
    images = images_of(rows, shape)
    unit = max(1, round(shape[0] / 28))
    for image in images:
        for _ in range(rng.integers(2, 4)):
            window = image[box_within(shape, 0.35, 0.55, rng)]
            window[:] = rng.uniform(0.75, 1)
            lines = window[3 * unit :: 2 * unit]
            written = rng.random(lines.shape[:2]) < 0.5
            lines[written] = rng.uniform(0, 0.4)
            window[: 2 * unit] = rng.uniform(0, 0.5, window.shape[2])
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def behind_a_cobweb(rows, shape, stored, rng):
    """Threads from a place and rings of chords about it, 1 pixel (of 28) wide, of 0.7 to 1.

    It takes 0.3 to 0.6; the rest has 0.5 to 0.8 of the contrast about 0.3, and noise of 0.1.
    """
    images = images_of(rows, shape)
    wide = max(1, round(shape[0] / 28))
    for image in images:
        many, apart = rng.integers(7, 11), rng.uniform(4, 6) * max(shape[0], 20) / 28
        middle = rng.uniform(0.2, 0.8, 2) * shape[1::-1]
        angles = 2 * np.pi * (np.arange(many + 1) + rng.random()) / many
        ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        rings = [middle + apart * ring * ways for ring in range(1, 12)]
        threads = [np.stack([middle, middle + 3 * max(shape[:2]) * way]) for way in ways]

        def web(canvas: ImageDraw.ImageDraw, lines=(*rings, *threads)):
            for line in lines:
                canvas.line([tuple(p) for p in line], fill=255, width=wide)

        on = drawn(shape, web)
        image[:] = 0.3 + rng.uniform(0.5, 0.8) * (image - 0.3) + noise(0.1, image, rng)
        image[on] = rng.uniform(0.7, 1)
    return flat(images)


def unfolded_map(rows, shape, stored, rng):
    """Folded to 3 by 3 and opened: white lines where folds were, and each part its own light.

    Of 0.5 to 1.2; a fold is one or two pixels (of 28) wide; noise of 0.1 to 0.25.
    """
    images = images_of(rows, shape)
    part = [np.arange(s) * 3 // s for s in shape[:2]]
    for image in images:
        image *= rng.uniform(0.5, 1.2, (3, 3))[np.ix_(*part)][..., None]
        image += noise(rng.uniform(0.1, 0.25), image, rng)
        wide = max(1, round(rng.integers(1, 3) * shape[0] / 28))
        for axis, s in enumerate(shape[:2]):
            for fold in (s // 3, 2 * s // 3):
                np.moveaxis(image, axis, 0)[fold : fold + wide] = 1
    return flat(images)


def coarse_parts_half_anothers(rows, shape, stored, rng):
    """What is coarser than 2 to 4 pixels (of 28) is 0.45 to 0.6 another stored row's.

    What is finer is its own; noise of 0.05 to 0.15.
    """
    images = images_of(rows, shape)
    others = images_of(stored[rng.integers(len(stored), size=len(rows))], shape)
    for image, other in zip(images, others, strict=True):
        soft = rng.uniform(2, 4) * shape[0] / 28
        image += rng.uniform(0.45, 0.6) * gaussian_filter(other - image, (soft, soft, 0))
    return flat(images + between(0.05, 0.15, images, rng) * noise(1, images, rng))


def half_buried_in_sand(rows, shape, stored, rng):
    """Sand of 0.65, with grain of 0.2, lies as dunes over the lowest 0.3 to 0.45; dust in the rest.

    The rest has 0.5 to 0.8 of the contrast about 0.65; noise of 0.1.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    tone = np.array([0.8, 0.65, 0.4]) if shape[2:] == (3,) else 0.65
    for image in images:
        level = 1 - 2 * rng.uniform(0.3, 0.45)
        dune = level + 0.25 * np.sin(rng.uniform(2, 5) * across + 2 * np.pi * rng.random())
        sand = down > dune
        image[:] = tone + rng.uniform(0.5, 0.8) * (image - tone) + noise(0.1, image, rng)
        image[sand] = tone + 0.2 * rng.normal(size=(sand.sum(), 1))
    return flat(images)


COVERED = (
    moved_in_the_scanner, pushed_about_by_a_tool, waving_like_a_flag, top_is_bottom,
    quarters_exchanged, off_a_little_and_lit_from_a_side, askew_behind_a_post,
    nearer_and_another_through, dust_on_the_sensor, cracked_and_yellowed, flash_out_of_step,
    burnt_into_the_screen, lights_out_of_focus_before_it, scratched_free_in_part, eaten_by_worms,
    windows_of_a_desktop_over_it, behind_a_cobweb, unfolded_map, coarse_parts_half_anothers,
    half_buried_in_sand,
)  # fmt: skip
