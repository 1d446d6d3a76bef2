r"""Where recall starts: the cue, mended by the stored row and the kind of damage that explain it
best.

Rows shortlisted for a cue (`memory.shortlist`) are compared under each model of damage
(`memory.damage_models`), and, as white noise in the memory's own coordinates, from the cue less its
noise (`memory.cue_denoising`). Every model is wrong for some damage, and sure of itself then: its
likelihoods are no measure of that of another. What can be compared is by how much its best row
leads its strongest rival, in standard errors; twins of the row are no rivals in that. Each model
votes for its best row with the square of that lead, less if it explains the cue much worse than
another does or has parameters it does not need. The most votes win, and of the models for that row
the one of the largest lead names the damage.

The start is filled in from the rows, each with the weight exp(−2z²), z by how much the best one
leads before it: mostly it is the best row alone. What these rows leave open is taken from the cue,
where the model says it was kept; then the map decides.

Coordinates that are told to be unknown have no say. Of more than 2,048 coordinates, as many are
drawn at random for the comparison.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.seeds import generator
from attractory.memory.damage_models import (
    Fit,
    combined,
    density,
    lead,
    like_coordinates,
    mixture,
    white,
)
from attractory.memory.metric import Metric
from attractory.memory.nearest_row import NearestRow, nearest_row
from attractory.memory.shortlist import RowFrame, Shortlist

__all__ = ["DAMAGE", "CueMending", "Mended"]

DAMAGE = "none", "noise", "structured noise", "replaced", "smoothed", "moved"
_NONE, _WHITE, _STRUCTURED, _REPLACED, _SMOOTHED, _MOVED = range(len(DAMAGE))
_STARTS = (0.1, 0.5), (1.0, 0.05)  # σ and π: much lost and the rest exact, or little lost
_MOVED_START = 0.3, 0.1
_SEEN = 2048  # coordinates compared
_LEAST = 12  # known coordinates below which there is but noise
_TWIN = 0.05  # squared distance of twins, of that of two rows
_BEHIND = 3.0  # standard errors
_BETTER = 10.0  # of log likelihood
_LESS = 0.7  # weight of a model that explains the cue much worse than another
_SHARP = 2.0  # in exp(−2z²)
_RIVALS = 8
_DOUBT = 1e-6  # the least variance of a row about its estimate
_AT_ONCE = 1 << 22  # similarities held at a time


class Mended(NamedTuple):
    """Cues mended.

    Attributes:
        cue: (k, d), in the units given.
        row: the stored row that explains each best, (k,).
        damage: place in `DAMAGE`, (k,).
    """

    cue: Float[np.ndarray, "k d"]
    row: Int[np.ndarray, " k"]
    damage: Int[np.ndarray, " k"]


class CueMending:
    """What is worked out of the stored rows, once.

    Args:
        rows: in the units given, (n, d).
        points: the same in the memory's coordinates, of any one norm, (n, e).
        mean: of the coordinates, (d,).
        metric: the memory's.
    """

    def __init__(
        self,
        rows: Float[np.ndarray, "n d"],
        points: Float[np.ndarray, "n e"],
        mean: Float[np.ndarray, " d"],
        metric: Metric,
    ):
        self._frame, self._points = RowFrame(rows, mean), points
        self._shortlist = Shortlist(self._frame, metric)

    def nearest(
        self, cues: Float[np.ndarray, "k d"], known: Bool[np.ndarray, "k d"] | None = None
    ) -> NearestRow:
        """Return the rows nearest to cues in the units given; see `memory.nearest_row`."""
        return nearest_row(self._frame.points, self._frame.inward(cues), known)

    @cached_property
    def _seen(self) -> Int[np.ndarray, " m"] | slice:
        dim = self._frame.points.shape[1]
        if dim <= _SEEN:
            return slice(None)
        return np.sort(generator(0, "coordinates").choice(dim, _SEEN, replace=False))

    @cached_property
    def _like(self) -> Int[np.ndarray, "m q"] | None:
        which = np.arange(self._frame.points.shape[1])[self._seen]
        found = like_coordinates(self._frame.points, which)
        return None if found is None else np.column_stack([which, found])

    def mend(
        self,
        cues: Float[np.ndarray, "k d"],
        starts: Float[np.ndarray, "k e"],
        known: Bool[np.ndarray, "k d"] | None = None,
    ) -> Mended:
        """Return cues mended.

        Args:
            cues: in the units given; any finite value where unknown.
            starts: the cues less their noise, in the memory's coordinates.
            known: which coordinates are; None for all.
        """
        dim = cues.shape[1]
        out = Mended(np.empty_like(cues), np.empty(len(cues), int), np.empty(len(cues), int))
        size = max(1, _AT_ONCE // max(len(self._points), dim))
        for k in range(0, len(cues), size):
            some = slice(k, k + size)
            x = self._frame.inward(cues[some])
            if known is None:
                lists = self._shortlist.of(x, starts[some] @ self._points.T)
            else:
                lists = self._shortlist.of_known(x, known[some])
            mended = np.empty_like(x)
            for j, rows in enumerate(lists):
                seen = None if known is None else known[k + j]
                start = starts[k + j] if known is None else None
                raw = cues[k + j] / self._frame.scale
                mended[j], out.row[k + j], out.damage[k + j] = self._one(
                    x[j], raw, rows, start, seen
                )
            out.cue[some] = self._frame.outward(mended)
        return out

    def _one(
        self,
        x: Float[np.ndarray, " d"],
        raw: Float[np.ndarray, " d"],
        rows: Int[np.ndarray, " s"],
        start: Float[np.ndarray, " e"] | None,
        known: Bool[np.ndarray, " d"] | None,
    ) -> tuple[Float[np.ndarray, " d"], int, int]:
        """Return one cue mended, its row and its damage."""
        where = self._seen
        points = self._frame.points[rows]
        if known is not None and not known[where].any():
            where = np.flatnonzero(known)[:_SEEN]
        weight = None if known is None else known[where].astype(np.float32)
        fits = self._fits(x, raw, rows, where, weight, points[:, where])
        if start is not None:
            unit = self._points[rows]
            fits.append((_STRUCTURED, white(start, unit, offset=False)))
        count = None if weight is None else float(weight.sum())
        firsts = [int(fit.terms.sum(axis=1).argmax()) for _, fit in fits]
        explains = self._explaining(fits, firsts, count)
        votes, told = np.zeros(len(rows)), []
        for (kind, fit), first, enough in zip(fits, firsts, explains, strict=True):
            ahead = lead(fit.terms, first, None if kind == _STRUCTURED else count)
            margin = self._margin(ahead, first, points[fit.rows])
            if not enough:
                margin *= _LESS
            row = int(fit.rows[first])
            votes[row] += margin**2
            told.append((margin, row, kind, fit, first, ahead))
        chosen = int(votes.argmax())
        _, _, kind, fit, first, ahead = max(
            (one for one in told if one[1] == chosen), key=lambda one: one[0]
        )
        mended = self._mended(x, points, fit, ahead, (kind, first), known)
        return mended, int(rows[fit.rows[first]]), kind

    def _explaining(
        self, fits: list[tuple[int, Fit]], firsts: list[int], count: float | None
    ) -> list[bool]:
        """Return which models explain the cue, by their best rows, not much worse than the best.

        One of the memory's coordinates has nothing to be compared with.
        """
        mine = [k for k, (kind, _) in enumerate(fits) if kind != _STRUCTURED]
        if not mine:
            return [True] * len(fits)
        terms = np.stack([fits[k][1].terms[firsts[k]] for k in mine])
        behind = lead(terms, int(terms.sum(axis=1).argmax()), count)
        totals = terms.sum(axis=1)
        noise = [j for j, k in enumerate(mine) if fits[k][0] == _WHITE]
        out = [True] * len(fits)
        for j, k in enumerate(mine):
            # Noise alone is a special case of the others, which must be better for their parts.
            simpler = noise if j not in noise else [i for i in noise if i < j]
            least = max((float(totals[i]) for i in simpler), default=-np.inf) + _BETTER
            out[k] = bool(behind[j] <= _BEHIND and totals[j] > least)
        return out

    def _fits(
        self,
        x: np.ndarray,
        raw: np.ndarray,
        rows: np.ndarray,
        where: np.ndarray | slice,
        weight: np.ndarray | None,
        points: np.ndarray,
    ) -> list[tuple[int, Fit]]:
        """Return each kind of damage and its model fitted to the shortlist."""
        here = x[where]
        count = here.size if weight is None else weight.sum()
        if count < _LEAST:
            # Too few to fit contrast and offset to.
            return [] if weight is None else [(_WHITE, _exact(here, points, weight))]
        equal = np.ones_like(here) if weight is None else weight
        fits = [(_WHITE, _exact(here, points, equal)), (_WHITE, white(here, points, weight))]
        known = None if weight is None else weight > 0
        apart = (x - self._frame.middle)[where]
        other = (density(raw[where], known) + density(apart, known)) / 2
        fits += [(_REPLACED, mixture(here, points, other, v, weight)) for v in _STARTS]
        if self._like is not None and where is self._seen:
            beside = self._frame.points[rows][:, self._like]
            limits = beside.min(axis=2), beside.max(axis=2)
            parts = [points, beside.mean(axis=2)]
            if isinstance(where, slice):  # of some coordinates only, the mean has no mean
                again = parts[1]
                for _ in range(2):
                    again = again[:, self._like].mean(axis=2)
                parts.append(again)
            fits.append((_SMOOTHED, combined(here, np.stack(parts, axis=1), weight)))
            fits.append((_MOVED, mixture(here, points, other, _MOVED_START, weight, limits)))
        return fits

    def _margin(self, ahead: np.ndarray, first: int, points: np.ndarray) -> float:
        """Return by how much the best row leads its strongest rival that is no twin of it."""
        if len(ahead) == 1:
            return 0.0
        away = ((points - points[first]) ** 2).mean(axis=1)
        rivals = away > 2 * _TWIN
        if not rivals.any():
            rivals = np.arange(len(ahead)) != first
        return float(ahead[rivals].min())

    def _mended(
        self,
        x: np.ndarray,
        points: np.ndarray,
        fit: Fit,
        ahead: np.ndarray,
        followed: tuple[int, int],
        known: np.ndarray | None,
    ) -> Float[np.ndarray, " d"]:
        """Return the cue with what was kept kept, and the rest filled in."""
        kind, first = followed
        near = np.argsort(ahead)[:_RIVALS]
        weight = np.exp(-_SHARP * np.maximum(ahead[near], 0) ** 2)
        weight /= weight.sum()
        some = points[fit.rows[near]]
        fill = weight @ some
        if kind in (_STRUCTURED, _SMOOTHED, _MOVED):
            return fill
        gain, offset, noise = (float(v[first, 0]) for v in (fit.gain, fit.offset, fit.noise))
        if gain <= 0:
            return fill
        kept = np.ones_like(x) if known is None else known.astype(np.float32)
        if kind == _REPLACED:
            if fit.kept.shape[1] == len(x):
                kept = kept * fit.kept[first]
            else:  # not all coordinates were compared: those that agree were kept
                rest = (x - gain * points[fit.rows[first]] - offset) / noise
                kept = kept * (np.abs(rest) < 3)
        doubt = weight @ (some - fill) ** 2 + _DOUBT
        kept = kept * doubt / (doubt + (noise / gain) ** 2)
        return fill + kept * ((x - offset) / gain - fill)


def _exact(x: np.ndarray, rows: np.ndarray, weight: np.ndarray) -> Fit:
    """Fit white noise alone, of a contrast of 1 and no offset."""
    rest = (x - rows) ** 2
    noise = np.maximum(rest @ weight / weight.sum(), 1e-9)[:, None]
    terms = (-0.5 * weight) * (rest / noise + np.log(2 * np.pi * noise))
    one = np.ones((len(rows), 1))
    return Fit(np.arange(len(rows)), terms, np.ones_like(rows), one, 0 * one, np.sqrt(noise))
