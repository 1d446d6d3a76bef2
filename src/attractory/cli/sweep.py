"""The command `attractory sweep`: a function over a grid that the user writes in a TOML file."""

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attractory._util.interrupts import gently
from attractory.cli.console import complain, print_json, say, show
from attractory.cli.options import HERE, Computing, expanded
from attractory.cli.usage import Command

if TYPE_CHECKING:
    from attractory.sweeps.grid import Settings
    from attractory.sweeps.results import SweepResult

__all__ = ["own_modules", "register_sweep", "stopped_in_a_line"]

_KEYS = ("function", "grid", "fixed", "out")
_FAILURES = 10  # shown


def register_sweep(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command(cls=Command)(expanded(sweep))


def sweep(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="TOML with a function and the tables grid and fixed."),
    ],
    where: Computing = HERE,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results; by default the file's `out`, or its name."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute cells that failed again.")
    ] = False,
    new_version: Annotated[
        bool,
        typer.Option("--new-version", help="Use a folder of another code version; keep its cells."),
    ] = False,
    code_version: Annotated[
        str | None,
        typer.Option(help="Version that results belong to; a digest of the code by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Call a function for every cell of a grid; if run again, continue where it stopped.

    Ends with status 1 if cells failed or the sweep had to stop, 130 on Ctrl-C.
    """
    table = _read(file)
    folder = file.parent
    target = folder / table["out"] if "out" in table else Path(file.stem)
    from attractory.sweeps.functions import load, reference_of
    from attractory.sweeps.run import sweep as run

    own_modules()
    begun = time.perf_counter()
    with stopped_in_a_line(), _warnings_as_lines():
        reference = reference_of(table["function"], folder)
        cells = _cells(table, load(reference))
        result = run(
            str(reference), cells, out=out or target, workers=where.workers,
            scheduler=where.scheduler, version=code_version, new_version=new_version,
            retry_failed=retry_failed,
        )  # fmt: skip
    seconds = time.perf_counter() - begun
    if as_json:
        print_json(_report(result, seconds))
    else:
        _show(result, seconds)
    raise typer.Exit(1 if result.failed else 0)


def own_modules() -> None:
    """Let modules in the current folder be imported, as `python -m` does."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))


@contextmanager
def stopped_in_a_line() -> Iterator[None]:
    """End a command with one line if its sweep cannot begin, has to stop or is interrupted."""
    gently()  # what is computed already is stored, and said
    from attractory.sweeps.store import SweepError

    try:
        yield
    except (TypeError, ModuleNotFoundError) as error:
        raise ValueError(str(error)) from None
    except SweepError as error:
        complain(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt as error:
        complain(str(error) or "interrupted")
        raise typer.Exit(130) from None


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print warnings at once: one may be that the scheduler has no workers, and nothing happens."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **named: complain(f"warning: {message}")
        yield


def _read(file: Path) -> dict[str, Any]:
    import tomllib

    if not file.is_file():
        raise ValueError(f"FILE must be a TOML file that exists, got {file}")
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"FILE must be TOML, got {file}: {error}") from None
    from attractory._util.validation import near

    for name in table:
        if name not in _KEYS:
            raise ValueError(f"{file} must hold {', '.join(_KEYS)}, got {near(name, _KEYS)}")
    for name, kind, what in (
        ("function", str, "a text"), ("out", str, "a text"),
        ("grid", dict, "a table"), ("fixed", dict, "a table"),
    ):  # fmt: skip
        if name in table and not isinstance(table[name], kind):
            raise ValueError(f"{name} in {file} must be {what}, got {table[name]!r}")
    for name, like in (("function", 'function = "spectrum"'), ("grid", "[grid] norm = [3, 30]")):
        if name not in table:
            raise ValueError(f"{file} must have {name}, such as {like}; it has none")
    return table


def _cells(table: dict[str, Any], function: Callable[..., object]) -> "list[Settings]":
    """Return the cells; messages name the table of the file in which a bad setting is."""
    import inspect

    from attractory._util.validation import near
    from attractory.sweeps.grid import grid, plain

    axes, fixed = table["grid"], table.get("fixed", {})
    both = [name for name in axes if name in fixed]
    if both:
        raise ValueError(f"[fixed] must not repeat a setting of [grid], got {both[0]!r} in both")
    parameters = inspect.signature(function).parameters
    kinds = inspect.Parameter
    if not any(each.kind == kinds.VAR_KEYWORD for each in parameters.values()):
        for part, names in (("[grid]", axes), ("[fixed]", fixed)):
            for name in names:
                if name not in parameters:
                    raise ValueError(
                        f"{part} must hold settings of {table['function']}, "
                        f"got {near(name, parameters)}"
                    )
    for name, value in fixed.items():
        plain(value, f"{name} in [fixed]")
    for name, value in axes.items():
        plain(value, f"{name} in [grid]")
    return [{**cell, **fixed} for cell in grid(**axes)]


def _report(result: "SweepResult", seconds: float) -> dict[str, Any]:
    return {
        "out": str(result.out), "function": result.function, "version": result.version,
        "done": result.done, "failed": result.failed, "computed": result.computed,
        "reused": result.reused, "seconds": seconds,
        "cells": [
            {
                "settings": cell.settings,
                "values": None if cell.values is None
                else {name: _brief(value) for name, value in cell.values.items()},
                "error": None if cell.error is None else str(cell.error),
                "seconds": cell.seconds,
            }
            for cell in result.cells
        ],
    }  # fmt: skip


def _brief(value: Any) -> Any:
    """Return a value that JSON can hold: NaN as text, an array by its shape and type."""
    if hasattr(value, "shape"):
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _show(result: "SweepResult", seconds: float) -> None:
    from rich.table import Table

    failed = [cell for cell in result.cells if cell.error is not None]
    if failed:
        table = Table(caption=f"the first {_FAILURES} that failed" if failed[_FAILURES:] else None)
        for head in ("settings", "error"):
            table.add_column(head, overflow="fold")
        for cell in failed[:_FAILURES]:
            settings = ", ".join(f"{name} {value}" for name, value in cell.settings.items())
            table.add_row(settings, str(cell.error))
        show(table)
    say(
        f"{result.done} of {len(result.cells)} cells done, {result.failed} failed; "
        f"{result.computed} computed, {result.reused} reused, {seconds:.1f} s"
    )
    if failed:
        say("--retry-failed computes the failed ones again")
    say(f"results: open_sweep({str(result.out)!r}).frame() or .dataset()")
