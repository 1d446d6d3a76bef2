"""The radius where rows are closely surrounded, beside that of the dense Jacobian."""

import numpy as np

from attractory import AttractorMemory, spectral_radius
from attractory.datasets import sphere
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
