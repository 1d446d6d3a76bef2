"""A memory in a file with the names of its rows and the shape of its images, kept in step."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory.cli.console import one_line
from attractory.io.patterns import LoadedPatterns, load_patterns
from attractory.memory.base import STALE
from attractory.memory.estimator import AttractorMemory
from attractory.memory.files import load_memory, save_memory

__all__ = ["MemoryFile"]

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
    """

    path: Path
    memory: AttractorMemory
    names: list[str] = field(default_factory=list)
    shape: tuple[int, ...] | None = None
    info: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> "MemoryFile":
        """Read a file, with the errors of `load_memory`."""
        memory = load_memory(path)
        if not isinstance(memory, AttractorMemory):
            raise ValueError(
                f"{path} maps rows to other rows, for which there is no command; "
                "use attractory.load_memory in Python"
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
        return kept

    def save(self) -> None:
        """Write the file, whole or not at all."""
        shape = None if self.shape is None else list(self.shape)
        self.info = self.info | {"names": self.names, "shape": shape}
        save_memory(self.memory, self.path, info=self.info)

    @property
    def dim(self) -> int:
        """Numbers in a row."""
        return self.memory.points_.shape[1]

    def read(self, paths: Sequence[Path]) -> LoadedPatterns:
        """Read files whose rows are of this memory's size; others are among the failed ones."""
        try:
            loaded = load_patterns(paths, shape=self.shape, dim=self.dim)
        except ValueError as error:
            raise ValueError(_of_the_memory(str(error))) from None
        failed = tuple((path, _of_the_memory(reason)) for path, reason in loaded.failed)
        return replace(loaded, failed=failed)

    def store(self, loaded: LoadedPatterns) -> list[str]:
        """Store rows, and return the names of those that are new.

        Where they outgrow the metric of the first ones, it is fitted anew to all.
        """
        before = len(self.names)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", STALE)
            self.memory.partial_fit(loaded.rows)
        new = _names_kept(loaded, self.memory.patterns_[before:])
        if self.memory.stale_:
            self.memory.fit(self.memory.patterns_)
        self.names = self.names + new
        self.shape = self.shape or loaded.shape
        return new

    def find(self, which: str) -> int:
        """Return the row that an index or a name means, if it means one."""
        found = {k for k, name in enumerate(self.names) if name == which}
        # Longer numbers are no index, and may be longer than Python converts.
        if which.isascii() and which.isdecimal() and len(which) < 19:
            found |= {int(which)} & set(range(len(self.names)))
        if not found:
            raise ValueError(
                f"WHICH must be an index from 0 to {len(self.names) - 1} or a name that "
                f"`attractory inspect` shows, got {which!r}"
            )
        if len(found) > 1:
            rows = " and ".join(str(k) for k in sorted(found))
            mend = "the name of the one you mean" if which.isdecimal() else "one of these indices"
            raise ValueError(f"WHICH must mean one row, got {which!r} for rows {rows}; give {mend}")
        return found.pop()

    def forget(self, rows: Sequence[int]) -> None:
        """Remove rows by index; later ones move up."""
        self.memory.forget(rows)
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


def _of_the_memory(reason: str) -> str:
    """Say that the memory asks for a size, where `load_patterns` says that the call does."""
    if "the call asks for" not in reason:
        return reason
    reason = reason.replace("the call asks for", "the memory holds")
    return reason.replace("or load it by itself", "or use a memory of such rows")


def _names_kept(loaded: LoadedPatterns, kept: Float[np.ndarray, "m d"]) -> list[str]:
    """Return the names of rows that a memory kept: in their order, the first of equal ones."""
    names: list[str] = []
    for name, row in zip(loaded.names, loaded.rows, strict=True):
        if len(names) == len(kept):
            break
        if np.abs(row - kept[len(names)]).max() <= _SAME * np.abs(row).max():
            names.append(one_line(name))
    return names
