"""A memory of sequences in a file, with their names and what its rows are frames of."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
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
        fits: whether images were scaled or recoloured, as cues then are, too.
        over: the version of the file that a new memory replaces; None if there must be none.
    """

    path: Path
    memory: SequenceMemory
    names: list[str]
    lengths: list[int]
    closed: bool
    medium: Medium
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
        info, count = memory.info_, len(memory)
        names, lengths = _sequences(info, count)
        medium = Medium.from_info(info, memory.patterns_.shape[1])
        fits = medium.kind == IMAGES and info.get("fits") is True
        return cls(path, memory, names, lengths, info.get("closed") is not False, medium, fits)

    @classmethod
    def stored(
        cls, path: Path, memory: SequenceMemory, loaded: LoadedSequences, closed: bool,
        allow_unstored: bool,
    ) -> "SequenceFile":  # fmt: skip
        """Store sequences in a memory."""
        rows, lengths = loaded.rows, list(loaded.lengths)
        memory.fit(rows, _successors(rows, loaded, closed), allow_unstored=allow_unstored)
        names = [one_line(name) for name in loaded.names]
        return cls(path, memory, names, lengths, closed, loaded.medium)

    @property
    def context(self) -> int:
        """Frames that a state holds."""
        return 1

    @property
    def frames(self) -> Float[np.ndarray, "n d"]:
        """The stored frames, one sequence after another."""
        return self.memory.patterns_

    def save(self) -> None:
        """Write the file, whole or not at all; one that was changed meanwhile is an error."""
        if self.over is not None:
            self.memory.file_ = os.path.realpath(self.path), self.over
        info = {
            "names": self.names, "lengths": self.lengths, "closed": self.closed,
            **self.medium.as_info(),
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
        """
        stored = self.frames
        mean = stored.mean(axis=0)
        near, far = np.empty(len(frames), int), np.empty(len(frames))
        sizes = np.linalg.norm(stored - mean, axis=1)
        lengths = (stored**2).sum(axis=1)
        for k, frame in enumerate(frames):
            near[k] = np.argmin(lengths - 2 * (stored @ frame))
            far[k] = np.linalg.norm(frame - stored[near[k]])
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


def _successors(
    rows: Float[np.ndarray, "n d"], loaded: LoadedSequences, closed: bool
) -> Float[np.ndarray, "n d"]:
    """Return the frame after each; the last of an open sequence stays.

    Raises:
        ValueError: if a frame occurs twice, so that what follows it is not decided.
    """
    ends = np.cumsum(loaded.lengths)
    first = ends - loaded.lengths
    after = np.arange(1, len(rows) + 1)
    after[ends - 1] = first if closed else ends - 1
    seen: dict[bytes, int] = {}
    for k, row in enumerate(rows):
        before = seen.setdefault(row.tobytes(), k)
        if before != k:
            told = []
            for place in (before, k):
                which = int(np.searchsorted(ends, place, side="right"))
                told.append(f"frame {place - first[which]} of {loaded.names[which]}")
            raise ValueError(
                f"{told[0]} and {told[1]} are equal, so that one frame does not tell what follows; "
                "leave equal ones out (--distinct in a row, --frames), or let more frames decide "
                "(--context)"
            )
    return rows[after]


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
