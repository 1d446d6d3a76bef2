"""Recall from a few coordinates that are told: shares of rows found, and the searches beside it.

    python benchmarks/told.py --digits FOLDER --fashion FOLDER [--rows 50 1000] [--cues 200]

1/2 … 1/16 of the pixels are known, drawn at random for each cue; the rest is unknown. The memory
gets them by `recall(cues, known)`, the searches compare the known pixels. A cue counts if it is
brought to within 1 % of its row, for a search if the row is found. FOLDER has IDX files of the
MNIST family; the test set is read.
"""

import argparse
from pathlib import Path

import numpy as np

from attractory import AttractorMemory
from attractory.datasets import mnist


def searched(rows: np.ndarray, cues: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rows that searches over the known coordinates find."""
    out = {name: np.empty(len(cues), int) for name in ("Euclid", "Pearson", "Manhattan")}
    for k, (cue, told) in enumerate(zip(cues, known, strict=True)):
        x, some = cue[told], rows[:, told]
        out["Euclid"][k] = ((some - x) ** 2).sum(axis=1).argmin()
        out["Manhattan"][k] = np.abs(some - x).sum(axis=1).argmin()
        apart = some - some.mean(axis=1, keepdims=True)
        length = np.maximum(np.linalg.norm(apart, axis=1), 1e-12)
        out["Pearson"][k] = (apart @ (x - x.mean()) / length).argmax()
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--fashion", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[50, 1000])
    parser.add_argument("--cues", type=int, default=200)
    arguments = parser.parse_args()
    heads = "data", "pixels told", "memory", "known", "Euclid", "Pearson", "Manhattan"
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for name in ("digits", "fashion"):
        for count in arguments.rows if getattr(arguments, name) else ():
            rows = mnist(getattr(arguments, name), "test", 2000 + count)[0][2000:]
            memory = AttractorMemory().fit(rows)
            for part in (2, 4, 8, 16):
                rng = np.random.default_rng(part)
                home = np.resize(rng.permutation(count), arguments.cues)
                known = rng.random((arguments.cues, 784)) < 1 / part
                result = memory.recall(np.where(known, rows[home], 0), known)
                away = np.linalg.norm(result.state - rows[home], axis=1)
                there = away <= 0.01 * np.linalg.norm(rows[home] - rows.mean(axis=0), axis=1)
                found = searched(rows, rows[home], known)
                cells = [
                    f"{name}, n = {count:,}", f"1/{part}", f"{there.mean():.3f}",
                    f"{result.known.mean():.3f}",
                    *(f"{(row == home).mean():.3f}" for row in found.values()),
                ]  # fmt: skip
                print("| " + " | ".join(cells) + " |", flush=True)
