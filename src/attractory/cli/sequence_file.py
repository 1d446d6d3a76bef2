"""A memory of sequences in a file, with their names and what its rows are frames of."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from attractory._util.progress import in_parts
from attractory._util.texts import counted
from attractory.cli.console import counting_to, one_line
from attractory.io.gathering import EVERYTHING, Cut
from attractory.io.images import AS_IT_IS, Look
from attractory.io.medium import IMAGES, Medium
from attractory.io.names import other_name
from attractory.io.sequences import LoadedSequences, SequenceReading, read_sequences
from attractory.memory.estimator import AttractorMemory
from attractory.memory.files import load_memory, save_memory
from attractory.memory.sequence import SequenceMemory
from attractory.memory.sequence_order import EqualFramesError, Order

__all__ = ["SequenceFile"]

_CUES = 5  # replays of each cycle, from frames with noise of their own size
_MOST = 10_000_000  # frames that a file may speak of
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
        places: for each stored frame, which of all frames it is: equal states are stored once.
        fits: whether images were scaled or recoloured, as cues then are, too.
        over: the version of the file that a new memory replaces; None if there must be none.
    """

    path: Path
    memory: SequenceMemory
    names: list[str]
    lengths: list[int]
    closed: bool
    medium: Medium
    places: Int[np.ndarray, " n"]
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
        info, (count, dim) = memory.info_, memory.patterns_.shape
        places = _places(info, count)
        names, lengths = _sequences(info, count if places is None else None)
        if places is None or places[-1] >= sum(lengths):
            places = np.arange(count)
            names, lengths = _sequences(info, count)
        medium = Medium.from_info(info, dim)
        fits = medium.kind == IMAGES and info.get("fits") is True
        closed = info.get("closed") is not False
        return cls(path, memory, names, lengths, closed, medium, places, fits)

    @classmethod
    def stored(
        cls, path: Path, memory: SequenceMemory, loaded: LoadedSequences, closed: bool,
        allow_unstored: bool, tell: Callable[[str], object],
    ) -> "SequenceFile":  # fmt: skip
        """Store sequences in a memory; `tell` is called with what is being done."""
        lengths = list(loaded.lengths)

        def part(done: int, total: int, what: str) -> None:
            if done < total:
                tell(f"storing {counted(sum(lengths), 'frame')}: {in_parts(done, total, what)[2]}")

        try:
            memory.fit(
                loaded.rows, lengths=lengths, closed=closed, allow_unstored=allow_unstored,
                progress=part,
            )  # fmt: skip
        except EqualFramesError as error:
            told = " and ".join(_frame_of(k, lengths, loaded.names) for k in error.frames)
            mend = "" if error.enough is None else f"--context {error.enough} tells them apart; or "
            raise ValueError(
                f"{told} are equal, with different frames after them; {mend}leave equal ones out "
                "(--distinct in a row, --frames)"
            ) from None
        names = [one_line(name) for name in loaded.names]
        places = _kept(loaded.rows, memory.patterns_)
        return cls(path, memory, names, lengths, closed, loaded.medium, places)

    @property
    def context(self) -> int:
        """Frames that a state of the memory holds."""
        return self.memory.points_.shape[1] // self.medium.dim

    @property
    def frames(self) -> Float[np.ndarray, "n d"]:
        """The stored frames, one sequence after another."""
        return self.memory.patterns_

    def replay(
        self, cue: Float[np.ndarray, "k d"], steps: int, tell: Callable[[str], object]
    ) -> Float[np.ndarray, "s d"]:
        """Return the last frame of a cue and its successors, (steps + 1, d).

        Args:
            cue: as many frames as a state holds, or one; if they are fewer, the first stands for
                those that are missing before it.
            steps: how many.
            tell: called with what is being done.
        """
        if 1 < len(cue) < self.context:
            cue = np.concatenate([np.repeat(cue[:1], self.context - len(cue), axis=0), cue])
        states = self.memory.replay(cue, steps, progress=counting_to(tell, "replaying step")).copy()
        states[0] = cue[-1]  # as it was given, not the frame that it was taken for
        return states

    def save(self) -> None:
        """Write the file, whole or not at all; one that was changed meanwhile is an error."""
        if self.over is not None:
            self.memory.file_ = os.path.realpath(self.path), self.over
        info = {
            "names": self.names, "lengths": self.lengths, "closed": self.closed,
            **self.medium.as_info(),
        }  # fmt: skip
        if len(self.places) < sum(self.lengths):
            info["places"] = self.places.tolist()
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
        first = max(0, frame - self.context + 1)
        return read_sequences([path], self._reading(fit, mono, Cut(1, first, frame), 1), tell)

    def read(
        self, paths: Sequence[Path], fit: bool, tell: Callable[[str], object]
    ) -> LoadedSequences:
        """Read sequences that are to be added; arguments and errors as for `cue`."""
        reading = self._reading(fit, False, EVERYTHING, self.context + 1)
        return read_sequences(paths, replace(reading, context=self.context), tell)

    def _reading(self, fit: bool, mono: bool, cut: Cut, least: int) -> SequenceReading:
        """Return how frames like those of this memory are read."""
        look, mend, shape = AS_IT_IS, "use a memory of such frames", self.medium.shape
        if fit and shape is None:
            raise ValueError(f"--fit takes a memory of images, got one of {self.medium.words}")
        if shape is not None and (fit or self.fits):
            look = Look((shape[0], shape[1]), len(shape) == 2)
        elif shape is not None:
            mend = "--fit scales images"
        return SequenceReading(look, cut, mono=mono, medium=self.medium, least=least, mend=mend)

    def spinner(self, text: str) -> str | None:
        """Return the text of a spinner, or None: training a network shows a bar of its own."""
        return text if self.memory.width is None else None

    def store(
        self,
        loaded: LoadedSequences,
        allow_unstored: bool | None,
        tell: Callable[[str], object],
    ) -> list[str]:
        """Store more sequences, and return their names; those that are stored are left out.

        Args:
            loaded: the sequences.
            allow_unstored: as for `SequenceMemory.add`.
            tell: called with what is being done.

        Raises:
            ValueError: for frames that others would follow than now.
        """
        new = []
        for k, (name, length) in enumerate(zip(loaded.names, loaded.lengths, strict=True)):
            tell(f"adding sequence {k + 1} of {len(loaded.names)}")
            first, count = sum(loaded.lengths[:k]), len(self.memory)
            rows = loaded.rows[first : first + length]
            self.memory.add(rows, closed=self.closed, allow_unstored=allow_unstored)
            if len(self.memory) == count:
                continue
            places = sum(self.lengths) + _kept(rows, self.memory.patterns_[count:])
            self.places = np.concatenate([self.places, places])
            self.lengths = [*self.lengths, length]
            used = set(self.names)
            new.append(other_name(one_line(name), loaded.paths[k], used))
            self.names = [*self.names, new[-1]]
        return new

    def forget(self, which: Sequence[int], allow_unstored: bool | None) -> None:
        """Remove sequences by index; later ones move up.

        Raises:
            ValueError: for sequences that share frames with others that stay.
        """
        home = np.array([self.place(k)[0] for k in range(len(self.places))])
        stored = self.memory.sequences_
        gone = [k for k, rows in enumerate(stored) if np.isin(home[rows], which).any()]
        for k in gone:
            stay = np.setdiff1d(home[stored[k]], which)
            if len(stay):
                raise ValueError(
                    f"WHICH must name all sequences that share frames; "
                    f"{self.names[int(stay[0])]} has some of them, too"
                )
        self.memory.forget(gone, allow_unstored=allow_unstored)
        ends = np.cumsum([0, *self.lengths])
        kept = [k for k in range(len(self.names)) if k not in which]
        before = np.cumsum([0, *(self.lengths[k] for k in kept)])
        self.places = np.concatenate(
            [self.places[home == k] - ends[k] + before[j] for j, k in enumerate(kept)]
        )
        self.names = [self.names[k] for k in kept]
        self.lengths = [self.lengths[k] for k in kept]

    def place(self, index: int) -> tuple[int, int]:
        """Return which sequence a stored frame belongs to, and its place there."""
        return _place_of(int(self.places[index]), self.lengths)

    def nearest(self, frames: Float[np.ndarray, "k d"]) -> tuple[Int[np.ndarray, " k"], np.ndarray]:
        """Return the stored frame next to each, and how far it is, relative to its distance from
        the mean of all.

        Of equal ones the one is taken whose turn it is.
        """
        stored = self.frames
        sizes = np.linalg.norm(stored - stored.mean(axis=0), axis=1)
        squares = (stored**2).sum(axis=1)
        near = np.array([int(np.argmin(squares - 2 * (stored @ frame))) for frame in frames])
        order = Order(tuple(self.lengths), (self.closed,) * len(self.lengths))
        index = dict(zip(self.places.tolist(), range(len(stored)), strict=True))
        ways = order.after()[self.places], order.before(1)[self.places]
        passes = range(1, len(near)), range(len(near) - 2, -1, -1)
        for way, visited, step in zip(ways, passes, (-1, 1), strict=True):
            for k in visited:
                now = int(near[k])
                due = index.get(int(way[near[k + step]]), now)
                if np.linalg.norm(stored[due] - stored[now]) <= _SAME * sizes[now]:
                    near[k] = due
        far = np.linalg.norm(frames - stored[near], axis=1)
        return near, far / np.maximum(sizes[near], np.finfo(float).tiny)

    def diagnosed(self, tell: Callable[[str], object]) -> list[dict[str, Any]]:
        """Return a record for each cycle: its sequence, multiplier, and replays that come back."""
        found = self.memory.diagnose(noise=[1.0], cues=_CUES, progress=counting_to(tell, "cycle"))
        return [
            {
                "sequence": self.names[self.place(int(cycle[0]))[0]], "frames": len(cycle),
                "leading": int(found.leading[k]), "multiplier": float(found.multiplier[k]),
                "attracts": bool(found.stable[k]), "back_from_noise_1": int(found.returned[k, 0]),
                "replays": int(found.cues),
            }
            for k, cycle in enumerate(found.cycles)
        ]  # fmt: skip

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


def _place_of(frame: int, lengths: Sequence[int]) -> tuple[int, int]:
    """Return which sequence a frame of all is in, and its place there."""
    ends = np.cumsum(lengths)
    which = int(np.searchsorted(ends, frame, side="right"))
    return which, int(frame - (ends[which] - lengths[which]))


def _frame_of(frame: int, lengths: Sequence[int], names: Sequence[str]) -> str:
    which, place = _place_of(frame, lengths)
    return f"frame {place} of {names[which]}"


def _kept(
    rows: Float[np.ndarray, "n d"], stored: Float[np.ndarray, "m d"]
) -> Int[np.ndarray, " m"]:
    """Return which of the rows were stored, in their order: of equal states the first."""
    if len(stored) == len(rows):
        return np.arange(len(rows))
    places, k = [], 0
    for row in stored:
        while np.abs(rows[k] - row).max() > _SAME * np.abs(row).max():
            k += 1
        places.append(k)
        k += 1
    return np.array(places)


def _places(info: dict[str, Any], count: int) -> Int[np.ndarray, " n"] | None:
    """Return which frames are stored as a file says it; None if it does not."""
    places: Any = info.get("places")
    if not isinstance(places, list) or len(places) != count:
        return None
    if not all(type(k) is int and 0 <= k < _MOST for k in places):
        return None
    found = np.array(places)
    return found if (np.diff(found) > 0).all() else None


def _sequences(info: dict[str, Any], count: int | None) -> tuple[list[str], list[int]]:
    """Return names and lengths as a file says them, or those of one sequence.

    Args:
        info: what the file says.
        count: what lengths must add up to; None for any number.
    """
    names: Any = info.get("names")
    lengths: Any = info.get("lengths")
    whole = isinstance(lengths, list) and all(type(k) is int and 0 < k < _MOST for k in lengths)
    if not whole or not lengths or count not in (None, sum(lengths)):
        lengths = [count or 1]
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not named or len(names) != len(lengths):
        names = [f"sequence {k}" for k in range(len(lengths))]
    return [one_line(name) for name in names], list(lengths)
