r"""Follow states until each has settled on a fixed point or on a cycle.

States are iterated in blocks of `max_period` steps. One has settled on period p when the distance
it still has to go, estimated from two blocks as a geometric series, is below 1e-8 of the norm. A
small step alone would not do: at spectral radius 0.99999 a step of 1e-7 still has 1e-2 to go. (A
drift slower than 1e-8 a step could hide under a faster approach.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from attractory.analysis.iteration import pad_rows
from attractory.maps.protocol import Map

__all__ = ["Settled", "joined", "settle"]

_SETTLED = 1e-8  # distance left to go, relative to the norm, of a state that has settled
_CLEAR = 100.0  # a cycle is wider than the uncertainty of its points by this factor
_ROUNDING = 16.0  # a recurrence within this many units of rounding is exact


@dataclass(frozen=True)
class Settled:
    """Where m states settled.

    Attributes:
        state: the last state, (m, d).
        period: 1 for a fixed point, p for a cycle, 0 where it did not settle, (m,).
        residual: ‖fᵖ(state) − state‖ where it settled on period p, ‖f(state) − state‖ elsewhere,
            infinite where it diverged, (m,).
        diverged: which left the bound, (m,).
    """

    state: Float[np.ndarray, "m d"]
    period: Int[np.ndarray, " m"]
    residual: Float[np.ndarray, " m"]
    diverged: Bool[np.ndarray, " m"]


def joined(parts: Sequence[Settled]) -> Settled:
    """Return the states of several batches as one."""
    return Settled(
        state=np.concatenate([part.state for part in parts]),
        period=np.concatenate([part.period for part in parts]),
        residual=np.concatenate([part.residual for part in parts]),
        diverged=np.concatenate([part.diverged for part in parts]),
    )


def settle(
    f: Map,
    start: Float[np.ndarray, "m d"],
    scale: Float[np.ndarray, " m"],
    max_steps: int,
    max_period: int,
    bound: float,
) -> Settled:
    """Iterate checked states, in whole blocks of max_period, until each has settled on a period.

    Args:
        f: a checked map.
        start: states in the precision of the map, (m, d).
        scale: the norm that "small" refers to, (m,).
        max_steps: applications of the map, rounded down to whole blocks, at least two; 0 is none.
        max_period: longest period that is recognised.
        bound: a norm above it has diverged.
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
            np.asarray(a)[: len(running)]
            for a in _block(f, jax.device_put(state[padded]), max_period)
        )
        gone = ~(high <= bound)
        diverged[running[gone]] = True
        now = back.astype(float)  # ‖f^p(x) − x‖ for p = 1 …, (m, max_period)
        found = _period(now, before[running], scale[running], exact)
        found[gone] = 0
        done = found > 0
        period[running] = found
        residual[running] = now[np.arange(len(now)), np.maximum(found, 1) - 1]
        residual[running[gone]] = np.inf
        before[running] = now
        # A state that has ended, or is at the last block, stays the one its residual belongs to.
        goes_on = ~done & ~gone
        if block < blocks - 1:
            state[running[goes_on]] = end[goes_on]
        running = running[goes_on]
    return Settled(state=state, period=period, residual=residual, diverged=diverged)


def _period(
    now: np.ndarray, before: np.ndarray, scale: np.ndarray, exact: float
) -> Int[np.ndarray, " m"]:
    """Return the smallest period on which each state has settled, 0 if none.

    `now` and `before` hold ‖fᵖ(x) − x‖ for p = 1 … of this block and the last, (m, max_period).
    """
    count = now.shape[1]
    periods = np.arange(1, count + 1)
    with np.errstate(all="ignore"):
        shrunk = now / before  # per block
        left = now / (1 - shrunk ** (periods / count))
        left = np.where(shrunk < 1, left, np.inf)
    left = np.where(now <= exact * scale[:, None], 0.0, left)
    settled = left <= _SETTLED * scale[:, None]
    first = settled.argmax(axis=1)
    rows = np.arange(len(now))
    # A spiral towards a fixed point recurs, too; a cycle is wider than the distance left to go.
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
