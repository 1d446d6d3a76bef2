r"""The most probable row of a cue of few coordinates, which no model of damage can be fitted to.

All there is to go by is how far each coordinate is off, in its column's deviations. A cue x is
taken for a row z and errors, as probably each of:

- x = z + e, e of normal, Laplace's or Cauchy's law: errors that are alike, or few large ones;
- x = a z + e and x = a z + o + e, e normal, the gain a about 1 and the offset o about 0.

As probable as all of these together are errors of the first three laws in one unit for all columns;
and, where more numbers are just their column's median than chance would have it, or its mean, that
they are gaps filled, and that all of these hold of the others.

The scale of errors is any from 10⁻⁴ to 10, each power of ten as probable as the others. A density
is summed over all scales, gains and offsets, so that a law that could have explained anything
counts for little where nearness is right.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import cdist
from scipy.special import expit, logit

from attractory.memory.coordinates import spread
from attractory.memory.nearest_row import at_least_two

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "beside_models", "of_few_coordinates"]

MOST_COLUMNS = 30  # up to which the posterior has a say beside the models of damage
MOST_ROWS = 10_000  # up to which it takes less time than they do

_CLOSE = 64  # rows by each measure
_TELL = 20  # rows: how far fewer lie apart tells nothing
_SEEN = 0.1  # rows whose neighbours are at a scale that is seen
_SCALES = np.geomspace(1e-4, 10, 25)  # of errors
_GAINS = np.array([0.36, 0.6, 1.0, 1.67, 2.8])  # as probably each, normal about it
_WIDE = 0.28  # deviation of a gain, relative
_OFFSET = 1.0  # deviation of the offset
_NONE = 1e-6  # offset that is none
_MOST = 1e3  # deviations: farther off is as far
_LOST = 0.3  # share of gaps in a cue that has any
_SAME = 1e-5  # deviations within which two numbers are one
_TWO_PI = np.log(2 * np.pi)
_SIZES = 1e-3, 1e3  # of all numbers
_ALIKE, _STRANGE = 0.5, np.log(5)  # share of log odds that is believed, and what is taken off


def of_few_coordinates(
    rows: Float[np.ndarray, "n d"],
    cues: Float[np.ndarray, "k d"],
    known: Bool[np.ndarray, "k d"] | None = None,
    zero: Float[np.ndarray, " d"] | None = None,
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    r"""Return the most probable row of each cue of few coordinates, and how probable it is.

    At even odds the cue is of a row that was never stored: as probably of the rows' mean and
    covariance, with normal errors, as it is or with a gain or an offset, as one that lies beside a
    stored row, as far off as these lie from one another. The nearest row is the less sure the
    nearer others are: for normal errors of any scale P ∝ r⁻ᵈ at distance r.

    Args:
        rows, cues: in units of the rows' spread.
        known: which coordinates of the cues are; None for all.
        zero: what rows have less than in the same units from 0; None if cues have no other unit.

    Example:
        >>> rows = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
        >>> row, sure = of_few_coordinates(rows, np.array([[0.001, 0.999, 0.0]]))
        >>> row.tolist(), bool(0 < sure[0] < 1)
        ([1], True)
    """
    row, sure, _ = _posterior(rows, cues, known, zero)
    return row, sure


def _posterior(
    rows: Float[np.ndarray, "n d"],
    cues: Float[np.ndarray, "k d"],
    known: Bool[np.ndarray, "k d"] | None,
    zero: Float[np.ndarray, " d"] | None,
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return that, and how probable the rows are if none lies beside the stored ones."""
    row, sure, alone = np.empty(len(cues), int), np.empty(len(cues)), np.empty(len(cues))
    count, rows = len(rows), at_least_two(rows)
    columns, before = None, np.empty(0, bool)
    for k, cue in enumerate(np.asarray(cues, float)):
        told = slice(None) if known is None else known[k]
        if columns is None or not (known is None or np.array_equal(known[k], before)):
            less = None if zero is None else np.asarray(zero[told], float)
            columns = _Columns(np.asarray(rows[:, told], float), less)  # few: rows may have many
        before = before if known is None else known[k]
        found, far, other = columns.nats(cue[told])
        row[k] = found[:count].argmax()
        sure[k], alone[k] = (
            np.exp(found[row[k]] - np.logaddexp.reduce(np.append(found, nats)))
            for nats in (other, far)
        )
    return row, sure, alone


def beside_models(
    rows: Float[np.ndarray, "n d"],
    cues: Float[np.ndarray, "k d"],
    zero: Float[np.ndarray, " d"],
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return the same of more columns, less sure, and of cues that are in another unit, too.

    Columns that go together tell less than as many that do not: half of the log odds is believed,
    and of the odds a fifth, since damage that nobody thought of is usual, and the surer of two
    answers, which is taken, is too sure.

    Args:
        rows, cues, zero: as for `of_few_coordinates`.

    Returns:
        The rows, how probable they are, and how probable if no row that was never stored lies
        beside a stored one: which of the stored rows it is does not go by the others.
    """
    row, *both = _posterior(rows, cues, None, zero)
    sure, alone = (expit(_ALIKE * logit(v) - _STRANGE) for v in both)
    return row, sure, alone


class _Columns:
    """What is worked out of the stored rows, once.

    Args:
        rows: their known coordinates.
        zero: what they have less than from 0; None for rows that are always told in one unit.
    """

    def __init__(self, rows: Float[np.ndarray, "n c"], zero: Float[np.ndarray, " c"] | None = None):
        self.mean, deviation = rows.mean(axis=0), rows.std(axis=0)
        self.deviation = np.where(deviation > _SAME, deviation, 1.0)
        self.z = (rows - self.mean) / self.deviation
        middle = None if zero is None else (self.mean + zero) / self.deviation
        self.any_size = None if middle is None else _AnySize(self.z, middle, self.deviation)
        # Medians and means that gaps are filled with, and the share of rows that have them anyway.
        self.fills = [np.median(self.z, axis=0), np.zeros(rows.shape[1])]
        here = [(np.abs(self.z - fill) <= _SAME).mean(axis=0) for fill in self.fills]
        self.shares = [np.maximum(share, 0.5 / len(rows)) for share in here]

    def nats(self, cue: Float[np.ndarray, " c"]) -> tuple[Float[np.ndarray, " n"], float, float]:
        """Return log densities of a cue: of each row, equally probable, and of an unknown one.

        The last is of such as lie beside stored ones besides.
        """
        told = (cue - self.mean) / self.deviation
        x = np.clip(told, -_MOST, _MOST)
        found, other = [], []
        for part, more in self._parts(x):
            z = self.z[:, part]
            rows = [*_additive(x[part] - z), *(_linear(x[part], z, o) for o in (_NONE, _OFFSET))]
            found.append(more + _mean(np.stack(rows)))
            other.append(more + _unknown(x[part], z))
        if self.any_size is not None:
            y = told + self.any_size.middle
            found.append(_mean(self.any_size.rows_nats(y)))
            other.append(float(_mean(self.any_size.unknown_nats(y))))
        far = beside = float(_mean(np.stack(other)))
        own = np.log(self.deviation).sum()
        if len(self.z) >= _TELL:
            alike = own + self.in_one_unit.nats(x * self.deviation)
            beside = float(_mean(np.stack([far, far, self.neighbours.nats(x), alike])))
        found.append(own + _mean(np.stack(_additive((x - self.z) * self.deviation))))
        return _mean(np.stack(found)) - np.log(len(self.z)), far, beside

    @cached_property
    def neighbours(self) -> "_Neighbours":
        """The rows beside one another, in deviations."""
        return _Neighbours(self.z)

    @cached_property
    def in_one_unit(self) -> "_Neighbours":
        """The same in one unit for all columns."""
        return _Neighbours(self.z * self.deviation)

    def _parts(self, x: Float[np.ndarray, " c"]) -> Iterator[tuple[Bool[np.ndarray, " c"], float]]:
        """Yield which coordinates count, and the log density of the others, which were filled.

        That of a number at the median is a normal's there, times how much more probable gaps make
        so many of them.
        """
        yield np.ones(len(x), bool), 0.0
        for fill, share in zip(self.fills, self.shares, strict=True):
            at = np.abs(x - fill) <= _SAME
            odds = np.where(at, np.log(_LOST / share + 1 - _LOST), np.log(1 - _LOST)).sum()
            gaps = at & ((1 - _LOST) * share < _LOST)
            if odds > 0 and not gaps.all():
                yield ~gaps, odds - 0.5 * _TWO_PI * gaps.sum()


class _Neighbours:
    """Rows that were never stored, and lie as far from stored ones as these from one another.

    Args:
        rows: in any units.

    Attributes:
        apart: logs of how probable each law and scale is of what is between neighbours.
    """

    def __init__(self, rows: Float[np.ndarray, "n c"]):
        self._rows = rows
        some = spread(len(rows), 3 * _CLOSE)  # of as many all are looked at
        away = cdist(rows[some], rows, "cityblock")
        away[np.arange(len(some)), some] = np.inf
        nats = _laws(rows[some] - rows[away.argmin(axis=1)])[1]
        each = np.exp(nats - np.logaddexp.reduce(nats, axis=(0, 2))[:, None]).sum(axis=1)
        # One row more, anywhere; nearer than any lies, the less probably the nearer.
        least = _SCALES[np.flatnonzero(each.sum(axis=0) > _SEEN).min()]
        more = np.minimum(_SCALES / least, 1.0) / each.size
        self.apart = np.log((each + more) / (each + more).sum())

    def nats(self, x: Float[np.ndarray, " c"]) -> float:
        """Return the log density of such a row."""
        each = np.logaddexp.reduce(_laws(x - self._rows)[1], axis=1) - np.log(len(self._rows))
        return float(np.logaddexp.reduce((each + self.apart).ravel()))


def _over_scales(nats: np.ndarray) -> np.ndarray:
    """Return the log of the mean density over scales, the last axis."""
    return _mean(np.moveaxis(nats, -1, 0))


def _mean(nats: np.ndarray) -> np.ndarray:
    """Return the log of the mean density over the first axis."""
    top = np.maximum(nats.max(axis=0), -1e300)  # rows that no measure has are at −∞
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(np.exp(nats - top).mean(axis=0)))


def _near(rows: int, measures: list[Float[np.ndarray, " n"]]) -> Int[np.ndarray, " s"]:
    """Return the rows that some measure puts among the first, of many."""
    if rows <= 3 * _CLOSE:
        return np.arange(rows)
    return np.unique([np.argpartition(measure, _CLOSE)[:_CLOSE] for measure in measures])


def _of_all(
    rows: int, some: Int[np.ndarray, " s"], nats: Float[np.ndarray, " s"]
) -> Float[np.ndarray, " n"]:
    out = np.full(rows, -np.inf)
    out[some] = nats
    return out


def _additive(away: Float[np.ndarray, "n c"]) -> list[Float[np.ndarray, " n"]]:
    """Return log densities of normal, Laplace's and Cauchy's errors."""
    some, each = _laws(away)
    return [_of_all(len(away), some, nats) for nats in _over_scales(each)]


def _laws(
    away: Float[np.ndarray, "n c"],
) -> tuple[Int[np.ndarray, " s"], Float[np.ndarray, "3 s z"]]:
    """Return rows that some law puts among the first, and log densities of errors at each scale."""
    away = np.abs(away)
    rows, size = away.shape
    squares, sums = (away**2).sum(axis=1), away.sum(axis=1)
    some = _near(rows, [squares, sums, np.log(away + _SCALES[0]).sum(axis=1)])
    normal = -0.5 * (squares[some, None] / _SCALES**2 + size * _TWO_PI)
    laplace = -sums[some, None] / _SCALES - size * np.log(2)
    z = away[some, :, None] / _SCALES
    cauchy = -np.log1p(z**2).sum(axis=1) - size * np.log(np.pi)
    return some, np.stack([normal, laplace, cauchy]) - size * np.log(_SCALES)


def _linear(
    x: Float[np.ndarray, " c"], z: Float[np.ndarray, "n c"], offset: float
) -> Float[np.ndarray, " n"]:
    r"""Return log densities of x = a z + o + s e, e white.

    Of a ~ N(g, t²) and o ~ N(0, p²) these are normal with the mean g z and the covariance
    s²I + t² z zᵀ + p² 1 1ᵀ. Across z and 1 it is s²; along them, in an orthonormal basis, it is
    C = s²I + t² u uᵀ + p² v vᵀ with |C| = s⁴ + s² (t² u² + p² v²) + t² p² (u × v)² and
    rᵀC⁻¹r = (s² r² + t² (u × r)² + p² (v × r)²) / |C|: sums of what is not negative, which lose
    nothing where x is exactly of a row.

    Args:
        offset: p.
    """
    count, size = z.shape
    xz, zz, sums = z @ x, (z**2).sum(axis=1), z.sum(axis=1)
    if count > 3 * _CLOSE:
        # By correlation, of what is left less its mean where there is an offset.
        less = offset > _NONE
        along = xz - less * x.sum() * sums / size
        alike = along / np.sqrt(np.maximum(zz - less * sums**2 / size, 1e-12))
        near = x @ x - 2 * xz + zz - less * (x.sum() - sums) ** 2 / size
        some = _near(count, [-alike, near])
    else:
        some = np.arange(count)
    z, length = z[some], np.sqrt(zz[some])
    first = z / np.maximum(length, _NONE)[:, None]
    one, own = first.sum(axis=1), first @ x
    second, rest = 1 - one[:, None] * first, x - own[:, None] * first
    across = np.sqrt((second**2).sum(axis=1))
    second = np.where(across > _NONE, 1, 0)[:, None] * second / np.maximum(across, _NONE)[:, None]
    aside = (second * rest).sum(axis=1)
    left = ((rest - aside[:, None] * second) ** 2).sum(axis=1)
    # Along both: u = (length, 0), v = (one, across), r = (own − g length, aside).
    gain, variance = _GAINS[:, None, None], _SCALES**2
    of_gain, of_offset = (_WIDE * gain) ** 2, offset**2
    length, one, across, own, aside, left = (
        v[:, None] for v in (length, one, across, own, aside, left)
    )
    r1, r2 = own - gain * length, aside
    least = variance * (of_gain * length**2 + of_offset * (one**2 + across**2))
    volume = variance**2 + least + of_gain * of_offset * (length * across) ** 2
    square = variance * (r1**2 + r2**2) + of_gain * (length * r2) ** 2
    square = (square + of_offset * (one * r2 - across * r1) ** 2) / volume + left / variance
    whole = np.log(volume) + (size - 2) * np.log(variance) + size * _TWO_PI
    return _of_all(count, some, _mean(_over_scales(-0.5 * (square + whole))))


class _AnySize:
    r"""Rows from 0 in any unit: y = a (v + s e), or that and one offset of all numbers as given.

    Of a > 0 all powers of ten from 10⁻³ to 10³ are as probable, of offsets all up to twice the
    rows' size. The sum over a is by Laplace's method, that over offsets in closed form.

    Args:
        z: rows in deviations from the columns' means.
        middle: the means, in deviations from 0.
        deviation: of the columns.
    """

    def __init__(
        self,
        z: Float[np.ndarray, "n c"],
        middle: Float[np.ndarray, " c"],
        deviation: Float[np.ndarray, " c"],
    ):
        self.rows, self.middle, self.along = z + middle, middle, 1 / deviation
        self.most = 4 * np.sqrt(((self.rows * deviation) ** 2).mean())
        variances, self.axes = np.linalg.eigh(z.T @ z / len(z))
        self.wide = np.maximum(variances, 0)[:, None] + _SCALES**2

    def rows_nats(self, y: Float[np.ndarray, " c"]) -> Float[np.ndarray, "2 n"]:
        """Return log densities of each row."""
        u, v = self.along[None], self.rows
        sums = (y * y).sum(keepdims=True), (v @ y)[:, None], (v**2).sum(axis=1)[:, None]
        way = (u * y).sum(axis=1), v @ u.T, (u * u).sum(axis=1)
        return self._nats(sums, way, _SCALES, len(y))

    def unknown_nats(self, y: Float[np.ndarray, " c"]) -> Float[np.ndarray, "2"]:
        """Return those of a row that was never stored."""
        root = np.sqrt(self.wide)
        y, middle, along = ((self.axes.T @ v)[:, None] / root for v in (y, self.middle, self.along))
        sums = (y * y).sum(axis=0), (y * middle).sum(axis=0), (middle * middle).sum(axis=0)
        way = (along * y).sum(axis=0), (along * middle).sum(axis=0), (along * along).sum(axis=0)
        return self._nats(sums, way, np.ones_like(_SCALES), len(y), np.log(root).sum(axis=0))

    def _nats(
        self,
        sums: tuple[np.ndarray, ...],
        way: tuple[np.ndarray, ...],
        scale: np.ndarray,
        size: int,
        volume: np.ndarray | float = 0.0,
    ) -> np.ndarray:
        yy, yv, vv = sums
        uy, uv, uu = way
        plain = _any_gain((yy, yv, vv), scale, size)
        less = yy - uy**2 / uu, yv - uy * uv / uu, vv - uv**2 / uu
        moved = _any_gain(less, scale, size - 1) - 0.5 * np.log(uu) - np.log(self.most)
        return np.stack([_over_scales(each - volume) for each in (plain, moved)])


def _any_gain(sums: tuple[np.ndarray, ...], scale: np.ndarray, size: int) -> np.ndarray:
    """Return log densities of y = a (v + s e), from the squares of y and v and their product."""
    yy, yv, vv = sums
    vv = np.maximum(vv, 1e-9)
    gain = np.clip(yv / vv, *_SIZES)
    rest = np.maximum(yy - 2 * gain * yv + gain**2 * vv, 0) / (gain * scale) ** 2
    noise = (size - 1) * (2 * np.log(gain * scale) + _TWO_PI)
    wide = np.log(vv + scale**2) + 2 * np.log(gain * np.log(_SIZES[1] / _SIZES[0]))
    return -0.5 * (rest + noise + wide)


def _unknown(x: Float[np.ndarray, " c"], z: Float[np.ndarray, "n c"]) -> float:
    """Return the log density of rows that were never stored: as it is, with a gain, an offset."""
    covariance = z.T @ z / len(z)  # of columns whose mean is 0

    def nats(spread: np.ndarray, gains: np.ndarray) -> np.ndarray:
        variances, axes = np.linalg.eigh(spread)
        wide = gains[:, None, None] ** 2 * np.maximum(variances, 0)[:, None] + _SCALES**2
        along = (axes.T @ x)[:, None]
        terms = along**2 / wide + np.log(wide) + _TWO_PI
        return _mean(_over_scales(-0.5 * terms.sum(axis=1)))

    one = np.ones(1)
    each = nats(covariance, one), nats(covariance, _GAINS), nats(covariance + _OFFSET**2, one)
    return float(_mean(np.stack(each)))
