"""Run figures of the paper, judge its claims by them, and write the report.

`FIGURES` holds them in the paper's order, then what the errata found, then what lies beyond.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from attractory._util.validation import choice, near, whole
from attractory.datasets import mnist
from attractory.paper.claims import PaperFigure, Results, Size
from attractory.paper.figures.activations import FIGURE as ACTIVATIONS
from attractory.paper.figures.basin_and_norm import FIGURE as BASIN_AND_NORM
from attractory.paper.figures.capacity import FIGURE as CAPACITY
from attractory.paper.figures.depth import FIGURE as DEPTH
from attractory.paper.figures.e1_against_norm import FIGURE as E1_AGAINST_NORM
from attractory.paper.figures.f0 import FIGURE as F0
from attractory.paper.figures.figure_5 import FIGURE as FIGURE_5
from attractory.paper.figures.figure_d1 import FIGURE as FIGURE_D1
from attractory.paper.figures.figure_e1 import FIGURE as FIGURE_E1
from attractory.paper.figures.figure_e2 import FIGURE as FIGURE_E2
from attractory.paper.figures.figure_e3 import FIGURE as FIGURE_E3
from attractory.paper.figures.norm_and_number import FIGURE as NORM_AND_NUMBER
from attractory.paper.figures.why_sigmoids import FIGURE as WHY_SIGMOIDS
from attractory.paper.report import Reproduction, Run, write_report
from attractory.sweeps.run import sweep

__all__ = ["FIGURES", "figures_named", "reproduce"]

FIGURES: dict[str, PaperFigure] = {
    figure.name: figure
    for figure in (
        FIGURE_D1, FIGURE_E1, FIGURE_E2, FIGURE_E3, FIGURE_5, F0, BASIN_AND_NORM, E1_AGAINST_NORM,
        NORM_AND_NUMBER, DEPTH, ACTIVATIONS, CAPACITY, WHY_SIGMOIDS,
    )
}  # fmt: skip
# The paper's numbers of figures that are part of another one here.
_ALSO = {
    "figure-4b": "figure-e3", "figure-e4": "figure-5", "figure-e5": "figure-5",
    "figure-e6": "figure-5",
}  # fmt: skip


def figures_named(names: Sequence[str] = ()) -> list[PaperFigure]:
    """Return the figures of these names, each once, in the order of `FIGURES`; all of them for ().

    "e2", "figure_e2" and "Figure E.2" are names of figure-e2 too.

    Raises:
        ValueError: for an unknown name; the message gives the near ones.

    Example:
        >>> [figure.name for figure in figures_named(["E.2", "figure-4b"])]
        ['figure-e2', 'figure-e3']
        >>> figures_named(["figure-e9"])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: figure must be one of the paper's, got 'figure-e9'; did you mean ...?
    """
    wanted = {_find(name) for name in names}
    return [figure for name, figure in FIGURES.items() if not names or name in wanted]


def _find(name: str) -> str:
    plain = "-".join(name.strip().lower().replace(".", "").replace("_", "-").split())
    known = {**{key: key for key in FIGURES}, **_ALSO}
    for guess in (plain, f"figure-{plain}"):
        if guess in known:
            return known[guess]
    raise ValueError(f"figure must be one of the paper's, got {near(plain, known)}")


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
        >>> found = reproduce(["figure-d1"], out=tempfile.mkdtemp(), workers=0)
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
        cells = sweep(
            figure.cell,
            figure.cells(size, seeds, source),
            # By the module that computes: figures that share one share its cells.
            out=folder / "cells" / figure.cell.__module__.rpartition(".")[2],
            workers=workers,
            scheduler=scheduler,
            progress=False if progress is None else partial(progress, figure.name),
        ).cells
        results = Results(cells)
        runs.append(Run(figure, results, tuple(figure.claims(results)) if len(results) else ()))
    where = "this machine"
    if scheduler is not None:
        where = f"the Dask cluster at {scheduler}"
    elif workers is not None:
        where += f", at most {workers} process{'es' * (workers != 1)}"
    seconds = round(time.perf_counter() - begun, 3)
    found = Reproduction(tuple(runs), size, seeds, source, where, seconds)
    write_report(found, folder)
    return found
