"""Work shared out in pieces: to this process, to JAX devices, or to a Dask cluster's workers.

A function of a piece and of what all pieces have in common is called once a piece; what is common
travels once to each worker. Threads drive devices, each computing on its own.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import jax

from attractory._util.cluster import connected

__all__ = ["DEVICES", "checked", "sharing"]

DEVICES = "devices"
_LOOK = 0.5  # seconds between two looks at who is there
_ANSWER = 5.0  # seconds that a scheduler has for its answer
_SILENT = 60.0  # seconds without any answer after which it is lost
_TRIES = 3  # times that work is given out whose data were lost with a worker

# (function, pieces, what stays the same from call to call, what does not) ↦ results in order
Share = Callable[[Callable[[Any, Any, Any], Any], Sequence[Any], Any, Any], list[Any]]


def checked(compute: Any) -> str | None:
    """Return where to compute, or refuse."""
    if compute is None or compute == DEVICES or (isinstance(compute, str) and "://" in compute):
        return compute
    raise ValueError(
        "compute must be None for this process, 'devices' for all JAX devices, or the address of a "
        f"Dask scheduler such as 'tcp://127.0.0.1:8786'; got {compute!r}"
    )


@contextmanager
def sharing(compute: str | None) -> Iterator[tuple[int, Share]]:
    """Yield how many share the work, and the function that gives it out."""
    if compute is None:
        yield 1, lambda call, pieces, fixed, fresh: [call(piece, fixed, fresh) for piece in pieces]
    elif compute == DEVICES:
        devices = jax.devices()
        with ThreadPoolExecutor(len(devices)) as pool:
            yield len(devices), _on_devices(devices, pool)
    else:
        with connected(compute, "compute") as client:
            count = len(_workers(client, compute))
            yield count, _on_workers(client, compute)


def _on_devices(devices: list[Any], pool: ThreadPoolExecutor) -> Share:
    def share(call: Any, pieces: Sequence[Any], fixed: Any, fresh: Any) -> list[Any]:
        def part(k: int) -> list[Any]:
            with jax.default_device(devices[k]):
                return [call(piece, fixed, fresh) for piece in pieces[k :: len(devices)]]

        parts = list(pool.map(part, range(len(devices))))
        return [parts[k % len(devices)][k // len(devices)] for k in range(len(pieces))]

    return share


def _workers(client: Any, address: str) -> list[str]:
    workers = sorted(_present(client) or ())
    if not workers:
        raise ValueError(
            f"compute must be a scheduler with workers, got {address!r} without: start some with "
            f"`dask worker {address} --nthreads 1`"
        )
    return workers


def _present(client: Any) -> set[str] | None:
    """Return the workers that the scheduler knows, or None if it does not answer now."""
    try:
        return set(client.sync(client.scheduler.ncores, callback_timeout=_ANSWER))
    except (TimeoutError, OSError):
        return None


def _on_workers(client: Any, address: str) -> Share:
    there: dict[tuple[int, str], Any] = {}  # what stays the same, by identity: its owner holds it

    def begin(
        workers: list[str], call: Any, pieces: Sequence[Any], fixed: Any, fresh: Any
    ) -> list[Any]:
        # Each worker has its own copy and its own pieces. Dask's broadcast instead would spin in
        # the scheduler for ever if the one worker that had the data were lost.
        for key in set(there) - {(id(fixed), worker) for worker in workers}:
            del there[key]
        moved = {}
        for worker in workers:
            if (id(fixed), worker) not in there:
                there[id(fixed), worker] = _sent(client, fixed, worker)
            moved[worker] = None if fresh is None else _sent(client, fresh, worker)
        owners = [workers[k % len(workers)] for k in range(len(pieces))]
        return [
            client.submit(call, piece, there[id(fixed), worker], moved[worker],
                          workers=[worker], pure=False)
            for worker, piece in zip(owners, pieces, strict=True)
        ]  # fmt: skip

    def share(call: Any, pieces: Sequence[Any], fixed: Any, fresh: Any) -> list[Any]:
        for left in reversed(range(_TRIES)):
            futures: list[Any] = []
            try:
                workers = _workers(client, address)[: len(pieces)]

                def work(futures: list[Any] = futures, workers: list[str] = workers) -> list[Any]:
                    futures += begin(workers, call, pieces, fixed, fresh)
                    return client.gather(futures)

                return _watched(client, workers, work)
            except Exception as error:
                there.clear()
                if client.status != "running":
                    raise ConnectionError(
                        f"the scheduler {address} was lost; nothing is stored or changed: run it "
                        "again with a scheduler that is up, or with compute=None"
                    ) from None
                if left == 0 or not _was_loss(error):
                    raise
                client.cancel(futures, force=True)
        raise AssertionError

    return share


def _sent(client: Any, data: Any, worker: str) -> Any:
    return client.scatter([data], workers=[worker], hash=False)[0]


def _watched(client: Any, workers: list[str], work: Callable[[], list[Any]]) -> list[Any]:
    """Return work(), or raise as soon as a worker is lost, whose data Dask may wait for in vain.

    Work that waits in vain is left behind in its thread.
    """
    done: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((True, work()))
        except BaseException as error:
            done.put((False, error))

    threading.Thread(target=run, daemon=True).start()
    heard = time.monotonic()
    while True:
        try:
            good, value = done.get(timeout=_LOOK)
        except queue.Empty:
            present = _present(client)
            now = time.monotonic()
            heard = heard if present is None else now
            if client.status != "running" or now - heard > _SILENT:
                raise ConnectionError("the scheduler was lost") from None
            if present is not None and not present.issuperset(workers):
                raise TimeoutError("a worker was lost") from None
            continue
        if good:
            return value
        raise value


def _was_loss(error: Exception) -> bool:
    """Whether an error may come of a worker lost with its data, not of the work itself."""
    from asyncio import CancelledError
    from concurrent.futures import CancelledError as Cancelled

    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    kinds = (CancelledError, Cancelled, CommClosedError, KilledWorker, TimeoutError, OSError)
    return isinstance(error, kinds) or type(error).__name__ in ("FutureCancelledError", "KeyError")
