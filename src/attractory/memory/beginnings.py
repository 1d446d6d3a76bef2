"""Where the recall of cues begins: at a row that is as good as certain, or at the cue mended.

Which row a cue is of is told by the first of these that can tell it: it is a row; it is one but for
white noise, or lies beside one (`memory.nearest_row`); a part of it is exactly a row's
(`memory.exact_agreement`); models of damage (`memory.cue_mending`), or of errors where coordinates
are few (`memory.few_columns`). What no model explains may be noise after all.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.memory.coordinates import Coordinates, nearest
from attractory.memory.cue_mending import DAMAGE, DOUBTFUL, CueMending
from attractory.memory.damage_kinds import FEWEST_FOR_MODELS
from attractory.memory.nearest_row import NearestRow
from attractory.memory.shortlist import Compared

__all__ = ["Beginnings", "Stored", "as_they_are", "beginnings"]

_AT = 1e-3  # of the norm: a cue this near is the row
_CLOSE = 0.2  # of the norm: a cue farther than this from the row most like it is none
_BESIDE = 0.25  # of the distance of the second row: a cue so near to its row is beside it
_EXACT = 0.999  # confidence that a row is right which a cue is exactly in parts


class Beginnings(NamedTuple):
    """Where the recall of cues begins, in a memory's coordinates.

    Attributes:
        plain: the cues as they are, (k, d); mended, where some of them is unknown or the row that
            they are mended by is as good as certain.
        start: the cues mended.
        damage: place in `cue_mending.DAMAGE`, (k,); −1 where cues are not mended.
        row: the stored row that each is mended by, (k,); −1 where cues are not mended.
        sure: probability that this row is right, (k,); see `memory.row_probability`.
        certain: whether the cue has been put at the row, (k,).
    """

    plain: Float[np.ndarray, "k d"]
    start: Float[np.ndarray, "k d"]
    damage: Int[np.ndarray, " k"]
    row: Int[np.ndarray, " k"]
    sure: Float[np.ndarray, " k"]
    certain: Bool[np.ndarray, " k"]


class Stored(NamedTuple):
    """What is known of the stored rows.

    Attributes:
        coordinates: of scaled rows.
        points: the patterns, (n, d), all of one norm.
        mending: of scaled cues.
        less_noise: takes scaled cues; returns them less their noise, in the coordinates.
    """

    coordinates: Coordinates
    points: Float[np.ndarray, "n d"]
    mending: CueMending
    less_noise: Callable[[np.ndarray], np.ndarray]


def as_they_are(cues: Float[np.ndarray, "k d"]) -> Beginnings:
    """Return cues, in the memory's coordinates, as the beginnings of their own recall."""
    count = len(cues)
    none = np.full(count, -1)
    return Beginnings(cues, cues, none, none.copy(), np.zeros(count), np.zeros(count, bool))


def beginnings(
    stored: Stored,
    cues: Float[np.ndarray, "k d"],
    known: Bool[np.ndarray, "k d"] | None,
    other_units: Bool[np.ndarray, " k"],
) -> Beginnings:
    """Return where the recall of cues begins.

    Args:
        stored: the rows.
        cues: scaled; the mean where they are unknown.
        known: which coordinates are; None for all.
        other_units: which cues were told in other units than the rows'.
    """
    mending, encode, count = stored.mending, stored.coordinates.encode, len(cues)
    plain, seen = encode(cues)[0], mending.frame.compared(cues)
    row, there = _at_rows(stored, plain, seen)
    out = Beginnings(
        plain, plain.copy(), np.zeros(count, int), row, np.ones(count), np.zeros(count, bool)
    )
    whole = np.ones(count, bool) if known is None else np.asarray(known.all(axis=1))
    near = mending.nearest(seen, known)
    numbers = np.full(count, cues.shape[1]) if known is None else known.sum(axis=1)
    at = there & whole & (cues.shape[1] > 2)  # in a plane many have a row's direction
    few = (numbers < FEWEST_FOR_MODELS) & ~at
    # White noise needs no model of damage, but for its confidence where some is unknown.
    damaged = whole & ~there & ~near.white
    exact, given = np.full(count, -1), np.flatnonzero((damaged | ~whole) & ~few)
    part = None if known is None else known[given]
    # What looks undamaged may share parts with rows, and differ little from one, being none.
    undamaged = np.zeros(count, bool)
    undamaged[damaged] = mending.undamaged(seen.x[damaged])
    exact[given] = mending.exactly(seen.some(given), part, undamaged[given])
    models = ~few & (exact < 0)
    for some, told in ((damaged & models, None), (~whole & models, known)):
        if not some.any():
            continue
        part = None if told is None else told[some]
        less = stored.less_noise(cues[some]) / stored.coordinates.norm
        mended = mending.mend(cues[some], less, part, seen.some(some))
        out.start[some], out.damage[some] = encode(mended.cue)[0], mended.damage
        row[some], out.sure[some] = mended.row, mended.confidence
        out.certain[some] = mended.certain
    doubtful = np.asarray(damaged & models & (out.sure < DOUBTFUL))
    noise = near.white | (near.perhaps & doubtful & ~undamaged)
    direct = (noise | near.alone) & ~there & (exact < 0)
    _put_at_nearest(out, near, noise, direct, whole)
    some = direct & whole
    out.sure[some] = mending.of_noise(seen.some(some), row[some])
    # The law was learned of more noise than a cue has that lies beside its row.
    beside = some & (near.ratio < _BESIDE)
    out.sure[beside] = np.maximum(out.sure[beside], 1 - near.ratio[beside])
    if few.any():
        # A direction, too, says less than all there is to go by.
        part = None if known is None else known[few]
        row[few], out.sure[few] = mending.of_few_coordinates(seen.some(few), part)
        out.certain[few], out.damage[few] = True, DAMAGE.index("noise")
    parts = exact >= 0
    row[parts], out.sure[parts], out.certain[parts] = exact[parts], _EXACT, True
    out.damage[parts] = DAMAGE.index("replaced")
    out.damage[near.ratio <= _AT] = 0
    out.damage[other_units] = DAMAGE.index("changed values")
    out.start[out.certain] = stored.points[row[out.certain]]
    plain[~whole | out.certain] = out.start[~whole | out.certain]
    return out


def _put_at_nearest(
    out: Beginnings,
    near: NearestRow,
    noise: Bool[np.ndarray, " k"],
    some: Bool[np.ndarray, " k"],
    whole: Bool[np.ndarray, " k"],
) -> None:
    """Put some cues at their nearest rows; of such as are not whole, the confidence there is stays.

    Args:
        out: written to.
        near: the rows.
        noise: which of all cues have noise.
        some: which cues are put there.
        whole: of which all is known.
    """
    out.sure[some & ~whole & (out.row != near.row)] = 0.0
    out.row[some], out.certain[some] = near.row[some], True
    out.damage[some & noise] = DAMAGE.index("noise")


def _at_rows(
    stored: Stored, plain: Float[np.ndarray, "k d"], seen: Compared
) -> tuple[Int[np.ndarray, " k"], Bool[np.ndarray, " k"]]:
    """Return the rows that cues are, and which cues are one.

    One that is has the row's direction from the mean; where that is near, all rows are looked at.

    Args:
        stored: the rows.
        plain: the cues in the coordinates.
        seen: the same as they are.
    """
    points, norm = stored.points, stored.coordinates.norm
    row = stored.mending.alike(seen)
    away = np.linalg.norm(plain - points[row], axis=1)
    near = np.flatnonzero(away <= _CLOSE * norm)
    if len(near):
        row[near] = nearest(plain[near], points)
        away[near] = np.linalg.norm(plain[near] - points[row[near]], axis=1)
    return row, away <= _AT * norm
