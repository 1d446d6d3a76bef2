"""Processes that compute cells, each with one thread, so that results do not depend on the cores.

The last bits of a long sum depend on how many threads share it. Every cell is therefore computed by
a process with one thread, started here or by a Dask worker; as many run as there are cores. They
are started afresh, not forked, with the variables below set before NumPy or JAX load.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from multiprocessing import Pipe
from queue import SimpleQueue

from attractory.sweeps.compilation_cache import shared_compilation
from attractory.sweeps.store import Reply, SweepError
from attractory.sweeps.worker import Request

__all__ = ["ONE_THREAD", "Pool", "environment", "run_local"]

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "NPROC": "1",  # XLA's own threads
}


def environment() -> dict[str, str]:
    """Return the variables that decide a cell's bits, from this process: for workers anywhere.

    Workers use the CPU unless JAX_PLATFORMS says otherwise: several would share one accelerator.
    """
    ours = {k: v for k, v in os.environ.items() if k.startswith("JAX_") or k == "XLA_FLAGS"}
    return {"JAX_PLATFORMS": "cpu", **ours, **ONE_THREAD, "PYTHONHASHSEED": "0"}


class _WorkerDied(Exception):
    pass


class _Stopped(Exception):
    pass


class _Worker:
    """A process that computes cells, seen from the one that started it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith("JAX_") and k != "XLA_FLAGS"
        }
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "attractory.sweeps.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**inherited, **variables, "PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C reaches only the driver, which ends its workers
            )

    def wait_until_ready(self) -> None:
        try:
            self._connection.recv()
        except (EOFError, OSError):
            raise SweepError(
                f"a worker process cannot start: {sys.executable} -m attractory.sweeps.worker "
                f"{self.end()}"
            ) from None

    def ask(self, request: Request) -> Reply:
        try:
            self._connection.send(request)
            return self._connection.recv()
        except (EOFError, OSError):
            raise _WorkerDied(self.end()) from None

    def end(self) -> str:
        """Wait for the end of the process and say how it ended."""
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

    def kill(self) -> None:
        """End the process, which holds nothing that would be lost."""
        self._process.kill()

    def close(self) -> None:
        """End the process and wait until it has ended."""
        self._process.kill()
        self._process.wait()
        self._connection.close()


class Pool:
    """Worker processes that start on demand, one for each thread that asks at a time."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Take the variables of `environment`."""
        shared = {} if "JAX_COMPILATION_CACHE_DIR" in variables else shared_compilation()
        # JAX would not keep what compiles in less than a second.
        always = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        self._variables = {**always, **shared, **variables}
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._stopped = False
        self.used = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether a cell is being computed."""
        return len(self._all) > len(self._idle)

    def run(self, request: Request) -> Reply:
        """Compute a cell; if the process dies, once more; then it is a failed cell."""
        begun = time.perf_counter()
        deaths = []
        while len(deaths) < 2:
            worker = self._take()
            try:
                reply = worker.ask(request)
            except _WorkerDied as death:
                with self._lock:
                    self._all.discard(worker)
                    if self._stopped:
                        raise _Stopped from None
                deaths.append(str(death))
                continue
            with self._lock:
                self._idle.append(worker)
                self.used = time.monotonic()
            return reply
        message = f"the process {deaths[0]}, and on a second try {deaths[1]}"
        if any("SIGKILL" in death for death in deaths):
            message += "; the system does so when memory runs out"
        error = {"type": "WorkerDied", "message": message, "traceback": []}
        return {"values": None, "error": error, "seconds": time.perf_counter() - begun}

    def _take(self) -> _Worker:
        with self._lock:
            if self._stopped:
                raise _Stopped
            if self._idle:
                return self._idle.pop()
            worker = _Worker(self._variables)
            self._all.add(worker)
        worker.wait_until_ready()
        return worker

    def stop(self) -> None:
        """End all processes, busy ones too."""
        with self._lock:
            self._stopped = True
            for worker in self._all:
                worker.kill()
            for worker in self._idle:
                worker.close()


def run_local(
    requests: Mapping[str, Request], workers: int, variables: Mapping[str, str]
) -> Iterator[list[tuple[str, Reply]]]:
    """Yield keys and replies of requests as they end: those that have ended since the last ones.

    They count as stored when the next ones are asked for.
    """
    workers = min(workers, len(requests))
    # Neighbours are alike: started apart, what one process compiles the others find.
    every = -(-len(requests) // workers)
    items = list(requests.items())
    pending = iter([item for k in range(every) for item in items[k::every]])
    pool, threads = Pool(variables), ThreadPoolExecutor(workers)
    running: dict[Future[Reply], str] = {}
    # Ctrl-C within `concurrent.futures.wait` leaves locks taken, for which the threads wait.
    over: SimpleQueue[Future[Reply]] = SimpleQueue()
    try:
        while True:
            # A kill of this process costs the cells not stored yet: no more than two a worker.
            for key, request in islice(pending, 2 * workers - len(running)):
                future = threads.submit(pool.run, request)
                running[future] = key
                future.add_done_callback(over.put)
            if not running:
                return
            ended = [over.get()]
            while not over.empty():
                ended.append(over.get())
            yield [(running.pop(future), future.result()) for future in ended]
    except KeyboardInterrupt:
        yield [(key, future.result()) for future, key in running.items() if _succeeded(future)]
        raise
    finally:
        pool.stop()
        threads.shutdown(cancel_futures=True)


def _succeeded(future: "Future[Reply]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
