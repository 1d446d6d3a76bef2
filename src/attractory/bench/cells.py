"""One cell: cues of one kind, a memory of so many rows, and how many cues come back right.

All memories get the same rows and the same cues. What a memory stored is kept for the cells that
follow with the same rows.
"""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from zlib import crc32

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.seeds import generator
from attractory._util.threads import few_threads
from attractory.bench.held import held_bytes
from attractory.bench.memories import Memory, Recall
from attractory.bench.protocols import Condition, Data, Protocol, scaled

__all__ = ["Cues", "NoStates", "Shelf", "Task", "compute_cell", "cues_of"]

_TUNING = 25  # cues, at most, that parameters are chosen by


class NoStates(ValueError):
    """A memory returned what is no state: another shape, or values that are not finite."""


@dataclass(frozen=True)
class Task:
    """One cell of the benchmark.

    Attributes:
        protocol, condition, memory: what is measured.
        n: rows stored.
        seed: of the choice of rows and of the cues.
        cues: how many.
    """

    protocol: Protocol
    condition: Condition
    memory: Memory
    n: int
    seed: int
    cues: int

    @property
    def rows_key(self) -> tuple[Any, ...]:
        """What the stored rows depend on, and how they are written."""
        protocol = self.protocol
        return self.seed, self.n, self.condition.scale, protocol.signs, protocol.one_by_one


@dataclass(frozen=True, eq=False)
class Cues:
    """Cues and what they should end at.

    Attributes:
        given: (k, d).
        known: which coordinates are told, (k, d), or None.
        own: the row that each was made from, (k,).
    """

    given: Float[np.ndarray, "k d"]
    known: Bool[np.ndarray, "k d"] | None
    own: Int[np.ndarray, " k"]


def rows_of(task: Task, data: Data) -> Float[np.ndarray, "n d"]:
    """Return the rows that a task stores."""
    if task.protocol.signs:
        rng = generator(task.seed, "bench signs", task.n)
        return rng.choice([-1.0, 1.0], (task.n, task.protocol.signs))
    chosen = generator(task.seed, "bench rows").permutation(len(data.rows))[: task.n]
    return scaled(data.rows[chosen], task.condition.scale)


def cues_of(task: Task, data: Data, rows: Float[np.ndarray, "n d"], tuning: bool = False) -> Cues:
    """Return the cues of a task: the same for every memory.

    Args:
        task, data: as they are.
        rows: the stored ones.
        tuning: whether to return those that parameters are chosen by.
    """
    name = f"bench {task.protocol.name} {task.condition.name}"
    rng = generator(task.seed, name, len(rows), int(tuning))
    count = min(task.cues, _TUNING) if tuning else task.cues
    own = np.resize(rng.permutation(len(rows)), count)
    shape = (rows.shape[1],) if task.protocol.signs else data.shape
    made = task.condition.damage(rows[own], shape, rows, rng)
    given, known = made if isinstance(made, tuple) else (made, None)
    return Cues(given, known, own)


class Shelf:
    """What one memory stored of some rows, with each of its parameters.

    Attributes:
        rows: the rows.
        seconds: that storing took, by the place of the parameters.
    """

    def __init__(self, memory: Memory, rows: Float[np.ndarray, "n d"], one_by_one: bool) -> None:
        """Store nothing yet."""
        self.memory, self.rows, self.one_by_one = memory, rows, one_by_one
        self.seconds: dict[int, float] = {}
        self._stored: dict[int, Recall] = {}

    def recall(self, place: int) -> Recall:
        """Return the memory with its parameters of this place, stored now or before."""
        if place not in self._stored:
            begun = perf_counter()
            given: Mapping[str, Any] = self.memory.parameters[place]
            rows = self.rows.copy()  # whatever the function does to them
            first = rows[:2] if self.one_by_one else rows
            found = self.memory.store(first, **given)
            add = getattr(found, "add", None)
            if self.one_by_one and add is None:
                found = self.memory.store(rows, **given)
            elif self.one_by_one and add is not None:
                for k in range(2, len(rows)):
                    add(rows[k : k + 1])
            if not callable(found):
                raise NoStates(
                    f"store must return a function recall(cues), got {type(found).__name__}"
                )
            self.seconds[place] = perf_counter() - begun
            self._stored[place] = found
        return self._stored[place]


def compute_cell(task: Task, data: Data, shelf: Shelf) -> dict[str, Any]:
    """Return what a cell is made of: numbers and texts, by name.

    Raises:
        NoStates: if the memory returns no states; and whatever its functions raise.
    """
    cues = cues_of(task, data, shelf.rows)
    with few_threads(max(cues.given.size, shelf.rows.size)):
        place = _chosen(task, data, shelf)
        recall = shelf.recall(place)
        begun = perf_counter()
        states = states_of(recall, cues)
        seconds = perf_counter() - begun
    right = task.condition.rule.holds(states, shelf.rows[cues.own], shelf.rows)
    return {
        "hits": int(right.sum()), "cues": len(cues.own), "seconds": seconds / len(cues.own),
        "store_seconds": shelf.seconds[place], "bytes": held_bytes(recall),
        "parameters": json.dumps(dict(task.memory.parameters[place])),
        "digest": crc32(cues.given.tobytes()),
    }  # fmt: skip


def states_of(recall: Recall, cues: Cues) -> Float[np.ndarray, "k d"]:
    """Return where a memory brings cues, checked.

    Raises:
        NoStates: for another shape, and values that are no finite real numbers.
    """
    given = cues.given.copy()
    told = {} if cues.known is None or not _takes_known(recall) else {"known": cues.known.copy()}
    states = np.asarray(recall(given, **told))
    if states.shape != cues.given.shape:
        raise NoStates(f"recall must return states of shape {cues.given.shape}, got {states.shape}")
    if states.dtype.kind not in "fiub":
        raise NoStates(f"recall must return real numbers, got dtype {states.dtype}")
    states = states.astype(np.float64)
    bad = ~np.isfinite(states).all(axis=1)
    if bad.any():
        raise NoStates(
            f"recall must return finite states, got NaN or infinity in {int(bad.sum())} of "
            f"{len(states)}"
        )
    return states


def _takes_known(recall: Recall) -> bool:
    try:
        return "known" in inspect.signature(recall).parameters
    except (TypeError, ValueError):  # a C function without a signature
        return False


def _chosen(task: Task, data: Data, shelf: Shelf) -> int:
    """Return the place of the parameters that recall most of the tuning cues."""
    if len(task.memory.parameters) == 1:
        return 0
    cues = cues_of(task, data, shelf.rows, tuning=True)
    own = shelf.rows[cues.own]
    best: tuple[int, float, int] | None = None
    failed: Exception | None = None
    for place in range(len(task.memory.parameters)):
        try:
            states = states_of(shelf.recall(place), cues)
        except Exception as error:  # others may do
            failed = error
            continue
        right = int(task.condition.rule.holds(states, own, shelf.rows).sum())
        away = float(((states - own) ** 2).mean())
        if best is None or (right, -away) > best[:2]:
            best = right, -away, place
    if best is None:
        assert failed is not None
        raise failed
    return best[2]
