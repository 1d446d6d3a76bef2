r"""The infinite-width autoencoder in the middle of its training: gradient flow stopped at a time.

From outputs of zero, the flow on ½ Σ‖f(xᵢ) − xᵢ‖² is at time t

    f_t(x) = k(x) (K + ρ)⁻¹ (1 − e^{−(K + ρ)t}) X̂,

which for t → ∞ is the map of `fit_regression`. Until then patterns are no fixed points yet: those
along the kernel's largest eigenvalues are learnt first.
"""

import numpy as np

from attractory._util.aliases import ArrayLike
from attractory._util.precision import double
from attractory._util.validation import as_points, moderate, no_zero_rows, nonnegative
from attractory.activations import Activation
from attractory.kernels.kernel import Kernel
from attractory.kernels.matrices import kernel_matrix
from attractory.maps.kernel_regression import KernelRegression, assemble
from attractory.solvers.flow import checked_time, decomposed, flow_filter

__all__ = ["flow_regression"]


@double
def flow_regression(
    patterns: ArrayLike,
    time: float,
    *,
    activation: str | Activation = "sigmoid",
    depth: int = 2,
    ridge: float = 0.0,
) -> KernelRegression:
    """Return the centred infinite-width map after training by gradient flow for some time.

    Args:
        patterns: shape (n, d).
        time: of the flow on half the sum of squared errors, at least 0; infinity for its end.
        activation, depth, ridge: as for `fit_regression`.

    Raises:
        ValueError: if values are not finite, a pattern is zero, or the time is below 0.

    Example:
        >>> from attractory.datasets import sphere
        >>> x = sphere(5, 8, norm=10.0)
        >>> early, late = flow_regression(x, 0.0), flow_regression(x, np.inf)
        >>> float(np.abs(early(x)).max()), late.interpolates
        (0.0, True)
    """
    x, time = as_points(patterns, "patterns"), checked_time(time)
    no_zero_rows(x, "patterns")
    moderate(x, "patterns")
    kernel = Kernel.of(activation, depth).adapted("patterns", x, room=2.0)
    ridge = nonnegative(ridge, "ridge")
    values, vectors = decomposed(kernel_matrix(x, None, kernel, "ntk"))
    coefficients = vectors @ (flow_filter(values, ridge, time)[:, None] * (vectors.T @ x))
    return assemble(x, x, np.ascontiguousarray(coefficients), kernel, ridge)
