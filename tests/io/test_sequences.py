"""Films, animations, folders of images and sound as sequences, and back into files."""

from fractions import Fraction
from io import BufferedWriter
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from attractory._util import optional
from attractory.io import Medium, NothingRead, load_patterns, load_sequences, save_sequence
from attractory.io import gathering as io_gathering
from attractory.io import video as io_video

H, W, N = 16, 24, 7


def frames(count=N, height=H, width=W, seed=0):
    """Return smooth frames in colour, all different, as bytes: a block that moves on a ramp."""
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(height), np.arange(width)) * 200 / (height + width)
    out = np.repeat(ramp[None, ..., None], count, 0) * rng.uniform(0.4, 1, 3)
    for k in range(count):
        block = out[k, : height // 2, (2 * k) % width : (2 * k) % width + 4]
        block[:] = 90
        block[..., k % 3] = 255
    return np.rint(out).astype(np.uint8)


def film(path, images, codec="ffv1", pix="bgr0", rate=10, times=None, **options):
    """Write a film with a given codec; without losses by default."""
    with av.open(str(path), "w", **options) as opened:
        stream = opened.add_stream(codec, rate=Fraction(rate))
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix
        for k, image in enumerate(images):
            grey = image.ndim == 2
            frame = av.VideoFrame.from_ndarray(image, format="gray" if grey else "rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[k], Fraction(1, 1000)
            opened.mux(stream.encode(frame))
        opened.mux(stream.encode())
    return path


def rows_of(images):
    return images.reshape(len(images), -1) / 255


def refusal(path, **options):
    with pytest.raises(NothingRead) as error:
        load_sequences(path, **options)
    ((name, reason),) = error.value.failed
    assert name == str(path)
    return reason


def test_a_film_without_losses_is_its_frames(tmp_path):
    images = frames()
    found = load_sequences(film(tmp_path / "a.mkv", images))
    np.testing.assert_array_equal(found.rows, rows_of(images))
    assert (found.lengths, found.names, found.notes) == ((N,), ("a.mkv",), ())
    assert found.medium.shape == (H, W, 3)
    assert found.medium.rate == pytest.approx(10)
    # Its parts, and every second frame at half the pace.
    part = load_sequences(tmp_path / "a.mkv", every=2, frames=(1, 5))
    np.testing.assert_array_equal(part.rows, rows_of(images)[1:6:2])
    assert part.medium.rate == pytest.approx(5)
    grey = load_sequences(tmp_path / "a.mkv", grey=True, size=(H, W))
    np.testing.assert_allclose(grey.rows[0].reshape(H, W), images[0] @ [0.299, 0.587, 0.114] / 255)
    small = load_sequences(tmp_path / "a.mkv", size=(4, 6))
    assert small.medium.shape == (4, 6, 3)
    assert small.rows.min() >= 0


@pytest.mark.parametrize("suffix", [*io_video.FILM_SUFFIXES, ".gif", ".npy", ""])
@pytest.mark.parametrize("shape", [(H, W, 3), (9, 15)])
def test_what_is_written_is_read_again(tmp_path, suffix, shape):
    """Encoders lose little: no frame is nearer to another than to itself."""
    images = frames(5, *shape[:2])
    rows = rows_of(images if len(shape) == 3 else images[..., 0])
    path = tmp_path / f"out{suffix}"
    assert save_sequence(rows, Medium.of_images(shape, 12.5), path) == path
    found = load_sequences(path, grey=len(shape) == 2)
    assert found.lengths == (5,)
    if suffix == ".npy":
        np.testing.assert_array_equal(found.rows, rows)
        return
    assert found.medium.shape == shape
    if suffix:
        assert found.medium.rate == pytest.approx(12.5, rel=1e-3)
    far = np.linalg.norm(found.rows[:, None] - rows, axis=2)
    assert far.argmin(axis=1).tolist() == list(range(5))
    assert np.sqrt(np.mean((found.rows - rows) ** 2)) < (0.06 if suffix else 0.003)


def test_a_grey_gif_is_exact_and_stays_grey(tmp_path):
    rows = rows_of(frames(4)[..., 1])
    found = load_sequences(save_sequence(rows, Medium.of_images((H, W), 20), tmp_path / "g.gif"))
    np.testing.assert_array_equal(found.rows, rows)
    assert found.medium == Medium.of_images((H, W), 20.0)


def test_transparent_frames_show_white_and_keep_what_was_drawn_before(tmp_path):
    first = Image.new("RGBA", (4, 2), (255, 0, 0, 255))
    first.putpixel((3, 1), (0, 0, 0, 0))
    clear = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    clear.putpixel((0, 0), (0, 0, 255, 255))
    for disposal, ground in ((2, [1, 1, 1]), (1, [1, 0, 0])):
        path = tmp_path / f"{disposal}.gif"
        first.save(path, save_all=True, append_images=[clear], duration=[100, 300],
                   disposal=disposal)  # fmt: skip
        found = load_sequences(path)
        pixels = found.rows.reshape(2, 2, 4, 3)
        assert (pixels[0].reshape(-1, 3)[:7] == [1, 0, 0]).all()
        assert pixels[1, 0, 0].tolist() == [0, 0, 1]
        assert pixels[1, 1, 0].tolist() == ground
        assert (pixels[:, 1, 3] == 1).all()
        assert found.medium.rate == pytest.approx(5)
        assert "stand for 0.1 to 0.3 s" in found.notes[0]


def test_images_are_a_sequence_in_the_order_of_their_numbers(tmp_path):
    images = frames(12)
    folder = tmp_path / "walk"
    folder.mkdir()
    for k, image in enumerate(images):
        Image.fromarray(image).save(folder / f"f{k}.png")
    found = load_sequences(folder)
    np.testing.assert_array_equal(found.rows, rows_of(images))
    assert (found.names, found.lengths, found.notes) == (("walk",), (12,), ())
    # As a shell gives them, in the order of letters.
    one_by_one = load_sequences(sorted(folder.iterdir()))
    np.testing.assert_array_equal(one_by_one.rows, rows_of(images))
    (folder / "f5.png").unlink()
    (folder / "notes.txt").write_text("")
    found = load_sequences(folder)
    assert any("go from 4 to 6" in note for note in found.notes)
    assert any("left out 1 file" in note for note in found.notes)
    Image.fromarray(images[0, :4]).save(folder / "f9.png")
    assert "f9.png changes at frame 8 from 16 × 24 pixels in colour to 4 × 24" in refusal(folder)


def test_frames_of_still_parts_can_be_left_out(tmp_path):
    images = frames(4)
    path = film(tmp_path / "a.mkv", images[[0, 0, 0, 1, 2, 2, 3, 0]])
    found = load_sequences(path, distinct=True)
    np.testing.assert_array_equal(found.rows, rows_of(images[[0, 1, 2, 3, 0]]))
    assert found.notes == (f"{path}: left out 3 frames equal to the one before",)
    assert load_sequences(path).lengths == (8,)
    rows = np.random.default_rng(0).normal(size=(3, 4))
    np.save(tmp_path / "a.npy", rows[[0, 1, 1, 2]])
    np.testing.assert_array_equal(load_sequences(tmp_path / "a.npy", distinct=True).rows, rows)


def test_several_files_are_several_sequences(tmp_path):
    film(tmp_path / "a.mkv", frames(4))
    film(tmp_path / "b.mkv", frames(3, seed=1))
    film(tmp_path / "small.mkv", frames(3, 8, 8))
    film(tmp_path / "one.mkv", frames(1))
    found = load_sequences([tmp_path / f"{name}.mkv" for name in ("a", "small", "b", "one")])
    assert (found.names, found.lengths) == (("a.mkv", "b.mkv"), (4, 3))
    np.testing.assert_array_equal(
        found.rows, rows_of(np.concatenate([frames(4), frames(3, seed=1)]))
    )
    (_, size), (_, one) = found.failed
    assert "8 × 8 pixels in colour where a.mkv has 16 × 24" in size
    assert "--size" in size
    assert one == "has 1 frame, and a sequence takes at least 2"
    assert load_sequences(tmp_path).lengths == (4, 3)  # a folder of films


def test_sound_is_frames_that_overlap(tmp_path):
    values = np.random.default_rng(0).integers(-9000, 9000, 1000).astype(np.int16)
    wavfile.write(tmp_path / "a.wav", 8000, values)
    wavfile.write(tmp_path / "b.wav", 16000, values)
    found = load_sequences([tmp_path / "a.wav", tmp_path / "b.wav"], frame_length=100)
    assert (found.rows.shape, found.medium) == ((19, 100), Medium.of_sound(100, 8000))
    assert "16,000 samples a second where a.wav has 8,000" in found.failed[0][1]
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[:-1000])
    assert refusal(tmp_path / "cut.wav").startswith(
        "is cut short: 1,000 bytes of sound are missing"
    )
    save_sequence(found.rows, found.medium, tmp_path / "c.wav")
    np.testing.assert_array_equal(wavfile.read(tmp_path / "c.wav")[1], values)
    with pytest.raises(ValueError, match=r"written as \.wav, \.npy, \.csv, got a name of '.mp4'"):
        save_sequence(found.rows, found.medium, tmp_path / "c.mp4")


def test_times_grey_and_size_of_a_film(tmp_path):
    times = [0, 100, 200, 700, 800]
    found = load_sequences(film(tmp_path / "a.mkv", frames(5), times=times))
    assert "frames stand for 0.1 to 0.5 s" in found.notes[0]
    assert found.medium.rate == pytest.approx(5)
    twice = film(tmp_path / "b.mkv", frames(5), times=[0, 100, 100, 300, 400])
    assert "frames stand for 0 to 0.2 s" in load_sequences(twice).notes[0]
    grey = frames(3)[..., 0]
    found = load_sequences(film(tmp_path / "g.mkv", grey, pix="gray"))
    assert found.medium.shape == (H, W)
    np.testing.assert_array_equal(found.rows, rows_of(grey))


def test_a_film_that_changes_its_size_is_refused_or_scaled(tmp_path):
    parts = [
        film(tmp_path / f"{k}.ts", frames(5, *sides), codec="mpeg2video", pix="yuv420p")
        for k, sides in enumerate([(32, 48), (16, 16)])
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    reason = refusal(path)
    assert "from 32 × 48 pixels in colour to 16 × 16 pixels in colour; --size" in reason
    assert load_sequences(path, size=(8, 8)).medium.shape == (8, 8, 3)


def test_a_film_that_breaks_off_says_where(tmp_path):
    whole = film(tmp_path / "a.avi", frames(40, 32, 32), codec="mjpeg", pix="yuvj420p")
    content = whole.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(content[: len(content) // 2])
    reason = refusal(cut)
    assert "of 40 were decoded, then it breaks off" in reason
    last = int(reason.rpartition("--frames 0-")[2].split()[0])
    good = load_sequences(cut, frames=(0, last))
    assert good.lengths == (last + 1,)
    np.testing.assert_array_equal(good.rows, load_sequences(whole).rows[: last + 1])
    cut.write_bytes(content[:300])
    assert "film" in refusal(cut)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", b"", "is empty (0 bytes)"),
        ("a.mp4", b"no film at all, but text", "is no film of a known kind"),
        ("a.mp4", b"\0\0\0\x18ftypmp42" + bytes(40), "cannot be opened as a film"),
        ("a.m3u8", b"#EXTM3U\nhttp://127.0.0.1/a.ts\n", "is of no known kind"),
        ("a.gif", b"GIF89a" + bytes(20), "is a damaged"),
    ],
)
def test_what_is_no_film_is_refused(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    assert reason in refusal(tmp_path / name)


def test_films_of_sound_alone_or_without_frames_asked_for(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as opened:
        stream = opened.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.rate = 8000
        opened.mux(stream.encode(sound))
        opened.mux(stream.encode())
    assert refusal(path) == "holds no film (but audio); give one that has pictures"
    with av.open(str(path), "w", format="avi") as opened:
        stream = opened.add_stream("mpeg4", rate=5)
        stream.height, stream.width, stream.pix_fmt = H, W, "yuv420p"
        opened.start_encoding()
    assert refusal(path) == "is a film of no frames"
    film(path, frames(3))
    assert "has 3 frames, and none of those asked for" in refusal(path, frames=(3, None))


def test_what_has_no_room_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = film(tmp_path / "a.avi", frames(30), codec="mjpeg", pix="yuvj420p")
    monkeypatch.setattr(io_gathering, "MOST_FRAMES", 12)
    decoded = []
    monkeypatch.setattr(io_video, "_pixels", lambda frame: decoded.append(frame))
    unsaid = film(tmp_path / "a.mkv", frames(30))  # its header names no number of frames
    for each in (path, unsaid):
        assert "has 30 frames to store, and a memory takes 12; --every 3" in refusal(each)
    monkeypatch.setattr(io_gathering, "MOST_FRAMES", 5000)
    monkeypatch.setattr(io_gathering, "machine_bytes", lambda: 1e5)
    assert "GiB of memory; --size or --grey makes them smaller" in refusal(path)
    assert decoded == []
    monkeypatch.undo()
    assert load_sequences(path, every=3).lengths == (10,)


def test_without_pyav_the_line_says_what_brings_it(tmp_path, monkeypatch):
    path = film(tmp_path / "a.mkv", frames(2))
    gone = ModuleNotFoundError("no av")

    def lacking(name):
        raise gone

    monkeypatch.setattr(optional, "import_module", lacking)
    assert refusal(path) == "is a film, and reading one needs av: pip install 'attractory[video]'"
    with pytest.raises(ModuleNotFoundError, match=r"attractory\[video\]"):
        save_sequence(rows_of(frames(2)), Medium.of_images((H, W, 3), 5), tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_an_encoder_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(io_video._WRITTEN, ".mp4", ("mp4", ("no_such_encoder",)))
    with pytest.raises(ValueError, match=r"\.mp4 needs one of the encoders no_such_encoder"):
        save_sequence(rows_of(frames(2)), Medium.of_images((H, W, 3), 5), tmp_path / "b.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file that is always full")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_full_disk_is_told_as_such(suffix):
    noise = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3)).astype(np.uint8)
    with pytest.raises(OSError, match="No space left"), open("/dev/full", "wb", 0) as raw:
        io_video.write_film(iter(noise), BufferedWriter(raw, 512), suffix, 25.0)


def test_a_film_or_sound_among_patterns_says_what_stores_it(tmp_path):
    film(tmp_path / "a.mkv", frames(2))
    wavfile.write(tmp_path / "b.wav", 8000, np.zeros(9, np.int16))
    np.save(tmp_path / "c.npy", np.eye(2))
    failed = dict(load_patterns([tmp_path / name for name in ("a.mkv", "b.wav", "c.npy")]).failed)
    assert "is a film; store it with --sequence" in failed[str(tmp_path / "a.mkv")]
    assert "is sound; store it with --sequence" in failed[str(tmp_path / "b.wav")]


@pytest.mark.parametrize(
    "info",
    [
        {}, {"medium": "sound"}, {"medium": "sound", "sampling_rate": 10**12},
        {"medium": "sound", "sampling_rate": True}, {"shape": [2, 3]}, {"shape": [12, 1, 1]},
        {"shape": ["4", 3]}, {"shape": [-4, -3]}, {"medium": ["sound"], "shape": {}},
    ],
)  # fmt: skip
def test_what_a_file_says_of_its_rows_is_checked(info):
    assert Medium.from_info(info, 12) == Medium("vectors", 12)


@pytest.mark.parametrize(
    ("rate", "taken"),
    [(1e9, 1000.0), (-3, 25.0), (float("nan"), 25.0), (None, 25.0), ("9", 25.0), (12, 12.0)],
)
def test_rates_in_a_file_are_bounded(rate, taken):
    medium = Medium.from_info({"shape": [4, 3], "rate": rate}, 12)
    assert medium == Medium.of_images((4, 3), taken)
    assert Medium.from_info(medium.as_info(), 12) == medium
    sound = Medium.of_sound(12, 44100, 32)
    assert Medium.from_info(sound.as_info(), 12) == sound


def test_nothing_is_written_of_rows_that_are_not_finite(tmp_path):
    """A row that is not finite is refused before a file is begun."""
    rows = rows_of(frames(2))
    rows[0, 0] = np.nan
    with pytest.raises(ValueError, match="rows must be finite"):
        save_sequence(rows, Medium.of_images((H, W, 3), 5), tmp_path / "b.gif")
    assert list(tmp_path.iterdir()) == []
