"""Certificates of networks of depth 2 beside auto_LiRPA's linear relaxations, and attacks.

    python benchmarks/certified_network.py [--case NAME ...]

Ours is `certified_radius`. auto_LiRPA bounds how far a ball's states are from the point after a
step; its radius is the largest from which balls, each 8 % wider than the one it is mapped into,
lead to one of a thousandth of the norm. Attacked is `critical_shock`. Three of the points are
looked at. Times are processor time a point.
"""

import argparse
import time

import numpy as np
from _results import keep
from peers.worker import auto_lirpa

import attractory
from attractory.datasets import bundled_digits, rescale, sphere

CASES = {
    "5 random of 32 numbers, norm 40, width 1,000": (sphere(5, 32, norm=40.0), 1000),
    "5 digits, norm 100, width 1,000": (rescale(bundled_digits(5)[0], 100.0), 1000),
}
FIRST, RATIO, POINTS = 1e-3, 1.08, 3
HEAD = (
    "| network | attacked / norm | certified / norm | auto_LiRPA / norm | ours, a point "
    "| auto_LiRPA, a point |\n" + "|---" * 6 + "|"
)


def measured(peer, x, width):
    start = attractory.Autoencoder(x.shape[1], width=width, key=0, dtype=np.float64)
    f = attractory.train(start, x, tolerance=1e-14).model
    x, norm = x[:POINTS], float(np.linalg.norm(x[0]))
    attractory.certified_radius(f, x[:1])  # what is compiled
    begun = time.process_time()
    ours = attractory.certified_radius(f, x)
    seconds = (time.process_time() - begun) / len(x)
    shock = attractory.critical_shock(f, x).distance
    centre = np.where(np.isnan(ours.fixed_point), x, ours.fixed_point)
    weights = {f"w{k}": np.asarray(w, float) for k, w in enumerate(f.weights)}
    path = peer.put(x=centre, **weights)
    theirs = peer.ask(op="grow", data=path, first=FIRST * norm, ratio=RATIO)
    found = (np.median(v) / norm for v in (shock, ours.radius, theirs["radii"]))
    return [f"{v:.3f}" for v in found] + [f"{s:.2f} s" for s in (seconds, theirs["seconds"])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES))
    args = parser.parse_args()
    lines, peer = [HEAD], auto_lirpa()
    for name in args.case:
        lines.append(f"| {name} | " + " | ".join(measured(peer, *CASES[name])) + " |")
        print(lines[-1], flush=True)
    peer.close()
    text = "# Certificates of networks beside auto_LiRPA\n\nMedians over three points.\n\n"
    keep("certified_network", text + "\n".join(lines))


if __name__ == "__main__":
    main()
