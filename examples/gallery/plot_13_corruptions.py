"""
Kinds of damage
===============

The ways to damage patterns that recall curves know, each at three sizes: relative to the digit's
norm for noise, as a share of the pixels for the rest.
"""

import numpy as np

import attractory as at

digits, _ = at.datasets.bundled_digits(20)
mean = digits.mean(axis=0)
patterns = digits[:9] - mean


def damaged(kind, sizes):
    """Three digits at each size, as images."""
    rows = []
    for k, size in enumerate(sizes):
        some = patterns[3 * k : 3 * k + 3]
        absolute = at.analysis.absolute_size(some, kind, size)
        rows.append(at.corrupt(some, kind, absolute, seed=k)[0])
    return np.vstack(rows) + mean


figure = at.plotting.plot_image_rows(
    [
        ("stored", digits[:9]),
        ("gaussian", damaged("gaussian", (0.5, 1.0, 2.0))),
        ("mask", damaged("mask", (0.3, 0.6, 0.9))),
        ("salt and pepper", damaged("salt_and_pepper", (0.1, 0.3, 0.5))),
    ],
    (28, 28),
    title="Every three digits the damage grows: noise of 0.5, 1, 2 norms;\n30, 60, 90 % masked; 10, 30, 50 % at extremes",
)
