"""
What else is in there
=====================

Beside the stored patterns a memory may have attractors that nobody stored. A census iterates the map
from many starts, near and far, and lists what they settle on.
"""

import attractory as at

patterns = at.datasets.sphere(12, 16, norm=16.0, seed=6)
memory = at.fit_regression(patterns, activation="tanh")
census = at.attractor_census(memory, patterns, count=200)
print(census)

figure = at.plotting.plot_census(census)
