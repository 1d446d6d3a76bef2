r"""Recall on the way from a cue to an attractor: the cue held, the norm raised, momentum.

One stage iterates one map from each cue u by

    x ← f(x + μ(x − x₋)) + q (u − f(u)),                             giving back, or
    x ← (1 − c) f(x + μ(x − x₋)) + c u,  c = q/10,                   by a weighted mean,

q falling geometrically from the stage's start to its end. Giving back, the cue itself is at rest
while q = 1; as q falls, the place of rest moves from the cue towards an attractor, and the state
follows: a continuation. Let go at once it would lose, in a few steps, what the cue says along
directions that the patterns fill weakly (docs/recall.md), and slide into a mixture. By a weighted
mean it loses part of that, and of the cue's noise there too. Where patterns are many more than
dimensions, nothing is weakly filled, and only the noise is left to lose: then the mean is the
better (of 10,000 digits with noise of half their size it recalls 0.9 where giving back recalls
0.3); up to some patterns a dimension the other is (`memory.guided_recall`). At low norm f(x) − x
is small, so that only momentum makes the stage short. The last stage is the memory's own map,
without a hold: where it comes to rest, the plain map rests.

Momentum is dropped for a step when the state turns back (O'Donoghue & Candès, 2015), and for good
when a cue leaves every bound; it then begins anew.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from attractory._util.precision import full_precision
from attractory.analysis.iteration import pad_rows
from attractory.maps.protocol import Map

__all__ = ["Stage", "run_stage"]

_CHUNK = 8  # steps between two looks at who is still moving
_SMALL = 256  # cues
_MEAN = 0.1  # weight of the cue in a mean, for a hold of 1
_RELEASE = 0.8  # factor on the hold while the state is quiet
_NEAR = 1e-2  # relative step below which the momentum is fitted to how steps fall
_LEAST = 0.05  # momentum
_SHORTER = 0.8  # of a step, a chunk of steps later
_REACH = 10.0  # a state longer than this many cues has left


class Stage(NamedTuple):
    """How a stage runs.

    Attributes:
        hold: q at first.
        least: what it falls to; 0 lets go.
        steps: map evaluations, at most.
        momentum: μ.
        tolerance: relative step that ends it, the hold being down.
        back: whether to give back what a step takes, or to hold by a weighted mean.
        coarse: whether small steps that no longer shorten end it: they are the precision's noise.
    """

    hold: float
    least: float
    steps: int
    momentum: float
    tolerance: float
    back: bool = True
    coarse: bool = False


def run_stage(
    f: Map,
    start: Float[np.ndarray, "k d"],
    cue: Float[np.ndarray, "k d"],
    stage: Stage,
    *,
    shrink: bool = True,
    momentum: Float[np.ndarray, " k"] | None = None,
) -> tuple[Float[np.ndarray, "k d"], Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return states at a stage's end, the map evaluations of each, and the momentum it had then.

    Args:
        f: the map, or a step of another kind.
        start: states, (k, d).
        cue: what holds them, (k, d).
        stage: how to run.
        shrink: if not, the batch keeps its size to the end, and is compiled once.
        momentum: of each state at first; the stage's by default, which is also the most.
    """
    count, kind = len(start), start.dtype
    state, last = start.copy(), start.copy()
    used = np.zeros(count, int)
    hold = np.full(count, stage.hold, kind)
    momentum = np.full(count, stage.momentum) if momentum is None else momentum
    momentum = momentum.astype(kind)
    decay = 1.0
    if stage.hold > 0:
        decay = (max(stage.least, 1e-3 * stage.hold) / stage.hold) ** (1 / max(stage.steps, 1))
    numbers = [np.asarray(v, kind) for v in (stage.least, decay, stage.tolerance)]
    numbers.append(np.asarray(stage.back))
    running, done = np.arange(count), 0
    rows, earlier = np.array([], int), np.full(count, np.inf)
    lost = np.zeros_like(cue)  # u − f(u)
    with full_precision():
        while len(running) and done < stage.steps:
            size, steps = len(running), min(_CHUNK, stage.steps - done)
            # A batch keeps its size until it has halved, a small one for longer: compiling another
            # takes a second.
            less = 2 if len(rows) > _SMALL else 8
            if len(rows) == 0 or (shrink and less * size <= len(rows)):
                rows = pad_rows(running)
            else:
                rows = np.pad(running, (0, len(rows) - size), mode="edge")
            alive = jnp.asarray(np.arange(len(rows)) < size)
            if done == 0 and stage.hold > 0 and stage.back:
                # One step from the cues, without hold or momentum, by what is compiled anyway.
                none = np.zeros(len(rows), kind)
                parts = (cue[rows], cue[rows], cue[rows], lost[rows], none, none, *numbers)
                once = _advance(f, *map(jnp.asarray, parts), alive, jnp.asarray(1))
                lost = cue - np.asarray(once[0])[:size]
                used += 1
            parts = (state, last, cue, lost, hold, momentum)
            given = (jnp.asarray(v) for v in (*(part[rows] for part in parts), *numbers))
            found = _advance(f, *given, alive, jnp.asarray(steps))
            x, before, held, drive, evaluations, moving, first, move = (
                np.asarray(v)[:size] for v in found
            )
            state[running], last[running] = x, before
            if stage.hold == 0 and steps > 2:
                near = (move <= _NEAR * np.linalg.norm(x, axis=1)) & (move > 0) & (first > 0)
                driven = near & (drive > 0)
                rate = (move[driven] / first[driven]) ** (1 / (steps - 2))
                drive = drive.copy()
                drive[driven] = _fitting(rate, drive[driven], stage.momentum)
                moving = moving & ~(stage.coarse & near & (move > _SHORTER * earlier[running]))
                earlier[running] = move
            hold[running], momentum[running] = held, drive
            used[running] += evaluations
            done += steps
            running = running[moving]
    return state, used, momentum


def _fitting(rate: np.ndarray, momentum: np.ndarray, most: float) -> Float[np.ndarray, " k"]:
    """Return the momentum that would have fitted steps that fell by a factor `rate` each.

    Along an eigenvector of eigenvalue ρ errors fall by z with z² = ρ((1 + μ) z − μ): by √(ρμ) each
    if μ is large, else by the larger root. The rate is least where the roots meet.
    """
    meet = 2 * momentum / (1 + momentum)
    real = rate**2 / np.maximum((1 + momentum) * rate - momentum, 1e-6)
    rho = np.clip(np.where(rate < meet, rate**2 / momentum, real), 0.0, 0.999)
    root = np.sqrt(1 - rho)
    return np.clip((1 - root) / (1 + root), _LEAST, most)


@eqx.filter_jit
def _advance(
    f: Map,
    x: Array,
    last: Array,
    cue: Array,
    lost: Array,
    hold: Array,
    momentum: Array,
    least: Array,
    decay: Array,
    tolerance: Array,
    back: Array,
    alive: Array,
    steps: Array,
) -> tuple[Array, ...]:
    bound = _REACH * jnp.linalg.norm(cue, axis=-1).max()

    def step(k: Any, carry: tuple) -> tuple:
        x, last, hold, momentum, used, alive, first, _ = carry
        ahead = x + momentum[:, None] * (x - last)
        new = jnp.asarray(f(ahead), x.dtype)
        given, weight = new + hold[:, None] * lost, _MEAN * hold[:, None]
        new = jnp.where(back, given, (1 - weight) * new + weight * cue)
        move = jnp.linalg.norm(new - x, axis=-1)
        gone = alive & ~(jnp.linalg.norm(new, axis=-1) <= bound)
        quiet = move <= tolerance * jnp.linalg.norm(x, axis=-1)
        ended = alive & ~gone & quiet & (hold <= least)
        turned = ((new - x) * (x - last)).sum(axis=-1) < 0
        goes = alive & ~gone
        # A cue that left begins anew without momentum; it leaves the count running.
        x, last = (
            jnp.where(gone[:, None], cue, jnp.where(goes[:, None], new, x)),
            jnp.where(gone[:, None], cue, jnp.where((goes & ~turned)[:, None], x, new)),
        )
        momentum = jnp.where(gone, 0.0, momentum).astype(x.dtype)
        hold = jnp.maximum(least, hold * jnp.where(quiet, _RELEASE, decay)).astype(x.dtype)
        first = jnp.where(k == 1, move, first)
        return x, last, hold, momentum, used + alive, alive & ~ended, first, move

    none = jnp.zeros(x.shape[0], x.dtype)
    carry = (x, last, hold, momentum, jnp.zeros(x.shape[0], int), alive, none, none)
    return jax.lax.fori_loop(0, steps, step, carry)
