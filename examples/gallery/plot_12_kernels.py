"""
Kernels of five activations
===========================

The neural tangent kernel of two points depends on their norms and on the correlation between them.
Here norms are 100 in 784 dimensions, as for stored digits; each kernel is divided by its value at
correlation 1. The sharper the peak, the better it tells patterns apart.
"""

import matplotlib.pyplot as plt
import numpy as np

import attractory as at

rho = np.linspace(-1, 1, 201)
x = np.zeros((1, 784))
x[0, 0] = 100.0
y = np.zeros((201, 784))
y[:, 0], y[:, 1] = 100 * rho, 100 * np.sqrt(1 - rho**2)

figure, axis = plt.subplots(figsize=(6.0, 3.8), layout="constrained")
colors = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
styles = "-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))
for name, color, style in zip(
    ("sigmoid", "erf", "tanh", "arctan", "softsign"), colors, styles, strict=True
):
    kernel = at.ntk(x, y, activation=name)[0]
    axis.plot(rho, kernel / kernel[-1], color=color, ls=style, label=name)
axis.set(xlabel="correlation ρ of the two points", ylabel="Θ(ρ) / Θ(1)")
axis.axhline(0, color="#777777", lw=0.8)
axis.legend(frameon=False)
axis.set_title("Only the logistic kernel is positive between most pairs of points", fontsize=10)
