"""Run figures of the paper, judge their claims, and write it all down."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attractory._util.validation import choice, whole
from attractory.datasets import mnist
from attractory.paper.claims import Results, Size
from attractory.paper.found import Reproduction, Run
from attractory.paper.registry import figures_named
from attractory.paper.report import write_report
from attractory.paper.run_cells import run_cells

__all__ = ["reproduce"]


def reproduce(
    names: Sequence[str] = (),
    *,
    out: str | Path,
    size: Size = "quick",
    seeds: int | None = None,
    data: str | Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> Reproduction:
    """Run figures of the paper, and write the report, the pictures and the numbers into a folder.

    Args:
        names: of the figures, see `figures_named`; all by default.
        out: folder for everything.
        size: "quick" shows every figure in small; "full" takes the paper's sizes.
        seeds: how many a figure takes; each has its own number by default.
        data: folder with MNIST's test set as IDX files, for figure E.3; the bundled digits if None.
        workers: processes that share the cells.
        scheduler: address of a Dask scheduler that takes them instead.
        progress: called with a figure's name, its cells done, and its cells in all.

    Raises:
        ValueError: for unknown names or numbers out of range.
        OSError: if the folder cannot be written or the data not be read.

    Example:
        >>> import tempfile
        >>> found = reproduce(["figure-d1"], out=tempfile.mkdtemp())
        >>> [claim.verdict for claim in found.runs[0].claims][-2:]
        ['holds', 'DOES NOT HOLD']
    """
    figures = figures_named(names)
    choice(size, "size", ("quick", "full"))
    seeds = None if seeds is None else whole(seeds, "seeds", 1)
    source = None if data is None else str(Path(data).resolve())
    if source is not None:
        mnist(source)  # now rather than in every cell
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    begun, runs = time.perf_counter(), []
    for figure in figures:
        cells = run_cells(
            figure.cell,
            figure.cells(size, seeds, source),
            # By the module that computes: figures that share one share its cells.
            out=folder / "cells" / figure.cell.__module__.rpartition(".")[2].strip("_"),
            workers=workers,
            scheduler=scheduler,
            progress=None if progress is None else _named(progress, figure.name),
        )
        results = Results(cells)
        runs.append(Run(figure, results, tuple(figure.claims(results)) if len(results) else ()))
    where = "this machine"
    if scheduler is not None:
        where = f"the Dask cluster at {scheduler}"
    elif workers is not None:
        where += f", at most {workers} processes"
    found = Reproduction(
        tuple(runs), size, seeds, source, where, round(time.perf_counter() - begun, 3)
    )
    write_report(found, folder)
    return found


def _named(progress: Callable[[str, int, int], object], name: str) -> Callable[[int, int], object]:
    return lambda done, total: progress(name, done, total)
