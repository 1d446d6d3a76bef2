"""Cells on a Dask cluster: each Dask worker keeps processes of ours, the same as run locally."""

import queue
import threading
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from attractory.sweeps.store import Reply, SweepError
from attractory.sweeps.workers import Pool

__all__ = ["close_pool", "run_cell", "run_on"]

_LOOK = 0.5  # seconds between two looks at the connection
_MOST = 64  # results fetched before they are stored
_PATIENCE = 10.0  # seconds without a result, after which we look whether there are workers
_IDLE = 60.0  # seconds without a cell, after which a sweep's processes are ended

# On the workers

_pools: dict[str, Pool] = {}
_closed: set[str] = set()
_lock = threading.Lock()


def run_cell(request: Mapping[str, Any]) -> Reply:
    """Compute a cell in a process of the sweep's own; runs on a Dask worker."""
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
    client: Any, address: str, requests: Mapping[str, Any], variables: Mapping[str, str]
) -> Iterator[list[tuple[str, Reply]]]:
    """Yield keys and replies of requests as they end; SweepError if the scheduler is lost."""
    sweep, done = uuid.uuid4().hex, queue.SimpleQueue[Any]()
    extra = {"sweep": sweep, "environment": dict(variables)}
    futures = {}
    for key, request in requests.items():
        future = client.submit(
            run_cell, {**request, **extra}, key=f"attractory-{sweep[:8]}-{key}", pure=False
        )
        futures[key] = future
        future.add_done_callback(lambda _, key=key: done.put(key))
    lost = SweepError(
        f"the scheduler {address} was lost; finished cells are kept: run the same sweep again to "
        "go on, with a scheduler that is up or with local workers"
    )
    begun, looked = time.monotonic(), False
    try:
        while futures:
            keys = _next(done)
            if not keys:
                if client.status != "running":
                    raise lost
                if not looked and time.monotonic() - begun > _PATIENCE:
                    looked = True
                    _say_if_empty(client, address)
                continue
            looked, batch = True, []
            try:
                for key in keys:
                    batch.append((key, _result(client, futures[key], lost)))
            except SweepError:
                if batch:
                    yield batch
                raise
            for key in keys:
                futures.pop(key).release()
            yield batch
    finally:
        _end(client, list(futures.values()), sweep)


def _say_if_empty(client: Any, address: str) -> None:
    with suppress(OSError, TimeoutError):
        if not client.nthreads():
            warnings.warn(
                f"the scheduler {address} has no workers; the sweep waits for one "
                f"(`dask worker {address} --nthreads 1`)",
                RuntimeWarning,
                stacklevel=2,
            )


def _next(done: Any) -> list[str]:
    keys = []
    with suppress(queue.Empty):
        keys.append(done.get(timeout=_LOOK))
        while len(keys) < _MOST:
            keys.append(done.get_nowait())
    return keys


def _result(client: Any, future: Any, lost: SweepError) -> Reply:
    from distributed import CancelledError
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    if client.status != "running" or future.status in ("cancelled", "lost"):
        raise lost
    try:
        return future.result(timeout=60)
    except KilledWorker as error:
        message = " ".join(str(error).split())
        failure = {"type": "KilledWorker", "message": message, "traceback": []}
        return {"values": None, "error": failure, "seconds": 0.0}
    except (CancelledError, CommClosedError, TimeoutError):
        raise lost from None
    except Exception as error:
        if client.status != "running":
            raise lost from None
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise SweepError(
            f"a Dask worker cannot run the cells: {text}; finished cells are kept. Workers need "
            "the same attractory as this process"
        ) from None


def _end(client: Any, futures: list[Any], sweep: str) -> None:
    if client.status != "running":
        return
    with suppress(Exception):
        if futures:
            client.cancel(futures, force=True)
        client.run(close_pool, sweep, on_error="ignore")
