"""One visitor's patterns, memory and cue: a value that each message of the page replaces.

A message that is of no use raises a ValueError, which the page shows, and changes nothing. It is
data, checked here; nothing in it is run.
"""

import base64
import binascii
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Complex, Float, Int

from attractory._util.validation import whole
from attractory.explorer.cues import damaged, painted
from attractory.explorer.setup import Setup
from attractory.explorer.sources import Patterns, bundled, uploaded
from attractory.explorer.views import Plane, frames, plane, rival, spectra
from attractory.memory.estimator import AttractorMemory
from attractory.memory.trace import RecallTrace, recall_trace

__all__ = ["Memories", "Seen", "State", "begin", "prepare", "see"]

_AUTOMATIC = -1
_ALL_AUTOMATIC = (_AUTOMATIC, _AUTOMATIC, _AUTOMATIC)
_KEPT = 24  # memories at most, …
_NUMBERS = 8_000_000  # … if their patterns have at most so many numbers together


@dataclass(frozen=True, eq=False)
class State:
    """What a page is about.

    Attributes:
        patterns: at hand.
        setup: of the memory.
        chosen: the stored pattern that the cue was made from.
        cue: (d,).
        planes: the patterns of the planes, −1 for those that are chosen for the visitor.
        seed: of the next random damage.
    """

    patterns: Patterns
    setup: Setup
    chosen: int
    cue: Float[np.ndarray, " d"]
    planes: tuple[int, int, int] = _ALL_AUTOMATIC
    seed: int = 0

    def after(self, message: Mapping[str, Any]) -> "State":
        """Return the state that a message leads to.

        Args:
            message: "do" is one of set, choose, paint, damage, reset, clear, planes, digits and
                upload; the others are its arguments.

        Raises:
            ValueError, TypeError: for a message that is of no use, with the reason.
        """
        given = dict(message)
        what = given.pop("do", None)
        actions = {
            "set": self._set, "choose": self._choose, "paint": self._paint, "damage": self._damage,
            "reset": self._reset, "clear": self._clear, "planes": self._planes,
            "digits": self._digits, "upload": self._upload,
        }  # fmt: skip
        if not isinstance(what, str) or what not in actions:
            raise ValueError(f"do must be one of {', '.join(actions)}, got {what!r}")
        return actions[what](**given)

    def _set(self, **values: Any) -> "State":
        setup = self.setup.changed(values)
        whole(setup.n, "n", 2, len(self.patterns.rows))
        new = replace(self, setup=setup)
        if any(k >= setup.n for k in self.planes):
            new = replace(new, planes=_ALL_AUTOMATIC)
        return new if self.chosen < setup.n else new._choose(setup.n - 1)

    def _choose(self, pattern: int) -> "State":
        k = whole(pattern, "pattern", 0, self.setup.n - 1)
        return replace(self, chosen=k, cue=self.patterns.rows[k])

    def _paint(self, cells: list[int], value: str) -> "State":
        return replace(self, cue=painted(self.cue, self.patterns, cells, value))

    def _damage(self, how: str, amount: float = 0.5) -> "State":
        cue = damaged(self.cue, self.patterns, how, amount, self.seed)
        return replace(self, cue=cue, seed=self.seed + 1)

    def _reset(self) -> "State":
        return self._choose(self.chosen)

    def _clear(self) -> "State":
        return replace(self, cue=np.full_like(self.cue, self.patterns.low))

    def _planes(self, patterns: list[int]) -> "State":
        if not isinstance(patterns, list) or len(patterns) != 3:
            raise ValueError(f"patterns must be three, got {patterns!r}")
        found = [whole(k, "pattern", _AUTOMATIC, self.setup.n - 1) for k in patterns]
        named = [k for k in found if k >= 0]
        if len(set(named)) < len(named):
            raise ValueError("the patterns of a plane must differ; choose another")
        return replace(self, planes=(found[0], found[1], found[2]))

    def _digits(self) -> "State":
        return begin(bundled(), self.setup)

    def _upload(self, files: Mapping[str, str]) -> "State":
        if not isinstance(files, Mapping):
            raise ValueError("files must be names with contents")
        try:
            contents = {name: base64.b64decode(text, validate=True) for name, text in files.items()}
        except (binascii.Error, ValueError, TypeError):
            raise ValueError("files did not arrive whole; try again") from None
        return begin(uploaded(contents), self.setup)

    def resolved(self, memory: AttractorMemory, trace: RecallTrace) -> tuple[int, int, int]:
        """Return the patterns of the planes: the cue's own, what it ends at, and rivals."""
        wanted, ended = list(self.planes), int(trace.recall.pattern[0])
        taken = {k for k in wanted if k >= 0}
        first = [self.chosen] if ended in (-1, self.chosen) else [self.chosen, ended]
        for place, k in enumerate(wanted):
            if k >= 0:
                continue
            if not (first := [i for i in first if i not in taken]):
                cue = trace.points[0]
                first = [rival(memory, cue, *taken)] if len(taken) < len(memory) else [0]
            wanted[place] = first[0]
            taken.add(wanted[place])
        return wanted[0], wanted[1], wanted[2]


def begin(patterns: Patterns, setup: Setup | None = None) -> State:
    """Return the state of a new page, or of new patterns with the settings kept.

    Example:
        >>> from attractory.explorer.sources import bundled
        >>> begin(bundled()).after({"do": "set", "n": 10}).setup.n
        10
    """
    setup = Setup() if setup is None else setup
    setup = replace(setup, n=min(setup.n, len(patterns.rows)))
    return State(patterns, setup, 0, patterns.rows[0])


class _Entry:
    """A memory that is fitted when it is first asked for, by whichever thread asks first."""

    def __init__(self, state: State):
        self._state, self._lock = state, threading.Lock()
        self._memory: AttractorMemory | None = None

    def memory(self) -> AttractorMemory:
        with self._lock:
            if self._memory is None:
                self._memory = self._state.setup.fitted(self._state.patterns.rows)
            return self._memory


class Memories:
    """The memories of a page that were asked for last, each fitted once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Patterns, Setup], _Entry] = OrderedDict()

    def of(self, state: State) -> AttractorMemory:
        """Return the memory of a state.

        Raises:
            ValueError: if the patterns cannot be stored so.
        """
        key = state.patterns, state.setup
        with self._lock:
            entry = self._kept.setdefault(key, _Entry(state))
            self._kept.move_to_end(key)
            most = max(2, min(_KEPT, _NUMBERS // state.patterns.rows.size))
            while len(self._kept) > most:
                self._kept.popitem(last=False)
        return entry.memory()


def prepare(state: State, name: str, memories: Memories, check: Callable[[], None]) -> None:
    """Fit the memories that a slider may come to next, and recall with them once.

    Args:
        state: now.
        name: of the setting that was moved last.
        memories: that will be asked.
        check: raises if something else is to be done.
    """
    for setup in state.setup.neighbours(name):
        if setup.n > len(state.patterns.rows) or state.patterns.rows.size > _NUMBERS // _KEPT:
            continue
        check()
        memory = memories.of(replace(state, setup=setup))
        check()
        memory.recall(state.cue[None])


@dataclass(frozen=True, eq=False)
class Seen:
    """What is shown at once.

    Attributes:
        state: that it is of.
        memory: of the state.
        trace: the cue's way.
        frames: which of its states are shown.
        patterns: of the planes.
        plane: of the first two.
        at: the pattern that the cue ended at, or was made from.
        eigenvalues: of the Jacobian there, largest modulus first.
    """

    state: State
    memory: AttractorMemory
    trace: RecallTrace
    frames: Int[np.ndarray, " k"]
    patterns: tuple[int, int, int]
    plane: Plane
    at: int
    eigenvalues: Complex[np.ndarray, " e"]

    @property
    def ended(self) -> int:
        """The pattern that the cue ended at, −1 for none."""
        return int(self.trace.recall.pattern[0])

    @property
    def radius(self) -> float:
        """Spectral radius at the pattern."""
        return float(np.abs(self.eigenvalues).max())


def see(state: State, memories: Memories) -> Seen:
    """Recall the cue of a state, and look at the memory where it ended.

    Raises:
        ValueError: if the patterns cannot be stored so.
    """
    memory = memories.of(state)
    trace = recall_trace(memory, state.cue)
    patterns = state.resolved(memory, trace)
    ended = int(trace.recall.pattern[0])
    at = ended if ended >= 0 else state.chosen
    return Seen(
        state, memory, trace, frames(trace.points), patterns, plane(memory, trace, patterns[:2]),
        at, spectra(memory, [at])[0],
    )  # fmt: skip
