"""Held-out kinds for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations. Each cue
has a strength of its own, of the range that is said; which columns are concerned is alike in all
cues where that is said. Rows have four columns or more. Few columns tell less of a row: where there
are fewer than 32, the sizes of errors and the shares of cells are times the root of columns over 32
(`mild`), so that most rows can still be told.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from .views import each, errors, measured, mild, noise, same_columns, scored, some_cells, unscored


def _written(numbers):
    """Return four digits of each number as a whole one, and the unit of the last."""
    unit = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(numbers), 1e-12))) - 3)
    return np.clip(np.round(np.abs(numbers) / unit), 0, 9999).astype(int), unit


def steps_of_each_columns_own(rows, shape, stored, rng):
    """Each column is told in steps of its own, 0.3 to 2.5 deviations, alike in all cues.

    Scores have noise of 0.1 to 0.4 before.
    """
    scores = scored(measured(rows, stored, 0.1, 0.4, rng), stored)
    step = mild(rows) * rng.uniform(0.3, 2.5, rows.shape[1])
    return unscored(step * np.round(scores / step), stored)


def each_column_bent(rows, shape, stored, rng):
    """Each column's scores are bent by a parabola of its own, alike in all cues; noise 0.2 to 0.5.

    A score of two either way is off by up to 1.2; no score goes on beyond three.
    """
    scores = scored(measured(rows, stored, 0.2, 0.5, rng), stored)
    bent = mild(rows) * rng.uniform(-0.4, 0.4, rows.shape[1])
    return unscored(scores + bent * (np.clip(scores, -3, 3) ** 2 - 1), stored)


def rounded_by_chance(rows, shape, stored, rng):
    """Scores are told in steps of 1 to 2, up or down by chance, the nearer the likelier."""
    step = mild(rows) * each(1, 2, rows, rng)
    told = step * np.floor(scored(rows, stored) / step + rng.random(rows.shape))
    return unscored(told, stored)


def beyond_the_scale_told_as_999(rows, shape, stored, rng):
    """What is above the 0.6 to 0.8 quantile of its column is told as 999; noise of 0.1 to 0.3.

    Noise on scores, before.
    """
    made = measured(rows, stored, 0.1, 0.3, rng)
    for row in made:
        limit = np.quantile(stored, 1 - mild(rows) * (1 - rng.uniform(0.6, 0.8)), axis=0)
        row[row > limit] = 999
    return made


def yes_or_no_by_chance(rows, shape, stored, rng):
    """Each column is told as its mean and a deviation more or less, the likelier the higher it is.

    More, where the score is above noise of 0.1 to 0.5. Where columns are few it is the mean of two
    to ten such answers.
    """
    many = round(1 / mild(rows) ** 2)
    scores, size = scored(rows, stored), each(0.1, 0.5, rows, rng)
    spread = 1 - mild(rows) + size
    told = [np.where(scores > spread * noise(1, rows, rng), 1.0, -1.0) for _ in range(many)]
    return unscored(np.mean(told, axis=0), stored)


def running_totals(rows, shape, stored, rng):
    """Told is the sum of the scores up to each column, of which 0.02 to 0.2 is lost at each.

    Noise of 0.1 to 0.3 on scores, before.
    """
    scores = scored(measured(rows, stored, 0.1, 0.3, rng), stored)
    for score in scores:
        score[:] = lfilter([1], [1, rng.uniform(0.02, 0.2) - 1], score)
    return unscored(scores, stored)


def in_another_power_of_ten(rows, shape, stored, rng):
    """All numbers of a cue times 10, 100, 0.1 or 0.01; noise of 0.2 to 0.5 on scores, before."""
    power = 10.0 ** rng.choice([-2, -1, 1, 2], (len(rows), 1))
    return power * measured(rows, stored, 0.2, 0.5, rng)


def halved_or_doubled(rows, shape, stored, rng):
    """Of the numbers 0.15 to 0.35 are twice as large or half; noise of 0.1 to 0.3 on scores."""
    made = measured(rows, stored, 0.1, 0.3, rng)
    hit = some_cells(rows, 0.15, 0.35, rng)
    return np.where(hit, made * rng.choice([0.5, 2.0], rows.shape), made)


def level_wanders_and_cells_lost(rows, shape, stored, rng):
    """A smooth curve of deviation 0.5 to 1.2 is added to the scores; 0.2 to 0.4 are means instead.

    The curve is alike over a tenth of the columns; noise of 0.1.
    """
    scores = scored(rows, stored) + 0.1 * mild(rows) * noise(1, rows, rng)
    for score in scores:
        curve = gaussian_filter1d(rng.normal(size=len(score)), max(1, len(score) / 10))
        score += mild(rows) * rng.uniform(0.5, 1.2) * curve / max(curve.std(), 1e-9)
    return unscored(np.where(some_cells(rows, 0.2, 0.4, rng), 0, scores), stored)


def sums_and_differences_of_pairs(rows, shape, stored, rng):
    """The same pairs of columns, of 0.3 to 0.6 of all, hold the sum and the difference of scores.

    Each over the root of two; noise of 0.2 to 0.5 on scores.
    """
    scores = scored(measured(rows, stored, 0.2, 0.5, rng), stored)
    some = same_columns(rows, 0.3, 0.6, rng)
    half = len(some) // 2
    one, two = some[:half], some[half : 2 * half]
    first, second = scores[:, one], scores[:, two]
    scores[:, one] = (first + second) / np.sqrt(2)
    scores[:, two] = (first - second) / np.sqrt(2)
    return unscored(scores, stored)


def squares_in_some(rows, shape, stored, rng):
    """The same 0.2 to 0.4 of the columns hold squares in all cues; noise of 0.2 to 0.4.

    Noise on scores, before.
    """
    made = measured(rows, stored, 0.2, 0.4, rng)
    some = same_columns(rows, 0.2, 0.4, rng)
    made[:, some] = made[:, some] ** 2
    return made


def pools_of_columns(rows, shape, stored, rng):
    """Columns were put in pools of two or three, any; each has the mean score of its pool.

    The same pools in all cues, 0.6 to 0.9 of the columns in them; noise of 0.05 to 0.2 on scores.
    """
    scores = scored(measured(rows, stored, 0.05, 0.2, rng), stored)
    some, wide = same_columns(rows, 0.6, 0.9, rng), 2 + rng.integers(2)
    some = some[: max(2, round(mild(rows) * len(some)))]
    for pool in np.array_split(some, max(1, len(some) // wide)):
        scores[:, pool] = scores[:, pool].mean(axis=1, keepdims=True)
    return unscored(scores, stored)


def slipped_into_the_record_before(rows, shape, stored, rng):
    """Of the cells 0.2 to 0.4 are those of another stored row, the same one; noise of 0.2 to 0.4.

    Noise on the scores of all.
    """
    other = stored[rng.integers(len(stored), size=len(rows))]
    mixed = np.where(some_cells(rows, 0.2, 0.4, rng), other, rows)
    return measured(mixed, stored, 0.2, 0.4, rng)


def told_by_a_small_sample(rows, shape, stored, rng):
    """From each column's least to its greatest is 0 to 1; told is how many of 4 to 12 say yes.

    More are asked where columns are few. Told within the column's range.
    """
    low, span = stored.min(axis=0), np.ptp(stored, axis=0)
    part = np.clip((rows - low) / np.where(span > 0, span, 1), 0, 1)
    asked = np.round(each(4, 12, rows, rng) / mild(rows) ** 2).astype(int)
    return low + span * rng.binomial(asked, part) / asked


def bowed_and_weaker(rows, shape, stored, rng):
    """Scores times 0.3 to 0.7, and a parabola along the row, of up to 1 to 2.5 in the middle.

    Up or down; noise of 0.1 to 0.3.
    """
    along = np.linspace(-1, 1, rows.shape[1])
    high = mild(rows) * each(1, 2.5, rows, rng) * rng.choice([-1, 1], (len(rows), 1))
    scores = each(0.3, 0.7, rows, rng) ** mild(rows) * scored(rows, stored)
    return unscored(scores + high * (1 - along**2) + errors(0.1, 0.3, rows, rng), stored)


def resonates(rows, shape, stored, rng):
    """Scores swing after: an oscillation of 3 to 8 columns that has 0.6 to 0.85 left after each.

    In the size that the scores had; noise of 0.1 to 0.3.
    """
    scores = scored(measured(rows, stored, 0.1, 0.3, rng), stored)
    for score in scores:
        left = mild(rows) * rng.uniform(0.6, 0.85)
        turn = 2 * np.pi / rng.uniform(3, 8)
        swung = lfilter([1], [1, -2 * left * np.cos(turn), left**2], score)
        score[:] = swung * score.std() / max(swung.std(), 1e-9)
    return unscored(scores, stored)


def less_the_value_a_week_before(rows, shape, stored, rng):
    """Each score less 0.5 to 0.9 of the one two to seven columns before; noise of 0.2 to 0.5.

    How many columns is alike in all cues; the first ones have nothing before them.
    """
    scores = scored(rows, stored)
    lag = min(rng.integers(2, 8), rows.shape[1] - 1)
    scores[:, lag:] -= mild(rows) * each(0.5, 0.9, rows, rng) * scores[:, :-lag]
    return unscored(scores + errors(0.2, 0.5, rows, rng), stored)


def other_gain_and_zeros_for_gaps(rows, shape, stored, rng):
    """All numbers times 0.5 to 2; of the values 0.15 to 0.35 are 0, as not known; noise 0.1 to 0.3.

    Noise on scores, before.
    """
    gain = 2 ** each(-1, 1, rows, rng)
    made = gain * measured(rows, stored, 0.1, 0.3, rng)
    return np.where(some_cells(rows, 0.15, 0.35, rng), 0, made)


def offset_and_coarse_steps(rows, shape, stored, rng):
    """All scores are off by one number of up to 1.2 either way, then told in steps of 0.8 to 1.6.

    Noise of 0.1 to 0.3 before.
    """
    off = mild(rows) * each(-1.2, 1.2, rows, rng)
    step = mild(rows) * each(0.8, 1.6, rows, rng)
    scores = scored(rows, stored) + off + errors(0.1, 0.3, rows, rng)
    return unscored(step * np.round(scores / step), stored)


def higher_of_two_kept(rows, shape, stored, rng):
    """In 0.5 to 0.8 of the cells the higher of two records was kept, the other a stored row's.

    The same other one; noise of 0.1 to 0.3 on scores.
    """
    other = stored[rng.integers(len(stored), size=len(rows))]
    higher = np.where(some_cells(rows, 0.5, 0.8, rng), np.maximum(rows, other), rows)
    return measured(higher, stored, 0.1, 0.3, rng)


def digits_misread(rows, shape, stored, rng):
    """In 0.2 to 0.45 of the cells digits look like others: 1 as 7, 3 as 8, 6 as 0, 4 as 9, 2 as 5.

    Or those the other way; one of four digits. Scores have noise of 0.05 to 0.2 before.
    """
    made = measured(rows, stored, 0.05, 0.2, rng)
    alike = np.array([6, 7, 5, 8, 9, 2, 0, 1, 3, 4])
    whole, unit = _written(made)
    low = 10 ** rng.integers(0, 4, rows.shape)
    digit = whole // low % 10
    read = np.sign(made) * unit * (whole + low * (alike[digit] - digit))
    return np.where(some_cells(rows, 0.2, 0.45, rng), read, made)


def first_digit_lost(rows, shape, stored, rng):
    """In 0.1 to 0.3 of the cells the first of four digits is missing; noise of 0.1 to 0.3.

    Noise on scores, before.
    """
    made = measured(rows, stored, 0.1, 0.3, rng)
    whole, unit = _written(made)
    lost = np.sign(made) * unit * (whole % 1000)
    return np.where(some_cells(rows, 0.1, 0.3, rng), lost, made)


def a_little_of_everything(rows, shape, stored, rng):
    """Scores times 0.7 to 1.2 and off by up to 0.5; 0.1 to 0.2 of them 0; 0.02 to 0.06 off by 4.

    Noise of 0.2 to 0.4, and a drift of up to 1 along the row.
    """
    along = np.linspace(-0.5, 0.5, rows.shape[1])
    scores = each(0.7, 1.2, rows, rng) ** mild(rows) * scored(rows, stored)
    scores += mild(rows) * (each(-0.5, 0.5, rows, rng) + each(-1, 1, rows, rng) * along)
    scores += errors(0.2, 0.4, rows, rng)
    blunder = some_cells(rows, 0.02, 0.06, rng)
    scores += blunder * mild(rows) * rng.choice([-4, 4], rows.shape)
    return unscored(np.where(some_cells(rows, 0.1, 0.2, rng), 0, scores), stored)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        steps_of_each_columns_own, each_column_bent, rounded_by_chance,
        beyond_the_scale_told_as_999, yes_or_no_by_chance, running_totals,
        in_another_power_of_ten, halved_or_doubled, level_wanders_and_cells_lost,
        sums_and_differences_of_pairs, squares_in_some, pools_of_columns,
        slipped_into_the_record_before, told_by_a_small_sample, bowed_and_weaker, resonates,
        less_the_value_a_week_before, other_gain_and_zeros_for_gaps, offset_and_coarse_steps,
        higher_of_two_kept, digits_misread, first_digit_lost, a_little_of_everything,
    )
}  # fmt: skip
