"""A memory of sequences in a file, with their names and what its rows are frames of."""

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from attractory.cli.console import one_line
from attractory.io.gathering import Cut
from attractory.io.images import AS_IT_IS, Look
from attractory.io.medium import IMAGES, Medium
from attractory.io.sequences import LoadedSequences, SequenceReading, read_sequences
from attractory.memory.diagnosis import diagnose
from attractory.memory.estimator import AttractorMemory
from attractory.memory.files import load_memory, save_memory
from attractory.memory.sequence import SequenceMemory

__all__ = ["SequenceFile"]

_SAME = 1e-9  # of its distance from the mean: frames nearer than this are equal but for rounding


@dataclass
class SequenceFile:
    """A memory of sequences and where it is kept.

    Attributes:
        path: of the file.
        memory: as it is stored.
        names: of the sequences.
        lengths: frames of each.
        closed: whether the first frame of a sequence follows the last.
        medium: what a frame is.
        context: frames that a state of the memory holds: those up to its own, one after another.
        fits: whether images were scaled or recoloured, as cues then are, too.
        over: the version of the file that a new memory replaces; None if there must be none.
    """

    path: Path
    memory: SequenceMemory
    names: list[str]
    lengths: list[int]
    closed: bool
    medium: Medium
    context: int = 1
    fits: bool = False
    over: str | None = None

    @classmethod
    def open(cls, path: Path) -> "SequenceFile":
        """Read a file, with the errors of `load_memory`."""
        return cls.of(path, load_memory(path))

    @classmethod
    def of(cls, path: Path, memory: AttractorMemory | SequenceMemory) -> "SequenceFile":
        """Return a memory that was read from a file, with what the file says of its frames."""
        if not isinstance(memory, SequenceMemory):
            raise ValueError(f"{path} holds rows and no sequence; use recall")
        # A memory saved from Python may say nothing of its rows, or something else.
        info, (count, dim) = memory.info_, memory.points_.shape
        names, lengths = _sequences(info, count)
        context: Any = info.get("context")
        context = context if type(context) is int and context > 0 and dim % context == 0 else 1
        medium = Medium.from_info(info, dim // context)
        fits = medium.kind == IMAGES and info.get("fits") is True
        closed = info.get("closed") is not False
        return cls(path, memory, names, lengths, closed, medium, context, fits)

    @classmethod
    def stored(
        cls, path: Path, memory: SequenceMemory, loaded: LoadedSequences, context: int,
        closed: bool, allow_unstored: bool,
    ) -> "SequenceFile":  # fmt: skip
        """Store sequences in a memory whose states hold so many frames."""
        states, after, places = _states(loaded, context, closed)
        _refuse_equal(states, places, loaded.names, context)
        memory.fit(states, states[after], allow_unstored=allow_unstored)
        lengths = [sum(which == k for which, _ in places) for k in range(len(loaded.names))]
        names = [one_line(name) for name in loaded.names]
        return cls(path, memory, names, lengths, closed, loaded.medium, context)

    @cached_property
    def frames(self) -> Float[np.ndarray, "n d"]:
        """The stored frames that states end with, one sequence after another."""
        return self.memory.patterns_[:, -self.medium.dim :]

    def replay(self, cue: Float[np.ndarray, "k d"], steps: int) -> Float[np.ndarray, "s d"]:
        """Return the last frame of a cue and its successors, (steps + 1, d).

        Args:
            cue: as many frames as a state holds; if they are fewer, the first stands for those that
                are missing before it.
            steps: how many.
        """
        dim = self.medium.dim
        state = np.concatenate([cue[:1]] * (self.context - len(cue)) + [cue]).reshape(-1)
        states = self.memory.replay(state, steps)[:, -dim:].copy()
        states[0] = cue[-1]  # as it was given, not as it was begun with
        return states

    def save(self) -> None:
        """Write the file, whole or not at all; one that was changed meanwhile is an error."""
        if self.over is not None:
            self.memory.file_ = os.path.realpath(self.path), self.over
        info = {
            "names": self.names, "lengths": self.lengths, "closed": self.closed,
            "context": self.context, **self.medium.as_info(),
        }  # fmt: skip
        save_memory(self.memory, self.path, info=info | ({"fits": True} if self.fits else {}))

    def cue(
        self, path: Path, frame: int, fit: bool, mono: bool, tell: Callable[[str], object]
    ) -> LoadedSequences:
        """Return a cue: as many frames as a state of the memory holds, the last of them `frame`.

        Args:
            path: an image, film, animation, folder of images, WAV file or array.
            frame: of a film or sound, from 0.
            fit: whether images get the memory's size and colours; they do if its own were made
                alike when they were stored.
            mono: whether channels of sound are mixed.
            tell: called with what is being read.

        Raises:
            NothingRead: if it cannot be used.
            ValueError: for fit, if the frames of this memory are no images.
        """
        look, mend, shape = AS_IT_IS, "use a memory of such frames", self.medium.shape
        if fit and shape is None:
            raise ValueError(f"--fit takes a memory of images, got one of {self.medium.words}")
        if shape is not None and (fit or self.fits):
            look = Look((shape[0], shape[1]), len(shape) == 2)
        elif shape is not None:
            mend = "--fit scales images"
        first = max(0, frame - self.context + 1)
        reading = SequenceReading(
            look, Cut(1, first, frame), mono=mono, medium=self.medium, least=1, mend=mend
        )
        return read_sequences([path], reading, tell)

    def place(self, index: int) -> tuple[int, int]:
        """Return which sequence a frame of the memory belongs to, and its place there."""
        ends = np.cumsum(self.lengths)
        which = int(np.searchsorted(ends, index, side="right"))
        return which, int(index - (ends[which] - self.lengths[which]))

    def nearest(self, frames: Float[np.ndarray, "k d"]) -> tuple[Int[np.ndarray, " k"], np.ndarray]:
        """Return the stored frame next to each, and how far it is, relative to its distance from
        the mean of all.

        Of equal ones the one is taken whose turn it is.
        """
        stored = self.frames
        sizes = np.linalg.norm(stored - stored.mean(axis=0), axis=1)
        lengths = (stored**2).sum(axis=1)
        near = np.array([int(np.argmin(lengths - 2 * (stored @ frame))) for frame in frames])
        ends = np.cumsum(self.lengths)
        after, before = np.arange(1, len(stored) + 1), np.arange(-1, len(stored) - 1)
        firsts = ends - np.array(self.lengths)
        after[ends - 1], before[firsts] = firsts, ends - 1
        order = range(1, len(near)), range(len(near) - 2, -1, -1)
        for places, turn, step in zip(order, (after, before), (-1, 1), strict=True):
            for k in places:
                due, now = int(turn[near[k + step]]), int(near[k])
                if np.linalg.norm(stored[due] - stored[now]) <= _SAME * sizes[now]:
                    near[k] = due
        far = np.linalg.norm(frames - stored[near], axis=1)
        return near, far / np.maximum(sizes[near], np.finfo(float).tiny)

    def multipliers(self) -> list[float | None]:
        """Return the largest Floquet multiplier of each sequence; None for one that ends."""
        firsts = np.cumsum([0, *self.lengths[:-1]])
        found = diagnose(
            self.memory, rows=firsts.tolist(), shock=False, certify=False
        ).spectral_radius
        return [float(radius) if np.isfinite(radius) else None for radius in found]

    def as_dict(self) -> dict[str, Any]:
        """Return what the file holds, but for the frames, as JSON values."""
        memory = self.memory
        residual = memory.residual_
        activation = getattr(memory.activation, "name", memory.activation)
        return {
            "file": str(self.path), "bytes": self.path.stat().st_size, "width": memory.width,
            "activation": activation, "depth": memory.depth,
            "frames": sum(self.lengths), "dim": self.medium.dim,
            "context": self.context, "norm": memory.norm_,
            "residual": residual if math.isfinite(residual) else None,
            "sequences": [
                {"name": name, "frames": length, "closed": self.closed}
                for name, length in zip(self.names, self.lengths, strict=True)
            ],
            **self.medium.as_info(),
        }  # fmt: skip


def _states(
    loaded: LoadedSequences, context: int, closed: bool
) -> tuple[Float[np.ndarray, "n e"], Int[np.ndarray, " n"], list[tuple[int, int]]]:
    """Return states of so many frames, which state follows each, and where each ends.

    The last state of a sequence that is not closed stays. Its first ends at the first frame that
    has enough before it.
    """
    ends, after, places, rows = 0, [], [], []
    for which, length in enumerate(loaded.lengths):
        starts = range(0 if closed else context - 1, length)
        first, count = len(places), len(starts)
        for k in starts:
            rows.append(ends + np.arange(k - context + 1, k + 1) % length)
            places.append((which, k))
        after += [*range(first + 1, first + count), first if closed else first + count - 1]
        ends += length
    states = loaded.rows if context == 1 else loaded.rows[np.array(rows)].reshape(len(rows), -1)
    return states, np.array(after), places


def _refuse_equal(
    states: Float[np.ndarray, "n e"],
    places: list[tuple[int, int]],
    names: Sequence[str],
    context: int,
) -> None:
    """Refuse a state that occurs twice: what follows it is not decided."""
    seen: dict[bytes, int] = {}
    for k, state in enumerate(states):
        before = seen.setdefault(hashlib.sha256(state.tobytes()).digest(), k)
        if before != k:
            told = " and ".join(
                f"frame {place} of {names[which]}" for which, place in (places[before], places[k])
            )
            alike = "are equal" if context == 1 else f"end {context} equal frames each"
            raise ValueError(
                f"{told} {alike}, so that they do not tell what follows; leave equal ones out "
                f"(--distinct in a row, --frames), or let more frames decide (--context "
                f"{context + 1})"
            )


def _sequences(info: dict[str, Any], count: int) -> tuple[list[str], list[int]]:
    """Return names and lengths as a file says them, or those of one sequence."""
    names: Any = info.get("names")
    lengths: Any = info.get("lengths")
    whole = isinstance(lengths, list) and all(type(k) is int and k > 0 for k in lengths)
    if not whole or sum(lengths) != count:
        lengths = [count]
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not named or len(names) != len(lengths):
        names = [f"sequence {k}" for k in range(len(lengths))]
    return [one_line(name) for name in names], list(lengths)
