"""Orthonormal bases: their products are 1, and vectors are in them, however nearly dependent."""

import numpy as np
import pytest

from attractory.solvers.orthonormal import orthonormal


def vectors(kind):
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(300, 20))
    return {
        "plain": (plain, 20),
        "centred": (plain - plain.mean(axis=1, keepdims=True), 19),
        "twins": (np.hstack([plain, plain + 1e-11 * rng.normal(size=plain.shape)]), 40),
        "doubled": (np.hstack([plain, plain]), 20),
        "powers": (np.vander(np.linspace(0, 1, 300), 30), None),
        "tiny": (1e-200 * plain, 20),
        "none": (0 * plain, 0),
    }[kind]


@pytest.mark.parametrize("kind", ["plain", "centred", "twins", "doubled", "powers", "tiny", "none"])
def test_columns_are_orthonormal_and_span_the_vectors(kind):
    x, rank = vectors(kind)
    q = orthonormal(x)
    assert rank is None or q.shape[1] == rank
    np.testing.assert_allclose(q.T @ q, np.eye(q.shape[1]), atol=1e-14)
    size = np.abs(x).max() or 1.0
    np.testing.assert_allclose(q @ (q.T @ x) / size, x / size, atol=1e-13)
