"""The slow parts of rows: what light that falls unevenly, or a drift, may add to them.

Of images these are the products of slow cosines down and across, of every channel; of other rows
slow cosines over the order of the coordinates.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Float

from attractory.memory.image_grid import Grid
from attractory.memory.small_images import SmallImages

__all__ = ["SlowParts", "slow_parts"]

_SLOW = 5  # cosines over the order of coordinates
_SLOW_DOWN_AND_ACROSS = 4  # half waves of both together are fewer than this
_EACH = 24  # pixels for each such cosine, at least


class SlowParts:
    """Those of stored rows, worked out once.

    Args:
        points: the rows, (n, d).
        images: the same as images, if they are.
    """

    def __init__(self, points: Float[np.ndarray, "n d"], images: SmallImages):
        self._points, self._images = points, images

    @cached_property
    def basis(self) -> Float[np.ndarray, "d c"]:
        """Orthonormal columns whose combinations are slow."""
        return slow_parts(self._points.shape[1], self._images.grid)

    @cached_property
    def rows(self) -> Float[np.ndarray, "n c"]:
        """What the rows have of each."""
        return self._points @ self.basis


def slow_parts(dim: int, grid: Grid | None) -> Float[np.ndarray, "d c"]:
    """Return orthonormal columns whose combinations are slow.

    Args:
        dim: d.
        grid: that the coordinates lie on; None for none.
    """
    if grid is None or grid.height == 1:
        place = (np.arange(dim) + 0.5) / dim
        slow = np.cos(np.pi * place[:, None] * np.arange(min(_SLOW, dim)))
    else:
        height, width, channels = grid
        most = _SLOW_DOWN_AND_ACROSS
        while most > 1 and most * (most + 1) / 2 * _EACH > height * width:
            most -= 1
        down, across = (
            np.cos(np.pi * np.outer((np.arange(side) + 0.5) / side, np.arange(most)))
            for side in (height, width)
        )
        both = np.einsum("hi,wj->hwij", down, across)
        first, second = (k.ravel() for k in np.indices((most, most)))
        few = first + second < most
        planes = both[:, :, first[few], second[few]].reshape(height * width, -1)
        slow = np.kron(planes, np.eye(channels))
    return np.asarray(np.linalg.qr(slow)[0], np.float32)
