"""What recall costs beside exact search, and where the time goes.

    python benchmarks/price.py --data FOLDER [--rows 10000] [--memory FILE] [--kinds noise 1,block]

The rows are the test digits of an MNIST folder; of more than 10,000, the same moved by a pixel.
100 cues of each kind are recalled, and the row nearest to each is found by one product of matrices
in float32 and by scikit-learn's brute-force search, the three in turn; of each the least time of
some rounds. The target is 3 times the search, and 5 s for the first call.
"""

import argparse
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np
from _cues import cues as damaged
from _results import keep
from large import rows_of, store

import attractory.memory.estimator as estimator
from attractory.memory.cue_mending import CueMending
from attractory.memory.damage_evidence import DamageModels
from attractory.memory.shortlist import RowFrame, Shortlist
from attractory.memory.state import MemoryState

KINDS = ("noise 0.5", "noise 1", "block", "top half", "salt-and-pepper 0.5")
_CUES, _ROUNDS = 100, 3
STAGES = {
    "start of recall": (MemoryState, "beginnings"),
    "products with all rows": (RowFrame, "compared"),
    "white noise told": (CueMending, "nearest"),
    "confidence under noise": (CueMending, "of_noise"),
    "noise taken off": (MemoryState, "less_noise"),
    "mending": (CueMending, "mend"),
    "shortlist": (Shortlist, "of"),
    "models of damage": (DamageModels, "of"),
    "steps and the map": (estimator, "follow_anywhere"),
}


def watched(name, function, times):
    """The function, whose time is added to those of its name."""

    def timed(*args, **kwargs):
        begun = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            times[name] += time.perf_counter() - begun

    return timed


def taken(function):
    begun = time.perf_counter()
    found = function()
    return time.perf_counter() - begun, found


def of_kind(memory, rows, kind, searches, rng):
    """One line, and times of stages in ms a cue."""
    chosen = rng.choice(len(rows), _CUES, replace=False)
    cues = damaged(rows[chosen], (28, 28), kind)
    first, _ = taken(lambda: memory.recall(cues))
    least, times = defaultdict(lambda: np.inf), defaultdict(float)
    with ExitStack() as stack:
        for name, (owner, method) in STAGES.items():
            made = watched(name, getattr(owner, method), times)
            stack.enter_context(patch.object(owner, method, made))
        for _ in range(_ROUNDS):
            for name, search in searches.items():
                took, _ = taken(lambda search=search: search(np.asarray(cues, np.float32)))
                least[name] = min(least[name], took)
            took, result = taken(lambda: memory.recall(cues))
            least["recall"] = min(least["recall"], took)
    cost = {name: 1000 * value / _CUES for name, value in least.items()}
    ratios = ", ".join(f"{cost['recall'] / cost[name]:.1f} × {name}" for name in searches)
    searched = ", ".join(f"{name} {cost[name]:.2f}" for name in searches)
    line = (
        f"{kind:20s} recall {cost['recall']:6.2f} ms a cue ({searched}: {ratios}), first call "
        f"{first:.1f} s, right {(result.pattern == chosen).mean():.2f}"
    )
    return line, {name: 1000 * value / _CUES / _ROUNDS for name, value in times.items()}


def main(folder, count, file, kinds):
    from sklearn.neighbors import NearestNeighbors

    memory, how = store(rows_of(folder, count), file)
    rows = memory.patterns_
    single = np.asarray(rows, np.float32)
    squares = (single**2).sum(axis=1)
    brute = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(single)
    searches = {
        "product": lambda x: (2 * x @ single.T - squares).argmax(axis=1),
        "scikit-learn": lambda x: brute.kneighbors(x),
    }
    rng, lines, stages = np.random.default_rng(3), [], {}
    for kind in kinds:
        line, stages[kind] = of_kind(memory, rows, kind, searches, rng)
        lines.append(line)
        print(line, flush=True)
    lines.append(f"{'ms a cue':24s}" + "".join(f"{kind:>21s}" for kind in kinds))
    for name in STAGES:
        values = "".join(f"{stages[kind].get(name, 0.0):21.2f}" for kind in kinds)
        lines.append(f"{name:24s}{values}")
    print("\n".join(lines[len(kinds) :]))
    return f"{len(rows):,} rows, {how}\n" + "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--memory", type=Path)
    parser.add_argument("--kinds", default=",".join(KINDS))
    given = parser.parse_args()
    text = main(given.data, given.rows, given.memory, given.kinds.split(","))
    keep("price", f"```\n{text}\n```")
