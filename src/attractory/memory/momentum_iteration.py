r"""Iteration with momentum: x ← f(x + μ(x − x₋)), for many states at once.

Momentum makes iteration short where the map moves slowly. It is dropped for a step when the state
turns back (O'Donoghue & Candès, 2015). A state that leaves every bound begins anew at its start,
without momentum for good. Near rest the momentum is fitted to how the steps fall.

The batch is cut down as states come to rest, to few sizes, each of which is compiled once: one size
where a step costs little.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from attractory._util.interrupts import check
from attractory._util.machine import few_sizes
from attractory._util.precision import full_precision
from attractory.maps.protocol import Map
from attractory.maps.uncompiled import LOOP, in_numpy

__all__ = [
    "CHUNK", "NEAR", "SHORTER", "Stage", "advance", "fitting_momentum", "run_stage",
]  # fmt: skip

CHUNK = 8  # steps between two looks at which states still move
_SMALL = 256  # states: a batch this small is cut down later, …
_SMALLEST = 16  # … and no further than to this many, or to more if the map is small:
_CHEAP = 1 << 21  # states times the map's numbers that a step takes a millisecond or two for
NEAR = 1e-2  # relative step below which the momentum is fitted to how steps fall
_FIRST = 4  # times the terms of an iteration in NumPy are allowed to its first steps
_LEAST = 0.05  # momentum
SHORTER = 0.8  # of a step, a chunk of steps later: less is the precision's noise
_REACH = 10.0  # a state longer than this many times the longest start has left every bound


class Stage(NamedTuple):
    """How a stage of recall runs.

    Attributes:
        steps: map evaluations, at most.
        momentum: μ.
        tolerance: step, relative to the state, that ends it.
        coarse: whether small steps that no longer shorten end it: they are the precision's noise.
    """

    steps: int
    momentum: float
    tolerance: float
    coarse: bool = False


def run_stage(
    f: Map,
    start: Float[np.ndarray, "k d"],
    stage: Stage,
    *,
    shrink: bool = True,
    momentum: Float[np.ndarray, " k"] | None = None,
) -> tuple[Float[np.ndarray, "k d"], Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return states at a stage's end, the map evaluations of each, and the momentum it had then.

    Args:
        f: the map, or a step of another kind.
        start: states, (k, d), in the precision to compute in.
        stage: how to run.
        shrink: whether the batch is cut down on the way; if not, one size is compiled.
        momentum: of each state at first; the stage's by default, which is also the most.
    """
    count, kind = len(start), start.dtype
    state, last = start.copy(), start.copy()
    used = np.zeros(count, int)
    momentum = np.full(count, stage.momentum) if momentum is None else momentum
    momentum = momentum.astype(kind)
    tolerance = np.asarray(stage.tolerance, kind)
    running, done = np.arange(count), 0
    whole, least = 0, _least_batch(f)  # states in the batch, and their least number
    earlier = np.full(count, np.inf)
    with full_precision():
        while len(running) and done < stage.steps:
            check()
            size, steps = len(running), min(CHUNK, stage.steps - done)
            # Most states are at rest after few steps, and then nothing is compiled for them.
            quick = in_numpy(f, size, LOOP if done else _FIRST * LOOP)
            if quick is not None:
                columns = (v[running] for v in (state, last, start, momentum))
                found = _advance_in_numpy(quick, *columns, tolerance, steps)
            else:
                # A batch keeps its size until it has halved, a small one for longer: compiling
                # another takes a second.
                less = 2 if whole > _SMALL else 8
                if whole == 0 or (shrink and less * size <= whole):
                    whole = few_sizes(size, least, np.inf)
                rows = np.pad(running, (0, whole - size), mode="edge")
                alive = np.arange(whole) < size
                columns = (v[rows] for v in (state, last, start, momentum))
                found = advance(f, *columns, tolerance, alive, np.asarray(steps))
            x, before, drive, evaluations, moving, first, move = (
                np.asarray(v)[:size] for v in found
            )
            state[running], last[running] = x, before
            if steps > 2:
                near = (move <= NEAR * np.linalg.norm(x, axis=1)) & (move > 0) & (first > 0)
                driven = near & (drive > 0)
                rate = (move[driven] / first[driven]) ** (1 / (steps - 2))
                drive = drive.copy()
                drive[driven] = fitting_momentum(rate, drive[driven], stage.momentum)
                moving = moving & ~(stage.coarse & near & (move > SHORTER * earlier[running]))
                earlier[running] = move
            momentum[running] = drive
            used[running] += evaluations
            done += steps
            running = running[moving]
    return state, used, momentum


def _least_batch(f: Map) -> int:
    """Return the states below whose number a smaller batch is not worth compiling for."""
    numbers = sum(leaf.size for leaf in jax.tree.leaves(f) if eqx.is_array(leaf))
    states = min(_SMALL, _CHEAP // max(numbers, 1))
    return max(_SMALLEST, 1 << max(states, 1).bit_length() - 1)


def _advance_in_numpy(
    f: Callable[[np.ndarray], np.ndarray],
    x: Float[np.ndarray, "k d"],
    last: Float[np.ndarray, "k d"],
    start: Float[np.ndarray, "k d"],
    momentum: Float[np.ndarray, " k"],
    tolerance: np.ndarray,
    steps: int,
) -> tuple[np.ndarray, ...]:
    """Return what `advance` does for states that all move, a step of NumPy's at a time."""
    x, last, momentum = x.copy(), last.copy(), momentum.copy()
    bound = _REACH * np.linalg.norm(start, axis=1).max()
    used, alive = np.zeros(len(x), int), np.full(len(x), True)
    first, move = np.zeros(len(x), x.dtype), np.zeros(len(x), x.dtype)
    for k in range(steps):
        live = np.flatnonzero(alive)
        if not len(live):
            break
        here, before, drive = x[live], last[live], momentum[live]
        new = np.asarray(f(here + drive[:, None] * (here - before)), x.dtype)
        step = new - here
        move[live] = length = np.linalg.norm(step, axis=1)
        if k == 1:
            first[live] = length
        gone = ~(np.linalg.norm(new, axis=1) <= bound)
        ended = ~gone & (length <= tolerance * np.linalg.norm(here, axis=1))
        turned = np.einsum("ij,ij->i", step, here - before) < 0
        last[live] = np.where(turned[:, None], new, here)
        x[live] = new
        some = live[gone]
        x[some] = last[some] = start[some]
        momentum[some] = 0
        used[live] += 1
        alive[live] = ~ended
    return x, last, momentum, used, alive, first, move


def fitting_momentum(
    rate: Float[Array | np.ndarray, " k"], momentum: Float[Array | np.ndarray, " k"], most: float
) -> Float[Array | np.ndarray, " k"]:
    """Return the momentum that would have fitted steps that fell by a factor `rate` each.

    Along an eigenvector of eigenvalue ρ errors fall by z with z² = ρ((1 + μ) z − μ): by √(ρμ) each
    if μ is large, else by the larger root. The rate is least where the roots meet.
    """
    xp: Any = jnp if isinstance(rate, jax.Array) else np
    meet = 2 * momentum / (1 + momentum)
    real = rate**2 / xp.maximum((1 + momentum) * rate - momentum, 1e-6)
    rho = xp.clip(xp.where(rate < meet, rate**2 / momentum, real), 0.0, 0.999)
    root = xp.sqrt(1 - rho)
    return xp.clip((1 - root) / (1 + root), _LEAST, most)


@eqx.filter_jit
def advance(
    f: Map,
    x: Array | np.ndarray,
    last: Array | np.ndarray,
    start: Array | np.ndarray,
    momentum: Array | np.ndarray,
    tolerance: Array | np.ndarray,
    alive: Array | np.ndarray,
    steps: Array | np.ndarray,
) -> tuple[Array, ...]:
    """Run steps of the batch.

    Args:
        f: the map.
        x, last: states now and one step before, (k, d).
        start: where a state that leaves every bound begins anew, (k, d).
        momentum: of each state, (k,).
        tolerance: as in `Stage`.
        alive: which states still move, (k,).
        steps: how many.

    Returns:
        States, those before, momenta, evaluations, who still moves, and the lengths of the second
        and of the last step.
    """
    bound = _REACH * jnp.linalg.norm(start, axis=-1).max()

    def step(k: Any, carry: tuple) -> tuple:
        x, last, momentum, used, alive, first, _ = carry
        ahead = x + momentum[:, None] * (x - last)
        new = jnp.asarray(f(ahead), x.dtype)
        move = jnp.linalg.norm(new - x, axis=-1)
        gone = alive & ~(jnp.linalg.norm(new, axis=-1) <= bound)
        ended = alive & ~gone & (move <= tolerance * jnp.linalg.norm(x, axis=-1))
        turned = ((new - x) * (x - last)).sum(axis=-1) < 0
        goes = alive & ~gone
        # A state that left begins anew without momentum; it leaves the count running.
        x, last = (
            jnp.where(gone[:, None], start, jnp.where(goes[:, None], new, x)),
            jnp.where(gone[:, None], start, jnp.where((goes & ~turned)[:, None], x, new)),
        )
        momentum = jnp.where(gone, 0.0, momentum).astype(x.dtype)
        first = jnp.where(k == 1, move, first)
        return x, last, momentum, used + alive, alive & ~ended, first, move

    none = jnp.zeros(x.shape[0], x.dtype)
    carry = (x, last, momentum, jnp.zeros(x.shape[0], int), alive, none, none)
    return jax.lax.fori_loop(0, steps, step, carry)
