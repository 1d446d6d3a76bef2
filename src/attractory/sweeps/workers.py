"""Processes that compute cells: each with one thread, so that bits depend on nobody's cores.

The sum of a long product depends on how many threads share it. Every cell is therefore computed by
a process of our own with one thread, here and on a Dask cluster alike; as many run as there are
cores. They are started afresh, not forked, with the variables below set before NumPy or JAX load.
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

from attractory.sweeps.store import Reply, SweepError
from attractory.sweeps.worker import receive, send

__all__ = ["ONE_THREAD", "Pool", "cores", "environment", "run_local"]

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "NPROC": "1",  # XLA's own threads
}


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment() -> dict[str, str]:
    """Return the variables that decide a cell's bits, the driver's: for workers wherever they are.

    Workers use the CPU unless JAX_PLATFORMS says otherwise: several would share one accelerator.
    """
    ours = {k: v for k, v in os.environ.items() if k.startswith("JAX_") or k == "XLA_FLAGS"}
    return {"JAX_PLATFORMS": "cpu", **ours, **ONE_THREAD, "PYTHONHASHSEED": "0"}


@cache
def _compiled_once() -> dict[str, str]:
    """Return variables by which our processes share what they compile, until this one ends.

    Half the time of small cells would else be one process compiling what another has.
    """
    try:
        folder = TemporaryDirectory(prefix="attractory-")
    except OSError:  # no place for it: then each compiles for itself
        return {}
    atexit.register(folder.cleanup)
    return {
        "JAX_COMPILATION_CACHE_DIR": folder.name,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


class _WorkerDied(Exception):
    pass


class _Stopped(Exception):
    pass


class _Child:
    def __init__(self, variables: Mapping[str, str]) -> None:
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith("JAX_") and k != "XLA_FLAGS"
        }
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "attractory.sweeps.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**inherited, **variables, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the driver, which then ends its workers
        )

    def wait_until_ready(self) -> None:
        try:
            receive(self._process.stdout)  # pyright: ignore[reportArgumentType]
        except (EOFError, OSError):
            raise SweepError(
                f"a worker process cannot start: {sys.executable} -m attractory.sweeps.worker "
                f"{self.end()}"
            ) from None

    def ask(self, request: Any) -> Reply:
        try:
            send(self._process.stdin, request)  # pyright: ignore[reportArgumentType]
            return receive(self._process.stdout)  # pyright: ignore[reportArgumentType]
        except (EOFError, OSError):
            raise _WorkerDied(self.end()) from None

    def end(self) -> str:
        """Reap the process and say how it died."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        self.close()
        if code is None:
            return "stopped answering"
        if code >= 0:
            return f"ended with status {code}"
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"was killed by signal {-code}"

    def close(self) -> None:
        """End the process at once: it holds nothing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError, AttributeError):
                stream.close()  # pyright: ignore[reportOptionalMemberAccess]

    def kill(self) -> None:
        self._process.kill()


class Pool:
    """Worker processes that start on demand, one for each thread that asks at a time."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Take the variables of `environment`."""
        self._variables = {**_compiled_once(), **variables}
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._stopped = False
        self.used = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether a cell is being computed."""
        return len(self._all) > len(self._idle)

    def run(self, request: Any) -> Reply:
        """Compute a cell; if the process dies, once more; then it is a failed cell."""
        begun = time.perf_counter()
        deaths = []
        while len(deaths) < 2:
            child = self._take()
            try:
                reply = child.ask(request)
            except _WorkerDied as death:
                with self._lock:
                    self._all.discard(child)
                    if self._stopped:
                        raise _Stopped from None
                deaths.append(str(death))
                continue
            with self._lock:
                self._idle.append(child)
                self.used = time.monotonic()
            return reply
        message = f"the process {deaths[0]}, and on a second try {deaths[1]}"
        if any("SIGKILL" in death for death in deaths):
            message += "; the system does so when memory runs out"
        error = {"type": "WorkerDied", "message": message, "traceback": []}
        return {"values": None, "error": error, "seconds": time.perf_counter() - begun}

    def _take(self) -> _Child:
        with self._lock:
            if self._stopped:
                raise _Stopped
            if self._idle:
                return self._idle.pop()
            child = _Child(self._variables)
            self._all.add(child)
        child.wait_until_ready()
        return child

    def stop(self) -> None:
        """End all processes, busy ones too."""
        with self._lock:
            self._stopped = True
            for child in self._all:
                child.kill()
            for child in self._idle:
                child.close()


def waiting(done: SimpleQueue[Any]) -> list[Any]:
    """Return all that is in a queue, at least one thing; raise an exception that is."""
    batch = [done.get()]
    with suppress(Empty):
        while True:
            batch.append(done.get_nowait())
    for item in batch:
        if isinstance(item, Exception):
            raise item
    return batch


def run_local(
    requests: Mapping[str, Any], workers: int, variables: Mapping[str, str]
) -> Iterator[list[tuple[str, Reply]]]:
    """Yield keys and replies of requests as they end: what has ended since the last ones.

    They count as stored when the next ones are asked for.
    """
    workers = min(workers, len(requests))
    # Neighbours are alike: started apart, what one process compiles the others find.
    every = -(-len(requests) // workers)
    items = list(requests.items())
    pending, done = deque(x for k in range(every) for x in items[k::every]), SimpleQueue[Any]()
    pool = Pool(variables)
    # A sudden death costs the cells that are not stored: no more than two a worker.
    room = threading.Semaphore(2 * workers)

    def serve() -> None:
        with suppress(_Stopped, IndexError):
            while True:
                room.acquire()
                key, request = pending.popleft()
                try:
                    done.put((key, pool.run(request)))
                except _Stopped:
                    raise
                except Exception as error:
                    done.put(error)
                    return

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    try:
        for thread in threads:
            thread.start()
        left = len(requests)
        while left:
            batch = waiting(done)
            yield batch
            left -= len(batch)
            room.release(len(batch))
    except KeyboardInterrupt:
        if not done.empty():
            yield waiting(done)  # what has ended is kept
        raise
    finally:
        pool.stop()
        pending.clear()
        room.release(workers)  # to those who wait for it
        for thread in threads:
            thread.join(5)
