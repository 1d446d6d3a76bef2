"""What the explorer does to a cue: pixels drawn or erased, noise, speckle, a half masked."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from attractory._util.validation import choice, indices, within
from attractory.analysis.corruption import corrupt
from attractory.explorer.sources import Patterns

__all__ = ["HALVES", "damaged", "half", "painted", "with_noise", "with_speckle"]

HALVES = ("top", "bottom", "left", "right")


def painted(
    cue: Float[np.ndarray, " d"], patterns: Patterns, cells: Sequence[int], value: str
) -> Float[np.ndarray, " d"]:
    """Return a cue with some cells drawn or erased, in all channels.

    Args:
        cue: (d,).
        patterns: whose grid the cells count in, line by line.
        cells: from 0; cells past the end of a vector's last line are left out.
        value: "high" or "low", the largest and the least value of the patterns.

    Example:
        >>> from attractory.explorer.sources import bundled
        >>> digits = bundled(2)
        >>> float(painted(digits.rows[0], digits, range(784), "low").max())
        0.0
    """
    choice(value, "value", ("high", "low"))
    height, width, channels = patterns.grid
    given = np.asarray(cells, dtype=np.int64 if len(cells) == 0 else None)
    places = indices(given, "cells", given.shape, height * width)
    out = cue.copy()
    if channels > 1:
        out.reshape(-1, channels)[places] = _value(patterns, value)
    else:
        out[places[places < len(out)]] = _value(patterns, value)
    return out


def half(cue: Float[np.ndarray, " d"], patterns: Patterns, side: str) -> Float[np.ndarray, " d"]:
    """Return a cue with one half of its grid erased: top, bottom, left or right."""
    choice(side, "side", HALVES)
    height, width, _ = patterns.grid
    cells = np.arange(height * width).reshape(height, width)
    part = {
        "top": cells[: height // 2], "bottom": cells[height // 2 :],
        "left": cells[:, : width // 2], "right": cells[:, width // 2 :],
    }[side]  # fmt: skip
    return painted(cue, patterns, part.ravel().tolist(), "low")


def with_noise(
    cue: Float[np.ndarray, " d"], patterns: Patterns, amount: float, seed: int = 0
) -> Float[np.ndarray, " d"]:
    """Return a cue with white noise whose norm is `amount` times the patterns' distance from
    their mean, in root mean square.

    Raises:
        ValueError: for an amount not from 0 to 4.
    """
    amount = float(within(amount, "amount", 0.0, 4.0, ()))
    rows = patterns.rows
    size = np.sqrt(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean())
    return corrupt(cue[None], "gaussian", amount * size / np.sqrt(len(cue)), seed=seed)[0, 0]


def with_speckle(
    cue: Float[np.ndarray, " d"], patterns: Patterns, amount: float, seed: int = 0
) -> Float[np.ndarray, " d"]:
    """Return a cue with a share of its numbers set to the patterns' least or largest value.

    Raises:
        ValueError: for a share not from 0 to 1.
    """
    amount = float(within(amount, "amount", 0.0, 1.0, ()))
    ends = np.array([patterns.low, patterns.high])
    # The two numbers behind give the range from which salt and pepper are taken.
    count = len(cue)
    drawn = corrupt(np.r_[cue, ends][None], "salt_and_pepper", amount, seed=seed)[0, 0]
    return drawn[:count]


def _value(patterns: Patterns, value: str) -> float:
    return patterns.high if value == "high" else patterns.low


def damaged(
    cue: Float[np.ndarray, " d"], patterns: Patterns, how: str, amount: float = 0.5, seed: int = 0
) -> Float[np.ndarray, " d"]:
    """Return a cue damaged in one way: "noise", "speckle", or a half: "top", "bottom", ….

    Args:
        cue: (d,).
        patterns: that it is a cue to.
        how: the way.
        amount: of noise relative to the patterns' distance from their mean, or share of speckle.
        seed: of the random numbers.

    Raises:
        ValueError: for another way, or an amount out of range.

    Example:
        >>> from attractory.explorer.sources import bundled
        >>> digits = bundled(2)
        >>> cue = damaged(digits.rows[0], digits, "bottom")
        >>> float(cue[392:].max()), bool(np.array_equal(cue[:392], digits.rows[0, :392]))
        (0.0, True)
    """
    if choice(how, "how", ("noise", "speckle", *HALVES)) == "noise":
        return with_noise(cue, patterns, amount, seed)
    if how == "speckle":
        return with_speckle(cue, patterns, amount, seed)
    return half(cue, patterns, how)
