"""A kernel memory under change whose matrix is never held; `solvers.matrix_free` solves.

A change is followed by a solve from nothing when the map is next used. The old coefficients are no
better a first guess: what they leave is not made of patterns, and it is patterns that a block of
conjugate gradients deals with quickly (`solvers.block_cg`).
"""

import numpy as np
from jaxtyping import Float

from attractory.kernels.kernel import Kernel
from attractory.maps.kernel_regression import KernelRegression, iterated_regression
from attractory.memory.stored_map import KernelStore

__all__ = ["LargeStore", "as_large"]

_TOLERANCE = 1e-7  # of a row, relative to the norm
_PASSED = 1e-4  # of a map that recall only passes
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

    def regression(self) -> KernelRegression:
        """Return the map, on points with the constant coordinate if there is one."""
        if self._map is None:
            x = self._lift(self.x)
            targets = x if self.targets is self.x else self._lift(self.targets)
            self._map, self.steps = iterated_regression(
                x,
                targets,
                Kernel(self.activation, self.depth),
                self.ridge,
                tolerance=_PASSED if self.passed else _TOLERANCE,
                max_steps=_STEPS,
                exact=not self.passed,
                compute=self.compute,
            )
        return self._map

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> KernelStore:
        """Return the store with rows appended; this one stays as it is."""
        return self._copy(np.vstack([self.x, x]), np.vstack([self.targets, targets]))

    def without(self, rows: np.ndarray) -> KernelStore:
        """Return the store without some rows."""
        kept = np.delete(np.arange(len(self.x)), rows)
        return self._copy(self.x[kept], self.targets[kept])


def as_large(store: KernelStore) -> KernelStore:
    """Return a store that has outgrown its factor as one without."""
    if isinstance(store, LargeStore):
        return store
    large = LargeStore(
        store.x, store.targets, store.activation, store.depth, store.ridge, store.bias,
        passed=store.passed,
    )  # fmt: skip
    large.compute = store.compute
    return large
