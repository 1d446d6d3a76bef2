"""Work in pieces, done by this process, by all JAX devices, or by the workers of a Dask cluster.

A function of a piece and of data that all pieces need is called once a piece; these data are sent
once to each worker. Each device is driven by a thread.
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
# Of distributed, whose types say that every call may return a coroutine.
Client = Any
Future = Any
_LOOK = 0.5  # seconds between two checks of which workers there are
_ANSWER = 5.0  # seconds for a scheduler's answer; a late one is asked for again
_SILENT = 60.0  # seconds without any answer after which it counts as lost
_TRIES = 3  # times that work is sent out whose data were lost with a worker

# (function, pieces, data that stay the same from call to call, data that do not) ↦ results
Share = Callable[[Callable[[Any, Any, Any], Any], Sequence[Any], Any, Any], list[Any]]


def checked(compute: object) -> str | None:
    """Return where to compute, or raise ValueError."""
    if compute is None or (isinstance(compute, str) and (compute == DEVICES or "://" in compute)):
        return compute
    raise ValueError(
        "compute must be None for this process, 'devices' for all JAX devices, or the address of a "
        f"Dask scheduler such as 'tcp://127.0.0.1:8786'; got {compute!r}"
    )


@contextmanager
def sharing(compute: str | None) -> Iterator[tuple[int, Share]]:
    """Yield how many devices or workers there are, and the function that has them do the work."""
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


def _workers(client: Client, address: str) -> list[str]:
    begun = time.monotonic()
    while (present := _present(client)) is None:
        if client.status != "running" or time.monotonic() - begun > _SILENT:
            raise ConnectionError("the scheduler was lost")
    workers = sorted(present)
    if not workers:
        raise ValueError(
            f"compute must be a scheduler with workers, got {address!r} without: start some with "
            f"`dask worker {address} --nthreads 1`"
        )
    return workers


def _present(client: Client) -> set[str] | None:
    """Return the workers that the scheduler knows, or None if it does not answer in time."""
    try:
        return set(client.sync(client.scheduler.ncores, callback_timeout=_ANSWER))
    except (TimeoutError, OSError):
        return None


def _on_workers(client: Client, address: str) -> Share:
    # Data that stay the same, by their identity, which is theirs while the caller holds them.
    there: dict[tuple[int, str], Future] = {}

    def begin(
        workers: list[str], call: Any, pieces: Sequence[Any], fixed: Any, fresh: Any
    ) -> list[Future]:
        # Each worker has its own copy of the data and its own pieces. With Dask's broadcast the
        # scheduler would never stop if the one worker that had the data were lost.
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
            futures: list[Future] = []
            try:
                workers = _workers(client, address)[: len(pieces)]

                def work(
                    futures: list[Future] = futures, workers: list[str] = workers
                ) -> list[Any]:
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


def _sent(client: Client, data: object, worker: str) -> Future:
    return client.scatter([data], workers=[worker], hash=False)[0]


def _watched(client: Client, workers: list[str], work: Callable[[], list[Any]]) -> list[Any]:
    """Return work(), or raise as soon as a worker is lost.

    Dask may wait for that worker's data for ever; then the waiting thread is abandoned.
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
    """Whether an error may be due to a worker that was lost, not to the work itself."""
    from asyncio import CancelledError
    from concurrent.futures import CancelledError as Cancelled

    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    kinds = (CancelledError, Cancelled, CommClosedError, KilledWorker, TimeoutError, OSError)
    return isinstance(error, kinds) or type(error).__name__ in ("FutureCancelledError", "KeyError")
