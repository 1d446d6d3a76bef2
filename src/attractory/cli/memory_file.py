"""A memory in a file with the names of its rows and the shape of its images, kept in step."""

import math
import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory._util.progress import in_parts
from attractory._util.texts import counted
from attractory.cli.console import one_line
from attractory.io.images import AS_IT_IS, Look
from attractory.io.names import other_name
from attractory.io.patterns import Asked, LoadedPatterns, Size, read_patterns
from attractory.memory.base import STALE
from attractory.memory.certified_chain import covered
from attractory.memory.certified_recall import RecallCertificate, certify_recall
from attractory.memory.diagnosis import attacked, lost_in_units
from attractory.memory.estimator import AttractorMemory
from attractory.memory.files import load_memory, save_memory
from attractory.memory.recall_attack import RecallAttack
from attractory.memory.sequence import SequenceMemory

__all__ = ["MemoryFile", "certify_rows", "find_named"]

_SAME = 1e-11  # of the largest entry: rows nearer than this are the stored one and its rounding


@dataclass
class MemoryFile:
    """A memory and where it is kept.

    Attributes:
        path: of the file.
        memory: as it is now; the file follows with `save`.
        names: of its rows.
        shape: of its images, (height, width) or (height, width, 3); None for plain vectors.
        info: whatever else the file says of the memory.
        fits: whether its images were scaled or recoloured, as cues then are, too.
        over: the version of the file that a new memory replaces; None if there must be none.
    """

    path: Path
    memory: AttractorMemory
    names: list[str] = field(default_factory=list)
    shape: tuple[int, ...] | None = None
    info: dict[str, Any] = field(default_factory=dict)
    fits: bool = False
    over: str | None = None

    @classmethod
    def open(cls, path: Path) -> "MemoryFile":
        """Read a file, with the errors of `load_memory`."""
        return cls.of(path, load_memory(path))

    @classmethod
    def of(cls, path: Path, memory: AttractorMemory | SequenceMemory) -> "MemoryFile":
        """Return a memory that was read from a file, with what the file says of its rows."""
        if not isinstance(memory, AttractorMemory):
            raise ValueError(
                f"{path} maps rows to other rows: replay runs through its sequences, and add and "
                "forget change them"
            )
        # A memory saved from Python may say nothing of its rows, or something else.
        info = memory.info_
        names: Any = info.get("names")
        shape: Any = info.get("shape")
        named = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not named or len(names) != len(memory):
            names = [f"row {k}" for k in range(len(memory))]
        kept = cls(path, memory, names, None, info)
        sized = isinstance(shape, list) and all(type(k) is int and k > 0 for k in shape)
        if sized and len(shape) in (2, 3) and shape[2:] in ([], [3]):
            kept.shape = tuple(shape) if math.prod(shape) == kept.dim else None
        kept.fits = kept.shape is not None and info.get("fits") is True
        return kept

    def save(self) -> None:
        """Write the file, whole or not at all; one that was changed meanwhile is an error."""
        if self.over is not None:
            self.memory.file_ = os.path.realpath(self.path), self.over
        shape = None if self.shape is None else list(self.shape)
        self.info = self.info | {"names": self.names, "shape": shape}
        if self.fits:
            self.info["fits"] = True
        save_memory(self.memory, self.path, info=self.info)

    def spinner(self, text: str) -> str | None:
        """Return the text of a spinner, or None: training a network shows a bar of its own."""
        return text if self.memory.width is None else None

    @property
    def dim(self) -> int:
        """Numbers in a row."""
        return self.memory.points_.shape[1]

    def read(
        self,
        paths: Sequence[Path],
        index_column: str | None = None,
        recursive: bool = False,
        fit: bool = False,
        missing: bool = False,
    ) -> LoadedPatterns:
        """Read files whose rows are of this memory's size; others are among the failed ones.

        Args:
            paths: files and folders.
            index_column, recursive: as for `load_patterns`.
            fit: whether images get the memory's size and colours; they do if its own were made
                alike when they were stored.
            missing: whether numbers may be missing.

        Raises:
            NothingRead: if no file can be used.
            ValueError: for fit, if the rows of this memory are no images.
        """
        look, mend = AS_IT_IS, "make it alike, or use a memory of such rows"
        if fit and self.shape is None:
            raise ValueError("--fit takes a memory of images, got one of vectors; leave it out")
        if self.shape is not None and (fit or self.fits):
            look = Look((self.shape[0], self.shape[1]), len(self.shape) == 2)
        elif self.shape is not None:
            mend += "; --fit scales images"
        size = Size(self.dim, self.shape, "the memory holds", mend)
        return read_patterns(paths, Asked(size, look, index_column, recursive, missing))

    def store(
        self,
        loaded: LoadedPatterns,
        allow_unstored: bool | None = None,
        tell: Callable[[str], object] | None = None,
    ) -> list[str]:
        """Store rows, and return the names of those that are new.

        Where they outgrow the metric of the first ones, it is fitted anew to all.

        Args:
            loaded: the rows.
            allow_unstored: as for `AttractorMemory.partial_fit`.
            tell: called with what is being done, where that takes a while.
        """
        before = len(self.names)

        def trial(done: int, total: int, what: str) -> None:
            if tell is not None and done < total:
                tell(
                    f"storing {counted(len(loaded.rows), 'row')}: {in_parts(done, total, what)[2]}"
                )

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", STALE)
            self.memory.partial_fit(loaded.rows, allow_unstored=allow_unstored, progress=trial)
        new = _names_kept(loaded, self.memory.patterns_[before:], self.names)
        if self.memory.stale_:
            word = self.memory.state_.settings.allow_unstored
            self.memory.fit(self.memory.patterns_, allow_unstored=word, progress=trial)
        self.names = self.names + new
        self.shape = self.shape or loaded.shape
        return new

    def forget(self, rows: Sequence[int], allow_unstored: bool | None = None) -> None:
        """Remove rows by index; later ones move up."""
        self.memory.forget(rows, allow_unstored=allow_unstored)
        self.names = [name for k, name in enumerate(self.names) if k not in rows]

    def as_dict(self) -> dict[str, Any]:
        """Return what the file holds, but for the rows, as JSON values."""
        memory = self.memory
        activation = getattr(memory.activation, "name", memory.activation)
        residual = memory.residual_
        return {
            "file": str(self.path), "bytes": self.path.stat().st_size, "width": memory.width,
            "activation": activation, "depth": memory.depth, "n": len(memory), "dim": self.dim,
            "shape": None if self.shape is None else list(self.shape), "norm": memory.norm_,
            "residual": residual if math.isfinite(residual) else None,
            "choice": None if memory.choice_ is None else memory.choice_.as_dict(),
        }  # fmt: skip


def _names_kept(
    loaded: LoadedPatterns, kept: Float[np.ndarray, "m d"], taken: Sequence[str]
) -> list[str]:
    """Return the names of rows that a memory kept: in their order, the first of equal ones.

    A name that a row of the memory has already gets its folder, too.
    """
    names: list[str] = []
    used = set(taken)
    for name, row, path in zip(loaded.names, loaded.rows, loaded.paths, strict=True):
        if len(names) == len(kept):
            break
        if np.abs(row - kept[len(names)]).max() <= _SAME * np.abs(row).max():
            names.append(other_name(one_line(name), path, used))
            used.add(names[-1])
    return names


def find_named(names: Sequence[str], which: str, what: str) -> list[int]:
    """Return what an index, a range of indices or a name means, if it means any.

    Args:
        names: of all, in their order.
        which: the index, range or name.
        what: they are, in messages.
    """
    n = len(names)
    named = [k for k, name in enumerate(names) if name == which]
    # Longer numbers are no index, and may be longer than Python converts.
    counted = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", which)
    first, last = (int(k or counted[1]) for k in counted.groups()) if counted else (0, -1)
    rows = list(range(first, last + 1)) if last < n else []
    if counted and not rows and counted[2] and not named:
        raise ValueError(
            f"WHICH must be a range within 0-{n - 1}, the smaller index first, got {which!r}"
        )
    if not named and not rows:
        raise ValueError(
            f"WHICH must be an index from 0 to {n - 1}, a range such as 0-{n - 1}, or a name "
            f"that `attractory inspect` shows, got {which!r}{_meant(which)}"
        )
    found = sorted({*named, *rows})
    if len(named) > 1 or (named and found != named):
        both = " and ".join(map(str, found))
        mend = "the name of the one you mean" if rows else "one of these indices"
        raise ValueError(
            f"WHICH must mean one {what}, got {which!r} for {what}s {both}; give {mend}"
        )
    return found


def _meant(which: str) -> str:
    """Say why what begins with a hyphen names no row: `forget` takes it for one."""
    if which.startswith("--"):
        return "; no option has this name either"
    return "; rows are not counted from the end" if re.match("-[0-9]", which) else ""


def certify_rows(
    kept: MemoryFile, rows: list[dict[str, Any]]
) -> tuple[RecallCertificate, RecallAttack]:
    """Write down certificate and attack of rows, in the units of the rows, and return both."""
    covered(kept.memory)
    chosen = np.array([row["index"] for row in rows])
    proven, attack = certify_recall(kept.memory, chosen), attacked(kept.memory, chosen, None)
    near, far = proven.radius_in_units.tolist(), lost_in_units(kept.memory, attack)[0].tolist()
    for row, held, lost in zip(rows, near, far, strict=True):
        row["certified"], row["attacked"] = held, lost if lost < float("inf") else None
    return proven, attack
