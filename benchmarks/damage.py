"""The memory beside simple searches, on many kinds of damage and several data sets.

    python benchmarks/damage.py --digits FOLDER --fashion FOLDER [--pictures FOLDER]
        [--rows 100 1000] [--held-out [--icons FOLDER] ...]

Share of cues brought to within 1 % of their row by the memory, and share of the searches that find
the row: Euclid, cosine, Pearson, Pearson less the mean row and a constant, Manhattan. Without
`--held-out` the kinds are those that recall was tuned on (`tuned_on`), and rows 1,000 and on of
each data set; with it those of `kinds/held_out.py`, rows 4,080 and on, other seeds, and the data
sets of `held_out_data.py` more, some of which need a file or a folder (`--help`). FOLDER has IDX
files of the MNIST family (the test set is read). Photographs are tiles of scikit-learn's two,
tables have columns far from 0 and of two factors, points are random. The FOLDER of
`--pictures` has pictures of any other source; their colour tiles are one more data set, on which
nothing was tuned.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from _cues import unit
from dimension import tiles
from held_out_data import SETS, held_out_sets
from kinds import SPENT, held_out

from attractory import AttractorMemory
from attractory.bench import damage as damage_kinds
from attractory.bench.similarities import SIMILARITIES
from attractory.datasets import mnist

_TEST = 10000  # images in a test set of the MNIST family


def tuned_on(images: bool) -> dict:
    """Return the kinds that recall was tuned on, for images or for vectors."""
    return {
        name: damage
        for part in (damage_kinds, *SPENT)
        for name, damage in (part.IMAGES if images else part.VECTORS).items()
    }


def searches(rows: np.ndarray, cues: np.ndarray) -> dict[str, np.ndarray]:
    """Return the row that each simple search finds."""
    mean = rows.mean(axis=0)
    aside = np.linalg.qr(np.stack([np.ones_like(mean), mean], axis=1))[0]

    def less_mean(x: np.ndarray) -> np.ndarray:
        apart = x - mean
        return unit(apart - (apart @ aside) @ aside.T)

    simple = "Euclid", "cosine", "Pearson", "Manhattan"
    found = {name: SIMILARITIES[name](cues, rows).argmax(axis=1) for name in simple}
    return found | {"Pearson less": (less_mean(cues) @ less_mean(rows).T).argmax(axis=1)}


def made(kinds: dict, rows: np.ndarray, shape: tuple, count: int) -> dict:
    """Return, for each kind, which row each cue is made from, and the cues."""
    out = {}
    for k, (name, damage) in enumerate(kinds.items()):
        rng = np.random.default_rng([k, *name.encode()])
        home = np.resize(rng.permutation(len(rows)), count)
        out[name] = home, damage(rows[home], shape, rows, rng)
    return out


def table(name: str, rows: np.ndarray, shape: tuple, kinds: dict, count: int) -> dict[str, float]:
    """Print the share of each kind; return the means."""
    begun = time.perf_counter()
    memory = AttractorMemory().fit(rows)
    fitted = time.perf_counter() - begun
    shares, took = {}, 0.0
    for kind, (home, cues) in made(kinds, rows, shape, count).items():
        begun = time.perf_counter()
        result = memory.recall(cues)
        took += time.perf_counter() - begun
        shares[kind] = {"memory": (result.pattern == home).mean()} | {
            search: (found == home).mean() for search, found in searches(rows, cues).items()
        }
    columns = list(next(iter(shares.values())))
    each = 1e3 * took / count / len(shares)
    print(f"\n{name}, n = {len(rows)}: fit {fitted:.1f} s, recall {each:.1f} ms a cue\n")
    print("| damage | " + " | ".join(columns) + " |\n" + "|---" * (1 + len(columns)) + "|")
    means = {c: float(np.mean([row[c] for row in shares.values()])) for c in columns}
    for kind, row in (shares | {"mean": means}).items():
        digits = 3 if kind == "mean" else 2
        print(f"| {kind} | " + " | ".join(f"{row[c]:.{digits}f}" for c in columns) + " |")
    behind = {k: max(v[c] for c in columns[1:]) - v["memory"] for k, v in shares.items()}
    worst = max(behind, key=lambda kind: behind[kind])
    print(f"\nMost behind the best search: {behind[worst]:.2f} ({worst}).", flush=True)
    return means


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where data sets are."""
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--fashion", type=Path)
    parser.add_argument("--pictures", help="folder of pictures whose tiles are a data set")
    for name, (_, what) in SETS.items():
        parser.add_argument(f"--{name}", type=Path, help=f"{what}; held-out only")
    parser.add_argument("--only", nargs="+", help="names of data sets")


def data_sets(arguments: argparse.Namespace, count: int) -> dict:
    """Return rows, their shape and whether they are images, by name."""
    first, seed = (4080, 12) if arguments.held_out else (1000, 1)
    rng = np.random.default_rng([count, seed] if arguments.held_out else count)
    out = {}
    for name in ("digits", "fashion"):
        if folder := getattr(arguments, name):
            begin = min(first, _TEST - count)  # strangers may need some rows before
            rows = mnist(folder, "test", begin + count)[0][begin:]
            out[name] = rows, (28, 28), True
    photos = tiles(min(count, 300), 32, seed=seed)
    latent = rng.normal(size=(count, 20)) @ rng.normal(size=(20, 64)) + rng.normal(size=(count, 64))
    table = latent * 10.0 ** rng.integers(0, 2, 64) + 1000 * rng.normal(size=64)
    if arguments.pictures:
        other = tiles(count, 32, arguments.pictures, seed)
        other = other[np.sort(np.unique(other, axis=0, return_index=True)[1])]  # each once
        out["other pictures"] = other, (32, 32, 3), True
    if arguments.held_out:
        out |= held_out_sets(arguments, count, rng)
    return out | {
        "photographs": (photos, (32, 32, 3), True),
        "random points": (rng.normal(size=(count, 256)), (256,), False),
        "table": (table, (64,), False),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    add_data(parser)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--cues", type=int, default=80)
    parser.add_argument("--held-out", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    images, vectors = tuned_on(images=True), tuned_on(images=False)
    if arguments.held_out:
        images, vectors = held_out.IMAGES, held_out.VECTORS
    for count in arguments.rows:
        for name, (rows, shape, of_images) in data_sets(arguments, count).items():
            if not arguments.only or name in arguments.only:
                some = images if of_images else vectors
                table(name, rows, shape, some, arguments.cues)
