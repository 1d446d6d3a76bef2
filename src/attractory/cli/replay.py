"""`replay`: run through a stored film or sound from a cue, and write where that led."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attractory._util.texts import counted
from attractory.cli.console import print_json, say, working
from attractory.cli.inputs import named_failures
from attractory.cli.options import expanded
from attractory.cli.outputs import check_file, check_folder, not_over
from attractory.cli.usage import Command

if TYPE_CHECKING:
    import numpy as np

    from attractory.cli.sequence_file import SequenceFile

__all__ = ["register_replay"]

_AT_HOME = 1e-3  # of a frame's distance from the mean: what looks the same
_MOST_STEPS = 100_000
_COPIES = 4  # of the frames, while they are replayed and written


@dataclass(frozen=True)
class CueOptions:
    """What is done to a cue."""

    frame: Annotated[
        int | None,
        typer.Option(min=0, help="Frame of a film or sound that is the cue; CUE:30 means 30, too."),
    ] = None
    noise: Annotated[
        float,
        typer.Option(
            min=0.0, help="Add white noise, relative to the frame's distance from the mean frame."
        ),
    ] = 0.0
    seed: Annotated[int, typer.Option(min=0, help="Of the noise.")] = 0
    fit: Annotated[
        bool, typer.Option("--fit", help="Give images the memory's size and colours.")
    ] = False
    mono: Annotated[bool, typer.Option("--mono", help="Mix the channels of sound into one.")] = (
        False
    )


AS_GIVEN = CueOptions()


def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Memory that `store --sequence` wrote.")
    ],
    cue: Annotated[
        str,
        typer.Argument(
            metavar="CUE",
            help="An image, a film or GIF (clip.mp4:30 is its frame 30), a WAV file or an array.",
        ),
    ],
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_STEPS, help="Frames after the cue; one round by default."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="What to write: .mp4, .mov, .mkv, .webm, .avi, .gif, a folder of PNG; .wav for "
            "sound; .npy or .csv for the numbers."
        ),
    ] = None,
    how: CueOptions = AS_GIVEN,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Run through a stored film or sound from a cue, and say where that led."""
    path, frame = _cue_of(cue, how.frame)
    with named_failures(), working("loading the memory") as tell:
        from attractory.cli.sequence_file import SequenceFile

        kept = SequenceFile.open(file)
        count = max(kept.lengths) if steps is None else steps
        if out is not None:
            _check_out(out, kept, count, [file, path], force)
        _check_room(kept, count)
        start = frame if frame is not None else kept.context - 1
        loaded = kept.cue(path, start, how.fit, how.mono, tell)
        rows = loaded.rows
        if how.noise:
            rows = _noisy(kept, rows, how.noise, how.seed)
        tell(f"replaying {counted(count, 'step')}")
        states = kept.replay(rows, count, tell)
        told = _told(kept, states)
        if out is not None:
            _write(out, kept, states, tell)
    report = {
        "file": str(file), "cue": cue, "frame": frame, "steps": count, **told,
        "written": None if out is None else str(out),
    }  # fmt: skip
    if as_json:
        print_json(report)
        return
    say(_in_words(report, count))
    if out is not None:
        say(f"wrote {counted(len(states), 'frame')}, the cue first: {out}")


def register_replay(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command(cls=Command)(expanded(replay))


def _cue_of(cue: str, frame: int | None) -> tuple[Path, int | None]:
    """Return a cue's path and frame: `clip.mp4:30` is a frame, if no file has that name."""
    parts = re.fullmatch(r"(.+):([0-9]{1,9})", cue, re.DOTALL)
    if parts is None or Path(cue).exists():
        return Path(cue), frame
    if frame not in (None, int(parts[2])):
        raise ValueError(f"CUE must agree with --frame {frame}, got {cue}; give one of the two")
    return Path(parts[1]), int(parts[2])


def _check_room(kept: "SequenceFile", count: int) -> None:
    """Refuse steps whose frames the machine has no memory for."""
    from attractory._util.machine import GIB, machine_bytes

    each = 8.0 * _COPIES * kept.medium.dim
    if each * count > machine_bytes():
        raise ValueError(
            f"--steps must be {int(machine_bytes() / each):,} at most, got {count:,}: frames of "
            f"{kept.medium.words} would take {each * count / GIB:,.0f} GiB"
        )


def _check_out(out: Path, kept: "SequenceFile", count: int, read: list[Path], force: bool) -> None:
    """Refuse before the work what cannot be written, and what is there already."""
    from attractory.io.medium import IMAGES
    from attractory.io.saving_sequences import check_suffix, frame_files

    try:
        check_suffix(out, kept.medium)
    except (ValueError, ModuleNotFoundError) as error:
        raise ValueError(f"--out: {error}") from None
    not_over([out], read, "--out")
    if not (kept.medium.kind == IMAGES and out.suffix == ""):
        check_file(out, "--out", force)
        return
    check_folder(out, [path for path in read[1:] if path.exists()])
    there = [path for path in frame_files(out, count + 1) if path.exists()]
    if there and not force:
        raise ValueError(
            f"--out must not hold what is written, got {there[0]} and {len(there) - 1} more; "
            "--force replaces them, or name another folder"
        )


def _noisy(kept: "SequenceFile", rows: "np.ndarray", noise: float, seed: int) -> "np.ndarray":
    import numpy as np

    from attractory._util.seeds import generator

    mean = kept.frames.mean(axis=0)
    sizes = np.linalg.norm(rows - mean, axis=1, keepdims=True) / np.sqrt(rows.shape[1])
    return rows + noise * sizes * generator(seed, "noise").standard_normal(rows.shape)


def _told(kept: "SequenceFile", states: "np.ndarray") -> dict[str, Any]:
    """Say which frame each state is next to, and from where on they are stored ones in order."""
    near, far = kept.nearest(states)
    places = [kept.place(int(index)) for index in near]
    home, lengths = far <= _AT_HOME, kept.lengths
    follows = [
        a[0] == b[0]
        and ((b[1] - a[1] - 1) % lengths[a[0]] == 0 or (a == b and a[1] == lengths[a[0]] - 1))
        for a, b in pairwise(places)
    ]
    settled = len(states) - 1
    if home[-1]:
        while settled > 0 and home[settled - 1] and follows[settled - 1]:
            settled -= 1
    return {
        "sequence": kept.names[places[-1][0]] if home[-1] else None,
        "settled": settled if home[-1] else None,
        "path": [
            {"sequence": kept.names[which], "frame": place, "distance": float(distance)}
            for (which, place), distance in zip(places, far, strict=True)
        ],
    }


def _in_words(report: dict[str, Any], count: int) -> str:
    path, settled = report["path"], report["settled"]
    last = path[-1]
    if settled is None:
        return (
            f"at no stored frame after {counted(count, 'step')}: the nearest, frame "
            f"{last['frame']} of {last['sequence']}, is {last['distance']:.2g} of its own distance "
            "from the mean away"
        )
    at = path[settled]
    worst = max(each["distance"] for each in path[settled:])
    return (
        f"from step {settled} on in {report['sequence']}, there at frame {at['frame']}, in order "
        f"to the end; largest error {worst:.1e} of a frame's distance from the mean"
    )


def _write(
    out: Path, kept: "SequenceFile", states: "np.ndarray", tell: Callable[[str], object]
) -> None:
    import numpy as np

    from attractory._util.interrupts import too_late
    from attractory.io.medium import IMAGES
    from attractory.io.saving_sequences import save_sequence

    if not np.isfinite(states).all():
        raise ValueError("the replay diverged, and nothing was written; store at another norm")
    if kept.medium.kind == IMAGES and out.suffix == "":
        too_late()  # Ctrl-C before leaves no file; from here on all are written
    total = len(states)
    save_sequence(
        states, kept.medium, out, tell=lambda done: tell(f"writing frame {done} of {total}")
    )
