"""A kernel memory under change whose map, and the factor it is solved with, are on a GPU.

A new factor takes seconds there, even for tens of thousands of rows. So none is kept: it would
leave no room for what recall needs, and a change of the rows is followed by a solve when the map is
next used. Where the GPU cannot (K is singular, or too large for its memory) the host's ways serve.
"""

import numpy as np

from attractory._util.gpu import gpu
from attractory._util.machine import iterates
from attractory.maps.kernel_regression import KernelRegression, assemble
from attractory.memory.settings import MemorySettings
from attractory.memory.stored_map import FactorlessStore, KernelStore, Solution
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


class GpuStore(FactorlessStore):
    """`KernelStore` with the factorisation on a GPU; attributes and arguments as there.

    `steps` are those of conjugate gradients after the factorisation.
    """

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

    def _without_gpu(self) -> KernelRegression:
        kind = LargeStore if iterates("auto", len(self.x)) else KernelStore
        measure = self.measure_residual
        return kind(self.x, self.targets, self.settings, measure_residual=measure).map()
