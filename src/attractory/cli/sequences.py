"""`store --sequence`: films, animations, folders of numbered images and sound, each a cycle."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attractory._util.texts import counted
from attractory.cli.console import print_json, say, show, working
from attractory.cli.inputs import failures, named_failures, refuse_single_numbers, tell_what_failed
from attractory.cli.outputs import not_over

if TYPE_CHECKING:
    from attractory.cli.sequence_file import SequenceFile
    from attractory.io.gathering import Cut
    from attractory.io.images import Look
    from attractory.io.sequences import LoadedSequences

__all__ = [
    "NO_SEQUENCE", "SequenceOptions", "contents_of_sequences", "inspect_sequences",
    "store_sequences",
]  # fmt: skip


@dataclass(frozen=True)
class SequenceOptions:
    """How films and sound are stored."""

    sequence: Annotated[
        bool,
        typer.Option(
            "--sequence",
            help="Store films, GIFs, folders of numbered images or WAV files, each as a sequence "
            "that `replay` runs through. The options below are for sequences.",
        ),
    ] = False
    every: Annotated[int, typer.Option(min=1, help="Take every so many-th frame of a film.")] = 1
    frames: Annotated[
        str | None,
        typer.Option(metavar="A-B", help="Take frames A to B, from 0; B may be left out."),
    ] = None
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Leave out frames equal to the one before.")
    ] = False
    context: Annotated[
        int,
        typer.Option(
            min=1, max=64, help="Frames that decide the next one: above 1 where frames repeat."
        ),
    ] = 1
    open_: Annotated[
        bool,
        typer.Option("--open", help="Sequences end; by default the first frame follows the last."),
    ] = False
    frame_length: Annotated[
        int, typer.Option(min=2, help="Of sound: samples of a frame; the next is half further.")
    ] = 512
    mono: Annotated[bool, typer.Option("--mono", help="Mix the channels of sound into one.")] = (
        False
    )

    def checked(self, plain: bool) -> bool:
        """Whether sequences are stored; options that mean nothing then, or else, are refused.

        Args:
            plain: whether tables and folders are read as usual.
        """
        if not self.sequence and self != NO_SEQUENCE:
            raise ValueError(
                "--every, --frames, --distinct, --context, --open, --frame-length and --mono are "
                "for sequences; give --sequence, too"
            )
        if self.sequence and not plain:
            raise ValueError("--index-column and --recursive are not for sequences; leave them out")
        return self.sequence

    def cut(self) -> "Cut":
        """Return which frames are taken, checked."""
        from attractory.io.gathering import Cut

        if self.frames is None:
            return Cut(self.every)
        parts = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})?", self.frames.strip())
        first, last = (int(k) if k else None for k in parts.groups()) if parts else (None, None)
        if first is None or (last is not None and last < first):
            raise ValueError(
                f"--frames must be a range such as 100-219, or 100- to the end, got {self.frames!r}"
            )
        return Cut(self.every, first, last)


NO_SEQUENCE = SequenceOptions()


def store_sequences(
    paths: list[Path],
    width: int | None,
    parameters: dict[str, Any],
    out: Path,
    how: SequenceOptions,
    look: "Look",
    allow_unstored: bool,
    as_json: bool,
) -> None:
    """Store films or sound in a file. The place to write is checked already.

    Args:
        paths: of files and folders.
        width, parameters: of the memory; the metric is by rule unless it is named.
        out: file to write.
        how: which frames, and what of them.
        look: what images are made to look like.
        allow_unstored: as for `SequenceMemory.fit`.
        as_json: print JSON.
    """
    with named_failures(), working("reading") as tell:
        from attractory.cli.sequence_file import SequenceFile
        from attractory.io.medium import checked_frame_length
        from attractory.io.sequences import SequenceReading, read_sequences
        from attractory.io.tensor_file import file_version
        from attractory.memory.sequence import SequenceMemory

        if parameters["metric"] == "search":
            parameters = parameters | {"metric": "rule"}
        memory = SequenceMemory(width, context=how.context, **parameters)
        before = file_version(out)
        reading = SequenceReading(
            look, how.cut(), checked_frame_length(how.frame_length), how.mono, how.distinct,
            context=how.context, least=how.context + 1,
        )  # fmt: skip
        loaded = read_sequences(paths, reading, tell)
    tell_what_failed(loaded)
    not_over([out], _read_from(loaded), "--out")
    refuse_single_numbers(loaded.rows)
    with working(f"storing {counted(len(loaded.rows), 'frame')}") as tell:
        kept = SequenceFile.stored(out, memory, loaded, not how.open_, allow_unstored, tell)
        kept.over = before
        kept.fits = look.size is not None or look.grey is not None
        kept.save()
    if as_json:
        print_json(kept.as_dict() | {"notes": list(loaded.notes), "failed": failures(loaded)})
    else:
        for name, length in zip(kept.names, loaded.lengths, strict=True):
            say(f"{name}: {counted(length, 'frame')}")
        say(f"stored {contents_of_sequences(kept)}")
        say(f"{out}: {out.stat().st_size:,} bytes")
    if loaded.failed:
        raise typer.Exit(1)


def contents_of_sequences(kept: "SequenceFile") -> str:
    """Say what a memory of sequences holds, and how exactly."""
    memory = kept.memory
    activation = getattr(memory.activation, "name", memory.activation)
    width = "infinite width" if memory.width is None else f"width {memory.width:,}"
    context = f"context {kept.context}, " if kept.context > 1 else ""
    return (
        f"{counted(len(kept.names), 'sequence')}, "
        f"{counted(sum(kept.lengths), 'frame')} of {kept.medium.words}; {context}{width}, "
        f"{activation}, depth {memory.depth}, norm {memory.norm_:.4g}; residual "
        f"{memory.residual_:.1e} of the norm"
    )


def inspect_sequences(kept: "SequenceFile", as_json: bool) -> None:
    """Show what a memory of sequences holds, and whether its cycles draw in what is near."""
    from rich.table import Table

    with working("multipliers of the cycles, and replays") as tell:
        cycles = kept.diagnosed(tell)
    if as_json:
        print_json(kept.as_dict() | {"cycles": cycles})
        return
    table = Table(
        caption="multiplier: by how much a small deviation grows in a round at most; the cycle "
        "attracts below 1. Back: replays that are in the cycle within two rounds, from frames with "
        "noise as large as they are"
    )
    table.add_column("sequence", overflow="fold")
    for head in ("frames", "multiplier", "attracts", "back"):
        table.add_column(head, justify="right")
    for each in cycles:
        leading = f" after {each['leading']}" if each["leading"] else ""
        table.add_row(
            each["sequence"], f"{each['frames']}{leading}", f"{each['multiplier']:.2g}",
            "yes" if each["attracts"] else "NO",
            f"{each['back_from_noise_1']} of {each['replays']}",
        )  # fmt: skip
    show(table)
    say(contents_of_sequences(kept))


def _read_from(loaded: "LoadedSequences") -> list[Path]:
    """Return all files that were looked at."""
    return [*loaded.paths, *(Path(path) for path, _ in loaded.failed)]
