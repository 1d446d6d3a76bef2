r"""How sure it is which frame a cue is: against frames of a kind that were never stored.

Neighbours in a film are alike. Where what is left is white noise, two questions are asked: is it
one of the frames that differ by less than the noise (they stand for one, the others decide), and
which of them? The likelihoods of white noise say it, e^(−‖c − p‖²/2σ²) with σ² the mean square of
what is left.

In few dimensions whiteness cannot be tested. There the hypothesis that a cue is a frame p and white
noise is compared with another: that it is another signal of their kind and noise,

    P(i) = N(c; pᵢ, s) / (Σⱼ N(c; pⱼ, s) + n L₀),    L₀ = mean of N(c; m, ρC + s),

each averaged over noise levels s, and L₀ over loudness ρ as well. C is once the frames' covariance,
once that of a stationary signal of their mean spectrum. Of cues that are as L₀ has it, at most one
in 1/(1 − P) − 1 has this P or more, whatever the rows are; the confidence is 2P − 1.

Of other damage `memory.row_probability` judges. It takes coordinates for independent, and slow
signals have few that are: any smooth curve is nearly a function of another, so that none is known
by changed values alone. The rest is asked of strangers at hand, too: frames of each sequence,
compared with the other sequences (of parts of sequences, where these are few). A cue is no surer
than 1 − 2p, p the mean over sequences of the share of their frames that have as much evidence:
frames of one are alike, so sequences count.
"""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import uniform_filter1d

from attractory._util.seeds import generator
from attractory.memory.coordinates import Coordinates, spread
from attractory.memory.cue_mending import DAMAGE, CueMending
from attractory.memory.nearest_row import FEWEST, position
from attractory.memory.row_probability import of_noise

__all__ = ["FrameConfidence", "Frames"]

_LEVELS = np.geomspace(1e-6, 10, 60)  # s, of the rows' mean square
_LOUDNESS = np.geomspace(1, 1e-3, 7).tolist()  # ρ
_LEAST = 12  # numbers in a frame, that the models of damage were learned from
_RIVALS = 128  # nearest frames that are compared
_ROWS = 512  # that the covariance is of
_SMOOTH = 64  # parts of the spectrum
_UNITS, _EACH = 8, 4  # sequences, or parts of them, left out, and frames of each
_NOISE = 0.5  # of the deviation of every other stranger
_DOUBTED = 0.38  # confidence below which nothing is asked


class Frames(NamedTuple):
    """The frames of a memory.

    Attributes:
        mending: of them.
        rows, points: scaled, and in the coordinates.
        coordinates: of scaled rows.
        start: where recall of scaled cues starts, in the coordinates.
    """

    mending: CueMending
    rows: Float[np.ndarray, "n d"]
    points: Float[np.ndarray, "n d"]
    coordinates: Coordinates
    start: Callable[[np.ndarray], np.ndarray]


class FrameConfidence:
    """What is worked out of the frames, once.

    Args:
        frames: of all sequences.
        sequences: the rows of each, in their order.
    """

    def __init__(self, frames: Frames, sequences: list[Int[np.ndarray, " _"]]):
        self._frames, self._sequences = frames, sequences

    def of(
        self,
        cues: Float[np.ndarray, "k d"],
        row: Int[np.ndarray, " k"],
        sure: Float[np.ndarray, " k"],
        damage: Int[np.ndarray, " k"],
    ) -> Float[np.ndarray, " k"]:
        """Return the confidence that cues are of their frames.

        Args:
            cues: scaled.
            row: the frame that each was brought to, −1 for none.
            sure: confidence as of any rows; 1 for cues that are a stored row.
            damage: place in `cue_mending.DAMAGE`.
        """
        mending = self._frames.mending
        seen, out = mending.frame.compared(cues), np.where(row >= 0, sure, 0.0)
        near, dim = mending.nearest(seen), cues.shape[1]
        there, doubt = sure >= 1, (row >= 0) & (sure > _DOUBTED) & (sure < 1)
        white = near.white & ~there
        doubt &= ~white
        # Any smooth signal is nearly a function of another: none is known by that alone.
        out[~white & ~there & (damage == DAMAGE.index("changed values"))] = 0.0
        if dim < _LEAST:
            out[~there] = 0.0
        if doubt.any():
            out[doubt] = np.minimum(out[doubt], 1 - 2 * self._share(sure[doubt]))
        some = np.flatnonzero(white & (near.row == row))
        out[some] = self._sure_of_alike(seen.x[some], row[some], out[some])
        some = np.flatnonzero((dim < FEWEST) & ~there & (near.row == row))
        likely = 2 * self.of_noise(seen.x[some].astype(float), row[some]) - 1  # as 1 − 2p
        out[some] = np.maximum(likely, out[some])
        return out

    def _sure_of_alike(
        self,
        x: Float[np.ndarray, "k d"],
        row: Int[np.ndarray, " k"],
        sure: Float[np.ndarray, " k"],
    ) -> Float[np.ndarray, " k"]:
        """Return confidence where frames alike are no strangers, what is between being white."""
        points, out = self._frames.mending.frame.points, sure.copy()
        squares = self._frames.mending.frame.squares
        for k, own_row in enumerate(row.tolist()):
            far = squares - 2 * points @ x[k]
            some = np.argsort(far)[:_RIVALS]
            own = int(np.flatnonzero(some == own_row)[0])
            apart = (points[some] - points[own_row]).astype(float)
            rest = (x[k] - points[own_row]).astype(float)
            variance = rest @ rest / len(rest)
            alike = np.einsum("ij,ij->i", apart, apart) < rest @ rest
            alike[own] = False
            if not alike.any():
                continue
            behind = np.einsum("ij,ij->i", apart[alike], apart[alike]) - 2 * apart[alike] @ rest
            others, first = points[some[~alike]], np.array([(~alike[:own]).sum()])
            place = position(others, x[k : k + 1], first)
            which = 1 + np.exp(-behind / (2 * variance)).sum()
            out[k] = of_noise(place, points.shape)[0] / which
        return out

    def of_noise(
        self, x: Float[np.ndarray, "k d"], row: Int[np.ndarray, " k"]
    ) -> Float[np.ndarray, " k"]:
        """Return P of these rows, cues being under white noise of any level.

        Args:
            x: cues in the frame's units.
            row: of each.
        """
        points = self._frames.mending.frame.points
        squares = self._frames.mending.frame.squares
        count, dim = points.shape
        middle, axes, variances, spectrum, power = self._kind
        levels, out = power * _LEVELS, np.empty(len(x))
        several = np.full(len(spectrum), 2.0)
        several[0] = 1.0
        several[-1] = 2.0 if dim % 2 else 1.0
        for k, (cue, own) in enumerate(zip(x, row.tolist(), strict=True)):
            far = np.maximum(squares - 2 * points @ cue.astype(np.float32) + cue @ cue, 0)
            far[own] = ((cue - points[own]) ** 2).sum()
            each = -far / (2 * levels[:, None]) - dim / 2 * np.log(levels)[:, None]
            each = np.logaddexp.reduce(each, axis=0)
            apart = cue - middle
            along, whole = (apart @ axes) ** 2, np.abs(np.fft.rfft(apart)) ** 2 / dim
            across = max(float(apart @ apart - along.sum()), 0.0)
            other = []
            for loudness in _LOUDNESS:
                v = loudness * variances + levels[:, None]
                rest = across / levels + (dim - len(variances)) * np.log(levels)
                other.append((along / v + np.log(v)).sum(axis=1) + rest)
                v = loudness * spectrum + levels[:, None]
                other.append((whole / v + np.log(v)) @ several)
            kind = float(np.logaddexp.reduce(-0.5 * np.concatenate(other))) - np.log(len(other))
            all_of_them = np.logaddexp(float(np.logaddexp.reduce(each)), kind + np.log(count))
            out[k] = np.exp(each[own] - all_of_them)
        return out

    @cached_property
    def _kind(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
        """The frames' mean, principal axes and variances, mean spectrum, and mean square."""
        points = self._frames.mending.frame.points
        some = points[spread(len(points), _ROWS)].astype(float)
        middle, dim = some.mean(axis=0), points.shape[1]
        apart = some - middle
        _, sizes, axes = np.linalg.svd(apart, full_matrices=False)
        kept = sizes > 1e-6 * sizes[0] if sizes[0] > 0 else np.zeros(len(sizes), bool)
        spectrum = (np.abs(np.fft.rfft(apart, axis=1)) ** 2).mean(axis=0) / dim
        spectrum = uniform_filter1d(spectrum, max(1, dim // _SMOOTH), mode="nearest")
        power = max(float((apart**2).mean()), 1e-12)
        return middle, axes[kept].T, sizes[kept] ** 2 / len(some), spectrum, power

    def _share(self, sure: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the mean over sequences of the share of strangers with as much evidence."""
        if not self._strangers:
            return np.zeros(len(sure))
        each = [(unit[:, None] >= sure).mean(axis=0) for unit in self._strangers]
        return np.mean(each, axis=0)

    @cached_property
    def _strangers(self) -> list[Float[np.ndarray, " _"]]:
        """Confidence in frames of each sequence as cues to the others."""
        frames, found = self._frames, []
        mean, metric = frames.coordinates.mean, frames.coordinates.metric
        for unit in self._units:
            rest = np.setdiff1d(np.arange(len(frames.points)), unit)
            if len(rest) < 2:
                continue
            cues = frames.rows[unit[spread(len(unit), _EACH)]]
            white = generator(0, "strangers").normal(size=cues.shape)
            white[::2] = 0
            cues = cues + _NOISE * cues.std(axis=1, keepdims=True) * white
            others = CueMending(frames.rows[rest], frames.points[rest], mean, metric)
            found.append(others.mend(cues, frames.start(cues) / frames.coordinates.norm).confidence)
        return found

    @property
    def _units(self) -> list[Int[np.ndarray, " _"]]:
        """Return sequences, or parts of them if they are few."""
        parts = -(-_UNITS // len(self._sequences))
        split = [
            part
            for rows in self._sequences
            for part in np.array_split(rows, max(1, min(parts, len(rows) // 2)))
        ]
        return [split[k] for k in spread(len(split), _UNITS)]
