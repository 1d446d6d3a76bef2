"""What the two memories share: the stored state, and how it is shown and shrunk."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from threading import Lock, RLock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from attractory._util.aliases import ArrayLike
from attractory._util.caller import warn_caller
from attractory._util.interrupts import check, heeded
from attractory._util.machine import refuse_what_cannot_fit
from attractory._util.progress import Progress, in_parts, reporting
from attractory._util.texts import counted
from attractory._util.threads import few_threads
from attractory._util.validation import flag
from attractory.maps.interpolation import InterpolationWarning
from attractory.maps.protocol import Map
from attractory.memory.column_scale import unequal_columns
from attractory.memory.coordinates import unseen
from attractory.memory.fitting import fit_state
from attractory.memory.row_checks import centre, lost_digits, refuse_extremes
from attractory.memory.settings import MemorySettings
from attractory.memory.state import MemoryState

__all__ = ["STALE", "BaseMemory"]

M = TypeVar("M", bound="BaseMemory")

STALE = "the metric was fitted to rows that are now the lesser part, or unlike the others"


# Kept apart from the estimators, which are copied and pickled without their locks.
_guard = Lock()
_locks: "WeakKeyDictionary[BaseMemory, Any]" = WeakKeyDictionary()


class BaseMemory(BaseEstimator):
    """Rows stored in a map: fitting, storing more, forgetting, and what is stored.

    Attributes:
        state_: what is stored, a value that every change replaces.
        info_: what a file said of the memory besides.
        file_: where it was loaded from or saved to last: the path, and the version of the file.

    `fit`, `partial_fit` and `forget` of one memory may be called by several threads: they take
    turns, and each is whole or not at all. Recall takes what is stored when it begins.
    """

    n_features_in_: int
    state_: MemoryState
    info_: dict[str, Any]
    file_: tuple[str, str]

    def _settings(self) -> MemorySettings:
        """Return the checked parameters."""
        return MemorySettings.checked(self.get_params(deep=False))

    def _states(
        self, rows: Float[np.ndarray, "n d"], given: object
    ) -> tuple[Float[np.ndarray, "n e"], Float[np.ndarray, "n e"] | None]:
        """Return what is stored of rows, and what it is mapped to, None for itself."""
        return rows, None

    def _store(
        self,
        X: object,
        y: object = None,
        allow_unstored: bool = False,
        progress: Progress = None,
    ) -> None:
        """Store rows, and nothing else; a memory that cannot is left as it was."""
        with self._alone():
            settings = replace(
                self._settings(), allow_unstored=flag(allow_unstored, "allow_unstored")
            )
            new = copy(self)  # the check notes the columns' number and names
            rows = _checked_rows(new, X, ensure_min_features=2)
            if settings.center and len(rows) == 1:
                raise ValueError(
                    "X must have 2 rows at least, got 1 sample: less the mean of all nothing is "
                    "left of it; center=False stores one row"
                )
            _refuse(settings, len(rows), rows.shape[1] * settings.context)
            rows, targets = self._states(rows, y)
            mean = centre(rows) if settings.center else np.zeros(rows.shape[1])
            told = [_lost_digits(rows, mean, X)]
            with few_threads(rows.size, len(rows)):
                new.state_ = fit_state(rows, targets, settings, progress)
                found = new.state_.check_stored()
            if new.state_.coordinates.scale is None:
                told.append(unequal_columns(rows))
            check()
            new.__dict__.pop("info_", None)
            self.__dict__ = new.__dict__
        for text in told:
            if text is not None:
                warn_caller(text, UserWarning)
        _warn(found)

    def _store_more(
        self,
        X: object,
        y: object = None,
        allow_unstored: bool | None = None,
        progress: Progress = None,
    ) -> None:
        """Store more rows; a memory that cannot is left as it was."""
        with self._alone(), reporting(progress, "storing", in_parts) as show:
            show(0, 2, "rows")
            self._settings()
            rows = _checked_rows(self, X, reset=False)
            (rows, targets), before = self._states(rows, y), self.state_
            points, sizes = before.coordinates.encode(rows)
            unit, stored = points / before.norm, before.points / before.norm
            new = unseen(unit, sizes, rows, before.coordinates.mean, stored, before.sizes)
            _refuse(before.settings, len(before.points) + len(new), rows.shape[1])
            answers = None if targets is None else before.coordinates.encode(targets)
            if answers is not None:
                before.refuse_other_answers(points, answers[0])
            if not len(new):
                show(2, 2, "done")
                return
            show(1, 2, "equations")
            answers = None if answers is None else (answers[0][new], answers[1][new])
            with few_threads(before.points.size, len(before.points)):
                grown = before.allowing(allow_unstored).with_rows(points[new], sizes[new], answers)
                found = self._take(grown)
            show(2, 2, "done")
            stale = self.state_.stale and not before.stale
        if stale:
            warn_caller(f"{STALE}; fit anew to renew it", UserWarning)
        _warn(found)

    def forget(self: M, indices: ArrayLike | int, *, allow_unstored: bool | None = None) -> M:
        """Remove stored rows by index; later ones move up.

        Args:
            indices: of the rows.
            allow_unstored: as for `fit`; None for what was said there.

        Raises:
            ValueError: if an index is out of range, or nothing would be left.
            NotStoredError: if a network cannot be trained to hold those that are left.
        """
        check_is_fitted(self)
        with self._alone():
            gone = np.unique(np.atleast_1d(np.asarray(indices)))
            n = len(self)
            if gone.size and (gone.dtype.kind not in "iu" or gone.min() < 0 or gone.max() >= n):
                raise ValueError(f"indices must be integers from 0 to {n - 1}, got {gone.tolist()}")
            if len(gone) >= n:
                raise ValueError(f"indices must leave a row, got all {n}; fit anew instead")
            less = self.state_.allowing(allow_unstored)
            with few_threads(less.points.size, len(less.points)):
                found = self._take(less.without(gone)) if len(gone) else None
        _warn(found)
        return self

    def _take(self, state: MemoryState) -> str | None:
        """Replace the state, if it stores its rows; return what is to be warned of."""
        # A kernel solves when it is next asked, or saved, unless there is doubt.
        found = state.check_stored() if state.store.doubtful else None
        check()
        self.state_ = state
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Change the memory in one thread at a time, and lose no Ctrl-C."""
        with _guard:
            lock = _locks.setdefault(self, RLock())
        with lock, heeded():
            yield

    @property
    def map_(self) -> Map:
        """The map, solved for or trained now if rows have come or gone since it was last asked."""
        check_is_fitted(self)
        return self.state_.map

    @property
    def norm_(self) -> float:
        """The norm of the stored patterns."""
        check_is_fitted(self)
        return self.state_.norm

    @property
    def points_(self) -> Float[np.ndarray, "n d"]:
        """The stored rows in the coordinates of the map, (n, d)."""
        check_is_fitted(self)
        return self.state_.points

    @property
    def patterns_(self) -> Float[np.ndarray, "n d"]:
        """The stored rows in the units given, (n, d)."""
        check_is_fitted(self)
        return self.state_.rows.copy()

    @property
    def residual_(self) -> float:
        """Largest miss of a stored row, or of what it is mapped to, relative to the norm."""
        check_is_fitted(self)
        return self.state_.store.residual()

    @property
    def stale_(self) -> bool:
        """Whether the metric no longer fits: most rows came after it, or lie far out in it."""
        check_is_fitted(self)
        return self.state_.stale

    def __sklearn_is_fitted__(self) -> bool:
        """Whether rows are stored."""
        return hasattr(self, "state_")

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """Return the parameters that are not the usual ones, and what is stored."""
        text = super().__repr__(N_CHAR_MAX)
        if not self.__sklearn_is_fitted__():
            return text
        size = counted(self.n_features_in_, "number")
        return f"{text} holding {counted(len(self), 'row')} of {size}"

    def __len__(self) -> int:
        """Return the number of stored rows."""
        check_is_fitted(self)
        return len(self.state_.points)

    def _cues(self, X: object, missing: bool = False) -> Float[np.ndarray, "k d"]:
        """Return checked cues; NaN is an error unless `missing`."""
        check_is_fitted(self)
        allowed = {"ensure_all_finite": "allow-nan"} if missing else {}
        return _checked_rows(self, X, reset=False, **allowed)


def _warn(found: str | None) -> None:
    if found is not None:
        warn_caller(found, InterpolationWarning)


def _checked_rows(estimator: BaseMemory, X: object, **rules: Any) -> Float[np.ndarray, "n d"]:
    given: Any = X
    _two_axes(given)
    _refuse_other_kinds(given)
    if isinstance(given, np.ma.MaskedArray):  # scikit-learn takes what is beneath the mask
        given = np.ma.filled(given.astype(float), np.nan)
    try:
        rows: Any = validate_data(estimator, given, dtype=np.float64, **rules)
    except (ValueError, TypeError):  # scikit-learn's words do not name X, or mislead
        if "ensure_all_finite" not in rules and _has_nan(given):
            raise ValueError(
                "X must not have NaN; cues of `AttractorMemory.recall` may: it is filled in"
            ) from None
        _refuse_what_are_no_numbers(given)
        raise
    refuse_extremes(rows, "X")
    return rows


def _refuse_other_kinds(X: Any) -> None:
    """Refuse complex numbers, and dates, which would be taken by their number of nanoseconds."""
    kinds = [X.dtype] if hasattr(X, "dtype") else getattr(X, "dtypes", ())  # of a DataFrame
    for kind in kinds:
        letter = getattr(kind, "kind", "O")
        if letter == "c":
            raise ValueError(
                f"Complex data not supported: X must hold real numbers, got dtype {kind}; "
                "np.hstack([X.real, X.imag]) are rows of both parts"
            )
        if letter in "mM":
            raise TypeError(
                f"X must hold numbers, got dtype {kind}; say in which unit and from when, as in "
                "(X - X.min()) / np.timedelta64(1, 'D')"
            )


def _refuse_what_are_no_numbers(X: Any) -> None:
    """Refuse what NumPy makes no real numbers of; sparse arrays are for scikit-learn to refuse."""
    if hasattr(X, "toarray"):
        return
    must = "X must hold real numbers, as rows (n, d)"
    try:
        array = np.asarray(X)
        if array.dtype.kind != "c":
            np.asarray(array, float)
            return
    except (TypeError, ValueError) as error:
        raise type(error)(f"{must}: {error}") from None
    raise TypeError(f"{must}, got dtype {array.dtype}")


def _has_nan(X: Any) -> bool:
    rules: Any = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}
    with suppress(TypeError, ValueError):
        return bool(np.isnan(check_array(X, **rules)).any())
    return False


def _two_axes(X: Any) -> None:
    """Refuse a single row, and images, with what makes rows of them."""
    shape = getattr(X, "shape", None)
    if not isinstance(shape, tuple) or len(shape) == 2:
        return  # lists are for scikit-learn to look at
    mend = "a single row is X.reshape(1, -1)"
    if len(shape) > 2:
        mend = "images are rows by X.reshape(len(X), -1)"
    raise ValueError(f"X must have shape (n, d), got shape {shape}. Reshape your data: {mend}")


def _lost_digits(
    rows: Float[np.ndarray, "n d"], mean: Float[np.ndarray, " d"], given: object
) -> str | None:
    """Say whether rounding, of float64 or of what the rows were given in, has taken digits."""
    kind = getattr(given, "dtype", None)
    if not (isinstance(kind, np.dtype) and kind.kind == "f"):
        kind = np.dtype(np.float64)
    return lost_digits(rows, mean, kind)


def _refuse(settings: MemorySettings, n: int, dim: int) -> None:
    if settings.width is None:
        refuse_what_cannot_fit(n, dim, settings.solver, "X")
