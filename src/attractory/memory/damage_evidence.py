"""What every model of damage says of a cue: how far each row is behind, and how well it explains.

A row's lead is in standard errors (`damage_models.lead`), but a model that is wrong for a cue may
be very sure of a row. So for every model these are found besides, of the row it puts first: by how
much it leads, in how far the model explains the cue at all, beside the others, whether what is left
is noise as the model has it, and whether the cue lies at that row rather than between rows.
"""

from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.memory.coordinates import spread
from attractory.memory.damage_models import (
    Classes,
    Fit,
    combined,
    density,
    exact,
    lead,
    mixture,
    patches,
    tabulated,
    white,
)
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.nearest_row import second_row
from attractory.memory.neighbourhoods import SEEN, Neighbourhoods
from attractory.memory.shortlist import RowFrame

__all__ = [
    "COMPARABLE",
    "DAMAGE",
    "FEATURES",
    "FEWEST_FOR_MODELS",
    "KIND",
    "MODELS",
    "SCALES",
    "DamageModels",
    "Evidence",
]

MODELS = (
    "white", "white, of any contrast", "replaced, much", "replaced, little", "smoothed", "moved",
    "structured", "changed values", "changed deviations", "shaded", "slow part added", "patches",
    "unevenly lit", "moved far", "edges",
)  # fmt: skip
DAMAGE = (
    "none", "noise", "structured noise", "replaced", "smoothed", "moved", "changed values", "shaded"
)  # fmt: skip
_NAMES = {
    "white": "noise", "white, of any contrast": "noise", "structured": "structured noise",
    "replaced, much": "replaced", "replaced, little": "replaced", "patches": "replaced",
    "smoothed": "smoothed", "moved": "moved", "changed values": "changed values",
    "changed deviations": "changed values", "shaded": "shaded", "slow part added": "shaded",
    "unevenly lit": "shaded", "moved far": "moved", "edges": "changed values",
}  # fmt: skip
KIND = np.array([DAMAGE.index(_NAMES[name]) for name in MODELS])
COMPARABLE = np.isin(
    MODELS, ["structured", "shaded", "slow part added", "unevenly lit"], invert=True
)  # whose terms are nats over the same q
FEATURES = (
    "lead", "behind the best model", "nats a coordinate", "likeness of residuals", "log kurtosis",
    "growth of residuals", "share kept", "log contrast", "models that agree", "at the row",
    "log share of distinct values", "log dim", "1",
)  # fmt: skip
SCALES = np.array(
    [
        (0, 0, -1, -1, 0, -3, 0, -3, 0, -1, -8, 0, 1),
        (8, 20, 3, 1, 5, 3, 1, 2, 1, 2, 1, 20, 1),
        (3, 4, 1, 0.5, 2, 1, 1, 1, 1, 1, 3, 3, 1),
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0),
    ],
    np.float32,
)  # of each feature: the least and the largest value that count, unit, and what is taken off then
_STARTS = (0.1, 0.5), (1.0, 0.05)  # σ and π: much lost and the rest exact, or little lost
_MOVED_START = 0.3, 0.1
FEWEST_FOR_MODELS = 12  # known coordinates below which nothing but noise is told
_TWIN = 0.1  # mean square between twins, in units of the rows' spread
_SLOW = 5  # cosines over the order of coordinates
_FARTHEST = 30.0  # standard errors
_NOISY = *MODELS[:6], "moved far"  # noise about a row, whose residuals can be looked at
_FLAT = "changed values", "changed deviations", "edges"  # which no residual is left of


class Evidence(NamedTuple):
    """What the models say of the rows shortlisted for a cue; m models, s rows.

    Attributes:
        behind: standard errors of each row behind the first one, (m, s).
        told: which models there are for the cue, (m,).
        features: `FEATURES` of each, (m, 13).
        fits: the models that were fitted, by their place in `MODELS`.
        compared: the cue and the rows in the coordinates compared, (c,), (s, c).
    """

    behind: Float[np.ndarray, "m s"]
    told: Bool[np.ndarray, " m"]
    features: Float[np.ndarray, "m 13"]
    fits: dict[int, Fit]
    compared: tuple[Float[np.ndarray, " c"], Float[np.ndarray, "s c"]]

    def second(self, row: int) -> tuple[float, float]:
        """Return how much of what a row leaves of the cue another row explains, and its share.

        The cue is taken for a combination of the row, one other and a constant, by least squares;
        the other is the one that explains most. Half-way between two rows both are 1 and 1/2.

        Args:
            row: place among those shortlisted.
        """
        x, rows = self.compared
        apart = rows - rows.mean(axis=1, keepdims=True)
        own = apart[row]
        size = float(own @ own)
        if size <= 0 or len(rows) == 1:
            return 0.0, 0.0
        x = x - x.mean()
        along = apart @ own / size
        across = np.einsum("ij,ij->i", apart, apart) - along**2 * size
        first = float(x @ own / size)
        rest = x - first * own
        seen = np.where(across > 1e-3 * size, apart @ rest, 0)
        seen[row] = 0
        left = float(rest @ rest)
        if left <= 0:
            return 0.0, 0.0
        given = np.array([first]), along[None], across[None], seen[None], np.array([left])
        (explained,), (share,) = second_row(*given)
        return float(explained), float(share)


class _Compared(NamedTuple):
    """What a model compares: a cue and rows in coordinates of its own."""

    x: Float[np.ndarray, " c"]
    rows: Float[np.ndarray, "s c"]
    fit: Fit


class DamageModels:
    """What is worked out of the stored rows, once.

    Args:
        frame: the rows.
        local: their local contrast.
        near: which coordinates are alike.
    """

    def __init__(self, frame: RowFrame, local: LocalContrast, near: Neighbourhoods):
        self._frame, self._local, self._near = frame, local, near

    @cached_property
    def _values(self) -> Classes:
        return Classes(self._frame.points, 10)

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and standard deviation of columns, and which have any."""
        mean, deviation = self._frame.points.mean(axis=0), self._frame.points.std(axis=0)
        live = deviation > 0.02 * deviation.max()
        return mean, np.where(live, deviation, 1), live

    @cached_property
    def _deviations(self) -> Classes:
        mean, deviation, live = self._columns
        return Classes(((self._frame.points - mean) / deviation)[:, live], 8)

    @cached_property
    def _slow(self) -> Float[np.ndarray, "d c"]:
        dim = self._frame.points.shape[1]
        place = (np.arange(dim) + 0.5) / dim
        slow = np.cos(np.pi * place[:, None] * np.arange(min(_SLOW, dim)))
        return np.asarray(np.linalg.qr(slow)[0], np.float32)

    def of(
        self,
        x: Float[np.ndarray, " d"],
        raw: Float[np.ndarray, " d"],
        rows: Int[np.ndarray, " s"],
        own: tuple[Float[np.ndarray, " e"], Float[np.ndarray, "s e"]] | None = None,
        known: Bool[np.ndarray, " d"] | None = None,
    ) -> Evidence:
        """Return what the models say of rows.

        Args:
            x: the cue, in the frame's units.
            raw: the cue in the user's origin, in the same units.
            rows: those shortlisted.
            own: the cue less its noise and the rows, in the memory's coordinates; None for none.
            known: which coordinates are; None for all.
        """
        points = self._frame.points[rows]
        found: dict[str, _Compared] = {}
        where = self._near.seen
        if known is not None:
            where = np.flatnonzero(known)[spread(int(known.sum()), SEEN)]
        here, some = x[where], points[:, where]
        found["white"] = _Compared(here, some, exact(here, some))
        logs = np.zeros_like(here)
        if here.size >= FEWEST_FOR_MODELS:
            apart = (x - self._frame.middle)[where]
            other = (density(raw[where]) + density(apart)) / 2
            logs = np.log(other)
            found |= self._of_values(x, points, rows, where, (other, logs), known)
        if own is not None:
            found["structured"] = _Compared(*own, white(*own, offset=False))
        return self._told(found, logs, points, x, (here, some))

    def _of_values(
        self,
        x: np.ndarray,
        points: np.ndarray,
        rows: np.ndarray,
        where: np.ndarray | slice,
        density_and_log: tuple[np.ndarray, np.ndarray],
        known: np.ndarray | None,
    ) -> dict[str, _Compared]:
        here, some = x[where], points[:, where]
        other, logs = density_and_log
        fits = {
            "white, of any contrast": white(here, some),
            "replaced, much": mixture(here, some, other, _STARTS[0]),
            "replaced, little": mixture(here, some, other, _STARTS[1]),
        }
        if known is None and self._near.like is not None:
            beside = points[:, self._near.like]
            limits = beside.min(axis=2), beside.max(axis=2)
            parts = [some, beside.mean(axis=2)]
            if isinstance(where, slice):  # of some coordinates only, the mean has no mean
                again = parts[1]
                for _ in range(2):
                    again = again[:, self._near.like].mean(axis=2)
                parts.append(again)
            fits["smoothed"] = combined(here, np.stack(parts, axis=1))
            fits["moved"] = mixture(here, some, other, _MOVED_START, limits)
            if isinstance(where, slice):
                farther = (
                    _beside(limits[0], self._near.like, np.minimum),
                    _beside(limits[1], self._near.like, np.maximum),
                )
                fits["moved far"] = mixture(here, some, other, _MOVED_START, farther)
            classes = self._near.edges
            fits["edges"] = tabulated(here, classes.of_rows[rows], len(classes.edges) + 1, 10)
        found = {name: _Compared(here, some, fit) for name, fit in fits.items()}
        if known is None and self._near.like is not None:
            like = self._near.like[:, 1:]
            own, theirs = here - x[like].mean(axis=1), some - points[:, like].mean(axis=2)
            found["shaded"] = _Compared(own, theirs, white(own, theirs))
            if isinstance(where, slice):
                two = [fits[name] for name in ("replaced, much", "replaced, little")]
                best = max(two, key=lambda fit: float((fit.terms - logs).sum(axis=1).max()))
                near = patches(here, some, other, best, like)
                found["patches"] = _Compared(here, some, near)
        classes = self._values
        table = tabulated(here, classes.of_rows[rows][:, where], len(classes.edges) + 1, 10)
        found["changed values"] = _Compared(here, some, table)
        found |= self._of_deviations(x, rows, where)
        if known is None and self._local.windows is not None:
            own, theirs = self._local.of(x[None])[0], self._local.rows[rows]
            found["unevenly lit"] = _Compared(own, theirs, white(own, theirs, offset=False))
        if known is None:
            slow = self._slow
            own, theirs = x - slow @ (slow.T @ x), points - (points @ slow) @ slow.T
            found["slow part added"] = _Compared(own, theirs, white(own, theirs))
        return found

    def _of_deviations(
        self, x: np.ndarray, rows: np.ndarray, where: np.ndarray | slice
    ) -> dict[str, _Compared]:
        mean, deviation, live = self._columns
        told = np.zeros(len(x), bool)
        told[where] = True
        told = told[live]
        if told.sum() < FEWEST_FOR_MODELS:
            return {}
        own, classes = ((x - mean) / deviation)[live][told], self._deviations
        table = tabulated(own, classes.of_rows[rows][:, told], len(classes.edges) + 1, 8)
        return {"changed deviations": _Compared(own, table.kept, table)}

    def _told(
        self,
        found: dict[str, _Compared],
        logs: np.ndarray,
        points: np.ndarray,
        x: np.ndarray,
        compared_in: tuple[np.ndarray, np.ndarray],
    ) -> Evidence:
        """Return the leads and the features."""
        here = compared_in[0]
        count, size = len(MODELS), len(points)
        behind = np.full((count, size), _FARTHEST, np.float32)
        told, features = np.zeros(count, bool), np.zeros((count, len(FEATURES)), np.float32)
        gain, fits, root = np.full(count, -np.inf), {}, np.sqrt(here.size)
        away: dict[int, np.ndarray] = {}
        apart_from: dict[tuple[int, int], tuple] = {}
        for name, compared in found.items():
            k, fit = MODELS.index(name), compared.fit
            terms = self._over_q(name, compared, logs)
            total = terms.sum(axis=1)
            best = int(total.argmax())
            z = lead(terms, best)
            if len(fit.rows) < size:
                behind[k] = z.max() + 0.5
            behind[k, fit.rows] = z
            row = int(fit.rows[best])
            if row not in away:
                away[row] = ((points - points[row]) ** 2).mean(axis=1)
            told[k], fits[k] = True, fit
            gain[k] = total[best] / root
            features[k, 0] = _ahead(behind[k], away[row], row)
            features[k, 2] = total[best] / here.size
            if name not in _FLAT:
                features[k, 6] = fit.kept[best].mean()
            features[k, 7] = np.log(max(float(fit.contrast[best, 0]), 1e-3))
            if name in _NOISY:
                features[k, 3:6] = self._residual(compared, best, row, name)
            if name not in _FLAT:
                features[k, 9] = (
                    _towards_the_row(compared, row)
                    if name == "structured"
                    else _at_the_row(compared, best, row, apart_from)
                )
        if told.any():
            best_gain = gain[told & COMPARABLE].max(initial=-np.inf)
            some = told & np.isfinite(best_gain)
            features[some, 1] = best_gain - gain[some]
            firsts = behind[told].argmin(axis=1)
            features[told, 8] = (firsts[:, None] == firsts).mean(axis=1)
        distinct = len(np.unique(np.round(here, 3)))
        features[:, 10] = np.log(distinct / here.size + 1e-3)
        features[:, 11] = np.log(len(x))
        features[:, 12] = 1
        return Evidence(behind, told, _scaled(features), fits, compared_in)

    def _over_q(self, name: str, compared: _Compared, logs: np.ndarray) -> np.ndarray:
        """Return a model's terms over q, or over white noise without a row."""
        if name in _NOISY:
            return compared.fit.terms - logs
        if name in ("structured", "shaded", "slow part added", "unevenly lit"):
            x = compared.x if name == "structured" else compared.x - compared.x.mean()
            variance = max(float((x**2).mean()), 1e-9)
            return compared.fit.terms + 0.5 * (x**2 / variance + np.log(2 * np.pi * variance))
        return compared.fit.terms

    def _residual(
        self, compared: _Compared, best: int, row: int, name: str
    ) -> tuple[float, float, float]:
        """Return how alike residuals are beside one another, their log kurtosis, and their growth.

        The last is the correlation, times the residuals' variance, of their squares with the row.
        """
        fit, like = compared.fit, self._near.like
        rest = compared.x - fit.contrast[best] * compared.rows[row] - fit.offset[best]
        if name == "smoothed":
            rest = rest - rest.mean()
        weight = fit.kept[best] / (fit.kept[best].sum() + 1e-6)
        rest = rest - weight @ rest
        variance = weight @ rest**2 + 1e-9
        kurtosis = weight @ rest**4 / variance**2
        apart = compared.rows[row] - weight @ compared.rows[row]
        growth = weight @ (rest**2 * apart) / (variance * np.sqrt(weight @ apart**2 + 1e-9))
        likeness = 0.0
        if like is not None and isinstance(self._near.seen, slice) and len(rest) == len(like):
            beside = weight[like[:, 1:]]
            mean = (beside * rest[like[:, 1:]]).sum(axis=1) / (beside.sum(axis=1) + 1e-9)
            likeness = float((weight * rest) @ mean / variance)
        return likeness, float(np.log(kurtosis + 1e-3)), float(growth)


def _beside(values: np.ndarray, like: np.ndarray, least: np.ufunc) -> np.ndarray:
    """Return the least, or the largest, of values at coordinates that are most like each."""
    return reduce(least, (values[:, like[:, k]] for k in range(like.shape[1])))


def _ahead(behind: np.ndarray, away: np.ndarray, row: int) -> float:
    """Return by how much a row leads its strongest rival that is no twin of it."""
    rivals = away >= _TWIN
    if not rivals.any():
        rivals = np.arange(len(away)) != row
    return float(min(behind[rivals].min(initial=np.inf), _FARTHEST)) if rivals.any() else 0.0


def _at_the_row(
    compared: _Compared, best: int, row: int, apart_from: dict[tuple[int, int], tuple]
) -> float:
    """Return where the cue lies: 1 at its row, 0 half-way to the row least far.

    Args:
        compared: by a model.
        best: the row's place in the fit.
        row: its place among all.
        apart_from: by rows and row, how rows differ from it; kept for other models.
    """
    x, rows, fit = compared.x, compared.rows, compared.fit
    key = id(rows), row
    if key not in apart_from:
        difference = rows - rows[row]
        apart_from[key] = difference, difference**2
    difference, square = apart_from[key]
    weight = fit.kept[best]
    x = (x - fit.offset[best]) / np.maximum(fit.contrast[best], 0.05)
    apart = square @ weight
    return _least(apart - 2 * difference @ (weight * (x - rows[row])), apart, row)


def _towards_the_row(compared: _Compared, row: int) -> float:
    """Return the same of directions."""
    x, rows = compared.x, compared.rows
    length, size = np.linalg.norm(x), np.linalg.norm(rows[row])
    along = rows @ (x / (length if length > 0 else 1.0)) / size
    apart = ((rows - rows[row]) ** 2).sum(axis=1) / size**2
    return _least(2 * (along[row] - along), apart, row)


def _least(nearer: np.ndarray, apart: np.ndarray, row: int) -> float:
    rivals = apart > 1e-3 * np.median(apart) + 1e-9
    rivals[row] = False
    return float((nearer[rivals] / apart[rivals]).min()) if rivals.any() else 0.0


def _scaled(features: Float[np.ndarray, "m 13"]) -> Float[np.ndarray, "m 13"]:
    """Return features cut to where they were learned from, and of about one size."""
    lower, upper, size, shift = SCALES
    return (np.clip(np.nan_to_num(features), lower, upper) / size - shift).astype(np.float32)
