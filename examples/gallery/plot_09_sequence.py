"""
A sequence that replays itself
==============================

:py:class:`SequenceMemory <attractory.memory.SequenceMemory>` maps each frame to the next and the last
to the first. A noisy cue is brought to a frame first, and the map steps on from there.
"""

import numpy as np

import attractory as at

digits, labels = at.datasets.bundled_digits()
frames = digits[[int(np.flatnonzero(labels == k)[0]) for k in range(10)]]
memory = at.SequenceMemory().fit(frames)

cue = np.clip(frames[0] + 0.6 * np.random.default_rng(1).normal(size=784), 0, 1)
replayed = memory.replay(cue, 10)
about = memory.diagnose()

figure = at.plotting.plot_image_rows(
    [("stored", frames), ("cue, replay", np.vstack([cue, replayed[1:10]]))], (28, 28),
    title="From a noisy 0 the memory counts to 9; the cycle's multiplier is "
    f"{about.multiplier.max():.0e}",
)  # fmt: skip
