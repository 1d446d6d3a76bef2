"""What every model of damage says of a cue: how far each row is behind, and how well it explains.

A row's lead is in standard errors (`damage_models.lead`), but a model that is wrong for a cue may
be very sure of a row. So for every model these are found besides, of the row it puts first: by how
much it leads, in how far the model explains the cue at all, beside the others, whether what is left
is noise as the model has it, and whether the cue lies at that row rather than between rows.

Several cues are looked at together, each with as many rows as the others: k cues, s rows, m models,
c coordinates. A shortlist that is shorter than others is filled up with rows that are not `real`.
"""

from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.memory.alignment import Aligned
from attractory.memory.coordinates import spread
from attractory.memory.damage_kinds import (
    COMPARABLE,
    FEWEST_FOR_MODELS,
    FLAT,
    MODELS,
    NOISY,
)
from attractory.memory.damage_models import (
    KEPT_STARTS,
    MOVED_START,
    Fit,
    combined,
    density,
    displaced,
    exact,
    lead,
    long_tailed,
    mixture,
    patches,
    white,
)
from attractory.memory.filtered_rows import filtered
from attractory.memory.first_row import (
    FARTHEST,
    FEATURES,
    Away,
    Compared,
    ahead,
    at_the_row,
    scaled,
    towards_the_row,
)
from attractory.memory.image_gradients import GRADIENTS, gradients
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.mean_row import told_on_other_scales
from attractory.memory.nearest_row import second_row
from attractory.memory.neighbourhoods import SEEN, Neighbourhoods
from attractory.memory.shortlist import RowFrame
from attractory.memory.slow_parts import SlowParts
from attractory.memory.small_images import SmallImages
from attractory.memory.undamaged import Undamaged
from attractory.memory.value_tables import Classes, tabulated

__all__ = ["DamageModels", "Evidence"]


class Evidence(NamedTuple):
    """What the models say of the rows shortlisted for cues.

    Attributes:
        behind: standard errors of each row behind the first one, (k, m, s).
        told: which models there are, (m,).
        features: `FEATURES` of each, (k, m, 13).
        fits: the models that were fitted, by their place in `MODELS`.
        compared: the cues and the rows in the coordinates compared, (k, c), (k, s, c).
        real: which rows are shortlisted, (k, s).
        unlike: how unlike undamaged rows cues look, (k, 3).
        beside: how far rows are, as rows are from one another, (k, s, 2); see `Undamaged`.
    """

    behind: Float[np.ndarray, "k m s"]
    told: Bool[np.ndarray, " m"]
    features: Float[np.ndarray, "k m 13"]
    fits: dict[int, Fit]
    compared: tuple[Float[np.ndarray, "k c"], Float[np.ndarray, "k s c"]]
    real: Bool[np.ndarray, "k s"]
    unlike: Float[np.ndarray, "k 3"]
    beside: Float[np.ndarray, "k s 2"]

    def second(
        self, row: Int[np.ndarray, " k"]
    ) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        """Return how much of what a row leaves of each cue another explains, and its share.

        The cue is taken for a combination of the row, one other and a constant, by least squares;
        the other is the one that explains most. Half-way between two rows both are 1 and 1/2.

        Args:
            row: of each cue, its place among those shortlisted.
        """
        x, rows = self.compared
        here, one = np.arange(len(row)), np.full_like(x, 1 / x.shape[1])
        x = x - x.mean(axis=1, keepdims=True)
        own = rows[here, row]
        own = own - own.mean(axis=1, keepdims=True)
        size = np.einsum("kc,kc->k", own, own)[:, None]
        some = np.where(size > 0, size, 1)
        first = np.einsum("kc,kc->k", own, x)[:, None] / some
        rest = x - first * own
        left = np.einsum("kc,kc->k", rest, rest)
        with_own, seen, mean = np.moveaxis(rows @ np.stack([own, rest, one], axis=2), 2, 0)
        along = with_own / some
        square = np.einsum("ksc,ksc->ks", rows, rows) - x.shape[1] * mean**2
        across = square - along**2 * size
        seen = np.where(self.real & (across > 1e-3 * size), seen, 0)
        seen[here, row] = 0
        none = (size[:, 0] <= 0) | (left <= 0)
        given = first[:, 0], along, across, seen, np.where(none, 1, left)
        explained, share = second_row(*given)
        return np.where(none, 0, explained), np.where(none, 0, share)


class DamageModels:
    """What is worked out of the stored rows, once.

    Args:
        frame: the rows.
        local: their local contrast.
        near: which coordinates are alike.
        images: the rows as images, if they are.
        slow: their slow parts.
    """

    def __init__(
        self,
        frame: RowFrame,
        local: LocalContrast,
        near: Neighbourhoods,
        images: SmallImages,
        slow: SlowParts,
    ):
        self._frame, self._local, self._near = frame, local, near
        self._images, self._slow = images, slow

    @cached_property
    def _values(self) -> Classes:
        points = self._frame.points
        return Classes(len(points), points.__getitem__, 10)

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and standard deviation of columns, and which have any."""
        mean, deviation = self._frame.columns
        live = deviation > 0.02 * deviation.max()
        return mean, np.where(live, deviation, 1), live

    @cached_property
    def _deviations(self) -> Classes:
        mean, deviation, live = self._columns
        points, mean, deviation = self._frame.points, mean[live], deviation[live]
        return Classes(len(points), lambda r: (points[r][:, live] - mean) / deviation, 8)

    @cached_property
    def undamaged(self) -> Undamaged:
        """What undamaged rows look like."""
        return Undamaged(self._frame.points, self._near.like)

    def of(
        self,
        x: Float[np.ndarray, "k d"],
        raw: Float[np.ndarray, "k d"],
        rows: Int[np.ndarray, "k s"],
        own: tuple[Float[np.ndarray, "k e"], Float[np.ndarray, "k s e"]] | None = None,
        known: Bool[np.ndarray, " d"] | None = None,
        real: Bool[np.ndarray, "k s"] | None = None,
        aligned: Aligned | None = None,
    ) -> Evidence:
        """Return what the models say of rows.

        Args:
            x: the cues, in the frame's units.
            raw: the cues in the user's origin, in the same units.
            rows: those shortlisted.
            own: the cues less their noise and the rows, in the memory's coordinates; None for none.
            known: which coordinates are, of all cues; None for all.
            real: which rows are shortlisted, the others being any; None for all.
            aligned: the rows moved onto the cues, if they have been.
        """
        real = np.ones(rows.shape, bool) if real is None else real
        points = self._frame.points[rows]
        found: dict[str, Compared] = {}
        where = self._near.seen
        if known is not None:
            where = np.flatnonzero(known)[spread(int(known.sum()), SEEN)]
        here, some = (x, points) if isinstance(where, slice) else (x[:, where], points[:, :, where])
        found["white"] = Compared(here, some, exact(here, some))
        logs = np.zeros_like(here)
        if here.shape[1] >= FEWEST_FOR_MODELS:
            apart = (x - self._frame.middle)[:, where]
            other = (density(raw[:, where]) + density(apart)) / 2
            logs = np.log(other)
            given = _Given(x, points, here, some, rows, where, other, logs, real)
            found |= self._of_values(given, known is None)
        if own is not None:
            found["structured"] = Compared(*own, white(*own, offset=False))
        if aligned is not None:
            found["displaced"] = Compared(*aligned, displaced(*aligned, real))
            cue, moved = (
                gradients(v.reshape(*v.shape[:-1], *self._images.shape), 0.0) for v in aligned
            )
            found["displaced, by edges"] = Compared(cue, moved, white(cue, moved, offset=False))
        unlike = np.zeros((len(x), 3)) if known is not None else self.undamaged.unlike(x)
        return self._told(found, logs, points, real, unlike)

    def _of_values(self, given: "_Given", whole: bool) -> dict[str, Compared]:
        here, some, other = given.here, given.some, given.other
        every = isinstance(given.where, slice)
        fits = {
            "white, of any contrast": white(here, some),
            "long-tailed": long_tailed(here, some),
            "replaced, much": mixture(here, some, other, KEPT_STARTS[0], real=given.real),
            "replaced, little": mixture(here, some, other, KEPT_STARTS[1], real=given.real),
        }
        if whole and self._near.like is not None:
            fits |= self._of_neighbours(given, self._near.like)
        found = {name: Compared(here, some, fit) for name, fit in fits.items()}
        found |= told_on_other_scales(self._frame, here, some, given.where, self._near.by_column)
        if whole and self._near.like is not None:
            like = self._near.like[:, 1:]
            own, theirs = here - _mean(given.x, like), some - _mean(given.points, like)
            found["shaded"] = Compared(own, theirs, white(own, theirs))
            if every:
                near = patches(here, some, other, _better(fits, given), like)
                found["patches"] = Compared(here, some, near)
        classes = self._values
        of_rows = classes.of_rows[given.rows]
        of_rows = of_rows if every else of_rows[:, :, given.where]
        table = tabulated(here, of_rows, classes.count, 10)
        found["changed values"] = Compared(here, some, table)
        found |= self._of_deviations(given)
        if whole and self._local.windows is not None:
            own, theirs = self._local.of(given.x), self._local.rows[given.rows]
            found["unevenly lit"] = Compared(own, theirs, white(own, theirs, offset=False))
        if whole:
            slow, x, points = self._slow.basis, given.x, given.points
            own, theirs = x - (x @ slow) @ slow.T, points - (points @ slow) @ slow.T
            found["slow part added"] = Compared(own, theirs, white(own, theirs))
        if whole and self._images.grid is not None:
            images = self._images.of(given.x), self._images.rows[given.rows]
            found["filtered"] = filtered(*images)
            for name, scale in GRADIENTS.items():
                edges = gradients(images[0], scale), gradients(images[1], scale)
                found[name] = Compared(*edges, white(*edges, offset=False))
        return found

    def _of_neighbours(self, given: "_Given", like: np.ndarray) -> dict[str, Fit]:
        """Return the models in which a coordinate has to do with those most like it."""
        here, some, other, real = given.here, given.some, given.other, given.real
        least, most, mean = _about(given.points, like)
        parts = [some, mean]
        if isinstance(given.where, slice):  # of some coordinates only, the mean has no mean
            again = mean
            for _ in range(2):
                again = _mean(again, like)
            parts.append(again)
        fits = {
            "smoothed": combined(here, parts),
            "moved": mixture(here, some, other, MOVED_START, (least, most), real),
        }
        if isinstance(given.where, slice):
            farther = _beside(least, like, np.minimum), _beside(most, like, np.maximum)
            fits["moved far"] = mixture(here, some, other, MOVED_START, farther, real)
        classes = self._near.edges
        fits["edges"] = tabulated(here, classes.of_rows[given.rows], classes.count, 10)
        return fits

    def _of_deviations(self, given: "_Given") -> dict[str, Compared]:
        mean, deviation, live = self._columns
        told = np.zeros(given.x.shape[1], bool)
        told[given.where] = True
        told = told[live]
        if told.sum() < FEWEST_FOR_MODELS:
            return {}
        own, classes = ((given.x - mean) / deviation)[:, live][:, told], self._deviations
        of_rows = classes.of_rows[given.rows]
        of_rows = of_rows if told.all() else of_rows[:, :, told]
        table = tabulated(own, of_rows, classes.count, 8)
        return {"changed deviations": Compared(own, table.terms, table)}

    def _told(
        self,
        found: dict[str, Compared],
        logs: np.ndarray,
        points: np.ndarray,
        real: np.ndarray,
        unlike: np.ndarray,
    ) -> Evidence:
        """Return the leads and the features."""
        compared_in = found["white"].x, found["white"].rows
        here, cues = compared_in[0], np.arange(len(points))
        count, size = len(MODELS), points.shape[1]
        behind = np.full((len(points), count, size), FARTHEST, np.float32)
        told = np.zeros(count, bool)
        features = np.zeros((len(points), count, len(FEATURES)), np.float32)
        gain, fits = np.full((len(points), count), -np.inf), {}
        away = Away(points)
        apart_from: dict[int, Away] = {}
        for name, compared in found.items():
            k, fit = MODELS.index(name), compared.fit
            terms = self._over_q(name, compared, logs)
            fitted = np.take_along_axis(real, fit.rows, axis=1)
            total = np.where(fitted, terms.sum(axis=2), -np.inf)
            best = total.argmax(axis=1)
            z = np.where(fitted, lead(terms, best), -np.inf)
            behind[:, k] = z.max(axis=1, keepdims=True) + 0.5
            np.put_along_axis(behind[:, k], fit.rows, np.where(fitted, z, FARTHEST), axis=1)
            behind[:, k][~real] = FARTHEST
            row = fit.rows[cues, best]
            told[k], fits[k] = True, fit
            of_all = 1.0 if COMPARABLE[k] else here.shape[1] / terms.shape[2]
            whole = total[cues, best] * of_all
            gain[:, k] = whole / np.sqrt(here.shape[1])
            features[:, k, 0] = ahead(behind[:, k], away.of(row) / points.shape[2], row, real)
            features[:, k, 2] = whole / here.shape[1]
            kept = fit.kept_by(best)
            features[:, k, 7] = np.log(np.maximum(fit.contrast[cues, best, 0], 1e-3))
            if name in NOISY:
                features[:, k, 3:6] = self._residual(compared, best, row, name)
            if name not in FLAT:
                features[:, k, 6] = kept.mean(axis=1)
                if name == "structured":
                    features[:, k, 9] = towards_the_row(compared, row, real)
                    continue
                about = apart_from.setdefault(id(compared.rows), Away(compared.rows))
                features[:, k, 9] = at_the_row(compared, about, kept, (best, row), real)
        best_gain = gain[:, told & COMPARABLE].max(axis=1, initial=-np.inf)[:, None]
        features[:, told, 1] = np.where(np.isfinite(best_gain), best_gain - gain[:, told], 0)
        firsts = behind[:, told].argmin(axis=2)
        features[:, told, 8] = (firsts[:, :, None] == firsts[:, None]).mean(axis=2)
        values = np.sort(np.round(here, 3), axis=1)
        distinct = 1 + (values[:, 1:] > values[:, :-1]).sum(axis=1)
        features[:, :, 10] = np.log(distinct / here.shape[1] + 1e-3)[:, None]
        features[:, :, 11] = np.log(points.shape[2])
        features[:, :, 12] = 1
        beside = unlike[:, None, 2:] * self.undamaged.beside(*compared_in)
        return Evidence(behind, told, scaled(features), fits, compared_in, real, unlike, beside)

    def _over_q(self, name: str, compared: Compared, logs: np.ndarray) -> np.ndarray:
        """Return a model's terms over q, or over white noise without a row."""
        if name in NOISY:
            return compared.fit.terms - logs[:, None]
        if not COMPARABLE[MODELS.index(name)] and name != "displaced":
            x = compared.x
            x = x if name == "structured" else x - x.mean(axis=1, keepdims=True)
            variance = np.maximum((x**2).mean(axis=1, keepdims=True), 1e-9)
            alone = 0.5 * (x**2 / variance + np.log(2 * np.pi * variance))
            return compared.fit.terms + alone[:, None]
        return compared.fit.terms

    def _residual(
        self,
        compared: Compared,
        best: Int[np.ndarray, " k"],
        row: Int[np.ndarray, " k"],
        name: str,
    ) -> Float[np.ndarray, "k 3"]:
        """Return how alike residuals are beside one another, their log kurtosis, and their growth.

        The last is the correlation, times the residuals' variance, of their squares with the row.
        """
        fit, like, cues = compared.fit, self._near.like, np.arange(len(row))
        own = compared.rows[cues, row]
        rest = compared.x - fit.contrast[cues, best] * own - fit.offset[cues, best]
        if name == "smoothed":
            rest = rest - rest.mean(axis=1, keepdims=True)
        weight = fit.kept_by(best)
        weight = weight / (weight.sum(axis=1, keepdims=True) + 1e-6)
        rest = rest - (weight * rest).sum(axis=1, keepdims=True)
        square = rest**2
        variance = (weight * square).sum(axis=1) + 1e-9
        kurtosis = (weight * (square / variance[:, None]) ** 2).sum(axis=1)
        apart = own - (weight * own).sum(axis=1, keepdims=True)
        size = np.sqrt((weight * apart**2).sum(axis=1) + 1e-9)
        out = np.zeros((len(row), 3), np.float32)
        out[:, 1] = np.log(kurtosis + 1e-3)
        out[:, 2] = (weight * square * apart).sum(axis=1) / (variance * size)
        if like is not None and isinstance(self._near.seen, slice) and rest.shape[1] == len(like):
            beside = weight[:, like[:, 1:]]
            mean = (beside * rest[:, like[:, 1:]]).sum(axis=2) / (beside.sum(axis=2) + 1e-9)
            out[:, 0] = (weight * rest * mean).sum(axis=1) / variance
        return out


class _Given(NamedTuple):
    """Cues and rows, of all coordinates and of those compared.

    Attributes:
        x, points: in all coordinates, (k, d), (k, s, d).
        here, some: in those compared.
        rows: indices of the rows, (k, s).
        where: the coordinates compared.
        other, logs: q at the cues' coordinates, and its logarithm.
        real: which rows are shortlisted.
    """

    x: np.ndarray
    points: np.ndarray
    here: np.ndarray
    some: np.ndarray
    rows: np.ndarray
    where: np.ndarray | slice
    other: np.ndarray
    logs: np.ndarray
    real: np.ndarray


def _better(fits: dict[str, Fit], given: _Given) -> Fit:
    """Return, for each cue, the fit of `mixture` whose best row explains more."""
    two = [fits[name] for name in ("replaced, much", "replaced, little")]
    gains = []
    for fit in two:
        total = (fit.terms - given.logs[:, None]).sum(axis=2)
        fitted = np.take_along_axis(given.real, fit.rows, axis=1)
        gains.append(np.where(fitted, total, -np.inf).max(axis=1))
    second = (gains[1] > gains[0])[:, None, None]
    each = zip(*two, strict=True)
    return Fit(*(np.where(second if a.ndim == 3 else second[:, :, 0], b, a) for a, b in each))


def _about(values: np.ndarray, like: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the least, largest and mean value at coordinates that are most like each."""
    first = values[..., like[:, 0]]
    least, most, total = first, first, first
    for k in range(1, like.shape[1]):
        beside = values[..., like[:, k]]
        least, most, total = np.minimum(least, beside), np.maximum(most, beside), total + beside
    return least, most, total / np.float32(like.shape[1])


def _mean(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return the mean of values at coordinates that are most like each."""
    total = values[..., like[:, 0]]
    for k in range(1, like.shape[1]):
        total += values[..., like[:, k]]
    return total / np.float32(like.shape[1])


def _beside(values: np.ndarray, like: np.ndarray, least: np.ufunc) -> np.ndarray:
    """Return the least, or the largest, of values at coordinates that are most like each."""
    return reduce(least, (values[..., like[:, k]] for k in range(like.shape[1])))
