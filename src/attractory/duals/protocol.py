r"""What the kernels need to know of an activation: E[φ(u)φ(v)] and E[φ′(u)φ′(v)].

The first of these, as a function of the inputs' correlation, is the activation's *dual* (Daniely,
Frostig & Singer, 2016, *Toward deeper understanding of neural networks*). A subclass of
`DualActivation` says it for normal u, v in JAX operations, and every kernel, map and memory takes
it. Sigmoidal activations have their own class, `attractory.activations.ErfMixture`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array

__all__ = ["Changes", "DualActivation"]


class Changes(NamedTuple):
    """Expectations of an activation at u, v, and how they change with the inputs.

    Attributes:
        value, slope: E[φ(u)φ(v)] and E[φ′(u)φ′(v)].
        slope_s: derivative of the slope in s at fixed variances; that of the value is the slope
            (Price's theorem).
        value_x, value_y: derivatives of the value in the logarithms of the standard deviations of
            u and v at a fixed correlation.
        slope_x, slope_y: those of the slope.
    """

    value: Array
    slope: Array
    slope_s: Array
    value_x: Array
    value_y: Array
    slope_x: Array
    slope_y: Array


class DualActivation(ABC):
    """An activation φ with its Gaussian expectations; frozen, hashable, compared by value.

    Make a frozen dataclass of it, and register that with `jax.tree_util.register_static`.

    Attributes:
        name: shown in tables and errors.
        least_scale: the smallest w for which the expectations vary slowly with the gap where it
            changes by w (a + b + w); 0 for functions with a kink, infinite where they do not
            depend on the gap. Rounding of the gap is compared with it.

    Example:
        >>> from attractory import activation
        >>> isinstance(activation("relu"), DualActivation), isinstance("relu", DualActivation)
        (True, False)
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name shown in tables and errors."""

    @property
    @abstractmethod
    def least_scale(self) -> float:
        """See above."""

    @property
    def cost(self) -> int:
        """About how many terms the expectations sum over."""
        return 1

    @abstractmethod
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""

    @abstractmethod
    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)] for variances a, b and covariance s.

        Arguments broadcast. `gap` is ab − s², given because that cancels for nearly parallel
        inputs. Derivatives in all four must be finite numbers everywhere.
        """

    def parts(self) -> Any:
        """Return the `duals.tabulated.SmoothParts` of expectations that are long sums; or None."""
        return None

    @property
    def homogeneous(self) -> bool:
        """Whether φ(cx) = c φ(x) for c > 0."""
        return False

    def changes(self, s: Array, gap: Array, a: Array, b: Array) -> Changes:
        """Return the expectations and their derivatives; arguments as of `moments`.

        By default through `moments`; in a closed form they take less time.
        """
        shape = jnp.broadcast_shapes(s.shape, gap.shape, a.shape, b.shape)
        at = s, gap, jnp.broadcast_to(a, shape), jnp.broadcast_to(b, shape)
        zero = jnp.zeros(shape, s.dtype)

        def along(*tangent: Array) -> tuple[Array, Array]:
            return jax.jvp(self.moments, at, tangent)[1]

        value, slope = self.moments(*at)
        across = along(jnp.ones_like(zero), -2 * s, zero, zero)
        x = along(s, 2 * gap, 2 * at[2], zero)
        y = along(s, 2 * gap, zero, 2 * at[3])
        return Changes(value, slope, across[1], x[0], y[0], x[1], y[1])

    def variance(self, a: Array) -> Array:
        """Return E[φ(u)²] for u of variance a."""
        return self.moments(a, jnp.zeros_like(a), a, a)[0]

    def following_gap(
        self, s: Array, gap: Array, a: Array, b: Array, value: Array, ends: tuple[Array, Array]
    ) -> Array:
        """Return the gap of the next layer, with covariance `value` and variances `ends`."""
        return plain_gap(value, *ends)

    def adapted(self, largest: float, name: str) -> "DualActivation":
        """Return the activation as exact as variances up to the largest need, or refuse them.

        Args:
            largest: variance of a layer's inputs.
            name: of the points, for the error.
        """
        return self

    def guarded(self, a: Array) -> Array:
        """Return variances in compiled code, with an error at run time where `adapted` refuses."""
        return a

    def describe(self) -> dict[str, object]:
        """Return what makes an equal activation, for files: {} where the name does."""
        return {}


def plain_gap(s: Array, a: Array, b: Array) -> Array:
    """Return ab − s² ≥ 0; its derivatives are those of the difference, where it is clipped, too."""
    return clipped(a * b - s * s)


def clipped(raw: Array) -> Array:
    """Return at least 0; its derivatives are those of the argument, where it is clipped, too."""
    return raw + lax.stop_gradient(jnp.maximum(raw, 0.0) - raw)


def safe_root(square: Array) -> Array:
    """Return the square root, with derivative 0 at 0."""
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)


def half_distance(s: Array, gap: Array, a: Array, b: Array) -> Array:
    """Return (a + b)/2 − |s|, half the squared distance of parallel-turned inputs, uncancelled."""
    mean = (a + b) / 2
    total = mean + jnp.where(s < 0, -s, s)
    difference = (a - b) / 2
    return (difference * difference + gap) / jnp.where(total > 0, total, 1.0)


_TOGETHER = 4  # pairs of scales

Term = Callable[..., tuple[Array, ...]]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def pair_sums(
    term: Term, pairs: tuple[ArrayLike, ...], s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, ...]:
    """Return Σ p term(u, v, s, gap, a, b) over pairs (u, v, p), several sums at once.

    Derivatives hold a few arrays, not one for each pair: their sums are taken beside.
    """
    return sum_over_pairs(lambda u, v: term(u, v, s, gap, a, b), pairs, (s, gap, a, b))


@pair_sums.defjvp
def _pair_sums_jvp(
    term: Term, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    pairs, *at = primals
    at = tuple(jnp.asarray(v) for v in at)

    def partials(u: Array, v: Array) -> tuple[Array, ...]:
        shape = jnp.broadcast_shapes(*(x.shape for x in at))
        wide = tuple(jnp.broadcast_to(x, shape) for x in at)
        found = []
        for k in range(4):
            units = tuple(
                (jnp.ones_like if i == k else jnp.zeros_like)(x) for i, x in enumerate(wide)
            )
            found.extend(jax.jvp(lambda *z: term(u, v, *z), wide, units)[1])
        return tuple(found)

    values = pair_sums(term, pairs, *at)
    sums, count = sum_over_pairs(partials, pairs, at), len(values)
    changes = tuple(
        sum(sums[k * count + j] * dot for k, dot in enumerate(tangents[1:])) for j in range(count)
    )
    return values, tuple(
        jnp.broadcast_to(jnp.asarray(c), v.shape) for c, v in zip(changes, values, strict=True)
    )


def sum_over_pairs(
    function: Term, pairs: tuple[ArrayLike, ...], at: tuple[Array, ...]
) -> tuple[Array, ...]:
    """Return Σ p function(u, v), as many sums as it has results, in the shape of `at` together."""
    dtype = jnp.result_type(*at)
    u, v, p = (jnp.asarray(x, dtype) for x in pairs)
    shape = jnp.broadcast_shapes(*(x.shape for x in at))
    if len(u) == 1:
        return tuple(jnp.broadcast_to(p[0] * one, shape) for one in function(u[0], v[0]))

    # A few at a time: the sums are read and written less often than terms are added.
    more = -len(u) % _TOGETHER
    u, v = (jnp.pad(x, (0, more), constant_values=1.0) for x in (u, v))
    p = jnp.pad(p, (0, more))

    def add(k: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        for j in range(_TOGETHER):
            i = k * _TOGETHER + j
            terms = function(u[i], v[i])
            sums = tuple(total + p[i] * one for total, one in zip(sums, terms, strict=True))
        return sums

    count = len(jax.eval_shape(function, u[0], v[0]))
    return lax.fori_loop(0, len(u) // _TOGETHER, add, (jnp.zeros(shape, dtype),) * count)


def checked_number(value: float, name: str, *, positive: bool = False) -> float:
    """Return a finite number, positive where asked for, or refuse it by name."""
    number = float(value)
    if not np.isfinite(number) or (positive and number <= 0):
        raise ValueError(f"{name} must be {'positive and ' * positive}finite, got {value}")
    return number
