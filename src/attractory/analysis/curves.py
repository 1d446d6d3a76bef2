r"""Recall curves: the share of corrupted cues recalled, against the size of the corruption.

Every share comes with its exact Clopper–Pearson interval. The trials of one pattern at one size are
independent, so its interval holds with the stated confidence. Pooled over patterns the trials have
different chances; the binomial interval is then too wide, if anything (Hoeffding, 1956), and holds
for these patterns, not for others. Different sizes share their random numbers
(`analysis.corruption`), and so are not independent of each other.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.plotted import Plotted
from attractory._util.precision import double
from attractory._util.progress import Progress, counting, reporting
from attractory._util.statistics import clopper_pearson
from attractory._util.validation import as_points, ascending, share, whole
from attractory.analysis.corruption import Noise, absolute_size, apply, draw
from attractory.analysis.outcomes import Outcome, RecallRule, make_judge
from attractory.maps.protocol import Map, dim_of

__all__ = ["RecallCurve", "recall_curve", "recalled_share"]

_CHUNK = 1024  # cues iterated at a time by default; bounds the memory
_KEPT = 2**24  # random numbers of all cues that are kept from one size to the next


@dataclass(frozen=True)
class RecallCurve(Plotted):
    """Outcomes of cues by pattern and size.

    Attributes:
        sizes: of the corruption, ascending, (s,): relative to each pattern's norm, in the units of
            the patterns, or shares of the coordinates; see `unit`.
        counts: cues by pattern, size and `Outcome`, (n, s, 7).
        trials: cues of each pattern at each size.
        norms: of the patterns, (n,).
        residual: ‖f(x) − x‖/‖x‖ of the patterns, (n,).
        noise, rule, confidence: as given.
    """

    sizes: Float[np.ndarray, " s"]
    counts: Int[np.ndarray, "n s k"]
    trials: int
    norms: Float[np.ndarray, " n"]
    residual: Float[np.ndarray, " n"]
    noise: Noise
    rule: RecallRule
    confidence: float

    @property
    def unit(self) -> str:
        """What the sizes are, in words."""
        if self.noise.is_share:
            return "share of coordinates"
        if self.noise.relative:
            return "noise norm / pattern norm"
        return "standard deviation" if self.noise.kind == "gaussian" else "radius"

    @property
    def successes(self) -> Int[np.ndarray, "n s"]:
        """Cues recalled, (n, s)."""
        return self.counts[..., Outcome.RECALLED]

    @property
    def fraction(self) -> Float[np.ndarray, "n s"]:
        """Share of cues recalled within the rule's steps, (n, s); LATE ones are not."""
        return self.successes / self.trials

    @property
    def interval(self) -> tuple[Float[np.ndarray, "n s"], Float[np.ndarray, "n s"]]:
        """Ends of the interval of each fraction, (n, s) twice."""
        return clopper_pearson(self.successes, self.trials, self.confidence)

    @property
    def pooled_counts(self) -> Int[np.ndarray, "s k"]:
        """Cues of all patterns by size and `Outcome`, (s, 7)."""
        return self.counts.sum(axis=0)

    @property
    def pooled_fraction(self) -> Float[np.ndarray, " s"]:
        """Share of the cues of all patterns recalled, (s,)."""
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
        return {
            "trials": self.trials,
            "corruption": self.noise.kind,
            "relative": self.noise.relative,
            "fill": self.noise.fill,
            "seed": self.noise.seed,
            **asdict(self.rule),
            "confidence": self.confidence,
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
        slow = int(self.counts[..., [Outcome.LATE, Outcome.UNDECIDED]].sum())
        late = f"; {slow} cues late or too slow to tell" if slow else ""
        return (
            f"RecallCurve({n} patterns × {s} sizes × {self.trials} trials of {self.noise.kind}: "
            f"{first:.1%} recalled at {self.sizes[0]:g}, {last:.1%} at {self.sizes[-1]:g}{late})"
        )


@double
def recall_curve(
    f: Map,
    patterns: ArrayLike,
    sizes: ArrayLike,
    *,
    noise: Noise = Noise(),
    trials: int = 100,
    rule: RecallRule = RecallRule(),
    confidence: float = 0.95,
    chunk: int = _CHUNK,
    progress: Progress = None,
) -> RecallCurve:
    """Corrupt every pattern many times at every size, and count where the cues end.

    Success is the rule of Jiang & Pehlevan (2020, appendix E.2): within the tolerance of the
    pattern after the step limit; `recall_outcomes` applies it, and says what became of the others.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations, run in its `dtype`, float64 if it
            has none.
        patterns: the stored patterns, (n, d); fixed points of f.
        sizes: of the corruption, ascending, (s,): relative to each pattern's norm unless the noise
            says otherwise, or shares of the coordinates.
        noise: how the cues are made. They depend on it alone; so do the counts, except for a cue so
            near to a boundary that rounding decides.
        trials: cues of each pattern at each size.
        rule: when a cue counts as recalled.
        confidence: of the intervals.
        chunk: cues iterated at a time; bounds the memory.
        progress: a bar or none, or a function of cues done and cues in all; see `Progress`.

    Raises:
        ValueError: for sizes that are not above 0 and ascending, shares above 1, patterns that are
            not finite, zero or no fixed points of f (the message says which, and how far they
            move), or other numbers out of range.
        TypeError: if the map cannot be traced by JAX or changes the shape.

    Example:
        >>> from attractory.datasets import sphere
        >>> from attractory.maps.kernel_regression import fit_regression
        >>> patterns = sphere(4, 16, norm=20.0)
        >>> f = fit_regression(patterns, activation="erf")
        >>> curve = recall_curve(f, patterns, [0.5, 5.0], trials=50)
        >>> low, high = curve.pooled_interval
        >>> float(curve.pooled_fraction[0]), float(low[0].round(3))  # 200 of 200
        (1.0, 0.982)
    """
    sizes = ascending(sizes, "sizes")
    trials, chunk = whole(trials, "trials", 1), whole(chunk, "chunk", 1)
    confidence = share(confidence, "confidence")
    x = as_points(patterns, "patterns", dim=dim_of(f))
    n, dim = x.shape
    absolute = absolute_size(x, noise.kind, sizes)  # (s, n)
    if not noise.relative:
        absolute = np.broadcast_to(sizes[:, None], absolute.shape)
    judge = make_judge(f, x, rule)
    # One bound for the cues of all sizes, so that no result depends on the chunks.
    largest = 0.0 if noise.is_share else float(absolute.max()) * np.sqrt(dim)
    bound = judge.bound(float(judge.norms.max()) + largest)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the cues of a chunk of trials at each size, the random numbers drawn once."""
        for rows, drawn in _chunks(noise, x.shape, trials, chunk):
            for size in absolute:
                yield apply(noise, x[rows], size[rows], drawn), rows

    total = n * trials * len(sizes)
    with reporting(progress, "recall curve", counting) as report:
        ended = [r.outcome.astype(np.int8) for r in judge.run(batches(), bound, total, report)]
    # Batches come size after size within a chunk.
    by_size = [np.concatenate(ended[s :: len(sizes)]) for s in range(len(sizes))]
    outcome = np.stack(by_size, axis=1).reshape(n, trials, len(sizes))
    return RecallCurve(
        sizes=sizes,
        counts=np.stack([(outcome == o).sum(axis=1) for o in Outcome], axis=2),
        trials=trials,
        norms=judge.norms,
        residual=judge.residual,
        noise=noise,
        rule=rule,
        confidence=confidence,
    )


def recalled_share(
    f: Map, patterns: ArrayLike, *, noise: Noise, trials: int, rule: RecallRule
) -> Callable[[float], float]:
    """Return the share of all cues recalled as a function of the size of the noise.

    It is the pooled fraction of `recall_curve` at one size; the map is checked and random numbers
    are drawn once for all sizes. Arguments and errors are those of `recall_curve`, with noise that
    is relative to the norm.

    Example:
        >>> settings = {"noise": Noise(), "trials": 50, "rule": RecallRule()}
        >>> share_at = recalled_share(
        ...     lambda x: 1.5 * x - 0.5 * x**3, [[1.0], [-1.0]], **settings)
        >>> share_at(0.01), 0.5 < share_at(1.0) < 1
        (1.0, True)
    """
    trials = whole(trials, "trials", 1)
    x = as_points(patterns, "patterns", dim=dim_of(f))
    n, dim = x.shape
    judge = double(make_judge)(f, x, rule)
    chunks = _chunks(noise, x.shape, trials, _CHUNK)
    kept = list(chunks) if n * trials * dim <= _KEPT else None

    @double
    def at(size: float) -> float:
        (absolute,) = absolute_size(x, noise.kind, ascending([size], "sizes"))
        largest = 0.0 if noise.is_share else float(absolute.max()) * np.sqrt(dim)
        bound = judge.bound(float(judge.norms.max()) + largest)
        drawn = _chunks(noise, x.shape, trials, _CHUNK) if kept is None else kept
        batches = ((apply(noise, x[rows], absolute[rows], of), rows) for rows, of in drawn)
        ended = judge.run(batches, bound, n * trials, lambda done, total: None)
        return sum(int((r.outcome == Outcome.RECALLED).sum()) for r in ended) / n / trials

    return at


def _chunks(
    noise: Noise, shape: tuple[int, int], trials: int, chunk: int
) -> Iterator[tuple[Int[np.ndarray, " m"], Float[np.ndarray, "m d"]]]:
    """Yield the patterns of so many cues at a time, and what is random in these."""
    n, dim = shape
    origin, trial = np.repeat(np.arange(n), trials), np.tile(np.arange(trials), n)
    for k in range(0, n * trials, chunk):
        rows = origin[k : k + chunk]
        yield rows, draw(noise, rows, trial[k : k + chunk], dim)
