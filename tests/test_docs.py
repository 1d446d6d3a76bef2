"""The examples people copy: every public docstring has one, and every one runs."""

import doctest
import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import attractory

ROOT = Path(__file__).parents[1]
MODULES = [
    name
    for _, name, _ in walk_packages(attractory.__path__, "attractory.")
    if name != "attractory._digits"
]
# The folders with public names, and the two subjects that are one file.
DOORS = [
    import_module(f"attractory.{name}")
    for name in (
        "activations", "analysis", "datasets", "io", "kernels", "maps", "memory", "paper",
        "bench", "plotting", "sweeps", "sweeps.builtin", "theory",
    )
]  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name):
    module = import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize(
    ("home", "name"),
    [(home, name) for home in DOORS for name in home.__all__],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_public_names_have_a_runnable_example(home, name):
    thing = getattr(home, name)
    if inspect.isfunction(thing):
        assert ">>>" in inspect.getdoc(thing)
    elif not isinstance(thing, str | float | dict | tuple):
        assert inspect.getdoc(thing)


def test_help_shows_signatures_by_names():
    """NumPy's ArrayLike is a union that `help` prints in 250 characters."""
    for home in DOORS:
        for name in home.__all__:
            if inspect.isfunction(thing := getattr(home, name)):
                assert "numpy._typing" not in str(inspect.signature(thing)), name
    assert len(str(inspect.signature(attractory.ntk))) < 560  # nine arguments


def test_each_name_at_the_top_is_that_of_a_folder():
    for name in attractory.__all__:
        thing = getattr(attractory, name)
        if not inspect.ismodule(thing):
            folder = import_module(".".join(thing.__module__.split(".")[:2]))
            assert getattr(folder, name) is thing


def test_importing_the_package_does_not_load_jax():
    code = "import sys, attractory, attractory.cli.app; print('jax' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def readme_blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_readme_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = readme_blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out == re.findall(r"  # (20 of 20 .*\n)", example)[0]


def test_readme_leads_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    assert len(targets) > 20
    assert [each for each in targets if not (ROOT / each).exists()] == []


def test_readme_commands_of_use_are_commands_with_such_options():
    from typer.main import get_command

    from attractory.cli.app import app

    commands = get_command(app).commands
    lines = "".join(readme_blocks("console")).splitlines()
    typed = [line.split("  #")[0].split() for line in lines if line.startswith("attractory")]
    assert len(typed) == 6
    for _, name, *rest in typed:
        options = {each for one in commands[name].params for each in one.opts}
        assert {each for each in rest if each.startswith("-")} <= options


def test_readme_commands_are_two_and_of_one_line():
    commands = [line for block in readme_blocks("sh") for line in block.strip().splitlines()]
    assert len(commands) == 2
    assert "attractory reproduce --quick" in commands[0]
    assert "pytest" in commands[1]
