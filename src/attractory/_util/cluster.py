"""A connection to a Dask scheduler, or an error that says why there is none."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["connected"]

_CONNECT = 8.0  # seconds until something must listen at the address
_ANSWER = 60.0  # seconds until it must have answered; a busy machine takes its time


@contextmanager
def connected(address: str, name: str = "scheduler") -> "Iterator[Client]":
    """Yield a client of a scheduler.

    Args:
        address: such as "tcp://host:8786".
        name: of the argument that holds it.

    Raises:
        ValueError: within ten seconds, if nothing listens at the address.
        ModuleNotFoundError: without `attractory[sweep]`.
    """
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
            _wait_until_reachable(address)
            client = Client(address, timeout=_ANSWER, set_as_default=False, name="attractory")
        except (OSError, TimeoutError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(hint.format(reason)) from None
        try:
            yield client
        finally:
            with suppress(Exception):
                client.close(timeout=2)


def _wait_until_reachable(address: str) -> None:
    """Raise OSError if nothing listens at an address, after some patience."""
    from distributed.comm.addressing import get_address_host_port

    host_and_port = get_address_host_port(address)
    begun = time.monotonic()
    while True:
        left = max(0.1, begun + _CONNECT - time.monotonic())
        try:
            socket.create_connection(host_and_port, timeout=left).close()
            return
        except OSError:
            if time.monotonic() - begun > _CONNECT:
                raise
            time.sleep(0.1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's log, which repeats what our messages say and reports each new attempt."""
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
