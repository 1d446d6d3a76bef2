r"""Spectral radii of several matrices at once, from products with vectors.

Arnoldi iteration, J V = V H + h v eᵀ, for all matrices together, one product a step for all of
them: a network's weights are then read once a step. A Ritz value θ of H,
H y = θ y, is an eigenvalue of J + E with ‖E‖ = h |eᵀy| =: r; it has moved by at most r κ to first
order, κ the condition number of the eigenvalue, approximated by that of θ in H. There are no
restarts: they save memory, but cost products, which take most of the time.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from jaxtyping import Float

from attractory._util.seeds import generator
from attractory._util.threads import side_by_side

__all__ = ["ritz_radii"]

_WANTED = 6  # leading eigenvalues whose condition numbers are computed
_GROWTH = 1.1  # of the basis between two eigenvalue decompositions of H
_INLINE = 40  # size of H up to which threads are not faster


def ritz_radii(
    product: Callable[[np.ndarray, np.ndarray], np.ndarray],
    shape: tuple[int, int],
    dtype: np.dtype,
    most: int,
) -> Float[np.ndarray, " k"]:
    """Return the spectral radius of k matrices, NaN where it has not settled.

    It has settled when no Ritz value, moved by its r (the leading ones by r κ), could exceed the
    largest by more than 1e-9 of it (1e-5 in float32), and the leading ones are known to the root of
    that. The first vector is random and the same for every matrix: results are reproducible.

    Args:
        product: of the matrices numbered by its first argument, ascending, with the rows of its
            second. Both may repeat their last entry.
        shape: (k, d).
        dtype: of the products and the basis; H is float64.
        most: vectors in the basis, at most.
    """
    count, dim = shape
    tolerance = 1e-9 if dtype == np.float64 else 1e-5
    basis = np.zeros((count, most + 1, dim), dtype)
    small = np.zeros((count, most + 1, most))
    start = generator(0, "arnoldi").standard_normal(dim)
    basis[:, 0] = start / np.linalg.norm(start)
    radii = np.full(count, np.nan)
    running, size = np.arange(count), 0
    for goal in _sizes(most):
        padded = np.pad(running, (0, _padded(len(running), count) - len(running)), mode="edge")
        # Fancy indices copy: once before these steps, and back after them.
        vectors, h = basis[running, : goal + 1], small[running, : goal + 1, :goal]
        for step in range(size, goal):
            rows = vectors[:, step]
            image = product(padded, rows[np.minimum(np.arange(len(padded)), len(rows) - 1)])
            _append(vectors, h, step, np.asarray(image)[: len(running)])
        basis[running, : goal + 1], small[running, : goal + 1, :goal] = vectors, h
        size = goal
        sound = np.isfinite(h).all(axis=(1, 2))
        run = side_by_side if goal > _INLINE and len(running) > 1 else map
        radii[running[sound]] = list(run(partial(_settled, tolerance=tolerance), h[sound]))
        running = running[sound & np.isnan(radii[running])]
        if not len(running):
            break
    return radii


def _sizes(most: int) -> Iterator[int]:
    size = 0
    while size < most:
        size = min(most, max(size + 8, int(size * _GROWTH)))
        yield size


def _padded(count: int, most: int) -> int:
    """Round up to few sizes, each compiled once."""
    return min(most, 1 << (count - 1).bit_length())


def _append(vectors: np.ndarray, h: np.ndarray, step: int, image: np.ndarray) -> None:
    """Orthogonalise the images against each basis, twice, and append them."""
    before = np.linalg.norm(image.astype(float), axis=1)
    known = vectors[:, : step + 1]
    for _ in range(2):
        parts = known @ image[:, :, None]
        image = image - (parts.transpose(0, 2, 1) @ known)[:, 0]
        h[:, : step + 1, step] += parts[:, :, 0]
    after = np.linalg.norm(image.astype(float), axis=1)
    # What is left of a vector inside the span is rounding error: the space is invariant. Zeros in
    # its place only add eigenvalues 0 to H.
    after[after <= 10 * np.finfo(vectors.dtype).eps * before] = 0.0
    h[:, step + 1, step] = after
    scale = np.divide(1.0, after, out=np.zeros_like(after), where=after != 0)
    vectors[:, step + 1] = image * scale[:, None]


def _settled(h: np.ndarray, tolerance: float) -> float:
    """Return the largest |θ| of H (m + 1, m), or NaN if that of any may yet be larger."""
    values, right = np.linalg.eig(h[:-1])
    order = np.argsort(-np.abs(values))
    modulus, right = np.abs(values[order]), right[:, order]
    radius, residuals = float(modulus[0]), h[-1, -1] * np.abs(right[-1])
    room = (1 + tolerance) * radius - modulus
    room[:_WANTED] = np.minimum(room[:_WANTED], np.sqrt(tolerance) * radius)
    if (residuals > room).any():
        return np.nan
    try:
        left = np.linalg.solve(right.T, np.eye(len(right))[:, :_WANTED])
    except np.linalg.LinAlgError:  # a defective H
        return np.nan
    moved = residuals[:_WANTED] * np.linalg.norm(left, axis=0)
    return radius if (moved <= room[:_WANTED]).all() else np.nan
