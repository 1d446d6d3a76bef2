"""The command `attractory`. Modules are imported when a command runs, so that help is instant."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attractory import __version__
from attractory._util.contraction import BELOW_ONE
from attractory._util.interrupts import watched
from attractory.cli import changes
from attractory.cli.bench import register as register_bench
from attractory.cli.console import complain, print_json, say, show, working
from attractory.cli.explore import register as register_explore
from attractory.cli.memory import ACTIVATIONS, register
from attractory.cli.options import expanded
from attractory.cli.outputs import check_folder
from attractory.cli.replay import register_replay
from attractory.cli.reproduce import register as register_reproduce
from attractory.cli.streams import safe_streams
from attractory.cli.sweep import register_sweep
from attractory.cli.usage import Command, Group, usage_of

if TYPE_CHECKING:
    from attractory.cli.demo import Demo

app = typer.Typer(
    cls=Group,
    help="Store examples as attractors of a sigmoid autoencoder and recall them by iterating it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


# Errors of the system that a wrong path leads to; others say that the machine cannot.
_WRONG_PATHS = FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Status 0: done. 1: a part failed, or what was asked could not be done here (a full disk, no
    permission, too little memory). 2: a bad value, or a file that is not there or of another kind.
    130: Ctrl-C. A reader that goes away (`| head`) or an encoding without λ changes no status.
    """
    code = 1
    try:
        with watched(), safe_streams():
            code = _run(arguments)
    except OSError as error:
        complain(f"what was printed could not be written: {error.strerror or error}")
        code = code or 1
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    try:
        # The same name under `python -m attractory`: completion is installed for the command.
        code = app(arguments, standalone_mode=False, prog_name="attractory")
    except ValueError as error:
        code = _complain(str(error))
    except MemoryError:
        code = _complain("this does not fit into the machine's memory", 1)
    except OSError as error:
        named = f"{error.filename} {error.strerror}"
        wrong = isinstance(error, _WRONG_PATHS)
        code = _complain(named if error.filename and error.strerror else str(error), 1 + wrong)
    except Exception as error:
        # Usage errors, whose class lives in click or in typer depending on typer's version.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        usage = usage_of(error)
        code = _complain(f"{message().rstrip('.')}; {usage}" if usage else message())
    return code if isinstance(code, int) else 0


def _complain(message: str, status: int = 2) -> int:
    if message:  # a bare `attractory` has shown its help instead
        complain(message)
    return status


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False):
    if version:
        say(f"attractory {__version__}")
        raise typer.Exit


@dataclass(frozen=True)
class DemoMap:
    """The map of the demonstration."""

    norm: Annotated[float, typer.Option(help="Norm of the centred images.")] = 100.0
    activation: Annotated[str, typer.Option(help=ACTIVATIONS)] = "sigmoid"
    depth: Annotated[int, typer.Option(help="Weight matrices; 2 is one hidden layer.")] = 2


USUAL = DemoMap()


def demo(
    n: Annotated[int, typer.Option(help="Images to store, 2 to 200.")] = 20,
    photos: Annotated[
        bool,
        typer.Option("--photos", help="Take pieces of two photographs, 64 x 64 in colour."),
    ] = False,
    how: DemoMap = USUAL,
    noise: Annotated[
        float, typer.Option(help="Norm of the noise relative to the pattern's.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("attractory-demo"),
    gif: Annotated[bool, typer.Option("--gif", help="Write recall.gif, a moving picture, too.")] = (
        False
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Store digits, or pieces of photographs, and recall them from noise and from half an image."""
    check_folder(out)
    from attractory.cli.demo import run_demo

    settings: dict[str, Any] = {
        "photos": photos, "n": n, "norm": how.norm, "activation": how.activation,
        "depth": how.depth, "noise": noise, "seed": seed,
    }  # fmt: skip
    with working("starting") as tell:
        result = run_demo(**settings, progress=tell)
        tell("drawing the figures")
        paths = result.save_figures(out, gif)
    if as_json:
        print_json(_report(result, settings, paths))
    else:
        _show(result, paths)


app.command(cls=Command)(expanded(demo))


@app.command(cls=Command)
def verify(
    statements: Annotated[
        list[str] | None, typer.Argument(help="Names such as lemma-3; all by default.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Print the names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare every statement of the paper with numbers, inside and outside its assumptions.

    Ends with status 1 if a statement fails where it must hold, or holds where it must not.
    """
    from attractory.cli.checks import show_checks
    from attractory.theory import statement_names
    from attractory.theory import verify as run

    if listed:
        for name in statement_names():
            say(name)
        return
    with working("starting") as tell:
        checks = run(
            statements or (), progress=lambda done, total, name: tell(f"{done} of {total}: {name}")
        )
    failed = [check for check in checks if not check.passed]
    if as_json:
        rows = [
            {"name": c.name, "place": c.place, "passed": c.passed, **c.finding.as_dict()}
            for c in checks
        ]
        print_json({"passed": not failed, "checks": rows})
    else:
        show_checks(checks)
        say(f"{len(checks) - len(failed)} of {len(checks)} settings as the paper's statements say")
    raise typer.Exit(1 if failed else 0)


def _report(result: "Demo", settings: dict[str, Any], paths: list[Path]) -> dict[str, Any]:
    return {
        "settings": settings,
        "residual": float(result.memory.residual),
        "interpolates": result.memory.interpolates,
        "patterns": result.rows(),
        "recalled": {trial.name: int(trial.recalled.sum()) for trial in result.trials},
        "recalled_by_memory": {
            trial.name: int(trial.recalled_by_memory.sum()) for trial in result.trials
        },
        "seconds": result.seconds,
        "figures": [str(path) for path in paths],
    }


def _show(result: "Demo", paths: list[Path]) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    say(str(result.memory))
    table = Table(
        box=SIMPLE,
        padding=0,
        pad_edge=False,
        caption="recalled to 1 % by AttractorMemory (memory) and by the paper's map, with the "
        "map's steps and its error: distance from the pattern at the end, relative to its norm",
    )
    for head in ("row", result.kind, "spectral\nradius"):
        table.add_column(head, justify="right", no_wrap=True)
    for trial in result.trials:
        for head in (f"{trial.name}\nmemory", "\nmap", "\nsteps", "\nerror"):
            table.add_column(head, justify="right", no_wrap=True)
    for row in result.rows():
        cells = [str(row["pattern"]), str(row[result.kind]), f"{row['spectral_radius']:.4f}"]
        for trial in result.trials:
            fate = row[trial.name]
            cells += [
                "yes" if fate["recalled_by_memory"] else "NO",
                "yes" if fate["recalled"] else "NO",
                str(fate["steps"]),
                f"{fate['error']:.0e}",
            ]
        table.add_row(*cells)
    show(table, 80 if len(result.trials) == 2 else 110)
    count = len(result.labels)
    say(f"{int((result.spectral_radius < BELOW_ONE).sum())} of {count} patterns are attractors")
    for trial in result.trials:
        say(
            f"{trial.recalled_by_memory.sum()} of {count} recalled from {trial.name} by "
            f"AttractorMemory, {trial.recalled.sum()} by the paper's map"
        )
    say(f"figures: {', '.join(str(path) for path in paths)}")


register(app)
changes.register(app)
register_replay(app)
register_sweep(app)
register_reproduce(app)
register_bench(app)
register_explore(app)

if __name__ == "__main__":
    main()
