"""Where a deviation from a fixed point is known to lie, for the certificate of many patterns.

A state x* + δ has a part m along x* and one of length T across it (`analysis.certificate_rivals`).
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Box", "Pair", "Place", "Range"]

Pair = tuple[float, float]


class Place(NamedTuple):
    """m and T."""

    m: float
    across: float

    @property
    def square(self) -> float:
        """The square of a state's length."""
        return self.m**2 + self.across**2


class Box(NamedTuple):
    """Bounds of m and of T."""

    m_low: float
    m_high: float
    across_low: float
    across_high: float

    @property
    def first(self) -> Place:
        """The lower ends."""
        return Place(self.m_low, self.across_low)

    @property
    def last(self) -> Place:
        """The upper ends."""
        return Place(self.m_high, self.across_high)

    @property
    def center(self) -> Place:
        """The middle, of m and of T²."""
        square = (self.across_low**2 + self.across_high**2) / 2
        return Place((self.m_low + self.m_high) / 2, float(np.sqrt(square)))

    @property
    def half(self) -> Pair:
        """By how much m and T² differ from those of the middle."""
        return (
            (self.m_high - self.m_low) / 2,
            (self.across_high**2 - self.across_low**2) / 2,
        )


class Range(NamedTuple):
    """Midpoints and half-widths."""

    middle: np.ndarray
    half: np.ndarray

    @classmethod
    def between(cls, low: np.ndarray, high: np.ndarray) -> "Range":
        """Return the range of two ends."""
        return cls((low + high) / 2, (high - low) / 2)
