r"""The bounds of a recall's legs joined: from its start, by steps of high degree, to rest at a row.

Where each leg is proven to lead is in `memory.certified_votes`, `memory.certified_approach` and
`memory.certified_answers`; whose recalls they are of, in `covered`.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from sklearn.utils.validation import check_is_fitted

from attractory._util.precision import full_precision
from attractory.activations import ErfMixture
from attractory.memory.base import BaseMemory
from attractory.memory.certified_answers import AnswerBound, Ladder
from attractory.memory.certified_approach import OPPOSITE, Approach, ApproachBound
from attractory.memory.certified_votes import Rivals, VoteBound
from attractory.memory.estimator import AttractorMemory
from attractory.memory.guided_recall import DRIFT_FREE, HIGH_DEGREE, at_last
from attractory.memory.row_stability import RowStability
from attractory.memory.state import MemoryState
from attractory.memory.stored_map import KernelStore

__all__ = ["RecallChain", "covered", "is_covered"]

_MOST_ROWS = 20_000  # of a memory: products of all pairs are held
_HALVINGS, _COARSE = 11, 5  # of the angle sought, and those for each way to weigh rivals
_ROUNDS = 2, 5  # of search for the bounds near rest; more where the first ones are no use
_ENOUGH = 0.8  # of the angle that votes allow: then no better ones are sought
_PROMISING = 3.0  # the factor by which a step is known to reduce small angles, to seek better ones
# Of the angle that one step reaches, for all of them.
_LESS = 0.0005, 0.001, 0.002, 0.004, 0.007, 0.012, 0.02, 0.04, 0.08, 0.2, 0.4
_QUIET = 1.1 * HIGH_DEGREE.tolerance  # a smaller turn may end the leg
_NEAR = 1e-6  # radians, for what rounding does to comparisons of distances


class RecallChain:
    """The bounds of a memory's recall, from its start to rest.

    Attributes:
        ladders: of the rows asked for; empty where nothing is proven.
        unstable: rows asked for that would have an angle, but are no attractors of the map.

    Raises:
        TypeError, ValueError: for a memory whose recall they are not of; see `certify_recall`.
    """

    def __init__(self, memory: BaseMemory):
        state = covered(memory)
        settings = state.settings.at_recall(memory.get_params(deep=False))
        linear = state.linear_part
        assert linear is not None  # a guided memory of a kernel has one
        self.linear = linear
        with full_precision():
            self.approach = ApproachBound(linear)
            step = self.linear.high_degree_step
            count = len(self.approach.patterns)
            self.votes = None if step is None else VoteBound(step, count)
            plan = state.plan(settings)
        self.tolerance = plan.tolerance
        self.ladders: dict[int, Ladder] = {}
        self.unstable: set[int] = set()
        assert isinstance(state.store, KernelStore)
        self._store = state.store
        self.beside = 2 * np.arcsin(self.linear.beside / 2)

    def half_angles(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return half the angle to the nearest other row or opposite; of none, a right angle.

        The opposite of a row's own opposite is the row itself, and no rival.
        """
        p = self.approach.patterns
        close = np.clip(p[rows] @ p.T, -1, 1)
        if self.votes is not None and self.votes.odd:
            close = np.where(close < -1 + OPPOSITE, close, np.abs(close))
        close[np.arange(len(rows)), rows] = -1.0
        return np.arccos(close.max(axis=1)) / 2

    def angles(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the certified angles of rows."""
        most = self._apart(rows)
        led = None if self.votes is None else self._led_in(self.votes, rows, most)
        found, left = np.zeros(len(rows)), np.arange(len(rows))
        bounds = [self.approach.row(i) for i in rows.tolist()]
        # What votes do not lead in comes no farther than from where there are none.
        possible = most if led is None else np.maximum(led[0], np.minimum(most, self.beside[rows]))
        for rounds in _ROUNDS:
            some = None if led is None else (led[0][left], led[1].some(left))
            near = [bounds[k].after(rounds, rounds == _ROUNDS[-1]) for k in left.tolist()]
            found[left] = self._chained(rows[left], most[left], some, near)
            promising = [bool(bound.across[0] < _PROMISING) for bound in near]
            left = left[promising & (found[left] < _ENOUGH * possible[left])]
            if not len(left):
                break
        proven = np.flatnonzero(found > 0)
        for k in proven[~self._stability.attractors(rows[proven])].tolist():
            found[k], self.ladders[int(rows[k])] = 0.0, []
            self.unstable.add(int(rows[k]))
        return found

    @cached_property
    def _stability(self) -> RowStability:
        return RowStability(self._store)

    def _chained(
        self,
        rows: Int[np.ndarray, " k"],
        most: Float[np.ndarray, " k"],
        led: "tuple[Float[np.ndarray, ' k'], Rivals] | None",
        near: list[Approach],
    ) -> Float[np.ndarray, " k"]:
        """Return the angles from which the whole chain of steps is proven to end at rows."""
        last = at_last(self.tolerance)
        rests = np.array([
            bound.rests_from(DRIFT_FREE, last, self.tolerance, float(a))
            for bound, a in zip(near, most, strict=True)
        ])  # fmt: skip
        for row, angle in zip(rows.tolist(), rests.tolist(), strict=True):
            self.ladders[row] = [angle] if angle > 0 else []
        if led is None:
            return rests
        # Starts as near as this to the row take no steps of high degree.
        beside = self.beside[rows] + _NEAR
        found = np.where(rests > beside, np.minimum(beside, most), np.minimum(rests, most))
        found = np.where(rests > 0, found, 0.0)
        far = np.flatnonzero((rests > beside) & (rests > 0))
        if len(far):
            reached = self._path(rows[far], led[0][far], led[1].some(far), rests[far])
            found[far] = np.maximum(found[far], reached)
        for row, angle in zip(rows.tolist(), found.tolist(), strict=True):
            if self.ladders[row] and angle < self.ladders[row][0]:
                self.ladders[row] = [angle]
        return found

    def around(
        self, start: Float[np.ndarray, "k d"], answer: Int[np.ndarray, " k"]
    ) -> Float[np.ndarray, " k"]:
        """Return the certified angles around starts, of length 1; `angles` had their answers."""
        ladders = [self.ladders[row] for row in answer.tolist()]
        if self.votes is None:
            certified = np.array([ladder[0] if ladder else 0.0 for ladder in ladders])
            close = np.einsum("ij,ij->i", start, self.approach.patterns[answer])
            return np.maximum(certified - np.arccos(np.clip(close, -1, 1)), 0.0)
        return AnswerBound(self.votes, self.beside).angles(start, answer, ladders)

    def _apart(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the angle within which no other row is the nearest, or too near."""
        p = self.approach.patterns
        theta = np.arccos(np.clip(p[rows] @ p.T, -1, 1))
        theta[np.arange(len(rows)), rows] = np.pi
        return np.minimum(theta / 2, theta - self.beside).min(axis=1) - _NEAR

    def _led_in(
        self, votes: VoteBound, rows: Int[np.ndarray, " k"], most: Float[np.ndarray, " k"]
    ) -> tuple[Float[np.ndarray, " k"], Rivals]:
        """Return the angles from which votes of high degree are nearer, and rivals as weighted."""
        low, high, chosen = np.zeros(len(rows)), most.copy(), None
        for rivals in votes.rivals(rows, 0.95 * np.minimum(most, np.pi / 4)):
            ends = self._bisected(votes, rivals, np.zeros(len(rows)), most, _COARSE)
            better = ends[0] > low if chosen is not None else np.ones(len(rows), bool)
            low, high = (
                np.where(better, new, old) for new, old in zip(ends, (low, high), strict=True)
            )
            chosen = rivals if chosen is None else rivals.where(better, chosen)
        assert chosen is not None
        return self._bisected(votes, chosen, low, high, _HALVINGS - _COARSE)[0], chosen

    def _bisected(
        self, votes: VoteBound, rivals: Rivals, low: np.ndarray, high: np.ndarray, times: int
    ) -> tuple[np.ndarray, np.ndarray]:
        for _ in range(times):
            middle = (low + high) / 2
            good = votes.leads_in(rivals, middle)
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        return low, high

    def _path(
        self,
        rows: Int[np.ndarray, " k"],
        low: Float[np.ndarray, " k"],
        rivals: Rivals,
        goal: Float[np.ndarray, " k"],
    ) -> Float[np.ndarray, " k"]:
        """Return the angles from which steps of high degree are proven to lead to within a goal."""
        votes = self.votes
        assert votes is not None
        found = np.where(low <= goal, 0.0, np.nan)
        for less in _LESS:
            left = np.flatnonzero(np.isnan(found))
            if not len(left):
                break
            start = (1 - less) * low[left]
            angle, some, aim = start.copy(), rivals.some(left), goal[left]
            path = [angle.copy()]
            for _ in range(HIGH_DEGREE.steps):
                moving = np.flatnonzero((angle > aim) & np.isfinite(angle))
                if not len(moving):
                    break
                after = votes.step(some.some(moving), angle[moving]) + _QUIET
                angle[moving] = np.where(after < angle[moving], after, np.inf)
                path.append(angle.copy())
            for k in np.flatnonzero(angle <= aim):
                falling = [float(a[k]) for a in path]
                ended = next(j for j, a in enumerate(falling) if a <= aim[k])
                self.ladders[int(rows[left[k]])] = falling[: ended + 1]
            found[left] = np.where(angle <= aim, start, np.nan)
        return np.nan_to_num(found)


def covered(memory: BaseMemory) -> MemoryState:
    """Return a memory's state, or say why its recall is not certified."""
    if not isinstance(memory, AttractorMemory):
        raise TypeError(
            f"memory must be an AttractorMemory, got {type(memory).__name__}: the recall of other "
            "memories, sequences among them, has no certificate"
        )
    check_is_fitted(memory)
    state = memory.state_
    if not isinstance(state.store, KernelStore):
        raise ValueError(
            "memory must be of infinite width: a network's own map ends its recall, and no bound "
            "on it covers the starts of guided steps; certified_radius is of networks of depth 2"
        )
    if not state.settings.guided:
        raise ValueError(
            'memory must have iteration="guided": plain recall is its map alone, which '
            "certified_radius is of"
        )
    if not isinstance(state.settings.activation, ErfMixture):
        raise ValueError(
            "memory must have an activation that is a mixture of error functions, as sigmoid, "
            f"tanh, erf or arctan, got {state.settings.activation.name}: of other kernels no bound "
            "is known to hold"
        )
    if len(state.points) > _MOST_ROWS:
        raise ValueError(
            f"memory must have at most {_MOST_ROWS:,} rows, got {len(state.points):,}: the bound "
            "holds the products of all pairs"
        )
    return state


def is_covered(memory: BaseMemory) -> bool:
    """Whether a memory's recall is one that is certified."""
    try:
        covered(memory)
    except (TypeError, ValueError):
        return False
    return True
