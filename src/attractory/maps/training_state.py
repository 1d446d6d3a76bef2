"""Where a training run is, and what its kinds of step share.

Products with the weights are what a step costs, so a run keeps what it has: the search's last
values are where the next step starts, and as the first layer's inputs never change, its steps add
up to one, M = Σ G_1, that W_1 takes when the run ends.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from attractory.maps.finite_ntk import Linearised, gram
from attractory.maps.network import Autoencoder, root, with_slopes

HALVINGS = 30
_JITTER = 1e-10  # of the mean eigenvalue, lest the inverse meet a zero
_SMALL = 128  # patterns


class Place(NamedTuple):
    """A run's weights but for W_1, which is short of `moved`ᵀ X/√d, and the patterns' values.

    `later` are W_2 … W_L, `befores` the pre-activations of every hidden layer, (n, width) each, and
    `loss` the mean squared error, all with the first layer moved.
    """

    later: tuple[Array, ...]
    moved: Float[Array, "n width"]
    befores: tuple[Array, ...]
    outputs: Float[Array, "n d"]
    loss: Array


def start(network: Autoencoder, x: Float[Array, "n d"], y: Float[Array, "n d"]) -> Place:
    """Run the network forward on its patterns x; the loss is of its outputs against y."""
    return Place(network.weights[1:], *_forward(network, x, y))


@jax.jit
def _forward(network: Autoencoder, x: Array, y: Array) -> tuple:
    befores, value = [], x
    for w in network.weights[:-1]:
        befores.append(value @ w.T / root(w))
        value = network.activation(befores[-1])
    last = network.weights[-1]
    outputs = value @ last.T / root(last)
    return jnp.zeros_like(befores[0]), tuple(befores), outputs, mean_square(y, outputs)


def arrive(network: Autoencoder, place: Place, x: Float[Array, "n d"]) -> Autoencoder:
    """Return the network that a run has come to, from the one that it started with."""
    return _replace(network, (_moved(network.weights[0], place.moved, x), *place.later))


@jax.jit
def _moved(first: Array, moved: Array, x: Array) -> Array:
    return first + moved.T @ x / root(first)


def at_place(
    network: Autoencoder, place: Place, x: Float[Array, "n d"]
) -> tuple[Autoencoder, Linearised]:
    """Return the network with its later weights, and its linearisation at the patterns."""
    pairs = [with_slopes(network.activation, before) for before in place.befores]
    inputs, slopes = (x, *(value for value, _ in pairs)), tuple(slope for _, slope in pairs)
    at = Linearised(inputs, slopes, tuple(gram(a, a) for a in inputs), place.outputs)
    return _replace(network, (network.weights[0], *place.later)), at


def advance(
    network: Autoencoder,
    place: Place,
    at: Linearised,
    y: Float[Array, "n d"],
    gradients: Sequence[Array],
    straight: Array,
    share: Array,
    sufficient: float,
) -> tuple[Place, Array, Array]:
    """Go the largest of share, share/2 … of a step that has the loss fall, as G_1 … G_L give it.

    `straight` is C_0 G_1, the change of the first layer's pre-activations; a fall is that share
    `sufficient` of what a linear map would show.

    The step δW_l = G_lᵀA_{l−1}/√n_{l−1} has rank n, and the loss along it can be had without
    forming it: a_l(α) W_{l+1}ᵀ/√n_l + α (a_l(α) A_lᵀ/n_l) G_{l+1}.

    Returns:
        The new place, the share gone and how many were tried.
    """

    def look(share: Array) -> tuple[Array, tuple[Array, ...]]:
        part = share.astype(network.dtype)
        befores = [place.befores[0] + part * straight]
        for w, g, inner in zip(place.later, gradients[1:], at.inputs[1:], strict=True):
            value = network.activation(befores[-1])
            befores.append(value @ w.T / root(w) + part * (gram(value, inner) @ g))
        return mean_square(y, befores[-1]), tuple(befores)

    def too_high(carry: tuple) -> Array:
        share, loss, _, tries = carry
        # A full step of a linear map leaves (1 − share)² of the loss.
        wanted = place.loss * (1 - sufficient * share * (2 - share))
        return ~(loss <= wanted) & (tries < 1 + HALVINGS)

    def halve(carry: tuple) -> tuple:
        share, _, _, tries = carry
        return share / 2, *look(share / 2), tries + 1

    share, loss, befores, tries = lax.while_loop(
        too_high, halve, (share, *look(share), jnp.asarray(1))
    )
    part = share.astype(network.dtype)
    later = tuple(
        w + (part / root(w)) * (g.T @ a)
        for w, g, a in zip(place.later, gradients[1:], at.inputs[1:], strict=True)
    )
    moved = place.moved + part * gradients[0]
    return Place(later, moved, befores[:-1], befores[-1], loss), share, tries


def mean_square(targets: Array, outputs: Array) -> Array:
    """Return the mean squared error per entry, in float64."""
    residual = targets.astype(jnp.float64) - outputs.astype(jnp.float64)
    return jnp.mean(residual * residual)


def relative_bend(
    network: Autoencoder, before: Array, value: Array, slope: Array, change: Array
) -> Array:
    """Return how far the values bend away from their linear change, relative to it."""
    linear = slope * change
    rest = network.activation(before + change) - value - linear
    return jnp.linalg.norm(rest) / (jnp.linalg.norm(linear) + jnp.finfo(network.dtype).tiny)


def inverse(kernel: Float[Array, "n n"]) -> Float[Array, "n n"]:
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


def _replace(network: Autoencoder, weights: tuple[Array, ...]) -> Autoencoder:
    return jax.tree.unflatten(jax.tree.structure(network), weights)
