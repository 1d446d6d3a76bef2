"""What the commands on memories print and draw."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attractory._util.contraction import BELOW_ONE
from attractory._util.texts import counted
from attractory.cli.console import say, show

if TYPE_CHECKING:
    from attractory.cli.memory_file import MemoryFile
    from attractory.memory.certified_recall import RecallCertificate
    from attractory.memory.recall_attack import RecallAttack

__all__ = [
    "DRAWN", "contents", "draw", "draw_certified", "print_file", "show_recalled",
    "show_rows",
]  # fmt: skip

DRAWN = 50  # rows in the figure


def draw(kept: "MemoryFile", figure: Path) -> None:
    """Draw a memory's rows, and write the figure."""
    import numpy as np

    from attractory.analysis.spectrum import eigenvalues
    from attractory.cli.pictures import write_pictures
    from attractory.plotting.spectra import plot_eigenvalues

    values = eigenvalues(kept.memory.map_, kept.memory.points_[:DRAWN])
    radius = np.abs(values).max(axis=1)
    first = "the first " if len(kept.names) > DRAWN else ""
    title = (
        f"At {int((radius < BELOW_ONE).sum())} of {first}{len(values)} stored rows the map "
        "contracts\n"
        f"largest spectral radius {radius.max():.3f}"
    )
    write_pictures({figure: plot_eigenvalues(values, title=title)})


def draw_certified(proven: "RecallCertificate", attack: "RecallAttack", figure: Path) -> None:
    """Draw how far rows are certified and attacked, and write the figure."""
    from attractory.cli.pictures import write_pictures
    from attractory.plotting.certified import plot_certified_recall

    write_pictures({figure: plot_certified_recall(proven, attack)})


def print_file(file: Path) -> None:
    """Print a file's name and size."""
    say(f"{file}: {file.stat().st_size:,} bytes")


def contents(kept: "MemoryFile") -> str:
    """Say what a memory holds, and how exactly: never the one without the other."""
    memory, shape = kept.memory, kept.shape
    size = counted(kept.dim, "number")
    if shape is not None:
        size = f"{shape[0]} × {shape[1]} pixels{' in colour' if shape[2:] else ''}"
    activation = getattr(memory.activation, "name", memory.activation)
    width = "infinite width" if memory.width is None else f"width {memory.width:,}"
    return (
        f"{counted(len(memory), 'row')} of {size}; {width}, {activation}, depth "
        f"{memory.depth}, norm {memory.norm_:.4g}; residual {memory.residual_:.1e} of the norm"
    )


def show_recalled(rows: list[dict[str, Any]], reject: float) -> None:
    """Print a table of recalled cues."""
    from rich.table import Table

    table = Table(caption=f"known: it ended at a stored row, with a confidence from {reject:g} on")
    for head in ("cue", "recalled as"):
        table.add_column(head, overflow="fold")
    for head in ("confidence", "known", "steps"):
        table.add_column(head, justify="right")
    table.add_column("status")
    for row in rows:
        name = row["recalled"]
        table.add_row(
            row["cue"], "—" if name is None else name,
            f"{row['confidence']:.3f}", "yes" if row["known"] else "NO", str(row["steps"]),
            row["status"],
        )  # fmt: skip
    show(table)


def show_rows(rows: list[dict[str, Any]], accuracy: float) -> None:
    """Print a table of stored rows."""
    from rich.table import Table

    table = Table(
        caption=f"attractor: moved by at most {accuracy:g} of the norm, spectral radius below 1"
    )
    table.add_column("index", justify="right")
    table.add_column("name", overflow="fold")
    proven = "certified" in rows[0] if rows else False
    for head in ("spectral radius", "attractor", *(("certified", "attacked") if proven else ())):
        table.add_column(head, justify="right")
    for row in rows:
        cells = [
            str(row["index"]), row["name"], f"{row['spectral_radius']:.4f}",
            "yes" if row["attractor"] else "NO",
        ]  # fmt: skip
        if proven:
            lost = row["attacked"]
            cells += [f"{row['certified']:.3f}", "none lost" if lost is None else f"{lost:.3f}"]
        table.add_row(*cells)
    show(table)
    if proven:
        say(
            "certified: every start of recall this near is recalled as the row; attacked: the "
            "nearest start found that is not; relative to the row's distance from the mean"
        )
