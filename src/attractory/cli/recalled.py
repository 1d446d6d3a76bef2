"""What `recall --out` writes: what was recalled, and a table that says of each cue what it is.

Cues that are known come back in the folder itself, the others in a folder of their own inside it.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory._util.interrupts import too_late
from attractory.cli.console import complain, one_line
from attractory.cli.outputs import not_over
from attractory.io.atomic_file import replacing
from attractory.io.kinds import RECALL_TABLE
from attractory.io.names import safe_stems
from attractory.io.patterns import LoadedPatterns
from attractory.io.saving import save_image, save_vectors, write_lines

__all__ = ["UNKNOWN", "Outputs"]

UNKNOWN = "not-known"  # folder of what was recalled but is not known
_COLUMNS = ("cue", "file", "output", "status", "known", "index", "label", "confidence", "steps")


@dataclass(frozen=True)
class Outputs:
    """The files that recall writes, planned before it.

    Attributes:
        folder: to write to.
        loaded: the cues.
        stems: names of images without suffix, one a cue.
    """

    folder: Path
    loaded: LoadedPatterns
    stems: tuple[str, ...]

    @classmethod
    def planned(
        cls, folder: Path, loaded: LoadedPatterns, inputs: Iterable[Path], force: bool
    ) -> "Outputs":
        """Return the plan, or refuse one that writes over what is read, or unasked over others.

        Raises:
            ValueError: with the file in the way.
        """
        stems = () if loaded.shape is None else tuple(safe_stems(loaded.names))
        plan = cls(folder, loaded, stems)
        inside = folder / UNKNOWN
        if os.path.lexists(inside) and not inside.is_dir():
            raise ValueError(f"--out must have room for a folder {inside}, which is a file")
        targets = plan._targets()
        not_over(targets, inputs, "--out")
        there = [path for path in targets if os.path.lexists(path)]
        if folders := [path for path in there if path.is_dir()]:
            raise ValueError(f"--out must have room for the file {folders[0]}, which is a folder")
        if there and not force:
            more = f" and {len(there) - 1} more" if there[1:] else ""
            raise ValueError(
                f"--out must not hold what is written, got {there[0]}{more}; "
                "--force replaces it, or name another folder"
            )
        return plan

    def write(self, states: Float[np.ndarray, "n d"], cues: list[dict[str, Any]]) -> list[Path]:
        """Write states and the table, and return the paths of the first.

        What diverged cannot be written. Each of the cues gets its "output", relative to the folder.
        """
        too_late()  # Ctrl-C before leaves no file; from here on all are written
        self.folder.mkdir(parents=True, exist_ok=True)
        good = np.asarray(np.isfinite(states).all(axis=1))
        if not good.all():
            lost = int((~good).sum())
            states_are = f"{lost} state{'s' * (lost > 1)}"
            complain(f"warning: {states_are} diverged and cannot be written")
        written = self._images(states, good, cues) if self.stems else []
        if not self.stems and good.any():
            written = [save_vectors(states[good], self._vectors(), self.loaded.columns)]
            places = np.cumsum(good) - 1
            for k, cue in enumerate(cues):
                cue["output"] = f"{written[0].name}[{places[k]}]" if good[k] else None
        self._write_table(cues)
        return written

    @property
    def table(self) -> Path:
        """Path of the table."""
        return self.folder / RECALL_TABLE

    def _vectors(self) -> Path:
        return self.folder / ("recalled.csv" if self.loaded.tables else "recalled.npy")

    def _targets(self) -> list[Path]:
        """Return every path that may be written: what is known is not known yet."""
        if not self.stems:
            return [self.table, self._vectors()]
        folders = self.folder, self.folder / UNKNOWN
        return [self.table, *(folder / f"{stem}.png" for folder in folders for stem in self.stems)]

    def _images(
        self, states: Float[np.ndarray, "n d"], good: np.ndarray, cues: list[dict[str, Any]]
    ) -> list[Path]:
        shape, written = self.loaded.shape, []
        assert shape is not None
        for k, (stem, cue) in enumerate(zip(self.stems, cues, strict=True)):
            names = [f"{stem}.png", f"{UNKNOWN}/{stem}.png"]
            name = names[0 if cue["known"] else 1]
            cue["output"] = name if good[k] else None
            if good[k]:
                path = self.folder / name
                path.parent.mkdir(exist_ok=True)
                save_image(states[k], shape, path)
                written.append(path)
            for other in names:  # of an earlier recall, and no longer true
                if other != cue["output"]:
                    with suppress(FileNotFoundError, NotADirectoryError):
                        (self.folder / other).unlink()
        return written

    def _write_table(self, cues: list[dict[str, Any]]) -> None:
        lines: list[Sequence[object]] = [_COLUMNS]
        for cue, path in zip(cues, self.loaded.paths, strict=True):
            cells = (
                cue["cue"], path, cue["output"], cue["status"], "yes" if cue["known"] else "no",
                cue["index"], cue["recalled"], repr(cue["confidence"]), cue["steps"],
            )  # fmt: skip
            lines.append(["" if cell is None else one_line(str(cell)) for cell in cells])
        with replacing(self.table) as file:
            write_lines(file, lines)
