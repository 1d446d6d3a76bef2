r"""The Gaussian function exp(−x²/2w) as an activation.

With D² = gap + w(a + b) + w²,   E[φ(u)φ(v)] = w/D,   E[φ′(u)φ′(v)] = w s/D³

(Williams, 1997, *Computing with infinite networks*).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from attractory._util.precision import double
from attractory.duals.protocol import DualActivation, checked_number

__all__ = ["Bell"]


@jax.tree_util.register_static
@dataclass(frozen=True)
class Bell(DualActivation):
    """The activation exp(−x²/2w), w its squared scale.

    Raises:
        ValueError: if w is not positive and finite.

    Example:
        >>> Bell().name, float(Bell()(0.0))
        ('gaussian', 1.0)
    """

    squared_scale: float = 1.0

    def __post_init__(self) -> None:
        """Check the scale."""
        scale = checked_number(self.squared_scale, "squared_scale", positive=True)
        object.__setattr__(self, "squared_scale", scale)

    @property
    def name(self) -> str:
        """The name shown in tables and errors."""
        return "gaussian" if self.squared_scale == 1 else f"gaussian({self.squared_scale:g})"

    @property
    def least_scale(self) -> float:
        """The squared scale."""
        return self.squared_scale

    def describe(self) -> dict[str, object]:
        """Return the squared scale."""
        return {"bell": [self.squared_scale]}

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""
        return jnp.exp(-jnp.square(jnp.asarray(x)) / (2 * self.squared_scale))

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        w = self.squared_scale
        square = gap + w * (a + b) + w * w
        value = w / jnp.sqrt(square)
        return value, value * s / square
