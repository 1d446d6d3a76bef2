"""What the commands read and write: never over an input, nothing unasked, each output explained."""

import csv
import io
import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from commands import run
from PIL import Image

from attractory.cli.app import main
from attractory.cli.memory_file import MemoryFile
from attractory.io import load_patterns, save_images

SHAPE = (3, 4)
QUICK = ("--activation", "erf", "--norm", "30")


def refused(capsys, *arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("attractory: ")
    return line


def table(folder):
    with open(folder / "recall.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A memory of five small images, and the images."""
    folder = tmp_path_factory.mktemp("home")
    rows = np.random.default_rng(0).integers(0, 256, (5, 12)) / 255
    save_images(rows, [f"d{k}" for k in range(5)], SHAPE, folder / "five")
    with pytest.raises(SystemExit) as end:
        main(["store", str(folder / "five"), "--out", str(folder / "m"), *QUICK])
    assert end.value.code == 0
    return folder


@pytest.fixture
def memory(home, tmp_path):
    path = tmp_path / "five.mem"
    path.write_bytes((home / "m").read_bytes())
    return path


@pytest.fixture
def cues(home, tmp_path):
    """Two stored images and one that is unlike all."""
    folder = tmp_path / "cues"
    rows = load_patterns([home / "five"]).rows
    other = np.random.default_rng(22).uniform(size=(1, 12))
    save_images(np.concatenate([rows[:2], other]), ["№ 0", "b", "odd"], SHAPE, folder)
    return folder


def test_each_output_is_explained(capsys, memory, cues, tmp_path):
    out = tmp_path / "out"
    code, text, err = run(capsys, "recall", memory, cues, "--out", out, "--reject", "0.01")
    assert (code, err) == (0, "")
    assert "recall.csv there says what each is" in text
    rows = {row["cue"]: row for row in table(out)}
    assert list(rows) == ["b.png", "odd.png", "№ 0.png"]
    for name, row in rows.items():
        assert row["file"] == str(cues / name)
        assert row["output"] == (name if row["known"] == "yes" else f"not-known/{name}")
        assert (out / row["output"]).is_file()
    assert [rows[name]["label"] for name in ("№ 0.png", "b.png")] == ["d0.png", "d1.png"]
    assert [rows[name]["index"] for name in ("№ 0.png", "b.png")] == ["0", "1"]
    assert {rows[name]["known"] for name in ("№ 0.png", "b.png")} == {"yes"}
    # With another threshold the earlier files do not stay.
    assert "must not hold what is written" in refused(capsys, "recall", memory, cues, "--out", out)
    code, text, _ = run(capsys, "recall", memory, cues, "--out", out, "--reject", "0.99", "--force")
    known = [row["known"] for row in table(out)]
    assert "no" in known
    for row in table(out):
        assert (out / row["output"]).is_file()
    assert len(list(out.rglob("*.png"))) == 3
    assert f"{known.count('yes')} of 3 cues known" in text
    assert "--reject must be above 0 and below 1, got 2" in refused(
        capsys, "recall", memory, cues, "--reject", "2"
    )
    # The folder can be read again, but for the table.
    assert "recall.csv" in " ".join(load_patterns([out], recursive=True).notes)


def link(kind, target, path):
    if kind == "hard":
        os.link(target, path)
    else:
        path.symlink_to(target if kind == "soft" else os.path.relpath(target, path.parent))


@pytest.mark.parametrize("kind", ["soft", "hard", "relative"])
@pytest.mark.parametrize("place", ["", "not-known"])
def test_no_output_replaces_a_cue_by_another_name(capsys, memory, home, tmp_path, kind, place):
    out, links = tmp_path / "out", tmp_path / "links"
    (out / place).mkdir(parents=True)
    links.mkdir()
    cue = out / place / "c.png"
    cue.write_bytes((home / "five" / "d0.png").read_bytes())
    link(kind, cue, links / "c.png")
    before = cue.read_bytes()
    for extra in ((), ("--force",)):
        message = refused(capsys, "recall", memory, links, "--out", out, *extra)
        assert "--out must not replace what is read" in message
    # The other way: what is in the folder is a link to the cue.
    other = tmp_path / "other"
    (other / place).mkdir(parents=True)
    link(kind, cue, other / place / "c.png")
    for extra in ((), ("--force",)):
        refused(capsys, "recall", memory, cue, "--out", other, *extra)
    assert cue.read_bytes() == before
    assert sorted(os.listdir(out / place)) == ["c.png"]


def test_the_folder_of_a_cue_under_another_name(capsys, memory, cues, tmp_path):
    (tmp_path / "link").symlink_to(cues)
    assert "folder of a cue" in refused(capsys, "recall", memory, cues, "--out", tmp_path / "link")
    inside = tmp_path / "link" / ".." / "cues"
    assert "folder of a cue" in refused(capsys, "recall", memory, inside, "--out", cues)


def test_store_and_figures_never_replace_what_is_read(capsys, memory, home, tmp_path):
    five = home / "five"
    before = {path.name: path.read_bytes() for path in five.iterdir()}
    (tmp_path / "soft").symlink_to(five / "d1.png")
    os.link(five / "d2.png", tmp_path / "hard")
    for out in (five / "d0.png", tmp_path / "soft", tmp_path / "hard"):
        message = refused(capsys, "store", five, "--out", out, "--force", *QUICK)
        assert "--out must not replace what is read" in message
    assert {path.name: path.read_bytes() for path in five.iterdir()} == before
    picture = tmp_path / "memory.png"
    os.link(memory, picture)
    for extra in ((), ("--force",)):
        message = refused(capsys, "inspect", memory, "--figure", picture, *extra)
        assert "--figure must not replace what is read" in message
    (tmp_path / "there.png").write_text("kept")
    message = refused(capsys, "inspect", memory, "--figure", tmp_path / "there.png")
    assert "--force replaces it" in message
    assert (tmp_path / "there.png").read_text() == "kept"


def test_what_cannot_be_written_is_said_before_the_work(capsys, memory, cues, home, monkeypatch):
    import tempfile

    five, nowhere = home / "five", cues / "b.png" / "deep"
    assert "is none" in refused(capsys, "recall", memory, cues, "--out", nowhere / "er")
    assert "must be" in refused(capsys, "demo", "--out", nowhere)
    assert "must be" in refused(capsys, "reproduce", "--out", nowhere)
    for command in ("store", "recall"):
        message = refused(
            capsys, command, *[memory] * (command == "recall"), five, "--out", "x" * 300
        )
        assert "must be where files can be written" in message
        assert message.endswith("File name too long")
    assert "must be" in refused(capsys, "recall", memory, cues, "--out", "/dev/null/x")
    assert "must be" in refused(capsys, "recall", memory, cues, "--out", "/proc/x")
    assert "regular file" in refused(capsys, "store", five, "--out", "/dev/null", "--force")

    def full(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    monkeypatch.setattr(MemoryFile, "store", lambda *_: pytest.fail("worked before the check"))
    out = cues.parent / "new"
    for command in (
        ("store", five, "--out", out), ("recall", memory, cues, "--out", out),
        ("add", memory, cues), ("forget", memory, "0"), ("demo", "--out", out),
        ("inspect", memory, "--figure", cues.parent / "a.png"),
    ):  # fmt: skip
        code, text, err = run(capsys, *command)
        assert (code, text) == (1, "")
        assert err.endswith(") cannot be written: No space left on device\n")
        assert len(err.splitlines()) == 1
    assert not out.exists()


def test_tables_come_back_as_tables(capsys, tmp_path):
    rows = np.random.default_rng(1).normal(size=(5, 12)).round(3)
    names = ",".join("abcdefghijkl")
    lines = [f",{names}", *(f"{k},{','.join(map(str, row))}" for k, row in enumerate(rows))]
    cue = tmp_path / "cues.csv"
    cue.write_text("\n".join(lines))
    file, out = tmp_path / "m", tmp_path / "out"
    code, _, err = run(capsys, "store", cue, "--out", file, *QUICK)
    assert code == 0
    assert "its first column, which has no name, was taken for an index" in err
    code, _, _ = run(capsys, "recall", file, cue, "--out", out)
    assert code == 0
    back = load_patterns([out / "recalled.csv"])
    assert back.columns == tuple("abcdefghijkl")
    np.testing.assert_allclose(back.rows, rows, atol=1e-6)
    assert [row["output"] for row in table(out)] == [f"recalled.csv[{k}]" for k in range(5)]
    # By a pipe, and with names of its own.
    text = f"name,{names}\n" + "\n".join(
        f"p{k},{','.join(map(str, r))}" for k, r in enumerate(rows)
    )
    piped = SimpleNamespace(buffer=io.BytesIO(text.encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", piped)
        code, out, _ = run(capsys, "recall", file, "-", "--index-column", "name", "--json")
    assert code == 0
    cues = json.loads(out)["cues"]
    assert [row["cue"] for row in cues] == [f"stdin[p{k}]" for k in range(5)]
    assert [row["index"] for row in cues] == list(range(5))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Five images of different sizes and colours, two pairs of one name in folders."""
    folder = tmp_path_factory.mktemp("mixed")
    rng = np.random.default_rng(3)
    (folder / "a" / "x").mkdir(parents=True)
    (folder / "b").mkdir()
    for k in range(5):
        shape = (6 + k, 9 - k // 2, 3)[: 2 + k % 2]
        pixels = rng.integers(0, 256, shape).astype(np.uint8)
        place = folder / ("a" if k < 3 else "b") / f"x{k % 3}.png"
        Image.fromarray(pixels).save(place)
    Image.fromarray(np.full((5, 5), 9, np.uint8)).save(folder / "a" / "x" / "deep.gif")
    return folder


def test_images_of_several_sizes(capsys, mixed, tmp_path):
    file = tmp_path / "m"
    both = mixed / "a", mixed / "b"
    # Without an option: one line for all, and none of scikit-learn's words.
    code, _, err = run(capsys, "store", *both, "--out", file, *QUICK)
    assert code == 2
    lines = err.splitlines()
    assert "4 of 5 files differ in size or colours" in lines[0]
    assert "--size, --grey and --color make images alike" in lines[0]
    assert "left out 1 subfolder (x), which recursive takes in" in lines[1]
    assert "PATHS must give at least 2 rows to store, got 1" in lines[-1]
    np.save(tmp_path / "single.npy", np.arange(3.0)[:, None])
    for how in ((), ("--sequence",)):
        code, _, err = run(
            capsys, "store", tmp_path / "single.npy", *how, "--out", tmp_path / "s.mem"
        )
        assert (code, "PATHS must give rows of at least 2 numbers, got rows of 1" in err) == (
            2,
            True,
        )
    assert not file.exists()
    # scaled
    code, out, err = run(
        capsys, "store", *both, "--size", "4x3", "--grey", "--out", file, *QUICK, "--json"
    )
    assert code == 0
    report = json.loads(out)
    assert report["shape"] == [3, 4]
    assert report["names"] == ["a/x0.png", "a/x1.png", "x2.png", "b/x0.png", "b/x1.png"]
    assert "left out 1 subfolder (x), which recursive takes in" in err
    # Cues and what is added then follow the memory.
    code, out, _ = run(capsys, "recall", file, *both, "--json")
    assert [row["index"] for row in json.loads(out)["cues"]] == list(range(5))
    code, out, _ = run(capsys, "add", file, mixed, "--recursive", "--json")
    assert code == 0
    assert json.loads(out)["new"] == ["a/x/deep.gif"]
    for grey, shape in ((True, (3, 4)), (False, (3, 4, 3)), (None, (3, 4))):
        assert load_patterns([mixed / "a"], size=(3, 4), grey=grey).shape == shape


def test_cues_are_fitted_on_demand(capsys, memory, home, tmp_path):
    with Image.open(home / "five" / "d3.png") as image:
        image.convert("RGB").resize((8, 6), Image.Resampling.NEAREST).save(tmp_path / "big.png")
    assert "--fit scales images" in refused(capsys, "recall", memory, tmp_path / "big.png")
    code, out, _ = run(capsys, "recall", memory, tmp_path / "big.png", "--fit", "--json")
    assert code == 0
    assert json.loads(out)["cues"][0]["index"] == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--size", "5"), "--size must be width x height from 1x1"),
        (("--size", "0x5"), "--size must be"),
        (("--size", "5000x5"), "--size must be"),
        (("--size", "٥x5"), "--size must be"),
        (("--grey", "--color"), "--grey and --color exclude each other"),
        (("--reject", "1.5"), "--reject must be above 0 and below 1, got 1.5"),
        (("--reject", "nan"), "--reject must be above 0 and below 1, got nan"),
    ],
)
def test_wrong_options_of_store(capsys, home, tmp_path, options, words):
    assert words in refused(capsys, "store", home / "five", "--out", tmp_path / "m", *options)


def test_forget_ranges_and_dry_runs(capsys, memory):
    before = memory.read_bytes()
    code, out, _ = run(capsys, "forget", memory, "1-2", "d4.png", "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        "would forget 1: d1.png", "would forget 2: d2.png", "would forget 4: d4.png",
        "2 rows would stay; nothing was changed",
    ]  # fmt: skip
    for which in ("2-1", "3-5", "-1", "1-", "1-2-3", "0x1", "١-٢"):
        assert "WHICH must be" in refused(capsys, "forget", memory, which)
    assert memory.read_bytes() == before
    code, out, _ = run(capsys, "forget", memory, "1-2", "--json")
    assert [row["name"] for row in json.loads(out)["forgotten"]] == ["d1.png", "d2.png"]


def test_names_told_apart_when_added(capsys, memory, home, tmp_path):
    rows = np.random.default_rng(5).uniform(size=(1, 12))
    save_images(rows, ["d0"], SHAPE, tmp_path / "more")
    code, out, _ = run(capsys, "add", memory, tmp_path / "more", "--json")
    assert code == 0
    assert json.loads(out)["new"] == ["more/d0.png"]
    code, out, _ = run(capsys, "forget", memory, "more/d0.png", "--json")
    assert json.loads(out)["n"] == 5


def test_names_of_a_hostile_memory_in_a_poor_terminal(memory):
    """What is printed can be encoded and controls nothing, and each change is told and done."""
    kept = MemoryFile.open(memory)
    kept.names[:3] = ["\x1b[2J№", "\x9b31mλ\x07", "[red]\u202e\r"]
    kept.save()
    read, write = os.pipe()
    with (
        open(read, encoding="ascii") as seen,
        open(write, "w", encoding="ascii", errors="strict") as stream,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", stream)
        for command in (
            ["inspect", memory], ["inspect", memory, "--json"],
            ["forget", memory, "0", "--dry-run"], ["forget", memory, "\x1b[2J№", "1"],
            ["forget", memory, "\x1b[2J№"],
        ):  # fmt: skip
            with pytest.raises(SystemExit) as end:
                main(list(map(str, command)))
            assert end.value.code == (2 if command[2:] == ["\x1b[2J№"] else 0)
        stream.close()
        text = seen.read()
    assert not set(map(chr, range(32))) & set(text.replace("\n", ""))
    assert "\x7f" not in text
    assert "forgot ?[2JNo., ?31mlambda?" in text
    assert "[red]" in text
    assert MemoryFile.open(memory).names == ["[red]\u202e\r", "d3.png", "d4.png"]
