r"""Steps along the Gauss–Newton flow, and the last layer's exact one: how training usually runs.

The flow is dθ/dt = Jᵀ(J Jᵀ)⁻¹R, R = X̂ − f(X̂): every residual falls as e⁻ᵗ. As J Jᵀ is near P ⊗ I
(`maps.finite_ntk`), an Euler step of length τ is

    u = τ P⁻¹R,   δW_l = c_l ∘ G_lᵀA_{l−1}/√n_{l−1},   G = the way back of u,

two products with the later weights, and what P leaves over goes into the next step. The length is
τ = 1/(1 + b), b how far the first layer's values bend away from their linear change over τ = 1: a
full step where training is lazy, half a one where it is not; and no longer than what fitted the
step before, as P's eigenvalues may be too small for some outputs. Under the flow a unit comes to
rest where it saturates; a straight step would carry it on by hundreds, to no effect but a longer
way. So c_l holds every unit's change at every pattern to `_REACH` scales of the activation, which
is what keeps the end near that of gradient descent at large norm (docs/training.md).

The outputs are linear in the last layer. Once R is small, W_L takes what is left exactly, by
u = C_{L−1}⁻¹R. With R/R₀ at 1/√width (2τ/√width if τ > ½) this strays from where the flow would end
by less than the width itself does.
"""

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
    Place,
    advance,
    at_place,
    inverse,
    mean_square,
    relative_bend,
)

SPRINT = 16  # steps between two looks from outside
_REACH = 6.0
_ENOUGH = 1024  # units, drawn alike, for a measure of them all
_SUFFICIENT = 0.02  # a short step of held units falls by little
_SHORTEST = 0.3  # of what fitted the step before


class Sprint(NamedTuple):
    """Where a few steps led: the losses after each, how many there were and the shares tried; the
    loss from which the last layer may end the run, and the bound on the next step's length.
    """

    place: Place
    losses: Float[Array, " k"]
    steps: Array
    tries: Array
    near: Array
    longest: Array


@jax.jit
def sprint(
    network: Autoencoder,
    place: Place,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    longest: Array | float,
    goal: Array | float,
    first: Array | float,
    count: Array | int,
) -> Sprint:
    """Take steps until the loss is at the goal, `count` (`SPRINT` at most) are done or one fails;
    or until the last layer may end it, `first` being the run's first loss (0: it may not).

    `longest` bounds the first step's length.
    """
    reach = _reach(network.activation)

    def step(carry: tuple) -> tuple:
        place, losses, steps, tried, _, longest, _ = carry
        here, at = at_place(network, place, x)
        residual = y.astype(jnp.float64) - place.outputs
        u = inverse(shared_kernel(at)) @ residual
        gradients = backward(here, at, u.astype(network.dtype))
        straight = at.grams[0] @ gradients[0]
        parts = place.befores[0], at.inputs[1], at.slopes[0], straight
        bend = relative_bend(network, *(part[:, :_ENOUGH] for part in parts))
        length = jnp.minimum(longest, 1 / (1 + bend.astype(jnp.float64)))
        gradients = [length.astype(network.dtype) * g for g in gradients]
        changes = [length.astype(network.dtype) * straight]
        changes += [inner @ g for inner, g in zip(at.grams[1:-1], gradients[1:-1], strict=True)]
        for layer, change in enumerate(changes):
            furthest = jnp.max(jnp.abs(change), axis=0)
            held = reach / jnp.maximum(furthest, reach)
            gradients[layer], changes[layer] = held * gradients[layer], held * change
        share = jnp.ones((), jnp.float64)
        after, share, tries = advance(here, place, at, y, gradients, changes[0], share, _SUFFICIENT)
        # Had R fallen straight towards where it went, this length would have brought it nearest.
        change = (after.outputs - place.outputs).astype(jnp.float64) / (length * share)
        fitting = jnp.sum(residual * change) / jnp.sum(change * change)
        longest = jnp.clip(fitting, _SHORTEST, 1.0)
        failed = ~(after.loss < place.loss) | (tries > HALVINGS)
        return (
            after,
            losses.at[steps].set(after.loss),
            steps + 1,
            tried + tries,
            length,
            longest,
            failed,
        )

    def near(length: Array) -> Array:
        return first * jnp.maximum(1.0, 2 * length) ** 2 / network.widths[-1]

    def unfinished(carry: tuple) -> Array:
        place, _, steps, _, length, _, failed = carry
        return (steps < count) & (place.loss > jnp.maximum(goal, near(length))) & ~failed

    longest = jnp.asarray(longest, jnp.float64)
    carry = (place, jnp.full(SPRINT, jnp.nan), 0, 0, jnp.zeros(()), longest, False)
    place, losses, steps, tries, length, longest, _ = lax.while_loop(unfinished, step, carry)
    return Sprint(place, losses, jnp.asarray(steps), jnp.asarray(tries), near(length), longest)


@jax.jit
def last_layer(network: Autoencoder, place: Place, y: Float[Array, "n d"]) -> Place:
    """Let the last layer take the whole residual, with the least change of its weights."""
    values, last = network.activation(place.befores[-1]), place.later[-1]
    inner = gram(values, values)
    residual = y.astype(jnp.float64) - place.outputs
    u = (inverse(inner.astype(jnp.float64)) @ residual).astype(network.dtype)
    outputs = place.outputs + inner @ u
    later = (*place.later[:-1], last + u.T @ values / root(last))
    return Place(later, place.moved, place.befores, outputs, mean_square(y, outputs))


def _reach(activation: Activation) -> float:
    """Return how far a unit may go: the typical (geometric mean) scale of its bend, some times."""
    if not isinstance(activation, ErfMixture):
        return float(np.finfo(np.float32).max)
    return _REACH * float(np.exp(np.dot(activation.weights, np.log(activation.scales))))
