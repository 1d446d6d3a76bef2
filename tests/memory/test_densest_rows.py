"""The radius where rows are closely surrounded, beside that of the dense Jacobian."""

import numpy as np

from attractory import AttractorMemory, spectral_radius
from attractory.datasets import bundled_digits, sphere
from attractory.memory.densest_rows import densest_radius


def clouds():
    """Rows of which twelve lie closely around one, and twelve are far from all."""
    centre, others = sphere(1, 60, seed=1), sphere(24, 60, seed=2)
    return np.vstack([centre + 0.5 * others[:12], others[12:]])


def test_it_is_the_largest_radius_of_all_and_the_norm_is_raised_until_rows_are_attractors():
    rows = clouds()
    memory = AttractorMemory(activation="erf", metric=None, norm=1.0).fit(rows)
    inner = memory.state_.store.inner
    found = densest_radius(memory.state_.store)
    wanted = spectral_radius(inner.map(), inner.x).max()
    assert abs(found - wanted) < 0.02 * wanted
    memory = AttractorMemory(activation="erf", metric=None).fit(rows)
    inner = memory.state_.store.inner
    assert (spectral_radius(inner.map(), inner.x) < 1).all()


def test_plain_iteration_keeps_to_the_rule_at_which_basins_are_larger():
    rows, how = bundled_digits(200)[0], {"metric": None, "activation": "erf"}
    raised = AttractorMemory(**how).fit(rows).norm_
    plain = AttractorMemory(iteration="plain", **how).fit(rows)
    assert plain.norm_ < raised
    cues = rows[:12] + 0.3 * np.random.default_rng(0).normal(size=(12, 784))
    other = AttractorMemory(iteration="plain", norm=raised, **how).fit(rows)
    right, fewer = ((m.recall(cues).pattern == np.arange(12)).sum() for m in (plain, other))
    assert right > fewer
