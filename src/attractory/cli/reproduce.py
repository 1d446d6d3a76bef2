"""The command `attractory reproduce`: the paper's figures, and its claims judged by them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attractory._util.texts import counted
from attractory.cli.console import complain, print_json, say, show, working
from attractory.cli.options import HERE, Computing, expanded
from attractory.cli.outputs import check_folder
from attractory.cli.sweep import stopped_in_a_line
from attractory.cli.usage import Command

if TYPE_CHECKING:
    from attractory.paper import Reproduction

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command(cls=Command)(expanded(reproduce))


def reproduce(
    figures: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FIGURE]...", help="Such as figure-e2 or f0; all by default."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Every figure in small, in minutes (the default).")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="The paper's sizes, 10 seeds or more.")] = (
        False
    ),
    seeds: Annotated[int | None, typer.Option(help="Seeds a figure takes.")] = None,
    where: Computing = HERE,
    data: Annotated[
        Path | None, typer.Option(help="Folder with MNIST's test set; else 200 bundled digits.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report, figures and numbers.")] = Path(
        "attractory-paper"
    ),
    listed: Annotated[bool, typer.Option("--list", help="Print the figures' names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Regenerate the paper's figures, and judge its claims by them.

    A claim that does not hold is a finding, not a failure. Ends with status 1 if a cell failed.
    """
    if quick and full:
        raise ValueError("--quick and --full exclude each other; give one")
    if where.workers is not None and where.scheduler is not None:
        raise ValueError("--workers and --scheduler exclude each other; give one")
    if listed:
        _list()
        return
    check_folder(out)
    from attractory.paper import figures_named
    from attractory.paper import reproduce as run

    chosen = figures_named(figures or ())
    with stopped_in_a_line(), working("starting") as tell:

        def report(name: str, done: int, total: int) -> None:
            place = next(k for k, figure in enumerate(chosen) if figure.name == name)
            tell(f"{name} ({place + 1} of {len(chosen)}): {done} of {total} cells")

        found = run(
            figures or (), out=out, size="full" if full else "quick", seeds=seeds, data=data,
            workers=where.workers, scheduler=where.scheduler, progress=report,
        )  # fmt: skip
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found, out)
    for one in found.runs:
        for cell in one.results.failed[:1]:
            complain(
                f"{one.figure.name}: {len(one.results.failed)} of {len(one.results.all)} cells "
                f"failed, the first with {cell.error}"
            )
    raise typer.Exit(1 if found.failed else 0)


def _list() -> None:
    from attractory.paper import FIGURES

    size = max(map(len, FIGURES))
    for name, figure in FIGURES.items():
        say(f"{name:{size}}  {figure.title}")


def _show(found: "Reproduction", out: Path) -> None:
    from rich.table import Table

    from attractory.paper.claims import tally

    table = Table(caption="each claim's rule is in the report; intervals are 95 %, over seeds")
    for head in ("figure", "source", "claim", "measured", "verdict"):
        table.add_column(head, no_wrap=head == "figure")
    for one in found.runs:
        for k, claim in enumerate(one.claims):
            table.add_row(
                one.figure.name if k == 0 else "",
                claim.source,
                claim.statement,
                claim.measured,
                claim.verdict,
                end_section=k == len(one.claims) - 1,
            )
    show(table, 160)
    claims = [claim for one in found.runs for claim in one.claims]
    say(f"of {counted(len(claims), 'claim')} {tally(claims)} at this size")
    say(f"{found.seconds:.0f} s; report: {out / 'report.html'}")
