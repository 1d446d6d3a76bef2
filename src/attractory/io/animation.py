"""Moving pictures that Pillow reads and writes: GIF, and to read also WebP and PNG."""

import warnings
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, cast

import numpy as np
from PIL import Image, UnidentifiedImageError

from attractory._util.byte_file import ByteFile
from attractory._util.texts import counted
from attractory.io.gathering import Cut, Frames, Gathering
from attractory.io.images import MOST_PIXELS, pixels_of
from attractory.io.kinds import Refused
from attractory.io.medium import Medium

__all__ = ["ANIMATED", "read_animation", "write_gif"]

ANIMATED = ("GIF", "WEBP", "PNG")
_USUAL = 100.0  # milliseconds a frame, as browsers take a delay of 0
_TICK = 10.0  # milliseconds in which a GIF counts
_SHORTEST = 2  # ticks; browsers slow down what is quicker


def read_animation(
    file: ByteFile,
    kind: str,
    cut: Cut,
    gathering: Gathering,
    tell: Callable[[int, int | None], object] = lambda done, total: None,
) -> Frames:
    """Return the frames of an animation that is open at its start, each as it is shown.

    Transparent parts show a white ground. Frames are in colour if one of them is.

    Args:
        file: to read from.
        kind: one of `ANIMATED`.
        cut: which frames are taken.
        gathering: takes them.
        tell: called with the number of frames decoded, and that in the file.

    Raises:
        Refused: if it is damaged; with what was decoded.
    """
    place = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # One format only: others that Pillow knows may start programs.
            with Image.open(cast(IO[bytes], file), formats=(kind,)) as image:
                total = int(getattr(image, "n_frames", 1))
                if image.width * image.height > MOST_PIXELS:
                    raise Refused(
                        f"has frames of {image.width} × {image.height} pixels; scale it by other "
                        "means"
                    )
                grey = gathering.look.grey is None and _is_grey(image, total)
                sides = (image.height, image.width)
                gathering.expected(cut.count(total), sides if grey else (*sides, 3))
                delays: list[float] = []
                for place in range(total):
                    if cut.last is not None and place > cut.last:
                        break
                    image.seek(place)
                    pixels = pixels_of(image, grey)
                    delays.append(float(image.info.get("duration") or _USUAL))
                    if cut.takes(place):
                        if not grey and pixels.ndim == 2:
                            pixels = np.repeat(pixels[..., None], 3, axis=2)
                        gathering.add(pixels, place)
                    tell(place + 1, total)
    except (Refused, MemoryError):
        raise
    except UnidentifiedImageError:
        raise Refused(f"is a damaged animation (no {kind} that can be read)") from None
    except Exception as error:  # decoders raise whatever damage leads them to
        reason = " ".join(str(error).split()) or type(error).__name__
        part = f"; --frames {cut.first}-{place - 1} takes those before" * (place > cut.first)
        raise Refused(
            f"is a damaged animation: {place} frames were decoded, then it breaks off ({reason})"
            f"{part}"
        ) from None
    if not len(gathering):
        raise Refused(f"has {counted(total, 'frame')}, and none of those asked for")
    rows, shape = gathering.rows(), gathering.shape
    assert shape is not None
    rate = 1000 * len(delays) / sum(delays)
    notes = ()
    if max(delays) > 1.5 * min(delays):
        notes = (
            f"frames stand for {min(delays) / 1000:.3g} to {max(delays) / 1000:.3g} s; they are "
            f"replayed at the mean, {rate:.3g} a second",
        )
    return Frames(rows, Medium.of_images(shape, rate / cut.every), (*notes, *gathering.notes))


def _is_grey(image: Image.Image, total: int) -> bool:
    """Whether all frames, as they are shown, are grey."""
    for place in range(total):
        image.seek(place)
        if image.mode in ("1", "L", "LA") or image.mode.startswith("I"):
            continue
        colours = np.asarray(image.convert("RGBA"))
        if not (colours[..., :1] == colours[..., 1:3])[colours[..., 3] > 0].all():
            return False
    return True


def write_gif(
    images: Iterator[np.ndarray],
    file: BinaryIO,
    rate: float,
    tell: Callable[[int], object] = lambda done: None,
) -> None:
    """Write an animation that repeats for ever, each frame with 256 colours of its own.

    A GIF counts time in hundredths of a second, and browsers show no more than 50 frames a second.

    Args:
        images: of bytes, (h, w) or (h, w, 3).
        file: open for writing.
        rate: frames a second.
        tell: called with the number of frames made.
    """
    ticks = max(_SHORTEST, round(1000 / rate / _TICK))

    def frames() -> Iterator[Image.Image]:
        for done, image in enumerate(images, 1):
            made = Image.fromarray(image)
            if image.ndim == 3:
                made = made.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            tell(done)
            yield made

    each = frames()
    next(each).save(
        file, "GIF", save_all=True, append_images=each, loop=0, duration=int(ticks * _TICK),
        disposal=0, optimize=False,
    )  # fmt: skip
