"""Run the cells of a figure in this process, one after another, and keep nothing."""

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Cell", "run_cells"]


@dataclass(frozen=True)
class Cell:
    """A cell that has run.

    Attributes:
        settings: what it was run with.
        values: its numbers by name; None if it failed.
        error: why it failed.
        seconds: how long it took.
    """

    settings: dict[str, Any]
    values: dict[str, Any] | None
    error: str | None
    seconds: float


def run_cells(
    function: Callable[..., dict[str, Any]],
    cells: Iterable[dict[str, Any]],
    *,
    out: Path,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> list[Cell]:
    """Return what a function makes of each cell's settings, in order; errors are recorded.

    Args:
        function: of the settings, by name.
        cells: their settings.
        out: folder where results may be kept.
        workers, scheduler: where to run.
        progress: called with cells done and cells in all.

    Raises:
        ValueError: if there is no cell.

    Example:
        >>> done = run_cells(lambda n: {"half": 1 / n}, [{"n": 2}, {"n": 0}], out=Path("."))
        >>> done[0].values, done[1].values, done[1].error
        ({'half': 0.5}, None, 'ZeroDivisionError: division by zero')
    """
    todo = list(cells)
    if not todo:
        raise ValueError("cells must not be empty")
    done = []
    for settings in todo:
        begun, values, error = time.perf_counter(), None, None
        try:
            values = function(**settings)
        except Exception as failure:
            error = traceback.format_exception_only(failure)[-1].strip()
        done.append(Cell(settings, values, error, time.perf_counter() - begun))
        if progress is not None:
            progress(len(done), len(todo))
    return done
