"""Points of many norms in blocks of narrow ranges of norm, and the kernel of blocks.

The kernel of a block of rows and all blocks of columns is one compiled loop over the latter. All
blocks are computed with one number of rows and columns, the `size`: a block of fewer points takes
in some of the next ones, for which its table does not hold, and the next block overwrites them.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from attractory._util.machine import few_sizes
from attractory.kernels.by_pairs import by_pairs
from attractory.kernels.expectations import PairSum, covariance_gap, pair_sum
from attractory.kernels.kernel import Kernel
from attractory.kernels.mixed_norms import (
    WIDTH,
    BlockTable,
    NormTable,
    basis,
    between,
    norm_table,
    weights,
)
from attractory.kernels.recursion import coarse_gaps, is_careful, through_layers, variances_of

__all__ = ["NormBlocks", "Side", "block_size", "stripe", "tables_of"]

_SIZES = 16, 64, 160  # points of a block
_OVERHEAD = 2000  # entries of the kernel that take as long as beginning a pair of blocks
_BLOCKS = 16  # their number is padded to that, or more
_NOWHERE = -(1 << 30)  # offset of rows that are no columns


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
    """Consecutive points as rows or columns, with `size` more than are meant.

    Attributes:
        begin: index of the first.
        variances: one for each layer, (m,).
        bases: T_q at each layer, (q, m).
        starts: of their blocks, counted from the first; padded by any numbers.
        first, last: the blocks that are meant, from the first up to before the last.
        restrictions: for `between`, one for each layer.
    """

    begin: int
    variances: list[Float[np.ndarray, " m"]]
    bases: list[Float[np.ndarray, "q m"]]
    starts: Int[np.ndarray, " k"]
    first: int
    last: int
    restrictions: list[Float[np.ndarray, "j kq"]]


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
        split, least: w₀ and min w of the activation.
        careful: whether a gap from rounded numbers may be too coarse.
        everything: all of them as a side of the kernel.
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
        self.split, self.least = np.asarray(tables[0].split), np.asarray(tables[0].shift)
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
        more = 0, few_sizes(len(points)) + size - len(points)
        fewer = few_sizes(len(starts), _BLOCKS) - len(starts)
        self.everything = Side(
            0,
            [np.pad(v, more, mode="edge").astype(precision) for v in variances],
            [
                np.pad(basis(*ends), ((0, 0), more), mode="edge").astype(precision)
                for ends in zip(x, low[:, block], high[:, block], strict=True)
            ],
            np.pad(starts, (0, fewer)),
            0,
            len(starts),
            [
                table.restrictions(ends + ends[:1] * fewer)
                for table, ends in zip(tables, self._ends, strict=True)
            ],
        )
        self._halves: dict[int, list[list[np.ndarray]]] = {}

    def side(self, i: int) -> Side:
        """Return one block as a side."""
        whole, start = self.everything, self.spans[i].start
        here, terms = slice(start, start + self.size), len(whole.bases[0])
        return Side(
            start,
            [v[here] for v in whole.variances],
            [v[:, here] for v in whole.bases],
            np.zeros(1, whole.starts.dtype),
            0,
            1,
            [right[:, i * terms : (i + 1) * terms] for right in whole.restrictions],
        )

    def halves(self, i: int, kind: str) -> list[list[np.ndarray]]:
        """Return each layer's coefficients for rows of a block: Φ and Ψ, Ψ, or Φ + Ψ/B."""
        if i not in self._halves:
            last = len(self._tables) - 1
            names = [["phi", "psi"]] * last
            names.append(["psi"] if kind == "nngp" else ["phi", "psi"] if last else ["both"])
            self._halves[i] = [
                [table.restricted(ends[i], name) for name in some]
                for table, ends, some in zip(self._tables, self._ends, names, strict=True)
            ]
        return self._halves[i]


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
        s: the covariances.

    Returns:
        The kernel, 0 in the columns before the first that are meant.
    """
    here, own, (count, m) = rows.side(i), rows is columns, s.shape
    padded = np.pad(s, ((0, rows.size - count), (0, len(side.variances[0]) - m)))
    place = np.asarray(here.begin - side.begin if own else _NOWHERE)
    c = [
        [between(half, right) for half in halves]
        for halves, right in zip(rows.halves(i, kind), side.restrictions, strict=True)
    ]
    numbers = pair_sum(rows.kernel.activation), rows.split
    along, across = (here.variances, here.bases), (side.variances, side.bases)
    blocks = side.starts, np.asarray(side.first), np.asarray(side.last)
    values = np.asarray(_stripe(numbers, padded, along, across, c, blocks, place, kind))[:count, :m]
    if not (rows.careful and columns.careful):
        return values
    variances = here.variances[0], side.variances[0]
    coarse = np.asarray(_coarse(padded, *variances, rows.least, place))
    begin = side.starts[side.first]
    first, second = np.nonzero(coarse[:count, begin:m])
    second += begin
    if len(first):
        values, x, y = values.copy(), rows.points[here.begin :], columns.points[side.begin :]
        values[first, second] = by_pairs(rows.kernel, x, y, first, second, kind)
    return values


@partial(jax.jit, static_argnames=("kind",))
def _stripe(
    numbers: tuple[PairSum, Array],
    s: Float[Array, "r m"],
    rows: tuple[list[Array], list[Array]],
    columns: tuple[list[Array], list[Array]],
    c: list[list[Array]],
    blocks: tuple[Array, Array, Array],
    place: Array,
    kind: str,
) -> Float[Array, "r m"]:
    """Return the kernel at covariances; arguments as `stripe` has them."""
    (act, split), (variances, bases), (starts, first, last) = numbers, columns, blocks
    constant, factor, split = (jnp.asarray(v, s.dtype) for v in (act.constant, act.factor, split))
    size = s.shape[0]
    index = jnp.arange(size)
    a = [v[:, None] for v in rows[0]]

    def one(j: Array, out: Array) -> Array:
        start = starts[j]

        def some(v: Array) -> Array:
            return lax.dynamic_slice_in_dim(v, start, size, axis=-1)

        tables = [
            BlockTable(
                act.folded,
                constant,
                factor,
                split,
                some(across)[:, None],
                weights(both[0][j].astype(s.dtype), along) if len(both) == 2 else None,
                weights(both[-1][j].astype(s.dtype), along),
            )
            for both, along, across in zip(c, rows[1], bases, strict=True)
        ]
        b = [some(v)[None] for v in variances]
        same = (index + place)[:, None] == index + start
        here = jnp.where(same, a[0], some(s))
        gap = jnp.where(same, 0.0, covariance_gap(here, a[0], b[0]))
        values = through_layers(tables, kind, here, gap, a, b, same)
        return lax.dynamic_update_slice_in_dim(out, values, start, axis=1)

    return lax.fori_loop(first, last, one, jnp.zeros_like(s))


@jax.jit
def _coarse(s: Array, a: Array, b: Array, least: Array, place: Array) -> Array:
    same = (jnp.arange(len(a)) + place)[:, None] == jnp.arange(len(b))
    return coarse_gaps(s, a[:, None], b[None], least) & ~same


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
