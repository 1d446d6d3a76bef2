"""Certified balls of Hopfield networks beside Ramsauer's separation bound, on the same digits.

    python benchmarks/certified_hopfield.py --data FOLDER [--sizes 20 100 300]

Digits of MNIST in the coordinates of a default memory of them, at norm 1. Medians over rows, relative to
the norm.
"""

# ruff: noqa: E501

import argparse
import time

import numpy as np
from _results import keep

from attractory import AttractorMemory
from attractory.datasets import mnist
from attractory.memory import certify_polynomial, certify_softmax


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100, 300])
    args = parser.parse_args()
    digits = mnist(args.data, "test", max(args.sizes))[0]
    lines = [
        "| rows | network | half the distance to the nearest | Ramsauer's radius | rows it is of | ours | rows certified | a row |",
        "|---" * 8 + "|",
    ]
    for n in args.sizes:
        points = AttractorMemory().fit(digits[:n]).points_
        for name, certify, value in (
            *((f"softmax, β = {b}", certify_softmax, float(b)) for b in (20, 50, 200)),
            *((f"polynomial, k = {k}", certify_polynomial, k) for k in (7, 20)),
        ):
            begun = time.process_time()
            found = certify(points, value)
            took = (time.process_time() - begun) / n
            theirs = (
                "–"
                if np.isnan(found.separation).all()
                else f"{np.median(found.separation):.5f} | {(found.separation > 0).mean():.2f}"
            )
            lines.append(
                f"| {n:,} | {name} | {np.median(found.half):.3f} | {theirs if theirs != '–' else '– | –'} | "
                f"{np.median(found.radius):.3f} | {(found.radius > 0).mean():.2f} | {1e3 * took:.0f} ms |"
            )
            print(lines[-1], flush=True)
    keep(
        "certified_hopfield",
        "# Certified Hopfield networks\n\nDigits in a memory's metric, at norm 1; medians over rows.\n\n"
        + "\n".join(lines),
    )


if __name__ == "__main__":
    main()
