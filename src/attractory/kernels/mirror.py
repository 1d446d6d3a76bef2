"""Symmetric matrices of which only the upper triangle has been computed."""

import numpy as np
from jaxtyping import Float

__all__ = ["mirror"]

_BLOCK = 128  # rows and columns: larger ones turn in no cache


def mirror(matrix: Float[np.ndarray, "n n"]) -> None:
    """Copy a matrix's upper triangle to the lower, a block at a time."""
    for i in range(0, len(matrix), _BLOCK):
        rows = slice(i, i + _BLOCK)
        corner = np.triu(matrix[rows, rows])
        matrix[rows, rows] = corner + np.triu(corner, 1).T
        matrix[i + _BLOCK :, rows] = matrix[rows, i + _BLOCK :].T
