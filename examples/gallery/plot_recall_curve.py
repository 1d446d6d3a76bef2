"""
Recall against noise
====================

How much noise may a cue have and still be recalled? A recall curve counts, with exact intervals.
"""

import attractory as at

digits, _ = at.datasets.bundled_digits(20)
patterns = at.datasets.rescale(digits, norm=100.0)
memory = at.fit_regression(patterns)

curve = at.recall_curve(memory, patterns, [0.5, 1.0, 1.5, 2.0, 2.5, 3.0], trials=10)
print(curve)

# %%
# Sizes are relative to the norm: a cue at 1 is a digit and noise as large as the digit.

figure = at.plotting.plot_recall_curve(curve)
