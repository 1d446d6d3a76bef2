"""Which coordinates of cues are known: from a file of their size, and from what the cues lack."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from attractory.io.patterns import LoadedPatterns

__all__ = ["known_numbers", "masked"]

_CLEAR = ".png", ".gif", ".webp", ".tif", ".tiff"  # kinds of images that may be transparent


def known_numbers(loaded: LoadedPatterns) -> Bool[np.ndarray, "k d"] | None:
    """Return where images are not wholly transparent and vectors not NaN; None if all is known."""
    known = ~np.isnan(loaded.rows)
    for row, path in zip(known, loaded.paths, strict=True):
        if loaded.shape is None:
            break
        if loaded.paths.count(path) == 1 and path.suffix.lower() in _CLEAR:
            row &= np.broadcast_to(_opaque(path, loaded.shape), loaded.shape).ravel()
    return None if known.all() else known


def _opaque(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return where an image is not transparent, (height, width) or (height, width, 1)."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        if not image.has_transparency_data or image.mode.startswith("I"):
            return np.ones((1, 1) + (1,) * (len(shape) - 2), bool)
        alpha = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A")
        if alpha.size != (shape[1], shape[0]):
            alpha = alpha.resize((shape[1], shape[0]), Image.Resampling.NEAREST)
        shown = np.asarray(alpha) > 0
    return shown if len(shape) == 2 else shown[..., None]


def masked(
    mask: LoadedPatterns, known: Bool[np.ndarray, "k d"] | None, count: int, path: Path
) -> Bool[np.ndarray, "k d"]:
    """Return where a mask of one row, or of a row for each cue, is not 0, and `known` is True.

    Raises:
        ValueError: for another number of rows.
    """
    if len(mask.rows) not in (1, count):
        raise ValueError(
            f"a mask must hold one row, or one for each of {count} cues; {path} holds "
            f"{len(mask.rows)}"
        )
    told = np.broadcast_to(mask.rows != 0, (count, mask.rows.shape[1]))
    return told & known if known is not None else told.copy()
