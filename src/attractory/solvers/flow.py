"""Gradient flow of a kernel model by the eigenvectors of its matrix, to any time."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from attractory._util.precision import traced

__all__ = ["checked_time", "decomposed", "flow_filter"]


def checked_time(time: float | None) -> float:
    """Return a time, infinity for None, or refuse it by name."""
    if time is None:
        return np.inf
    if traced(time):
        raise TypeError("time must be a known number, and is traced: name it in static_argnames")
    try:
        value = float(time)
    except TypeError:
        raise TypeError(f"time must be a number, got {type(time).__name__}") from None
    if not value >= 0:
        raise ValueError(f"time must be at least 0, got {time}")
    return value


def decomposed(
    matrix: Float[np.ndarray, "n n"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n n"]]:
    """Return the eigenvalues of a kernel matrix, none below 0, and its eigenvectors."""
    values, vectors = eigh(matrix)
    return np.maximum(values, 0.0), vectors


def flow_filter(
    values: Float[np.ndarray, " n"], ridge: float, time: float
) -> Float[np.ndarray, " n"]:
    """Return (1 − e^{−(λ + ρ)t})/(λ + ρ); 0 for an endless flow along what the kernel lacks."""
    rate = values + ridge
    if np.isinf(time):
        known = rate > len(rate) * np.finfo(float).eps * rate.max(initial=0.0)
        return np.where(known, 1 / np.where(known, rate, 1.0), 0.0)
    # expm1 keeps small rates' digits, down to the limit t.
    grown = -np.expm1(-rate * time)
    return np.where(rate > 0, grown / np.where(rate > 0, rate, 1.0), time)
