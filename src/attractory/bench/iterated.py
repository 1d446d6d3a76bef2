"""Recall by a map that is iterated in NumPy: known coordinates stay, and states that rest stop."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["MAPS", "iterated"]

MAPS = 20  # applications at most, as published for noisy autoencoders; others publish 1 and 5
_TOGETHER = 256  # cues whose weights are held at a time
_REST = 1e-9  # step relative to the state

Points = Float[np.ndarray, "k d"]


def iterated(
    step: Callable[[Points, Bool[np.ndarray, "k d"] | None], Points],
    cues: Points,
    known: Bool[np.ndarray, "k d"] | None = None,
    maps: int = MAPS,
) -> Points:
    """Return where a map brings cues.

    Args:
        step: a function of states (k, d) and of what is known of them or None, to states.
        cues: (k, d).
        known: coordinates that are kept as they are in every state; None for none.
        maps: applications of the map, at most.

    Example:
        >>> states = iterated(lambda x, known: x / 9, np.ones((1, 2)), np.array([[True, False]]))
        >>> states.round(6).tolist()
        [[1.0, 0.0]]
    """
    out = cues.copy()
    for first in range(0, len(cues), _TOGETHER):
        some = slice(first, first + _TOGETHER)
        told = None if known is None else known[some]
        out[some] = _settled(step, cues[some], told, maps)
    return out


def _settled(
    step: Callable[[Points, Bool[np.ndarray, "k d"] | None], Points],
    cues: Points,
    known: Bool[np.ndarray, "k d"] | None,
    maps: int,
) -> Points:
    state, moving = cues.copy(), np.arange(len(cues))
    for done in range(maps):
        # What is known of a cue says more than a state that was made from it, but once only.
        told = None if known is None else known[moving]
        new = step(state[moving], told if done == 0 else None)
        if told is not None:
            new = np.where(told, cues[moving], new)
        size = np.linalg.norm(new, axis=1)
        goes_on = np.linalg.norm(new - state[moving], axis=1) > _REST * size
        state[moving] = new
        moving = moving[goes_on]
        if not len(moving):
            break
    return state
