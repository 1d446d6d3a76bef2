"""The commands on files of memories, as a user meets them."""

import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from commands import run
from matplotlib.image import imread
from PIL import Image

from attractory import AttractorMemory, SequenceMemory, load_memory
from attractory.cli import memory as cli_memory
from attractory.cli import tables as cli_tables
from attractory.cli.app import main
from attractory.cli.console import complain, one_line, working
from attractory.cli.memory_file import MemoryFile
from attractory.datasets import bundled_digits
from attractory.io import load_patterns, save_images
from attractory.memory.files import save_memory

SHAPE = (28, 28)


def document(capsys, *arguments, status=0):
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == status
    return json.loads(out)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders: six digits, two more, noisy copies of the six, and one image of another size."""
    folder = tmp_path_factory.mktemp("pictures")
    digits, _ = bundled_digits(8)
    noise = 0.15 * np.random.default_rng(0).normal(size=(6, 784))
    save_images(digits[:6], [f"d{k}" for k in range(6)], SHAPE, folder / "six")
    save_images(digits[6:], ["d6", "d7"], SHAPE, folder / "two")
    save_images(digits[:6] + noise, [f"c{k}" for k in range(6)], SHAPE, folder / "cues")
    save_images(digits[:1, 200:264], ["small"], (8, 8), folder / "small")
    return folder


@pytest.fixture(scope="module")
def stored(pictures):
    with pytest.raises(SystemExit) as end:
        main(["store", str(pictures / "six"), "--out", str(pictures / "m"), "--activation", "erf"])
    assert end.value.code == 0
    return (pictures / "m").read_bytes()


@pytest.fixture
def file(stored, tmp_path):
    """A memory of the six, which a test may change."""
    path = tmp_path / "six.mem"
    path.write_bytes(stored)
    return path


def test_the_whole_path(capsys, pictures, tmp_path):
    file, back = tmp_path / "digits.mem", tmp_path / "new" / "back"
    code, out, err = run(
        capsys, "store", pictures / "six", "--out", file, "--activation", "erf", "--norm", "90"
    )
    assert (code, err) == (0, "")
    assert "stored 6 rows of 28 × 28 pixels; infinite width, erf, depth 2, norm 90" in out
    assert f"{file.stat().st_size:,} bytes" in out

    code, out, err = run(capsys, "recall", file, pictures / "cues", "--out", back)
    assert (code, err) == (0, "")
    lines = [line for line in out.splitlines() if ".png" in line]
    assert all(f"c{k}.png" in line and f"d{k}.png" in line for k, line in enumerate(lines))
    assert out.count("converged") == 6
    images = load_patterns([back])
    assert images.names == tuple(f"c{k}.png" for k in range(6))
    originals = load_patterns([pictures / "six"]).rows
    assert np.abs(images.rows - originals).max() <= 1.01 / 255  # a grey level of 8 bits

    code, out, err = run(capsys, "inspect", file, "--certify", "--figure", tmp_path / "values.png")
    assert (code, err) == (0, "")
    assert "certified: every start of recall this near is recalled as the row" in out
    assert "6 of 6 are attractors" in out
    assert "erf, depth 2, norm 90; residual" in out
    assert imread(tmp_path / "values.png")[..., :3].std() > 0.05  # not blank

    code, out, err = run(capsys, "add", file, pictures / "two", pictures / "six" / "d3.png")
    assert (code, err) == (0, "")
    assert "2 new rows; left out 1 duplicate" in out
    assert "now 8 rows" in out
    assert load_memory(file).info_["names"] == [f"d{k}.png" for k in range(8)]

    code, out, err = run(capsys, "forget", file, "d0.png", "3")
    assert (code, err) == (0, "")
    assert "forgot d0.png, d3.png" in out
    assert "now 6 rows" in out
    assert load_memory(file).info_["names"] == [f"d{k}.png" for k in (1, 2, 4, 5, 6, 7)]
    report = document(capsys, "recall", file, pictures / "cues")
    names = [row["recalled"] for row in report["cues"]]
    assert [names[k] for k in (1, 2, 4, 5)] == [f"d{k}.png" for k in (1, 2, 4, 5)]
    assert not {"d0.png", "d3.png"} & set(names)


def test_a_cue_that_ends_at_no_row_is_not_known(capsys, tmp_path):
    """A map without biases is odd about the mean: the mirror image of a row is fixed, too."""
    file = tmp_path / "odd.mem"
    memory = AttractorMemory(activation="erf", metric=None, iteration="plain")
    save_memory(memory.fit(bundled_digits(6)[0]), file)
    np.save(tmp_path / "mirror.npy", 2 * memory.state_.coordinates.mean - memory.patterns_[1])
    code, out, _ = run(capsys, "recall", file, tmp_path / "mirror.npy")
    assert code == 0
    (line,) = [line for line in out.splitlines() if "mirror.npy" in line]
    assert "—" in line
    assert "NO" in line
    assert "0 of 1 cue known" in out
    (row,) = document(capsys, "recall", file, tmp_path / "mirror.npy")["cues"]
    assert (row["recalled"], row["index"], row["known"]) == (None, None, False)
    assert row["distance"] > 1


def test_json_documents(capsys, pictures, file, tmp_path):
    path = tmp_path / "new.mem"
    report = document(capsys, "store", pictures / "six", "--out", path, "--activation", "erf")
    assert report["residual"] < 1e-9
    assert report["bytes"] == path.stat().st_size
    assert (report["width"], report["activation"], report["depth"]) == (None, "erf", 2)
    assert (report["n"], report["dim"], report["shape"]) == (6, 784, [28, 28])
    assert (report["duplicates"], report["failed"]) == (0, [])
    assert report["names"] == [f"d{k}.png" for k in range(6)]

    report = document(capsys, "recall", file, pictures / "six", "--out", tmp_path / "out")
    assert [row["index"] for row in report["cues"]] == list(range(6))
    assert all(row["distance"] < 1e-6 and row["status"] == "converged" for row in report["cues"])
    assert report["known"] == sum(row["confidence"] >= 0.9 for row in report["cues"])
    assert len(report["written"]) == 6

    report = document(capsys, "inspect", file)
    assert report["attractors"] == report["looked_at"] == report["n"] == 6
    assert [row["name"] for row in report["patterns"]] == [f"d{k}.png" for k in range(6)]
    assert all(0 < row["spectral_radius"] < 1 for row in report["patterns"])

    report = document(capsys, "add", file, pictures / "two")
    assert (report["new"], report["n"]) == (["d6.png", "d7.png"], 8)
    again = file.read_bytes()
    assert document(capsys, "add", file, pictures / "two")["duplicates"] == 2
    assert file.read_bytes() == again
    report = document(capsys, "forget", file, "7", "d1.png", "1")
    assert report["forgotten"] == [{"index": 1, "name": "d1.png"}, {"index": 7, "name": "d7.png"}]
    assert report["n"] == 6


def test_names_stay_with_their_rows_when_some_are_equal(capsys, tmp_path):
    """And vectors come back in one file."""
    rows = np.random.default_rng(1).normal(size=(5, 9))
    np.save(tmp_path / "a.npy", rows[[0, 1, 0, 2, 1, 3]])
    np.save(tmp_path / "b.npy", rows[[1, 4]])
    file = tmp_path / "rows.mem"
    arguments = ("--out", file, "--activation", "erf", "--norm", "30", "--no-center")
    report = document(capsys, "store", tmp_path / "a.npy", *arguments)
    assert report["names"] == ["a.npy[0]", "a.npy[1]", "a.npy[3]", "a.npy[5]"]
    assert (report["duplicates"], report["shape"], report["norm"]) == (2, None, 30)
    assert document(capsys, "add", file, tmp_path / "b.npy")["new"] == ["b.npy[1]"]
    memory = load_memory(file)
    np.testing.assert_allclose(memory.patterns_, rows, atol=1e-12)
    report = document(capsys, "recall", file, tmp_path / "a.npy", "--out", tmp_path / "back")
    assert [row["index"] for row in report["cues"]] == [0, 1, 0, 2, 1, 3]
    np.testing.assert_allclose(np.load(report["written"][0])[:2], rows[:2], atol=1e-6)


def test_broken_files_are_named_and_the_others_go_on(capsys, pictures, file, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    out = tmp_path / "new.mem"
    code, text, err = run(
        capsys, "store", bad, pictures / "six", "--out", out, "--activation", "erf"
    )
    assert code == 1
    assert err.startswith(f"attractory: {bad} is no image")
    assert len(err.splitlines()) == 1
    assert "stored 6 rows" in text
    small = pictures / "small" / "small.png"
    for command in ("recall", "add"):
        report = document(capsys, command, file, bad, pictures / "two", small, status=1)
        assert [failure["path"] for failure in report["failed"]] == [str(bad), str(small)]
        code, _, err = run(capsys, command, file, bad, pictures / "two", small)
        assert code == 1
        assert len(err.splitlines()) == 2
        assert (
            "grey images of 8 × 8 pixels where the memory holds grey images of 28 × 28 pixels; "
            "make it alike, or use a memory of such rows"
        ) in err
    # None is good: nothing to go on with.
    code, text, err = run(capsys, "recall", file, small)
    assert (code, text) == (2, "")
    assert "where the memory holds" in err


def refused(capsys, *arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("attractory: ")
    return err


def test_store_refuses(capsys, pictures, file, tmp_path):
    before, six = file.read_bytes(), pictures / "six"
    assert "--force replaces it" in refused(capsys, "store", six, "--out", file)
    assert "got the folder" in refused(capsys, "store", six, "--out", tmp_path)
    assert "create it first" in refused(capsys, "store", six, "--out", tmp_path / "no" / "m")
    new = tmp_path / "m"
    assert "missing.png does not exist" in refused(
        capsys, "store", tmp_path / "missing.png", "--out", new
    )
    table = tmp_path / "table.csv"
    table.write_text("1,2\n3,5\n")
    assert "plain numbers" in refused(capsys, "store", table, "--out", new, "--size", "8x8")
    for option, value in (
        ("--norm", "big"), ("--norm", "0"), ("--norm", "nan"), ("--depth", "1"),
        ("--activation", "rectifier"), ("--width", "0"), ("--seed", "-1"),
    ):  # fmt: skip
        refused(capsys, "store", six, "--out", new, "--width", "20", option, value)
    assert not new.exists()
    assert file.read_bytes() == before
    code, out, _ = run(
        capsys, "store", six, "--out", file, "--force", "--activation", "erf", "--norm", "50"
    )
    assert code == 0
    assert "norm 50" in out
    assert load_memory(file).norm_ == 50


@pytest.mark.parametrize("command", ["recall", "inspect", "add", "forget"])
def test_missing_and_damaged_memories(capsys, pictures, file, tmp_path, command):
    rest = {"recall": [pictures / "cues"], "inspect": [], "add": [pictures / "two"]}
    rest = rest.get(command, ["0"])
    assert "there is no file" in refused(capsys, command, tmp_path / "none.mem", *rest)
    damaged = bytearray(file.read_bytes())
    damaged[-9] ^= 1
    file.write_bytes(damaged)
    assert "damaged" in refused(capsys, command, file, *rest)
    assert file.read_bytes() == damaged


def test_recall_and_inspect_refuse(capsys, pictures, file, tmp_path):
    cues = pictures / "cues"
    before = (cues / "c0.png").read_bytes()
    assert "--out must be a folder" in refused(capsys, "recall", file, cues, "--out", file)
    for given in (cues, cues / "c0.png"):  # would be recalled over
        assert "folder of a cue" in refused(capsys, "recall", file, given, "--out", cues)
    assert (cues / "c0.png").read_bytes() == before
    assert ".png" in refused(capsys, "inspect", file, "--figure", tmp_path / "a.txt")
    refused(capsys, "inspect", file, "--figure", tmp_path / "no" / "a.png")


def test_forget_refuses_and_changes_nothing(capsys, file):
    before = file.read_bytes()
    for which in ("d9.png", "6", "-1", "9" * 5000, "²", ""):
        refused(capsys, "forget", file, "0", which)
    assert "not counted from the end" in refused(capsys, "forget", file, "-1")
    assert "no option has this name" in refused(capsys, "forget", file, "--dry")
    assert "must leave a row" in refused(capsys, "forget", file, *range(6))
    assert file.read_bytes() == before
    kept = MemoryFile.open(file)
    kept.names[:3] = ["same", "same", "0"]
    kept.save()
    before = file.read_bytes()
    assert "rows 0 and 1; give one of these indices" in refused(capsys, "forget", file, "same")
    assert "rows 0 and 2" in refused(capsys, "forget", file, "0")
    assert file.read_bytes() == before
    assert document(capsys, "forget", file, "2", "1")["n"] == 4


def test_memories_saved_from_python(capsys, pictures, tmp_path):
    """They may have no names; one that maps rows to others is replayed, and has no recall."""
    rows = np.random.default_rng(2).normal(size=(5, 9))
    memory = AttractorMemory(activation="erf", norm=30.0).fit(rows)
    file = tmp_path / "python.mem"
    for info in ({}, {"names": ["a"], "shape": [2, 2], "mine": 1}, {"names": 3, "shape": "x"}):
        save_memory(memory, file, info=info)
        report = document(capsys, "inspect", file)
        assert [row["name"] for row in report["patterns"]] == [f"row {k}" for k in range(5)]
        assert report["shape"] is None
    save_memory(memory, file, info={"mine": 1})
    assert document(capsys, "forget", file, "row 4", "1", "2", "3")["n"] == 1
    assert load_memory(file).info_ == {"mine": 1, "names": ["row 0"], "shape": None}
    assert document(capsys, "inspect", file)["n"] == 1
    other = SequenceMemory(activation="erf", norm=30.0).fit(rows, rows[::-1])
    save_memory(other, file, overwrite=True)
    assert "maps rows to other rows" in refused(capsys, "recall", file, file)
    assert [each["frames"] for each in document(capsys, "inspect", file)["sequences"]] == [5]


def test_only_the_first_rows_of_many_are_looked_at(capsys, file, tmp_path, monkeypatch):
    monkeypatch.setattr(cli_memory, "_LOOKED_AT", 4)
    monkeypatch.setattr(cli_tables, "DRAWN", 2)
    monkeypatch.setattr(cli_memory, "_TOGETHER", 3)
    report = document(capsys, "inspect", file)
    assert (report["n"], report["looked_at"], len(report["patterns"])) == (6, 4, 4)
    _, out, _ = run(capsys, "inspect", file)
    assert "4 of the first 4 are attractors; --all looks at all 6" in out
    report = document(capsys, "inspect", file, "--all", "--figure", tmp_path / "first.svg")
    assert (report["looked_at"], report["attractors"]) == (6, 6)
    assert ElementTree.parse(tmp_path / "first.svg").getroot().tag.endswith("}svg")


def test_rows_that_are_not_stored_need_a_word_and_are_no_attractors(capsys, tmp_path):
    """A network as wide as this has as many weights as the rows have numbers, and none over."""
    np.save(tmp_path / "rows.npy", np.random.default_rng(4).normal(size=(12, 6)))
    file = tmp_path / "m"
    arguments = (
        "store", tmp_path / "rows.npy", "--out", file, "--width", "6", "--activation", "erf",
        "--norm", "5",
    )  # fmt: skip
    err = refused(capsys, *arguments)
    assert "of 12 rows are not stored (index " in err
    assert "--allow-unstored" in err
    assert os.listdir(tmp_path) == ["rows.npy"]
    code, out, err = run(capsys, *arguments, "--allow-unstored")
    assert code == 0
    assert "attractory: warning: the memory misses a stored row by" in err
    assert "width 6, erf, depth 2, norm 5; residual" in out
    report = document(capsys, "inspect", file)
    assert report["residual"] > 1e-3
    for row in report["patterns"]:
        assert row["attractor"] == (row["spectral_radius"] < 1 and row["miss"] <= 1e-3)
    assert report["attractors"] < 12


def test_warnings_are_shown_once_and_names_never_control_the_terminal(capsys):
    import warnings

    with working("at [work]") as say:
        say("with [/markup]")
        for _ in range(2):
            warnings.warn("over\ntwo lines", stacklevel=1)
    complain("and\nthat")
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["attractory: warning: over two lines", "attractory: and that"]
    assert one_line("a\x1b[2J\nb\udc80é.png") == "a�[2J�b�é.png"


def test_names_are_no_markup(capsys, file):
    kept = MemoryFile.open(file)
    kept.names[:2] = ["img[a].png", ":smile:[/b]"]
    kept.save()
    _, out, _ = run(capsys, "inspect", file)
    assert "img[a].png" in out
    assert ":smile:[/b]" in out


def test_help_does_not_wait_for_jax():
    code = (
        "import sys\nfrom attractory.cli.app import main\n"
        "for command in ('store', 'recall', 'inspect', 'add', 'forget'):\n"
        "    try:\n        main([command, '--help'])\n    except SystemExit: pass\n"
        "print('heavy:', [m for m in ('jax', 'scipy', 'matplotlib', 'numpy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--figure" in out.stdout
    assert "WHICH" in out.stdout
    assert "heavy: []" in out.stdout


def test_what_a_table_of_cues_lacks_is_filled_in(capsys, tmp_path):
    rows = np.random.default_rng(2).normal(size=(6, 12))
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",")
    run(capsys, "store", tmp_path / "rows.csv", "--metric", "none", "--out", tmp_path / "m")
    cues = np.where((np.add.outer(np.arange(6), np.arange(12)) % 3) == 0, np.nan, rows)
    text = "\n".join(",".join(map(str, row)) for row in cues.tolist()).replace("nan", "")
    (tmp_path / "cues.csv").write_text(text)
    np.save(tmp_path / "cues.npy", cues)
    for name in ("cues.csv", "cues.npy"):
        out = tmp_path / name.replace(".", "-")
        run(capsys, "recall", tmp_path / "m", tmp_path / name, "--out", out)
        filled = next(out.glob("recalled.*"))
        np.testing.assert_allclose(load_patterns([filled]).rows, rows, atol=1e-6)
    # A mask and what is missing are both unknown.
    mask = tmp_path / "mask.csv"
    mask.write_text(",".join("0" * 4 + "1" * 8))
    report = document(capsys, "recall", tmp_path / "m", tmp_path / "cues.csv", "--mask", mask)
    assert [row["index"] for row in report["cues"]] == list(range(6))


def test_unknown_pixels_are_told_by_a_mask_or_by_transparency(capsys, pictures, tmp_path):
    file = tmp_path / "digits.mem"
    settings = "--activation", "erf", "--norm", "90"
    run(capsys, "store", pictures / "six", "--out", file, *settings)
    top = np.zeros((28, 28), np.uint8)
    top[:12] = 255
    Image.fromarray(top).save(tmp_path / "top.png")
    cues = tmp_path / "cues"
    cues.mkdir()
    stored = sorted((pictures / "six").glob("*.png"))
    for path in stored:
        pixels = np.asarray(Image.open(path).convert("L"))
        # Below the mask there is another digit.
        other = np.asarray(Image.open(stored[0]).convert("L"))
        Image.fromarray(np.where(top > 0, pixels, other)).save(cues / path.name)
    report = document(capsys, "recall", file, cues, "--mask", tmp_path / "top.png")
    assert [row["recalled"] for row in report["cues"]] == [path.name for path in stored]

    for path in stored:
        grey = np.asarray(Image.open(cues / path.name))
        both = np.stack([grey, top], axis=2)
        Image.fromarray(both, "LA").save(cues / path.name)
    report = document(capsys, "recall", file, cues)
    assert [row["recalled"] for row in report["cues"]] == [path.name for path in stored]

    np.save(tmp_path / "three.npy", np.ones((3, 784)))
    code, _, err = run(capsys, "recall", file, cues, "--mask", tmp_path / "three.npy")
    assert code == 2
    assert "holds 3" in err
    Image.fromarray(0 * top).save(tmp_path / "none.png")
    code, _, err = run(capsys, "recall", file, cues, "--mask", tmp_path / "none.png")
    assert code == 2
    assert "known nowhere" in err
