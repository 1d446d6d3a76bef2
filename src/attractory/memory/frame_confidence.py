"""How sure it is which frame a cue is, where others differ from it by far less than the noise does.

Neighbours in a film are alike. Under white noise a cue that lies a little towards another frame may
as well be a mixture of both, and `memory.row_probability` doubts it, as it must for any rows. Of
frames it is no doubt: what is between two of them is the nearer one. So two questions are asked one
after another. Is it one of these frames? They stand for one, and the others decide. Which of them?
The likelihoods of white noise say it, e^(−‖c − p‖²/2σ²) with σ² the mean square of what is left.
"""

import numpy as np
from jaxtyping import Float, Int

from attractory.memory.cue_mending import CueMending
from attractory.memory.nearest_row import position
from attractory.memory.row_probability import of_noise

__all__ = ["sure_of_frames"]

_ALIKE = 1.0  # of the squared distance of the cue
_RIVALS = 128  # nearest rows that are compared


def sure_of_frames(
    mending: CueMending,
    cues: Float[np.ndarray, "k d"],
    row: Int[np.ndarray, " k"],
    sure: Float[np.ndarray, " k"],
) -> Float[np.ndarray, " k"]:
    """Return the confidence that cues are of their frames, where those alike are no strangers.

    Args:
        mending: of the frames.
        cues: in the units given.
        row: the frame that each was brought to, −1 for none.
        sure: confidence as of any rows; kept unless the frame is the nearest, what is between is
            white noise, and others are alike.
    """
    near, out = mending.nearest(mending.frame.compared(cues)), sure.copy()
    points, x = mending.frame.points, mending.frame.inward(cues)
    squares = np.einsum("ij,ij->i", points, points)
    for k in np.flatnonzero(near.white & (near.row == row)).tolist():
        far = squares - 2 * points @ x[k]
        some = np.argsort(far)[:_RIVALS]
        own = int(np.flatnonzero(some == row[k])[0])
        apart = (points[some] - points[row[k]]).astype(float)
        rest = (x[k] - points[row[k]]).astype(float)
        variance = rest @ rest / len(rest)
        alike = np.einsum("ij,ij->i", apart, apart) < _ALIKE * rest @ rest
        alike[own] = False
        if not alike.any():
            continue
        behind = np.einsum("ij,ij->i", apart[alike], apart[alike]) - 2 * apart[alike] @ rest
        others = points[some[~alike]]
        place = position(others, x[k : k + 1], np.array([(~alike[:own]).sum()]))
        out[k] = of_noise(place, points.shape)[0] / (1 + np.exp(-behind / (2 * variance)).sum())
    return out
