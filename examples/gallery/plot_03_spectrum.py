"""
The spectrum at stored patterns
===============================

A pattern is an attractor if all eigenvalues of the map's Jacobian there lie inside the unit circle.
At the infinite-width memory's patterns there are at most as many as patterns that are not zero, and
the largest is the spectral radius.
"""

import attractory as at

digits, _ = at.datasets.bundled_digits(20)
patterns = at.datasets.rescale(digits, norm=100.0)
memory = at.fit_regression(patterns)

values = at.eigenvalues(memory, patterns)
largest = abs(values).max()
figure = at.plotting.plot_eigenvalues(
    values, title=f"All 20 digits are attractors: the largest radius is {largest:.2f}"
)
