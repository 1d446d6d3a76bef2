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
from jaxtyping import Array, Bool, Float, Int

from attractory.kernels.by_pairs import NOWHERE, with_finer_gaps
from attractory.kernels.dual_tables import DualTable
from attractory.kernels.expectations import least_scale, variance
from attractory.kernels.kernel import Kernel
from attractory.kernels.norm_blocks import NormBlocks, block_size, stripe, tables_of
from attractory.kernels.recursion import (
    Columns,
    coarse_gaps,
    group_by_norm,
    is_careful,
    layer_tables,
    of_covariances,
    variances_of,
)
from attractory.kernels.single_precision import single
from attractory.kernels.square_norms import square_norms
from attractory.kernels.tables import SAME, LayerTable

__all__ = [
    "TILE", "Tiles", "column_tiles", "is_one_norm", "tile",
]  # fmt: skip

TILE = 512  # rows and columns
_SIZES = (16, 64, 256, TILE)  # rows and columns are padded to one of these: few compilations


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
        size: rows and columns of a tile, if norms do not make them smaller.

    Attributes:
        order: indices of the points in the tiles' order, or None for their own.
        spans: ends of the tiles, rows and columns alike.
        precision: of the entries.
    """

    order: Int[np.ndarray, " n"] | None

    def __init__(
        self,
        x: Float[np.ndarray, "n d"],
        kernel: Kernel,
        kind: str,
        precision: type = np.float64,
        size: int = TILE,
    ):
        one_norm = is_one_norm(x)
        self._kind, self._blocks, self.precision = kind, None, precision
        tables = None if one_norm else tables_of(kernel, x)
        if tables is not None:
            size = block_size(kernel, tables, x)
            self._blocks = NormBlocks(kernel, x, tables, size, precision)
            self.order, self.spans = self._blocks.order, self._blocks.spans
            self._points = np.pad(self._blocks.points, ((0, size), (0, 0)))
            return
        groups = group_by_norm(kernel, x)
        self.order = np.concatenate(groups) if len(groups) > 1 else None
        points = np.ascontiguousarray(x[self.order]) if len(groups) > 1 else x
        self._columns, self.spans, start = [], [], 0
        for members in groups:
            end = start + len(members)
            group = points[start:end] if len(groups) > 1 else points
            for j, columns in column_tiles(kernel, group, one_norm, size, points):
                self._columns.append(columns if precision is np.float64 else _single(columns))
                self.spans.append(slice(start + j, min(start + j + size, end)))
            start = end

    def one(self, i: int, j: int) -> Float[np.ndarray, "a b"]:
        """Return a tile."""
        values, coarse = self.rough(i, j)
        if coarse is None:
            return values
        mine, there = self._columns[i], self._columns[j]
        points = np.asarray(mine.points), np.asarray(there.points)
        return with_finer_gaps(values, coarse, points, mine.kernel, self._kind)

    def rough(
        self, i: int, j: int
    ) -> tuple[Float[np.ndarray, "a b"], Bool[np.ndarray, "a b"] | None]:
        """Return a tile, and which entries are too coarse, as gaps came from rounded covariances.

        None stands for no entry.
        """
        rows, columns = self.spans[i], self.spans[j]
        if self._blocks is not None:
            size = self._blocks.size
            x, y = (self._points[k.start : k.start + size] for k in (rows, columns))
            products = np.asarray(_products(x, y))
            s = products[: rows.stop - rows.start, : columns.stop - columns.start] / x.shape[1]
            side = self._blocks.columns(j, 1)
            return stripe(self._blocks, i, self._blocks, side, self._kind, s), None
        mine, there = self._columns[i], self._columns[j]
        shape = rows.stop - rows.start, columns.stop - columns.start
        place = 0 if i == j else NOWHERE
        return _of_rows(there, mine.points, mine.variances[0], shape, place, self._kind)

    def upper(self) -> Iterator[tuple[int, int]]:
        """Yield the places of the tiles on and above the diagonal."""
        for i in range(len(self.spans)):
            for j in range(i, len(self.spans)):
                yield i, j


def is_one_norm(points: Float[np.ndarray, "n d"]) -> bool:
    """Whether all points have one norm, but for rounding."""
    squares = square_norms(points)
    return bool(squares.max() - squares.min() <= SAME * squares.max())


def column_tiles(
    kernel: Kernel,
    points: np.ndarray,
    one_norm: bool,
    size: int,
    rows: np.ndarray,
) -> Iterator[tuple[int, Columns]]:
    """Yield the start and the prepared columns of each tile of a size, the last point repeated."""
    variances = variances_of(kernel, points)
    careful = is_careful(kernel, float(variances[0].max()))
    others = variances if rows is points else variances_of(kernel, rows)
    tables = layer_tables(kernel, variances, one_norm, others)
    # The points of a tile are a view, unless it has to be padded.
    for j in range(0, len(points), size):
        part = slice(j, j + size)
        count = len(points[part])
        pad = (0, _padded(count) - count)
        here, some = points[part], tuple(b[part] for b in variances)
        if pad[1]:
            here = np.pad(here, (pad, (0, 0)), mode="edge")
            some = tuple(np.pad(b, pad, mode="edge") for b in some)
        yield j, Columns(kernel, careful, here, some, tables)


def tile(
    columns: Columns, rows: Float[np.ndarray, "r d"], width: int, kind: str
) -> Float[np.ndarray, "r m"]:
    """Return the kernel of rows with prepared columns, of which `width` are no padding."""
    x = np.pad(rows, ((0, _padded(len(rows)) - len(rows)), (0, 0)), mode="edge")
    variances = square_norms(x) / x.shape[1]
    values, coarse = _of_rows(columns, x, variances, (len(rows), width), NOWHERE, kind)
    if coarse is None:
        return values
    return with_finer_gaps(values, coarse, (x, np.asarray(columns.points)), columns.kernel, kind)


def _of_rows(
    columns: Columns,
    x: Float[Array | np.ndarray, "r d"],
    a: Float[Array | np.ndarray, " r"],
    shape: tuple[int, int],
    place: int,
    kind: str,
) -> tuple[Float[np.ndarray, "n m"], Bool[np.ndarray, "n m"] | None]:
    """Return the kernel of the first rows and columns, n and m; arguments as for `_block`.

    And which entries are too coarse, None for none.
    """
    products, dim = _products(x, columns.points), np.asarray(x.shape[1])
    values, coarse = _block(
        columns.tables, columns.variances, a, products, dim, np.asarray(place), kind,
        columns.careful,
    )  # fmt: skip
    n, m = shape
    return np.asarray(values)[:n, :m], None if coarse is None else np.asarray(coarse)[:n, :m]


def _padded(count: int) -> int:
    return next(size for size in _SIZES if size >= count)


def _single(columns: Columns) -> Columns:
    """Return columns in float32, whose gaps are taken as they are."""
    less = jax.device_put(single(columns))
    return Columns(less.kernel, False, less.points, less.variances, less.tables)


@jax.jit
def _products(x: jax.Array, y: jax.Array) -> jax.Array:
    return x @ y.T  # a division here would make it half as slow again


@partial(jax.jit, static_argnames=("kind", "careful"))
def _block(
    tables: tuple[LayerTable | DualTable, ...],
    variances: tuple[jax.Array, ...],
    a: jax.Array,
    products: jax.Array,
    dim: jax.Array,
    place: jax.Array,
    kind: str,
    careful: bool,
) -> tuple[jax.Array, jax.Array | None]:
    """Return the kernel of rows of variances a and columns from their products x·y.

    And, if `careful`, which entries are too coarse so.

    `place` is the column of the first row's own point, `NOWHERE` if the rows are no columns.
    Nothing here depends on the number of the points' coordinates.
    """
    s, rows = products / dim.astype(products.dtype), [a]
    for table in tables[:-1]:
        rows.append(variance(table.act, rows[-1]))
    same = (jnp.arange(len(a)) + place)[:, None] == jnp.arange(s.shape[1])
    columns = [b[None] for b in variances]
    values = of_covariances(tables, kind, s, [r[:, None] for r in rows], columns, same)
    if not careful:
        return values, None
    return values, coarse_gaps(s, a[:, None], columns[0], least_scale(tables[0].act)) & ~same
