"""Damage drawn at random: one to three of some thirty kinds one after another, of any strength.

`memory.row_probability` was learned from such cues. None of the kinds of `kinds/held_out.py` is
among them. Functions are as those of `attractory.bench.damage`.
"""

import numpy as np
from kinds import spent_1
from kinds.views import scored, unscored
from scipy.ndimage import gaussian_filter

from attractory.bench.damage import shift


def _images(rows, shape):
    return rows.reshape(len(rows), *shape).copy()


def _flat(images):
    return images.reshape(len(images), -1)


def _box(shape, share, rng):
    sides = [max(1, round(share * s)) for s in shape[:2]]
    places = [rng.integers(0, s - b + 1) for s, b in zip(shape[:2], sides, strict=True)]
    return tuple(slice(p, p + b) for p, b in zip(places, sides, strict=True))


def _values(size, stored, rng):
    """Return what lost pixels show: 0, 1, either, any value, one grey, or values of other rows."""
    return [
        lambda: np.zeros(size),
        lambda: np.ones(size),
        lambda: rng.integers(0, 2, size).astype(float),
        lambda: rng.uniform(stored.min(), stored.max(), size),
        lambda: np.full(size, rng.random()),
        lambda: rng.choice(stored.ravel()[:100_000], size),
    ][rng.integers(6)]()


def _noise(rows, shape, stored, rng):
    drawn = [rng.normal, rng.laplace][rng.integers(2)](size=rows.shape)
    away = np.linalg.norm(rows - stored.mean(axis=0), axis=1, keepdims=True)
    out = rows + rng.uniform(0.1, 2) * away * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return np.clip(out, 0, 1) if rng.random() < 0.3 else out


def _pixels(rows, shape, stored, rng):
    return np.where(
        rng.random(rows.shape) < rng.uniform(0.1, 0.85), _values(rows.shape, stored, rng), rows
    )


def _part(rows, shape, stored, rng):
    images, axis = _images(rows, shape), rng.integers(2)
    size = int(rng.uniform(0.3, 0.65) * shape[axis])
    where = [slice(None)] * images.ndim
    where[1 + axis] = slice(size) if rng.integers(2) else slice(-size, None)
    images[tuple(where)] = _values(images[tuple(where)].shape, stored, rng)
    return _flat(images)


def _a_box(rows, shape, stored, rng):
    images, kind, share = _images(rows, shape), rng.integers(3), rng.uniform(0.3, 0.65)
    for image in images:
        box = _box(shape, share, rng)
        if kind == 0:
            image[box] = [0, 1, rng.random()][rng.integers(3)]
        elif kind == 1:
            image[box] = stored[rng.integers(len(stored))].reshape(shape)[box]
        else:
            image[box] = 1 - image[box]
    return _flat(images)


def _boxes(rows, shape, stored, rng):
    images = _images(rows, shape)
    for image in images:
        for _ in range(rng.integers(2, 6)):
            image[_box(shape, rng.uniform(0.2, 0.4), rng)] = rng.random()
    return _flat(images)


def _stripes(rows, shape, stored, rng):
    images, axis, period = _images(rows, shape), rng.integers(2), rng.integers(3, 7)
    where = [slice(None)] * images.ndim
    where[1 + axis] = np.arange(shape[axis]) % period < rng.integers(1, period)
    images[tuple(where)] = rng.random()
    return _flat(images)


def _blur(rows, shape, stored, rng):
    wide = rng.uniform(0.5, 1.8) * shape[0] / 28
    images = gaussian_filter(_images(rows, shape), (0, wide, wide) + (0,) * (len(shape) - 2))
    return _flat(images) + rng.choice([0, 0.02, 0.1]) * rng.normal(size=rows.shape)


def _contrast(rows, shape, stored, rng):
    return rng.uniform(0.15, 1) * rows + rng.uniform(0, 0.8, (len(rows), 1))


def _speckle(rows, shape, stored, rng):
    form = rng.uniform(1, 4)
    factors = rng.gamma(form, 1 / form, rows.shape)
    return rows * factors + 0.05 * rng.random() * rng.normal(size=rows.shape)


def _gamma(rows, shape, stored, rng):
    return np.clip(rows, 0, 1) ** (3.0 ** rng.uniform(-1, 1, (len(rows), 1)))


def _counts(rows, shape, stored, rng):
    light = rng.uniform(1, 6)
    return rng.poisson(np.clip(light * rows, 0, None) + rng.uniform(0, 0.6)) / light


def _ramp(rows, shape, stored, rng):
    images, size = _images(rows, shape), rng.uniform(0.4, 1.5)
    ones = [np.linspace(-0.5, 0.5, s) for s in shape[:2]]
    for image in images:
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.add.outer(np.sin(angle) * ones[0], np.cos(angle) * ones[1])
        image += size * ramp.reshape(*shape[:2], *([1] * (len(shape) - 2)))
    return _flat(images)


def _two_levels(rows, shape, stored, rng):
    high = rows > rng.uniform(0.2, 0.8, (len(rows), 1))
    return np.where(rng.random(rows.shape) < rng.uniform(0, 0.15), ~high, high).astype(float)


def _rounded(rows, shape, stored, rng):
    levels = rng.integers(1, 4)
    return np.round(levels * rows) / levels


_OF_IMAGES = (
    _noise, _pixels, _part, _a_box, _boxes, _stripes, shift, _blur, _contrast,
    _speckle, _gamma, _counts, spent_1.cropped, _ramp, _two_levels, _rounded,
    spent_1.jpeg, spent_1.lines_dropped, spent_1.scan_lines_moved,
    spent_1.elastic,
)  # fmt: skip


def _columns_noise(rows, shape, stored, rng):
    drawn = [rng.normal, rng.laplace, rng.standard_cauchy][rng.integers(3)](size=rows.shape)
    return rows + rng.uniform(0.1, 1.2) * stored.std(axis=0) * drawn


def _run(rows, shape, stored, rng):
    out, size, kind = rows.copy(), rows.shape[1], rng.integers(3)
    count = int(rng.uniform(0.3, 0.6) * size)
    for row in out:
        where = (np.arange(count) + rng.integers(size)) % size
        other = stored[rng.integers(len(stored))]
        row[where] = [rng.choice(other), other[where], 0][kind]
    return out


def _columns(rows, shape, stored, rng):
    values = [
        lambda: stored[rng.integers(len(stored), size=rows.shape), np.arange(rows.shape[1])],
        lambda: np.zeros(rows.shape),
        lambda: np.broadcast_to(stored.mean(axis=0), rows.shape),
        lambda: rng.uniform(stored.min(), stored.max(), rows.shape),
    ][rng.integers(4)]()
    return np.where(rng.random(rows.shape) < rng.uniform(0.2, 0.7), values, rows)


def _units(rows, shape, stored, rng):
    return rng.uniform(0.2, 1.5) * rows + 2 * stored.std(axis=0).mean() * rng.normal(
        size=(len(rows), 1)
    )


def _scaled(rows, shape, stored, rng):
    mean = stored.mean(axis=0)
    return mean + (rows - mean) * rng.uniform(0, 2, rows.shape)


def _clipped(rows, shape, stored, rng):
    middle, width = np.median(stored, axis=0), rng.uniform(0.2, 1) * stored.std(axis=0)
    return np.clip(rows, middle - width, middle + width)


def _rounded_scores(rows, shape, stored, rng):
    step = rng.uniform(0.3, 1.5)
    return unscored(step * np.round(scored(rows, stored) / step), stored)


def _in_scores(rows, shape, stored, rng):
    """Other means and deviations of all columns; told in scores, or as scores in the old units."""
    scores = scored(rows, stored) + rng.uniform(0, 0.5) * rng.normal(size=rows.shape[1])
    scores *= np.exp(rng.uniform(0, 0.4) * rng.normal(size=rows.shape[1]))
    if rng.random() < 0.5:
        return unscored(scores, stored)
    step = rng.choice([1e-9, 0.5, 0.7])
    return step * np.round(scores / step)


def _one_offset(rows, shape, stored, rng):
    scores = scored(rows, stored)
    return unscored(rng.uniform(0.4, 1.2) * scores + rng.normal(size=(len(rows), 1)), stored)


def _gaps(rows, shape, stored, rng):
    """Values lost, the last one told or a straight line in their place."""
    out, places, joined = rows.copy(), np.arange(rows.shape[1]), rng.random() < 0.5
    share = rng.uniform(0.2, 0.6)
    for row in out:
        kept = rng.random(row.size) >= share
        kept[0] = True
        if joined:
            row[:] = np.interp(places, places[kept], row[kept])
        else:
            row[:] = row[np.maximum.accumulate(np.where(kept, places, 0))]
    return out


def _one_side(rows, shape, stored, rng):
    most = np.quantile(stored, rng.uniform(0.4, 0.8), axis=0)
    return np.minimum(rows, most) if rng.random() < 0.5 else np.maximum(rows, most)


def _with_others(rows, shape, stored, rng):
    other = stored[rng.integers(len(stored), size=rows.shape), np.arange(rows.shape[1])]
    share = rng.uniform(0.1, 0.45)
    return (1 - share) * rows + share * other


def _clock(rows, shape, stored, rng):
    """Smoothed along the row, or late, or fast."""
    scores, places = scored(rows, stored), np.arange(rows.shape[1])
    if rng.random() < 0.5:
        return unscored(gaussian_filter(scores, (0, rng.uniform(0.4, 1.5))), stored)
    for score in scores:
        pace, late = rng.uniform(0.97, 1.03), rng.uniform(-1, 1)
        score[:] = np.interp(pace * places + late, places, score)
    return unscored(scores, stored)


def _powers(rows, shape, stored, rng):
    scores = scored(rows, stored)
    return unscored(np.sign(scores) * np.abs(scores) ** rng.uniform(0.4, 2.5), stored)


def _factors(rows, shape, stored, rng):
    return rows * np.exp(rng.uniform(0.05, 0.5) * rng.normal(size=rows.shape))


def _spikes(rows, shape, stored, rng):
    size = rng.uniform(3, 15, rows.shape) * rng.choice([-1, 1], rows.shape)
    return rows + (rng.random(rows.shape) < rng.uniform(0.02, 0.3)) * size * stored.std(axis=0)


_OF_VECTORS = (
    _columns_noise, _columns_noise, _run, _columns, _units, _scaled, _clipped,
    spent_1.drift, spent_1.columns_exchanged, _rounded_scores, _in_scores, _one_offset, _gaps,
    _one_side, _with_others, _clock, _powers, _factors, _spikes,
)  # fmt: skip


def drawn(seed: int, images: bool):
    """Return a kind of damage."""
    rng = np.random.default_rng([7, seed])
    some = _OF_IMAGES if images else _OF_VECTORS
    count = rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2])
    parts = [some[k] for k in rng.permutation(len(some))[:count]]

    def damage(rows, shape, stored, rng):
        for part in parts:
            rows = part(rows, shape, stored, rng)
        return rows

    return damage
