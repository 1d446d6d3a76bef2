"""Is the confidence a probability, and does it tell stored from unknown better than a search does?

    python benchmarks/confidence.py --digits FOLDER --fashion FOLDER [--pictures FOLDER]
        [--icons FOLDER ...] [--rows 100 1000] [--cues 20] [--kinds held_out | --spent]

Cues under the held-out kinds of damage (`kinds/held_out.py`; with `--spent` under those that the
confidence was learned from, and rows 1,000 and on): as many of stored rows as of rows of
the same data that were not stored, damaged alike; no row that weights and laws were learned from.
By data set and number of rows: expected calibration error; the log odds that the confidence lacks,
below 0 where it is too sure; area under the ROC curve, stored against unknown; share of right
answers accepted where one in twenty of the unknown is; and the last two of each search, by its
similarity to the row it finds and by its lead over the next. At the end, what is known at the
default threshold of undamaged unknown rows, and of cues half-way between two rows.
"""

import argparse
import warnings
from importlib import import_module

import numpy as np
from _cues import contrast
from damage import add_data, data_sets, tuned_on
from row_probability import calibration_error
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from attractory import AttractorMemory


def scores(rows: np.ndarray, cues: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the row that each search finds and what it says of it."""
    flat = rows.astype(np.float32)

    apart = (cues**2).sum(axis=1)[:, None] + (rows**2).sum(axis=1) - 2 * cues @ rows.T
    alike = {
        "Euclid": -np.sqrt(np.maximum(apart, 0)),
        "Pearson": contrast(cues) @ contrast(rows).T,
        "Manhattan": np.array([-np.abs(flat - cue).sum(axis=1) for cue in cues.astype(np.float32)]),
    }
    out = {}
    for name, value in alike.items():
        two = np.partition(value, -2, axis=1)[:, -2:]
        out[name] = value.argmax(axis=1), two[:, 1]
        out[f"{name}, lead"] = value.argmax(axis=1), two[:, 1] - two[:, 0]
    return out


def accepted(score: np.ndarray, right: np.ndarray, stored: np.ndarray) -> float:
    """Return the share of right answers above what one in twenty of the unknown have."""
    return float((score[right] > np.quantile(score[~stored], 0.95)).mean())


def shift(sure: np.ndarray, right: np.ndarray) -> float:
    """Return what has to be added to log odds so that as many are right as is expected."""
    odds = logit(np.clip(sure, 1e-4, 1 - 1e-4))
    return brentq(lambda more: (expit(odds + more) - right).mean(), -10, 10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    add_data(parser)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--cues", type=int, default=20)
    parser.add_argument("--spent", action="store_true")
    parser.add_argument("--kinds", default="held_out", help="module of kinds, such as spent_9")
    arguments = parser.parse_args()
    arguments.held_out = not arguments.spent
    damages = import_module(f"kinds.{arguments.kinds}")
    warnings.simplefilter("ignore")
    heads = (
        "data", "calibration error", "log odds lacking", "area, memory", "area, best search",
        "accepted, memory", "accepted, best search", "undamaged unknown: known", "half-way: known",
    )  # fmt: skip
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for count in arguments.rows:
        for name, (rows, shape, images) in data_sets(arguments, 2 * count).items():
            if arguments.only and name not in arguments.only:
                continue
            order = np.random.default_rng(0).permutation(len(rows))
            here, others = rows[order[: len(rows) // 2]], rows[order[len(rows) // 2 :]]
            memory = AttractorMemory().fit(here)
            kinds = damages.IMAGES if images else damages.VECTORS
            if arguments.spent:
                kinds = tuned_on(images)
            sure, right, stored, search = [], [], [], {}
            for k, (kind, damage) in enumerate(kinds.items()):
                rng = np.random.default_rng([k, *kind.encode()])
                home = np.resize(rng.permutation(len(here)), arguments.cues)
                some = others[np.resize(rng.permutation(len(others)), arguments.cues)]
                cues = np.vstack(
                    [damage(here[home], shape, here, rng), damage(some, shape, here, rng)]
                )
                label = np.append(home, np.full(len(some), -1))
                result = memory.recall(cues)
                sure.append(result.confidence)
                right.append(result.pattern == label)
                stored.append(label >= 0)
                for title, (row, score) in scores(here, cues).items():
                    search.setdefault(title, []).append((row == label, score))
            p, ok, known = (np.concatenate(v) for v in (sure, right, stored))
            own = roc_auc_score(known, p), accepted(p, ok & known, known)
            rivals = {}
            for title, parts in search.items():
                hit, score = (np.concatenate([part[k] for part in parts]) for k in range(2))
                rivals[title] = roc_auc_score(known, score), accepted(score, hit & known, known)
            best = max(rivals, key=lambda title: rivals[title])
            quiet = memory.recall(others[:100]).known.mean()
            pair = np.random.default_rng(1).integers(len(here), size=(2, 100))
            pair = pair[:, pair[0] != pair[1]]
            half = memory.recall((here[pair[0]] + here[pair[1]]) / 2).known.mean()
            most = max(accept for _, accept in rivals.values())
            cells = (
                f"{name}, n = {len(here):,}", f"{calibration_error(p, ok):.3f}",
                f"{shift(p, ok):+.1f}", f"{own[0]:.3f}",
                f"{rivals[best][0]:.3f} ({best})", f"{own[1]:.2f}", f"{most:.2f}",
                f"{quiet:.2f}", f"{half:.2f}",
            )  # fmt: skip
            print("| " + " | ".join(cells) + " |", flush=True)
