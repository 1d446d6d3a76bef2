"""Run figures of the paper, judge their claims, and write it all down."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from attractory._checks import choice, whole
from attractory.data import mnist
from attractory.paper._figure import Claim, PaperFigure, Results, Size
from attractory.paper._report import how_it_was_run, write_report
from attractory.paper._run import run_cells
from attractory.paper.registry import figures_named

__all__ = ["Reproduction", "Run", "reproduce"]


@dataclass(frozen=True)
class Run:
    """A figure that has been run.

    Attributes:
        figure: which.
        results: its cells.
        claims: what they say.
    """

    figure: PaperFigure
    results: Results
    claims: tuple[Claim, ...]

    def pictures(self) -> dict[str, Figure]:
        """Draw it, by file name without ending; nothing if every cell failed."""
        return self.figure.pictures(self.results) if len(self.results) else {}


@dataclass(frozen=True)
class Reproduction:
    """What `reproduce` found.

    Attributes:
        runs: one a figure.
        size: "quick" or "full".
        seeds: how many were asked for; None for each figure's own.
        data: folder of the digits; None for the bundled ones.
        where: what it ran on, in words.
        seconds: from start to end.
    """

    runs: tuple[Run, ...]
    size: Size
    seeds: int | None
    data: str | None
    where: str
    seconds: float

    @property
    def failed(self) -> int:
        """How many cells failed."""
        return sum(len(run.results.failed) for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """Return claims and circumstances as plain values, for JSON."""
        figures = [
            {
                "name": run.figure.name,
                "title": run.figure.title,
                "cells": len(run.results.all),
                "failed": len(run.results.failed),
                "seconds": round(run.results.seconds, 3),
                "claims": [claim.as_dict() for claim in run.claims],
            }
            for run in self.runs
        ]
        return {"how": how_it_was_run(self), "failed": self.failed, "figures": figures}


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
