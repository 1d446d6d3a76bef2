"""A user's rows as points of one norm, and back.

Memories want patterns of one norm: with differing norms most are no attractors. (Of 1,000 digits
scaled by one factor 32 % are recalled from noise 0.1, of the same digits scaled one by one 97 %.)
So a row is stored as its direction from the mean, and its size, the distance from the mean, is
kept beside it. A state is given the size of the stored row whose direction is nearest. Cues of any
contrast are therefore alike. Directions and sizes are those of the metric (`memory.metric`).

Columns in units of their own, a salary beside an age, are divided by their deviations first
(`memory.column_scale`): else the column of the largest numbers would be all there is of a row.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from attractory._util.gpu import gpu, kept
from attractory._util.precision import full_precision
from attractory.maps.kernel_regression import by_blocks
from attractory.memory.metric import Metric
from attractory.memory.row_checks import rounding

__all__ = [
    "Coordinates", "distinct", "first_of_equal", "nearest", "nearest_traced", "spread", "unseen",
]  # fmt: skip

_BLOCK = 1 << 24  # correlations held at a time
_SAME = 1e-9  # rows closer than this, relative to their size, are one pattern


class Coordinates(eqx.Module):
    """Origin, columns' units, metric and norm of the coordinates a memory works in.

    Attributes:
        mean: subtracted from every row, (d,).
        norm: given to every row.
        metric: that rows less their mean are multiplied by.
        scale: that rows are divided by before, (d,); None where all columns have one unit.
    """

    mean: Float[np.ndarray, " d"]
    norm: float
    metric: Metric
    scale: Float[np.ndarray, " d"] | None = None

    @property
    def of_scaled(self) -> "Coordinates":
        """The coordinates of rows that have been divided by the scale."""
        if self.scale is None:
            return self
        return Coordinates(self.mean / self.scale, self.norm, self.metric)

    def scaled(self, rows: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return rows divided by the scale."""
        return rows if self.scale is None else rows / self.scale

    def unscaled(self, rows: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Return scaled rows in the user's units."""
        return rows if self.scale is None else rows * self.scale

    def encode(
        self, rows: Float[np.ndarray, "k d"]
    ) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"]]:
        """Return points of the norm and the rows' sizes; a row at the mean stays at 0."""
        return self.rescaled(self.metric.apply(self.scaled(rows - self.mean)))

    def rescaled(
        self, apart: Float[np.ndarray, "k d"]
    ) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"]]:
        """Return vectors of the metric's coordinates at the norm, and their sizes."""
        largest = np.abs(apart).max(axis=1, keepdims=True)
        scaled = apart / np.where(largest > 0, largest, 1.0)
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        points = self.norm * scaled / np.where(length > 0, length, 1.0)
        return points, (largest * length)[:, 0]

    def decode(
        self, points: Float[np.ndarray, "k d"], sizes: Float[np.ndarray, " k"]
    ) -> Float[np.ndarray, "k d"]:
        """Return rows of these sizes."""
        apart = self.metric.invert(points) * (sizes / self.norm)[:, None]
        return self.mean + self.unscaled(apart)


def spread(count: int, most: int) -> Int[np.ndarray, " k"]:
    """Return all indices below count, or `most` of them at even distances if there are more."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def nearest(
    points: Float[np.ndarray, "k d"], patterns: Float[np.ndarray, "n d"]
) -> Int[np.ndarray, " k"]:
    """Return the pattern of largest correlation with each point, patterns being of one norm."""
    if gpu() is not None and len(points) * len(patterns) > _BLOCK // 16:
        return _nearest_on_gpu(points, patterns)
    size = max(1, _BLOCK // len(patterns))
    starts = range(0, len(points), size)
    return np.concatenate([(points[k : k + size] @ patterns.T).argmax(axis=1) for k in starts])


def nearest_traced(points: Float[Array, "k d"], patterns: Float[Array, "n d"]) -> Int[Array, " k"]:
    """Return the same within compiled code."""

    def rows(some: Array) -> Array:
        return (some @ patterns.T).argmax(axis=1)[:, None]

    return by_blocks(rows, points, patterns.shape[0])[:, 0]


_compiled = jax.jit(nearest_traced)


def _nearest_on_gpu(
    points: Float[np.ndarray, "k d"], patterns: Float[np.ndarray, "n d"]
) -> Int[np.ndarray, " k"]:
    with full_precision():
        return np.asarray(_compiled(jnp.asarray(points), kept(patterns)))


def first_of_equal(unit: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " m"]:
    """Return the first of each of the directions, to nine digits, in their order."""
    firsts: dict[bytes, int] = {}
    for k, row in enumerate(unit):
        firsts.setdefault((row.round(9) + 0.0).tobytes(), k)
    return np.array(list(firsts.values()), int)


def distinct(
    unit: Float[np.ndarray, "n d"],
    sizes: Float[np.ndarray, " n"],
    rows: Float[np.ndarray, "n d"],
    mean: Float[np.ndarray, " d"],
) -> Int[np.ndarray, " m"]:
    """Return the rows to store, one of equal ones; refuse those that no memory can tell apart.

    Args:
        unit: directions of the rows, (n, d).
        sizes: their distances from the mean, (n,).
        rows: as given, (n, d).
        mean: subtracted from them, (d,).

    Raises:
        ValueError: for a row at the mean, or rows that differ in contrast alone.
    """
    away = np.linalg.norm(rows - mean, axis=1)
    lost = np.flatnonzero((away > 0) & (away <= rounding(rows, mean)))
    if len(lost):
        raise ValueError(
            f"X must not have a row that float64 cannot tell from the mean of all, got row "
            f"{lost[0]}, with values near {np.abs(rows[lost[0]]).max():.3g}; subtract an offset "
            "before they are rounded, or leave it out"
        )
    at_mean = np.flatnonzero(sizes <= 1e-12 * sizes.max())
    if len(at_mean):
        raise ValueError(
            f"X must not have a row at the mean of all, got row {at_mean[0]}: it has no direction; "
            "leave it out, or pass center=False"
        )
    if len(unit) == 1:
        return np.zeros(1, int)
    kept = first_of_equal(unit)
    if len(kept) < len(unit):
        closest = kept[nearest(unit, unit[kept])]
        apart = np.abs(sizes - sizes[closest]) > _SAME * sizes
        if apart.any():
            row = int(np.flatnonzero(apart)[0])
            raise ValueError(
                f"X must not have rows that differ in contrast alone, got rows {closest[row]} and "
                f"{row}: from the mean both lie in one direction, and the memory keeps directions"
            )
    return kept


def unseen(
    unit: Float[np.ndarray, "m d"],
    sizes: Float[np.ndarray, " m"],
    rows: Float[np.ndarray, "m d"],
    mean: Float[np.ndarray, " d"],
    stored: Float[np.ndarray, "n d"],
    stored_sizes: Float[np.ndarray, " n"],
) -> Int[np.ndarray, " k"]:
    """Return which rows are not among the stored ones, each once; arguments as for `distinct`."""
    kept = distinct(unit, sizes, rows, mean)
    twin = nearest(unit[kept], stored)
    # Rows far from 0 that were read back from the memory are rounded.
    near = np.maximum(_SAME, 8 * rounding(rows[kept], mean) / sizes[kept])
    same = np.linalg.norm(unit[kept] - stored[twin], axis=1) <= near
    for k in np.flatnonzero(same):
        if abs(sizes[kept[k]] - stored_sizes[twin[k]]) > near[k] * sizes[kept[k]]:
            raise ValueError(
                f"X must not have rows that differ in contrast alone, got row {kept[k]} and "
                f"stored row {twin[k]}: from the mean both lie in one direction"
            )
    return kept[~same]
