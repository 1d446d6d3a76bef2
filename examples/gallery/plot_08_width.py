"""
Finite networks and their limit
===============================

The wider a network, the nearer it is, once trained, to the infinite-width map that starts at the
same outputs. Where the norm is small the distance falls about as one over the root of the width.
"""

import matplotlib.pyplot as plt
import numpy as np

import attractory as at

patterns = at.datasets.sphere(6, 16, norm=3.0, seed=1)
cues = patterns + at.datasets.gaussian(6, 16, std=0.4, seed=2)
widths, distances = [100, 400, 1600, 6400], []
for width in widths:
    start = at.Autoencoder(16, width=width, activation="erf", key=3, dtype=np.float64)
    trained = at.train(start, patterns, tolerance=1e-16).model
    limit = at.fit_sampled_regression(start, patterns)
    gap = np.linalg.norm(np.asarray(trained(cues)) - np.asarray(limit(cues)), axis=1)
    distances.append(np.mean(gap) / 3.0)

slope = np.polyfit(np.log(widths), np.log(distances), 1)[0]
figure, axis = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
axis.loglog(widths, distances, "o-", color="#0072B2", label="measured")
guide = distances[0] * (np.array(widths) / widths[0]) ** -0.5
axis.loglog(widths, guide, "--", color="#777777", label="width$^{-1/2}$")
axis.set(xlabel="width of the network", ylabel="distance of outputs at cues / norm")
axis.legend(frameon=False)
axis.set_title(f"The distance to the limit falls as width to the power −{-slope:.2f}", fontsize=10)
