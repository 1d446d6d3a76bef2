"""The kinds of `spent_9.py` for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations. Each cue
has a strength of its own, of the range that is said.
"""

import numpy as np
from scipy.signal import lfilter

from .views import each, noise, scored, unscored


def _with_noise(scores, low, high, rng):
    """Return scores with noise whose deviation is of a range."""
    return scores + each(low, high, scores, rng) * noise(1, scores, rng)


def _noisy_rows(rows, stored, low, high, rng):
    """Return rows whose scores have noise of a range."""
    return unscored(_with_noise(scored(rows, stored), low, high, rng), stored)


def noise_and_blunders(rows, shape, stored, rng):
    """Scores with noise of 0.2 to 0.5; of them 0.03 to 0.1 are off by 3 to 8 more, either way."""
    scores = _with_noise(scored(rows, stored), 0.2, 0.5, rng)
    hit = rng.random(rows.shape) < each(0.03, 0.1, rows, rng)
    off = rng.choice([-1, 1], rows.shape) * rng.uniform(3, 8, rows.shape)
    return unscored(scores + hit * off, stored)


def gaps_drawn_from_columns(rows, shape, stored, rng):
    """Of the values 0.2 to 0.4 are lost, any stored row's instead, one each; noise of 0.1 to 0.2.

    Columns keep their law, as where gaps are filled by drawing.
    """
    other = stored[rng.integers(len(stored), size=rows.shape), np.arange(rows.shape[1])]
    lost = rng.random(rows.shape) < each(0.2, 0.4, rows, rng)
    return np.where(lost, other, _noisy_rows(rows, stored, 0.1, 0.2, rng))


def decimal_slips(rows, shape, stored, rng):
    """Of the numbers 0.05 to 0.2 are ten times as large or a tenth; scores' noise of 0.1 to 0.2."""
    made = _noisy_rows(rows, stored, 0.1, 0.2, rng)
    hit = rng.random(rows.shape) < each(0.05, 0.2, rows, rng)
    hit[np.arange(len(rows)), rng.integers(rows.shape[1], size=len(rows))] = True  # one at least
    return np.where(hit, made * 10.0 ** rng.choice([-1, 1], rows.shape), made)


def another_gain(rows, shape, stored, rng):
    """All numbers times 0.6 to 1.6, a factor of each cue's own; scores' noise of 0.1 to 0.3."""
    factor = np.exp(each(np.log(0.6), np.log(1.6), rows, rng))
    return factor * _noisy_rows(rows, stored, 0.1, 0.3, rng)


def minus_one_for_gaps(rows, shape, stored, rng):
    """Of the values 0.2 to 0.45 are −1, as they were not known; scores' noise of 0.1 to 0.3."""
    lost = rng.random(rows.shape) < each(0.2, 0.45, rows, rng)
    return np.where(lost, -1, _noisy_rows(rows, stored, 0.1, 0.3, rng))


def zeros_for_gaps(rows, shape, stored, rng):
    """Of the values 0.3 to 0.55 are 0, as they were not known; scores' noise of 0.2 to 0.4."""
    lost = rng.random(rows.shape) < each(0.3, 0.55, rows, rng)
    return np.where(lost, 0, _noisy_rows(rows, stored, 0.2, 0.4, rng))


def last_part_of_another(rows, shape, stored, rng):
    """Wrongly joined: the last 0.2 to 0.4 of the columns are another row's; noise of 0.1 to 0.2."""
    share = each(0.6, 0.8, rows, rng)
    own = np.arange(rows.shape[1]) < np.maximum(np.round(share * rows.shape[1]), 1)
    made = np.where(own, rows, stored[rng.integers(len(stored), size=len(rows))])
    return _noisy_rows(made, stored, 0.1, 0.2, rng)


def told_in_fifths(rows, shape, stored, rng):
    """Told in fifths of the stored column, from 1 to 5; scores have noise of 0.1 to 0.3 before."""
    made = _noisy_rows(rows, stored, 0.1, 0.3, rng)
    limits = np.quantile(stored, [0.2, 0.4, 0.6, 0.8], axis=0)
    return 1 + (made[None] > limits[:, None]).sum(axis=0).astype(float)


def in_thousands(rows, shape, stored, rng):
    """In thousands, a thousandth of all numbers, and scores have noise of 0.2 to 0.5."""
    return _noisy_rows(rows, stored, 0.2, 0.5, rng) / 1000


def of_length_one(rows, shape, stored, rng):
    """Each row is divided by its length; its scores have noise of 0.1 to 0.4 before."""
    made = _noisy_rows(rows, stored, 0.1, 0.4, rng)
    return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)


def scores_within_the_row(rows, shape, stored, rng):
    """Each row less its own mean, over its own deviation; scores have noise of 0.1 to 0.3 before.

    That is of the numbers as they are, whatever their units.
    """
    made = _noisy_rows(rows, stored, 0.1, 0.3, rng)
    made = made - made.mean(axis=1, keepdims=True)
    return made / np.maximum(made.std(axis=1, keepdims=True), 1e-12)


def signed_roots(rows, shape, stored, rng):
    """Told as square roots, with the sign of the number; scores have noise of 0.1 to 0.3 before."""
    made = _noisy_rows(rows, stored, 0.1, 0.3, rng)
    return np.sign(made) * np.sqrt(np.abs(made))


def extremes_cut(rows, shape, stored, rng):
    """No column is beyond the 15th to 30th percentile from either end; noise of 0.2 to 0.4."""
    scores, known = _with_noise(scored(rows, stored), 0.2, 0.4, rng), scored(stored, stored)
    for score in scores:
        tail = rng.uniform(0.15, 0.3)
        score[:] = np.clip(score, *np.quantile(known, [tail, 1 - tail], axis=0))
    return unscored(scores, stored)


def season_and_noise(rows, shape, stored, rng):
    """One to three waves along the row, of 0.5 to 1.5 deviations; noise of 0.2 to 0.4."""
    along = np.arange(rows.shape[1]) / rows.shape[1]
    wave = np.sin(2 * np.pi * (each(1, 3, rows, rng) * along + each(0, 1, rows, rng)))
    scores = scored(rows, stored) + each(0.5, 1.5, rows, rng) * wave
    return unscored(_with_noise(scores, 0.2, 0.4, rng), stored)


def errors_that_linger(rows, shape, stored, rng):
    """Errors of 0.4 to 0.9 deviations, each of which is 0.8 of the last one and something new."""
    new = np.sqrt(1 - 0.8**2) * noise(1, rows, rng)
    new[:, 0] /= np.sqrt(1 - 0.8**2)
    error = np.asarray(lfilter([1], [1, -0.8], new, axis=1))
    return unscored(scored(rows, stored) + each(0.4, 0.9, rows, rng) * error, stored)


def some_columns_worthless(rows, shape, stored, rng):
    """The same 0.15 to 0.35 of the columns have noise of two deviations in all cues, 0.2 else."""
    bad = rng.random(rows.shape[1]) < rng.uniform(0.15, 0.35)
    size = np.where(bad, 2, 0.2)
    return unscored(scored(rows, stored) + size * noise(1, rows, rng), stored)


def signs_mistyped(rows, shape, stored, rng):
    """Of the numbers 0.05 to 0.15 have the other sign; scores' noise of 0.1 to 0.3."""
    made = _noisy_rows(rows, stored, 0.1, 0.3, rng)
    return np.where(rng.random(rows.shape) < each(0.05, 0.15, rows, rng), -made, made)


def sample_contaminated(rows, shape, stored, rng):
    """Of the row 0.65 to 0.85, the rest is of one other stored row; noise of 0.1 to 0.3."""
    share, other = each(0.65, 0.85, rows, rng), stored[rng.integers(len(stored), size=len(rows))]
    return _noisy_rows(share * rows + (1 - share) * other, stored, 0.1, 0.3, rng)


def few_cells_swapped(rows, shape, stored, rng):
    """One to three pairs of cells, anywhere, are exchanged as they are; noise of 0.1 to 0.3."""
    made = _noisy_rows(rows, stored, 0.1, 0.3, rng)
    for row in made:
        pairs = rng.permutation(row.size)[: 2 * rng.integers(1, 4)]
        row[pairs] = row[pairs[::-1]]
    return made


def two_devices(rows, shape, stored, rng):
    """Either half of the columns has an offset of deviation 0.6 and a gain of 0.75 to 1.33.

    Of each cue's own; noise of 0.1 to 0.3.
    """
    second = (np.arange(rows.shape[1]) >= rows.shape[1] // 2).astype(int)
    offset = 0.6 * rng.normal(size=(len(rows), 2))[:, second]
    gain = np.exp(rng.uniform(np.log(0.75), np.log(1.33), (len(rows), 2)))[:, second]
    return unscored(_with_noise(gain * scored(rows, stored) + offset, 0.1, 0.3, rng), stored)


def per_cent_off_the_mean(rows, shape, stored, rng):
    """How far each number is from its column's mean, in per cent of that; noise of 0.1 to 0.3.

    Of a mean that is nearer to 0 than a tenth of its deviation, in per cent of that tenth.
    """
    mean = stored.mean(axis=0)
    whole = np.maximum(np.maximum(np.abs(mean), 0.1 * stored.std(axis=0)), 1e-12)
    return 100 * (_noisy_rows(rows, stored, 0.1, 0.3, rng) - mean) / whole


def inches_in_some(rows, shape, stored, rng):
    """The same 0.3 to 0.5 of the columns are over 2.54 in all cues; scores' noise of 0.1 to 0.4."""
    some = rng.random(rows.shape[1]) < rng.uniform(0.3, 0.5)
    return _noisy_rows(rows, stored, 0.1, 0.4, rng) / np.where(some, 2.54, 1)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        noise_and_blunders, gaps_drawn_from_columns, decimal_slips, another_gain,
        minus_one_for_gaps, zeros_for_gaps, last_part_of_another, told_in_fifths, in_thousands,
        of_length_one, scores_within_the_row, signed_roots, extremes_cut, season_and_noise,
        errors_that_linger, some_columns_worthless, signs_mistyped, sample_contaminated,
        few_cells_swapped, two_devices, per_cent_off_the_mean, inches_in_some,
    )
}  # fmt: skip
