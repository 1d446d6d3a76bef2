"""What every simulation of the paper starts from: patterns, and networks trained to store them.

Patterns are uniform on a sphere, or digits less their mean image.

The paper keeps "only settings that can let network converges to training loss below 1e-7", and does
not say whether the loss is a mean or a sum. Networks whose spectra are measured are trained in
float64 until the squared errors of all entries *together* are below 1e-7: the strictest reading, so
that every other is met as well. Basins at small norm need a smaller loss than that; see
`paper.basin_cells`.

Training is by Gauss–Newton, not by gradient descent as (presumably) the paper's: thousands of steps
become a handful. At norms up to some 2√n₀ both end at the same memory, beyond it not quite;
`docs/explanation/training.md` measures it, and figure 5 repeats its networks with momentum.
"""

from functools import lru_cache
from typing import TypedDict

import numpy as np
from jaxtyping import Float

from attractory._util.aliases import DTypeLike
from attractory.datasets import bundled_digits, mnist, rescale, sphere
from attractory.maps.network import Autoencoder
from attractory.maps.training import TrainingResult
from attractory.maps.training import train as train_network

__all__ = ["LOSS", "Patterns", "make_patterns", "start_network", "train"]

LOSS = 1e-7  # sum of squares over all entries of all patterns


class Patterns(TypedDict):
    """The settings that say which patterns a cell stores, but for their norm.

    Attributes:
        source: "sphere", or "digits": images drawn without replacement from the 200 bundled ones,
            or from the test set of a folder of IDX files, less the mean image of *all* of them.
        n: how many.
        dim: their dimension on a sphere; images have their own.
        seed: of the draw.
        data: the folder; None for the bundled digits.
    """

    source: str
    n: int
    dim: int
    seed: int
    data: str | None


def make_patterns(
    norm: float, *, source: str, n: int, dim: int, seed: int, data: str | None
) -> Float[np.ndarray, "n d"]:
    """Return n patterns of one norm; the settings are those of `Patterns`.

    Raises:
        ValueError: if there are fewer images than n.

    Example:
        >>> make_patterns(2.0, source="digits", n=3, dim=784, seed=0, data=None).shape
        (3, 784)
    """
    if source == "sphere":
        return sphere(n, dim, norm=norm, seed=seed)
    images = _images(data)
    if n > len(images):
        raise ValueError(f"n must be at most the {len(images)} images there are, got {n}")
    chosen = np.random.default_rng(seed).choice(len(images), n, replace=False)
    return rescale(images[chosen] - images.mean(axis=0), norm, center=False)


@lru_cache(maxsize=1)
def _images(data: str | None) -> Float[np.ndarray, "n d"]:
    return (bundled_digits() if data is None else mnist(data))[0]


def start_network(
    dim: int, width: int, activation: str, seed: int, dtype: DTypeLike
) -> Autoencoder:
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
