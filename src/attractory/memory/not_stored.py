"""The error for rows that a memory's map misses by too much."""

import numpy as np
from jaxtyping import Float, Int

__all__ = ["NotStoredError"]

_NAMED = 5  # rows in a message


class NotStoredError(ValueError):
    """Rows that the map misses by too much to be stored; the memory is as it was.

    Attributes:
        rows: their indices.
        missed: by how much each stored row is missed, relative to the norm, (n,).
        finding: what is wrong, without what would do.
    """

    def __init__(self, rows: Int[np.ndarray, " k"], missed: Float[np.ndarray, " n"]):
        self.rows, self.missed = rows, missed
        worst, n = float(missed.max()), len(missed)
        some = ", ".join(map(str, rows[:_NAMED].tolist())) + (", …" if len(rows) > _NAMED else "")
        self.finding = (
            f"the memory misses a stored row by {worst:.1e} of the norm: {len(rows)} of {n} rows "
            f"are not stored (index {some})"
        )
        super().__init__(
            f"{self.finding}; a larger norm, fewer near-duplicates or (for a network) more width "
            "would do, or allow_unstored=True (--allow-unstored), which takes them as they are"
        )

    def __reduce__(self) -> tuple:
        """Pickle by what it was made of."""
        return type(self), (self.rows, self.missed)
