"""Peak memory of storing patterns, in a separate process.

Linux's ru_maxrss goes on from the parent's, so the process's own high-water mark is read instead.
"""

import subprocess
import sys

_CHILD = """
import re, sys
from pathlib import Path
import numpy as np
from attractory.datasets import sphere
from attractory.memory.settings import MemorySettings
from attractory.memory.stored_map import KernelStore
from attractory.activations import activation
n = int(sys.argv[1])
x = sphere(n, 784, norm=150.0, seed=1)
settings = MemorySettings(activation("sigmoid"))
KernelStore(x[:600], x[:600], settings, measure_residual=False).map()  # compiles
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
before = peak()
store = KernelStore(x, x, settings, measure_residual=False)
store.map()
print(peak() - before)
"""


def peak_of_store(n):
    """Return the bytes that storing n patterns of dim 784 adds to the process's peak."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(n)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)
