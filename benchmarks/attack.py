"""Certificates attacked: 10⁵ cues within each certified ball that try to break what is proven.

    python benchmarks/attack.py [--case NAME ...] [--tries 100000]

Proven is that a cue at distance r ≤ R from the fixed point is at most γ r + e away after one step,
so that every orbit ends within the floor. Cues are random, lie towards other patterns and along the
singular vectors of the Jacobian, or are driven by gradients of the distance after the step. The
worst cues are followed to their end. Target: none breaks a bound.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import attractory
from attractory.analysis import Certificate
from attractory.datasets import bundled_digits, rescale, sphere
from attractory.maps.biased import Biased, lifted

sys.path.insert(0, str(Path(__file__).parent))
from _results import keep

BATCH = 1 << 21  # numbers in a batch of cues
DRIVEN = 20  # steps up the gradient from a random cue
FOLLOWED = 50  # worst cues of each point


def digits(n, norm=100.0):
    x = rescale(bundled_digits(n)[0], norm)
    return attractory.fit_regression(x), x


def random(norm, activation="sigmoid", n=20, dim=32):
    x = sphere(n, dim, norm=norm)
    return attractory.fit_regression(x, activation=activation), x


def twins(size=1e-5):
    x = sphere(20, 32, norm=30.0)
    x = np.vstack([x, x[-1] + size * 30 * sphere(1, 32, seed=1)])
    return attractory.fit_regression(x), x


def memory(n):
    held = attractory.AttractorMemory().fit(some_digits(n))
    return held.map_, np.asarray(held.points_, float)


def some_digits(n):
    """Bundled digits, and beyond 200 of them shifted by a pixel or two."""
    x = bundled_digits(200)[0].reshape(-1, 28, 28)
    shifts = [(0, 0), (0, 2), (2, 0), (0, -2), (-2, 0)]
    return np.concatenate([np.roll(x, s, axis=(1, 2)) for s in shifts]).reshape(-1, 784)[:n]


def biased():
    x = sphere(20, 32, norm=30.0)
    return Biased(attractory.fit_regression(lifted(x, 30.0)), 30.0), x


def network():
    x = sphere(5, 32, norm=40.0)
    start = attractory.Autoencoder(32, width=3000, key=0, dtype=np.float64)
    return attractory.train(start, x, tolerance=1e-14).model, x


CASES = {
    "20 digits": lambda: digits(20),
    "100 digits": lambda: digits(100),
    "default memory of 1,000 digits": lambda: memory(1000),
    "random, norm 5": lambda: random(5.0),
    "random, norm 30": lambda: random(30.0),
    "random, norm 300": lambda: random(300.0),
    "erf": lambda: random(30.0, "erf"),
    "tanh": lambda: random(30.0, "tanh"),
    "biased": biased,
    "network": network,
    "near-duplicates elsewhere": twins,
    "dim 2": lambda: random(8.0, n=3, dim=2),
    "dim 12,288": lambda: random(400.0, n=8, dim=12_288),
}
POINTS = {"default memory of 1,000 digits": 2, "100 digits": 10, "dim 12,288": 2}


class Found(NamedTuple):
    """What became of the cues of a case."""

    tries: int
    worst: float
    outside: int


class Attack:
    """Cues around one certified point."""

    def __init__(self, f, step, drive, patterns, certificate, k):
        self.f, self.point, self.reach = f, certificate.fixed_point[k], certificate.radius[k]
        self.rate, self.floor = certificate.rate[k], certificate.floor[k]
        self.euclidean = certificate.condition[k] == 1
        self.step, self.drive = step, drive
        self.apart = np.delete(patterns, k, 0) - self.point
        self.many = max(16, min(250, BATCH // len(self.point)))
        self.done, self.worst, self.cues, self.values = 0, 0.0, [], []

    def judge(self, cues):
        """Note how far cues are from what is proven of one step; 1 is the bound."""
        count = len(cues)  # one shape, compiled once
        cues = np.pad(cues, ((0, self.many - count), (0, 0)), mode="edge")
        after = np.linalg.norm(np.asarray(self.step(cues)) - self.point, axis=1)[:count]
        cues = cues[:count]
        r = np.linalg.norm(cues - self.point, axis=1)
        value = after / (self.rate * r + self.floor * (1 - self.rate))
        self.done += len(cues)
        if self.euclidean:
            self.worst = max(self.worst, float(value.max()))
        pick = np.argsort(-value)[:FOLLOWED]
        self.cues.append(cues[pick])
        self.values.append(value[pick])

    def run(self, tries, rng):
        dim = len(self.point)
        vectors = self.apart
        if dim < 2000:
            vectors = np.linalg.svd(np.asarray(self.f.jacobian(self.point)))[2]
        given = np.concatenate([self.apart, -self.apart, vectors, -vectors])
        given = given[np.linalg.norm(given, axis=1) > 1e-6 * np.linalg.norm(self.point)]
        random, driven = int(0.6 * tries), max(0, int(0.4 * tries) - 2 * len(given))
        while random > 0:
            unit = directions(rng.standard_normal((min(self.many, random), dim)))
            sizes = np.where(rng.random(len(unit)) < 0.5, 1.0, rng.random(len(unit)))
            self.judge(self.point + self.reach * sizes[:, None] * unit)
            random -= len(unit)
        for begin in range(0, len(given), self.many):
            for size in (1.0, 0.5):
                unit = directions(given[begin : begin + self.many])
                self.judge(self.point + self.reach * size * unit)
        while driven > 0:
            unit = directions(rng.standard_normal((self.many, dim)))
            for turn in range(DRIVEN):
                up = directions(np.asarray(self.drive(self.point + self.reach * unit, self.point)))
                unit = directions(unit + up * (2.0 if turn < 3 else 0.5))
                self.judge(self.point + self.reach * unit)
            driven -= DRIVEN * self.many

    def outside(self):
        """Return how many of the worst cues end outside the floor."""
        pick = np.argsort(-np.concatenate(self.values))[:FOLLOWED]
        cues = np.concatenate(self.cues)[pick]
        end = attractory.recall(self.f, cues, tol=1e-12, max_steps=20_000).state
        allowed = self.floor + 1e-7 * np.linalg.norm(self.point)
        return int((np.linalg.norm(end - self.point, axis=1) > allowed).sum())


def attack(f, patterns, certificate: Certificate, tries: int) -> Found:
    """Try to break the certificates, with as many cues at each point."""
    rng = np.random.default_rng(0)
    good = np.flatnonzero(certificate.certified)
    done, worst, outside = 0, 0.0, 0
    with jax.enable_x64(True):
        step = jax.jit(lambda x: f(x))
        drive = jax.jit(jax.grad(lambda x, c: jnp.linalg.norm(f(x) - c, axis=1).sum()))
        for k in good:
            one = Attack(f, step, drive, patterns, certificate, k)
            one.run(-(-tries // len(good)), rng)
            done, worst, outside = done + one.done, max(worst, one.worst), outside + one.outside()
    return Found(done, worst, outside)


def directions(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, nargs="*", help="only these; nothing is kept")
    parser.add_argument("--tries", type=int, default=100_000)
    given = parser.parse_args()
    lines = [
        "# Certificates attacked",
        "",
        "Cues within the certified ball. Worst: distance after one step over what is proven of it "
        "(1 would break it). Of the 50 worst cues of each point: those that end outside the floor.",
        "",
        "| case | points certified | radius / norm | cues | worst | end outside | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for name in given.case or CASES:
        start = time.perf_counter()
        f, x = CASES[name]()
        points = x[: POINTS.get(name, 20)]
        certificate = attractory.certified_radius(f, points, progress=False)
        found = attack(f, x, certificate, given.tries)
        good = certificate.certified
        radius = (certificate.radius / np.linalg.norm(points, axis=1))[good]
        lines.append(
            f"| {name} | {good.sum()} of {len(points)} | {radius.min():.2g} … {radius.max():.2g} "
            f"| {found.tries:,} | {found.worst:.4f} | {found.outside} "
            f"| {time.perf_counter() - start:.0f} |"
        )
        print(lines[-1], flush=True)
        assert found.worst < 1
        assert found.outside == 0
    if not given.case and given.tries >= 100_000:
        keep("attack", "\n".join(lines))


if __name__ == "__main__":
    main()
