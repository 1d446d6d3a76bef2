r"""GELU, SiLU and x times any sigmoidal mixture, in closed form.

With the gate G(x) = offset + gain Σᵢ pᵢ erf(x/√(2u)), u = wᵢ² its squared scales, and
P = 1/(2πD), D² = gap + av + bu + uv,

    E[uv erf erf]/4  = s A + P (gap (ab − uv) + ab (2uv + bu + av)) / ((u + a)(v + b)),
    E of the derivatives = A + s P (u/(u + a) + v/(v + b) + uv/D²),      A = atan2(s, D)/2π,

for a pair of scales, by Stein's lemma. GELU is x Φ(x), one scale of 1; SiLU (swish) is x times the
logistic function, exact as `attractory.activations` has that.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from attractory._util.precision import double
from attractory.duals.angles import angle_above, angle_beside
from attractory.duals.protocol import Changes, DualActivation, pair_sums

if TYPE_CHECKING:
    from attractory.activations import ErfMixture

__all__ = ["Gated"]


@jax.tree_util.register_static
@dataclass(frozen=True)
class Gated(DualActivation):
    """The activation x · gate(x), the gate an `ErfMixture`.

    Example:
        >>> from attractory import activation
        >>> Gated(activation("sigmoid")).name, Gated(activation("tanh")).name
        ('silu', 'x·tanh')
    """

    gate: "ErfMixture"

    @property
    def name(self) -> str:
        """The name shown in tables and errors."""
        return {"gelu_gate": "gelu", "sigmoid": "silu"}.get(self.gate.name, f"x·{self.gate.name}")

    @property
    def least_scale(self) -> float:
        """The gate's least squared scale."""
        return min(self.gate.scales) ** 2

    @property
    def cost(self) -> int:
        """The pairs of scales."""
        return len(self.gate.scales) ** 2

    @double
    def __call__(self, x: ArrayLike) -> Array:
        """Apply the activation elementwise."""
        x = jnp.asarray(x)
        return x * self.gate(x)

    def moments(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        square, factor = self.gate.offset**2, 4 * self.gate.gain**2
        folded = self.gate.offset**2 == self.gate.gain**2
        term = partial_terms(folded)
        value, slope = pair_sums(term, _pairs(self.gate.scales, self.gate.weights), s, gap, a, b)
        left = 0.0 if folded else square
        return left * s + factor * value, left + factor * slope

    def changes(self, s: Array, gap: Array, a: Array, b: Array) -> Changes:
        """Return the expectations and their derivatives."""
        folded = self.gate.offset**2 == self.gate.gain**2
        left, factor = 0.0 if folded else self.gate.offset**2, 4 * self.gate.gain**2
        pairs = _pairs(self.gate.scales, self.gate.weights)
        found = Changes(*(factor * v for v in pair_sums(_CHANGES[folded], pairs, s, gap, a, b)))
        straight = left * s
        return found._replace(
            value=straight + found.value, slope=left + found.slope,
            value_x=straight + found.value_x, value_y=straight + found.value_y,
        )  # fmt: skip


@lru_cache(maxsize=2)
def partial_terms(folded: bool) -> partial:
    """Return the sums' term; one object each, since compiled code is kept by it."""
    return partial(_term, folded)


def _term(
    folded: bool, u: Array, v: Array, s: Array, gap: Array, a: Array, b: Array
) -> tuple[Array, Array]:
    square = gap + a * v + b * u + u * v
    root = jnp.sqrt(square)
    angle = (angle_above(root, s) if folded else angle_beside(s, root)) / (2 * np.pi)
    density = 1 / (2 * np.pi * root)
    both = (u + a) * (v + b)
    product = a * b
    numerator = gap * (product - u * v) + product * (2 * u * v + b * u + a * v)
    value = s * angle + density * (numerator / both)
    slope = angle + s * density * (u / (u + a) + v / (v + b) + u * v / square)
    return value, slope


def _changes(folded: bool, u: Array, v: Array, s: Array, gap: Array, a: Array, b: Array) -> Changes:
    r"""Return the expectations' term and its derivatives.

    With X = (av + gap)/D² and Y = (bu + gap)/D², of the Gaussian that the gates' derivatives leave,

        slope_s = P ((2 − X)(2 − Y) + 2 s² uv/D⁴),
        E[φ″φ]  = P (b (2 − X) − (s²/(a + u)) (1 + 3u/(a + u) + s² u/((a + u) D²))),
        E[φ‴φ′] = −P s ((1 + 3u/(a + u) + s² u/((a + u) D²))/(a + u) + (v/D²)(4 − 3X)),

    and half of the latter two are the derivatives of value and slope in a (Price's theorem).
    """
    square = gap + a * v + b * u + u * v
    inverse = 1 / square
    root = jnp.sqrt(square)
    angle = (angle_above(root, s) if folded else angle_beside(s, root)) / (2 * np.pi)
    density = 1 / (2 * np.pi * root)
    first, second = 1 / (a + u), 1 / (b + v)
    product, ss = a * b, s * s
    numerator = gap * (product - u * v) + product * (2 * u * v + b * u + a * v)
    value = s * angle + density * (numerator * (first * second))
    slope = angle + s * density * (u * first + v * second + u * v * inverse)
    x, y = (a * v + gap) * inverse, (b * u + gap) * inverse
    steep = density * ((2 - x) * (2 - y) + 2 * ss * u * v * inverse**2)
    mine = first * (1 + u * first * (3 + ss * inverse))
    theirs = second * (1 + v * second * (3 + ss * inverse))
    value_x = s * slope + a * density * (b * (2 - x) - ss * mine)
    value_y = s * slope + b * density * (a * (2 - y) - ss * theirs)
    slope_x = s * (steep - a * density * (mine + v * inverse * (4 - 3 * x)))
    slope_y = s * (steep - b * density * (theirs + u * inverse * (4 - 3 * y)))
    return Changes(value, slope, steep, value_x, value_y, slope_x, slope_y)


_CHANGES = {folded: partial(_changes, folded) for folded in (True, False)}


@lru_cache(maxsize=64)
def _pairs(
    scales: tuple[float, ...], weights: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    w, p = np.square(scales), np.asarray(weights)
    first, second = np.meshgrid(w, w, indexing="ij")
    return first.ravel(), second.ravel(), np.outer(p, p).ravel()
