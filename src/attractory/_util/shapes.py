"""Arrays of few shapes: what JAX compiles for one of them serves many small calls."""

import numpy as np
from jaxtyping import Shaped

__all__ = ["FEWEST", "extended", "few_multiples"]

FEWEST = 16  # the least number of rows


def few_multiples(count: int) -> int:
    """Return the least multiple of 16 that is at least `count`.

    Example:
        >>> [few_multiples(n) for n in (1, 16, 17)]
        [16, 16, 32]
    """
    return -(-count // FEWEST) * FEWEST


def extended(
    rows: Shaped[np.ndarray, "n ..."], size: int, repeat: bool = False
) -> Shaped[np.ndarray, "m ..."]:
    """Append zeros to rows, or repeat the last one, up to so many rows.

    Example:
        >>> extended(np.ones(2), 3).tolist(), extended(np.ones(2), 3, repeat=True).tolist()
        ([1.0, 1.0, 0.0], [1.0, 1.0, 1.0])
    """
    out = np.zeros((size, *rows.shape[1:]), rows.dtype)
    out[: len(rows)] = rows
    if repeat:
        out[len(rows) :] = rows[-1]
    return out
