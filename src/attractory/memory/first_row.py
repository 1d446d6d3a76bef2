"""What a model of damage says of the row it puts first: its lead, and whether the cue is there.

k cues, s rows, c coordinates; `real` are the rows that are shortlisted. See `damage_evidence`.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.memory.damage_models import Fit

__all__ = [
    "FARTHEST", "FEATURES", "SCALES", "Away", "Compared", "ahead", "at_the_row", "scaled",
    "towards_the_row",
]  # fmt: skip

FEATURES = (
    "lead", "behind the best model", "nats a coordinate", "likeness of residuals", "log kurtosis",
    "growth of residuals", "share kept", "log contrast", "models that agree", "at the row",
    "log share of distinct values", "log dim", "1",
)  # fmt: skip
SCALES = np.array(
    [
        (0, 0, -1, -1, 0, -3, 0, -3, 0, -1, -8, 0, 1),
        (8, 20, 3, 1, 5, 3, 1, 2, 1, 2, 1, 20, 1),
        (3, 4, 1, 0.5, 2, 1, 1, 1, 1, 1, 3, 3, 1),
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0),
    ],
    np.float32,
)  # of each feature: the least and the largest value that count, unit, and what is taken off then
FARTHEST = 30.0  # standard errors
_TWIN = 0.1  # mean square between twins, in units of the rows' spread


class Compared(NamedTuple):
    """What a model compares: cues and rows in coordinates of its own."""

    x: Float[np.ndarray, "k c"]
    rows: Float[np.ndarray, "k s c"]
    fit: Fit


class Away:
    """How far rows are from one of them, at any weights of coordinates; (k, s, c)."""

    def __init__(self, rows: np.ndarray):
        self.rows = rows - rows.mean(axis=1, keepdims=True)

    @cached_property
    def squares(self) -> Float[np.ndarray, "k s c"]:
        """The rows less their mean, squared."""
        return self.rows**2

    @cached_property
    def products(self) -> Float[np.ndarray, "k s s"]:
        """The rows' products with one another."""
        return self.rows @ self.rows.transpose(0, 2, 1)

    def of(self, row: np.ndarray) -> np.ndarray:
        """Return the square of the distance of each from a row, (k, s)."""
        cues, own = np.arange(len(row)), np.diagonal(self.products, axis1=1, axis2=2)
        return np.maximum(own + own[cues, row][:, None] - 2 * self.products[cues, row], 0)

    def weighed(
        self, row: np.ndarray, weight: np.ndarray, rest: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weighed squares of differences, and weighed products of differences and a rest."""
        cues, here = np.arange(len(row)), self.rows[np.arange(len(row)), row]
        by = np.stack([weight * here, weight * rest], axis=2)
        with_row, with_rest = np.moveaxis(self.rows @ by, 2, 0)
        square = (self.squares @ weight[:, :, None])[:, :, 0]
        apart = square + square[cues, row][:, None] - 2 * with_row
        return np.maximum(apart, 0), with_rest - with_rest[cues, row][:, None]


def ahead(
    behind: Float[np.ndarray, "k s"],
    away: Float[np.ndarray, "k s"],
    row: Int[np.ndarray, " k"],
    real: Bool[np.ndarray, "k s"],
) -> Float[np.ndarray, " k"]:
    """Return by how much rows lead their strongest rivals that are no twins of theirs."""
    rivals = real & (away >= _TWIN)
    none = ~rivals.any(axis=1)
    rivals[none] = real[none]
    rivals[np.arange(len(row)), row] &= ~none
    least = np.where(rivals, behind, np.inf).min(axis=1)
    return np.where(rivals.any(axis=1), np.minimum(least, FARTHEST), 0.0)


def at_the_row(
    compared: Compared,
    about: Away,
    kept: Float[np.ndarray, "k c"],
    best_and_row: tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]],
    real: Bool[np.ndarray, "k s"],
) -> Float[np.ndarray, " k"]:
    """Return where cues lie: 1 at the row, 0 half-way to the row least far.

    Args:
        compared: by a model.
        about: the rows compared.
        kept: weights of coordinates.
        best_and_row: the row's place in the fit, and among all.
        real: which rows are shortlisted.
    """
    fit, (best, row) = compared.fit, best_and_row
    cues = np.arange(len(row))
    x = (compared.x - fit.offset[cues, best]) / np.maximum(fit.contrast[cues, best], 0.05)
    apart, product = about.weighed(row, kept, x - compared.rows[cues, row])
    return _least(apart - 2 * product, apart, row, real)


def towards_the_row(
    compared: Compared, row: Int[np.ndarray, " k"], real: Bool[np.ndarray, "k s"]
) -> Float[np.ndarray, " k"]:
    """Return the same of directions."""
    x, rows, cues = compared.x, compared.rows, np.arange(len(row))
    length = np.linalg.norm(x, axis=1, keepdims=True)
    own = rows[cues, row]
    by = np.stack([x / np.where(length > 0, length, 1), own], axis=2)
    along, product = np.moveaxis(rows @ by, 2, 0)
    square = np.einsum("ksc,ksc->ks", rows, rows)
    size = square[cues, row][:, None]
    along = along / np.sqrt(size)
    apart = np.maximum(square + size - 2 * product, 0) / size
    return _least(2 * (along[cues, row][:, None] - along), apart, row, real)


def _least(
    nearer: Float[np.ndarray, "k s"],
    apart: Float[np.ndarray, "k s"],
    row: Int[np.ndarray, " k"],
    real: Bool[np.ndarray, "k s"],
) -> Float[np.ndarray, " k"]:
    count = real.sum(axis=1, keepdims=True)
    ordered = np.sort(np.where(real, apart, np.inf), axis=1)
    two = np.concatenate([(count - 1) // 2, count // 2], axis=1)
    middle = np.take_along_axis(ordered, two, axis=1).mean(axis=1, keepdims=True)
    rivals = real & (apart > 1e-3 * middle + 1e-9)
    rivals[np.arange(len(row)), row] = False
    ratio = np.where(rivals, nearer / np.where(rivals, apart, 1), np.inf).min(axis=1)
    return np.where(rivals.any(axis=1), ratio, 0.0)


def scaled(features: Float[np.ndarray, "k m 13"]) -> Float[np.ndarray, "k m 13"]:
    """Return features cut to where they were learned from, and of about one size."""
    lower, upper, size, shift = SCALES
    return (np.clip(np.nan_to_num(features), lower, upper) / size - shift).astype(np.float32)
