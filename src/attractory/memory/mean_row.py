r"""Cues told on another scale: less the mean row, in the columns' deviations, in scores or ranges.

A picture of another exposure, an average of many rows: x = a p + b m + o, with m the mean row. What
is left of x and p across m and the constant is compared. Noise that goes with each column's
deviation s is white in x/s; there m/s and 1/s take the place of both. It may have Cauchy's law
there, too: then no value of a row, however wrong, says much against it.

A person told in scores is x = a (p − m)/s + o, one told in per cent of each column's range
x = a (p − l)/w + o, with l the least value of a column and w from there to the largest.
"""

import numpy as np
from jaxtyping import Float, Int

from attractory.memory.damage_models import exact, heavy_tailed, white
from attractory.memory.first_row import Compared
from attractory.memory.shortlist import RowFrame

__all__ = ["told_on_other_scales"]

_NONE = 1e-5  # size of a mean row that is rounding
_PARALLEL = 1e-4  # part of the mean row across the constant that is taken for rounding


def told_on_other_scales(
    frame: RowFrame,
    x: Float[np.ndarray, "k c"],
    rows: Float[np.ndarray, "k s c"],
    where: Int[np.ndarray, " c"] | slice,
    by_column: bool = True,
) -> dict[str, Compared]:
    """Return the models fitted, by name; their terms are log densities of x.

    Args:
        frame: of the stored rows.
        x: the cues, in its units.
        rows: those shortlisted.
        where: the coordinates compared.
        by_column: whether columns may have units of their own, as pixels have not.
    """
    mean, unit = frame.mean_row[where], frame.deviations[where]
    out = {"less the mean": _less(x, rows, mean, np.ones_like(unit))}
    if not by_column:
        return out
    told = x + frame.zero[where]
    for name, (zero, one) in frame.units.items():
        there = (rows - zero[where]) / one[where]
        out[name] = Compared(told, there, white(told, there))
    x, rows = x / unit, rows / unit
    in_deviations = {
        "in deviations": Compared(x, rows, exact(x, rows)),
        "less the mean, in deviations": _less(x, rows, mean, unit),
        "in deviations, long-tailed": Compared(x, rows, heavy_tailed(x, rows)),
    }
    for compared in in_deviations.values():
        terms = compared.fit.terms
        terms -= np.log(unit)  # densities of x, and not of x in deviations
    return out | in_deviations


def _less(x: np.ndarray, rows: np.ndarray, mean: np.ndarray, unit: np.ndarray) -> Compared:
    """Return the model without the mean row and the constant, of cues and rows in units."""
    columns = [1 / unit, mean / unit] if np.abs(mean).max() > _NONE else [1 / unit]
    both = np.stack(columns, axis=1).astype(float)
    both /= np.linalg.norm(both, axis=0)
    basis, sizes, _ = np.linalg.svd(both, full_matrices=False)
    basis = np.asarray(basis[:, sizes > _PARALLEL * sizes[0]], np.float32)
    x, rows = x - (x @ basis) @ basis.T, rows - (rows @ basis) @ basis.T
    return Compared(x, rows, white(x, rows, offset=False))
