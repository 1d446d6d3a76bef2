r"""Whether a cue looks undamaged, and whether it lies as near a row as rows lie to one another.

A cue that looks like a row that nothing has happened to, and is none, was never stored, however
well some damage to the nearest row explains it. What a cue looks like is told by a dozen figures:
mean, deviation, least and largest value, roughness, what the first principal axes of the rows say
of it and leave, scores in the columns, and how many of its values are ones that columns have. Each
is compared with that of stored rows, which the axes and the values are not taken from.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.seeds import generator
from attractory.memory.coordinates import spread

__all__ = ["FEWEST_ROWS", "Undamaged"]

FEWEST_ROWS = 20  # of which so much is known
_ROWS = 1000  # looked at: half for axes and values, half to compare with
_AXES, _ROWS_AN_AXIS = 16, 4  # principal axes, at most, and rows for each at least
_COLUMNS, _SEEN = 64, 100  # columns whose values are looked at, and rows that show which there are
_SAME = 1e-4  # deviations within which two values are one
_PLACES = 256  # of which the roughness is told
_NEAR = 100  # rows whose nearest ones are looked for
_LEAST, _MOST = 1e-4, 100.0  # deviation of a figure, and deviations that count
_NONE = 1e-9
_FARTHEST = 6.0  # nats


class Undamaged:
    """What is worked out of the stored rows, once.

    Args:
        points: the rows, in units of their spread, (n, d).
        like: some coordinates and those most like each, (m, q); None where columns are not alike.
    """

    def __init__(self, points: Float[np.ndarray, "n d"], like: Int[np.ndarray, "m q"] | None):
        self._points = points
        self._like = None if like is None else like[spread(len(like), _PLACES)]

    def unlike(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k 3"]:
        """Return how unlike undamaged rows cues look, and 1; or zeros of too few rows.

        That is the largest and the root mean square deviation of their figures, log(1 + u).

        Args:
            x: the cues, in the rows' units.
        """
        if len(self._points) < FEWEST_ROWS:
            return np.zeros((len(x), 3))
        middle, scale = self._usual
        u = np.minimum(np.abs(self._figures(x) - middle) / scale, _MOST)
        both = np.stack([u.max(axis=1), np.sqrt((u**2).mean(axis=1))], axis=1)
        return np.column_stack([np.log1p(both), np.ones(len(x))])

    def looks(self, unlike: Float[np.ndarray, "k 3"]) -> Bool[np.ndarray, " k"]:
        """Return which cues look undamaged, of what `unlike` says of them; none of too few rows.

        Args:
            unlike: as returned; 0 where nothing is known of a cue.
        """
        told = unlike[:, 2] > 0
        return told & (unlike[:, 0] <= self.most) if told.any() else told

    @cached_property
    def most(self) -> float:
        """What the largest deviation of nineteen in twenty undamaged rows is below, log(1 + u)."""
        return float(np.quantile(self.unlike(self._points[self._halves[1]])[:, 0], 0.95))

    def beside(
        self, x: Float[np.ndarray, "k c"], rows: Float[np.ndarray, "k s c"]
    ) -> Float[np.ndarray, "k s 2"]:
        """Return how far rows are from cues over how far the row nearest to a row is; logarithms.

        First of mean squares, then of what correlation leaves, 1 − ρ²; zeros of too few rows.

        Args:
            x, rows: in some of the coordinates, in the rows' units.
        """
        if len(self._points) < FEWEST_ROWS:
            return np.zeros((*rows.shape[:2], 2))
        count, product = x.shape[1], (rows @ x[:, :, None])[:, :, 0]
        square, own = np.einsum("ksc,ksc->ks", rows, rows), (x**2).sum(axis=1)[:, None]
        mean, of_x = rows.mean(axis=2), x.mean(axis=1)[:, None]
        apart = np.maximum(square + own - 2 * product, 0) / count
        both = _left(product / count - mean * of_x, square / count - mean**2, own / count - of_x**2)
        found = np.log(np.stack([apart, both], axis=2) + _NONE) - self._nearest
        return np.clip(found, -_FARTHEST, _FARTHEST)

    @cached_property
    def _halves(self) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]:
        some = generator(5, "coordinates").permutation(spread(len(self._points), _ROWS))
        return some[::2], some[1::2]

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mean and deviations of the columns, the first principal axes, and deviations there."""
        some = self._points[self._halves[0]]
        mean, deviation = some.mean(axis=0), some.std(axis=0)
        deviation = np.maximum(deviation, 0.05 * deviation.max()) + np.float32(_NONE)
        apart = some - mean
        values, left = np.linalg.eigh(np.asarray(apart @ apart.T, float) / len(some))
        count = max(1, min(_AXES, len(some) // _ROWS_AN_AXIS))
        values, left = np.maximum(values[::-1][:count], _NONE), left[:, ::-1][:, :count]
        axes = apart.T @ (left / np.sqrt(values * len(some)))
        return mean, deviation, np.asarray(axes, np.float32), np.sqrt(values)

    @cached_property
    def _values(self) -> tuple[Int[np.ndarray, " c"], Float[np.ndarray, "r c"]]:
        """Some columns, and values there."""
        columns = generator(6, "coordinates").permutation(self._points.shape[1])[:_COLUMNS]
        return columns, self._points[self._halves[0][:_SEEN]][:, columns]

    @cached_property
    def _usual(self) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
        """Median of each figure, and its deviation by the middle two thirds."""
        found = self._figures(self._points[self._halves[1]])
        low, middle, high = np.quantile(found, [1 / 6, 1 / 2, 5 / 6], axis=0)
        return middle, np.maximum(np.maximum(high - low, found.std(axis=0)) / 2, _LEAST)

    def _figures(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k t"]:
        mean, deviation, axes, sizes = self._axes
        apart, scores = x - mean, (x - mean) / deviation
        along = apart @ axes
        left = (apart**2).sum(axis=1) - (along**2).sum(axis=1)
        if self._like is None:
            rough = np.diff(scores, axis=1) if x.shape[1] > 1 else scores
        else:
            rough = x[:, self._like[:, 0]] - x[:, self._like].mean(axis=2)
        columns, values = self._values
        own, wide = x[:, columns], _SAME * deviation[columns]
        known = np.zeros(own.shape, bool)
        for value in values:
            known |= np.abs(own - value) <= wide
        logs = [
            x.std(axis=1), np.sqrt((rough**2).mean(axis=1)),
            np.sqrt(np.maximum(left, 0) / x.shape[1]),
            np.sqrt(((along / sizes) ** 2).mean(axis=1)),
            np.sqrt((scores**2).mean(axis=1)), np.abs(scores).max(axis=1),
            (rough**4).mean(axis=1) / np.maximum((rough**2).mean(axis=1) ** 2, _NONE),
        ]  # fmt: skip
        plain = [x.mean(axis=1), x.min(axis=1), x.max(axis=1), known.mean(axis=1)]
        told = [*plain, *(np.log(np.asarray(v, float) + 1e-3) for v in logs)]
        return np.stack(told, axis=1)

    @cached_property
    def _nearest(self) -> Float[np.ndarray, "2"]:
        """Logarithms of how far the row nearest to a row is, in the middle."""
        points, count = self._points, self._points.shape[1]
        some = spread(len(points), _NEAR)
        square, mean = np.einsum("ij,ij->i", points, points) / count, points.mean(axis=1)
        product = points[some] @ points.T / count
        apart = square + square[some, None] - 2 * product
        both = product - mean * mean[some, None], square - mean**2, (square - mean**2)[some, None]
        out = []
        for away in (apart, _left(*both)):
            away[np.arange(len(some)), some] = np.inf
            least = np.where(away > 1e-5, away, np.inf).min(axis=1)  # not the same row again
            least = least[np.isfinite(least)]
            out.append(np.log(np.median(least)) if len(least) else 0.0)
        return np.array(out)


def _left(both: np.ndarray, square: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return 1 − ρ², of a covariance and two variances; inverted rows count as far."""
    rho = both / np.sqrt(np.maximum(square * own, _NONE))
    return np.where(rho > 0, 1 - np.clip(rho, -1, 1) ** 2, 1.0)
