r"""Where a cue ended: at home, at another pattern, at something that was never stored, or nowhere.

The rule of success is that of Jiang & Pehlevan (2020, appendix E.2): at most `max_steps` (50)
applications of the map, and at the end the state lies within `tolerance` of the pattern it came
from, relative to that pattern's norm. It decides HOME and nothing else does.

Cues that are neither home nor at another pattern by then are followed for `extra_steps` more, only
to learn where they were going. They go on in blocks of `max_period` steps, and a state counts as
settled on period p when the way it has left, estimated from two blocks as a geometric series, is
below 1e-8 of the norm. A small step alone would not do: at spectral radius 0.99999 a step of 1e-7
still has 1e-2 to go. (A drift slower than 1e-8 a step could hide under a faster approach.)
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

from attractory._util.precision import double
from attractory._util.progress import counting, reporting
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_batch, as_points, indices, no_zero_rows, share, whole
from attractory.analysis.iteration import RecallStatus, check_map, iterate, pad_rows
from attractory.maps.protocol import Map, dim_of, dtype_of

__all__ = ["Outcome", "OutcomeResult", "recall_outcomes"]

FIXED = 0.1  # a pattern is stored if one step moves it by at most this share of the tolerance
LIMIT = 1e6  # a norm this many times that of patterns and cues has diverged
_FROZEN = 1e-8  # a relative step that max_steps repetitions could not make count
_SETTLED = 1e-8  # way left, relative to the norm, of a state that has settled
_CLEAR = 100.0  # a cycle is wider than the uncertainty of its points by this factor
_ROUNDING = 16.0  # recurrence within this many units of rounding is exact


class Outcome(StatusEnum):
    """What became of a cue."""

    HOME = 0, "recalled: at the step limit it was at the pattern it came from"
    OTHER = 1, "it went to another stored pattern"
    SPURIOUS = 2, "it settled on a fixed point that was never stored"
    CYCLE = 3, "it settled on a cycle of period 2 or more"
    DIVERGED = 4, "it left every bound, or became NaN"
    UNDECIDED = (
        5,
        "it was still moving at the last step, or came home after the step limit; raise "
        "max_steps or extra_steps",
    )


@dataclass(frozen=True)
class OutcomeResult:
    """What became of each cue; leading shape (…) is that of the cues.

    Attributes:
        outcome: `Outcome` values, (…).
        error: distance from the home pattern at the step limit, relative to its norm, (…); infinite
            for cues that diverged.
        pattern: index of the stored pattern it ended at, −1 for none, (…). With UNDECIDED it is
            home, reached too late.
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
    home: int | ArrayLike,
    *,
    max_steps: int = 50,
    tolerance: float = 0.01,
    extra_steps: int = 500,
    max_period: int = 12,
    chunk: int = 1024,
    progress: bool | Callable[[int, int], object] | None = None,
) -> OutcomeResult:
    """Iterate a map from each cue and say where it ended.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations, run in its `dtype`, float64 if it
            has none.
        cues: (…, d).
        patterns: the stored patterns, (n, d).
        home: index of the pattern each cue came from; one number or of shape (…).
        max_steps: applications of the map after which success is judged.
        tolerance: distance from a pattern, relative to its norm, at which a state is there. Where
            two patterns are as near as that to each other, home is preferred.
        extra_steps: most further applications that tell where failed cues go, in blocks of
            `max_period`, at least two; 0 leaves them UNDECIDED unless OTHER or DIVERGED.
        max_period: longest period that is recognised.
        chunk: cues iterated at a time; bounds the memory.
        progress: True or False for a bar; by default one on a terminal if the run takes long. Or a
            function of cues done and cues in all.

    Raises:
        ValueError: for cues or patterns that are not finite, a zero pattern, a pattern that is no
            fixed point (one step moves it by more than a tenth of the tolerance; a cue cannot be
            "recalled" there), or numbers out of range.
        TypeError: if the map cannot be traced by JAX or changes the shape.

    Example:
        >>> cues = [[0.5], [-0.5], [0.0], [5.0]]
        >>> result = recall_outcomes(lambda x: 1.5 * x - 0.5 * x**3, cues, [[1.0], [-1.0]], 0)
        >>> [Outcome(k).name for k in result.outcome]
        ['HOME', 'OTHER', 'SPURIOUS', 'DIVERGED']
    """
    judge = make_judge(
        f, patterns, max_steps=max_steps, tolerance=tolerance, extra_steps=extra_steps,
        max_period=max_period,
    )  # fmt: skip
    start = as_batch(cues, "cues", dim=judge.patterns.shape[1])
    shape, chunk = start.shape[:-1], whole(chunk, "chunk", 1)
    flat = start.reshape(-1, start.shape[-1])
    homes = indices(home, "home", shape, len(judge.patterns)).ravel()
    bound = judge.bound(np.linalg.norm(flat, axis=1).max())
    parts = []
    with reporting(progress, "recall", counting) as report:
        for k in range(0, len(flat), chunk):
            parts.append(judge(flat[k : k + chunk], homes[k : k + chunk], bound))
            report(min(k + chunk, len(flat)), len(flat))
    joined = [np.concatenate([getattr(p, name) for p in parts]) for name in _FIELDS]
    return OutcomeResult(*(a.reshape(*shape, *a.shape[1:]) for a in joined))


_FIELDS = tuple(OutcomeResult.__dataclass_fields__)


@dataclass(frozen=True)
class Judge:
    """A map and patterns that have been checked, and the rules; called with a chunk of cues.

    Attributes:
        f, patterns: as given; patterns (n, d).
        norms: of the patterns, (n,).
        residual: ‖f(x) − x‖/‖x‖ of the patterns, (n,).
        max_steps, tolerance, extra_steps, max_period: as for `recall_outcomes`.
    """

    f: Map
    patterns: Float[np.ndarray, "n d"]
    norms: Float[np.ndarray, " n"]
    residual: Float[np.ndarray, " n"]
    max_steps: int
    tolerance: float
    extra_steps: int
    max_period: int

    def bound(self, cue_norm: float) -> float:
        """Return the norm that counts as divergence, given the largest cue's."""
        return LIMIT * max(float(self.norms.max()), float(cue_norm))

    def __call__(
        self, cues: Float[np.ndarray, "m d"], home: Int[np.ndarray, " m"], bound: float
    ) -> OutcomeResult:
        """Return what became of these cues."""
        start = cues.astype(dtype_of(self.f))
        # The last application only measures the residual: the state is that of max_steps.
        state, residual, _, status = iterate(self.f, start, self.max_steps + 1, _FROZEN, bound)
        diverged = status == RecallStatus.DIVERGED
        error = np.linalg.norm(state - self.patterns[home], axis=1) / self.norms[home]
        error[diverged] = np.inf
        at_home = error <= self.tolerance
        pattern, outcome = np.full(len(cues), -1), np.full(len(cues), int(Outcome.UNDECIDED))
        pattern[at_home] = home[at_home]
        away = np.flatnonzero(~at_home & ~diverged)
        pattern[away] = self.nearest(state[away])
        outcome[pattern >= 0] = Outcome.OTHER
        outcome[at_home], outcome[diverged] = Outcome.HOME, Outcome.DIVERGED
        period = np.where(pattern >= 0, 1, 0)

        lost = np.flatnonzero((pattern < 0) & ~diverged)
        if len(lost) and self.extra_steps:
            end = settle(
                self.f, state[lost], self.norms[home[lost]], self.extra_steps, self.max_period,
                bound,
            )  # fmt: skip
            state[lost], residual[lost], period[lost] = end.state, end.residual, end.period
            pattern[lost] = np.where(end.diverged | (end.period > 1), -1, self.nearest(end.state))
            late = pattern[lost] == home[lost]
            outcome[lost] = np.select(
                [end.diverged, end.period > 1, late, pattern[lost] >= 0, end.period == 1],
                [
                    Outcome.DIVERGED, Outcome.CYCLE, Outcome.UNDECIDED, Outcome.OTHER,
                    Outcome.SPURIOUS,
                ],
                Outcome.UNDECIDED,
            )  # fmt: skip
            period[lost[(pattern[lost] >= 0)]] = 1
        return OutcomeResult(outcome, error, pattern, period, residual, state)

    def nearest(self, state: Float[np.ndarray, "m d"]) -> Int[np.ndarray, " m"]:
        """Return the pattern each state is at, or −1."""
        near, error = nearest_pattern(state, self.patterns, self.norms)
        return np.where(error <= self.tolerance, near, -1)


def make_judge(
    f: Map,
    patterns: ArrayLike,
    *,
    max_steps: int,
    tolerance: float,
    extra_steps: int,
    max_period: int,
) -> Judge:
    """Check a map, its patterns and the rules; call it in float64 (`_precision.double`)."""
    x = as_points(patterns, "patterns", dim=dim_of(f))
    no_zero_rows(x, "patterns")
    max_steps, extra_steps = whole(max_steps, "max_steps", 1), whole(extra_steps, "extra_steps", 0)
    tolerance, max_period = share(tolerance, "tolerance"), whole(max_period, "max_period", 1)
    start = x.astype(dtype_of(f))
    check_map(f, start)
    norms = np.linalg.norm(x, axis=1)
    residual = np.linalg.norm(np.asarray(f(jnp.asarray(start)), float) - x, axis=1) / norms
    allowed = FIXED * tolerance
    moved = np.flatnonzero(~(residual <= allowed))
    if len(moved):
        worst = int(moved[np.argmax(np.nan_to_num(residual[moved], nan=np.inf))])
        raise ValueError(
            f"patterns must be fixed points of f, but {len(moved)} of {len(x)} are not: one step "
            f"moves row {worst} by {residual[worst]:.1e} of its norm, and at most {allowed:.0e} "
            f"(a tenth of the tolerance) would do; leave out rows {_some(moved)}, or train further"
        )
    return Judge(f, x, norms, residual, max_steps, tolerance, extra_steps, max_period)


def _some(rows: np.ndarray) -> str:
    return ", ".join(map(str, rows[:5].tolist())) + (", …" if len(rows) > 5 else "")


def nearest_pattern(
    state: Float[np.ndarray, "m d"], patterns: Float[np.ndarray, "n d"], norms: np.ndarray
) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Return the pattern least away relative to its norm, and that relative distance."""
    # The product is cheap and rough; the distance to the one found is taken exactly.
    square = (state**2).sum(axis=1)[:, None] - 2 * state @ patterns.T + norms**2
    near = np.argmin(square / norms**2, axis=1)
    return near, np.linalg.norm(state - patterns[near], axis=1) / norms[near]


@dataclass(frozen=True)
class Settled:
    """Where states settled: period 0 for those that did not, residual ‖fᵖ(state) − state‖."""

    state: Float[np.ndarray, "m d"]
    period: Int[np.ndarray, " m"]
    residual: Float[np.ndarray, " m"]
    diverged: np.ndarray


def settle(
    f: Map,
    start: Float[np.ndarray, "m d"],
    scale: Float[np.ndarray, " m"],
    max_steps: int,
    max_period: int,
    bound: float,
) -> Settled:
    """Iterate checked states, in whole blocks of max_period, until each has settled on a period.

    `scale` is the norm that "small" refers to.
    """
    state, count = start.copy(), len(start)
    period, residual = np.zeros(count, int), np.full(count, np.inf)
    diverged = np.zeros(count, bool)
    running, before = np.arange(count), np.full((count, max_period), np.nan)
    exact = _ROUNDING * float(np.finfo(state.dtype).eps)
    blocks = max(2, max_steps // max_period) if max_steps else 0
    for block in range(blocks):
        if not len(running):
            break
        padded = pad_rows(running)
        end, back, high = (
            np.asarray(a)[: len(running)] for a in _block(f, jnp.asarray(state[padded]), max_period)
        )
        gone = ~(high <= bound)
        diverged[running[gone]] = True
        now = back.astype(float)  # ‖f^p(x) − x‖ for p = 1 …, (m, max_period)
        found = _period(now, before[running], scale[running], exact)
        found[gone] = 0
        done = found > 0
        period[running], residual[running] = (
            found,
            now[np.arange(len(now)), np.maximum(found, 1) - 1],
        )
        residual[running[gone]] = np.inf
        before[running] = now
        # A state that is done, or at the last block, stays the one its residual belongs to.
        goes_on = ~done & ~gone
        if block < blocks - 1:
            state[running[goes_on]] = end[goes_on]
        running = running[goes_on]
    return Settled(state, period, residual, diverged)


def _period(
    now: np.ndarray, before: np.ndarray, scale: np.ndarray, exact: float
) -> Int[np.ndarray, " m"]:
    """Return the smallest period on which a state has settled, 0 if none."""
    count = now.shape[1]
    periods = np.arange(1, count + 1)
    with np.errstate(all="ignore"):
        shrunk = now / before  # over a block
        left = now / (1 - shrunk ** (periods / count))
        left = np.where(shrunk < 1, left, np.inf)
    left = np.where(now <= exact * scale[:, None], 0.0, left)
    settled = left <= _SETTLED * scale[:, None]
    first = settled.argmax(axis=1)
    rows = np.arange(len(now))
    # Nearing a fixed point in a spiral recurs too; a cycle is wider than what is left of the way.
    smallest = np.minimum.accumulate(now, axis=1)[rows, np.maximum(first - 1, 0)]
    unsure = np.maximum(left[rows, first], exact * scale)
    clear = (first == 0) | (smallest > _CLEAR * unsure)
    return np.where(settled.any(axis=1) & clear, first + 1, 0)


@eqx.filter_jit
def _block(f: Map, x: Array, steps: int) -> tuple[Array, Array, Array]:
    """Take steps; return the last state, each distance from the first, and the largest norm."""

    def one(y: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
        y = f(y).astype(x.dtype)
        return y, (jnp.linalg.norm(y - x, axis=-1), jnp.linalg.norm(y, axis=-1))

    end, (back, size) = jax.lax.scan(one, x, None, length=steps)
    return end, back.T, jnp.max(size, axis=0)
