"""A process that computes cells, one after the other, for the process that started it.

    python -m attractory.sweeps.worker DESCRIPTOR

Requests and replies go over a socket that it inherits. The environment it is started with fixes
the number of threads; see `workers`.
"""

import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Request", "compute"]

# "function", "settings", "version" with the "modules" it is a digest of, and "path" for imports
Request = Mapping[str, Any]

_FRAMES = 4  # of a traceback, the innermost
_MESSAGE = 2000  # characters


def compute(function: Callable[..., object], settings: Mapping[str, object]) -> dict[str, Any]:
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

    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is that of `compute`
    return {
        "type": type(error).__name__,
        "message": str(error)[:_MESSAGE],
        "traceback": [
            f"{os.path.basename(f.filename)}:{f.lineno} in {f.name}: {f.line}"
            for f in frames[-_FRAMES:]
        ],
    }


def _answer(request: Request) -> dict[str, Any]:
    from attractory.sweeps.functions import Reference, load

    for entry in request["path"]:
        if entry not in sys.path and os.path.exists(entry):
            sys.path.append(entry)
    reference = Reference(*request["function"])
    try:
        function = load(reference)
    except (ValueError, TypeError) as error:
        return {"refused": str(error)}
    modules = request["modules"]
    if modules and _version(reference.home, reference.name, modules) != request["version"]:
        return {
            "refused": "its code is of another version than that of the process which drives the "
            "sweep; give all the same attractory and the same file of the function"
        }
    return compute(function, request["settings"])


_VERSIONS: dict[tuple[str, str, tuple[str, ...]], str] = {}


def _version(home: str, name: str, modules: tuple[str, ...]) -> str:
    # Once, when it is first loaded: the process does not see later edits of a file.
    from attractory.sweeps.functions import Reference
    from attractory.sweeps.versions import digest

    key = home, name, modules
    if key not in _VERSIONS:
        _VERSIONS[key] = digest(Reference(home, name), modules)
    return _VERSIONS[key]


def _main() -> None:
    from multiprocessing.connection import Connection

    driver = Connection(int(sys.argv[1]))
    os.dup2(2, 1)  # what a cell prints goes to stderr
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                requests.put(driver.recv())
        except Exception:
            os._exit(0)  # the process that started this one has ended: nobody needs the cell

    threading.Thread(target=listen, daemon=True).start()
    try:
        driver.send({"ready": True})
        while True:
            driver.send(_answer(requests.get()))
    except OSError:  # it ended while we wrote
        os._exit(0)


if __name__ == "__main__":
    _main()
