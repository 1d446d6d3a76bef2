"""Threads of BLAS: one for each of several problems, and one in all for small ones."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

from attractory._util.machine import cores

__all__ = ["few_threads", "side_by_side"]

_SMALL = 1 << 25  # numbers in the rows times the cores


def side_by_side(function: Callable[[Any], Any], values: Iterable[Any]) -> Iterator[Any]:
    """Yield function(value), in order, in as many threads as BLAS would use; BLAS gets one each.

    Values are drawn one ahead of the threads, for they may be large.
    """
    blas = _pools()
    workers = max([1, *(pool["num_threads"] for pool in blas.info())])
    if workers == 1:
        yield from map(function, values)
        return
    running: deque[Future] = deque()
    with blas.limit(limits=1), ThreadPoolExecutor(workers) as pool:
        for value in values:
            running.append(pool.submit(function, value))
            if len(running) > workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


@contextmanager
def few_threads(numbers: int) -> Iterator[None]:
    """Give BLAS one thread if the rows have few numbers.

    Its threads wait busily for more, and those of XLA, which computes in between, wait for them: a
    factorisation of 100 rows then takes 20 ms in place of 0.2. What many threads gain on large rows
    two hardly do.
    """
    if numbers * cores() >= _SMALL:
        yield
        return
    with _pools().limit(limits=1):
        yield


@cache
def _pools() -> ThreadpoolController:
    # SciPy has BLAS threads of its own.
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
