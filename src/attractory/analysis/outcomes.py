r"""What became of a cue: recalled, at another pattern, at something never stored, or nowhere.

The rule of success is that of Jiang & Pehlevan (2020, appendix E.2): at most `max_steps` (50)
applications of the map, and at the end the state lies within `tolerance` of the pattern the cue was
made from, relative to that pattern's norm. Nothing else decides RECALLED.

Cues that are by then neither there nor at another pattern are followed for `extra_steps` more, only
to learn where they were going (`analysis.settling` says when a state has settled).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.plotted import Plotted
from attractory._util.precision import double
from attractory._util.progress import Progress, counting, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_batch, as_points, indices, no_zero_rows, share, whole
from attractory.analysis.iteration import RecallStatus, check_map, iterate
from attractory.analysis.settling import settle
from attractory.maps.protocol import Map, dim_of, dtype_of

__all__ = ["Outcome", "OutcomeResult", "RecallRule", "recall_outcomes"]

FIXED = 0.1  # a pattern is stored if one step moves it by at most this part of the tolerance
LIMIT = 1e6  # a norm this many times that of patterns and cues has diverged
_FROZEN = 1e-8  # a relative step so small that max_steps of them would not count


@dataclass(frozen=True, kw_only=True)
class RecallRule:
    """When a cue counts as recalled, and how far the others are followed.

    Attributes:
        max_steps: applications of the map after which success is judged.
        tolerance: distance from a pattern, relative to its norm, within which a state is at it;
            between 0 and 1.
        extra_steps: most further applications that tell where the other cues go, in blocks of
            `max_period`, at least two; 0 leaves them undecided.
        max_period: longest period at which a cycle is recognised.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> RecallRule(max_steps=200)
        RecallRule(max_steps=200, tolerance=0.01, extra_steps=500, max_period=12)
    """

    max_steps: int = 50
    tolerance: float = 0.01
    extra_steps: int = 500
    max_period: int = 12

    def __post_init__(self) -> None:
        """Check the numbers."""
        checked = {
            "max_steps": whole(self.max_steps, "max_steps", 1),
            "extra_steps": whole(self.extra_steps, "extra_steps", 0),
            "tolerance": share(self.tolerance, "tolerance"),
            "max_period": whole(self.max_period, "max_period", 1),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)


class Outcome(StatusEnum):
    """What became of a cue."""

    RECALLED = 0, "recalled: at the step limit it was at the pattern it was made from"
    OTHER = 1, "it went to another stored pattern"
    SPURIOUS = 2, "it settled on a fixed point that was never stored"
    CYCLE = 3, "it settled on a cycle of period 2 or more"
    DIVERGED = 4, "it left every bound, or became NaN"
    LATE = 5, "it reached the pattern it was made from after the step limit; raise max_steps"
    UNDECIDED = 6, "too slow to tell: it was still moving at the last step; raise extra_steps"


@dataclass(frozen=True)
class OutcomeResult(Plotted):
    """What became of each cue; leading shape (…) is that of the cues.

    Attributes:
        outcome: `Outcome` values, (…).
        error: distance at the step limit from the pattern the cue was made from, relative to its
            norm, (…); infinite for cues that diverged.
        pattern: index of the stored pattern it ended at, −1 for none, (…).
        period: 1 for a fixed point, p for a cycle, 0 where it did not settle, (…).
        residual: ‖fᵖ(state) − state‖ where it settled on period p in the extra steps; ‖f(x) − x‖ at
            the last state x seen otherwise, (…), in the units of the patterns.
        state: the last state, extra steps included, (…, d).
    """

    outcome: Int[np.ndarray, "*k"]
    error: Float[np.ndarray, "*k"]
    pattern: Int[np.ndarray, "*k"]
    period: Int[np.ndarray, "*k"]
    residual: Float[np.ndarray, "*k"]
    state: Float[np.ndarray, "*k d"]

    @property
    def counts(self) -> dict[str, int]:
        """How many cues had each outcome, by its name in lower case."""
        return {o.name.lower(): int((self.outcome == o).sum()) for o in Outcome}

    def __repr__(self) -> str:
        """Summarise the batch."""
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        return f"OutcomeResult({counts})"


@double
def recall_outcomes(
    f: Map,
    cues: ArrayLike,
    patterns: ArrayLike,
    origin: int | ArrayLike,
    *,
    rule: RecallRule = RecallRule(),
    chunk: int = 1024,
    progress: Progress = None,
) -> OutcomeResult:
    """Iterate a map from each cue and say where it ended.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations, run in its `dtype`, float64 if it
            has none.
        cues: (…, d).
        patterns: the stored patterns, (n, d).
        origin: index of the pattern each cue was made from; one number or of shape (…).
        rule: when a cue counts as recalled. Where two patterns are within the tolerance of one
            another, `origin` is preferred.
        chunk: cues iterated at a time; bounds the memory.
        progress: a bar or none, or a function of cues done and cues in all; see `Progress`.

    Raises:
        ValueError: for cues or patterns that are not finite, a zero pattern, a pattern that is no
            fixed point (one step moves it by more than a tenth of the tolerance; a cue cannot be
            "recalled" there), or numbers out of range.
        TypeError: if the map cannot be traced by JAX or changes the shape.

    Example:
        >>> cues = [[0.5], [-0.5], [0.0], [5.0]]
        >>> result = recall_outcomes(lambda x: 1.5 * x - 0.5 * x**3, cues, [[1.0], [-1.0]], 0)
        >>> [Outcome(k).name for k in result.outcome]
        ['RECALLED', 'OTHER', 'SPURIOUS', 'DIVERGED']
    """
    judge = make_judge(f, patterns, rule)
    start = as_batch(cues, "cues", dim=judge.patterns.shape[1])
    shape, chunk = start.shape[:-1], whole(chunk, "chunk", 1)
    flat = start.reshape(-1, start.shape[-1])
    origins = indices(origin, "origin", shape, len(judge.patterns)).ravel()
    batches = ((flat[k : k + chunk], origins[k : k + chunk]) for k in range(0, len(flat), chunk))
    bound = judge.bound(np.linalg.norm(flat, axis=1).max())
    with reporting(progress, "recall", counting) as report:
        parts = list(judge.run(batches, bound, len(flat), report))

    def joined(name: str) -> np.ndarray:
        values = np.concatenate([getattr(part, name) for part in parts])
        return values.reshape(*shape, *values.shape[1:])

    return OutcomeResult(
        outcome=joined("outcome"),
        error=joined("error"),
        pattern=joined("pattern"),
        period=joined("period"),
        residual=joined("residual"),
        state=joined("state"),
    )


@dataclass(frozen=True)
class Judge:
    """A map and patterns that have been checked, and the rule; called with a batch of cues.

    Attributes:
        f, patterns: as given; patterns (n, d).
        norms: of the patterns, (n,).
        residual: ‖f(x) − x‖/‖x‖ of the patterns, (n,).
        rule: when a cue counts as recalled.
    """

    f: Map
    patterns: Float[np.ndarray, "n d"]
    norms: Float[np.ndarray, " n"]
    residual: Float[np.ndarray, " n"]
    rule: RecallRule

    def bound(self, cue_norm: float) -> float:
        """Return the norm that counts as divergence, given the largest cue's."""
        return LIMIT * max(float(self.norms.max()), float(cue_norm))

    def run(
        self,
        batches: Iterable[tuple[Float[np.ndarray, "m d"], Int[np.ndarray, " m"]]],
        bound: float,
        total: int,
        report: Callable[[int, int], object],
    ) -> Iterator[OutcomeResult]:
        """Yield what became of each batch of cues, given with their origins.

        After each, `report` is told the cues done and those in all.
        """
        done = 0
        for cues, origin in batches:
            result = self(cues, origin, bound)
            done += len(cues)
            report(done, total)
            yield result

    def __call__(
        self, cues: Float[np.ndarray, "m d"], origin: Int[np.ndarray, " m"], bound: float
    ) -> OutcomeResult:
        """Return what became of these cues."""
        result = self._at_step_limit(cues, origin, bound)
        return self._followed(result, origin, bound) if self.rule.extra_steps else result

    def _at_step_limit(
        self, cues: Float[np.ndarray, "m d"], origin: Int[np.ndarray, " m"], bound: float
    ) -> OutcomeResult:
        """Return the verdicts after max_steps; what is at no pattern is UNDECIDED."""
        start = cues.astype(dtype_of(self.f))
        # The last application only measures the residual: the state is that of max_steps.
        steps = self.rule.max_steps + 1
        state, residual, _, status = iterate(self.f, start, steps, _FROZEN, bound)
        diverged = status == RecallStatus.DIVERGED
        error = np.linalg.norm(state - self.patterns[origin], axis=1) / self.norms[origin]
        error[diverged] = np.inf
        recalled = error <= self.rule.tolerance
        pattern = np.where(recalled, origin, -1)
        elsewhere = np.flatnonzero(~recalled & ~diverged)
        pattern[elsewhere] = self.nearest(state[elsewhere])
        return OutcomeResult(
            outcome=np.select(
                [recalled, diverged, pattern >= 0],
                [Outcome.RECALLED, Outcome.DIVERGED, Outcome.OTHER],
                Outcome.UNDECIDED,
            ),
            error=error,
            pattern=pattern,
            period=np.where(pattern >= 0, 1, 0),
            residual=residual,
            state=state,
        )

    def _followed(
        self, result: OutcomeResult, origin: Int[np.ndarray, " m"], bound: float
    ) -> OutcomeResult:
        """Return the result with the undecided cues followed for the extra steps."""
        rows = np.flatnonzero(result.outcome == Outcome.UNDECIDED)
        if not len(rows):
            return result
        rule, origin = self.rule, origin[rows]
        end = settle(
            self.f, result.state[rows], self.norms[origin], rule.extra_steps, rule.max_period, bound
        )
        pattern = np.where(end.diverged | (end.period > 1), -1, self.nearest(end.state))
        outcome = np.select(
            [
                end.diverged,
                end.period > 1,
                pattern == origin,
                pattern >= 0,
                end.period == 1,
            ],
            [
                Outcome.DIVERGED,
                Outcome.CYCLE,
                Outcome.LATE,
                Outcome.OTHER,
                Outcome.SPURIOUS,
            ],
            Outcome.UNDECIDED,
        )

        def replaced(values: np.ndarray, new: np.ndarray) -> np.ndarray:
            out = values.copy()
            out[rows] = new
            return out

        return OutcomeResult(
            outcome=replaced(result.outcome, outcome),
            error=result.error,
            pattern=replaced(result.pattern, pattern),
            period=replaced(result.period, np.where(pattern >= 0, 1, end.period)),
            residual=replaced(result.residual, end.residual),
            state=replaced(result.state, end.state),
        )

    def nearest(self, state: Float[np.ndarray, "m d"]) -> Int[np.ndarray, " m"]:
        """Return the pattern each state is at, or −1."""
        near, error = nearest_pattern(state, self.patterns, self.norms)
        return np.where(error <= self.rule.tolerance, near, -1)


def make_judge(f: Map, patterns: ArrayLike, rule: RecallRule) -> Judge:
    """Check a map and its patterns; call it in float64 (`_util.precision.double`)."""
    x = as_points(patterns, "patterns", dim=dim_of(f))
    no_zero_rows(x, "patterns")
    start = x.astype(dtype_of(f))
    check_map(f, start)
    norms = np.linalg.norm(x, axis=1)
    residual = np.linalg.norm(np.asarray(f(jnp.asarray(start)), float) - x, axis=1) / norms
    allowed = FIXED * rule.tolerance
    moved = np.flatnonzero(~(residual <= allowed))
    if len(moved):
        worst = int(moved[np.argmax(np.nan_to_num(residual[moved], nan=np.inf))])
        raise ValueError(
            f"patterns must be fixed points of f, but {len(moved)} of {len(x)} are not: one step "
            f"moves row {worst} by {residual[worst]:.1e} of its norm, and at most {allowed:.0e} "
            f"(a tenth of the tolerance) would do; leave out rows {_some(moved)}, or train further"
        )
    return Judge(f=f, patterns=x, norms=norms, residual=residual, rule=rule)


def _some(rows: np.ndarray) -> str:
    return ", ".join(map(str, rows[:5].tolist())) + (", …" if len(rows) > 5 else "")


def nearest_pattern(
    state: Float[np.ndarray, "m d"], patterns: Float[np.ndarray, "n d"], norms: np.ndarray
) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Return the pattern nearest relative to its norm, and that relative distance."""
    # The product is cheap and inexact; the distance to the one found is computed directly.
    square = (state**2).sum(axis=1)[:, None] - 2 * state @ patterns.T + norms**2
    near = np.argmin(square / norms**2, axis=1)
    return near, np.linalg.norm(state - patterns[near], axis=1) / norms[near]
