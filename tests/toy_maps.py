"""Maps whose attractors, multipliers and basins are known in closed form.

Each is a hashable callable (…, d) → (…, d) of JAX operations with

    attractors    list of arrays (period, d), in the order of the cycle,
    multipliers   list of the eigenvalues of the Jacobian along each cycle, largest modulus first,
    distances     exact distance from each attractor to the boundary of its basin.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq


@dataclass(frozen=True)
class Sigmoid:
    """x ← tanh(b x)/tanh(b): ±1 attract all x of their sign, at any distance; 0 is the boundary."""

    b: float = 2.0

    def __call__(self, x):
        return jnp.tanh(self.b * x) / jnp.tanh(self.b)

    dim = 1

    @property
    def attractors(self):
        return [np.array([[1.0]]), np.array([[-1.0]])]

    @property
    def multipliers(self):
        t = np.tanh(self.b)
        return [np.array([self.b * (1 - t**2) / t])] * 2

    distances = (1.0, 1.0)


@dataclass(frozen=True)
class Cubic:
    """x ← x + a(x − x³), 0 < a < 1: ±1 attract, and far states overshoot or diverge.

    A state beyond ±√(1 + 1/a) lands on the other side, so that the basins of ±1 alternate there in
    ever narrower intervals, up to the 2-cycle ±√(1 + 2/a), beyond which everything diverges.
    """

    a: float = 0.3

    def __call__(self, x):
        return x + self.a * (x - x**3)

    dim = 1

    @property
    def attractors(self):
        return [np.array([[1.0]]), np.array([[-1.0]])]

    @property
    def multipliers(self):
        return [np.array([1 - 2 * self.a])] * 2

    @property
    def distances(self):
        return (min(1.0, np.sqrt(1 + 1 / self.a) - 1),) * 2

    @property
    def bound(self):
        """Where divergence begins."""
        return np.sqrt(1 + 2 / self.a)

    def edges(self, count=40):
        """Return x₀ < x₁ < …: the basin of (−1)ᵏ holds (xₖ₋₁, xₖ), from x₋₁ = 0 on."""
        edges = [np.sqrt(1 + 1 / self.a)]
        for _ in range(count):
            target = edges[-1]
            # f falls monotonically from 0 at x₀ to −bound at the bound.
            edges.append(
                brentq(lambda x, t=target: float(x + self.a * (x - x**3)) + t, edges[0], self.bound)
            )
        return np.array(edges)

    def home_intervals(self):
        """Return intervals (k, 2) that make up the basin of +1."""
        ends = np.concatenate([[0.0], self.edges()])
        right = [(ends[k], ends[k + 1]) for k in range(0, len(ends) - 1, 2)]
        left = [(-ends[k + 1], -ends[k]) for k in range(1, len(ends) - 1, 2)]
        return np.array(right + left)


@dataclass(frozen=True)
class Ring:
    """A plane turned by 2π/p a step: a centre, and a cycle of period p on a ring around it.

    In polar coordinates about the centre, with s = r²,

        r ← r (1 + a (s − b²)(R² − s)/(1 + s)²),
        θ ← θ + 2π/p − ε (2(r/R)/(1 + s/R²))ᵖ sin(pθ),

    so that r goes to 0 from within the disc of radius b, to R from outside it, whatever θ. The
    cycle r = R, θ = 2πk/p attracts, and r = R, pθ = π (mod 2π) is a saddle.
    """

    period: int = 5
    inner: float = 1.0
    outer: float = 2.0
    a: float = 0.15
    epsilon: float = 0.1
    centre: tuple[float, float] = (3.0, 4.0)

    dim = 2

    def __call__(self, x):
        shift = jnp.asarray(self.centre, x.dtype)
        u, v = (x - shift)[..., 0], (x - shift)[..., 1]
        s, p = u * u + v * v, self.period
        grow = 1 + self._rate(s)
        # ((r/R) e^{iθ}·2/(1 + s/R²))ᵖ by repeated products: no angle, hence smooth at the centre.
        w = 2 / self.outer / (1 + s / self.outer**2)
        c, d = jnp.ones_like(u), jnp.zeros_like(u)
        for _ in range(p):
            c, d = w * (c * u - d * v), w * (c * v + d * u)
        turn = 2 * jnp.pi / p - self.epsilon * d
        cos, sin = grow * jnp.cos(turn), grow * jnp.sin(turn)
        return jnp.stack([cos * u - sin * v, sin * u + cos * v], axis=-1) + shift

    def _rate(self, s):
        return self.a * (s - self.inner**2) * (self.outer**2 - s) / (1 + s) ** 2

    @cached_property
    def attractors(self):
        angle = 2 * np.pi * np.arange(self.period) / self.period
        ring = self.outer * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        centre = np.array([self.centre])
        return [centre, centre + ring]

    @property
    def multipliers(self):
        inward = 1 - self.a * self.inner**2 * self.outer**2
        turn = np.exp(2j * np.pi / self.period)
        # dr'/dr at r = R: 2R² times the derivative of the rate in s.
        slope = -self.a * (self.outer**2 - self.inner**2) / (1 + self.outer**2) ** 2
        radial = 1 + 2 * self.outer**2 * slope
        angular = 1 - self.epsilon * self.period
        ring = np.array([radial, angular]) ** self.period
        return [inward * np.array([turn, turn.conj()]), ring[np.argsort(-np.abs(ring))]]

    @property
    def distances(self):
        return (self.inner, self.outer - self.inner)


@dataclass(frozen=True)
class Product:
    """Several maps side by side, each on coordinates of its own.

    A state is in the basin of a product attractor if every part is in that of its own.
    Attractors are products of one of each part; two cycles of periods p and q are refused, since
    their product is several cycles.
    """

    parts: tuple

    @property
    def dim(self):
        return sum(part.dim for part in self.parts)

    def __call__(self, x):
        ends = np.cumsum([0, *(part.dim for part in self.parts)])
        pieces = [
            part(x[..., a:b]) for part, a, b in zip(self.parts, ends[:-1], ends[1:], strict=True)
        ]
        return jnp.concatenate(pieces, axis=-1)

    def _choices(self):
        return product(*(range(len(part.attractors)) for part in self.parts))

    @property
    def attractors(self):
        out = []
        for choice in self._choices():
            cycles = [part.attractors[k] for part, k in zip(self.parts, choice, strict=True)]
            period = max(len(c) for c in cycles)
            assert sum(len(c) > 1 for c in cycles) <= 1
            out.append(np.hstack([np.resize(c, (period, c.shape[1])) for c in cycles]))
        return out

    @property
    def multipliers(self):
        out = []
        for choice in self._choices():
            period = max(
                len(part.attractors[k]) for part, k in zip(self.parts, choice, strict=True)
            )
            values = np.concatenate(
                [
                    part.multipliers[k] ** (period // len(part.attractors[k]))
                    for part, k in zip(self.parts, choice, strict=True)
                ]
            )
            out.append(values[np.argsort(-np.abs(values), kind="stable")])
        return out

    @property
    def distances(self):
        return tuple(
            min(part.distances[k] for part, k in zip(self.parts, choice, strict=True))
            for choice in self._choices()
        )
