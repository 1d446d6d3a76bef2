"""The command `attractory reproduce`, as a user meets it."""

import io
import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import commands
import pytest

from attractory.cli.app import main
from attractory.paper import FIGURES, PaperFigure


def run(capsys, *arguments):
    return commands.run(capsys, "reproduce", *arguments)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Status, standard output and error of a run, and its folder, whose cells others reuse."""
    folder = tmp_path_factory.mktemp("first") / "new"
    with (
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
        pytest.raises(SystemExit) as end,
    ):
        main(["reproduce", "figure-d1", "--workers", "1", "--out", str(folder)])
    return end.value.code, out.getvalue(), err.getvalue(), folder


def test_one_figure_with_a_table_of_claims(first):
    code, out, err, folder = first
    assert code == 0  # one claim of the paper does not hold: a finding, no failure
    assert "DOES NOT HOLD" in out
    assert "of 5 claims 4 hold, 1 does not hold at this size" in out
    assert str(folder / "report.html") in out
    assert "Traceback" not in err
    for name in ("report.html", "numbers.csv", "claims.json", "figure-d1.png", "figure-d1.svg"):
        assert (folder / name).stat().st_size > 500


def undrawn(figure, cells):
    """A figure without its pictures, which take seconds."""
    return PaperFigure(
        figure.name, figure.title, figure.method, figure.cell, cells, figure.claims, lambda _: {}
    )


def test_json_is_one_document(capsys, first, tmp_path, monkeypatch):
    shutil.copytree(first[-1], tmp_path, dirs_exist_ok=True)
    figure = FIGURES["figure-d1"]
    monkeypatch.setitem(FIGURES, "figure-d1", undrawn(figure, figure.cells))
    code, out, _ = run(capsys, "D.1", "--json", "--quick", "--workers", "0", "--out", str(tmp_path))
    report = json.loads(out)
    assert code == 0
    assert [figure["name"] for figure in report["figures"]] == ["figure-d1"]
    assert report["figures"][0]["claims"][0]["verdict"] == "holds"
    assert report == json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))


def test_list_names_every_figure(capsys):
    code, out, _ = run(capsys, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(FIGURES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["figure-e9"], "did you mean 'figure-e"),
        (["nothing-like-it"], "there are figure-d1"),
        (["--quick", "--full"], "exclude each other"),
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "exclude each other"),
        (["figure-d1", "--seeds", "0"], "seeds"),
        (["figure-e3", "--data", "no/such/folder"], "does not exist"),
    ],
)
def test_bad_input_is_one_line(capsys, tmp_path, arguments, words):
    code, out, err = run(capsys, *arguments, "--out", str(tmp_path / "out"))
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_out_that_cannot_be_written_is_said_before_any_work(capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("here first")
    code, _, err = run(capsys, "figure-d1", "--out", str(file / "below"))
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert file.read_text() == "here first"


def test_a_failed_cell_is_status_1_and_keeps_the_rest(capsys, first, tmp_path, monkeypatch):
    shutil.copytree(first[-1], tmp_path, dirs_exist_ok=True)
    real = FIGURES["figure-d1"]

    def cells(*arguments):
        return [
            each | {"correlation": 2.0} if each["correlation"] == 0.5 else each
            for each in real.cells(*arguments)
        ]

    monkeypatch.setitem(FIGURES, "figure-d1", undrawn(real, cells))
    code, out, err = run(capsys, "figure-d1", "--workers", "0", "--out", str(tmp_path))
    assert code == 1
    assert "1 of 7 cells failed, the first with ValueError: " in err
    assert "of 5 claims" in out
    assert "ValueError" in (tmp_path / "numbers.csv").read_text(encoding="utf-8")


def test_help_needs_no_jax():
    code = (
        "import sys\nfrom attractory.cli.app import main\n"
        "try: main(['reproduce', '--help'])\nexcept SystemExit: pass\n"
        "print('jax' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip().endswith("False")
