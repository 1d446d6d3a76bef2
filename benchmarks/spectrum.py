"""Jacobian and all eigenvalues at 20 stored digits, width 10,000, beside torch.func.jacrev.

    python benchmarks/spectrum.py

Target: 5 times faster than torch.func.jacrev and torch.linalg.eigvals on the same weights, in less
than 2 GiB.
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


def main(points=20):
    lines = [
        "# Jacobian and eigenvalues at 20 stored MNIST digits, width 10,000, float32",
        "",
        "Median seconds a point; the two sides have the same weights.",
        "",
        "| norm | jacrev | eigvals | both | attractory, both | ratio | radii differ by |",
        "|---|---|---|---|---|---|---|",
    ]
    peer = torch()
    for norm in (10.0, 300.0):
        x = attractory.rescale(attractory.bundled_digits(points)[0], norm)
        model = attractory.fit(attractory.Autoencoder(784, key=0), x).model
        weights = {f"w{k}": np.asarray(w) for k, w in enumerate(model.weights)}
        path = peer.put(x=x.astype(np.float32), **weights)
        attractory.eigenvalues(model, x[:1])  # compile
        ours, radii = [], []
        for point in x:
            start = time.perf_counter()
            radii.append(np.abs(attractory.eigenvalues(model, point[None])).max())
            ours.append(time.perf_counter() - start)
        answer = peer.ask(op="spectrum", data=path, points=points)
        first, second = (statistics.median(t) for t in zip(*answer["seconds"], strict=True))
        both = statistics.median(sum(t) for t in answer["seconds"])
        mine = statistics.median(ours)
        difference = np.abs(np.array(radii) - answer["radii"]).max()
        lines.append(
            f"| {norm:g} | {first:.2f} | {second:.2f} | {both:.2f} | {mine:.2f} "
            f"| {both / mine:.1f} | {difference:.0e} |"
        )
        print(lines[-1], flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines += ["", f"Peak memory: attractory {peak:.2f} GiB, PyTorch {answer['peak_gib']:.2f} GiB."]
    print(lines[-1])
    peer.close()
    keep("spectrum", "\n".join(lines))


if __name__ == "__main__":
    main()
