"""The kinds of `spent_8.py` for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations. Each cue
has a strength of its own, of the range that is said.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .views import noise, scored, unscored


def _between(low, high, rows, rng):
    """Return a number for each row, of a range."""
    return rng.uniform(low, high, (len(rows), 1))


def _noisy(scores, low, high, rng):
    """Return scores with noise whose deviation is of a range."""
    return scores + _between(low, high, scores, rng) * noise(1, scores, rng)


def noisy_and_rounded(rows, shape, stored, rng):
    """Scores with noise of 0.3 to 0.7, told in halves."""
    return unscored(np.round(2 * _noisy(scored(rows, stored), 0.3, 0.7, rng)) / 2, stored)


def two_sided_exponential(rows, shape, stored, rng):
    """Laplace's noise on scores, of scale 0.25 to 0.6."""
    scores = scored(rows, stored)
    return unscored(scores + _between(0.25, 0.6, rows, rng) * rng.laplace(size=rows.shape), stored)


def in_fahrenheit(rows, shape, stored, rng):
    """Scores with noise of 0.1 to 0.4; then all numbers times 1.8, and 32 is added."""
    return 32 + 1.8 * unscored(_noisy(scored(rows, stored), 0.1, 0.4, rng), stored)


def scores_of_another_study(rows, shape, stored, rng):
    """Told as scores by means off by 0.4 and deviations off by a third; noise of 0.1 to 0.3."""
    scores = scored(rows, stored) - noise(0.4, rows[0], rng)
    return _noisy(scores * np.exp(noise(0.3, rows[0], rng)), 0.1, 0.3, rng)


def per_cent_of_the_range(rows, shape, stored, rng):
    """In per cent of the way from each column's least to its greatest; noise of 3 to 10."""
    low, high = stored.min(axis=0), stored.max(axis=0)
    told = 100 * (rows - low) / np.maximum(high - low, 1e-12)
    return _noisy(told, 3, 10, rng)


def dead_sensors(rows, shape, stored, rng):
    """The same 0.2 to 0.45 of the columns are 0 in all cues; scores have noise of 0.1 to 0.3."""
    dead = rng.random(rows.shape[1]) < rng.uniform(0.2, 0.45)
    return np.where(dead, 0, unscored(_noisy(scored(rows, stored), 0.1, 0.3, rng), stored))


def gaps_filled_with_means(rows, shape, stored, rng):
    """Of the values 0.35 to 0.6 are lost, their columns' means instead; noise of 0.1 to 0.3."""
    lost = rng.random(rows.shape) < _between(0.35, 0.6, rows, rng)
    return unscored(np.where(lost, 0, _noisy(scored(rows, stored), 0.1, 0.3, rng)), stored)


def gaps_filled_with_zero(rows, shape, stored, rng):
    """A run of 0.25 to 0.5 of the columns, anywhere, is 0; scores have noise of 0.1 to 0.3."""
    made = unscored(_noisy(scored(rows, stored), 0.1, 0.3, rng), stored)
    for row in made:
        count = round(rng.uniform(0.25, 0.5) * row.size)
        row[(np.arange(count) + rng.integers(row.size)) % row.size] = 0
    return made


def gaps_joined_by_lines(rows, shape, stored, rng):
    """Of the scores 0.3 to 0.6 are lost, straight lines instead; noise of 0.1 to 0.3."""
    scores, places = _noisy(scored(rows, stored), 0.1, 0.3, rng), np.arange(rows.shape[1])
    for score in scores:
        kept = rng.random(score.size) >= rng.uniform(0.3, 0.6)
        kept[rng.integers(score.size)] = True
        score[:] = np.interp(places, places[kept], score[kept])
    return unscored(scores, stored)


def gaps_carried_on(rows, shape, stored, rng):
    """Of the scores 0.3 to 0.5 are lost, the last one told instead; noise of 0.1 to 0.3."""
    scores = _noisy(scored(rows, stored), 0.1, 0.3, rng)
    kept = rng.random(scores.shape) >= _between(0.3, 0.5, rows, rng)
    kept[:, 0] = True
    last = np.maximum.accumulate(np.where(kept, np.arange(rows.shape[1]), 0), axis=1)
    return unscored(np.take_along_axis(scores, last, axis=1), stored)


def drifting_and_noisy(rows, shape, stored, rng):
    """Scores rise or fall along the row by 1 to 2.5 deviations in all; noise of 0.2 to 0.4."""
    along = np.linspace(-0.5, 0.5, rows.shape[1]) * rng.choice([-1, 1], (len(rows), 1))
    scores = scored(rows, stored) + _between(1, 2.5, rows, rng) * along
    return unscored(_noisy(scores, 0.2, 0.4, rng), stored)


def spikes_and_gaps(rows, shape, stored, rng):
    """Of the scores 0.05 to 0.15 are off by 4 to 12, and 0.1 to 0.25 are 0; noise of 0.1."""
    scores, spike = _noisy(scored(rows, stored), 0.1, 0.1, rng), rng.uniform(4, 12, rows.shape)
    hit = rng.random(rows.shape) < _between(0.05, 0.15, rows, rng)
    scores += hit * spike * rng.choice([-1, 1], rows.shape)
    return unscored(
        np.where(rng.random(rows.shape) < _between(0.1, 0.25, rows, rng), 0, scores), stored
    )


def saturated_above(rows, shape, stored, rng):
    """No column goes above what 0.55 to 0.75 of the stored rows are below; noise of 0.1 to 0.2."""
    most = np.stack([np.quantile(stored, q, axis=0) for q in rng.uniform(0.55, 0.75, len(rows))])
    return unscored(
        np.minimum(_noisy(scored(rows, stored), 0.1, 0.2, rng), scored(most, stored)), stored
    )


def clock_fast_and_late(rows, shape, stored, rng):
    """Scores along a clock fast or slow by up to 0.02 and off by up to 0.6 columns; noise 0.1."""
    scores, places = scored(rows, stored), np.arange(rows.shape[1])
    for score in scores:
        score[:] = np.interp(
            rng.uniform(0.98, 1.02) * places + rng.uniform(-0.6, 0.6), places, score
        )
    return unscored(scores + noise(0.1, scores, rng), stored)


def neighbours_swapped(rows, shape, stored, rng):
    """Of the pairs of columns 0.2 to 0.5 have their scores exchanged; noise of 0.1 to 0.3."""
    scores = _noisy(scored(rows, stored), 0.1, 0.3, rng)
    for score in scores:
        pairs = np.arange(score.size // 2)
        some = 2 * pairs[rng.random(pairs.size) < rng.uniform(0.2, 0.5)]
        score[some], score[some + 1] = score[some + 1], score[some].copy()
    return unscored(scores, stored)


def one_offset_and_noise(rows, shape, stored, rng):
    """All scores are off by one number of up to 1.5 either way; noise of 0.3 to 0.6."""
    scores = scored(rows, stored) + _between(-1.5, 1.5, rows, rng)
    return unscored(_noisy(scores, 0.3, 0.6, rng), stored)


def first_part_only(rows, shape, stored, rng):
    """Only the first 0.4 to 0.7 of the columns are told, then 0; noise of 0.1 to 0.3 on scores."""
    made = unscored(_noisy(scored(rows, stored), 0.1, 0.3, rng), stored)
    told = np.arange(rows.shape[1]) < np.ceil(_between(0.4, 0.7, rows, rng) * rows.shape[1])
    return np.where(told, made, 0)


def smoothed_and_noisy(rows, shape, stored, rng):
    """Scores smooth over 0.6 to 1.2 columns; noise of 0.1 to 0.3."""
    scores = scored(rows, stored)
    for score in scores:
        score[:] = gaussian_filter1d(score, rng.uniform(0.6, 1.2))
    return unscored(_noisy(scores, 0.1, 0.3, rng), stored)


def mixed_with_nobody(rows, shape, stored, rng):
    """Of each value 0.2 to 0.4 is another's, each column's of a row of its own."""
    share, every = _between(0.2, 0.4, rows, rng), np.arange(rows.shape[1])
    return (1 - share) * rows + share * stored[rng.integers(len(stored), size=rows.shape), every]


def seven_point_scale(rows, shape, stored, rng):
    """Scores with noise of 0.2 to 0.4 told from 1 to 7; a point is two thirds of a deviation."""
    scores = _noisy(scored(rows, stored), 0.2, 0.4, rng)
    return np.clip(np.round(4 + 1.5 * scores), 1, 7)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        noisy_and_rounded, two_sided_exponential, in_fahrenheit, scores_of_another_study,
        per_cent_of_the_range, dead_sensors, gaps_filled_with_means, gaps_filled_with_zero,
        gaps_joined_by_lines, gaps_carried_on, drifting_and_noisy, spikes_and_gaps, saturated_above,
        clock_fast_and_late, neighbours_swapped, one_offset_and_noise, first_part_only,
        smoothed_and_noisy, mixed_with_nobody, seven_point_scale,
    )
}  # fmt: skip
