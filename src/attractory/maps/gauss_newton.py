r"""One Gauss–Newton step in function space, preconditioned by the patterns' kernel.

With residuals R = X̂ − f(X̂), the step of least norm is δθ = Jᵀu where (J Jᵀ) u = R, by conjugate
gradients with products and preconditioner P of `maps.finite_ntk`; as J Jᵀ is near P ⊗ I, a few
iterations are enough. Training uses it where the steps of `maps.gauss_newton_flow`, which take P
for J Jᵀ, make too little progress: networks with few units for the numbers to be stored.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from attractory.maps.finite_ntk import backward, shared_kernel, tangent
from attractory.maps.network import Autoencoder
from attractory.maps.training_state import (
    TrainingState,
    advance,
    network_at,
    regularised_inverse,
    relative_curvature,
)

_SUFFICIENT = 0.25  # fall of the loss that is enough, relative to that of a linear map
# The system is solved to _WORTH times the relative curvature of the map along the step: a more
# exact step would not lower the loss further.
_WORTH = 0.2
_COARSEST = 0.3  # residual of the system, relative to that at its start
_FAR = 0.1  # accuracy from which on the step is so curved that …
_FEW = 4  # … this many iterations are enough
_MANY = 100  # iterations otherwise

Scalar = Array | float


class GaussNewtonStep(NamedTuple):
    """What a step did.

    Attributes:
        state: where it leads.
        figures: the loss there, the share of the full step that was taken, the conjugate-gradient
            iterations and the shares tried.
    """

    state: TrainingState
    figures: Float[Array, "4"]


@jax.jit
def gauss_newton_step(
    network: Autoencoder,
    state: TrainingState,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    share: Scalar,
    finest: Scalar,
    worth: Scalar = _WORTH,
) -> GaussNewtonStep:
    """Take a step: solve the system, then try `share`, half of it, … of its solution.

    Args:
        network: the one that the run started with.
        state: where the step starts.
        x, y: patterns and targets, (n, d).
        share: of the step, tried first.
        finest: smallest residual of the system to solve to, relative to that at its start.
        worth: the residual that is enough, relative to the curvature of the map along the step.
    """
    network, at = network_at(network, state, x)
    residual = y.astype(jnp.float64) - at.outputs
    preconditioner = regularised_inverse(shared_kernel(at))

    def iterate(carry: tuple) -> tuple:
        u, sums, rest, direction, fall, k = carry
        gradients = backward(network, at, direction.astype(network.dtype))
        product = tangent(network, at, gradients).astype(jnp.float64)
        size = fall / jnp.sum(direction * product)
        u, rest = u + size * direction, rest - size * product
        # G of u is the same sum of terms as u itself: it needs no backward pass of its own.
        sums = tuple(
            s + size.astype(g.dtype) * g for s, g in zip(sums, gradients[:-1], strict=True)
        )
        scaled = preconditioner @ rest
        new_fall = jnp.sum(rest * scaled)
        return u, sums, rest, scaled + new_fall / fall * direction, new_fall, k + 1

    first = preconditioner @ residual
    nothing = tuple(jnp.zeros_like(before) for before in state.preactivations)
    carry = iterate(
        (jnp.zeros_like(residual), nothing, residual, first, jnp.sum(residual * first), 0)
    )
    # The first iterate is about as long as the step will be, and shows the map's curvature.
    straight = at.grams[0] @ carry[1][0]
    curvature = relative_curvature(
        network, state.preactivations[0], at.inputs[1], at.slopes[0], straight
    )
    accuracy = jnp.clip(worth * curvature, finest, _COARSEST)
    goal = accuracy**2 * jnp.sum(residual * residual)
    most = jnp.where(accuracy < _FAR, _MANY, _FEW)

    def unfinished(carry: tuple) -> Array:
        return (carry[-1] < most) & (jnp.sum(carry[2] ** 2) > goal)

    u, sums, _, _, _, iterations = lax.while_loop(unfinished, iterate, carry)
    gradients = (*sums, u.astype(network.dtype))
    share = jnp.asarray(share, jnp.float64)
    straight = at.grams[0] @ gradients[0]
    after, share, tries = advance(network, state, at, y, gradients, straight, share, _SUFFICIENT)
    return GaussNewtonStep(after, jnp.stack([after.loss, share, iterations, tries]))
