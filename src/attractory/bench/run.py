"""Run the benchmark: every protocol with every memory, cell by cell, kept as they end."""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from attractory._util.interrupts import check
from attractory._util.progress import Progress, pacing, reporting
from attractory._util.validation import whole
from attractory.bench.cells import Shelf, Task, compute_cell, rows_of
from attractory.bench.damage import Shape
from attractory.bench.memories import MEMORIES, OURS, Memory, Recall, memories_named, usual_memories
from attractory.bench.protocols import Data, Protocol, as_data
from attractory.bench.published import PROTOCOLS, protocols_named
from attractory.bench.results import BenchResult, Score
from attractory.sweeps.functions import Reference
from attractory.sweeps.grid import canonical, key_of
from attractory.sweeps.results import cell_of
from attractory.sweeps.store import Reply, Store, Stored
from attractory.sweeps.versions import code_of
from attractory.sweeps.worker import compute

__all__ = ["run"]

_NAME = "attractory.bench"
Choice = str | Protocol


def run(
    protocols: Choice | Sequence[Choice] = (),
    *,
    memories: Mapping[str, Callable[..., Recall] | Memory] | None = None,
    rivals: str | Sequence[str] | None = None,
    data: Any = None,
    n: int | Sequence[int] | None = None,
    cues: int = 100,
    seeds: int = 1,
    out: str | Path | None = None,
    progress: Progress = None,
) -> BenchResult:
    """Measure memories by published protocols, all on the same rows and cues.

    A run that was stopped goes on where it was, if `out` is the same: a cell that is stored there
    is not computed again, unless the code of attractory, the file of your function or the data
    have changed. Functions that close over variables, and those without a file, are measured anew.

    Args:
        protocols: names of `PROTOCOLS`, or protocols of your own; by default all that the data
            allow.
        memories: your own, by name: functions that store rows and return one that recalls, as
            `bench.memories` tells, or `Memory`, with parameters to choose among.
        rivals: names of `MEMORIES`, this library's own memory among them; by default all (the
            search in a graph if FAISS is there, which `attractory[bench]` brings).
        data: rows (n, d), images (n, height, width) or (n, height, width, 3), what
            `io.load_patterns` returns, or `Data`; by default the bundled digits.
        n: numbers of rows to store; by default the largest published one that the data hold.
        cues: for each kind of damage.
        seeds: draws of rows and cues.
        out: folder that keeps the cells; by default they are kept nowhere.
        progress: a bar or none, or a function of cells done and cells in all; see `Progress`.

    Returns:
        A table. A memory that fails has the reason in its cells, and the others go on.

    Raises:
        ValueError: for unknown names, data that a protocol named cannot take, and n larger than
            the data.
        SweepError: if the folder's file is damaged or in use, or the disk full.
        KeyboardInterrupt: on Ctrl-C, with a message that says what is kept.

    Example:
        >>> def store(patterns):  # the nearest row
        ...     def recall(cues):
        ...         away = ((cues[:, None] - patterns) ** 2).sum(axis=2)
        ...         return patterns[away.argmin(axis=1)]
        ...     return recall
        >>> table = run(["predictive-coding"], memories={"mine": store}, rivals=["search, Euclid"],
        ...             n=20, cues=20)
        >>> [(score.memory, score.hits) for score in table.scores if "told" not in score.condition]
        [('mine', 20), ('search, Euclid', 20)]
    """
    rows = as_data(data)
    wanted = [protocols] if isinstance(protocols, str | Protocol) else protocols
    chosen, left_out = _possible(wanted, rows)
    cues, seeds = whole(cues, "cues", 1, 1_000_000), whole(seeds, "seeds", 1, 1000)
    compared = _compared(memories, [rivals] if isinstance(rivals, str) else rivals)
    tasks = _tasks(chosen, compared, rows, _sizes(n, rows, chosen), (cues, seeds))
    version = _version()
    codes = {memory.name: _version_of(memory) for memory in compared}
    digest = hashlib.sha256(rows.rows.tobytes()).hexdigest()[:16]
    settings = [_settings(task, rows.shape, digest, codes[task.memory.name]) for task in tasks]
    keys = [key_of(_NAME, version, each) for each in settings]
    durable = [
        codes[task.memory.name] is not None and PROTOCOLS.get(task.protocol.name) is task.protocol
        for task in tasks
    ]
    with _telling_what_is_kept(out), _store(out, version) as store:
        found = {} if store is None else store.read()
        replies: list[Stored | None] = [
            found[key] if lasts and key in found and found[key]["error"] is None else None
            for key, lasts in zip(keys, durable, strict=True)
        ]
        with reporting(progress, "bench", pacing()) as show:
            done = sum(reply is not None for reply in replies)
            reused = done
            show(done, len(tasks))
            pending = [k for k, reply in enumerate(replies) if reply is None]
            for k, reply in _computed(tasks, pending, rows):
                replies[k] = reply | {"settings": canonical(settings[k])}
                if store is not None and durable[k]:
                    store.put([(keys[k], canonical(settings[k]), reply)])
                done += 1
                show(done, len(tasks))
    scores = tuple(
        Score.of(task, cell_of(reply))
        for task, reply in zip(tasks, replies, strict=True)
        if reply is not None
    )
    return BenchResult(
        scores, rows.name, rows.rows.shape, tuple(chosen), tuple(compared), left_out, reused
    )


def _possible(
    protocols: Sequence[Choice], data: Data
) -> tuple[list[Protocol], tuple[tuple[str, str], ...]]:
    """Return the protocols to run, and name and reason of those that the data do not allow."""
    own = [each for each in protocols if isinstance(each, Protocol)]
    named = [each for each in protocols if not isinstance(each, Protocol)]
    chosen = [*(protocols_named(named) if named or not own else []), *own]
    refused = [(each, each.refusal(data)) for each in chosen]
    left = tuple((each.name, reason) for each, reason in refused if reason is not None)
    if left and (protocols or len(left) == len(chosen)):
        raise ValueError(left[0][1])
    return [each for each, reason in refused if reason is None], left


def _compared(
    memories: Mapping[str, Callable[..., Recall] | Memory] | None, rivals: Sequence[str] | None
) -> list[Memory]:
    own = []
    for name, value in (memories or {}).items():
        if name in MEMORIES:
            raise ValueError(f"memories must have names of their own, got {name!r}, a rival's")
        if not isinstance(value, Memory) and not callable(value):
            raise TypeError(
                f"memories must be functions that store rows, got {type(value).__name__} as "
                f"{name!r}"
            )
        own.append(
            Memory(name, value.store, value.source, value.parameters)
            if isinstance(value, Memory)
            else Memory(name, value, "given by the caller")
        )
    found = [*own, *(usual_memories() if rivals is None else memories_named(rivals))]
    if not found:
        raise ValueError("memories and rivals must name at least one memory, got none")
    return found


def _sizes(
    n: int | Sequence[int] | None, data: Data, protocols: list[Protocol]
) -> dict[str, list[int]]:
    """Return the numbers of rows for each protocol."""
    if n is None:
        return {each.name: [each.default_size(data)] for each in protocols}
    given = [n] if not isinstance(n, Sequence) else list(n)
    if not given:
        raise ValueError("n must hold a number of rows, got none")
    sizes = sorted({whole(size, "n", 2) for size in given})
    for each in protocols:
        if not each.signs and sizes[-1] > len(data.rows):
            raise ValueError(
                f"n must be at most {len(data.rows)}, the rows of {data.name}, got {sizes[-1]}"
            )
    return {each.name: sizes for each in protocols}


def _tasks(
    protocols: list[Protocol],
    memories: list[Memory],
    data: Data,
    sizes: dict[str, list[int]],
    counts: tuple[int, int],
) -> list[Task]:
    """Return the cells in the order of the table."""
    cues, seeds = counts
    return [
        Task(protocol, condition, memory, size, seed, cues)
        for protocol in protocols
        for size in sizes[protocol.name]
        for condition in protocol.conditions(data.of_images)
        for memory in memories
        for seed in range(seeds)
    ]


def _computed(tasks: list[Task], pending: list[int], data: Data) -> Iterator[tuple[int, Reply]]:
    """Yield places and results of cells; those of the same stored rows follow one another."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for k in pending:
        groups.setdefault((*tasks[k].rows_key, tasks[k].memory.name), []).append(k)
    for places in sorted(groups.values(), key=lambda group: (tasks[group[0]].n, group[0])):
        first = tasks[places[0]]
        shelf = Shelf(first.memory, rows_of(first, data), first.protocol.one_by_one)
        for k in places:
            check()
            yield k, compute(compute_cell, {"task": tasks[k], "data": data, "shelf": shelf})


def _version() -> str:
    """Return a digest of the code that cells depend on: of protocols, rivals and their judging."""
    parts = ("cells", "compute_cell"), ("published", "protocols_named")
    found = [code_of(Reference(f"attractory.bench.{home}", name)).version for home, name in parts]
    return hashlib.sha256("".join(found).encode()).hexdigest()[:16]


def _settings(task: Task, shape: Shape, data: str, code: str | None) -> dict[str, Any]:
    """Return what a cell depends on besides the code of attractory."""
    return {
        "protocol": task.protocol.name, "condition": task.condition.name,
        "memory": task.memory.name, "code": code, "n": task.n, "seed": task.seed,
        "cues": task.cues, "data": "" if task.protocol.signs else data, "shape": list(shape),
        "parameters": [dict(each) for each in task.memory.parameters],
    }  # fmt: skip


def _version_of(memory: Memory) -> str | None:
    """Return a digest of the code of a memory's function, None if nothing tells what it is.

    Rivals are part of the code that computes cells; our memory and a caller's function are not.
    """
    if MEMORIES.get(memory.name) is memory:
        ours = Reference("attractory.bench.ours", "store")
        return code_of(ours).version if memory.name == OURS else ""
    function = memory.store
    if not inspect.isfunction(function) or function.__closure__:
        return None
    try:
        path = inspect.getsourcefile(function)
        content = Path(path).read_bytes() if path else None
    except (OSError, TypeError):
        return None
    if content is None:
        return None
    return hashlib.sha256(content + function.__qualname__.encode()).hexdigest()[:16]


def _store(out: str | Path | None, version: str) -> Any:
    return nullcontext() if out is None else Store(Path(out), _NAME, version, new_version=True)


@contextmanager
def _telling_what_is_kept(out: str | Path | None) -> Iterator[None]:
    """Add to an interruption where the cells are."""
    try:
        yield
    except KeyboardInterrupt:
        where = "nothing is kept" if out is None else f"the cells done are kept in {out}"
        raise KeyboardInterrupt(
            f"interrupted: {where}" + ("" if out is None else "; run the same again to go on")
        ) from None
