r"""One Gauss–Newton step in function space, preconditioned by the patterns' kernel.

With residuals R = X̂ − f(X̂), the step of least norm is δθ = Jᵀu where (J Jᵀ) u = R, by conjugate
gradients with products and preconditioner P of `maps.finite_ntk`; as J Jᵀ is near P ⊗ I, a few
iterations do. This is for where the steps of `maps.gauss_newton_flow`, which take P for J Jᵀ,
get on too slowly: few units for the numbers to be stored.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from attractory.maps.finite_ntk import backward, shared_kernel, tangent
from attractory.maps.network import Autoencoder
from attractory.maps.training_state import Place, advance, at_place, inverse, relative_bend

_SUFFICIENT = 0.25
_WORTH = 0.2  # how finely to solve, for each unit of curvature: what the map's bend leaves over
_COARSEST = 0.3
_FAR = 0.1  # an accuracy as coarse as this is of a step so bent that …
_FEW = 4  # … more iterations would not make it a better one
_MANY = 100

Scalar = Array | float


class Step(NamedTuple):
    """What a step did: the place it leads to and the loss there, the share of the full step, the
    conjugate-gradient iterations and the shares tried.
    """

    place: Place
    figures: Float[Array, "4"]


@jax.jit
def gauss_newton_step(
    network: Autoencoder,
    place: Place,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    share: Scalar,
    finest: Scalar,
    worth: Scalar = _WORTH,
) -> Step:
    """Solve as finely as the map's bend is worth, `finest` at most, then search from `share`."""
    network, at = at_place(network, place, x)
    residual = y.astype(jnp.float64) - at.outputs
    preconditioner = inverse(shared_kernel(at))

    def iterate(carry: tuple) -> tuple:
        u, sums, rest, direction, fall, k = carry
        gradients = backward(network, at, direction.astype(network.dtype))
        product = tangent(network, at, gradients).astype(jnp.float64)
        size = fall / jnp.sum(direction * product)
        u, rest = u + size * direction, rest - size * product
        # G of u is the same sum as u itself, which saves its own way back.
        sums = tuple(
            s + size.astype(g.dtype) * g for s, g in zip(sums, gradients[:-1], strict=True)
        )
        scaled = preconditioner @ rest
        new_fall = jnp.sum(rest * scaled)
        return u, sums, rest, scaled + new_fall / fall * direction, new_fall, k + 1

    first = preconditioner @ residual
    nothing = tuple(jnp.zeros_like(before) for before in place.befores)
    carry = iterate(
        (jnp.zeros_like(residual), nothing, residual, first, jnp.sum(residual * first), 0)
    )
    # The first iterate is as long as the step will be: what it bends shows without a product.
    straight = at.grams[0] @ carry[1][0]
    bend = relative_bend(network, place.befores[0], at.inputs[1], at.slopes[0], straight)
    accuracy = jnp.clip(worth * bend, finest, _COARSEST)
    goal = accuracy**2 * jnp.sum(residual * residual)
    most = jnp.where(accuracy < _FAR, _MANY, _FEW)

    def unfinished(carry: tuple) -> Array:
        return (carry[-1] < most) & (jnp.sum(carry[2] ** 2) > goal)

    u, sums, _, _, _, iterations = lax.while_loop(unfinished, iterate, carry)
    gradients = (*sums, u.astype(network.dtype))
    share = jnp.asarray(share, jnp.float64)
    straight = at.grams[0] @ gradients[0]
    after, share, tries = advance(network, place, at, y, gradients, straight, share, _SUFFICIENT)
    return Step(after, jnp.stack([after.loss, share, iterations, tries]))
