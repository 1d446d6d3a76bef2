"""`attractory sweep`, as a user meets it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import commands
import pytest

from attractory.sweeps import open_sweep

GRID = """
function = "mine.py:f"
out = "results"
[grid]
x = [1, 2]
y = [0.5, 1.5]
[fixed]
shift = [10, 20]
"""
MINE = """
import math
def f(x, y, shift, slow=0.0):
    import time
    open(__file__ + ".begun", "w").close()
    time.sleep(slow)
    if x == 2 and y == 1.5:
        raise ValueError("no such place")
    return {"sum": x + y + sum(shift), "gap": math.inf if x == 1 else 0.0}
"""


# What a shell starts in the background ignores Ctrl-C, and so would its children.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from attractory.cli.app import main
main(sys.argv[1:])
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    path = tmp_path / "grid.toml"
    path.write_text(GRID)
    return path


def run(capsys, *arguments):
    return commands.run(capsys, "sweep", *arguments)


def test_a_sweep_of_the_users_own_resumes(capsys, file):
    code, out, err = run(capsys, file, "--workers", "2")
    assert code == 1  # a cell failed
    assert err == ""
    assert "x 2, y 1.5, shift [10, 20]" in out
    assert "ValueError: no such place" in out
    assert "3 of 4 cells done, 1 failed; 4 computed, 0 reused" in out
    code, out, _ = run(capsys, file, "--json")
    report = json.loads(out)
    assert (code, report["computed"], report["reused"], report["failed"]) == (1, 0, 4, 1)
    assert report["cells"][0]["settings"] == {"x": 1, "y": 0.5, "shift": [10, 20]}
    assert report["cells"][0]["values"] == {"sum": 31.5, "gap": "inf"}
    assert report["cells"][3]["error"] == "ValueError: no such place"
    result = open_sweep(file.parent / "results")  # beside the file, wherever it is run from
    assert {cell.values["sum"] for cell in result.cells if cell.values} == {31.5, 32.5}
    report = json.loads(run(capsys, file, "--retry-failed", "--json", "--workers", "1")[1])
    assert (report["computed"], report["reused"]) == (1, 3)


def test_another_code_version_is_refused_kept_or_replaced(capsys, file):
    first = json.loads(run(capsys, file, "--json")[1])["version"]
    # Of another length: Python takes a file of the same size and second for the same.
    (file.parent / "mine.py").write_text(MINE.replace("x + y", "x * y + 0"))
    code, out, err = run(capsys, file)
    assert (code, out) == (2, "")
    assert f"belongs to version {first};" in err
    assert "--new-version" in err
    assert f"--code-version {first}" in err
    assert len(err.splitlines()) == 1
    report = json.loads(run(capsys, file, "--json", "--code-version", first)[1])
    assert report["computed"] == 0
    report = json.loads(run(capsys, file, "--json", "--new-version")[1])
    assert report["cells"][1]["values"]["sum"] == 31.5
    assert report["computed"] == 4


def test_built_in_cells(capsys, tmp_path):
    path = tmp_path / "norms.toml"
    path.write_text('function = "spectrum"\ngrid = {norm = [1.0, 30.0], n = 8, dim = 10}\n')
    code, out, _ = run(capsys, path, "--out", tmp_path / "out", "--json", "--workers", "0")
    assert code == 0
    found = [cell["values"] for cell in json.loads(out)["cells"]]
    assert [values["radius"] for values in found] == [{"shape": [8], "dtype": "float64"}] * 2
    assert found[0]["largest"] > 1 > found[1]["largest"]
    # The paper's finding: at a large norm the patterns are attractors, at a small one not all.
    assert found[0]["attractors"] < found[1]["attractors"] == 8


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[grid]", "[grdi]", "got 'grdi'; did you mean 'grid'?"),
        ("x = [", "xx = [", "[grid] must hold settings of mine.py:f, got 'xx'; did you mean 'x'?"),
        ("shift =", "shfit =", "[fixed] must hold settings of mine.py:f, got 'shfit'; did you"),
        ("[1, 2]", "[]", "axis 'x' must have a value, got an empty list"),
        ("x = [1, 2]\ny = [0.5, 1.5]", "", "grid must have an axis, got none"),
        ("x = [1, 2]\n", "", "must hold x, which the function needs"),
        ("shift =", "x =", "[fixed] must not repeat a setting of [grid], got 'x'"),
        ("[1, 2]", "[1, nan]", "x in [grid][1] must be finite, got nan"),
        ("[1, 2]", "[2026-01-01]", "x in [grid][0] must be a string, number"),
        ("mine.py:f", "mine.py:g", "must name a function of"),
        ("mine.py:f", "yours.py:f", "must name a file that exists"),
        ('"mine.py:f"', "3", "must be a text, got 3"),
        ("function", "# ", "must have function, such as"),
        ("= [1", "= = [1", "must be TOML, got"),
    ],
)
def test_bad_files_end_in_one_line_and_status_2(capsys, file, old, new, words):
    file.write_text(GRID.replace(old, new))
    code, out, err = run(capsys, file)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert words in err
    assert not (file.parent / "results").exists()


def test_bad_arguments_and_damage(capsys, file, monkeypatch):
    assert "FILE must be a TOML file that exists" in run(capsys, file.parent)[2]
    code, _, err = run(capsys, file, "--workers", "1", "--scheduler", "tcp://127.0.0.1:1")
    assert code == 2
    assert "workers and scheduler must not both be given" in err
    file.write_text(GRID.replace("[grid]", "[grid]\nslow = 0.0"))
    code, _, err = run(capsys, file, "--workers", "0")
    assert err.startswith("attractory: warning: workers=0 leaves JAX the threads it has")
    assert len(err.splitlines()) == 1
    shutil.rmtree(file.parent / "results")
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = run(capsys, file, "--scheduler", "tcp://127.0.0.1:1")
    assert code == 2
    assert "pip install 'attractory[sweep]'" in err
    (file.parent / "results").mkdir()
    (file.parent / "results" / "cells.sqlite").write_text("notes")
    code, _, err = run(capsys, file)
    assert code == 1
    assert "is no store of a sweep, or damaged" in err
    assert len(err.strip().splitlines()) == 1
    assert (file.parent / "results" / "cells.sqlite").read_text() == "notes"


def test_ctrl_c_ends_in_one_line_and_status_130(file):
    file.write_text(GRID.replace("[fixed]", "[fixed]\nslow = 5.0"))
    temporary = file.parent / "temporary"
    temporary.mkdir()
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "sweep", str(file)],
        env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not Path(file.parent, "mine.py.begun").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert err == (
        f"attractory: interrupted: 0 cells are kept in {file.parent / 'results'}; "
        "run the same sweep again to go on\n"
    )
    assert list(temporary.iterdir()) == []


def test_help_loads_nothing_heavy():
    code = (
        "import sys, attractory, attractory.cli\ntry:\n    attractory.cli.main(['sweep', '--help'])"
        "\nexcept SystemExit: pass\nprint('heavy:', [m for m in ('jax', 'numpy', 'pandas', "
        "'xarray', 'distributed', 'sqlite3') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--scheduler" in out.stdout
    assert "heavy: []" in out.stdout
