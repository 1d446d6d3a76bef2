"""A connection to a Dask scheduler, or a line that says why there is none."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["connected"]

_CONNECT = 8.0  # seconds


@contextmanager
def connected(address: str, name: str = "scheduler") -> Iterator[Any]:
    """Yield a client of a scheduler, or say within ten seconds that there is none."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{name} needs Dask's distributed: pip install 'attractory[sweep]'"
        ) from None
    hint = (
        f"{name} must be the address of a running Dask scheduler, got {address!r}: {{}}; "
        "`dask scheduler` starts one and prints its address, "
        "`dask worker ADDRESS --nthreads 1` a worker"
    )
    if not isinstance(address, str) or "://" not in address:
        raise ValueError(hint.format("it does not look like tcp://host:8786"))
    with _quiet():
        try:
            client = Client(address, timeout=_CONNECT, set_as_default=False, name="attractory")
        except (OSError, TimeoutError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(hint.format(reason)) from None
        try:
            yield client
        finally:
            with suppress(Exception):
                client.close(timeout=2)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from telling what we tell: it logs each try to connect again."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    children = [
        each
        for name, each in logging.root.manager.loggerDict.items()
        if name.startswith("distributed.") and isinstance(each, logging.Logger) and each.level
    ]
    levels = [each.level for each in children]
    for each in children:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
        for each, level in zip(children, levels, strict=True):
            each.setLevel(level)
