"""The memory at work: additions, a cycle, and 10,000 digits.

    python benchmarks/memory.py               # additions and the cycle
    python benchmarks/memory.py --data FOLDER # also 10,000 digits of an MNIST folder

The digits are stored and saved in one process, loaded and recalled in another.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _results import keep

from attractory import AttractorMemory, SequenceMemory, diagnose, load_memory, save_memory
from attractory.datasets import bundled_digits, mnist, sphere


def additions():
    """1,000 rows added one by one to 1,000, and one fit of 1,000."""
    x = sphere(2000, 784, seed=0)
    # By the rule: a choice by trials would make the fits dear, not the additions cheap.
    settings = {"activation": "sigmoid", "norm": 150.0, "center": False, "search": False}
    AttractorMemory(**settings).fit(x[:1000]).transform(x[:2])  # compiles
    fits = []
    for _ in range(3):
        begun = time.perf_counter()
        memory = AttractorMemory(**settings).fit(x[:1000])
        fits.append(time.perf_counter() - begun)
    for k in (1000, 1001):
        memory.partial_fit(x[k : k + 1])
    begun = time.perf_counter()
    for k in range(1002, 2000):
        memory.partial_fit(x[k : k + 1])
    added = time.perf_counter() - begun
    begun = time.perf_counter()
    residual = memory.residual_
    last = time.perf_counter() - begun
    fit = float(np.median(fits))
    return (
        f"One fit of 1,000 rows (dim 784): {fit:.2f} s. 998 additions, one by one: {added:.1f} s, "
        f"and {last:.1f} s for the solve at the next use; together "
        f"{(added + last) / 998 / fit:.3f} of as many fits (target 0.1). Residual {residual:.0e}."
    )


def cycle():
    digits, _ = bundled_digits(20)
    memory = SequenceMemory().fit(digits)
    size = np.linalg.norm(digits[0] - digits.mean(axis=0))
    noise = np.random.default_rng(0).normal(size=784)
    path = memory.replay(digits[0] + 0.3 * size * noise / np.linalg.norm(noise), 1000)
    away = np.abs(path - digits[np.arange(1001) % 20]).max(axis=1)
    radius = diagnose(memory).spectral_radius
    return (
        f"A cycle of 20 digits, cue at noise 0.3: largest pixel error {away[20:].max():.1e} over "
        f"steps 20 to 1000, {away[100:].max():.1e} from step 100. Floquet radius {radius[0]:.1e}."
    )


RECALL = """
import sys, time
import numpy as np
begun = time.perf_counter()
from attractory import load_memory
from attractory.datasets import mnist
digits, _ = mnist(sys.argv[2], "test", 10_000)
memory = load_memory(sys.argv[1])
loaded = time.perf_counter() - begun
rng = np.random.default_rng(0)
rows = rng.choice(len(digits), 1000, replace=False)
size = np.linalg.norm(digits[rows] - digits.mean(axis=0), axis=1, keepdims=True)
noise = rng.normal(size=(1000, 784))
noise *= size / np.linalg.norm(noise, axis=1, keepdims=True)
for strength in (0.1, 0.5):
    begun = time.perf_counter()
    result = memory.recall(digits[rows] + strength * noise)
    took = time.perf_counter() - begun
    right, steps = (result.pattern == rows).mean(), np.quantile(result.steps, 0.95)
    print(f"{took:.1f} {right:.4f} {result.known.mean():.4f} {steps:.0f}")
import resource
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(f"{loaded:.1f} {peak:.2f}")
"""


def thousands(folder):
    digits, _ = mnist(folder, "test", 10_000)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "digits.mem"
        begun = time.perf_counter()
        memory = AttractorMemory().fit(digits)
        stored = time.perf_counter() - begun
        begun = time.perf_counter()
        save_memory(memory, path)
        saved = time.perf_counter() - begun
        out = subprocess.run(
            [sys.executable, "-c", RECALL, str(path), str(folder)],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        size = path.stat().st_size / 2**20
        memory = load_memory(path)
    took, right, known, _, noisy, half, _, steps, loaded, peak = (float(value) for value in out)
    found = diagnose(memory, rows=range(0, 10_000, 100), shock=False, certify=False)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"10,000 digits at the automatic norm {memory.norm_:.0f}: stored {stored:.1f} s, saved "
        f"{saved:.1f} s ({size:.0f} MiB), in a fresh process loaded {loaded:.1f} s and 1,000 cues "
        f"recalled {took:.1f} s: {stored + saved + loaded + took:.0f} s (target 60), peak "
        f"{max(peak, own):.1f} GiB (target 4). Recalled at noise 0.1: {100 * right:.1f} % (target "
        f"95), known {100 * known:.1f} %; at noise 0.5 {100 * half:.1f} % (target 90) in "
        f"{noisy:.1f} s, 95 % of the cues within {steps:.0f} map evaluations. Of 100 rows "
        f"{int(found.attractor.sum())} are attractors "
        f"(target 99 %). Residual {memory.residual_:.0e}."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    folder = parser.parse_args().data
    parts = [additions, cycle] + ([lambda: thousands(folder)] if folder else [])
    lines = []
    for part in parts:
        lines.append(part())
        print(lines[-1], flush=True)
    keep("memory", "\n\n".join(lines))
