"""The command `attractory bench`, as a user meets it."""

import json

import commands
import numpy as np
import pytest
from idx_files import idx

from attractory.bench import MEMORIES, PROTOCOLS

MINE = """
def store(patterns):
    mean = patterns.mean(axis=0)
    def recall(cues):
        return patterns[((cues - mean) @ (patterns - mean).T).argmax(axis=1)]
    return recall

def broken(patterns):
    raise RuntimeError("no room")
"""


def run(capsys, *arguments):
    return commands.run(capsys, "bench", *arguments)


@pytest.fixture
def folder(tmp_path):
    """A folder with twelve images as an IDX file, and a memory in a file of Python."""
    images = np.random.default_rng(0).integers(0, 256, (12, 6, 6)).astype(np.uint8)
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "rows.csv").write_text("\n".join(",".join(map(str, row)) for row in np.eye(4)))
    return tmp_path


def small(folder, *more):
    data, out = folder / "images-idx3-ubyte", folder / "out"
    return "--data", data, "--out", out, "--cues", 6, "--rival", "search, Euclid", *more


def test_a_table_a_report_and_what_is_kept(capsys, folder):
    mine = "--memory", f"{folder / 'mine.py'}:store"
    code, out, err = run(capsys, "predictive-coding", *small(folder, *mine))
    assert code == 0
    assert err == ""
    lines = {line.strip("│ ").split(" │")[0].strip(): line for line in out.splitlines()}
    assert " 1.00 " in lines["search, Euclid"]
    assert "store" in lines
    assert "10 cells, 0 of them from before" in out
    assert (folder / "out" / "bench.html").stat().st_size > 5000
    code, out, _ = run(capsys, "predictive-coding", "--json", *small(folder, *mine))
    report = json.loads(out)
    assert code == 0
    assert report["reused"] == 10
    assert {score["n"] for score in report["scores"]} == {12}
    assert {score["memory"] for score in report["scores"]} == {"store", "search, Euclid"}


def test_a_memory_that_fails_is_a_line_and_status_1(capsys, folder):
    mine = "--memory", f"{folder / 'mine.py'}:broken"
    code, out, err = run(capsys, "hopfield-fenchel-young", *small(folder, *mine))
    assert code == 1
    assert err.strip() == "attractory: 1 cell failed: broken: RuntimeError: no room"
    assert "—" in out


def test_what_the_data_do_not_allow_is_left_out_and_said(capsys, folder):
    given = "--data", folder / "rows.csv", "--rival", "mean row", "--cues", 2, "--n", 3
    code, _, err = run(capsys, *given, "--out", folder / "out")
    assert code == 0
    assert [line.split()[1:5] for line in err.strip().splitlines()] == [
        ["left", "out:", name, "needs"]
        for name in ("universal-hopfield", "hopfield-fenchel-young", "bayes-pcn")
    ]
    # So is a file that cannot be used, and that is a failure: what was asked for was not compared.
    (folder / "words.csv").write_text("a,b\nc,d\n")
    given = *given, "--data", folder / "words.csv"
    code, out, err = run(capsys, *given, "--out", folder / "out", "--json")
    assert code == 1
    assert err.splitlines()[0].startswith(f"attractory: {folder / 'words.csv'} ")
    assert "1 file could not be used" in err.splitlines()[-1]
    assert [each["path"] for each in json.loads(out)["failed_files"]] == [str(folder / "words.csv")]


def test_list_names_protocols_and_memories(capsys):
    code, out, _ = run(capsys, "--list")
    assert code == 0
    for name in (*PROTOCOLS, *MEMORIES):
        assert f"\n  {name} " in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bayes"], "did you mean 'bayes-pcn'"),
        (["--rival", "Euclid"], "got 'Euclid'; did you mean"),
        (["--n", "13"], "n must be at most 12, the rows"),
        (["--cues", "0"], "cues must be"),
        (["--memory", "nowhere.py:store"], "must name a file that exists"),
        (["--memory", "recall"], "--memory must be FILE.py:NAME"),
        (["--memory", "MINE:stor"], "got 'stor'; did you mean 'store'"),
        (["--memory", "MINE:store", "--memory", "MINE:store"], "must not repeat a name, got store"),
        (["--data", "no/such/file"], "no/such/file"),
        (["bayes-pcn", "--data", "ROWS"], "needs images"),
    ],
)
def test_bad_input_is_one_line(capsys, folder, arguments, words):
    names = {"MINE": str(folder / "mine.py"), "ROWS": str(folder / "rows.csv")}
    for key, value in names.items():
        arguments = [each.replace(key, value) for each in arguments]
    given = small(folder) if "--data" not in arguments else ("--out", folder / "out")
    code, out, err = run(capsys, *given, *arguments)
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_out_that_cannot_be_written_is_said_before_any_work(capsys, folder):
    (folder / "out").write_text("")
    code, _, err = run(capsys, *small(folder))
    assert code == 2
    assert "--out must be a folder" in err
