"""Films read and written by PyAV (extra `video`), frame by frame.

A file's container is told by its first bytes, and only that reader of FFmpeg's opens it: playlists
and other formats that name further files are never followed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from attractory._util.byte_file import ByteFile
from attractory._util.optional import need
from attractory.io.gathering import Cut, Frames, Gathering
from attractory.io.images import MOST_PIXELS
from attractory.io.kinds import Refused
from attractory.io.medium import Medium

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["FILM_SUFFIXES", "check_encoder", "read_film", "write_film"]

# How each kind of film is written: its container, and encoders, of which the first there is serves.
_H264 = "libx264", "libopenh264", "mpeg4"
_WRITTEN = {
    ".mp4": ("mp4", _H264), ".m4v": ("mp4", _H264), ".mov": ("mov", _H264),
    ".mkv": ("matroska", _H264), ".webm": ("webm", ("libvpx-vp9", "libvpx")),
    ".avi": ("avi", ("mpeg4", "mjpeg")),
}  # fmt: skip
FILM_SUFFIXES = tuple(_WRITTEN)
# Near to lossless: a film that was written is a cue, too.
_QUALITY = {
    "libx264": {"crf": "10", "preset": "medium"},
    "libvpx-vp9": {"crf": "10", "b:v": "0", "row-mt": "1", "cpu-used": "4"},
    "libvpx": {"crf": "4", "b:v": "50M"},
    "mpeg4": {"qscale": "2", "qmin": "1"},
    "mjpeg": {"qscale": "2", "qmin": "1"},
}
_BIT_RATE = 50_000_000  # an upper bound for encoders that want one
_GAP = 2.5  # frames that may be missing at the end of a film


def read_film(
    file: ByteFile,
    container: str,
    cut: Cut,
    gathering: Gathering,
    tell: Callable[[int, int | None], object] = lambda done, total: None,
) -> Frames:
    """Return the frames of the first film in a file that is open at its start.

    Grey films give grey frames, others three channels; what is transparent shows a white ground,
    and a film that is to be turned is turned.

    Args:
        file: to read from.
        container: as `kinds.moving_kind` names it.
        cut: which frames are taken.
        gathering: takes them.
        tell: called with the number of frames decoded, and that announced.

    Raises:
        Refused: if there is no film in it, the codec is missing, a frame is damaged or missing, or
            frames differ in size; with what was decoded. Also without PyAV.
    """
    try:
        av = need("av", "reading one", "video")
    except ModuleNotFoundError as error:
        raise Refused(f"is a film, and {error}") from None
    announced = _count(av, file, container)
    file.seek(0)
    with _opened(av, file, container) as opened:
        stream = _film_in(opened)
        context = stream.codec_context
        shape = (context.height, context.width)
        if shape[0] * shape[1] > MOST_PIXELS:
            raise Refused(f"has frames of {shape[1]} × {shape[0]} pixels; scale it by other means")
        if announced and min(shape) > 0:
            grey = str(context.pix_fmt or "").startswith("gray")
            gathering.expected(cut.count(announced), shape if grey else (*shape, 3))
        context.options = {**context.options, "err_detect": "crccheck+explode"}
        stream.thread_type = "AUTO"
        times = _decode(av, opened, stream, announced, cut, gathering, tell)
        rate, notes = _pace(times, stream)
    rows, shape = gathering.rows(), gathering.shape
    assert shape is not None
    return Frames(rows, Medium.of_images(shape, rate / cut.every), (*notes, *gathering.notes))


@contextmanager
def _opened(av: Any, file: ByteFile, container: str) -> "Iterator[InputContainer]":
    try:
        opened = av.open(file, format=container, **_of_metadata(av.__version__))
    except av.error.FFmpegError as error:
        raise Refused(
            f"cannot be opened as a film ({error.strerror or error}); it is damaged or cut short"
        ) from None
    with opened:
        yield opened


def _of_metadata(version: str) -> dict[str, Any]:
    """Return what lets PyAV before 19 open files whose titles are in no known encoding."""
    return {"metadata_errors": "ignore"} if int(version.split(".")[0]) < 19 else {}


def _film_in(opened: "InputContainer") -> "VideoStream":
    """Return the first stream that is a film and no picture of a record."""
    for stream in opened.streams.video:
        if not stream.disposition & type(stream.disposition).attached_pic:
            if stream.codec_context is None:
                raise Refused(
                    "is a film whose codec this PyAV does not know, or it is damaged; convert it "
                    "to H.264"
                )
            return stream
    other = ", ".join(sorted({stream.type for stream in opened.streams}))
    but = f" (but {other})" if other else ""
    raise Refused(f"holds no film{but}; give one that has pictures")


def _count(av: Any, file: ByteFile, container: str) -> int | None:
    """Return how many frames a film has: as it says or, if it does not, packets, undecoded."""
    with _opened(av, file, container) as opened:
        stream = _film_in(opened)
        if stream.frames:
            return stream.frames
        packets = _packets(av, opened, stream)
        return sum(1 for each in packets if not isinstance(each, Exception) and each.size) or None


def _decode(
    av: Any,
    opened: "InputContainer",
    stream: "VideoStream",
    announced: int | None,
    cut: Cut,
    gathering: Gathering,
    tell: Callable[[int, int | None], object],
) -> list[Fraction]:
    """Gather frames, and return the times in seconds of all that were decoded."""
    place, times = 0, []
    reason, begun = "", False
    for packet in _packets(av, opened, stream):
        try:
            if isinstance(packet, Exception):
                raise packet
            found = packet.decode()
        except av.error.FFmpegError as error:
            reason = error.strerror or str(error)
            if begun:
                break
            continue  # what comes before the first whole picture of a broadcast
        for frame in found:
            if frame.is_corrupt:
                reason = "the frame is damaged"
                if begun:
                    break
                continue
            begun, reason = True, ""
            if frame.pts is not None and frame.time_base is not None:
                times.append(frame.pts * frame.time_base)
            if cut.takes(place):
                gathering.add(_pixels(frame), place)
            place += 1
            tell(place, announced)
            if cut.last is not None and place > cut.last:
                return times
        if begun and reason:
            break
    if not reason:
        reason = _missing(stream, times)
    if reason:
        of = f" of {announced:,}" if announced else ""
        if place == 0:
            raise Refused(f"is a damaged film: no frame could be decoded ({reason})")
        part = f"{cut.first}-{place - 1}"
        mend = f"--frames {part} takes those before" if place > cut.first else "repair it"
        raise Refused(
            f"is a damaged film: {place:,} frames{of} were decoded, then it breaks off ({reason}); "
            f"{mend}"
        )
    if place == 0:
        raise Refused("is a film of no frames")
    if not len(gathering):
        raise Refused(f"has {place:,} frames, and none of those asked for")
    return times


def _packets(av: Any, opened: "InputContainer", stream: "VideoStream") -> Iterator[Any]:
    """Give the packets of a film, and the error that ends them, if one does."""
    try:
        yield from opened.demux(stream)
    except av.error.FFmpegError as error:
        yield error


def _missing(stream: "VideoStream", times: list[Fraction]) -> str:
    """Say what a film lacks at its end, if its own duration is longer."""
    if stream.duration is None or len(times) < 2 or stream.time_base is None:
        return ""
    start = stream.start_time or 0
    end = (start + stream.duration) * stream.time_base
    gaps = [b - a for a, b in pairwise(times)]
    lacks = end - times[-1]
    if min(gaps) < 0 or lacks <= max(_GAP * max(gaps), Fraction(1, 10)):
        return ""
    return f"its last {float(lacks):.3g} s are missing"


def _pixels(frame: "VideoFrame") -> np.ndarray:
    """Return a frame's pixels, (h, w) or (h, w, 3), of bytes or on white in [0, 1]."""
    name = frame.format.name
    if name.startswith("gray"):
        pixels = frame.to_ndarray(format="gray")
    elif any(part.is_alpha for part in frame.format.components) or name == "pal8":
        values = frame.to_ndarray(format="rgba") / 255
        alpha = values[..., 3:]
        pixels = alpha * values[..., :3] + (1 - alpha)
        if (alpha == 1).all():
            pixels = np.rint(255 * pixels).astype(np.uint8)
    else:
        pixels = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.rot90(pixels, turns) if turns else pixels


def _pace(times: list[Fraction], stream: "VideoStream") -> tuple[float, tuple[str, ...]]:
    """Return frames a second, and a note if frames stand for unequal times."""
    gaps = sorted(float(b - a) for a, b in pairwise(times))
    if not gaps or gaps[0] < 0 or times[-1] <= times[0]:
        return float(stream.average_rate or 0), ()
    rate = float(len(gaps) / (times[-1] - times[0]))
    if gaps[-1] <= 1.5 * gaps[0]:
        return rate, ()
    lost = " (some may be missing)" if gaps[-1] > 5 * gaps[len(gaps) // 2] else ""
    note = (
        f"frames stand for {gaps[0]:.3g} to {gaps[-1]:.3g} s{lost}; they are replayed at the mean, "
        f"{rate:.3g} a second"
    )
    return rate, (note,)


def check_encoder(suffix: str) -> tuple[str, str]:
    """Return the container and the encoder for films of a suffix.

    Raises:
        ValueError: if this PyAV has none.
        ModuleNotFoundError: without PyAV.
    """
    av = need("av", f"writing {suffix}", "video")
    container, encoders = _WRITTEN[suffix]
    for name in encoders:
        try:
            av.Codec(name, "w")
        except (ValueError, av.error.FFmpegError):  # UnknownCodecError is a ValueError
            continue
        return container, name
    raise ValueError(
        f"{suffix} needs one of the encoders {', '.join(encoders)}, which this PyAV was built "
        "without; write .gif, or a folder of images"
    )


def write_film(
    images: Iterator[np.ndarray],
    file: BinaryIO,
    suffix: str,
    rate: float,
    tell: Callable[[int], object] = lambda done: None,
) -> None:
    """Write a film.

    Args:
        images: of bytes, (h, w, 3), all of one size.
        file: open for writing.
        suffix: one of `FILM_SUFFIXES`.
        rate: frames a second.
        tell: called with the number of frames encoded.

    Raises:
        ValueError: if an encoder is missing or refuses such frames.
        ModuleNotFoundError: without PyAV.
    """
    av = need("av", f"writing {suffix}", "video")
    container, encoder = check_encoder(suffix)
    done, target = 0, _Target(file)
    try:
        with av.open(target, "w", format=container) as opened:
            stream: Any = None
            for image in images:
                if stream is None:
                    stream = opened.add_stream(encoder, rate=Fraction(rate).limit_denominator(1001))
                    stream.height, stream.width = image.shape[:2]
                    stream.pix_fmt = _pixel_format(encoder, image.shape[0], image.shape[1])
                    stream.options = _QUALITY.get(encoder, {})
                    if encoder not in ("libx264", "libvpx-vp9"):
                        stream.bit_rate = _BIT_RATE
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                opened.mux(stream.encode(frame))
                done += 1
                tell(done)
            if stream is not None:
                opened.mux(stream.encode())
    except av.error.FFmpegError as error:
        if target.failed is not None:
            raise target.failed from None
        raise ValueError(
            f"frame {done} cannot be written as {suffix} by {encoder} ({error.strerror}); write "
            ".gif, or a folder of images"
        ) from None


class _Target:
    """A file that is written, which keeps its own error: FFmpeg makes another one of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failed: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            return self._file.write(content)
        except OSError as error:
            self.failed = self.failed or error
            raise

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()


def _pixel_format(encoder: str, height: int, width: int) -> str:
    """Return how an encoder gets pixels: colours at half the size where the sides are even."""
    if encoder == "mjpeg":
        return "yuvj420p"
    if encoder == "libx264" and (height % 2 or width % 2):
        return "yuv444p"
    return "yuv420p"
