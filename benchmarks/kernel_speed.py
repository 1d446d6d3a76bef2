"""NTK speed and accuracy beside neural-tangents 0.6.5, and logistic beside erf.

    python benchmarks/kernel_speed.py            # sets the peer's environment up on first use
    python benchmarks/kernel_speed.py --no-peer  # only our own ratios

Targets: the logistic kernel at least 100 times faster than the peer's (n = 1000, dim 784, norm
100); the erf kernel no slower (n = 3000); logistic at most 3 times erf (n = 3000).
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import mpmath
import numpy as np

import attractory

sys.path.insert(0, str(Path(__file__).parent))


def exact_diagonal(norm, dim=784):
    """ntk(x, x) of the logistic function, E σ(u)² + a E σ′(u)², by 30-digit quadrature."""
    mpmath.mp.dps = 30
    a = mpmath.mpf(norm) ** 2 / dim

    def mean(f):
        root = mpmath.sqrt(a)  # the integrand changes on the scales 1 and √a
        ends = sorted({mpmath.mpf(e) for e in (0, 4, 10, 20, 40, 80, root, 3 * root, 15 * root)})

        def integrand(u):
            return (f(u) + f(-u)) * mpmath.exp(-u * u / (2 * a)) / mpmath.sqrt(2 * mpmath.pi * a)

        return mpmath.quad(integrand, ends)

    def sigmoid(u):
        return 1 / (1 + mpmath.exp(-u))

    slope = mean(lambda u: (sigmoid(u) * sigmoid(-u)) ** 2)
    return float(mean(lambda u: sigmoid(u) ** 2) + a * slope)


def seconds(function, *args, **kwargs):
    start = time.perf_counter()
    function(*args, **kwargs)
    return time.perf_counter() - start


def show(label, times):
    low, high = min(times), max(times)
    print(f"  {label:<52} {statistics.median(times):8.4f} s  ({low:.4f} … {high:.4f})")
    return statistics.median(times)


def against_peer(repeats):
    from peers.worker import neural_tangents

    peer = neural_tangents()
    for activation, n, rounds in (("sigmoid", 1000, 3), ("erf", 3000, repeats)):
        x = attractory.datasets.sphere(n, 784, norm=100.0, seed=1)
        path = peer.put(x=x)
        cold = seconds(attractory.ntk, x, activation=activation)
        peer_cold = peer.ask(op="ntk", activation=activation, data=path, repeat=1)["cold_seconds"]
        ours, theirs = [], []
        for _ in range(rounds):  # interleaved: both meet the same machine
            ours.append(seconds(attractory.ntk, x, activation=activation))
            theirs += peer.ask(op="ntk", activation=activation, data=path, repeat=1)["seconds"]
        print(f"{activation} NTK, n = {n}, dim 784, norm 100 (warm, median of {rounds})")
        a, b = show("attractory", ours), show("neural-tangents 0.6.5", theirs)
        print(f"  ratio {b / a:.2f}; cold {cold:.2f} s and {peer_cold:.2f} s")
    print("relative error of the logistic NTK on the diagonal, dim 784")
    for norm in (10.0, 100.0, 1000.0):
        exact = exact_diagonal(norm)
        x = attractory.datasets.sphere(4, 784, norm=norm, seed=2)
        answer = peer.ask(op="ntk", activation="sigmoid", data=peer.put(x=x), repeat=1)
        theirs = np.abs(np.asarray(answer["diagonal"]) / exact - 1).max()
        ours = np.abs(np.diag(attractory.ntk(x)) / exact - 1).max()
        print(f"  norm {norm:6g}: attractory {ours:.1e}, neural-tangents {theirs:.1e}")
    peer.close()


def logistic_beside_erf(repeats):
    common = attractory.datasets.sphere(3000, 784, norm=100.0, seed=3)
    rng = np.random.default_rng(4)
    queries = common * rng.uniform(0.3, 3.0, (3000, 1))
    for label, args in (
        ("patterns of one norm, ntk(x)", (common,)),
        ("queries of differing norms, ntk(q, x)", (queries, common)),
        ("both of differing norms, ntk(q)", (queries,)),
    ):
        cold = {a: seconds(attractory.ntk, *args, activation=a) for a in ("erf", "sigmoid")}
        times = {"erf": [], "sigmoid": []}
        for _ in range(repeats):
            for activation, taken in times.items():
                taken.append(seconds(attractory.ntk, *args, activation=activation))
        print(f"n = 3000, dim 784: {label}")
        a, b = show("erf (one node)", times["erf"]), show("logistic (16 nodes)", times["sigmoid"])
        print(f"  ratio {b / a:.2f}; cold {cold['erf']:.2f} s and {cold['sigmoid']:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    logistic_beside_erf(options.repeats)
    if not options.no_peer:
        against_peer(options.repeats)


if __name__ == "__main__":
    main()
