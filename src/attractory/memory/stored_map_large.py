"""A kernel regression under change whose matrix is never held; `solvers.matrix_free` solves.

A change is followed by a solve from nothing when the map is next used. The old coefficients are no
better a first guess: what they leave is not made of patterns, and it is patterns that a block of
conjugate gradients deals with quickly (`solvers.block_cg`).
"""

import numpy as np
from jaxtyping import Float, Int

from attractory.maps.kernel_regression import KernelRegression, iterated_regression
from attractory.memory.stored_map import KernelStore

__all__ = ["LargeStore", "as_large"]

_TOLERANCE = 1e-7  # of a row, relative to the norm
_STEPS = 500


class LargeStore(KernelStore):
    """`KernelStore` by conjugate gradients; attributes and arguments as there.

    Attributes:
        steps: products with the kernel's matrix that the last solve took.
    """

    steps = 0

    @property
    def factor(self) -> None:
        """None: there is no factor."""
        return None

    def map(self) -> KernelRegression:
        """Return the map, solved for now if it was not yet."""
        if self._map is None:
            rule = self.settings
            self._map, self.steps = iterated_regression(
                self.x, self.targets, rule.kernel, rule.ridge, tolerance=_TOLERANCE,
                max_steps=_STEPS, compute=rule.compute,
            )  # fmt: skip
        return self._map

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> KernelStore:
        """Return the store with rows appended; this one stays as it is."""
        return self._copy(np.vstack([self.x, x]), np.vstack([self.targets, targets]))

    def without(self, rows: Int[np.ndarray, " k"]) -> KernelStore:
        """Return the store without some rows."""
        kept = np.delete(np.arange(len(self.x)), rows)
        return self._copy(self.x[kept], self.targets[kept])


def as_large(store: KernelStore) -> LargeStore:
    """Return a store that has outgrown its factor as one without."""
    if isinstance(store, LargeStore):
        return store
    return LargeStore(store.x, store.targets, store.settings)
