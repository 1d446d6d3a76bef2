"""Threads of BLAS: one for each of several problems, and one in all for small ones."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

from attractory._util.machine import cores

__all__ = ["few_threads", "side_by_side", "threads"]

_SMALL = 1 << 25  # numbers in the rows times the cores

_lock = Lock()
_blocks = 0  # of code, in any thread, that want one thread of BLAS
_before: Any = None  # what gives it back those it had


def side_by_side(
    function: Callable[[Any], Any], values: Iterable[Any], workers: int | None = None
) -> Iterator[Any]:
    """Yield function(value), in order, in several threads; BLAS gets one in each.

    Values are drawn one ahead of the threads, for they may be large.

    Args:
        function: of one value.
        values: the values.
        workers: how many threads; None for as many as BLAS would use now.
    """
    workers = _used(_pools()[0]) if workers is None else workers
    if workers == 1:
        yield from map(function, values)
        return
    running: deque[Future] = deque()
    with _one_thread(), ThreadPoolExecutor(workers) as pool:
        for value in values:
            running.append(pool.submit(function, value))
            if len(running) > workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


@contextmanager
def few_threads(numbers: int, rows: int = 0) -> Iterator[None]:
    """Give BLAS one thread if rows have few numbers, and their kernel matrix has.

    Its threads wait busily for more, and those of XLA, which computes in between, wait for them: a
    factorisation of 100 rows then takes 20 ms in place of 0.2. What many threads gain on large rows
    two hardly do.
    """
    if max(numbers, rows**2) * cores() >= _SMALL:
        yield
        return
    with _one_thread():
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    """Give BLAS one thread, and those it had back when the last of such blocks ends.

    Blocks of several threads overlap: each for itself would give back what the other had set.
    """
    global _blocks, _before
    with _lock:
        if not _blocks:
            _before = _pools()[0].limit(limits=1)
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks:
                _before.restore_original_limits()


def threads() -> int:
    """Return how many threads BLAS was given by the user, or may use by itself."""
    return _pools()[1]


def _used(pools: ThreadpoolController) -> int:
    blas = [pool["num_threads"] for pool in pools.info() if pool["user_api"] == "blas"]
    return max([1, *blas])


@cache
def _pools() -> tuple[ThreadpoolController, int]:
    """Return what limits threads, and how many BLAS had before anything here limited them."""
    # SciPy has BLAS threads of its own.
    import scipy.linalg  # noqa: F401

    pools = ThreadpoolController()
    return pools, _used(pools)
