"""Patterns by how each coordinate differs from those most like it: unlit, at one local contrast.

A coordinate's window is the coordinates whose values go with its own over the stored rows. In
images they are the pixels around it, so that what is compared neither sees light that is uneven nor
contrast that is, and what is covered sways no more than its own part. Where columns are not alike
there are no windows.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from attractory._util.seeds import generator
from attractory.memory.coordinates import spread

__all__ = ["WINDOWS", "LocalContrast"]

_SEEN, _LEAST_SEEN = 256, 32  # coordinates compared
_WINDOW, _FEWEST = WINDOWS = 24, 6  # coordinates in a window, at most and at least
_ALIKE, _CHANCE = 0.4, 4.0  # least correlation within one, and standard errors it has at least
_ROWS = 500  # from which correlations are known well enough
_LIVE = 0.1  # least deviation of a coordinate, of the largest
_FEW = 0.25  # share of coordinates that must have windows
_FLOOR = 0.02  # variance added to a window's, in units of the rows' spread
_AT_ONCE = 1 << 22


class LocalContrast:
    """What is worked out of stored rows, once.

    Args:
        points: the rows, in units of their spread, (n, d).
    """

    def __init__(self, points: Float[np.ndarray, "n d"]):
        self._points = points

    @cached_property
    def windows(self) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, "m w"]] | None:
        """Coordinates compared and the windows about them; None where columns are not alike."""
        some = self._points[spread(len(self._points), _ROWS)]
        least = max(_ALIKE, _CHANCE / np.sqrt(len(some)))
        if least >= 1 or some.shape[1] <= _LEAST_SEEN:
            return None
        apart = some - some.mean(axis=0)
        deviation = np.sqrt((apart**2).mean(axis=0))
        live = deviation > _LIVE * deviation.max()
        where = np.flatnonzero(live)
        if len(where) > _SEEN:
            where = np.sort(generator(1, "coordinates").choice(where, _SEEN, replace=False))
        unit = np.where(live, apart / np.where(live, deviation, 1), 0) / np.sqrt(len(some))
        unit = np.asarray(unit, np.float32)
        alike = unit[:, where].T @ unit
        count = min(_WINDOW, alike.shape[1])
        window = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        value = np.take_along_axis(alike, window, axis=1)
        near = value > least
        enough = near.sum(axis=1) >= _FEWEST
        if enough.sum() < max(_LEAST_SEEN, _FEW * len(where)):
            return None
        # A window with fewer than all has its likest coordinate, itself, several times.
        return where[enough], np.where(near, window, where[:, None])[enough]

    def of(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k m"]:
        """Return how points differ from their windows, in the windows' deviations.

        Args:
            x: in the same units.
        """
        assert self.windows is not None
        (where, windows), (beside, times) = self.windows, self._times
        out = np.empty((len(x), len(where)), np.float32)
        size = max(1, _AT_ONCE // len(beside))
        for k in range(0, len(x), size):
            some = x[k : k + size, beside]
            mean = some @ times / windows.shape[1]
            some *= some
            variance = some @ times / windows.shape[1] - mean**2
            apart = x[k : k + size, where] - mean
            out[k : k + size] = apart / np.sqrt(np.maximum(variance, 0) + _FLOOR)
        return out

    @cached_property
    def _times(self) -> tuple[Int[np.ndarray, " b"], Float[np.ndarray, "b m"]]:
        """The coordinates that are in windows, and how many times each is in each."""
        assert self.windows is not None
        windows = self.windows[1]
        beside, place = np.unique(windows, return_inverse=True)
        times = np.zeros((len(beside), len(windows)), np.float32)
        each = np.arange(len(windows))[:, None]
        np.add.at(times, (place.reshape(windows.shape), each), np.float32(1))
        return beside, times

    @cached_property
    def rows(self) -> Float[np.ndarray, "n m"]:
        """The same of the stored rows."""
        return self.of(self._points)

    @cached_property
    def lengths(self) -> Float[np.ndarray, " n"]:
        """Norms of these."""
        return np.sqrt(np.maximum(np.einsum("ij,ij->i", self.rows, self.rows), 1e-9))
