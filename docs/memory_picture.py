"""Draw what a memory is for: `python docs/memory_picture.py` writes explanation/memory.png.

Six of twenty photographs (pieces of the two that scikit-learn comes with, CC BY 2.0 by
danielbuechele and vultilion), three kinds of damage, and what a memory with its defaults makes of
them.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images

import attractory as at

PATH = Path(__file__).parent / "explanation/memory.png"


def main():
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
    figure.savefig(PATH, dpi=130)


if __name__ == "__main__":
    main()
