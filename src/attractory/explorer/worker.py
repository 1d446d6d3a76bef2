"""A thread in which a newer request takes the place of those that wait, and of the one that runs.

A slider sends more settings than can be computed: only the last one is of use.
"""

import threading
from collections.abc import Callable

__all__ = ["Latest", "Stale", "Work"]


class Stale(Exception):
    """A newer request came; what was being computed is of no use."""


Work = Callable[[Callable[[], None]], object]  # is given a function that raises `Stale`


class Latest:
    """A thread that does the work submitted last.

    Args:
        name: of the thread.
        failed: called in the thread with what a work raised, `Stale` excepted.
    """

    def __init__(self, name: str, failed: Callable[[Exception], object]):
        self._failed = failed
        self._changed = threading.Condition()
        self._waiting: Work | None = None
        self._running = self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._begun = False

    def submit(self, work: Work) -> None:
        """Do the work next; what waits is dropped, what runs is told at its next check."""
        with self._changed:
            self._waiting = work
            self._changed.notify_all()
            if not self._begun:  # a page that nobody looks at needs no thread
                self._begun = True
                self._thread.start()

    def close(self, seconds: int | float = 0.0) -> bool:
        """End the thread after what runs; return whether it ended in so many seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            if not self._begun:
                return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def idle(self, seconds: int | float) -> bool:
        """Wait until nothing runs or waits; return whether that was so in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._running or self._waiting), seconds)

    def _check(self) -> None:
        if self._waiting is not None or self._closed:
            raise Stale

    def _run(self) -> None:
        while True:
            with self._changed:
                self._running = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting is not None or self._closed)
                if self._closed:
                    return
                work, self._waiting, self._running = self._waiting, None, True
            try:
                if work is not None:
                    work(self._check)
            except Stale:
                pass
            except Exception as error:
                self._failed(error)
