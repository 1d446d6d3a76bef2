"""The state of a Gauss–Newton training run, and what its kinds of step have in common.

A step costs products with the weights, so a run keeps what it has computed: the values that a step
ends with are where the next one starts; and since the inputs of the first layer never change, its
steps add up to one, M = Σ G_1, which W_1 takes when the run ends.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from attractory.maps.finite_ntk import ForwardPass, gram
from attractory.maps.network import Autoencoder, root, with_slopes

HALVINGS = 30  # of a step, at most
_JITTER = 1e-10  # relative to the mean eigenvalue: no pivot is zero then
_SMALL = 128  # patterns up to which sweeps invert faster than LAPACK


class TrainingState(NamedTuple):
    """The weights that a run has come to, and the network's values at the patterns.

    Attributes:
        later_weights: W_2 … W_L.
        first_layer_change: M; W_1 itself is the run's first one and MᵀX/√d.
        preactivations: of every hidden layer, (n, width) each.
        outputs: of the network.
        loss: mean squared error per entry.
    """

    later_weights: tuple[Array, ...]
    first_layer_change: Float[Array, "n width"]
    preactivations: tuple[Array, ...]
    outputs: Float[Array, "n d"]
    loss: Array


def initial_state(
    network: Autoencoder, x: Float[Array, "n d"], y: Float[Array, "n d"]
) -> TrainingState:
    """Run the network forward on its patterns x; the loss is of its outputs against y."""
    return TrainingState(network.weights[1:], *_forward(network, x, y))


@jax.jit
def _forward(network: Autoencoder, x: Array, y: Array) -> tuple:
    befores, value = [], x
    for w in network.weights[:-1]:
        befores.append(value @ w.T / root(w))
        value = network.activation(befores[-1])
    last = network.weights[-1]
    outputs = value @ last.T / root(last)
    return jnp.zeros_like(befores[0]), tuple(befores), outputs, mean_square(y, outputs)


def trained_network(
    network: Autoencoder, state: TrainingState, x: Float[Array, "n d"]
) -> Autoencoder:
    """Return the network that a run has come to; `network` is the one that it started with."""
    return _replace(
        network, (_moved(network.weights[0], state.first_layer_change, x), *state.later_weights)
    )


@jax.jit
def _moved(first: Array, moved: Array, x: Array) -> Array:
    return first + moved.T @ x / root(first)


def network_at(
    network: Autoencoder, state: TrainingState, x: Float[Array, "n d"]
) -> tuple[Autoencoder, ForwardPass]:
    """Return the network with the later weights of a state, and its forward pass there.

    Its first layer is the old one: what needs W_1 itself takes the state's values instead.
    """
    pairs = [with_slopes(network.activation, before) for before in state.preactivations]
    inputs, slopes = (x, *(value for value, _ in pairs)), tuple(slope for _, slope in pairs)
    at = ForwardPass(inputs, slopes, tuple(gram(a, a) for a in inputs), state.outputs)
    return _replace(network, (network.weights[0], *state.later_weights)), at


def advance(
    network: Autoencoder,
    state: TrainingState,
    at: ForwardPass,
    y: Float[Array, "n d"],
    gradients: Sequence[Array],
    straight: Array,
    share: Array,
    sufficient: float,
) -> tuple[TrainingState, Array, Array]:
    """Take the largest of share, share/2, … of a step that lowers the loss enough.

    Args:
        network, state: where the step starts.
        at: the forward pass there.
        y: targets, (n, d).
        gradients: G_1 … G_L of the step.
        straight: C_0 G_1, the change of the first layer's pre-activations.
        share: of the step, tried first.
        sufficient: the fall of the loss that is enough, relative to that of a linear map.

    The step δW_l = G_lᵀA_{l−1}/√n_{l−1} has rank n, and the loss along it can be had without
    forming it: a_l(α) W_{l+1}ᵀ/√n_l + α (a_l(α) A_lᵀ/n_l) G_{l+1}.

    Returns:
        The new state, the share of the step taken and how many were tried.
    """

    def look(share: Array) -> tuple[Array, tuple[Array, ...]]:
        part = share.astype(network.dtype)
        befores = [state.preactivations[0] + part * straight]
        for w, g, inner in zip(state.later_weights, gradients[1:], at.inputs[1:], strict=True):
            value = network.activation(befores[-1])
            befores.append(value @ w.T / root(w) + part * (gram(value, inner) @ g))
        return mean_square(y, befores[-1]), tuple(befores)

    def too_high(carry: tuple) -> Array:
        share, loss, _, tries = carry
        # A full step of a linear map leaves (1 − share)² of the loss.
        wanted = state.loss * (1 - sufficient * share * (2 - share))
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
        for w, g, a in zip(state.later_weights, gradients[1:], at.inputs[1:], strict=True)
    )
    moved = state.first_layer_change + part * gradients[0]
    return TrainingState(later, moved, befores[:-1], befores[-1], loss), share, tries


def mean_square(targets: Array, outputs: Array) -> Array:
    """Return the mean squared error per entry, in float64."""
    residual = targets.astype(jnp.float64) - outputs.astype(jnp.float64)
    return jnp.mean(residual * residual)


def relative_curvature(
    network: Autoencoder, before: Array, value: Array, slope: Array, change: Array
) -> Array:
    """Return the part of a change of values that is not linear, relative to the linear part."""
    linear = slope * change
    rest = network.activation(before + change) - value - linear
    return jnp.linalg.norm(rest) / (jnp.linalg.norm(linear) + jnp.finfo(network.dtype).tiny)


def regularised_inverse(kernel: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Invert K plus a small ridge, by Gauss–Jordan sweeps if it is small.

    LAPACK's threads would wait for those of XLA, which run the products before and after.
    """
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
