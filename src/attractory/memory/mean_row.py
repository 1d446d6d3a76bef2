r"""Cues told on another scale: what they have more than the mean row, at any contrast.

A person told in scores, a picture of another exposure, an average of many rows: x = a p + b m + o,
with m the mean row. What is left of x and p across m and the constant is compared. Noise that goes
with each column's deviation s is white in x/s; there m/s and 1/s take the place of both.
"""

import numpy as np
from jaxtyping import Float, Int

from attractory.memory.damage_models import exact, white
from attractory.memory.first_row import Compared
from attractory.memory.shortlist import RowFrame

__all__ = ["MeanRow"]

_NONE = 1e-5  # size of a mean row that is rounding
_PARALLEL = 1e-4  # part of the mean row across the constant that is taken for rounding


class MeanRow:
    """The mean of stored rows and the deviations of their columns.

    Args:
        frame: the rows.
    """

    def __init__(self, frame: RowFrame):
        self._frame = frame

    def models(
        self,
        x: Float[np.ndarray, "k c"],
        rows: Float[np.ndarray, "k s c"],
        where: Int[np.ndarray, " c"] | slice,
    ) -> dict[str, Compared]:
        """Return the models fitted, by name; their terms are log densities of x.

        Args:
            x: the cues, in the frame's units.
            rows: those shortlisted.
            where: the coordinates compared.
        """
        mean, unit = self._frame.mean_row[where], self._frame.deviations[where]
        out = {"less the mean": _less(x, rows, mean, np.ones_like(unit))}
        x, rows = x / unit, rows / unit
        out["in deviations"] = Compared(x, rows, exact(x, rows))
        out["less the mean, in deviations"] = _less(x, rows, mean, unit)
        logs = np.log(unit)
        for name in ("in deviations", "less the mean, in deviations"):
            terms = out[name].fit.terms
            terms -= logs
        return out


def _less(x: np.ndarray, rows: np.ndarray, mean: np.ndarray, unit: np.ndarray) -> Compared:
    """Return the model without the mean row and the constant, of cues and rows in units."""
    columns = [1 / unit, mean / unit] if np.abs(mean).max() > _NONE else [1 / unit]
    both = np.stack(columns, axis=1).astype(float)
    both /= np.linalg.norm(both, axis=0)
    basis, sizes, _ = np.linalg.svd(both, full_matrices=False)
    basis = np.asarray(basis[:, sizes > _PARALLEL * sizes[0]], np.float32)
    x, rows = x - (x @ basis) @ basis.T, rows - (rows @ basis) @ basis.T
    return Compared(x, rows, white(x, rows, offset=False))
