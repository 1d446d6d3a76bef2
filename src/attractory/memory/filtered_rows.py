r"""Rows seen through a lens: combinations of an image shifted by a pixel or two each way.

A cue that is out of focus, moved by a little, a double image, sharpened or scaled down and up is

    x = Σₖ fₖ p(· − k) + s + noise,

with f a few numbers, the filter, and s any slow part (`memory.slow_parts`). Both are fitted by
least squares, f with a ridge. Beyond an image's edge is what is at the edge.
"""

import numpy as np
from jaxtyping import Float

from attractory.memory.damage_models import Fit, exact
from attractory.memory.first_row import Compared
from attractory.memory.image_grid import Grid
from attractory.memory.slow_parts import slow_parts

__all__ = ["filtered"]

_REACH = 2  # pixels, of images
_REACH_CURVE = 4  # of curves
_EACH = 7  # pixels for each number of the filter, at least
_RIDGE = 0.03  # of the mean square


def filtered(x: Float[np.ndarray, "k h w"], rows: Float[np.ndarray, "k s h w"]) -> Compared:
    """Return cues and filtered rows without slow parts, and the fit of white noise.

    Args:
        x: the cues, as images.
        rows: those shortlisted.
    """
    count, height, width = x.shape
    size = height * width
    slow = slow_parts(size, Grid(height, width, 1))
    own, parts = x.reshape(count, size), _shifted(rows)
    own = own - (own @ slow) @ slow.T
    parts -= (parts @ slow) @ slow.T
    gram = parts @ parts.transpose(0, 1, 3, 2)
    number = gram.shape[2]
    ridge = _RIDGE * np.einsum("ksqq->ks", gram) / number + np.float32(1e-6 * size)
    gram[:, :, range(number), range(number)] += ridge[:, :, None]
    along = parts @ own[:, None, :, None]
    told = (np.linalg.solve(gram, along).transpose(0, 1, 3, 2) @ parts)[:, :, 0]
    fit: Fit = exact(own, told)
    return Compared(own, told, fit)


def _shifted(rows: Float[np.ndarray, "k s h w"]) -> Float[np.ndarray, "k s q c"]:
    """Return rows shifted by every step of the filter."""
    cues, count, height, width = rows.shape
    curve = height == 1
    reach = _REACH_CURVE if curve else _REACH
    while reach and (2 * reach + 1) ** (1 if curve else 2) * _EACH > height * width:
        reach -= 1
    down = 0 if curve else reach
    wide = np.pad(rows, ((0, 0), (0, 0), (down, down), (reach, reach)), mode="edge")
    steps = [(i, j) for i in range(2 * down + 1) for j in range(2 * reach + 1)]
    out = np.empty((cues, count, len(steps), height, width), np.float32)
    for k, (i, j) in enumerate(steps):
        out[:, :, k] = wide[:, :, i : i + height, j : j + width]
    return out.reshape(cues, count, len(steps), height * width)
