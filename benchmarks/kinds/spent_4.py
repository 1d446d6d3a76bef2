"""A fourth set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`; those for rows of any numbers are in
`spent_4_vectors.py`. Those that move what is shown are `misregistered`, `swirled`, `shattered`,
`letterboxed`, `words_reversed`, and `read_backwards` of vectors.
"""

import numpy as np
from PIL import ImageFont
from scipy.ndimage import gaussian_filter, rotate

from .spent_4_vectors import VECTORS
from .views import drawn, flat, grain, grid, images_of, noise, seen_from, smooth

__all__ = ["IMAGES", "VECTORS"]


def torn(rows, shape, stored, rng):
    """A part is torn off along a ragged edge, about 0.4; grained wood shows beneath."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        angle = rng.uniform(0, 2 * np.pi)
        along = np.cos(angle) * down + np.sin(angle) * across
        gone = along + 0.12 * smooth(shape, 1, rng) > 0.15
        wood = 0.5 + 0.15 * np.sin(15 * down + 0.7 * smooth(shape, 4, rng))
        image[gone] = wood[gone, None] * rng.uniform(0.6, 1, image.shape[2])
    return flat(images)


def printed_over(rows, shape, stored, rng):
    """Three lines of capital letters, black or white, are printed over it."""
    images, size = images_of(rows, shape), shape[0] / 3
    font = ImageFont.load_default(1.2 * size)
    for image in images:
        lines = ["".join(rng.choice(list("ABCDEFGHKLMNOPRSTUVXYZ"), 6)) for _ in range(3)]

        def letters(canvas, lines=lines):
            for k, line in enumerate(lines):
                canvas.text((0, (k - 0.15) * size), line, fill=255, font=font)

        image[drawn(shape, letters)] = rng.integers(2)
    return flat(images)


def scribbled_over(rows, shape, stored, rng):
    """A pen has gone over it in one long curve of 2 pixels' width (of 28), of one grey."""
    images, turns = images_of(rows, shape), np.linspace(0, 2 * np.pi, 200)
    for image in images:
        waves = np.cos(np.outer(np.arange(1, 5), turns) + rng.uniform(0, 6.3, (2, 4, 1)))
        path = (rng.normal(size=(2, 1, 4)) @ waves)[:, 0]
        path = 0.5 + 0.45 * path / np.abs(path).max(axis=1, keepdims=True)
        points = [(x * shape[1], y * shape[0]) for x, y in path.T]
        wide = round(shape[0] / 14)
        image[drawn(shape, lambda c, p=points, w=wide: c.line(p, fill=255, width=w))] = rng.random()
    return flat(images)


def finger_on_the_lens(rows, shape, stored, rng):
    """Something dim and out of focus reaches in from the edge and hides about a third."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        angle = rng.uniform(0, 2 * np.pi)
        far = np.hypot(down - 1.05 * np.cos(angle), across - 1.05 * np.sin(angle))
        hidden = 1 / (1 + np.exp((far - 0.95) / 0.1))[..., None]
        image += hidden * (rng.uniform(0.2, 0.8, image.shape[2]) - image)
    return flat(grain(images, rng))


def fingerprint(rows, shape, stored, rng):
    """A greasy fingerprint of 0.7 of the side: beneath its ridges all is smoothed and pale."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.uniform(-0.3, 0.3, 2)
        far = np.hypot((down - y) / 0.8, (across - x) / 0.6)
        ridge = np.sin(22 * far + 0.8 * smooth(shape, 3, rng)) > -0.3
        grease = (ridge * np.clip(5 * (1.1 - far), 0, 1))[..., None]
        wide = shape[0] / 16
        image += grease * (0.45 * gaussian_filter(image, (wide, wide, 0)) + 0.35 - image)
    return flat(images)


def snowfall(rows, shape, stored, rng):
    """Fifty flakes, soft and white, of half a pixel to 1.5 pixels' radius (of 28)."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        for y, x, size in zip(*rng.uniform(-1, 1, (2, 50)), rng.uniform(0.5, 1.5, 50), strict=True):
            far = 14 * np.hypot(down - y, across - x)
            np.maximum(image, np.clip(size + 0.7 - far, 0, 1)[..., None], out=image)
    return flat(images)


def peeled(rows, shape, stored, rng):
    """The paint has come off in flakes of a few pixels, 0.45 of it; beneath is one grey."""
    images = images_of(rows, shape)
    for image in images:
        field = smooth(shape, 1.5, rng)
        image[field > np.quantile(field, 0.55)] = rng.random()
    return flat(images)


def dappled(rows, shape, stored, rng):
    """In the shade of leaves: a quarter as bright but in a few round spots, and noise of 0.05."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        places = rng.uniform(-1, 1, (2, 12, 1, 1))
        lit = np.hypot(down - places[0], across - places[1]) < rng.uniform(0.15, 0.35, (12, 1, 1))
        image *= np.where(lit.any(axis=0), 1, 0.25)[..., None]
    return flat(grain(images, rng))


def cup_rings(rows, shape, stored, rng):
    """Four cups stood on it: opaque rings of a middle grey, and a pale stain within each."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        for y, x in rng.uniform(-0.8, 0.8, (4, 2)):
            far, size = np.hypot(down - y, across - x), rng.uniform(0.45, 0.65)
            stain = np.where(np.abs(far - size) < 0.07, 0.9, 0.2 * (far < size))[..., None]
            image += stain * (0.4 - image)
    return flat(images)


def misregistered(rows, shape, stored, rng):
    """Printed in three runs up to two pixels apart (of 28): each colour, or a third of the grey."""
    images, step = images_of(rows, shape), 2 / 14
    down, across = grid(shape)
    for k, image in enumerate(images):
        runs = [seen_from(image, down + y, across + x) for y, x in rng.uniform(-step, step, (3, 2))]
        for c in range(image.shape[2]):
            some = [runs[c % 3]] if image.shape[2] > 1 else runs
            images[k, ..., c] = np.mean([run[..., c] for run in some], axis=0)
    return flat(images)


def echo(rows, shape, stored, rng):
    """Seen again 0.75 as bright an eighth of the side away, left or right, and noise of 0.1."""
    images = images_of(rows, shape)
    for image in images:
        image += 0.75 * np.roll(image, rng.choice([-1, 1]) * round(shape[1] / 8), axis=1)
    return flat(images / 1.75 + noise(0.1, images, rng))


def zoomed_while_open(rows, shape, stored, rng):
    """The mean of the image at sizes from 0.75 to 1.25, sharp at its middle alone; grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        sizes = np.linspace(0.75, 1.25, 9)
        images[k] = np.mean([seen_from(image, down * s, across * s) for s in sizes], axis=0)
    return flat(grain(images, rng))


def swirled(rows, shape, stored, rng):
    """The middle is turned by 50 degrees, what is further out by less."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    turn = np.radians(50) * np.exp(-(down**2 + across**2) / 0.3)
    for k, image in enumerate(images):
        c, s = np.cos(turn), rng.choice([-1, 1]) * np.sin(turn)
        images[k] = seen_from(image, c * down - s * across, s * down + c * across)
    return flat(images)


def shattered(rows, shape, stored, rng):
    """A broken mirror: nine shards, each moved by 1.5 pixels (of 28), with white edges."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        places, moves = rng.uniform(-1, 1, (2, 9, 1, 1)), 0.1 * rng.normal(size=(2, 9))
        shard = np.hypot(down - places[0], across - places[1]).argmin(axis=0)
        images[k] = seen_from(image, down + moves[0][shard], across + moves[1][shard])
        edge = (shard != np.roll(shard, 1, axis=0)) | (shard != np.roll(shard, 1, axis=1))
        edge[0] = edge[:, 0] = False
        images[k][edge] = 1
    return flat(images)


def letterboxed(rows, shape, stored, rng):
    """Made 0.75 as high, between black bars above and below, or as wide, and grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        y, x = rng.permutation([0.75, 1])
        images[k] = seen_from(image, down / y, across / x, 0.0)
    return flat(grain(images, rng))


def interleaved(rows, shape, stored, rng):
    """Two streams on one line: three of every eight lines are another stored row's."""
    images = images_of(rows, shape)
    theirs = np.isin(np.arange(shape[0]) % 8, [1, 4, 6])
    for image in images:
        image[theirs] = stored[rng.integers(len(stored))].reshape(image.shape)[theirs]
    return flat(images)


def off_a_screen(rows, shape, stored, rng):
    """Photographed off a screen: its dots, slightly turned, beat with the pixels, and grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        angle, turns = rng.uniform(-0.15, 0.15), 2 * np.pi * 14 / rng.uniform(2.2, 3.2)
        u = turns * (np.cos(angle) * down + np.sin(angle) * across)
        v = turns * (np.cos(angle) * across - np.sin(angle) * down)
        image *= (0.1 + 0.45 * (1 + np.sin(u)) * (1 + np.sin(v)))[..., None]
    return flat(grain(np.clip(images, 0, 1), rng))


def hatched(rows, shape, stored, rng):
    """An engraving: lines aslant, 3.5 pixels apart (of 28), the thicker the brighter; grain."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        along = (down + rng.choice([-1, 1]) * across) / np.sqrt(2)
        place = (14 / 3.5 * along + rng.random()) % 1
        image[:] = image > 0.1 + 1.2 * np.abs(2 * place - 1)[..., None]
    return flat(grain(images, rng))


def wrapped_around(rows, shape, stored, rng):
    """1.7 times as bright, after noise of 0.05, and what overflows a byte begins again at 0."""
    return np.maximum(1.7 * (rows + noise(0.05, rows, rng)), 0) % 1


def bits_flipped(rows, shape, stored, rng):
    """Of the eight bits of each pixel one in six is wrong."""
    wrong = np.packbits(rng.random((*rows.shape, 8)) < 1 / 6, axis=-1)[..., 0]
    return (np.round(255 * np.clip(rows, 0, 1)).astype(np.uint8) ^ wrong) / 255


def differences_lost(rows, shape, stored, rng):
    """Sent line by line as differences: one in ten is lost, each has noise of 0.06; all adds up."""
    images = images_of(rows, shape)
    steps = np.diff(images, axis=2, prepend=0) * (rng.random(images.shape) > 0.1)
    return flat((steps + noise(0.06, images, rng)).cumsum(axis=2))


def low_rank(rows, shape, stored, rng):
    """As a matrix of rank 3, the nearest to each channel, and noise of 0.1."""
    images = images_of(rows, shape)
    u, s, v = np.linalg.svd(np.moveaxis(images, 3, 1), full_matrices=False)
    made = np.moveaxis((u[..., :3] * s[..., None, :3]) @ v[..., :3, :], 1, 3)
    return flat(made + noise(0.1, images, rng))


def raw_sensor(rows, shape, stored, rng):
    """As behind a mosaic of filters: each pixel of four has one channel, or 1 to 0.2 of grey."""
    images = images_of(rows, shape)
    i, j = np.indices(shape[:2]) % 2
    if images.shape[3] == 3:
        passed = np.eye(3)[np.array([[0, 1], [1, 2]])[i, j]]
    else:
        passed = np.array([[1, 0.6], [0.4, 0.2]])[i, j][..., None]
    return flat(grain(images * passed, rng))


def fixed_pattern(rows, shape, stored, rng):
    """Each pixel of the sensor has an offset of deviation 0.45, the same in all cues."""
    images = images_of(rows, shape)
    return flat(images + noise(0.45, images[:1], rng))


def ring_artefacts(rows, shape, stored, rng):
    """As of a turning scanner: each ring about the middle has an offset of deviation 0.35."""
    images = images_of(rows, shape)
    ring = np.round(np.hypot(*grid(shape)) * shape[0] / 2).astype(int)
    return flat(images + rng.normal(0, 0.35, (len(rows), ring.max() + 1))[:, ring][..., None])


def few_projections(rows, shape, stored, rng):
    """Rebuilt by filtered projection of ten views all around, each with noise of 0.03 a pixel."""
    images, side = images_of(rows, shape), 2 * max(shape[:2])
    edges = [((side - s) // 2, side - s - (side - s) // 2) for s in shape[:2]]
    padded = np.pad(images, [(0, 0), *edges, (0, 0)])
    made = np.zeros_like(padded)
    ramp = 2 * np.abs(np.fft.fftfreq(side))[:, None]
    turn = {"axes": (1, 2), "reshape": False, "order": 1}
    for angle in 18 * np.arange(10):
        view = rotate(padded, angle, **turn).sum(axis=1)
        view += noise(0.03 * side, view, rng) / 4
        view = np.fft.ifft(np.fft.fft(view, axis=1) * ramp, axis=1).real
        made += rotate(np.broadcast_to(view[:, None], padded.shape), -angle, **turn)
    inside = tuple(slice(before, side - after) for before, after in edges)
    return flat(made[:, *inside] * np.pi / 20)


def oversharpened(rows, shape, stored, rng):
    """After noise of 0.04 the difference from what is smoothed by a pixel (of 28), four times."""
    images, wide = images_of(rows, shape), shape[0] / 28
    images += noise(0.04, images, rng)
    soft = gaussian_filter(images, (0, wide, wide, 0))
    return flat(np.clip(images + 4 * (images - soft), 0, 1))


def words_reversed(rows, shape, stored, rng):
    """Words of four bytes were read from their other end, and noise of 0.05."""
    out, whole = rows + noise(0.05, rows, rng), rows.shape[1] // 4 * 4
    out[:, :whole] = out[:, :whole].reshape(len(rows), -1, 4)[:, :, ::-1].reshape(len(rows), -1)
    return out


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        torn, printed_over, scribbled_over, finger_on_the_lens, fingerprint, snowfall, peeled,
        dappled, cup_rings, misregistered, echo, zoomed_while_open, swirled, shattered,
        letterboxed, interleaved, off_a_screen, hatched, wrapped_around, bits_flipped,
        differences_lost, low_rank, raw_sensor, fixed_pattern, ring_artefacts, few_projections,
        oversharpened, words_reversed,
    )
}  # fmt: skip
