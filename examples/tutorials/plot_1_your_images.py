"""
A memory of your images
=======================

Store images, damage them, recall them.
"""

import numpy as np

import attractory as at

digits, labels = at.datasets.bundled_digits(20)
memory = at.AttractorMemory().fit(digits)
damaged = digits.copy()
damaged[:, 392:] = 0.0
result = memory.recall(damaged)
print(result)
print(np.mean(result.pattern == np.arange(20)))
rows = np.stack([damaged[:6], result.state[:6]])
