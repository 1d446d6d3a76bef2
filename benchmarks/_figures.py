"""The figures of docs/explanation/basins.md; `benchmarks/basins.py` draws them."""

from pathlib import Path

import numpy as np

import attractory

DOCS = Path(__file__).parents[1] / "docs/explanation"


def radii(certificate, shock):
    attractory.plotting.plot_radii(certificate, shock).savefig(DOCS / "radii.png")


def norms():
    digits, _ = attractory.datasets.bundled_digits(20)
    digits = digits - digits.mean(axis=0)
    profile = attractory.norm_profile(
        digits, np.geomspace(15, 600, 9), sizes=(0.2, 0.6, 1, 2, 4), trials=5
    )
    attractory.plotting.plot_norm_profile(profile).savefig(DOCS / "norms.png")
