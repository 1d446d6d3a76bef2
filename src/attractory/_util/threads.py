"""LAPACK calls side by side: one eigenvalue problem gains next to nothing by a second thread."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["side_by_side"]


def side_by_side(function: Callable[[Any], Any], values: Iterable[Any]) -> Iterator[Any]:
    """Yield function(value), in order, in as many threads as BLAS would use; BLAS gets one each.

    Values are drawn one ahead of the threads, for they may be large.
    """
    blas = ThreadpoolController()
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
