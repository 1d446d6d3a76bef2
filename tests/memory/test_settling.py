"""Nearest patterns by correlations in float32, and rows that float32 does not tell."""

import numpy as np

from attractory.memory.coordinates import nearest
from attractory.memory.settling import nearest_exactly


def test_rows_that_float32_does_not_tell_are_told():
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(5, 30)), 6, axis=0) + 1e-5 * rng.normal(size=(30, 30))
    rows *= 7 / np.linalg.norm(rows, axis=1, keepdims=True)
    rough = np.asarray(rows / 7, np.float32)
    assert nearest_exactly(rows, rows, rough).tolist() == list(range(30))
    points = rows + 1e-6 * rng.normal(size=rows.shape)
    assert nearest_exactly(points, rows, rough).tolist() == nearest(points, rows).tolist()
    assert ((points @ rough.astype(float).T).argmax(axis=1) != nearest(points, rows)).any()
