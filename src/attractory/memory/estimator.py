"""`AttractorMemory`: store rows, recall them from what is left of them, and say how sure that is.

A scikit-learn estimator around the maps of this library. Rows are centred, seen in a metric of
their own (`memory.metric`), given one norm (`memory.sphere`), stored as fixed points of a
kernel regression or of a trained network, and recalled by iterating it, on the way without the
map's terms of low degree (`memory.high_degree_steps`); what comes back is in the units that went
in.
"""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from attractory._util.machine import refuse_what_cannot_fit
from attractory._util.validation import whole
from attractory.analysis.iteration import RecallStatus
from attractory.maps.interpolation import InterpolationWarning
from attractory.maps.protocol import dtype_of
from attractory.memory import sphere as _sphere
from attractory.memory.cue_denoising import denoised
from attractory.memory.drift_free_steps import Drift
from attractory.memory.guided_recall import MemoryRecall, follow_shared, once
from attractory.memory.metric import fit_metric
from attractory.memory.metric_search import Choice, Settings, choose
from attractory.memory.norm_rule import BIAS
from attractory.memory.parameters import check_parameters
from attractory.memory.recipe import Recipe, grown
from attractory.memory.rejection import Rejection, held_out_evidence
from attractory.memory.rows import distinct, unseen
from attractory.memory.sphere import Sphere

__all__ = ["AttractorMemory", "MemoryRecall"]

T = TypeVar("T")
_NEAR = 0.01  # of the norm: a state this near is at the row
_AT = 1e-3  # of the norm: a cue this near is the row
_FAR = 4.0  # mean square of rows added, of that of the rows at fit: the metric does not fit them
STALE = "the metric was fitted to rows that are now the lesser part, or unlike the others"


def _all_or_nothing(method: Callable[..., T]) -> Callable[..., T]:
    """Leave the memory as it was if a change of it fails."""

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> T:
        before = dict(self.__dict__)
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    return wrapper


class AttractorMemory(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """A memory of rows: `fit` stores them, `transform` recalls them from corrupted cues.

    Args:
        model: "kernel", the infinite-width limit, exact and quick; or "network",
            a trained autoencoder of finite width.
        activation, depth: of the map.
        width: of the network's hidden layers.
        norm: given to every centred row, or "auto" (`search`).
        center: whether to subtract the mean row. Images need it.
        metric: rows are multiplied by (C + λI)^−½, C their covariance and λ relative to its largest
            eigenvalue: "auto" (`search`), a λ above 0, None for no metric, or a symmetric positive
            definite matrix (d, d) of your own. `partial_fit` keeps that of `fit`.
        bias: constant coordinate given to the map's input (its first layer's biases), relative to
            the norm; "auto" for 0, a map without, as in the paper (1 for a network).
        schedule: how recall goes on its way: "auto" by the memory's own map without its terms of
            low degree (`memory.high_degree_steps`), then without its linear one (`_drift`); norms
            below `norm`, rising, whose maps it passes with the cue held; or None for plain
            iteration from the cue. What is stored, and what `diagnose` says of it, is the map at
            `norm` alone.
        hold: how firmly a given schedule (and a network) holds the cue at first, from 0 to 1, which
            lets it rest; it falls by a factor 10.
        momentum: of recall, from 0 to below 1.
        ridge: added to K's diagonal; above 0 rows are stored inexactly.
        solver: of a kernel memory: "cholesky" factorises its matrix, "cg" holds none and solves by
            conjugate gradients; "auto" is "cg" for more than 20,000 rows.
        compute: where "cg" and recall compute: None for this process, "devices" for all JAX
            devices, or the address of a Dask scheduler.
        max_steps: of the iteration.
        tolerance: relative step at which it stops; a network's float32 stops at 4e-6.
        reject: confidence from which on a cue is known.
        search: whether a metric that is "auto" goes by trial recalls of cues made from the rows
            (`memory.metric_search`; seconds), or by a rule (λ 0.01).
        random_state: of the network's weights.

    Attributes:
        n_features_in_: d.
        patterns_: the stored rows, (n, d), in the units given.
        norm_, schedule_: the norms used.
        choice_: what `fit` chose, and the trials it chose by; None where the rules stand.
        map_: the map in coordinates of that norm, for the analyses of this library; `points_` are
            the stored rows there, (n, d).
        residual_: largest miss of a stored row, or of what it is mapped to, relative to the norm.

    Raises:
        ValueError: for parameters out of range, rows that differ only in contrast, a row at the
            mean, more rows than memory allows, and what scikit-learn checks.

    Example:
        >>> from attractory.datasets import bundled_digits
        >>> digits, labels = bundled_digits(10)
        >>> memory = AttractorMemory().fit(digits)
        >>> damaged = np.clip(digits + 0.2 * np.random.default_rng(0).normal(size=(10, 784)), 0, 1)
        >>> memory.predict(damaged).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """

    n_features_in_: int
    choice_: Choice | None
    info_: dict[str, Any]

    def __init__(
        self,
        model: Any = "kernel",
        *,
        activation: Any = "sigmoid",
        depth: Any = 2,
        width: Any = 10_000,
        norm: Any = "auto",
        center: Any = True,
        metric: Any = "auto",
        bias: Any = "auto",
        schedule: Any = "auto",
        hold: Any = 1.0,
        momentum: Any = 0.8,
        ridge: Any = 0.0,
        solver: Any = "auto",
        compute: Any = None,
        max_steps: Any = 1000,
        tolerance: Any = 1e-7,
        reject: Any = 0.9,
        search: Any = True,
        random_state: Any = 0,
    ):
        """Keep the parameters; `fit` checks them."""
        self.model = model
        self.activation = activation
        self.depth = depth
        self.width = width
        self.norm = norm
        self.center = center
        self.metric = metric
        self.bias = bias
        self.schedule = schedule
        self.hold = hold
        self.momentum = momentum
        self.ridge = ridge
        self.solver = solver
        self.compute = compute
        self.max_steps = max_steps
        self.tolerance = tolerance
        self.reject = reject
        self.search = search
        self.random_state = random_state

    @_all_or_nothing
    def fit(self, X: Any, y: Any = None) -> "AttractorMemory":
        """Store the rows of X, and nothing else.

        Args:
            X: (n, d), n ≥ 2 unless `center` is False. Equal rows are stored once.
            y: None; or rows (n, d), to map each row of X to one of them instead of to itself (its
                successor, its partner). Labels (n,), as pipelines pass them, are ignored.
        """
        act = check_parameters(self)
        rows: Any = validate_data(
            self, X, dtype=np.float64, ensure_min_features=2,
            ensure_min_samples=2 if self.center else 1,
        )  # fmt: skip
        self._refuse_what_cannot_fit(len(rows))
        targets = self._targets(rows, y)
        mean = rows.mean(axis=0) if self.center else np.zeros(rows.shape[1])
        given = rows if targets is None else np.vstack([rows, targets])
        metric = fit_metric(given - mean, self.metric)
        unit, sizes = Sphere(mean, 1.0, metric).encode(rows)
        kept = distinct(unit, sizes, rows)
        unit, sizes = unit[kept], sizes[kept]
        bias = BIAS[self.model] if isinstance(self.bias, str) else float(self.bias)
        settings = Settings.of(self, act, bias, targets is not None)
        chosen = choose(rows[kept], mean, metric, settings)
        if chosen is not None:
            metric = metric.with_share(chosen.metric)
            unit, sizes = Sphere(mean, 1.0, metric).encode(rows[kept])
        norm, passed = settings.norms(unit)
        sphere = Sphere(mean, norm, metric)
        points = norm * unit
        answers, answer_sizes = (points, sizes) if targets is None else sphere.encode(targets[kept])
        recipe = Recipe.of(self, act, bias)
        model = recipe.store(points, answers)
        model.map()  # what cannot be stored must fail now
        stages = recipe.stages(unit, passed)
        hetero, self.choice_ = targets is not None, chosen
        self._adopt(sphere, model, stages, sizes, answer_sizes, hetero, len(unit), False)
        self._warn()
        return self

    @_all_or_nothing
    def partial_fit(self, X: Any, y: Any = None) -> "AttractorMemory":
        """Store more rows; centre and norm stay those of `fit`. Rows already stored are left out.

        A memory that could not take the rows stays as it was.
        """
        if not hasattr(self, "_model"):
            return self.fit(X, y)
        check_parameters(self)
        rows: Any = validate_data(self, X, dtype=np.float64, reset=False)
        targets = self._targets(rows, y)
        if (targets is not None) != self.hetero_:
            raise ValueError("y must be given as it was to fit: this memory maps rows to "
                             + ("rows of their own" if self.hetero_ else "themselves"))  # fmt: skip
        points, sizes = self._sphere.encode(rows)
        new = unseen(points / self.norm_, sizes, rows, self.points_ / self.norm_, self._sizes)
        self._refuse_what_cannot_fit(len(self) + len(new))
        if len(new):
            answers, answer_sizes = (
                (points[new], sizes[new]) if targets is None else self._sphere.encode(targets[new])
            )
            model = grown(self._model, points[new], answers, solver=self.solver)
            parts = points[new] / self.norm_, answers / self.norm_
            stages = tuple(
                (grown(stage, *(v * at for v in parts), solver=self.solver), at)
                for stage, at in self._stages
            )
            fresh = not self.stale_
            self._adopt(
                self._sphere, model, stages, np.concatenate([self._sizes, sizes[new]]),
                np.concatenate([self._answer_sizes, answer_sizes]), self.hetero_, self._first,
                self._outside or self._sphere.metric.outside(points[new]),
            )  # fmt: skip
            if fresh and self.stale_:
                warnings.warn(f"{STALE}; fit anew to renew it", UserWarning, stacklevel=3)
            if self.model == "network":  # the kernel solves when it is next asked
                self._warn()
        return self

    @_all_or_nothing
    def forget(self, indices: Any) -> "AttractorMemory":
        """Remove stored rows by index; later ones move up.

        Raises:
            ValueError: if an index is out of range, or nothing would be left.
        """
        check_is_fitted(self)
        gone = np.unique(np.atleast_1d(np.asarray(indices)))
        n = len(self.points_)
        if gone.size and (gone.dtype.kind not in "iu" or gone.min() < 0 or gone.max() >= n):
            raise ValueError(f"indices must be integers from 0 to {n - 1}, got {gone.tolist()}")
        if len(gone) >= n:
            raise ValueError(f"indices must leave a row, got all {n}; fit anew instead")
        if len(gone):
            kept = np.delete(np.arange(n), gone)
            model = self._model.without(gone)
            stages = tuple((stage.without(gone), at) for stage, at in self._stages)
            self._adopt(
                self._sphere, model, stages, self._sizes[kept], self._answer_sizes[kept],
                self.hetero_, self._first - int((gone < self._first).sum()), self._outside,
            )  # fmt: skip
        return self

    def recall(self, X: Any) -> MemoryRecall:
        """Bring cues, (k, d), to rest, and say where they ended and how sure that is.

        A memory of successors is applied once instead.
        """
        rows = self._cues(X)
        answers = self._answers()
        if self.hetero_:
            start = self._start(rows)
            course = once(self.map_, self.norm_, start, answers)
        else:
            plain, start = self._sphere.encode(rows)[0], self._start(rows)
            floor = 32 * float(np.finfo(dtype_of(self.map_)).eps)
            course = follow_shared(
                self.compute, self._way(), self.map_, self.norm_, plain, start, answers,
                hold=float(self.hold), momentum=float(self.momentum), max_steps=self.max_steps,
                tolerance=max(self.tolerance, floor), drift=self._drift,
            )  # fmt: skip
        state = course.state
        closest = _sphere.nearest(state, answers)
        distance = np.linalg.norm(state - answers[closest], axis=1) / self.norm_
        held = (distance <= _NEAR) & (course.status != RecallStatus.DIVERGED)
        pattern = np.where(held, closest, -1)
        sure = self._rejection.confidence(start, pattern)
        return MemoryRecall(
            self._sphere.decode(state, self._answer_sizes[closest]), pattern, sure,
            (pattern >= 0) & (sure >= self.reject), distance, course.steps,
            course.residual / self.norm_, course.status, course.path, course.norms,
        )  # fmt: skip

    def transform(self, X: Any) -> Float[np.ndarray, "k d"]:
        """Return the states that cues (k, d) end at, known or not."""
        return self.recall(X).state

    def predict(self, X: Any) -> Int[np.ndarray, " k"]:
        """Return the index of the row each cue is recalled as, −1 for cues that are not known."""
        result = self.recall(X)
        return np.where(result.known, result.pattern, -1)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the share of cues that are recalled.

        Args:
            X: cues, (k, d).
            y: the rows they should come back as, (k, d), to 1 % of the norm. Without rows (None, or
                labels) it is the share that ends at any stored row.
        """
        result = self.recall(X)
        if y is None or np.asarray(y).ndim < 2:
            return float((result.pattern >= 0).mean())
        rows: Any = validate_data(self, y, dtype=np.float64, reset=False)
        wanted, _ = self._sphere.encode(rows)
        found, _ = self._sphere.encode(result.state)
        return float((np.linalg.norm(found - wanted, axis=1) <= _NEAR * self.norm_).mean())

    def replay(self, x: Any, steps: int) -> Float[np.ndarray, "s d"]:
        """Return a cue (d,) and its successors under so many steps, (steps + 1, d)."""
        state = self._start(self._cues(np.atleast_2d(np.asarray(x))))
        states = [state]
        for _ in range(whole(steps, "steps", 1)):
            state = np.asarray(self.map_(state), float)
            states.append(state)
        path = np.concatenate(states)
        return self._sphere.decode(path, self._answer_sizes[_sphere.nearest(path, self._answers())])

    @property
    def map_(self) -> Any:
        """The map, solved for or trained now if rows have come or gone since it was last asked."""
        check_is_fitted(self)
        return self._model.map()

    @property
    def stale_(self) -> bool:
        """Whether the metric no longer fits: most rows came after it, or lie far out in it."""
        check_is_fitted(self)
        old, new = self._sizes[: self._first], self._sizes[self._first :]
        if self._sphere.metric.plain or not len(new):
            return False
        far = len(old) > 0 and (new**2).mean() > _FAR * (old**2).mean()
        return len(new) > len(old) or bool(far)

    @property
    def residual_(self) -> float:
        """Largest miss of a stored row, or of what it is mapped to, relative to the norm."""
        check_is_fitted(self)
        return self._model.residual()

    def __sklearn_is_fitted__(self) -> bool:
        """Whether rows are stored."""
        return hasattr(self, "_model")

    @property
    def patterns_(self) -> Float[np.ndarray, "n d"]:
        """The stored rows in the units given."""
        return self._sphere.decode(self.points_, self._sizes)

    def __len__(self) -> int:
        """Return the number of stored rows."""
        check_is_fitted(self)
        return len(self.points_)

    # Parameters and input

    def _targets(self, rows: np.ndarray, y: Any) -> np.ndarray | None:
        if y is None or np.asarray(y).ndim < 2:
            return None
        targets: Any = validate_data(self, y, dtype=np.float64, reset=False)
        if targets.shape != rows.shape:
            raise ValueError(f"y must have the shape of X, {rows.shape}, got {targets.shape}")
        return targets

    def _refuse_what_cannot_fit(self, n: int) -> None:
        if self.model == "kernel":
            # A map is kept with its factor: the memory's own, and those that recall passes.
            matrices = 1 if isinstance(self.schedule, str | None) else 1 + len(self.schedule)
            refuse_what_cannot_fit(n, self.n_features_in_, self.solver, "X", matrices)

    def _cues(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        rows: Any = validate_data(self, X, dtype=np.float64, reset=False)
        return rows

    def _start(self, rows: np.ndarray) -> np.ndarray:
        """Return where recall of cues starts: less their noise, if they are no stored rows."""
        sphere = self._sphere
        plain = sphere.encode(rows)[0]
        if self.schedule is None:
            return plain
        mean, metric = sphere.mean, sphere.metric
        start = sphere.rescaled(denoised(rows - mean, metric, self._outside, mean))[0]
        stored = self.points_[_sphere.nearest(plain, self.points_)]
        there = np.linalg.norm(plain - stored, axis=1) <= _AT * self.norm_
        start[there] = plain[there]
        return start

    def _way(self) -> list[tuple[Any, float]]:
        """Return the maps that recall passes, with their norms; its own if there is no other."""
        if self.schedule is None or self._drift is not None:
            return []
        return [(stage.map(), at) for stage, at in self._stages] or [(self.map_, self.norm_)]

    def _held_out(self) -> np.ndarray | None:
        """Return the evidence of unknown cues, for a metric that was fitted to the rows."""
        if not self._sphere.metric.floor or self.hetero_ or self.schedule is None:
            return None
        mean, metric = self._sphere.mean, self._sphere.metric
        return held_out_evidence(self.patterns_ - mean, metric.share, mean)

    # Nothing is kept until all of it is made

    def _adopt(
        self,
        sphere: Sphere,
        model: Any,
        stages: tuple[tuple[Any, float], ...],
        sizes: np.ndarray,
        answer_sizes: np.ndarray,
        hetero: bool,
        first: int,
        outside: bool,
    ) -> None:
        self._sphere, self._model, self._stages, self._sizes = sphere, model, stages, sizes
        self._answer_sizes, self.hetero_ = answer_sizes, hetero
        self._first, self._outside = first, outside  # rows of the fit left; any across the metric
        self.norm_, self.points_ = sphere.norm, model.x
        self.schedule_ = tuple(at for _, at in stages)
        # Files of before have a stage where recall now takes the drift out of the map.
        self._drift = None
        if isinstance(self.schedule, str) and self.model == "kernel" and not stages and not hetero:
            self._drift = Drift(model)
        self._rejection = Rejection(model.x, sphere.norm, self._held_out)

    def _warn(self) -> None:
        residual = self.residual_
        if residual > self._model.accuracy and not self.ridge:
            warnings.warn(
                f"the memory misses a stored row by {residual:.1e} of the norm; a larger "
                "norm, fewer near-duplicates or (for a network) more width would do",
                InterpolationWarning,
                stacklevel=3,
            )

    def _answers(self) -> np.ndarray:
        return self._model.targets
