"""The kinds of `spent_11.py` for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations. Each cue
has a strength of its own, of the range that is said; which columns are concerned is alike in all
cues where that is said. Rows have four columns or more. Few columns tell less of a row: where there
are fewer than 32, the sizes of errors and the shares of cells are times the root of columns over 32
(`mild`), so that most rows can still be told.
"""

import numpy as np
from scipy.fft import dct, idct
from scipy.ndimage import uniform_filter1d

from .views import each, errors, measured, mild, noise, same_columns, scored, some_cells, unscored


def recalibrated_column_by_column(rows, shape, stored, rng):
    """Columns' gains of 0.75 to 1.33, offsets of deviation 0.6, the same in all cues; noise.

    Of 0.2 to 0.5 on scores.
    """
    scores = scored(measured(rows, stored, 0.2, 0.5, rng), stored)
    gain = 1.33 ** (mild(rows) * rng.uniform(-1, 1, rows.shape[1]))
    return unscored(gain * scores + 0.6 * mild(rows) * rng.normal(size=rows.shape[1]), stored)


def codes_for_refused(rows, shape, stored, rng):
    """Of the values 0.15 to 0.35 are −7, −8 or −9: refused, not known, not asked; noise 0.1 to 0.3.

    Noise on the scores of the others.
    """
    lost = some_cells(rows, 0.15, 0.35, rng)
    codes = rng.choice([-7.0, -8.0, -9.0], rows.shape)
    return np.where(lost, codes, measured(rows, stored, 0.1, 0.3, rng))


def lowest_for_unknown(rows, shape, stored, rng):
    """Of the values 0.35 to 0.6 are unknown: the least of the column; scores' noise 0.1 to 0.3."""
    lost = some_cells(rows, 0.35, 0.6, rng)
    return np.where(lost, stored.min(axis=0), measured(rows, stored, 0.1, 0.3, rng))


def half_the_range_below_the_limit(rows, shape, stored, rng):
    """What is below the 0.4 to 0.7 quantile of its column is midway from there to its least.

    Scores have noise of 0.1 to 0.3 before.
    """
    made = measured(rows, stored, 0.1, 0.3, rng)
    for row in made:
        limit = np.quantile(stored, rng.uniform(0.4, 0.7), axis=0)
        below = row < limit
        row[below] = ((limit + stored.min(axis=0)) / 2)[below]
    return made


def decimal_comma_misread(rows, shape, stored, rng):
    """In 0.1 to 0.3 of the cells the comma was lost: a thousand times as large; noise 0.1 to 0.3.

    Noise on scores, before.
    """
    hit = some_cells(rows, 0.1, 0.3, rng)
    return measured(rows, stored, 0.1, 0.3, rng) * np.where(hit, 1000, 1)


def one_digit_told(rows, shape, stored, rng):
    """One digit, as it is written, of the distance from the column's mean; noise of 0.2 to 0.5.

    The noise is a part of that distance.
    """
    mean = stored.mean(axis=0)
    apart = (rows - mean) * (1 + errors(0.2, 0.5, rows, rng))
    unit = 10.0 ** np.floor(np.log10(np.maximum(np.abs(apart), 1e-12)))
    return mean + unit * np.round(apart / unit)


def digits_transposed(rows, shape, stored, rng):
    """In 0.2 to 0.45 of the cells two digits beside one another of four were exchanged.

    Scores have noise of 0.05 to 0.2 before.
    """
    made = measured(rows, stored, 0.05, 0.2, rng)
    unit = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(made), 1e-12))) - 3)
    whole = np.clip(np.round(np.abs(made) / unit), 1000, 9999).astype(int)
    low = 10 ** rng.integers(0, 3, rows.shape)
    first, second = whole // (10 * low) % 10, whole // low % 10
    turned = whole + 9 * low * (second - first)
    hit = some_cells(rows, 0.2, 0.45, rng)
    return np.where(hit, np.sign(made) * turned * unit, made)


def blocks_of_columns_exchanged(rows, shape, stored, rng):
    """Two blocks of columns, 0.1 to 0.18 of all each, stand in each other's place in all cues.

    As they are; scores have noise of 0.1 to 0.3 before.
    """
    made, size = measured(rows, stored, 0.1, 0.3, rng), rows.shape[1]
    wide = max(1, round(rng.uniform(0.1, 0.18) * size))
    first = rng.integers(0, size - 2 * wide + 1)
    second = rng.integers(first + wide, size - wide + 1)
    one, two = slice(first, first + wide), slice(second, second + wide)
    made[:, one], made[:, two] = made[:, two].copy(), made[:, one].copy()
    return made


def sensor_ages(rows, shape, stored, rng):
    """The gain of scores falls along the row, to 0.15 to 0.5, and their level by 0.5 to 1.5.

    Noise of 0.1 to 0.3.
    """
    along = np.linspace(0, 1, rows.shape[1])
    left = each(0.15, 0.5, rows, rng) ** (mild(rows) * along)
    scores = left * scored(rows, stored) - mild(rows) * each(0.5, 1.5, rows, rng) * along
    return unscored(scores + errors(0.1, 0.3, rows, rng), stored)


def pooled_with_two_others(rows, shape, stored, rng):
    """Three samples were poured together: 0.4 to 0.6 of the row, the rest of two stored ones."""
    part = 1 - mild(rows) * each(0.4, 0.6, rows, rng)
    one, two = (stored[rng.integers(len(stored), size=len(rows))] for _ in range(2))
    return part * rows + (1 - part) * (one + two) / 2


def counted_twice(rows, shape, stored, rng):
    """The same 0.3 to 0.6 of the columns are sums over two or three copies; noise of 0.05 to 0.2.

    The others are means over the copies. How many there were is each cue's own.
    """
    made = measured(rows, stored, 0.05, 0.2, rng)
    made[:, same_columns(rows, 0.3, 0.6, rng)] *= rng.integers(2, 4, (len(rows), 1))
    return made


def long_tailed_factors(rows, shape, stored, rng):
    """Each number times e to Student's number of 2 degrees of freedom, times 0.1 to 0.3.

    The power is from −3 to 3.
    """
    power = mild(rows) * each(0.1, 0.3, rows, rng) * rng.standard_t(2, rows.shape)
    return rows * np.exp(np.clip(power, -3, 3))


def noised_for_privacy(rows, shape, stored, rng):
    """Laplace's noise on scores, of scale 0.5 to 1, told in halves, within the column's range."""
    error, step = each(0.5, 1, rows, rng) * rng.laplace(size=rows.shape), 0.5 * mild(rows)
    told = step * np.round((scored(rows, stored) + mild(rows) * error) / step)
    return np.clip(unscored(told, stored), stored.min(axis=0), stored.max(axis=0))


def averaged_in_groups(rows, shape, stored, rng):
    """Each column was sorted and cut into three to six groups; a value is its group's mean.

    Scores have noise of 0.2 to 0.4 before. Groups, too, are the more the fewer columns there are.
    """
    made, ordered = measured(rows, stored, 0.2, 0.4, rng), np.sort(stored, axis=0)
    for row in made:
        groups = np.array_split(ordered, round(rng.integers(3, 7) / mild(rows)))
        means = np.stack([group.mean(axis=0) for group in groups])
        bounds = np.stack([group[-1] for group in groups[:-1]])
        row[:] = means[(row > bounds).sum(axis=0), np.arange(len(row))]
    return made


def slow_part_lost(rows, shape, stored, rng):
    """Scores less 0.6 to 1 of their running mean over a third of the columns; noise 0.2 to 0.5."""
    scores = scored(rows, stored)
    wide = max(3, rows.shape[1] // 3)
    slow = uniform_filter1d(scores, wide, axis=1, mode="nearest")
    scores = scores - mild(rows) * each(0.6, 1, rows, rng) * slow
    return unscored(scores + errors(0.2, 0.5, rows, rng), stored)


def main_waves_kept(rows, shape, stored, rng):
    """Of the waves of the scores along the row the largest 0.05 to 0.2 are kept, three at least."""
    waves = dct(scored(rows, stored), axis=1, norm="ortho")
    for wave in waves:
        count = max(3, round(rng.uniform(0.05, 0.2) * len(wave)))
        wave[np.argsort(np.abs(wave))[:-count]] = 0
    return unscored(idct(waves, axis=1, norm="ortho"), stored)


def scaled_by_quartiles(rows, shape, stored, rng):
    """Less the column's median, over the distance of its quartiles (1 if 0); noise of 0.2 to 0.5.

    Noise on scores, before.
    """
    low, middle, high = np.quantile(stored, [0.25, 0.5, 0.75], axis=0)
    return (measured(rows, stored, 0.2, 0.5, rng) - middle) / np.where(high > low, high - low, 1)


def reciprocals_in_some(rows, shape, stored, rng):
    """The same 0.2 to 0.4 of the columns hold 100 over the number in all cues; noise of 0.1 to 0.3.

    Those that come near 0 among the stored rows stay as they are. Noise on scores, before, within
    the column's range.
    """
    low, high = stored.min(axis=0), stored.max(axis=0)
    made = np.clip(measured(rows, stored, 0.1, 0.3, rng), low, high)
    some = same_columns(rows, 0.2, 0.4, rng)
    some = some[np.abs(stored[:, some]).min(axis=0) > 0.1 * stored[:, some].std(axis=0)]
    some = some[low[some] * high[some] > 0]
    made[:, some] = 100 / made[:, some]
    return made


def zero_of_the_dial_moved(rows, shape, stored, rng):
    """All columns' dials, of 1.2 times their range, turn on by 0.05 to 0.2; noise of 0.05 to 0.2.

    What goes past the end begins again. Noise on scores, before.
    """
    low, span = stored.min(axis=0), 1.2 * np.ptp(stored, axis=0)
    part = (measured(rows, stored, 0.05, 0.2, rng) - low) / np.where(span > 0, span, 1) + 1 / 12
    return low + span * (np.mod(part + mild(rows) * each(0.05, 0.2, rows, rng), 1) - 1 / 12)


def some_records_imperial(rows, shape, stored, rng):
    """Half of the cues are in other units: columns times 2.2, 3.28, 0.62 or 1.8 and 32 more.

    Which unit is the column's own, in all of them; noise of 0.1 to 0.4 on scores, before.
    """
    made = measured(rows, stored, 0.1, 0.4, rng)
    unit = rng.integers(4, size=rows.shape[1])
    other = made * np.array([2.2046, 3.2808, 0.62137, 1.8])[unit] + 32 * (unit == 3)
    return np.where(rng.random((len(rows), 1)) < 0.5, other, made)


def errors_as_the_data_vary(rows, shape, stored, rng):
    """Errors alike in columns that go together, 0.4 to 0.7 of the rows' own; noise of 0.2 to 0.4.

    Half the difference of two stored rows or so, times a factor; white noise on scores.
    """
    one, two = (stored[rng.integers(len(stored), size=len(rows))] for _ in range(2))
    error = mild(rows) * each(0.4, 0.7, rows, rng) * (one - two) / np.sqrt(2)
    return measured(rows, stored, 0.2, 0.4, rng) + error


def recorder_started_late(rows, shape, stored, rng):
    """The first 0.3 to 0.55 of the columns have the score of the first that was told.

    Noise of 0.2 to 0.4 on all scores.
    """
    scores, size = scored(rows, stored), rows.shape[1]
    for score in scores:
        first = max(1, round(mild(rows) * rng.uniform(0.3, 0.55) * size))
        score[:first] = score[first]
    return unscored(scores + errors(0.2, 0.4, rows, rng), stored)


def rare_bursts_and_noise(rows, shape, stored, rng):
    """Scores have noise of 0.2 to 0.5, and of 2 to 5 in 0.08 to 0.2 of the cells."""
    burst = some_cells(rows, 0.08, 0.2, rng)
    size = np.where(burst, each(2, 5, rows, rng), mild(rows) * each(0.2, 0.5, rows, rng))
    return unscored(scored(rows, stored) + size * noise(1, rows, rng), stored)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        recalibrated_column_by_column, codes_for_refused, lowest_for_unknown,
        half_the_range_below_the_limit, decimal_comma_misread, one_digit_told, digits_transposed,
        blocks_of_columns_exchanged, sensor_ages, pooled_with_two_others, counted_twice,
        long_tailed_factors, noised_for_privacy, averaged_in_groups, slow_part_lost,
        main_waves_kept, scaled_by_quartiles, reciprocals_in_some, zero_of_the_dial_moved,
        some_records_imperial, errors_as_the_data_vary, recorder_started_late,
        rare_bursts_and_noise,
    )
}  # fmt: skip
