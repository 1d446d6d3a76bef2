"""Learn `memory/row_probability.npz`: weights of models of damage, and both laws of confidence.

    python benchmarks/row_probability.py --digits FOLDER --fashion FOLDER --out FILE
        [--evidence FILE]

Cues are made of rows of digits and clothes, from rows 1,000 on, of photographs, and of drawings and
tables of many sorts that are drawn at random (`learned_data.py`): the kinds that recall is tuned
on, damage drawn at random (`damage_random.py`), masks, slight noise, none at all, and mixtures of
two rows. A third as many are of rows that were not stored. The weights are of greatest likelihood
of the right row; the laws are logistic, right answers against all others, that is wrong ones, rows
that were not stored, and mixtures.

Printed by data and number of rows: the share of cues whose row is found, the expected calibration
error of the confidence, the area under the ROC curve of stored against not stored, and the share
of both that is known at 0.8. In it weights and laws are those of the other two thirds of the kinds.
"""

import argparse
import pickle
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import damage_random
import jax
import jax.numpy as jnp
import numpy as np
import optax
from damage import tuned_on
from dimension import tiles
from kinds.views import flat, images_of, moved, turned
from learned_data import pictures, tables
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from attractory import AttractorMemory
from attractory.datasets import mnist
from attractory.memory.cue_mending import CueMending
from attractory.memory.damage_evidence import Evidence
from attractory.memory.nearest_row import position
from attractory.memory.row_probability import (
    Weights,
    constants,
    known_features,
    log_probabilities,
    logistic,
    noise_features,
    second_order,
    weighed,
)

FOLDS = 3
FEWEST = 30  # rows that every kind is for
MOST = 24  # rows shortlisted, at most
PENALTY = 1e-2, 0.03  # of the weights; inverse of the laws'
HIDDEN, ROUNDS, BATCH = 128, 24, 512
LEFT_OUT = 0.25  # of the models, at random
ACCEPTED = 0.8
KNOWN = 23  # features of the confidence


def data_sets(arguments: argparse.Namespace, count: int) -> dict:
    """Return stored rows, others, their shape and whether they are images, by name."""
    rng, more = np.random.default_rng(count), 60
    out = {}
    for name in ("digits", "fashion"):
        rows = mnist(getattr(arguments, name), "test", 1000 + count + more)[0][1000:]
        out[name] = rows[:count], rows[count:], (28, 28), True
    photos = tiles(min(count, 300) + more, 32, seed=1)
    photos = photos[rng.permutation(len(photos))]
    out["photographs"] = photos[:-more], photos[-more:], (32, 32, 3), True
    grey = tiles(count + more, 40, seed=2).reshape(-1, 20, 2, 20, 2, 3).mean(axis=(2, 4, 5))
    grey = grey.reshape(len(grey), -1)[rng.permutation(len(grey))]
    out["grey photographs"] = grey[:count], grey[count:], (20, 20), True
    small = load_digits().data[rng.permutation(1797)[: count + more]] / 16
    out["small digits"] = small[:count], small[count:], (8, 8), True
    for name, (rows, shape) in pictures(min(count, 300) + more, rng).items():
        out[name] = rows[:-more], rows[-more:], shape, True
    for name, rows in tables(count + more, rng).items():
        out[name] = rows[:count], rows[count:], rows.shape[1:], False
    return out


def noise(rows, shape, stored, rng, size=None):
    if size is None:
        size = rng.choice([0.02, 0.1, 0.2, 0.5, 1, 2], size=(len(rows), 1))
    drawn = rng.normal(size=rows.shape)
    away = np.linalg.norm(rows - stored.mean(axis=0), axis=1, keepdims=True)
    return rows + size * away * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def undamaged(rows, shape, stored, rng):
    return rows.copy()


def long_tailed_noise(rows, shape, stored, rng):
    """Errors of Laplace's law of any deviation up to twice the columns'."""
    size = stored.std(axis=0) * rng.uniform(0.2, 2, (len(rows), 1)) / np.sqrt(2)
    return rows + size * rng.laplace(size=rows.shape)


def clipped_noise(rows, shape, stored, rng):
    """The same, cut to the least and largest value of the stored rows."""
    return np.clip(noise(rows, shape, stored, rng), stored.min(), stored.max())


def positive_noise(rows, shape, stored, rng):
    """The absolute value of white noise of any deviation up to 1.5 is added, cut to 0 and 1."""
    size = rng.uniform(0.05, 1.5, (len(rows), 1))
    return np.clip(np.abs(rows + size * rng.normal(size=rows.shape)), 0, 1)


def moved_about(rows, shape, stored, rng):
    """Shifted by up to a quarter, or turned, or of another size, or mirrored, or several of these.

    What comes into view is the edge's, or black, or what has left on the other side; noise, if any,
    is slight, and one in six is inverted.
    """
    out = []
    for image in images_of(rows, shape):
        angle, size = np.deg2rad(rng.uniform(-50, 50)), np.exp(rng.uniform(-0.35, 0.35))
        shift, mirror = rng.uniform(-0.25, 0.25, 2), rng.choice([-1, 1], 2)
        use = rng.random(4) < rng.choice([0.3, 0.7])
        use[rng.integers(4)] = True
        angle, size = use[0] * angle, size if use[1] else 1
        matrix = size * turned(angle) * (mirror if use[3] else 1)
        mode = rng.choice(["nearest", "constant", "grid-wrap"])
        cue = moved(image, matrix, use[2] * shift, mode)
        cue = 1 - cue if rng.random() < 1 / 6 else cue
        out.append(cue + rng.choice([0, 0.1, 0.3]) * rng.normal(size=cue.shape))
    return flat(np.stack(out))


def mixed(rows, shape, stored, rng):
    """A row and another, about half and half: neither is right."""
    other = stored[rng.integers(len(stored), size=len(rows))]
    share = rng.uniform(0.46, 0.54, (len(rows), 1))
    return noise(share * rows + (1 - share) * other, shape, stored, rng, rng.choice([0.0, 0.15]))


class Kept:
    """What the models say of cues, without the rows; see `Evidence`."""

    def __init__(self, found: "Learned", which: np.ndarray):
        self.behind, self.features = found.behind[which], found.features[which]
        self.told, self.real = found.told[which[0]], found.real[which]
        self.compared = (np.empty((len(which), 1)),)
        self.unlike, self.beside = found.unlike[which], found.beside[which]
        self._seconds = found.seconds[which]

    def second(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return tuple(self._seconds[np.arange(len(row)), row].T)


class Learned:
    """What is told of cues, gathered; arrays once `whole`."""

    def __init__(self):
        self.behind, self.features, self.told, self.real, self.seconds = ([] for _ in range(5))
        self.unlike, self.beside = [], []
        self.target, self.label, self.group, self.kind, self.count = ([] for _ in range(5))
        self.noise, self.noise_right, self.noise_group = [], [], []

    def add(self, evidence: Evidence, rows, labels, group, kind, count):
        size = rows.shape[1]
        wide = ((0, 0), (0, 0), (0, MOST - size))
        self.behind.append(np.pad(np.minimum(evidence.behind, 10), wide, constant_values=10.0))
        self.features.append(evidence.features * evidence.told[:, None])
        self.told.append(np.tile(evidence.told, (len(rows), 1)))
        self.real.append(np.pad(evidence.real, ((0, 0), (0, MOST - size))))
        each = [np.stack(evidence.second(np.full(len(rows), j)), axis=1) for j in range(size)]
        self.seconds.append(np.pad(np.stack(each, axis=1), ((0, 0), (0, MOST - size), (0, 0))))
        self.unlike.append(evidence.unlike.astype(np.float32))
        near = np.pad(evidence.beside, ((0, 0), (0, MOST - size), (0, 0)))
        self.beside.append(near.astype(np.float32))
        there = (rows == labels[:, None]) & evidence.real
        self.target.append(np.where(there.any(axis=1), there.argmax(axis=1), -1))
        self.label.append(labels)
        self.group += [group] * len(rows)
        self.kind += [kind] * len(rows)
        self.count.append(np.full(len(rows), count))

    def whole(self) -> "Learned":
        for name in [
            "behind", "features", "told", "real", "seconds", "unlike", "beside", "target", "label",
            "count",
        ]:  # fmt: skip
            setattr(self, name, np.concatenate(getattr(self, name)))
        return self


def cues_of(arguments, count, name, given, seed):
    """Yield the kind, the cues, the row of each (−1 for none), and which coordinates are told."""
    rows, others, shape, images = given
    jobs = [(kind, damage, 3) for kind, damage in tuned_on(images).items()]
    jobs += [
        (f"drawn {k}", damage_random.drawn(1000 * seed + k, images), 3)
        for k in range(arguments.drawn)
    ]
    jobs += [("noise", noise, 30), ("mixed", mixed, 20), ("clipped noise", clipped_noise, 12)]
    jobs += [("long-tailed noise", long_tailed_noise, 12), ("undamaged", undamaged, 24)]
    if images:
        jobs += [("positive noise", positive_noise, 12)]
        jobs += [(f"moved about {k}", moved_about, 6) for k in range(6)]
    masks = [(f"mask {share}", share, 4) for share in (0.5, 0.25, 0.125, 0.0625)]
    for k, (kind, damage, many) in enumerate([*jobs, *masks]):
        rng = np.random.default_rng([seed, k, *name.encode()])
        home = np.resize(rng.permutation(len(rows)), many)
        strange = others[rng.permutation(len(others))[: max(1, many // 2)]]
        label = np.append(home, np.full(len(strange), -1))
        known = None
        if isinstance(damage, float):
            cues = np.vstack([rows[home], strange])
            cues = noise(cues, shape, rows, rng, rng.choice([0.0, 0.1, 0.3]))
            known = rng.random(cues.shape) < damage
            known[np.arange(len(cues)), rng.integers(cues.shape[1], size=len(cues))] = True
            cues = np.where(known, cues, rows.mean(axis=0))
        else:
            try:
                with np.errstate(all="ignore"):
                    cues = np.vstack(
                        [damage(rows[home], shape, rows, rng), damage(strange, shape, rows, rng)]
                    )
            except (IndexError, ValueError):
                if len(rows) >= FEWEST:
                    raise
                continue  # a kind that needs more rows
        if kind == "mixed":
            label[:] = -1
        if np.isfinite(cues).all():
            yield kind, cues, label, known


def gathered(arguments: argparse.Namespace) -> Learned:
    """Return what is told of all cues."""
    jobs, out = [], Learned()
    for seed, count in enumerate(arguments.rows):
        for name, given in data_sets(arguments, count).items():
            jobs.append((arguments, name, given, seed, count))
    with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool:
        for part in pool.map(gathered_of, jobs):
            for name, values in vars(part).items():
                getattr(out, name).extend(values)
    return out.whole()


def kept_or_gathered(arguments: argparse.Namespace) -> Learned:
    """Return what is told of all cues, from the file if it is there."""
    file = arguments.evidence
    if file is not None and file.exists():
        found = Learned()
        vars(found).update(pickle.loads(file.read_bytes()))
        return found
    found = gathered(arguments)
    if file is not None:
        file.write_bytes(pickle.dumps(vars(found)))
    return found


def gathered_of(job: tuple) -> Learned:
    """Return what is told of the cues of one data set."""
    warnings.simplefilter("ignore")
    arguments, name, given, seed, count = job
    out, begun, rows = Learned(), time.perf_counter(), given[0]
    state = AttractorMemory(metric="rule").fit(rows).state_
    mending: CueMending = state.mending
    for k, (kind, cues, label, known) in enumerate(cues_of(arguments, count, name, given, seed)):
        if state.cue_units is not None:
            cues, _ = state.cue_units.read(cues, known)
        cues = state.coordinates.scaled(cues)
        starts = state.less_noise(cues) / state.norm
        near = mending.nearest(mending.frame.compared(cues), known)
        aligned = k % 2 == 0  # as doubtful cues are looked at, or as all are at first
        for which, _, some, evidence in mending.evidence(cues, starts, known, aligned=aligned):
            out.add(evidence, some, label[which], (name, count), kind, len(rows))
        if known is None:
            white = near.white & ~near.alone
            where = position(mending.frame.points, mending.frame.inward(cues), near.row)
            out.noise.append(noise_features(where, rows.shape)[white])
            out.noise_right.append((near.row == label)[white])
            out.noise_group += [(name, count)] * int(white.sum())
    print(f"{name} {count}: {time.perf_counter() - begun:.0f} s", flush=True)
    return out


def weights_of(some: Learned, which: np.ndarray) -> Weights:
    """Return weights of greatest likelihood of the right rows.

    Models are left out at random, so that no combination of them is relied on.
    """
    z, told, features, real = some.behind, some.told, some.features, some.real
    models, count = features.shape[1:]
    rng, key = np.random.default_rng(0), jax.random.key(0)
    weights = Weights(
        0.05 * rng.normal(size=(models * (count + 1), HIDDEN)), np.zeros(HIDDEN),
        np.zeros((models, count, 2)), np.zeros((HIDDEN, models, 2)),
        np.zeros((models, count, 2)), np.zeros((HIDDEN, models, 2)),
    )  # fmt: skip
    weights = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), weights)
    steps = ROUNDS * (len(which) // BATCH)
    descent = optax.adamw(optax.cosine_decay_schedule(3e-3, steps), weight_decay=PENALTY[0])
    state = descent.init(weights)

    def cost(weights, z, told, features, real, target, key):
        told = told & jax.random.bernoulli(key, 1 - LEFT_OUT, told.shape)
        p = log_probabilities(weights, z, told, features, real, jnp)[0]
        own = p[jnp.arange(len(target)), target]
        return -jnp.logaddexp(own, jnp.log(2e-3)).mean()  # of a cue that no row explains

    @jax.jit
    def step(weights, state, key, *batch):
        slope = jax.grad(cost)(weights, *batch, key)
        change, state = descent.update(slope, state, weights)
        return optax.apply_updates(weights, change), state

    for _ in range(ROUNDS):
        order = rng.permutation(which)
        for k in range(0, len(order) - BATCH + 1, BATCH):
            batch, (key, drawn) = order[k : k + BATCH], jax.random.split(key)
            weights, state = step(
                weights, state, drawn, z[batch], told[batch], features[batch], real[batch],
                some.target[batch],
            )  # fmt: skip
    return Weights(*(np.asarray(v) for v in weights))


def judged(some: Learned, which: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of the confidence in the first rows, and the places of these."""
    told, places = np.empty((len(which), KNOWN)), np.empty(len(which), int)
    of_models = np.unique(some.told[which], axis=0, return_inverse=True)[1].ravel()
    kinds = np.unique(np.stack([of_models, some.count[which]]), axis=1).T
    for models, count in kinds:
        here = np.flatnonzero((of_models == models) & (some.count[which] == count))
        evidence = Kept(some, which[here])
        p, each, mine = weighed(evidence, weights)
        told[here] = known_features(evidence, p, each, mine, int(count))
        places[here] = p.argmax(axis=1)
    assert some.real[which, places].all()
    return told, places


def law_of(told: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return coefficients and constant of a logistic law of second order."""
    both = second_order(told)
    mean, scale = both.mean(axis=0), both.std(axis=0) + 1e-6
    found = LogisticRegression(C=PENALTY[1], max_iter=3000).fit((both - mean) / scale, right)
    slope = found.coef_[0] / scale
    return np.append(slope, found.intercept_[0] - slope @ mean)


def calibration_error(p: np.ndarray, right: np.ndarray) -> float:
    place = np.minimum((10 * p).astype(int), 9)
    return sum(
        abs(p[place == k].mean() - right[place == k].mean()) * (place == k).mean()
        for k in np.unique(place)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--fashion", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[4, 10, 30, 100, 300, 1000])
    parser.add_argument("--drawn", type=int, default=60, help="kinds of damage drawn at random")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--evidence", type=Path, help="file that keeps what is told of all cues")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    found = kept_or_gathered(arguments)
    kinds, groups = np.array(found.kind), np.array([f"{n} {c}" for n, c in found.group])
    fold = np.random.default_rng(0).integers(FOLDS, size=len(np.unique(kinds)))
    fold = fold[np.unique(kinds, return_inverse=True)[1]]
    stored, sure = found.label >= 0, np.zeros(len(kinds))
    told, place = np.empty((len(kinds), KNOWN)), np.empty(len(kinds), int)
    for k in range(FOLDS):
        rest, own = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        weights = weights_of(found, rest[found.target[rest] >= 0])
        told[own], place[own] = judged(found, own, weights)
    right = (place == found.target) & stored
    for k in range(FOLDS):
        rest, own = fold != k, fold == k
        sure[own] = logistic(told[own], law_of(told[rest], right[rest]))
    print(
        "\n| data | right | calibration error | area under ROC | not stored known | right known |"
    )
    print("|---|---|---|---|---|---|")
    for group in [*dict.fromkeys(groups), "all"]:
        here = (groups == group) | (group == "all")
        a, b = here & stored, here & ~stored
        figures = (
            right[a].mean(), calibration_error(sure[here], right[here]),
            roc_auc_score(stored[here], sure[here]), (sure[b] >= ACCEPTED).mean(),
            (sure[a & right] >= ACCEPTED).mean(),
        )  # fmt: skip
        print(f"| {group} | " + " | ".join(f"{v:.3f}" for v in figures) + " |", flush=True)
    weights = weights_of(found, np.flatnonzero(found.target >= 0))
    # What weights say of cues that they were not learned from is what they will say of others.
    laws = {
        "sure": law_of(told, right),
        "noise": law_of(np.concatenate(found.noise), np.concatenate(found.noise_right)),
        "constants": constants(),
    }
    np.savez_compressed(
        arguments.out, **{k: v.astype(np.float32) for k, v in (weights._asdict() | laws).items()}
    )
