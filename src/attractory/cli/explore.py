"""The command that starts the explorer in the browser."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from attractory.cli.console import complain, say, working
from attractory.cli.inputs import named_failures
from attractory.cli.usage import Command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command(cls=Command)(explore)


def explore(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILES]...",
            help="Images, .npy or .csv files, or folders of them; digits by default.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="By default the first that is free from 5006 on."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Build a memory, damage cues and see where they go, on a page in the browser.

    The page is served to this machine alone, until Ctrl-C.
    """
    if find_spec("bokeh") is None:
        raise ValueError("explore needs Bokeh; pip install 'attractory[explore]'")
    with working("starting the explorer: reading") as tell:
        from attractory.explorer.server import serve
        from attractory.explorer.session import begin
        from attractory.explorer.sources import bundled, read

        patterns = bundled()
        if files:
            with named_failures():
                patterns = read(files)
        tell("starting the explorer: storing the patterns; its address comes next")
        first = begin(patterns)
    for note in patterns.notes:
        complain(note)
    serve(first, port, browser, say)
