"""Options that a command takes as one value are options of the command line like any other."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from attractory.cli.options import HERE, Computing, expanded

SEEN = []


@dataclass(frozen=True)
class Size:
    """Two numbers."""

    width: Annotated[int, typer.Option(help="How wide.")] = 1
    height: Annotated[int, typer.Option("--tall")] = 2


def command(
    name: Annotated[str, typer.Argument()], size: Size = Size(), where: Computing = HERE
) -> None:
    """Say what it is for."""
    SEEN.append((name, size, where))


@pytest.fixture
def app():
    SEEN.clear()
    made = typer.Typer(add_completion=False)
    made.command()(expanded(command))
    return made


def test_fields_are_options_with_their_defaults(app):
    assert CliRunner().invoke(app, ["a"]).exit_code == 0
    arguments = ["b", "--tall", "5", "--workers", "3", "--width", "4"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert [("a", Size(), HERE), ("b", Size(4, 5), Computing(workers=3))] == SEEN


def test_help_and_bad_values_are_those_of_options(app):
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for part in ("Say what it is for.", "How wide.", "--tall", "--scheduler"):
        assert part in shown
    assert CliRunner().invoke(app, ["a", "--width", "many"]).exit_code == 2
    assert CliRunner().invoke(app, []).exit_code == 2
    assert SEEN == []
