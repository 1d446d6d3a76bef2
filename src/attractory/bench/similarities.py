"""How alike cues and stored rows are, by the coordinates that are known."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from attractory.bench.namespaces import Values, namespace

__all__ = ["SIMILARITIES", "centred", "cosine", "dot", "euclid", "manhattan", "pearson"]

Rows = Float[np.ndarray, "n d"]
_TINY = 1e-150  # the square root of the least number: squares of it do not vanish


def euclid(x: Values, rows: Rows, known: Values | None = None) -> Values:
    """Return −‖x − row‖²/2 over known coordinates, (…, n).

    Args:
        x: cues (…, d).
        rows: stored, (n, d).
        known: which coordinates of x count, (…, d) of True and False; None for all. So in the
            other functions.

    Example:
        >>> euclid(np.array([0.0, 2.0]), np.eye(2)).tolist()
        [-2.5, -0.5]
    """
    if known is None:
        return x @ rows.T - 0.5 * (rows**2).sum(axis=1) - 0.5 * (x**2).sum(axis=-1)[..., None]
    x = x * known
    squares = (x**2).sum(axis=-1)[..., None]
    return x @ rows.T - 0.5 * (1.0 * known) @ (rows**2).T - 0.5 * squares


def dot(x: Values, rows: Rows, known: Values | None = None) -> Values:
    """Return x·row over known coordinates, (…, n).

    Example:
        >>> dot(np.array([0.0, 2.0]), np.eye(2)).tolist()
        [0.0, 2.0]
    """
    return (x if known is None else x * known) @ rows.T


def cosine(x: Values, rows: Rows, known: Values | None = None) -> Values:
    """Return the cosines of the angles to the rows, (…, n); those of 0 are 0.

    Example:
        >>> cosine(np.array([0.0, 2.0]), np.eye(2)).tolist()
        [0.0, 1.0]
    """
    xp = namespace(x)
    if known is None:
        size = xp.sqrt((rows**2).sum(axis=1))
    else:
        x = x * known
        size = xp.sqrt((1.0 * known) @ (rows**2).T)
    own = xp.sqrt((x**2).sum(axis=-1))[..., None]
    return (x @ rows.T) / (xp.maximum(size, _TINY) * xp.maximum(own, _TINY))


def pearson(x: Values, rows: Rows, known: Values | None = None) -> Values:
    """Return Pearson's correlations with the rows, (…, n); those of constant ones are 0.

    Example:
        >>> pearson(np.array([1.0, 3.0]), np.array([[0.0, 1.0], [5.0, 4.0]])).round(9).tolist()
        [1.0, -1.0]
    """
    xp = namespace(x)
    if known is None:
        apart = rows - rows.mean(axis=1, keepdims=True)
        return cosine(x - x.mean(axis=-1, keepdims=True), apart)
    count = xp.maximum((1.0 * known).sum(axis=-1), 1.0)[..., None]
    x = xp.where(known, x - (x * known).sum(axis=-1)[..., None] / count, 0.0)
    # Rows are centred on what is known of each cue: their variance there is by moments.
    sums, squares = (1.0 * known) @ rows.T, (1.0 * known) @ (rows**2).T
    spread = xp.sqrt(xp.maximum(squares - sums**2 / count, 0.0))
    own = xp.sqrt((x**2).sum(axis=-1))[..., None]
    kept = spread > 1e-9 * xp.sqrt(xp.maximum(squares, _TINY))
    return xp.where(kept, (x @ rows.T) / xp.where(kept, spread * xp.maximum(own, _TINY), 1.0), 0.0)


def manhattan(x: Values, rows: Rows, known: Values | None = None) -> Values:
    """Return −Σ |x − row| over known coordinates, (…, n).

    Example:
        >>> manhattan(np.array([0.0, 2.0]), np.eye(2)).tolist()
        [-3.0, -1.0]
    """
    xp = namespace(x)
    if xp is not np:
        apart = xp.abs(x[..., None, :] - rows)
        return -(apart if known is None else apart * known[..., None, :]).sum(axis=-1)
    flat = np.reshape(x, (-1, rows.shape[1]))
    told = None if known is None else np.broadcast_to(known, x.shape).reshape(flat.shape)
    out = np.empty((len(flat), len(rows)))
    for k, cue in enumerate(flat):  # without a copy of all rows for every cue
        if told is None:
            out[k] = -np.abs(rows - cue).sum(axis=1)
        else:
            out[k] = -np.abs(rows[:, told[k]] - cue[told[k]]).sum(axis=1)
    return out.reshape(*x.shape[:-1], len(rows))


def centred(x: Values, rows: Rows, known: Values | None = None) -> Values:
    """Return the cosines after the mean row is taken off, (…, n).

    Example:
        >>> centred(np.array([1.0, 1.0]), np.array([[0.0, 1.0], [0.0, -1.0]])).round(3).tolist()
        [0.707, -0.707]
    """
    mean = rows.mean(axis=0)
    return cosine(x - mean, rows - mean, known)


SIMILARITIES: dict[str, Callable[..., Any]] = {
    "Euclid": euclid, "dot": dot, "cosine": cosine, "Pearson": pearson, "Manhattan": manhattan,
    "centred": centred,
}  # fmt: skip
