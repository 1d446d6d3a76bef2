"""Sequences from a user's files: films, animations, folders of numbered images, sound, tables.

Every film, sound or folder of images is a sequence of its own. A file that cannot be used is named
with the reason, and the others go on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from attractory._util.texts import counted
from attractory._util.validation import whole
from attractory.io.animation import ANIMATED, read_animation
from attractory.io.decoding import open_file, read_rows
from attractory.io.gathering import EVERYTHING, Cut, Frames, Gathering, Room
from attractory.io.images import AS_IT_IS, Look, read_image
from attractory.io.kinds import IMAGE_KINDS, Refused, kind_of, moving_kind
from attractory.io.medium import SOUND, VECTORS, Medium, checked_frame_length
from attractory.io.names import told_apart
from attractory.io.patterns import NothingRead
from attractory.io.sequence_sources import FILMS, Source, gaps, noting, sources_of
from attractory.io.sound import Sound, read_sound, sound_frames
from attractory.io.video import read_film

__all__ = ["FRAME_LENGTH", "LoadedSequences", "SequenceReading", "load_sequences", "read_sequences"]

FRAME_LENGTH = 512  # samples; at 8,000 a second 64 ms
_TOLD = 10  # frames between two words of progress
_START = 4096


@dataclass(frozen=True)
class LoadedSequences:
    """Sequences read from files.

    Attributes:
        rows: the frames of all sequences, one after another, (n, d).
        lengths: frames of each sequence.
        names: of the sequences: the file's or folder's, with its folders where two have one name.
        medium: what a row is, and what is needed to write rows back.
        failed: path and reason of every file that could not be used; "path reason" is a sentence.
        notes: what was left out, and what else a reader should know.
        paths: file or folder of each sequence.
    """

    rows: Float[np.ndarray, "n d"]
    lengths: tuple[int, ...]
    names: tuple[str, ...]
    medium: Medium
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()

    @property
    def misfits(self) -> tuple[str, ...]:
        """Paths of another size than was asked for: none is told apart here."""
        return ()


@dataclass(frozen=True)
class SequenceReading:
    """How sequences are read.

    Attributes:
        look: what images are made to look like.
        cut: which frames of a film are taken.
        frame_length: samples of a frame of sound.
        mono: whether channels of sound are mixed into one.
        distinct: whether frames equal to the one before are left out.
        medium: what rows must be; None leaves it to the first file.
        context: frames that a state of the memory holds, for what fits into memory.
        least: frames that a sequence must have.
        mend: what to do about frames of another size.
    """

    look: Look = AS_IT_IS
    cut: Cut = EVERYTHING
    frame_length: int = FRAME_LENGTH
    mono: bool = False
    distinct: bool = False
    medium: Medium | None = None
    context: int = 1
    least: int = 2
    mend: str = "--size, --grey and --color make images alike"


def load_sequences(
    paths: str | Path | Sequence[str | Path],
    *,
    every: int = 1,
    frames: tuple[int, int | None] = (0, None),
    size: tuple[int, int] | None = None,
    grey: bool | None = None,
    frame_length: int = FRAME_LENGTH,
    mono: bool = False,
    distinct: bool = False,
) -> LoadedSequences:
    """Read sequences for a `SequenceMemory` from films, animations, images, sound and tables.

    Kinds of files, told by their first bytes:

    * Films (MP4, MOV, MKV, WebM, AVI, MPEG, …): by PyAV, which `pip install 'attractory[video]'`
      brings. Pixels lie in [0, 1].
    * GIF, WebP and PNG with several frames: each frame as it is shown.
    * A folder of images, or images given one by one: one sequence in natural order of their names
      (img2 before img10). Films and sounds in a folder are sequences of their own.
    * WAV of one channel: frames of `frame_length` samples in [-1, 1], each half a frame after the
      one before, the last filled up with zeros.
    * Arrays and tables as `load_patterns` reads them: their rows in order.

    All frames of all sequences together may be 5,000, and must fit the machine's memory; this is
    looked at before they are decoded.

    Args:
        paths: of files and folders, or one.
        every: take every so many-th frame.
        frames: first and last frame that are taken, from 0; None for the end.
        size: height and width to which images are scaled.
        grey: True makes images grey, False gives them three channels.
        frame_length: samples of a frame of sound; even.
        mono: whether several channels of sound are mixed into one.
        distinct: whether frames equal to the one before are left out, as those of a still part.

    Returns:
        Rows, lengths, names, and the medium, which `save_sequence` takes.

    Raises:
        ValueError: if no file can be used, with the reasons; for arguments out of range.

    Example:
        >>> import tempfile
        >>> from attractory.io import save_sequence
        >>> path = Path(tempfile.mkdtemp()) / "one.gif"
        >>> stripes = np.kron(np.eye(3), np.ones(4))  # three frames of 3 × 4 pixels
        >>> save_sequence(stripes, Medium.of_images((3, 4), rate=10.0), path) == path
        True
        >>> film = load_sequences(path)
        >>> film.rows.shape, film.lengths, film.medium.rate
        ((3, 12), (3,), 10.0)
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    if len(paths) == 0:
        raise ValueError("paths must name at least one file or folder, got none")
    first = whole(frames[0], "frames' first", 0)
    last = None if frames[1] is None else whole(frames[1], "frames' last", first)
    if size is not None:
        height, width = (whole(k, "size's entries", 1, 4096) for k in size)
        size = height, width
    reading = SequenceReading(
        Look(size, None if grey is None else bool(grey)),
        Cut(whole(every, "every", 1), first, last), checked_frame_length(frame_length), bool(mono),
        bool(distinct),
    )  # fmt: skip
    return read_sequences([Path(path) for path in paths], reading)


def read_sequences(
    paths: Sequence[Path],
    reading: SequenceReading,
    tell: Callable[[str], object] = lambda text: None,
) -> LoadedSequences:
    """Read sequences; `load_sequences` has all there is to say.

    Args:
        paths: of files and folders.
        reading: how they are read.
        tell: called with what is being read.

    Raises:
        NothingRead: if no file can be used.
    """
    room, medium = Room(reading.context), reading.medium
    parts: list[Frames] = []
    kept: list[tuple[Path, str]] = []
    failed: list[tuple[str, str]] = []
    notes: list[str] = []
    for source in sources_of(paths, failed, notes):
        with noting(source.path, failed):
            part = _read(source, reading, room, tell)
            if reading.distinct:
                part = _without_still(part)
            if len(part.rows) < reading.least:
                raise Refused(
                    f"has {counted(len(part.rows), 'frame')}, and a sequence takes at least "
                    f"{reading.least}"
                )
            medium = _alike(part.medium, medium, kept, reading.mend)
            parts.append(part)
            kept.append((source.path, source.name))
            notes += [f"{source.path}: {note}" for note in part.notes]
    if not parts or medium is None:
        raise NothingRead(tuple(failed), (), tuple(notes))
    return LoadedSequences(
        rows=parts[0].rows if len(parts) == 1 else np.concatenate([part.rows for part in parts]),
        lengths=tuple(len(part.rows) for part in parts),
        names=tuple(told_apart([path for path, _ in kept], [name for _, name in kept])),
        medium=medium,
        failed=tuple(failed),
        notes=tuple(notes),
        paths=tuple(path for path, _ in kept),
    )


def _without_still(part: Frames) -> Frames:
    """Return a sequence without rows equal to the one before; images have been looked at."""
    rows = part.rows
    new = np.ones(len(rows), bool)
    new[1:] = [not np.array_equal(a, b) for a, b in pairwise(rows)]
    if new.all():
        return part
    note = f"left out {counted(int((~new).sum()), 'frame')} equal to the one before"
    return replace(part, rows=rows[new], notes=(*part.notes, note))


def _alike(new: Medium, medium: Medium | None, before: list[tuple[Path, str]], mend: str) -> Medium:
    """Return the medium of all sequences, or refuse one more of another kind."""
    if medium is None:
        return new
    source = f"{before[0][1]} has" if before else "the memory holds"
    if new.kind == SOUND == medium.kind and new.sampling_rate != medium.sampling_rate:
        raise Refused(
            f"has {new.sampling_rate:,} samples a second where {source} {medium.sampling_rate:,}; "
            "convert it"
        )
    plain = VECTORS in (new.kind, medium.kind) and SOUND not in (new.kind, medium.kind)
    fits = plain or (new.kind == medium.kind and new.shape == medium.shape)
    if new.dim != medium.dim or not fits:
        raise Refused(f"has frames of {new.words} where {source} {medium.words}; {mend}")
    return replace(medium, bits=max(medium.bits, new.bits))


def _read(
    source: Source, reading: SequenceReading, room: Room, tell: Callable[[str], object]
) -> Frames:
    """Return a sequence, or refuse it."""

    def frames_done(done: int, total: int | None) -> None:
        if done % _TOLD == 0:
            of = f" of {total:,}" if total else ""
            tell(f"reading {source.name}: frame {done:,}{of}")

    tell(f"reading {source.name}")
    gathering = Gathering(reading.look, room, reading.distinct)
    if source.images:
        return _stills(source.images, reading.cut, gathering, frames_done)
    with open_file(source.path) as (file, length):
        start = file.read(_START)
        file.seek(0)
        moving = moving_kind(start)
        if moving == "WAV":
            return _sound(read_sound(file, length, reading.mono), reading, room)
        if moving is not None and not source.name.lower().endswith((".txt", ".csv", ".tsv")):
            return read_film(file, moving, reading.cut, gathering, frames_done)
        if not start:
            raise Refused("is empty (0 bytes)")
        if source.name.lower().endswith(FILMS):
            raise Refused("is no film of a known kind, or damaged at its start; convert it")
        kind = kind_of(file, source.path.name)
        if kind in ANIMATED:
            return read_animation(file, kind, reading.cut, gathering, frames_done)
        if kind in IMAGE_KINDS:
            return _stills((source.path,), reading.cut, gathering, frames_done)
    found = read_rows(source.path, None, reading.look)
    rows = found.rows[reading.cut.first : _end(reading.cut) : reading.cut.every]
    if not len(rows):
        raise Refused(f"has {counted(len(found.rows), 'row')}, and none of those asked for")
    room.take(*rows.shape)
    medium = Medium(VECTORS, rows.shape[1])
    if found.shape is not None:
        medium = Medium.of_images(found.shape, None)
    return Frames(np.ascontiguousarray(rows), medium, found.notes)


def _end(cut: Cut) -> int | None:
    return None if cut.last is None else cut.last + 1


def _sound(sound: Sound, reading: SequenceReading, room: Room) -> Frames:
    samples, length, cut = sound.samples, reading.frame_length, reading.cut
    if reading.medium is not None and reading.medium.kind == SOUND:
        length = reading.medium.dim
    count = max(1, -(-len(samples) // (length // 2)) - 1)
    if sound.missing and cut.last is None:
        raise Refused(
            f"is cut short: {counted(sound.missing, 'byte')} of sound are missing; --frames "
            f"0-{count - 1} takes what is there"
        )
    taken = cut.count(count)
    if not taken:
        raise Refused(f"has {counted(count, 'frame')} of sound, and none of those asked for")
    room.take(taken, length)
    rows = sound_frames(samples, length)[cut.first : _end(cut) : cut.every]
    return Frames(np.ascontiguousarray(rows), Medium.of_sound(length, sound.rate, sound.bits))


def _stills(
    images: Sequence[Path], cut: Cut, gathering: Gathering, tell: Callable[[int, int], object]
) -> Frames:
    """Return images as a sequence; one that cannot be used leaves no sequence."""
    for place, path in enumerate(images):
        if not cut.takes(place):
            continue
        try:
            with open_file(path) as (file, _):
                pixels = read_image(file, kind_of(file, path.name))
            if not len(gathering):
                gathering.expected(cut.count(len(images)), pixels.shape)
            gathering.add(pixels, place)
        except Refused as error:
            if len(images) == 1:
                raise
            raise Refused(f"cannot be a sequence: {path.name} {error}") from None
        tell(place + 1, len(images))
    if not len(gathering):
        raise Refused(f"has {counted(len(images), 'frame')}, and none of those asked for")
    rows, shape = gathering.rows(), gathering.shape
    assert shape is not None
    return Frames(rows, Medium.of_images(shape, None), (*gaps(images), *gathering.notes))
