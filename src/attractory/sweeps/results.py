"""What a sweep returns: its cells with their settings, values and errors."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from attractory.sweeps.grid import Settings
from attractory.sweeps.store import Stored
from attractory.sweeps.values import Values, decode

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

__all__ = ["Cell", "CellError", "SweepResult", "cell_of"]


@dataclass(frozen=True)
class CellError:
    """Why a cell failed.

    Attributes:
        type: name of the exception; WorkerDied or KilledWorker if its process died.
        message: what it said.
        traceback: the innermost frames, as "file:line in function: code".
    """

    type: str
    message: str
    traceback: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return type and message in one line."""
        return " ".join(f"{self.type}: {self.message}".split())


@dataclass(frozen=True, eq=False)
class Cell:
    """One call of the function.

    Attributes:
        settings: its keyword arguments.
        values: what it returned, or None if it failed.
        error: why it failed, or None.
        seconds: how long it took.
    """

    settings: Settings
    values: Values | None
    error: CellError | None
    seconds: float


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The cells of a sweep.

    Attributes:
        cells: in the order in which they were given, equal ones each time; those of `open_sweep`
            in the order in which they were stored.
        computed: how many different cells this call computed.
        reused: how many the folder had already.
        function: "module:name" or "file.py:name".
        version: of the code.
        out: the folder.
    """

    cells: list[Cell] = field(repr=False)
    computed: int
    reused: int
    function: str
    version: str
    out: Path = field(repr=False)

    @property
    def done(self) -> int:
        """How many of the cells have values."""
        return sum(cell.error is None for cell in self.cells)

    @property
    def failed(self) -> int:
        """How many of the cells have an error."""
        return len(self.cells) - self.done

    def __str__(self) -> str:
        """Return the counts in one line."""
        return (
            f"{self.done} of {len(self.cells)} cells of {self.function} done, {self.failed} "
            f"failed; {self.computed} computed, {self.reused} reused"
        )

    def frame(self) -> "DataFrame":
        """Return a pandas DataFrame with one row a cell.

        Columns are the settings, the values (arrays as objects; a value that has the name of a
        setting gets `_value` appended), `cell_error` and `cell_seconds`.

        Raises:
            ModuleNotFoundError: without pandas, which `attractory[sweep]` brings.
        """
        from attractory.sweeps.tables import data_frame

        return data_frame(self.cells)

    def dataset(self) -> "Dataset":
        """Return an xarray Dataset over the settings that vary, as coordinates.

        Settings that do not vary are its attributes. Arrays get dimensions of their own, `name_0`,
        `name_1` …; shorter ones are filled up with NaN, as are cells that failed or are missing.

        Raises:
            ValueError: if the cells are far from filling a grid, or arrays of one name have
                different numbers of dimensions.
            ModuleNotFoundError: without xarray, which `attractory[sweep]` brings.
        """
        from attractory.sweeps.tables import data_set

        return data_set(self.cells)


def cell_of(stored: Stored, settings: Settings | None = None) -> Cell:
    """Return a cell as the store has it.

    Args:
        stored: its row.
        settings: as they were given, if they are known.
    """
    error = stored["error"]
    return Cell(
        json.loads(stored["settings"]) if settings is None else settings,
        None if stored["values"] is None else decode(stored["values"]),
        None if error is None
        else CellError(error["type"], error["message"], tuple(error["traceback"])),
        stored["seconds"],
    )  # fmt: skip
