"""
Known and unknown
=================

A memory says how sure it is of each answer. Here 100 digits are stored. Cues are these digits under
noise, and 100 digits it has never seen. From confidence 0.8 on, the default of `reject`, a cue counts
as known: of such digits 2 to 8 in a hundred pass.
"""

import matplotlib.pyplot as plt
import numpy as np

import attractory as at

digits, _ = at.datasets.bundled_digits()
stored, unseen = digits[:100], digits[100:]
memory = at.AttractorMemory(metric="rule").fit(stored)

noise = np.random.default_rng(0).normal(size=stored.shape) * 0.33  # about a digit's own size
own = memory.recall(stored + noise)
strange = memory.recall(unseen)

figure, axis = plt.subplots(figsize=(6.0, 3.4), layout="constrained")
bins = np.linspace(0, 1, 21)
axis.hist(own.confidence, bins, alpha=0.75, color="#0072B2", label="stored digits under noise")
axis.hist(strange.confidence, bins, alpha=0.75, color="#E69F00", label="digits never stored")
axis.axvline(memory.reject, color="black", lw=1, ls="--")
axis.text(
    memory.reject - 0.01, axis.get_ylim()[1] * 0.55, "known from here", ha="right", fontsize=9
)
axis.set(xlabel="confidence", ylabel="cues")
axis.legend(frameon=False, loc="upper left")
axis.set_title(
    f"Known: {own.known.sum()} of 100 noisy stored digits, {strange.known.sum()} of 100 new ones",
    fontsize=10,
)
