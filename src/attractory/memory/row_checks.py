"""What float64 can tell of a user's rows: sizes it cannot square, and differences it has rounded.

Rows may be far from 0: only their differences are stored. Of values near 1e15 float64 keeps no
differences below 0.1, so what is left of them is compared with what rounding takes.
"""

import numpy as np
from jaxtyping import Float

__all__ = ["centre", "lost_digits", "refuse_extremes", "rounding"]

_LARGEST = 1e100  # value of a row: its square, and sums of many, are finite
_LEAST = 1e-70  # distance of rows from their mean whose square, and share of it, is a number
_DIGITS = 1e4  # spread over rounding, below which the user is told
_OFFSET = 16.0  # values over their spread, from which on an offset has taken digits


def refuse_extremes(rows: Float[np.ndarray, "n d"], name: str) -> None:
    """Refuse values that are too large to be squared and summed."""
    most = float(np.abs(np.nan_to_num(rows)).max())
    if most > _LARGEST:
        raise ValueError(
            f"{name} must not have values beyond {_LARGEST:g}, got {most:.3g}: their squares leave "
            "float64; divide all rows by one factor"
        )


def centre(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    """Return the mean row, by a sum of differences: that of rows far from 0 would lose digits."""
    first = rows.mean(axis=0)
    return first + (rows - first).mean(axis=0)


def rounding(
    rows: Float[np.ndarray, "n d"],
    mean: Float[np.ndarray, " d"],
    kind: np.dtype | type = np.float64,
) -> Float[np.ndarray, " n"]:
    """Return by how much each row's distance from the mean may be off as rounding has left it."""
    # A column that is constant says nothing of a row.
    steps = np.where(rows == mean, 0.0, np.abs(rows)) * (float(np.finfo(kind).eps) / 2)
    return np.linalg.norm(steps, axis=1)


def lost_digits(
    rows: Float[np.ndarray, "n d"], mean: Float[np.ndarray, " d"], kind: np.dtype | type
) -> str | None:
    """Say that rounding has taken most of what the rows differ by, if it has; refuse no spread.

    Args:
        rows: in the user's units.
        mean: subtracted from them.
        kind: precision in which the rows were given.

    Raises:
        ValueError: for rows that are all one, or that differ by less than can be squared.
    """
    apart = np.abs(rows - mean).max(axis=0)
    largest = float(apart.max())
    spread = largest * float(np.linalg.norm(apart / (largest or 1.0)))  # squares may be 0
    most, name = float(np.abs(rows).max()), np.dtype(kind).name
    step = most * float(np.finfo(kind).eps)
    if len(rows) > 1 and spread == 0:
        mend = (
            f"; {name} tells values near {most:.3g} apart from {step:.1g} on, so subtract an "
            "offset before they are rounded"
        )
        raise ValueError(
            f"X must have rows that differ, got {len(rows)} equal ones{mend if most else ''}"
        )
    if 0 < spread < _LEAST:
        raise ValueError(
            f"X must have rows that differ by at least {_LEAST:g}, got {spread:.1g}: the squares "
            "leave float64; multiply all rows by one factor"
        )
    error = float(rounding(rows, mean, kind).max())
    if len(rows) == 1 or most <= _OFFSET * largest or spread >= _DIGITS * error:
        return None
    return (
        f"the rows of X differ by {spread:.1g} only, and {name} holds values near {most:.3g} to "
        f"{step:.1g}: few digits of the differences are left; subtract an offset before the values "
        f"are rounded to {name}"
    )
