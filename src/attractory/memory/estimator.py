"""`AttractorMemory`: store rows, recall them from what is left of them, and say how sure that is.

A scikit-learn estimator around the maps of this library. Rows are centred, seen in a metric of
their own (`memory.metric`), given one norm (`memory.coordinates`) and stored as fixed points of a
kernel regression or of a trained network (`memory.stored_map`). Cues are recalled by iterating that
map, guided on the way (`memory.guided_recall`). What is returned is in the units that went in.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from attractory._util.aliases import ArrayLike
from attractory._util.interrupts import check, heeded
from attractory._util.progress import Progress, counting, reporting
from attractory._util.threads import few_threads
from attractory._util.validation import flag, known_coordinates
from attractory.activations import Activation
from attractory.analysis.iteration import RecallStatus
from attractory.memory.base import BaseMemory
from attractory.memory.beginnings import Beginnings
from attractory.memory.cue_mending import DAMAGE
from attractory.memory.metric_search import Choice, held_out_cues
from attractory.memory.on_gpu import follow_anywhere
from attractory.memory.recalled import MemoryRecall

__all__ = ["AttractorMemory"]

_NEAR = 0.01  # of the norm: a state this near is at the row
_TOGETHER = 128  # cues looked at between two words of progress
_TRIALS, _SEED = 80, 1  # cues of `score`; not those that `fit` chooses by


class AttractorMemory(OneToOneFeatureMixin, TransformerMixin, BaseMemory):
    """A memory of rows: `fit` stores them, `transform` recalls them from corrupted cues.

    Args:
        width: None for the infinite-width limit, exact and quick; or the number of units in each
            hidden layer of a network, which is trained.
        activation: of the map's units, a name or an `Activation`.
        depth: number of weight matrices, 2 or more.
        norm: given to every centred row; or "auto": the least at which the rule predicts spectral
            radii of 0.97 and the closest rows are told apart.
        center: whether to subtract the mean row. Images need it.
        metric: rows are multiplied by (C + λI)^−½, C their covariance and λ relative to its largest
            eigenvalue. "search" chooses λ by trial recalls of cues made from the rows, in seconds,
            at most what six trials of 1,000 rows of 800 numbers take, and by the rule for more rows
            (`memory.metric_search`); "rule" takes λ = 0.01, less for more than 1,000 rows; or a λ
            above 0, None for no metric, or a symmetric positive definite matrix (d, d) of your own.
            `partial_fit` keeps that of `fit`.
        iteration: "guided", by the map without its terms of low degree at first and as it is at
            last; or "plain", by the map alone, from the cue as it is. What is stored, and what
            `diagnose` says of it, is the same map.
        scale: that columns are divided by first: "auto" is their deviations where a few columns
            have nearly all of the variance and size, so that they must be in units of their own (a
            salary beside an age); "columns" is their deviations; None is nothing; or
            numbers above 0, (d,). Distances, radii and the noise expected are in these units.
        ridge: added to K's diagonal; above 0 rows are stored inexactly.
        solver: without a width: "cholesky" factorises the kernel matrix, "cg" holds none and solves
            by conjugate gradients; "auto" is "cg" for more than 20,000 rows.
        compute: where "cg" and recall compute: None for this process, "devices" for all JAX
            devices, or the address of a Dask scheduler.
        max_steps: of the iteration.
        tolerance: step, relative to the state, at which it stops; a network's float32 stops at
            4e-6.
        reject: confidence from which on a cue is known.
        random_state: of the network's weights.

    Attributes:
        n_features_in_: number of columns, d.
        patterns_: the stored rows, (n, d), in the units given.
        norm_: the norm used.
        choice_: what `fit` chose, and the trials it chose by; None where a rule stands.
        map_: the map in coordinates of that norm, for the analyses of this library; `points_` are
            the stored rows there, (n, d).
        residual_: largest miss of a stored row, relative to the norm.

    Raises:
        ValueError: for parameters out of range, rows that differ only in contrast, a row at the
            mean, more rows than memory allows, and what scikit-learn checks.

    Example:
        >>> from attractory.datasets import bundled_digits
        >>> digits, labels = bundled_digits(10)
        >>> memory = AttractorMemory().fit(digits)
        >>> damaged = digits + 0.2 * np.random.default_rng(0).normal(size=(10, 784))
        >>> memory.predict(damaged).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
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
        metric: float | str | ArrayLike | None = "search",
        scale: str | ArrayLike | None = "auto",
        iteration: str = "guided",
        ridge: float = 0.0,
        solver: str = "auto",
        compute: str | None = None,
        max_steps: int = 1000,
        tolerance: float = 1e-7,
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
        self.ridge = ridge
        self.solver = solver
        self.compute = compute
        self.max_steps = max_steps
        self.tolerance = tolerance
        self.reject = reject
        self.random_state = random_state

    def fit(
        self,
        X: object,
        y: object = None,
        *,
        allow_unstored: bool = False,
        progress: Progress = None,
    ) -> "AttractorMemory":
        """Store the rows of X, and nothing else.

        Args:
            X: (n, d), n ≥ 2 unless `center` is False. Equal rows are stored once.
            y: ignored; labels, as pipelines pass them.
            allow_unstored: take rows that the map misses as they are, with a warning, now and in
                what follows (`partial_fit`, `forget`, `save_memory`); else they are an error.
            progress: a bar or none, or a function of parts done, parts in all, and what is being
                done: trials that choose the metric are parts. See `Progress`.

        Raises:
            NotStoredError: if a row is missed by more than 1e-6 of the norm, a network's by more
                than 1e-3; the memory is then as it was.
        """
        self._store(X, allow_unstored=allow_unstored, progress=progress)
        return self

    def partial_fit(
        self,
        X: object,
        y: object = None,
        *,
        allow_unstored: bool | None = None,
        progress: Progress = None,
    ) -> "AttractorMemory":
        """Store more rows; centre and norm stay those of `fit`. Rows already stored are left out.

        A memory that could not take the rows stays as it was. Arguments are those of `fit`;
        `allow_unstored` None stands for what was said there.
        """
        if not self.__sklearn_is_fitted__():
            shown = {} if progress is None else {"progress": progress}  # a subclass may have none
            return self.fit(X, allow_unstored=bool(allow_unstored), **shown)
        self._store_more(X, allow_unstored=allow_unstored, progress=progress)
        return self

    def recall(
        self,
        X: object,
        known: ArrayLike | None = None,
        *,
        clamp: bool = False,
        progress: Progress = None,
    ) -> MemoryRecall:
        """Bring cues, (k, d), to rest, and say where they ended and how sure that is.

        Args:
            X: the cues. A coordinate that is NaN is unknown: it has no say, and is filled in.
            known: which coordinates are known, (k, d), or (d,) for all cues; None for those that
                are not NaN. A cue that is known nowhere is an error.
            clamp: whether known coordinates of the states returned are exactly those of X; the
                row, and all else, is that of the state at rest.
            progress: a bar or none, or a function of cues looked at and cues in all; the iteration,
                of all at once, comes then. See `Progress`.

        Example:
            >>> from attractory.datasets import bundled_digits
            >>> digits, _ = bundled_digits(10)
            >>> top = np.arange(784) < 392  # the upper half of the image
            >>> AttractorMemory().fit(digits).recall(digits, top).pattern.tolist()
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        """
        clamps = flag(clamp, "clamp")
        with reporting(progress, "recalling", counting) as show:
            return self._recall(X, known, missing=True, clamp=clamps, show=show)

    def _recall(
        self,
        X: object,
        known: ArrayLike | None = None,
        missing: bool = False,
        clamp: bool = False,
        show: Callable[[int, int], object] = lambda done, total: None,
    ) -> MemoryRecall:
        rows = self._cues(X, missing)
        told = known_coordinates(rows, known)
        if told is not None:
            rows = np.where(told, rows, 0.0)
        with heeded(), few_threads(max(rows.size, self.state_.points.size)):
            result = self._recalled(rows, told, show)
        if clamp:
            state = rows if told is None else np.where(told, rows, result.state)
            result = replace(result, state=state)
        if hasattr(X, "columns"):  # a DataFrame
            result = replace(result, names=np.asarray(getattr(X, "index", range(len(rows)))))
        return result

    def _recalled(
        self,
        rows: Float[np.ndarray, "k d"],
        known: Bool[np.ndarray, "k d"] | None,
        show: Callable[[int, int], object],
    ) -> MemoryRecall:
        state = self.state_
        settings = state.settings.at_recall(self.get_params(deep=False))
        plan, span, coordinates = state.plan(settings), state.span, state.coordinates
        begun = self._begun(rows, known, show)
        cue, start, across = span.inward(begun.plain, begun.start)
        ended = follow_anywhere(settings.compute, plan, cue, start, begun.certain, begun.row)
        closest = ended.path[-1]
        distance = np.linalg.norm(ended.state - plan.patterns[closest], axis=1) / plan.norm
        held = (distance <= _NEAR) & (ended.status != RecallStatus.DIVERGED)
        pattern = np.where(held, closest, -1)
        if settings.guided:
            sure = np.where(pattern == begun.row, begun.sure, 0.0)
        else:
            sure = state.confidence.of(begun.plain, pattern)
        return MemoryRecall(
            state=coordinates.decode(span.outward(ended.state, across), state.sizes[closest]),
            pattern=pattern,
            confidence=sure,
            known=(pattern >= 0) & (sure >= settings.reject),
            distance=distance,
            steps=ended.steps,
            residual=ended.residual / plan.norm,
            status=ended.status,
            path=ended.path,
            damage=np.array([*DAMAGE, ""])[begun.damage],
        )

    def _begun(
        self,
        rows: Float[np.ndarray, "k d"],
        known: Bool[np.ndarray, "k d"] | None,
        show: Callable[[int, int], object],
    ) -> Beginnings:
        """Return where recall begins, some cues at a time."""
        parts, count = [], len(rows)
        for k in range(0, count, _TOGETHER):
            check()
            show(k, count)
            some = slice(k, k + _TOGETHER)
            parts.append(self.state_.beginnings(rows[some], None if known is None else known[some]))
        show(count, count)
        return Beginnings(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def transform(self, X: object) -> Float[np.ndarray, "k d"]:
        """Return the states that cues (k, d) end at, known or not; NaN is for `recall`."""
        return self._recall(X).state

    def predict(self, X: object) -> Int[np.ndarray, " k"]:
        """Return the index of the row each cue is recalled as, −1 for cues that are not known."""
        result = self._recall(X)
        return np.where(result.known, result.pattern, -1)

    def score(self, X: object, y: object = None) -> float:
        """Return the share of cues that are recalled as the row they were made from; 0 to 1.

        Without `y` the cues are 80 damaged stored rows, the same at every call: of each fifth of
        them, one run of 20 to 80 % of the columns has one value; 20 to 80 % of the columns have the
        mean, or one value; as many have values of their own within the column's range; white noise
        of 0.5 to 3 times the row's distance from the mean is added; or a random mixture of other
        rows. The damage grows evenly within each fifth, so that a score of 1 is out of reach. Cues
        that damage has left within 1 % of the norm of their row are not counted.

        Cross-validation and grid search pass rows that are not stored. A memory cannot recall
        those, and one that takes them for stored rows is no better for it: they are checked, and
        count for nothing. What is scored is how well the rows of the training part are recalled.

        Args:
            X: cues, (k, d), if there are rows for y; else any rows.
            y: the rows that X should be recalled as, (k, d), to 1 % of the norm. None, or labels
                (k,): the damaged rows above.
        """
        if y is None or np.asarray(y).ndim < 2:
            self._cues(X)
            coordinates = self.state_.coordinates
            home, cues = held_out_cues(coordinates.scaled(self.patterns_), _TRIALS, seed=_SEED)
            cues = coordinates.unscaled(cues)
            away = coordinates.encode(cues)[0] - self.points_[home]
            damaged = np.linalg.norm(away, axis=1) > _NEAR * self.norm_
            right = self._recall(cues).pattern == home
            return float(right[damaged].mean()) if damaged.any() else 0.0
        kind: Any = np.float64
        given: Any = y
        rows = check_array(given, dtype=kind, input_name="y")
        cues = self._cues(X)
        if rows.shape != cues.shape:
            mend = "; labels are one-dimensional: y.ravel()" if rows.shape[1] == 1 else ""
            raise ValueError(f"y must have the shape of X, {cues.shape}, got {rows.shape}{mend}")
        result = self._recall(X)
        coordinates = self.state_.coordinates
        wanted, found = coordinates.encode(rows)[0], coordinates.encode(result.state)[0]
        return float((np.linalg.norm(found - wanted, axis=1) <= _NEAR * self.norm_).mean())

    @property
    def choice_(self) -> Choice | None:
        """What `fit` chose by trials; None where a rule stands."""
        check_is_fitted(self)
        return self.state_.choice
