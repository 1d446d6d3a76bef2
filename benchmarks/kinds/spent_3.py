"""A third set of damage that recall was not made on: measured once (`results`), spent since.

The functions are as those of `held_out.py`.
"""

import numpy as np
from scipy.fft import fft2, fftfreq, ifft2
from scipy.ndimage import (
    gaussian_filter,
    gaussian_filter1d,
    grey_dilation,
    grey_erosion,
    median_filter,
    rotate,
    sobel,
    zoom,
)
from scipy.stats import rankdata

from .views import flat, grain, grid, images_of, noise, seen_from, spread


def aslant(rows, shape, stored, rng):
    """Photographed from one side: one edge is a sixth shorter than the other."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        y, x = 0.09 * rng.choice([-1, 0, 1]), 0.09 * rng.choice([-1, 1])
        far = 1 + y * down + x * across
        images[k] = seen_from(image, down * far, across * far)
    return flat(images + noise(0.03, images, rng))


def through_a_lens(rows, shape, stored, rng):
    """A barrel or a cushion: a point at the middle of an edge moves by an eighth."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        far = 1 + rng.choice([-0.12, 0.12]) * (down**2 + across**2)
        images[k] = seen_from(image, down * far, across * far)
    return flat(images)


def sheared(rows, shape, stored, rng):
    """The sensor was read line by line in motion: top and bottom move apart by a fifth."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        images[k] = seen_from(image, down, across + 0.2 * rng.choice([-1, 1]) * down)
    return flat(images)


def on_a_page(rows, shape, stored, rng):
    """At 0.88 of its size somewhere on a sheet of one grey, and noise of 0.05."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        y, x = rng.uniform(-0.12, 0.12, 2)
        images[k] = seen_from(image, (down - y) / 0.88, (across - x) / 0.88, rng.random())
    return flat(grain(images, rng))


def ink(rows, shape, stored, rng):
    """Ink bled or was rubbed off: each pixel has the most or the least of two by two (of 28)."""
    images, size = images_of(rows, shape), max(2, round(shape[0] / 14))
    for k, image in enumerate(images):
        change = grey_dilation if rng.random() < 0.5 else grey_erosion
        images[k] = change(image, size=(size, size, 1))
    return flat(grain(images, rng))


def glare(rows, shape, stored, rng):
    """A lamp is mirrored: soft light of 1.2 about a place, half the side across, cut at 1."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.uniform(-0.6, 0.6, 2)
        light = np.exp(-(((down - y) ** 2 + (across - x) ** 2) / 0.5))
        image += 1.2 * light[..., None]
    return flat(np.clip(images, 0, 1))


def in_the_pane(rows, shape, stored, rng):
    """The picture's mirror image lies over it, of 0.45, and noise of 0.1."""
    images = images_of(rows, shape)
    return flat(0.55 * images + 0.45 * images[:, :, ::-1] + noise(0.1, images, rng))


def overexposed(rows, shape, stored, rng):
    """Three times as bright and cut at 1, after noise of 0.15 in the dark."""
    return np.clip(3 * (rows + noise(0.15, rows, rng)), 0, 1)


def offsets_of_lines(rows, shape, stored, rng):
    """Each line of the sensor has an offset of deviation 0.4 and a gain of deviation 0.3."""
    images = images_of(rows, shape)
    each = (len(rows), shape[0], 1, 1)
    return flat(images * rng.normal(1, 0.3, each) + rng.normal(0, 0.4, each))


def stream_broken(rows, shape, stored, rng):
    """From a line about the middle on all is moved sideways by a third, and brighter or darker."""
    images = images_of(rows, shape)
    for image in images:
        line = int(rng.uniform(0.4, 0.6) * shape[0])
        move = rng.choice([-1, 1]) * (shape[1] // 3)
        image[line:] = np.roll(image[line:], move, axis=1) + rng.uniform(-0.4, 0.4)
    return flat(np.clip(images, 0, 1))


def behind_a_fence(rows, shape, stored, rng):
    """A wire lattice of one grey lies over it aslant, and hides about a half."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        y, x = rng.random(2)
        wires = [((1.5 * s + a) % 1) < 0.3 for s, a in ((down + across, y), (down - across, x))]
        image[wires[0] | wires[1]] = rng.random()
    return flat(grain(images, rng))


def drops(rows, shape, stored, rng):
    """Eight drops of water, each a quarter of the side, show what is behind them upturned."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for k, image in enumerate(images):
        out = image.copy()
        for y, x in rng.uniform(-0.9, 0.9, (8, 2)):
            inside = (down - y) ** 2 + (across - x) ** 2 < (1 / 4) ** 2
            turned = seen_from(image, 3 * y - 2 * down, 3 * x - 2 * across)
            out[inside] = turned[inside]
        images[k] = out
    return flat(images)


def jigsaw(rows, shape, stored, rng):
    """Cut into four by four pieces; six of them change places."""
    images = images_of(rows, shape)
    height, width = (s // 4 for s in shape[:2])
    for image in images:
        pieces = [
            (slice(i * height, (i + 1) * height), slice(j * width, (j + 1) * width))
            for i in range(4)
            for j in range(4)
        ]
        some = rng.permutation(16)[:6]
        before = image.copy()
        for to, of in zip(some, np.roll(some, 1), strict=True):
            image[pieces[to]] = before[pieces[of]]
    return flat(images)


def outlines(rows, shape, stored, rng):
    """Edges alone, as a drawing has them: the size of the slope, its largest 1."""
    images = images_of(rows, shape)
    edges = np.zeros_like(images)
    for k, c in np.ndindex(len(images), images.shape[-1]):
        one = images[k, ..., c]
        edges[k, ..., c] = np.hypot(sobel(one, axis=0), sobel(one, axis=1))
    return flat(edges / np.maximum(edges.max(axis=(1, 2, 3), keepdims=True), 1e-9))


def relief(rows, shape, stored, rng):
    """Pressed into metal: the difference from the pixel up and to the left, on grey, and grain."""
    images, step = images_of(rows, shape), max(1, round(shape[0] / 28))
    moved = np.roll(images, (step, step), axis=(1, 2))
    return flat(np.clip(0.5 + (images - moved) / 2, 0, 1) + noise(0.05, images, rng))


def badly_denoised(rows, shape, stored, rng):
    """Noise of 0.5, cut to [0, 1], and then the median of three by three."""
    images = images_of(rows, shape)
    noisy = np.clip(images + noise(0.5, images, rng), 0, 1)
    return flat(median_filter(noisy, size=(1, 3, 3, 1)))


def another_in_front(rows, shape, stored, rng):
    """Another stored image, at 0.7 of its size, stands before it where it is not as its border."""
    images = images_of(rows, shape)
    down, across = grid(shape)
    for image in images:
        other = stored[rng.integers(len(stored))].reshape(image.shape)
        rim = np.median(np.concatenate([other[0], other[-1], other[:, 0], other[:, -1]]), axis=0)
        y, x = rng.uniform(-0.3, 0.3, 2)
        place = (down - y) / 0.7, (across - x) / 0.7
        inside = (np.abs(place[0]) <= 1) & (np.abs(place[1]) <= 1)
        front = seen_from(other, *place)
        shown = inside & (np.abs(front - rim).max(axis=-1) > 0.15)
        image[shown] = front[shown]
    return flat(images)


def folded(rows, shape, stored, rng):
    """Folded down and across: each quarter has a light of its own, and the folds are white."""
    images = images_of(rows, shape)
    for image in images:
        i, j = (int(rng.uniform(0.35, 0.65) * s) for s in shape[:2])
        for part in np.s_[:i, :j], np.s_[:i, j:], np.s_[i:, :j], np.s_[i:, j:]:
            image[part] = rng.uniform(0.3, 1.2) * image[part] + rng.uniform(-0.3, 0.5)
        image[i], image[:, j] = 1, 1
    return flat(grain(images, rng))


def fax(rows, shape, stored, rng):
    """Turned by 3 degrees, half the resolution, black or white about its mean, one in 20 wrong."""
    images = images_of(rows, shape)
    for k, image in enumerate(images):
        turned = rotate(image, 3 * rng.choice([-1, 1]), reshape=False, order=1, mode="nearest")
        few = zoom(turned, (0.5, 0.5, 1), order=1)
        high = few > few.mean(axis=(0, 1))
        high ^= rng.random(high.shape) < 0.05
        images[k] = zoom(high.astype(float), [*np.divide(shape[:2], few.shape[:2]), 1], order=0)
    return flat(images)


def streaks(rows, shape, stored, rng):
    """An old tape: noise of 0.6 that is alike along a line over a quarter of the side."""
    images = images_of(rows, shape)
    field = gaussian_filter1d(rng.normal(size=images.shape[:3]), shape[1] / 8, axis=2)
    return flat(images + 0.6 * (field / field.std())[..., None])


def out_of_focus_beyond(rows, shape, stored, rng):
    """Sharp at one side, smoothed over an eighth of the side at the other, and noise of 0.1."""
    images = images_of(rows, shape)
    wide = np.array([0, 1 / 32, 1 / 16, 1 / 8]) * shape[0]
    for k, image in enumerate(images):
        layers = np.stack([gaussian_filter(image, (w, w, 0)) for w in wide])
        axis, back = rng.integers(2), rng.integers(2)
        depth = grid(shape)[axis] * (1 - 2 * back) / 2 + 0.5
        which = np.round(depth * 3).astype(int)[None, ..., None]
        images[k] = np.take_along_axis(layers, which, axis=0)[0]
    return flat(images + noise(0.1, images, rng))


def frequencies_lost(rows, shape, stored, rng):
    """As by a scanner of magnets in haste: 0.6 of the lines of frequencies are not measured."""
    images = images_of(rows, shape)
    found = fft2(images, axes=(1, 2))
    low = np.abs(fftfreq(shape[0])) < 0.04
    for one in found:
        one[~low & (rng.random(shape[0]) < 0.6)] = 0
    return flat(np.abs(ifft2(found, axes=(1, 2))))


def equalised(rows, shape, stored, rng):
    """Each pixel is the share of pixels that are darker, after noise of 0.05."""
    noisy = rows + noise(0.05, rows, rng)
    return (rankdata(noisy, axis=1) - 0.5) / rows.shape[1]


IMAGES = {
    f.__name__.replace("_", " "): f
    for f in (
        aslant, through_a_lens, sheared, on_a_page, ink, glare, in_the_pane, overexposed,
        offsets_of_lines, stream_broken, behind_a_fence, drops, jigsaw, outlines, relief,
        badly_denoised, another_in_front, folded, fax, streaks, out_of_focus_beyond,
        frequencies_lost, equalised,
    )
}  # fmt: skip


def points_slipped(rows, shape, stored, rng):
    """In three of ten columns the decimal point was typed one place off."""
    slip = np.where(rng.random(rows.shape) < 0.3, rng.choice([0.1, 10.0], rows.shape), 1.0)
    return rows * slip


def signs_lost(rows, shape, stored, rng):
    """Every minus is lost, and noise of 0.3."""
    return np.abs(rows) + spread(stored, 0.3, rows, rng)


def coarse_scale(rows, shape, stored, rng):
    """Read from a scale whose marks are two deviations apart."""
    mark = 2 * stored.std(axis=0)
    return np.round(rows / mark) * mark


def cell_left_out(rows, shape, stored, rng):
    """A cell was forgotten past the middle: all after it stand one column to the left."""
    out = rows.copy()
    for row in out:
        place = int(rng.uniform(0.4, 0.8) * row.size)
        row[place:] = np.append(row[place + 1 :], 0.0)
    return out


def two_units(rows, shape, stored, rng):
    """A third of the columns are degrees Fahrenheit, not Celsius, and noise of 0.2."""
    other = rng.random(rows.shape) < 1 / 3
    return np.where(other, 1.8 * rows + 32, rows) + spread(stored, 0.2, rows, rng)


def saturating(rows, shape, stored, rng):
    """Sensors give less the more there is, softly: tanh of twice the score, and noise of 0.3."""
    mean, size = stored.mean(axis=0), stored.std(axis=0)
    made = mean + size * np.tanh(2 * (rows - mean) / np.maximum(size, 1e-12)) / 2
    return made + spread(stored, 0.15, rows, rng)


def bad_sensors(rows, shape, stored, rng):
    """Every column has noise of its own deviation, the same in all cues: lognormal, of 1.5."""
    return rows + spread(stored, rng.lognormal(0, 1.5, rows.shape[1]), rows, rng)


def held(rows, shape, stored, rng):
    """Half of the readings failed, and each shows the score of the last that did not."""
    mean, size = stored.mean(axis=0), np.maximum(stored.std(axis=0), 1e-12)
    scores = (rows - mean) / size
    for score in scores:
        fine = rng.random(score.size) < 0.5
        fine[0] = True
        score[:] = score[np.maximum.accumulate(np.where(fine, np.arange(score.size), 0))]
    return mean + size * scores


def spikes(rows, shape, stored, rng):
    """Noise of 0.5, and in one of ten columns of twenty deviations."""
    size = np.where(rng.random(rows.shape) < 0.1, 20.0, 0.5)
    return rows + spread(stored, size, rows, rng)


def best_answer(rows, shape, stored, rng):
    """Six in ten questions were not answered, and have the highest answer that anybody gave."""
    return np.where(rng.random(rows.shape) < 0.6, stored.max(axis=0), rows)


def hum(rows, shape, stored, rng):
    """A sine over the columns is added, of amplitude two deviations, and noise of 0.3."""
    place = np.arange(rows.shape[1])
    turns, phase = rng.uniform(3, 12, (len(rows), 1)), rng.uniform(0, 6.3, (len(rows), 1))
    wave = np.sin(2 * np.pi * turns * place / len(place) + phase)
    return rows + 2 * stored.std(axis=0) * wave + spread(stored, 0.3, rows, rng)


def noise_like_data(rows, shape, stored, rng):
    """Noise of the rows' own covariance, of 0.8 of their deviations."""
    some = rng.normal(size=(len(rows), len(stored))) / np.sqrt(len(stored))
    return rows + 0.8 * some @ (stored - stored.mean(axis=0))


def pounds_and_gaps(rows, shape, stored, rng):
    """All is in another unit, 2.2 times as large, and a third of the columns are empty: 0."""
    return np.where(rng.random(rows.shape) < 1 / 3, 0.0, 2.2 * rows)


def detection_limit(rows, shape, stored, rng):
    """What is below the upper third of its column is told as that limit, and noise of 0.2."""
    limit = np.quantile(stored, 2 / 3, axis=0)
    return np.maximum(rows, limit) + spread(stored, 0.2, rows, rng)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        points_slipped, signs_lost, coarse_scale, cell_left_out, two_units, saturating,
        bad_sensors, held, spikes, best_answer, hum, noise_like_data, pounds_and_gaps,
        detection_limit,
    )
}  # fmt: skip
