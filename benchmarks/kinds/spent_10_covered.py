"""The kinds of `spent_10.py` that cover a part, move, or mix with other rows.

The functions are as those of `held_out.py`.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from .views import between, drawn, flat, grid, images_of, moved, noise, seen_from, smooth, turned


def _across(shape, rng):
    """Return how far each pixel is from a line through near the middle, and how far along it.

    In halves of the sides, each (height, width).
    """
    down, across = grid(shape)
    angle, aside = rng.uniform(0, np.pi), rng.uniform(-0.3, 0.3)
    far = down * np.cos(angle) - across * np.sin(angle) - aside
    return far, down * np.sin(angle) + across * np.cos(angle)


def held_in_a_hand(rows, shape, stored, rng):
    """Two to four fingers of one tone, 0.12 to 0.17 of the side wide, 0.4 to 0.65 long, reach in.

    Side by side from any of the four sides, with rounded ends.
    """
    images = images_of(rows, shape)
    for image in images:
        seen = np.rot90(image, rng.integers(4))  # a view: what is written is written there
        high, wide = seen.shape[:2]
        down, across = np.mgrid[:high, :wide] + 0.5
        tone = rng.uniform(0.3, 0.9) * np.array([1, 0.8, 0.65])[: seen.shape[2]]
        thick = rng.uniform(0.12, 0.17) * wide
        count = rng.integers(2, 5)
        first = rng.uniform(0, wide - 1.15 * thick * count)
        for n in range(count):
            middle = first + 1.15 * thick * (n + 0.5)
            tip = rng.uniform(0.4, 0.65) * high - thick / 2
            beyond = np.hypot(np.maximum(down - tip, 0), across - middle)
            seen[beyond < thick / 2] = tone
    return flat(images)


def ruler_laid_over(rows, shape, stored, rng):
    """A ruler, 0.28 to 0.4 of the side wide, lies over it at any angle: one tone, dark marks."""
    images = images_of(rows, shape)
    for image in images:
        far, along = _across(shape, rng)
        half = rng.uniform(0.28, 0.4)
        mark = (np.mod(along, 0.3) < 0.1) & (far > 0)
        image[np.abs(far) < half] = rng.uniform(0.6, 1, image.shape[2])
        image[(np.abs(far) < half) & mark] = 0.1
    return flat(images)


def pen_and_its_shadow(rows, shape, stored, rng):
    """A pen, 0.15 to 0.25 of the side wide, of any tone, and a soft shadow as wide or twice it."""
    images = images_of(rows, shape)
    for image in images:
        far, _ = _across(shape, rng)
        wide = rng.uniform(0.15, 0.25)
        apart = far - wide * rng.uniform(1.5, 2.5) * rng.choice([-1, 1])
        shadow = np.exp(-((apart / (1.5 * wide)) ** 4))
        image *= (1 - rng.uniform(0.5, 0.8) * shadow)[..., None]
        image[np.abs(far) < wide] = rng.random(image.shape[2])
    return flat(images)


def price_labels(rows, shape, stored, rng):
    """Two or three white labels, 0.45 by 0.27 of the sides, aslant, each with a price in black."""
    images, font = images_of(rows, shape), ImageFont.load_default()
    for image in images:
        for _ in range(rng.integers(2, 4)):
            label = Image.new("LA", (30, 14), (255, 255))
            text = f"{rng.integers(1, 100)}.{rng.integers(0, 100):02}"
            ImageDraw.Draw(label).text((15, 7), text, (0, 255), font, "mm")
            size = round(0.45 * shape[1]), round(0.27 * shape[0])
            label = label.resize(size, Image.Resampling.BILINEAR)
            label = label.rotate(rng.uniform(-40, 40), Image.Resampling.BILINEAR, expand=True)
            page, room = Image.new("LA", shape[1::-1]), np.subtract(shape[1::-1], label.size)
            x, y = rng.uniform(0, np.maximum(room, 0) + 1)
            page.paste(label, (int(x), int(y)))
            tone, over = np.moveaxis(np.asarray(page), 2, 0)[..., None] / 255
            image[:] = (1 - over) * image + over * tone
    return flat(images)


def reflects_a_window(rows, shape, stored, rng):
    """A window of two by three panes, 0.6 to 0.9 of the sides, adds light of 0.5 to 0.9; cut."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        size = rng.uniform(0.6, 0.9, 2)
        place, slant = rng.uniform(-0.3, 0.3, 2), rng.uniform(-0.3, 0.3)
        y = (down - place[0] - slant * across) / size[0]
        x = (across - place[1]) / size[1]
        within = (np.abs(y) < 1) & (np.abs(x) < 1)
        bars = (np.mod(3 * (y + 1) / 2, 1) < 0.2) | (np.mod(x + 1, 1) < 0.15)
        image += rng.uniform(0.5, 0.9) * (within & ~bars)[..., None]
    return flat(np.clip(images, 0, 1))


def stained_and_faded(rows, shape, stored, rng):
    """Between 0.35 and 0.65 of the contrast is left, on a light ground; three to five stains.

    Of ragged edge, 0.12 to 0.25 of the side in radius, and they let 0.2 to 0.5 of the light pass.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        left = rng.uniform(0.35, 0.65)
        image *= left
        image += rng.uniform(0.7, 1) * (1 - left)
        for _ in range(rng.integers(3, 6)):
            y, x = rng.uniform(-0.8, 0.8, 2)
            far = np.hypot(down - y, across - x) + 0.08 * smooth(shape, 2, rng)
            image[far < rng.uniform(0.24, 0.5)] *= rng.uniform(0.2, 0.5)
    return flat(images)


def own_shadow_and_noise(rows, shape, stored, rng):
    """Somebody's head and shoulders shade it to 0.15 to 0.4 of the light; noise 0.05 to 0.12."""
    images = images_of(rows, shape)
    for image in images:
        seen = np.rot90(image, rng.integers(4))
        down, across = grid(seen.shape)
        aside = across - rng.uniform(-0.4, 0.4)
        head = np.hypot(down + rng.uniform(-0.1, 0.3), aside) < rng.uniform(0.35, 0.5)
        shoulders = (down > 0.5) & (np.abs(aside) < rng.uniform(0.6, 0.9))
        shade = gaussian_filter((head | shoulders).astype(float), 0.02 * shape[0])
        seen *= 1 - rng.uniform(0.6, 0.85) * shade[..., None]
        image += noise(rng.uniform(0.05, 0.12), image, rng)
    return flat(images)


def night_and_a_lamp(rows, shape, stored, rng):
    """At 0.2 to 0.4 of the light, but for a white lamp in view, with its halo; noise 0.02 to 0.05.

    The lamp's radius is 0.1 to 0.2 of the side, its halo fades over as much again.
    """
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.uniform(-0.7, 0.7, 2)
        radius = rng.uniform(0.2, 0.4)
        beyond = np.maximum(np.hypot(down - y, across - x) - radius, 0)
        image *= rng.uniform(0.2, 0.4)
        image += np.exp(-beyond / radius)[..., None]
        image += noise(rng.uniform(0.02, 0.05), image, rng)
    return flat(np.clip(images, 0, 1))


def oval_mount_and_fading(rows, shape, stored, rng):
    """In an oval, 0.66 to 0.86 of the sides, one tone about it; 0.4 to 0.7 of the contrast."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        size, place = rng.uniform(0.66, 0.86, 2), rng.uniform(-0.12, 0.12, 2)
        beyond = np.hypot((down - place[0]) / size[0], (across - place[1]) / size[1]) > 1
        image *= rng.uniform(0.4, 0.7)
        image += rng.uniform(0.1, 0.3)
        image[beyond] = rng.random(image.shape[2])
    return flat(images)


def double_exposure(rows, shape, stored, rng):
    """The film was not wound on: 0.35 to 0.7 of another stored row is added, and cut at 1."""
    others = stored[rng.integers(len(stored), size=len(rows))]
    return np.clip(rows + rng.uniform(0.35, 0.7, (len(rows), 1)) * others, 0, 1)


def two_takes_apart(rows, shape, stored, rng):
    """The mean of two takes, 1 to 2.5 pixels (of 28) apart in any direction, each with noise.

    Of 0.15 to 0.35; the first take is half of that off its place.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        way = rng.uniform(0, 2 * np.pi)
        half = rng.uniform(0.5, 1.25) / 28 * np.array([np.sin(way), np.cos(way)])
        half[1] *= shape[0] / shape[1]
        two = [moved(image, np.eye(2), s * half, "nearest") for s in (-1, 1)]
        size = rng.uniform(0.15, 0.35)
        images[k] = np.mean([take + noise(size, take, rng) for take in two], axis=0)
    return flat(images)


def stitched_badly(rows, shape, stored, rng):
    """Beyond a seam all is 1 to 3 pixels (of 28) higher or lower, and 0.5 to 0.8 as bright."""
    images = images_of(rows, shape)
    for image in images:
        seam = round(rng.uniform(0.35, 0.65) * shape[1])
        side = np.s_[:, :seam] if rng.random() < 0.5 else np.s_[:, seam:]
        shift = rng.choice([-1, 1]) * rng.uniform(1, 3) / 28
        image[side] = moved(image, np.eye(2), (shift, 0), "nearest")[side]
        image[side] *= rng.uniform(0.5, 0.8)
    return flat(images)


def corners_misplaced(rows, shape, stored, rng):
    """Cut out of a photograph by hand: each corner is up to 0.14 of the sides off its place."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        off = rng.uniform(-0.28, 0.28, (2, 2, 2))
        parts = (1 - down) / 2, (1 + down) / 2, (1 - across) / 2, (1 + across) / 2
        y, x = (
            sum(parts[i] * parts[2 + j] * off[c, i, j] for i in range(2) for j in range(2))
            for c in range(2)
        )
        images[k] = seen_from(image, down + y, across + x)
    return flat(images)


def registered_badly(rows, shape, stored, rng):
    """An affine map: turned by up to 9 degrees, each side by 0.87 to 1.15, sheared, shifted.

    The shear is up to 0.12, the shift up to 0.06 of the sides.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        matrix = turned(np.radians(rng.uniform(-9, 9))) @ np.diag(1.15 ** rng.uniform(-1, 1, 2))
        matrix = matrix @ np.array([[1, rng.uniform(-0.12, 0.12)], [0, 1]])
        images[k] = moved(image, matrix, rng.uniform(-0.06, 0.06, 2), "nearest")
    return flat(images)


def streaks_and_fed_askew(rows, shape, stored, rng):
    """A scanner took it in askew, by 3 to 9 degrees, on white; dirt draws three to six streaks.

    Down the whole scan, each 0.03 to 0.08 of the width and of a grey of its own.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        angle = np.radians(rng.uniform(3, 9)) * rng.choice([-1, 1])
        images[k] = 1 + moved(image - 1, turned(angle), (0, 0), "constant")
        for _ in range(rng.integers(3, 7)):
            wide = max(1, round(rng.uniform(0.03, 0.08) * shape[1]))
            first = rng.integers(0, shape[1] - wide + 1)
            images[k][:, first : first + wide] = rng.random()
    return flat(images)


def mirrored_and_overexposed(rows, shape, stored, rng):
    """Left is right, as a front camera shows it; values times 1.2 to 1.7 and 0 to 0.15; cut."""
    images = images_of(rows, shape)[:, :, ::-1]
    made = between(1.2, 1.7, images, rng) * images + between(0, 0.15, images, rng)
    return flat(np.clip(made, 0, 1))


def through_wet_glass(rows, shape, stored, rng):
    """Smooth over 2 to 3 pixels (of 28) but in a few clear streaks; 0.6 to 0.9 of contrast.

    What is lost of the contrast is a grey of 0.5 to 0.9.
    """
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        soft = rng.uniform(2, 3) * shape[0] / 28
        wet = gaussian_filter(image, (soft, soft, 0))
        ways = [
            [(float(x + rng.normal(0, 0.03) * shape[1]), float(y)) for y in range(shape[0])]
            for x in rng.uniform(0, shape[1], 3)
        ]
        wide = max(1, round(0.08 * shape[1]))
        clear = drawn(
            shape, lambda canvas, w=ways, d=wide: [canvas.line(p, fill=255, width=d) for p in w]
        )
        left = rng.uniform(0.6, 0.9)
        images[k] = left * np.where(clear[..., None], image, wet)
        images[k] += (1 - left) * rng.uniform(0.5, 0.9)
    return flat(images)


COVERED = (
    held_in_a_hand, ruler_laid_over, pen_and_its_shadow, price_labels, reflects_a_window,
    stained_and_faded, own_shadow_and_noise, night_and_a_lamp, oval_mount_and_fading,
    double_exposure, two_takes_apart, stitched_badly, corners_misplaced, registered_badly,
    streaks_and_fed_askew, mirrored_and_overexposed, through_wet_glass,
)  # fmt: skip
