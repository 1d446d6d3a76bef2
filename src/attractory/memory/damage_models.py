r"""Models of damage: how well each of a few stored rows explains a cue, coordinate by coordinate.

Each model tells, for every row p and coordinate j, by how much more probable it makes xⱼ than the
density q of the cue's own values does (nats). q knows no row, so that all models are measured from
one place:

- *noise*: xⱼ = a pⱼ + o + white noise; a = 1 and o = 0, or a ≥ 0 and o any;
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
- *changed values*: xⱼ has any distribution that depends on pⱼ alone, by the table of how often a
  value of p (in ten classes, or in eight of its deviation from the column's mean) stands beside one
  of x. Other contrast, inverted, counted or rounded values are special cases;
- *edges*: the same of by how much p differs among the coordinates most like j;
- *shaded*: white noise on what a coordinate has more than those most like it, or on what is left of
  x and p without their slow parts over the coordinates' order;
- *unevenly lit*: white noise on local contrast (`memory.local_contrast`).

Which coordinates are most like another is told by the stored rows' correlations. In images they are
the pixels beside it, so that blur is smoothing, and shifts and elastic distortion are moves; where
columns are not alike there are no such models.

A row may agree with a cue by chance, the less so the more coordinates say it: with ℓⱼ the
difference of two rows' terms, z = Σⱼ ℓⱼ / √(d var ℓ) is near standard normal for rows that explain
the cue equally well (Q. H. Vuong, Econometrica 57, 1989). In these units models can be compared.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from attractory.memory.coordinates import spread

__all__ = [
    "Classes", "Fit", "combined", "density", "exact", "lead", "like_coordinates", "mixture",
    "patches", "tabulated", "white",
]  # fmt: skip

_NARROW = 0.02  # half a bin of the density, in the rows' spread
_LEAST = 0.04  # the least σ
_FIRST, _LAST = 2, 5  # rounds of EM, of all rows and of those that stand best then
_BEST = 8  # how many those are
_CONTRAST = 0.02  # weight of a = 1, as variance
_CONTRASTS = 0.1, 3.0
_LOST = 0.005, 0.97  # π
_LIKE, _ALIKE = 4, 0.5  # coordinates taken for like another one, and their least correlation
_CHANCE = 4.0  # standard errors a correlation must have besides
_DEAD = 0.02  # spread of a coordinate, of all, below which it is like none
_ROWS = 500  # from which correlations are known well enough
_ROOT = np.float32(np.sqrt(2 * np.pi))
_NONE = np.float32(1e-9)
_COUPLING = 1.0  # of Ising's prior
_ROUNDS = 3  # of its mean field
_PRIOR = 4.0  # counts of the cue's own distribution in each line of a table
_MOST = 30.0  # nats of one coordinate


_State = tuple[Any, ...]  # a, o, σ and π of each row
_Given = tuple[Any, ...]  # rows, and limits of kept coordinates or None


class Fit(NamedTuple):
    """A model fitted to rows.

    Attributes:
        rows: indices of those fitted to the end, of the rows given, (s,).
        terms: log densities, or nats over q; (s, d).
        kept: probability that a coordinate is a kept one, (s, d).
        contrast, offset: a and o, (s, 1).
        noise: σ, (s, 1).
    """

    rows: Int[np.ndarray, " s"]
    terms: Float[np.ndarray, "s d"]
    kept: Float[np.ndarray, "s d"]
    contrast: Float[np.ndarray, "s 1"]
    offset: Float[np.ndarray, "s 1"]
    noise: Float[np.ndarray, "s 1"]

    @staticmethod
    def whole(terms: Float[np.ndarray, "s d"]) -> "Fit":
        """Return the fit of a model that keeps all coordinates, and has no contrast of its own."""
        one = np.ones((len(terms), 1), np.float32)
        return Fit(np.arange(len(terms)), terms, np.ones_like(terms), one, 0 * one, one)


def density(values: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    """Return the density of values at themselves: the mean of a narrow bin's and of neighbours'."""
    order = np.sort(values)
    count, beside = len(order), max(1, len(order) // 40)
    within = np.searchsorted(order, values + _NARROW, "right")
    within -= np.searchsorted(order, values - _NARROW, "left")
    place = np.searchsorted(order, values)
    below, above = np.maximum(place - beside, 0), np.minimum(place + beside, count - 1)
    wide = np.maximum(order[above] - order[below], 2 * _NARROW)
    found = within / (2 * _NARROW) + np.maximum(above - below, 1) / wide
    return np.asarray(found / (2 * count), np.float32)


def like_coordinates(
    points: Float[np.ndarray, "n d"], which: Int[np.ndarray, " m"]
) -> Int[np.ndarray, "m q"] | None:
    """Return the coordinates most like each of some, itself where there are fewer; None for none.

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
    return out if (out != which[:, None]).any() else None


def exact(x: Float[np.ndarray, " d"], rows: Float[np.ndarray, "s d"]) -> Fit:
    """Fit white noise alone, of a contrast of 1 and no offset."""
    one = np.ones((len(rows), 1), np.float32)
    return _noise(x - rows, one, 0 * one)


def white(x: Float[np.ndarray, " d"], rows: Float[np.ndarray, "s d"], offset: bool = True) -> Fit:
    """Fit white noise with any contrast, and any offset or none."""
    count = x.size
    mean_x, mean = (x.mean(), rows.mean(axis=1)) if offset else (0.0, np.zeros(len(rows)))
    along = rows @ x / count - mean * mean_x
    square = np.einsum("ij,ij->i", rows, rows) / count - mean**2
    contrast = (np.maximum(along, 0) / np.maximum(square, _NONE))[:, None]
    moved = mean_x - contrast * mean[:, None]
    rest = x - contrast * rows
    rest -= moved
    return _noise(rest, contrast, moved)


def combined(x: Float[np.ndarray, " d"], parts: Float[np.ndarray, "s r d"]) -> Fit:
    """Fit white noise about a combination of parts, and an offset, by least squares."""
    count = x.size
    parts = parts - parts.mean(axis=2, keepdims=True)
    apart = x - x.mean()
    gram = parts @ parts.transpose(0, 2, 1) / count
    gram[:, range(gram.shape[1]), range(gram.shape[1])] += 1e-3
    factors = np.linalg.solve(gram, (parts @ apart / count)[:, :, None])
    rest = apart - (factors.transpose(0, 2, 1) @ parts)[:, 0]
    one = np.ones((len(parts), 1), np.float32)
    return _noise(rest, one, 0 * one)


def _noise(rest: np.ndarray, contrast: np.ndarray, offset: np.ndarray) -> Fit:
    """Return the fit of white noise that leaves these residuals, which are written to."""
    kept = np.ones_like(rest)
    rest *= rest
    noise = np.maximum(rest.mean(axis=1, keepdims=True), _NONE)
    rest /= -2 * noise
    rest -= 0.5 * np.log(2 * np.pi * noise)
    return Fit(np.arange(len(rest)), rest, kept, contrast, offset, np.sqrt(noise))


def mixture(
    x: Float[np.ndarray, " d"],
    rows: Float[np.ndarray, "s d"],
    other: Float[np.ndarray, " d"],
    first: tuple[float, float],
    limits: tuple[Float[np.ndarray, "s d"], Float[np.ndarray, "s d"]] | None = None,
) -> Fit:
    """Fit kept and replaced coordinates by EM.

    Args:
        x: the cue.
        rows: p.
        other: q at the cue's coordinates.
        first: σ and π at the start.
        limits: least and largest value of kept coordinates; None for p itself.
    """
    size, count = (len(rows), 1), len(rows)
    state: _State = tuple(np.full(size, v, np.float32) for v in (1, 0, *first))
    given: _Given = rows, limits
    some = np.arange(count)
    target = rest = kept = total = np.empty(0, np.float32)
    for k in range(_FIRST + _LAST + 1):
        if limits is not None or k == 0:
            target, rest = _copied(x, given, state)
        kept, total = _expected(rest, other, given, state)
        if k == _FIRST + _LAST:
            break
        if k == _FIRST and count > _BEST:
            some = np.argpartition(-np.log(total).sum(axis=1), _BEST - 1)[:_BEST]
            kept, target = kept[some], target[some]
            given = rows[some], limits and tuple(v[some] for v in limits)
        state, rest = _fitted(x, target, kept)
    contrast, offset, noise, _ = state
    return Fit(some, np.log(total), kept, contrast, offset, noise)


def _copied(x: np.ndarray, given: _Given, state: _State) -> tuple[Any, Any]:
    """Return what kept coordinates are copies of, and the squares of what is left."""
    rows, limits = given
    contrast, offset, *_ = state
    target = rows if limits is None else np.clip((x - offset) / contrast, *limits)
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
    ones = np.ones_like(x)
    sums = (kept @ ones)[:, None] + 1e-6
    lost = np.clip(1 - sums / x.size, *_LOST)
    mean_x = (kept @ x)[:, None] / sums
    weighted = kept * target
    mean = (weighted @ ones)[:, None] / sums
    along = (weighted @ x)[:, None] / sums - mean_x * mean
    square = np.einsum("ij,ij->i", weighted, target)[:, None] / sums - mean**2
    contrast = np.clip((along + _CONTRAST) / (np.maximum(square, 0) + _CONTRAST), *_CONTRASTS)
    offset = mean_x - contrast * mean
    rest = _squared(x, target, contrast, offset)
    left = np.einsum("ij,ij->i", rest, kept)[:, None]
    return (contrast, offset, np.maximum(np.sqrt(left / sums), _LEAST), lost), rest


def _squared(
    x: np.ndarray, target: np.ndarray, contrast: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    rest = contrast * target
    rest += offset
    rest -= x
    rest *= rest
    return rest


def patches(
    x: Float[np.ndarray, " d"],
    rows: Float[np.ndarray, "s d"],
    other: Float[np.ndarray, " d"],
    fit: Fit,
    like: Int[np.ndarray, "d q"],
) -> Fit:
    """Return a fit of `mixture` with kept coordinates beside kept ones; terms are nats over q.

    Args:
        x, rows, other: as for `mixture`.
        fit: from there.
        like: the coordinates most like each.
    """
    rest = (x - fit.contrast * rows[fit.rows] - fit.offset) / fit.noise
    ratio = -0.5 * rest * rest - np.log(_ROOT * fit.noise) - np.log(other)
    ratio = np.exp(np.minimum(ratio, _MOST))
    kept, prior = fit.kept, fit.kept
    lost = np.clip(1 - kept.mean(axis=1, keepdims=True), *_LOST)
    bias = np.log((1 - lost) / lost)
    for _ in range(_ROUNDS):
        field = bias + _COUPLING * (2 * kept[:, like] - 1).sum(axis=2)
        prior = 1 / (1 + np.exp(-np.clip(field, -6, 6)))
        kept = prior * ratio / (prior * ratio + 1 - prior)
    return fit._replace(terms=np.log(prior * ratio + 1 - prior), kept=kept)


class Classes:
    """Values of stored rows in classes of about equal numbers.

    Args:
        values: of the rows, (n, d).
        count: of classes; fewer where many values are equal.
    """

    def __init__(self, values: Float[np.ndarray, "n d"], count: int):
        sample = values[spread(len(values), 300)].ravel()
        self.edges = _edges(sample[:: max(1, sample.size // 200000)], count)
        self.of_rows = np.searchsorted(self.edges, values, "right").astype(np.int16)


def _edges(values: Float[np.ndarray, " m"], count: int) -> Float[np.ndarray, " c"]:
    """Return the bounds between classes of about equal numbers."""
    return np.unique(np.quantile(values, np.linspace(0, 1, count + 1)[1:-1]))


def tabulated(
    x: Float[np.ndarray, " d"], classes: Int[np.ndarray, "s d"], count: int, own: int
) -> Fit:
    """Fit a table of how often each class of a row's values stands beside one of the cue's.

    Terms are nats over the cue's own classes, each coordinate left out of the table that it is
    judged by, with some counts of the cue's own distribution in each line.

    Args:
        x: the cue.
        classes: of the rows' values.
        count: of those classes.
        own: how many classes the cue's values are put in.
    """
    size, dim = classes.shape
    edges = _edges(x, own)
    mine = np.searchsorted(edges, x, "right")
    if mine.min() == mine.max():  # one value is nearly all of them, and the least
        mine = np.searchsorted(edges, x, "left")
    kinds = int(mine.max()) + 1
    index = (np.arange(size)[:, None] * count + classes) * kinds + mine
    table = np.bincount(index.ravel(), minlength=size * count * kinds)
    table = table.reshape(size, count, kinds).astype(np.float32)
    number = np.bincount(mine, minlength=kinds)
    share = (number + 0.5) / (dim + 0.5 * kinds)
    lines = np.maximum(table.sum(axis=2, keepdims=True) - 1, 0) + _PRIOR
    terms = np.minimum(np.log(np.maximum(table - 1 + _PRIOR * share, 1e-3) / lines), 0)
    terms = terms - np.log(np.maximum(number - 0.5, 0.5) / dim)
    return Fit.whole(np.asarray(terms, np.float32).reshape(-1)[index])


def lead(terms: Float[np.ndarray, "s d"], best: int) -> Float[np.ndarray, " s"]:
    """Return z of one row against all: 0 against itself.

    Args:
        terms: of each row.
        best: the row.
    """
    apart = terms[best] - terms
    total = apart.sum(axis=1)
    square = np.einsum("ij,ij->i", apart, apart) - total**2 / terms.shape[1]
    return total / np.sqrt(np.maximum(square, 0) + _NONE)
