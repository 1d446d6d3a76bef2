"""Points of many norms in blocks of narrow ranges of norm, and the kernel of blocks.

The kernel of a block of rows and all blocks of columns is one compiled loop over the latter. All
blocks are computed with one number of rows and columns, the `size`: a block of fewer points takes
in some of the next ones, for which its table does not hold, and the next block overwrites them.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from attractory.kernels.by_pairs import NOWHERE, coarse_entries, with_finer_gaps
from attractory.kernels.expectations import PairSum, covariance_gap, folded_angle, pair_sum
from attractory.kernels.kernel import Kernel
from attractory.kernels.mixed_norms import (
    WIDTH,
    NormTable,
    basis,
    between,
    block_parts,
    block_sum,
    norm_table,
    weights,
)
from attractory.kernels.recursion import is_careful, variances_of

__all__ = ["AT_ONCE", "NormBlocks", "Side", "block_size", "stripe", "tables_of"]

_SIZES = 16, 64, 160  # points of a block
_OVERHEAD = 2000  # entries of the kernel that take as long as beginning a pair of blocks
AT_ONCE = 8  # blocks of columns
_KEPT = 8  # blocks of rows whose coefficients are kept: more than threads have at once


def tables_of(kernel: Kernel, *sets: Float[np.ndarray, "n d"]) -> list[NormTable] | None:
    """Return the table of each layer for points of all sets; None where the activation has none."""
    layers = zip(*(variances_of(kernel, points) for points in sets), strict=True)
    found = []
    for layer in layers:
        table = norm_table(kernel.activation, max(float(part.max()) for part in layer))
        if table is None:
            return None
        found.append(table)
    return found


def block_size(kernel: Kernel, tables: list[NormTable], *sets: Float[np.ndarray, "n d"]) -> int:
    """Return the size of blocks with which the kernel of two sets, or one, takes least time."""
    orders = [_sorted_places(kernel, tables, points)[1] for points in sets]

    def cost(size: int) -> int:
        first, *rest = (len(_cut(x, size)) for x in orders)
        return first * (rest[0] if rest else first) * (size**2 + _OVERHEAD)

    return min(_SIZES, key=cost)


class Side(NamedTuple):
    """A few consecutive blocks as rows or columns, with all arrays of one size.

    Attributes:
        begin: index of their first point.
        variances: at each layer.
        bases: T_q at each layer.
        starts: of the blocks, counted from the first point; padded by any numbers.
        blocks: how many are meant.
        restrictions: for `between`, one for each layer.
    """

    begin: int
    variances: Float[np.ndarray, "layers m"]
    bases: Float[np.ndarray, "layers q m"]
    starts: Int[np.ndarray, " k"]
    blocks: int
    restrictions: list[np.ndarray]


class NormBlocks:
    """Points sorted by norm and cut into blocks.

    Args:
        kernel: of which network.
        points: (n, d).
        tables: one for each layer, for these points and others.
        size: most points of a block.
        precision: of the kernel, np.float64 or np.float32.

    Attributes:
        order: index of each point in the blocks' order.
        points: in that order.
        spans: the blocks.
        split: w₀ of the activation.
        careful: whether a gap from rounded numbers may be too coarse.
        kernel, size, precision: as given.
    """

    order: Int[np.ndarray, " n"]

    def __init__(
        self,
        kernel: Kernel,
        points: Float[np.ndarray, "n d"],
        tables: list[NormTable],
        size: int,
        precision: type = np.float64,
    ):
        self.split = np.asarray(tables[0].split)
        self.kernel, self.size, self.precision, self._tables = kernel, size, precision, tables
        self.order, x = _sorted_places(kernel, tables, points)
        self.points = np.ascontiguousarray(points[self.order]).astype(precision, copy=False)
        self.spans = _cut(x, size)
        starts = np.array([span.start for span in self.spans])
        low, high = (f.reduceat(x, starts, axis=1) for f in (np.minimum, np.maximum))
        self._ends = [
            list(zip(*ends, strict=True)) for ends in zip(low.tolist(), high.tolist(), strict=True)
        ]
        variances = variances_of(kernel, points[self.order])
        self.careful = precision is np.float64 and is_careful(kernel, float(variances[0].max()))
        block = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(points))))
        more = 0, (AT_ONCE + 1) * size
        self._variances = np.stack(
            [np.pad(v, more, mode="edge").astype(precision) for v in variances]
        )
        bases = [basis(*ends) for ends in zip(x, low[:, block], high[:, block], strict=True)]
        self._bases = np.pad(np.stack(bases), ((0, 0), (0, 0), more), mode="edge").astype(precision)
        self._starts = np.pad(starts, (0, AT_ONCE), mode="edge")
        self._restrictions = [
            table.restrictions(ends + ends[:1] * AT_ONCE)
            for table, ends in zip(tables, self._ends, strict=True)
        ]
        self._halves = lru_cache(maxsize=_KEPT)(partial(_halves, tables, self._ends))

    def rows(
        self, i: int
    ) -> tuple[int, Float[np.ndarray, "layers r"], Float[np.ndarray, "layers q r"]]:
        """Return a block's beginning, variances and bases, of the points beyond it too."""
        start = self.spans[i].start
        here = slice(start, start + self.size)
        return start, self._variances[:, here], self._bases[..., here]

    def columns(self, j: int, count: int = AT_ONCE) -> Side:
        """Return blocks from one on, as many as there are up to a count, as columns."""
        start = self.spans[j].start
        here, terms = slice(start, start + (count + 1) * self.size), self._bases.shape[1]
        return Side(
            start,
            self._variances[:, here],
            self._bases[..., here],
            self._starts[j : j + count] - start,
            min(count, len(self.spans) - j),
            [r[:, j * terms : (j + count) * terms] for r in self._restrictions],
        )

    def halves(self, i: int, kind: str) -> list[np.ndarray]:
        """Return each layer's coefficients for rows of a block: of Φ and Ψ, or of one sum alone.

        With one layer that is Φ + Ψ/B for the NTK, and Ψ for the NNGP kernel.
        """
        return self._halves(i, kind)


def _halves(
    tables: list[NormTable], ends: list[list[tuple[float, float]]], i: int, kind: str
) -> list[np.ndarray]:
    names = ["phi", "psi"]
    if len(tables) == 1:
        names = ["both" if kind == "ntk" else "psi"]
    layers = zip(tables, ends, strict=True)
    return [np.stack([table.restricted(own[i], name) for name in names]) for table, own in layers]


def stripe(
    rows: NormBlocks,
    i: int,
    columns: NormBlocks,
    side: Side,
    kind: str,
    s: Float[np.ndarray, "r m"],
) -> Float[np.ndarray, "r m"]:
    """Return the kernel of a block of rows and columns from their covariances x·y/d.

    Args:
        rows, i: the block.
        columns, side: the columns, and which of them; `rows` itself for a symmetric kernel.
        kind: "ntk" or "nngp".
        s: the covariances, with the columns of the side alone.
    """
    (begin, *here), own, (count, m) = rows.rows(i), rows is columns, s.shape
    padded = np.zeros((rows.size, side.variances.shape[1]), rows.precision)
    padded[:count, :m] = s
    place = begin - side.begin if own else NOWHERE
    c = [
        between(half, right)
        for half, right in zip(rows.halves(i, kind), side.restrictions, strict=True)
    ]
    numbers = pair_sum(rows.kernel.activation), rows.split
    across, blocks = (side.variances, side.bases), (side.starts, np.asarray(side.blocks))
    is_ntk = np.asarray(kind == "ntk")
    values = np.asarray(
        _stripe(numbers, padded, here, across, c, blocks, np.asarray(place), is_ntk)
    )
    values = values[:count, :m]
    if not (rows.careful and columns.careful):
        return values
    coarse = coarse_entries(padded, (here[0][0], side.variances[0]), place, rows.kernel)
    points = rows.points[begin:], columns.points[side.begin :]
    return with_finer_gaps(values, coarse[:count, :m], points, rows.kernel, kind)


@jax.jit
def _stripe(
    numbers: tuple[PairSum, Array],
    s: Float[Array, "r m"],
    rows: list[Array],
    columns: tuple[Array, Array],
    c: list[Array],
    blocks: tuple[Array, Array],
    place: Array,
    is_ntk: Array,
) -> Float[Array, "r m"]:
    """Return the kernel at covariances; arguments as `stripe` has them."""
    starts, count = blocks
    size, together = s.shape[0], jnp.stack(c).astype(s.dtype)  # (layers, sums, block, kq, p)

    def one(j: Array, out: Array) -> Array:
        def some(v: Array) -> Array:
            return lax.dynamic_slice_in_dim(v, starts[j], size, axis=-1)

        index = jnp.arange(size)
        same = (index + place)[:, None] == index + starts[j]
        layers = jax.tree.map(some, columns)
        values = _of_two_blocks(numbers, some(s), same, rows, layers, together[:, :, j], is_ntk)
        return lax.dynamic_update_slice_in_dim(out, values, starts[j], axis=1)

    return lax.fori_loop(0, count, one, jnp.zeros_like(s))


def _of_two_blocks(
    numbers: tuple[PairSum, Array],
    s: Float[Array, "r c"],
    same: Bool[Array, "r c"],
    rows: list[Array],
    columns: tuple[Array, Array],
    c: Float[Array, "layers sums kq p"],
    is_ntk: Array,
) -> Float[Array, "r c"]:
    """Return the kernel of two blocks by one loop over layers, for which little is compiled."""
    act, split, dtype, depth = numbers[0], numbers[1].astype(s.dtype), s.dtype, len(c)
    constant, factor = jnp.asarray(act.constant, dtype), jnp.asarray(act.factor, dtype)
    u = jax.vmap(jax.vmap(weights, (0, None)))(c, rows[1])  # (layers, sums, k, q, r, 1)
    kept = is_ntk if depth > 1 else jnp.zeros((), bool)

    def layer(k: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        s, theta = state
        a, b = rows[0][k][:, None], columns[0][k][None]
        s = jnp.where(same, a, s)
        gap = jnp.where(same, 0.0, covariance_gap(s, a, b))
        root, tau, inverse_b = block_parts(split, s, gap, a, b)
        across = columns[1][k][:, None]

        def add(i: Array, sums: Array) -> Array:
            return sums.at[i].set(block_sum(u[k, i], across, tau))

        first = jnp.where(kept | (k < depth - 1), 0, u.shape[1] - 1)
        sums = lax.fori_loop(first, u.shape[1], add, jnp.zeros((u.shape[1], *s.shape), dtype))
        if depth == 1:  # one sum: that of Φ + Ψ/B, or of Ψ
            inverse_b = jnp.where(is_ntk, 1.0, inverse_b)
        angle = folded_angle(act.folded, s, root) + s / root * inverse_b * sums[-1]
        value = constant + factor * angle
        return value, value + theta * (factor * sums[0] / root)

    if depth == 1:
        return layer(jnp.zeros((), int), (s, s))[0]
    value, theta = lax.fori_loop(0, depth, layer, (s, s))
    return jnp.where(is_ntk, theta, value)


def _cut(x: Float[np.ndarray, "layers n"], size: int) -> list[slice]:
    """Cut into blocks within which no layer spans more than a block may."""
    spans, start, count = [], 0, x.shape[1]
    # Blocks of one size where norms are close.
    most = -(-count // -(-count // size))
    while start < count:
        ends = (np.searchsorted(layer, layer[start] + WIDTH, side="right") for layer in x)
        end = max(start + 1, min(start + most, *map(int, ends)))
        spans.append(slice(start, end))
        start = end
    return spans


def _sorted_places(
    kernel: Kernel, tables: list[NormTable], points: Float[np.ndarray, "n d"]
) -> tuple[np.ndarray, Float[np.ndarray, "layers n"]]:
    """Return the order of the norms, and log(variance + w) at each layer in it."""
    variances = variances_of(kernel, points)
    order = np.argsort(variances[0], kind="stable")
    places = [np.log(v[order] + t.shift) for v, t in zip(variances, tables, strict=True)]
    return order, np.stack(places)
