"""Cells on a Dask cluster: its workers start the same one-thread processes as a local sweep."""

import queue
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from attractory._util.caller import warn_caller
from attractory.sweeps.store import Reply, SweepError
from attractory.sweeps.worker import Request
from attractory.sweeps.workers import Pool

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["close_pool", "run_cell", "run_on"]

_LOOK = 0.5  # seconds between two checks of the connection
_MOST = 64  # results fetched before they are stored
_FETCH = 60.0  # seconds to fetch a result, after which others are fetched first
_PATIENCE = 10.0  # seconds without a first result, after which workers are looked for
_IDLE = 60.0  # seconds without a cell, after which a sweep's processes are ended
_UNFINISHED = "pending", "lost"

# On the workers

_pools: dict[str, Pool] = {}
_closed: set[str] = set()
_lock = threading.Lock()


def run_cell(request: Request) -> Reply:
    """Compute a cell in one of the sweep's processes; runs on a Dask worker."""
    sweep = request["sweep"]
    with _lock:
        if sweep in _closed:
            raise RuntimeError("this sweep has ended")
        if not _pools:
            threading.Thread(target=_end_idle, daemon=True).start()
        pool = _pools.setdefault(sweep, Pool(request["environment"]))
        pool.used = time.monotonic()
    return pool.run(request)


def _end_idle() -> None:
    """End processes that got no cell for long: the driver was killed, or has no more cells."""
    while True:
        time.sleep(_IDLE / 4)
        with _lock:
            for name, pool in list(_pools.items()):
                if not pool.busy and time.monotonic() - pool.used > _IDLE:
                    _pools.pop(name).stop()
            if not _pools:
                return


def close_pool(sweep: str) -> None:
    """End the processes of a sweep; runs on every Dask worker."""
    with _lock:
        _closed.add(sweep)
        pool = _pools.pop(sweep, None)
    if pool is not None:
        pool.stop()


# In the driver


def run_on(
    client: "Client", address: str, requests: Mapping[str, Request], variables: Mapping[str, str]
) -> Iterator[list[tuple[str, Reply]]]:
    """Yield keys and replies of requests as they end.

    Args:
        client: connected to the scheduler.
        address: of the scheduler.
        requests: by key.
        variables: those of `environment`.

    Raises:
        SweepError: if the scheduler is lost, or its workers cannot run the cells.
    """
    sweep, done = uuid.uuid4().hex, queue.SimpleQueue[str]()
    extra = {"sweep": sweep, "environment": dict(variables)}
    futures: dict[str, Future] = {}
    for key, request in requests.items():
        future = client.submit(
            run_cell, {**request, **extra}, key=f"attractory-{sweep[:8]}-{key}", pure=False
        )
        futures[key] = future
        future.add_done_callback(lambda _, key=key: done.put(key))
    try:
        yield from _replies(client, address, futures, done)
    finally:
        _end(client, list(futures.values()), sweep)


def _replies(
    client: "Client", address: str, futures: "dict[str, Future]", done: "queue.SimpleQueue[str]"
) -> Iterator[list[tuple[str, Reply]]]:
    """Yield the results of futures, which are dropped once their replies are stored."""
    lost = SweepError(
        f"the scheduler {address} was lost; finished cells are kept: run the same sweep again to "
        "go on, with a scheduler that is up or with local workers"
    )
    told, looked = False, time.monotonic()
    again: set[str] = set()  # results that were lost with a worker and are computed again
    while futures:
        keys = _next(done) + [key for key in again if futures[key].status not in _UNFINISHED]
        if not keys:
            if client.status != "running":
                raise lost
            if not told and time.monotonic() - looked > _PATIENCE:
                told, looked = _warn_if_empty(client, address), time.monotonic()
            continue
        told, batch = True, []
        try:
            for key in keys:
                reply = _result(client, futures[key], lost)
                if reply is None:
                    again.add(key)
                else:
                    batch.append((key, reply))
        except SweepError:
            if batch:
                yield batch
            raise
        for key, _ in batch:
            again.discard(key)
            futures.pop(key).release()
        yield batch


def _warn_if_empty(client: "Client", address: str) -> bool:
    """Return whether the scheduler has no workers, and warn if so."""
    with suppress(OSError, TimeoutError):
        if not client.nthreads():
            warn_caller(
                f"the scheduler {address} has no workers; the sweep waits for one "
                f"(`dask worker {address} --nthreads 1`)",
                RuntimeWarning,
            )
            return True
    return False


def _next(done: "queue.SimpleQueue[str]") -> list[str]:
    keys = []
    with suppress(queue.Empty):
        keys.append(done.get(timeout=_LOOK))
        while len(keys) < _MOST:
            keys.append(done.get_nowait())
    return keys


def _result(client: "Client", future: "Future", lost: SweepError) -> Reply | None:
    """Return a reply, or None where its worker was lost before it could be fetched."""
    from distributed import CancelledError
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    if client.status != "running" or future.status == "cancelled":
        raise lost
    if future.status in _UNFINISHED:
        return None
    try:
        return future.result(timeout=_FETCH)
    except KilledWorker as error:
        message = " ".join(str(error).split())
        failure = {"type": "KilledWorker", "message": message, "traceback": []}
        return {"values": None, "error": failure, "seconds": 0.0}
    except TimeoutError:
        if client.status != "running":
            raise lost from None
        return None
    except (CancelledError, CommClosedError):
        raise lost from None
    except Exception as error:
        if client.status != "running":
            raise lost from None
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise SweepError(
            f"a Dask worker cannot run the cells: {text}; finished cells are kept. Workers need "
            "the same attractory as this process"
        ) from None


def _end(client: "Client", futures: "list[Future]", sweep: str) -> None:
    if client.status != "running":
        return
    with suppress(Exception):
        if futures:
            client.cancel(futures, force=True)
        client.run(close_pool, sweep, on_error="ignore")
