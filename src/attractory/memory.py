"""`AttractorMemory`: store rows, recall them from what is left of them, and say how sure that is.

A scikit-learn estimator around the maps of this library. Rows are centred and given one norm
(`attractory._sphere`), stored as fixed points of a kernel regression or of a trained network, and
recalled by iterating it; what comes back is in the units that went in.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from attractory import _sphere
from attractory._checks import choice, nonnegative, positive, share, whole
from attractory._diagonal import inverse_width
from attractory._sphere import Sphere
from attractory._store import KernelStore, NetworkStore
from attractory.activations import Activation, ErfMixture
from attractory.activations import activation as find_activation
from attractory.iteration import RecallResult, Status, recall
from attractory.network import Autoencoder
from attractory.regression import InterpolationWarning
from attractory.rejection import Rejection

__all__ = ["AttractorMemory", "MemoryRecall"]

T = TypeVar("T")
_DENSE = 20_000  # patterns whose kernel matrix is still factorised whole
_NEAR = 0.01  # of the norm: a state this near is at the row
_SAME = 1e-9  # rows closer than this, relative to their size, are one pattern
# norm="auto", in units of w √dim: the least, and what it is for close neighbours.
_LEAST, _CLOSER, _POWER = 2.4, 0.44, -2.5
_CLOSE = 0.05  # of the patterns have a neighbour closer than the angle taken


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


@dataclass(frozen=True)
class MemoryRecall:
    """What a memory made of each cue; arrays over k cues.

    Attributes:
        state: where the iteration ended, (k, d), in the units of the stored rows.
        pattern: index of the stored row it ended at, within 1 % of the norm; −1 for none. `status`
            says whether it had come to rest there.
        confidence: share of unknown cues that would look less like that row, (k,); see
            `attractory.rejection`.
        known: whether the memory vouches for the answer: it ended at a row, with a confidence of at
            least `reject`.
        distance: from the nearest stored row, relative to the norm, (k,).
        steps, residual, status: as in `attractory.RecallResult`, the residual relative to the norm.
    """

    state: Float[np.ndarray, "k d"]
    pattern: Int[np.ndarray, " k"]
    confidence: Float[np.ndarray, " k"]
    known: Bool[np.ndarray, " k"]
    distance: Float[np.ndarray, " k"]
    steps: Int[np.ndarray, " k"]
    residual: Float[np.ndarray, " k"]
    status: Int[np.ndarray, " k"]

    def __repr__(self) -> str:
        """Count what became of the cues."""
        return (
            f"MemoryRecall({len(self.pattern)} cues: {int((self.pattern >= 0).sum())} ended at a "
            f"stored row, {int(self.known.sum())} known; at most {int(self.steps.max())} steps)"
        )


class AttractorMemory(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """A memory of rows: `fit` stores them, `transform` recalls them from corrupted cues.

    Args:
        model: "kernel", the infinite-width limit, exact and quick up to 20,000 rows; or "network",
            a trained autoencoder of finite width.
        activation, depth: of the map.
        width: of the network's hidden layers.
        norm: given to every centred row; "auto" goes by dim, the activation's width and the angle
            between close neighbours, a rule fitted to digits (`docs/memory.md`).
        center: whether to subtract the mean row. Images need it.
        ridge: added to K's diagonal; above 0 rows are stored inexactly.
        max_steps: of the iteration.
        tolerance: relative step at which it stops; a network's float32 stops at 4e-6.
        reject: confidence from which on a cue is known.
        random_state: of the network's weights.

    Attributes:
        n_features_in_: d.
        patterns_: the stored rows, (n, d), in the units given.
        norm_: the norm used.
        map_: the map in coordinates of that norm, for the analyses of this library; `points_` are
            the stored rows there, (n, d).
        residual_: largest miss of a stored row, or of what it is mapped to, relative to the norm.

    Raises:
        ValueError: for parameters out of range, rows that differ only in contrast, a row at the
            mean, more rows than memory allows, and what scikit-learn checks.

    Example:
        >>> from attractory import bundled_digits
        >>> digits, labels = bundled_digits(10)
        >>> memory = AttractorMemory().fit(digits)
        >>> damaged = np.clip(digits + 0.2 * np.random.default_rng(0).normal(size=(10, 784)), 0, 1)
        >>> memory.predict(damaged).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """

    n_features_in_: int
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
        ridge: Any = 0.0,
        max_steps: Any = 1000,
        tolerance: Any = 1e-8,
        reject: Any = 0.9,
        random_state: Any = 0,
    ):
        """Keep the parameters; `fit` checks them."""
        self.model = model
        self.activation = activation
        self.depth = depth
        self.width = width
        self.norm = norm
        self.center = center
        self.ridge = ridge
        self.max_steps = max_steps
        self.tolerance = tolerance
        self.reject = reject
        self.random_state = random_state

    @_all_or_nothing
    def fit(self, X: Any, y: Any = None) -> "AttractorMemory":
        """Store the rows of X, and nothing else.

        Args:
            X: (n, d), n ≥ 2 unless `center` is False. Equal rows are stored once.
            y: None; or rows (n, d), to map each row of X to one of them instead of to itself (its
                successor, its partner). Labels (n,), as pipelines pass them, are ignored.
        """
        act = self._parameters()
        rows: Any = validate_data(
            self, X, dtype=np.float64, ensure_min_features=2,
            ensure_min_samples=2 if self.center else 1,
        )  # fmt: skip
        _affordable(len(rows), self.model)
        targets = self._targets(rows, y)
        mean = rows.mean(axis=0) if self.center else np.zeros(rows.shape[1])
        unit, sizes = Sphere(mean, 1.0).encode(rows)
        kept = _distinct(unit, sizes, rows)
        norm = _auto_norm(unit[kept], act) if isinstance(self.norm, str) else float(self.norm)
        sphere = Sphere(mean, norm)
        answers, answer_sizes = (
            (norm * unit[kept], sizes[kept]) if targets is None else sphere.encode(targets[kept])
        )
        model = self._new_model(norm * unit[kept], answers, act)
        model.map()  # what cannot be stored must fail now
        self._adopt(sphere, model, sizes[kept], answer_sizes, targets is not None)
        self._warn()
        return self

    @_all_or_nothing
    def partial_fit(self, X: Any, y: Any = None) -> "AttractorMemory":
        """Store more rows; centre and norm stay those of `fit`. Rows already stored are left out.

        A memory that could not take the rows stays as it was.
        """
        if not hasattr(self, "_model"):
            return self.fit(X, y)
        self._parameters()
        rows: Any = validate_data(self, X, dtype=np.float64, reset=False)
        targets = self._targets(rows, y)
        if (targets is not None) != self.hetero_:
            raise ValueError("y must be given as it was to fit: this memory maps rows to "
                             + ("rows of their own" if self.hetero_ else "themselves"))  # fmt: skip
        points, sizes = self._sphere.encode(rows)
        new = self._unseen(points / self.norm_, sizes, rows)
        _affordable(len(self) + len(new), self.model)
        if len(new):
            answers, answer_sizes = (
                (points[new], sizes[new]) if targets is None else self._sphere.encode(targets[new])
            )
            model = self._model.with_rows(points[new], answers)
            self._adopt(
                self._sphere, model, np.concatenate([self._sizes, sizes[new]]),
                np.concatenate([self._answer_sizes, answer_sizes]), self.hetero_,
            )  # fmt: skip
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
            self._adopt(
                self._sphere, model, self._sizes[kept], self._answer_sizes[kept], self.hetero_
            )
        return self

    def recall(self, X: Any) -> MemoryRecall:
        """Iterate the map from each cue, (k, d), and say where it ended and how sure that is.

        A memory of successors is applied once instead.
        """
        points = self._cues(X)
        if self.hetero_:
            image = np.asarray(self.map_(points), float)
            k = len(points)
            result = RecallResult(image, np.ones(k, int), np.full(k, np.nan), np.zeros(k, int))
        else:
            floor = 32 * float(np.finfo(getattr(self.map_, "dtype", np.float64)).eps)
            result = recall(
                self.map_, points, max_steps=self.max_steps, tol=max(self.tolerance, floor)
            )
        state = np.asarray(result.state, float)
        answers = self._answers()
        closest = _sphere.nearest(state, answers)
        distance = np.linalg.norm(state - answers[closest], axis=1) / self.norm_
        held = (distance <= _NEAR) & (np.asarray(result.status) != Status.DIVERGED)
        pattern = np.where(held, closest, -1)
        sure = self._rejection.confidence(points, pattern)
        return MemoryRecall(
            self._sphere.decode(state, self._answer_sizes[closest]), pattern, sure,
            (pattern >= 0) & (sure >= self.reject), distance, np.asarray(result.steps),
            np.asarray(result.residual, float) / self.norm_, np.asarray(result.status),
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
        state = self._cues(np.atleast_2d(np.asarray(x)))
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

    def _parameters(self) -> Activation:
        choice(self.model, "model", ("kernel", "network"))
        if isinstance(self.norm, str):
            choice(self.norm, "norm", ("auto",))
        else:
            positive(self.norm, "norm")
        if not isinstance(self.center, bool | np.bool_):
            raise TypeError(f"center must be True or False, got {type(self.center).__name__}")
        whole(self.depth, "depth", 2)
        whole(self.width, "width", 1)
        whole(self.max_steps, "max_steps", 1)
        nonnegative(self.ridge, "ridge")
        positive(self.tolerance, "tolerance")
        share(self.reject, "reject")
        return find_activation(self.activation)

    def _targets(self, rows: np.ndarray, y: Any) -> np.ndarray | None:
        if y is None or np.asarray(y).ndim < 2:
            return None
        targets: Any = validate_data(self, y, dtype=np.float64, reset=False)
        if targets.shape != rows.shape:
            raise ValueError(f"y must have the shape of X, {rows.shape}, got {targets.shape}")
        return targets

    def _cues(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        rows: Any = validate_data(self, X, dtype=np.float64, reset=False)
        return self._sphere.encode(rows)[0]

    # The map under change; nothing is kept until all of it is made

    def _new_model(self, points: np.ndarray, answers: np.ndarray, act: Activation) -> Any:
        if self.model == "kernel":
            return KernelStore(points, answers, act, self.depth, float(self.ridge))
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        start = Autoencoder(
            points.shape[1], width=self.width, depth=self.depth, activation=act, key=seed
        )
        return NetworkStore(points, answers, start)

    def _adopt(
        self, sphere: Sphere, model: Any, sizes: np.ndarray, answer_sizes: np.ndarray, hetero: bool
    ) -> None:
        self._sphere, self._model, self._sizes = sphere, model, sizes
        self._answer_sizes, self.hetero_ = answer_sizes, hetero
        self.norm_, self.points_ = sphere.norm, model.x
        self._rejection = Rejection(model.x, sphere.norm)

    def _unseen(self, unit: np.ndarray, sizes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return which rows are not stored yet, each once."""
        kept = _distinct(unit, sizes, rows)
        twin = _sphere.nearest(unit[kept], self.points_)
        stored = self.points_[twin] / self.norm_
        same = np.linalg.norm(unit[kept] - stored, axis=1) <= _SAME
        for k in np.flatnonzero(same):
            if abs(sizes[kept[k]] - self._sizes[twin[k]]) > _SAME * sizes[kept[k]]:
                raise ValueError(
                    f"X must not have rows that differ in contrast alone, got row {kept[k]} and "
                    f"stored row {twin[k]}: from the mean both lie in one direction"
                )
        return kept[~same]

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


def _affordable(n: int, model: str) -> None:
    if model == "kernel" and n > _DENSE:
        raise ValueError(
            f"X must have at most {_DENSE:,} rows for model='kernel', got {n:,}: their kernel "
            f"matrix and its factor would take {2 * 8 * n**2 / 2**30:,.0f} GiB"
        )


def _distinct(unit: np.ndarray, sizes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the rows to keep: one of equal ones; refuse those that no memory can tell apart."""
    at_mean = np.flatnonzero(sizes <= 1e-12 * max(float(np.abs(rows).max()), 1e-300))
    if len(at_mean):
        raise ValueError(
            f"X must not have a row at the mean of all, got row {at_mean[0]}: it has no direction; "
            "leave it out, or pass center=False"
        )
    if len(unit) == 1:
        return np.zeros(1, int)
    _, first = np.unique(unit.round(9) + 0.0, axis=0, return_index=True)
    kept = np.sort(first)
    if len(kept) < len(unit):
        closest = kept[_sphere.nearest(unit, unit[kept])]
        apart = np.abs(sizes - sizes[closest]) > _SAME * sizes
        if apart.any():
            row = int(np.flatnonzero(apart)[0])
            raise ValueError(
                f"X must not have rows that differ in contrast alone, got rows {closest[row]} and "
                f"{row}: from the mean both lie in one direction, and the memory keeps directions"
            )
    return kept


def _auto_norm(unit: np.ndarray, act: Activation) -> float:
    """Return w √dim · max(2.4, 0.44 θ^−2.5), θ the angle that the closest 5 % have to a neighbour.

    w is the activation's width: the scale of the erf whose Θ grows as fast with the norm. The power
    is fitted to the best norms of 20, 100, 1,000 and 10,000 digits; well separated patterns need
    some five times √dim.
    """
    width = 1 / inverse_width(act) / np.sqrt(2) if isinstance(act, ErfMixture) else 1.0
    scale = width * np.sqrt(unit.shape[1])
    if len(unit) == 1:
        return float(_LEAST * scale)
    some = unit[_sphere.spread(len(unit), 2000)]
    closest = np.empty(len(some))
    for k in range(0, len(some), 256):
        cosine = some[k : k + 256] @ unit.T
        # The largest is the pattern itself.
        closest[k : k + 256] = np.partition(cosine, -2, axis=1)[:, -2]
    angle = float(np.arccos(np.clip(np.quantile(closest, 1 - _CLOSE), -1, 1)))
    return float(scale * max(_LEAST, _CLOSER * max(angle, 1e-2) ** _POWER))
