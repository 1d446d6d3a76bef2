r"""The cue mended before the map iterates: which row explains it best, under which damage.

A shortlist of rows by several similarities (`memory.shortlist`) is compared with the cue under
several models of damage (`memory.damage_models`), and every row gets a probability by what all of
them say, each weighed by how well it explains the cue (`memory.row_probability`). A search has the
right row for the damage that it is made for; this has it for nearly all.

Where the row is as good as certain, recall begins at the row. Else it begins at what is expected:
with the probability that the row is right, the rows that are about as probable; or else the cue
mended, by the model that explains it best. What was lost is filled in by the rows, and what the
model leaves open is taken from the cue, where the model says it was kept. Then the map decides.

Of up to 30 columns that are no image, a doubtful cue is put at the row that the posterior of
`memory.few_columns` is surer of.

Coordinates that are told to be unknown have no say. Of more than 2,048 coordinates, as many are
drawn at random for the comparison.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logit

from attractory._util.threads import side_by_side, threads
from attractory.memory.alignment import Aligned, Alignment
from attractory.memory.coordinates import spread
from attractory.memory.damage_evidence import DamageModels, Evidence
from attractory.memory.damage_kinds import DAMAGE, KIND
from attractory.memory.exact_agreement import ExactAgreement
from attractory.memory.few_columns import (
    MOST_COLUMNS,
    MOST_ROWS,
    beside_models,
    of_few_coordinates,
)
from attractory.memory.image_gradients import ImageGradients
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.metric import Metric
from attractory.memory.nearest_row import NearestRow, nearest_row, position
from attractory.memory.neighbourhoods import Neighbourhoods
from attractory.memory.row_probability import Judgement, judged, of_noise
from attractory.memory.row_screening import TOGETHER, RowScreening, alike, filled
from attractory.memory.shortlist import Compared, RowFrame, Shortlist
from attractory.memory.slow_parts import SlowParts
from attractory.memory.small_images import SmallImages

__all__ = ["DAMAGE", "DOUBTFUL", "CueMending", "Mended"]

_IN_PLACE = "noise", "replaced"  # which leave kept coordinates where they were
_RIVALS = 8
_SHARP = 4  # power of the probabilities that rows fill in by: near ties alone are mixed
_SURE, _ALONE = 0.85, 0.99  # confidence, and probability among the rows, of what is certain
_DOUBT = 1e-6  # the least variance of a row about its estimate
_AT_ONCE = 1 << 22  # similarities held at a time
DOUBTFUL = 0.45  # confidence below which rows are moved onto a cue
_AGAIN = 5  # rows of doubtful cues that are looked at again
_STRANGERS, _STRANGE, _KNOWN = 40, 0.1, 0.8  # rows, share of them, and confidence of what is known
_MOST_OFF = 4.0  # log odds
_AT_THE_ROW = -4.0  # log of the square of distances over neighbours', below which it is the row
_FEWEST = 8  # cues that a thread is worth
_MANY = 2000  # rows of which threads prepare side by side what cues need

# Which cues, the cues, their shortlists, and what the models say of these.
_Seen = tuple[Int[np.ndarray, " c"], Float[np.ndarray, "c d"], Int[np.ndarray, "c s"], Evidence]


class Mended(NamedTuple):
    """Cues mended.

    Attributes:
        cue: (k, d), in the units given.
        row: the stored row that explains each best, (k,).
        damage: place in `DAMAGE`, (k,).
        confidence: probability that the row is right, (k,); see `memory.row_probability`.
        certain: whether the cue is as good as the row itself, (k,).
    """

    cue: Float[np.ndarray, "k d"]
    row: Int[np.ndarray, " k"]
    damage: Int[np.ndarray, " k"]
    confidence: Float[np.ndarray, " k"]
    certain: Bool[np.ndarray, " k"]


class CueMending:
    """What is worked out of the stored rows, once.

    Args:
        rows: in the units given, (n, d).
        points: the same in the memory's coordinates, of any one norm, (n, e).
        mean: of the coordinates, (d,).
        metric: the memory's.
        also: works out what the steps after mending need of all rows.

    Attributes:
        frame: the rows, in units of their spread.
    """

    def __init__(
        self,
        rows: Float[np.ndarray, "n d"],
        points: Float[np.ndarray, "n e"],
        mean: Float[np.ndarray, " d"],
        metric: Metric,
        also: Callable[[], object] = lambda: None,
    ):
        self.frame, self._points, self._also = RowFrame(rows, mean), points, also
        local = LocalContrast(self.frame.points)
        near, images = Neighbourhoods(self.frame.points), SmallImages(self.frame.points)
        self._local, self._near, self._prepared = local, near, False
        self._gradients = ImageGradients(images)
        slow = SlowParts(self.frame.points, images)
        self._shortlist = Shortlist(self.frame, metric, local, near, self._gradients, slow)
        self._models = DamageModels(self.frame, local, near, images, slow)
        self._screening = RowScreening(self.frame, local, near, self._gradients, slow)
        self._alignment = Alignment(self.frame.points, images)
        self._exact = ExactAgreement(self.frame)

    @property
    def on_grid(self) -> bool:
        """Whether the rows lie on a grid, as images and curves do."""
        return self._alignment.grid is not None

    def alike(self, seen: Compared) -> Int[np.ndarray, " k"]:
        """Return the row in whose direction from the mean each cue is most nearly."""
        return self._shortlist.most_alike(seen)

    def nearest(self, seen: Compared, known: Bool[np.ndarray, "k d"] | None = None) -> NearestRow:
        """Return the rows nearest to cues; see `memory.nearest_row`."""
        given = (self.frame.squares, seen.product) if known is None else None
        return nearest_row(self.frame.points, seen.x, known, given)

    def exactly(
        self,
        seen: Compared,
        known: Bool[np.ndarray, "k d"] | None,
        undamaged: Bool[np.ndarray, " k"],
    ) -> Int[np.ndarray, " k"]:
        """Return the row that each cue is exactly in parts, (k,); −1 where that is none."""
        return self._exact.of(seen.x, known, undamaged)

    def undamaged(self, x: Float[np.ndarray, "k d"]) -> Bool[np.ndarray, " k"]:
        """Return which cues look like rows that nothing has happened to, (k,).

        Args:
            x: in the frame's units.
        """
        usual = self._models.undamaged
        return usual.looks(usual.unlike(x))

    def of_noise(self, seen: Compared, row: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return how probable it is that cues that are rows and white noise are of these rows."""
        if not len(row):
            return np.empty(0)
        points = self.frame.points
        where = position(points, seen.x, row, (self.frame.squares, seen.product))
        return of_noise(where, points.shape)

    def of_few_coordinates(
        self, seen: Compared, known: Bool[np.ndarray, "k d"] | None
    ) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        """Return the most probable rows of cues of few coordinates, and how probable they are."""
        return of_few_coordinates(self.frame.points, seen.x, known)

    def mend(
        self,
        cues: Float[np.ndarray, "k d"],
        starts: Float[np.ndarray, "k e"],
        known: Bool[np.ndarray, "k d"] | None = None,
        seen: Compared | None = None,
    ) -> Mended:
        """Return cues mended.

        Args:
            cues: in the units given; any finite value where unknown.
            starts: the cues less their noise, in the memory's coordinates.
            known: which coordinates are; None for all.
            seen: the cues as `frame.compared` returns them, where they have been compared.
        """
        count = len(cues)
        out = Mended(
            np.empty_like(cues), np.empty(count, int), np.empty(count, int), np.full(count, -1.0),
            np.empty(count, bool),
        )  # fmt: skip

        def of(block: slice) -> None:
            for some, x, rows, evidence in self._evidence(block, cues, starts, known, seen):
                judgement = self._of_strangers(evidence, judged(evidence, len(self._points)))
                told = None if known is None else known[some[0]]
                self._write(out, (some, x, rows, evidence), judgement, told)
                doubtful = np.flatnonzero(judgement.confidence < DOUBTFUL)
                if told is None and len(doubtful) and self._alignment.grid is not None:
                    again = some[doubtful], x[doubtful], _likeliest(rows, evidence, doubtful)
                    for found in self._aligned(*again, cues, starts):
                        judgement = judged(found[3], len(self._points))
                        self._write(out, found, self._of_strangers(found[3], judgement), None)

        workers = threads()
        if known is None and not self._prepared:
            self._prepare(workers)
        for _ in side_by_side(of, self._blocks(cues.shape, workers), workers):
            pass
        if known is None and cues.shape[1] <= MOST_COLUMNS and len(self._points) <= MOST_ROWS:
            self._surer(out, self.frame.inward(cues) if seen is None else seen.x)
        return out

    def _of_strangers(self, evidence: Evidence, judgement: Judgement) -> Judgement:
        """Return what was judged, less sure of cues that look like undamaged rows that are none."""
        near = evidence.beside[np.arange(len(judgement.first)), judgement.first, 0]
        looks = self._models.undamaged.looks(evidence.unlike) & (near > _AT_THE_ROW)
        if not looks.any():
            return judgement
        sure = expit(logit(judgement.confidence) - looks * self._too_sure)
        return judgement._replace(confidence=sure)

    @cached_property
    def _too_sure(self) -> float:
        """Log odds that are taken off so that one in ten undamaged strangers is known, at most.

        Stored rows are strangers to a memory of the others, which other strangers cannot be told
        from: of m of them the ⌈0.9 (m + 1)⌉-th confidence bounds one more stranger's at 0.9.
        """
        which = spread(len(self._points), _STRANGERS)
        x, starts = self.frame.points[which], self._points[which]
        lists = self._shortlist.of(Compared(x, x @ self.frame.points.T), starts)
        lists = [some[some != row] for row, some in zip(which, lists, strict=True)]
        lists = self._screening.of(x, lists, (starts, self._points))
        found = self._of_lists(x, x + self.frame.zero, lists, starts)
        sure = np.concatenate([judged(each, len(self._points)).confidence for *_, each in found])
        place = int(np.ceil((1 - _STRANGE) * (len(sure) + 1)))
        bound = logit(np.sort(sure)[min(place, len(sure)) - 1])
        return float(np.clip(bound - logit(_KNOWN), 0, _MOST_OFF))

    def _surer(self, out: Mended, x: Float[np.ndarray, "k d"]) -> None:
        """Put doubtful cues of few columns at the row of `few_columns` where that is surer.

        Args:
            x: cues in the frame's units.
        """
        some = np.flatnonzero(~out.certain)
        if self.on_grid or not len(some):
            return
        row, sure, alone = beside_models(self.frame.points, x[some], self.frame.zero)
        better = alone > out.confidence[some]
        some, row, sure = some[better], row[better], sure[better]
        other = row != out.row[some]
        out.damage[some[other]] = DAMAGE.index("noise")
        # Of a row that both are for the surer one is believed.
        out.confidence[some] = np.where(other, sure, np.maximum(sure, out.confidence[some]))
        out.row[some], out.certain[some] = row, True
        out.cue[some] = self.frame.outward(self.frame.points[row])

    def evidence(
        self,
        cues: Float[np.ndarray, "k d"],
        starts: Float[np.ndarray, "k e"],
        known: Bool[np.ndarray, "k d"] | None = None,
        seen: Compared | None = None,
        aligned: bool = False,
    ) -> Iterator[_Seen]:
        """Yield, for some cues at a time, which they are, the cues in the frame's units, their
        shortlists, and what the models say of them.

        Args:
            cues, starts, known, seen: as for `mend`.
            aligned: whether rows are moved onto the cues, too, where they lie on a grid.
        """
        for block in self._blocks(cues.shape):
            for found in self._evidence(block, cues, starts, known, seen):
                if aligned and known is None and self._alignment.grid is not None:
                    which, x, rows, evidence = found
                    some = _likeliest(rows, evidence, np.arange(len(rows)))
                    yield from self._aligned(which, x, some, cues, starts)
                else:
                    yield found

    def _prepare(self, workers: int) -> None:
        """Work out side by side what cues need of all rows, so that threads do not wait for it."""
        parts: list[Callable[[], object]] = [
            self._also,
            self._alignment.prepare,
            lambda: self._local.windows is None or self._local.lengths,
            lambda: self._near.outlines,
            lambda: self.on_grid and self._gradients.rows,
            self._shortlist.prepare,
        ]
        if len(self._points) >= _MANY:
            for _ in side_by_side(lambda part: part(), parts, workers):
                pass
        self._prepared = True

    def _blocks(self, shape: tuple[int, int], workers: int = 1) -> list[slice]:
        """Return which cues are looked at in a thread, each time."""
        count, dim = shape
        size = max(1, _AT_ONCE // max(len(self._points), dim))
        if workers > 1:  # every thread has some, and as much as another
            turns = -(-count // (size * workers))
            size = max(min(size, _FEWEST), -(-count // (turns * workers)))
        return [slice(k, k + size) for k in range(0, count, size)]

    def _evidence(
        self,
        block: slice,
        cues: Float[np.ndarray, "k d"],
        starts: Float[np.ndarray, "k e"],
        known: Bool[np.ndarray, "k d"] | None,
        seen: Compared | None,
    ) -> Iterator[_Seen]:
        """Yield `evidence` of some cues."""
        if known is None:
            now = self.frame.compared(cues[block]) if seen is None else seen.some(block)
            x, lists = now.x, self._shortlist.of(now, starts[block])
            lists = self._screening.of(x, lists, (starts[block], self._points))
        else:
            x = self.frame.inward(cues[block])
            lists = self._shortlist.of_known(x, known[block])
        told, raw = None if known is None else known[block], cues[block] / self.frame.scale
        for some, rows, found in self._of_lists(x, raw, lists, starts[block], told):
            yield block.start + some, x[some], rows, found

    def _of_lists(
        self,
        x: Float[np.ndarray, "k d"],
        raw: Float[np.ndarray, "k d"],
        lists: list[Int[np.ndarray, " _"]],
        starts: Float[np.ndarray, "k e"],
        known: Bool[np.ndarray, "k d"] | None = None,
    ) -> Iterator[tuple[Int[np.ndarray, " c"], Int[np.ndarray, "c s"], Evidence]]:
        """Yield, for some cues at a time, which they are, their rows, and what the models say."""
        for some in alike(lists, TOGETHER // x.shape[1], known):
            rows, real = filled([lists[j] for j in some])
            own = None if known is not None else (starts[some], self._points[rows])
            mask = None if known is None else known[some[0]]
            yield some, rows, self._models.of(x[some], raw[some], rows, own, mask, real)

    def _aligned(
        self,
        which: Int[np.ndarray, " c"],
        x: Float[np.ndarray, "c d"],
        rows: list[Int[np.ndarray, " _"]],
        cues: Float[np.ndarray, "k d"],
        starts: Float[np.ndarray, "k e"],
    ) -> Iterator[_Seen]:
        """Yield the evidence of some cues and rows, and of others that explain the cue if moved."""
        found = self._alignment.of(x, rows)
        lists = [some for some, _ in found]
        for some in alike(lists, TOGETHER // cues.shape[1]):
            own, (listed, real) = which[some], filled([lists[j] for j in some])
            size = listed.shape[1]
            moved = [found[j][1].rows[np.arange(size) % len(lists[j])] for j in some]
            aligned = Aligned(np.stack([found[j][1].x for j in some]), np.stack(moved))
            evidence = self._models.of(
                x[some], cues[own] / self.frame.scale, listed, (starts[own], self._points[listed]),
                None, real, aligned,
            )  # fmt: skip
            yield own, x[some], listed, evidence

    def _write(
        self, out: Mended, seen: _Seen, judgement: Judgement, known: Bool[np.ndarray, " d"] | None
    ) -> None:
        """Write what is surer than what has been written of a cue."""
        some, x, rows, evidence = seen
        surer = judgement.confidence > out.confidence[some]  # than before the rows were moved
        cue = self.frame.outward(self._mended(x, rows, evidence, judgement, known))
        row = rows[np.arange(len(some)), judgement.first]
        alone = judgement.probability.max(axis=1) >= _ALONE
        certain = (judgement.confidence >= _SURE) & alone
        found = Mended(cue, row, KIND[judgement.model], judgement.confidence, certain)
        for whole, part in zip(out, found, strict=True):
            whole[some[surer]] = part[surer]

    def _mended(
        self,
        x: Float[np.ndarray, "k d"],
        rows: Int[np.ndarray, "k s"],
        evidence: Evidence,
        judgement: Judgement,
        known: Bool[np.ndarray, " d"] | None,
    ) -> Float[np.ndarray, "k d"]:
        """Return cues with what was kept kept, and the rest filled in."""
        cues = np.arange(len(x))
        near = np.argsort(-judgement.probability, axis=1)[:, :_RIVALS]
        weight = np.take_along_axis(judgement.probability, near, axis=1) ** _SHARP
        weight = np.asarray(weight / weight.sum(axis=1, keepdims=True), np.float32)[:, :, None]
        some = self.frame.points[np.take_along_axis(rows, near, axis=1)]
        fill = (some * weight).sum(axis=1)
        doubt = (weight * (some - fill[:, None]) ** 2).sum(axis=1) + _DOUBT
        out = fill.copy()
        for k in cues:
            fit, model = evidence.fits[int(judgement.model[k])], int(judgement.model[k])
            first = int(judgement.first[k])
            place = np.flatnonzero(fit.rows[k] == first)
            if DAMAGE[KIND[model]] not in _IN_PLACE or not len(place):
                continue
            own = int(place[0])
            contrast, offset, noise = (
                float(v[k, own, 0]) for v in (fit.contrast, fit.offset, fit.noise)
            )
            if contrast <= 0:
                continue
            kept = np.ones_like(x[k]) if known is None else known.astype(np.float32)
            if DAMAGE[KIND[model]] == "replaced":
                if known is None and fit.kept is not None and fit.kept.shape[2] == x.shape[1]:
                    kept = kept * fit.kept[k, own]
                else:  # not all coordinates were compared: those that agree were kept
                    row = self.frame.points[rows[k, first]]
                    kept = kept * (np.abs(x[k] - contrast * row - offset) < 3 * noise)
            kept = kept * doubt[k] / (doubt[k] + (noise / contrast) ** 2)
            doubted = 1 - judgement.confidence[k]
            out[k] += doubted * kept * ((x[k] - offset) / contrast - fill[k])
        return out


def _likeliest(
    rows: Int[np.ndarray, "k s"], evidence: Evidence, which: Int[np.ndarray, " c"]
) -> list[Int[np.ndarray, " _"]]:
    """Return, of some cues, the rows that any of the models puts among the first."""
    behind = np.where(evidence.real[which, None], evidence.behind[which], np.inf)
    rank = behind[:, evidence.told].argsort(axis=2).argsort(axis=2)
    order = (rank.min(axis=1) + rank.mean(axis=1) / rank.shape[2]).argsort(axis=1)[:, :_AGAIN]
    return [
        np.unique(rows[k][some[evidence.real[k][some]]])
        for k, some in zip(which, order, strict=True)
    ]
