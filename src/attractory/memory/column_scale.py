"""Columns in units of their own: what each is divided by before rows are compared.

Rows of a table may have an area in mm² beside a smoothness below 1. Distances, directions and the
white noise that recall allows for would then be those of the area alone. Such columns are divided
by their standard deviations. The values of an image have one unit, and are left as they are: its
dim border would be as loud as the rest.

A table is told by this: a few columns have nearly all of the rows' variance, and a few have nearly
all of their squares. Of variances v the number of columns that have it is (Σ v)² / Σ v². Where a
camera is at rest few pixels have nearly all the variance, but their values are not larger than the
others'.
"""

import numpy as np
from jaxtyping import Float

__all__ = ["column_scale", "unequal_columns"]

_UNEQUAL = 100.0  # largest deviation of a column over the middle one's
_FEW, _TWO = 0.1, 2  # share of columns that have the variance, and how many may in any case
_WARNED = 1000.0  # the same, from which on the user is told where columns stay as they are
_ROUNDING = 1e-12  # deviations below this share of the mean are rounding


def column_scale(
    rows: Float[np.ndarray, "n d"],
    mean: Float[np.ndarray, " d"],
    scale: str | Float[np.ndarray, " c"] | None,
    context: int = 1,
) -> Float[np.ndarray, " d"] | None:
    """Return what columns are divided by; None for nothing.

    Args:
        rows: in the user's units.
        mean: of the memory.
        scale: "auto" for their deviations if they are in units of their own; "columns" for their
            deviations; or numbers of the user's own, one for each column of a frame.
        context: frames in a row.

    Raises:
        ValueError: if there are not as many numbers as columns.
    """
    if scale is None:
        return None
    if isinstance(scale, np.ndarray):
        if len(scale) * context != len(mean):
            raise ValueError(f"scale must have {len(mean) // context} numbers, got {len(scale)}")
        return np.tile(scale, context)
    deviations = rows.std(axis=0)
    live = deviations > _ROUNDING * np.abs(mean)
    if len(rows) < 2 or not live.any():
        return None
    if scale == "auto":
        sizes = np.hypot(deviations, rows.mean(axis=0))[live]
        if not (_unequal(deviations[live]) and _unequal(sizes)):
            return None
    # A constant column says nothing of a row, and must not say more of a cue than others.
    return np.where(live, deviations, np.median(deviations[live]))


def _unequal(sizes: Float[np.ndarray, " c"]) -> bool:
    """Whether a few are much larger than the others."""
    sizes = np.sort(sizes / sizes.max())
    squares, count = sizes**2, len(sizes)
    few = squares.sum() ** 2 / (squares**2).sum() <= max(_FEW * count, _TWO)
    return bool(few and _UNEQUAL * sizes[(count - 1) // 2] < 1)


def unequal_columns(rows: Float[np.ndarray, "n d"]) -> str | None:
    """Say that a few columns have nearly all of the rows' spread, if they have.

    Args:
        rows: in the user's units.
    """
    spread = rows.max(axis=0) - rows.min(axis=0)
    spread = spread[spread > 0]
    if not len(spread) or spread.max() <= _WARNED * np.median(spread):
        return None
    return (
        f"the columns of X differ in spread, the largest {spread.max() / np.median(spread):,.0f} "
        "times the median: recall goes by the largest ones alone, and is surer than it should be; "
        "scale='columns' would bring them to one scale"
    )
