"""The statements of the paper on numbers: tables for benchmarks/results, figures for the docs.

    python benchmarks/theory.py           # everything, about 10 minutes
    python benchmarks/theory.py figures   # only the figures

Proposition 2 is held here against networks that are really built (weights drawn, Jacobian taken by
their own product), not against the law `attractory.theory` draws from.
"""

import sys
import time

import _theory_figures as figures
import equinox as eqx
import numpy as np
from _results import keep

from attractory import Autoencoder, critical_norm
from attractory.datasets import sphere
from attractory.theory import initial_moments, large_enough_norm, large_norm_limit, verify

ACTIVATIONS = "sigmoid", "tanh", "erf"
DIM, NORM, COSINE, WIDTH, DRAWS = 32, 10.0, 0.3, 4000, 200


def proposition_2():
    """Mean squares of J(x)z's entries in 200 networks of width 4,000."""
    x, z = np.zeros(DIM), np.zeros(DIM)
    x[0], z[:2] = NORM, (COSINE, np.sqrt(1 - COSINE**2))
    rows = []
    for depth in (2, 3, 4, 5):
        small = {
            a: Autoencoder(DIM, width=1, depth=depth, activation=a, key=0) for a in ACTIVATIONS
        }
        samples = {a: [] for a in ACTIVATIONS}
        for key in range(DRAWS):
            weights = Autoencoder(DIM, width=WIDTH, depth=depth, key=key).weights
            for name, shell in small.items():
                network = eqx.tree_at(lambda n: n.weights, shell, weights)
                samples[name].append(float((np.asarray(network.jvp(x, z), float) ** 2).mean()))
        for name, values in samples.items():
            expected = initial_moments(
                dim=DIM, norm=NORM, cosine=COSINE, activation=name, depth=depth
            ).output_variance
            mean = np.mean(values)
            error = 1.96 * np.std(values, ddof=1) / np.sqrt(DRAWS)
            inside = abs(mean - expected) <= error
            rows.append(
                f"| {name} | {depth} | {expected:.4g} | {mean:.4g} ± {error:.1g} | "
                f"{mean / expected:.3f} | {'yes' if inside else 'NO'} |"
            )
            print(rows[-1], flush=True)
    head = (
        f"Proposition 2: mean square of the entries of J(x)z, {DRAWS} networks of width {WIDTH:,}, "
        f"dim {DIM}, norm {NORM:g}, cosine {COSINE}; intervals of 95 %.\n\n"
        "| activation | depth | predicted | measured | ratio | inside |\n"
        "|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(rows)


def limit():
    """The limit ½ at the norm the module names."""
    x = sphere(8, 32)
    rows = []
    for name in ("sigmoid", "erf_surrogate", "tanh", "erf", "arctan", "softsign"):
        for depth in (2, 3):
            norm = large_enough_norm(x, activation=name, depth=depth)
            claim = large_norm_limit(x, activation=name, depth=depth).predictions[0]
            rows.append(f"| {name} | {depth} | {norm:,.0f} | {claim.measured - 0.5:+.2e} |")
            print(rows[-1], flush=True)
    head = (
        "The limit of ‖J∞‖ at 8 patterns in dim 32, f0 = 0, at the norm `large_enough_norm` gives "
        "for 1e-3.\n\n| activation | depth | norm | ‖J‖ − ½, furthest |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows)


def critical():
    """Critical norms, 5 seeds each."""
    rows = []
    for n in (5, 20, 40):
        for name in ("erf_surrogate", "sigmoid", "erf"):
            grid = np.geomspace(0.1, 10, 12) * np.sqrt(32)
            found = [
                critical_norm(
                    sphere(n, 32, seed=s), activation=name, key=s, norms=grid, progress=False
                ).norm
                for s in range(5)
            ]
            rows.append(
                f"| {n} | {name} | {np.median(found):.2f} | {min(found):.2f} … {max(found):.2f} |"
            )
            print(rows[-1], flush=True)
    head = (
        "Critical norms, dim 32, f0 sampled at width 10,000, 5 sets of patterns and networks.\n\n"
        "| n | activation | median | range |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows)


def all_statements():
    begun = time.perf_counter()
    checks = verify()
    took = time.perf_counter() - begun
    passed = sum(check.passed for check in checks)
    return f"`verify()`: {passed} of {len(checks)} settings as stated, {took:.0f} s (target 180)."


if __name__ == "__main__":
    if sys.argv[1:] != ["figures"]:  # tables first: they are what a run may be stopped after
        parts = [all_statements(), proposition_2(), limit(), critical()]
        keep("theory", "\n\n".join(parts))
    figures.draw_all()
