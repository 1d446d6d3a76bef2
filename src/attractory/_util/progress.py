"""Progress of long runs: a bar on a terminal, or a function of the caller's own.

Every public function with an argument `progress` takes a `Progress`:

* None, the default: a bar on standard error if that is a terminal and the run takes over 2 seconds.
* True: a bar at once, also where standard error is no terminal. False: nothing.
* A function: it is called as the run goes on, with the numbers that the docstring names.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from typing_extensions import TypeAliasType

__all__ = ["Progress", "Stderr", "counting", "in_parts", "pacing", "reporting"]

Progress = TypeAliasType("Progress", bool | Callable[..., object] | None)

_BAR_AFTER = 2.0  # seconds


@contextmanager
def reporting(
    progress: Progress,
    label: str,
    describe: Callable[..., tuple[float, float, str]],
) -> Iterator[Callable[..., object]]:
    """Yield a function that shows its arguments.

    Args:
        progress: see the top of this file; a function is called with the arguments themselves.
        label: the bar's first words.
        describe: the part done, the whole, and a text, from the arguments.
    """
    if callable(progress):
        yield progress
        return
    stream: Any = Stderr(sys.stderr)
    if progress is False or (progress is None and not stream.isatty()):
        yield lambda *values: None
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.TimeElapsedColumn())
    bar = rich.Progress(*columns, console=Console(file=stream), transient=True)
    task, begun, shown = bar.add_task(label), time.perf_counter(), False

    def show(*values: Any) -> None:
        nonlocal shown
        if not shown and (progress or time.perf_counter() - begun > _BAR_AFTER):
            bar.start()
            shown = True
        done, total, text = describe(*values)
        bar.update(task, total=total, completed=done, description=f"{label}: {text}")

    try:
        yield show
    finally:
        if shown:
            bar.stop()


class Stderr:
    """Standard error, whatever stands there: nothing (as under pythonw), a closed file, a logger.

    What shows progress never ends the work.
    """

    def __init__(self, stream: Any) -> None:
        """Take what stands for standard error."""
        self._stream = stream
        self.encoding = "utf-8"
        with suppress(Exception):
            self.encoding = str(stream.encoding or "utf-8")

    def isatty(self) -> bool:
        """Whether it says that it is a terminal."""
        with suppress(Exception):
            return bool(self._stream.isatty())
        return False

    def fileno(self) -> int:
        """Return its descriptor, if it has one."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write, if it can be written to."""
        with suppress(Exception):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if it can be flushed."""
        with suppress(Exception):
            self._stream.flush()


def counting(done: int, total: int) -> tuple[float, float, str]:
    """Describe a run by what is done of how many."""
    return float(done), float(total), f"{done:,} of {total:,}"


def in_parts(done: int, total: int, what: str) -> tuple[float, float, str]:
    """Describe a run by what is being done, and which part of how many that is."""
    return float(done), float(total), f"part {min(done + 1, total)} of {total}, {what}"


def pacing() -> Callable[[int, int], tuple[float, float, str]]:
    """Return a description of what is done of how many and of the time left at the pace so far.

    The first call tells what was done before the clock started.
    """
    begun: list[tuple[float, int]] = []

    def describe(done: int, total: int) -> tuple[float, float, str]:
        part, whole, text = counting(done, total)
        now = time.perf_counter()
        if not begun:
            begun.append((now, done))
        start, before = begun[0]
        if done > before and done < total:
            text += f", {_duration((now - start) / (done - before) * (total - done))} left"
        return part, whole, text

    return describe


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
