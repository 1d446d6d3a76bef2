"""Moving pictures of recall: images on their way to rest, one application of the map a frame."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, whole
from attractory.io.atomic_file import replacing
from attractory.maps.protocol import Map, dtype_of
from attractory.memory.estimator import AttractorMemory
from attractory.memory.trace import recall_trace
from attractory.plotting.images import (
    ImageShape,
    as_image,
    checked_shape,
    heading,
    image_axes,
    in_lines,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation

__all__ = ["recall_animation", "save_animation"]

_AT_REST = 1e-3  # step, relative to the state, after which nothing can be seen
_LONGEST = 200  # applications of a map that are followed
_GREYS = 32  # shades in a picture without colour
_HELD = 12, 20  # frames that the first and the last state stay


def recall_animation(
    memory: AttractorMemory | Map,
    cues: ArrayLike,
    shape: ImageShape,
    *,
    others: Sequence[tuple[str, ArrayLike]] = (),
    decode: Callable[[Float[np.ndarray, "k d"]], ArrayLike] | None = None,
    title: str = "",
    most: int = 60,
) -> FuncAnimation:
    """Return an animation of the way from cues to rest, one column a cue.

    Above stand the cues, below what they become. A memory is followed through all legs of its
    recall (`memory.recall_trace`), a map by its own applications.

    Args:
        memory: a fitted memory, or any map.
        cues: (k, d), in the units of the stored rows, or of the map's states.
        shape: (height, width), in colour (height, width, 3), of rows with values in [0, 1].
        others: further rows of images that do not move, with their labels: label and (k, d), such
            as the patterns that were stored.
        decode: turns states of a map, (k, d), into images.
        title: the message; the step is written beside it.
        most: frames at most; a longer way is shown by as many of its states, evenly spread.

    Raises:
        ValueError: if cues or the other images have not as many numbers as the shape says.

    Example:
        >>> from attractory.datasets import bundled_digits
        >>> digits, _ = bundled_digits(5)
        >>> memory = AttractorMemory(metric="rule").fit(digits)
        >>> movie = recall_animation(memory, digits[:2] / 2, (28, 28), most=3)
        >>> save_animation(movie, Path(tempfile.mkdtemp()) / "recall.gif", dpi=40).suffix
        '.gif'
    """
    from matplotlib.animation import FuncAnimation

    shape = checked_shape(shape)
    size = int(np.prod(shape))
    start = as_points(cues, "cues", dim=size if decode is None else None)
    most = whole(most, "most", 2)
    if isinstance(memory, AttractorMemory):
        states = _together([recall_trace(memory, cue).rows for cue in start])
    else:
        states = _iterates(memory, start)
    images = [_decoded(state, decode, size) for state in states]
    kept = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int))
    still = [(label, as_points(rows, label, dim=size)) for label, rows in others]
    if any(len(rows) != len(start) for _, rows in still):
        raise ValueError(f"others must have as many images as there are cues, {len(start)}")
    labels = [*(label for label, _ in still), "cue", "recall"]

    def said(place: int) -> str:
        step = f"step {place} of {len(images) - 1}"
        return f"{title}: {step}" if title else step

    figure, axes = image_axes(labels, len(start), shape, said(len(images) - 1))
    for line, (_, rows) in zip(axes, [*still, ("cue", images[0])], strict=False):
        for axis, row in zip(line, rows, strict=True):
            show_image(axis, row, shape, False)
    moving = [
        show_image(axis, row, shape, False) for axis, row in zip(axes[-1], images[0], strict=True)
    ]
    words = heading(figure, " ")

    def draw(place: int) -> list[object]:
        for picture, row in zip(moving, images[place], strict=True):
            picture.set_data(as_image(row, shape))
        words.set_text(in_lines(said(place), figure.get_figwidth()))
        return [*moving, words]

    order = [*[int(kept[0])] * _HELD[0], *kept[1:].tolist(), *[int(kept[-1])] * _HELD[1]]
    return FuncAnimation(figure, draw, frames=order, interval=100, blit=False, repeat=True)  # pyright: ignore[reportArgumentType]


def save_animation(
    animation: FuncAnimation, path: str | Path, *, dpi: int = 100, frames_per_second: int = 10
) -> Path:
    """Write an animation as a GIF, whole or not at all, and return its path.

    Args:
        animation: as `recall_animation` returns it.
        path: ends in .gif.
        dpi: pixels an inch.
        frames_per_second: of the picture.

    Raises:
        ValueError: for another suffix.
        OSError: if the file cannot be written.

    Example:
        >>> movie = recall_animation(lambda x: 0.1 * x, [[1.0, 0.5]], (1, 2), title="to black")
        >>> save_animation(movie, Path(tempfile.mkdtemp()) / "way.gif", dpi=40).name
        'way.gif'
    """
    from matplotlib.animation import PillowWriter

    target = Path(path)
    if target.suffix.lower() != ".gif":
        raise ValueError(f"path must end in .gif, got {target}")
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "drawn.gif"
        animation.save(drawn, writer=PillowWriter(fps=frames_per_second), dpi=dpi)
        content = _packed(drawn)
    with replacing(Path(os.path.realpath(target))) as file:
        file.write(content)
    return target


def _packed(path: Path) -> bytes:
    """Return a GIF with few shades of grey if it has no colour: half the bytes."""
    from PIL import Image, ImageSequence

    with Image.open(path) as found:
        pairs = [
            (frame.convert("RGB"), frame.info["duration"])
            for frame in ImageSequence.Iterator(found)
        ]
    if any(np.ptp(np.asarray(frame), axis=2).any() for frame, _ in pairs):
        return path.read_bytes()
    frames = [frame.convert("L").quantize(_GREYS) for frame, _ in pairs]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], loop=0, optimize=True,
        duration=[duration for _, duration in pairs],
    )  # fmt: skip
    return buffer.getvalue()


def _decoded(
    state: Float[np.ndarray, "k d"],
    decode: Callable[[Float[np.ndarray, "k d"]], ArrayLike] | None,
    size: int,
) -> Float[np.ndarray, "k d"]:
    return state if decode is None else as_points(decode(state), "decode(states)", dim=size)


def _together(ways: list[Float[np.ndarray, "_ d"]]) -> Float[np.ndarray, "t k d"]:
    """Return ways of several lengths as states of one time; those at rest stay."""
    longest = max(map(len, ways))
    return np.stack(
        [np.concatenate([way, np.repeat(way[-1:], longest - len(way), axis=0)]) for way in ways],
        axis=1,
    )


def _iterates(f: Map, start: Float[np.ndarray, "k d"]) -> list[Float[np.ndarray, "k d"]]:
    """Return the states under a map until all stand still."""
    states, x = [start], start.astype(dtype_of(f))
    for _ in range(_LONGEST):
        new = np.asarray(f(x))
        if not np.isfinite(new).all():
            break
        states.append(new.astype(float))
        if (np.linalg.norm(new - x, axis=1) <= _AT_REST * np.linalg.norm(new, axis=1)).all():
            break
        x = new
    return states
