r"""Recall by iteration: x ← f(x) until it no longer moves.

A cue is recalled when the iteration settles on a stored pattern. This module only iterates and
says how each cue ended; comparing the end with the patterns is the caller's.
"""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.machine import few_sizes
from attractory._util.plotted import Plotted
from attractory._util.precision import double
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_batch, positive, whole
from attractory.maps.protocol import Map, dim_of, dtype_of, named

__all__ = ["RecallResult", "RecallStatus", "recall"]

_SHRINK = 8  # the running batch is regrouped once it has fallen by this factor
_SMALL = 16  # … unless it is this small already


class RecallStatus(StatusEnum):
    """How the iteration of one cue ended."""

    CONVERGED = 0, "the last step was below the tolerance"
    NOT_CONVERGED = 1, "still moving at the step limit; raise max_steps or tol"
    DIVERGED = 2, "left every bound, or became NaN; the map expands here"


@dataclass(frozen=True)
class RecallResult(Plotted):
    """Where each cue went; leading shape (…) is that of the cues.

    Attributes:
        state: last state, (…, d). For a diverged cue the last finite one.
        steps: applications of the map, (…).
        residual: ‖f(state) − state‖ at the last state, (…), in the units of the cue; infinite
            where f gave NaN.
        status: `RecallStatus` values, (…).
    """

    state: Float[np.ndarray, "*k d"]
    steps: Int[np.ndarray, "*k"]
    residual: Float[np.ndarray, "*k"]
    status: Int[np.ndarray, "*k"]

    @property
    def converged(self) -> np.ndarray:
        """Which cues converged, (…)."""
        return self.status == RecallStatus.CONVERGED

    def __repr__(self) -> str:
        """Summarise the batch."""
        counts = ", ".join(
            f"{int((self.status == s).sum())} {s.name.lower().replace('_', ' ')}"
            for s in RecallStatus
        )
        return (
            f"RecallResult({counts}; at most {int(self.steps.max())} steps, "
            f"largest residual {float(self.residual.max()):.1e})"
        )


@double
def recall(
    f: Map,
    cues: ArrayLike,
    *,
    max_steps: int = 2000,
    tol: float = 1e-8,
    limit: float = 1e6,
) -> RecallResult:
    """Iterate a map from each cue until its step is small.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations. Its attribute `dtype`, if it has
            one, is the precision of the iteration; float64 otherwise.
        cues: starting states, (…, d).
        max_steps: most applications of the map.
        tol: a cue has converged when ‖f(x) − x‖ ≤ tol ‖x‖ + tol². At spectral radius ρ the fixed
            point is then some tol/(1 − ρ) away, so small tolerances matter for slow patterns.
        limit: a cue has diverged when its norm exceeds limit · max(1, the largest cue's norm), or
            is not finite.

    Raises:
        ValueError: for cues that are not finite or empty, tol ≤ 0, max_steps < 1.
        TypeError: if the map cannot be traced by JAX or changes the shape.

    Example:
        >>> import jax.numpy as jnp
        >>> result = recall(jnp.cos, [[1.0], [0.0]])
        >>> result.state.round(6).ravel().tolist(), result.converged.tolist()
        ([0.739085, 0.739085], [True, True])
    """
    start = as_batch(cues, "cues", dim=dim_of(f))
    max_steps, tol, limit = (
        whole(max_steps, "max_steps", 1),
        positive(tol, "tol"),
        positive(limit, "limit"),
    )
    shape, dim = start.shape[:-1], start.shape[-1]
    state = start.reshape(-1, dim).astype(dtype_of(f))
    bound = limit * max(1.0, float(np.linalg.norm(state, axis=1).max()))
    check_map(f, state)
    state, residual, steps, status = iterate(f, state, max_steps, tol, bound)
    return RecallResult(
        state.reshape(*shape, dim),
        steps.reshape(shape),
        residual.reshape(shape),
        status.reshape(shape),
    )


def iterate(
    f: Map,
    start: Float[np.ndarray, "m d"],
    max_steps: int,
    tol: float,
    bound: float,
) -> tuple[
    Float[np.ndarray, "m d"], Float[np.ndarray, " m"], Int[np.ndarray, " m"], Int[np.ndarray, " m"]
]:
    """Return state, residual, steps and status of checked cues; a norm above bound diverges."""
    state, count = start.copy(), len(start)
    residual, steps = np.full(count, np.inf), np.zeros(count, int)
    status = np.full(count, int(RecallStatus.NOT_CONVERGED))
    running, done = np.arange(count), 0
    # As arrays: plain numbers would be compiled in, and every new cue has another bound.
    tol_, bound_, last = (jax.device_put(np.asarray(v)) for v in (tol, bound, max_steps))
    while len(running) and done < max_steps:
        size = len(running)
        enough = 0 if size <= _SMALL else size // _SHRINK
        padded = pad_rows(running)
        x, r, k, s, done_now = advance_to_rest(
            f,
            *jax.device_put((state[padded], np.arange(len(padded)) < size, np.asarray(done))),
            last,
            tol_,
            bound_,
            jax.device_put(np.asarray(enough)),
        )
        done = int(done_now)
        state[running], residual[running] = np.asarray(x)[:size], np.asarray(r)[:size]
        steps[running], status[running] = np.asarray(k)[:size], np.asarray(s)[:size]
        running = running[status[running] == RecallStatus.NOT_CONVERGED]
    return state, residual, steps, status


def pad_rows(index: Int[np.ndarray, " m"]) -> Int[np.ndarray, " k"]:
    """Repeat the last index up to one of few batch sizes, each compiled once."""
    more = few_sizes(len(index), _SMALL, np.inf) - len(index)
    return np.pad(index, (0, more), mode="edge")


@eqx.filter_jit
def _step(f: Map, state: Array) -> Array:
    """Return f(state); compiled nowhere, but a map is traced once, not at each check."""
    return f(state)


def check_map(f: Map, state: np.ndarray) -> None:
    """Refuse what JAX cannot trace, or what changes the shape."""
    try:
        out = eqx.filter_eval_shape(_step, f, jax.ShapeDtypeStruct(state.shape, state.dtype))
    except (TypeError, AttributeError, jax.errors.JAXIndexError) as error:
        raise TypeError(
            "f must be built from JAX operations (jax.numpy instead of numpy or torch), so that it "
            f"can be compiled; tracing it failed with {named(error)}"
        ) from error
    if getattr(out, "shape", None) != state.shape:
        raise TypeError(
            f"f must map (…, d) to (…, d); it turned shape {state.shape} into "
            f"{getattr(out, 'shape', type(out).__name__)}"
        )


@eqx.filter_jit
def advance_to_rest(
    f: Map,
    state: Array,
    alive: Array,
    done: Array,
    max_steps: Array,
    tol: Array,
    bound: Array,
    enough: Array,
) -> tuple[Array, Array, Array, Array, Array]:
    """Iterate until at most `enough` cues still move; return state, residual, steps, status."""

    def go_on(carry: tuple) -> Array:
        *_, step, alive = carry
        return (step < max_steps) & (alive.sum() > enough)

    def one_step(carry: tuple) -> tuple:
        x, residual, steps, status, step, alive = carry
        new = f(x).astype(x.dtype)
        size, move = jnp.linalg.norm(new, axis=-1), jnp.linalg.norm(new - x, axis=-1)
        diverged = alive & ~(size <= bound)
        converged = alive & ~diverged & (move <= tol * jnp.linalg.norm(x, axis=-1) + tol**2)
        # A cue that ends here stays at the state its residual belongs to.
        goes_on = alive & ~diverged & ~converged
        x = jnp.where((goes_on & (step + 1 < max_steps))[:, None], new, x)
        residual = jnp.where(alive, jnp.where(jnp.isnan(move), jnp.inf, move), residual)
        steps = jnp.where(alive, step + 1, steps)
        status = jnp.where(converged, int(RecallStatus.CONVERGED), status)
        status = jnp.where(diverged, int(RecallStatus.DIVERGED), status)
        return x, residual, steps, status, step + 1, goes_on

    count = state.shape[0]
    carry = (
        state,
        jnp.full(count, jnp.inf, state.dtype),
        jnp.zeros(count, int),
        jnp.full(count, int(RecallStatus.NOT_CONVERGED)),
        done,
        alive,
    )
    x, residual, steps, status, step, _ = jax.lax.while_loop(go_on, one_step, carry)
    return x, residual, steps, status, step
