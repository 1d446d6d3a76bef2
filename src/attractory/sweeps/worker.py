"""A process that computes cells, one after the other, for the process that started it.

    python -m attractory.sweeps.worker

Requests come on stdin and replies go to what was stdout, each a pickle after its length. The
environment it is started with fixes the number of threads; see `_workers`.
"""

import os
import pickle
import queue
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

__all__ = ["compute", "receive", "send"]

_FRAMES = 4  # of a traceback, the innermost
_MESSAGE = 2000  # characters


def send(stream: BinaryIO, message: Any) -> None:
    """Write one message."""
    content = pickle.dumps(message)
    stream.write(struct.pack("<Q", len(content)) + content)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; EOFError where the other side has gone."""
    head = _exactly(stream, 8)
    return pickle.loads(_exactly(stream, struct.unpack("<Q", head)[0]))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if content is None or len(content) < size:
        raise EOFError
    return content


def compute(function: Callable[..., Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return a cell's encoded values, or its error, and the seconds it took."""
    from time import perf_counter

    from attractory.sweeps.values import encode

    begun, values, error = perf_counter(), None, None
    try:
        values = encode(function(**settings))
    except (Exception, SystemExit) as caught:
        error = _describe(caught)
    return {"values": values, "error": error, "seconds": perf_counter() - begun}


def _describe(error: BaseException) -> dict[str, Any]:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is ours
    return {
        "type": type(error).__name__,
        "message": str(error)[:_MESSAGE],
        "traceback": [
            f"{os.path.basename(f.filename)}:{f.lineno} in {f.name}: {f.line}"
            for f in frames[-_FRAMES:]
        ],
    }


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from attractory.sweeps.functions import Reference, code_version, load

    for entry in request["path"]:
        if entry not in sys.path and os.path.exists(entry):
            sys.path.append(entry)
    reference = Reference(*request["function"])
    try:
        function = load(reference)
    except (ValueError, TypeError) as error:
        return {"refused": str(error)}
    expected = request["version"]
    if expected is not None and _version_of(reference, code_version) != expected:
        return {
            "refused": "its code is of another version than that of the process which drives the "
            "sweep; give all the same attractory and the same file of the function"
        }
    return compute(function, request["settings"])


_VERSIONS: dict[Any, str] = {}


def _version_of(reference: Any, code_version: Callable[..., str]) -> str:
    # Once: what was loaded stays loaded when its file changes.
    if reference not in _VERSIONS:
        _VERSIONS[reference] = code_version(reference)
    return _VERSIONS[reference]


def _main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a cell prints must not meet the replies
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                requests.put(receive(sys.stdin.buffer))
        except Exception:
            os._exit(0)  # the driver has gone, by whatever death: nobody waits for the cell

    threading.Thread(target=listen, daemon=True).start()
    try:
        send(out, {"ready": True})
        while True:
            send(out, _answer(requests.get()))
    except OSError:  # gone while we wrote
        os._exit(0)


if __name__ == "__main__":
    _main()
