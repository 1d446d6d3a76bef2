"""The kernel of a set of points with itself, or with others, a tile at a time.

Tiles have a few fixed sizes, so that XLA compiles few functions; nothing larger than a tile is held
besides what the caller makes of them. `kernels.matrices` puts them into a matrix, and
`solvers.kernel_product` multiplies by them without one.
"""

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from attractory._util.machine import few_sizes
from attractory.kernels.expectations import pair_sum
from attractory.kernels.kernel import Kernel
from attractory.kernels.mixed_norms import BlockTable
from attractory.kernels.norm_blocks import NormBlocks, pair_columns, tables_of
from attractory.kernels.recursion import (
    Columns,
    along_pairs,
    block,
    first_layer,
    group_by_norm,
    layers,
    prepare,
)
from attractory.kernels.single_precision import single
from attractory.kernels.tables import SAME

__all__ = [
    "TILE", "Tiles", "by_pairs", "column_tiles", "cross_of_norms", "is_one_norm", "mirror", "tile",
    "with_zeros",
]  # fmt: skip

TILE = 512  # rows and columns
_SIZES = (16, 64, 256, TILE)  # rows and columns are padded to one of these: few compilations
_NOWHERE = -(1 << 30)  # offset of rows that are no columns
_PAIRS = (16, 256)  # pairs computed at a time, if there are few
_CHUNK = 1 << 21  # coordinates of the points whose pairs are computed at a time


class Tiles:
    """The tiles of a symmetric kernel matrix.

    Where norms differ, points are sorted by norm, and rows and columns of the tiles are in that
    order (`kernels.norm_blocks`).

    Args:
        x: points, (n, d).
        kernel, kind: of which network, and "ntk" or "nngp".
        precision: of its entries, np.float64 or np.float32. In float32 the error of an entry is
            some 1e-6 of the kernel's largest, and more for nearly parallel points of large norm
            (`kernels.recursion`): for products that are corrected afterwards, not for results.

    Attributes:
        order: indices of the points in the tiles' order, or None for their own.
        spans: ends of the tiles, rows and columns alike.
    """

    order: Int[np.ndarray, " n"] | None

    def __init__(
        self,
        x: Float[np.ndarray, "n d"],
        kernel: Kernel,
        kind: str,
        precision: type = np.float64,
    ):
        one_norm = is_one_norm(x)
        self._kind, self._blocks, self._precision = kind, None, precision
        tables = None if one_norm else tables_of(kernel, x)
        if tables is not None:
            self._blocks = NormBlocks(kernel, x, tables)
            self.order, self.spans = self._blocks.order, self._blocks.spans
            self._points = self._blocks.points.astype(precision, copy=False)
            return
        groups = group_by_norm(kernel, x)
        self.order = np.concatenate(groups) if len(groups) > 1 else None
        points = np.ascontiguousarray(x[self.order]) if len(groups) > 1 else x
        self._points = points.astype(precision, copy=False)
        self._columns, self.spans, start = [], [], 0
        for members in groups:
            end = start + len(members)
            for j, columns in column_tiles(kernel, points[start:end], one_norm):
                self._columns.append(columns if precision is np.float64 else _single(columns))
                self.spans.append(slice(start + j, min(start + j + TILE, end)))
            start = end

    def one(self, i: int, j: int) -> Float[np.ndarray, "a b"]:
        """Return a tile."""
        rows, columns = self.spans[i], self.spans[j]
        offset = 0 if i == j else None
        count = columns.stop - columns.start
        if self._blocks is None:
            there = self._columns[j]
        else:
            there = pair_columns(self._blocks, i, self._blocks, j, self._kind)
            there = there if self._precision is np.float64 else _single(there)
        return tile(there, self._points[rows], count, self._kind, offset)

    def upper(self) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Yield rows, columns and values of the tiles on and above the diagonal."""
        for j, columns in enumerate(self.spans):
            for i, rows in enumerate(self.spans[: j + 1]):
                yield rows, columns, self.one(i, j)


def cross_of_norms(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], kernel: Kernel, kind: str
) -> Float[np.ndarray, "n m"] | None:
    """Return the kernel of two sets of many norms; None for activations without such tables."""
    tables = tables_of(kernel, x, y)
    if tables is None:
        return None
    out = np.empty((len(x), len(y)))
    rows, columns = NormBlocks(kernel, x, tables), NormBlocks(kernel, y, tables)
    for j, across in enumerate(columns.spans):
        count = across.stop - across.start
        for i, along in enumerate(rows.spans):
            there = pair_columns(rows, i, columns, j, kind)
            values = tile(there, rows.points[along], count, kind)
            out[np.ix_(rows.order[along], columns.order[across])] = values
    return out


def is_one_norm(points: Float[np.ndarray, "n d"]) -> bool:
    """Whether all points have one norm, but for rounding."""
    squares = np.einsum("ij,ij->i", points, points)
    return bool(squares.max() - squares.min() <= SAME * squares.max())


def by_pairs(
    kernel: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    kind: str,
) -> np.ndarray:
    """Return the kernel of x[first] and y[second], a chunk of one size at a time."""
    most = 1 << max(4, min(12, (_CHUNK // x.shape[1]).bit_length()))
    # Three sizes are compiled, and few pairs are not padded to thousands.
    chunk = min(most, next((size for size in _PAIRS if len(first) <= 8 * size), most))
    out, numbers, dim = np.empty(len(first)), pair_sum(kernel.activation), np.float64(x.shape[1])
    x, y = with_zeros(x), with_zeros(y)
    for k in range(0, len(first), chunk):
        i, j = first[k : k + chunk], second[k : k + chunk]
        pad = (0, chunk - len(i))
        start = _first_layer(x[np.pad(i, pad)], y[np.pad(j, pad)], dim)
        values = _along_pairs(numbers, layers(kernel), kind == "ntk", *start)
        out[k : k + chunk] = np.asarray(values)[: len(i)]
    return out


def with_zeros(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n e"]:
    """Return points with zeros appended up to one of few sizes, for which little is compiled."""
    more = few_sizes(x.shape[1]) - x.shape[1]
    return np.pad(x, ((0, 0), (0, more))) if more else x


def column_tiles(
    kernel: Kernel, points: np.ndarray, one_norm: bool
) -> Iterator[tuple[int, Columns]]:
    """Yield the start and the prepared columns of each tile, padded by repeating the last."""
    whole_group = prepare(kernel, points, one_norm)
    # The points of a tile are a view, unless it has to be padded.
    for j in range(0, len(points), TILE):
        part = slice(j, j + TILE)
        count = len(points[part])
        pad = (0, _padded(count) - count)
        yield (
            j,
            Columns(
                kernel,
                whole_group.careful,
                np.pad(points[part], (pad, (0, 0)), mode="edge") if pad[1] else points[part],
                tuple(jnp.pad(b[part], pad, mode="edge") for b in whole_group.variances),
                whole_group.tables,
            ),
        )


def tile(
    columns: Columns,
    rows: np.ndarray,
    width: int,
    kind: str,
    offset: int | None = None,
) -> np.ndarray:
    """Return the kernel of rows with prepared columns, of which `width` are no padding.

    `offset` is the column of the first row's own point, if the rows are columns too.
    """
    count, size = len(rows), _padded(len(rows))
    diagonal = None if offset is None or offset + count <= 0 or offset >= width else offset
    first = columns.tables[0]
    if isinstance(first, BlockTable):
        size = first.phi.shape[2]
        diagonal = _NOWHERE if diagonal is None else diagonal  # long code, compiled once
    padded = np.pad(rows, ((0, size - count), (0, 0)), mode="edge")
    values, coarse = _block(columns, padded, kind, diagonal)
    if not columns.careful:
        return np.asarray(values)[:count, :width]
    values, marked = np.array(values)[:count, :width], np.asarray(coarse)
    first, second = np.nonzero(np.broadcast_to(marked, coarse.shape)[:count, :width])
    if len(first):
        y = np.asarray(columns.points)
        values[first, second] = by_pairs(columns.kernel, padded, y, first, second, kind)
    return values


def mirror(matrix: Float[np.ndarray, "n n"]) -> None:
    """Copy a matrix's upper triangle to the lower, a block at a time."""
    for i in range(0, len(matrix), TILE):
        rows = slice(i, i + TILE)
        corner = np.triu(matrix[rows, rows])
        matrix[rows, rows] = corner + np.triu(corner, 1).T
        matrix[i + TILE :, rows] = matrix[rows, i + TILE :].T


def _padded(count: int) -> int:
    return next(size for size in _SIZES if size >= count)


def _single(columns: Columns) -> Columns:
    """Return columns in float32, whose gaps are taken as they are."""
    less = jax.device_put(single(columns))
    return Columns(less.kernel, False, less.points, less.variances, less.tables)


@partial(jax.jit, static_argnums=(2,))
def _block(
    columns: Columns, x: jax.Array, kind: str, offset: jax.Array | int | None
) -> tuple[jax.Array, jax.Array]:
    same = None
    if offset is not None:
        index = jnp.arange(x.shape[0])[:, None] + offset
        same = index == jnp.arange(columns.points.shape[0])[None, :]
    return block(columns, x, kind, same)


_first_layer, _along_pairs = jax.jit(first_layer), jax.jit(along_pairs)  # the first for each d
