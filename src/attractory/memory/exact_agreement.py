r"""Cues of which parts are exactly as a stored row has them: the rest was replaced.

Cover half of a picture, lose some columns of a record, overwrite pixels: what is left is left to
the last digit. No other row agrees with that at many values that are rare, so that no model of
damage has to be fitted to tell which row it was.

A row that has a value of the cue says −log p of itself. p is the largest of three shares: of the
rows that have this value in this coordinate, of the coordinates that have it at all, where it is
not the usual one, and of the cue's others. So a background, a saturated pixel or a default says
nothing. Rows that agree in rare values are found by an index: some columns in order.

What a row says in coordinates in which its best rival agrees, too, tells neither; by the rest it is
judged: it has to say half of what a row could say of the cue, or else more than rows say by chance,
which is found from the stored ones, each as a cue of the others. Of a cue that looks undamaged half
is not enough where rows share halves: it may be one that was never stored.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.memory.coordinates import spread
from attractory.memory.shortlist import RowFrame

__all__ = ["ExactAgreement"]

_FEWEST = 256  # rows: what fewer have in common is too little to go by
_SAMPLE = 256  # rows that tell how rare a value is
_COLUMNS, _LOOKED_AT = 128, 4096  # of the index, and of which these are chosen
_OFTEN = 0.5  # share of pairs of rows that agree in a column, which is of no use then
_COMMON = 1 / 16  # share of the rows that have a value, which leads to none of them then
_RIVALS, _NEAR = 8, 0.25  # rows, and the least that they say by the index, of the first one's
_RARE = 0.02  # p above which a value says nothing
_TOLERANCE = 1e-5  # of a column's deviation
_ROUNDING = 8 * float(np.finfo(np.float32).eps)
_LEAST = 30.0  # nats that the row says
_SHARE = 0.5  # of all that a row could say: no row has that by chance
_RIVAL = 0.25  # of these, at most, that a rival says besides
_OTHERS, _BEYOND = 0.98, 1.5  # share of rows of which others say less, and times that


class _Said(NamedTuple):
    """The row that says most of a cue, what it says beyond its best rival, and that beyond it."""

    row: int
    alone: float
    rival: float


class ExactAgreement:
    """What is worked out of the stored rows, once, and not before a cue needs it.

    Args:
        frame: the rows.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(300, 40))
        >>> cues = rows[:2].copy()
        >>> cues[0, :25] = 0.0
        >>> cues[1] += 0.01
        >>> frame = RowFrame(rows, rows.mean(axis=0))
        >>> ExactAgreement(frame).of(frame.inward(cues)).tolist()
        [0, -1]
    """

    def __init__(self, frame: RowFrame):
        self._frame = frame

    def of(
        self,
        x: Float[np.ndarray, "k d"],
        known: Bool[np.ndarray, "k d"] | None = None,
        undamaged: Bool[np.ndarray, " k"] | None = None,
    ) -> Int[np.ndarray, " k"]:
        """Return the row that each cue is exactly in parts, (k,); −1 where that is none.

        Args:
            x: cues in the frame's units, float32.
            known: which coordinates are; None for all.
            undamaged: which look like rows, and may share half with one as rows do; None for none.
        """
        out = np.full(len(x), -1)
        if len(self._frame.points) < _FEWEST or not len(self._columns):
            return out
        x = x if known is None else np.where(known, x, np.float32(np.nan))  # it agrees with none
        for k, said in enumerate(self._said(x)):
            if said.alone < _LEAST or said.rival > _RIVAL * said.alone:
                continue
            half = undamaged is None or not undamaged[k] or not self._halves_shared
            if said.alone >= self._by_chance or (half and said.alone >= _SHARE * self._all(x[k])):
                out[k] = said.row
        return out

    def _said(
        self, x: Float[np.ndarray, "k d"], but: Int[np.ndarray, " k"] | None = None
    ) -> list[_Said]:
        """Return what is said of cues by all rows, or by all but one for each."""
        index, columns = self._index, self._columns
        within, count = self._within[columns], len(self._frame.points)
        low = np.empty((len(x), len(columns)), int)
        high = np.empty_like(low)
        for j, (values, column) in enumerate(zip(index.values, columns, strict=True)):
            low[:, j] = values.searchsorted(x[:, column] - within[j], "left")
            high[:, j] = values.searchsorted(x[:, column] + within[j], "right")
        size = high - low
        tells = (size > 0) & (size <= max(_COMMON * count, 1))
        out = []
        for k, cue in enumerate(x):
            some = np.flatnonzero(tells[k])
            share = self._share(cue) if len(some) else np.empty(0)
            some = some[share[columns[some]] <= _RARE]
            if not len(some):
                out.append(_Said(-1, 0.0, 0.0))
                continue
            rows = np.concatenate([index.rows[j, low[k, j] : high[k, j]] for j in some])
            weights = np.repeat(np.log(count / size[k, some]), size[k, some])
            votes = np.bincount(rows, weights, minlength=count)
            if but is not None:
                votes[but[k]] = 0
            first = np.flatnonzero(votes >= max(_NEAR * votes.max(), 1e-9))
            if len(first) > _RIVALS:
                first = first[np.argpartition(-votes[first], _RIVALS)[:_RIVALS]]
            out.append(self._compared(cue, share, first))
        return out

    def _compared(
        self,
        cue: Float[np.ndarray, " d"],
        share: Float[np.ndarray, " d"],
        rows: Int[np.ndarray, " s"],
    ) -> _Said:
        """Return what rows say of a cue in all coordinates."""
        if not len(rows):
            return _Said(-1, 0.0, 0.0)
        agree = np.abs(self._frame.points[rows] - cue) <= self._within
        where = np.flatnonzero(agree.any(axis=0))
        agree, nats = agree[:, where].astype(np.float32), self._nats(cue, share[where], where)
        both = (agree * nats) @ agree.T
        own = both.diagonal()
        first = int(own.argmax())
        alone, besides = own[first] - both[first], own - both[first]
        alone[first] = own[first]  # that is all it says, if it has no rival
        return _Said(int(rows[first]), float(alone.min()), float(besides.max()))

    def _all(self, cue: Float[np.ndarray, " d"]) -> float:
        """Return what a row would say that agrees with a cue everywhere."""
        there = np.flatnonzero(np.isfinite(cue))
        return float(self._nats(cue, self._share(cue)[there], there).sum())

    def _nats(
        self,
        cue: Float[np.ndarray, " d"],
        p: Float[np.ndarray, " c"],
        where: Int[np.ndarray, " c"],
    ) -> Float[np.ndarray, " c"]:
        """Return what is said by agreement with a cue at coordinates of which `_share` is p."""
        rare = np.flatnonzero(p <= _RARE)
        some = where[rare]
        same = np.abs(self._by_column[some] - cue[some, None]) <= self._within[some, None]
        at = (np.count_nonzero(same, axis=1) + 0.5) / (same.shape[1] + 1)
        nats, p = np.zeros(len(where), np.float32), np.maximum(p[rare], at)
        nats[rare] = np.where(p <= _RARE, -np.log(p), 0)
        return nats

    def _share(self, cue: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
        """Return the share of coordinates, the rows' or the cue's, that have a cue's value."""
        raw, (pool, near) = cue + self._frame.zero, self._unusual
        of_own = (_count(np.sort(raw), raw, near) - 1) / np.isfinite(raw).sum()
        return np.maximum(of_own, (_count(pool, raw, near) + 0.5) / (len(pool) + 1))

    @cached_property
    def _sampled(self) -> Float[np.ndarray, "m d"]:
        points = self._frame.points
        return points[spread(len(points), _SAMPLE)]

    @cached_property
    def _by_column(self) -> Float[np.ndarray, "d m"]:
        return np.ascontiguousarray(self._sampled.T)

    @cached_property
    def _within(self) -> Float[np.ndarray, " d"]:
        """How near values are that count as the same: as near as rounding brings them."""
        some = self._sampled
        rounding = _ROUNDING * np.abs(some).max(axis=0)
        return np.asarray(np.maximum(_TOLERANCE * some.std(axis=0), rounding), np.float32)

    @cached_property
    def _usual(self) -> Bool[np.ndarray, "m d"]:
        """Where rows of the sample have the value that most have, if most have one."""
        return np.abs(self._sampled - np.median(self._sampled, axis=0)) <= self._within

    @cached_property
    def _unusual(self) -> tuple[Float[np.ndarray, " v"], float]:
        """All other values of the sample, from 0 and in order, and how near the same ones are."""
        raw = self._sampled + self._frame.zero
        near = max(float(np.median(self._within)), _ROUNDING * float(np.abs(raw).max()))
        return np.sort(raw[~self._usual]), near

    @cached_property
    def _columns(self) -> Int[np.ndarray, " c"]:
        """The columns of the index: such as tell rows apart."""
        some = spread(len(self._within), _LOOKED_AT)
        agree = np.empty(len(some))
        for j, column in enumerate(np.sort(self._by_column[some], axis=1)):
            same = _count(column, column, float(self._within[some[j]]))
            agree[j] = (same - 1).mean() / max(len(column) - 1, 1)
        tells = some[agree <= _OFTEN]
        return tells[spread(len(tells), _COLUMNS)]

    @cached_property
    def _index(self) -> "_Index":
        columns = np.ascontiguousarray(self._frame.points[:, self._columns].T)
        rows = np.argsort(columns, axis=1)
        return _Index(rows.astype(np.int32), np.take_along_axis(columns, rows, axis=1))

    @cached_property
    def _of_others(self) -> list[_Said]:
        """What is said of the sample by all rows but each one's own."""
        return self._said(self._sampled, spread(len(self._frame.points), _SAMPLE))

    @cached_property
    def _by_chance(self) -> float:
        """What a row says, at the least, that has not come by chance."""
        return _BEYOND * float(np.quantile([said.alone for said in self._of_others], _OTHERS))

    @cached_property
    def _halves_shared(self) -> bool:
        """Whether rows share halves with others, in more than one case of fifty."""
        shared = [
            said.alone >= max(_LEAST, _SHARE * self._all(row)) and said.rival <= _RIVAL * said.alone
            for said, row in zip(self._of_others, self._sampled, strict=True)
        ]
        return float(np.mean(shared)) > 1 - _OTHERS


class _Index(NamedTuple):
    """The rows, and their values, of each column, in the order of these."""

    rows: Int[np.ndarray, "c n"]
    values: Float[np.ndarray, "c n"]


def _count(
    order: Float[np.ndarray, " v"], values: Float[np.ndarray, " c"], near: float | np.floating
) -> Int[np.ndarray, " c"]:
    """Return how many of the values in order are each value."""
    return order.searchsorted(values + near, "right") - order.searchsorted(values - near, "left")
