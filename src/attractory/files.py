"""Patterns and cues from a user's files, and recalled rows back into files.

Pixels lie in [0, 1]. A file that cannot be used is named with the reason, and the others go on.
"""

import os
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from PIL import Image, ImageOps, UnidentifiedImageError

from attractory._checks import as_points, choice, whole
from attractory.data import read_idx

__all__ = ["LoadedPatterns", "load_patterns", "save_images"]

_IMAGES = (".png", ".jpg", ".jpeg")
_IDX = (".idx", "-ubyte", ".gz")
_KNOWN = (*_IMAGES, ".npy", ".csv", *_IDX)
_KINDS = ", ".join(_KNOWN)
_SUFFIX = re.compile(r"\.(png|jpe?g|npy|csv|idx|gz)(?=(_\d+)?$)", re.IGNORECASE)
_MOST_PIXELS = 2**24  # 4096 × 4096; as a pattern such an image takes 134 MB, in colour 403
_LISTED = 10  # reasons that an error quotes

Shape = tuple[int, ...]
_Read = tuple[Float[np.ndarray, "n d"], Shape | None]


class _Refused(ValueError):
    """A file that cannot be used; the message goes on from the file's name."""


@dataclass(frozen=True)
class LoadedPatterns:
    """Patterns read from files.

    Attributes:
        rows: one pattern a row, (n, d).
        names: of the rows, in order: the file's name, with [index] if it holds several rows.
        shape: (height, width) or (height, width, 3) of images; None for plain vectors.
        failed: path and reason of every file that could not be used; "path reason" is a sentence.
    """

    rows: Float[np.ndarray, "n d"]
    names: tuple[str, ...]
    shape: tuple[int, ...] | None
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Size:
    """What the rows must be like, and who said so."""

    dim: int | None
    shape: Shape | None
    source: str = "the call asks for"

    def after(self, rows: np.ndarray, shape: Shape | None, name: str) -> "_Size":
        """Return the size after one more file, or refuse it."""
        dim = rows.shape[1]
        clash = shape is not None and self.shape is not None and shape != self.shape
        if self.dim is not None and (dim != self.dim or clash):
            raise _Refused(
                f"holds {_words(dim, shape)} where {self.source} {_words(self.dim, self.shape)}; "
                "make it alike, or load it by itself"
            )
        # A file of plain vectors leaves open what images of that many pixels look like.
        if self.dim is None or (self.shape is None and shape is not None):
            return _Size(dim, shape, f"{name} holds")
        return self


def load_patterns(
    paths: Sequence[str | Path],
    *,
    shape: tuple[int, ...] | None = None,
    dim: int | None = None,
) -> LoadedPatterns:
    """Read patterns or cues from files and folders, one row each, as they come.

    The kind of a file follows from its name, upper or lower case:

    * .png, .jpg, .jpeg: one image. Grey modes, and palettes of greys, give one channel; all else
      RGB. Transparent parts show a white ground. Orientation in EXIF is applied. Grey of 16 bits
      keeps them; in colour or with opacity, the upper 8 count. More than 2²⁴ pixels are refused.
    * .npy: one vector (d,), vectors (n, d), or images (n, height, width) or (n, height, width, 3).
      Pickles are never loaded.
    * .csv: one pattern a line, separated by commas, semicolons or white space; a first line without
      any number is a header; lines that start with # are left out.
    * .idx, .gz, names that end in -ubyte, and whatever starts like an IDX file: (n, d) or images
      as above, by `read_idx`.

    Unsigned bytes in arrays are divided by 255; other numbers are taken as they are. A folder means
    the files in it whose names end in one of these, in natural order (img2 before img10); not its
    subfolders, nor hidden files.

    Args:
        paths: of files and folders; rows keep this order.
        shape: (height, width) or (height, width, 3) that images must have. Vectors of as many
            numbers count as such images, and so does an array of just this shape.
        dim: numbers a row must have. Without shape and dim, the first file that can be read decides
            for those after it.

    Returns:
        The rows, their names, the images' shape, and which files failed and why: missing, empty or
        damaged ones, those of another size or kind, and those that hold other things than finite
        numbers.

    Raises:
        TypeError: if paths is one path instead of a list.
        ValueError: if there is no path, or no file can be used; with the reasons.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "two.csv").write_text("a; b; c\\n1; 2; 3\\n4; 5; 6\\n")
        >>> loaded = load_patterns([folder])
        >>> loaded.rows.tolist(), loaded.names
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ('two.csv[0]', 'two.csv[1]'))
    """
    if isinstance(paths, str | Path):
        raise TypeError(f"paths must be a list of paths, got {str(paths)!r}; put it in brackets")
    if len(paths) == 0:
        raise ValueError("paths must name at least one file or folder, got none")
    size = _asked(shape, dim)
    shape = size.shape
    parts: list[np.ndarray] = []
    names: list[str] = []
    failed: list[tuple[str, str]] = []
    for given in map(Path, paths):
        files: list[Path] = []
        with _noting(given, failed):
            files = _spread(given)
        for path in files:
            with _noting(path, failed):
                rows, own = _read(path, shape)
                size = size.after(rows, own, path.name)
                parts.append(rows)
                many = len(rows) > 1
                names += [f"{path.name}[{k}]" if many else path.name for k in range(len(rows))]
    if not parts:
        more = f"; and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
        reasons = "; ".join(f"{path} {reason}" for path, reason in failed[:_LISTED])
        raise ValueError(f"paths must name a file that can be read, got none: {reasons}{more}")
    return LoadedPatterns(np.concatenate(parts), tuple(names), size.shape, tuple(failed))


def save_images(
    rows: ArrayLike,
    names: Sequence[str],
    shape: tuple[int, ...] | None,
    folder: str | Path,
    *,
    suffix: str = ".png",
) -> list[Path]:
    """Write each row as an image named after its cue, and return the paths.

    A name loses the suffix of a known kind ("a.csv[3]" becomes a_3.png) and every character that is
    no letter, digit, space or one of "._-()"; a name that comes again gets -2, -3, … Files of these
    names that are there already are replaced, each in one step: a failure leaves the old or the
    new, never a part.

    Args:
        rows: (n, d); for images, values are clipped to [0, 1].
        names: of the rows, as `load_patterns` gives them.
        shape: (height, width) or (height, width, 3); None writes the rows as they are into one
            file, recalled.npy.
        folder: made if it is not there.
        suffix: .png, or .jpg or .jpeg, which lose detail.

    Raises:
        ValueError: if rows are not finite, do not fit shape or are not as many as names, if suffix
            is another, or folder is a file.

    Example:
        >>> import tempfile
        >>> paths = save_images([[0.0, 1.0]], ["a cue.jpg"], (1, 2), tempfile.mkdtemp())
        >>> [path.name for path in paths]
        ['a cue.png']
        >>> load_patterns(paths).rows.tolist()
        [[0.0, 1.0]]
    """
    size = _asked(shape, None)
    points = as_points(rows, "rows", size.dim)
    if len(names) != len(points):
        raise ValueError(f"names must be one a row, got {len(names)} for {len(points)} rows")
    suffix = choice(suffix.lower(), "suffix", _IMAGES)
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise ValueError(f"folder must be a folder, got the file {folder}")
    target.mkdir(parents=True, exist_ok=True)
    if size.shape is None:
        path = target / "recalled.npy"
        _replace(path, lambda file: np.save(file, points))
        return [path]
    paths = [target / f"{stem}{suffix}" for stem in _stems(names)]
    kind = "PNG" if suffix == ".png" else "JPEG"
    for path, row in zip(paths, points, strict=True):
        image = Image.fromarray(np.rint(255 * row.clip(0, 1)).astype(np.uint8).reshape(size.shape))
        _replace(path, lambda file, image=image: image.save(file, kind, quality=95))
    return paths


def _asked(shape: Shape | None, dim: int | None) -> _Size:
    if dim is not None:
        dim = whole(dim, "dim", 1)
    if shape is None:
        return _Size(dim, None)
    shape = tuple(whole(k, "shape's entries", 1) for k in shape)
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise ValueError(f"shape must be (height, width) or (height, width, 3), got {shape}")
    count = int(np.prod(shape, dtype=object))
    if dim not in (None, count):
        raise ValueError(f"dim must be the {count} numbers of shape {shape}, got {dim}; leave it")
    return _Size(count, shape)


def _words(dim: int, shape: Shape | None) -> str:
    if shape is None:
        return f"rows of {dim} number{'s' * (dim > 1)}"
    return f"{'colour' if shape[2:] else 'grey'} images of {shape[0]} × {shape[1]} pixels"


@contextmanager
def _noting(path: Path, failed: list[tuple[str, str]]) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        failed.append((str(path), "does not fit into memory; split or shrink it"))
    except (ValueError, OSError) as error:
        cause = getattr(error, "strerror", None)
        # read_idx names the file itself
        reason = f"cannot be read: {cause}" if cause else str(error).removeprefix(f"{path} ")
        failed.append((str(path), " ".join(reason.split())))


def _spread(path: Path) -> list[Path]:
    """Return a file itself, or the files of a folder."""
    if not path.is_dir():
        return [path]
    found = [
        file
        for file in path.iterdir()
        if file.name.lower().endswith(_KNOWN) and file.name[0] != "." and file.is_file()
    ]
    if not found:
        raise _Refused(f"is a folder without any file of a known kind ({_KINDS})")
    return sorted(found, key=_natural)


def _natural(path: Path) -> tuple[list[str | int], str]:
    parts = re.split(r"(\d+)", path.name.casefold())  # every second part is a number
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], path.name


def _read(path: Path, shape: Shape | None) -> _Read:
    if not path.is_file():  # a pipe would wait for ever
        raise _Refused("is no regular file" if path.exists() else "does not exist")
    if path.stat().st_size == 0:
        raise _Refused("is empty (0 bytes)")
    name = path.name.lower()
    if name.endswith(_IMAGES):
        rows, own = _read_image(path)
    elif name.endswith(".npy"):
        rows, own = _as_rows(_read_npy(path), shape)
    elif name.endswith(".csv"):
        rows, own = _read_csv(path), None
    elif name.endswith(_IDX) or _starts_like_idx(path):
        array = read_idx(path)
        if array.ndim == 1:
            raise _Refused(f"holds {len(array)} single numbers (labels?); give the file of images")
        rows, own = _as_rows(array, shape)
    else:
        raise _Refused(f"is of no known kind; convert it to one of {_KINDS}")
    _usable(rows)
    return rows, own


def _usable(rows: Float[np.ndarray, "n d"]) -> None:
    bad = ~np.isfinite(rows)
    if bad.any():
        row, column = divmod(int(bad.argmax()), rows.shape[1])
        raise _Refused(
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
                if count > _MOST_PIXELS:
                    raise _Refused(f"has {count:,} pixels; scale it to {_MOST_PIXELS:,} at most")
                # Grey of 16 bits with opacity, which Pillow gives as RGBA.
                grey = any(tile[3] == "LA;16B" for tile in image.tile)
                pixels = _pixels(ImageOps.exif_transpose(image), grey)
    except (_Refused, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise _Refused(f"has far too many pixels; scale it to {_MOST_PIXELS:,} at most") from None
    except UnidentifiedImageError:
        raise _Refused("is neither a PNG nor a JPEG image, or damaged; convert it") from None
    except Exception as error:  # decoders raise whatever damage leads them to
        raise _Refused(f"is a damaged image ({str(error) or type(error).__name__})") from None
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
            raise _Refused("is no .npy file, or damaged at its start; write it anew") from None
        if dtype.hasobject:
            raise _Refused("holds Python objects (a pickle), which are never loaded; save numbers")
        if dtype.kind not in "fiub":
            raise _Refused(f"holds {dtype}; save real numbers instead")
        expected = file.tell() + int(np.prod(shape, dtype=object)) * dtype.itemsize
        length = path.stat().st_size
        if length != expected:
            what = "is cut short" if length < expected else "goes on after its end"
            raise _Refused(f"{what}: shape {shape} takes {expected} bytes, got {length}")
        file.seek(0)
        return np.load(file, allow_pickle=False)


def _as_rows(array: np.ndarray, shape: Shape | None) -> _Read:
    if array.size == 0:
        raise _Refused(f"is empty, of shape {array.shape}")
    if array.ndim == 1 or array.shape == shape:
        array = array[None]
    if array.ndim not in (2, 3) and array.shape[3:] != (3,):
        raise _Refused(
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
        raise _Refused("is no text; save it as numbers separated by commas")
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
            raise _Refused(f"has {wrong[:40]!r} for a number in line {number}{mend}")
        elif rows and len(row) != len(rows[0]):
            raise _Refused(
                f"has {len(row)} numbers in line {number} where the first pattern has "
                f"{len(rows[0])}; every pattern takes as many"
            )
        else:
            rows.append(np.array(row, np.float64))
    if not rows:
        raise _Refused("is empty: no line holds only numbers (decimals take a point)")
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


def _stems(names: Sequence[str]) -> list[str]:
    """Return file names without suffix: safe anywhere, and different where case does not count."""
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = base = _safe(name)
        again = 1
        while stem.casefold() in taken:
            again += 1
            stem = f"{base}-{again}"
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def _safe(name: str) -> str:
    name = re.sub(r"\[(\d+)\]$", r"_\1", unicodedata.normalize("NFC", name))
    name = _SUFFIX.sub("", name)
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in " ._-()" else "_" for c in name)
    # File systems take 255 bytes; a dot first hides the file, one last is lost on Windows.
    return kept.encode()[:200].decode(errors="ignore").strip(" .") or "unnamed"


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            write(file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
