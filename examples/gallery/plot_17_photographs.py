"""
Photographs from half, noise and grey
=====================================

Twenty pieces of two photographs (CC BY 2.0 by danielbuechele and vultilion; scikit-learn brings
them), 64 × 64 pixels in colour: 12,288 numbers each. Their colours come back from grey, and the
lower half from the upper one.
"""

import numpy as np
from sklearn.datasets import load_sample_images

import attractory as at

shape, random = (64, 64, 3), np.random.default_rng(0)
photos, pieces = load_sample_images().images, []
while len(pieces) < 20:
    photo = photos[len(pieces) % 2]
    top, left = random.integers(0, photo.shape[0] - 64), random.integers(0, photo.shape[1] - 64)
    piece = photo[top : top + 64, left : left + 64] / 255
    if piece.std() > 0.15:  # plain sky is like plain sky
        pieces.append(piece)
pieces = np.stack(pieces)
photographs = pieces.reshape(20, -1)

# %%
# What is lost of a half is given as the mean image: nothing is known of it. (Black would be news of
# a dark picture, and be recalled as one.)

half = pieces.copy()
half[:, 32:] = pieces[:, 32:].mean(axis=0)
size = np.linalg.norm(photographs - photographs.mean(axis=0), axis=1, keepdims=True)
white = random.normal(size=photographs.shape) / np.sqrt(photographs.shape[1])
cues = {
    "half": half.reshape(20, -1),
    "noise": photographs + size * white,
    "grey": pieces.mean(axis=3, keepdims=True).repeat(3, axis=3).reshape(20, -1),
}
memory = at.AttractorMemory().fit(photographs)
plain = at.AttractorMemory(metric=None, iteration="plain", norm=100.0).fit(photographs)

# %%
# Beside it the paper's map, which is iterated plainly at norm 100. A frame marks what ends more than 1 % from its piece
# (relative to the piece's distance from the mean).

lines, wrong, right = [("stored", photographs)], [None], []
for name, damaged in cues.items():
    ours, paper = memory.recall(damaged), plain.recall(damaged)
    lines += [(name, damaged), ("memory", ours.state), ("paper's map", paper.state)]
    far = [
        np.linalg.norm(found.state - photographs, axis=1) / size[:, 0] for found in (ours, paper)
    ]
    wrong += [None, far[0] > 0.01, far[1] > 0.01]
    right.append(f"{20 - wrong[-2].sum()} from {name} (map: {20 - wrong[-1].sum()})")
figure = at.plotting.plot_image_rows(
    [(label, rows[:10]) for label, rows in lines], shape,
    missed=[None if each is None else each[:10] for each in wrong],
    title=f"Of 20 photographs the memory recalls {', '.join(right)}; framed: wrong",
)  # fmt: skip
