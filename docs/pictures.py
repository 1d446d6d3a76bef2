"""Draw the pictures of the first pages: `python docs/pictures.py`.

`_static/recall.gif`: six of twenty stored digits under noise half as large again as they are; a
frame is an application of the map. `explanation/memory.png`: six of twenty photographs, three kinds
of damage, and what a memory with its defaults makes of them.
"""

from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

import attractory as at
from attractory.plotting import plot_image_rows

DOCS = Path(__file__).parent
SHOWN, NORM, NOISE = [0, 1, 2, 3, 4, 7], 100.0, 1.5


def frame(shapes, states, step):
    """Return one picture: the digits as stored, and the states after some steps."""
    title = f"step {step}" if step else "twenty digits stored; six cues"
    rows = [("stored", shapes), ("recalled", states)]
    figure = plot_image_rows(rows, (28, 28), title=title)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=130)
    return Image.open(buffer).convert("L").quantize(24)


def moving(path):
    """Iterate the map from noisy digits until they rest, a frame a step."""
    images, _ = at.datasets.bundled_digits(20)
    mean, sizes = images.mean(axis=0), np.linalg.norm(images - images.mean(axis=0), axis=1)
    patterns = at.datasets.rescale(images, norm=NORM)
    memory = at.fit_regression(patterns)
    noise = np.random.default_rng(3).standard_normal(patterns.shape) * NOISE * NORM / 28
    state = (patterns + noise)[SHOWN]
    scale = (sizes[SHOWN] / NORM)[:, None]
    frames = []
    for steps in range(200):
        frames.append(frame(images[SHOWN], state * scale + mean, steps))
        following = np.asarray(memory(state))
        if np.linalg.norm(following - state, axis=1).max() < 0.003 * NORM:
            break
        state = following
    times = [1500] + [110] * (len(frames) - 2) + [2500]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True
    )


def photographs(path):
    """Store twenty pieces of two photographs, and recall six from three kinds of damage."""
    pieces = np.stack(
        [
            photo[top : top + 96 : 2, left : left + 96 : 2] / 255
            for photo in load_sample_images().images
            for top in (20, 160)
            for left in range(0, 545, 136)
        ]
    )
    memory = at.AttractorMemory().fit(pieces.reshape(20, -1))
    random = np.random.default_rng(0)
    cues = np.clip(pieces + 0.5 * random.normal(size=pieces.shape), 0, 1)
    hit = random.random(pieces.shape[:3]) < 0.4
    speckled = np.where(hit[..., None], random.integers(0, 2, size=(*hit.shape, 1)), pieces)
    shown = [1, 13, 7, 16, 3, 12]
    cues[shown[2:4]] = speckled[shown[2:4]]
    for k in shown[4:]:
        cues[k] = pieces[k]
        cues[k, :, ::6] = cues[k, :, 1::6] = 1.0
    states = memory.recall(cues.reshape(20, -1)).state.reshape(pieces.shape)
    figure, axes = plt.subplots(3, 6, figsize=(7.6, 3.9), layout="constrained")
    for line, label, values in zip(
        axes, ("stored", "cue", "recalled"), (pieces, cues, states), strict=True
    ):
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
        for axis, k in zip(line, shown, strict=True):
            axis.imshow(np.clip(values[k], 0, 1))
            axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    moving(DOCS / "_static/recall.gif")
    photographs(DOCS / "explanation/memory.png")
