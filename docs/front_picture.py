"""Draw the README's picture: `python docs/front_picture.py` writes recall.png.

Twenty digits of which the lower half is lost, and twenty photographs (pieces of the two that
scikit-learn comes with, CC BY 2.0 by danielbuechele and vultilion) of which half the pixels are
noise; eight of each are shown.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

import attractory as at

N, SHOWN, SIDE, NORM = 20, 8, 48, 100.0
MISSED, CAPTIONS = "#d55e00", ("stored", "cue", "AttractorMemory", "the paper's map")


def photographs():
    """Return pieces of two photographs, at half their resolution, (n, side · side · 3)."""
    pieces = []
    for name, rows, columns in (("china.jpg", 2, 5), ("flower.jpg", 2, 5)):
        image = load_sample_image(name)[::2, ::2] / 255.0
        top = np.linspace(10, image.shape[0] - SIDE - 10, rows).astype(int)
        left = np.linspace(5, image.shape[1] - SIDE - 5, columns).astype(int)
        pieces += [image[i : i + SIDE, j : j + SIDE] for i in top for j in left]
    order = np.random.default_rng(0).permutation(len(pieces))
    return np.reshape([pieces[k] for k in order], (len(pieces), -1))


def restored(images, cues):
    """Return what AttractorMemory and the paper's map, iterated, make of cues."""
    mean = images.mean(axis=0)
    size = np.linalg.norm(images - mean, axis=1, keepdims=True)
    plain = at.fit_regression(at.datasets.rescale(images, norm=NORM))
    far = (cues - mean) * (NORM / size)
    ends = at.recall(plain, far).state * (size / NORM) + mean
    return at.AttractorMemory().fit(images).recall(cues).state, ends


def right(images, ends):
    """Return which images came back to within 1 % of what sets them apart from their mean."""
    size = np.linalg.norm(images - images.mean(axis=0), axis=1)
    return np.linalg.norm(ends - images, axis=1) <= 0.01 * size


def main():
    """Store, recall, draw."""
    digits, _ = at.datasets.bundled_digits(N)
    halves = digits.copy()
    halves[:, 392:] = 0.0
    photos = photographs()
    noise = np.random.default_rng(1)
    lost = np.repeat(noise.random((len(photos), SIDE * SIDE)) < 0.5, 3, axis=1)
    speckled = np.where(lost, noise.random(photos.shape), photos)
    blocks = [
        ("Digits without their lower half", digits, halves, (28, 28)),
        ("Photographs, half of the pixels noise", photos, speckled, (SIDE, SIDE, 3)),
    ]
    figure = plt.figure(figsize=(12, 3.5), layout="constrained")
    for part, (what, images, cues, shape) in zip(figure.subfigures(1, 2), blocks, strict=True):
        rows = [images, cues, *restored(images, cues)]
        counts = [int(right(images, ends).sum()) for ends in rows[2:]]
        # What tells the two apart is shown first.
        order = np.argsort(right(images, rows[3]), kind="stable")
        shown = np.sort(order[: SHOWN // 2]).tolist() + order[-(SHOWN - SHOWN // 2) :].tolist()
        part.suptitle(
            f"{what}: AttractorMemory restores {counts[0]} of {len(images)},\n"
            f"the paper's map {counts[1]}" + ("; orange: not restored" if min(counts) < N else ""),
            fontsize=11,
        )
        print(what, counts)
        for i, axes in enumerate(part.subplots(4, SHOWN)):
            for axis, k in zip(axes, shown, strict=True):
                axis.imshow(rows[i][k].reshape(shape).clip(0, 1), cmap="gray", vmin=0, vmax=1)
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
                if i > 1 and not right(images, rows[i])[k]:
                    axis.spines[:].set(visible=True, color=MISSED, linewidth=3)
            if part is figure.subfigs[0]:
                axes[0].set_ylabel(CAPTIONS[i], rotation=0, ha="right", va="center", fontsize=10)
    figure.savefig(Path(__file__).parent / "recall.png", dpi=110)


if __name__ == "__main__":
    main()
