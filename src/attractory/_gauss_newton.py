r"""One Gauss–Newton step in function space, preconditioned by the patterns' kernel.

With residuals R = X̂ − f(X̂), the step of least norm is δθ = Jᵀu where (J Jᵀ) u = R, by conjugate
gradients with products and preconditioner P of `attractory.empirical`; as J Jᵀ is near P ⊗ I, a few
iterations do. The step δW_l = G_lᵀA_{l−1}/√n_{l−1} has rank n, and the loss along it can be had
without forming it: a_l(α) W_{l+1}ᵀ/√n_l + α (a_l(α) A_lᵀ/n_l) G_{l+1}.

Products with the weights are what a step costs, so it keeps what it has: the search's last values
are where the next step starts, and as the first layer's inputs never change, its steps add up to
one, M = Σ α G_1, that W_1 takes when the run ends.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from attractory.empirical import Linearised, backward, gram, shared_kernel, tangent
from attractory.network import Autoencoder, root, with_slopes

_HALVINGS = 30
_SUFFICIENT = 0.25  # of the decrease that a linear map would show
_JITTER = 1e-10  # of the mean eigenvalue, lest the inverse meet a zero
_WORTH = 0.2  # how finely to solve, for each unit of curvature: what the map's bend leaves over
_COARSEST = 0.3
_FAR = 0.1  # an accuracy as coarse as this is of a step so bent that …
_FEW = 4  # … more iterations would not make it a better one
_MANY = 100
_SMALL = 128  # patterns

Scalar = Array | float


class Place(NamedTuple):
    """Where a run is: a network at its patterns, with W_1 short of `moved`ᵀ X/√d.

    `befores` are the pre-activations of every hidden layer, (n, width) each, and `loss` the mean
    squared error, all with the first layer moved.
    """

    network: Autoencoder
    moved: Float[Array, "n width"]
    befores: tuple[Array, ...]
    outputs: Float[Array, "n d"]
    loss: Array


class Step(NamedTuple):
    """What a step did: the place it leads to and the loss there, the share of the full step, the
    conjugate-gradient iterations and the shares tried.
    """

    place: Place
    figures: Float[Array, "4"]


@jax.jit
def start(network: Autoencoder, x: Float[Array, "n d"], y: Float[Array, "n d"]) -> Place:
    """Run the network forward on its patterns x; the loss is of its outputs against y."""
    befores, value = [], x
    for w in network.weights[:-1]:
        befores.append(value @ w.T / root(w))
        value = network.activation(befores[-1])
    last = network.weights[-1]
    outputs = value @ last.T / root(last)
    return Place(network, jnp.zeros_like(befores[0]), tuple(befores), outputs, _loss(y, outputs))


@jax.jit
def arrive(place: Place, x: Float[Array, "n d"]) -> Autoencoder:
    """Return the network with its first layer moved."""
    first = place.network.weights[0]
    first = first + place.moved.T @ x / root(first)
    return _replace(place.network, (first, *place.network.weights[1:]))


@jax.jit
def gauss_newton_step(
    place: Place,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    share: Scalar,
    finest: Scalar,
    worth: Scalar = _WORTH,
) -> Step:
    """Solve as finely as the map's bend is worth, `finest` at most, then search from `share`."""
    network = place.network
    pairs = [with_slopes(network.activation, before) for before in place.befores]
    inputs, slopes = (x, *(value for value, _ in pairs)), tuple(slope for _, slope in pairs)
    at = Linearised(inputs, slopes, tuple(gram(a, a) for a in inputs), place.outputs)
    residual = y.astype(jnp.float64) - at.outputs
    inverse = _inverse(shared_kernel(at))

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
        scaled = inverse @ rest
        new_fall = jnp.sum(rest * scaled)
        return u, sums, rest, scaled + new_fall / fall * direction, new_fall, k + 1

    first = inverse @ residual
    nothing = tuple(jnp.zeros_like(before) for before in place.befores)
    carry = iterate(
        (jnp.zeros_like(residual), nothing, residual, first, jnp.sum(residual * first), 0)
    )
    # The first iterate is as long as the step will be: what it bends shows without a product.
    straight = at.grams[0] @ carry[1][0]
    bent = network.activation(place.befores[0] + straight) - inputs[1]
    bend = jnp.linalg.norm(bent - slopes[0] * straight) / jnp.linalg.norm(slopes[0] * straight)
    accuracy = jnp.clip(worth * bend, finest, _COARSEST)
    goal = accuracy**2 * jnp.sum(residual * residual)
    most = jnp.where(accuracy < _FAR, _MANY, _FEW)

    def unfinished(carry: tuple) -> Array:
        return (carry[-1] < most) & (jnp.sum(carry[2] ** 2) > goal)

    u, sums, _, _, _, iterations = lax.while_loop(unfinished, iterate, carry)
    gradients = (*sums, u.astype(network.dtype))
    straight = at.grams[0] @ gradients[0]

    def look(share: Array) -> tuple[Array, tuple[Array, ...]]:
        share = share.astype(network.dtype)
        befores = [place.befores[0] + share * straight]
        for w, g, inner in zip(network.weights[1:], gradients[1:], inputs[1:], strict=True):
            value = network.activation(befores[-1])
            befores.append(value @ w.T / root(w) + share * (gram(value, inner) @ g))
        return _loss(y, befores[-1]), tuple(befores)

    def too_high(carry: tuple) -> Array:
        share, loss, _, tries = carry
        # A full step of a linear map leaves (1 − share)² of the loss.
        wanted = place.loss * (1 - _SUFFICIENT * share * (2 - share))
        return ~(loss <= wanted) & (tries < 1 + _HALVINGS)

    def halve(carry: tuple) -> tuple:
        share, _, _, tries = carry
        return share / 2, *look(share / 2), tries + 1

    share = jnp.asarray(share, jnp.float64)
    share, loss, befores, tries = lax.while_loop(too_high, halve, (share, *look(share), 1))
    part = share.astype(network.dtype)
    weights = tuple(
        w + (part / root(w)) * (g.T @ a)
        for w, g, a in zip(network.weights[1:], gradients[1:], inputs[1:], strict=True)
    )
    moved = Place(
        _replace(network, (network.weights[0], *weights)),
        place.moved + part * gradients[0],
        befores[:-1],
        befores[-1],
        loss,
    )
    return Step(moved, jnp.stack([loss, share, iterations, tries]))


def _loss(targets: Array, outputs: Array) -> Array:
    residual = targets.astype(jnp.float64) - outputs.astype(jnp.float64)
    return jnp.mean(residual * residual)


def _replace(network: Autoencoder, weights: tuple[Array, ...]) -> Autoencoder:
    return eqx.tree_at(lambda m: m.weights, network, weights)


def _inverse(kernel: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Invert by sweeps where that is quick: between products, LAPACK's threads wait for XLA's."""
    n = len(kernel)
    kernel = kernel + _JITTER * jnp.trace(kernel) / n * jnp.eye(n)

    def sweep(k: Array, matrix: Array) -> Array:
        pivot, here = 1 / matrix[k, k], jnp.arange(n) == k
        row = jnp.where(here, pivot, pivot * matrix[k])
        rest = jnp.where(here, 0.0, matrix) - jnp.where(here, 0.0, matrix[:, k])[:, None] * row
        return jnp.where(here[:, None], row, rest)

    inverse = lax.fori_loop(0, n, sweep, kernel) if n <= _SMALL else jnp.linalg.inv(kernel)
    return (inverse + inverse.T) / 2
