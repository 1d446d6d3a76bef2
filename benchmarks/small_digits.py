"""Digits of 8 × 8 pixels beside simple searches, under the six kinds of damage of `_cues.HEADLINE`.

    python benchmarks/small_digits.py [--rows 100 1000] [--cues 200]

Share of cues that the memory brings to within 1 % of their row, and share of the searches that find
the row. Of 64 coordinates too little is known to tell kinds of damage apart by.
"""

import argparse
import time
import warnings

import numpy as np
from _cues import HEADLINE, cues
from damage import searches
from sklearn.datasets import load_digits

from attractory import AttractorMemory

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--cues", type=int, default=200)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    digits = load_digits().data / 16
    for count in given.rows:
        rows = digits[np.random.default_rng(0).permutation(len(digits))[:count]]
        begun = time.perf_counter()
        memory = AttractorMemory().fit(rows)
        shares = {}
        for kind in HEADLINE:
            draws = -(-given.cues // count)
            made = cues(rows, (8, 8), kind, draws)
            home = np.tile(np.arange(count), draws)
            some = np.random.default_rng(1).permutation(len(made))[: given.cues]
            made, home = made[some], home[some]
            shares[kind] = {"memory": (memory.recall(made).pattern == home).mean()} | {
                name: (found == home).mean() for name, found in searches(rows, made).items()
            }
        names = list(shares[HEADLINE[0]])
        print(f"\nn = {count:,}, {time.perf_counter() - begun:.0f} s\n")
        print("| damage | " + " | ".join(names) + " |\n" + "|---" * (1 + len(names)) + "|")
        for kind, row in shares.items():
            print(f"| {kind} | " + " | ".join(f"{row[k]:.2f}" for k in names) + " |")
        mean = (np.mean([row[k] for row in shares.values()]) for k in names)
        print("| mean | " + " | ".join(f"{v:.3f}" for v in mean) + " |", flush=True)
