r"""A preconditioner from a few columns of the kernel matrix.

With m of the points as landmarks, K ≈ K₁ K₁₁⁻¹ K₁ᵀ = U Λ Uᵀ (Nyström), and

    P⁻¹ = I + U (λ_m Λ⁻¹ − 1) Uᵀ

brings the m largest eigenvalues down to the smallest of them (Frangella, Tropp & Udell, 2023).
Block conjugate gradients with many right-hand sides need no such help, because their first
directions span those eigenvectors; with few right-hand sides (patterns of few numbers) they do.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.linalg import cholesky, solve_triangular, svd

from attractory.kernels.kernel import Kernel
from attractory.kernels.matrices import kernel_matrix

__all__ = ["nystrom"]

_JITTER = 1e-12  # relative to the diagonal: landmarks may be near-duplicates


def nystrom(
    x: Float[np.ndarray, "n d"], kernel: Kernel, rank: int, seed: int = 0
) -> Callable[[np.ndarray], np.ndarray]:
    """Return R ↦ P⁻¹ R for the NTK of points, in R's precision.

    Args:
        x: points, (n, d).
        kernel: whose NTK.
        rank: number of landmarks, drawn at random.
        seed: of the draw.
    """
    chosen = np.random.default_rng(seed).choice(len(x), rank, replace=False)
    across = kernel_matrix(x, x[chosen], kernel, "ntk")
    corner = across[chosen]
    corner = (corner + corner.T) / 2
    corner[np.diag_indices(rank)] *= 1 + _JITTER
    half = cholesky(corner, lower=True, overwrite_a=True)
    root = solve_triangular(half, across.T, lower=True).T
    basis, roots, _ = svd(root, full_matrices=False, overwrite_a=True, check_finite=False)
    factors = (roots[-1] / roots) ** 2 - 1
    bases = {np.float64: basis, np.float32: basis.astype(np.float32)}

    def precondition(r: np.ndarray) -> np.ndarray:
        u = bases[r.dtype.type]
        return r + u @ (factors[:, None].astype(r.dtype) * (u.T @ r))

    return precondition
