"""The command `attractory bench`: associative memories by published protocols, yours among them."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attractory._util.texts import counted
from attractory.cli.console import complain, print_json, say, show, working
from attractory.cli.inputs import (
    AS_THEY_ARE,
    PLAIN,
    Images,
    Reading,
    failures,
    named_failures,
    read_new,
    tell_what_failed,
)
from attractory.cli.options import expanded
from attractory.cli.outputs import check_folder
from attractory.cli.sweep import own_modules, stopped_in_a_line
from attractory.cli.usage import Command

if TYPE_CHECKING:
    from attractory.bench import BenchResult
    from attractory.bench.protocols import Data
    from attractory.io.patterns import LoadedPatterns

__all__ = ["register"]

_REASONS = 10  # of failed cells, shown


@dataclass(frozen=True)
class Compared:
    """Which memories are compared."""

    memory: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE.py:NAME",
            help="A function of yours (module:NAME, too): it takes rows and returns one that takes "
            "cues and returns what they become. Repeatable.",
        ),
    ] = None
    rival: Annotated[
        list[str] | None,
        typer.Option(help="A memory to compare with; all by default. Repeatable."),
    ] = None


ALL = Compared()


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    n: Annotated[
        list[int] | None,
        typer.Option(
            "--n",
            help="Rows to store; by default the largest published number that the data hold. "
            "Repeatable.",
        ),
    ] = None
    cues: Annotated[int, typer.Option(help="Cues of each kind.")] = 100
    seeds: Annotated[int, typer.Option(help="Draws of rows and cues.")] = 1


USUAL = Sizes()


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command(cls=Command)(expanded(bench))


def bench(
    protocols: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROTOCOL]...", help="Such as bayes-pcn (--list has all); all by default."
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Images, IDX files, tables or folders of them; 200 bundled digits by default."
        ),
    ] = None,
    compared: Compared = ALL,
    sizes: Sizes = USUAL,
    reading: Reading = PLAIN,
    images: Images = AS_THEY_ARE,
    out: Annotated[Path, typer.Option(help="Folder for the report and the cells.")] = Path(
        "attractory-bench"
    ),
    listed: Annotated[
        bool, typer.Option("--list", help="Print the names of protocols and memories.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare associative memories by published protocols, each with its own damage and rule.

    If run again, it goes on where it stopped. Ends with status 1 if a memory failed somewhere, or
    a file could not be used.
    """
    if listed:
        _list()
        return
    check_folder(out)
    look = images.look()
    begun = time.perf_counter()
    with named_failures(), stopped_in_a_line(), working("starting") as tell:
        from attractory.bench.report import write_report
        from attractory.bench.run import run

        loaded = read_new(data, look, reading) if data else None
        if loaded is not None:
            tell_what_failed(loaded)
        result = run(
            protocols or (),
            memories=_own(compared.memory or []),
            rivals=compared.rival or None,
            data=None if loaded is None else _data(loaded, data),
            n=sizes.n or None,
            cues=sizes.cues,
            seeds=sizes.seeds,
            out=out,
            progress=lambda done, total: tell(f"{done:,} of {counted(total, 'cell')}"),
        )
        paths = write_report(result, out)
    if as_json:
        failed = [] if loaded is None else failures(loaded)
        print_json(result.as_dict() | {"failed_files": failed, "report": str(paths[0])})
    else:
        _show(result, time.perf_counter() - begun, paths[0])
    for _, reason in result.left_out:
        complain(f"left out: {reason}")
    errors = list(result.errors().items())
    for text, count in errors[:_REASONS]:
        complain(f"{counted(count, 'cell')} failed: {text}")
    if errors[_REASONS:]:
        complain(f"and {counted(len(errors) - _REASONS, 'other reason')}, in the report")
    unread = [] if loaded is None else loaded.failed
    if unread:
        complain(f"{counted(len(unread), 'file')} could not be used: compared without their rows")
    raise typer.Exit(1 if result.failed or unread else 0)


def _list() -> None:
    from attractory.bench import MEMORIES, PROTOCOLS

    size = max(map(len, [*PROTOCOLS, *MEMORIES]))
    say("protocols:")
    for name, protocol in PROTOCOLS.items():
        say(f"  {name:{size}}  {protocol.title}")
    say("memories:")
    for name, memory in MEMORIES.items():
        say(f"  {name:{size}}  {memory.source}")


def _own(names: list[str]) -> dict[str, Any]:
    """Return functions of the user's by the names that tables give them."""
    from attractory.sweeps.functions import load, reference_of

    own_modules()
    found: dict[str, Any] = {}
    for text in names:
        if ":" not in text:  # a bare name is a function that comes with sweeps
            raise ValueError(f"--memory must be FILE.py:NAME or module:NAME, got {text!r}")
        reference = reference_of(text)
        if reference.name in found:
            raise ValueError(f"--memory must not repeat a name, got {reference.name} twice")
        found[reference.name] = load(reference)
    return found


def _data(loaded: "LoadedPatterns", paths: list[Path] | None) -> "Data":
    from attractory.bench.protocols import Data

    shape = loaded.shape if loaded.shape is not None else (loaded.rows.shape[1],)
    return Data(loaded.rows, shape, ", ".join(map(str, paths or ())))


def _show(result: "BenchResult", seconds: float, report: Path) -> None:
    from rich.table import Table

    heads, lines = result.table()
    table = Table(
        caption=f"share of cues recalled by each protocol's own rule; {result.rows_in_words}; 95 % "
        f"intervals reach at most {result.widest():.2f} to a side; time and memory at the most rows"
    )
    for k, head in enumerate(heads):
        # A protocol's name may be broken at its hyphens, a memory's may not.
        head = head.replace("-", "-\n").replace(" ", "\n") if 0 < k < len(heads) - 2 else head
        table.add_column(head, justify="left" if k == 0 else "right", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    show(table, 160)
    say(
        f"{counted(len(result.scores), 'cell')}, {result.reused} of them from before, {seconds:.0f}"
        f" s; report: {report}"
    )
