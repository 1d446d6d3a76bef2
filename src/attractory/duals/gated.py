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
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from attractory._util.precision import double
from attractory.duals.angles import angle_above, angle_beside
from attractory.duals.protocol import Changes, DualActivation, clipped, pair_sums

if TYPE_CHECKING:
    from attractory.activations import ErfMixture

__all__ = ["Gated", "scale_pairs"]


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

    def parts(self) -> Any:
        """Return how a gate of many scales is split; None for one."""
        from attractory.duals.gated_parts import GatedParts

        return GatedParts.of(self) if len(self.gate.scales) > 1 else None

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
        value, slope = pair_sums(
            term, scale_pairs(self.gate.scales, self.gate.weights), s, gap, a, b
        )
        left = 0.0 if folded else square
        return left * s + factor * value, left + factor * slope

    def following_gap(
        self, s: Array, gap: Array, a: Array, b: Array, value: Array, ends: tuple[Array, Array]
    ) -> Array:
        """Return the gap of the next layer from how far φ is from its asymptotes' μx + ν|x|.

        With the expectations of φ(u)φ(v), φ(u)² and φ(v)² less by r, r_x and r_y than theirs, and
        K = μ² + ν², all that is large cancels in formulas:
        gap′ = K² gap − K (a r_y + b r_x − 2 s r) + r_x r_y − r² for s ≥ 0. At norm 1e4 the plain
        difference would have lost the distance of equal inputs. Of small inputs it is these that
        would cancel, most where φ is even and the gap of the order of a²b².
        """
        return self.gap_of_rests((s, gap, a, b), self.rest(s, gap, a, b), value, ends)

    def gap_of_rests(
        self,
        pair: tuple[Array, Array, Array, Array],
        rest: Array,
        value: Array,
        ends: tuple[Array, Array],
    ) -> Array:
        """Return the gap of the next layer from r, see `following_gap`."""
        s, gap, a, b = pair
        odd, even = self.gate.offset**2, self.gate.gain**2
        whole, size = odd + even, jnp.where(s < 0, -s, s)
        kept = jnp.where(s < 0, even - odd, whole)
        mine, theirs = (self.rest(v, jnp.zeros_like(v), v, v) for v in (a, b))
        raw = whole**2 * gap + jnp.where(s < 0, 4 * odd * even * s * s, 0.0)
        less = whole * (a * theirs + b * mine)
        raw = raw - (less - 2 * kept * size * rest)
        raw = raw + (mine * theirs - rest * rest)
        product = ends[0] * ends[1]
        return clipped(jnp.where(less > product, product - value * value, raw))

    def rest(self, s: Array, gap: Array, a: Array, b: Array) -> Array:
        """Return r: how much less E[φ(u)φ(v)] is than that of the asymptotes."""
        pairs = scale_pairs(self.gate.scales, self.gate.weights)
        return 4 * self.gate.gain**2 * pair_sums(_rest_term, pairs, s, gap, a, b)[0]

    def changes(self, s: Array, gap: Array, a: Array, b: Array) -> Changes:
        """Return the expectations and their derivatives."""
        folded = self.gate.offset**2 == self.gate.gain**2
        left, factor = 0.0 if folded else self.gate.offset**2, 4 * self.gate.gain**2
        pairs = scale_pairs(self.gate.scales, self.gate.weights)
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


def _rest_term(u: Array, v: Array, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array]:
    """Return E[|u||v|] less E[uv erf erf], over 4, but for the former's part beside |s|."""
    root = jnp.sqrt(gap + a * v + b * u + u * v)
    size, product = jnp.where(s < 0, -s, s), a * b
    numerator = gap * (product - u * v) + product * (2 * u * v + b * u + a * v)
    parts = size * angle_above(root, -size), numerator / ((u + a) * (v + b)) / root
    return ((parts[0] - parts[1]) / (2 * np.pi),)


def _changes(folded: bool, u: Array, v: Array, s: Array, gap: Array, a: Array, b: Array) -> Changes:
    r"""Return the expectations' term and its derivatives.

    With p = u(b + v)/D², q = v(a + u)/D², w = uv/D² and g = u/(a + u),

        slope_s        = P (1 + p + q + w + 3 w s²/D²),
        E[φ″φ]         = P ((bu + gap)(1 + p)/(a + u) − 2 g s²/(a + u)),
        slope_x        = s P (g (2g + p − 1) + w (3p − 1)),

    by Price's theorem, where value_x is s slope + a E[φ″φ]; what is large has cancelled in them.
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
    g, h, w = u * first, v * second, u * v * inverse
    slope = angle + s * density * (g + h + w)
    p, q = u * (b + v) * inverse, v * (a + u) * inverse
    steep = density * (1 + p + q + w * (1 + 3 * ss * inverse))
    mine = first * ((b * u + gap) * (1 + p) - 2 * g * ss)
    theirs = second * ((a * v + gap) * (1 + q) - 2 * h * ss)
    value_x, value_y = s * slope + a * density * mine, s * slope + b * density * theirs
    along = s * density
    slope_x = along * (g * (2 * g + p - 1) + w * (3 * p - 1))
    slope_y = along * (h * (2 * h + q - 1) + w * (3 * q - 1))
    return Changes(value, slope, steep, value_x, value_y, slope_x, slope_y)


_CHANGES = {folded: partial(_changes, folded) for folded in (True, False)}


@lru_cache(maxsize=64)
def scale_pairs(
    scales: tuple[float, ...], weights: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return u, v and their weights of every pair of scales."""
    w, p = np.square(scales), np.asarray(weights)
    first, second = np.meshgrid(w, w, indexing="ij")
    return first.ravel(), second.ravel(), np.outer(p, p).ravel()
