"""One file of a user's as rows: PNG, JPEG, .npy, CSV and IDX, damaged or not.

Reading never runs code, and nothing is allocated on a header's word alone.
"""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageOps, UnidentifiedImageError

from attractory._util.validation import length_error
from attractory.datasets import read_idx

__all__ = ["IMAGES", "KINDS", "KNOWN", "MOST_PIXELS", "Refused", "Shape", "read_rows"]

IMAGES = (".png", ".jpg", ".jpeg")
_IDX = (".idx", "-ubyte", ".gz")
KNOWN = (*IMAGES, ".npy", ".csv", *_IDX)
KINDS = ", ".join(KNOWN)
MOST_PIXELS = 2**24  # 4096 × 4096; as a pattern such an image takes 134 MB, in colour 403

Shape = tuple[int, ...]
_Read = tuple[Float[np.ndarray, "n d"], Shape | None]


class Refused(ValueError):
    """A file that cannot be used; the message goes on from the file's name."""


def read_rows(path: Path, shape: Shape | None) -> _Read:
    """Return a file's rows, (n, d), and what an image of them looks like, or refuse the file."""
    if not path.is_file():  # a pipe would wait for ever
        raise Refused("is no regular file" if path.exists() else "does not exist")
    if path.stat().st_size == 0:
        raise Refused("is empty (0 bytes)")
    name = path.name.lower()
    if name.endswith(IMAGES):
        rows, own = _read_image(path)
    elif name.endswith(".npy"):
        rows, own = _as_rows(_read_npy(path), shape)
    elif name.endswith(".csv"):
        rows, own = _read_csv(path), None
    elif name.endswith(_IDX) or _starts_like_idx(path):
        array = read_idx(path)
        if array.ndim == 1:
            raise Refused(f"holds {len(array)} single numbers (labels?); give the file of images")
        rows, own = _as_rows(array, shape)
    else:
        raise Refused(f"is of no known kind; convert it to one of {KINDS}")
    _usable(rows)
    return rows, own


def _usable(rows: Float[np.ndarray, "n d"]) -> None:
    bad = ~np.isfinite(rows)
    if bad.any():
        row, column = divmod(int(bad.argmax()), rows.shape[1])
        raise Refused(
            f"holds {rows[row, column]} in row {row}, column {column} ({bad.sum()} such values); "
            "remove or fill them first"
        )


def _read_image(path: Path) -> _Read:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on sizes, which are checked here, and on odd EXIF
            # Two formats only: others that Pillow knows may start programs (Ghostscript).
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                count = image.width * image.height
                if count > MOST_PIXELS:
                    raise Refused(f"has {count:,} pixels; scale it to {MOST_PIXELS:,} at most")
                # Grey of 16 bits with opacity, which Pillow gives as RGBA.
                grey = any(tile[3] == "LA;16B" for tile in image.tile)
                pixels = _pixels(ImageOps.exif_transpose(image), grey)
    except (Refused, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise Refused(f"has far too many pixels; scale it to {MOST_PIXELS:,} at most") from None
    except UnidentifiedImageError:
        raise Refused("is neither a PNG nor a JPEG image, or damaged; convert it") from None
    except Exception as error:  # decoders raise whatever damage leads them to
        raise Refused(f"is a damaged image ({str(error) or type(error).__name__})") from None
    return pixels.reshape(1, -1), pixels.shape


def _pixels(image: Image.Image, grey: bool) -> np.ndarray:
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


def _read_npy(path: Path) -> np.ndarray:
    """Return the array of an .npy file, after a look at its header: no pickle, and all there."""
    form = np.lib.format
    with path.open("rb") as file:
        try:
            old = form.read_magic(file) == (1, 0)
            header = form.read_array_header_1_0 if old else form.read_array_header_2_0
            shape, _, dtype = header(file)
        except Exception:  # a damaged header raises what it happens to spell
            raise Refused("is no .npy file, or damaged at its start; write it anew") from None
        if dtype.hasobject:
            raise Refused("holds Python objects (a pickle), which are never loaded; save numbers")
        if dtype.kind not in "fiub":
            raise Refused(f"holds {dtype}; save real numbers instead")
        expected = file.tell() + int(np.prod(shape, dtype=object)) * dtype.itemsize
        if error := length_error(path.stat().st_size, expected, shape):
            raise Refused(error)
        file.seek(0)
        return np.load(file, allow_pickle=False)


def _as_rows(array: np.ndarray, shape: Shape | None) -> _Read:
    if array.size == 0:
        raise Refused(f"is empty, of shape {array.shape}")
    if array.ndim == 1 or array.shape == shape:
        array = array[None]
    if array.ndim not in (2, 3) and array.shape[3:] != (3,):
        raise Refused(
            f"has shape {array.shape}; patterns take (n, d), (n, height, width) or "
            "(n, height, width, 3)"
        )
    with np.errstate(over="ignore"):  # of long doubles; seen as infinite afterwards
        rows = array.reshape(len(array), -1).astype(np.float64)
    if array.dtype == np.uint8:
        rows /= 255
    return rows, array.shape[1:] if array.ndim > 2 else None


def _read_csv(path: Path) -> Float[np.ndarray, "n d"]:
    content = path.read_bytes()
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not wide and b"\0" in content:
        raise Refused("is no text; save it as numbers separated by commas")
    # Numbers are ASCII; what a header or a comment has in another encoding does not matter.
    text = content.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    rows: list[np.ndarray] = []
    header, separator = False, None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not rows:
            separator = next((mark for mark in ";," if mark in line), None)
        cells = line.split(separator)
        row = [_number(cell) for cell in cells]
        if not rows and not header and row.count(None) == len(row):
            header = True
        elif None in row:
            wrong = cells[row.index(None)].strip()
            mend = "; decimals take a point" if "," in wrong else ""
            raise Refused(f"has {wrong[:40]!r} for a number in line {number}{mend}")
        elif rows and len(row) != len(rows[0]):
            raise Refused(
                f"has {len(row)} numbers in line {number} where the first pattern has "
                f"{len(rows[0])}; every pattern takes as many"
            )
        else:
            rows.append(np.array(row, np.float64))
    if not rows:
        raise Refused("is empty: no line holds only numbers (decimals take a point)")
    return np.array(rows)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _starts_like_idx(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4)
    return start[:2] == b"\x1f\x8b" or (len(start) == 4 and start[:2] == b"\0\0" and start[2] >= 8)
