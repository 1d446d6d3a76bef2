"""The order of frames: which follows which, in cycles and in sequences that end; and contexts.

With a context of k a state holds the last k frames, so that a frame that occurs twice is told by
what was before it. The first frames of a sequence that ends have the first one in the place of
those before it; in a cycle these are its last frames.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from attractory._util.seeds import generator
from attractory._util.validation import flag, whole
from attractory.memory.settings import LONGEST

__all__ = ["EqualFramesError", "Order", "following", "joined_by", "states_of"]

_THERE = 1e-6  # relative to the norm: a row this near is the one that another is mapped to
_SAME = 1e-9  # frames closer than this, relative to their spread, are one


class EqualFramesError(ValueError):
    """Equal states are followed by different ones, so that they do not tell what follows.

    Attributes:
        frames: indices of the two frames that such states end at.
        enough: the least context that tells them apart; None if none does.
    """

    def __init__(self, frames: tuple[int, int], context: int, enough: int | None) -> None:
        mend = "leave one out" if enough is None else f"context={enough} tells them apart"
        same = "frames" if context == 1 else f"the last {context} frames"
        super().__init__(
            f"X must not have equal {same} with different ones after them, got {frames[0]} and "
            f"{frames[1]}; {mend}"
        )
        self.frames, self.enough = frames, enough


class Order(NamedTuple):
    """Where sequences begin, and whether they are cycles.

    Attributes:
        lengths: frames of each sequence.
        closed: whether its last frame is followed by its first; if not, by itself.
    """

    lengths: tuple[int, ...]
    closed: tuple[bool, ...]

    @classmethod
    def checked(
        cls, count: int, lengths: Sequence[int] | None, closed: bool | Sequence[bool]
    ) -> "Order":
        """Return the order of so many frames.

        Args:
            count: frames in all.
            lengths: of the sequences, one after the other; None for one.
            closed: of all, or of each.

        Raises:
            ValueError: if lengths do not add up to the frames, or `closed` is of another number.
        """
        parts = [count] if lengths is None else list(np.atleast_1d(np.asarray(lengths, object)))
        sizes = tuple(whole(size, "lengths", 1) for size in parts)
        if sum(sizes) != count:
            raise ValueError(
                f"lengths must add up to the {count} frames of X, got {list(sizes)}, "
                f"{sum(sizes)} in all"
            )
        if isinstance(closed, Sequence | np.ndarray):
            which = tuple(flag(value, "closed") for value in closed)
        else:
            which = (flag(closed, "closed"),) * len(sizes)
        if len(which) != len(sizes):
            raise ValueError(
                f"closed must be one value or one for each of {len(sizes)} sequences, "
                f"got {len(which)}"
            )
        return cls(sizes, which)

    def before(self, steps: int) -> Int[np.ndarray, " n"]:
        """Return the index of the frame so many steps before each."""
        found, start = [], 0
        for size, cycle in zip(self.lengths, self.closed, strict=True):
            place = np.arange(size) - steps
            found.append(start + (place % size if cycle else np.maximum(place, 0)))
            start += size
        return np.concatenate(found)

    def after(self) -> Int[np.ndarray, " n"]:
        """Return the index of the frame that follows each."""
        found, start = [], 0
        for size, cycle in zip(self.lengths, self.closed, strict=True):
            place = np.arange(1, size + 1)
            found.append(start + (place % size if cycle else np.minimum(place, size - 1)))
            start += size
        return np.concatenate(found)


def states_of(
    frames: Float[np.ndarray, "n d"], order: Order, context: int
) -> tuple[Float[np.ndarray, "n kd"], Float[np.ndarray, "n kd"]]:
    """Return the state at each frame and the one that follows it.

    Raises:
        EqualFramesError: if equal states are followed by different ones, with the context that
            tells them apart.
    """
    places, after = _places(frames), order.after()
    clash = _clash(places, order, context)
    if clash is not None:
        longer = range(context + 1, LONGEST + 1)
        enough = next((k for k in longer if _clash(places, order, k) is None), None)
        raise EqualFramesError(clash, context, enough)
    states = np.hstack([frames[order.before(k)] for k in range(context - 1, -1, -1)])
    return states, states[after]


def following(points: Float[np.ndarray, "n d"], answers: Float[np.ndarray, "n d"]) -> np.ndarray:
    """Return the index of the row that each is mapped to, −1 where it is mapped to none, (n,)."""
    size = np.linalg.norm(points, axis=1).max()
    there = (answers @ points.T).argmax(axis=1)
    near = np.linalg.norm(points[there] - answers, axis=1) <= _THERE * size
    return np.where(near, there, -1)


def joined_by(after: Int[np.ndarray, " n"]) -> list[Int[np.ndarray, " _"]]:
    """Return the rows of each sequence, those that lead to each other, by the first of them.

    Args:
        after: the row that each is mapped to, −1 for none.

    Example:
        >>> [rows.tolist() for rows in joined_by(np.array([1, 0, 3, 3, -1]))]
        [[0, 1], [2, 3], [4]]
    """
    n = len(after)
    some = np.flatnonzero(after >= 0)
    graph = coo_array((np.ones(len(some)), (some, after[some])), shape=(n, n))
    count, label = connected_components(graph, directed=False)
    found = [np.flatnonzero(label == k) for k in range(count)]
    return sorted(found, key=lambda rows: int(rows[0]))


def _places(frames: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
    """Return the index of the first frame that is the same as each."""
    apart = frames - frames.mean(axis=0)
    size = float(np.linalg.norm(apart, axis=1).max())
    # Not all numbers are rounded alike where frames are nearly equal: sums tell those apart well.
    probe = apart @ generator(0, "equal frames").normal(size=(frames.shape[1], 3))
    keys = np.round(probe / (_SAME * size if size > 0 else 1.0))
    _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return first[which.ravel()]


def _clash(places: Int[np.ndarray, " n"], order: Order, context: int) -> tuple[int, int] | None:
    """Return two equal states that are followed by different ones, if there are any."""
    states = np.stack([places[order.before(k)] for k in range(context)], axis=1)
    _, which = np.unique(states, axis=0, return_inverse=True)
    which = which.ravel()
    following = which[order.after()]
    first: dict[int, int] = {}
    for k, state in enumerate(which.tolist()):
        other = first.setdefault(state, k)
        if following[other] != following[k]:
            return other, k
    return None
