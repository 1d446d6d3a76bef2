"""
Training a network
==================

The default solver follows the Gauss–Newton flow, preconditioned by the infinite-width kernel. It
takes a few passes over the weights where gradient descent takes hundreds. They do not end at the same
weights; :doc:`/explanation/training` says when that matters.
"""

import matplotlib.pyplot as plt
import numpy as np

import attractory as at

patterns = at.datasets.sphere(8, 16, norm=10.0, seed=5)
start = at.Autoencoder(16, width=1000, activation="erf", key=1, dtype=np.float64)

figure, axis = plt.subplots(figsize=(6.0, 3.6), layout="constrained")
passes = {}
for solver, color, style in (
    ("gradient_descent", "#777777", ":"),
    ("momentum", "#E69F00", "-."),
    ("gradient_flow", "#009E73", "--"),
    ("gauss_newton", "#0072B2", "-"),
):
    result = at.train(start, patterns, solver=solver, tolerance=1e-10)
    passes[solver] = result.passes
    done = np.linspace(0, result.passes, len(result.losses))
    axis.plot(
        np.maximum(done, 1),
        result.losses,
        color=color,
        ls=style,
        label=f"{solver}: {result.passes:.0f}",
    )
axis.set(yscale="log", xscale="log", xlabel="passes over the weights", ylabel="mean squared error")
axis.legend(title="passes to 1e-10", frameon=False)
axis.set_title(
    f"Gauss–Newton needs {passes['gauss_newton']:.0f} passes, gradient descent "
    f"{passes['gradient_descent']:.0f}",
    fontsize=10,
)
