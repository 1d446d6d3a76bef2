"""Training by gradient descent, momentum or Adam (Optax), in compiled chunks of steps."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PyTree

from attractory.maps.network import Autoencoder

# What makes each in Optax, and with what.
OPTIMISERS: dict[str, tuple[str, dict[str, float]]] = {
    "gradient_descent": ("sgd", {}),
    "momentum": ("sgd", {"momentum": 0.9}),
    "adam": ("adam", {}),
}


class Chunk(NamedTuple):
    """What a chunk of steps led to; `losses` has one more entry than steps."""

    network: Autoencoder
    state: PyTree[Array]
    steps: Array
    losses: Float[Array, " k"]


def first_order_steps(
    network: Autoencoder,
    state: PyTree[Array] | None,
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    solver: str,
    rate: float,
    tolerance: float,
    count: int,
    most: int,
) -> Chunk:
    """Take `count` ≤ `most` steps, fewer if the loss falls below the tolerance."""
    if state is None:
        state = _optimiser(solver).init(network.weights)
    numbers = jnp.asarray(rate, network.dtype), jnp.asarray(tolerance), jnp.asarray(count)
    return _steps(network, state, x, y, solver, *numbers, most)


def _optimiser(solver: str) -> Any:
    """Return one of unit learning rate: the rate itself may change from chunk to chunk."""
    import optax  # loads slowly, and storing a memory does not need it

    maker, options = OPTIMISERS[solver]
    return getattr(optax, maker)(1.0, **options)


@eqx.filter_jit
def _steps(
    network: Autoencoder,
    state: PyTree[Array],
    x: Array,
    y: Array,
    solver: str,
    rate: Array,
    tolerance: Array,
    count: Array,
    most: int,
) -> Chunk:
    import optax

    optimiser = _optimiser(solver)

    def half_square(weights: tuple[Array, ...]) -> Array:
        model = eqx.tree_at(lambda m: m.weights, network, weights)
        return 0.5 * jnp.sum((model(x) - y) ** 2)

    def evaluate(weights: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        value, gradient = jax.value_and_grad(half_square)(weights)
        return 2 * value / x.size, gradient

    def unfinished(carry: tuple) -> Array:
        _, _, loss, _, k, _ = carry
        return (k < count) & (loss > tolerance)  # NaN ends it

    def step(carry: tuple) -> tuple:
        weights, state, _, gradient, k, losses = carry
        updates, state = optimiser.update(gradient, state, weights)
        weights = optax.apply_updates(weights, jax.tree.map(lambda u: rate * u, updates))
        loss, gradient = evaluate(weights)  # pyright: ignore[reportArgumentType]
        return weights, state, loss, gradient, k + 1, losses.at[k + 1].set(loss)

    loss, gradient = evaluate(network.weights)
    losses = jnp.full(most + 1, jnp.nan, network.dtype).at[0].set(loss)
    carry = (network.weights, state, loss, gradient, jnp.asarray(0), losses)
    weights, state, _, _, k, losses = lax.while_loop(unfinished, step, carry)
    moved = eqx.tree_at(lambda m: m.weights, network, weights)
    return Chunk(moved, state, k, losses)
