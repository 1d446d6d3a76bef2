r"""The NTK of a finite network: products without a matrix, the matrix, and its approximation P ⊗ I.

For n points J Jᵀ acts on one row of outputs a point. It takes one pass back and one forward:

    back      G_L = u,  G_l = (G_{l+1} W_{l+1}/√n_l) ∘ D_l,
    forward   T_1 = C_0 G_1,  T_{l+1} = C_l G_{l+1} + (T_l ∘ D_l) W_{l+1}ᵀ/√n_l,   J Jᵀu = T_L,

C_l = A_l A_lᵀ/n_l the Gram matrix of the layer's inputs, D_l the derivatives. At random weights
W Wᵀ/n is near the identity, and J Jᵀ near P ⊗ I with the n × n matrix

    P = Σ_l C_{l−1} ∘ Q_l ∘ … ∘ Q_{L−1},   Q_l = D_l D_lᵀ/n_l,

which tends to the infinite-width NTK as the widths go to infinity (Jacot et al., 2018).
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.precision import double
from attractory._util.validation import as_points
from attractory.maps.network import Autoencoder, hidden_layers, root

__all__ = ["empirical_ntk", "empirical_ntk_product"]


@double
def empirical_ntk_product(network: Autoencoder, x: ArrayLike, u: ArrayLike) -> Float[Array, "n d"]:
    """Return J Jᵀ u, J the derivative of all outputs at x in all weights; no matrix is formed.

    Args:
        network: the network.
        x: points, (n, d).
        u: one row of outputs a point, (n, d).

    Raises:
        ValueError: for values that are not finite or of the wrong shape.

    Example:
        >>> import numpy as np
        >>> network = Autoencoder(3, width=50, key=0, dtype=np.float64)
        >>> x, u = np.eye(3)[:2], np.ones((2, 3))
        >>> full = empirical_ntk(network, x)
        >>> product = empirical_ntk_product(network, x, u)
        >>> bool(np.allclose(product, np.einsum("ijpq,jq->ip", full, u)))
        True
    """
    points = as_points(x, "x", network.dim)
    rows = as_points(u, "u", network.dim)
    if len(rows) != len(points):
        raise ValueError(f"u must have a row for each of the {len(points)} points, got {len(rows)}")
    return _product(network, *(jnp.asarray(v, network.dtype) for v in (points, rows)))


@double
def empirical_ntk(
    network: Autoencoder, x: ArrayLike, y: ArrayLike | None = None
) -> Float[Array, "n m d d"]:
    """Return the NTK of a network, Θ[i, j, p, q] = ∇f_p(xᵢ) · ∇f_q(yⱼ), for small cases.

    As the widths grow it tends to `ntk(x, y)` times the identity in p and q.

    Args:
        network: the network.
        x: points, (n, d).
        y: points, (m, d); x by default.

    Raises:
        ValueError: for values that are not finite or of the wrong shape.

    Example:
        >>> import numpy as np
        >>> network = Autoencoder(3, width=100, key=0)
        >>> empirical_ntk(network, np.eye(3)[:2]).shape
        (2, 2, 3, 3)
    """
    first = as_points(x, "x", network.dim)
    second = first if y is None else as_points(y, "y", network.dim)
    return _dense(network, *(jnp.asarray(v, network.dtype) for v in (first, second)))


class ForwardPass(NamedTuple):
    """A network's values at its patterns, as products with its NTK need them.

    Attributes:
        inputs: of each layer, A_0 … A_{L−1}, (n, width) each.
        slopes: derivatives of the hidden layers, D_1 … D_{L−1}.
        grams: C_0 … C_{L−1}.
        outputs: of the network.
    """

    inputs: tuple[Array, ...]
    slopes: tuple[Array, ...]
    grams: tuple[Float[Array, "n n"], ...]
    outputs: Float[Array, "n d"]


def forward_pass(network: Autoencoder, x: Float[Array, "n d"]) -> ForwardPass:
    """Run the network forward and keep what products with its NTK need."""
    values, slopes = hidden_layers(network, x)
    inputs = (x, *values)
    last = network.weights[-1]
    outputs = values[-1] @ last.T / root(last)
    return ForwardPass(inputs, tuple(slopes), tuple(gram(a, a) for a in inputs), outputs)


def gram(a: Array, b: Array) -> Array:
    """Return the products of rows over their length: a bᵀ/width."""
    return a @ b.T / a.shape[1]


def backward(network: Autoencoder, at: ForwardPass, u: Float[Array, "n d"]) -> list[Array]:
    """Return G_1 … G_L, the sensitivities of u · f to every pre-activation."""
    gradients = [u]
    for w, slope in zip(network.weights[:0:-1], at.slopes[::-1], strict=True):
        gradients.insert(0, (gradients[0] @ w / root(w)) * slope)
    return gradients


def tangent(network: Autoencoder, at: ForwardPass, gradients: Sequence[Array]) -> Array:
    """Return the change of the outputs, (n, d), under the step of G_1 … G_L."""
    change = at.grams[0] @ gradients[0]
    for inner, slope, g, w in zip(
        at.grams[1:], at.slopes, gradients[1:], network.weights[1:], strict=True
    ):
        change = inner @ g + (slope * change) @ w.T / root(w)
    return change


def ntk_product(
    network: Autoencoder, at: ForwardPass, u: Float[Array, "n d"]
) -> Float[Array, "n d"]:
    """Return J Jᵀ u for u of one row a pattern."""
    return tangent(network, at, backward(network, at, u))


def shared_kernel(at: ForwardPass) -> Float[Array, "n n"]:
    """Return P, the n × n kernel that approximates J Jᵀ for each output, in float64."""
    double = [inner.astype(jnp.float64) for inner in at.grams]
    total, chain = double[-1], jnp.ones(())
    for inner, slope in zip(double[-2::-1], at.slopes[::-1], strict=True):
        chain = chain * gram(slope, slope).astype(jnp.float64)
        total = total + inner * chain
    return total


@eqx.filter_jit
def _product(network: Autoencoder, x: Array, u: Array) -> Array:
    return ntk_product(network, forward_pass(network, x), u)


@eqx.filter_jit
def _dense(network: Autoencoder, x: Array, y: Array) -> Array:
    def sides(points: Array) -> tuple[tuple[Array, ...], list[Array]]:
        """Layer inputs (n, width) and all outputs' sensitivities (n, d, width)."""
        at = forward_pass(network, points)
        every = jax.vmap(
            lambda one: backward(network, at, jnp.broadcast_to(one, points.shape)), out_axes=1
        )
        return at.inputs, every(jnp.eye(network.dim, dtype=network.dtype))

    (inputs, gradients), (inputs_y, gradients_y) = sides(x), sides(y)
    layers = zip(inputs, inputs_y, gradients, gradients_y, strict=True)
    parts = [
        gram(a, b)[:, :, None, None] * jnp.einsum("ipw,jqw->ijpq", g, h) for a, b, g, h in layers
    ]
    return jnp.stack(parts).sum(axis=0)


@eqx.filter_jit
def largest_eigenvalue(network: Autoencoder, x: Float[Array, "n d"], iterations: int = 30) -> Array:
    """Return the largest eigenvalue of the network's NTK on the patterns, by power iteration."""
    at = forward_pass(network, x)
    start = jax.random.normal(jax.random.key(0), x.shape, network.dtype)

    def iterate(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        vector, _ = carry
        product = ntk_product(network, at, vector)
        size = jnp.linalg.norm(product)
        return product / size, size

    start = start / jnp.linalg.norm(start)
    return lax.fori_loop(0, iterations, iterate, (start, jnp.zeros((), network.dtype)))[1]
