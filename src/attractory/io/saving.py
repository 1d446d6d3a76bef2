"""Recalled rows back into files: images named after their cues, or one array or table."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float
from PIL import Image

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, choice
from attractory.io.atomic_file import replacing
from attractory.io.names import safe_stems
from attractory.io.patterns import Size

__all__ = ["save_image", "save_images", "save_vectors", "write_lines"]

_SUFFIXES = (".png", ".jpg", ".jpeg")


def save_images(
    rows: ArrayLike,
    names: Sequence[str],
    shape: tuple[int, ...] | None,
    folder: str | Path,
    *,
    suffix: str = ".png",
) -> list[Path]:
    """Write each row as an image named after its cue, and return the paths.

    A name loses the suffix of a known kind ("a.csv[3]" becomes a_3.png); what some systems do not
    allow in names becomes _; a name that comes again gets -2, -3, … Files of these names that are
    there already are replaced, each in one step: a failure leaves the old or the new, never a part.

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
        >>> np.asarray(Image.open(paths[0])).tolist()
        [[0, 255]]
    """
    size = Size.asked(shape, None)
    points = as_points(rows, "rows", size.dim)
    if len(names) != len(points):
        raise ValueError(f"names must be one a row, got {len(names)} for {len(points)} rows")
    suffix = choice(suffix.lower(), "suffix", _SUFFIXES)
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise ValueError(f"folder must be a folder, got the file {folder}")
    target.mkdir(parents=True, exist_ok=True)
    if size.shape is None:
        return [save_vectors(points, target / "recalled.npy")]
    paths = [target / f"{stem}{suffix}" for stem in safe_stems(names)]
    for path, row in zip(paths, points, strict=True):
        save_image(row, size.shape, path)
    return paths


def save_image(row: Float[np.ndarray, " d"], shape: tuple[int, ...], path: Path) -> None:
    """Write one row as an image, PNG or JPEG by the path's suffix; values are clipped to [0, 1]."""
    image = Image.fromarray(np.rint(255 * row.clip(0, 1)).astype(np.uint8).reshape(shape))
    with replacing(path) as file:
        image.save(file, "PNG" if path.suffix == ".png" else "JPEG", quality=95)


def save_vectors(
    rows: Float[np.ndarray, "n d"], path: Path, columns: Sequence[str] | None = None
) -> Path:
    """Write rows as an .npy file, or as a table if the path ends in .csv, and return the path."""
    with replacing(path) as file:
        if path.suffix != ".csv":
            np.save(file, rows)
            return path
        head = [] if columns is None else [columns]
        write_lines(file, [*head, *(map(repr, row) for row in rows.tolist())])  # all digits
    return path


def write_lines(file: BinaryIO, lines: Iterable[Iterable[object]]) -> None:
    """Write the lines of a table, separated by commas, to a file that is open."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    text.flush()
    text.detach()
