"""Stored images by the directions of their edges, at two scales: what light and covers leave.

The gradient g of an image is divided by √(g² + ¼ mean g²), so that edges count alike, whatever
their contrast, and what is covered, lit or blackened sways no more than its own place. Of smoothed
images the same is told by what is fine no more. See N. Dalal & B. Triggs, "Histograms of oriented
gradients for human detection", CVPR 2005, for gradients in units of the contrast about them.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter

from attractory._util.seeds import generator
from attractory.memory.small_images import SmallImages

__all__ = ["GRADIENTS", "ImageGradients", "gradients"]

GRADIENTS = {"gradients": 0.0, "gradients, smoothed": 1.0}  # pixels over which is smoothed
_FLAT = 0.5  # share of the root mean square gradient at which one counts half, about
_SEEN = 256  # numbers of each scale that all rows are compared in
_LIVE = 0.1  # least deviation of one, of the largest
_AT_ONCE = 1 << 20
_NONE = 1e-9


def gradients(images: Float[np.ndarray, "*k h w"], scale: float) -> Float[np.ndarray, "*k m"]:
    """Return the directions of gradients between pixels; of curves, the slopes.

    Args:
        images: (…, h, w).
        scale: pixels over which is smoothed first.
    """
    height = images.shape[-2]
    if scale:
        wide = [0.0] * (images.ndim - 2) + [scale if height > 1 else 0.0, scale]
        images = gaussian_filter(images, wide, mode="nearest")
    if height == 1:
        parts = [np.diff(images, axis=-1)]
    else:
        down, across = np.diff(images, axis=-2), np.diff(images, axis=-1)
        parts = [down[..., 1:] + down[..., :-1], across[..., 1:, :] + across[..., :-1, :]]
    square = sum(part**2 for part in parts)
    floor = np.float32(_FLAT**2) * np.mean(square, axis=(-2, -1), keepdims=True)
    size = np.sqrt(square + floor + np.float32(_NONE))
    return np.stack([part / size for part in parts], axis=-1).reshape(*images.shape[:-2], -1)


class ImageGradients:
    """What is worked out of the stored rows, once; where they lie on a grid.

    Args:
        images: the rows.
    """

    def __init__(self, images: SmallImages):
        self._images = images

    @property
    def told(self) -> bool:
        """Whether there are any."""
        return self._images.grid is not None

    def similarities(self, x: Float[np.ndarray, "k d"]) -> list[Float[np.ndarray, "k n"]]:
        """Return cosines with all rows, at every scale, but for the cues' lengths.

        Args:
            x: the cues, in the rows' units.
        """
        own = self._images.of(x)
        return [
            gradients(own, scale)[:, place] @ rows.T
            for scale, (place, rows) in zip(GRADIENTS.values(), self.rows, strict=True)
        ]

    def of_some(
        self, x: Float[np.ndarray, "k d"], rows: Int[np.ndarray, "k s"]
    ) -> list[Float[np.ndarray, "k s"]]:
        """Return the same with some rows.

        Args:
            x: the cues, in the rows' units.
            rows: which are compared with each.
        """
        own = self._images.of(x)
        return [
            np.einsum("km,ksm->ks", gradients(own, scale)[:, place], table[rows])
            for scale, (place, table) in zip(GRADIENTS.values(), self.rows, strict=True)
        ]

    @cached_property
    def rows(self) -> list[tuple[Int[np.ndarray, " q"], Float[np.ndarray, "n q"]]]:
        """At every scale the places compared, and the rows there, at length 1."""
        count, shape = self._images.count, self._images.shape
        size = max(1, _AT_ONCE // int(np.prod(shape)))
        sample = self._images.block(slice(None, None, max(1, count // 500)))
        places, parts = [], []
        for scale in GRADIENTS.values():
            deviation = gradients(sample, scale).std(axis=0)
            live = np.flatnonzero(deviation >= _LIVE * deviation.max())
            if len(live) > _SEEN:
                live = np.sort(generator(4, "coordinates").choice(live, _SEEN, replace=False))
            places.append(live)
            parts.append(np.empty((count, len(live)), np.float32))
        for k in range(0, count, size):
            images = self._images.block(slice(k, k + size))
            for scale, place, part in zip(GRADIENTS.values(), places, parts, strict=True):
                some = gradients(images, scale)[:, place]
                length = np.linalg.norm(some, axis=1, keepdims=True)
                part[k : k + size] = some / np.maximum(length, np.float32(_NONE))
        return list(zip(places, parts, strict=True))
