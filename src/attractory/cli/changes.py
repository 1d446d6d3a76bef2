"""The commands that change files of memories: add, forget.

What a command changes it changes in one step, or not. Heavy imports wait until a command runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attractory._util.texts import counted
from attractory.cli.console import complain, print_json, say, working
from attractory.cli.inputs import PLAIN, Reading, end, failures, named_failures, tell_what_failed
from attractory.cli.options import AllowUnstored, AsJson, Fit, MemoryPath, Paths, expanded
from attractory.cli.outputs import check_place
from attractory.cli.sequences import contents_of_sequences
from attractory.cli.tables import contents, print_file
from attractory.cli.usage import Command

if TYPE_CHECKING:
    from attractory.cli.memory_file import MemoryFile
    from attractory.cli.sequence_file import SequenceFile

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to an app."""
    app.command(cls=Command)(expanded(add))
    # -1 may be meant as an index, and the answer says what indices there are.
    app.command(cls=Command, context_settings={"ignore_unknown_options": True})(forget)


def add(
    file: MemoryPath,
    paths: Paths,
    reading: Reading = PLAIN,
    fit: Fit = False,
    allow_unstored: AllowUnstored = False,
    as_json: AsJson = False,
) -> None:
    """Store more rows, or films, in a file; those it has already are left out."""
    with _changing(file):
        with named_failures(), working("loading the memory") as tell:
            from attractory.cli.memory_file import MemoryFile

            kept = _opened(file)
            if isinstance(kept, MemoryFile):
                loaded = rows = kept.read(paths, reading.index_column, reading.recursive, fit)
                what, count, store = "row", len(rows.rows), partial(kept.store, rows)
            elif reading != PLAIN:
                raise ValueError("--index-column and --recursive are not for sequences")
            else:
                loaded = films = kept.read(paths, fit, tell)
                what, count, store = "sequence", len(films.names), partial(kept.store, films)
        tell_what_failed(loaded)
        check_place(file, "FILE")
        with working(kept.spinner(f"adding {counted(count, what)}")) as tell:
            new = store(allow_unstored or None, tell)
            if new:
                kept.save()
    duplicates = count - len(new)
    if as_json:
        print_json(kept.as_dict() | {
            "new": new, "duplicates": duplicates, "failed": failures(loaded),
        })  # fmt: skip
    else:
        left = f"; left out {counted(duplicates, 'duplicate')}" if duplicates else ""
        say(f"{counted(len(new), f'new {what}')}{left}")
        _say_what_is_left(kept, file)
    end(loaded)


def forget(
    file: MemoryPath,
    which: Annotated[
        list[str],
        typer.Argument(
            metavar="WHICH...",
            help="Indices from 0 (none from the end), ranges such as 3-7, or names, as `inspect` "
            "shows them.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which rows would go, and change nothing.")
    ] = False,
    allow_unstored: AllowUnstored = False,
    as_json: AsJson = False,
) -> None:
    """Remove rows, or whole sequences, from a file; later ones move up."""
    with _changing(file):
        with working("loading the memory"):
            from attractory.cli.memory_file import MemoryFile, find_named

            kept = _opened(file)
            what = "row" if isinstance(kept, MemoryFile) else "sequence"
        names = kept.names
        rows = sorted({row for each in which for row in find_named(names, each, what)})
        n = len(names)
        if len(rows) == n:
            raise ValueError(f"WHICH must leave a {what}, got all {n}; remove the file instead")
        gone = [{"index": k, "name": names[k]} for k in rows]
        if dry_run:
            if as_json:
                print_json(kept.as_dict() | {"would_forget": gone})
            else:
                for row in gone:
                    say(f"would forget {row['index']}: {row['name']}")
                say(f"{counted(n - len(rows), what)} would stay; nothing was changed")
            return
        check_place(file, "FILE")
        with working(kept.spinner(f"forgetting {counted(len(rows), what)}")):
            kept.forget(rows, allow_unstored or None)
            kept.save()
    if as_json:
        print_json(kept.as_dict() | {"forgotten": gone})
    else:
        say(f"forgot {', '.join(row['name'] for row in gone)}")
        _say_what_is_left(kept, file)


def _opened(file: Path) -> "MemoryFile | SequenceFile":
    """Open a file of rows or of sequences."""
    from attractory.cli.memory_file import MemoryFile
    from attractory.cli.sequence_file import SequenceFile
    from attractory.memory.files import load_memory
    from attractory.memory.sequence import SequenceMemory

    memory = load_memory(file)
    kind = SequenceFile if isinstance(memory, SequenceMemory) else MemoryFile
    return kind.of(file, memory)


def _say_what_is_left(kept: "MemoryFile | SequenceFile", file: Path) -> None:
    from attractory.cli.memory_file import MemoryFile

    rows = isinstance(kept, MemoryFile)
    say(f"now {contents(kept) if rows else contents_of_sequences(kept)}")
    print_file(file)


@contextmanager
def _changing(file: Path) -> Iterator[None]:
    """Let no other process change a file between reading and writing it."""
    from attractory.io.file_lock import locked

    with locked(file, lambda: complain(f"waiting for another process that changes {file}")):
        yield
