r"""Steps along the Gauss–Newton flow, and the last layer's exact one: how training usually runs.

The flow is dθ/dt = Jᵀ(J Jᵀ)⁻¹R, R = X̂ − f(X̂): every residual falls as e⁻ᵗ. As J Jᵀ is near P ⊗ I
(`maps.finite_ntk`), an Euler step of length τ is

    u = τ P⁻¹R,   δW_l = c_l ∘ G_lᵀA_{l−1}/√n_{l−1},   G = backward pass of u,

two products with the later weights; what P leaves of the residual goes into the next step. The
length is τ = 1/(1 + b), b the relative curvature of the first layer's values over τ = 1: a full
step where training is lazy, half a one where it is not. It is at most the length that would have
been best for the step before, because P's eigenvalues may be too small for some outputs.

Along the flow a unit stops where it saturates; a straight step would carry it on by hundreds,
which changes no output and moves the weights further. So c_l limits every unit's change at every
pattern to `_REACH` scales of the activation. This keeps the end near that of gradient descent at
large norm (docs/explanation/training.md).

Gradient descent takes another way: it follows dθ/dt = JᵀR, along which the residual in the
eigendirections of P falls as e^{−λt}, the large ones first, and the maps it ends at differ from the
Gauss–Newton flow's at large norm. With `gradient` a step goes along that way, exactly so for a map
that is linear over it: u = P⁻¹(1 − e^{−Pt})R, t such that a quarter of the residual goes.

The outputs are linear in the last layer. Once R is small, W_L takes what is left exactly, by
u = C_{L−1}⁻¹R. With R/R₀ at 1/√width (2τ/√width if τ > ½) the result differs from the end of the
flow by less than networks of that width differ from their limit.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from attractory.activations import Activation, ErfMixture
from attractory.maps.finite_ntk import backward, gram, shared_kernel
from attractory.maps.network import Autoencoder, root
from attractory.maps.training_state import (
    HALVINGS,
    TrainingState,
    advance,
    mean_square,
    network_at,
    regularised_inverse,
    relative_curvature,
)

MOST_STEPS = 16  # steps in one compiled call
_REACH = 6.0  # largest change of a pre-activation, in scales of the activation
_ENOUGH = 1024  # units from which the curvature is measured; all are drawn alike
_FLAT = 1e-9  # eigenvalues of P below this part of the largest are raised to it
_SUFFICIENT = 0.02  # fall of the loss that is enough, relative to that of a linear map
_PART = 0.25  # of the residual that a step of the gradient flow takes
_SHORTEST = 0.3  # the bound on the length of a step is at least this


class FlowSteps(NamedTuple):
    """Where a few steps led.

    Attributes:
        state: after the last step.
        losses: after each step; NaN beyond the last.
        steps: how many there were.
        tries: shares of steps that were tried.
        exact_below: the loss from which on the last layer may end the run.
        longest: the bound on the next step's length.
    """

    state: TrainingState
    losses: Float[Array, " k"]
    steps: Array
    tries: Array
    exact_below: Array
    longest: Array


@partial(jax.jit, static_argnames="gradient")
def flow_steps(
    network: Autoencoder,
    state: TrainingState,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    longest: Array | float,
    goal: Array | float,
    first: Array | float,
    count: Array | int,
    gradient: bool = False,
) -> FlowSteps:
    """Take steps until the loss is at the goal, enough are done, or one fails.

    They end as well where the last layer may take what is left.

    Args:
        network: the one that the run started with.
        state: where the first step starts.
        x, y: patterns and targets, (n, d).
        longest: bound on the first step's length.
        goal: mean squared error at which to stop.
        first: the run's first loss, on which it depends from where the last layer may end it; 0 if
            it may not.
        count: number of steps, at most `MOST_STEPS`.
        gradient: whether to follow the gradient flow.
    """
    reach = _reach(network.activation)

    def step(carry: tuple) -> tuple:
        state, losses, steps, tried, _, longest, _ = carry
        here, at = network_at(network, state, x)
        residual = y.astype(jnp.float64) - state.outputs
        kernel = shared_kernel(at)
        u = regularised_inverse(kernel) @ residual
        gradients = backward(here, at, u.astype(network.dtype))
        straight = at.grams[0] @ gradients[0]
        parts = state.preactivations[0], at.inputs[1], at.slopes[0], straight
        curvature = relative_curvature(network, *(part[:, :_ENOUGH] for part in parts))
        length = jnp.minimum(longest, 1 / (1 + curvature.astype(jnp.float64)))
        if gradient:
            length = jnp.minimum(_PART, length)
            u = along_gradient_flow(kernel.astype(jnp.float64), residual, length) / length
            gradients = backward(here, at, u.astype(network.dtype))
            straight = at.grams[0] @ gradients[0]
        gradients = [length.astype(network.dtype) * g for g in gradients]
        changes = [length.astype(network.dtype) * straight]
        changes += [inner @ g for inner, g in zip(at.grams[1:-1], gradients[1:-1], strict=True)]
        for layer, change in enumerate(changes):
            furthest = jnp.max(jnp.abs(change), axis=0)
            held = reach / jnp.maximum(furthest, reach)
            gradients[layer], changes[layer] = held * gradients[layer], held * change
        share = jnp.ones((), jnp.float64)
        after, share, tries = advance(here, state, at, y, gradients, changes[0], share, _SUFFICIENT)
        # The length that would have been best for a map linear along this step.
        change = (after.outputs - state.outputs).astype(jnp.float64) / (length * share)
        fitting = jnp.sum(residual * change) / jnp.sum(change * change)
        longest = jnp.ones_like(fitting) if gradient else jnp.clip(fitting, _SHORTEST, 1.0)
        failed = ~(after.loss < state.loss) | (tries > HALVINGS)
        return (
            after,
            losses.at[steps].set(after.loss),
            steps + 1,
            tried + tries,
            length,
            longest,
            failed,
        )

    def exact_below(length: Array) -> Array:
        return first * jnp.maximum(1.0, 2 * length) ** 2 / network.widths[-1]

    def unfinished(carry: tuple) -> Array:
        state, _, steps, _, length, _, failed = carry
        return (steps < count) & (state.loss > jnp.maximum(goal, exact_below(length))) & ~failed

    longest = jnp.asarray(longest, jnp.float64)
    carry = (state, jnp.full(MOST_STEPS, jnp.nan), 0, 0, jnp.zeros(()), longest, False)
    state, losses, steps, tries, length, longest, _ = lax.while_loop(unfinished, step, carry)
    return FlowSteps(
        state, losses, jnp.asarray(steps), jnp.asarray(tries), exact_below(length), longest
    )


def along_gradient_flow(
    kernel: Float[Array, "n n"], residual: Float[Array, "n d"], part: Array | float
) -> Float[Array, "n d"]:
    """Return P⁻¹(1 − e^{−Pt})R, at the t at which ‖e^{−Pt}R‖ is less than ‖R‖ by a part of it."""
    values, vectors = jnp.linalg.eigh(kernel)
    values = jnp.maximum(values, _FLAT * values[-1])
    parts = vectors.T @ residual
    weights = jnp.sum(parts**2, axis=1)

    def halve(_: Array | int, ends: tuple) -> tuple:
        low, high = ends
        middle = (low + high) / 2
        left = jnp.sum(weights * jnp.exp(-2 * values * jnp.exp(middle))) / jnp.sum(weights)
        more = left > (1 - part) ** 2
        return jnp.where(more, middle, low), jnp.where(more, high, middle)

    # Logarithms of times in which the fastest part hardly moves, and the slowest is gone.
    ends = jnp.log(1e-7 / values[-1]), jnp.log(1e3 / values[0])
    time = jnp.exp(lax.fori_loop(0, 60, halve, ends)[1])
    return vectors @ (-jnp.expm1(-values * time)[:, None] / values[:, None] * parts)


@jax.jit
def last_layer(network: Autoencoder, state: TrainingState, y: Float[Array, "n d"]) -> TrainingState:
    """Let the last layer take the whole residual, with the least change of its weights."""
    values, last = network.activation(state.preactivations[-1]), state.later_weights[-1]
    inner = gram(values, values)
    residual = y.astype(jnp.float64) - state.outputs
    u = (regularised_inverse(inner.astype(jnp.float64)) @ residual).astype(network.dtype)
    outputs = state.outputs + inner @ u
    later = (*state.later_weights[:-1], last + u.T @ values / root(last))
    return TrainingState(
        later, state.first_layer_change, state.preactivations, outputs, mean_square(y, outputs)
    )


def _reach(activation: Activation) -> float:
    """Return the largest change of a pre-activation: `_REACH` geometric mean scales."""
    if not isinstance(activation, ErfMixture):
        return float(np.finfo(np.float32).max)
    return _REACH * float(np.exp(np.dot(activation.weights, np.log(activation.scales))))
