"""Which of a user's rows a memory can keep."""

import numpy as np

from attractory.memory import sphere as _sphere

__all__ = ["distinct", "unseen"]

_SAME = 1e-9  # rows closer than this, relative to their size, are one pattern


def distinct(unit: np.ndarray, sizes: np.ndarray, rows: np.ndarray) -> np.ndarray:
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


def unseen(
    unit: np.ndarray,
    sizes: np.ndarray,
    rows: np.ndarray,
    stored: np.ndarray,
    stored_sizes: np.ndarray,
) -> np.ndarray:
    """Return which rows are not among stored unit rows, each once."""
    kept = distinct(unit, sizes, rows)
    twin = _sphere.nearest(unit[kept], stored)
    same = np.linalg.norm(unit[kept] - stored[twin], axis=1) <= _SAME
    for k in np.flatnonzero(same):
        if abs(sizes[kept[k]] - stored_sizes[twin[k]]) > _SAME * sizes[kept[k]]:
            raise ValueError(
                f"X must not have rows that differ in contrast alone, got row {kept[k]} and "
                f"stored row {twin[k]}: from the mean both lie in one direction"
            )
    return kept[~same]
