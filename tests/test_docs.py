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
    if not name.startswith("attractory._")
]
THEORY = import_module("attractory.theory")
# Homes of their own: the names of a sweep, and functions that sweeps call by name.
SWEEP, CELLS = import_module("attractory.sweep"), import_module("attractory.cells")
PAPER = import_module("attractory.paper")
NO_NAMES = {
    "cells", "cli", "cli_memory", "cli_reproduce", "cli_sweep", "demo", "sweep", "theory",
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        *MODULES,
        *(f"attractory.{name}" for name in ("_cells", "_checks", "_profile", "_results")),
    ],
)
def test_docstring_examples_run(name):
    module = import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize(
    ("home", "name"),
    [(home, name) for home in (attractory, THEORY, SWEEP, CELLS, PAPER) for name in home.__all__],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_public_names_have_a_runnable_example(home, name):
    thing = getattr(home, name)
    if inspect.isfunction(thing):
        assert ">>>" in inspect.getdoc(thing)
    else:
        assert inspect.getdoc(thing)


def test_all_lists_exactly_what_modules_export():
    exported, theory = set(), set()
    for name in MODULES:
        if name.startswith("attractory.theory."):
            theory |= set(import_module(name).__all__)
        elif name.startswith("attractory.paper"):
            continue  # each figure's module has a FIGURE and a cell: they are no names of ours
        elif name.removeprefix("attractory.") not in NO_NAMES:
            exported |= set(import_module(name).__all__)
    assert set(THEORY.__all__) == theory - {"rank_assumptions"}
    internal = {"PAIR_ERROR", "Activation", "gauss_rule"}
    assert set(attractory.__all__) == exported - internal


def test_importing_the_package_does_not_load_jax():
    code = "import sys, attractory, attractory.cli; print('jax' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def readme_blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_readme_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = readme_blocks("python")
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["result"].converged.all()
    assert (names["radius"] < 1).all()


def test_readme_commands_are_two_and_of_one_line():
    commands = [line for block in readme_blocks("sh") for line in block.strip().splitlines()]
    assert len(commands) == 2
    assert "attractory reproduce --quick" in commands[0]
    assert "pytest" in commands[1]


def test_imports_run_one_way():
    """Each module imports only those before it in this order (CONTRIBUTING)."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"Import order: `(.*?)`", text, flags=re.DOTALL)
    order = line.split()
    top = ROOT / "src/attractory"
    sources = {
        ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__"): path
        for path in top.rglob("*.py")
    }
    assert set(order) == set(sources) - {"__init__"}
    for place, name in enumerate(order):
        code = sources[name].read_text(encoding="utf-8")
        used = set(re.findall(r"(?m)^\s*from attractory\.([\w.]+) import", code))
        used |= set(re.findall(r"(?m)^\s*from attractory import (_\w+)", code))
        assert used <= set(order[:place]), (name, used - set(order[:place]))
