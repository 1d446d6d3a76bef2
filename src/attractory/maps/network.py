r"""The finite-width autoencoder, in the parametrisation whose infinite-width limit is the NTK.

    f(x) = W_L σ(W_{L−1} σ(… σ(W₁ x/√n₀) …)/√n_{L−2})/√n_{L−1},

weights standard normal at initialisation, no biases, the last layer linear (Jiang & Pehlevan, 2020,
section 2). Depth L counts weight matrices. Its Jacobian is W_L D_{L−1} W_{L−1} … D₁ W₁ over the
roots of the fan-ins, D the derivatives of the hidden layers: at depth 2 one matrix product.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from attractory._util.aliases import ArrayLike, DTypeLike
from attractory._util.gpu import gpu
from attractory._util.machine import few_sizes
from attractory._util.precision import double, full_precision, traced
from attractory._util.validation import as_batch, moderate, whole
from attractory.activations import Activation
from attractory.activations import activation as find_activation

__all__ = ["Autoencoder"]

# By the bytes of a number: sums of products with normal weights are finite.
LARGEST_INPUT = {4: 1e30, 8: 1e100}
_FEWEST = 16  # rows of the least array that is compiled for
_LITTLE = 1 << 21  # products up to which a call is small: it takes a millisecond or less
_DRAWN = 1 << 12, 65536.0  # least and largest number of weights that are drawn in few sizes


class Autoencoder(eqx.Module):
    """A fully connected autoencoder (…, dim) → (…, dim).

    Args:
        dim: size of a pattern.
        width: size of every hidden layer, or of each (depth − 1 of them).
        depth: number of weight matrices, at least 2.
        activation: a name or an object of `attractory.activations`; the true function is applied,
            not its mixture.
        key: a JAX random key, or an integer to make one of; 0 by default.
        dtype: float32 or float64.

    Attributes:
        weights: one matrix a layer, (fan-out, fan-in).

    Raises:
        ValueError: for dim, width or depth out of range, or another dtype.

    Example:
        >>> network = Autoencoder(4, width=100, key=0)
        >>> network, network([1.0, 0.0, 0.0, 0.0]).shape
        (Autoencoder(4-100-4, sigmoid, float32), (4,))
    """

    weights: tuple[Float[Array, "fan_out fan_in"], ...]
    activation: Activation = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        *,
        width: int | Sequence[int] = 10_000,
        depth: int = 2,
        activation: str | Activation = "sigmoid",
        key: int | np.integer | Array = 0,
        dtype: DTypeLike = np.float32,
    ):
        """Draw the weights."""
        dim, depth = whole(dim, "dim", 1), whole(depth, "depth", 2)
        if isinstance(width, Sequence):
            if len(width) != depth - 1:
                raise ValueError(
                    f"width must be one number or {depth - 1} of them at depth {depth}, "
                    f"got {len(width)}"
                )
            hidden = [whole(value, "width", 1) for value in width]
        else:
            hidden = [whole(width, "width", 1)] * (depth - 1)
        kind = np.dtype(dtype)
        if kind not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {kind}")
        sizes = [dim, *hidden, dim]
        with full_precision():
            key = jax.random.key(int(key)) if np.ndim(key) == 0 and _is_int(key) else key
            # The first keys are the same, however many there are.
            keys = jax.random.split(key, few_sizes(depth, _FEWEST))
            self.weights = tuple(
                _normal(keys[k], sizes[k + 1], sizes[k], kind) for k in range(depth)
            )
        self.activation = find_activation(activation)

    def __hash__(self) -> int:
        """Hash by identity: `jax.jit` of the map itself needs one, and arrays have none."""
        return id(self)

    @property
    def dim(self) -> int:
        """Size of a pattern."""
        return self.weights[0].shape[1]

    @property
    def depth(self) -> int:
        """Number of weight matrices."""
        return len(self.weights)

    @property
    def widths(self) -> tuple[int, ...]:
        """Sizes of the hidden layers."""
        return tuple(w.shape[0] for w in self.weights[:-1])

    @property
    def dtype(self) -> np.dtype:
        """Precision of the weights, and of every result."""
        return np.dtype(self.weights[0].dtype)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(int(w.size) for w in self.weights)

    def __repr__(self) -> str:
        """Show sizes, activation and precision."""
        sizes = "-".join(str(size) for size in (self.dim, *self.widths, self.dim))
        return f"Autoencoder({sizes}, {self.activation.name}, {self.dtype})"

    @double
    def __call__(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Apply the map to the last axis.

        Raises:
            ValueError: if the last axis is not `dim`, or a value is not finite.
        """
        return _by_rows(_outputs, self, _checked(self, x, "x"))

    @double
    def jacobian(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d d"]:
        """Return the Jacobian, (…, d, d), J[i, j] = ∂fᵢ/∂xⱼ."""
        points = _exact(self, x, "x")
        if traced(self, points):
            return _jacobian(self, points)
        rows = np.asarray(points).reshape(-1, self.dim)
        count, size = len(rows), few_sizes(len(rows), _FEWEST)
        if size * self.dim**2 <= _LITTLE:
            rows = _padded(rows, size)
        out = np.asarray(_jacobian(self, rows, jax.device_put(np.asarray(count))))
        return out[:count].reshape(*points.shape, self.dim)

    @double
    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Return J(x) v; x and v have shape (…, d)."""
        return _by_rows(_jvp, self, _exact(self, x, "x"), _checked(self, v, "v"))

    def linearize(self, x: ArrayLike) -> "JacobianProduct":
        """Return v ↦ J(x) v, for many v at the same x; both have shape (…, d).

        Example:
            >>> network, x = Autoencoder(3, width=20, key=0), np.ones((2, 3))
            >>> product = network.linearize(x)
            >>> bool(np.allclose(product(x), network.jvp(x, x)))
            True
        """
        with full_precision():
            points = jax.device_put(_exact(self, x, "x"))  # jnp.asarray would be compiled
            return JacobianProduct(self, tuple(_slopes(self, points)))

    @double
    def vjp(self, x: ArrayLike, u: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Return J(x)ᵀ u; x and u have shape (…, d)."""
        return _by_rows(_vjp, self, _exact(self, x, "x"), _checked(self, u, "u"))


class JacobianProduct(eqx.Module):
    """The function v ↦ J(x) v of a network at points x, (…, d); by `Autoencoder.linearize`.

    Attributes:
        network: whose Jacobian.
        slopes: derivatives of the hidden layers, (…, width) each.
    """

    network: Autoencoder
    slopes: tuple[Float[Array, "*k _"], ...]

    @double
    def __call__(self, v: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Return J(x) v for v of the shape of the points."""
        return _product(self.network, self.slopes, jax.device_put(_checked(self.network, v, "v")))


def _is_int(value: object) -> bool:
    return isinstance(value, int | np.integer)


def _normal(key: Array, rows: int, columns: int, kind: np.dtype) -> Array:
    """Draw a standard normal matrix."""
    count = rows * columns
    if traced(key) or gpu() is not None:
        return jax.random.normal(key, (rows, columns), kind)
    # A key gives the same numbers in whatever shape, so few shapes need be compiled.
    drawn = jax.random.normal(key, (few_sizes(count, *_DRAWN),), kind)
    return jax.device_put(np.asarray(drawn)[:count].reshape(rows, columns))


def _checked(network: Autoencoder, x: ArrayLike, name: str) -> Array | np.ndarray:
    points = _exact(network, x, name)
    return points if points.dtype == network.dtype else points.astype(network.dtype)


def _exact(network: Autoencoder, x: ArrayLike, name: str) -> Array | np.ndarray:
    """Return points as given, in float64 where JAX has it, for `hidden_layers`."""
    if traced(network, x):
        return jnp.asarray(x)
    points = as_batch(x, name, network.dim)
    moderate(points, name, LARGEST_INPUT[network.dtype.itemsize])
    return points


def _by_rows(
    function: Callable[..., Array], network: Autoencoder, *points: Array | np.ndarray
) -> Array | np.ndarray:
    """Call a function of arrays (…, d); small ones in few shapes, each compiled once."""
    shape, count = points[0].shape, points[0].size // network.dim
    size = few_sizes(count, _FEWEST)
    if traced(network, points) or size * network.parameters > _LITTLE:
        return function(network, *points)
    rows = [np.asarray(p).reshape(-1, network.dim) for p in points]
    few = np.asarray(function(network, *(_padded(p, size, "edge") for p in rows)))
    return few[:count].reshape(shape)


def _padded(
    rows: Shaped[np.ndarray, "n _"], size: int, mode: Literal["constant", "edge"] = "constant"
) -> Shaped[np.ndarray, "m _"]:
    return np.pad(rows, ((0, size - len(rows)), (0, 0)), mode=mode)


def root(w: Array) -> float:
    """Return √fan-in; a Python float, so that float32 stays float32."""
    return math.sqrt(w.shape[1])


def _times(x: Array, w: Array) -> Array:
    """Return x wᵀ over the root of the fan-in; one row is several times faster as a vector."""
    product = (w @ x.reshape(-1)).reshape(*x.shape[:-1], -1) if x.size == w.shape[1] else x @ w.T
    return product / root(w)


def hidden_layers(network: Autoencoder, x: Array) -> tuple[list[Array], list[Array]]:
    """Return the hidden values and their derivatives, each (…, width), at inputs (…, d).

    The first layer's pre-activations have the inputs' precision if it is higher than the weights':
    at large norm they are in the thousands, and float32 rounding of them would be a relative error
    of 1e-4 in the slope of a saturated unit.
    """
    values, slopes, inner = [], [], x
    for w in network.weights[:-1]:
        both = with_slopes(network.activation, _times(inner, w))
        inner, slope = (part.astype(network.dtype) for part in both)
        values.append(inner)
        slopes.append(slope)
    return values, slopes


def with_slopes(activation: Activation, before: Array) -> tuple[Array, Array]:
    """Return the values and the derivatives at pre-activations."""
    return jax.jvp(activation, (before,), (jnp.ones_like(before),))


@eqx.filter_jit
def _outputs(network: Autoencoder, x: Array) -> Array:
    for w in network.weights[:-1]:
        x = network.activation(_times(x, w))
    return _times(x, network.weights[-1])


@eqx.filter_jit
def _jacobian(network: Autoencoder, x: Array | np.ndarray, count: Array | None = None) -> Array:
    """Return the Jacobians at points (…, d); with a count, of rows, at so many of them."""

    def one(point: Array) -> Array:
        _, slopes = hidden_layers(network, point)
        product = network.weights[0]
        for slope, w in zip(slopes, network.weights[1:], strict=True):
            product = w @ (slope[:, None] * product)
        return product / math.sqrt(math.prod(w.shape[1] for w in network.weights))

    flat = jnp.asarray(x).reshape(-1, x.shape[-1])
    if count is None:
        return jax.lax.map(one, flat).reshape((*x.shape, x.shape[-1]))
    nothing = jnp.zeros((*flat.shape, flat.shape[-1]), network.dtype)
    return jax.lax.fori_loop(0, count, lambda k, found: found.at[k].set(one(flat[k])), nothing)


@eqx.filter_jit
def _slopes(network: Autoencoder, x: Array) -> list[Array]:
    return hidden_layers(network, x)[1]


@eqx.filter_jit
def _product(network: Autoencoder, slopes: Sequence[Array], v: Array) -> Array:
    for slope, w in zip([*slopes, None], network.weights, strict=True):
        v = _times(v, w)
        v = v if slope is None else slope * v
    return v


@eqx.filter_jit
def _jvp(network: Autoencoder, x: Array, v: Array) -> Array:
    return _product(network, _slopes(network, x), v)


@eqx.filter_jit
def _vjp(network: Autoencoder, x: Array, u: Array) -> Array:
    _, slopes = hidden_layers(network, x)
    for slope, w in zip([None, *slopes[::-1]], network.weights[::-1], strict=True):
        u = (u if slope is None else slope * u) @ w / root(w)
    return u
