"""A bar for what takes long: on a terminal by default, or a function of the caller's own."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["counting", "reporting"]

_BAR_AFTER = 2.0  # seconds


@contextmanager
def reporting(
    progress: bool | Callable[..., object] | None,
    label: str,
    describe: Callable[..., tuple[float, float, str]],
) -> Iterator[Callable[..., object]]:
    """Yield a function that shows its arguments.

    Args:
        progress: True or False for a bar; None for one on a terminal if the run takes long; or a
            function, which is called with the arguments themselves.
        label: the bar's first words.
        describe: the part done, the whole, and a text, from the arguments.
    """
    if callable(progress):
        yield progress
        return
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield lambda *values: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
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


def counting(done: int, total: int) -> tuple[float, float, str]:
    """Describe a run by what is done of how many."""
    return float(done), float(total), f"{done:,} of {total:,}"
