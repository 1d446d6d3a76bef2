"""Products with a kernel matrix that is never formed: its tiles are computed for every product.

A tile above the diagonal is used twice, as itself and transposed. In float32 tiles are kept, up to
a number of bytes: they take a tenth of the memory of a factorisation, and computing them takes half
the time of a product. In float64 there is one product a round, and none is kept.
"""

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from scipy.linalg import get_blas_funcs

from attractory._util.parallel import Share
from attractory._util.precision import double
from attractory._util.threads import side_by_side
from attractory.kernels.kernel import Kernel
from attractory.kernels.tiles import Tiles

__all__ = ["Points", "Product", "SharedProduct"]

_TOGETHER = 8  # tiles: BLAS has two thirds of its speed for one


class Points:
    """Points, and the tiles of their NTK for each device and precision.

    Args:
        x: points, (n, d).
        kernel: whose NTK.
    """

    def __init__(self, x: Float[np.ndarray, "n d"], kernel: Kernel):
        self.settings = x, kernel
        self._tiles: dict[tuple[object, object], Tiles] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type, tuple[np.ndarray, Kernel]]:
        """Pickle without tiles."""
        return Points, self.settings

    def tiles(self, kind: type[np.floating]) -> Tiles:
        """Return the tiles in a precision, prepared on the device in use."""
        where = kind, getattr(jax.config, "jax_default_device", None)
        with self._lock:
            if where not in self._tiles:
                self._tiles[where] = Tiles(*self.settings, "ntk", kind)
            return self._tiles[where]


class Product:
    """V ↦ (K + ridge) V for the NTK of some points, in V's precision.

    Args:
        points: the points.
        ridge: added to the diagonal.
        room: bytes of tiles that may be kept.
    """

    def __init__(self, points: Points, ridge: float = 0.0, room: float = 0.0):
        self._points, self._ridge, self._room = points, ridge, room
        self._kept: dict[tuple[int, int], np.ndarray] = {}

    @double
    def __call__(self, v: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return the product."""
        kind = v.dtype.type
        tiles = self._points.tiles(kind)
        given = np.ascontiguousarray(v if tiles.order is None else v[tiles.order])
        out = self._ridge * given
        for i, rows in enumerate(tiles.spans):
            for some in _beside(i, len(tiles.spans)):
                columns = slice(tiles.spans[some[0]].start, tiles.spans[some[-1]].stop)
                values = self._tiles(tiles, i, some)
                _add_product(out[rows], values, given[columns])
                if some[0] != i:
                    _add_product(out[columns], values, given[rows], transposed=True)
        return _in_place(out, tiles)

    def _tiles(self, tiles: Tiles, i: int, some: range) -> np.ndarray:
        """Return tiles side by side, made in several threads."""
        place, keeps = (i, some[0]), tiles.precision is np.float32
        if keeps and place in self._kept:
            return self._kept[place]
        one = double(partial(tiles.one, i))
        values = np.concatenate(list(side_by_side(one, some)), axis=1)
        if keeps and values.nbytes <= self._room:
            self._room -= values.nbytes
            self._kept[place] = values
        return values


def _beside(i: int, count: int) -> Iterator[range]:
    """Yield the tiles of a row that are multiplied together, the one of the diagonal alone."""
    yield range(i, i + 1)
    for j in range(i + 1, count, _TOGETHER):
        yield range(j, min(j + _TOGETHER, count))


class SharedProduct:
    """`Product` with the rows of K split over devices or machines; each tile is computed twice.

    Args:
        points, ridge: as for `Product`.
        count: number of devices or machines.
        share: runs a function on them.
    """

    def __init__(self, points: Points, ridge: float, count: int, share: Share):
        self._points, self._ridge, self._count, self._share = points, ridge, count, share

    @double
    def __call__(self, v: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Return the product."""
        tiles = self._points.tiles(v.dtype.type)
        given = np.ascontiguousarray(v if tiles.order is None else v[tiles.order])
        pieces = np.array_split(np.arange(len(tiles.spans)), 2 * self._count)
        pieces = [piece for piece in pieces if len(piece)]
        parts = self._share(_stripe, pieces, self._points, given)
        return _in_place(np.concatenate(parts) + self._ridge * given, tiles)


@double
def _stripe(indices: np.ndarray, points: Points, v: np.ndarray) -> np.ndarray:
    """Return the rows of K V that belong to some tiles; rows and V are in the tiles' order."""
    tiles, rows = points.tiles(v.dtype.type), []
    for i in indices.tolist():
        span = tiles.spans[i]
        part = np.zeros((span.stop - span.start, v.shape[1]), v.dtype)
        for j, columns in enumerate(tiles.spans):
            _add_product(part, tiles.one(i, j), v[columns])
        rows.append(part)
    return np.concatenate(rows)


def _in_place(out: np.ndarray, tiles: Tiles) -> np.ndarray:
    """Return rows in the points' own order."""
    if tiles.order is None:
        return out
    back = np.empty_like(out)
    back[tiles.order] = out
    return back


def _add_product(
    out: np.ndarray, values: np.ndarray, v: np.ndarray, transposed: bool = False
) -> None:
    """Add a matrix product to C-contiguous rows, by BLAS on a CPU and by JAX elsewhere.

    Args:
        out: rows added to.
        values: the matrix.
        v: C-contiguous rows.
        transposed: whether the matrix is.
    """
    if jax.default_backend() != "cpu":
        out += np.asarray(jax.numpy.matmul(values.T if transposed else values, v))
        return
    gemm: Any = get_blas_funcs("gemm", (v,))
    gemm(1.0, v.T, values.T, beta=1.0, c=out.T, trans_b=transposed, overwrite_c=True)
