r"""What `fit` chooses for the user: the metric's λ, by trial on the rows themselves.

A few hundred cues are made from the rows: a run of coordinates set to one value that occurs in
them; scattered coordinates set to one, or to the mean; each of many set to any value in its range;
white noise; a random mixture of other rows added. Each has a severity of its own, spread evenly
from mild to nearly hopeless, lest all of them come back, or none.

The trial of a λ is a recall of all cues, in float32, by a memory of the rows; the λ that recalls
most is taken, the rule (λ = 0.01) if none recalls more. Of more than a thousand rows the rule
stands: a trial would cost what `fit` does, and one with fewer rows says little of more. The same
rows give the same choice, however fast the machine. The trials' activation is the erf whose kernel
grows as fast with the norm as the memory's own: it needs no tables, and is compiled once for all of
them. (Factors on the norm of `memory.norm_rule` were tried too: what they gain on such cues they
lose on others.)
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from attractory._util.progress import counting, reporting
from attractory.activations import Activation, ErfMixture
from attractory.kernels.single_precision import single
from attractory.memory import sphere as _sphere
from attractory.memory.cue_denoising import denoised
from attractory.memory.drift_free_steps import Drift
from attractory.memory.guided_recall import SHARP, STRAIGHT, way
from attractory.memory.metric import AUTO, Metric
from attractory.memory.norm_rule import auto_norm, erf_width
from attractory.memory.stages import Stage, run_stage
from attractory.memory.stored_map import KernelStore

__all__ = ["Choice", "Settings", "Trial", "choose", "held_out_cues"]

SHARES = (AUTO, 0.003, 0.03, 0.1, 0.3, 1.0)  # λ, the rule's first
_FEW, _SMALL = 20, 2000  # rows, and numbers in them, below which the rule stands
_CUES = 200  # twice as many for rows of few numbers
_CHEAP = 50_000
_WORK = 800_000  # numbers in the rows of a trial
_ROWS = 1000
_STEPS = 80  # of the memory's own map in a trial
_STILL = 1e-4  # relative step at which it is at rest
_THERE = 0.01  # of the norm: recalled


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
class Choice:
    """What `fit` chose, and the trials it chose by.

    Attributes:
        metric: λ of the trial with most cues recalled, the earliest of several.
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
            f"metric {self.metric:.4g} recalled {best} of {self.cues} held-out cues, the most of "
            f"{len(self.trials)} candidates (the rule: {self.trials[0].recalled})"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return asdict(self) | {"trials": [asdict(trial) for trial in self.trials]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Choice":
        """Return what `as_dict` was made of, without the factors on the norm of older files."""
        trials = tuple(Trial(t["metric"], t["nearest"], t["recalled"]) for t in values["trials"])
        return cls(values["metric"], values["cues"], values["rows"], trials)


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


@dataclass(frozen=True)
class Settings:
    """What the user fixed, and how the memory recalls; names as in `AttractorMemory`.

    Attributes:
        metric_free: whether λ is to be chosen.
        norm: None to be chosen.
        schedule: None for the memory's own map without its drift.
        search: whether to choose by trials.
    """

    activation: Activation
    depth: int
    bias: float
    ridge: float
    hold: float
    momentum: float
    metric_free: bool
    norm: float | None
    schedule: tuple[float, ...] | None
    search: bool

    @classmethod
    def of(cls, memory: Any, act: Activation, bias: float, hetero: bool) -> "Settings":
        """Return those of an `AttractorMemory`; one of successors has no way to pass."""
        norm, schedule, kernel = memory.norm, memory.schedule, memory.model == "kernel"
        search = bool(memory.search) and kernel and schedule is not None and not hetero
        # A network is trained anew for every norm: on its own it takes its own way.
        if hetero or schedule is None or (isinstance(schedule, str) and not kernel):
            schedule = ()
        return cls(
            act, memory.depth, bias, float(memory.ridge), float(memory.hold),
            float(memory.momentum), isinstance(memory.metric, str),
            None if isinstance(norm, str) else float(norm),
            None if isinstance(schedule, str) else tuple(np.asarray(schedule, float).tolist()),
            search,
        )  # fmt: skip

    def norms(self, unit: Float[np.ndarray, "n d"]) -> tuple[float, tuple]:
        """Return the norm of a memory of unit patterns and those that recall passes."""
        norm = self.norm
        if norm is None:
            norm = auto_norm(unit, self.activation, self.depth, self.bias)
        if self.schedule and self.schedule[-1] >= norm:
            raise ValueError(
                f"schedule must stay below the memory's norm {norm:.4g}, "
                f"got {self.schedule[-1]:.4g}"
            )
        return norm, self.schedule or ()


def choose(
    rows: Float[np.ndarray, "n d"],
    mean: Float[np.ndarray, " d"],
    metric: Metric,
    settings: Settings,
    progress: bool | Callable[[int, int], object] | None = None,
) -> Choice | None:
    """Return the candidate that recalls most held-out cues of the rows, and all that were tried.

    Args:
        rows: distinct ones, (n, d), in the units given.
        mean: subtracted from them, (d,).
        metric: of the rows, by the rule or as given.
        settings: what the user fixed.
        progress: as for `attractory.critical_shock`; of the trials, and the most there may be.

    Returns:
        None if the metric is given, or the rows are too few to tell, or too many.
    """
    if not (settings.search and settings.metric_free and metric.floor):
        return None
    count = _CUES * (2 if rows.size <= _CHEAP else 1)
    most = max(count, min(_ROWS, _WORK // rows.shape[1]))
    if len(rows) < _FEW or rows.size < _SMALL or len(rows) > most:
        return None
    home, cues = held_out_cues(rows, count)
    tried: list[Trial] = []
    with reporting(progress, "choosing the metric", counting) as show:
        for share in SHARES:
            here = metric.with_share(share)
            found = _trial(rows - mean, cues - mean, mean, home, here, settings)
            tried.append(Trial(share, *found))
            show(len(tried), len(SHARES))
    best = max(tried, key=lambda trial: trial.recalled)
    return Choice(best.metric, len(cues), len(rows), tuple(tried))


def _trial(
    apart: Float[np.ndarray, "n d"],
    cues: Float[np.ndarray, "k d"],
    mean: Float[np.ndarray, " d"],
    home: Int[np.ndarray, " k"],
    metric: Metric,
    settings: Settings,
) -> tuple[int, int]:
    """Return how many cues have their row nearest at the start, and how many of them come back."""
    unit, start = _unit(metric.apply(apart)), _unit(denoised(cues, metric, False, mean))
    right = _sphere.nearest(start, unit) == home
    act = _twin(settings.activation)
    rule = act, settings.depth, settings.ridge, settings.bias

    def made(at: float) -> KernelStore:
        store = KernelStore(at * unit, at * unit, *rule, passed=True)
        store.map()
        return store

    try:
        norm, passed = settings.norms(unit)
        store = made(norm)
        way_store = made(passed[-1]) if passed else store
    except ValueError:  # rows too much alike to be stored at such a norm, or one below the schedule
        return int(right.sum()), 0
    low = passed[-1] if passed else norm
    last, first = single(store.map()), single(way_store.map())
    held = np.asarray(low * start, np.float32)
    if settings.schedule is None:
        drift = Drift(store)
        if drift.sharp is not None:
            held, *_ = run_stage(drift.sharp, held, held, SHARP, shrink=False)
        first, stage = drift.relaxed(first, np.float32), STRAIGHT
    else:
        (stage,) = way(settings.hold, 1, settings.momentum, *unit.shape)
    state, *_ = run_stage(first, held, held, stage, shrink=False)
    state *= np.float32(norm / low)
    own = Stage(0.0, 0.0, _STEPS, settings.momentum, _STILL, coarse=settings.momentum > 0)
    state, *_ = run_stage(last, state, state, own, shrink=False)
    away = np.linalg.norm(state - norm * unit[home], axis=1)
    return int(right.sum()), int((away <= _THERE * norm).sum())


def _unit(x: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1.0)


def _twin(act: Activation) -> Activation:
    """Return the erf whose kernel grows as fast."""
    if not isinstance(act, ErfMixture) or len(act.scales) == 1:
        return act
    return ErfMixture("erf", act.offset, act.gain, (erf_width(act),), (1.0,))
