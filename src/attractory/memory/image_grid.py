"""The grid that the coordinates of stored rows lie on, told by the rows: images, or curves.

Values that are beside one another in an image go together over the stored rows, along a line and
from one line to the next. So the mean correlation of columns that are a number of places apart has
a peak at the length of a line, and of colour images another at the number of channels.

Of few rows such peaks are of chance: a voice repeats itself, too. There each value is predicted by
least squares from those before it in its line and in the line above, for each length of a line, and
from those before it in the row alone. Rows are images if the former leaves clearly less, counted in
standard errors over parts of the row, since few rows share what they have in common.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from attractory.memory.coordinates import spread

__all__ = ["Grid", "grid_of"]

_ROWS = 500  # rows looked at
_FEWEST_ROWS = 16  # of which columns' means are taken off; of fewer the rows' own
_FEWEST = 36  # coordinates
_SIDE = 4  # pixels
_BESIDE, _FAR = 4, 12  # places from a line's length, up to which slanted lines may be as alike
_AS_ALIKE = 0.02
_BEFORE, _ABOVE = (1, 2, 3), (-3, -1, 0, 1, 3)  # places that values of few rows are predicted from
_PARTS, _LONG, _MOST = 16, 512, 8  # parts of a row, numbers of each, and rows, that are predicted
_LONGEST = 4  # a side over the other, of few images
_GAIN, _ERRORS = 0.1, 2.5  # of the logarithm of what is left, by lines; and in standard errors
_ALIKE, _LINES_ALIKE = 0.3, 0.4  # least correlations of values beside one another, and of lines
_LIVE = 0.02  # least deviation of a column, of the largest
_CHANNELS = 3
_RIDGE = 1e-9
_CLEARLY = 0.05  # by which every third value is liker than those between
_APART, _CHANCE = 0.02, 5.0  # by which channels of a pixel are liker than the next one's; errors


class Grid(NamedTuple):
    """Height, width and channels of images; the height of curves is 1."""

    height: int
    width: int
    channels: int


def grid_of(points: Float[np.ndarray, "n d"]) -> Grid | None:
    """Return the grid that rows lie on, or None if they lie on none.

    Args:
        points: the rows, in any one unit.
    """
    some = np.asarray(points[spread(len(points), _ROWS)], float)
    dim = some.shape[1]
    if dim < _FEWEST:
        return None
    few = len(some) < _FEWEST_ROWS
    apart = some - some.mean(axis=1 if few else 0, keepdims=True)
    deviation = np.sqrt((apart**2).mean(axis=0))
    live = deviation > _LIVE * deviation.max()
    if live.sum() < _FEWEST:
        return None
    unit = apart * live if few else np.where(live, apart / np.where(live, deviation, 1), 0)
    alike = _by_distance(unit, live)
    if max(alike[1], alike[_CHANNELS]) < _ALIKE:
        return None
    if few:
        line = _line_of_few(some)
        return Grid(1, dim, 1) if line is None else _of_lines(unit, live, alike, line)
    strides = [line for line in _lines(dim) if _peaks(alike, line)]
    if not strides:
        return Grid(1, dim, 1)
    return _of_lines(unit, live, alike, max(strides, key=lambda stride: alike[stride]))


def _lines(dim: int) -> list[int]:
    """Return the lengths that lines may have."""
    return [line for line in range(_SIDE, dim // _SIDE + 1) if dim % line == 0]


def _line_of_few(rows: Float[np.ndarray, "n d"]) -> int | None:
    """Return the length of lines that tell of few rows what the row alone does not; None if none
    does."""
    rows = rows[spread(len(rows), _MOST)]
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows = rows / np.maximum(rows.std(axis=1, keepdims=True), np.finfo(float).tiny)
    dim = rows.shape[1]
    ends = np.linspace(0, dim, _PARTS + 1).astype(int)
    place = np.concatenate([np.arange(a, min(a + _LONG, b)) for a, b in pairwise(ends)])
    part = np.searchsorted(ends, place, side="right") - 1
    alone = _left(rows, place, dim)
    rough = np.sqrt((alone**2).mean(axis=1, keepdims=True))
    rows, alone = rows / np.maximum(rough, _RIDGE), alone / np.maximum(rough, _RIDGE)
    lines = [
        line for line in _lines(dim) if dim / line / _LONGEST <= line <= 3 * _LONGEST * dim / line
    ]
    left = {line: _left(rows, place, line) for line in lines}
    if not left:
        return None
    line = min(left, key=lambda line: (left[line] ** 2).sum())

    def parts(error: np.ndarray) -> np.ndarray:
        return np.array([(error[:, part == k] ** 2).mean(axis=1) for k in range(_PARTS)])

    gain = np.log((parts(alone) + _RIDGE) / (parts(left[line]) + _RIDGE)).mean(axis=1)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return line if gain.mean() > max(_GAIN, _ERRORS * error) else None


def _left(
    rows: Float[np.ndarray, "n d"], place: Int[np.ndarray, " p"], line: int
) -> Float[np.ndarray, "n p"]:
    """Return what a prediction from before and above leaves of values."""
    column, dim = place % line, rows.shape[1]
    lags = [(k, column >= k) for k in _BEFORE]
    if line < dim:
        lags += [(line + k, (column >= k) & (column - k < line)) for k in _ABOVE]
    given = np.stack([
        np.where(within & (place >= lag), rows[:, np.maximum(place - lag, 0)], 0.0)
        for lag, within in lags if lag > 0
    ], axis=2)  # fmt: skip
    x, y = given.reshape(-1, given.shape[2]), rows[:, place].ravel()
    square = x.T @ x
    square[np.diag_indices(len(square))] += _RIDGE * (1 + np.trace(square))
    return (y - x @ np.linalg.solve(square, x.T @ y)).reshape(len(rows), -1)


def _peaks(alike: Float[np.ndarray, " d"], line: int) -> bool:
    """Return whether columns a line apart are liker than those somewhat less or more apart."""
    beside, far = min(_BESIDE, line // 4), min(_FAR, line // 2)
    near = alike[line - beside : line + beside + 1].max()
    far_off = max(
        alike[line - far : line - far + 3].max(), alike[line + far - 2 : line + far + 1].max()
    )
    return bool(alike[line] >= max(_LINES_ALIKE, near - _AS_ALIKE) and alike[line] > far_off)


def _by_distance(unit: Float[np.ndarray, "n d"], live: np.ndarray) -> Float[np.ndarray, " d"]:
    """Return the mean correlation of columns so many places apart."""
    size = 2 * unit.shape[1]

    def alike(values: np.ndarray) -> np.ndarray:
        waves = np.abs(np.fft.rfft(values, size, axis=-1)) ** 2
        return np.fft.irfft(waves.reshape(-1, waves.shape[-1]).sum(axis=0), size)[: size // 2]

    pairs = np.maximum(alike(live.astype(float)), 1)
    found = alike(unit) / pairs
    return found / max(found[0], 1e-12)


def _is_third_alike(alike: Float[np.ndarray, " d"]) -> bool:
    """Return whether every third value is clearly liker than those between."""
    return bool(alike[_CHANNELS] > alike[[1, 2, 4]].max() + _CLEARLY)


def _of_lines(
    unit: Float[np.ndarray, "n d"], live: np.ndarray, alike: Float[np.ndarray, " d"], line: int
) -> Grid:
    channels = _CHANNELS if _is_colour(unit, live, alike, line) else 1
    return Grid(unit.shape[1] // line, line // channels, channels)


def _is_colour(
    unit: Float[np.ndarray, "n d"], live: np.ndarray, alike: Float[np.ndarray, " d"], line: int
) -> bool:
    """Return whether every third value is liker than those between, or the three of one pixel are
    liker than the last of it and the first of the next."""
    if line % _CHANNELS:
        return False
    if _is_third_alike(alike):
        return True
    if line < _SIDE * _CHANNELS:
        return False
    place = np.arange(unit.shape[1] - 1)
    both = live[:-1] & live[1:] & (place % line != line - 1)
    beside = (unit[:, :-1] * unit[:, 1:]).mean(axis=0)
    size = (unit**2).mean(axis=0).max()
    each = [both & (place % _CHANNELS == k) for k in range(_CHANNELS)]
    if not all(some.any() for some in each):
        return False
    first, second, between = (beside[some].mean() / size for some in each)
    # Pairs beside one another are alike, so that about a quarter of them count.
    error = max(beside[some].std() / size * np.sqrt(4 / some.sum()) for some in each)
    return bool(between < min(first, second) - max(_APART, _CHANCE * error))
