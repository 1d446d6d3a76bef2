"""Maps at few points without XLA, which takes a second to compile what NumPy does in a millisecond.

A map that can has a method `in_numpy()`, which returns an `InNumpy`, or None where the map is of a
kind that NumPy would be slow at. Whether there are few points enough is decided here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from attractory._util.gpu import gpu
from attractory.maps.protocol import Map

__all__ = ["LOOP", "ONCE", "InNumpy", "Uncompiled", "in_numpy", "offer_of"]

ONCE, LOOP = 1 << 20, 1 << 16  # terms of all points, of a map called once and of one iterated


class InNumpy(NamedTuple):
    """A map in NumPy.

    Attributes:
        function: (k, d) → (k, d), in the precision of its argument.
        terms: how many kernel entries, or what takes as long, a point takes.
    """

    function: Callable[[Float[np.ndarray, "k d"]], Float[np.ndarray, "k d"]]
    terms: float


class Uncompiled:
    """A map that is run in NumPy for any number of points; it must offer that.

    Args:
        f: the map.
    """

    def __init__(self, f: Map):
        offer = offer_of(f)
        assert offer is not None
        self._offer = offer._replace(terms=0.0)

    def __call__(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Apply the map."""
        return self._offer.function(x)

    def in_numpy(self) -> InNumpy:
        """Return the map, which takes nothing that would be counted."""
        return self._offer


def offer_of(f: Map) -> InNumpy | None:
    """Return what a map offers in NumPy; None if it offers nothing."""
    made: Any = getattr(f, "in_numpy", None)
    return None if made is None else made()


def in_numpy(
    f: Map, points: int, most: int
) -> Callable[[Float[np.ndarray, "k d"]], Float[np.ndarray, "k d"]] | None:
    """Return a map in NumPy if it takes at most so many terms for so many points.

    Example:
        >>> in_numpy(lambda x: x / 2, 3, LOOP) is None
        True
    """
    if gpu() is not None:
        return None
    offer = offer_of(f)
    return offer.function if offer is not None and points * offer.terms <= most else None
