"""A kernel memory under change whose map, and the factor it is solved with, are on a GPU.

A new factor takes seconds there, even for tens of thousands of rows. So none is kept: it would
leave no room for what recall needs, and a change of the rows is followed by a solve when the map is
next used. Where the GPU cannot (K is singular, or too large for its memory) the host's ways serve.
"""

import numpy as np
from jaxtyping import Float, Int

from attractory._util.gpu import gpu
from attractory._util.machine import iterates
from attractory.maps.kernel_regression import KernelRegression, assemble
from attractory.memory.settings import MemorySettings
from attractory.memory.stored_map import KernelStore, Solution
from attractory.memory.stored_map_large import LargeStore
from attractory.solvers.on_gpu import fits_gpu, solve_on_gpu

__all__ = ["GpuStore", "solves_on_gpu", "store_type"]


def solves_on_gpu(settings: MemorySettings, n: int, dim: int) -> bool:
    """Whether n patterns of so many numbers are stored by a factorisation on a GPU."""
    if settings.solver == "cg" or settings.compute is not None or gpu() is None:
        return False
    return fits_gpu(n, dim) is not None


def store_type(settings: MemorySettings, n: int, dim: int) -> type[KernelStore]:
    """Return the kind of store for n patterns of so many numbers."""
    if solves_on_gpu(settings, n, dim):
        return GpuStore
    return LargeStore if iterates(settings.solver, n) else KernelStore


class GpuStore(KernelStore):
    """`KernelStore` with the factorisation on a GPU; attributes and arguments as there.

    Attributes:
        steps: of conjugate gradients that the last solve took after the factorisation.
    """

    steps = 0

    @property
    def factor(self) -> None:
        """None: it is not kept."""
        return None

    @property
    def doubtful(self) -> bool:
        """Whether the map is solved for already: then its residual is known."""
        return self._solution is not None

    def calls(self) -> KernelRegression:
        """Return the map: it is on the GPU, and not copied."""
        return self.map()

    def _solved(self) -> Solution:
        rule = self.settings
        found = solve_on_gpu(self.x, self.targets, rule.kernel, rule.ridge)
        if found is None:
            self._map = self._without_gpu()
        else:
            # A row is missed by what the equations leave, and by the ridge.
            a = np.asarray(found.coefficients)
            ridge = rule.ridge * np.linalg.norm(a, axis=1) / np.linalg.norm(self.x, axis=1)
            known = float((found.residual + ridge).max())
            self._map = assemble(
                self.x, self.targets, found.coefficients, rule.kernel, rule.ridge, known
            )
            self.steps = found.steps
        return Solution(np.asarray(self._map.coefficients), float(self._map.residual))

    def _within(self) -> tuple[Float[np.ndarray, "n e"] | None, float | None]:
        self.solution()  # the span's own store would factorise
        return super()._within()

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        return self.solution().residual

    def _without_gpu(self) -> KernelRegression:
        kind = LargeStore if iterates("auto", len(self.x)) else KernelStore
        measure = self.measure_residual
        return kind(self.x, self.targets, self.settings, measure_residual=measure).map()

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> KernelStore:
        """Return the store with rows appended; this one stays as it is."""
        return self._grown(x, targets)

    def without(self, rows: Int[np.ndarray, " k"]) -> KernelStore:
        """Return the store without some rows."""
        return self._shrunk(rows)
