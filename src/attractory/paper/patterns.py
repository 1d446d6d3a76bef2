"""Patterns of the simulations: uniform on a sphere, or digits with their mean taken off."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from attractory.datasets import bundled_digits, mnist, rescale, sphere

__all__ = ["make_patterns"]


def make_patterns(
    source: str, n: int, dim: int, norm: float, seed: int, data: str | None
) -> Float[np.ndarray, "n d"]:
    """Return n patterns of one norm.

    Args:
        source: "sphere", or "digits": images drawn without replacement from the 200 bundled ones,
            or from the test set of a folder of IDX files, less the mean image of *all* of them.
        n, dim, norm: their number, dimension (of a sphere; images have their own) and norm.
        seed: of the draw.
        data: the folder; None for the bundled digits.

    Raises:
        ValueError: if there are fewer images than n.

    Example:
        >>> make_patterns("digits", 3, 784, 2.0, 0, None).shape
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
