"""What a memory holds: a value that never changes. Storing and forgetting rows return another.

`memory.fitting` makes the first one. `fit`, `partial_fit` and `forget` of the estimators put a new
state in the place of the old one, so that a change that fails changes nothing; files are a state
written down.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.validation import flag
from attractory.maps.protocol import Map, SingularKernelError, dtype_of
from attractory.memory.beginnings import Beginnings, Stored, as_they_are, beginnings
from attractory.memory.confidence import Confidence
from attractory.memory.coordinates import Coordinates, nearest
from attractory.memory.cue_denoising import denoised
from attractory.memory.cue_mending import CueMending
from attractory.memory.cue_units import MOST_COLUMNS, CueUnits
from attractory.memory.damage_kinds import FEWEST_FOR_MODELS
from attractory.memory.drift_free_steps import LinearPart
from attractory.memory.frame_confidence import FrameConfidence, Frames
from attractory.memory.guided_recall import RecallPlan
from attractory.memory.metric_search import Choice
from attractory.memory.not_stored import NotStoredError
from attractory.memory.sequence_order import following, joined_by
from attractory.memory.settings import MemorySettings
from attractory.memory.span import Span
from attractory.memory.stored_map import KernelStore
from attractory.memory.stored_map_gpu import GpuStore, solves_on_gpu, store_type
from attractory.memory.stored_map_large import LargeStore, as_large
from attractory.memory.stored_network import NetworkStore

__all__ = ["Carried", "MemoryState"]

_AT = 1e-3  # of the norm: a cue this near is the row
_TWIN = 1e-6  # of the norm: a row this near is the same
_KEPT = 1 << 22  # numbers in rows that are kept in the units given, too
_FAR = 4.0  # mean square of rows added, of that of the rows at fit: the metric does not fit them


class Carried(NamedTuple):
    """What a state takes over from the one before it.

    Attributes:
        rows: the first of its rows in the units given; None if they are not at hand.
    """

    rows: Float[np.ndarray, "m d"] | None = None


_NOTHING = Carried()


@dataclass(frozen=True, eq=False)
class MemoryState:
    """The stored rows, the map that stores them, and the coordinates both are in.

    Attributes:
        settings: at `fit`.
        coordinates: from the user's units to those of the map.
        store: the patterns and their map.
        sizes: distances of the rows from the mean, in the metric, (n,).
        answer_sizes: the same of what each row is mapped to.
        sequence: whether rows are mapped to other rows, their successors.
        fitted: how many of the first rows are those of `fit`.
        outside: whether rows added later have parts across the metric's basis.
        choice: what `fit` chose by trials; None where a rule stands.
        carried: what is known of it from the state before.
    """

    settings: MemorySettings
    coordinates: Coordinates
    store: KernelStore | NetworkStore
    sizes: Float[np.ndarray, " n"]
    answer_sizes: Float[np.ndarray, " n"]
    sequence: bool
    fitted: int
    outside: bool = False
    choice: Choice | None = None
    carried: Carried = _NOTHING

    @property
    def norm(self) -> float:
        """Norm of the patterns."""
        return self.coordinates.norm

    @property
    def points(self) -> Float[np.ndarray, "n d"]:
        """The patterns, (n, d), all of one norm."""
        return self.store.x

    @property
    def answers(self) -> Float[np.ndarray, "n d"]:
        """What each pattern is mapped to, (n, d): itself, or its successor."""
        return self.store.targets

    @property
    def map(self) -> Map:
        """The map, solved for or trained now if it was not yet."""
        return self.store.map()

    @property
    def rows(self) -> Float[np.ndarray, "n d"]:
        """The stored rows in the units given, (n, d)."""
        return self._rows if self.points.size <= _KEPT else self._decoded(slice(None))

    @cached_property
    def _rows(self) -> Float[np.ndarray, "n d"]:
        known = self.carried.rows
        if known is None:
            return self._decoded(slice(None))
        return np.vstack([known, self._decoded(slice(len(known), None))])

    def _decoded(self, which: slice) -> Float[np.ndarray, "m d"]:
        return self.coordinates.decode(self.points[which], self.sizes[which])

    @property
    def stale(self) -> bool:
        """Whether the metric no longer fits: most rows came after it, or lie far out in it."""
        old, new = self.sizes[: self.fitted], self.sizes[self.fitted :]
        if self.coordinates.metric.plain or not len(new):
            return False
        far = len(old) > 0 and (new**2).mean() > _FAR * (old**2).mean()
        return len(new) > len(old) or bool(far)

    def check_stored(self) -> str | None:
        """Raise if rows are missed by too much to be stored; return that as text if it is allowed.

        A ridge is a word of the user's too.

        Raises:
            NotStoredError: without `allow_unstored`.
        """
        store = self.store
        if store.residual() <= store.accuracy or self.settings.ridge:
            return None
        missed = store.missed()
        error = NotStoredError(np.flatnonzero(~(missed <= store.accuracy)), missed)
        if self.settings.allow_unstored:
            return error.finding
        raise error

    def allowing(self, unstored: bool | None) -> "MemoryState":
        """Return the state with the word that rows may be missed; None leaves it as it is."""
        if unstored is None:
            return self
        word = flag(unstored, "allow_unstored")
        return replace(self, settings=replace(self.settings, allow_unstored=word))

    @cached_property
    def linear_part(self) -> LinearPart | None:
        """What guided recall leaves out of the map; None where recall takes the map as it is.

        That of a network is its infinite-width limit's.
        """
        if not self.settings.guided or self.sequence:
            return None
        store = self.store
        if isinstance(store, NetworkStore):
            kind = GpuStore if solves_on_gpu(self.settings, *store.x.shape) else KernelStore
            store = kind(store.x, store.targets, self.settings)
            try:
                store.map()
            except SingularKernelError:
                return None
        return LinearPart(store, full=store is not self.store)

    @cached_property
    def frames(self) -> "MemoryState | None":
        """Of a sequence: the memory that brings a cue to one of its frames; None without guidance.

        It has the same patterns and coordinates, and the infinite-width map that takes each pattern
        to itself.
        """
        if not self.sequence or not self.settings.guided:
            return None
        settings, store = replace(self.settings, width=None), self.store
        try:
            if isinstance(store, KernelStore):
                own = store.to_itself()
            else:
                own = store_type(settings, *store.x.shape)(store.x, store.x, settings)
                own.map()
        except SingularKernelError:
            return None
        return replace(self, settings=settings, store=own, answer_sizes=self.sizes, sequence=False)

    @cached_property
    def span(self) -> Span:
        """The coordinates that recall computes in: those of the rows' span, all for a network."""
        store = self.store
        return store.span if isinstance(store, KernelStore) else Span(None, store.x.shape[1])

    def plan(self, settings: MemorySettings) -> RecallPlan:
        """Return how cues are recalled, in the coordinates of `span`."""
        store, norm = self.store, self.norm * self.span.scale
        if isinstance(store, KernelStore):
            own, points = store.inner.calls(), store.inner.x
        else:
            own, points = store.map(), store.x
        least = 32 * float(np.finfo(dtype_of(own)).eps)
        return RecallPlan(
            own, points, norm, settings.guided, self.linear_part, settings.max_steps,
            max(settings.tolerance, least), self._missed,
        )  # fmt: skip

    @property
    def _missed(self) -> float:
        """What the map moves any pattern by, at most, relative to the norm; inf if unknown."""
        store = self.store
        if not isinstance(store, KernelStore) or self.sequence:
            return np.inf
        known = store.solution().residual
        return np.inf if np.isnan(known) else float(known)

    @cached_property
    def confidence(self) -> Confidence:
        """How sure a recall by plain iteration is."""
        return Confidence(self.points, self.norm)

    @cached_property
    def frame_confidence(self) -> FrameConfidence:
        """How sure it is which frame of a sequence a cue is; of memories that have `frames`."""
        inner = self.coordinates.of_scaled
        rows = self.coordinates.scaled(self.rows)
        given = Frames(self.mending, rows, self.points, inner, self._start)
        return FrameConfidence(given, joined_by(following(self.points, self.answers)))

    def start(self, cues: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return cues less their noise, in the coordinates; as they are if they are stored rows."""
        return self._start(self.coordinates.scaled(cues))

    def _start(self, cues: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return the same of scaled cues."""
        plain = self.coordinates.of_scaled.encode(cues)[0]
        if not self.settings.guided:
            return plain
        away = np.linalg.norm(plain - self.points[nearest(plain, self.points)], axis=1)
        start, there = self.less_noise(cues), away <= _AT * self.norm
        start[there] = plain[there]
        return start

    def less_noise(self, cues: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return scaled cues less their noise, in the coordinates."""
        coordinates = self.coordinates.of_scaled
        mean, metric = coordinates.mean, coordinates.metric
        return coordinates.rescaled(denoised(cues - mean, metric, self.outside, mean))[0]

    @cached_property
    def mending(self) -> CueMending:
        """What mends scaled cues before the map iterates."""
        inner = self.coordinates.of_scaled

        def steps() -> None:
            if self.linear_part is not None:
                _ = self.linear_part.votes, self.linear_part.beside

        rows = self.coordinates.scaled(self.rows)
        return CueMending(rows, self.points, inner.mean, inner.metric, steps)

    def beginnings(
        self, cues: Float[np.ndarray, "k d"], known: Bool[np.ndarray, "k d"] | None = None
    ) -> Beginnings:
        """Return where the recall of cues begins.

        Args:
            cues: in the units given; those of which some are unknown have any values there.
            known: which coordinates are; None for all.
        """
        if known is not None and known.all():
            known = None
        other_units = np.zeros(len(cues), bool)
        if self.cue_units is not None:
            cues, other_units = self.cue_units.read(cues, known)
        cues, coordinates = self.coordinates.scaled(cues), self.coordinates.of_scaled
        if known is not None:
            cues = np.where(known, cues, coordinates.mean)
        if not self.settings.guided:
            return as_they_are(coordinates.encode(cues)[0])
        given = Stored(coordinates, self.points, self.mending, self.less_noise)
        return beginnings(given, cues, known, other_units)

    @cached_property
    def cue_units(self) -> CueUnits | None:
        """What tells in which units cues are; None where columns have one unit."""
        dim = len(self.coordinates.mean)
        # Of one unit in all columns the models of damage fit contrast and offset themselves.
        unequal = self.coordinates.scale is not None or dim < FEWEST_FOR_MODELS
        if not unequal or dim > MOST_COLUMNS or not self.settings.guided or self.sequence:
            return None
        return None if self.mending.on_grid else CueUnits(self.rows)

    def refuse_other_answers(
        self, points: Float[np.ndarray, "m d"], answers: Float[np.ndarray, "m d"]
    ) -> None:
        """Refuse rows that are stored already, mapped to others than these.

        Raises:
            ValueError: with the row.
        """
        twin = nearest(points, self.points)
        same = np.linalg.norm(points - self.points[twin], axis=1) <= _TWIN * self.norm
        other = np.linalg.norm(answers - self.answers[twin], axis=1) > _AT * self.norm
        if (same & other).any():
            k = int(np.flatnonzero(same & other)[0])
            raise ValueError(
                f"X must not have a frame that is stored already with another after it, got row "
                f"{k}, which is stored row {twin[k]}; a larger context tells them apart"
            )

    def with_rows(
        self,
        points: Float[np.ndarray, "m d"],
        sizes: Float[np.ndarray, " m"],
        answers: tuple[Float[np.ndarray, "m d"], Float[np.ndarray, " m"]] | None = None,
    ) -> "MemoryState":
        """Return the state with patterns appended.

        Args:
            points, sizes: from `coordinates.encode`.
            answers: points and sizes of what they are mapped to; by default themselves.
        """
        there, there_sizes = (points, sizes) if answers is None else answers
        store = self.store
        count = len(store.x) + len(points)
        if isinstance(store, KernelStore):
            kind = store_type(self.settings, count, points.shape[1])
            store = as_large(store) if kind is LargeStore else store
        return replace(
            self,
            store=store.with_rows(points, there),
            sizes=np.concatenate([self.sizes, sizes]),
            answer_sizes=np.concatenate([self.answer_sizes, there_sizes]),
            outside=self.outside or self.coordinates.metric.outside(points),
            carried=self._carried(slice(None)),
        )

    def _carried(self, kept: Int[np.ndarray, " k"] | slice) -> Carried:
        """Return what a state of the rows kept, and perhaps more, need not work out anew."""
        rows = vars(self).get("_rows")
        return Carried(None if rows is None else rows[kept])

    def without(self, gone: Int[np.ndarray, " k"]) -> "MemoryState":
        """Return the state without some rows; later ones move up."""
        kept = np.delete(np.arange(len(self.points)), gone)
        return replace(
            self,
            store=self.store.without(gone),
            sizes=self.sizes[kept],
            answer_sizes=self.answer_sizes[kept],
            fitted=self.fitted - int((gone < self.fitted).sum()),
            carried=self._carried(kept),
        )
