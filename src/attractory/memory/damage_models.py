r"""Models of damage: how well each of a few stored rows explains a cue, coordinate by coordinate.

Each model tells, for every row p and coordinate j, by how much more probable it makes xⱼ than the
density q of the cue's own values does (nats). q knows no row, so that all models are measured from
one place:

- *noise*: xⱼ = a pⱼ + o + white noise; a = 1 and o = 0, or a ≥ 0 and o any;
- *long-tailed*: xⱼ = pⱼ + errors of Laplace's law, of which a few are large;
- *replaced*: with probability 1 − π a coordinate is kept, xⱼ = a pⱼ + o + noise of deviation σ,
  else its value is drawn from q. a, o, σ and π are fitted to each row by EM. Half an image of one
  value, a block, speckle, stripes all make a peak or a floor in q, so that what is replaced costs
  little, and what is kept and agrees exactly says much;
- *patches*: as replaced, but a coordinate is likely to be kept as those most like it are (Ising's
  prior, mean field);
- *smoothed*: xⱼ = o + a combination of pⱼ, of its mean over j and the coordinates most like j, and
  of the same taken three times, + white noise;
- *moved*: as replaced, but a kept coordinate has a value between the least and the largest of pⱼ
  and of the coordinates most like j; or, *moved far*, of those most like these besides;
- *displaced*: as replaced, of rows moved onto the cue (`memory.alignment`);
- *changed values*: xⱼ has any distribution that depends on pⱼ alone (`memory.value_tables`);
- *edges*: the same of by how much p differs among the coordinates most like j;
- *shaded*: white noise on what a coordinate has more than those most like it, or on what is left of
  x and p without their slow parts (`memory.slow_parts`);
- *unevenly lit*: white noise on local contrast (`memory.local_contrast`);
- *filtered*: white noise about an image seen through a lens (`memory.filtered_rows`);
- *gradients*: white noise on the directions of an image's edges (`memory.image_gradients`), and of
  those of moved rows;
- *less the mean*: white noise on what is left across the mean row and a constant; *in deviations*:
  noise that goes with each column's deviation, normal or of Cauchy's law; both together; *told in
  scores*, *told in ranges*: white noise on a multiple of a row's scores, or of its places in the
  columns' ranges (`memory.mean_row`).

Which coordinates are most like another is told by the stored rows' correlations. In images they are
the pixels beside it, so that blur is smoothing, and shifts and elastic distortion are moves; where
columns are not alike there are no such models.

A row may agree with a cue by chance, the less so the more coordinates say it: with ℓⱼ the
difference of two rows' terms, z = Σⱼ ℓⱼ / √(d var ℓ) is near standard normal for rows that explain
the cue equally well (Q. H. Vuong, Econometrica 57, 1989). In these units models can be compared.

All functions take several cues, each with as many rows as the others: k cues, s rows, c
coordinates.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.seeds import generator
from attractory.memory.coordinates import spread

__all__ = [
    "KEPT_STARTS", "MOVED_START", "Fit", "combined", "density", "displaced", "exact",
    "heavy_tailed", "lead", "like_coordinates", "long_tailed", "mixture", "patches", "white",
]  # fmt: skip

KEPT_STARTS = (0.1, 0.5), (1.0, 0.05)  # σ and π: much lost and the rest exact, or little lost
MOVED_START = 0.3, 0.1
_DISPLACED_START = 0.5, 0.05

_NARROW = 0.02  # half a bin of the density, in the rows' spread
_LEAST = 0.04  # the least σ
_LEAST_UNIT = np.float32(0.02)  # the least of Cauchy's
_FIRST, _LAST = 2, 5  # rounds of EM, of all rows and of those that stand best then
_BEST = 8  # how many those are
_FITTED = 256  # coordinates that all rounds but the last are fitted to, of twice as many or more
_CONTRAST = 0.02  # weight of a = 1, as variance
_CONTRASTS = 0.1, 3.0
_LOST = 0.005, 0.97  # π
_LIKE, _ALIKE = 4, 0.5  # coordinates taken for like another one, and their least correlation
_CHANCE = 4.0  # standard errors a correlation must have besides
_FEW = 0.25  # share of coordinates that must be like others: of two columns nothing is a picture
_DEAD = 0.02  # spread of a coordinate, of all, below which it is like none
_ROWS = 500  # from which correlations are known well enough
_ROOT = np.float32(np.sqrt(2 * np.pi))
_NONE = np.float32(1e-9)
_COUPLING = 1.0  # of Ising's prior
_ROUNDS = 3  # of its mean field
_MOST = 30.0  # nats of one coordinate


_State = tuple[Any, ...]  # a, o, σ and π of each row
_Given = tuple[Any, ...]  # rows, and limits of kept coordinates or None


class Fit(NamedTuple):
    """A model fitted to rows.

    Attributes:
        rows: indices of those fitted to the end, of the rows given, (k, s).
        terms: log densities, or nats over q; (k, s, c).
        kept: probability that a coordinate is a kept one, (k, s, c); None for 1.
        contrast, offset: a and o, (k, s, 1).
        noise: σ, (k, s, 1).
    """

    rows: Int[np.ndarray, "k s"]
    terms: Float[np.ndarray, "k s c"]
    kept: Float[np.ndarray, "k s c"] | None
    contrast: Float[np.ndarray, "k s 1"]
    offset: Float[np.ndarray, "k s 1"]
    noise: Float[np.ndarray, "k s 1"]

    @staticmethod
    def whole(terms: Float[np.ndarray, "k s c"]) -> "Fit":
        """Return the fit of a model that keeps all coordinates, and has no contrast of its own."""
        one = np.ones((*terms.shape[:2], 1), np.float32)
        return Fit(_all(terms), terms, None, one, 0 * one, one)

    def kept_by(self, place: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k c"]:
        """Return how probably coordinates are kept, as one row of each cue has it."""
        if self.kept is None:
            return np.ones((len(self.terms), self.terms.shape[2]), np.float32)
        return self.kept[np.arange(len(place)), place]


def density(values: Float[np.ndarray, "k c"]) -> Float[np.ndarray, "k c"]:
    """Return the density of values at themselves: the mean of a narrow bin's and of neighbours'."""
    out, count = np.empty_like(values, np.float32), values.shape[1]
    beside = max(1, count // 40)
    for k, order in enumerate(np.sort(values, axis=1)):
        own = values[k]
        within = np.searchsorted(order, own + _NARROW, "right")
        within -= np.searchsorted(order, own - _NARROW, "left")
        place = np.searchsorted(order, own)
        below, above = np.maximum(place - beside, 0), np.minimum(place + beside, count - 1)
        wide = np.maximum(order[above] - order[below], 2 * _NARROW)
        out[k] = within / (2 * _NARROW) + np.maximum(above - below, 1) / wide
    return out / np.float32(2 * count)


def like_coordinates(
    points: Float[np.ndarray, "n d"], which: Int[np.ndarray, " m"]
) -> Int[np.ndarray, "m q"] | None:
    """Return the coordinates most like each of some, itself where there are fewer.

    None stands for few that are like others: models of pictures are not for those.

    Args:
        points: the stored rows.
        which: the coordinates.
    """
    some = points[spread(len(points), _ROWS)]
    deviation = some.std(axis=0)
    live = deviation > _DEAD * deviation.max()
    unit = np.where(live, (some - some.mean(axis=0)) / np.where(live, deviation, 1), 0)
    least = max(_ALIKE, _CHANCE / np.sqrt(len(some)))
    count = min(_LIKE, points.shape[1] - 1)
    if least >= 1 or count < 1:
        return None
    unit = np.asarray(unit / np.sqrt(len(some)), np.float32)
    out = np.repeat(which[:, None], count, axis=1)
    for k in range(0, len(which), 512):
        here = which[k : k + 512]
        rho = unit[:, here].T @ unit
        rho[np.arange(len(here)), here] = -1
        first = np.argpartition(-rho, count - 1, axis=1)[:, :count]
        like = np.take_along_axis(rho, first, axis=1) > least
        out[k : k + 512] = np.where(like, first, here[:, None])
    some = (out != which[:, None]).any(axis=1).sum()
    return out if some >= max(1, _FEW * live[which].sum()) else None


def exact(x: Float[np.ndarray, "k c"], rows: Float[np.ndarray, "k s c"]) -> Fit:
    """Fit white noise alone, of a contrast of 1 and no offset."""
    one = np.ones((*rows.shape[:2], 1), np.float32)
    return _noise(rows - x[:, None], one, 0 * one)


def long_tailed(x: Float[np.ndarray, "k c"], rows: Float[np.ndarray, "k s c"]) -> Fit:
    """Fit Laplace's errors, of a contrast of 1 and no offset."""
    rest = np.abs(rows - x[:, None])
    size = np.maximum(rest.mean(axis=2, keepdims=True), _NONE)
    rest /= -size
    rest -= np.log(2 * size)
    one = np.ones_like(size)
    return Fit(_all(rest), rest, None, one, 0 * one, np.float32(np.sqrt(2)) * size)


def heavy_tailed(x: Float[np.ndarray, "k c"], rows: Float[np.ndarray, "k s c"]) -> Fit:
    """Fit Cauchy's errors, of a contrast of 1 and no offset: half of them are below their unit."""
    rest = np.abs(rows - x[:, None])
    size = np.maximum(np.median(rest, axis=2, keepdims=True), _LEAST_UNIT)
    rest /= size
    rest *= rest
    terms = -np.log1p(rest, out=rest)
    terms -= np.log(np.pi * size)
    one = np.ones_like(size)
    return Fit(_all(terms), terms, None, one, 0 * one, size)


def white(
    x: Float[np.ndarray, "k c"], rows: Float[np.ndarray, "k s c"], offset: bool = True
) -> Fit:
    """Fit white noise with any contrast, and any offset or none."""
    count = x.shape[1]
    mean_x, mean = np.zeros((len(x), 1), np.float32), np.zeros(rows.shape[:2], np.float32)
    if offset:
        mean_x, mean = x.mean(axis=1, keepdims=True), rows.mean(axis=2)
    along = (rows @ x[:, :, None])[:, :, 0] / count - mean * mean_x
    square = np.einsum("ksc,ksc->ks", rows, rows) / count - mean**2
    contrast = (np.maximum(along, 0) / np.maximum(square, _NONE))[:, :, None]
    moved = mean_x[:, :, None] - contrast * mean[:, :, None]
    return _noise(_apart(x, rows, contrast, moved), contrast, moved)


def combined(x: Float[np.ndarray, "k c"], parts: list[Float[np.ndarray, "k s c"]]) -> Fit:
    """Fit white noise about a combination of parts, and an offset, by least squares."""
    count, number = x.shape[1], len(parts)
    apart = x - x.mean(axis=1, keepdims=True)
    means = [part.mean(axis=2, keepdims=True) for part in parts]
    gram = np.empty((*parts[0].shape[:2], number, number), np.float32)
    along = np.empty((*parts[0].shape[:2], number, 1), np.float32)
    for i, part in enumerate(parts):
        along[:, :, i] = part @ apart[:, :, None] / count
        for j in range(i + 1):
            product = np.einsum("ksc,ksc->ks", part, parts[j]) / count
            gram[:, :, i, j] = gram[:, :, j, i] = product - (means[i] * means[j])[:, :, 0]
    gram[:, :, range(number), range(number)] += 1e-3
    factors = np.linalg.solve(gram, along)
    rest = np.repeat(-apart[:, None], parts[0].shape[1], axis=1)
    for i, part in enumerate(parts):
        rest += factors[:, :, i] * part
        rest -= factors[:, :, i] * means[i]
    one = np.ones((*rest.shape[:2], 1), np.float32)
    return _noise(rest, one, 0 * one)


def _noise(rest: np.ndarray, contrast: np.ndarray, offset: np.ndarray) -> Fit:
    """Return the fit of white noise that leaves these residuals, which are written to."""
    rest *= rest
    noise = np.maximum(rest.mean(axis=2, keepdims=True), _NONE)
    rest *= -0.5 / noise
    rest -= 0.5 * np.log(2 * np.pi * noise)
    return Fit(_all(rest), rest, None, contrast, offset, np.sqrt(noise))


def _all(values: np.ndarray) -> Int[np.ndarray, "k s"]:
    return np.broadcast_to(np.arange(values.shape[1]), values.shape[:2])


def mixture(
    x: Float[np.ndarray, "k c"],
    rows: Float[np.ndarray, "k s c"],
    other: Float[np.ndarray, "k c"],
    first: tuple[float, float],
    limits: tuple[Float[np.ndarray, "k s c"], Float[np.ndarray, "k s c"]] | None = None,
    real: Bool[np.ndarray, "k s"] | None = None,
    rounds: int = _FIRST + _LAST,
) -> Fit:
    """Fit kept and replaced coordinates by EM.

    Args:
        x: the cues.
        rows: p.
        other: q at the cues' coordinates.
        first: σ and π at the start.
        limits: least and largest value of kept coordinates; None for p itself.
        real: which rows are fitted to the end if they are among the best; None for all.
        rounds: of EM; of all rows but the best at first.
    """
    state: _State = tuple(np.full((*rows.shape[:2], 1), v, np.float32) for v in (1, 0, *first))
    some = _all(rows)
    where = _drawn(x.shape[1])
    if where is not None:
        bounds = limits and (limits[0][:, :, where], limits[1][:, :, where])
        few = x[:, where], rows[:, :, where], other[:, where], bounds
        some, state, *_ = _em(*few, state, real, rounds - 1)
        which = np.arange(len(x))[:, None], some
        rows, limits = rows[which], limits and (limits[0][which], limits[1][which])
        real, rounds = None, 1
    kept_rows, state, kept, total = _em(x, rows, other, limits, state, real, rounds)
    contrast, offset, noise, _ = state
    some = np.take_along_axis(some, kept_rows, axis=1)
    return Fit(some, np.log(total, out=total), kept, contrast, offset, noise)


def displaced(
    x: Float[np.ndarray, "k c"], moved: Float[np.ndarray, "k s c"], real: Bool[np.ndarray, "k s"]
) -> Fit:
    """Fit rows moved onto cues, of which a part may be replaced; terms are nats over q."""
    other = density(x)
    fit = mixture(x, moved, other, _DISPLACED_START, real=real)
    return fit._replace(terms=fit.terms - np.log(other)[:, None])


@cache
def _drawn(count: int) -> Int[np.ndarray, " c"] | None:
    """Return the coordinates that all rounds of EM but the last are fitted to; None for all."""
    if count < 2 * _FITTED:
        return None
    return np.sort(generator(3, "coordinates").choice(count, _FITTED, replace=False))


def _em(
    x: np.ndarray,
    rows: np.ndarray,
    other: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray] | None,
    state: _State,
    real: np.ndarray | None,
    rounds: int,
) -> tuple[np.ndarray, _State, Any, Any]:
    """Return the rows fitted to the end, a, o, σ and π of these, who is kept, and densities."""
    given: _Given = rows, limits
    some, other = _all(rows), other[:, None]
    target = rest = kept = total = np.empty(0, np.float32)
    for k in range(rounds + 1):
        if limits is not None or k == 0:
            target, rest = _copied(x, given, state)
        kept, total = _expected(rest, other, given, state)
        if k == rounds:
            break
        if k == _FIRST and rows.shape[1] > _BEST:
            behind = -np.log(total, out=total).sum(axis=2)
            if real is not None:
                behind = np.where(real, behind, np.inf)
            some = np.argpartition(behind, _BEST - 1, axis=1)[:, :_BEST]
            which = np.arange(len(x))[:, None], some
            kept, target = kept[which], target[which]
            given = rows[which], limits and tuple(v[which] for v in limits)
        state, rest = _fitted(x, target, kept)
    return some, state, kept, total


def _copied(x: np.ndarray, given: _Given, state: _State) -> tuple[Any, Any]:
    """Return what kept coordinates are copies of, and the squares of what is left."""
    rows, limits = given
    contrast, offset, *_ = state
    target = rows
    if limits is not None:
        target = (x[:, None] - offset) / contrast
        np.maximum(target, limits[0], out=target)
        np.minimum(target, limits[1], out=target)
    return target, _squared(x, target, contrast, offset)


def _expected(rest: np.ndarray, other: np.ndarray, given: _Given, state: _State) -> tuple[Any, Any]:
    """Return how probably coordinates are kept, and densities; the squares are written to."""
    contrast, _, noise, lost = state
    wide = _ROOT * noise
    if given[1] is not None:
        wide = wide + contrast * (given[1][1] - given[1][0])
    rest *= -0.5 / noise**2
    kept = np.exp(rest, out=rest)
    kept *= (1 - lost) / wide
    total = kept + lost * other
    kept /= total
    return kept, total


def _fitted(x: np.ndarray, target: np.ndarray, kept: np.ndarray) -> tuple[_State, Any]:
    """Return contrast, offset, σ and π by the kept coordinates, and the squares of the rest."""
    by = np.stack([np.ones_like(x), x], axis=2)
    sums = kept @ by
    sums, mean_x = sums[..., :1] + 1e-6, sums[..., 1:]
    lost = np.clip(1 - sums / x.shape[1], *_LOST)
    mean_x = mean_x / sums
    weighted = kept * target
    along = weighted @ by
    mean, along = along[..., :1] / sums, along[..., 1:] / sums
    along = along - mean_x * mean
    square = np.einsum("ksc,ksc->ks", weighted, target)[..., None] / sums - mean**2
    contrast = np.clip((along + _CONTRAST) / (np.maximum(square, 0) + _CONTRAST), *_CONTRASTS)
    offset = mean_x - contrast * mean
    rest = _squared(x, target, contrast, offset)
    left = np.einsum("ksc,ksc->ks", rest, kept)[..., None]
    return (contrast, offset, np.maximum(np.sqrt(left / sums), _LEAST), lost), rest


def _apart(
    x: np.ndarray, target: np.ndarray, contrast: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    rest = contrast * target
    rest += offset
    rest -= x[:, None]
    return rest


def _squared(
    x: np.ndarray, target: np.ndarray, contrast: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    rest = _apart(x, target, contrast, offset)
    rest *= rest
    return rest


def patches(
    x: Float[np.ndarray, "k c"],
    rows: Float[np.ndarray, "k s c"],
    other: Float[np.ndarray, "k c"],
    fit: Fit,
    like: Int[np.ndarray, "c q"],
) -> Fit:
    """Return a fit of `mixture` with kept coordinates beside kept ones; terms are nats over q.

    Args:
        x, rows, other: as for `mixture`.
        fit: from there.
        like: the coordinates most like each.
    """
    assert fit.kept is not None
    own = rows[np.arange(len(x))[:, None], fit.rows]
    ratio = _apart(x, own, fit.contrast, fit.offset)
    ratio *= ratio
    ratio *= -0.5 / fit.noise**2
    ratio -= np.log(_ROOT * fit.noise)
    ratio -= np.log(other)[:, None]
    ratio = np.exp(np.minimum(ratio, _MOST, out=ratio), out=ratio)
    kept, prior = fit.kept, fit.kept
    lost = np.clip(1 - kept.mean(axis=2, keepdims=True), *_LOST)
    bias = np.log((1 - lost) / lost) - _COUPLING * like.shape[1]
    for _ in range(_ROUNDS):
        field = kept[:, :, like[:, 0]]
        for j in range(1, like.shape[1]):
            field += kept[:, :, like[:, j]]
        field *= 2 * _COUPLING
        field += bias
        prior = 1 / (1 + np.exp(-np.clip(field, -6, 6, out=field), out=field))
        both = prior * ratio
        total = both - prior
        total += 1
        kept = both / total
    return fit._replace(terms=np.log(prior * ratio + 1 - prior), kept=kept)


def lead(
    terms: Float[np.ndarray, "k s c"], best: Int[np.ndarray, " k"]
) -> Float[np.ndarray, "k s"]:
    """Return z of one row of each cue against all: 0 against itself.

    Args:
        terms: of each row.
        best: the row.
    """
    apart = terms[np.arange(len(best)), best][:, None] - terms
    total = apart.sum(axis=2)
    square = np.einsum("ksc,ksc->ks", apart, apart) - total**2 / terms.shape[2]
    return total / np.sqrt(np.maximum(square, 0) + _NONE)
