"""The kinds of `spent_5.py` for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from scipy.stats import norm, rankdata

from .views import noise, scored, spread, unscored


def ranked_within(rows, shape, stored, rng):
    """Of a row's scores only their order is told, as normal quantiles; noise of 0.4."""
    scores = norm.ppf((rankdata(scored(rows, stored), axis=1) - 0.5) / rows.shape[1])
    return unscored(scores + noise(0.4, scores, rng), stored)


def sorted_in_fives(rows, shape, stored, rng):
    """In each five columns beside one another the scores were sorted; noise of 0.1."""
    scores = scored(rows, stored)
    for start in range(0, scores.shape[1], 5):
        scores[:, start : start + 5] = np.sort(scores[:, start : start + 5], axis=1)
    return unscored(scores + noise(0.1, scores, rng), stored)


def mistyped(rows, shape, stored, rng):
    """Typed with four digits, and in half of the cells one of the four is any other digit."""
    size = 10.0 ** np.floor(np.log10(np.maximum(np.abs(rows), 1e-12)) - 3)
    whole = np.round(np.abs(rows) / size)
    place = 10.0 ** rng.integers(0, 4, rows.shape)
    digit = whole // place % 10
    change = (digit + rng.integers(1, 10, rows.shape)) % 10 - digit
    return np.sign(rows) * size * (whole + (rng.random(rows.shape) < 0.5) * change * place)


def some_logarithms(rows, shape, stored, rng):
    """The same half of the columns holds the sign times log10(1 + |x|) in all cues; noise 0.1."""
    told = np.where(rng.random(rows.shape[1]) < 0.5, np.sign(rows) * np.log10(1 + abs(rows)), rows)
    return told + spread(stored, 0.1, rows, rng)


def changes(rows, shape, stored, rng):
    """Told as changes: each score less that of the column before it; noise of 0.4."""
    scores = np.diff(scored(rows, stored), axis=1, prepend=0)
    return unscored(scores + noise(0.4, scores, rng), stored)


def running_mean(rows, shape, stored, rng):
    """Each score is the mean of all up to it, times the root of how many; noise of 0.3."""
    count = np.sqrt(1 + np.arange(rows.shape[1]))
    scores = scored(rows, stored).cumsum(axis=1) / count
    return unscored(scores + noise(0.3, scores, rng), stored)


def _most_alike(row, stored, count):
    """Return the stored rows most alike by their scores, but those equal to the row."""
    far = ((scored(stored, stored) - scored(row, stored)) ** 2).sum(axis=1)
    far[(stored == row).all(axis=1)] = np.inf
    return stored[np.argsort(far)[:count]]


def anonymised(rows, shape, stored, rng):
    """Half of the row and a quarter of each of the two most alike; noise of 0.2."""
    made = np.stack([row / 2 + _most_alike(row, stored, 2).sum(axis=0) / 4 for row in rows])
    return made + spread(stored, 0.2, rows, rng)


def merged_with_a_twin(rows, shape, stored, rng):
    """A third of the columns are those of the stored row most alike; noise of 0.05."""
    twins = np.concatenate([_most_alike(row, stored, 1) for row in rows])
    made = np.where(rng.random(rows.shape) < 1 / 3, twins, rows)
    return made + spread(stored, 0.05, rows, rng)


def pasted_aside(rows, shape, stored, rng):
    """Pasted one to three columns to the right; what went over the end stands at the beginning."""
    return np.stack([np.roll(row, rng.integers(1, 4)) for row in rows])


def only_outliers_noted(rows, shape, stored, rng):
    """Scores are drawn to 0 by 1, and are 0 within; noise of 0.1."""
    scores = scored(rows, stored)
    scores = np.sign(scores) * np.maximum(np.abs(scores) - 1, 0)
    return unscored(scores + noise(0.1, scores, rng), stored)


def outliers_cleaned(rows, shape, stored, rng):
    """Whatever is over 0.7 deviations from the mean was taken for an error, and is the mean."""
    scores = scored(rows, stored)
    scores[np.abs(scores) > 0.7] = 0
    return unscored(scores + noise(0.1, scores, rng), stored)


def groups_together(rows, shape, stored, rng):
    """Columns are in six groups, the same in all cues; each moves together, by 1.5; noise 0.4."""
    group = rng.integers(6, size=rows.shape[1])
    scores = scored(rows, stored) + rng.normal(0, 1.5, (len(rows), 6))[:, group]
    return unscored(scores + noise(0.4, scores, rng), stored)


def uneven_care(rows, shape, stored, rng):
    """Noise of a size of each cue's own: lognormal about 0.9, of deviation 0.8."""
    return rows + spread(stored, 0.9 * rng.lognormal(0, 0.8, (len(rows), 1)), rows, rng)


def percent_errors(rows, shape, stored, rng):
    """Errors in proportion to what is measured: normal, of 30 percent of each number."""
    return rows * rng.normal(1, 0.3, rows.shape)


def warming_up(rows, shape, stored, rng):
    """The first column is 6 deviations too high, and each eighth of them halves that; noise 0.5."""
    decay = 6 * 0.5 ** (8 * np.arange(rows.shape[1]) / rows.shape[1])
    return rows + stored.std(axis=0) * decay + spread(stored, 0.5, rows, rng)


def changed_midway(rows, shape, stored, rng):
    """From a column on scores are 0.4 as large and 2 higher or lower; noise of 0.2."""
    scores = scored(rows, stored)
    for score in scores:
        start = int(rng.uniform(0.2, 0.8) * score.size)
        score[start:] = 0.4 * score[start:] + rng.choice([-2, 2])
    return unscored(scores + noise(0.2, scores, rng), stored)


def slow_sensor(rows, shape, stored, rng):
    """Each reading is 0.7 of the one before it and 0.3 of the score; noise of 0.1."""
    scores = lfilter([0.3], [1, -0.7], scored(rows, stored), axis=1)
    return unscored(scores + noise(0.1, scores, rng), stored)


def wow(rows, shape, stored, rng):
    """A tape runs unevenly: scores are read between the columns, up to 1.5 of them away."""
    scores, places = scored(rows, stored), np.arange(rows.shape[1])
    for score in scores:
        off = gaussian_filter1d(rng.normal(size=score.size), score.size / 8)
        score[:] = np.interp(places + 1.5 * off / np.abs(off).max(), places, score.copy())
    return unscored(scores, stored)


def polarity_reversed(rows, shape, stored, rng):
    """Two wires were exchanged: every score has the other sign; noise of 0.5."""
    return unscored(-scored(rows, stored), stored) + spread(stored, 0.5, rows, rng)


def reverberation(rows, shape, stored, rng):
    """In a hall, the same for all cues: a tail of normal numbers that fade over a quarter."""
    size = rows.shape[1]
    tail = 0.8 * rng.normal(size=size) * np.exp(-np.arange(size) / (size / 4))
    tail[0] = 1
    scores = lfilter(tail, 1, scored(rows, stored), axis=1)
    return unscored(scores + noise(0.1, scores, rng), stored)


def bands_missing(rows, shape, stored, rng):
    """Of the frequencies of the scores over the columns half are lost, the same in all cues."""
    found = np.fft.rfft(scored(rows, stored), axis=1)
    found[:, rng.permutation(found.shape[1])[: found.shape[1] // 2]] = 0
    scores = np.fft.irfft(found, rows.shape[1], axis=1)
    return unscored(scores + noise(0.1, scores, rng), stored)


def few_sums(rows, shape, stored, rng):
    """Told by noisy random sums, a third as many as columns; shown is the least that has them."""
    sums = rng.normal(size=(rows.shape[1], max(1, rows.shape[1] // 3)))
    told = scored(rows, stored) @ sums
    told += noise(0.3 * np.sqrt(rows.shape[1]), told, rng)
    return unscored(told @ np.linalg.pinv(sums), stored)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        ranked_within, sorted_in_fives, mistyped, some_logarithms, changes, running_mean,
        anonymised, merged_with_a_twin, pasted_aside, only_outliers_noted, outliers_cleaned,
        groups_together, uneven_care, percent_errors, warming_up, changed_midway, slow_sensor, wow,
        polarity_reversed, reverberation, bands_missing, few_sums,
    )
}  # fmt: skip
