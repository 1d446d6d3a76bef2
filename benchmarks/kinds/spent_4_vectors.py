"""The kinds of `spent_4.py` for rows of any numbers; functions are as those of `held_out.py`."""

import numpy as np

from .views import scored, spread, unscored


def shrunk(rows, shape, stored, rng):
    """Every answer is drawn towards the column's mean, to a fifth of its distance; noise of 0.1."""
    return unscored(0.2 * scored(rows, stored), stored) + spread(stored, 0.1, rows, rng)


def four_instruments(rows, shape, stored, rng):
    """Each quarter of the columns has an offset of deviation 1.5 and a gain of 0.4 to 1.6."""
    which = np.arange(rows.shape[1]) * 4 // rows.shape[1]
    offset, gain = rng.normal(0, 1.5, (len(rows), 4)), rng.uniform(0.4, 1.6, (len(rows), 4))
    return unscored(gain[:, which] * scored(rows, stored) + offset[:, which], stored)


def read_backwards(rows, shape, stored, rng):
    """A run of four in ten columns is in the reverse order."""
    out, size = rows.copy(), round(0.4 * rows.shape[1])
    for row in out:
        start = rng.integers(row.size - size + 1)
        row[start : start + size] = row[start : start + size][::-1].copy()
    return out


def crosstalk(rows, shape, stored, rng):
    """Each column has 0.8 of another's score added, the same other in all cues; noise of 0.2."""
    scores = scored(rows, stored)
    scores += 0.8 * scores[:, rng.permutation(rows.shape[1])]
    return unscored(scores, stored) + spread(stored, 0.2, rows, rng)


def another_batch(rows, shape, stored, rng):
    """Measured in another laboratory: offsets of deviation 1.2 and gains, the same in all cues."""
    size = rows.shape[1]
    scores = scored(rows, stored) * rng.lognormal(0, 0.3, size) + rng.normal(0, 1.2, size)
    return unscored(scores, stored)


def _directions(rows, stored):
    """Return the directions of greatest variance of the scores, and the share of each."""
    _, s, v = np.linalg.svd(scored(stored, stored), full_matrices=False)
    return v, s**2 / (s**2).sum()


def main_directions_lost(rows, shape, stored, rng):
    """What rows have in common is taken out: the directions of the first 0.6 of the variance."""
    v, share = _directions(rows, stored)
    v, scores = v[: np.searchsorted(share.cumsum(), 0.6) + 1], scored(rows, stored)
    return unscored(scores - scores @ v.T @ v, stored)


def main_directions_alone(rows, shape, stored, rng):
    """Compressed to the directions of the first 0.6 of the variance, and noise of 0.1."""
    v, share = _directions(rows, stored)
    v = v[: np.searchsorted(share.cumsum(), 0.6) + 1]
    return unscored(scored(rows, stored) @ v.T @ v, stored) + spread(stored, 0.1, rows, rng)


def burst(rows, shape, stored, rng):
    """A disturbance: noise of five deviations in a run of 0.3 of the columns, of 0.2 elsewhere."""
    start = rng.integers(rows.shape[1], size=(len(rows), 1))
    within = (np.arange(rows.shape[1]) - start) % rows.shape[1] < 0.3 * rows.shape[1]
    return rows + spread(stored, np.where(within, 5.0, 0.2), rows, rng)


def convex_response(rows, shape, stored, rng):
    """Sensors give ever more the more there is: 2 to the score, of 6 at most; noise of 0.1."""
    made = 2 ** np.clip(scored(rows, stored), -6, 6) - 1
    return unscored(made, stored) + spread(stored, 0.1, rows, rng)


def always_too_much(rows, shape, stored, rng):
    """To every column something is added, never taken: exponential, of 1.2 deviations."""
    return rows + 1.2 * stored.std(axis=0) * rng.exponential(size=rows.shape)


def imputed(rows, shape, stored, rng):
    """Half of the columns were empty, and have the mean of the five other rows most alike."""
    out = rows.copy()
    for row in out:
        known = rng.random(row.size) < 0.5
        far = (scored(stored, stored)[:, known] - scored(row, stored)[known]) ** 2
        near = np.argsort(far.sum(axis=1))[:6]
        others = [k for k in near if not np.array_equal(stored[k], row)][:5]
        row[~known] = stored[others].mean(axis=0)[~known]
    return out


def stuck(rows, shape, stored, rng):
    """The same half of the columns in all cues shows one old value each; noise of 0.2."""
    old = stored[rng.integers(len(stored), size=rows.shape[1]), np.arange(rows.shape[1])]
    made = np.where(rng.random(rows.shape[1]) < 0.5, old, rows)
    return made + spread(stored, 0.2, rows, rng)


def counted(rows, shape, stored, rng):
    """Told by counts: six at the greatest of the column, none at the least, on the average."""
    low, high = stored.min(axis=0), stored.max(axis=0)
    step = np.maximum(high - low, 1e-12) / 6
    return low + step * rng.poisson(np.maximum(rows - low, 0) / step)


def dial_turned_over(rows, shape, stored, rng):
    """Dials of two deviations about the mean: what is beyond begins again at the other end."""
    made = (scored(rows, stored) + 1) % 2 - 1
    return unscored(made, stored) + spread(stored, 0.1, rows, rng)


def at_the_rails(rows, shape, stored, rng):
    """Four in ten columns show the least or the greatest value of their column, by a fair coin."""
    rail = np.where(rng.random(rows.shape) < 0.5, stored.min(axis=0), stored.max(axis=0))
    return np.where(rng.random(rows.shape) < 0.4, rail, rows)


def one_disturbance(rows, shape, stored, rng):
    """One profile over the columns, as of a movement, is added to all cues, more or less of it."""
    profile, amount = rng.normal(size=rows.shape[1]), rng.normal(0, 2, (len(rows), 1))
    return unscored(scored(rows, stored) + amount * profile, stored) + spread(
        stored, 0.2, rows, rng
    )


VECTORS = {
    f.__name__.replace("_", " "): f
    for f in (
        shrunk, four_instruments, read_backwards, crosstalk, another_batch, main_directions_lost,
        main_directions_alone, burst, convex_response, always_too_much, imputed, stuck, counted,
        dial_turned_over, at_the_rails, one_disturbance,
    )
}  # fmt: skip
