"""Certified recall beside attacks: angles, radii, times, and cues that try to break a certificate.

    python benchmarks/certified_recall.py --data FOLDER [--sizes 20 100 300 1000] [--tries 2000]

FOLDER has MNIST. Certified are all rows of up to 1,000 and 100 of more; attacked 33 of them. Times
are processor time, of all rows together. Target: none of the cues within certificates is lost.
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from _results import keep

from attractory import AttractorMemory, certify_recall
from attractory.datasets import mnist
from attractory.memory import attack_recall
from attractory.memory.guided_recall import lead

FIGURE = Path(__file__).parents[1] / "docs/explanation/certified_recall.png"
INSIDE = 0.999  # of the certified angle


def sphere_point(p, u, angle):
    u = u - (u @ p)[:, None] * p
    return np.cos(angle) * p + np.sin(angle) * u / np.linalg.norm(u, axis=1, keepdims=True)


def broken(memory, certificate, attack, tries, seed=0):
    """Return how many starts at 0.999 of certified angles are lost, and how many were tried."""
    plan = memory.state_.plan(memory.state_.settings)
    unit, rng = plan.patterns / plan.norm, np.random.default_rng(seed)
    span, lost, tried = memory.state_.span, 0, 0
    used = np.abs(unit).max(axis=0) > 0
    _, _, axes = np.linalg.svd(unit, full_matrices=False)
    for row, angle, end in zip(certificate.rows, certificate.angle, attack.start, strict=True):
        if not angle > 0:
            continue
        p = unit[row]
        near = unit[np.argsort(-unit @ p)[1:41]]
        pairs = near[rng.integers(len(near), size=100)] + near[rng.integers(len(near), size=100)]
        worst = span.within(end[None])
        mixed = worst / np.linalg.norm(worst) + 0.3 * unit[rng.integers(len(unit), size=60)]
        noise = rng.normal(size=(max(tries - 400, 10), unit.shape[1])) * used
        u = np.vstack([near, -near, pairs, worst, mixed, axes[:40], -axes[:40], noise])[:tries]
        starts = plan.norm * sphere_point(p, u, INSIDE * angle)
        away = np.linalg.norm(lead(plan, starts).state - plan.patterns[row], axis=1)
        lost += int((away > 1e-3 * plan.norm).sum())
        tried += len(u)
    return lost, tried


def measured(rows, tries, attacked=33, **settings):
    memory = AttractorMemory(**settings).fit(rows)
    n = len(memory)
    chosen = np.arange(n) if n <= 1000 else np.linspace(0, n - 1, 100).astype(int)
    begun = time.process_time()
    certificate = certify_recall(memory, chosen)
    took = time.process_time() - begun
    some = np.unique(np.linspace(0, len(chosen) - 1, min(attacked, len(chosen))).astype(int))
    attack = attack_recall(memory, chosen[some])
    part = certify_recall(memory, chosen[some])
    lost, tried = broken(memory, part, attack, tries)
    return {
        "n": n, "certificate": certificate, "part": part, "attack": attack, "seconds": took,
        "ratio": float(np.median(part.angle / attack.angle)), "lost": lost, "tried": tried,
        "over": float((part.angle / attack.angle).max()),
    }  # fmt: skip


def line(name, found):
    c = found["certificate"]
    return (
        f"| {name} | {np.median(c.radius):.3f} | {np.degrees(np.median(c.angle)):.1f}° | "
        f"{np.degrees(np.median(found['attack'].angle)):.1f}° | "
        f"{np.degrees(np.median(c.half_angle)):.1f}° | {found['ratio']:.2f} | "
        f"{np.median(c.radius_in_units):.2f} | {(c.angle > 0).mean():.2f} | "
        f"{found['lost']} of {found['tried']:,} | {found['seconds']:.1f} s |"
    )


HEAD = (
    "| rows | certified radius / norm | certified angle | attacked angle | half angle to nearest "
    "| certified / attacked | radius in units | share certified | lost within | CPU, all rows |\n"
    + "|---" * 10
    + "|"
)


def draw(found):
    figure, axis = plt.subplots(figsize=(6.4, 3.8))
    sizes = [f["n"] for f in found]
    for values, color, marker, name in (
        ([f["part"].half_angle for f in found], "#595959", "s", "half the angle to the nearest"),
        ([f["attack"].angle for f in found], "#D55E00", "v", "attacked: a start this far is lost"),
        ([f["part"].angle for f in found], "#0072B2", "^", "certified: all nearer ones return"),
    ):  # fmt: skip
        low, middle, high = (
            [np.degrees(np.quantile(v[np.isfinite(v)], q)) for v in values]
            for q in (0.25, 0.5, 0.75)
        )
        axis.fill_between(sizes, low, high, color=color, alpha=0.15, lw=0)
        # The attacked ones lie on the first, which therefore are wide and hollow.
        wide = {"ls": "--", "ms": 11, "mfc": "none"} if marker == "s" else {"ms": 6}
        axis.plot(sizes, middle, marker=marker, color=color, label=name, **wide)
    axis.set(xscale="log", xlabel="stored digits", ylim=(0, 50))
    axis.set_ylabel("angle from the row, degrees")
    axis.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, frameon=False, loc="lower left")
    axis.set_title("Certificates reach nearly as far as any recall can\n(medians and quartiles)",
                   fontsize=10)  # fmt: skip
    figure.tight_layout()
    figure.savefig(FIGURE, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100, 300, 1000])
    parser.add_argument("--tries", type=int, default=2000)
    args = parser.parse_args()
    digits, _ = mnist(args.data, "test", max(args.sizes))
    found, lines = [], [HEAD]
    for n in args.sizes:
        found.append(measured(digits[:n], args.tries))
        lines.append(line(f"{n:,} digits", found[-1]))
        print(lines[-1], flush=True)
    for n in args.sizes[1:3]:
        lines.append(line(f'{n:,} digits, metric="rule"', measured(digits[:n], 200, metric="rule")))
        print(lines[-1], flush=True)
    draw(found)
    text = "# Certified recall\n\nDefault memories of MNIST digits; medians over rows.\n\n"
    keep("certified_recall", text + "\n".join(lines))


if __name__ == "__main__":
    main()
