"""Basins of stored digits: certified, attacked and measured; the best norm against a grid.

    python benchmarks/basins.py [--part certificates|search|norm|trajectories]

Targets: 20 MNIST digits at norm 100, logistic: certified ≤ critical shock for every pattern, no
search of 10⁵ tries breaks a certificate, certified radius at least 0.02 of the norm; `best_norm`
for n = 20 and 100 within 10 % of the best of a 30-point grid in at most 10 fits; 100,000
trajectories of 50 steps in under 60 s.
"""

import argparse
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import attractory

sys.path.insert(0, str(Path(__file__).parent))
import _figures
from _results import keep

NORM = 100.0


def memory(n=20, norm=NORM):
    x = attractory.datasets.rescale(attractory.datasets.bundled_digits(n)[0], norm)
    return x, attractory.fit_regression(x)


def certificates(lines):
    x, f = memory()
    start = time.perf_counter()
    certified = attractory.certified_radius(f, x)
    middle = time.perf_counter()
    shock = attractory.critical_shock(f, x)
    end = time.perf_counter()
    ratio = certified.radius / shock.distance
    _figures.radii(certified, shock)
    lines += [
        "## 20 digits, norm 100, logistic; radii relative to the norm",
        "",
        "| | smallest | median | largest | seconds |",
        "|---|---|---|---|---|",
    ]
    for name, values, seconds in (
        ("certified radius", certified.radius / NORM, middle - start),
        ("critical shock", shock.distance / NORM, end - middle),
        ("ratio", ratio, None),
    ):
        row = " | ".join(f"{v:.3f}" for v in (values.min(), np.median(values), values.max()))
        lines.append(f"| {name} | {row} | {'' if seconds is None else f'{seconds:.1f}'} |")
    lines.append("")
    assert (certified.radius <= shock.distance).all()
    assert (certified.radius >= 0.02 * NORM).all()


def search(lines, tries=100_000):
    """Random cues on the certified sphere, and cues driven outwards by gradients."""
    x, f = memory()
    radius = attractory.certified_radius(f, x).radius
    rng = np.random.default_rng(0)
    per, worst, done = 1000, 0.0, 0
    with jax.enable_x64(True):
        home, size = jnp.asarray(x), jnp.asarray(radius)

        @jax.jit
        def after(unit):
            """Return the distance after 3 steps over the radius, from the sphere, (n,)."""
            state = home + size[:, None] * unit
            for _ in range(3):
                state = f(state)
            return jnp.linalg.norm(state - home, axis=-1) / size

        gradient = jax.jit(jax.grad(lambda unit: after(unit).sum()))

        @jax.jit
        def many(units):
            return jax.lax.map(after, units)

        while done < tries:
            noise = rng.standard_normal((per // 20, *x.shape))
            noise /= np.linalg.norm(noise, axis=2, keepdims=True)
            worst = max(worst, float(many(jnp.asarray(noise)).max()))
            done += per
        driven, climbed = 0.0, 0
        for _ in range(100):
            unit = rng.standard_normal(x.shape)
            unit = jnp.asarray(unit / np.linalg.norm(unit, axis=1, keepdims=True))
            for _ in range(50):
                up = gradient(unit)
                unit = unit + up / jnp.linalg.norm(up, axis=1, keepdims=True)
                unit = unit / jnp.linalg.norm(unit, axis=1, keepdims=True)
                climbed += len(x)
                driven = max(driven, float(after(unit).max()))
    lines += [
        f"Search for a cue within a certified radius that does not come nearer: {done:,} random "
        f"cues, the worst left at {worst:.3f} of its distance after 3 steps; {climbed:,} cues "
        f"driven by gradients, the worst at {driven:.3f}.",
        "",
    ]
    assert max(worst, driven) < 1


def norms(lines):
    lines += [
        "## The norm that recalls 90 % from the largest relative noise",
        "",
        "| n | best_norm | radius | fits | seconds | best of the grid | radius | fits | seconds "
        "| ratio of radii |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for n, trials in ((20, 10), (100, 2)):
        digits = attractory.datasets.bundled_digits(n)[0]
        digits = digits - digits.mean(axis=0)
        start = time.perf_counter()
        found = attractory.best_norm(digits, trials=trials)
        middle = time.perf_counter()
        grid = np.geomspace(*found.settings["norms"], 30)
        radii = []
        for norm in grid:
            x, f = memory(n, norm)
            usable = float(f.residual) < 0.01
            radii.append(
                attractory.analysis.relative_radius(f, x, trials=trials) if usable else 0.0
            )
        end = time.perf_counter()
        best = int(np.argmax(radii))
        lines.append(
            f"| {n} | {found.norm:.0f} | {found.radius:.2f} | {found.fits} | {middle - start:.0f} "
            f"| {grid[best]:.0f} | {radii[best]:.2f} | 30 | {end - middle:.0f} "
            f"| {found.radius / radii[best]:.2f} |"
        )
        print(lines[-1], flush=True)
        assert found.fits <= 10
        assert found.radius >= 0.9 * radii[best]
    lines.append("")
    _figures.norms()


def trajectories(lines):
    x, f = memory()
    start = time.perf_counter()
    curve = attractory.recall_curve(
        f, x, [1.0], trials=5000, rule=attractory.analysis.RecallRule(extra_steps=0)
    )
    seconds = time.perf_counter() - start
    lines += [
        f"100,000 trajectories of 50 steps, dim 784, 20 patterns, noise 1.0: {seconds:.1f} s with "
        f"compilation, {curve.pooled_fraction[0]:.2%} recalled.",
        "",
    ]
    assert seconds < 60


PARTS = {
    "certificates": certificates,
    "search": search,
    "trajectories": trajectories,
    "norm": norms,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, help="run one part only; nothing is kept")
    part = parser.parse_args().part
    lines = ["# Basins of stored digits", ""]
    for name in [part] if part else PARTS:
        before = len(lines)
        PARTS[name](lines)
        print("\n".join(lines[before:]), flush=True)
    if part is None:
        keep("basins", "\n".join(lines))


if __name__ == "__main__":
    main()
