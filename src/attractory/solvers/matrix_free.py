"""Coefficients of a kernel regression whose matrix is never held, by conjugate gradients."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from attractory._util.gpu import gpu
from attractory._util.machine import tile_room
from attractory._util.parallel import sharing
from attractory._util.precision import double
from attractory._util.progress import Progress, reporting
from attractory.kernels.kernel import Kernel
from attractory.solvers import block_cg
from attractory.solvers.block_cg import Solution
from attractory.solvers.kernel_product import Points, Product, SharedProduct
from attractory.solvers.nystrom import nystrom
from attractory.solvers.on_gpu import GpuProduct

__all__ = ["solve_kernel"]

_FEW = 256  # right-hand sides: a block of fewer needs a preconditioner
_LANDMARKS = 1024  # points, at most, that the preconditioner is made from


@double
def solve_kernel(
    x: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n c"],
    kernel: Kernel,
    ridge: float,
    *,
    tolerance: float,
    max_steps: int,
    compute: str | None = None,
    progress: Progress = None,
) -> Solution:
    """Solve (K + ridge) A = targets, K the NTK of points.

    Args:
        x: points, (n, d).
        targets: (n, c).
        kernel: whose NTK.
        ridge: added to the diagonal of K.
        tolerance: largest residual of a row, relative to its point's norm.
        max_steps: products with K.
        compute: None, "devices" or the address of a Dask scheduler.
        progress: a bar or none, or a function of steps so far and the largest residual; see
            `Progress`.

    Returns:
        The solution; its `residual` is by how much K A misses the targets, (n,), relative to the
        points' norms: what the equations leave, and the ridge.
    """
    sizes = np.linalg.norm(x, axis=1)
    few = targets.shape[1] < _FEW
    precondition = nystrom(x, kernel, min(_LANDMARKS, -(-len(x) // 4))) if few else None
    points = Points(x, kernel)
    with (
        sharing(compute) as (count, share),
        reporting(progress, "conjugate gradients", _describe(tolerance)) as report,
    ):
        if compute is None and gpu() is not None:
            product = GpuProduct(x, kernel, ridge)
        elif compute is None:
            product = Product(points, ridge, tile_room())
        else:
            product = SharedProduct(points, ridge, count, share)
        found = block_cg.solve(
            product,
            targets,
            sizes,
            tolerance=tolerance,
            max_steps=max_steps,
            precondition=precondition,
            report=report,
        )
    ridge_part = ridge * np.linalg.norm(found.coefficients, axis=1) / sizes
    return found._replace(residual=found.residual + ridge_part)


def _describe(tolerance: float) -> Callable[[int, float], tuple[float, float, str]]:
    """Describe a run by how many of the residual's digits are done."""

    def describe(steps: int, residual: float) -> tuple[float, float, str]:
        digits = -np.log10(tolerance)
        done = min(max(-np.log10(max(residual, 1e-300)), 0.0), digits)
        return done, digits, f"{steps} products, residual {residual:.0e}"

    return describe
