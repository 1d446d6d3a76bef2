"""Certificates of the map itself, grown, beside attacks: default memories of MNIST digits.

    python benchmarks/certified_map.py --data FOLDER [--sizes 20 100 300 1000] [--rows 20] [--attacked 4]

Certified are 20 rows, attacked 4 of them: of 300 rows and more by two starts and three rounds of search. Within each certificate steps are tried that should enlarge a
deviation by more than the proven rate: random ones, to rivals and away, up the gradient. Target: none does.
"""

# ruff: noqa: E501

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
from _results import keep

from attractory import AttractorMemory, certified_radius, critical_shock
from attractory.datasets import mnist

TURNS = 12  # up the gradient of a step's length
HEAD = (
    "| rows | certified radius / norm | attacked radius / norm | certified / attacked | rows certified "
    "| deviations tried | largest gain / proven rate | CPU a row |\n" + "|---" * 8 + "|"
)


def tried(f, x, certificate, rows, seed=0):
    """Return how many deviations were tried, and the largest gain over the proven rate."""
    rng, count, worst = np.random.default_rng(seed), 0, 0.0
    with jax.enable_x64(True):

        def gain(u, home, size):
            v = home + size * u / jnp.linalg.norm(u)
            return jnp.linalg.norm(f(v) - home) / size

        climb = jax.jit(jax.vmap(jax.value_and_grad(gain), (0, None, None)))
        for row, home, radius, rate in zip(
            rows, certificate.fixed_point, certificate.radius, certificate.rate, strict=True
        ):
            if not radius > 0:
                continue
            near = x[np.argsort(np.linalg.norm(x - x[row], axis=1))[1:41]] - home
            used = np.abs(x).max(axis=0) > 0
            u = np.vstack([near, -near, rng.normal(size=(40, x.shape[1])) * used])
            for share in (0.3, 0.7, 0.999):
                v = u.copy()
                for _ in range(TURNS):
                    found, up = climb(jnp.asarray(v), jnp.asarray(home), share * radius)
                    worst, count = max(worst, float(found.max()) / rate), count + len(v)
                    up = np.asarray(up)
                    v /= np.linalg.norm(v, axis=1, keepdims=True)
                    v += up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-300)
    return count, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100, 300, 1000])
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--attacked", type=int, default=4)
    args = parser.parse_args()
    digits, lines = mnist(args.data, "test", max(args.sizes))[0], [HEAD]
    for n in args.sizes:
        memory = AttractorMemory().fit(digits[:n])
        f, x = memory.map_, np.asarray(memory.points_)
        norm = np.linalg.norm(x[0])
        rows = np.linspace(0, n - 1, min(n, args.rows)).astype(int)
        certified_radius(f, x[:1], grown=True)  # what is compiled
        begun = time.process_time()
        found = certified_radius(f, x[rows], grown=True)
        seconds = (time.process_time() - begun) / len(rows)
        some = np.linspace(0, len(rows) - 1, args.attacked).astype(int)
        effort = {"starts": 2, "rounds": 3} if n >= 300 else {}
        shock = critical_shock(f, x[rows[some]], **effort).distance
        count, worst = tried(f, x, found, rows)
        lines.append(
            f"| {n:,} | {np.median(found.radius) / norm:.3f} | {np.median(shock) / norm:.3f} | "
            f"{np.median(found.radius[some] / shock):.2f} | {(found.radius > 0).mean():.2f} | "
            f"{count:,} | {worst:.3f} | {seconds:.2f} s |"
        )
        print(lines[-1], flush=True)
    keep(
        "certified_map",
        "# Certificates of the map itself\n\nDefault memories of MNIST digits, `certified_radius(memory.map_, x, grown=True)`; "
        "medians over rows. Attacked by\n`critical_shock` as it is at 20 and 100 rows, by two starts and three rounds at 300 and 1,000.\n\n"
        + "\n".join(lines),
    )


if __name__ == "__main__":
    main()
