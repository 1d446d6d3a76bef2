"""Coefficients that follow changes of the rows are those of the rows that are left."""

import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.datasets import sphere
from attractory.memory.settings import MemorySettings
from attractory.memory.stored_map import KernelStore

DIM = 100


@pytest.mark.parametrize("ridge", [0.0, 1.0])
@pytest.mark.parametrize("cycle", [False, True])
def test_rows_that_come_and_go_change_the_coefficients_as_a_solve_would(ridge, cycle):
    x = sphere(30, DIM, norm=30.0)
    y = np.roll(x, -1, axis=0) if cycle else x
    settings = MemorySettings.checked({"activation": "erf", "ridge": ridge})
    store = KernelStore(x[:20], y[:20] if cycle else x[:20], settings)
    store.residual()
    left = list(range(20))
    for new, gone in (([20], []), ([], [3]), ([21, 22], []), ([], [0, 7]), ([23], [])):
        if new:
            store = store.with_rows(x[new], y[new] if cycle else x[new])
        else:
            store = store.without(np.array(gone))
        left = [k for j, k in enumerate(left) if j not in gone] + new
        matrix = store.kernel(x[left]) + ridge * np.eye(len(left))
        wanted = np.linalg.solve(matrix, y[left])
        followed = store.inner.solution()
        assert np.isnan(followed.residual)  # nothing was solved
        np.testing.assert_allclose(
            store.span.outward(followed.coefficients), wanted, atol=1e-13 * np.abs(wanted).max()
        )
    assert ridge or store.residual() < 1e-12
    missed = store.kernel(x[left]) @ wanted - y[left]
    size = np.linalg.norm(missed, axis=1).max() / 30
    assert store.residual() == pytest.approx(size, rel=1e-6, abs=1e-12)


def test_what_a_memory_knows_of_its_rows_is_carried_over_small_changes():
    rows = sphere(42, DIM, seed=1)
    memory = AttractorMemory(activation="erf", metric="rule").fit(rows[:40])
    memory.recall(rows[:2])
    memory.partial_fit(rows[40:41])
    memory.recall(rows[:2])
    np.testing.assert_allclose(memory.patterns_, rows[:41], atol=1e-12)
    memory.forget([0, 1])
    np.testing.assert_allclose(memory.patterns_, rows[2:41], atol=1e-12)
    assert memory.recall(rows[40:41]).pattern.tolist() == [38]
