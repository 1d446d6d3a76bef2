r"""Models of damage: how well each of a few stored rows explains a cue, coordinate by coordinate.

Each model gives the log density of every coordinate of the cue, for every row p:

- *noise*: xⱼ = a pⱼ + o + white noise, a ≥ 0 and o any;
- *replaced*: with probability 1 − π a coordinate is kept, xⱼ = a pⱼ + o + noise of deviation σ,
  else its value is drawn from a density q. a, o, σ and π are fitted to each row by EM, and **q is
  that of the cue's own values**: half an image of one value, a block, speckle, stripes all make a
  peak or a floor in it, so that what is replaced costs little, and what is kept and agrees exactly
  says much;
- *smoothed*: xⱼ = o + a combination of pⱼ, of its mean over j and the coordinates most like j, and
  of the same taken three times, + white noise;
- *moved*: as replaced, but a kept coordinate has a value between the least and the largest of pⱼ
  and of the coordinates most like j.

Which coordinates are most like another is told by the stored rows' correlations. In images they are
the pixels beside it, so that blur is smoothing, and shifts and elastic distortion are moves; where
columns are not alike there are no such models. Nothing is told of the order of coordinates.

A row may agree with a cue by chance, the less so the more coordinates say it: with ℓⱼ the
difference of two rows' log densities, z = Σⱼ ℓⱼ / √(d var ℓ) is near standard normal for rows that
explain the cue equally well (Q. H. Vuong, Econometrica 57, 1989). In these units models that
measure in units of their own can be compared.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.memory.coordinates import spread

__all__ = ["Fit", "combined", "density", "lead", "like_coordinates", "mixture", "white"]

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


class Fit(NamedTuple):
    """A model fitted to rows.

    Attributes:
        rows: indices of those fitted to the end, of the rows given, (s,).
        terms: log densities, (s, d); 0 where the cue is unknown.
        kept: probability that a coordinate is a kept one, (s, d).
        gain, offset: a and o, (s, 1).
        noise: σ, (s, 1).
    """

    rows: Int[np.ndarray, " s"]
    terms: Float[np.ndarray, "s d"]
    kept: Float[np.ndarray, "s d"]
    gain: Float[np.ndarray, "s 1"]
    offset: Float[np.ndarray, "s 1"]
    noise: Float[np.ndarray, "s 1"]


def density(
    values: Float[np.ndarray, " d"], known: Bool[np.ndarray, " d"] | None = None
) -> Float[np.ndarray, " d"]:
    """Return the density of values at themselves: the mean of a narrow bin's and of neighbours'."""
    given = values if known is None else values[known]
    order = np.sort(given)
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


def white(
    x: Float[np.ndarray, " d"],
    rows: Float[np.ndarray, "s d"],
    known: Float[np.ndarray, " d"] | None = None,
    offset: bool = True,
) -> Fit:
    """Fit white noise with any contrast, and any offset or none."""
    weight = np.ones_like(x) if known is None else known
    count = weight.sum()
    mean_x, mean = (x @ weight / count, rows @ weight / count) if offset else (0.0, 0.0)
    mean = np.broadcast_to(mean, len(rows))
    along = rows @ (weight * x) / count - mean * mean_x
    square = (rows**2) @ weight / count - mean**2
    gain = np.maximum(along, 0) / np.maximum(square, _NONE)
    moved = mean_x - gain * mean
    rest = x - gain[:, None] * rows - moved[:, None]
    rest *= rest
    noise = np.maximum(rest @ weight / count, _NONE)[:, None]
    terms = (-0.5 * weight) * (rest / noise + np.log(2 * np.pi * noise))
    return Fit(
        np.arange(len(rows)), terms, np.ones_like(rows), gain[:, None], moved[:, None],
        np.sqrt(noise),
    )  # fmt: skip


def combined(
    x: Float[np.ndarray, " d"],
    parts: Float[np.ndarray, "s r d"],
    known: Float[np.ndarray, " d"] | None = None,
) -> Fit:
    """Fit white noise about a combination of parts, and an offset, by least squares."""
    weight = np.ones_like(x) if known is None else known
    count = weight.sum()
    parts = parts - ((parts @ weight) / count)[:, :, None]
    apart = x - (weight @ x) / count
    weighted = parts * weight
    gram = weighted @ parts.transpose(0, 2, 1) / count
    gram[:, range(gram.shape[1]), range(gram.shape[1])] += 1e-3
    factors = np.linalg.solve(gram, (weighted @ apart / count)[:, :, None])
    rest = apart - (factors.transpose(0, 2, 1) @ parts)[:, 0]
    rest *= rest
    noise = np.maximum(rest @ weight / count, _NONE)[:, None]
    terms = (-0.5 * weight) * (rest / noise + np.log(2 * np.pi * noise))
    one = np.ones((len(parts), 1), np.float32)
    return Fit(np.arange(len(parts)), terms, np.ones_like(rest), one, 0 * one, np.sqrt(noise))


def mixture(
    x: Float[np.ndarray, " d"],
    rows: Float[np.ndarray, "s d"],
    other: Float[np.ndarray, " d"],
    first: tuple[float, float],
    known: Float[np.ndarray, " d"] | None = None,
    limits: tuple[Float[np.ndarray, "s d"], Float[np.ndarray, "s d"]] | None = None,
) -> Fit:
    """Fit kept and replaced coordinates by EM.

    Args:
        x: the cue.
        rows: p.
        other: q at the cue's coordinates.
        first: σ and π at the start.
        known: 1 for known coordinates, 0 for others; None for all.
        limits: least and largest value of kept coordinates; None for p itself.
    """
    size = (len(rows), 1)
    gain, offset = np.ones(size, np.float32), np.zeros(size, np.float32)
    noise, lost = (np.full(size, v, np.float32) for v in first)
    some, count = np.arange(len(rows)), x.size if known is None else known.sum()
    kept = total = np.empty(0, np.float32)
    for k in range(_FIRST + _LAST + 1):
        target = rows if limits is None else np.clip((x - offset) / gain, *limits)
        rest = x - gain * target - offset
        wide = _ROOT * noise
        if limits is not None:
            wide = wide + gain * (limits[1] - limits[0])
        total = rest / noise
        total *= total
        total *= -0.5
        kept = np.exp(total, out=total)
        kept *= (1 - lost) / wide
        total = kept + lost * other
        kept /= total
        if k == _FIRST + _LAST:
            break
        if k == _FIRST and len(some) > _BEST:
            score = np.log(total)
            score = score.sum(axis=1) if known is None else score @ known
            best = np.argpartition(-score, _BEST - 1)[:_BEST]
            some, rows, kept, rest, target = (v[best] for v in (some, rows, kept, rest, target))
            gain, offset, noise, lost = (v[best] for v in (gain, offset, noise, lost))
            limits = None if limits is None else (limits[0][best], limits[1][best])
        weight = kept if known is None else kept * known
        sums = weight.sum(axis=1, keepdims=True) + 1e-6
        lost = np.clip(1 - sums / count, *_LOST)
        mean_x = (weight @ x)[:, None] / sums
        weighted = weight * target
        mean = weighted.sum(axis=1, keepdims=True) / sums
        along = (weighted @ x)[:, None] / sums - mean_x * mean
        weighted *= target
        square = weighted.sum(axis=1, keepdims=True) / sums - mean**2
        gain = np.clip((along + _CONTRAST) / (np.maximum(square, 0) + _CONTRAST), *_CONTRASTS)
        offset = mean_x - gain * mean
        rest = x - gain * target - offset
        rest *= rest
        rest *= weight
        noise = np.maximum(np.sqrt(rest.sum(axis=1, keepdims=True) / sums), _LEAST)
    terms = np.log(total)
    if known is not None:
        terms *= known
    return Fit(some, terms, kept, gain, offset, noise)


def lead(
    terms: Float[np.ndarray, "s d"], best: int, count: float | None = None
) -> Float[np.ndarray, " s"]:
    """Return z of one row against all: 0 against itself.

    Args:
        terms: log densities.
        best: the row.
        count: of known coordinates, if not all.
    """
    apart = terms[best] - terms
    count = terms.shape[1] if count is None else count
    total = apart.sum(axis=1)
    square = np.einsum("ij,ij->i", apart, apart) - total**2 / count
    return total / np.sqrt(np.maximum(square, 0) + _NONE)
