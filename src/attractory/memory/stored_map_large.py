"""A kernel regression under change whose matrix is never held; `solvers.matrix_free` solves.

A change is followed by a solve from nothing when the map is next used. The old coefficients are no
better a first guess: what they leave is not made of patterns, and it is patterns that a block of
conjugate gradients deals with quickly (`solvers.block_cg`).
"""

from collections.abc import Callable

import numpy as np

from attractory.maps.kernel_regression import iterated_regression
from attractory.memory.stored_map import FactorlessStore, KernelStore, Solution

__all__ = ["LargeStore", "as_large"]

_TOLERANCE = 1e-7  # of a row, relative to the norm
_STEPS = 500


class LargeStore(FactorlessStore):
    """`KernelStore` by conjugate gradients; attributes and arguments as there.

    `steps` are products with the kernel's matrix; `tell` is called with how many there were so far
    and the largest residual of a row, while something waits for it.
    """

    tell: Callable[[int, float], object] | bool = False

    def _solved(self) -> Solution:
        rule = self.settings
        self._map, self.steps = iterated_regression(
            self.x, self.targets, rule.kernel, rule.ridge, tolerance=_TOLERANCE,
            max_steps=_STEPS, compute=rule.compute, progress=self.tell,
        )  # fmt: skip
        return Solution(np.asarray(self._map.coefficients), float(self._map.residual))


def as_large(store: KernelStore) -> LargeStore:
    """Return a store that has outgrown its factor as one without."""
    if isinstance(store, LargeStore):
        return store
    return LargeStore(store.x, store.targets, store.settings)
