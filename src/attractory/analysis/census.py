r"""A census of attractors: from many starts, what does the map settle on?

Starts are iterated until each has settled on a fixed point or a cycle (`analysis.settling`). Starts
that agree are one attractor; the one that settled best is refined by Newton's method, which may
move it only a little. What it cannot improve stays as the iteration left it.

An attractor that no start reaches is not found. The share of starts that reach one estimates the
size of its basin under the distribution of the starts, with an exact Clopper–Pearson interval,
widened by the starts that were still undecided.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.plotted import Plotted
from attractory._util.precision import double
from attractory._util.progress import Progress, counting, reporting
from attractory._util.seeds import generator
from attractory._util.statistics import clopper_pearson
from attractory._util.validation import as_points, no_zero_rows, share, whole
from attractory.analysis.cycles import RefinedCycle, refine_cycle
from attractory.analysis.iteration import check_map
from attractory.analysis.outcomes import LIMIT, RecallRule, nearest_pattern
from attractory.analysis.settling import Settled, joined, settle
from attractory.analysis.spectrum import orbit_radius
from attractory.maps.protocol import Map, dim_of, dtype_of

__all__ = ["Attractor", "AttractorCensus", "attractor_census", "census_starts"]

START_KINDS = ("gaussian", "between", "far")
_FARTHEST = 10.0  # norm of a "far" start at most, relative to a pattern's
_SAME = 1e-5  # points nearer than this are one, relative to the scale of the starts
_ROUNDING = 1e3  # … or nearer than this many units of rounding
_REACH = 10.0  # how far Newton's method may move a point, in units of that distance


@dataclass(frozen=True)
class Attractor:
    """A fixed point or cycle that starts settled on.

    Attributes:
        points: of the cycle in its order, from the one of smallest first coordinate, (p, d).
        residual: ‖fᵖ(x) − x‖ at the first point, in the units of the starts.
        refined: whether Newton's method improved it; if not, it is as the iteration left it.
        spectral_radius: of the product of the Jacobians along the cycle. Below 1 it attracts; at 1
            or above, starts came to it along a direction that attracts, or began on it.
        hits: number of starts that settled on it.
        share: hits over all starts.
        interval: ends of the share's confidence interval. A start that was undecided may yet come
            here: the lower end counts it as elsewhere, the upper one as here.
        nearest: index of the stored pattern nearest to the cycle, −1 without patterns.
        distance: to that pattern, relative to its norm; infinite without patterns.
        stored: a fixed point at a stored pattern, within the tolerance.
    """

    points: Float[np.ndarray, "p d"]
    residual: float
    refined: bool
    spectral_radius: float
    hits: int
    share: float
    interval: tuple[float, float]
    nearest: int
    distance: float
    stored: bool

    @property
    def period(self) -> int:
        """1 for a fixed point."""
        return len(self.points)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists, numbers and strings; no pattern is None."""
        known = self.nearest >= 0
        return {
            "period": self.period,
            "points": self.points.tolist(),
            "residual": self.residual,
            "refined": self.refined,
            "spectral_radius": self.spectral_radius,
            "hits": self.hits,
            "share": self.share,
            "interval": list(self.interval),
            "nearest": self.nearest if known else None,
            "distance": self.distance if known else None,
            "stored": self.stored,
        }

    def __repr__(self) -> str:
        """Summarise it in a line."""
        what = "fixed point" if self.period == 1 else f"cycle of period {self.period}"
        place = "not stored"
        if self.stored:
            place = f"{self.distance:.1g} of the norm from pattern {self.nearest}"
        return (
            f"Attractor({what}, {place}: {self.hits} starts, {self.share:.1%}; "
            f"spectral radius {self.spectral_radius:.3f}, residual {self.residual:.1e})"
        )


@dataclass(frozen=True)
class AttractorCensus(Plotted):
    """What the starts settled on.

    Attributes:
        attractors: by number of starts that reach them, most first.
        label: for each start the index of its attractor, −1 if it was undecided at the step limit,
            −2 if it diverged, (starts,).
        kind: how each start was drawn, (starts,), of "gaussian", "between", "far", "given".
        patterns: number of stored patterns.
        rule, confidence, seed: as given.
    """

    attractors: tuple[Attractor, ...]
    label: Int[np.ndarray, " m"]
    kind: np.ndarray
    patterns: int
    rule: RecallRule
    confidence: float
    seed: int

    @property
    def starts(self) -> int:
        """How many starts there were."""
        return len(self.label)

    @property
    def undecided(self) -> int:
        """Starts still moving at the step limit."""
        return int((self.label == -1).sum())

    @property
    def diverged(self) -> int:
        """Starts that left every bound, or became NaN."""
        return int((self.label == -2).sum())

    @property
    def stored(self) -> tuple[Attractor, ...]:
        """Attractors at stored patterns."""
        return tuple(a for a in self.attractors if a.stored)

    @property
    def spurious(self) -> tuple[Attractor, ...]:
        """All other attractors."""
        return tuple(a for a in self.attractors if not a.stored)

    @property
    def spurious_share(self) -> float:
        """Share of all starts that settled on what was never stored; undecided ones may yet do."""
        return sum(a.hits for a in self.spurious) / self.starts

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists, numbers and strings, ready for JSON."""
        return {
            "starts": self.starts,
            "undecided": self.undecided,
            "diverged": self.diverged,
            "patterns": self.patterns,
            "tolerance": self.rule.tolerance,
            "max_steps": self.rule.max_steps,
            "max_period": self.rule.max_period,
            "confidence": self.confidence,
            "seed": self.seed,
            "label": self.label.tolist(),
            "kind": self.kind.tolist(),
            "attractors": [a.to_dict() for a in self.attractors],
        }

    def __repr__(self) -> str:
        """Summarise the census."""
        cycles = sum(a.period > 1 for a in self.attractors)
        return (
            f"AttractorCensus({len(self.stored)} of {self.patterns} patterns and "
            f"{len(self.spurious)} spurious ({cycles} cycles) from {self.starts} starts; "
            f"{self.spurious_share:.1%} end spurious, {self.undecided} undecided, "
            f"{self.diverged} diverged)"
        )


def census_starts(
    patterns: ArrayLike, count: int, *, seed: int = 0
) -> tuple[Float[np.ndarray, "m d"], np.ndarray]:
    """Draw starting states around and far from patterns.

    In turn: "gaussian", normal noise about 0 whose root-mean-square norm is that of a pattern
    picked at random; "between", a uniform point on the segment between two patterns (between one
    and 0, if it is the only one); "far", a random direction at 2 to 10 times a pattern's norm.

    Args:
        patterns: (n, d).
        count: how many.
        seed: of the numbers.

    Returns:
        Starts (count, d) and their kinds (count,).

    Raises:
        ValueError: for patterns that are not finite, or zero; count < 1.

    Example:
        >>> starts, kinds = census_starts(np.eye(3), 4)
        >>> starts.shape, kinds.tolist()
        ((4, 3), ['gaussian', 'between', 'far', 'gaussian'])
    """
    x = as_points(patterns, "patterns")
    no_zero_rows(x, "patterns")
    count, rng = whole(count, "count", 1), generator(whole(seed, "seed", 0), "census")
    n, dim = x.shape
    first = rng.integers(n, size=count)
    # The second of a pair is another pattern than the first.
    second = (first + rng.integers(1, n, size=count)) % n if n > 1 else first
    noise, share_ = rng.standard_normal((count, dim)), rng.random((count, 1))
    norm = np.linalg.norm(x, axis=1)[first, None]
    far = 2 + (_FARTHEST - 2) * share_
    kind = np.resize(START_KINDS, count)
    other = x[second] if n > 1 else np.zeros_like(noise)
    draws = {
        "gaussian": norm / np.sqrt(dim) * noise,
        "between": x[first] + share_ * (other - x[first]),
        "far": far * norm * noise / np.linalg.norm(noise, axis=1, keepdims=True),
    }
    return np.select([(kind == k)[:, None] for k in START_KINDS], list(draws.values())), kind


@double
def attractor_census(
    f: Map,
    patterns: ArrayLike | None = None,
    *,
    starts: ArrayLike | None = None,
    count: int = 1000,
    rule: RecallRule = RecallRule(max_steps=2000),
    confidence: float = 0.95,
    seed: int = 0,
    chunk: int = 1024,
    progress: Progress = None,
) -> AttractorCensus:
    """Iterate a map from many starts and describe what they settle on, cycles included.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations, run in its `dtype`, float64 if it
            has none. Its `jacobian_factors` or `jacobian` are used where it has them.
        patterns: stored patterns, (n, d), to tell from the rest and to draw starts from.
        starts: (m, d); by default `census_starts(patterns, count, seed=seed)`.
        count: how many starts to draw.
        rule: its `max_steps` are the most applications of the map, in whole blocks of
            `max_period`, the longest period that is recognised; within its `tolerance` of a
            pattern a fixed point is "stored". Its `extra_steps` are not used.
        confidence: of the intervals.
        seed: of the starts.
        chunk: starts iterated at a time; bounds the memory.
        progress: a bar or none, or a function of starts done and starts in all; see `Progress`.

    Raises:
        ValueError: if neither patterns nor starts are given, values are not finite, a pattern is
            zero, shapes disagree, or numbers are out of range.
        TypeError: if the map cannot be traced or differentiated by JAX, or changes the shape.

    Example:
        >>> census = attractor_census(lambda x: 1.5 * x - 0.5 * x**3, starts=[[0.5], [-0.5], [0.1]])
        >>> [(a.points.round(9).tolist(), a.hits) for a in census.attractors]
        [([[1.0]], 2), ([[-1.0]], 1)]
    """
    dim = dim_of(f)
    x = None if patterns is None else as_points(patterns, "patterns", dim=dim)
    if x is not None:
        no_zero_rows(x, "patterns")
        dim = x.shape[1]
    if starts is not None:
        points = as_points(starts, "starts", dim=dim)
        kind = np.full(len(points), "given")
    elif x is not None:
        points, kind = census_starts(x, count, seed=seed)
    else:
        raise ValueError("starts or patterns must be given; starts are drawn from patterns")
    confidence = share(confidence, "confidence")
    chunk, seed = whole(chunk, "chunk", 1), whole(seed, "seed", 0)

    norms = np.linalg.norm(points if x is None else x, axis=1)
    scale = float(np.sqrt(np.mean(norms**2))) or 1.0
    bound = LIMIT * max(scale, float(np.linalg.norm(points, axis=1).max()))
    start = points.astype(dtype_of(f))
    check_map(f, start)
    ends = []
    with reporting(progress, "census", counting) as report:
        for k in range(0, len(start), chunk):
            part = start[k : k + chunk]
            size = np.full(len(part), scale)
            ends.append(settle(f, part, size, rule.max_steps, rule.max_period, bound))
            report(k + len(part), len(start))
    end = joined(ends)
    found, label = _distinct(f, end, scale)

    hits = np.bincount(label[label >= 0], minlength=len(found))
    order = np.argsort(-hits, kind="stable")
    rank = np.append(np.argsort(order), [-2, -1])  # labels −2 and −1 stand for themselves
    low = clopper_pearson(hits, len(start), confidence)[0]
    high = clopper_pearson(hits + int((label == -1).sum()), len(start), confidence)[1]
    attractors = [
        _described(
            f, found[k], hits=int(hits[k]), count=len(start),
            interval=(float(low[k]), float(high[k])), patterns=x, tolerance=rule.tolerance,
        )
        for k in order.tolist()
    ]  # fmt: skip
    return AttractorCensus(
        attractors=tuple(attractors),
        label=rank[label],
        kind=kind,
        patterns=0 if x is None else len(x),
        rule=rule,
        confidence=confidence,
        seed=seed,
    )


def _described(
    f: Map,
    cycle: RefinedCycle,
    *,
    hits: int,
    count: int,
    interval: tuple[float, float],
    patterns: Float[np.ndarray, "n d"] | None,
    tolerance: float,
) -> Attractor:
    """Return an attractor with its spectral radius and the nearest stored pattern."""
    nearest, distance = -1, np.inf
    if patterns is not None:
        near, error = nearest_pattern(cycle.points, patterns, np.linalg.norm(patterns, axis=1))
        nearest, distance = int(near[error.argmin()]), float(error.min())
    return Attractor(
        points=cycle.points,
        residual=cycle.residual,
        refined=cycle.refined,
        spectral_radius=orbit_radius(f, cycle.points),
        hits=hits,
        share=hits / count,
        interval=interval,
        nearest=nearest,
        distance=distance,
        stored=len(cycle.points) == 1 and distance <= tolerance,
    )


def _distinct(
    f: Map, end: Settled, scale: float
) -> tuple[list[RefinedCycle], Int[np.ndarray, " m"]]:
    """Return the attractors found, and which of them each start reached; −1 none, −2 diverged."""
    found: list[RefinedCycle] = []
    label = np.where(end.diverged, -2, -1)
    same_as = max(_SAME, _ROUNDING * float(np.finfo(end.state.dtype).eps)) * scale
    rest = np.flatnonzero(end.period)
    while len(rest):
        # The start that settled best stands for all that agree with it.
        best = rest[np.argmin(end.residual[rest])]
        cycle = refine_cycle(
            f, end.state[best].astype(float), int(end.period[best]), _REACH * same_as
        )
        same = [
            k for k, other in enumerate(found)
            if len(other.points) == len(cycle.points)
            and _apart(cycle.points[:1], other.points)[0] <= same_as
        ]  # fmt: skip
        if not same:
            found.append(cycle)
        reached = end.period[rest] == len(cycle.points)
        reached[reached] = _apart(end.state[rest[reached]], cycle.points) <= same_as
        reached |= rest == best
        label[rest[reached]] = same[0] if same else len(found) - 1
        rest = rest[~reached]
    return found, label


def _apart(
    states: Float[np.ndarray, "m d"], points: Float[np.ndarray, "p d"]
) -> Float[np.ndarray, " m"]:
    """Return the distance of each state from the nearest of a cycle's points."""
    return np.min([np.linalg.norm(states - point, axis=1) for point in points], axis=0)
