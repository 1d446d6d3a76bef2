"""The coordinates that are most like each other one, and how much stored rows differ among them.

In images those are the pixels beside a pixel, and rows differ much where there are edges: a cue
that is an outline of its row is like the edges of the row, and not like the row.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from attractory._util.seeds import generator
from attractory.memory.coordinates import spread
from attractory.memory.damage_models import like_coordinates
from attractory.memory.value_tables import Classes

__all__ = ["SEEN", "Neighbourhoods"]

SEEN = 2048  # coordinates compared
_SAMPLE = 256  # of these, by which edges are shortlisted
_PIXELS = 256  # columns from which on those that are alike are taken for pixels or a curve
_CLASSES = 8
_AT_ONCE = 1 << 22
_NONE = 1e-9


class Neighbourhoods:
    """What is worked out of stored rows, once.

    Args:
        points: the rows, in units of their spread, (n, d).
    """

    def __init__(self, points: Float[np.ndarray, "n d"]):
        self._points = points

    @cached_property
    def seen(self) -> Int[np.ndarray, " m"] | slice:
        """The coordinates compared: all, or as many as are enough."""
        dim = self._points.shape[1]
        if dim <= SEEN:
            return slice(None)
        return np.sort(generator(0, "coordinates").choice(dim, SEEN, replace=False))

    @cached_property
    def like(self) -> Int[np.ndarray, "m q"] | None:
        """Each of these, and those most like it; None where columns are not alike."""
        which = np.arange(self._points.shape[1])[self.seen]
        found = like_coordinates(self._points, which)
        return None if found is None else np.column_stack([which, found])

    @property
    def by_column(self) -> bool:
        """Whether columns may have units of their own: they are few, or not alike."""
        return self.like is None or self._points.shape[1] < _PIXELS

    @cached_property
    def edges(self) -> Classes:
        """How much rows differ among them, in classes."""
        points, like = self._points, self.like
        assert like is not None
        return Classes(len(points), lambda rows: _differences(points[rows], like), _CLASSES)

    @cached_property
    def outlines(self) -> tuple[Int[np.ndarray, " s"], Float[np.ndarray, "n s"]] | None:
        """Some coordinates, and how much rows differ about these, less the mean, at length 1."""
        if self.like is None:
            return None
        some = self.like[spread(len(self.like), _SAMPLE)]
        found = _differences(self._points, some)
        found -= found.mean(axis=1, keepdims=True)
        return some[:, 0], found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), _NONE)


def _differences(
    points: Float[np.ndarray, "n d"], like: Int[np.ndarray, "m q"]
) -> Float[np.ndarray, "n m"]:
    """Return the largest less the least value about each coordinate."""
    out = np.empty((len(points), len(like)), np.float32)
    size = max(1, _AT_ONCE // like.size)
    for k in range(0, len(points), size):
        beside = points[k : k + size][:, like]
        out[k : k + size] = beside.max(axis=2) - beside.min(axis=2)
    return out
