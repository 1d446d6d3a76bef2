"""
Proven and attacked
===================

For each digit two distances, relative to its norm: every cue nearer than the **certified radius** is
proven to come back; at the **critical shock** a search found one that does not. What lies between is
undecided.
"""

import attractory as at

digits, _ = at.datasets.bundled_digits(20)
patterns = at.datasets.rescale(digits, norm=100.0)
memory = at.fit_regression(patterns)

proven = at.certified_radius(memory, patterns[:6])
attacked = at.critical_shock(memory, patterns[:6], starts=3, rounds=6)
figure = at.plotting.plot_radii(proven, attacked)
