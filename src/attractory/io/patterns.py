"""Patterns and cues from a user's files, and recalled rows back into files.

Pixels lie in [0, 1]. A file that cannot be used is named with the reason, and the others go on.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from PIL import Image

from attractory._util.validation import as_points, choice, whole
from attractory.io.atomic_file import replacing
from attractory.io.decoding import IMAGES, KINDS, KNOWN, Refused, Shape, read_rows

__all__ = ["LoadedPatterns", "load_patterns", "save_images"]

_SUFFIX = re.compile(r"\.(png|jpe?g|npy|csv|idx|gz)(?=(_\d+)?$)", re.IGNORECASE)
_LISTED = 10  # reasons that an error quotes


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
            raise Refused(
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
                rows, own = read_rows(path, shape)
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
    suffix = choice(suffix.lower(), "suffix", IMAGES)
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise ValueError(f"folder must be a folder, got the file {folder}")
    target.mkdir(parents=True, exist_ok=True)
    if size.shape is None:
        path = target / "recalled.npy"
        with replacing(path) as file:
            np.save(file, points)
        return [path]
    paths = [target / f"{stem}{suffix}" for stem in _stems(names)]
    kind = "PNG" if suffix == ".png" else "JPEG"
    for path, row in zip(paths, points, strict=True):
        image = Image.fromarray(np.rint(255 * row.clip(0, 1)).astype(np.uint8).reshape(size.shape))
        with replacing(path) as file:
            image.save(file, kind, quality=95)
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
        if file.name.lower().endswith(KNOWN) and file.name[0] != "." and file.is_file()
    ]
    if not found:
        raise Refused(f"is a folder without any file of a known kind ({KINDS})")
    return sorted(found, key=_natural)


def _natural(path: Path) -> tuple[list[str | int], str]:
    parts = re.split(r"(\d+)", path.name.casefold())  # every second part is a number
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], path.name


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
