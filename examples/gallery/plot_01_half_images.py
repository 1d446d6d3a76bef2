"""
Digits from their upper halves
==============================

The lower half of each of 20 digits is lost. Three ways to get them back: :py:class:`AttractorMemory
<attractory.memory.AttractorMemory>` with its defaults, the paper's memory (the same kind of map, but
iterated plainly, at one norm and without a metric), and the nearest stored digit by cosine.
"""

import numpy as np

import attractory as at

digits, _ = at.datasets.bundled_digits(20)
half = digits.copy()
half[:, 392:] = 0.0
own = np.arange(20)

memory = at.AttractorMemory().fit(digits).recall(half)
paper = at.AttractorMemory(metric=None, iteration="plain").fit(digits).recall(half)

unit = digits / np.linalg.norm(digits, axis=1, keepdims=True)
nearest = np.argmax(half @ unit.T, axis=1)

# %%
# Ten of them; a frame marks what is wrong.

rows = [
    ("cue", half),
    ("memory", memory.state),
    ("paper's map", paper.state),
    ("nearest", digits[nearest]),
]
wrong = [None, memory.pattern != own, paper.pattern != own, nearest != own]
right = [20 - int(w.sum()) for w in wrong[1:]]
figure = at.plotting.plot_image_rows(
    [(name, images[:10]) for name, images in rows], (28, 28),
    missed=[None if each is None else each[:10] for each in wrong],
    title=f"Recalled from halves: {right[0]} of 20 by the memory, {right[1]} by the plain map, "
    f"{right[2]} by cosine search",
)  # fmt: skip
