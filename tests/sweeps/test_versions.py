"""The version of a function's code: an edit changes it exactly if the function can reach it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import attractory
from attractory.paper import FIGURES
from attractory.sweeps.functions import Reference, load, reference_of
from attractory.sweeps.versions import code_of, digest

HERE = Path(attractory.__file__).parent


@pytest.fixture
def package(tmp_path):
    """A copy of the package's source, to edit."""
    copy = tmp_path / "attractory"
    shutil.copytree(HERE, copy, ignore=lambda folder, names: {"__pycache__", "_digits"})
    return copy


def append(path):
    path.write_text(path.read_text() + "\n# edited\n")


CELL = reference_of(FIGURES["figure-e2"].cell)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("kernels/recursion.py", True),
        ("_util/validation.py", True),
        ("analysis/curves.py", True),
        ("paper/setup.py", True),
        ("paper/__init__.py", True),
        ("cli/app.py", False),
        ("paper/report.py", False),
        ("paper/figures/figure_e2.py", False),
        ("memory/estimator.py", False),
        ("sweeps/run.py", False),
    ],
)
def test_an_edit_changes_the_version_of_cells_that_reach_it(package, file, changes):
    before = code_of(CELL, package)
    assert before == code_of(CELL)
    append(package / file)
    assert (code_of(CELL, package) != before) == changes
    assert (digest(CELL, before.modules, package) != before.version) == changes


def test_what_runs_is_in_the_closure():
    """Every module of the package that a cell has loaded is one that its version depends on."""
    code = (
        "import sys\nfrom attractory.paper.limit_cells import cell\n"
        "cell(norms=[9.0], activation='erf', depth=2, width=20, trials=2, source='digits', n=3,"
        " dim=784, seed=0, data=None)\n"
        "print(*[m for m in sys.modules if m.split('.')[0] == 'attractory'])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in out.stdout.split() if not name.startswith("attractory._digits")}
    assert "attractory.kernels.recursion" in loaded
    assert loaded <= set(code_of(Reference("attractory.paper.limit_cells", "cell")).modules)


USES = {
    "a name from the top": "from attractory import recall",
    "a name from a folder": "from attractory.analysis import recall",
    "a file": "import attractory.analysis.iteration",
    "an attribute": "import attractory as at\ndef g(): return at.recall",
    "a folder's attribute": "import attractory\ndef g(): return attractory.analysis.recall",
    "a folder as a name": "from attractory import analysis\ndef g(): return analysis.recall",
    "inside a function": "def g():\n    from attractory.analysis.iteration import recall",
    "what is not said": "import attractory as at\ndef g(name): return getattr(at, name)",
    "a helper beside it": "import helper",
    "a helper of the same package": "from . import helper",
}


@pytest.mark.parametrize("how", USES)
def test_a_function_of_the_users_reaches_what_its_file_imports(package, tmp_path, how):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "helper.py").write_text("from attractory.analysis.iteration import recall\n")
    path = folder / "cells.py"
    path.write_text(f"import numpy\n{USES[how]}\ndef f(x): return {{'x': x}}\n")
    reference = Reference(str(path), "f")

    def version():
        return code_of(reference, package).version

    seen = [version()]
    for edited in (package / "analysis" / "iteration.py", package / "_util" / "precision.py", path):
        append(edited)
        seen.append(version())
    assert len(set(seen)) == 4
    append(package / "cli" / "app.py")
    assert version() == seen[-1]
    if how != "what is not said":
        append(package / "theory" / "drop.py")
        append(package / "memory" / "estimator.py")
        assert version() == seen[-1]


def test_types_alone_are_no_imports(package, tmp_path):
    path = tmp_path / "cells.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import attractory.maps.network\n"
        "def f(x): return {'x': x}\n"
    )
    assert code_of(Reference(str(path), "f"), package).modules == ("",)


def test_a_package_of_the_users_and_a_foreign_one(tmp_path, monkeypatch):
    folder = tmp_path / "mypackage"
    folder.mkdir()
    for name, text in (
        ("__init__", ""), ("cells", "import json, other\nfrom mypackage.inner import g\n"
        "def f(x): return {'x': g(x)}\n"), ("inner", "def g(x): return x\n"),
    ):  # fmt: skip
        (folder / f"{name}.py").write_text(text)
    (tmp_path / "other.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    reference = Reference("mypackage.cells", "f")
    load(reference)
    code = code_of(reference)
    assert code.modules == ("", "mypackage", "mypackage.inner")
    append(folder / "inner.py")
    assert code_of(reference).version != code.version
