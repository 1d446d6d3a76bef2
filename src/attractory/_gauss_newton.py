r"""One Gauss–Newton step in function space, preconditioned by the patterns' kernel.

With residuals R = X̂ − f(X̂), the step of least norm is δθ = Jᵀu where (J Jᵀ) u = R, by conjugate
gradients with products and preconditioner P of `attractory.empirical`; as J Jᵀ is near P ⊗ I, a few
iterations do. The step δW_l = G_lᵀA_{l−1}/√n_{l−1} has rank n, and the loss along it can be had
without forming it: a_l(α) W_{l+1}ᵀ/√n_l + α (a_l(α) A_lᵀ/n_l) G_{l+1}.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from attractory.empirical import backward, gram, linearise, ntk_product, shared_kernel
from attractory.network import Autoencoder, root

_HALVINGS = 30
_SUFFICIENT = 0.25  # of the decrease that a linear map would show
_JITTER = 1e-10  # of the mean eigenvalue, lest the inverse meet a zero


class Step(NamedTuple):
    """What a step did; `passes` counts products of n rows with all the weights."""

    network: Autoencoder
    before: Array
    after: Array
    share: Array
    passes: Array


def _loss(targets: Array, outputs: Array) -> Array:
    residual = targets.astype(jnp.float64) - outputs.astype(jnp.float64)
    return jnp.mean(residual * residual)


@eqx.filter_jit
def mean_squared_error(network: Autoencoder, x: Float[Array, "n d"]) -> Array:
    """Return the loss, per entry, in float64."""
    return _loss(x, network(x))


@eqx.filter_jit
def gauss_newton_step(
    network: Autoencoder, x: Float[Array, "n d"], share: Array, accuracy: Array, most: Array
) -> Step:
    """Take one step: solve to `accuracy` in at most `most` iterations, then search from `share`."""
    at = linearise(network, x)
    residual = x.astype(jnp.float64) - at.outputs
    before = jnp.mean(residual * residual)

    kernel = shared_kernel(at)
    n = x.shape[0]
    inverse = jnp.linalg.inv(kernel + _JITTER * jnp.trace(kernel) / n * jnp.eye(n))
    inverse = (inverse + inverse.T) / 2
    goal = accuracy**2 * jnp.sum(residual * residual)

    def unfinished(carry: tuple) -> Array:
        _, rest, _, _, k = carry
        return (k < most) & (jnp.sum(rest * rest) > goal)

    def iterate(carry: tuple) -> tuple:
        u, rest, direction, fall, k = carry
        product = ntk_product(network, at, direction.astype(network.dtype)).astype(jnp.float64)
        size = fall / jnp.sum(direction * product)
        u, rest = u + size * direction, rest - size * product
        scaled = inverse @ rest
        new_fall = jnp.sum(rest * scaled)
        return u, rest, scaled + new_fall / fall * direction, new_fall, k + 1

    first = inverse @ residual
    u, _, _, _, iterations = lax.while_loop(
        unfinished,
        iterate,
        (jnp.zeros_like(residual), residual, first, jnp.sum(residual * first), jnp.asarray(0)),
    )
    gradients = backward(network, at, u.astype(network.dtype))
    before_first = x @ network.weights[0].T / root(network.weights[0])
    change_first = at.grams[0] @ gradients[0]

    def loss_at(share: Array) -> Array:
        share = share.astype(network.dtype)
        value = network.activation(before_first + share * change_first)
        for w, g, inner in zip(network.weights[1:], gradients[1:], at.inputs[1:], strict=True):
            before_next = value @ w.T / root(w) + share * (gram(value, inner) @ g)
            value = before_next if w is network.weights[-1] else network.activation(before_next)
        return _loss(x, value)

    def too_high(carry: tuple) -> Array:
        share, loss, tries = carry
        # A full step of a linear map leaves (1 − share)² of the loss.
        wanted = before * (1 - _SUFFICIENT * share * (2 - share))
        return ~(loss <= wanted) & (tries < _HALVINGS)

    def halve(carry: tuple) -> tuple:
        share, _, tries = carry
        return share / 2, loss_at(share / 2), tries + 1

    share, after, tries = lax.while_loop(too_high, halve, (share, loss_at(share), jnp.asarray(0)))
    weights = tuple(
        w + (share / root(w)).astype(w.dtype) * (g.T @ a)
        for w, g, a in zip(network.weights, gradients, at.inputs, strict=True)
    )
    moved = eqx.tree_at(lambda m: m.weights, network, weights)
    passes = 2 + 2 * iterations + tries + 2
    return Step(moved, before, after, share, passes)
