"""A trained network against its infinite-width limit from the same f0, as the width grows.

    python benchmarks/width_limit.py [--seeds 10]

Distance between the outputs on fresh inputs, and between the spectra at the patterns, over widths
250 … 16,000 at dim 16, n = 6, norms 3 and 30, in float64. Target: it falls as width^(−1/2); the
fitted exponent's 95 % interval must hold −½ or the exponent lie within 0.1 of it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import attractory

sys.path.insert(0, str(Path(__file__).parent))
from _results import keep

WIDTHS = (250, 1000, 4000, 16000)
DIM, COUNT = 16, 6


def gap(norm, width, seed):
    """Root mean square distance of outputs over the norm, and of sorted |eigenvalues|."""
    x = attractory.sphere(COUNT, DIM, norm=norm, seed=1)
    fresh = attractory.sphere(50, DIM, norm=norm, seed=2)
    start = attractory.Autoencoder(DIM, width=width, key=seed, dtype=np.float64)
    trained = attractory.fit(start, x, tolerance=1e-20)
    assert trained.converged, trained
    limit = attractory.fit_sampled_regression(start, x)
    outputs = np.sqrt(np.mean((trained.model(fresh) - limit(fresh)) ** 2)) / norm * np.sqrt(DIM)
    spectra = [np.abs(attractory.eigenvalues(f, x)) for f in (trained.model, limit)]
    return outputs, np.sqrt(np.mean((spectra[0] - spectra[1]) ** 2))


def exponent(values):
    """Slope of log gap over log width and its 95 % interval, by bootstrap over seeds."""
    logs = np.log(WIDTHS) - np.mean(np.log(WIDTHS))

    def slope(table):
        means = np.log(table.mean(axis=1))
        return float(logs @ (means - means.mean()) / (logs @ logs))

    rng = np.random.default_rng(0)
    seeds = values.shape[1]
    draws = [slope(values[:, rng.integers(0, seeds, seeds)]) for _ in range(2000)]
    return slope(values), *np.percentile(draws, [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    lines = [
        "# Distance of a trained network from its limit, by width",
        "",
        f"dim {DIM}, {COUNT} patterns, {seeds} seeds, means; exponent with its 95 % interval.",
        "",
        f"| norm | of | {' | '.join(map(str, WIDTHS))} | exponent |",
        f"|---|---|{'---|' * len(WIDTHS)}---|",
    ]
    missed = []
    for norm in (3.0, 30.0):
        table = np.array([[gap(norm, width, s) for s in range(seeds)] for width in WIDTHS])
        for k, what in enumerate(("outputs", "spectrum")):
            values = table[:, :, k]
            best, low, high = exponent(values)
            cells = " | ".join(f"{v:.2e}" for v in values.mean(axis=1))
            lines.append(f"| {norm:g} | {what} | {cells} | {best:.3f} ({low:.3f} … {high:.3f}) |")
            print(lines[-1], flush=True)
            if abs(best + 0.5) > 0.1 and not low <= -0.5 <= high:
                missed.append(f"norm {norm:g}, {what}: exponent {best:.3f}")
    keep("width_limit", "\n".join(lines))
    if missed:
        sys.exit("not width^(-1/2): " + "; ".join(missed))


if __name__ == "__main__":
    main()
