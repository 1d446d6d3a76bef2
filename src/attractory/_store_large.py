"""A kernel memory under change whose matrix is never held: coefficients follow by iteration.

After a change the old coefficients are the first guess, so that what is stored already costs a few
steps. `attractory._large` solves.
"""

import numpy as np
from jaxtyping import Float

from attractory._large import solve_large
from attractory._store import KernelStore
from attractory.regression import KernelRegression, assemble

__all__ = ["LargeStore", "as_large"]

_TOLERANCE = 1e-7  # of a row, relative to the norm
_PASSED = 1e-4  # of a map that recall only passes
_STEPS = 500


class LargeStore(KernelStore):
    """`KernelStore` by conjugate gradients; attributes and arguments as there.

    Attributes:
        compute: where products with the kernel are computed, as for `attractory.fit_regression`.
        steps: products that the last solve took.
    """

    steps = 0
    _guess: np.ndarray | None = None

    @property
    def factor(self) -> None:
        """None: there is no factor."""
        return None

    def regression(self) -> KernelRegression:
        """Return the map, on points with the constant coordinate if there is one."""
        if self._map is None:
            x, targets = self._lift(self.x), self._lift(self.targets)
            found = solve_large(
                x, targets, self.activation, self.depth, self.ridge,
                tolerance=_PASSED if self.passed else _TOLERANCE, max_steps=_STEPS,
                start=self._guess, exact=not self.passed, compute=self.compute,
            )  # fmt: skip
            a = found.coefficients
            missed = found.residual + self.ridge * np.linalg.norm(a, axis=1) / np.linalg.norm(
                x, axis=1
            )
            known = np.nan if self.passed else float(missed.max())
            self._map = assemble(x, targets, a, self.activation, self.depth, self.ridge, known)
            self.steps, self._guess = found.steps, None
        return self._map

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> "LargeStore":
        """Return the store with rows appended; this one stays as it is."""
        grown = self._copy(np.vstack([self.x, x]), np.vstack([self.targets, targets]))
        if self._known_coefficients is not None:
            new = np.zeros((len(x), self._known_coefficients.shape[1]))
            grown._guess = np.vstack([self._known_coefficients, new])
        return grown

    def without(self, rows: np.ndarray) -> "LargeStore":
        """Return the store without some rows."""
        kept = np.delete(np.arange(len(self.x)), rows)
        less = self._copy(self.x[kept], self.targets[kept])
        if self._known_coefficients is not None:
            less._guess = self._known_coefficients[kept]
        return less

    @property
    def _known_coefficients(self) -> np.ndarray | None:
        return self._guess if self._map is None else np.asarray(self._map.coefficients)


def as_large(store: KernelStore) -> KernelStore:
    """Return a store that has outgrown its factor as one without."""
    if isinstance(store, LargeStore):
        return store
    large = LargeStore(
        store.x, store.targets, store.activation, store.depth, store.ridge, store.bias,
        passed=store.passed,
    )  # fmt: skip
    large.compute, large._guess = store.compute, np.asarray(store.regression().coefficients)
    return large
