"""A trained network against its infinite-width limit from the same f0, as the width grows.

    python benchmarks/width_limit.py [--seeds 10]

Distance between the outputs on fresh inputs, and between the spectra at the patterns, at dim 16,
n = 6, norms 3 and 30, in float64, over widths 250 … 16,000. Target: it falls as width^(−1/2); the
fitted exponent's 95 % interval must hold −½ or the exponent lie within 0.1 of it.

At norm 30 that range falls short: the law is one of lazy training, and there the pre-activations of
the active units still move by several times the scale on which the nonlinearity bends ("move" in
the table). So norm 30 goes on to a width of a million, with half the seeds. What it shows is two
laws: the part of the distance that varies with the initial weights ("spread", the standard
deviation over seeds) falls as width^(−1/2) in the outputs, though not yet in the spectra; the part
that all seeds share falls faster, towards 1/width, and at a million still outweighs the other. Over
the last three widths the distance is therefore asked to fall at least as fast as width^(−1/2),
within 0.1, and the spread of the outputs as width^(−1/2).

Gradient descent itself, at norm 30 with fewer seeds, is there to tell the network from the solver:
if it falls short over 250 … 16,000 as well, no way of training that follows it could do better.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import attractory

sys.path.insert(0, str(Path(__file__).parent))
from _results import keep

WIDTHS = (250, 1000, 4000, 16_000)
BEYOND = (64_000, 256_000, 1_024_000)
DIM, COUNT = 16, 6
ACTIVE = 1.76  # up to there the logistic function's derivative is at least half of its largest


def differences(norm, width, seed, solver="gauss_newton"):
    """Of outputs over the norm and of sorted |eigenvalues|, trained less limit; and the move.

    The move is the root mean square change of the pre-activations that started below `ACTIVE`.
    """
    x = attractory.datasets.sphere(COUNT, DIM, norm=norm, seed=1)
    fresh = attractory.datasets.sphere(50, DIM, norm=norm, seed=2)
    start = attractory.Autoencoder(DIM, width=width, key=seed, dtype=np.float64)
    tolerance = 1e-8 if solver != "gauss_newton" else 1e-20 if width in WIDTHS else 1e-16
    trained = attractory.train(start, x, solver=solver, tolerance=tolerance)
    assert trained.converged, trained
    limit = attractory.fit_sampled_regression(start, x)
    outputs = (trained.model(fresh) - limit(fresh)) / norm * np.sqrt(DIM)
    spectra = [
        np.sort(np.abs(attractory.eigenvalues(f, x)), axis=-1) for f in (trained.model, limit)
    ]
    before, after = (x @ np.asarray(f.weights[0]).T / np.sqrt(DIM) for f in (start, trained.model))
    return outputs, spectra[0] - spectra[1], (after - before)[np.abs(before) < ACTIVE].std()


def distance(part):
    """Root mean square over seeds and entries."""
    return float(np.sqrt(np.mean(np.square(part))))


def spread(part):
    """What of it varies with the seed."""
    return float(np.sqrt(np.mean(np.var(part, axis=0, ddof=1))))


def exponent(widths, parts, size):
    """Slope of log size over log width and its 95 % interval, by bootstrap over seeds."""
    logs = np.log(widths) - np.mean(np.log(widths))
    rng = np.random.default_rng(0)

    def slope(parts):
        return float(logs @ np.log([size(part) for part in parts]) / (logs @ logs))

    def again(part):
        # At least three different seeds: the same one five times would have no spread.
        while True:
            drawn = rng.integers(0, len(part), len(part))
            if len(set(drawn)) > 2:
                return part[drawn]

    draws = [slope([again(part) for part in parts]) for _ in range(2000)]
    return slope(parts), *np.percentile(draws, [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    fewer = max(5, seeds // 2)
    widths = (*WIDTHS, *BEYOND)
    lines = [
        "# Distance of a trained network from its limit, by width",
        "",
        f"dim {DIM}, {COUNT} patterns; {seeds} seeds, beyond width 16,000 {fewer}; root mean",
        "squares; exponents with their 95 % intervals. Spread: the part that varies with the seed.",
        "Move: of the active units' pre-activations. At norm 30 no width up to 16,000 is lazy,",
        "and the exponents fall short of −½, with gradient descent itself (to 1e-8) as with the",
        "default solver. Further on the outputs' spread has it, and what all seeds share falls",
        "faster, towards 1/width.",
        "",
        f"| norm | of | {' | '.join(map(str, widths))} | 250 … 16,000 | last three |",
        f"|---|---|{'---|' * len(widths)}---|---|",
    ]
    missed = []

    def ask(right, what, norm, best):
        if not right:
            missed.append(f"norm {norm:g}, {what}: exponent {best:.3f}")

    def row(norm, name, asked, parts, size):
        """Add a row; return its exponents over 250 … 16,000 and over the last three widths."""
        cells = [f"{size(part):.2e}" for part in parts] + ["–"] * (len(widths) - len(asked))
        whole = exponent(WIDTHS, parts[: len(WIDTHS)], size)
        end = exponent(asked[-3:], parts[-3:], size)
        cells += ["{:.3f} ({:.3f} … {:.3f})".format(*fitted) for fitted in (whole, end)]
        lines.append(f"| {norm:g} | {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
        return whole, end

    for norm, asked in ((3.0, WIDTHS), (30.0, widths)):
        found = [
            [differences(norm, w, s) for s in range(seeds if w in WIDTHS else fewer)] for w in asked
        ]
        for k, what in ((0, "outputs"), (1, "spectrum"), (2, "move")):
            parts = [np.array([one[k] for one in at]) for at in found]
            for size in (distance, spread)[: 1 if what == "move" else 2]:
                name = what if size is distance else f"{what}, spread"
                whole, end = row(norm, name, asked, parts, size)
                best, low, high = whole if norm == 3 else end
                half = abs(best + 0.5) <= 0.1 or low <= -0.5 <= high
                if what != "move" and norm == 3 and size is distance:
                    ask(half, name, norm, best)
                if what != "move" and norm == 30 and size is distance:
                    ask(half or best < -0.5, name, norm, best)
                if what == "outputs" and norm == 30 and size is spread:
                    ask(half, name, norm, best)
    found = [[differences(30.0, w, s, "gradient_descent") for s in range(fewer)] for w in WIDTHS]
    for k, what in ((0, "outputs"), (1, "spectrum")):
        parts = [np.array([one[k] for one in at]) for at in found]
        row(30.0, f"{what}, gradient descent", WIDTHS, parts, distance)
    keep("width_limit", "\n".join(lines))
    if missed:
        sys.exit("not width^(-1/2): " + "; ".join(missed))


if __name__ == "__main__":
    main()
