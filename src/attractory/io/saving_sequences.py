"""Replayed sequences back into files: films, GIFs, folders of images, sound, arrays and tables."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from jaxtyping import Float

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points
from attractory.io.animation import write_gif
from attractory.io.atomic_file import replacing
from attractory.io.medium import IMAGES, SOUND, Medium
from attractory.io.saving import save_image, save_vectors
from attractory.io.sound import overlap_add, write_sound
from attractory.io.video import FILM_SUFFIXES, check_encoder, write_film

__all__ = ["check_suffix", "frame_files", "save_sequence"]

_VECTORS = (".npy", ".csv")
_FRAME = re.compile(r"frame-\d{4,}\.png")


def check_suffix(path: Path, medium: Medium) -> None:
    """Refuse a name whose kind of file cannot hold such rows.

    Raises:
        ValueError: with the kinds that can.
        ModuleNotFoundError: for a film, without PyAV.
    """
    suffix = path.suffix.lower()
    kinds = {IMAGES: (*FILM_SUFFIXES, ".gif", *_VECTORS), SOUND: (".wav", *_VECTORS)}
    can = kinds.get(medium.kind, _VECTORS)
    folder = " or a folder (a name without a suffix)" if medium.kind == IMAGES else ""
    if suffix not in can and not (folder and suffix == ""):
        got = f"of {suffix!r}" if suffix else "without a suffix"
        raise ValueError(
            f"rows of {medium.words} are written as {', '.join(can)}{folder}, got a name {got}"
        )
    if suffix in FILM_SUFFIXES:
        check_encoder(suffix)


def frame_files(folder: Path, count: int) -> list[Path]:
    """Return the paths of so many frames in a folder."""
    digits = max(4, len(str(count - 1)))
    return [folder / f"frame-{k:0{digits}d}.png" for k in range(count)]


def save_sequence(
    rows: ArrayLike,
    medium: Medium,
    path: str | Path,
    *,
    tell: Callable[[int], object] = lambda done: None,
) -> Path:
    """Write rows as a film, a GIF, a folder of images, sound or numbers, by the path's suffix.

    A film (.mp4, .mov, .mkv, .webm, .avi) needs PyAV, `pip install 'attractory[video]'`. Films of
    odd height or width keep all pixels; some players do not show them. No suffix means a folder of
    images, frame-0000.png and so on; .npy and .csv hold the rows as they are. A file that is there
    is replaced, in one step.

    Args:
        rows: (n, d); values of images are clipped to [0, 1].
        medium: what they are, as `load_sequences` gives it.
        path: of the file or folder.
        tell: called with the number of frames written.

    Returns:
        The path.

    Raises:
        ValueError: if the kind of file cannot hold such rows, or rows are not finite.
        ModuleNotFoundError: for a film, without PyAV.
        OSError: if it cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "tone.wav"
        >>> tone = np.sin(np.arange(64.0).reshape(4, 16) / 2)
        >>> save_sequence(tone, Medium.of_sound(16, 8000), path).name
        'tone.wav'
    """
    target = Path(path)
    points = as_points(rows, "rows", medium.dim)
    check_suffix(target, medium)
    suffix = target.suffix.lower()
    if suffix in _VECTORS:
        return save_vectors(points, target)
    if medium.kind == SOUND:
        assert medium.sampling_rate is not None
        with replacing(target) as file:
            write_sound(overlap_add(points), file, medium.sampling_rate, medium.bits)
        return target
    assert medium.shape is not None
    assert medium.rate is not None
    if suffix == "":
        return _folder(points, medium.shape, target, tell)
    with replacing(Path(os.path.realpath(target))) as file:
        if suffix == ".gif":
            write_gif(_levels(points, medium.shape), file, medium.rate, tell)
        else:
            write_film(_levels(points, medium.shape, True), file, suffix, medium.rate, tell)
    return target


def _levels(
    rows: Float[np.ndarray, "n d"], shape: tuple[int, ...], colour: bool = False
) -> Iterator[np.ndarray]:
    """Give images of bytes, if asked for with three channels."""
    for row in rows:
        image = np.rint(255 * row.clip(0, 1)).astype(np.uint8).reshape(shape)
        yield np.repeat(image[..., None], 3, axis=2) if colour and image.ndim == 2 else image


def _folder(
    rows: Float[np.ndarray, "n d"],
    shape: tuple[int, ...],
    folder: Path,
    tell: Callable[[int], object],
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    paths = frame_files(folder, len(rows))
    for done, (path, row) in enumerate(zip(paths, rows, strict=True), 1):
        save_image(row, shape, path)
        tell(done)
    ours = set(paths)
    for old in folder.iterdir():  # of a longer sequence, and no part of this one
        if _FRAME.fullmatch(old.name) and old not in ours:
            with suppress(OSError):
                old.unlink()
    return folder
