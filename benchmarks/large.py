"""60,000 digits in one memory, which no factorisation holds: time, residual, recall, memory.

    python benchmarks/large.py --data FOLDER [--rows 60000] [--memory FILE]

The rows are the 10,000 test digits of an MNIST folder, and the same moved by a pixel in five
directions. 1,000 cues of them, with noise of a tenth of their size, are recalled. The target is a
relative residual of 1e-6 in 30 minutes on two cores, in 16 GiB. With --memory it is kept in a file,
and recall alone is measured if there is one.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from _cues import noisy
from _results import keep

from attractory import AttractorMemory, load_memory, save_memory
from attractory.datasets import mnist

_MOVES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1))
_DIGITS = 10_000  # there are


def moved(images, down, right):
    """Images moved by a pixel, zeros behind them."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return padded[:, 1 - down : 29 - down, 1 - right : 29 - right]


def rows_of(folder, count):
    digits, _ = mnist(folder, "test", min(count, _DIGITS))
    images, moves = digits.reshape(-1, 28, 28), _MOVES[: -(-count // _DIGITS)]
    return np.concatenate([moved(images, *move) for move in moves]).reshape(-1, 784)[:count]


def store(rows, file):
    """Return the memory, and how storing went; from the file if it is there."""
    if file is not None and file.exists():
        return load_memory(file), f"from {file.name}"
    begun = time.perf_counter()
    memory = AttractorMemory(solver="cg").fit(rows)
    stored = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if file is not None:
        save_memory(memory, file)
    return memory, (
        f"stored in {stored / 60:.1f} minutes (target 30) by {memory.state_.store.steps} products "
        f"with the matrix, residual {memory.residual_:.1e} (target 1e-6), peak {peak:.1f} GiB "
        "(target 16)"
    )


def main(folder, count, file):
    rows = rows_of(folder, count)
    memory, how = store(rows, file)
    print(how, flush=True)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(memory), 1000, replace=False)
    wanted = memory.patterns_[chosen]
    cues = noisy(wanted, rows.mean(axis=0), 0.1, rng)
    begun = time.perf_counter()
    result = memory.recall(cues)
    took = time.perf_counter() - begun
    right = (result.pattern == chosen).mean()
    last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{len(memory):,} rows ({len(rows) - len(memory)} duplicates left out), automatic norm "
        f"{memory.norm_:.0f}: {how}. 1,000 cues at "
        f"noise 0.1 recalled in {took:.0f} s ({last:.1f} GiB): {100 * right:.1f} % right."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--memory", type=Path)
    given = parser.parse_args()
    text = main(given.data, given.rows, given.memory)
    print(text)
    keep("large", text)
