"""
A film out of noise, and what limits it
=======================================

A window goes round over a photograph (CC BY 2.0 by danielbuechele; scikit-learn brings it): a film
of 48 × 48 pixels in colour, which :py:class:`SequenceMemory <attractory.memory.SequenceMemory>` stores
as a cycle. From a frame with as much noise as the frame differs from the mean one, replay comes back to
it: the cue is brought to a frame first, and then the map steps.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images

import attractory as at

photo = load_sample_images().images[0][::3, ::3] / 255


def film(count):
    """Return so many frames of one round."""
    turn = 2 * np.pi * np.arange(count) / count
    tops = np.rint(46 + 44 * np.sin(turn)).astype(int)
    lefts = np.rint(83 + 80 * np.cos(turn)).astype(int)
    return np.stack(
        [photo[y : y + 48, x : x + 48].ravel() for y, x in zip(tops, lefts, strict=True)]
    )


def replay_errors(frames, steps=72, **settings):
    """Return the states, and how far each is from its frame, relative to that from the mean."""
    start, mean = len(frames) // 4, frames.mean(axis=0)
    white = np.random.default_rng(0).normal(size=frames.shape[1]) / np.sqrt(frames.shape[1])
    cue = frames[start] + np.linalg.norm(frames[start] - mean) * white
    memory = at.SequenceMemory(**settings).fit(frames)
    states = np.vstack([cue, memory.replay(cue, steps)[1:]])
    right = frames[(start + np.arange(steps + 1)) % len(frames)]
    far = np.linalg.norm(states - right, axis=1) / np.linalg.norm(right - mean, axis=1)
    return states, right, far


# %%
# The noise is gone at once, and the frame that follows is the one whose turn it is.

states, right, far = replay_errors(film(36))
shown = [0, 1, 2, 4, 6, 8, 12, 16, 24, 36]
frames_figure = at.plotting.plot_image_rows(
    [("stored", right[shown]), ("replayed", states[shown])], (48, 48, 3),
    title=f"A film from noise, at steps {', '.join(map(str, shown))}: "
    f"error {far[0]:.1f} at first, {far[36]:.0e} a round later",
)  # fmt: skip

# %%
# The map alone (``iteration="plain"``) also draws noise in, step by step, if its norm is neither small
# (there it averages neighbours) nor large (there the basins are narrow, as at the automatic norm, which is
# chosen for cues that are brought to a frame first). With four times as many frames in the same round
# neighbours are nearer, and it takes longer, or fails.

figure, axes = plt.subplots(1, 2, figsize=(8, 4), sharey=True, layout="constrained")
ways = (
    ("default", {}, "#0072B2", "-"),
    ("map alone, norm 30", {"iteration": "plain", "norm": 30.0}, "#E69F00", "--"),
    ("map alone, norm 500", {"iteration": "plain", "norm": 500.0}, "#009E73", "-."),
    ("map alone, automatic norm", {"iteration": "plain"}, "#D55E00", ":"),
)
for axis, count in zip(axes, (36, 144), strict=True):
    for label, settings, color, style in ways:
        far = replay_errors(film(count), **settings)[2]
        axis.semilogy(far, style, color=color, lw=1.8, label=label if count == 36 else None)
    axis.set(xlabel="step", ylim=(1e-16, 10))
    axis.set_title(f"{count} frames a round", fontsize=9)
axes[0].set_ylabel("distance from the frame,\nrelative to the frame's from the mean")
figure.legend(fontsize=8, ncols=4, loc="outside lower center")
figure.suptitle("A cue brought to a frame first is in the cycle at once;\n"
                "for the map alone the norm and the neighbours decide", fontsize=10)  # fmt: skip
