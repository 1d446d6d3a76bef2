r"""A shortlist of stored rows for each cue: the first few by several similarities.

No similarity finds the right row under every damage, but for nearly every cue one of them has it
among its first dozen. They are: Euclid's distance; Pearson's correlation, less what a cue has of
the mean row and of a constant; the same in the metric (C + λI)^−½ with λ = 0.1; the memory's own,
between patterns and the cue less its noise (`memory.cue_denoising`); Σⱼ max(0, h − |xⱼ − pⱼ|) over
some coordinates j, which no large error sways; and that of local contrast
(`memory.local_contrast`), which uneven light does not; of images the correlation without slow parts
(`memory.slow_parts`), and the directions of edges at two scales (`memory.image_gradients`), which
covers leave where they are not; of tables, whose columns may have units of their own, Euclid's
distance and that sum in the columns' deviations, and Pearson's correlation with the rows' scores.
The few rows that the cue is most unlike are there, too: it may be inverted. So are the few whose
edges it is most like or unlike (`memory.neighbourhoods`): it may be an outline. Of a cue with
unknown coordinates the first two are taken over the known ones.

All but the sum are one matrix product each. max(0, 1 − |x − p| / h) is how probably x and p are in
one cell of a grid of width h laid at random: for the sum, bytes are compared.

Rows and cues are compared in float32, in units of the rows' root mean square from the mean. Less
the mean row and with it: the contrast of a cue is about 0, not about the mean. Where the columns'
means are far apart, 0 has no meaning, and the mean row is left out.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from attractory._util.seeds import generator
from attractory.memory.coordinates import spread
from attractory.memory.image_gradients import ImageGradients
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.metric import Metric
from attractory.memory.neighbourhoods import Neighbourhoods
from attractory.memory.slow_parts import SlowParts

__all__ = ["Compared", "RowFrame", "Shortlist"]

_TOP = 12  # rows by each similarity
_FEW = 4  # rows most unlike the cue, and by their edges
_FAR = 100.0  # root mean square of the columns' means from which on 0 has no meaning
_MOST = 1e4  # values of a cue larger than this count as this
_SHARE = 0.1  # λ
_SEEN = 256  # grids of the similarity that no large error sways
_NEAR = 0.5  # its h
_BLOCK = 1 << 19  # comparisons held at a time: they stay in a core's cache
_SET = 32  # similarities of which the largest is looked at first
_LEAST = 0.05  # deviation of a column, of the largest, below which it counts as this
_ROUNDING = 1e-6  # deviation of a column that is none
_NONE = 1e-9


class Compared(NamedTuple):
    """Cues and their products with all rows, which several similarities are made of.

    Attributes:
        x: cues in the frame's units, (k, d), float32.
        product: with the rows there, (k, n).
    """

    x: Float[np.ndarray, "k d"]
    product: Float[np.ndarray, "k n"]

    def some(self, which: Any) -> "Compared":
        """Return those of some cues."""
        return Compared(self.x[which], self.product[which])


class RowFrame:
    """Stored rows in units of their spread, and cues in the same.

    Args:
        rows: in the units given, (n, d).
        mean: of the coordinates, (d,).

    Attributes:
        scale: root mean square of the rows less their mean.
        mean_row: the mean row there less its own mean, (d,).
        middle: the same; 0 if it is left out.
        zero: what points there have less than in the same units from 0, (d,).
        points: the rows there, (n, d), float32.
    """

    def __init__(self, rows: Float[np.ndarray, "n d"], mean: Float[np.ndarray, " d"]):
        # One row alone has no spread: it is seen from 0, in units of its size.
        self._origin = mean if mean.any() or len(rows) == 1 else rows.mean(axis=0)
        apart = rows - self._origin
        self.scale = float(np.sqrt(np.vdot(apart, apart) / apart.size)) or 1.0
        middle = (self._origin - self._origin.mean()) / self.scale
        self.mean_row = np.asarray(middle, np.float32)
        if (middle**2).mean() > _FAR**2:
            middle = np.zeros_like(middle)
        self.middle = np.asarray(middle, np.float32)
        self.zero = np.asarray(self._origin / self.scale - middle, np.float32)
        apart /= self.scale
        apart += middle
        self.points = np.asarray(apart, np.float32)

    def inward(self, cues: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return cues in these units, float32."""
        apart = np.clip((cues - self._origin) / self.scale, -_MOST, _MOST)
        return np.asarray(apart, np.float32) + self.middle

    def compared(self, cues: Float[np.ndarray, "k d"]) -> Compared:
        """Return cues of the units given in these, and their products with the rows."""
        x = self.inward(cues)
        return Compared(x, x @ self.points.T)

    @cached_property
    def squares(self) -> Float[np.ndarray, " n"]:
        """Squares of the rows' lengths."""
        return np.einsum("ij,ij->i", self.points, self.points)

    @cached_property
    def columns(self) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
        """Means and standard deviations of the columns."""
        return self.points.mean(axis=0), self.points.std(axis=0)

    @cached_property
    def deviations(self) -> Float[np.ndarray, " d"]:
        """Standard deviations that noise may go with: none is near 0."""
        _, deviation = self.columns
        return np.maximum(deviation, _LEAST * deviation.max()) + np.float32(_NONE)

    @cached_property
    def units(self) -> dict[str, tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]]:
        """Where 0 and 1 of columns lie if they are told in scores, and in places in their ranges.

        A column that says nothing has 1 at infinity, so that all of it is 0.
        """
        (mean, deviation), low = self.columns, self.points.min(axis=0)
        wide, far = self.points.max(axis=0) - low, np.float32(np.inf)
        return {
            "told in scores": (mean, np.where(deviation > _ROUNDING, deviation, far)),
            "told in ranges": (low, np.where(wide > 10 * _ROUNDING, wide, far)),
        }

    def outward(self, points: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k d"]:
        """Return points of these units in those given."""
        return (np.asarray(points, float) - self.middle) * self.scale + self._origin


class Shortlist:
    """What similarities need to know of the rows.

    Args:
        frame: the rows.
        metric: the memory's.
        local: the rows' local contrast.
        near: which coordinates are alike.
        edges: the rows' gradients, if they are images.
        slow: their slow parts.
    """

    def __init__(
        self,
        frame: RowFrame,
        metric: Metric,
        local: LocalContrast,
        near: Neighbourhoods,
        edges: ImageGradients,
        slow: SlowParts,
    ):
        self._frame, self._metric, self._local, self._near = frame, metric, local, near
        self._edges, self._slow = edges, slow

    def of(self, seen: Compared, starts: Float[np.ndarray, "k e"]) -> list[Int[np.ndarray, " s"]]:
        """Return the rows shortlisted for each cue.

        Args:
            seen: the cues.
            starts: the same less their noise, in the memory's coordinates, at any length.
        """
        x, product = seen
        if product.shape[1] <= _TOP:
            return [np.arange(product.shape[1])] * len(x)
        correlation = self._correlation(x, product)
        found = [self._own(starts), 2 * product - self._frame.squares, correlation]
        if not self._metric.plain:
            found.append(self._whitened(x))
        found.append(self._cells.together(x))
        if self._near.by_column:
            rows, squares = self._in_deviations
            own = x / self._frame.deviations
            found.append(2 * own @ rows.T - squares)
            found.append(self._cells_in_deviations.together(own))
            found.append((x + self._frame.zero) @ self._scores.T)
        if self._local.windows is not None:
            found.append(self._local.of(x) @ self._local.rows.T / self._local.lengths)
        if self._edges.told:
            found += self._edges.similarities(x)
            across = product - (x @ self._slow.basis) @ self._slow.rows.T
            found.append(across / self._lengths_across_slow)
        few = [-correlation]
        if self._near.outlines is not None:
            where, outlines = self._near.outlines
            apart = x[:, where] - x[:, where].mean(axis=1, keepdims=True)
            alike = apart @ outlines.T
            few += [alike, -alike]
        return _first(found, few)

    def prepare(self) -> None:
        """Work out what similarities need to know of all rows."""
        _ = self._cells, self._lengths, self._from_middle, self._frame.squares
        if not self._metric.plain:
            _ = self._axes

    def most_alike(self, seen: Compared) -> Int[np.ndarray, " k"]:
        """Return the row in whose direction from the mean each cue is most nearly."""
        along, lengths = self._from_middle
        apart = seen.product - (seen.x @ self._frame.middle)[:, None] - along
        apart /= lengths
        return apart.argmax(axis=1)

    @cached_property
    def _from_middle(self) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Products of the rows less the middle with the middle, and the lengths of these."""
        frame = self._frame
        product, own = frame.points @ frame.middle, float(frame.middle @ frame.middle)
        return product - own, np.sqrt(np.maximum(frame.squares - 2 * product + own, _NONE))

    def of_known(
        self, x: Float[np.ndarray, "k d"], known: Bool[np.ndarray, "k d"]
    ) -> list[Int[np.ndarray, " s"]]:
        """Return the same for cues of which some coordinates are unknown."""
        points, seen = self._frame.points, known.astype(np.float32)
        if len(points) <= _TOP:
            return [np.arange(len(points))] * len(x)
        given = np.where(known, x, np.float32(0))
        squares, sums, product = seen @ (points**2).T, seen @ points.T, given @ points.T
        count = seen.sum(axis=1, keepdims=True)
        mean = given.sum(axis=1, keepdims=True) / count
        spread_of_rows = np.sqrt(np.maximum(squares - sums**2 / count, _NONE))
        return _first([2 * product - squares, (product - mean * sums) / spread_of_rows])

    @cached_property
    def _aside(self) -> Float[np.ndarray, "d q"]:
        """Orthonormal columns: a constant and the mean row."""
        both = np.stack([np.ones_like(self._frame.middle), self._frame.middle], axis=1)
        basis, sizes, _ = np.linalg.svd(both.astype(float), full_matrices=False)
        return np.asarray(basis[:, sizes > 1e-4 * sizes[0]], np.float32)

    @cached_property
    def _lengths_across_slow(self) -> Float[np.ndarray, " n"]:
        left = self._frame.squares - (self._slow.rows**2).sum(axis=1)
        return np.sqrt(np.maximum(left, _NONE))

    @cached_property
    def _along_aside(self) -> Float[np.ndarray, "n q"]:
        return self._frame.points @ self._aside

    @cached_property
    def _lengths(self) -> Float[np.ndarray, " n"]:
        return np.sqrt(np.maximum(self._frame.squares - (self._along_aside**2).sum(axis=1), _NONE))

    def _correlation(self, x: np.ndarray, product: np.ndarray) -> Float[np.ndarray, "k n"]:
        return (product - (x @ self._aside) @ self._along_aside.T) / self._lengths

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Principal axes, the weights there of (C + λI)⁻¹, and the lengths of rows by it and by M.

        Lengths of rows are those along the axes for the first; the second are of all.
        """
        basis = np.asarray(self._metric.basis, np.float32)
        variances = self._metric.variances / self._frame.scale**2
        weights = np.asarray(1 / (variances + _SHARE * variances.max()), np.float32)
        gains = np.asarray(self._metric.gains**2, np.float32)
        rest = np.float32(self._metric.rest**2)
        lengths, own = np.empty((2, len(self._frame.points)), np.float32)
        for k in range(0, len(lengths), 1000):
            apart = self._frame.points[k : k + 1000] - self._frame.middle
            some = (apart @ basis) ** 2
            lengths[k : k + 1000] = np.sqrt(np.maximum(some @ weights, _NONE))
            across = np.maximum(np.einsum("ij,ij->i", apart, apart) - some.sum(axis=1), 0)
            own[k : k + 1000] = np.sqrt(np.maximum(some @ gains + rest * across, _NONE))
        return basis, weights, lengths, own

    @cached_property
    def _in_deviations(self) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
        """The rows in their columns' deviations, and the squares of their lengths."""
        rows = self._frame.points / self._frame.deviations
        return rows, np.einsum("ij,ij->i", rows, rows)

    @cached_property
    def _scores(self) -> Float[np.ndarray, "n d"]:
        """The rows in scores less their mean, at length 1."""
        zero, one = self._frame.units["told in scores"]
        scores = (self._frame.points - zero) / one
        scores -= scores.mean(axis=1, keepdims=True)
        return scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), _NONE)

    def _own(self, starts: np.ndarray) -> Float[np.ndarray, "k n"]:
        """Return the memory's own similarity, by (M y)·(p − m) for y·M(p − m)."""
        lengths = self._from_middle[1] if self._metric.plain else self._axes[3]
        length = np.linalg.norm(starts, axis=1, keepdims=True)
        wanted = self._metric.apply(starts / np.where(length > 0, length, 1))
        wanted = np.asarray(wanted, np.float32)
        frame = self._frame
        return (wanted @ frame.points.T - (wanted @ frame.middle)[:, None]) / lengths

    def _whitened(self, x: np.ndarray) -> Float[np.ndarray, "k n"]:
        basis, weights, lengths, _ = self._axes
        across = 1 / (_SHARE * self._metric.variances.max() / self._frame.scale**2)
        apart = x - self._frame.middle
        along, aside = apart @ basis, basis.T @ self._aside
        # Less the mean row and the constant, as generalised least squares takes them off.
        gram = (aside.T * weights) @ aside
        gram += across * (np.eye(aside.shape[1]) - aside.T @ aside)
        seen = (along * weights) @ aside + across * (apart @ self._aside - along @ aside)
        along = along - np.linalg.solve(gram, seen.T).T.astype(np.float32) @ aside.T
        wanted = (along * weights) @ basis.T
        return (wanted @ self._frame.points.T - (wanted @ self._frame.middle)[:, None]) / lengths

    @cached_property
    def _cells(self) -> "_Cells":
        return _Cells(self._frame.points)

    @cached_property
    def _cells_in_deviations(self) -> "_Cells":
        return _Cells(self._in_deviations[0])


class _Cells:
    """In which cells of grids rows are, and cues with them.

    The coordinates are some in which rows differ, few of them several times. One coordinate's
    grids are evenly apart.

    Args:
        points: the rows, (n, d).
    """

    def __init__(self, points: Float[np.ndarray, "n d"]):
        deviation = points[spread(len(points), 2000)].std(axis=0)
        differ = np.flatnonzero(deviation > 0.1 * deviation.max())
        rng = generator(0, "coordinates")
        if len(differ) > _SEEN:
            differ = np.sort(rng.choice(differ, _SEEN, replace=False))
        times = -(-_SEEN // len(differ))
        self._where, grid = np.repeat(differ, times), np.tile(np.arange(times) / times, len(differ))
        grid += np.repeat(rng.random(len(differ)), times)
        self._grid = np.asarray(grid, np.float32)
        self._rows = np.ascontiguousarray(_cells(points[:, self._where], self._grid).T)

    def together(self, x: Float[np.ndarray, "k d"]) -> Int[np.ndarray, "k n"]:
        """Return in how many cells cues and rows are together."""
        rows = self._rows
        out = np.zeros((len(x), rows.shape[1]), np.int16)
        size = min(255, max(1, _BLOCK // rows.shape[1]))
        for total, cue in zip(out, _cells(x[:, self._where], self._grid), strict=True):
            for j in range(0, len(rows), size):
                same = rows[j : j + size] == cue[j : j + size, None]
                total += np.add.reduce(same.view(np.uint8), axis=0, dtype=np.uint8)
        return out


def _cells(values: Float[np.ndarray, "k m"], grid: Float[np.ndarray, " m"]) -> np.ndarray:
    """Return the cell of its grid that each value is in, the lowest eight bits of its number."""
    return np.floor(values / _NEAR + grid).astype(np.int32).astype(np.uint8)


def _first(
    similarities: list[np.ndarray], few: Sequence[np.ndarray] = ()
) -> list[Int[np.ndarray, " s"]]:
    """Return, for each cue, the first rows by each similarity, each row once.

    Args:
        similarities: (k, n) each, of more rows than are taken.
        few: those of which fewer rows are taken.
    """
    each = [_largest(s, _TOP) for s in similarities]
    each += [_largest(s, _FEW) for s in few]
    return [np.unique(rows) for rows in np.concatenate(each, axis=1)]


def _largest(values: Real[np.ndarray, "k n"], count: int) -> Int[np.ndarray, "k c"]:
    """Return where the largest values of each line are.

    They lie in as many sets of values at most, those with the largest maxima.
    """
    k, n = values.shape
    sets = n // _SET
    if sets <= 2 * count:
        return np.argpartition(-values, count - 1, axis=1)[:, :count]
    cut = sets * _SET
    largest = values[:, :cut].reshape(k, _SET, sets).max(axis=1)
    best = np.argpartition(-largest, count - 1, axis=1)[:, :count]
    there = (best[:, :, None] + sets * np.arange(_SET)).reshape(k, -1)
    there = np.concatenate([there, np.broadcast_to(np.arange(cut, n), (k, n - cut))], axis=1)
    some = np.take_along_axis(values, there, 1)
    return np.take_along_axis(there, np.argpartition(-some, count - 1, axis=1)[:, :count], 1)
