"""Run a function over a grid of settings; each cell is stored as it ends and computed once."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attractory._util.caller import warn_caller
from attractory._util.progress import Progress, pacing, reporting
from attractory._util.validation import whole
from attractory.sweeps.functions import Reference, load, reference_of
from attractory.sweeps.grid import Settings, canonical, check_cells, key_of
from attractory.sweeps.results import SweepResult, cell_of
from attractory.sweeps.store import Reply, Store, Stored, SweepError, read_store
from attractory.sweeps.versions import Code, code_of

if TYPE_CHECKING:
    from distributed import Client

    from attractory.sweeps.worker import Request

__all__ = ["open_sweep", "sweep"]

Batches = Generator[list[tuple[str, Reply]], None, None]


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
    progress: Progress = None,
) -> SweepResult:
    """Call a function for each cell, and store what it returns as each call ends.

    A sweep that was stopped by Ctrl-C, SIGKILL or a power cut continues when it is run again: a
    stored cell is never computed twice. If the function raises, the cell is stored with the error,
    and the others are computed.

    Each cell is computed by a process with one thread, started here or by a Dask worker, so that
    equal machines give equal bits.

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
        version: of the code; results of different versions are not mixed. By default a digest of
            the function's file and of what it imports of attractory and from its own folder or
            package; give one if you know that a change does not matter.
        new_version: accept a folder of another version: its cells are kept, and not used.
        retry_failed: compute cells again that are stored as failed.
        progress: a bar or none, or a function of cells done and cells in all; see `Progress`.

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
        >>> from attractory.sweeps import grid, sweep
        >>> folder = tempfile.mkdtemp()
        >>> cells = grid(n=8, dim=10, norm=[1.0, 30.0])
        >>> result = sweep("spectrum", cells, out=folder, workers=0)
        >>> print(result)
        2 of 2 cells of attractory.sweeps.builtin:spectrum done, 0 failed; 2 computed, 0 reused
        >>> [cell.values["attractors"] for cell in result.cells]
        [6, 8]
        >>> sweep("spectrum", cells, out=folder).computed
        0
    """
    workers = _checked(workers, scheduler)
    plan = _plan(function, cells, version)
    folder = Path(out)
    with _telling_what_is_kept(folder), ExitStack() as stack:
        client = None
        if scheduler is not None:
            from attractory._util.cluster import connected

            client = stack.enter_context(connected(scheduler))
        store = stack.enter_context(
            Store(folder, plan.reference.label, plan.code.version, new_version)
        )
        pending = plan.pending(store.read(), retry_failed)
        # Closed however this ends: a traceback must not keep the workers alive.
        replies = stack.enter_context(closing(_replies(plan, pending, workers, client, scheduler)))
        report = stack.enter_context(reporting(progress, "sweep", pacing()))
        _store_all(store, replies, plan, pending, report)
        found = store.read()
    return SweepResult(
        [cell_of(found[key], each) for key, each in zip(plan.keys, plan.settings, strict=True)],
        len(pending), len(set(plan.keys)) - len(pending), plan.reference.label, plan.code.version,
        folder,
    )  # fmt: skip


@dataclass(frozen=True)
class _Plan:
    """What to compute.

    Attributes:
        reference: the function's name.
        function: the function.
        code: its version, and the files that this is a digest of; none if the caller gave it.
        settings: of each cell, as they were given.
        keys: under which they are stored; equal cells have equal ones.
    """

    reference: Reference
    function: Callable[..., Any]
    code: Code
    settings: list[Settings]
    keys: list[str]

    def pending(self, stored: Mapping[str, Stored], retry_failed: bool) -> dict[str, Settings]:
        """Return by key the different cells that are to be computed."""
        return {
            key: each
            for key, each in zip(self.keys, self.settings, strict=True)
            if key not in stored or (retry_failed and stored[key]["error"] is not None)
        }

    def request(self, settings: Settings) -> "Request":
        """Return what a worker is told to compute a cell."""
        return {
            "function": (self.reference.home, self.reference.name), "settings": settings,
            "version": self.code.version, "modules": self.code.modules, "path": sys.path[:],
        }  # fmt: skip


def _plan(
    function: Callable[..., Any] | str, cells: Iterable[Mapping[str, Any]], version: str | None
) -> _Plan:
    if version is not None and (not isinstance(version, str) or not version):
        raise ValueError(f"version must be a text that is not empty, got {version!r}")
    reference = reference_of(function)
    called = load(reference)
    settings = check_cells(cells, called)
    code = code_of(reference) if version is None else Code(version, ())
    keys = [key_of(reference.label, code.version, each) for each in settings]
    return _Plan(reference, called, code, settings, keys)


def _checked(workers: int | None, scheduler: str | None) -> int | None:
    if workers is not None and scheduler is not None:
        raise ValueError(
            f"workers and scheduler must not both be given, got {workers} and {scheduler!r}; "
            "a scheduler has its own workers"
        )
    return None if workers is None else whole(workers, "workers", 0)


def _store_all(
    store: Store,
    replies: Iterable[list[tuple[str, Reply]]],
    plan: _Plan,
    pending: Mapping[str, Settings],
    report: Callable[..., object],
) -> None:
    total = len(set(plan.keys))
    done = total - len(pending)
    report(done, total)
    for batch in replies:
        good = [(key, reply) for key, reply in batch if "refused" not in reply]
        store.put([(key, canonical(pending[key]), reply) for key, reply in good])
        for _ in good:
            done += 1
            report(done, total)
        for _, reply in batch:
            if "refused" in reply:
                raise SweepError(
                    f"a worker cannot run {plan.reference}: {reply['refused']}; "
                    "finished cells are kept"
                )


def _replies(
    plan: _Plan,
    pending: Mapping[str, Settings],
    workers: int | None,
    client: "Client | None",
    scheduler: str | None,
) -> Batches:
    from attractory._util.machine import cores
    from attractory.sweeps.workers import environment, run_local

    if not pending:
        return
    if workers == 0:
        yield from _run_here(plan.function, pending)
        return
    requests = {key: plan.request(settings) for key, settings in pending.items()}
    if client is not None and scheduler is not None:
        from attractory.sweeps.dask_workers import run_on

        yield from run_on(client, scheduler, requests, environment())
    else:
        yield from run_local(requests, cores() if workers is None else workers, environment())


def _run_here(function: Callable[..., object], pending: Mapping[str, Settings]) -> Batches:
    from threadpoolctl import threadpool_limits

    from attractory.sweeps.worker import compute
    from attractory.sweeps.workers import environment

    if "jax" in sys.modules and os.environ.get("NPROC") != "1":
        warn_caller(
            "workers=0 leaves JAX the threads it has in this process: last bits of what it "
            "computes may differ from those of worker processes",
            RuntimeWarning,
        )
    before = dict(os.environ)
    os.environ.update(environment())  # for a JAX that loads only now
    try:
        for key, settings in pending.items():
            with threadpool_limits(1):
                reply = compute(function, settings)
            yield [(key, reply)]
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _telling_what_is_kept(folder: Path) -> Iterator[None]:
    """Add to an interruption how many cells are stored; the store has been closed by then."""
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
    cells = [cell_of(each) for each in found.values()]
    return SweepResult(cells, 0, len(cells), about["function"], about["version"], folder)
