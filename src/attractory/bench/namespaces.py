"""NumPy for arrays and JAX for what is traced: maps quick on rows, and known to every analysis."""

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Values", "namespace"]

Values = np.ndarray | jax.Array


def namespace(x: object) -> ModuleType:
    """Return `jax.numpy` for arrays of JAX's, traced ones among them, and `numpy` for all else.

    Example:
        >>> namespace(np.zeros(2)).__name__, namespace(jnp.zeros(2)).__name__
        ('numpy', 'jax.numpy')
    """
    return jnp if isinstance(x, jax.Array) else np
