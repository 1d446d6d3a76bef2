"""
Nothing is stored at small norm
===============================

Where the sigmoid is nearly linear, n patterns give n − 1 eigenvalues at 1 (Lemma 4 of the paper): in
these directions cues neither come nearer nor go away. Eigenvalues at the first pattern, for eight
patterns in 10 dimensions at three norms.
"""

import matplotlib.pyplot as plt
import numpy as np

import attractory as at

figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.0), sharey=True, layout="constrained")
for axis, norm in zip(axes, (0.5, 5.0, 50.0), strict=True):
    patterns = at.datasets.sphere(8, 10, norm=norm, seed=4)
    values = at.eigenvalues(at.fit_regression(patterns), patterns[:1])[0]
    sizes = np.sort(abs(values))[::-1]
    axis.plot(np.arange(1, 11), sizes, "o", color="#0072B2")
    axis.axhline(1, color="#777777", ls="--", lw=1)
    near = int(np.sum(abs(sizes - 1) < 0.02))
    axis.set_title(f"norm {norm:g}: {near} near 1", fontsize=10)
    axis.set(xlabel="eigenvalue, by size", xticks=[1, 4, 7, 10])
axes[0].set_ylabel("modulus")
figure.suptitle(
    "Seven of ten eigenvalues are near 1 at norm 0.5; at norm 50 all are well below", fontsize=11
)
