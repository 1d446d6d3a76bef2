"""Sound as rows: WAV files cut into frames that overlap by half, and put together again.

A row is a frame of samples as they are. Frames are put together under a Hann window, whose halves
add up to 1, so that cutting and adding give the samples back but for rounding.
"""

import io
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from jaxtyping import Float

from attractory._util.byte_file import ByteFile
from attractory._util.validation import as_points
from attractory.io.kinds import Refused
from attractory.io.medium import checked_frame_length

__all__ = ["Sound", "overlap_add", "read_sound", "sound_frames", "write_sound"]

_LONGEST = 2**31  # bytes of a file
_UNKNOWN = 2**32 - 1  # a length that was not known


def sound_frames(samples: Float[np.ndarray, " s"], frame_length: int) -> Float[np.ndarray, "n d"]:
    """Return frames of sound, each half a frame after the one before, (n, frame_length).

    The last frame is filled up with zeros.

    Args:
        samples: (s,).
        frame_length: samples of a frame; even.

    Raises:
        ValueError: if frame_length is odd, or there is no sample.

    Example:
        >>> sound_frames(np.arange(1.0, 6.0), 4).tolist()
        [[1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 0.0]]
    """
    length = checked_frame_length(frame_length)
    samples = as_points(np.asarray(samples)[None], "samples")[0]
    hop = length // 2
    count = max(1, -(-len(samples) // hop) - 1)
    filled = np.zeros((count + 1) * hop)
    filled[: len(samples)] = samples
    halves = filled.reshape(count + 1, hop)
    return np.concatenate([halves[:-1], halves[1:]], axis=1)


def overlap_add(frames: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " s"]:
    """Return the samples of frames that overlap by half, ((n + 1) · d / 2,).

    Where two frames overlap, they are blended by a Hann window; the first and the last half frame
    are taken as they are.

    Args:
        frames: (n, frame length), as `sound_frames` gives them.

    Example:
        >>> samples = np.sin(np.arange(12.0))
        >>> bool(np.allclose(overlap_add(sound_frames(samples, 4)), samples, atol=1e-15))
        True
    """
    frames = as_points(frames, "frames")
    length = checked_frame_length(frames.shape[1])
    count, hop = len(frames), length // 2
    # At the middles of samples no weight is 0, and a rising half and a falling one make 1.
    window = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    halves = np.zeros((count + 1, hop))
    halves[1:] += frames[:, hop:] * window[hop:]
    halves[:-1] += frames[:, :hop] * window[:hop]
    halves[0], halves[-1] = frames[0, :hop], frames[-1, hop:]
    return halves.ravel()


@dataclass(frozen=True)
class Sound:
    """What a WAV file holds.

    Attributes:
        samples: in [-1, 1], (s,).
        rate: samples a second.
        bits: 16 or, for samples of more bits, 32.
        missing: bytes of samples that its header announces and that are not there.
    """

    samples: Float[np.ndarray, " s"]
    rate: int
    bits: int
    missing: int


def read_sound(file: ByteFile, length: int, mono: bool = False) -> Sound:
    """Return what a WAV file holds that is open at its start.

    Args:
        file: to read from.
        length: of the file in bytes.
        mono: whether several channels are mixed into one.

    Raises:
        Refused: if it is damaged, has no samples, several channels, or a kind of samples that
            cannot be read.
    """
    from scipy.io import wavfile

    if length > _LONGEST:
        raise Refused(f"has {length:,} bytes; cut it into files of {_LONGEST:,} at most")
    content = bytearray(file.read())
    missing = _missing(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of chunks that are no sound
            rate, found = wavfile.read(io.BytesIO(content))
    except Exception as error:  # whatever damage leads the reader to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Refused(f"is no WAV file that can be read ({reason[:200]})") from None
    values: np.ndarray = found
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.size == 0:
        raise Refused("is a WAV file without samples")
    bits = 16 if values.dtype in (np.uint8, np.int16) else 32
    samples = _unit(values)
    if samples.ndim == 2:
        if not mono:
            raise Refused(
                f"has {values.shape[1]} channels, and a memory of sound takes one; --mono mixes "
                "them (mono=True)"
            )
        samples = samples.mean(axis=1)
    if not np.isfinite(samples).all():
        raise Refused("has samples that are no finite numbers")
    return Sound(samples, int(rate), bits, missing)


def _missing(content: bytearray) -> int:
    """Return the bytes of samples that are announced and missing.

    A length of 0 or of all ones is that of a recorder that could not go back: it is put right.
    """
    if content[:4] != b"RIFF":
        return 0
    place = 12
    while place + 8 <= len(content):
        announced = int.from_bytes(content[place + 4 : place + 8], "little")
        if content[place : place + 4] == b"data":
            there = len(content) - place - 8
            if announced in (0, _UNKNOWN) and there:
                content[place + 4 : place + 8] = there.to_bytes(4, "little")
                return 0
            return max(0, announced - there)
        place += 8 + announced + announced % 2
    return 0


def _unit(values: np.ndarray) -> np.ndarray:
    """Return samples of any kind as numbers in [-1, 1]."""
    if values.dtype == np.uint8:
        return (values.astype(float) - 128) / 128
    if values.dtype.kind == "i":
        return values.astype(float) / -float(np.iinfo(values.dtype).min)
    return values.astype(float)


def write_sound(
    samples: Float[np.ndarray, " s"], file: BinaryIO, sampling_rate: int, bits: int = 16
) -> None:
    """Write samples as a WAV file of one channel, of 16 bits or, for 32, of floating point.

    Args:
        samples: (s,); for 16 bits they are clipped to [-1, 1].
        file: open for writing.
        sampling_rate: samples a second.
        bits: 16 or 32.
    """
    from scipy.io import wavfile

    if bits == 16:
        values = np.rint(32768 * samples).clip(-32768, 32767).astype(np.int16)
    else:
        values = samples.astype(np.float32)
    content = io.BytesIO()  # SciPy goes to and fro in the file
    wavfile.write(content, sampling_rate, values)
    file.write(content.getvalue())
