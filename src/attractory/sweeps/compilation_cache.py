"""A temporary folder in which the processes of all sweeps of this process share compiled code.

It is removed when this process ends, by SIGKILL too: a small process waits for that and removes it.
"""

import atexit
import subprocess
import sys
from contextlib import suppress
from functools import cache
from tempfile import mkdtemp

__all__ = ["shared_compilation"]

# It waits for a line, or for the end of the process that would write it; then processes that still
# write to the folder end too. SIGTERM is often sent to all processes at once.
_REMOVE = """
import os, shutil, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.buffer.readline()
for _ in range(100):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    if not os.path.exists(sys.argv[1]):
        break
    time.sleep(0.1)
"""


@cache
def shared_compilation() -> dict[str, str]:
    """Return the variable that names the folder to JAX; none where no folder can be made.

    Without it, compiling what another process has compiled would take half the time of small cells.
    """
    try:
        folder = mkdtemp(prefix="attractory-")
    except OSError:
        return {}
    remover = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _REMOVE, folder],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    atexit.register(_remove, remover)
    return {"JAX_COMPILATION_CACHE_DIR": folder}


def _remove(remover: "subprocess.Popen[bytes]") -> None:
    with suppress(OSError):
        remover.communicate(b"\n", timeout=15)
