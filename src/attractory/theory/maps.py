"""The infinite-width map in the paper's two cases: f0 = 0, and f0 of a sampled network."""

from typing import Any

import numpy as np
from jaxtyping import Float

from attractory._util.validation import choice
from attractory.activations import Activation
from attractory.maps.kernel_regression import fit_regression
from attractory.maps.network import Autoencoder
from attractory.maps.sampled_regression import fit_sampled_regression

__all__ = ["limit_map"]


def limit_map(
    x: Float[np.ndarray, "n d"],
    f0: str,
    *,
    activation: Activation,
    depth: int,
    width: int,
    key: int,
) -> tuple[Any, Autoencoder | None]:
    """Return f∞ with the patterns x stored, and the network f0 comes from, None for f0 = "zero".

    Raises:
        ValueError: for another f0 than "zero" or "sampled", and as fitting does.

    Example:
        >>> from attractory.activations import Linear
        >>> settings = {"activation": Linear(), "depth": 2, "width": 50, "key": 0}
        >>> f, start = limit_map(np.eye(2), "zero", **settings)
        >>> f.interpolates, start
        (True, None)
    """
    if choice(f0, "f0", ("zero", "sampled")) == "zero":
        return fit_regression(x, activation=activation, depth=depth), None
    start = Autoencoder(
        x.shape[1], width=width, depth=depth, activation=activation, key=key, dtype=np.float64
    )
    return fit_sampled_regression(start, x), start
