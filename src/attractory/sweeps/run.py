"""Sweeps: a function over a grid of settings, each cell stored as it ends, and never done twice."""

import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attractory._util.progress import pacing, reporting
from attractory._util.validation import whole
from attractory.sweeps.functions import code_version, load, reference_of
from attractory.sweeps.grid import canonical, check_cells, grid, key_of
from attractory.sweeps.store import Reply, Store, SweepError, read_store

__all__ = ["Cell", "CellError", "SweepError", "SweepResult", "grid", "open_sweep", "sweep"]


@dataclass(frozen=True)
class CellError:
    """Why a cell failed.

    Attributes:
        type: name of the exception; WorkerDied or KilledWorker if its process died.
        message: what it said.
        traceback: the innermost frames, as "file:line in function: code".
    """

    type: str
    message: str
    traceback: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return type and message in one line."""
        return " ".join(f"{self.type}: {self.message}".split())


@dataclass(frozen=True, eq=False)
class Cell:
    """One call of the function.

    Attributes:
        settings: its keyword arguments.
        values: what it returned, or None if it failed.
        error: why it failed, or None.
        seconds: how long it took.
    """

    settings: dict[str, Any]
    values: dict[str, Any] | None
    error: CellError | None
    seconds: float


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The cells of a sweep.

    Attributes:
        cells: in the order in which they were given, equal ones each time; those of `open_sweep`
            in the order in which they were stored.
        computed: how many different cells this call computed, and
        reused: how many the folder had already.
        function: "module:name" or "file.py:name".
        version: of the code.
        out: the folder.
    """

    cells: list[Cell] = field(repr=False)
    computed: int
    reused: int
    function: str
    version: str
    out: Path = field(repr=False)

    @property
    def done(self) -> int:
        """How many of the cells have values."""
        return sum(cell.error is None for cell in self.cells)

    @property
    def failed(self) -> int:
        """How many of the cells have an error."""
        return len(self.cells) - self.done

    def __str__(self) -> str:
        """Return the counts in one line."""
        return (
            f"{self.done} of {len(self.cells)} cells of {self.function} done, {self.failed} "
            f"failed; {self.computed} computed, {self.reused} reused"
        )

    def frame(self) -> Any:
        """Return a pandas DataFrame with one row a cell.

        Columns are the settings, the values (arrays as objects; a value of a setting's name gets
        `_value` behind it), `cell_error` and `cell_seconds`.

        Raises:
            ModuleNotFoundError: without pandas, which `attractory[sweep]` brings.
        """
        from attractory.sweeps.tables import data_frame

        return data_frame(self.cells)

    def dataset(self) -> Any:
        """Return an xarray Dataset over the settings that vary, as coordinates.

        Settings that do not vary are its attributes. Arrays get dimensions of their own, `name_0`,
        `name_1` …; shorter ones are filled up with NaN, as are cells that failed or are not there.

        Raises:
            ValueError: if the cells are far from filling a grid, or a value has now one, now two
                dimensions.
            ModuleNotFoundError: without xarray, which `attractory[sweep]` brings.
        """
        from attractory.sweeps.tables import data_set

        return data_set(self.cells)


def sweep(
    function: Callable[..., Mapping[str, Any]] | str,
    cells: Iterable[Mapping[str, Any]],
    *,
    out: str | Path,
    workers: int | None = None,
    scheduler: str | None = None,
    version: str | None = None,
    new_version: bool = False,
    retry_failed: bool = False,
    progress: bool | Callable[[int, int], object] | None = None,
) -> SweepResult:
    """Call a function for each cell, and store what it returns as each call ends.

    A sweep that was stopped, by Ctrl-C or SIGKILL or a power cut, goes on where it was when it is
    run again: a stored cell is never computed again. Cells of which the function raises are stored
    with their error, and do not stop the others.

    Each cell is computed by a process with one thread, so that equal machines give equal bits,
    whether it was started here or by a Dask worker.

    Args:
        function: called with the settings as keyword arguments; returns a dictionary of numbers,
            booleans, strings and NumPy arrays. Other processes must be able to import it: a
            function of a module, "package.module:name", "path/to/file.py:name", or the name of one
            in `sweeps.builtin`. Its result must depend on nothing but its arguments.
        cells: the settings of each call, as `grid` makes them: strings, finite numbers, booleans,
            None and lists of these. Equal cells are computed once.
        out: folder of the results, one file `cells.sqlite`. It belongs to one function.
        workers: processes; by default as many as there are cores. 0 computes in this process: if
            it has loaded JAX before, then with the threads it has, which may change last bits.
        scheduler: address of a Dask scheduler, such as "tcp://host:8786"; its workers compute.
        version: of the code; results of another one are not mixed with it. By default a digest of
            attractory's source, and of the function's file if that is elsewhere; name one if you
            know that a change does not matter.
        new_version: go on in a folder of another version: its cells are kept, and not used.
        retry_failed: compute stored cells that failed again.
        progress: True or False for a bar with the time left; by default one on a terminal if the
            run takes long. Or a function of cells done and cells in all.

    Raises:
        ValueError: if a function cannot be imported, cells hold unknown settings or no JSON values,
            there are none, the folder cannot be written or belongs to something else, or there is
            no scheduler at that address.
        TypeError: for values of the wrong type.
        SweepError: if the sweep cannot go on: the disk is full, the scheduler was lost, another
            process writes to the folder, or the file is damaged. Finished cells are kept.
        KeyboardInterrupt: on Ctrl-C, with a message that says what is kept.
        ModuleNotFoundError: for a scheduler, without `attractory[sweep]`.

    Example:
        >>> import tempfile
        >>> from attractory.sweeps.run import grid, sweep
        >>> folder = tempfile.mkdtemp()
        >>> cells = grid(n=8, dim=10, norm=[1.0, 30.0])
        >>> result = sweep("spectrum", cells, out=folder)
        >>> print(result)
        2 of 2 cells of attractory.sweeps.builtin:spectrum done, 0 failed; 2 computed, 0 reused
        >>> [cell.values["attractors"] for cell in result.cells]
        [6, 8]
        >>> sweep("spectrum", cells, out=folder).computed
        0
    """
    if workers is not None and scheduler is not None:
        raise ValueError(
            f"workers and scheduler must not both be given, got {workers} and {scheduler!r}; "
            "a scheduler has its own workers"
        )
    if workers is not None:
        workers = whole(workers, "workers", 0)
    if version is not None and (not isinstance(version, str) or not version):
        raise ValueError(f"version must be a text that is not empty, got {version!r}")
    reference = reference_of(function)
    called = load(reference)
    settings = check_cells(cells, called)
    code = code_version(reference) if version is None else version
    keys = [key_of(reference.label, code, each) for each in settings]
    different = dict(zip(keys, settings, strict=True))
    folder = Path(out)
    with _kept(folder), ExitStack() as stack:
        client = None
        if scheduler is not None:
            from attractory._util.cluster import connected

            client = stack.enter_context(connected(scheduler))
        store = stack.enter_context(Store(folder, reference.label, code, new_version))
        stored = store.read()
        pending = {
            key: each
            for key, each in different.items()
            if key not in stored or (retry_failed and stored[key]["error"] is not None)
        }
        report = stack.enter_context(reporting(progress, "sweep", pacing()))
        done, total = len(different) - len(pending), len(different)
        report(done, total)
        requests = {
            key: {
                "function": (reference.home, reference.name), "settings": each,
                "version": code if version is None else None, "path": sys.path[:],
            }
            for key, each in pending.items()
        }  # fmt: skip
        # Closed when this ends, however it ends: workers must not outlive it in a traceback.
        replies = _replies(requests, called, workers, client, scheduler)
        stack.enter_context(closing(replies))
        for batch in replies:
            good = [(key, reply) for key, reply in batch if "refused" not in reply]
            store.put([(key, canonical(pending[key]), reply) for key, reply in good])
            for _ in good:
                done += 1
                report(done, total)
            for _, reply in batch:
                if "refused" in reply:
                    raise SweepError(
                        f"a worker cannot run {reference}: {reply['refused']}; "
                        "finished cells are kept"
                    )
        found = store.read()
    return SweepResult(
        [_cell(found[key], each) for key, each in zip(keys, settings, strict=True)],
        len(pending), total - len(pending), reference.label, code, folder,
    )  # fmt: skip


def _replies(
    requests: Mapping[str, Any],
    function: Callable[..., Any],
    workers: int | None,
    client: Any,
    scheduler: str | None,
) -> Generator[list[tuple[str, Reply]], None, None]:
    from attractory.sweeps.workers import cores, environment, run_local

    if not requests:
        return
    if client is not None and scheduler is not None:
        from attractory.sweeps.dask_workers import run_on

        yield from run_on(client, scheduler, requests, environment())
    elif workers == 0:
        yield from _run_here(requests, function)
    else:
        yield from run_local(requests, cores() if workers is None else workers, environment())


def _run_here(
    requests: Mapping[str, Any], function: Callable[..., Any]
) -> Iterator[list[tuple[str, Reply]]]:
    from threadpoolctl import threadpool_limits

    from attractory.sweeps.worker import compute
    from attractory.sweeps.workers import environment

    if "jax" in sys.modules and os.environ.get("NPROC") != "1":
        warnings.warn(
            "workers=0 leaves JAX the threads it has in this process: last bits of what it "
            "computes may differ from those of worker processes",
            RuntimeWarning,
            stacklevel=5,
        )
    before = dict(os.environ)
    os.environ.update(environment())  # for a JAX that loads only now
    try:
        for key, request in requests.items():
            with threadpool_limits(1):
                reply = compute(function, request["settings"])
            yield [(key, reply)]
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _kept(folder: Path) -> Iterator[None]:
    """Say, when interrupted, what is kept; the store has closed by then and can be counted."""
    try:
        yield
    except KeyboardInterrupt:
        try:
            count = len(read_store(folder)[1])
        except (OSError, SweepError):
            count = 0
        raise KeyboardInterrupt(
            f"interrupted: {count} cells are kept in {folder}; run the same sweep again to go on"
        ) from None


def open_sweep(out: str | Path) -> SweepResult:
    """Return the cells stored in a folder, also while a sweep is still writing there.

    Args:
        out: the folder that was given to `sweep`.

    Returns:
        The cells of the code version that ran last there, as a sweep of which all were reused.

    Raises:
        FileNotFoundError: if there is no sweep.
        SweepError: if the file is damaged, or is none of a sweep.

    Example:
        >>> open_sweep("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: there is no sweep in nowhere (no file cells.sqlite)
    """
    folder = Path(out)
    about, found = read_store(folder)
    cells = [_cell(each) for each in found.values()]
    return SweepResult(cells, 0, len(cells), about["function"], about["version"], folder)


def _cell(stored: Mapping[str, Any], settings: dict[str, Any] | None = None) -> Cell:
    import json

    from attractory.sweeps.values import decode

    error = stored["error"]
    return Cell(
        json.loads(stored["settings"]) if settings is None else settings,
        None if stored["values"] is None else decode(stored["values"]),
        None if error is None
        else CellError(error["type"], error["message"], tuple(error["traceback"])),
        stored["seconds"],
    )  # fmt: skip
