"""The recall of `memory.guided_recall` as one compiled function, for maps that are on a GPU.

Cues go there once and what became of them comes back once; nothing travels in between. On the host
a batch shrinks as cues come to rest. Here the shapes of arrays are fixed, so the cues that still
move are gathered into one of two sizes, the whole batch's and an eighth of it.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from attractory._util.gpu import COMPILER, gpu, kept, resident
from attractory._util.precision import full_precision
from attractory.analysis.iteration import RecallStatus, advance_to_rest, pad_rows
from attractory.kernels.single_precision import single
from attractory.maps.protocol import dtype_of
from attractory.memory.coordinates import nearest_traced
from attractory.memory.guided_recall import (
    DRIFT_FREE,
    HIGH_DEGREE,
    LAST,
    MOMENTUM,
    NEAR_REST,
    REST,
    THERE,
    RecallPath,
    RecallPlan,
    at_last,
    at_rows,
    follow_shared,
    parted,
)
from attractory.memory.momentum_iteration import (
    CHUNK,
    NEAR,
    SHORTER,
    Stage,
    advance,
    fitting_momentum,
)

__all__ = ["course", "follow_anywhere"]

_PATIENCE = 40  # steps of the map itself, after which what moves still is put at its row

_LESS = 8  # the smaller size of a batch is the larger by this
_LEAST = 16  # cues in a batch
_jit: Any = eqx.filter_jit
_compiled = _jit(compiler_options=COMPILER)
_advance: Any = advance
_LIMIT = 1e6  # as `analysis.recall`'s


class _Rules(NamedTuple):
    """What is compiled in, as in `RecallPlan`; `kind` is the precision of the memory's map."""

    guided: bool
    max_steps: int
    tolerance: float
    kind: Any


class _Maps(NamedTuple):
    """The maps of a recall: the memory's, the same in float32, and the steps of guided legs."""

    own: Any
    rough: Any
    high_degree: Any
    drift_free: tuple[Any, Any] | None  # in float32 and in float64
    beside: Any  # distances from rows within which no step of high degree is taken


def follow_anywhere(
    compute: str | None,
    plan: RecallPlan,
    cues: Float[np.ndarray, "k d"],
    start: Float[np.ndarray, "k d"],
    certain: Bool[np.ndarray, " k"],
    row: Int[np.ndarray, " k"],
) -> RecallPath:
    """Return what `guided_recall.follow_shared` does, by a GPU if it is JAX's default device.

    What ends at another row than the cue is most probably of is put at that one, where rows are at
    rest: of rows in clusters the map goes to a middle one. So is what the map brings nowhere soon.

    Args:
        compute: as for `follow_shared`.
        plan, cues, start: as for `follow`.
        certain: which cues have been put at rows.
        row: which row each cue is most probably of.
    """
    if not plan.rows_rest:
        return _followed(compute, plan, cues, start)
    found, left = at_rows(plan, row), np.flatnonzero(~certain)
    if len(left):
        short = plan
        if plan.max_steps > _PATIENCE:
            short = plan._replace(max_steps=_PATIENCE, confirming=True)
        moved = _followed(compute, short, cues[left], start[left])
        found.path[:, left] = moved.path
        found.steps[left] += moved.steps
        ended = moved.path[-1]
        away = np.linalg.norm(moved.state - plan.patterns[ended], axis=1) / plan.norm
        kept = (ended == row[left]) | (away > THERE)
        kept &= (moved.status == RecallStatus.CONVERGED) | (not short.confirming)
        for whole, part in zip(found[:-1], moved[:-1], strict=True):
            whole[left[kept]] = part[kept]
        found.path[-1, left[~kept]] = row[left[~kept]]
    return found


def _followed(
    compute: str | None,
    plan: RecallPlan,
    cues: Float[np.ndarray, "k d"],
    start: Float[np.ndarray, "k d"],
) -> RecallPath:
    if compute is not None or gpu() is None:
        return follow_shared(compute, plan, cues, start)
    count, linear = len(cues), plan.linear if plan.guided else None
    kind = np.dtype(dtype_of(plan.own)).type
    # Plain numbers are compiled in, NumPy's would be arguments.
    rules = _Rules(plan.guided, int(plan.max_steps), float(plan.tolerance), kind)
    rows = pad_rows(np.arange(count))
    with full_precision():
        own = resident(plan.own)
        rough = resident(single(own))
        high_degree = drift_free = beside = None
        if linear is not None:
            high_degree = resident(linear.high_degree_step)
            drift_free = resident((linear.rough_step(rough), linear.drift_free_step(own, float)))
            beside = resident(linear.beside)
        maps = _Maps(own, rough, high_degree, drift_free, beside)
        given = resident((
            np.asarray(plan.norm, float), cues[rows], start[rows], np.arange(len(rows)) < count,
        ))  # fmt: skip
        found = course(maps, *given, kept(plan.patterns), rules)
        state, steps, residual, status, path = (np.array(v) for v in found)
    values = state[:count], steps[:count], residual[:count], status[:count], path[:, :count]
    return parted(plan, RecallPath(*values)) if plan.guided else RecallPath(*values)


@_compiled
def course(
    maps: _Maps,
    norm: Float[Array, ""],
    cues: Float[Array, "k d"],
    start: Float[Array, "k d"],
    real: Bool[Array, " k"],
    patterns: Float[Array, "n d"],
    rules: _Rules,
) -> tuple[Array, ...]:
    """Return state, steps, residual, status and path of a recall whose arrays are in place.

    Args:
        maps: what brings the cues to rest.
        norm: of the patterns.
        cues, start: as for `guided_recall.follow`.
        real: which cues are no padding.
        patterns: the stored ones.
        rules: how the legs run.
    """

    def place(states: Array) -> Array:
        return nearest_traced(states, patterns)

    count, rough_kind = len(cues), np.float32
    moving = _Moving(start, jnp.zeros(count, int))
    path = []
    if not rules.guided:
        path.append(place(start))
    else:
        moved = jnp.linalg.norm(maps.own(cues).astype(cues.dtype) - cues, axis=1)
        rest = moved <= REST * norm
        moving = _Moving(jnp.where(rest[:, None], cues, start), jnp.ones(count, int))
        path.append(place(moving.state))
        on, slow = real & ~rest, real & ~rest
        if maps.drift_free is not None:
            if maps.high_degree is not None:
                away = jnp.linalg.norm(moving.state - patterns[path[0]], axis=1)
                far = on & (away > maps.beside[path[0]] * norm)
                moving, _, _ = moving.go(far, maps.high_degree, HIGH_DEGREE, rough_kind)
            path.append(place(moving.state))
            moving, _, _ = moving.go(on, maps.drift_free[0], DRIFT_FREE, rough_kind)
            last = at_last(rules.tolerance)
            moving, used, _ = moving.go(on, maps.drift_free[1], last, np.float64)
            slow = on & (used == LAST)
            path.append(place(moving.state))
        # Most of the way to the place of rest needs no more than float32 either.
        until = max(rules.tolerance, NEAR_REST)
        stage = Stage(rules.max_steps, MOMENTUM, until, coarse=True)
        moving, _, drive = moving.go(slow, maps.rough, stage, rough_kind)
        stage = Stage(rules.max_steps, MOMENTUM, rules.tolerance)
        moving, _, _ = moving.go(slow, maps.own, stage, rules.kind, drive)
    state, residual, more, status = _to_rest(maps.own, moving.state, real, rules)
    path.append(place(state))
    return state, moving.steps + more, residual, status, jnp.stack(path)


class _Moving(NamedTuple):
    """States on their way, (k, d), and the map evaluations of each, (k,)."""

    state: Array
    steps: Array

    def go(
        self,
        who: Bool[Array, " k"],
        f: Any,
        stage: Stage,
        kind: Any,
        momentum: Array | None = None,
    ) -> tuple["_Moving", Array, Array]:
        """Return all after a stage for some, its evaluations, and the momentum at its end."""
        found, used, momentum = _run_stage(f, self.state.astype(kind), who, stage, momentum)
        state = jnp.where(who[:, None], found.astype(self.state.dtype), self.state)
        return _Moving(state, self.steps + used), used, momentum


class _Running(NamedTuple):
    """A stage under way; see `momentum_iteration.run_stage` for what the arrays are."""

    state: Array
    last: Array
    momentum: Array
    used: Array
    earlier: Array
    moving: Array
    done: Array


def _run_stage(
    f: Any, start: Array, who: Array, stage: Stage, momentum: Array | None
) -> tuple[Array, Array, Array]:
    """Return state, evaluations and momentum, as `run_stage`, for the cues `who`."""
    count, kind = len(start), start.dtype
    drive = jnp.full(count, stage.momentum) if momentum is None else momentum
    tolerance = jnp.asarray(stage.tolerance, kind)

    def steps_of(size: int) -> Any:
        def some(now: _Running) -> _Running:
            steps = jnp.minimum(CHUNK, stage.steps - now.done)
            rows = jnp.argsort(~now.moving, stable=True)[:size]
            alive = now.moving[rows]
            x, before, drive, evaluations, on, first, move = _advance(
                f, now.state[rows], now.last[rows], start[rows], now.momentum[rows], tolerance,
                alive, steps,
            )  # fmt: skip
            earlier = now.earlier[rows]
            near = (steps > 2) & (move <= NEAR * jnp.linalg.norm(x, axis=1)) & (move > 0)
            near &= first > 0
            driven = near & (drive > 0)
            share = jnp.where(driven, move, 1.0) / jnp.where(driven, first, 1.0)
            rate = share ** (1 / jnp.maximum(steps - 2, 1))
            fitted = fitting_momentum(rate, jnp.where(driven, drive, 1.0), stage.momentum)
            drive = jnp.where(driven, fitted, drive)
            on &= ~(stage.coarse & near & (move > SHORTER * earlier))
            earlier = jnp.where(steps > 2, move, earlier)

            def put(old: Array, new: Array) -> Array:
                mine = alive.reshape(-1, *[1] * (old.ndim - 1))
                return old.at[rows].set(jnp.where(mine, new, old[rows]).astype(old.dtype))

            return _Running(
                put(now.state, x), put(now.last, before), put(now.momentum, drive),
                put(now.used, now.used[rows] + evaluations), put(now.earlier, earlier),
                put(now.moving, on), now.done + steps,
            )  # fmt: skip

        return some

    now = _Running(
        start, start, drive.astype(kind), jnp.zeros(count, int), jnp.full(count, jnp.inf, kind),
        who, jnp.asarray(0),
    )  # fmt: skip
    sizes = _sizes(count) if stage.steps > 2 * CHUNK else [count]
    for size, fewer in zip(sizes, [*sizes[1:], 0], strict=True):

        def more(now: _Running, fewer: int = fewer) -> Array:
            return (now.moving.sum() > fewer) & (now.done < stage.steps)

        now = jax.lax.while_loop(more, steps_of(size), now)
    return now.state, now.used, now.momentum


def _sizes(count: int) -> list[int]:
    """Return the sizes of batches that still move, the largest first."""
    return [count, max(_LEAST, count // _LESS)] if count > 2 * _LEAST else [count]


def _to_rest(
    own: Any, state: Array, real: Array, rules: _Rules
) -> tuple[Array, Array, Array, Array]:
    """Return state, residual, steps and status of plain recall; see `guided_recall`."""
    count = len(state)
    residual, steps = jnp.zeros(count), jnp.zeros(count, int)
    status = jnp.full(count, int(RecallStatus.CONVERGED))
    moving = real
    if rules.guided:
        new = own(state).astype(state.dtype)
        residual, steps = jnp.linalg.norm(new - state, axis=1), steps + 1
        moving = real & ~(residual <= rules.tolerance * jnp.linalg.norm(state, axis=1))
        state = jnp.where(moving[:, None], new, state)
    largest = jnp.where(moving, jnp.linalg.norm(state, axis=1), 0.0).max()
    bound = _LIMIT * jnp.maximum(1.0, largest)
    most, tolerance, done = (jnp.asarray(v) for v in (rules.max_steps, rules.tolerance, 0))
    before, sizes = steps, _sizes(count)
    for size, fewer in zip(sizes, [*sizes[1:], 0], strict=True):
        rows = jnp.argsort(~moving, stable=True)[:size]
        alive = moving[rows] & (done < most)
        x, r, k, s, done = advance_to_rest(
            own, state[rows].astype(rules.kind), alive, done, most, tolerance, bound,
            jnp.asarray(fewer),
        )  # fmt: skip

        def put(old: Array, new: Array, rows: Array = rows, alive: Array = alive) -> Array:
            mine = alive.reshape(-1, *[1] * (old.ndim - 1))
            return old.at[rows].set(jnp.where(mine, new, old[rows]).astype(old.dtype))

        state, residual = put(state, x), put(residual, r)
        steps, status = put(steps, before[rows] + k), put(status, s)
        moving = moving & (status == int(RecallStatus.NOT_CONVERGED))
    return state, residual, steps, status
