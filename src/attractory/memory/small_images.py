"""Stored rows as small grey images, where they lie on a grid: what moves and edges are told on.

Images of more than about 32 pixels a side are pooled to that, and of colours their mean is taken.
Curves are images of one line, of 256 samples about.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from attractory.memory.image_grid import Grid, grid_of
from attractory.memory.row_table import RowTable

__all__ = ["SmallImages", "at_most", "pooled"]

_SIDE, _CURVE = 32, 256  # pixels a side, if square; samples of a curve
_FEWEST = 4


class SmallImages:
    """What is worked out of the stored rows, once.

    Args:
        points: the rows, in units of their spread, (n, d).
    """

    def __init__(self, points: Float[np.ndarray, "n d"]):
        self._points = points

    @cached_property
    def grid(self) -> Grid | None:
        """What the rows lie on."""
        return grid_of(self._points)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._points)

    def of(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k h w"]:
        """Return points as small images.

        Args:
            x: in the rows' units.
        """
        return pooled(self.grey(x), self.by)

    def grey(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k h w"]:
        """Return points as grey images, not pooled.

        Args:
            x: in the rows' units.
        """
        assert self.grid is not None
        images = x.reshape(len(x), *self.grid)
        return images[..., 0] if self.grid[2] == 1 else images.mean(axis=3)

    @cached_property
    def by(self) -> tuple[int, int]:
        """Pixels that are one in these images, down and across."""
        assert self.grid is not None
        height, width, _ = self.grid
        size = width / _CURVE if height == 1 else np.sqrt(height * width) / _SIDE
        side = int(np.ceil(size))
        return at_most(side, height), at_most(side, width)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        assert self.grid is not None
        return self.grid[0] // self.by[0], self.grid[1] // self.by[1]

    @cached_property
    def rows(self) -> RowTable:
        """The stored rows as such images, (n, h, w)."""
        points = self._points

        def images(rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m h w"]:
            return self.of(points[rows])

        return RowTable((len(points), *self.shape), images, np.float32)

    def block(self, rows: slice) -> Float[np.ndarray, "m h w"]:
        """Return some rows as such images, which are not kept.

        Args:
            rows: which.
        """
        return self.of(self._points[rows])


def at_most(by: int, side: int) -> int:
    """Return by how much a side is divided: into some pixels at least."""
    return max(1, min(by, side // _FEWEST))


def pooled(images: Float[np.ndarray, "k h w"], by: tuple[int, int]) -> Float[np.ndarray, "k H W"]:
    """Return the means of blocks of pixels, whole ones only."""
    if by == (1, 1):
        return images
    (down, across), (_, height, width) = by, images.shape
    whole = images[:, : height // down * down, : width // across * across]
    total = np.zeros_like(whole[:, ::down, ::across])
    for k in range(down):
        for j in range(across):
            total += whole[:, k::down, j::across]
    return total / np.float32(down * across)
