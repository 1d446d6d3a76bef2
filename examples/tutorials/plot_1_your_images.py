"""
A memory of your images
=======================

You have some images. You will store them in a memory, damage them badly, get
them back, ask which answers to trust, change the memory, and keep it in a file. Time: ten minutes.

All you need is the package (:doc:`/install`). Nothing is downloaded: the images are pieces of two
photographs that come with scikit-learn (by danielbuechele and vultilion, CC BY 2.0). Where yours
begin, it says so.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

import attractory as at

# %%
# A folder of images
# ------------------
#
# Twenty colour images of 48 × 48 pixels in a folder stand for yours.

folder = Path(tempfile.mkdtemp()) / "photos"
folder.mkdir()
for photo, name in zip(load_sample_images().images, ["temple", "flower"], strict=True):
    for k in range(10):
        top, left = 20 + 140 * (k // 5), 136 * (k % 5)
        piece = photo[top : top + 96 : 2, left : left + 96 : 2]
        Image.fromarray(piece).save(folder / f"{name}-{k}.png")

# %%
# From here on it is the same with a folder of your own. A memory stores **rows**: each image is one
# row of numbers, 48 · 48 · 3 of them. If yours differ in size, say ``size=(48, 48)``, which scales
# them.

images = at.io.load_patterns(folder)
print(len(images.names), "images of shape", images.shape, "as rows", images.rows.shape)

# %%
# Store them
# ----------
#
# ``fit`` stores every row as an attractor: a point to which the states around it are drawn. With no
# settings at all it chooses what there is to choose, by trial recalls of damaged copies that it
# makes of your rows. That takes some seconds.

memory = at.AttractorMemory().fit(images.rows)
print(memory.choice_)

# %%
# Damage them
# -----------
#
# Three kinds of damage: noise on every number, two pixels in five black or white, and scratches.

random = np.random.default_rng(0)
pictures = images.rows.reshape(-1, *images.shape)

noisy = np.clip(pictures + 0.5 * random.normal(size=pictures.shape), 0, 1)
speckled = pictures.copy()
hit = random.random(pictures.shape[:3]) < 0.4
speckled[hit] = random.integers(0, 2, size=(hit.sum(), 1))
scratched = pictures.copy()
scratched[:, :, ::6] = scratched[:, :, 1::6] = 1.0

# %%
# Get them back
# -------------
#
# ``recall`` takes damaged rows, called **cues**, and returns where each came to rest.

cues = {"noise": noisy, "speckle": speckled, "scratches": scratched}
found = {name: memory.recall(cue.reshape(len(cue), -1)) for name, cue in cues.items()}
for name, result in found.items():
    right = np.sum(result.pattern == np.arange(len(pictures)))
    print(f"{name}: {right} of 20 recalled as the right image, {result.known.sum()} known")

# %%
# ``result.state`` is the answer, ``result.pattern`` the index of the stored row that it is (−1 if it
# is none), and ``result.known`` whether the memory vouches for it.

shown = [0, 3, 7, 11, 14, 19]
lines = [("stored", pictures)]
for name, cue in cues.items():
    lines += [(f"cue: {name}", cue), ("recalled", found[name].state.reshape(pictures.shape))]

figure, axes = plt.subplots(len(lines), len(shown), figsize=(6.4, 7.6), layout="constrained")
for line, (label, values) in zip(axes, lines, strict=True):
    line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    for axis, k in zip(line, shown, strict=True):
        axis.imshow(np.clip(values[k], 0, 1))
        axis.set(xticks=[], yticks=[])
right = sum(np.sum(result.pattern == np.arange(20)) for result in found.values())
figure.suptitle(f"{right} of 60 damaged photographs come back", fontsize=11)

# %%
# What it does not know
# ---------------------
#
# A memory should not answer everything. Here are ten pieces of the same photographs, cut elsewhere,
# which were not stored. A **confidence** says how probable it is that the row is the right one, at
# even odds that the cue was never stored; from ``reject=0.8`` on, a cue is known.

strangers = np.stack(
    [
        photo[90:186:2, left : left + 96 : 2] / 255
        for photo in load_sample_images().images
        for left in (60, 200, 335, 470, 540)
    ]
)
answer = memory.recall(strangers.reshape(10, -1))
print("known:", answer.known.tolist())
print("largest confidence:", answer.confidence.max().round(2))

# %%
# At 0.8 a few in a hundred unknown cues pass; a larger ``reject`` lets fewer pass, and fewer of your
# own. ``predict`` returns the index of the row, and −1 for what is not known.

print(memory.predict(strangers.reshape(10, -1)).tolist())

# %%
# How safe is each row?
# ---------------------
#
# Each row is a fixed point of the map that the memory iterates. Below a **spectral radius** of 1 it
# attracts what is near it; the smaller, the faster. ``certified`` is a distance, relative to the
# row's, within which *every* cue is proven to come back.

about = at.diagnose(memory, rows=[0, 10], shock=False)
for row, radius, certified in zip(about.rows, about.spectral_radius, about.certified, strict=True):
    print(f"{images.names[row]:>13}: spectral radius {radius:.2f}, certified to {certified:.1e}")

# %%
# The proof is far more careful than what you saw. :doc:`/howto/choose-certificate` says which
# distance answers which question.
#
# Change it, keep it
# ------------------
#
# More rows are added without starting again, rows are forgotten, and a file keeps it all. The warning
# says that what ``fit`` chose was chosen for other rows than these; it works all the same.

memory.partial_fit(strangers[:3].reshape(3, -1))
memory.forget([0, 1])
print(len(memory.patterns_), "rows, and the three new ones are known:", end=" ")
print(memory.recall(strangers[:3].reshape(3, -1)).known.tolist())

at.save_memory(memory, folder.parent / "photos.mem")
again = at.load_memory(folder.parent / "photos.mem")

# %%
# Without Python
# --------------
#
# The command does the same with files:
#
# .. code-block:: sh
#
#    attractory store photos --out photos.mem
#    attractory recall photos.mem damaged --out restored
#    attractory inspect photos.mem
#    attractory add photos.mem more.png
#    attractory forget photos.mem 3-7
#
# Say what is missing
# -------------------
#
# A black half says something about every row, and something wrong: the memory finds the photographs,
# but vouches for few of them. Where it is known what is missing, NaN says so, or ``known=`` with a
# mask; for the command, a transparent part of an image, or ``--mask``.

for name, value in (("black", 0.0), ("missing", np.nan)):
    half = pictures.copy()
    half[:, 24:] = value
    result = again.recall(half.reshape(20, -1)[2:])
    right = np.sum(result.pattern == np.arange(18))
    print(f"lower half {name}: {right} of 18 recalled, {result.known.sum()} known")

# %%
# Next
# ----
#
# - When is a memory better than a search for the nearest image, and when not?
#   :doc:`/howto/when-a-look-up-will-do`
# - What happens during a recall, and why so: :doc:`/explanation/memory`
# - All arguments: :py:class:`attractory.memory.AttractorMemory`
