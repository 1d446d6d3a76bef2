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
        medium: what a frame is.
        fits: whether images were scaled or recoloured, as cues then are, too.
        over: the version of the file that a new memory replaces; None if there must be none.
    """

    path: Path
    memory: SequenceMemory
    names: list[str]
    medium: Medium
    fits: bool = False
    over: str | None = None

    @classmethod
    def open(cls, path: Path) -> "SequenceFile":
        """Read a file, with the errors of `load_memory`."""
        memory = load_memory(path)
        if not isinstance(memory, SequenceMemory):
            raise ValueError(f"{path} holds rows and no sequence; use recall")
        # A memory saved from Python may say nothing of its rows, or something else.
        info = memory.info_
        names: Any = info.get("names")
        count = len(memory.lengths_)
        named = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not named or len(names) != count:
            names = [f"sequence {k}" for k in range(count)]
        medium = Medium.from_info(info, memory.frames_.shape[1])
        fits = medium.kind == IMAGES and info.get("fits") is True
        return cls(path, memory, [one_line(name) for name in names], medium, fits)

    @classmethod
    def stored(
        cls, path: Path, memory: SequenceMemory, loaded: LoadedSequences, closed: bool,
        allow_unstored: bool,
    ) -> "SequenceFile":  # fmt: skip
        """Store sequences in a memory."""
        memory.fit(
            loaded.rows, lengths=list(loaded.lengths), closed=closed, allow_unstored=allow_unstored
        )
        names = [one_line(name) for name in loaded.names]
        return cls(path, memory, names, loaded.medium)

    def save(self) -> None:
        """Write the file, whole or not at all; one that was changed meanwhile is an error."""
        if self.over is not None:
            self.memory.file_ = os.path.realpath(self.path), self.over
        info = {"names": self.names, **self.medium.as_info()}
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
        first = max(0, frame - self.memory.context + 1)
        reading = SequenceReading(
            look, Cut(1, first, frame), mono=mono, medium=self.medium, least=1, mend=mend
        )
        return read_sequences([path], reading, tell)

    def place(self, index: int) -> tuple[int, int]:
        """Return which sequence a frame of the memory belongs to, and its place there."""
        ends = np.cumsum(self.memory.lengths_)
        which = int(np.searchsorted(ends, index, side="right"))
        return which, int(index - (ends[which] - self.memory.lengths_[which]))

    def nearest(self, frames: Float[np.ndarray, "k d"]) -> tuple[Int[np.ndarray, " k"], np.ndarray]:
        """Return the stored frame next to each, and how far it is, relative to its distance from
        the mean of all.
        """
        stored = self.memory.frames_
        mean = stored.mean(axis=0)
        near, far = np.empty(len(frames), int), np.empty(len(frames))
        sizes = np.linalg.norm(stored - mean, axis=1)
        lengths = (stored**2).sum(axis=1)
        for k, frame in enumerate(frames):
            near[k] = np.argmin(lengths - 2 * (stored @ frame))
            far[k] = np.linalg.norm(frame - stored[near[k]])
        return near, far / np.maximum(sizes[near], np.finfo(float).tiny)

    def as_dict(self) -> dict[str, Any]:
        """Return what the file holds, but for the frames, as JSON values."""
        memory = self.memory
        residual = memory.residual_
        activation = getattr(memory.activation, "name", memory.activation)
        return {
            "file": str(self.path), "bytes": self.path.stat().st_size, "width": memory.width,
            "activation": activation, "depth": memory.depth,
            "frames": int(sum(memory.lengths_)), "dim": self.medium.dim,
            "context": memory.context, "norm": memory.norm_,
            "residual": residual if math.isfinite(residual) else None,
            "sequences": [
                {"name": name, "frames": int(length), "closed": bool(closed)}
                for name, length, closed in zip(
                    self.names, memory.lengths_, memory.closed_, strict=True
                )
            ],
            **self.medium.as_info(),
        }  # fmt: skip
