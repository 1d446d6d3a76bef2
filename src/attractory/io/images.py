"""Images as arrays of pixels in [0, 1], decoded by Pillow within bounds."""

import warnings
from dataclasses import dataclass
from typing import IO, cast

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile

from attractory._util.byte_file import ByteFile
from attractory.io.kinds import Refused

__all__ = ["AS_IT_IS", "MOST_PIXELS", "Look", "fitted", "pixels_of", "read_image"]

MOST_PIXELS = 2**24  # 4096 × 4096; as a pattern such an image takes 134 MB, in colour 403
_GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue (ITU-R BT.601)
# Bits of a PNG's transparent level that count, and what Pillow multiplies the pixels by.
_LEVELS = {"L;2": (3, 85), "L;4": (15, 17), "L": (255, 1)}
_PAGES = "holds several pages; save the one you mean, or each as a file of a folder"
_ANIMATION = (
    "is an animation; save the image you mean, or store it with --sequence (load_sequences)"
)
_SEVERAL = ("GIF", "WEBP", "TIFF", "PNG")  # kinds whose files may hold more than one image


@dataclass(frozen=True)
class Look:
    """What images are made to look like; None leaves it as it is.

    Attributes:
        size: height and width, to which images are scaled, whatever their proportions.
        grey: True for one channel, False for three.
    """

    size: tuple[int, int] | None = None
    grey: bool | None = None


AS_IT_IS = Look()


def read_image(file: ByteFile, kind: str) -> np.ndarray:
    """Return the pixels of an image that is open at its start, (h, w) or (h, w, 3).

    Raises:
        Refused: if it is damaged, holds several images, or has more than 2²⁴ pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on sizes, which are checked here, and on odd EXIF
            # One format only: others that Pillow knows may start programs (Ghostscript).
            with Image.open(cast(IO[bytes], file), formats=(kind,)) as image:
                count = image.width * image.height
                if count > MOST_PIXELS:
                    raise Refused(f"has {count:,} pixels; scale it to {MOST_PIXELS:,} at most")
                if kind in _SEVERAL and getattr(image, "is_animated", False):
                    raise Refused(_PAGES if kind == "TIFF" else _ANIMATION)
                if image.mode == "F" or (image.mode == "I" and kind != "PNG"):
                    raise Refused("has pixels of 32 bits; save 16 or 8, or an .npy file")
                return _oriented(image, file)
    except (Refused, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise Refused(f"has far too many pixels; scale it to {MOST_PIXELS:,} at most") from None
    except UnidentifiedImageError:
        raise Refused(f"is a damaged image (no {kind} that can be read)") from None
    except Exception as error:  # decoders raise whatever damage leads them to
        raise Refused(f"is a damaged image ({str(error) or type(error).__name__})") from None


def _oriented(image: Image.Image, file: ByteFile) -> np.ndarray:
    raw = _raw_mode(image)
    clear = image.info.get("transparency")
    if raw == "RGB;16B" and isinstance(clear, tuple):
        return _with_clear_of_16_bits(image, file, np.array(clear))
    if raw in _LEVELS and isinstance(clear, int):
        bits, step = _LEVELS[raw]
        image.info["transparency"] = (clear & bits) * step
    # Grey of 16 bits with opacity, which Pillow gives as RGBA.
    return pixels_of(ImageOps.exif_transpose(image), raw == "LA;16B")


def _raw_mode(image: Image.Image) -> str:
    """Return how the file's pixels lie, in Pillow's words."""
    modes = [tile[3] for tile in getattr(image, "tile", ())]
    return modes[0] if modes and isinstance(modes[0], str) else ""


def _with_clear_of_16_bits(image: Image.Image, file: ByteFile, clear: np.ndarray) -> np.ndarray:
    """Return colour of 16 bits, one of them transparent, of which Pillow reads the upper bytes.

    The file is decoded a second time for the lower ones, as if its byte order were another.
    """
    del image.info["transparency"]
    upper = np.asarray(ImageOps.exif_transpose(image))
    file.seek(0)
    with PngImageFile(cast(IO[bytes], file)) as other:
        del other.info["transparency"]
        other.tile = [tile._replace(args="RGB;16L") for tile in other.tile]
        lower = np.asarray(ImageOps.exif_transpose(other))
    shown = ((upper != clear >> 8) | (lower != clear & 255)).any(axis=2, keepdims=True)
    return np.where(shown, upper / 255, 1.0)


def pixels_of(image: Image.Image, grey: bool) -> np.ndarray:
    """Return (height, width) or (height, width, 3) in [0, 1], on white where transparent."""
    if image.mode.startswith("I"):  # 16 bits, whichever of its modes this Pillow has for them
        values = np.asarray(image)
        return np.where(values == image.info.get("transparency"), 1.0, values / 65535)
    grey = grey or image.mode in ("1", "L", "LA")
    if image.mode == "P":
        palette = np.reshape(image.getpalette() or [], (-1, 3))
        grey = bool((palette == palette[:, :1]).all())
    if image.has_transparency_data:
        values = np.asarray(image.convert("RGBA")) / 255
        alpha = values[..., 3:]
        pixels = alpha * values[..., :3] + (1 - alpha)  # exact where opaque
        return pixels[..., 0] if grey else pixels
    return np.asarray(image.convert("L" if grey else "RGB")) / 255


def fitted(pixels: np.ndarray, look: Look) -> np.ndarray:
    """Return an image, (h, w) or (h, w, 3), in the size and colours asked for."""
    if look.grey and pixels.ndim == 3:
        pixels = pixels @ _GREY
    elif look.grey is False and pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if look.size is None or look.size == pixels.shape[:2]:
        return pixels
    height, width = look.size
    layers = pixels[..., None] if pixels.ndim == 2 else pixels
    scaled = [
        np.asarray(
            Image.fromarray(layers[..., k].astype(np.float32)).resize(
                (width, height), Image.Resampling.BICUBIC
            ),
            np.float64,
        )
        for k in range(layers.shape[2])
    ]
    low, high = pixels.min(), pixels.max()  # which bicubic interpolation may leave
    together = np.stack(scaled, axis=2).clip(low, high)
    return together[..., 0] if pixels.ndim == 2 else together
