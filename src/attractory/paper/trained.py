"""Networks trained as the paper's simulations need them, and their limits.

The paper keeps "only settings that can let network converges to training loss below 1e-7", and does
not say of what the loss is the mean or the sum. Spectra here are of networks trained in float64
until the squares of all entries' errors *together* are below 1e-7: the strictest reading, so that
every other is met as well. Basins need more where the norm is small, lest the patterns be no fixed
points to the accuracy that recall is judged by; see `paper.basin_cells`.

Training is by Gauss–Newton, not by gradient descent as (presumably) the paper's: thousands of steps
become a handful. At norms up to some 2√n₀ both end at the same memory, beyond it not quite;
`docs/training.md` measures it, and figure 5 repeats its networks with momentum.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from attractory.maps.network import Autoencoder
from attractory.maps.training import TrainingResult
from attractory.maps.training import train as train_network

__all__ = ["LOSS", "start_network", "train"]

LOSS = 1e-7  # sum of squares over all entries of all patterns


def start_network(dim: int, width: int, activation: str, seed: int, dtype: Any) -> Autoencoder:
    """Return an untrained two-layer network.

    Example:
        >>> start_network(3, 20, "erf", 0, np.float32)
        Autoencoder(3-20-3, erf, float32)
    """
    return Autoencoder(dim, width=width, activation=activation, key=seed, dtype=dtype)


def train(
    start: Autoencoder,
    patterns: Float[np.ndarray, "n d"],
    *,
    solver: str = "gauss_newton",
    tolerance: float | None = None,
) -> TrainingResult:
    """Train a network until the sum of squares is below 1e-7, or the loss per entry a tolerance.

    Example:
        >>> from attractory.datasets import sphere
        >>> x = sphere(2, 5, norm=3.0)
        >>> result = train(start_network(5, 100, "sigmoid", 0, np.float64), x)
        >>> result.converged, bool(result.losses[-1] * x.size <= 1e-7)
        (True, True)
    """
    goal = LOSS / patterns.size if tolerance is None else tolerance
    most = None if solver == "gauss_newton" else 100_000
    return train_network(
        start,
        patterns,
        solver=solver,  # pyright: ignore[reportArgumentType]
        tolerance=goal,
        max_steps=most,
        progress=False,
    )
