"""Peak memory of storing patterns, in a process of its own."""

import subprocess
import sys

_CHILD = """
import resource, sys
import numpy as np
from attractory import sphere
from attractory._store import KernelStore
from attractory.activations import activation
n = int(sys.argv[1])
x = sphere(n, 784, norm=150.0, seed=1)
KernelStore(x[:600], x[:600], activation("sigmoid"), 2, 0.0, passed=True).map()  # compiles
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store = KernelStore(x, x, activation("sigmoid"), 2, 0.0, passed=True)
store.map()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def peak_of_store(n):
    """Return the bytes that storing n patterns of dim 784 adds to the process's peak."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(n)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)
