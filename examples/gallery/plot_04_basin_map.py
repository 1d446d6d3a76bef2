"""
Basins in a plane
=================

The plane through three stored digits: each point is a cue, coloured by where it is after a hundred
steps. The lines are the paths of six cues.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

import attractory as at

digits, _ = at.datasets.bundled_digits(20)
patterns = at.datasets.rescale(digits, norm=100.0)
memory = at.fit_regression(patterns)
corners, others = patterns[:3], np.arange(3, 20)

# %%
# An orthonormal basis of the plane, and cues on a grid in it.

middle = corners.mean(axis=0)
basis = np.linalg.qr((corners[1:] - corners[0]).T)[0].T
reach = 140.0
axis = np.linspace(-reach, reach, 61)
plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
state = at.recall(memory, middle + plane @ basis, max_steps=100).state

distance = np.linalg.norm(state[:, None] - patterns, axis=2) / 100.0
ends = np.where(distance.min(axis=1) < 0.05, distance.argmin(axis=1), 20)
colors = ["#0072B2", "#E69F00", "#009E73"] + ["#999999"] * 17 + ["#333333"]
image = np.array([to_rgb(c) for c in colors])[ends].reshape(61, 61, 3)

# %%
# The paths leave the plane; what is drawn is their projection.

figure, axes = plt.subplots(figsize=(5.6, 5.6), layout="constrained")
axes.imshow(image, extent=(-reach, reach, -reach, reach), origin="lower", alpha=0.75)
for start in [(-100, 30), (20, 130), (120, -60), (-40, -120), (60, 60), (0, 0)]:
    path = [middle + np.array(start) @ basis]
    for _ in range(30):
        path.append(np.asarray(memory(path[-1])))
    line = (np.stack(path) - middle) @ basis.T
    axes.plot(*line.T, "-o", color="white", lw=1.2, ms=2.5, mec="black", mew=0.3)
for place, name in zip((corners - middle) @ basis.T, "ABC", strict=True):
    axes.plot(*place, "k*", ms=12)
    axes.annotate(name, place, xytext=(7, 7), textcoords="offset points", weight="bold")
axes.set(xlabel="in the plane of three digits (norm 100)", ylabel="at right angles")
names = {"at A": 0, "at B": 1, "at C": 2, "at another digit": 3, "at none": 20}
patches = [Patch(color=colors[k], alpha=0.75, label=name) for name, k in names.items()]
figure.legend(handles=patches, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
share = np.mean(ends < 3)
axes.set_title(f"{share:.0%} of this plane ends at its three digits A, B, C", fontsize=10)
