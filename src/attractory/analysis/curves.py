r"""Recall curves: the share of corrupted cues that come home, against the size of the corruption.

Every share comes with its exact Clopper–Pearson interval. The trials of one pattern at one size are
independent, so its interval holds with the stated confidence. Pooled over patterns the trials have
different chances; the binomial interval is then wider than need be, if anything (Hoeffding, 1956),
and speaks of these patterns, not of others. Different sizes share their random numbers
(`analysis.corruption`), and so are not independent of each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from attractory._util.precision import double
from attractory._util.progress import counting, reporting
from attractory._util.statistics import clopper_pearson
from attractory._util.validation import as_points, ascending, choice, share, whole, within
from attractory.analysis.corruption import KINDS, SHARES, Kind, absolute_size, apply, draw
from attractory.analysis.outcomes import Outcome, make_judge
from attractory.maps.protocol import Map, dim_of

__all__ = ["RecallCurve", "recall_curve"]


@dataclass(frozen=True)
class RecallCurve:
    """Outcomes of cues by pattern and size.

    Attributes:
        sizes: of the corruption, ascending, (s,): relative to each pattern's norm, in the units of
            the patterns, or shares of the coordinates; see `unit`.
        counts: cues by pattern, size and `Outcome`, (n, s, 6).
        trials: cues of each pattern at each size.
        norms: of the patterns, (n,).
        residual: ‖f(x) − x‖/‖x‖ of the patterns, (n,).
        corruption, relative, fill, max_steps, tolerance, extra_steps, max_period, confidence, seed:
            as given.
    """

    sizes: Float[np.ndarray, " s"]
    counts: Int[np.ndarray, "n s k"]
    trials: int
    norms: Float[np.ndarray, " n"]
    residual: Float[np.ndarray, " n"]
    corruption: str
    relative: bool
    fill: float
    max_steps: int
    tolerance: float
    extra_steps: int
    max_period: int
    confidence: float
    seed: int

    @property
    def unit(self) -> str:
        """What the sizes are, in words."""
        if self.corruption in SHARES:
            return "share of coordinates"
        if self.relative:
            return "noise norm / pattern norm"
        return "standard deviation" if self.corruption == "gaussian" else "radius"

    @property
    def successes(self) -> Int[np.ndarray, "n s"]:
        """Cues that came home, (n, s)."""
        return self.counts[..., Outcome.HOME]

    @property
    def fraction(self) -> Float[np.ndarray, "n s"]:
        """Share of cues that came home, (n, s)."""
        return self.successes / self.trials

    @property
    def interval(self) -> tuple[Float[np.ndarray, "n s"], Float[np.ndarray, "n s"]]:
        """Ends of the interval of each fraction, (n, s) twice."""
        return clopper_pearson(self.successes, self.trials, self.confidence)

    @property
    def pooled_counts(self) -> Int[np.ndarray, "s k"]:
        """Cues of all patterns by size and `Outcome`, (s, 6)."""
        return self.counts.sum(axis=0)

    @property
    def pooled_fraction(self) -> Float[np.ndarray, " s"]:
        """Share of the cues of all patterns that came home, (s,)."""
        return self.successes.mean(axis=0) / self.trials

    @property
    def pooled_interval(self) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
        """Ends of the interval of each pooled fraction, (s,) twice."""
        total = self.trials * len(self.counts)
        return clopper_pearson(self.successes.sum(axis=0), total, self.confidence)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists, numbers and strings, ready for JSON."""
        low, high = self.interval
        pooled_low, pooled_high = self.pooled_interval
        settings = {
            name: getattr(self, name)
            for name in (
                "trials", "corruption", "relative", "fill", "max_steps", "tolerance", "extra_steps",
                "max_period", "confidence", "seed",
            )
        }  # fmt: skip
        return {
            **settings,
            "unit": self.unit,
            "sizes": self.sizes.tolist(),
            "norms": self.norms.tolist(),
            "residual": self.residual.tolist(),
            "counts": {o.name.lower(): self.counts[..., o].tolist() for o in Outcome},
            "fraction": self.fraction.tolist(),
            "low": low.tolist(),
            "high": high.tolist(),
            "pooled": {
                "counts": {o.name.lower(): self.pooled_counts[:, o].tolist() for o in Outcome},
                "fraction": self.pooled_fraction.tolist(),
                "low": pooled_low.tolist(),
                "high": pooled_high.tolist(),
            },
        }

    def __repr__(self) -> str:
        """Summarise the curve by its ends."""
        n, s, _ = self.counts.shape
        first, last = self.pooled_fraction[[0, -1]]
        return (
            f"RecallCurve({n} patterns × {s} sizes × {self.trials} trials of {self.corruption}: "
            f"{first:.1%} home at {self.sizes[0]:g}, {last:.1%} at {self.sizes[-1]:g})"
        )


@double
def recall_curve(
    f: Map,
    patterns: ArrayLike,
    sizes: ArrayLike,
    *,
    corruption: Kind = "gaussian",
    relative: bool = True,
    fill: float = 0.0,
    trials: int = 100,
    max_steps: int = 50,
    tolerance: float = 0.01,
    extra_steps: int = 500,
    max_period: int = 12,
    confidence: float = 0.95,
    seed: int = 0,
    chunk: int = 1024,
    progress: bool | Callable[[int, int], object] | None = None,
) -> RecallCurve:
    """Corrupt every pattern many times at every size, and count where the cues end.

    Success is the rule of Jiang & Pehlevan (2020, appendix E.2): within `tolerance` of the pattern
    after `max_steps` steps; `analysis.outcomes` tells it, and what became of the others.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations, run in its `dtype`, float64 if it
            has none.
        patterns: the stored patterns, (n, d); fixed points of f.
        sizes: of the corruption, ascending, (s,).
        corruption, fill: as for `analysis.corruption.corrupt`.
        relative: sizes are relative to each pattern's norm; False for the paper's noise radius.
            Without effect on shares.
        trials: cues of each pattern at each size.
        max_steps, tolerance, extra_steps, max_period: as for `analysis.outcomes.recall_outcomes`.
        confidence: of the intervals.
        seed: of the corruption. The cues depend on it alone; so do the counts, but for a cue so
            near to a boundary that rounding decides.
        chunk: cues iterated at a time; bounds the memory.
        progress: True or False for a bar; by default one on a terminal if the run takes long. Or a
            function of cues done and cues in all.

    Raises:
        ValueError: for sizes that are not above 0 and ascending, shares above 1, patterns that are
            not finite, zero or no fixed points of f (the message says which, and how far they
            move), or other numbers out of range.
        TypeError: if the map cannot be traced by JAX or changes the shape.

    Example:
        >>> from attractory.datasets import sphere
        >>> from attractory.maps.kernel_regression import fit_regression
        >>> patterns = sphere(5, 30, norm=20.0)
        >>> curve = recall_curve(fit_regression(patterns), patterns, [0.5, 5.0], trials=40)
        >>> low, high = curve.pooled_interval
        >>> float(curve.pooled_fraction[0]), float(low[0].round(3))  # 200 of 200
        (1.0, 0.982)
    """
    sizes = ascending(sizes, "sizes")
    choice(corruption, "corruption", KINDS)
    trials, chunk = whole(trials, "trials", 1), whole(chunk, "chunk", 1)
    seed, confidence = whole(seed, "seed", 0), share(confidence, "confidence")
    fill = float(within(fill, "fill", -np.inf, np.inf, ()))
    x = as_points(patterns, "patterns", dim=dim_of(f))
    n, dim = x.shape
    scaled = absolute_size(x, corruption, sizes)  # (s, n)
    if not relative:
        scaled = np.broadcast_to(sizes[:, None], scaled.shape)
    judge = make_judge(
        f, x, max_steps=max_steps, tolerance=tolerance, extra_steps=extra_steps,
        max_period=max_period,
    )  # fmt: skip
    # Of all cues together, so that no chunk has a bound of its own.
    largest = 0.0 if corruption in SHARES else float(scaled.max()) * np.sqrt(dim)
    bound = judge.bound(float(judge.norms.max()) + largest)

    ended = np.empty((n * trials, len(sizes)), np.int8)
    home, trial = np.repeat(np.arange(n), trials), np.tile(np.arange(trials), n)
    total, done = n * trials * len(sizes), 0
    with reporting(progress, "recall curve", counting) as report:
        for k in range(0, n * trials, chunk):
            who = home[k : k + chunk]
            drawn = draw(corruption, who, trial[k : k + chunk], dim, seed)
            for s, size in enumerate(scaled):
                cues = apply(x[who], corruption, size[who], drawn, fill)
                ended[k : k + chunk, s] = judge(cues, who, bound).outcome
                done += len(who)
                report(done, total)
    by_pattern = ended.reshape(n, trials, len(sizes))
    counts = np.stack([(by_pattern == o).sum(axis=1) for o in Outcome], axis=2)
    return RecallCurve(
        sizes, counts, trials, judge.norms, judge.residual, corruption, bool(relative),
        fill, judge.max_steps, judge.tolerance, judge.extra_steps, judge.max_period,
        confidence, seed,
    )  # fmt: skip
