"""This library's memory, as the benchmark calls it."""

import warnings

import numpy as np

from attractory.memory.estimator import AttractorMemory

__all__ = ["AddedTo", "store"]


class AddedTo:
    """`AttractorMemory` as the benchmark calls it.

    Rows that are added keep centre, norm and metric of the first ones; so the memory is fitted anew
    whenever they have doubled.
    """

    def __init__(self, patterns: np.ndarray) -> None:
        """Store the rows."""
        self.memory, self.fitted = AttractorMemory().fit(patterns), len(patterns)

    def __call__(self, cues: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
        """Return where cues end; what is known of them stays."""
        return self.memory.recall(cues, known, clamp=known is not None, progress=False).state

    def add(self, rows: np.ndarray) -> None:
        """Store more rows."""
        if len(self.memory) + len(rows) < 2 * self.fitted:
            with warnings.catch_warnings():  # that the metric is of fewer rows: of half, at least
                warnings.simplefilter("ignore", UserWarning)
                self.memory.partial_fit(rows)
            return
        whole = np.concatenate([self.memory.patterns_, rows])
        self.memory.fit(whole)
        self.fitted = len(whole)


def store(patterns: np.ndarray) -> AddedTo:
    """Store rows in an `AttractorMemory` as it comes."""
    return AddedTo(patterns)
