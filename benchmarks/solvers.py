"""Where Gauss–Newton and gradient descent end at the same memory, and where not.

    python benchmarks/solvers.py

20 random points of dim 32 at norms 3 … 300 and 20 MNIST digits at 100 and 300 (below, gradient
descent takes thousands of steps), width 10,000, float32, every solver from the same weights to
the same relative error. Compared: outputs at cues (patterns with noise half their size), radii at
eight patterns, the change of each layer, and how far each network is from the infinite-width limit
of the same weights. Target: up to norm 10, where training is lazy, solvers differ by less than
either does from the limit; at large norm, that it be said by how much they differ. Draws
docs/explanation/training.png.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import attractory

sys.path.insert(0, str(Path(__file__).parent))
from _results import keep

NORMS = (3.0, 10.0, 30.0, 100.0, 300.0)
LAZY = (3.0, 10.0)
DIGIT_NORMS = (100.0, 300.0)
SOLVERS = {
    "gauss_newton": ("Gauss–Newton", "#D55E00", "o-"),
    "gradient_flow": ("gradient flow", "#CC79A7", "v-"),
    "gradient_descent": ("gradient descent", "#0072B2", "s-"),
    "momentum": ("momentum", "#009E73", "^-"),
}
COUNT, EIGEN = 20, 8


def rms(a, b):
    return float(np.sqrt(np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2)))


def measure(x, norm):
    """Patterns of one norm: a dictionary a solver, and one for the limit."""
    noise = np.random.default_rng(0).standard_normal(x.shape)
    cues = x + 0.5 * attractory.datasets.rescale(noise, norm)
    scale = norm / np.sqrt(x.shape[1])
    start = attractory.Autoencoder(x.shape[1], width=10_000, key=0)
    limit = attractory.fit_sampled_regression(start, x)
    found = {
        "limit": {"outputs": limit(cues), "radii": attractory.spectral_radius(limit, x[:EIGEN])}
    }
    for solver in SOLVERS:
        result = attractory.train(start, x, solver=solver, tolerance=1e-6 * scale**2)
        assert result.converged, result
        pairs = zip(result.model.weights, start.weights, strict=True)
        found[solver] = {
            "steps": result.steps,
            "seconds": result.seconds,
            "moved": [float(np.linalg.norm(np.asarray(a) - np.asarray(b))) for a, b in pairs],
            "outputs": result.model(cues),
            "radii": attractory.spectral_radius(result.model, x[:EIGEN]),
        }
    for solver in SOLVERS:
        one = found[solver]
        one["to_limit"] = rms(one["outputs"], found["limit"]["outputs"]) / scale
        one["to_descent"] = rms(one["outputs"], found["gradient_descent"]["outputs"]) / scale
        mean = np.mean(found["gradient_descent"]["radii"])
        one["radius_ratio"] = float(np.mean(one["radii"]) / mean)
        one["radii_apart"] = rms(one["radii"], found["gradient_descent"]["radii"])
        one["radii_to_limit"] = rms(one["radii"], found["limit"]["radii"])
    return found


def draw(table):
    figure = Figure(figsize=(9.5, 4.0), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    for solver, (label, colour, mark) in SOLVERS.items():
        ones = [table[norm][solver] for norm in NORMS]
        left.plot(
            NORMS, [v["to_limit"] for v in ones], mark, color=colour, label=f"{label} to limit"
        )
        right.plot(NORMS, [np.mean(v["radii"]) for v in ones], mark, color=colour, label=label)
    apart = [table[norm]["gauss_newton"]["to_descent"] for norm in NORMS]
    left.plot(NORMS, apart, "k--D", label="Gauss–Newton to gradient descent")
    radii = [np.mean(table[norm]["limit"]["radii"]) for norm in NORMS]
    right.plot(NORMS, radii, "--D", color="#777777", label="infinite-width limit")
    left.set(xscale="log", yscale="log", xlabel="norm of the patterns")
    left.set(ylabel="distance of outputs at cues / pattern size")
    left.set_title("Solvers are nearer to one another than to the limit", fontsize=10)
    right.set(
        xscale="log", xlabel="norm of the patterns", ylabel="mean spectral radius at patterns"
    )
    right.set_ylim(bottom=0)
    right.set_title("… and leave it together as the norm grows", fontsize=10)
    for axis in (left, right):
        axis.set_xticks(NORMS, [f"{norm:g}" for norm in NORMS])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=7.5, frameon=False)
    figure.suptitle("20 random points, dim 32, width 10,000", fontsize=9, color="#555555")
    figure.savefig(Path(__file__).parents[1] / "docs/explanation/training.png")


def main():
    lines = [
        "# Solvers from the same weights: 20 patterns, width 10,000, float32",
        "",
        "Outputs at cues: distances over the size of a pattern. Radii at eight patterns: mean, its",
        "ratio to gradient descent's, and root mean square distances. Initial lengths: ‖W‖ 566 at",
        "dim 32, 2,800 for MNIST.",
        "",
        "| patterns, norm | solver | steps | ‖ΔW₁‖ | ‖ΔW₂‖ | outputs to GD | … to limit "
        "| radius | … over GD's | … to GD | … to limit |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]

    def tell(x, name, norm):
        found = measure(x, norm)
        for solver, (label, *_) in SOLVERS.items():
            one = found[solver]
            lines.append(
                f"| {name}, {norm:g} | {label} | {one['steps']} | {one['moved'][0]:.0f} | "
                f"{one['moved'][1]:.0f} | {one['to_descent']:.4f} | {one['to_limit']:.4f} | "
                f"{np.mean(one['radii']):.3f} | {one['radius_ratio']:.2f} | "
                f"{one['radii_apart']:.4f} | {one['radii_to_limit']:.4f} |"
            )
            print(lines[-1], f"{one['seconds']:.1f} s", flush=True)
        radius = np.mean(found["limit"]["radii"])
        lines.append(f"| {name}, {norm:g} | infinite width | | | | | | {radius:.3f} | | | |")
        print(lines[-1], flush=True)
        return found

    table = {
        norm: tell(attractory.datasets.sphere(COUNT, 32, norm=norm, seed=0), "random", norm)
        for norm in NORMS
    }
    digits = attractory.datasets.bundled_digits(COUNT)[0]
    for norm in DIGIT_NORMS:
        tell(attractory.datasets.rescale(digits, norm), "MNIST", norm)
    draw(table)
    keep("solvers", "\n".join(lines))
    for norm in LAZY:
        newton, descent = table[norm]["gauss_newton"], table[norm]["gradient_descent"]
        assert newton["to_descent"] < min(newton["to_limit"], descent["to_limit"])
        assert newton["radii_apart"] < min(newton["radii_to_limit"], descent["radii_to_limit"])


if __name__ == "__main__":
    main()
