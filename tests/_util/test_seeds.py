"""Random numbers: none of ours repeat those a user draws his patterns from by the same seed."""

import numpy as np
import pytest

from attractory import corrupt
from attractory._util.seeds import generator
from attractory.analysis import census_starts
from attractory.analysis.critical_shocks import _directions
from attractory.datasets import sphere
from attractory.solvers.arnoldi import ritz_radii

SEED, N, DIM = 3, 4, 400
PATTERNS = sphere(N, DIM, seed=SEED)


def drawn(what):
    if what == "noise":
        return (corrupt(PATTERNS, "gaussian", 1.0, trials=3, seed=SEED) - PATTERNS).reshape(-1, DIM)
    if what == "census":
        starts, kinds = census_starts(PATTERNS[:1], 12, seed=SEED)
        return starts[kinds != "between"]
    # The first three of eight lead to the other patterns.
    return _directions(PATTERNS, 8, SEED)[:, N - 1 :].reshape(-1, DIM)


@pytest.mark.parametrize("what", ["noise", "census", "shocks"])
def test_what_is_drawn_is_parallel_to_no_pattern_of_the_same_seed(what):
    """A cosine of independent directions has the deviation 1/√d."""
    random = drawn(what)
    cosine = random @ PATTERNS.T / np.linalg.norm(random, axis=1, keepdims=True)
    assert np.abs(cosine).max() < 5 / np.sqrt(DIM)


def test_the_radius_at_a_pattern_of_seed_0_is_that_of_all_directions():
    """J = 0.9 − 0.8 x x' with x from `default_rng(0)`: from x alone, Arnoldi would end at 0.1."""
    x = sphere(1, DIM, seed=0)[0]

    def product(numbers, rows):
        return 0.9 * rows - 0.8 * np.outer(rows @ x, x)

    radius = ritz_radii(product, (1, DIM), np.dtype(float), 16)
    np.testing.assert_allclose(radius, [0.9], rtol=1e-9)


def test_every_purpose_and_place_has_numbers_of_its_own():
    ours = [generator(0, "noise", k, t) for k in range(3) for t in range(3)]
    ours += [generator(0, "census"), generator(0, "noise")]
    first = [each.random() for each in ours]
    first += [np.random.default_rng(seed).random() for seed in (0, [0, 0], [0, 1], [0, 0, 1])]
    assert len(set(first)) == len(first) - 1  # default_rng([0, 0]) is default_rng(0)
