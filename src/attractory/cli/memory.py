"""The commands on files of memories: store, recall, inspect; `cli.changes` has add and forget.

Heavy imports wait until a command runs. What a command changes it changes in one step, or not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attractory.cli.console import counting_to, print_json, say, working
from attractory.cli.inputs import (
    AS_THEY_ARE,
    PLAIN,
    Images,
    Reading,
    end,
    failures,
    named_failures,
    read_from,
    read_new,
    refuse_single_numbers,
    tell_what_failed,
)
from attractory.cli.options import AllowUnstored, AsJson, Fit, MemoryPath, Paths, expanded
from attractory.cli.outputs import check_figure, check_file, check_folder, not_over
from attractory.cli.sequences import (
    NO_SEQUENCE,
    SequenceOptions,
    inspect_sequences,
    store_sequences,
)
from attractory.cli.tables import (
    DRAWN,
    contents,
    counted,
    draw,
    draw_certified,
    print_file,
    show_recalled,
    show_rows,
)
from attractory.cli.usage import Command

if TYPE_CHECKING:
    import numpy as np

    from attractory.cli.memory_file import MemoryFile

__all__ = ["ACTIVATIONS", "register"]

ACTIVATIONS = "sigmoid, tanh, erf, arctan, softsign, linear, relu, abs, gelu, silu, sin, cos …"

_LOOKED_AT = 200  # rows that inspect takes by default
_TOGETHER = 20  # rows between two lines of progress

_REJECT = "Confidence from which a cue is known, between 0 and 1."


@dataclass(frozen=True)
class MapOptions:
    """How rows are stored; as the parameters of `AttractorMemory`."""

    activation: Annotated[str, typer.Option(help=ACTIVATIONS)] = "sigmoid"
    depth: Annotated[int, typer.Option(help="Weight matrices; 2 is one hidden layer.")] = 2
    width: Annotated[
        int | None,
        typer.Option(help="Units of a trained network's hidden layers; infinite by default."),
    ] = None
    norm: Annotated[
        str, typer.Option(help="Of the centred rows; auto goes by how close they are.")
    ] = "auto"
    metric: Annotated[
        str, typer.Option(help="Whitening of the rows: search, rule, none, or λ above 0.")
    ] = "search"
    scale: Annotated[
        str,
        typer.Option(
            help="Divide columns by their deviations: columns, none, or auto, where a few columns "
            "have nearly all of the variance and of the size."
        ),
    ] = "auto"
    no_center: Annotated[
        bool, typer.Option("--no-center", help="Leave the mean row in. Images need it out.")
    ] = False
    seed: Annotated[int, typer.Option(help="Of a network's first weights.")] = 0
    allow_unstored: AllowUnstored = False


DEFAULT = MapOptions()


def register(app: typer.Typer) -> None:
    """Add the commands to an app."""
    for command in (store, recall, inspect):
        app.command(cls=Command)(expanded(command))


def store(
    paths: Paths,
    out: Annotated[Path, typer.Option(help="File to write.")],
    how: MapOptions = DEFAULT,
    reading: Reading = PLAIN,
    images: Images = AS_THEY_ARE,
    sequence: SequenceOptions = NO_SEQUENCE,
    reject: Annotated[float, typer.Option(help=_REJECT)] = 0.8,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Store images or vectors as attractors, or films as cycles, in a file."""
    check_file(out, "--out", force)
    size = _number(how.norm, "--norm", ("auto",))
    whitening = _number(how.metric, "--metric", ("search", "rule", "none"))
    look = images.look()
    parameters = {
        "activation": how.activation, "depth": how.depth, "norm": size,
        "metric": None if whitening == "none" else whitening, "center": not how.no_center,
        "scale": _scale(how.scale),
        "random_state": how.seed, "reject": _share(reject, "--reject"),
    }  # fmt: skip
    if sequence.checked(reading == PLAIN):
        store_sequences(paths, how.width, parameters, out, sequence, look, how.allow_unstored,
                        as_json)  # fmt: skip
        return
    with named_failures(), working("reading"):
        from attractory.io.tensor_file import file_version

        before = file_version(out)  # with --force, this one is replaced and no other
        loaded = read_new(paths, look, reading)
    tell_what_failed(loaded)
    not_over([out], read_from(loaded), "--out")
    if len(loaded.rows) < 2:
        raise ValueError("PATHS must give at least 2 rows to store, got 1; give more files")
    refuse_single_numbers(loaded.rows)
    with working("starting"):  # JAX takes seconds: what is wrong with files is said before
        from attractory.cli.memory_file import MemoryFile
        from attractory.memory.estimator import AttractorMemory
    memory = AttractorMemory(how.width, **parameters)
    kept = MemoryFile(out, memory, fits=look.size is not None or look.grey is not None, over=before)
    with working(kept.spinner(f"storing {counted(len(loaded.rows), 'row')}")) as tell:
        kept.store(loaded, how.allow_unstored, tell)
        kept.save()
    duplicates = len(loaded.rows) - len(memory)
    if as_json:
        print_json(kept.as_dict() | {
            "names": kept.names, "duplicates": duplicates, "failed": failures(loaded),
        })  # fmt: skip
    else:
        if duplicates:
            say(f"left out {counted(duplicates, 'duplicate')}")
        say(f"stored {contents(kept)}")
        print_file(out)
    end(loaded)


def recall(
    file: MemoryPath,
    cues: Annotated[
        list[Path], typer.Argument(metavar="CUES...", help="Files or folders, as for `store`.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for what was recalled, and a table of it, recall.csv."),
    ] = None,
    reading: Reading = PLAIN,
    fit: Fit = False,
    reject: Annotated[float | None, typer.Option(help=f"{_REJECT} By default as stored.")] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="File of the cues' size, one row or as many as cues: 0 (black) where a cue is not "
            "known. What is wholly transparent in an image, and what is empty or NaN in a table "
            "or an array, is not known either."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files in the folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recall stored rows from what is left of them, and say how sure that is."""
    if out is not None:
        check_folder(out, cues)
    with named_failures(), working("loading the memory") as tell:
        from attractory.analysis.iteration import RecallStatus
        from attractory.cli.memory_file import MemoryFile
        from attractory.cli.recalled import Outputs
        from attractory.io.masks import known_numbers, masked

        kept = MemoryFile.open(file)
        if reject is not None:
            kept.memory.set_params(reject=_share(reject, "--reject"))
        tell("reading the cues")
        loaded = kept.read(cues, reading.index_column, reading.recursive, fit, missing=True)
        read = [file, *read_from(loaded)]
        told = known_numbers(loaded)
        if mask is not None:
            read.append(mask)
            told = masked(kept.read([mask], fit=fit), told, len(loaded.rows), mask)
        plan = None if out is None else Outputs.planned(out, loaded, read, force)
        tell(f"recalling {counted(len(loaded.rows), 'cue')}")
        result = kept.memory.recall(loaded.rows, told, progress=counting_to(tell, "recalling cue"))
    tell_what_failed(loaded)
    rows = [
        {
            "cue": loaded.names[k],
            "recalled": kept.names[index] if index >= 0 else None,
            "index": index if index >= 0 else None,
            "confidence": float(result.confidence[k]),
            "known": bool(result.known[k]),
            "distance": float(result.distance[k]) if math.isfinite(result.distance[k]) else None,
            "steps": int(result.steps[k]),
            "status": RecallStatus(int(result.status[k])).name.lower().replace("_", " "),
            "damage": str(result.damage[k]),
        }
        for k, index in enumerate(result.pattern.tolist())
    ]
    written = [] if plan is None else plan.write(result.state, rows)
    known, threshold = int(result.known.sum()), kept.memory.reject
    if as_json:
        print_json({
            "file": str(file), "reject": threshold, "known": known, "cues": rows,
            "written": [str(path) for path in written],
            "table": None if plan is None else str(plan.table), "failed": failures(loaded),
        })  # fmt: skip
    else:
        show_recalled(rows, threshold)
        say(f"{known} of {counted(len(rows), 'cue')} known")
        if plan is not None:
            files = counted(len(written), "file")
            say(f"wrote {files} to {out}; {plan.table.name} there says what each is")
    end(loaded)


def inspect(
    file: MemoryPath,
    figure: Annotated[
        Path | None,
        typer.Option(
            help=f"PNG, SVG or PDF: eigenvalues at the first {DRAWN} rows; with --certify, how far "
            "rows are proven to be recalled, and lost."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the figure if it exists.")] = (
        False
    ),
    everything: Annotated[
        bool, typer.Option("--all", help=f"Look at all rows, not only the first {_LOOKED_AT}.")
    ] = False,
    certify: Annotated[
        bool,
        typer.Option(
            "--certify",
            help="Prove for each row how far from it every start is recalled, and search for the "
            "nearest one that is not.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a file holds, and which of its rows or films are attractors."""
    if figure is not None:
        check_figure(figure, force, file)
    with working("loading the memory"):
        from attractory.cli.memory_file import MemoryFile, certify_rows
        from attractory.cli.sequence_file import SequenceFile
        from attractory.memory.files import load_memory
        from attractory.memory.sequence import SequenceMemory

        memory = load_memory(file)
    if isinstance(memory, SequenceMemory):
        if certify:
            raise ValueError("--certify takes a memory of rows, got one of sequences; leave it out")
        if figure is not None:
            raise ValueError("--figure takes a memory of rows, got one of sequences; leave it out")
        inspect_sequences(SequenceFile.of(file, memory), as_json)
        return
    with working("looking at the rows") as tell:
        kept = MemoryFile.of(file, memory)
        n, accuracy = len(kept.names), kept.memory.state_.store.accuracy
        count = n if everything else min(n, _LOOKED_AT)
        radius, miss, attractor = _examine(kept, count, tell)
        if figure is not None and not certify:
            tell("drawing the figure")
            draw(kept, figure)
    rows = [
        {
            "index": k, "name": kept.names[k], "spectral_radius": float(radius[k]),
            "miss": float(miss[k]), "attractor": bool(attractor[k]),
        }
        for k in range(count)
    ]  # fmt: skip
    if certify:
        with working("certifying the rows"):
            proven = certify_rows(kept, rows)
            if figure is not None:
                draw_certified(*proven, figure)
    attractors = int(attractor.sum())
    if as_json:
        print_json(kept.as_dict() | {
            "looked_at": count, "attractors": attractors, "patterns": rows,
            "figure": None if figure is None else str(figure),
        })  # fmt: skip
        return
    show_rows(rows, accuracy)
    say(contents(kept))
    if kept.memory.choice_ is not None:
        say(f"chosen when stored: {kept.memory.choice_}")
    if count < n:
        say(f"{attractors} of the first {count} are attractors; --all looks at all {n:,}")
    else:
        say(f"{attractors} of {count:,} are attractors")
    if figure is not None:
        say(f"figure: {figure}")


# Arguments


def _share(value: float, name: str) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} must be above 0 and below 1, got {value:g}")
    return value


def _scale(text: str) -> str | None:
    if text not in ("auto", "columns", "none"):
        raise ValueError(f"--scale must be auto, columns or none, got {text!r}")
    return None if text == "none" else text


def _number(text: str, name: str, words: tuple[str, ...]) -> str | float:
    if text in words:
        return text
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be {', '.join(words)} or a positive number, got {text!r}")
    return value


# Measurements


def _examine(
    kept: "MemoryFile", count: int, tell: Callable[[str], object]
) -> "tuple[np.ndarray, ...]":
    """Return spectral radius, miss and whether it is an attractor, of the first rows."""
    import numpy as np

    from attractory.memory.diagnosis import stability

    parts = []
    for k in range(0, count, _TOGETHER):
        tell(f"spectral radius, {k} of {count} rows done")
        parts.append(stability(kept.memory, np.arange(k, min(k + _TOGETHER, count))))
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))
