r"""What `fit` chooses for the user: the metric's λ, by trial on the rows themselves.

A few hundred cues are made from the rows: a run of coordinates set to one value that occurs in
them; scattered coordinates set to one, or to the mean; each of many set to any value in its range;
white noise; a random mixture of other rows added. Each has a severity of its own, spread evenly
from mild to nearly hopeless, so that some are recalled and some are not.

The trial of a λ is a recall of all cues, in float32, by a memory of the rows. Taken is the least λ,
from 0.03 on, whose recall the cues cannot tell from the best: a smaller λ turns rows farther apart,
and recall is proven from farther off (`memory.certified_recall`), but one below 0.03 makes
confidences less true. If the best is below 0.03, it is taken. Six are tried, and smaller ones as
long as the smallest is the best and recalls less than three quarters. The same rows give the same
choice, however fast the machine. Trials cost as much at most as those of a thousand rows of 800
numbers: where rows have more numbers, trials see evenly spread ones of them (images at less
resolution). Of more than a thousand rows the rule stands: a trial would cost what `fit` does, and
one with fewer rows says little of more. All is computed in the rows' own span (`memory.span`):
where a cue starts lies in it. The trials' activation is the erf whose kernel grows as fast with the
norm as the memory's own: it needs no tables, and is compiled once for all of them. (Factors on the
norm of `memory.norm_rule` were tried too: what they gain on such cues they lose on others.)
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.interrupts import check
from attractory._util.plotted import Plotted
from attractory.activations import Activation, ErfMixture
from attractory.kernels.single_precision import single
from attractory.maps.protocol import SingularKernelError
from attractory.memory.coordinates import first_of_equal, nearest, spread
from attractory.memory.cue_denoising import denoised
from attractory.memory.drift_free_steps import LinearPart
from attractory.memory.guided_recall import DRIFT_FREE, HIGH_DEGREE, MOMENTUM
from attractory.memory.metric import AUTO, Metric, fit_metric
from attractory.memory.momentum_iteration import Stage, run_stage
from attractory.memory.norm_rule import auto_norm, erf_width
from attractory.memory.settings import MemorySettings
from attractory.memory.span import Span
from attractory.memory.stored_map import KernelStore

__all__ = ["Choice", "Trial", "choose", "held_out_cues"]

SHARES = (AUTO, 0.003, 0.03, 0.1, 0.3, 1.0)  # λ, the rule's first
LESS = (1e-3, 3e-4, 1e-4)  # tried besides where 0.003 is the best and recalls too few
_MOST = 0.75  # of the cues; photographs, whose spectra are steep, want λ from 0.001 on
_FEW, _SMALL = 20, 2000  # rows, and numbers in them, below which the rule stands
_CUES = 200  # twice as many for rows of few numbers
_CHEAP = 50_000
_WORK = 800_000  # numbers in the rows of a trial
_ROWS = 1000  # above which the rule stands
_NOTHING = 1e-9  # of the largest distance from the mean
_STEPS = 80  # of the memory's own map in a trial
_STILL = 1e-4  # relative step at which it is at rest
_THERE = 0.01  # of the norm: recalled
_LEAST = 0.03  # λ that is taken for its larger balls alone
_APART = 2.0  # standard errors by which the recall of two λ must differ to be told apart


@dataclass(frozen=True)
class Trial:
    """What one candidate did.

    Attributes:
        metric: its λ.
        nearest: cues whose row is the nearest of all at the start of recall.
        recalled: of these, cues that the trial's memory brings back to 1 % of the norm.
    """

    metric: float
    nearest: int
    recalled: int


@dataclass(frozen=True)
class Choice(Plotted):
    """What `fit` chose, and the trials it chose by.

    Attributes:
        metric: the least λ from 0.03 on whose trial recalled as many cues as the best, but for
            chance; that of the best if it is below.
        cues: held-out cues of every trial.
        rows: rows the memories of the trials held.
        trials: in their order, the rule first.
    """

    metric: float
    cues: int
    rows: int
    trials: tuple[Trial, ...]

    def __str__(self) -> str:
        """Say what was chosen, and on what evidence."""
        best = max(trial.recalled for trial in self.trials)
        return (
            f"metric {self.metric:.4g} recalled {self.recalled} of {self.cues} held-out cues (the "
            f"most of {len(self.trials)} candidates: {best}; the rule: {self.trials[0].recalled})"
        )

    @property
    def recalled(self) -> int:
        """Cues that the trial of the chosen λ brought back."""
        return next(t.recalled for t in self.trials if t.metric == self.metric)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return asdict(self) | {"trials": [asdict(trial) for trial in self.trials]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Choice":
        """Return what `as_dict` was made of."""
        parts: dict[str, Any] = values | {"trials": tuple(Trial(**t) for t in values["trials"])}
        return cls(**parts)


def held_out_cues(
    rows: Float[np.ndarray, "n d"], count: int, seed: int = 0
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, "k d"]]:
    """Return which row each cue is made from, and the cues; the kinds in turn.

    Args:
        rows: in the units given, (n, d).
        count: of cues.
        seed: of the corruptions.

    Example:
        >>> home, cues = held_out_cues(np.eye(4), 10)
        >>> home.shape, cues.shape
        ((10,), (10, 4))
    """
    rng = np.random.default_rng(seed)
    n, dim = rows.shape
    home = np.resize(rng.permutation(n), count)
    kind = np.arange(count) % 5
    severity = (np.arange(count) // 5 + rng.random(count)) / (-(-count // 5))
    mean, low, high = rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0)
    cues = rows[home].copy()
    for k in range(count):
        row, s = rows[home[k]], min(severity[k], 1.0)
        size = np.linalg.norm(row - mean)
        if kind[k] == 0:
            place = (np.arange(dim) - rng.integers(dim)) % dim
            cues[k, place < (0.2 + 0.6 * s) * dim] = rows[rng.integers(n), rng.integers(dim)]
        elif kind[k] == 1:
            fill = mean if k % 2 else rows[rng.integers(n), rng.integers(dim)]
            cues[k] = np.where(rng.random(dim) < 0.2 + 0.6 * s, fill, row)
        elif kind[k] == 2:
            any_value = low + rng.random(dim) * (high - low)
            cues[k] = np.where(rng.random(dim) < 0.2 + 0.6 * s, any_value, row)
        elif kind[k] == 3:
            noise = rng.normal(size=dim)
            cues[k] += 0.5 * 6**s * size * noise / np.linalg.norm(noise)
        else:
            others = rng.choice(n, min(n, 8), replace=False)
            noise = rng.normal(size=len(others)) @ (rows[others] - mean)
            length = np.linalg.norm(noise)
            cues[k] += (0.3 + 0.9 * s) * size * noise / (length if length > 0 else 1.0)
    return home, cues


def choose(
    rows: Float[np.ndarray, "n d"],
    mean: Float[np.ndarray, " d"],
    metric: Metric,
    settings: MemorySettings,
    show: Callable[[int, int], object],
) -> Choice | None:
    """Return the candidate that recalls most held-out cues of the rows, and all that were tried.

    Args:
        rows: distinct ones, (n, d), in the units given.
        mean: subtracted from them, (d,).
        metric: of the rows, by the rule or as given.
        settings: those of the memory.
        show: called with trials done and trials in all.

    Returns:
        None if the metric is given, or the rows are too few to tell, or too many.
    """
    if not (settings.searches and metric.floor):
        return None
    if len(rows) < _FEW or rows.size < _SMALL or len(rows) > _ROWS:
        return None
    seen = spread(rows.shape[1], max(_WORK // len(rows), _FEW))
    if len(seen) < rows.shape[1]:
        rows, mean = _told_apart(rows[:, seen], mean[seen]), mean[seen]
        if len(rows) < _FEW:
            return None
        metric = fit_metric(rows - mean, metric.share)
    home, cues = held_out_cues(rows, _CUES * (2 if rows.size <= _CHEAP else 1))
    around = _Around(rows - mean, cues - mean, mean, home, Span(metric.basis, rows.shape[1]))
    tried: list[Trial] = []
    outcomes: list[Bool[np.ndarray, " k"]] = []
    for share in (*SHARES, *LESS):
        best = max(tried, key=lambda trial: trial.recalled, default=None)
        if share in LESS and best is not None and _enough(best, tried, len(cues)):
            break
        check()
        show(len(tried), max(len(SHARES), len(tried) + 1))
        near, back = _trial(around, metric.with_share(share), settings)
        tried.append(Trial(share, near, int(back.sum())))
        outcomes.append(back)
    show(len(tried), len(tried))
    chosen = as_good([trial.metric for trial in tried], np.array(outcomes))
    return Choice(chosen, len(cues), len(rows), tuple(tried))


def _told_apart(
    rows: Float[np.ndarray, "n c"], mean: Float[np.ndarray, " c"]
) -> Float[np.ndarray, "m c"]:
    """Return rows that differ in some of their coordinates, and are not at the mean there."""
    apart = rows - mean
    length = np.linalg.norm(apart, axis=1)
    there = np.flatnonzero(length > _NOTHING * length.max(initial=0.0))
    return rows[there[first_of_equal(_unit(apart[there]))]]


def as_good(shares: Sequence[float], recalled: Bool[np.ndarray, "t k"]) -> float:
    """Return the least λ, from 0.03 on, that recalls as many cues as the best but for chance.

    Two counts of the same cues have a difference whose variance is, by chance, the number of cues
    that one of the two alone recalls (McNemar, 1947).

    Args:
        shares: λ of each trial.
        recalled: which cues it brought back.
    """
    counts = recalled.sum(axis=1)
    best = int(counts.argmax())
    alone = (recalled != recalled[best]).sum(axis=1)
    good = counts[best] - counts <= _APART * np.sqrt(alone)
    return min(s for s, g in zip(shares, good, strict=True) if g and s >= min(shares[best], _LEAST))


def _enough(best: Trial, tried: list[Trial], cues: int) -> bool:
    """Whether no smaller λ need be tried: the best is not the least, or recalls most cues."""
    return best.metric > min(trial.metric for trial in tried) or best.recalled >= _MOST * cues


class _Around(NamedTuple):
    """What trials have in common: rows and cues less the mean, whose row each cue is made from."""

    apart: Float[np.ndarray, "n d"]
    cues: Float[np.ndarray, "k d"]
    mean: Float[np.ndarray, " d"]
    home: Int[np.ndarray, " k"]
    span: Span


def _trial(
    around: _Around, metric: Metric, settings: MemorySettings
) -> tuple[int, Bool[np.ndarray, " k"]]:
    """Return how many cues have their row nearest at the start, and which come back to it."""
    span, home = around.span, around.home
    unit = _unit(span.within(metric.apply(around.apart)))
    start = _unit(span.within(denoised(around.cues, metric, False, around.mean)))
    right = nearest(start, unit) == home
    norm = settings.norm
    if norm is None:
        norm = auto_norm(unit, settings.activation, settings.depth, settings.bias)
    else:
        norm *= span.scale
    points = norm * unit
    twin = replace(settings, activation=_twin(settings.activation))
    store = KernelStore(points, points, twin, measure_residual=False)
    try:
        f = single(store.inner.calls())
    except SingularKernelError:  # rows too much alike to be stored at such a norm
        return int(right.sum()), np.zeros(len(home), bool)
    state = np.asarray(norm * start, np.float32)
    linear = LinearPart(store)
    if linear.high_degree_step is not None:
        state, *_ = run_stage(linear.high_degree_step, state, HIGH_DEGREE, shrink=False)
    step = linear.rough_step(f)
    state, *_ = run_stage(step, state, DRIFT_FREE, shrink=False)
    own = Stage(_STEPS, MOMENTUM, _STILL, coarse=True)
    state, *_ = run_stage(f, state, own, shrink=False)
    away = np.linalg.norm(state - norm * unit[home], axis=1)
    return int(right.sum()), away <= _THERE * norm


def _unit(x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1.0)


def _twin(act: Activation) -> Activation:
    """Return the erf whose kernel grows as fast with the norm."""
    if not isinstance(act, ErfMixture) or len(act.scales) == 1:
        return act
    return ErfMixture("erf", act.offset, act.gain, (erf_width(act),), (1.0,))
