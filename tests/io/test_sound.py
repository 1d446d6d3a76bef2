"""WAV files and frames of sound: cutting and adding up again gives the samples back."""

import io
import struct

import numpy as np
import pytest
from scipy.io import wavfile

from attractory.io import overlap_add, sound_frames
from attractory.io.kinds import Refused
from attractory.io.sound import read_sound, write_sound


def speech(count=700, seed=0):
    return np.cumsum(np.random.default_rng(seed).normal(size=count)) / 40


def wav(values, rate=8000):
    file = io.BytesIO()
    wavfile.write(file, rate, values)
    return file.getvalue()


def read(content, **options):
    return read_sound(io.BytesIO(content), len(content), **options)


@pytest.mark.parametrize("length", [2, 16, 64, 700, 1024])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 700])
def test_frames_added_up_are_the_samples(length, count):
    samples = speech(count)
    frames = sound_frames(samples, length)
    again = overlap_add(frames)
    assert frames.shape[1] == length
    assert len(again) == (len(frames) + 1) * length // 2 >= count
    np.testing.assert_allclose(again[:count], samples, atol=1e-15)
    assert not again[count:].any()
    assert len(again) - count < max(length, length // 2 + 1)  # no frame of zeros alone


def test_frames_overlap_by_half_and_blend():
    frames = sound_frames(np.arange(1.0, 11.0), 4)
    np.testing.assert_array_equal(frames[1:, :2], frames[:-1, 2:])
    # Two frames that disagree are blended by weights that add up to 1.
    both = overlap_add(np.array([[0.0] * 8, [1.0] * 8]))
    assert (both[:4] == 0).all()
    assert (both[8:] == 1).all()
    np.testing.assert_allclose(both[4:8] + both[4:8][::-1], 1)
    assert (np.diff(both[3:9]) > 0).all()


def test_bad_frames_are_refused():
    with pytest.raises(ValueError, match="frame_length must be even"):
        sound_frames(speech(), 33)
    with pytest.raises(ValueError, match="samples must not be empty"):
        sound_frames(np.empty(0), 32)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([-32768, 0, 16384], np.int16), [-1, 0, 0.5]),
        (np.array([0, 128, 192], np.uint8), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], np.int32), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5], np.float32), [-1, 0, 0.5]),
        (np.array([[-1], [0], [0.5]], np.float64), [-1, 0, 0.5]),
    ],
)
def test_samples_of_every_kind_are_in_one_unit(values, expected):
    sound = read(wav(values, 11025))
    np.testing.assert_array_equal(sound.samples, expected)
    assert (sound.rate, sound.bits) == (11025, 16 if values.dtype.itemsize < 4 else 32)


def written(path, samples, *how):
    with path.open("wb") as file:
        write_sound(samples, file, *how)
    return wavfile.read(path)[1]


def test_16_bits_come_back_as_they_were(tmp_path):
    values = np.random.default_rng(0).integers(-32768, 32768, 5000).astype(np.int16)
    sound = read(wav(values))
    samples = overlap_add(sound_frames(sound.samples, 250))
    again = written(tmp_path / "a.wav", samples, sound.rate, sound.bits)
    np.testing.assert_array_equal(again[: len(values)], values)


def test_what_is_louder_than_a_file_holds_is_clipped_and_never_wraps(tmp_path):
    values = written(tmp_path / "a.wav", np.array([-3.0, 0.99999, 1.0, 7.0]), 8000)
    assert values.tolist() == [-32768, 32767, 32767, 32767]


def test_several_channels_are_refused_or_mixed():
    both = np.stack([speech(), -speech() / 2], axis=1).astype(np.float32)
    with pytest.raises(Refused, match=r"has 2 channels.*--mono"):
        read(wav(both))
    np.testing.assert_allclose(read(wav(both), mono=True).samples, both.mean(axis=1), atol=1e-7)


def test_lengths_that_a_recorder_left_open_are_put_right_and_missing_bytes_counted():
    values = np.arange(-50, 50, dtype=np.int16)
    content = wav(values)
    place = content.index(b"data") + 4
    for length in (0, 2**32 - 1):
        opened = content[:place] + length.to_bytes(4, "little") + content[place + 4 :]
        sound = read(opened)
        np.testing.assert_array_equal(sound.samples, values / 32768)
        assert sound.missing == 0
    assert read(content).missing == 0
    sound = read(content[:-30])
    np.testing.assert_array_equal(sound.samples, values[:-15] / 32768)
    assert sound.missing == 30


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"RIFF\x04\0\0\0WAVE", "no WAV file that can be read"),
        (wav(np.empty(0, np.int16)), "without samples"),
        (wav(np.array([0.1, np.nan], np.float32)), "no finite numbers"),
        (wav(speech().astype(np.float32))[:30], "no WAV file that can be read"),
        # A format of its own: 0x55 is MP3 in a WAV file.
        (wav(np.zeros(9, np.int16)).replace(struct.pack("<HH", 1, 1), struct.pack("<HH", 85, 1), 1),
         "no WAV file that can be read"),
    ],
)  # fmt: skip
def test_a_file_of_no_use_is_refused_with_the_reason(content, reason):
    with pytest.raises(Refused, match=reason):
        read(content)
