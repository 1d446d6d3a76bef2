r"""The expectations of a gate of many scales, less those of one scale, as smooth functions.

With w₀ the scales' geometric mean squared, c₀ = w₀(a + b + w₀), D₀² = gap + c₀ and B = 1 + ab/c₀
(`kernels.tables`, `kernels.mixed_norms`), what pairs of scales add beside the pair (w₀, w₀) is

    D₀ G(y) in E[φ(u)φ(v)] and (s/D₀) G(y) in E[φ′(u)φ′(v)],   y = c₀ s²/(ab D₀²) ∈ [0, 1],

each G analytic in y whatever the variances, and in log(a + min w), log(b + min w). Differences of
arctangents are arctangents of differences, so that large norms lose nothing.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory.duals.gated import Gated, scale_pairs
from attractory.duals.protocol import sum_over_pairs
from attractory.duals.tabulated import SmoothParts

__all__ = ["GatedParts"]


@dataclass(frozen=True)
class GatedParts(SmoothParts[Gated]):
    """How x times a mixture of many scales is split.

    Attributes:
        act: the activation.
        core: the same with one scale.
        split: its square, w₀.
        shift: the least squared scale.
        terms: coefficients in y.
    """

    act: Gated
    core: Gated
    split: float
    shift: float
    terms: int = 32

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, act: Gated) -> "GatedParts":
        """Return the parts of an activation."""
        w, p = np.square(act.gate.scales), np.asarray(act.gate.weights)
        split = float(np.exp(p @ np.log(w) / p.sum()))
        gate = replace(act.gate, scales=(split**0.5,), weights=(float(p.sum()),), function=None)
        return cls(act, Gated(gate), split, float(w.min()))

    def place(self, s: Array, gap: Array, a: Array, b: Array) -> Array:
        """Return y."""
        inverse_a, inverse_b = (_inverse(v) for v in (a, b))
        c0 = self._c0(a, b)
        return c0 / (gap + c0) * ((s * inverse_a) * (s * inverse_b))

    def pair(self, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return s and the gap: D₀² = c₀ B/(1 + (B − 1) y)."""
        c0 = self._c0(a, b)
        excess = a * b / c0
        square = c0 * (1 + excess) / (1 + excess * y)
        # s² = ab y D₀²/c₀ and gap = ab (1 − y)/(1 + (B − 1) y).
        return jnp.sqrt(a * b * y * square / c0), a * b * (1 - y) / (1 + excess * y)

    def smooth(self, s: Array, gap: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return G of both expectations."""
        c0 = self._c0(a, b)
        square0 = gap + c0
        root0 = jnp.sqrt(square0)

        def term(u: Array, v: Array) -> tuple[Array, ...]:
            beside = a * v + b * u + u * v
            square = gap + beside
            root = jnp.sqrt(square)
            # atan2(s, D) − atan2(s, D₀), over s.
            below = (c0 - beside) / ((root0 + root) * (root * root0 + s * s))
            return jnp.arctan(s * below) / s, *_terms(u, v, gap, a, b, square, root)

        w0 = jnp.asarray(self.split, s.dtype)
        pairs = scale_pairs(self.act.gate.scales, self.act.gate.weights)
        angle, value, slope = sum_over_pairs(term, pairs, (s, gap, a, b))
        whole, core = float(np.sum(pairs[2])), _terms(w0, w0, gap, a, b, square0, root0)
        factor = 4 * self.act.gate.gain**2 / (2 * np.pi)
        value = (s * s * angle + value - whole * core[0]) / root0
        return factor * value, factor * root0 * (angle + slope - whole * core[1])

    def weights(self, low: Array, largest: Float[Array, " f"]) -> Float[Array, " f"]:
        """Return about D₀²/a for the value: small points have small ones."""
        return jnp.stack([1 + self.split / jnp.maximum(low, 1e-300), jnp.ones_like(low)])

    def moments(
        self, smooth: tuple[Array, Array], s: Array, gap: Array, a: Array, b: Array
    ) -> tuple[Array, Array]:
        """Return E[φ(u)φ(v)] and E[φ′(u)φ′(v)]."""
        value, slope = self.core.moments(s, gap, a, b)
        root = jnp.sqrt(gap + self._c0(a, b))
        return value + root * smooth[0], slope + s / root * smooth[1]

    def following_gap(
        self,
        value: Array,
        smooth: Array,
        pair: tuple[Array, Array, Array, Array],
        ends: tuple[Array, Array],
    ) -> Array:
        """Return the next layer's gap from how far φ is from its asymptotes."""
        s, gap, a, b = pair
        root = jnp.sqrt(gap + self._c0(a, b))
        rest = self.core.rest(s, gap, a, b) - root * smooth
        return self.act.gap_of_rests(pair, rest, value, ends)

    def _c0(self, a: Array, b: Array) -> Array:
        return self.split * (a + b + self.split)


def _terms(
    u: Array, v: Array, gap: Array, a: Array, b: Array, square: Array, root: Array
) -> tuple[Array, Array]:
    """Return 2π times what `gated` adds to the angle: of the value, and of the slope over s."""
    first, second = 1 / (a + u), 1 / (b + v)
    product = a * b
    numerator = gap * (product - u * v) + product * (2 * u * v + b * u + a * v)
    slope = u * first + v * second + u * v / square
    return numerator * (first * second) / root, slope / root


def _inverse(a: Array) -> Array:
    return jnp.where(a > 0, 1 / jnp.where(a > 0, a, 1.0), 0.0)
