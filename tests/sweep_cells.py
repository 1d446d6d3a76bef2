"""Functions that the tests of sweeps call, in a file of their own: other processes import them."""

import os
import signal
import time
from pathlib import Path

import numpy as np


def note(log, name):
    """Append a line: a single write, whole even if several processes write."""
    if log:
        with open(log, "ab", buffering=0) as file:
            file.write(f"{name}\n".encode())


def counts(log):
    lines = Path(log).read_text().split() if Path(log).exists() else []
    return {name: lines.count(name) for name in lines}


def walk(*, x, seed=0, log="", seconds=0.0, gate=""):
    """A random walk scaled by x; fails at x = 3, after it has waited for a file `gate`."""
    note(log, f"{x}-{seed}")
    time.sleep(seconds)
    while gate and x == 3 and not Path(gate).exists():
        time.sleep(0.01)
    if x == 3:
        raise ArithmeticError("three is\nrefused")
    steps = np.random.default_rng(seed).standard_normal((2, 50)) * x
    return {"end": float(steps.sum()), "steps": steps.cumsum(axis=1), "name": f"wälk {x}"}


def kinds():
    return {
        "nan": float("nan"), "least": -float("inf"), "zero": -0.0, "big": 2**80, "flag": True,
        "text": "é\0\n", "single": np.float32(0.1), "bits": np.array([np.nan, -0.0, 5e-324]),
        "order": np.arange(6).reshape(2, 3).T, "complex": np.array([1 + 2j]),
        "empty": np.empty((0, 3), np.uint8), "names": np.array(["a", "bc"]), "point": np.array(2.5),
        "[1]": "[1]",
    }  # fmt: skip


def bad(*, kind):
    return {"list": [1], "dict": {"a": [1]}, "object": {"a": np.array([None])}, "key": {1: 2}}[kind]


def compiles(*, k):
    """Writes to the folder of compiled code, as JAX does."""
    folder = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    for part in range(5):
        (folder / f"{k}-{part}").touch()
    return {"k": k}


def dies(*, folder, once):
    """Dies as if memory had run out; with `once`, only the first time."""
    note(f"{folder}/log", "start")
    mark = Path(folder, "mark")
    if not (once and mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"lived": True}


def surroundings(*, name):
    from threadpoolctl import threadpool_info

    print("on stdout, where the replies must not be")
    matrix = np.random.default_rng(0).standard_normal((300, 784))
    return {
        "threads": max(pool["num_threads"] for pool in threadpool_info()),
        "variable": os.environ.get(name, ""),
        "product": matrix @ matrix.T,
        "hash": hash("attractory"),
    }
