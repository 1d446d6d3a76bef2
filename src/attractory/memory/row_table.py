"""What is known of each stored row, worked out when the row is first asked for.

Of many rows few are ever shortlisted, and the first recall waits for no others.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int, Shaped

from attractory._util.aliases import DTypeLike

__all__ = ["RowTable"]


class RowTable:
    """One entry for each row.

    Args:
        shape: of the table, (n, …).
        of: of some rows' indices, (m,), their entries, (m, …).
        kind: dtype of the entries.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        of: Callable[[Int[np.ndarray, " m"]], Shaped[np.ndarray, "m *e"]],
        kind: DTypeLike,
    ):
        self._of, self._known = of, np.zeros(shape[0], bool)
        self._table = np.empty(shape, kind)

    def __getitem__(self, rows: Int[np.ndarray, "*k"]) -> Shaped[np.ndarray, "..."]:
        """Return the entries of rows, which may be repeated."""
        new = np.unique(rows[~self._known[rows]])
        if len(new):
            # Two threads may write the same entries, and neither reads what is not written yet.
            self._table[new] = self._of(new)
            self._known[new] = True
        return self._table[rows]
