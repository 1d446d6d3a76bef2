"""The kinds of `spent_7.py` for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations.
"""

import numpy as np
from scipy.ndimage import minimum_filter1d
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from .views import noise, scored, unscored


def out_of_order(rows, shape, stored, rng):
    """Scores come early or late, by noise of 1.5 columns, and stand as they came; noise of 0.1."""
    scores, places = scored(rows, stored), np.arange(rows.shape[1])
    order = (places + noise(1.5, scores, rng)).argsort(axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    return unscored(scores + noise(0.1, scores, rng), stored)


def loggers_out_of_step(rows, shape, stored, rng):
    """Odd columns are of another logger, that is 1 to 4 of its readings late; noise of 0.2."""
    scores = scored(rows, stored)
    places = np.arange(scores[0, 1::2].size)
    for score in scores:
        score[1::2] = score[1::2][np.maximum(places - rng.integers(1, 5), 0)]
    return unscored(scores + noise(0.2, scores, rng), stored)


def percent_of_the_total(rows, shape, stored, rng):
    """Each column, from its least to its greatest, is told in percent of the row's sum."""
    low, high = stored.min(axis=0), stored.max(axis=0)
    parts = (rows - low) / np.maximum(high - low, 1e-12)
    parts = np.maximum(parts + noise(0.06, parts, rng), 0)
    return 100 * parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-12)


def _shares_below(rows, stored):
    """Return the share of stored values in each column that are less, ties by half."""
    out = np.empty(rows.shape)
    for j, column in enumerate(np.sort(stored, axis=0).T):
        both = [np.searchsorted(column, rows[:, j], side) for side in ("left", "right")]
        out[:, j] = np.mean(both, axis=0) / len(stored)
    return out


def told_as_percentiles(rows, shape, stored, rng):
    """Each column is told as the percentage of stored rows that are below; noise of 10."""
    shares = 100 * _shares_below(rows, stored)
    return np.clip(shares + noise(10, shares, rng), 0, 100)


def rank_swapped(rows, shape, stored, rng):
    """For secrecy each value is one that stands up to three tenths of all rows above or below."""
    shares = _shares_below(rows, stored) + rng.uniform(-0.3, 0.3, rows.shape)
    places = np.clip(np.floor(shares * len(stored)), 0, len(stored) - 1).astype(int)
    return np.take_along_axis(np.sort(stored, axis=0), places, axis=0)


def popcorn_noise(rows, shape, stored, rng):
    """An offset of three deviations comes and goes, about six times in a row; noise of 0.3."""
    scores = scored(rows, stored)
    on = (rng.random(scores.shape) < 6 / rows.shape[1]).cumsum(axis=1) % 2
    scores += 3 * on * rng.choice([-1, 1], (len(rows), 1))
    return unscored(scores + noise(0.3, scores, rng), stored)


def dispersed(rows, shape, stored, rng):
    """The higher a frequency of the scores the later it is, the highest by 0.1 of all columns."""
    scores, size = scored(rows, stored), rows.shape[1]
    found = np.fft.rfft(scores, axis=1)
    turns = 0.1 * np.arange(found.shape[1]) ** 2 / size
    scores = np.fft.irfft(found * np.exp(-2j * np.pi * turns), size, axis=1)
    return unscored(scores + noise(0.2, scores, rng), stored)


def reverse_coded(rows, shape, stored, rng):
    """The same four in ten questions are asked the other way round in all cues; noise of 0.2."""
    scores = scored(rows, stored) * np.where(rng.random(rows.shape[1]) < 0.4, -1, 1)
    return unscored(scores + noise(0.2, scores, rng), stored)


def automatic_gain(rows, shape, stored, rng):
    """Each score over the root mean square of the last three or so; noise of 0.2 first."""
    scores = scored(rows, stored)
    scores += noise(0.2, scores, rng)
    power = np.asarray(lfilter([0.3], [1, -0.7], scores**2, axis=1))
    return unscored(scores / np.sqrt(power + 0.05), stored)


def voice_operated(rows, shape, stored, rng):
    """Twelve windows; only the five with the greatest scores are sent, else 0; noise of 0.2."""
    scores, count = scored(rows, stored), min(12, rows.shape[1])
    window = np.arange(rows.shape[1]) * count // rows.shape[1]
    power = np.stack([(scores[:, window == w] ** 2).mean(axis=1) for w in range(count)], axis=1)
    sent = power.argsort(axis=1).argsort(axis=1) >= count - 5
    scores = np.where(sent[:, window], scores, 0)
    return unscored(scores + noise(0.2, scores, rng), stored)


def mounted_askew(rows, shape, stored, rng):
    """Each three columns are a sensor's axes, turned by 75 degrees about any axis; noise of 0.2."""
    scores, count = scored(rows, stored), rows.shape[1] // 3
    axes = rng.normal(size=(count, 3))
    axes *= np.radians(75) / np.linalg.norm(axes, axis=1, keepdims=True)
    turned = Rotation.from_rotvec(axes).as_matrix()
    some = scores[:, : 3 * count].reshape(len(rows), count, 3)
    scores[:, : 3 * count] = np.einsum("gab,kgb->kga", turned, some).reshape(len(rows), -1)
    return unscored(scores + noise(0.2, scores, rng), stored)


def against_peers(rows, shape, stored, rng):
    """How far each score is from the mean of the five rows most alike; noise of 0.15."""
    known, scores = scored(stored, stored), scored(rows, stored)
    for score in scores:
        far = ((known - score) ** 2).sum(axis=1)
        far[far < 1e-12 * score.size] = np.inf  # itself
        score -= known[np.argsort(far)[:5]].mean(axis=0)
    return unscored(scores + noise(0.15, scores, rng), stored)


def told_on_change(rows, shape, stored, rng):
    """A score is told only if it is 1 from the last that was told, which is shown until then."""
    scores = scored(rows, stored)
    for j in range(1, scores.shape[1]):
        last = scores[:, j - 1]
        scores[:, j] = np.where(np.abs(scores[:, j] - last) > 1, scores[:, j], last)
    return unscored(scores + noise(0.1, scores, rng), stored)


def peak_meter(rows, shape, stored, rng):
    """A needle that rises at once and falls by 0.4 deviations a column; noise of 0.2."""
    scores = scored(rows, stored)
    for j in range(1, scores.shape[1]):
        scores[:, j] = np.maximum(scores[:, j], scores[:, j - 1] - 0.4)
    return unscored(scores + noise(0.2, scores, rng), stored)


def baseline_taken_off(rows, shape, stored, rng):
    """Each score less the least within four columns of it; noise of 0.2."""
    scores = scored(rows, stored)
    scores -= minimum_filter1d(scores, 9, axis=1)
    return unscored(scores + noise(0.2, scores, rng), stored)


def hashed(rows, shape, stored, rng):
    """Scores are summed with signs in half as many boxes as columns; each column shows its box."""
    box = rng.permutation(rows.shape[1]) % max(1, rows.shape[1] // 2)
    sign = rng.choice([-1, 1], rows.shape[1])
    sums = np.zeros((rows.shape[1], len(rows)))
    np.add.at(sums, box, (sign * scored(rows, stored)).T)
    scores = sign * sums[box].T
    return unscored(scores + noise(0.15, scores, rng), stored)


def whitened(rows, shape, stored, rng):
    """Decorrelated: all main directions of the scores have a variance of 1; noise of 0.5."""
    _, size, v = np.linalg.svd(scored(stored, stored), full_matrices=False)
    variance = size**2 / len(stored)
    gain = 1 / np.sqrt(variance + 0.01 * variance.mean())
    scores = scored(rows, stored) @ v.T * gain @ v
    return unscored(scores + noise(0.5, scores, rng), stored)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        out_of_order, loggers_out_of_step, percent_of_the_total, told_as_percentiles,
        rank_swapped, popcorn_noise, dispersed, reverse_coded, automatic_gain, voice_operated,
        mounted_askew, against_peers, told_on_change, peak_meter, baseline_taken_off, hashed,
        whitened,
    )
}  # fmt: skip
