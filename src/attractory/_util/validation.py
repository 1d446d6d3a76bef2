"""Every check of a caller's values, in one voice: the argument, what it was, what would do."""

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = [
    "as_batch",
    "as_points",
    "ascending",
    "below_one",
    "choice",
    "duplicate_rows",
    "flag",
    "indices",
    "known_coordinates",
    "length_error",
    "moderate",
    "near",
    "no_zero_rows",
    "nonnegative",
    "positive",
    "real_array",
    "share",
    "up_to_one",
    "whole",
    "within",
]


def real_array(value: Any, name: str) -> np.ndarray:
    """Return a float64 array; ints, bools and narrower floats are promoted."""
    _known(value, name)
    try:
        array = np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name} must be a rectangular array of numbers; {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array.astype(np.float64, order="C", copy=False)


def _known(value: Any, name: str) -> None:
    """Refuse what JAX is tracing, of which there are no numbers yet."""
    jax = sys.modules.get("jax")  # not imported here: the command checks its arguments without it
    if jax is not None and isinstance(value, jax.core.Tracer):
        raise TypeError(
            f"{name} must be known numbers, and is traced: call this outside jax.jit, grad and vmap"
        )


def _finite(array: np.ndarray, name: str) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(k) for k in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must be finite, got {array[where]} at index {where} "
            f"({int(bad.sum())} such values); remove or fill them first"
        )


def as_points(value: Any, name: str, dim: int | None = None) -> Float[np.ndarray, "n d"]:
    """Return points as a float64 array of shape (n, d), n and d at least 1."""
    array = real_array(value, name)
    if array.ndim != 2:
        mend = f"; one point is {name}[None]" if array.ndim == 1 else ""
        raise ValueError(f"{name} must have shape (n, d), got shape {array.shape}{mend}")
    if 0 in array.shape:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    _features(array, name, dim)
    _finite(array, name)
    return array


def as_batch(value: Any, name: str, dim: int | None = None) -> Float[np.ndarray, "*k d"]:
    """Return points of any leading shape, (…, d), as a float64 array."""
    array = real_array(value, name)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have shape (…, d) and not be empty, got shape {array.shape}")
    _features(array, name, dim)
    _finite(array, name)
    return array


def _features(array: np.ndarray, name: str, dim: int | None) -> None:
    if dim is not None and array.shape[-1] != dim:
        raise ValueError(
            f"{name} must have {dim} features in its last axis, got {array.shape[-1]} "
            f"(shape {array.shape})"
        )


def _number(value: Any, name: str) -> float:
    _known(value, name)
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    return float(value)


def positive(value: Any, name: str) -> float:
    """Return a finite number above 0."""
    number = _number(value, name)
    if not (np.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a finite number above 0, got {value}")
    return number


def nonnegative(value: Any, name: str) -> float:
    """Return a finite number of at least 0."""
    number = _number(value, name)
    if not (np.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be a finite number of at least 0, got {value}")
    return number


def share(value: Any, name: str) -> float:
    """Return a number between 0 and 1, both excluded."""
    number = _number(value, name)
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    return number


def below_one(value: Any, name: str) -> float:
    """Return a number from 0 to below 1."""
    number = _number(value, name)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
    return number


def up_to_one(value: Any, name: str) -> float:
    """Return a number from 0 to 1."""
    number = _number(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must be at least 0 and at most 1, got {value}")
    return number


def flag(value: Any, name: str) -> bool:
    """Return True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {type(value).__name__}")
    return bool(value)


def known_coordinates(rows: Float[np.ndarray, "k d"], known: Any) -> Bool[np.ndarray, "k d"] | None:
    """Return which coordinates of cues are known; None if all are.

    Args:
        rows: the cues, with NaN where unknown.
        known: True for known ones, (k, d) or (d,); None for what is not NaN.

    Raises:
        ValueError: for a mask of another shape or of other values, a cue known nowhere, and NaN
            where the mask says known.
    """
    given = ~np.isnan(rows)
    if known is None:
        told = given
    else:
        mask = np.asarray(known)
        count, dim = rows.shape
        if mask.shape not in ((count, dim), (dim,)):
            raise ValueError(
                f"known must have shape ({count}, {dim}) or ({dim},), got shape {mask.shape}"
            )
        if mask.dtype != bool:
            if mask.dtype.kind not in "iuf" or not np.isin(mask, (0, 1)).all():
                raise ValueError(
                    "known must be True where a coordinate is known and False elsewhere, got "
                    f"values of type {mask.dtype}"
                )
            mask = mask.astype(bool)
        told = np.broadcast_to(mask, rows.shape)
        wrong = np.argwhere(told & ~given)
        if len(wrong):
            k, j = wrong[0].tolist()
            raise ValueError(f"X must not be NaN where known is True, got NaN at ({k}, {j})")
    nowhere = np.flatnonzero(~told.any(axis=1))
    if len(nowhere):
        raise ValueError(
            f"known must leave something of every cue, got cue {nowhere[0]} known nowhere"
            if known is not None
            else f"X must have a number in every row, got only NaN in row {nowhere[0]}"
        )
    return None if told.all() else told


def choice(value: Any, name: str, options: tuple[str, ...]) -> str:
    """Return one of the options."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}; got {value!r}")
    return value


def ascending(value: Any, name: str) -> Float[np.ndarray, " k"]:
    """Return numbers above 0, each larger than the one before."""
    array = real_array(value, name)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a list of numbers, got shape {array.shape}")
    _finite(array, name)
    if array[0] <= 0 or (np.diff(array) <= 0).any():
        raise ValueError(f"{name} must be above 0 and in ascending order, got {array.tolist()}")
    return array


def within(
    value: Any, name: str, least: float, most: float, shape: tuple[int, ...] | None = None
) -> Float[np.ndarray, "*k"]:
    """Return numbers from least to most, as they are or broadcast to a shape."""
    array = real_array(value, name)
    _finite(array, name)
    bad = (array < least) | (array > most)
    if bad.any():
        limit = f"at least {least:g}" if most == np.inf else f"from {least:g} to {most:g}"
        raise ValueError(f"{name} must be {limit}, got {array[bad].flat[0]:g}")
    return array if shape is None else _broadcast(array, name, shape)


def _broadcast(array: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"{name} must be one number or fit shape {shape}, got shape {array.shape}"
        ) from None


def indices(value: Any, name: str, shape: tuple[int, ...], count: int) -> Int[np.ndarray, "*k"]:
    """Return integers from 0 to count − 1, broadcast to a shape."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {array.dtype}")
    array = _broadcast(array.astype(np.int64), name, shape)
    if array.size and not (array.min() >= 0 and array.max() < count):
        raise ValueError(
            f"{name} must be from 0 to {count - 1}, got {array.min()} to {array.max()}"
        )
    return array


def whole(value: Any, name: str, least: int, most: int | None = None) -> int:
    """Return an integer between least and most."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__} {value!r}")
    number = int(value)
    if number < least or (most is not None and number > most):
        limit = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {limit}, got {number}")
    return number


LARGEST, LEAST = 1e50, 1e-50  # values of points whose sixth powers are numbers


def moderate(points: np.ndarray, name: str, most: float = LARGEST, least: float = 0.0) -> None:
    """Refuse points whose products leave floating point, by the norms of the last axis."""
    size = np.abs(points).max(axis=-1)
    if size.max() > most:
        where = ", ".join(str(k) for k in np.argwhere(size == size.max())[0])
        raise ValueError(
            f"{name} must not be larger than {most:g}, got {size.max():.3g}"
            f"{f' in row {where}' if where else ''}: powers of it leave floating point; divide all "
            "by one factor"
        )
    if size.min() < least:
        raise ValueError(
            f"{name} must not have rows smaller than {least:g}, got {size.min():.3g}: squares of "
            "it leave floating point; multiply all by one factor"
        )


def no_zero_rows(points: Float[np.ndarray, "n d"], name: str) -> None:
    """Refuse zero vectors."""
    rows = np.flatnonzero(~points.any(axis=1))
    if len(rows):
        raise ValueError(
            f"{name} must not contain a zero vector, got one in row {rows[0]} "
            f"({len(rows)} in all); remove it"
        )


def duplicate_rows(points: Float[np.ndarray, "n d"], name: str) -> None:
    """Refuse equal rows, naming the first pair."""
    seen: dict[bytes, int] = {}
    for k, row in enumerate(points + 0.0):  # + 0.0 turns −0 into 0
        first = seen.setdefault(row.tobytes(), k)
        if first != k:
            raise ValueError(
                f"{name} must differ from one another, got rows {first} and {k} equal; "
                "remove one of them"
            )


def near(name: str, known: Iterable[str]) -> str:
    """Return the name and what may have been meant, to end a message with."""
    known = list(known)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"{name!r}; did you mean {' or '.join(map(repr, close))}?"
    between = "; " if any("," in each for each in known) else ", "
    return f"{name!r}; there are {between.join(known) or 'none'}"


def length_error(length: int, expected: int, shape: tuple[int, ...]) -> str | None:
    """Say what is wrong with a file of this many bytes, or None if it is as long as its array."""
    if length == expected:
        return None
    what = "is cut short" if length < expected else "goes on after its end"
    return f"{what}: shape {shape} takes {expected} bytes, got {length}"
