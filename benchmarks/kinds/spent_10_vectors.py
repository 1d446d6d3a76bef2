"""The kinds of `spent_10.py` for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations. Each cue
has a strength of its own, of the range that is said; which columns are concerned is alike in all
cues where that is said.
"""

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import median_filter

from .views import each, noise, scored, unscored


def _measured(rows, stored, low, high, rng):
    """Return rows as measured again, with noise of a range on their scores."""
    scores = scored(rows, stored)
    return unscored(scores + each(low, high, rows, rng) * noise(1, scores, rng), stored)


def _some_columns(rows, low, high, rng):
    """Return which columns are concerned in all cues: a share of a range, one at least."""
    size = rows.shape[1]
    count = max(1, round(rng.uniform(low, high) * size))
    return np.isin(np.arange(size), rng.permutation(size)[:count])


def measured_again(rows, shape, stored, rng):
    """Scores have noise of 0.3 to 0.7."""
    return _measured(rows, stored, 0.3, 0.7, rng)


def tails_of_any_weight(rows, shape, stored, rng):
    """Scores have Student's noise, of 1.3 to 4 degrees of freedom and scale 0.2 to 0.5."""
    freedom = np.broadcast_to(each(1.3, 4, rows, rng), rows.shape)
    drawn = each(0.2, 0.5, rows, rng) * rng.standard_t(freedom)
    return unscored(scored(rows, stored) + drawn, stored)


def rounded_down_to_steps(rows, shape, stored, rng):
    """Scores are told in steps of 0.8 to 1.8, each rounded down."""
    step = each(0.8, 1.8, rows, rng)
    return unscored(step * np.floor(scored(rows, stored) / step), stored)


def baseline_wanders(rows, shape, stored, rng):
    """A smooth curve through five numbers along the row, of deviation 0.8 to 1.6, is added."""
    scores = scored(rows, stored)
    places = np.linspace(0, 1, rows.shape[1])
    for score in scores:
        knots = rng.uniform(0.8, 1.6) * rng.normal(size=5)
        score += CubicSpline(np.linspace(0, 1, 5), knots)(places)
    return unscored(scores, stored)


def recalibrated(rows, shape, stored, rng):
    """All scores of a cue times 0.35 to 0.8 or over that, and one offset of up to 1.5."""
    gain = each(0.35, 0.8, rows, rng) ** rng.choice([-1, 1], (len(rows), 1))
    return unscored(gain * scored(rows, stored) + each(-1.5, 1.5, rows, rng), stored)


def columns_swapped_in_the_file(rows, shape, stored, rng):
    """The same 0.2 to 0.4 of the columns stand in another's place in all cues, as they are."""
    some = np.flatnonzero(_some_columns(rows, 0.2, 0.4, rng))
    if some.size == 1:
        some = np.append(some, (some + 1) % rows.shape[1])
    order, made = rng.permutation(some), rows.copy()
    made[:, order] = rows[:, np.roll(order, 1)]  # round a ring: none stays
    return made


def running_median(rows, shape, stored, rng):
    """Each score is the median of three or five beside one another."""
    scores = scored(rows, stored)
    for score in scores:
        score[:] = median_filter(score, int(rng.choice([3, 5])))
    return unscored(scores, stored)


def overdriven(rows, shape, stored, rng):
    """Scores times 2 to 4, cut at the 5th and 95th percentiles of the stored column."""
    made = unscored(each(2, 4, rows, rng) * scored(rows, stored), stored)
    return np.clip(made, *np.quantile(stored, [0.05, 0.95], axis=0))


def records_half_merged(rows, shape, stored, rng):
    """Two records were taken for one: 0.5 to 0.8 of the columns are the mean with another row."""
    other = stored[rng.integers(len(stored), size=len(rows))]
    merged = rng.random(rows.shape) < each(0.5, 0.8, rows, rng)
    return np.where(merged, (rows + other) / 2, rows)


def a_gap_bridged(rows, shape, stored, rng):
    """The scores of a run, 0.35 to 0.6 of the columns, lie on a line between those beside it."""
    scores, size = scored(rows, stored), rows.shape[1]
    places = np.arange(size)
    for score in scores:
        count = max(1, round(rng.uniform(0.35, 0.6) * size))
        first = rng.integers(0, size - count + 1)
        kept = (places < first) | (places >= first + count)
        score[:] = np.interp(places, places[kept], score[kept])
    return unscored(scores, stored)


def some_in_other_units(rows, shape, stored, rng):
    """The same 0.1 to 0.3 of the columns are 1000, 60, 0.4536 or 0.01 times as large in all cues.

    Scores have noise of 0.1 to 0.3 before.
    """
    factor = rng.choice([1000, 60, 0.4536, 0.01], rows.shape[1])
    some = _some_columns(rows, 0.1, 0.3, rng)
    return _measured(rows, stored, 0.1, 0.3, rng) * np.where(some, factor, 1)


def kelvin_in_some(rows, shape, stored, rng):
    """To the same 0.2 to 0.4 of the columns 273.15 is added in all cues; noise of 0.2 to 0.5."""
    some = _some_columns(rows, 0.2, 0.4, rng)
    return _measured(rows, stored, 0.2, 0.5, rng) + 273.15 * some


def sentinels_and_noise(rows, shape, stored, rng):
    """Of the values 0.15 to 0.4 are missing, told as 99999; scores have noise of 0.2 to 0.4."""
    lost = rng.random(rows.shape) < each(0.15, 0.4, rows, rng)
    return np.where(lost, 99999, _measured(rows, stored, 0.2, 0.4, rng))


def fewer_digits_and_noise(rows, shape, stored, rng):
    """Two digits, as they are written, are told of each number; scores have noise of 0.2 to 0.4."""
    made = _measured(rows, stored, 0.2, 0.4, rng)
    unit = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(made), 1e-12))) - 1)
    return unit * np.round(made / unit)


def both_errors_of_a_meter(rows, shape, stored, rng):
    """An error of 0.05 to 0.15 of each number, as it is, and one of 0.2 to 0.4 deviations."""
    made = rows * (1 + each(0.05, 0.15, rows, rng) * noise(1, rows, rng))
    return made + each(0.2, 0.4, rows, rng) * noise(1, rows, rng) * stored.std(axis=0)


def lagged_copy_averaged_in(rows, shape, stored, rng):
    """The mean of the scores and of the same one or two columns late; noise of 0.1 to 0.3."""
    scores = scored(rows, stored)
    places = np.arange(rows.shape[1])
    for score in scores:
        score[:] = (score + score[np.maximum(places - rng.integers(1, 3), 0)]) / 2
    return unscored(scores + each(0.1, 0.3, rows, rng) * noise(1, scores, rng), stored)


def run_slipped_by_one(rows, shape, stored, rng):
    """A run of 0.2 to 0.45 of the scores stands a column late, its last first; noise 0.1 to 0.3."""
    scores, size = scored(rows, stored), rows.shape[1]
    for score in scores:
        count = max(2, round(rng.uniform(0.2, 0.45) * size))
        first = rng.integers(0, size - count + 1)
        run = slice(first, first + count)
        score[run] = np.roll(score[run], 1)
    return unscored(scores + each(0.1, 0.3, rows, rng) * noise(1, scores, rng), stored)


def two_or_three_bits(rows, shape, stored, rng):
    """Four to eight steps from each column's least to its greatest; scores' noise of 0.1 to 0.3."""
    low, high = stored.min(axis=0), stored.max(axis=0)
    steps = rng.integers(3, 8, (len(rows), 1))
    part = (_measured(rows, stored, 0.1, 0.3, rng) - low) / np.maximum(high - low, 1e-12)
    return low + (high - low) * np.round(steps * np.clip(part, 0, 1)) / steps


def drift_and_blunders(rows, shape, stored, rng):
    """Scores drift by 1 to 3 along the row, either way; 0.05 to 0.12 of them are off by 4 to 10."""
    along = np.linspace(-0.5, 0.5, rows.shape[1])
    drift = rng.choice([-1, 1], (len(rows), 1)) * each(1, 3, rows, rng) * along
    hit = rng.random(rows.shape) < each(0.05, 0.12, rows, rng)
    off = rng.choice([-1, 1], rows.shape) * rng.uniform(4, 10, rows.shape)
    return unscored(scored(rows, stored) + drift + hit * off, stored)


def scaled_by_twenty_others(rows, shape, stored, rng):
    """Each column from 0 to 1 by the range of 20 stored rows, the same for all cues; scores' noise.

    Of 0.2 to 0.5, before.
    """
    few = stored[rng.permutation(len(stored))[:20]]
    low, high = few.min(axis=0), few.max(axis=0)
    span = np.where(high > low, high - low, 1)
    return (_measured(rows, stored, 0.2, 0.5, rng) - low) / span


def logarithms_of_all(rows, shape, stored, rng):
    """The sign times log(1 + |x|) of every number; scores have noise of 0.1 to 0.4 before."""
    made = _measured(rows, stored, 0.1, 0.4, rng)
    return np.sign(made) * np.log1p(np.abs(made))


def leaks_from_the_last(rows, shape, stored, rng):
    """To each score 0.3 to 0.7 of that of the column before is added; noise of 0.2 to 0.4."""
    scores = scored(rows, stored)
    scores[:, 1:] += each(0.3, 0.7, rows, rng) * scores[:, :-1]
    return unscored(scores + each(0.2, 0.4, rows, rng) * noise(1, scores, rng), stored)


def weaker_and_medians_for_gaps(rows, shape, stored, rng):
    """Scores times 0.4 to 0.7; of the values 0.2 to 0.45 are lost, columns' medians instead."""
    lost = rng.random(rows.shape) < each(0.2, 0.45, rows, rng)
    made = unscored(each(0.4, 0.7, rows, rng) * scored(rows, stored), stored)
    return np.where(lost, np.median(stored, axis=0), made)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        measured_again, tails_of_any_weight, rounded_down_to_steps, baseline_wanders,
        recalibrated, columns_swapped_in_the_file, running_median, overdriven,
        records_half_merged, a_gap_bridged, some_in_other_units, kelvin_in_some,
        sentinels_and_noise, fewer_digits_and_noise, both_errors_of_a_meter,
        lagged_copy_averaged_in, run_slipped_by_one, two_or_three_bits, drift_and_blunders,
        scaled_by_twenty_others, logarithms_of_all, leaks_from_the_last,
        weaker_and_medians_for_gaps,
    )
}  # fmt: skip
