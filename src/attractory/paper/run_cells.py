"""Run the cells of a figure as a sweep: each is kept as it ends, and never computed twice."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attractory.sweeps.run import Cell, sweep

__all__ = ["Cell", "run_cells"]


def run_cells(
    function: Callable[..., dict[str, Any]] | str,
    cells: Iterable[dict[str, Any]],
    *,
    out: Path,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> list[Cell]:
    """Return what a function makes of each cell's settings, in order; errors are recorded.

    Args:
        function: of the settings, by name; one of a module.
        cells: their settings.
        out: folder where results are kept.
        workers, scheduler, and errors: as for `sweeps.run.sweep`.
        progress: called with cells done and cells in all.

    Example:
        >>> import tempfile
        >>> settings = [{"n": 4, "dim": 6, "norm": 30.0}, {"n": 0, "dim": 6, "norm": 30.0}]
        >>> done = run_cells("spectrum", settings, out=Path(tempfile.mkdtemp()), workers=0)
        >>> done[0].values["attractors"], str(done[1].error)
        (4, 'ValueError: n must be at least 1, got 0')
    """
    result = sweep(
        function, cells, out=out, workers=workers, scheduler=scheduler, progress=progress or False
    )
    return result.cells
