r"""Sine and cosine: sin(ωx + p), whose kernels are exponentials of squared distances.

    E[φ(u)φ(v)]   = ½ (e^{−ω²(a+b−2s)/2} − cos 2p e^{−ω²(a+b+2s)/2}),
    E[φ′(u)φ′(v)] = ½ ω² (e^{−ω²(a+b−2s)/2} + cos 2p e^{−ω²(a+b+2s)/2})

(random Fourier features: Rahimi & Recht, 2007; Pearce, Tsuchida, Zaki, Brintrup & Neely, 2019).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from attractory._util.precision import double
from attractory.duals.protocol import Changes, DualActivation, checked_number, half_distance

__all__ = ["Sinusoid"]


@jax.tree_util.register_static
@dataclass(frozen=True)
class Sinusoid(DualActivation):
    """The activation sin(frequency · x + phase), the phase in radians.

    Raises:
        ValueError: if a number is not finite, or the frequency not positive.

    Example:
        >>> Sinusoid(2.0, 0.5).name, float(Sinusoid()(0.0))
        ('sin(2x+0.5)', 0.0)
    """

    frequency: float = 1.0
    phase: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        frequency = checked_number(self.frequency, "frequency", positive=True)
        object.__setattr__(self, "frequency", frequency)
        object.__setattr__(self, "phase", checked_number(self.phase, "phase"))

    @property
    def name(self) -> str:
        """The name shown in tables and errors."""
        if self.frequency == 1 and self.phase in (0, np.pi / 2):
            return "cos" if self.phase else "sin"
        return f"sin({self.frequency:g}x{self.phase:+g})"

    @property
    def least_scale(self) -> float:
        """1/ω²: exponents are ω² gap/(a + b), nearly."""
        return self.frequency**-2

    def describe(self) -> dict[str, object]:
        """Return the numbers."""
        return {"sinusoid": [self.frequency, self.phase]}

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""
        inner = self.frequency * jnp.asarray(x)
        return jnp.cos(inner) if self.name == "cos" else jnp.sin(inner + self.phase)

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        return self._moments(s, half_distance(s, gap, a, b))[:2]

    def changes(self, s: Array, gap: Array, a: Array, b: Array) -> Changes:
        """Return the expectations and their derivatives."""
        square, near_by = self.frequency**2, half_distance(s, gap, a, b)
        value, slope, near, far = self._moments(s, near_by)
        # With N and F the exponentials of −ω²(a + b ∓ 2s)/2 and C = cos 2p,
        # value_x = ½ω² (N (s − a) + C F (s + a)) and slope_x = ½ω⁴ (N (s − a) − C F (s + a)).
        ends = []
        for own, other in ((a, b), (b, a)):
            apart = near_by + (own - other) / 2  # own − |s|, uncancelled
            both = jnp.where(s < 0, -s, s) + own
            ends.append(
                (jnp.where(s < 0, -both, -apart) * near, jnp.where(s < 0, apart, both) * far)
            )
        x, y = (
            (square * (minus + plus), square**2 * (minus - plus)) for minus, plus in ends
        )  # fmt: skip
        return Changes(value, slope, square**2 * value, x[0], y[0], x[1], y[1])

    def _moments(self, s: Array, near_by: Array) -> tuple[Array, Array, Array, Array]:
        """Return both expectations, N/2 and cos 2p F/2."""
        square = self.frequency**2
        size = jnp.where(s < 0, -s, s)
        larger = jnp.exp(-square * near_by) / 2  # the larger of the two terms
        # The smaller one over it, minus 1: expm1(−2z), three times as fast as XLA's own.
        bend = jnp.tanh(square * size)
        less = -2 * bend / (1 + bend)
        # cos 2p and 1 ∓ cos 2p, each exact where it is 0.
        double_cosine = float(np.cos(2 * self.phase))
        minus, plus = 2 * float(np.sin(self.phase)) ** 2, 2 * _squared_cosine(self.phase)
        value = jnp.where(s < 0, minus + less, minus - double_cosine * less)
        slope = jnp.where(s < 0, plus + less, plus + double_cosine * less)
        smaller = larger * (1 + less)
        near, far = jnp.where(s < 0, smaller, larger), jnp.where(s < 0, larger, smaller)
        return larger * value, square * larger * slope, near, double_cosine * far


def _squared_cosine(phase: float) -> float:
    return 0.0 if phase == np.pi / 2 else float(np.cos(phase)) ** 2
