r"""ReLU, leaky ReLU and |x|: a slope on either side of 0, by the arc-cosine kernels.

With φ(x) = μx + ν|x|, r = √gap and θ = atan2(r, −s) = π/2 + arcsin of the correlation,

    E[φ(u)φ(v)]   = (μ² − ν²) s + (2/π) ν² (r + s θ),
    E[φ′(u)φ′(v)] = (μ² − ν²)   + (2/π) ν² θ

(Cho & Saul, 2009, *Kernel methods for deep learning*). φ is homogeneous, so that correlations alone
pass from layer to layer; their distance from ±1 is computed without cancellation.

The NTK has a cusp where inputs are parallel, as |angle| has at 0, and the kernels of an input of 0
have one in its norm. Derivatives there are the means of the two one-sided limits.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array

from attractory._util.precision import double
from attractory.duals.angles import less_than_its_tangent
from attractory.duals.protocol import Changes, DualActivation, checked_number, safe_root

__all__ = ["PiecewiseLinear"]


@jax.tree_util.register_static
@dataclass(frozen=True)
class PiecewiseLinear(DualActivation):
    """The activation `above` · x for x ≥ 0 and `below` · x for x < 0.

    Raises:
        ValueError: if a slope is not finite, or both are the same (that is `Linear`).

    Example:
        >>> leaky = PiecewiseLinear(above=1.0, below=0.1)
        >>> leaky.name, round(float(leaky(-2.0)), 12)
        ('leaky_relu(0.1)', -0.2)
    """

    above: float = 1.0
    below: float = 0.0

    def __post_init__(self) -> None:
        """Check the slopes."""
        for key in ("above", "below"):
            object.__setattr__(self, key, checked_number(getattr(self, key), key))
        if self.above == self.below:
            raise ValueError(f"above and below must differ, got {self.above} twice; use Linear")

    @property
    def name(self) -> str:
        """The name shown in tables and errors."""
        if self == PiecewiseLinear():
            return "relu"
        if self.above == 1:
            return "abs" if self.below == -1 else f"leaky_relu({self.below:g})"
        return f"piecewise_linear({self.above:g}, {self.below:g})"

    @property
    def least_scale(self) -> float:
        """0: there is a kink."""
        return 0.0

    @property
    def homogeneous(self) -> bool:
        """True: one slope on either side of 0."""
        return True

    def describe(self) -> dict[str, object]:
        """Return the slopes."""
        return {"piecewise_linear": [self.above, self.below]}

    @property
    def _squares(self) -> tuple[float, float]:
        """μ² and ν²."""
        return ((self.above + self.below) / 2) ** 2, ((self.above - self.below) / 2) ** 2

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise; the derivative at 0 is the mean of the slopes."""
        x = jnp.asarray(x)
        bend = (self.above - self.below) / 2
        return jnp.asarray((self.above + self.below) / 2 * x + bend * _absolute(x))

    def variance(self, a: Array) -> Array:
        """Return E[φ(u)²] for u of variance a."""
        return (self.above**2 + self.below**2) / 2 * a

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        odd, even = self._squares
        root, size, angle, rest = _angle(s, gap)
        # θ is `angle` for s < 0, π − `angle` else. There r + sθ = |s| (z − atan z) would cancel.
        steep = rest >= 0
        less = jnp.where(steep, size * jnp.where(steep, rest, 0.0), root - size * angle)
        lifted = jnp.where(s < 0, less, root + size * (np.pi - angle))
        folded = jnp.where(s < 0, angle, np.pi - angle)
        value = 2 / np.pi * even * lifted
        slope = 2 / np.pi * even * folded
        if odd != even:
            value, slope = value + (odd - even) * s, slope + (odd - even)
        return value, slope

    def changes(self, s: Array, gap: Array, a: Array, b: Array) -> Changes:
        """Return the expectations and their derivatives; at cusps the means of both sides."""
        value, slope = self.moments(s, gap, a, b)
        root, zero = safe_root(gap), jnp.zeros_like(s)
        inverse = jnp.where(root > 0, 1 / jnp.where(root > 0, root, 1.0), 0.0)
        steep = 2 / np.pi * self._squares[1] * inverse
        return Changes(value, slope, steep, value, value, zero, zero)

    def following_gap(
        self, s: Array, gap: Array, a: Array, b: Array, value: Array, ends: tuple[Array, Array]
    ) -> Array:
        """Return the gap of the next layer from the distances of correlations from 1 and −1."""
        odd, even = (share / sum(self._squares) for share in self._squares)
        root, size, angle, rest = _angle(s, gap)
        whole = safe_root(gap + s * s)
        safe = jnp.where(whole > 0, whole, 1.0)
        inverse = 1 / safe
        sine, cosine = root * inverse, size * inverse
        below_one = sine * sine / (1 + cosine)  # 1 − |c|
        # Of |x| the correlation is h with 1 − h = (1 − |c|) − (2/π)(sin θ − θ cos θ), the last
        # being cos θ (tan θ − θ) where it would cancel.
        steep = rest >= 0
        cubic = jnp.where(steep, cosine * jnp.where(steep, rest, 0.0), sine - angle * cosine)
        from_even = below_one - 2 / np.pi * cubic
        from_odd = jnp.where(s < 0, 1 + cosine, below_one)
        one_minus = odd * from_odd + even * from_even
        above = jnp.where(s < 0, below_one, 1 + cosine)
        one_plus = odd * above + even * (2 - from_even)
        return ends[0] * ends[1] * one_minus * one_plus


def _angle(s: Array, gap: Array) -> tuple[Array, Array, Array, Array]:
    """Return r, |s|, atan2(r, |s|) and z − atan z of z = r/|s| ≤ 1; the last is −1 for others.

    One polynomial gives both.
    """
    root, size = safe_root(gap), jnp.where(s < 0, -s, s)
    low = root < size
    large = jnp.where(low, size, root)
    z = jnp.where(low, root, size) / jnp.where(large > 0, large, 1.0)
    rest = less_than_its_tangent(z)
    angle = jnp.where(low, z - rest, np.pi / 2 - (z - rest))
    # Values, slopes and gaps are loops of their own, which would each do this anew.
    angle, rest = lax.optimization_barrier((angle, jnp.where(low, rest, -1.0)))
    return root, size, angle, rest


@jax.custom_jvp
def _absolute(x: Array) -> Array:
    return jnp.abs(x)


@_absolute.defjvp
def _absolute_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (v,) = primals, tangents
    return jnp.abs(x), v * jnp.sign(x)
