"""
Where attractors appear
=======================

In a network trained from its random initial weights patterns are unstable at small norm. The more
patterns, the larger the norm at which all of them become attractors.
"""

import numpy as np

import attractory as at

grid = np.geomspace(1.0, 300.0, 10)
results = []
for n in (5, 10, 20):
    patterns = at.datasets.sphere(n, 32, seed=2)
    result = at.critical_norm(patterns, activation="erf", norms=grid, width=500)
    results.append((f"n={n}", result))

norms = [result.norm for _, result in results]
figure = at.plotting.plot_critical_norm(
    results,
    title="All patterns attract from norm "
    + ", ".join(f"{norm:.3g}" for norm in norms)
    + " on, for 5, 10 and 20 patterns",
)
