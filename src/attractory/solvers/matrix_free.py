"""Coefficients of a kernel map whose matrix is never held, by conjugate gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory._util.machine import tile_room
from attractory._util.parallel import sharing
from attractory._util.precision import double
from attractory._util.progress import Progress, reporting
from attractory.activations import Activation
from attractory.solvers import block_cg as _block_cg
from attractory.solvers.block_cg import Solution
from attractory.solvers.kernel_product import Points, Product, SharedProduct
from attractory.solvers.nystrom import nystrom

__all__ = ["solve_large"]

_FEW = 256  # columns: with fewer, the largest eigenvalues stand in the way of a block
_LANDMARKS = 1024


@double
def solve_large(
    x: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n c"],
    act: Activation,
    depth: int,
    ridge: float,
    *,
    tolerance: float,
    max_steps: int,
    exact: bool = True,
    compute: str | None = None,
    progress: Progress = None,
) -> Solution:
    """Solve (K + ridge) A = targets.

    Args:
        x: points of the NTK K, (n, d).
        targets: (n, c).
        act, depth, ridge: as for `attractory.fit_regression`.
        tolerance: largest residual of a row, relative to its point's norm.
        max_steps: products with K.
        exact: whether residuals are measured in float64; without it in float32.
        compute: None, "devices" or the address of a Dask scheduler.
        progress: a bar or none, or a function of steps so far and the largest residual; see
            `Progress`.
    """
    sizes = np.linalg.norm(x, axis=1)
    few = targets.shape[1] < _FEW
    precondition = nystrom(x, act, depth, min(_LANDMARKS, -(-len(x) // 4))) if few else None
    points = Points(x, act, depth)
    with (
        sharing(compute) as (count, share),
        reporting(progress, "conjugate gradients", _describe(tolerance)) as report,
    ):
        product: Any = Product(points, ridge, tile_room())
        if compute is not None:
            product = SharedProduct(points, ridge, count, share)
        return _block_cg.solve(
            product, targets, sizes, tolerance=tolerance, max_steps=max_steps,
            precondition=precondition, exact=exact, report=report,
        )  # fmt: skip


def _describe(tolerance: float) -> Callable[[int, float], tuple[float, float, str]]:
    """Describe a run by how many of the residual's digits are done."""

    def describe(steps: int, residual: float) -> tuple[float, float, str]:
        digits = -np.log10(tolerance)
        done = min(max(-np.log10(max(residual, 1e-300)), 0.0), digits)
        return done, digits, f"{steps} products, residual {residual:.0e}"

    return describe
