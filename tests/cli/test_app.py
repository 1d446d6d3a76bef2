"""The command, as a user meets it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from commands import run
from matplotlib.image import imread

from attractory.cli import demo as cli_demo
from attractory.cli.demo import run_demo

COMMANDS = (
    "demo", "verify", "store", "recall", "inspect", "add", "forget", "replay", "sweep", "reproduce",
    "explore",
)  # fmt: skip


def test_demo_recalls_digits_and_writes_figures(capsys, tmp_path):
    code, out, err = run(capsys, "demo", "--n", "4", "--out", str(tmp_path / "new" / "folder"))
    assert code == 0
    assert "4 of 4 patterns are attractors" in out
    assert "4 of 4 recalled from noise 1" in out
    for name in ("recall.png", "eigenvalues.png"):
        pixels = imread(tmp_path / "new" / "folder" / name)
        assert min(pixels.shape[:2]) > 200
        assert pixels[..., :3].std() > 0.05  # not blank
    assert "warning" not in err


def test_demo_json_is_one_document_and_reproducible(capsys, tmp_path):
    arguments = ("demo", "--n", "4", "--json", "--noise", "0.5", "--out", str(tmp_path))
    code, out, _ = run(capsys, *arguments)
    report = json.loads(out)
    assert code == 0
    assert report["recalled"]["noise 0.5"] == 4
    assert report["recalled_by_memory"]["masked half"] == 4
    assert [p["digit"] for p in report["patterns"]] == [7, 2, 1, 0]
    assert all(p["spectral_radius"] < 1 for p in report["patterns"])
    again = json.loads(run(capsys, *arguments)[1])
    assert again["patterns"] == report["patterns"]


def test_demo_of_photographs_is_in_colour_and_from_grey_too(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(cli_demo, "_TILE", 12)
    code, out, _ = run(capsys, "demo", "--photos", "--n", "4", "--json", "--out", str(tmp_path))
    report = json.loads(out)
    assert code == 0
    assert [row["photo"] for row in report["patterns"]] == [0, 1, 0, 1]
    assert list(report["recalled_by_memory"]) == ["noise 1", "masked half", "grey"]
    assert report["recalled_by_memory"]["grey"] >= 3
    pixels = imread(tmp_path / "recall.png")[..., :3]
    assert (np.ptp(pixels, axis=2) > 0.2).mean() > 0.02
    tiles, _ = cli_demo.photo_tiles(4)
    assert tiles.std(axis=1).min() >= 0.15  # plain sky is left out
    half, grey = (rows.reshape(4, 12, 12, 3) for _, rows in cli_demo._damaged(tiles, (12, 12, 3)))
    np.testing.assert_array_equal(half[:, :6], tiles.reshape(4, 12, 12, 3)[:, :6])
    assert np.ptp(half[:, 6:], axis=0).max() == 0
    assert np.ptp(grey, axis=3).max() == 0


def test_demo_never_claims_what_did_not_happen():
    """Far too much noise: nothing is recalled, and the demo says so."""
    demo = run_demo(n=4, noise=1e4)
    trial = demo.trials[0]
    assert trial.name == "noise 10000"
    assert (trial.recalled == (trial.error <= 0.01)).all()
    assert not trial.recalled.all()
    assert (trial.recalled_by_memory == (trial.memory_error <= 0.01)).all()
    assert not trial.recalled_by_memory.all()
    far = np.linalg.norm(trial.restored - demo.images, axis=1)
    sizes = np.linalg.norm(demo.images - demo.images.mean(axis=0), axis=1)
    np.testing.assert_allclose(trial.memory_error, far / sizes)
    restored = demo.as_pixels(demo.memory.patterns)
    np.testing.assert_allclose(restored, demo.images, atol=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--n", "0"],
        ["--n", "201"],
        ["--n", "many"],
        ["--norm", "0"],
        ["--norm", "nan"],
        ["--depth", "1"],
        ["--activation", "rectifier"],
        ["--noise", "-1"],
        ["--seed", "-1"],
        ["--unknown"],
    ],
)
def test_bad_arguments_end_in_one_line_and_status_2(capsys, tmp_path, arguments):
    code, out, err = run(capsys, "demo", "--out", str(tmp_path / "out"), *arguments)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("attractory: ")
    assert not (tmp_path / "out").exists()


def test_out_that_is_a_file(capsys, tmp_path):
    path = tmp_path / "file"
    path.write_text("kept")
    code, _, err = run(capsys, "demo", "--out", str(path))
    assert code == 2
    assert "--out must be a folder" in err
    assert path.read_text() == "kept"


def test_help_and_version_do_not_wait_for_jax():
    code = (
        "import sys\nfrom attractory.cli.app import main\n"
        "try:\n    main(['demo', '--help'])\nexcept SystemExit: pass\n"
        "print('heavy:', [m for m in ('jax', 'scipy', 'matplotlib', 'numpy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--norm" in out.stdout
    assert "heavy: []" in out.stdout


def test_no_arguments_show_help(capsys):
    code, out, err = run(capsys)
    assert code == 2
    assert "demo" in out + err
    assert "attractory: \n" not in err
    assert run(capsys, "--version")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["store"], "store [OPTIONS] --out OUT PATHS..."),
        (["store", "a.png"], "store [OPTIONS] --out OUT PATHS..."),
        (["recall"], "recall [OPTIONS] FILE CUES..."),
        (["recall", "a.mem"], "recall [OPTIONS] FILE CUES..."),
        (["inspect"], "inspect [OPTIONS] FILE"),
        (["add", "a.mem"], "add [OPTIONS] FILE PATHS..."),
        (["forget"], "forget [OPTIONS] FILE WHICH..."),
        (["sweep"], "sweep [OPTIONS] FILE"),
    ],
)
def test_what_is_missing_is_told_with_the_usage_in_one_line(capsys, arguments, usage):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert f"; usage: attractory {usage}; -h explains\n" in err
    assert err.startswith("attractory: Missing ")
    assert err.count("\n") == 1


def test_help_shows_no_types_where_there_is_no_choice(capsys):
    for command in ([], *([name] for name in COMMANDS)):
        code, out, _ = run(capsys, *command, "-h")
        assert code == 0
        assert "Usage: attractory " in out
        assert "bool" not in out
        assert "list[" not in out


def test_completion_knows_commands_and_options(capsys, monkeypatch):
    monkeypatch.setenv("_ATTRACTORY_COMPLETE", "complete_bash")
    for words, found in (("re", "recall\nreplay\nreproduce"), ("forget --dr", "--dry-run")):
        monkeypatch.setenv("COMP_WORDS", f"attractory {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        assert run(capsys)[:2] == (0, f"{found}\n")


def test_verify_shows_a_table_and_lists_its_names(capsys):
    code, out, _ = run(capsys, "verify", "lemma-9", "corollary-8")
    assert code == 0
    assert "7 of 7 settings as the paper's statements say" in out
    assert "Lemma 9" in out
    assert "Corollary 8" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    code, names, _ = run(capsys, "verify", "--list")
    assert code == 0
    assert names.split()[:2] == ["proposition-2", "theorem-1"]


def test_verify_json_and_its_status(capsys, monkeypatch):
    from attractory.theory import projection

    code, out, _ = run(capsys, "verify", "lemma-9", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["passed"] is True
    assert [c["place"] for c in report["checks"]] == ["inside", "edge", "outside"]
    assert report["checks"][0]["predictions"][0]["verdict"] == "holds"
    # A statement that fails where it must hold ends the command with status 1.
    monkeypatch.setattr(projection, "shrinkage", lambda x: 0.0)
    code, out, _ = run(capsys, "verify", "lemma-9", "--json")
    assert code == 1
    assert json.loads(out)["passed"] is False
    code, out, _ = run(capsys, "verify", "lemma-9")
    assert code == 1
    assert "NOT AS IT MUST" in out


def test_verify_refuses_unknown_statements(capsys):
    code, out, err = run(capsys, "verify", "lemma-1")
    assert code == 2
    assert out == ""
    assert err.startswith("attractory: statement must be one of proposition-2")
    assert "got 'lemma-1'" in err
