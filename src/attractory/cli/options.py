"""Options that several commands share, which a command takes as one value."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

__all__ = ["HERE", "AllowUnstored", "AsJson", "Computing", "Fit", "MemoryPath", "Paths", "expanded"]

MemoryPath = Annotated[
    Path, typer.Argument(metavar="FILE", help="File of a memory, as `store` writes it.")
]
Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATHS...",
        help="Images, .npy, .npz, .csv, .tsv or IDX files, or folders of them; with `store "
        "--sequence` films and WAV files, too; - is standard input.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Fit = Annotated[bool, typer.Option("--fit", help="Give images the memory's size and colours.")]
AllowUnstored = Annotated[
    bool,
    typer.Option("--allow-unstored", help="Take rows that the map misses too; else an error."),
]


@dataclass(frozen=True)
class Computing:
    """Where cells are computed."""

    workers: Annotated[
        int | None, typer.Option(help="Processes; as many as there are cores by default.")
    ] = None
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786.")
    ] = None


HERE = Computing()


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command for typer; arguments that are dataclasses become one option a field."""
    hints = get_type_hints(command, include_extras=True)
    parameters, groups = [], {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if is_dataclass(kind):
            groups[name] = kind
            inner = get_type_hints(kind, include_extras=True)
            parameters += [
                parameter.replace(name=each.name, annotation=inner[each.name], default=each.default)
                for each in fields(kind)
            ]
        else:
            parameters.append(parameter.replace(annotation=kind))

    @wraps(command)
    def run(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{each.name: given.pop(each.name) for each in fields(kind)})
        command(**given)

    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
