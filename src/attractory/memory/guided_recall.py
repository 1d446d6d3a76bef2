"""Recall of cues by a memory: guided steps towards a stored row, then the map itself to rest.

Guided recall goes in three legs: steps by the map's terms of high degree
(`memory.high_degree_steps`), steps without its linear part (`memory.drift_free_steps`), and the map
as it is (`memory.momentum_iteration`), in float32 where that is enough and in float64 to rest.
Plain recall is the last leg alone, by plain iteration from the cue.

The map itself is at rest at its patterns and, where some of these are much alike or the opposite of
others, at a few mixtures of them besides. What guided recall leaves at none of the patterns goes on
by votes of a degree so high that alike patterns are told apart, and by the map again.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.interrupts import check
from attractory._util.parallel import sharing
from attractory.analysis.iteration import RecallStatus, recall
from attractory.kernels.single_precision import single
from attractory.maps.protocol import Map, dtype_of
from attractory.maps.uncompiled import LOOP, Uncompiled, in_numpy
from attractory.memory.coordinates import nearest
from attractory.memory.drift_free_steps import DriftFreeVotes, LinearPart
from attractory.memory.high_degree_steps import HighDegreeStep
from attractory.memory.momentum_iteration import Stage, run_stage
from attractory.memory.settling import nearest_exactly, settle, whole_moves
from attractory.memory.stored_map import called

__all__ = [
    "DRIFT_FREE", "HIGH_DEGREE", "LAST", "MOMENTUM", "NEAR_REST", "REST", "THERE", "RecallPath",
    "RecallPlan", "at_last", "at_rows", "follow", "follow_shared", "is_beside", "lead", "parted",
]  # fmt: skip

MOMENTUM = 0.8  # of the map's own steps; 0.9 loses cues, less takes more steps
_QUIET = 1e-3  # step, relative to the state, that ends a guided leg
NEAR_REST = 1e-5  # the same, down to which the last leg, too, runs in float32
REST = 1e-3  # a cue that its memory moves by less, relative to the norm, is at rest
_GUIDED = 80  # steps without the linear part, at most
LAST = 96  # the same in float64, at most
_SOON = 6  # steps in float32 that confirm a row: nearly all take one
_MORE = 0.0625  # tolerance of the last guided leg, of that of rest
_AT_ONCE = 8  # plain steps by what is compiled already, before a loop is compiled for them
HIGH_DEGREE = Stage(8, 0.0, _QUIET)
DRIFT_FREE = Stage(_GUIDED, 0.0, _QUIET)
THERE = 0.01  # of the norm: a state this near is at the pattern
_SHARP, _VOTES = 256, 4  # degree of the votes that part mixtures, and their number


class RecallPath(NamedTuple):
    """Where cues of a memory's own norm went; as in `MemoryRecall`, the residual not relative."""

    state: Float[np.ndarray, "k d"]
    steps: Int[np.ndarray, " k"]
    residual: Float[np.ndarray, " k"]
    status: Int[np.ndarray, " k"]
    path: Int[np.ndarray, "t k"]


class RecallPlan(NamedTuple):
    """How cues are recalled.

    Attributes:
        own: the memory's map.
        patterns: the stored ones, (n, d), all of one norm.
        norm: theirs, and that of cues.
        guided: whether recall is guided; if not, the map is iterated plainly.
        linear: what guided steps leave out of the map; None for a map without a kernel.
        max_steps: of each leg by the map itself.
        tolerance: step, relative to the state, at which a cue is at rest.
        missed: what the map moves any pattern by, at most, relative to the norm; inf if unknown.
        confirming: whether cues have a row already, which steps are to lead to: those that steps in
            float32 bring to no row soon are left where they are.
    """

    own: Map
    patterns: Float[np.ndarray, "n d"]
    norm: float
    guided: bool
    linear: LinearPart | None
    max_steps: int
    tolerance: float
    missed: float = np.inf
    confirming: bool = False

    @property
    def rows_rest(self) -> bool:
        """Whether the map is known to leave every pattern at rest."""
        return self.guided and self.missed <= self.tolerance

    @property
    def votes(self) -> DriftFreeVotes | None:
        """The steps in float32 that are run in NumPy; None for a network or plain recall."""
        return self.linear.votes if self.guided and self.linear is not None else None

    @property
    def ends_soon(self) -> bool:
        """Whether the guided legs end with few steps in float32, wherever they have led."""
        return self.confirming and self.votes is not None

    def nearest(self, states: Float[np.ndarray, "k d"]) -> Int[np.ndarray, " k"]:
        """Return the pattern nearest to each state."""
        if self.votes is None:
            return nearest(states, self.patterns)
        return nearest_exactly(states, self.patterns, np.asarray(self.votes.patterns))


def follow(
    plan: RecallPlan, cues: Float[np.ndarray, "k d"], start: Float[np.ndarray, "k d"]
) -> RecallPath:
    """Recall cues.

    Args:
        plan: how.
        cues: as they are, at the norm, (k, d). Those that the memory's map leaves at rest stay.
        start: where the others begin, (k, d).
    """
    states = _States(start.copy(), np.zeros(len(start), int))
    residual, done = np.zeros(len(start)), np.zeros(len(start), bool)
    moving = np.arange(len(start))
    if plan.guided:
        moved = _moved(plan, cues)
        at_rest = moved <= REST * plan.norm
        states.state[at_rest], states.steps[:] = cues[at_rest], 1
        path = [plan.nearest(states.state)]
        beside = is_beside(plan, states.state, path[0])
        moving, far = np.flatnonzero(~at_rest), np.flatnonzero(~at_rest & ~beside)
        legs, done = _guided_legs(plan, states, moving, far, path[0])
        path += legs
        residual[done] = plan.missed * plan.norm
        still = moved <= plan.tolerance * plan.norm
        residual[still], done = moved[still], done | still
    else:
        path = [plan.nearest(states.state)]
    state = states.state
    status = np.full(len(start), int(RecallStatus.CONVERGED))
    if plan.ends_soon:
        lost = moving[~done[moving]]
        status[lost], residual[lost], done[lost] = RecallStatus.NOT_CONVERGED, np.inf, True
    rest = np.flatnonzero(~done)
    if len(rest):
        state[rest], residual[rest], more, status[rest] = _to_rest(plan, state[rest])
        states.steps[rest] += more
    path.append(_last(plan, state, path[-1], done))
    found = RecallPath(state, states.steps, residual, status, np.stack(path))
    return parted(plan, found) if plan.guided else found


def at_rows(plan: RecallPlan, row: Int[np.ndarray, " k"]) -> RecallPath:
    """Return the recall of cues that begin at patterns, which the map leaves at rest.

    The one evaluation of the map there was made when the rows were stored.
    """
    count, legs = len(row), 2 + 2 * (plan.linear is not None)
    residual = np.full(count, plan.missed * plan.norm)
    status = np.full(count, int(RecallStatus.CONVERGED))
    path = np.tile(row, (legs, 1))
    return RecallPath(plan.patterns[row].copy(), np.ones(count, int), residual, status, path)


def _moved(plan: RecallPlan, cues: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " k"]:
    """Return by how much the map moves cues; where that is much, to the digits of float32.

    Cues at a row are moved in float64 in any case: float32 does not tell rows that are much alike.
    """
    linear, votes = plan.linear, plan.votes
    if linear is None or votes is None or not linear.regular:
        return np.linalg.norm(called(plan.own, cues) - cues, axis=1)
    moved, there = whole_moves(votes, linear.softened, cues)
    close = np.flatnonzero(there | (moved <= 2 * REST * plan.norm))
    if len(close):
        moved[close] = np.linalg.norm(called(plan.own, cues[close]) - cues[close], axis=1)
    return moved


def _last(
    plan: RecallPlan,
    state: Float[np.ndarray, "k d"],
    before: Int[np.ndarray, " k"],
    same: Bool[np.ndarray, " k"],
) -> Int[np.ndarray, " k"]:
    """Return the nearest patterns, which some states have kept."""
    out, others = before.copy(), np.flatnonzero(~same)
    if len(others):
        out[others] = plan.nearest(state[others])
    return out


def parted(plan: RecallPlan, found: RecallPath) -> RecallPath:
    """Return a guided recall whose states at rest at no pattern have gone on to one.

    A vote is x ← Σᵢ max(ρᵢ, 0)ᵏ pᵢ, back to the norm, with k = 256: of two patterns whose
    correlations with the state are 0.95 and 0.93 the first has 200 times the say.
    """
    away = np.linalg.norm(found.state - plan.patterns[found.path[-1]], axis=1)
    mixed = (away > THERE * plan.norm) & (found.status != RecallStatus.DIVERGED)
    if plan.confirming:
        mixed &= found.status == RecallStatus.CONVERGED
    which = np.flatnonzero(mixed)
    if not len(which):
        return found
    x, unit = found.state[which], plan.patterns / plan.norm
    for _ in range(_VOTES):
        rho = np.maximum(x @ unit.T, 0)
        largest = rho.max(axis=1, keepdims=True)
        x = (rho / np.where(largest > 0, largest, 1)) ** _SHARP @ unit
        length = np.linalg.norm(x, axis=1, keepdims=True)
        x *= plan.norm / np.where(length > 0, length, 1)
    x, residual, steps, status = _to_rest(plan, x)
    out = RecallPath(*(values.copy() for values in found))
    out.state[which], out.residual[which], out.status[which] = x, residual, status
    out.steps[which] += _VOTES + steps
    out.path[-1, which] = nearest(x, plan.patterns)
    return out


def lead(plan: RecallPlan, start: Float[np.ndarray, "k d"]) -> RecallPath:
    """Return where starts, (k, d), are led by the guided legs and the map, wherever they are."""
    states = _States(start.copy(), np.zeros(len(start), int))
    row = plan.nearest(start)
    far = np.flatnonzero(~is_beside(plan, start, row))
    legs, done = _guided_legs(plan, states, np.arange(len(start)), far, row)
    state, left = states.state, np.flatnonzero(~done)
    residual = np.full(len(state), plan.missed * plan.norm)
    status = np.full(len(state), int(RecallStatus.CONVERGED))
    if len(left):
        state[left], residual[left], more, status[left] = _to_rest(plan, state[left])
        states.steps[left] += more
    path = np.stack([row, *legs, _last(plan, state, [row, *legs][-1], done)])
    return parted(plan, RecallPath(state, states.steps, residual, status, path))


def is_beside(
    plan: RecallPlan, states: Float[np.ndarray, "k d"], row: Int[np.ndarray, " k"]
) -> Bool[np.ndarray, " k"]:
    """Return which states are so near to their nearest row that steps of high degree lead off."""
    if plan.linear is None:
        return np.zeros(len(states), bool)
    away = np.linalg.norm(states - plan.patterns[row], axis=1)
    return away <= plan.linear.beside[row] * plan.norm


def _guided_legs(
    plan: RecallPlan,
    states: "_States",
    moving: Int[np.ndarray, " m"],
    far: Int[np.ndarray, " q"],
    row: Int[np.ndarray, " k"],
) -> tuple[list[Int[np.ndarray, " k"]], Bool[np.ndarray, " k"]]:
    """Run the guided legs, then the map with momentum.

    Only states far from every row take the steps of high degree.

    Args:
        plan: how.
        states: of all.
        moving, far: which of them move, and which are far from every row.
        row: the pattern nearest to each.

    Returns:
        The nearest rows after each leg, and which states have been put at theirs.
    """
    legs = 0 if plan.linear is None else 2
    settled = np.zeros(len(row), bool)
    if not len(moving):
        return [row] * legs, settled
    path = []
    if plan.linear is not None:
        if plan.linear.high_degree_step is not None and len(far):
            states.run(far, _here(plan, plan.linear.high_degree_step), HIGH_DEGREE)
            row = _last(plan, states.state, row, ~np.isin(np.arange(len(row)), far))
        path.append(row)
        row, settled = _settled(plan, states, moving, row)
        moving = moving[~settled[moving]]
        if plan.ends_soon:
            return [*path, _last(plan, states.state, row, settled)], settled
        path.append(row)
        if not len(moving):
            return path, settled
        moving = _without_drift(plan, plan.linear, states, moving)
        path[-1] = _last(plan, states.state, row, settled)
    # Most of the way to the place of rest needs no more than float32 either.
    until, rough = max(plan.tolerance, NEAR_REST), single(plan.own)
    if len(moving):
        _, momentum = states.run(moving, rough, Stage(plan.max_steps, MOMENTUM, until, coarse=True))
        last = Stage(plan.max_steps, MOMENTUM, plan.tolerance)
        states.run(moving, plan.own, last, dtype_of(plan.own), momentum)
    return path, settled


def _here(plan: RecallPlan, step: HighDegreeStep) -> Map:
    """Return a step that is run in NumPy, for any number of states, where others are too."""
    return step if plan.votes is None else Uncompiled(step)


def _settled(
    plan: RecallPlan,
    states: "_States",
    moving: Int[np.ndarray, " m"],
    row: Int[np.ndarray, " k"],
) -> tuple[Int[np.ndarray, " k"], Bool[np.ndarray, " k"]]:
    """Step without the linear part in float32; return the nearest rows, and who is at rest there.

    Where the map is not known to leave rows at rest, none is.
    """
    assert plan.linear is not None
    done = np.zeros(len(row), bool)
    if plan.votes is None:
        states.run(moving, plan.linear.rough_step(single(plan.own)), DRIFT_FREE)
        return row, done
    stage = DRIFT_FREE._replace(steps=_SOON) if plan.ends_soon else DRIFT_FREE
    found = settle(plan.votes, states.state[moving], stage)
    states.steps[moving] += found.steps
    states.state[moving] = found.state
    if plan.rows_rest:
        there = found.row >= 0
        here, its = moving[there], found.row[there]
        states.state[here], done[here] = plan.patterns[its], True
        row = row.copy()
        row[here] = its
    return row, done


class _States(NamedTuple):
    """States on their way, (k, d), and the map evaluations of each, (k,); both are written to."""

    state: Float[np.ndarray, "k d"]
    steps: Int[np.ndarray, " k"]

    def run(
        self,
        which: Int[np.ndarray, " m"],
        f: Map,
        stage: Stage,
        kind: type | np.dtype = np.float32,
        momentum: Float[np.ndarray, " m"] | None = None,
    ) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """Run a stage for some; return their evaluations in it and their momentum at its end.

        Args:
            which: their indices.
            f, stage, momentum: as for `run_stage`.
            kind: of floating-point number.
        """
        here = np.asarray(self.state[which], kind)
        found, used, momentum = run_stage(f, here, stage, momentum=momentum)
        self.state[which] = np.asarray(found, float)
        self.steps[which] += used
        return used, momentum


def _without_drift(
    plan: RecallPlan,
    linear: LinearPart,
    states: "_States",
    moving: Int[np.ndarray, " m"],
) -> Int[np.ndarray, " a"]:
    """Step without the linear part, in float64; return who is slow to rest."""
    used, _ = states.run(moving, linear.drift_free_step(plan.own, float), at_last(plan.tolerance),
                         float)  # fmt: skip
    return moving[used == LAST]


def at_last(tolerance: float) -> Stage:
    """Return the steps without the linear part that end at rest under the map itself.

    At such a step x ← x + b (I − S + ε)⁻¹ (f(x) − x) the map moves a state near a row by a few
    times the step's own length, at most.
    """
    return DRIFT_FREE._replace(steps=LAST, tolerance=_MORE * tolerance)


def _to_rest(
    plan: RecallPlan, state: Float[np.ndarray, "k d"]
) -> tuple[
    Float[np.ndarray, "k d"], Float[np.ndarray, " k"], Int[np.ndarray, " k"], Int[np.ndarray, " k"]
]:
    """Return state, residual, steps and status of plain iteration.

    States that guided legs left mostly are at rest after a few steps: then nothing is compiled.
    """
    own, tolerance = plan.own, plan.tolerance
    residual, steps = np.zeros(len(state)), np.zeros(len(state), int)
    status = np.full(len(state), int(RecallStatus.CONVERGED))
    moving = np.arange(len(state))
    left = plan.max_steps + plan.guided
    quick = in_numpy(own, len(state), LOOP) is not None
    at_once = plan.max_steps if quick else min(_AT_ONCE, plan.max_steps)
    for _ in range(at_once if plan.guided else 0):
        check()
        new = called(own, state[moving])
        residual[moving] = np.linalg.norm(new - state[moving], axis=1)
        steps[moving] += 1
        goes = ~(residual[moving] <= tolerance * np.linalg.norm(state[moving], axis=1))
        moving, new, left = moving[goes], new[goes], left - 1
        if not len(moving):
            break
        state[moving] = new
    if len(moving):
        result = recall(own, state[moving], max_steps=left, tol=tolerance)
        state[moving], residual[moving] = result.state, result.residual
        steps[moving] += result.steps
        status[moving] = result.status
    return state, residual, steps, status


def follow_shared(
    compute: str | None,
    plan: RecallPlan,
    cues: Float[np.ndarray, "k d"],
    start: Float[np.ndarray, "k d"],
) -> RecallPath:
    """Return what `follow` does, the cues shared out to devices or a cluster."""
    if compute is None:
        return follow(plan, cues, start)
    with sharing(compute) as (count, share):
        parts = np.array_split(np.arange(len(cues)), min(count, len(cues)))
        paths = share(_follow_part, [(cues[part], start[part]) for part in parts], plan, None)
    state, steps, residual, status = (np.concatenate([one[k] for one in paths]) for k in range(4))
    joined = np.concatenate([one.path for one in paths], axis=1)
    return RecallPath(state, steps, residual, status, joined)


def _follow_part(piece: tuple[np.ndarray, np.ndarray], plan: RecallPlan, _: None) -> RecallPath:
    return follow(plan, *piece)
