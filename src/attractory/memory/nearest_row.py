"""Cues that need no model of damage: white noise on a row, or what is known of it alone is exact.

Rows that are alike differ by little, which only all coordinates together tell, at the contrast they
have. What is between a cue and the row nearest to it is taken for white noise if it has no mean, is
neither like the row nor, from one coordinate to the next, like itself, and has few large values.
Then nearness is likelihood, and no other rule finds the row more often.

Of a memory of one row, 0 stands for the second.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.memory.coordinates import spread

__all__ = [
    "FEWEST",
    "NearestRow",
    "Position",
    "at_least_two",
    "nearest_row",
    "position",
    "second_row",
]

_CHANCE = 4.0  # standard errors
FEWEST = 300  # coordinates: of fewer too little is told
_LIKELY, _FEWER = 2.0, 48  # standard errors, and coordinates, of what may be noise
_KURTOSIS = 5.0  # its standard error over that of a mean, √24
_ALONE = 0.05  # of the distance of the second row
_AT_ONCE = 1 << 24  # distances held at a time
_ALL, _SOME, _SAMPLE = 2048, 256, 64  # rows up to which all are looked at, and some of more

Products = tuple[Float[np.ndarray, " n"], Float[np.ndarray, "k n"]]


class NearestRow(NamedTuple):
    """The rows nearest to cues.

    Attributes:
        row: index, (k,).
        white: whether there is white noise between them, (k,).
        perhaps: whether there may be, (k,): fewer coordinates tell less, or less clearly.
        ratio: distance of the row over that of the second one, (k,); 1 where nothing is known.
    """

    row: Int[np.ndarray, " k"]
    white: Bool[np.ndarray, " k"]
    perhaps: Bool[np.ndarray, " k"]
    ratio: Float[np.ndarray, " k"]

    @property
    def alone(self) -> Bool[np.ndarray, " k"]:
        """Whether no other row is anywhere near, (k,)."""
        return self.ratio < _ALONE


def nearest_row(
    rows: Float[np.ndarray, "n d"],
    cues: Float[np.ndarray, "k d"],
    known: Bool[np.ndarray, "k d"] | None = None,
    products: Products | None = None,
) -> NearestRow:
    """Return the row nearest to each cue, by the coordinates that are known.

    Args:
        rows, cues: in the same units.
        known: which coordinates of the cues are; None for all.
        products: squares of the rows, (n,), and products of cues and rows, (k, n), of all
            coordinates, if they are at hand.

    Example:
        >>> found = nearest_row(np.eye(3, 100), np.eye(3, 100)[:2])
        >>> found.row.tolist(), found.alone.tolist()
        ([0, 1], [True, True])
    """
    size = max(1, _AT_ONCE // (len(rows) + rows.shape[1]))
    squares = products[0] if products is not None else _squares(rows, known is None)
    parts = []
    for k in range(0, len(cues), size):
        x = cues[k : k + size]
        if known is None:
            part, lengths = np.ones_like(x), squares
        else:
            part = known[k : k + size].astype(x.dtype)
            lengths = part @ squares.T
        product = (part * x) @ rows.T if products is None else products[1][k : k + size]
        away = lengths - 2 * product
        first = away.argmin(axis=1)
        parts.append((first, *_told(rows, x, part, away, first)))
    return NearestRow(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _squares(rows: np.ndarray, whole: bool) -> np.ndarray:
    return np.einsum("ij,ij->i", rows, rows) if whole else rows**2


def at_least_two(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "m d"]:
    """Return rows, one alone with 0 for a second."""
    return rows if len(rows) > 1 else np.vstack([rows, np.zeros_like(rows)])


class Position(NamedTuple):
    """Where cues lie, from their row towards others.

    Attributes:
        at_row: how far on the row's side of the row least far, 1 at the row and 0 half-way, (k,).
        second: how much of what the row leaves of the cue one other row explains, by least squares
            with any contrast and offset, (k,).
        of_second: that row's share of both, (k,).
        away: log of the squared distance from the row, of that to the row nearest to it, (k,).
        lead: log likelihood of the row less that of the next one, white noise assumed, (k,).
    """

    at_row: Float[np.ndarray, " k"]
    second: Float[np.ndarray, " k"]
    of_second: Float[np.ndarray, " k"]
    away: Float[np.ndarray, " k"]
    lead: Float[np.ndarray, " k"]


def position(
    rows: Float[np.ndarray, "n d"],
    cues: Float[np.ndarray, "k d"],
    row: Int[np.ndarray, " k"],
    products: Products | None = None,
) -> Position:
    """Return where cues lie.

    Of more than 2,048 rows the other rows are the 256 nearest to each cue, and 64 of all.

    Args:
        rows, cues: in the same units.
        row: of each cue.
        products: as for `nearest_row`.

    Example:
        >>> rows = np.eye(3, 9)
        >>> found = position(rows, (rows[:1] + rows[1:2]) / 2, np.array([0]))
        >>> [float(v[0].round(6)) for v in found[:3]]
        [0.0, 1.0, 0.5]
    """
    if len(rows) > _ALL:
        return _position_among_some(rows, cues, row, products)
    if len(rows) == 1:
        rows, products = at_least_two(rows), None
    size = max(1, _AT_ONCE // (8 * len(rows)))
    squares = _squares(rows, True) if products is None else products[0]
    parts = []
    for k in range(0, len(row), size):
        x, own = cues[k : k + size], rows[row[k : k + size]]
        with_cue = x @ rows.T if products is None else products[1][k : k + size]
        given = own @ rows.T, with_cue, squares, rows.mean(axis=1)
        parts.append(_position(own, x, row[k : k + size], given))
    return Position(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _position_among_some(
    rows: np.ndarray, cues: np.ndarray, row: np.ndarray, products: Products | None
) -> Position:
    """Return the same from the rows that are nearest to each cue, and from a sample of all."""
    sample = spread(len(rows), _SAMPLE)
    squares = _squares(rows, True) if products is None else products[0]
    parts = []
    for k, (x, home) in enumerate(zip(cues, row.tolist(), strict=True)):
        with_cue = rows @ x if products is None else products[1][k]
        near = np.argpartition(squares - 2 * with_cue, _SOME)[:_SOME]
        here = np.unique(np.concatenate([[home], near, sample]))
        some = rows[here]
        own, place = rows[home], np.searchsorted(here, [home])
        mine, mean = np.stack([own, np.full_like(own, 1 / len(own))]) @ some.T
        given = mine[None], with_cue[here][None], squares[here], mean
        parts.append(_position(own[None], x[None], place, given))
    return Position(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _position(
    own: np.ndarray, cues: np.ndarray, row: np.ndarray, given: tuple[np.ndarray, ...]
) -> Position:
    """Return where cues lie among rows.

    Args:
        own: the row of each, (k, d).
        cues: (k, d).
        row: place of that row among the n.
        given: products of these rows with the n, and of the cues with them, (k, n); the squares of
            the n, and their means, (n,).
    """
    mine, with_cue, squares, mean = given
    here, dim = np.arange(len(row)), own.shape[1]
    apart = squares[row][:, None] + squares - 2 * mine
    rest = np.einsum("ij,ij->i", cues - own, cues - own)
    nearer = squares - squares[row][:, None] - 2 * (with_cue - with_cue[here, row][:, None])
    others = apart > 1e-3 * np.median(apart, axis=1, keepdims=True) + 1e-9
    others[here, row] = False
    none = ~others.any(axis=1)
    ratio = np.where(others, nearer / np.where(others, apart, 1), np.inf).min(axis=1)
    nearest = np.where(others, apart, np.inf).min(axis=1)
    away = np.log(np.maximum(rest, 1e-12) / np.where(none, np.maximum(rest, 1e-12), nearest))
    least = np.where(others, nearer, np.inf).min(axis=1)
    lead = 0.5 * dim * np.log1p(np.where(none, 0, least) / np.maximum(rest, 1e-9))
    # The same of rows and cues less their means, for least squares.
    mean_cue = cues.mean(axis=1)
    gram = mine - dim * mean[row][:, None] * mean
    size = np.maximum(squares[row] - dim * mean[row] ** 2, 1e-12)[:, None]
    seen = with_cue - dim * mean_cue[:, None] * mean
    along, first = gram / size, seen[here, row][:, None] / size
    across = squares - dim * mean**2 - along**2 * size
    left = np.einsum("ij,ij->i", cues, cues) - dim * mean_cue**2 - first[:, 0] ** 2 * size[:, 0]
    others &= across > 1e-3 * size
    left = np.maximum(left, 1e-9 * size[:, 0])
    second = second_row(first[:, 0], along, across, np.where(others, seen - first * gram, 0), left)
    return Position(np.where(none, 1.0, ratio), *second, away, lead)


def second_row(
    first: Float[np.ndarray, " k"],
    along: Float[np.ndarray, "k n"],
    across: Float[np.ndarray, "k n"],
    seen: Float[np.ndarray, "k n"],
    left: Float[np.ndarray, " k"],
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return how much of what its row leaves of a cue one other row explains, and its share.

    Args:
        first: factor of the row alone, by least squares.
        along: of other rows along that row, relative to its length.
        across: squares of their parts across it.
        seen: products of these parts with the cue; 0 for rows that have no say.
        left: square of what the row leaves of the cue, more than 0.
    """
    here = np.arange(len(first))
    seen = np.maximum(seen, 0)
    across = np.where(seen > 0, across, 1)
    explained = seen**2 / across
    best = explained.argmax(axis=1)
    factor = seen[here, best] / across[here, best]
    of_row = np.maximum(first - factor * along[here, best], 1e-6)
    return np.minimum(explained[here, best] / left, 1), factor / (factor + of_row)


def _told(
    rows: np.ndarray, x: np.ndarray, part: np.ndarray, away: np.ndarray, first: np.ndarray
) -> tuple[Bool[np.ndarray, " k"], Bool[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return whether the rest is, or may be, white noise, and its length over the second row's."""
    dim = part.sum(axis=1)
    rest = part * (x - rows[first])
    length = np.linalg.norm(rest, axis=1)
    unit = rest / np.where(length > 0, length, 1.0)[:, None]
    mean = (part * rows[first]).sum(axis=1) / np.maximum(dim, 1)
    apart = part * (rows[first] - mean[:, None])
    size = np.linalg.norm(apart, axis=1)
    error = 1 / np.sqrt(np.maximum(dim, 1))
    signs = (
        unit.sum(axis=1) * error,
        (unit * apart).sum(axis=1) / np.where(size > 0, size, 1.0),
        (unit[:, 1:] * unit[:, :-1]).sum(axis=1),
        (dim * (unit**4).sum(axis=1) - 3) / _KURTOSIS,  # of normal numbers the moment is 3
    )
    off = np.abs(signs).max(axis=0) / error
    white = (length > 0) & (off <= _CHANCE) & (dim >= FEWEST)
    perhaps = (length > 0) & (off <= _LIKELY) & (dim >= _FEWER)
    second = (part * x**2).sum(axis=1)
    if len(rows) > 1:
        away[np.arange(len(x)), first] = np.inf
        second = second + away.min(axis=1)
    there = (dim > 0) & (second > 0)
    return white, perhaps, np.where(there, length / np.sqrt(np.where(there, second, 1.0)), 1.0)
