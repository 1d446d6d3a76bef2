"""Replay of sequences: a cue is first brought to a frame, and the map then steps from it.

Neighbours in a film are alike, and a map of successors takes a noisy frame to a mixture of theirs,
which it keeps. So the cue is recalled by the memory of the same frames that takes each to itself
(`MemoryState.frames`): its guided steps leave out the terms of low degree, in which alike frames
add up. Where that ends is a frame up to rounding, and the cycle, if it attracts, takes the rest.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from attractory._util.interrupts import check
from attractory.analysis.iteration import RecallStatus
from attractory.memory.coordinates import nearest
from attractory.memory.on_gpu import follow_anywhere
from attractory.memory.settings import MemorySettings
from attractory.memory.state import MemoryState
from attractory.memory.stored_map import KernelStore, called

__all__ = ["Start", "brought_to_frames", "in_units", "steps_from"]

_NEAR = 0.01  # of the norm: a state this near is the frame


class Start(NamedTuple):
    """Where replays begin.

    Attributes:
        points: in the coordinates of the state's span, (k, e).
        across: what `Span.outward` wants of them besides.
        pattern: the frame that each is, −1 where it is none, (k,).
        sure: confidence in that frame, (k,).
    """

    points: Float[np.ndarray, "k e"]
    across: tuple[Float[np.ndarray, "k d"], ...]
    pattern: Int[np.ndarray, " k"]
    sure: Float[np.ndarray, " k"]


def brought_to_frames(
    state: MemoryState, settings: MemorySettings, cues: Float[np.ndarray, "k d"]
) -> Start:
    """Return where replays of cues begin: at frames if recall is guided, else at the cues.

    Args:
        state: of sequences.
        settings: at recall.
        cues: in the user's units.
    """
    memory, own, begun, start = state.frames, state.span, None, cues
    if memory is None:
        start = state.coordinates.encode(cues)[0]
        points, _, across = own.inward(start, start)
        ended, closest = np.full(len(cues), True), nearest(points, own.within(state.points))
    else:
        plan, own = memory.plan(settings), memory.span
        begun = memory.beginnings(cues)
        cue, begin, across = own.inward(begun.plain, begun.start)
        found = follow_anywhere(settings.compute, plan, cue, begin, begun.certain, begun.row)
        points, ended = found.state, found.status != RecallStatus.DIVERGED
        closest = found.path[-1]
    distance = np.linalg.norm(points - own.within(state.points[closest]), axis=1)
    there = ended & (distance <= _NEAR * state.norm * own.scale)
    pattern = np.where(there, closest, -1)
    if memory is None or begun is None:
        sure = state.confidence.of(start, pattern)
    else:
        sure = state.frame_confidence.of(
            state.coordinates.scaled(cues), pattern, begun.sure, begun.damage
        )
        sure = np.where(pattern == begun.row, sure, 0.0)
    if own is not state.span:  # a network computes in all coordinates
        points, across = own.outward(points, across), ()
    return Start(points, across, pattern, sure)


def steps_from(
    state: MemoryState, points: Float[np.ndarray, "k e"], steps: int
) -> Iterator[Float[np.ndarray, "k e"]]:
    """Yield the states after each of so many steps of the map, in the span's coordinates."""
    store = state.store
    f = store.inner.calls() if isinstance(store, KernelStore) else store.map()
    for _ in range(steps):
        check()
        points = called(f, points)
        yield points


def in_units(
    state: MemoryState,
    points: Float[np.ndarray, "k e"],
    across: tuple[Float[np.ndarray, "k d"], ...] = (),
) -> Float[np.ndarray, "k d"]:
    """Return states in the units of the rows; each has the size of the row it is nearest to."""
    known = np.concatenate([state.points, state.answers])
    sizes = np.concatenate([state.sizes, state.answer_sizes])
    full = state.span.outward(points, across)
    return state.coordinates.decode(full, sizes[nearest(full, known)])
