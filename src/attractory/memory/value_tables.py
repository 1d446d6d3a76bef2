"""Values of a cue that depend on the row's alone, in any way: tables of what stands beside what.

xⱼ has any distribution that depends on pⱼ alone, by the table of how often a value of p (in ten
classes, or in eight of its deviation from the column's mean) stands beside one of x. Other
contrast, inverted, counted or rounded values are special cases. See `memory.damage_models`.

k cues, s rows, c coordinates.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from attractory.memory.coordinates import spread
from attractory.memory.damage_models import Fit
from attractory.memory.row_table import RowTable

__all__ = ["Classes", "tabulated"]

_PRIOR = 4.0  # counts of the cue's own distribution in each line of a table


class Classes:
    """Values of stored rows in classes of about equal numbers.

    Args:
        rows: how many there are.
        values: of some rows' indices, (m,), their values, (m, d).
        most: classes; fewer where many values are equal.

    Attributes:
        edges: between the classes.
        count: of classes.
        of_rows: the class of each value, by row.
    """

    def __init__(
        self,
        rows: int,
        values: Callable[[Int[np.ndarray, " m"]], Float[np.ndarray, "m d"]],
        most: int,
    ):
        some = values(spread(rows, 300))
        sample = some.ravel()
        sample = sample[:: max(1, sample.size // 200000)]
        self.edges = np.unique(np.quantile(sample, np.linspace(0, 1, most + 1)[1:-1]))
        self.count = len(self.edges) + 1

        def classes(which: Int[np.ndarray, " m"]) -> Int[np.ndarray, "m d"]:
            return np.searchsorted(self.edges, values(which), "right")

        self.of_rows = RowTable((rows, some.shape[1]), classes, np.int8)


def _own_classes(x: Float[np.ndarray, "k c"], count: int) -> Int[np.ndarray, "k c"]:
    """Return which class each value of a cue is in, of classes of about equal numbers."""
    edges = np.quantile(x, np.linspace(0, 1, count + 1)[1:-1], axis=1)
    new = np.ones_like(edges, bool)  # equal bounds are one
    new[1:] = edges[1:] > edges[:-1]

    def classes(below: np.ufunc, some: np.ndarray) -> np.ndarray:
        out = np.zeros((len(some), x.shape[1]), np.int64)
        for k in range(count - 1):
            out += below(edges[k, some, None], x[some]) & new[k, some, None]
        return out

    out = classes(np.less_equal, np.arange(len(x)))
    # One value may be nearly all of them, and the least.
    one = np.flatnonzero(out.min(axis=1) == out.max(axis=1))
    if len(one):
        out[one] = classes(np.less, one)
    return out


def tabulated(
    x: Float[np.ndarray, "k c"], classes: Int[np.ndarray, "k s c"], count: int, own: int
) -> Fit:
    """Fit a table of how often each class of a row's values stands beside one of the cue's.

    Terms are nats over the cue's own classes, each coordinate left out of the table that it is
    judged by, with some counts of the cue's own distribution in each line.

    Args:
        x: the cues.
        classes: of the rows' values.
        count: of those classes.
        own: how many classes a cue's values are put in.
    """
    cues, size, dim = classes.shape
    mine = _own_classes(x, own)
    kinds = mine.max(axis=1)[:, None] + 1
    index = classes + (np.arange(cues * size) * count).reshape(cues, size, 1)
    index *= own
    index += mine[:, None]
    table = np.bincount(index.ravel(), minlength=cues * size * count * own)
    table = table.reshape(cues, size, count, own).astype(np.float32)
    number = table[:, 0].sum(axis=1)  # of the cue's values in each class
    share = ((number + 0.5) / (dim + 0.5 * kinds))[:, None, None]
    lines = np.maximum(table.sum(axis=3, keepdims=True) - 1, 0) + _PRIOR
    terms = np.minimum(np.log(np.maximum(table - 1 + _PRIOR * share, 1e-3) / lines), 0)
    terms = terms - np.log(np.maximum(number - 0.5, 0.5) / dim)[:, None, None]
    return Fit.whole(np.take(np.asarray(terms, np.float32).reshape(-1), index))
