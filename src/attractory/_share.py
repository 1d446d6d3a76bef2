"""Work shared out in pieces: to this process, to JAX devices, or to a Dask cluster's workers.

A function of a piece and of what all pieces have in common is called once a piece; what is common
travels once to each worker. Threads drive devices, each computing on its own.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import jax

from attractory._cluster import connected

__all__ = ["DEVICES", "checked", "sharing"]

DEVICES = "devices"
_LOOK = 0.5  # seconds between two looks at who is there
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


def _workers(client: Any, address: str) -> dict[str, Any]:
    workers = client.nthreads()
    if not workers:
        raise ValueError(
            f"compute must be a scheduler with workers, got {address!r} without: start some with "
            f"`dask worker {address} --nthreads 1`"
        )
    return workers


def _on_workers(client: Any, address: str) -> Share:
    there: dict[int, Any] = {}  # what stays the same, by identity: the memory holds it meanwhile

    def once(call: Any, pieces: Sequence[Any], fixed: Any, fresh: Any) -> list[Any]:
        if id(fixed) not in there:
            there.clear()
            there[id(fixed)] = client.scatter(fixed, broadcast=True, hash=False)
        moved = client.scatter(fresh, broadcast=True, hash=False) if fresh is not None else None
        futures = [
            client.submit(call, piece, there[id(fixed)], moved, pure=False, retries=2)
            for piece in pieces
        ]
        return client.gather(futures)

    def share(call: Any, pieces: Sequence[Any], fixed: Any, fresh: Any) -> list[Any]:
        for left in reversed(range(_TRIES)):
            try:
                present = set(_workers(client, address))
                return _watched(client, present, lambda: once(call, pieces, fixed, fresh))
            except Exception as error:
                there.clear()
                if client.status != "running":
                    raise ConnectionError(
                        f"the scheduler {address} was lost; nothing is stored or changed: run it "
                        "again with a scheduler that is up, or with compute=None"
                    ) from None
                if left == 0 or not _was_loss(error):
                    raise
        raise AssertionError

    return share


def _watched(client: Any, present: set[str], work: Callable[[], list[Any]]) -> list[Any]:
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
    while True:
        try:
            good, value = done.get(timeout=_LOOK)
        except queue.Empty:
            if client.status != "running":
                raise ConnectionError("the scheduler was lost") from None
            if not present <= set(client.nthreads()):
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
