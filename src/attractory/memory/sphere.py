"""A user's rows as points of one norm, and back.

Memories want patterns of one norm (with differing norms most are no attractors: of 1,000 digits
scaled by one factor 32 % come back from noise 0.1, of the same scaled one by one 97 %). So a row is
stored as its direction from the mean, and its size, the distance from the mean, is kept beside it.
A state is given the size of the stored row whose direction is nearest. Cues of any contrast are
therefore alike. Directions and sizes are those of the metric (`memory.metric`).
"""

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from attractory.memory.metric import Metric

__all__ = ["Sphere", "nearest", "spread"]

_BLOCK = 1 << 24  # correlations held at a time


class Sphere(eqx.Module):
    """Origin, metric and norm of the coordinates a memory works in.

    Attributes:
        mean: subtracted from every row, (d,).
        norm: given to every row.
        metric: that rows less their mean are multiplied by.
    """

    mean: Float[np.ndarray, " d"]
    norm: float
    metric: Metric

    def encode(self, rows: Float[np.ndarray, "k d"]) -> tuple[np.ndarray, np.ndarray]:
        """Return points of the norm and the rows' sizes; a row at the mean stays at 0."""
        return self.rescaled(self.metric.apply(rows - self.mean))

    def rescaled(self, apart: Float[np.ndarray, "k d"]) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors of the metric's coordinates at the norm, and their sizes."""
        largest = np.abs(apart).max(axis=1, keepdims=True)
        scaled = apart / np.where(largest > 0, largest, 1.0)
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        points = self.norm * scaled / np.where(length > 0, length, 1.0)
        return points, (largest * length)[:, 0]

    def decode(
        self, points: Float[np.ndarray, "k d"], sizes: Float[np.ndarray, " k"]
    ) -> Float[np.ndarray, "k d"]:
        """Return rows of these sizes."""
        return self.mean + self.metric.invert(points) * (sizes / self.norm)[:, None]


def spread(count: int, most: int) -> Int[np.ndarray, " k"]:
    """Return all indices below count, or of more than `most` every so many."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def nearest(
    points: Float[np.ndarray, "k d"], patterns: Float[np.ndarray, "n d"]
) -> Int[np.ndarray, " k"]:
    """Return the pattern of largest correlation with each point, patterns being of one norm."""
    size = max(1, _BLOCK // len(patterns))
    blocks = [points[k : k + size] @ patterns.T for k in range(0, len(points), size)]
    return np.concatenate([block.argmax(axis=1) for block in blocks])
