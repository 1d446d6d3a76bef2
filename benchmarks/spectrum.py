"""Eigenvalues and spectral radius at 20 stored digits, width 10,000, beside torch.func.jacrev.

    python benchmarks/spectrum.py

Target: 5 times faster than torch.func.jacrev and torch.linalg.eigvals on the same weights, in less
than 2 GiB. PyTorch has no other way to a spectral radius than all eigenvalues, one point at a time.

The radius alone meets it, but for 4.9 to 5.0 at norm 3. All eigenvalues cannot: both sides'
Jacobians take the same operations, and LAPACK does the rest, in double precision on our side; see
the last two columns.
"""

import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

import attractory

sys.path.insert(0, str(Path(__file__).parent))
from _results import keep
from peers.worker import torch

ROUNDS = 3


def timed(call, *args):
    start = time.perf_counter()
    return call(*args), time.perf_counter() - start


def main(points=20):
    lines = [
        f"# Spectra at {points} stored MNIST digits, width 10,000, float32",
        "",
        f"Seconds for all {points} points, medians of {ROUNDS} interleaved rounds; both sides have",
        "the same weights. The radii are compared with those of the same Jacobians in float64.",
        "",
        "| norm | jacrev + eigvals | all eigenvalues | ratio | radius alone | ratio "
        "| radius off by | PyTorch's by | largest radius | jacrev alone | our Jacobians alone |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    peer, theirs = torch(), 0.0
    for norm in (3.0, 10.0, 30.0, 300.0):
        x = attractory.datasets.rescale(attractory.datasets.bundled_digits(points)[0], norm)
        model = attractory.train(attractory.Autoencoder(784, key=0), x, progress=False).model
        weights = {f"w{k}": np.asarray(w) for k, w in enumerate(model.weights)}
        path = peer.put(x=x.astype(np.float32), **weights)
        attractory.eigenvalues(model, x[:2])  # compile
        attractory.spectral_radius(model, x)
        seconds = []
        for _ in range(ROUNDS):
            radius, alone = timed(attractory.spectral_radius, model, x)
            _, every = timed(attractory.eigenvalues, model, x)
            _, product = timed(lambda m, x: [np.asarray(m.jacobian(p)) for p in x], model, x)
            answer = peer.ask(op="spectrum", data=path, points=points)
            jacrev, eigvals = (sum(part) for part in zip(*answer["seconds"], strict=True))
            seconds.append((jacrev + eigvals, every, alone, jacrev, product))
        medians = (statistics.median(column) for column in zip(*seconds, strict=True))
        both, every, alone, jacrev, product = medians
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        theirs = max(theirs, answer["peak_gib"])
        exact = reference(weights, x)
        off, theirs_off = (np.abs(r / exact - 1).max() for r in (radius, np.array(answer["radii"])))
        lines.append(
            f"| {norm:g} | {both:.2f} | {every:.2f} | {both / every:.1f} | {alone:.2f} "
            f"| {both / alone:.1f} | {off:.0e} | {theirs_off:.0e} | {exact.max():.4f} "
            f"| {jacrev:.2f} | {product:.2f} |"
        )
        print(lines[-1], flush=True)
    lines += ["", f"Peak memory: attractory {peak:.2f} GiB, PyTorch {theirs:.2f} GiB."]
    print(lines[-1])
    peer.close()
    keep("spectrum", "\n".join(lines))


def reference(weights, x):
    """Radii in float64, by NumPy alone."""
    first, last = (weights[name].astype(float) for name in ("w0", "w1"))
    radii = []
    for point in x.astype(np.float32).astype(float):
        half = np.abs(first @ point) / np.sqrt(first.shape[1]) / 2
        slope = 0.25 / np.cosh(np.minimum(half, 300)) ** 2
        jacobian = last @ (slope[:, None] * first) / np.sqrt(first.size)
        radii.append(np.abs(np.linalg.eigvals(jacobian)).max())
    return np.array(radii)


if __name__ == "__main__":
    main()
