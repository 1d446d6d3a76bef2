"""Random numbers of one purpose, which no caller's own generator of the same seed repeats."""

from zlib import crc32

import numpy as np

__all__ = ["generator"]


def generator(seed: int, purpose: str, *place: int) -> np.random.Generator:
    """Return the generator of a purpose, and of a place within it.

    `default_rng(seed)` draws patterns (`sphere`, or a script of a user's), and
    `default_rng([seed, 0, 0])` is the same stream. Noise from it would be parallel to the first
    pattern, a start of the search for eigenvectors the pattern itself.

    Args:
        seed: ≥ 0.
        purpose: a word, like "noise".
        place: numbers ≥ 0, like those of a pattern and a trial.

    Example:
        >>> at_first = generator(0, "noise", 0, 0).standard_normal()
        >>> bool(at_first == np.random.default_rng(0).standard_normal())
        False
    """
    key = (crc32(purpose.encode()), *place)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
