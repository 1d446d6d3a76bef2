"""`SequenceMemory`: store sequences of frames, each mapped to the next, and replay them from a cue.

The map takes every stored frame to its successor, so that a sequence is a cycle of the map, or a
path to a fixed point, rather than a set of fixed points. A cycle attracts if the product of the
Jacobians along it has a spectral radius below 1: its Floquet multipliers lie inside the unit
circle.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int
from sklearn.utils.validation import check_array, check_is_fitted

from attractory._util.aliases import ArrayLike
from attractory._util.interrupts import heeded
from attractory._util.progress import Progress, counting, reporting
from attractory._util.texts import counted
from attractory._util.threads import few_threads
from attractory._util.validation import nonnegative, real_array, whole
from attractory.activations import Activation
from attractory.memory.base import BaseMemory
from attractory.memory.cycles import CycleDiagnosis, diagnose_cycles
from attractory.memory.replaying import Start, brought_to_frames, in_units, steps_from
from attractory.memory.sequence_order import Order, following, joined_by, states_of
from attractory.memory.settings import MemorySettings

__all__ = ["SequenceMemory"]

_NOISE = 0.5, 1.0, 2.0  # that `diagnose` tries


class _Given(NamedTuple):
    """What `fit` was told of the order of frames."""

    y: object
    lengths: Sequence[int] | None
    closed: bool | Sequence[bool]


class SequenceMemory(BaseMemory):
    """A memory of sequences: `fit` stores them, `replay` runs through one from a cue.

    Args:
        width, activation, depth, center, metric, scale, ridge, solver, random_state: as for
            `AttractorMemory`; the metric is never chosen by trials.
        norm: given to every centred frame; or "auto": the least at which the rule predicts that
            steps contract.
        iteration: "guided" brings a cue to a frame before the map steps from it; "plain" steps from
            the cue by the map alone.
        context: frames that a state holds: with 2 a frame is told by the one before it, so that
            sequences may have equal frames. d numbers become `context` times as many.
        reject: confidence from which on `predict` takes a cue for a frame.

    Attributes:
        patterns_: the stored frames, (n, d); `successors_` are those that they are mapped to.
        sequences_: the rows of each stored sequence, in their order.
        points_, norm_, map_, residual_: as for `AttractorMemory`, of states of `context` frames.

    Raises:
        ValueError: as for `AttractorMemory`; for lengths that do not add up; and for equal frames
            that are followed by different ones, with the context that tells them apart.

    Example:
        >>> frames = np.eye(4, 9)
        >>> memory = SequenceMemory(activation="erf", norm=20.0).fit(frames)
        >>> memory.replay(frames[0], 6).argmax(axis=1).tolist()
        [0, 1, 2, 3, 0, 1, 2]
    """

    @no_type_check  # scikit-learn's checks construct it with values of any kind; `fit` refuses them
    def __init__(
        self,
        width: int | None = None,
        *,
        activation: str | Activation = "sigmoid",
        depth: int = 2,
        norm: float | str = "auto",
        center: bool = True,
        metric: float | str | ArrayLike | None = "rule",
        scale: str | ArrayLike | None = "auto",
        iteration: str = "guided",
        context: int = 1,
        ridge: float = 0.0,
        solver: str = "auto",
        reject: float = 0.8,
        random_state: int | np.random.RandomState | None = 0,
    ):
        """Keep the parameters; `fit` checks them."""
        self.width = width
        self.activation = activation
        self.depth = depth
        self.norm = norm
        self.center = center
        self.metric = metric
        self.scale = scale
        self.iteration = iteration
        self.context = context
        self.ridge = ridge
        self.solver = solver
        self.reject = reject
        self.random_state = random_state

    def fit(
        self,
        X: object,
        y: object = None,
        *,
        lengths: Sequence[int] | None = None,
        closed: bool | Sequence[bool] = True,
        allow_unstored: bool = False,
        progress: Progress = None,
    ) -> "SequenceMemory":
        """Store sequences, and nothing else.

        Args:
            X: frames in their order, (n, d). Equal states are stored once.
            y: the successor of each row, (n, d), instead of an order. Labels (n,) are ignored.
            lengths: frames of each sequence, one after the other in X; one sequence by default.
            closed: whether the last frame is followed by the first; if not, the sequence ends, and
                stays at its last frame. For all sequences, or one value for each.
            allow_unstored, progress: as for `AttractorMemory`.

        Example:
            >>> frames = np.eye(5, 9)
            >>> memory = SequenceMemory(activation="erf", norm=20.0)
            >>> memory = memory.fit(frames, lengths=[2, 3], closed=[True, False])
            >>> memory.replay(frames[2], 4).argmax(axis=1).tolist()
            [2, 3, 4, 4, 4]
        """
        self._store(X, _Given(y, lengths, closed), allow_unstored, progress)
        return self

    def partial_fit(
        self,
        X: object,
        y: object = None,
        *,
        lengths: Sequence[int] | None = None,
        closed: bool | Sequence[bool] = True,
        allow_unstored: bool | None = None,
        progress: Progress = None,
    ) -> "SequenceMemory":
        """Store more sequences beside those that are there; arguments as for `fit`."""
        if not self.__sklearn_is_fitted__():
            word = bool(allow_unstored)
            return self.fit(
                X, y, lengths=lengths, closed=closed, allow_unstored=word, progress=progress
            )
        self._store_more(X, _Given(y, lengths, closed), allow_unstored, progress)
        return self

    def add(
        self,
        X: object,
        *,
        closed: bool = True,
        allow_unstored: bool | None = None,
        progress: Progress = None,
    ) -> "SequenceMemory":
        """Store one more sequence, of frames in their order, (n, d).

        Args:
            X: the frames.
            closed: whether the last one is followed by the first; if not, the sequence ends.
            allow_unstored: as for `fit`; None for what was said there.
            progress: as for `fit`.

        Example:
            >>> memory = SequenceMemory(activation="erf", norm=20.0).fit(np.eye(3, 9))
            >>> [rows.tolist() for rows in memory.add(np.eye(9)[5:]).sequences_]
            [[0, 1, 2], [3, 4, 5, 6]]
        """
        return self.partial_fit(X, closed=closed, allow_unstored=allow_unstored, progress=progress)

    def forget(
        self, indices: ArrayLike | int, *, allow_unstored: bool | None = None
    ) -> "SequenceMemory":
        """Remove whole sequences by index, as in `sequences_`; later ones move up.

        Args:
            indices: of the sequences.
            allow_unstored: as for `fit`; None for what was said there.

        Raises:
            ValueError: if an index is out of range, or nothing would be left.
            NotStoredError: if a network cannot be trained to hold those that are left.

        Example:
            >>> memory = SequenceMemory(activation="erf", norm=20.0)
            >>> memory = memory.fit(np.eye(5, 9), lengths=[2, 3]).forget(0)
            >>> memory.replay(np.eye(5, 9)[2], 3).argmax(axis=1).tolist()
            [2, 3, 4, 2]
        """
        check_is_fitted(self)
        with self._alone():
            stored = self.sequences_
            gone = np.unique(np.atleast_1d(np.asarray(indices)))
            inside = gone.dtype.kind in "iu" and gone.min(initial=0) >= 0
            if gone.size and not (inside and gone.max() < len(stored)):
                raise ValueError(
                    f"indices must be integers from 0 to {len(stored) - 1}, one for each sequence, "
                    f"got {gone.tolist()}"
                )
            if len(gone) >= len(stored):
                raise ValueError(
                    f"indices must leave a sequence, got all {len(stored)}; fit anew instead"
                )
            rows = [stored[k] for k in gone.tolist()]
            return (
                super().forget(np.concatenate(rows), allow_unstored=allow_unstored)
                if rows
                else self
            )

    def replay(
        self, x: ArrayLike, steps: int, *, progress: Progress = None
    ) -> Float[np.ndarray, "s d"]:
        """Return the frame that a cue is, and those that follow it, (steps + 1, d).

        Args:
            x: the cue, (d,); or the last frames up to it, (context, d). One alone is taken to have
                come after what was before the stored frame that it is nearest to.
            steps: at least 1.
            progress: a bar or none, or a function of steps done and steps in all; see `Progress`.

        With `iteration="plain"` the first row is the cue itself.
        """
        rows, count = self._cue(x), whole(steps, "steps", 1)
        shown = reporting(progress, "replaying", counting)
        with heeded(), few_threads(max(rows.size, self.state_.points.size)), shown as show:
            start = self._start(rows)
            plain = self.state_.frames is None
            found = [rows if plain else in_units(self.state_, start.points, start.across)]
            states = []
            for state in steps_from(self.state_, start.points, count):
                states.append(state)
                show(len(states), count)
            found.append(in_units(self.state_, np.concatenate(states)))
        return self._last(np.concatenate(found))

    def transform(self, X: object) -> Float[np.ndarray, "k d"]:
        """Return the successors of cues, (k, d), each a frame by itself."""
        rows = self._alone_in_context(self._cues(X))
        with heeded(), few_threads(max(rows.size, self.state_.points.size)):
            (after,) = steps_from(self.state_, self._start(rows).points, 1)
            return self._last(in_units(self.state_, after))

    def predict(self, X: object) -> Int[np.ndarray, " k"]:
        """Return which stored frame each cue is, (k, d) → (k,); −1 where it is not known."""
        rows = self._alone_in_context(self._cues(X))
        with heeded(), few_threads(max(rows.size, self.state_.points.size)):
            start, least = self._start(rows), self._at_recall().reject
        return np.where(start.sure >= least, start.pattern, -1)

    def diagnose(
        self,
        *,
        noise: ArrayLike = _NOISE,
        cues: int = 10,
        seed: int = 0,
        progress: Progress = None,
    ) -> CycleDiagnosis:
        """Return the cycles, their Floquet multipliers, and from how far replay comes back to them.

        Args:
            noise: white, its norm relative to the state's distance from the mean.
            cues: for each cycle and size of noise, from frames spread over it.
            seed: of the noise.
            progress: of cycles looked at; see `Progress`.

        Example:
            >>> memory = SequenceMemory(activation="erf", norm=20.0).fit(np.eye(4, 9))
            >>> memory.diagnose(noise=[0.1]).stable.tolist()
            [True]
        """
        check_is_fitted(self)
        sizes = np.atleast_1d(real_array(noise, "noise"))
        for size in sizes.tolist():
            nonnegative(size, "noise")
        count, first = whole(cues, "cues", 1), whole(seed, "seed", 0)
        state, settings = self.state_, self._at_recall()
        shown = reporting(progress, "cycles", lambda done, total: (done, total, f"{done}/{total}"))
        with heeded(), few_threads(state.points.size), shown as tell:
            return diagnose_cycles(state, settings, sizes, count, first, tell)

    @property
    def patterns_(self) -> Float[np.ndarray, "n d"]:
        """The stored frames in the units given, (n, d)."""
        check_is_fitted(self)
        return self._last(self.state_.rows).copy()

    @property
    def successors_(self) -> Float[np.ndarray, "n d"]:
        """The frame that each stored one is mapped to, in the units given, (n, d)."""
        check_is_fitted(self)
        state = self.state_
        return self._last(state.coordinates.decode(state.answers, state.answer_sizes))

    @property
    def sequences_(self) -> list[Int[np.ndarray, " _"]]:
        """The rows of each stored sequence, in their order; those that share frames are one."""
        check_is_fitted(self)
        return joined_by(following(self.state_.points, self.state_.answers))

    @property
    def _context(self) -> int:
        """Frames of a stored state; the parameter may have been changed since."""
        return self.state_.points.shape[1] // self.n_features_in_

    def _last(self, states: Float[np.ndarray, "k e"]) -> Float[np.ndarray, "k d"]:
        return states[:, -self.n_features_in_ :]

    def _at_recall(self) -> MemorySettings:
        return self.state_.settings.at_recall(self.get_params(deep=False))

    def _start(self, rows: Float[np.ndarray, "k e"]) -> Start:
        return brought_to_frames(self.state_, self._at_recall(), rows)

    def _cue(self, x: ArrayLike) -> Float[np.ndarray, "1 e"]:
        """Return a cue as a state of the last frames."""
        frames = self._cues(np.atleast_2d(np.asarray(x)))
        if len(frames) not in (1, self._context):
            up_to = f" or ({self._context}, d)" if self._context > 1 else ""
            raise ValueError(
                f"x must be one cue, of shape (d,){up_to}, got {len(frames)} rows; replay them one "
                "by one"
            )
        return self._alone_in_context(frames) if len(frames) == 1 else frames.reshape(1, -1)

    def _alone_in_context(self, frames: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k e"]:
        """Return states of single frames: what was before the stored frame that each is nearest."""
        if self._context == 1:
            return frames
        rows = self.state_.rows
        last = self._last(rows)
        squares = (last**2).sum(axis=1)
        states = rows[(squares - 2 * frames @ last.T).argmin(axis=1)]
        states[:, -self.n_features_in_ :] = frames
        return states

    def _states(
        self, rows: Float[np.ndarray, "n d"], given: object
    ) -> tuple[Float[np.ndarray, "n e"], Float[np.ndarray, "n e"]]:
        """Return states and their successors."""
        assert isinstance(given, _Given)
        fitted = self.__sklearn_is_fitted__()
        context = self._context if fitted and given else self._settings().context
        y, lengths, closed = given
        if y is None or np.asarray(y).ndim < 2:
            order = Order.checked(len(rows), lengths, closed)
            if context > min(order.lengths):
                least = counted(min(order.lengths), "frame")
                raise ValueError(
                    f"context must be at most the frames of each sequence, got {context} and a "
                    f"sequence of {least}"
                )
            return states_of(rows, order, context)
        if lengths is not None or context > 1:
            raise ValueError("y must be None where lengths or a context say what follows what")
        kind: Any = np.float64
        theirs: Any = y
        targets = check_array(theirs, dtype=kind, input_name="y")
        if targets.shape != rows.shape:
            raise ValueError(f"y must have the shape of X, {rows.shape}, got {targets.shape}")
        return rows, targets
