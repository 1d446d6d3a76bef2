"""Recall by kind of corruption, beside other memories and plain search, from the same cues.

    python benchmarks/baselines.py --data FOLDER   # an MNIST folder; minutes
    python benchmarks/baselines.py --quick         # bundled digits, 20 and 100 of them

A cue counts if the state is within 1 % of its row (for search: if the row found is its own; for the
classical Hopfield network: if all signs are). β of the modern Hopfield network is the best of seven
for these very cues and this n. Cells are kept in benchmarks/.cells and not computed twice.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from _cues import FURTHER, HEADLINE, cues, nearest, unit
from _memory_figures import draw
from _results import keep
from sklearn.datasets import load_digits

from attractory import AttractorMemory
from attractory._util.statistics import clopper_pearson
from attractory.bench import Hopfield, UniversalHopfield, similarities
from attractory.datasets import bundled_digits, mnist

BETAS = (1, 3, 10, 30, 100, 300, 1000)
MEMORY, PLAIN = "AttractorMemory", "single norm, no metric"
IN_PIXELS = {
    "nearest, Euclidean": similarities.euclid,
    "nearest, Pearson": similarities.pearson,
    "nearest, Manhattan": similarities.manhattan,
}
SEARCH = (*IN_PIXELS, "nearest, cosine", "nearest, metric")
CONTENDERS = (
    MEMORY, PLAIN, *SEARCH, "modern Hopfield", "modern Hopfield, metric", "Hopfield, signs"
)  # fmt: skip
_CELLS = Path(__file__).parent / ".cells"
_MANY = 500  # rows from which the single-norm memory gets fewer cells and cues
_SLOW_CUES = 200


class Stores:
    """Every contender with the same rows stored."""

    def __init__(self, rows, shape):
        self.rows, self.shape, self.mean = rows, shape, rows.mean(axis=0)
        self.memory = AttractorMemory().fit(rows)
        self.plain = AttractorMemory(metric=None, iteration="plain").fit(rows)
        self.signs = np.where(rows > 0.5 * rows.max(), 1.0, -1.0)

    def home(self, state, own):
        """Whether states are within 1 % of their rows."""
        away = np.linalg.norm(state - self.rows[own], axis=1)
        return away <= 0.01 * np.linalg.norm(self.rows[own] - self.mean, axis=1)

    def hits(self, contender, given, own):
        """Return which cues come home, and for memories of ours the map evaluations of each."""
        coordinates = self.memory.state_.coordinates
        if contender in (MEMORY, PLAIN):
            result = (self.memory if contender == MEMORY else self.plain).recall(given)
            return self.home(result.state, own), result.steps
        if contender in IN_PIXELS:
            return IN_PIXELS[contender](given, self.rows).argmax(axis=1) == own, None
        if contender == "nearest, cosine":
            return nearest(unit(given - self.mean), unit(self.rows - self.mean)) == own, None
        if contender == "nearest, metric":
            there = unit(coordinates.encode(given)[0])
            return nearest(there, unit(self.memory.points_)) == own, None
        if contender == "Hopfield, signs":
            signs = np.where(given > 0.5 * self.rows.max(), 1.0, -1.0)
            return (Hopfield(self.signs).recall(signs) == self.signs[own]).all(axis=1), None
        metric = contender.endswith("metric")
        patterns = unit(self.memory.points_ if metric else self.rows - self.mean)
        start = unit(coordinates.encode(given)[0] if metric else given - self.mean)
        best = None
        for beta in BETAS:
            network = UniversalHopfield(patterns, "dot", "softmax", beta)
            away = network.recall(start) - patterns[own]
            found = np.linalg.norm(away, axis=1) <= 0.01
            best = found if best is None or found.sum() > best.sum() else best
        return best, None


def cell(stores, contender, kind, draws):
    """Return hits, cues, and the 50 and 95 % quantile of map evaluations."""
    given = cues(stores.rows, stores.shape, kind, draws)
    own = np.tile(np.arange(len(stores.rows)), draws)
    if contender == PLAIN and len(stores.rows) > _MANY:
        given, own = given[:_SLOW_CUES], own[:_SLOW_CUES]
    hits, steps = stores.hits(contender, given, own)
    quantiles = [] if steps is None else np.quantile(steps, [0.5, 0.95]).tolist()
    return {"hits": int(hits.sum()), "cues": len(own), "steps": quantiles}


def code():
    """A digest of the code that cells depend on."""
    root = Path(__file__).parents[1]
    files = [*sorted((root / "src/attractory").rglob("*.py")), root / "benchmarks/_cues.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def cells(name, rows, shape, kinds):
    """Return every cell of a store of rows, computed or kept from before."""
    path = _CELLS / f"baselines-{name}-{len(rows)}-{code()}.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    draws = max(1, -(-200 // len(rows)))
    stores = None
    for contender in CONTENDERS:
        for kind in kinds:
            key = f"{contender}|{kind}"
            slow = contender == PLAIN and len(rows) > _MANY and kind not in HEADLINE
            if key in found or slow:
                continue
            stores = stores or Stores(rows, shape)
            found[key] = cell(stores, contender, kind, draws)
            print(name, len(rows), key, found[key], flush=True)
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(found))
    return {tuple(key.split("|")): value for key, value in found.items()}


def share(value):
    return value["hits"] / value["cues"]


def table(title, found, kinds):
    lines = [f"### {title}", "", "| | " + " | ".join(kinds) + " | mean of six |"]
    lines.append("|---" * (len(kinds) + 2) + "|")
    for contender in CONTENDERS:
        parts = [found.get((contender, kind)) for kind in kinds]
        shown = ["–" if part is None else f"{share(part):.2f}" for part in parts]
        if contender == MEMORY:
            for k, part in enumerate(parts):
                low, high = clopper_pearson(np.array([part["hits"]]), part["cues"], 0.95)
                shown[k] += f" [{float(low[0]):.2f}, {float(high[0]):.2f}]"
        six = [share(found[contender, kind]) for kind in HEADLINE]
        lines.append(f"| {contender} | " + " | ".join([*shown, f"{np.mean(six):.3f}"]) + " |")
    worst = min(kinds, key=lambda kind: _lead(found, kind))
    steps = max(found[MEMORY, kind]["steps"][1] for kind in kinds)
    count = found[MEMORY, kinds[0]]["cues"]
    lines += ["", (
        f"{count} cues a cell. Against the best of the searches the worst cell is {worst}, "
        f"{_lead(found, worst):+.2f}. 95 % of the cues of every cell took at most {steps:.0f} map "
        "evaluations."
    ), ""]  # fmt: skip
    return lines


def _lead(found, kind):
    return share(found[MEMORY, kind]) - max(share(found[name, kind]) for name in SEARCH)


def main(folder, quick):
    kinds = (*HEADLINE, *FURTHER)
    lines, digits = [], {}
    for n in (20, 100) if quick else (20, 100, 300, 1000) if folder else (20, 100, 200):
        rows = mnist(folder, "test", n)[0] if folder else bundled_digits(n)[0]
        digits[n] = cells("mnist" if folder else "bundled", rows, (28, 28), kinds)
        lines += table(f"MNIST, n = {n}", digits[n], kinds)
    for n in () if quick else (100, 300):
        found = cells("8x8", load_digits().data[:n] / 16, (8, 8), kinds)
        lines += table(f"scikit-learn's digits (8 × 8), n = {n}", found, kinds)
    print("\n".join(lines))
    if not quick:
        draw(digits, kinds, (MEMORY, *IN_PIXELS, "modern Hopfield", PLAIN), share)
        keep("baselines", "\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    main(given.data, given.quick)
