r"""Cues made from patterns: noise and missing or flipped coordinates, of a stated size.

Trial t of pattern k has its own stream of random numbers, seeded by (seed, k, t). It is the same
whatever else is drawn with it, and at every size (common random numbers): the noise of a trial
grows along one direction, and the coordinates lost at one size are among those lost at a larger
one. So a recall curve is smooth in the size, and bisection over sizes is meaningful.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.seeds import generator
from attractory._util.validation import as_points, choice, whole, within

__all__ = ["Noise", "absolute_size", "corrupt"]

Kind = Literal["gaussian", "sphere", "mask", "salt_and_pepper"]
KINDS = ("gaussian", "sphere", "mask", "salt_and_pepper")
SHARES = ("mask", "salt_and_pepper")  # kinds whose size is a share of the coordinates


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How cues are made from patterns; how much, and how often, is said where it is used.

    Attributes:
        kind: "gaussian", "sphere", "mask" or "salt_and_pepper", as for `corrupt`.
        relative: whether sizes are relative to each pattern's norm (`absolute_size`); if not, they
            are in the units of the patterns, as the paper's noise radius. Without effect on the
            kinds whose size is a share of the coordinates.
        fill: what a masked coordinate becomes.
        seed: of the random numbers. The cues depend on it alone.

    Raises:
        ValueError: for an unknown kind, a fill that is not finite, or a negative seed.

    Example:
        >>> Noise(kind="mask", seed=3)
        Noise(kind='mask', relative=True, fill=0.0, seed=3)
    """

    kind: Kind = "gaussian"
    relative: bool = True
    fill: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        choice(self.kind, "kind", KINDS)
        checked = {
            "relative": bool(self.relative),
            "fill": float(within(self.fill, "fill", -np.inf, np.inf, ())),
            "seed": whole(self.seed, "seed", 0),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def is_share(self) -> bool:
        """Whether a size is a share of the coordinates."""
        return self.kind in SHARES


def corrupt(
    patterns: ArrayLike,
    kind: Kind,
    size: int | float | ArrayLike,
    *,
    trials: int = 1,
    first: int = 0,
    seed: int = 0,
    fill: float = 0.0,
) -> Float[np.ndarray, "t n d"]:
    """Return corrupted copies of patterns, `trials` of each.

    Args:
        patterns: (n, d).
        kind: "gaussian": independent normal noise on every coordinate, size its standard deviation,
            the "noise radius" of Jiang & Pehlevan (2020, appendix E.2);
            "sphere": a point uniform on the sphere of radius size around the pattern;
            "mask": a share, size, of the coordinates, chosen at random, set to `fill`;
            "salt_and_pepper": a share of the coordinates set to the pattern's own smallest or
            largest value, by a fair coin. A share means round(size · d) coordinates, exactly.
        size: in the units of the patterns, or the share; one number, or one a pattern, (n,), or one
            a cue, (trials, n). `absolute_size` turns relative sizes into these.
        trials: copies of each pattern.
        first: number of the first trial; trials 0–99 are those of 0–49 and of 50–99.
        seed: of the random numbers.
        fill: what a masked coordinate becomes; 0 is the mean of patterns that were centred.

    Returns:
        Cues (trials, n, d).

    Raises:
        ValueError: for patterns that are not finite, a negative size, a share above 1, an unknown
            kind, trials < 1.

    Example:
        >>> cues = corrupt([[3.0, 4.0], [0.0, 5.0]], "sphere", 2.0, trials=3)
        >>> np.linalg.norm(cues - [[3.0, 4.0], [0.0, 5.0]], axis=2).round(12).tolist()
        [[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]
    """
    x = as_points(patterns, "patterns")
    noise = Noise(kind=kind, fill=fill, seed=seed)
    trials, first = whole(trials, "trials", 1), whole(first, "first", 0)
    sizes = within(size, f"size of {kind!r}", 0.0, _most(kind), (trials, len(x)))
    origin = np.tile(np.arange(len(x)), trials)
    trial = np.repeat(np.arange(first, first + trials), len(x))
    drawn = draw(noise, origin, trial, x.shape[1])
    return apply(noise, x[origin], sizes.ravel(), drawn).reshape(trials, *x.shape)


def absolute_size(
    patterns: ArrayLike, kind: Kind, relative: int | float | ArrayLike
) -> Float[np.ndarray, "*s n"]:
    """Return the size at which the noise has `relative` times each pattern's norm.

    For "sphere" that is relative · norm, for "gaussian" relative · norm/√d, whose noise has that
    norm in root mean square. Shares have no units and are returned as they are.

    Args:
        patterns: (n, d).
        kind: as for `corrupt`.
        relative: any shape (…).

    Returns:
        Sizes (…, n).

    Raises:
        ValueError: for patterns that are not finite, an unknown kind, a negative size or a share
            above 1.

    Example:
        >>> absolute_size([[3.0, 4.0, 0.0, 0.0]], "gaussian", [1.0, 2.0]).tolist()
        [[2.5], [5.0]]
    """
    x = as_points(patterns, "patterns")
    choice(kind, "kind", KINDS)
    factor = np.ones(len(x)) if kind in SHARES else np.linalg.norm(x, axis=1)
    if kind == "gaussian":
        factor = factor / np.sqrt(x.shape[1])
    return within(relative, "relative", 0.0, _most(kind))[..., None] * factor


def _most(kind: str) -> float:
    """Return the largest size of a kind."""
    return 1.0 if kind in SHARES else np.inf


def draw(
    noise: Noise, origin: Int[np.ndarray, " m"], trial: Int[np.ndarray, " m"], dim: int
) -> Float[np.ndarray, "m d"]:
    """Return what is random in the cues of these patterns and trials, whatever their size.

    For "gaussian" standard normal noise, for "sphere" a unit vector. For the shares the order in
    which coordinates go, from 0; for "salt_and_pepper" ½ is added where the largest value is to
    come.
    """
    out = np.empty((len(origin), dim))
    for row, k, t in zip(out, origin.tolist(), trial.tolist(), strict=True):
        rng = generator(noise.seed, "noise", k, t)
        if noise.is_share:
            row[rng.permutation(dim)] = np.arange(dim)
            if noise.kind == "salt_and_pepper":
                row += 0.5 * rng.integers(0, 2, dim)
        else:
            row[:] = rng.standard_normal(dim)
    if noise.kind == "sphere":
        out /= np.linalg.norm(out, axis=1, keepdims=True)
    return out


def apply(
    noise: Noise,
    x: Float[np.ndarray, "m d"],
    size: Float[np.ndarray, " m"],
    drawn: Float[np.ndarray, "m d"],
) -> Float[np.ndarray, "m d"]:
    """Return the cues of patterns x at absolute sizes, from what `draw` gave for them."""
    if not noise.is_share:
        return x + size[:, None] * drawn
    lost = drawn < np.round(size * x.shape[1])[:, None]
    if noise.kind == "mask":
        return np.where(lost, noise.fill, x)
    high = drawn % 1 > 0
    ends = np.where(high, x.max(axis=1, keepdims=True), x.min(axis=1, keepdims=True))
    return np.where(lost, ends, x)
