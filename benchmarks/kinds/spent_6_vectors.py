"""The kinds of `spent_6.py` for rows of any numbers; functions are as those of `held_out.py`.

A score is a column's distance from its mean over the stored rows, in standard deviations.
"""

import numpy as np
from scipy.signal import detrend

from .views import noise, scored, spread, unscored


def uniform_errors(rows, shape, stored, rng):
    """Errors of any size up to 1.2 deviations either way."""
    return unscored(scored(rows, stored) + rng.uniform(-1.2, 1.2, rows.shape), stored)


def either_side(rows, shape, stored, rng):
    """Every column is off by just one deviation, to the one or the other side by a coin."""
    return unscored(scored(rows, stored) + rng.choice([-1, 1], rows.shape), stored)


def ever_noisier(rows, shape, stored, rng):
    """Noise that grows over the columns, from none to 2.5 deviations."""
    return rows + spread(stored, np.linspace(0, 2.5, rows.shape[1]), rows, rng)


def told_as_scores(rows, shape, stored, rng):
    """Already standardised: scores in place of the numbers, with noise of 0.3."""
    scores = scored(rows, stored)
    return scores + noise(0.3, scores, rng)


def scaled_to_one(rows, shape, stored, rng):
    """Each row has been scaled to lie from 0 to 1, after noise of 0.2 deviations."""
    made = rows + spread(stored, 0.2, rows, rng)
    low, high = made.min(axis=1, keepdims=True), made.max(axis=1, keepdims=True)
    return (made - low) / np.maximum(high - low, 1e-12)


def telephone_line(rows, shape, stored, rng):
    """Scores in 8 levels, of µ law (255) and the row's own range, after noise of 0.3."""
    scores = scored(rows, stored)
    scores += noise(0.3, scores, rng)
    most = np.maximum(np.abs(scores).max(axis=1, keepdims=True), 1e-12)
    level = np.sign(scores) * np.log1p(255 * np.abs(scores) / most) / np.log(256)
    level = (np.floor(np.clip(level, -1, 1 - 1e-9) * 4) + 0.5) / 4
    return unscored(np.sign(level) * most * (256 ** np.abs(level) - 1) / 255, stored)


def detrended(rows, shape, stored, rng):
    """A straight line was fitted to each row's scores, and taken away; noise of 0.4."""
    scores = detrend(scored(rows, stored), axis=1)
    return unscored(scores + noise(0.4, scores, rng), stored)


def against_a_reference(rows, shape, stored, rng):
    """Each score less that of one column, the same in all cues; noise of 0.3."""
    scores = scored(rows, stored)
    scores = scores - scores[:, [rng.integers(rows.shape[1])]]
    return unscored(scores + noise(0.3, scores, rng), stored)


def backlash(rows, shape, stored, rng):
    """A worn gear with a play of 0.8 deviations: a reading moves only if it is pulled along."""
    scores = scored(rows, stored)
    for k in range(1, scores.shape[1]):
        scores[:, k] = np.clip(scores[:, k - 1], scores[:, k] - 0.4, scores[:, k] + 0.4)
    return unscored(scores + noise(0.1, scores, rng), stored)


def packets_repeated(rows, shape, stored, rng):
    """Sent in packets of an eighth; four in ten are lost, and the scores before them play again."""
    scores, places = scored(rows, stored), np.arange(rows.shape[1])
    size = max(1, rows.shape[1] // 8)
    for score in scores:
        lost = rng.random(rows.shape[1]) < 0.4
        lost[0] = False
        from_where = places.copy()
        for k in places[size:]:
            if lost[k // size]:
                from_where[k] = from_where[k - size]
        score[:] = score[from_where]
    return unscored(scores + noise(0.2, scores, rng), stored)


def fading(rows, shape, stored, rng):
    """Scores are heard louder and fainter, from none to twice, waxing and waning; noise of 0.4."""
    scores = scored(rows, stored)
    for score in scores:
        waves = 2 * np.pi * np.arange(score.size) / score.size
        score *= 1 + np.sin(rng.uniform(1, 3) * waves + rng.uniform(0, 2 * np.pi))
    return unscored(scores + noise(0.4, scores, rng), stored)


def knocked(rows, shape, stored, rng):
    """Somebody hit the table: from a column on it rings, at first by six deviations; noise 0.3."""
    scores, size = scored(rows, stored), rows.shape[1]
    for score in scores:
        after = np.arange(size) - rng.uniform(0, 0.5) * size
        ring = np.exp(-4 * after.clip(0) / size) * np.cos(rng.uniform(20, 60) * after / size)
        score += 6 * rng.choice([-1, 1]) * np.where(after >= 0, ring, 0)
    return unscored(scores + noise(0.3, scores, rng), stored)


def babble(rows, shape, stored, rng):
    """Four others talk at the same time: 0.4 of the scores of each are added."""
    scores = scored(rows, stored)
    for _ in range(4):
        scores = scores + 0.4 * scored(stored[rng.integers(len(stored), size=len(rows))], stored)
    return unscored(scores, stored)


def own_mean_filled_in(rows, shape, stored, rng):
    """Six in ten numbers are missing, and are the mean of the row's others; noise of 0.1."""
    out = rows + spread(stored, 0.1, rows, rng)
    for row in out:
        lost = rng.random(row.size) < 0.6
        lost[rng.integers(row.size)] = False
        row[lost] = row[~lost].mean()
    return out


def filled_in_from_memory(rows, shape, stored, rng):
    """Half as far from the mean, in steps of 0.5, off by 0.3; three in ten are the mean itself."""
    scores = scored(rows, stored) / 2
    scores = np.round(2 * (scores + noise(0.3, scores, rng))) / 2
    return unscored(np.where(rng.random(rows.shape) < 0.3, 0, scores), stored)


def binned_in_fours(rows, shape, stored, rng):
    """Every four columns beside one another tell the mean of their scores; noise of 0.1."""
    scores = scored(rows, stored)
    for start in range(0, scores.shape[1], 4):
        part = scores[:, start : start + 4]
        part[:] = part.mean(axis=1, keepdims=True)
    return unscored(scores + noise(0.1, scores, rng), stored)


def third_of_the_rate(rows, shape, stored, rng):
    """Every third number was kept, the others lie on straight lines between; noise of 0.1."""
    made, places = rows + spread(stored, 0.1, rows, rng), np.arange(rows.shape[1])
    return np.stack([np.interp(places, places[::3], row[::3]) for row in made])


def played_faster(rows, shape, stored, rng):
    """Scores run 3 to 10 percent too fast or too slow from the first on; the last one is held."""
    scores, places = scored(rows, stored), np.arange(rows.shape[1])
    for score in scores:
        speed = 1 + rng.uniform(0.03, 0.1) * rng.choice([-1, 1])
        score[:] = np.interp(places * speed, places, score.copy())
    return unscored(scores + noise(0.1, scores, rng), stored)


def looped(rows, shape, stored, rng):
    """The file breaks off at 0.5 to 0.8 of it, and begins again at its first number; noise 0.2."""
    made = rows + spread(stored, 0.2, rows, rng)
    for row in made:
        end = max(1, int(rng.uniform(0.5, 0.8) * row.size))
        row[end:] = np.resize(row[:end], row.size - end)
    return made


def ticked_boxes(rows, shape, stored, rng):
    """All that is told is 1 for above the column's median and 0 for not; one in ten is wrong."""
    return ((rows > np.median(stored, axis=0)) ^ (rng.random(rows.shape) < 0.1)).astype(float)


def float_bits_flipped(rows, shape, stored, rng):
    """Of a float's 32 bits one of the ten about the point of its fraction is wrong, in half."""
    bits = rows.astype(np.float32).view(np.uint32)
    wrong = np.uint32(1) << rng.integers(16, 26, rows.shape).astype(np.uint32)
    made = np.where(rng.random(rows.shape) < 0.5, bits ^ wrong, bits).astype(np.uint32)
    return made.view(np.float32).astype(float)


def faint_and_gapped(rows, shape, stored, rng):
    """A quarter of the scores, on a constant of the cue's own; half of them lost; noise of 0.1."""
    scores = scored(rows, stored) / 4 + rng.normal(0, 0.5, (len(rows), 1))
    scores[rng.random(rows.shape) < 0.5] = 0
    return unscored(scores + noise(0.1, scores, rng), stored)


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        uniform_errors, either_side, ever_noisier, told_as_scores, scaled_to_one, telephone_line,
        detrended, against_a_reference, backlash, packets_repeated, fading, knocked, babble,
        own_mean_filled_in, filled_in_from_memory, binned_in_fours, third_of_the_rate,
        played_faster, looped, ticked_boxes, float_bits_flipped, faint_and_gapped,
    )
}  # fmt: skip
