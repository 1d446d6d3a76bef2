"""
The norm that serves best
=========================

The norm of the patterns is the one setting that matters most. Too small, and the sigmoid is a line
that stores nothing; too large, and basins shrink to cones. ``best_norm`` searches for the norm at
which nine cues in ten are recalled from the largest noise, relative to the norm.
"""

from functools import partial

import attractory as at

patterns = at.datasets.sphere(12, 32, seed=1)
best = at.best_norm(patterns, fit=partial(at.fit_regression, activation="erf"), fits=8, trials=10)
print(best)

figure = at.plotting.plot_best_norm(best)
