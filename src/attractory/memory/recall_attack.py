r"""The start nearest to a stored row from which a guided recall does not end at it.

It bounds from above what `memory.certified_recall` bounds from below, of the same steps. A start at
an angle a from row p is cos a p + sin a u. Directions u are those of the nearest rows and opposites
of rows (the map's terms are odd but for a constant: it leads to these as well), of sums of them, of
the rows' principal axes and random ones. Along each the boundary of what is recalled is bisected;
the nearest ones are then turned up the gradient of the angle after a few steps, taken through the
steps themselves, and bisected anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from attractory._util.precision import full_precision
from attractory._util.progress import Progress, counting, reporting
from attractory._util.seeds import generator
from attractory._util.validation import indices as checked
from attractory._util.validation import whole
from attractory.kernels.single_precision import single
from attractory.maps.uncompiled import Uncompiled
from attractory.memory.base import BaseMemory
from attractory.memory.certified_chain import covered
from attractory.memory.coordinates import nearest
from attractory.memory.guided_recall import (
    DRIFT_FREE,
    HIGH_DEGREE,
    RecallPlan,
    is_beside,
    lead,
)
from attractory.memory.high_degree_steps import HighDegreeStep
from attractory.memory.momentum_iteration import run_stage
from attractory.memory.settling import settle

__all__ = ["RecallAttack", "across", "attack_recall", "away"]

_THERE = 0.01  # of the norm: an end this near is at the row
_FARTHEST = 1.4  # radians
_HALVINGS = 7
_STATES = 1024  # led at a time
_SEEN = 3  # steps that the gradient is taken through
_ALONG = 1e-9  # of a vector's length: one with no more than this across a row is along it
_BEYOND = 1.002  # of the boundary: where both precisions agree
_KEPT = 4  # directions that are turned
_TURNS = np.array([0.5, 0.25, 0.1])  # of the way to the gradient's direction


@dataclass(frozen=True)
class RecallAttack:
    """The nearest lost starts found of k rows.

    Attributes:
        rows: indices of the rows, (k,).
        angle: between the row and the start, seen from the mean in the memory's metric; radians,
            (k,). Infinite if every start that was tried came back.
        start: the starts, (k, d), in the memory's coordinates, at its norm.
        tried: starts led, in all.
    """

    rows: Int[np.ndarray, " k"]
    angle: Float[np.ndarray, " k"]
    start: Float[np.ndarray, "k d"]
    tried: int

    def __repr__(self) -> str:
        """Summarise."""
        found = np.degrees(self.angle[np.isfinite(self.angle)])
        spread = f" at {found.min():.1f}° … {found.max():.1f}°" if len(found) else ""
        return f"RecallAttack(lost starts of {len(found)} of {len(self.rows)} rows{spread})"


def attack_recall(
    memory: BaseMemory,
    rows: Sequence[int] | Int[np.ndarray, " k"] | None = None,
    *,
    directions: int = 24,
    rounds: int = 2,
    seed: int = 0,
    progress: Progress = None,
) -> RecallAttack:
    """Search for the start nearest to each row that a guided recall does not bring to it.

    Args:
        memory: as for `certify_recall`.
        rows: indices; all by default.
        directions: to begin with, at least 4.
        rounds: of turning the nearest of them.
        seed: of the random ones.
        progress: a bar or none, or a function of rows done and rows in all; see `Progress`.

    Raises:
        TypeError, ValueError: as `certify_recall`.

    Example:
        >>> from attractory import AttractorMemory
        >>> from attractory.datasets import bundled_digits
        >>> memory = AttractorMemory(activation="erf", metric="rule").fit(bundled_digits(10)[0])
        >>> attack = attack_recall(memory, [0, 1], directions=8, rounds=1)
        >>> bool((attack.angle > 0.5).all())
        True
    """
    state = covered(memory)
    n = len(memory)
    chosen = np.arange(n) if rows is None else checked(np.asarray(rows), "rows", np.shape(rows), n)
    chosen = np.atleast_1d(chosen)
    directions, rounds = whole(directions, "directions", 4), whole(rounds, "rounds", 0)
    rng = generator(whole(seed, "seed", 0), "attacks")
    plan = state.plan(state.settings.at_recall(memory.get_params(deep=False)))
    search = _Search(plan, rng)
    each = max(1, _STATES // directions)
    found = []
    with full_precision(), reporting(progress, "attacks", counting) as report:
        for k in range(0, len(chosen), each):
            found.append(search.nearest(chosen[k : k + each], directions, rounds))
            report(min(k + each, len(chosen)), len(chosen))
    angle = np.concatenate([a for a, _ in found])
    start = np.concatenate([x for _, x in found])
    return RecallAttack(chosen, angle, state.span.outward(start), search.tried)


class _Search:
    """Attacks on one memory; directions are (rows, directions, d), of the span."""

    def __init__(self, plan: RecallPlan, rng: np.random.Generator):
        self.plan, self.rng, self.tried = plan, rng, 0
        assert plan.linear is not None
        self.step = plan.linear.high_degree_step
        self.unit = plan.patterns / plan.norm
        inside = np.flatnonzero(np.abs(self.unit).max(axis=0) > 0)  # coordinates that are used
        self.width = int(inside.max()) + 1
        _, _, axes = np.linalg.svd(self.unit[:512], full_matrices=False)
        self.axes = axes[:4]

    def nearest(
        self, rows: Int[np.ndarray, " k"], directions: int, rounds: int
    ) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k d"]]:
        """Return the angle of the nearest lost start of each row, and the start."""
        u = np.stack([self._begin(int(row), directions) for row in rows])
        angle = self._boundary(rows, u, np.full(u.shape[:2], np.inf))
        step = self.step
        kept = min(_KEPT, directions)
        for _ in range(rounds):
            if step is None:
                break
            best = np.argsort(angle, axis=1)[:, :kept]
            some = np.take_along_axis(u, best[:, :, None], 1)
            aim = np.take_along_axis(angle, best, 1)
            at = np.where(np.isfinite(aim), aim, 1.0)
            p = self.unit[rows][:, None]
            x = np.cos(at)[:, :, None] * p + np.sin(at)[:, :, None] * some
            flat = x.reshape(-1, x.shape[2]) * self.plan.norm
            home = np.repeat(self.unit[rows], kept, axis=0)
            given = (jnp.asarray(v, np.float32) for v in (flat, home))
            slope = np.asarray(away(step, *given), float)
            slope = across(slope.reshape(x.shape), p)
            for turn in _TURNS:
                turned = across((1 - turn) * some + turn * slope, p)
                reached = self._boundary(rows, turned, aim)
                better = reached < aim
                some = np.where(better[:, :, None], turned, some)
                aim = np.where(better, reached, aim)
            np.put_along_axis(u, best[:, :, None], some, 1)
            np.put_along_axis(angle, best, aim, 1)
        best = angle.argmin(axis=1)
        k = np.arange(len(rows))
        least = angle[k, best] * _BEYOND
        at = np.where(np.isfinite(least), least, 0.0)[:, None]
        start = (np.cos(at) * self.unit[rows] + np.sin(at) * u[k, best]) * self.plan.norm
        back = self._there(lead(self.plan, start).state, self.plan.patterns[rows])
        return np.where(back, np.inf, least), start

    def _begin(self, row: int, count: int) -> Float[np.ndarray, "c d"]:
        """Return unit directions across a row: to its like and their sums, along axes, random."""
        p = self.unit[row]
        close = self.unit @ p
        close[row] = 0.0
        near = np.argsort(-np.abs(close))[: min(len(close) - 1, count // 2)]
        to = across(np.sign(close[near])[:, None] * self.unit[near], p)
        sums = [to[:m].sum(axis=0) for m in range(2, min(len(to), max(2, count // 6)) + 1)]
        axes = [s * a for a in self.axes for s in (1, -1)][: count // 6]
        random = np.zeros((count, len(p)))
        random[:, : self.width] = self.rng.normal(size=(count, self.width))
        return across(np.vstack([to, *sums, *axes, random])[:count], p)

    def _boundary(
        self, rows: np.ndarray, u: np.ndarray, least: np.ndarray
    ) -> Float[np.ndarray, "k c"]:
        """Return the smallest angle known to be lost along each direction, if below the least."""
        close = self.unit[rows] @ self.unit.T
        close[np.arange(len(rows)), rows] = -1.0
        half = np.arccos(np.clip(close.max(axis=1), -1, 1))[:, None] / 2
        low, high = np.zeros(least.shape), np.full(least.shape, np.inf)
        first = np.where(np.isfinite(least), least * (1 - 1e-3), half)
        for more in (1.0, 1.2, 1.5, 2.0):
            angle = np.minimum(np.where(np.isfinite(least), first, half * more), _FARTHEST)
            lost = self._lost(rows, u, angle)
            high = np.where(lost & np.isinf(high), angle, high)
            low = np.where(lost | np.isfinite(high), low, angle)
            if np.isfinite(high).all() or np.isfinite(least).all():
                break
        for _ in range(_HALVINGS):
            open_ = np.isfinite(high)
            if not open_.any():
                break
            middle = np.where(open_, (low + np.where(open_, high, 0.0)) / 2, 0.0)
            lost = self._lost(rows, u, middle) & open_
            high, low = np.where(lost, middle, high), np.where(lost | ~open_, low, middle)
        return np.minimum(high, least)

    def _lost(self, rows: np.ndarray, u: np.ndarray, angle: np.ndarray) -> Bool[np.ndarray, "k c"]:
        p = self.unit[rows][:, None]
        x = np.cos(angle)[:, :, None] * p + np.sin(angle)[:, :, None] * u
        flat = x.reshape(-1, x.shape[2]) * self.plan.norm
        home = np.repeat(self.plan.patterns[rows], u.shape[1], axis=0)
        self.tried += len(flat)
        ended = self._float32(flat)
        # What is at none of the rows is led to the nearest one (`guided_recall.parted`).
        at = self.plan.patterns[nearest(ended, self.plan.patterns)]
        back = self._there(ended, home) | (~self._there(ended, at) & (at == home).all(axis=1))
        return ~back.reshape(angle.shape)

    def _float32(self, start: np.ndarray) -> np.ndarray:
        """Return where the legs in float32 lead: what follows stays there."""
        plan, state = self.plan, start.astype(np.float32)
        if self.step is not None:
            far = ~is_beside(plan, start, plan.nearest(start))
            state[far] = run_stage(Uncompiled(self.step), state[far], HIGH_DEGREE)[0]
        if plan.votes is None:
            assert plan.linear is not None
            rough = plan.linear.rough_step(single(plan.own))
            return run_stage(rough, state, DRIFT_FREE, shrink=False)[0].astype(float)
        found = settle(plan.votes, state, DRIFT_FREE)
        there = (found.row >= 0) & plan.rows_rest
        return np.where(there[:, None], plan.patterns[found.row], found.state)

    def _there(self, ended: np.ndarray, home: np.ndarray) -> np.ndarray:
        return np.linalg.norm(ended - home, axis=1) <= _THERE * self.plan.norm


@eqx.filter_jit
def away(step: HighDegreeStep, x: Array, home: Array) -> Array:
    """Return the direction in which states end farther from home after a few steps."""

    def near(x: Array) -> Array:
        for _ in range(_SEEN):
            x = step(x)
        return -(x * home).sum() / jnp.sqrt((x[0] * x[0]).sum())

    return jax.grad(near)(x)


def across(u: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return vectors less their parts along p, of length 1; 0 for those along it."""
    rest = u - (u * p).sum(axis=-1, keepdims=True) * p
    size, length = (np.linalg.norm(v, axis=-1, keepdims=True) for v in (u, rest))
    some = length > _ALONG * size
    return np.where(some, rest / np.where(some, length, 1.0), 0.0)
