"""Kernel matrices of points of many norms: all covariances at once, then a block of rows at a time.

The matrix is made in the order of the norms, within its own memory, and put into the points' order
at the end.
"""

import jax
import numpy as np
from jaxtyping import Float, Int

from attractory._util.precision import full_precision
from attractory._util.threads import side_by_side
from attractory.kernels.kernel import Kernel
from attractory.kernels.mirror import mirror
from attractory.kernels.norm_blocks import AT_ONCE, NormBlocks, block_size, stripe, tables_of

__all__ = ["cross_of_norms", "symmetric_of_norms"]

_ROWS = 64  # put into order at a time


def symmetric_of_norms(
    x: Float[np.ndarray, "n d"], kernel: Kernel, kind: str
) -> Float[np.ndarray, "n n"] | None:
    """Return the kernel of points of many norms; None for activations without such tables."""
    tables = tables_of(kernel, x)
    if tables is None:
        return None
    blocks = NormBlocks(kernel, x, tables, block_size(kernel, tables, x))
    out = blocks.points @ blocks.points.T
    _transform(out, blocks, blocks, kind)
    mirror(out)
    _unsort(out, blocks.order, blocks.order)
    return out


def cross_of_norms(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], kernel: Kernel, kind: str
) -> Float[np.ndarray, "n m"] | None:
    """Return the kernel of two sets of many norms; None for activations without such tables."""
    tables = tables_of(kernel, x, y)
    if tables is None:
        return None
    size = block_size(kernel, tables, x, y)
    rows, columns = (NormBlocks(kernel, points, tables, size) for points in (x, y))
    out = rows.points @ columns.points.T
    _transform(out, rows, columns, kind)
    _unsort(out, rows.order, columns.order)
    return out


def _transform(
    products: Float[np.ndarray, "n m"], rows: NormBlocks, columns: NormBlocks, kind: str
) -> None:
    """Turn x·y into kernels, blocks of rows side by side; of one set, on and above the diagonal."""
    device = jax.default_device.value  # of this thread

    def one(i: int) -> None:
        part, count = products[rows.spans[i]], len(columns.spans)
        with full_precision(), jax.default_device(device):
            for j in range(i if rows is columns else 0, count, AT_ONCE):
                side = columns.columns(j)
                end = columns.spans[j + side.blocks - 1].stop
                here = part[:, side.begin : end]
                here[:] = stripe(rows, i, columns, side, kind, here / rows.points.shape[1])

    for _ in side_by_side(one, range(len(rows.spans))):
        pass


def _unsort(
    out: Float[np.ndarray, "n m"], rows: Int[np.ndarray, " n"], columns: Int[np.ndarray, " m"]
) -> None:
    """Put rows and columns into the points' order, within the matrix's memory."""
    back = np.argsort(columns)
    for k in range(0, len(out), _ROWS):
        out[k : k + _ROWS] = np.take(out[k : k + _ROWS], back, axis=1)
    # Row k belongs to rows[k]: along each cycle of the permutation with one row aside.
    done = np.zeros(len(rows), bool)
    back = np.argsort(rows)
    for first in range(len(rows)):
        if done[first]:
            continue
        aside, k = out[first].copy(), first
        while not done[k]:
            done[k] = True
            source = back[k]
            out[k] = aside if source == first else out[source]
            k = source
