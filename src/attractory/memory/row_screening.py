"""Few rows of a shortlist that are worth a closer look: the first ones by each model of damage.

The models are fitted roughly, to some of the coordinates. What they cost goes with the number of
rows, and of a shortlist of fifty nearly all are far behind in every one of them.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.seeds import generator
from attractory.memory.damage_models import (
    KEPT_STARTS,
    MOVED_START,
    Fit,
    combined,
    density,
    exact,
    long_tailed,
    mixture,
    white,
)
from attractory.memory.image_gradients import ImageGradients
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.mean_row import told_on_other_scales
from attractory.memory.neighbourhoods import Neighbourhoods
from attractory.memory.row_table import RowTable
from attractory.memory.shortlist import RowFrame
from attractory.memory.slow_parts import SlowParts
from attractory.memory.value_tables import Classes, tabulated

__all__ = ["KEPT", "TOGETHER", "RowScreening", "alike", "filled"]

KEPT = 24  # rows
TOGETHER = 1 << 18  # numbers in the rows of cues that are looked at together
_SEEN = 192  # coordinates
_CLASSES = 8
_ROUNDS = 1  # of EM
_DEAD = 0.02  # spread of a coordinate, of the largest


class RowScreening:
    """What is worked out of the stored rows, once.

    Args:
        frame: the rows.
        local: their local contrast.
        near: which coordinates are alike.
        edges: the rows' gradients, if they are images.
        slow: their slow parts.
    """

    def __init__(
        self,
        frame: RowFrame,
        local: LocalContrast,
        near: Neighbourhoods,
        edges: ImageGradients,
        slow: SlowParts,
    ):
        self._frame, self._local, self._near = frame, local, near
        self._edges, self._slow = edges, slow

    def of(
        self,
        x: Float[np.ndarray, "k d"],
        lists: list[Int[np.ndarray, " _"]],
        own: tuple[Float[np.ndarray, "k e"], Float[np.ndarray, "n e"]],
    ) -> list[Int[np.ndarray, " _"]]:
        """Return the rows kept of each shortlist, whole ones where they are short.

        Args:
            x: the cues, in the frame's units.
            lists: their shortlists.
            own: the cues less their noise and all rows, in the memory's coordinates.
        """
        out, (starts, points) = list(lists), own
        if max(map(len, lists), default=0) <= KEPT:
            return out
        for some in alike(lists, TOGETHER // len(self._place)):
            some = some[[len(lists[j]) > KEPT for j in some]]
            if not len(some):
                continue
            rows, real = filled([lists[j] for j in some])
            ranks = []
            totals = [fit.terms.sum(axis=2) for fit in self._fits(x[some], rows)]
            if self._edges.told:
                totals += self._edges.of_some(x[some], rows)
            # White noise of any contrast, about rows of one length: the product says it.
            totals.append((points[rows] @ starts[some][:, :, None])[:, :, 0])
            for each in totals:
                total = np.where(real, each, -np.inf)
                ranks.append(np.argsort(np.argsort(-total, axis=1), axis=1))
            best = np.min(ranks, axis=0) + np.mean(ranks, axis=0) / rows.shape[1]
            best[~real] = np.inf
            kept = np.sort(np.argpartition(best, KEPT - 1, axis=1)[:, :KEPT], axis=1)
            for j, first in zip(some, np.take_along_axis(rows, kept, axis=1), strict=True):
                out[j] = first
        return out

    def _fits(self, x: np.ndarray, rows: np.ndarray) -> list[Fit]:
        where = self._where
        here, some = x[:, where], self._points[rows]
        other = (density(here) + density(here - self._frame.middle[where])) / 2
        found = [
            exact(here, some),
            white(here, some),
            long_tailed(here, some),
            *(mixture(here, some, other, start, rounds=_ROUNDS) for start in KEPT_STARTS),
        ]
        away = told_on_other_scales(self._frame, here, some, where, self._near.by_column)
        found += [each.fit for each in away.values()]
        for classes, where, mine in self._tables:
            given = here if mine is None else (here - mine[0]) / mine[1]
            of_rows = classes.of_rows[rows][:, :, where]
            found.append(tabulated(given, of_rows, classes.count, _CLASSES))
        if self._about is not None and self._like is not None:
            like = self._like[:, 1:]
            least, most, mean = np.moveaxis(self._about[rows], -2, 0)
            found += [
                combined(here, [some, mean]),
                mixture(here, some, other, MOVED_START, (least, most), rounds=_ROUNDS),
                white(here - x[:, like].mean(axis=2), some - mean),
            ]
        if self._local.windows is not None:
            found.append(white(self._local.of(x), self._local.rows[rows], offset=False))
        if self._edges.told:
            slow, there = self._slow.basis, self._slow.basis[self._where].T
            own = here - (x @ slow) @ there
            found.append(white(own, some - self._slow.rows[rows] @ there))
        return found

    @cached_property
    def _place(self) -> Int[np.ndarray, " c"]:
        """Some of the coordinates that the models compare, of those in which rows differ."""
        deviation = self._frame.columns[1][self._near.seen]
        live = np.flatnonzero(deviation > _DEAD * deviation.max())
        if len(live) > _SEEN:
            live = np.sort(generator(2, "coordinates").choice(live, _SEEN, replace=False))
        return live

    @cached_property
    def _where(self) -> Int[np.ndarray, " c"]:
        return np.arange(self._frame.points.shape[1])[self._near.seen][self._place]

    @cached_property
    def _points(self) -> Float[np.ndarray, "n c"]:
        return np.ascontiguousarray(self._frame.points[:, self._where])

    @cached_property
    def _like(self) -> Int[np.ndarray, "c q"] | None:
        like = self._near.like
        return None if like is None else like[self._place]

    @cached_property
    def _about(self) -> RowTable | None:
        """Least, largest and mean value at the coordinates most like each, (n, 3, c)."""
        if self._like is None:
            return None
        points, like = self._points, self._like[:, 1:]

        def about(rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m 3 c"]:
            least = most = some = points[rows]
            total = np.zeros_like(some)
            for values in (self._frame.points[rows[:, None], beside] for beside in like.T):
                least, most = np.minimum(least, values), np.maximum(most, values)
                total += values
            return np.stack([least, most, total / np.float32(like.shape[1])], axis=1)

        return RowTable((len(points), 3, len(like)), about, np.float32)

    @cached_property
    def _tables(
        self,
    ) -> list[tuple[Classes, np.ndarray | slice, tuple[np.ndarray, np.ndarray] | None]]:
        """Classes of all rows' values, in which coordinates, and what cues are measured by.

        Those of values, of values less the column's mean in its deviations, and of edges.
        """
        points, every = self._points, slice(None)
        mean, deviation = points.mean(axis=0), points.std(axis=0)
        own = Classes(len(points), points.__getitem__, _CLASSES)
        apart = Classes(len(points), lambda rows: (points[rows] - mean) / deviation, _CLASSES)
        out = [(own, every, None), (apart, every, (mean, deviation))]
        return out if self._like is None else [*out, (self._near.edges, self._place, None)]


def alike(
    lists: list[Int[np.ndarray, " _"]], most: int, known: Bool[np.ndarray, "k d"] | None = None
) -> Iterator[Int[np.ndarray, " c"]]:
    """Yield cues to be looked at together: of shortlists of one length, nearly, and one mask.

    Args:
        lists: the shortlists.
        most: rows of all cues.
        known: which coordinates of each cue are; None for all.
    """
    lengths = np.array([len(rows) for rows in lists])
    order = np.argsort(lengths, kind="stable")
    group = np.zeros(len(lists), int)
    if known is not None:
        group = np.unique(known, axis=0, return_inverse=True)[1].ravel()
        order = order[np.argsort(group[order], kind="stable")]
    while len(order):
        same = int((group[order] == group[order[0]]).sum())
        few = np.arange(1, same + 1) * lengths[order[:same]] <= most
        count = max(1, int(few.sum()))
        yield order[:count]
        order = order[count:]


def filled(
    lists: list[Int[np.ndarray, " _"]],
) -> tuple[Int[np.ndarray, "c most"], Bool[np.ndarray, "c most"]]:
    """Return shortlists filled up to one length, and which of their rows are real."""
    most = max(len(rows) for rows in lists)
    rows = np.stack([np.resize(some, most) for some in lists])
    return rows, np.arange(most) < np.array([[len(some)] for some in lists])
