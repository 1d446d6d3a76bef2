"""The figures of docs/explanation/theory; `benchmarks/theory.py` draws them."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import attractory
from attractory import fit_regression, fit_sampled_regression, spectral_radius, theory
from attractory.datasets import sphere
from attractory.plotting.style import GREY
from attractory.plotting.style import LINES as COLOURS

DOCS = Path(__file__).parents[1] / "docs/explanation/theory"


def _pair(title):
    figure = Figure(figsize=(10.5, 4.2), dpi=150, layout="constrained")
    figure.suptitle(title, fontsize=11)
    return figure, figure.subplots(1, 2)


def _finish(figure, axes, name):
    for axis in axes:
        axis.legend(fontsize=8, frameon=False)
    DOCS.mkdir(exist_ok=True)
    figure.savefig(DOCS / name)
    print(f"docs/explanation/theory/{name}", flush=True)


def initial():
    figure, (left, right) = _pair(
        "At initialisation ‖J(x)‖ is 2√(n₀τ), and τ is known: deeper and larger inputs, smaller J"
    )
    dims = np.array([4, 8, 16, 32, 64, 128, 256])
    means, low, high = [], [], []
    for dim in dims.tolist():
        value, _ = theory.tau(dim=dim, norm=np.sqrt(dim))
        x = np.zeros(dim)
        x[0] = np.sqrt(dim)
        rng = np.random.default_rng(dim)
        sizes = [
            np.linalg.norm(theory.sample_initial_jacobian(x, seed=rng)[0], 2) for _ in range(40)
        ]
        ratios = np.array(sizes) / np.sqrt(dim * value)
        means.append(ratios.mean())
        low.append(ratios.min())
        high.append(ratios.max())
    fine = np.unique(np.geomspace(4, 256, 60).astype(int))
    edge = [
        theory.initial_jacobian_norm(dim=d, norm=np.sqrt(d))
        / np.sqrt(d * theory.tau(dim=d, norm=np.sqrt(d))[0])
        for d in fine.tolist()
    ]
    left.fill_between(
        dims, low, high, color=COLOURS[0], alpha=0.2, lw=0, label="40 networks, range"
    )
    left.plot(dims, means, "o", color=COLOURS[0], label="mean")
    left.plot(fine, edge, color=COLOURS[1], label="predicted for this dim, infinite width")
    room = np.sqrt(2 * np.log(1e3)) / np.sqrt(fine)
    left.plot(fine, 2 + room, "--", color=GREY, label="bound, c = 2 + t/√n₀ (99.9 %)")
    left.axhline(2, color=GREY, lw=0.8)
    left.set(
        xscale="log", xlabel="dim n₀", ylabel="‖J(x)‖ / √(n₀τ)", ylim=(0.4, 4),
        title="Theorem 1: the constant (logistic, width 4,000)",
    )  # fmt: skip
    norms = np.geomspace(0.3, 300, 40)
    for colour, (name, depth) in zip(
        COLOURS, [("sigmoid", 2), ("sigmoid", 4), ("tanh", 2), ("tanh", 4)], strict=False
    ):
        predicted = [
            theory.initial_jacobian_norm(dim=32, norm=r, activation=name, depth=depth)
            for r in norms.tolist()
        ]
        right.plot(norms, predicted, color=colour, label=f"{name}, depth {depth}")
        for r in (1.0, 10.0, 100.0):
            x = np.zeros(32)
            x[0] = r
            drawn, _ = theory.sample_initial_jacobian(x, activation=name, depth=depth, seed=1)
            right.plot(r, np.linalg.norm(drawn, 2), "o", color=colour, ms=5)
    right.axhline(1, color=GREY, lw=0.8)
    right.set(
        xscale="log", yscale="log", xlabel="norm of x", ylabel="‖J(x)‖",
        title="predicted (lines), one network each (dots), dim 32",
    )  # fmt: skip
    _finish(figure, (left, right), "initial.png")


def stored_example():
    figure, (left, right) = _pair(
        "One stored example is an attractor at every norm: ‖J‖, the slope of log Θ, is below 1"
    )
    norms = np.geomspace(0.1, 1e4, 40)
    for axis, cases in (
        (left, [("sigmoid", 8, 2), ("sigmoid", 32, 2), ("sigmoid", 128, 2)]),
        (right, [("sigmoid", 32, 2), ("sigmoid", 32, 4), ("tanh", 32, 2), ("tanh", 32, 4)]),
    ):
        for colour, (name, dim, depth) in zip(COLOURS, cases, strict=False):
            found = [
                theory.single_example(dim=dim, norm=r, activation=name, depth=depth).predictions
                for r in norms.tolist()
            ]
            label = f"dim {dim}" if axis is left else f"{name}, depth {depth}"
            axis.plot(norms, [c[0].measured for c in found], color=colour, label=label)
            if axis is left:
                axis.plot(norms, [c[1].predicted for c in found], "--", color=colour, lw=1)
        axis.axhline(0.5, color=GREY, lw=0.8)
        axis.set(xscale="log", xlabel="norm of the example", ylabel="‖J‖", ylim=(0, 1.3))
    left.plot([], [], "--", color=GREY, label="bound from Lemma 5")
    left.set_title("logistic, depth 2: exact (full) and bound (dashed)")
    right.set_title("exact, dim 32")
    _finish(figure, (left, right), "stored-example.png")


def linear_region():
    figure, (left, right) = _pair(
        "The linear region: n − 1 eigenvalues stay at 1; negative c breaks the norm for −2 < cg < 0"
    )
    x = sphere(4, 9, seed=1)
    cg = np.linspace(-3, 2, 401)
    left.plot(
        cg, np.maximum(1, 1 / np.maximum(np.abs(1 + cg), 1e-9)), color=COLOURS[0],
        label="max(1, 1/|1 + cg|)",
    )  # fmt: skip
    dots = [v for v in np.linspace(-2.95, 1.95, 40) if abs(1 + v) > 0.06]
    sizes = [theory.remark_2(x, float(v)).predictions[0].measured for v in dots]
    left.plot(dots, sizes, "o", color=COLOURS[1], ms=4, label="measured")
    left.axvspan(-2, 0, color=COLOURS[4], alpha=0.15, lw=0, label="norm above 1")
    left.set(
        ylim=(0.8, 5), xlabel="cg", ylabel="‖X(XᵀX + cB)⁻¹Xᵀ‖",
        title="Corollary 8 and Remark 2, 4 patterns in dim 9",
    )  # fmt: skip
    for colour, n in zip(COLOURS, (2, 5, 8), strict=False):
        x = 0.5 * sphere(n, 10, seed=0)
        start = attractory.Autoencoder(10, width=1000, key=0, dtype=np.float64)
        for f, mark, label in (
            (fit_regression(x), "o", f"n = {n}, f0 = 0"),
            (fit_sampled_regression(start, x), "x", f"n = {n}, f0 sampled"),
        ):
            values = np.sort(np.abs(attractory.eigenvalues(f, x[:1])[0]))[::-1]
            right.plot(np.arange(1, 11), values, mark, color=colour, label=label, ms=6, mfc="none")
    right.set(
        xlabel="index", ylabel="|eigenvalue|", xticks=range(1, 11),
        title="logistic at norm 0.5, dim 10: n − 1 near 1",
    )  # fmt: skip
    _finish(figure, (left, right), "linear-region.png")


def large_norm():
    figure, (left, right) = _pair(
        "At large norm ‖J‖ tends to ½ for every sigmoidal activation; only the rate differs"
    )
    x = sphere(8, 32)
    norms = np.geomspace(10, 3e4, 22)
    names = ("sigmoid", "tanh", "erf", "arctan", "softsign")
    for colour, name in zip(COLOURS, names, strict=False):
        away = []
        for r in norms.tolist():
            f = fit_regression(r * x, activation=name)
            away.append(0.5 - spectral_radius(f, r * x[:1])[0])
        left.plot(norms, np.abs(away), "o", ms=4, color=colour, label=name)
        rate = theory.approach_rate(x, activation=name)[0]
        left.plot(norms, abs(rate) / norms, color=colour, lw=1)
    left.set(
        xscale="log", yscale="log", xlabel="norm r", ylabel="|½ − λ| at the first pattern",
        ylim=(1e-4, 1), title="measured (dots), first order C/r (lines), dim 32",
    )  # fmt: skip
    norms = np.geomspace(1, 1e4, 300)
    for colour, rho in zip(COLOURS, (0.0, 0.9, 0.99, 0.999, 1.0), strict=False):
        sizes = [np.linalg.norm(theory.gradient_parts(r, rho, 32)[1]) for r in norms.tolist()]
        right.plot(norms, sizes, color=colour, label=f"ρ = {rho:g}")
    right.axhline(1 / (8 * np.pi * np.sqrt(32)), color=GREY, lw=0.8, ls="--", label="1/(8π√n₀)")
    right.set(
        xscale="log", xlabel="norm r", ylabel="‖I₂‖",
        title="D.2: near-parallel patterns pass a spike first",
    )  # fmt: skip
    _finish(figure, (left, right), "large-norm.png")


def critical_norm():
    grid = np.geomspace(0.1, 100, 20) * np.sqrt(32)
    results = []
    for n in (5, 20, 40):
        x = sphere(n, 32, seed=1)
        for f0 in ("sampled", "zero"):
            result = attractory.critical_norm(
                x, activation="erf_surrogate", f0=f0, norms=grid, progress=False
            )
            results.append((f"{n} patterns, f0 {'= 0' if f0 == 'zero' else f0}", result))
    title = (
        "With f0 sampled, patterns become attractors at a critical norm; with f0 = 0\n"
        "these always are (erf surrogate, dim 32, width 10,000)"
    )
    attractory.plotting.plot_critical_norm(results, title=title).savefig(DOCS / "critical-norm.png")
    print("docs/explanation/theory/critical-norm.png", flush=True)


def draw_all():
    for figure in (initial, stored_example, linear_region, large_norm, critical_norm):
        figure()
