"""Points of many norms in blocks of narrow ranges of norm, and the table of each pair of blocks."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from attractory.kernels.kernel import Kernel
from attractory.kernels.mixed_norms import WIDTH, BlockTable, NormTable, basis, norm_table
from attractory.kernels.recursion import Columns, is_careful, variances_of

__all__ = ["NormBlocks", "pair_columns", "tables_of"]

_SIZES = 16, 64, 160  # points of a block, with padding


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


class NormBlocks:
    """Points sorted by norm and cut into blocks.

    Args:
        kernel: of which network.
        points: (n, d).
        tables: one for each layer, for these points and others.

    Attributes:
        order: index of each point in the blocks' order.
        points: in that order.
        spans: the blocks.
        tables: as given.
    """

    order: Int[np.ndarray, " n"]

    def __init__(self, kernel: Kernel, points: Float[np.ndarray, "n d"], tables: list[NormTable]):
        self.order = np.argsort(np.einsum("ij,ij->i", points, points), kind="stable")
        self.points = np.ascontiguousarray(points[self.order])
        self._kernel, self.tables = kernel, tables
        self._variances = variances_of(kernel, self.points)
        self._x = [np.log(v + t.shift) for v, t in zip(self._variances, tables, strict=True)]
        self.spans = _cut(np.stack(self._x))
        self._ends = [
            [(float(layer[span].min()), float(layer[span].max())) for layer in self._x]
            for span in self.spans
        ]
        self._columns: dict[int, Columns] = {}
        self._halves: dict[tuple[int, bool], list[tuple[np.ndarray, ...]]] = {}
        self._bases: dict[int, list[np.ndarray]] = {}
        self._careful = is_careful(kernel, float(self._variances[0].max()))

    def _padding(self, i: int) -> tuple[int, int]:
        count = self.spans[i].stop - self.spans[i].start
        return 0, next(size for size in _SIZES if size >= count) - count

    def columns(self, j: int) -> Columns:
        """Return a block as columns without tables, padded by repeating the last."""
        if j not in self._columns:
            span, pad = self.spans[j], self._padding(j)
            self._columns[j] = Columns(
                self._kernel,
                self._careful,
                np.pad(self.points[span], (pad, (0, 0)), mode="edge"),
                tuple(jnp.asarray(np.pad(v[span], pad, mode="edge")) for v in self._variances),
                (),
            )
        return self._columns[j]

    def halves(self, i: int, together: bool) -> list[tuple[np.ndarray, ...]]:
        """Return each layer's coefficients for rows of a block: of Φ and Ψ, or of Φ + Ψ/B."""
        key = i, together
        if key not in self._halves:
            names = ("both",) if together else ("phi", "psi")
            self._halves[key] = [
                tuple(table.restricted(ends, name) for name in names)
                for table, ends in zip(self.tables, self._ends[i], strict=True)
            ]
        return self._halves[key]

    def bases(self, i: int) -> list[Float[np.ndarray, "q n"]]:
        """Return each layer's `basis` at the points of a block, padded as `columns`."""
        if i not in self._bases:
            span, pad = self.spans[i], self._padding(i)
            self._bases[i] = [
                np.pad(basis(x[span], ends), ((0, 0), pad), mode="edge")
                for x, ends in zip(self._x, self._ends[i], strict=True)
            ]
        return self._bases[i]

    def ends(self, i: int) -> list[tuple[float, float]]:
        """Return the ends of log(variance + w) of a block at each layer."""
        return self._ends[i]


def pair_columns(rows: NormBlocks, i: int, columns: NormBlocks, j: int, kind: str) -> Columns:
    """Return block j of columns, tabulated for the rows of block i; both are padded."""
    plain = columns.columns(j)
    layers = zip(
        columns.tables,
        rows.halves(i, kind == "ntk" and len(columns.tables) == 1),
        rows.bases(i),
        columns.bases(j),
        columns.ends(j),
        strict=True,
    )
    tables = []
    for table, halves, along, across, ends in layers:
        weights = [table.between(half, along, ends) for half in halves]
        tables.append(BlockTable(table.act, table.split, across[:, None], weights[0], weights[-1]))
    return Columns(plain.kernel, plain.careful, plain.points, plain.variances, tuple(tables))


def _cut(x: Float[np.ndarray, "layers n"]) -> list[slice]:
    """Cut into blocks within which no layer spans more than a block may."""
    spans, start, count = [], 0, x.shape[1]
    # Blocks of one size where norms are close, so that none is padded much.
    most = -(-count // -(-count // _SIZES[-1]))
    for k in range(1, count + 1):
        if k == count or k - start == most or (x[:, k] - x[:, start]).max() > WIDTH:
            spans.append(slice(start, k))
            start = k
    return spans
