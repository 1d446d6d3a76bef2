"""A kernel regression under change whose matrix is never held; `solvers.matrix_free` solves.

A change is followed by a solve from nothing when the map is next used. The old coefficients are no
better a first guess: what they leave is not made of patterns, and it is patterns that a block of
conjugate gradients deals with quickly (`solvers.block_cg`).
"""

import numpy as np
from jaxtyping import Float, Int

from attractory.maps.kernel_regression import KernelRegression, iterated_regression
from attractory.memory.stored_map import KernelStore, Solution

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

    @property
    def doubtful(self) -> bool:
        """Whether the map is solved for already: then its residual is known."""
        return self._solution is not None

    def calls(self) -> KernelRegression:
        """Return the map: it is large, and not copied."""
        return self.map()

    def _solved(self) -> Solution:
        rule = self.settings
        self._map, self.steps = iterated_regression(
            self.x, self.targets, rule.kernel, rule.ridge, tolerance=_TOLERANCE,
            max_steps=_STEPS, compute=rule.compute,
        )  # fmt: skip
        return Solution(np.asarray(self._map.coefficients), float(self._map.residual))

    def _within(self) -> tuple[Float[np.ndarray, "n e"] | None, float | None]:
        self.solution()  # the span's own store would factorise
        return super()._within()

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        return self.solution().residual

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> KernelStore:
        """Return the store with rows appended; this one stays as it is."""
        return self._grown(x, targets)

    def without(self, rows: Int[np.ndarray, " k"]) -> KernelStore:
        """Return the store without some rows."""
        return self._shrunk(rows)


def as_large(store: KernelStore) -> LargeStore:
    """Return a store that has outgrown its factor as one without."""
    if isinstance(store, LargeStore):
        return store
    return LargeStore(store.x, store.targets, store.settings)
