"""
Recall against noise
====================

How much noise may a cue have and still be recalled? A recall curve counts cues, with exact
intervals, and says what became of the others. Sizes are relative to the norm: at 1 the noise is as
large as the digit.
"""

import attractory as at

digits, _ = at.datasets.bundled_digits(20)
patterns = at.datasets.rescale(digits, norm=100.0)
memory = at.fit_regression(patterns)

curve = at.recall_curve(memory, patterns, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], trials=10)
figure = at.plotting.plot_recall_curve(curve)
