"""`store --sequence` and `replay`, as a user meets them."""

import json

import numpy as np
import pytest
from commands import run
from PIL import Image
from scipy.io import wavfile

from attractory import AttractorMemory, SequenceMemory, load_memory
from attractory.cli.app import main
from attractory.io import Medium, load_sequences, save_sequence
from attractory.io import gathering as io_gathering
from attractory.memory.files import save_memory

SHAPE, N = (8, 8, 3), 6
ROWS = np.random.default_rng(0).integers(0, 256, (N, 192)) / 255
FAST = ("--activation", "erf", "--norm", "30", "--metric", "none")


def document(capsys, *arguments, status=0):
    code, out, err = run(capsys, *arguments, "--json")
    assert code == status, err
    return json.loads(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of six images in colour, stored as a film."""
    folder = tmp_path_factory.mktemp("films")
    save_sequence(ROWS, Medium.of_images(SHAPE, 20.0), folder / "walk")
    with pytest.raises(SystemExit) as end:
        main(["store", str(folder / "walk"), "--sequence", "--out", str(folder / "m"), *FAST])
    assert end.value.code == 0
    return folder


def test_a_film_comes_back_from_a_noisy_frame_in_colour(capsys, folder, tmp_path):
    """Three rounds later every frame is where its number says it is."""
    out = tmp_path / "out.gif"
    cue = f"{folder / 'walk'}:2"
    report = document(capsys, "replay", folder / "m", cue, "--steps", "24", "--noise", "0.1",
                      "--out", out)  # fmt: skip
    assert report["sequence"] == "walk"
    assert [each["frame"] for each in report["path"]] == [(2 + k) % N for k in range(25)]
    assert report["path"][-1]["distance"] < 1e-6 < report["path"][0]["distance"]
    assert report["settled"] > 0
    film = load_sequences(out)
    assert film.medium.shape == SHAPE
    assert film.medium.rate == pytest.approx(25)  # images have no pace of their own
    np.testing.assert_allclose(film.rows[-6:], ROWS[(2 + np.arange(19, 25)) % N], atol=0.02)


def test_each_kind_of_output_holds_the_same_frames(capsys, folder, tmp_path):
    for name in ("a.mp4", "b.npy", "folder"):
        code, out, err = run(capsys, "replay", folder / "m", folder / "walk", "--frame", "1",
                             "--out", tmp_path / name)  # fmt: skip
        assert (code, err) == (0, "")
        assert "from step 0 on in walk, there at frame 1, in order to the end" in out
        assert f"wrote {N + 1} frames, the cue first" in out  # one round
        film = load_sequences(tmp_path / name)
        assert film.lengths == (N + 1,)
    np.testing.assert_allclose(film.rows, ROWS[(1 + np.arange(N + 1)) % N], atol=1e-12)


def test_nothing_is_replaced_unasked(capsys, folder, tmp_path):
    memory, cue = folder / "m", folder / "walk"
    for name in ("a.gif", "frames"):
        out = tmp_path / name
        assert run(capsys, "replay", memory, cue, "--steps", "4", "--out", out)[0] == 0
        before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
        code, _, err = run(capsys, "replay", memory, cue, "--steps", "2", "--out", out)
        assert (code, "--force" in err) == (2, True)
        assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before
        assert run(capsys, "replay", memory, cue, "--steps", "2", "--out", out, "--force")[0] == 0
        assert load_sequences(out).lengths == (3,)  # none left of the longer one
    code, _, err = run(capsys, "store", cue, "--sequence", "--out", memory)
    assert (code, "--force replaces it" in err) == (2, True)
    for out in (cue, memory):
        code, _, err = run(capsys, "replay", memory, cue, "--out", out, "--force")
        assert code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("walk:9",), "walk has 6 frames, and none of those asked for"),
        (("walk:1", "--frame", "2"), "CUE must agree with --frame 2"),
        (("none.mp4",), "none.mp4 does not exist"),
        (("walk", "--steps", "100001"), "less than or equal to 100000"),
        (("walk", "--out", "a.wav"), "written as .mp4"),
        (("walk", "--out", "a.xyz"), "got a name of '.xyz'"),
        (("walk", "--out", "no/such/a.gif"), "must be in a folder"),
        (("small.png",), "4 × 4 pixels where the memory holds 8 × 8 pixels in colour; --fit"),
        (("a.wav",), "where the memory holds 8 × 8"),
    ],
)
def test_what_cannot_be_replayed_is_one_line(
    capsys, folder, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(folder)
    Image.new("L", (4, 4), 9).save("small.png")
    wavfile.write("a.wav", 8000, np.arange(600, dtype=np.int16))
    before = sorted(folder.iterdir())
    code, out, err = run(capsys, "replay", "m", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert sorted(folder.iterdir()) == before


def test_cues_are_fitted_where_asked_or_where_the_film_was(capsys, folder, tmp_path):
    Image.fromarray(np.full((16, 16), 99, np.uint8)).save(tmp_path / "cue.png")
    report = document(capsys, "replay", folder / "m", tmp_path / "cue.png", "--fit", "--steps", "2")
    assert report["path"][0]["distance"] > 0
    file = tmp_path / "grey.mem"
    report = document(capsys, "store", folder / "walk", "--sequence", "--size", "4x4", "--grey",
                      "--out", file, *FAST)  # fmt: skip
    assert (report["shape"], report["dim"], report["rate"]) == ([4, 4], 16, 25.0)
    assert report["sequences"] == [{"name": "walk", "frames": N, "closed": True}]
    report = document(capsys, "replay", file, f"{folder / 'walk'}:3", "--steps", "1")
    assert report["path"][1]["frame"] == 4
    assert report["path"][0]["distance"] < 1e-12


def test_sound_is_stored_and_said_again(capsys, tmp_path):
    rng = np.random.default_rng(1)
    for name in "ab":
        values = rng.integers(-20000, 20000, 160).astype(np.int16)
        wavfile.write(tmp_path / f"{name}.wav", 8000, values)
    file = tmp_path / "words.mem"
    report = document(capsys, "store", tmp_path / "a.wav", tmp_path / "b.wav", "--sequence",
                      "--frame-length", "32", "--out", file, *FAST)  # fmt: skip
    assert (report["medium"], report["sampling_rate"]) == ("sound", 8000)
    assert [each["frames"] for each in report["sequences"]] == [9, 9]
    out = tmp_path / "said.wav"
    report = document(capsys, "replay", file, tmp_path / "b.wav", "--steps", "8", "--out", out)
    assert report["sequence"] == "b.wav"
    rate, said = wavfile.read(out)
    assert rate == 8000
    np.testing.assert_allclose(said, values, atol=1)


def test_a_film_that_can_only_be_stored_with_more_context_says_so(capsys, folder, tmp_path):
    twice = ROWS[[0, 1, 2, 1, 3]]
    save_sequence(twice, Medium.of_images(SHAPE, 9.0), tmp_path / "twice.npy")
    file = tmp_path / "twice.mem"
    code, _, err = run(capsys, "store", tmp_path / "twice.npy", "--sequence", "--out", file, *FAST)
    assert code == 2
    assert "frame 1 of twice.npy and frame 3 of twice.npy are equal" in err
    assert "--context 2" in err
    assert not file.exists()
    arguments = ("store", tmp_path / "twice.npy", "--sequence", "--context", "2", "--out", file)
    assert document(capsys, *arguments, *FAST)["context"] == 2
    report = document(
        capsys, "replay", file, tmp_path / "twice.npy", "--frame", "2", "--steps", "9"
    )
    assert report["path"][-1]["distance"] < 1e-6
    assert report["settled"] == 0
    assert [each["frame"] for each in report["path"]] == [(2 + k) % 5 for k in range(10)]
    # Fewer frames than a state holds: the first stands for what is before it.
    report = document(capsys, "replay", file, f"{tmp_path / 'twice.npy'}:0", "--steps", "1")
    assert report["path"][0]["frame"] == 0


def test_a_film_that_ends_stays_at_its_last_frame(capsys, folder, tmp_path):
    file = tmp_path / "open.mem"
    report = document(
        capsys, "store", folder / "walk", "--sequence", "--open", "--out", file, *FAST
    )
    assert report["sequences"] == [{"name": "walk", "frames": N, "closed": False}]
    report = document(capsys, "replay", file, f"{folder / 'walk'}:3", "--steps", "5")
    assert [each["frame"] for each in report["path"]] == [3, 4, 5, 5, 5, 5]
    assert report["settled"] == 0
    (cycle,) = document(capsys, "inspect", file)["cycles"]
    assert (cycle["sequence"], cycle["frames"], cycle["leading"]) == ("walk", 1, N - 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--every", "2"), "are for sequences; give --sequence, too"),
        (("--sequence", "--frames", "5-2"), "--frames must be a range"),
        (("--sequence", "--frames", "2-x"), "--frames must be a range"),
        (("--sequence", "--recursive"), "are not for sequences"),
        (("--sequence", "--frame-length", "33"), "frame_length must be even"),
        (("--sequence", "--frames", "4-4"), "takes at least 2"),
        (("--sequence", "--every", "9"), "takes at least 2"),
    ],
)
def test_options_that_do_not_fit_are_refused(capsys, folder, tmp_path, arguments, words):
    code, out, err = run(capsys, "store", folder / "walk", "--out", tmp_path / "m", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_a_film_too_long_is_refused_with_the_option_that_helps(
    capsys, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(io_gathering, "MOST_FRAMES", 3)
    arguments = ("store", folder / "walk", "--sequence", "--out", tmp_path / "m")
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "has 6 frames to store, and a memory takes 3; --every 2 takes fewer" in err


def test_steps_beyond_the_machines_memory_are_refused(capsys, folder, monkeypatch):
    monkeypatch.setattr("attractory._util.machine.machine_bytes", lambda: 1e6)
    code, _, err = run(capsys, "replay", folder / "m", folder / "walk", "--steps", "999")
    assert (code, "--steps must be 162 at most, got 999" in err) == (2, True)


def test_files_of_another_kind_are_told_what_is_for_them(capsys, folder, tmp_path):
    code, _, err = run(capsys, "recall", folder / "m", folder / "walk")
    assert (code, "replay" in err) == (2, True)
    save_memory(AttractorMemory(activation="erf").fit(np.eye(3, 9)), tmp_path / "rows.mem")
    code, _, err = run(capsys, "replay", tmp_path / "rows.mem", folder / "walk")
    assert (code, "holds rows and no sequence" in err) == (2, True)


def test_a_memory_from_python_is_replayed_whatever_its_file_says(capsys, tmp_path):
    """What the header says of names, shape and rates is looked at before it is used."""
    memory = SequenceMemory(activation="erf", norm=30.0, metric=None).fit(np.eye(4, 12))
    info = {"names": [1, 2], "shape": [10**9, 12], "rate": 1e300, "medium": 7}
    save_memory(memory, tmp_path / "m", info=info)
    np.save(tmp_path / "cue.npy", np.eye(4, 12)[1])
    report = document(capsys, "replay", tmp_path / "m", tmp_path / "cue.npy", "--steps", "4",
                      "--out", tmp_path / "out.npy")  # fmt: skip
    assert report["sequence"] == "sequence 0"
    assert np.load(tmp_path / "out.npy").argmax(axis=1).tolist() == [1, 2, 3, 0, 1]
    assert load_memory(tmp_path / "m").info_["rate"] == 1e300


def test_sequences_are_added_and_forgotten_whole(capsys, folder, tmp_path):
    file, other = tmp_path / "two", tmp_path / "other"
    file.write_bytes((folder / "m").read_bytes())
    rows = np.random.default_rng(1).integers(0, 256, (4, 192)) / 255
    save_sequence(rows, Medium.of_images(SHAPE, 20.0), other)
    report = document(capsys, "add", file, other, folder / "walk")
    assert (report["new"], report["duplicates"]) == (["other"], 1)
    assert [each["frames"] for each in report["sequences"]] == [N, 4]
    found = document(capsys, "replay", file, f"{other}:1", "--steps", "6")
    assert [(each["sequence"], each["frame"]) for each in found["path"][1:]] == [
        ("other", (1 + k) % 4) for k in range(1, 7)
    ]
    assert document(capsys, "forget", file, "0", "--dry-run")["would_forget"][0]["name"] == "walk"
    for wrong, word in (("0-1", "leave a sequence"), ("2", "must be an index"), ("x", "a name")):
        code, _, err = run(capsys, "forget", file, wrong)
        assert code == 2
        assert word in err
    code, out, err = run(capsys, "forget", file, "walk")
    assert (code, err) == (0, "")
    assert "forgot walk" in out
    assert "now 1 sequence, 4 frames" in out
    found = document(capsys, "replay", file, f"{other}:3", "--steps", "4")
    assert [each["frame"] for each in found["path"]] == [3, 0, 1, 2, 3]
    code, _, err = run(capsys, "add", file, other, "--recursive")
    assert (code, "are not for sequences" in err) == (2, True)
