r"""The linear part of a memory's map, along which iteration drifts, and how to step without it.

Far from every pattern the map is all but linear, with eigenvalue s = αγ/(αγ + β) along a direction
that the patterns fill with strength γ (`attractory._auto`): x ← f(x) takes a share 1 − s off a
state, little along the strong directions and nearly all along the weak ones, by which patterns
differ. What it puts there instead, the pull of the pattern that the state is nearest to, is in the
same proportions, (1 − s) η p with η below 1. So

    x ← x + b (I − S + ε)⁻¹ (f(x) − x),   then back to the norm,

S the linear part, moves a state by b (η p − x) if ε is 0: at one pace along all directions, and
straight at the pattern. It is Newton's step for f(x) = x with the Jacobian of a place without
patterns, damped by b. With ε = 0 what other patterns add along the strong directions is enlarged as
well; a larger ε first, less later, keeps both small. Every stored pattern is at rest.
"""

from functools import cached_property
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from attractory._auto import ratio
from attractory._metric import less_for_many, principal
from attractory.activations import Activation

__all__ = ["Drift", "Relaxed"]

_PACE = 0.4  # b
_FIRST, _LAST = 0.6, 0.03  # ε at first and at last, of the mean of 1 − s over what patterns have


class Relaxed(eqx.Module):
    """The step x ↦ x + b (I − S + ε)⁻¹ (f(x) − x) of a map f, at one norm.

    Attributes:
        inner: f.
        basis: orthonormal directions, (d, q).
        lost: 1 − s along them, (q,); it is 1 across them.
        norm: of the states.
    """

    inner: Any
    basis: Float[Array | np.ndarray, "d q"]
    lost: Float[Array | np.ndarray, " q"]
    norm: Float[Array | np.ndarray, ""]

    def step(self, x: Float[Array, "k d"], soft: Float[Array, " k"]) -> Float[Array, "k d"]:
        """Step from states with an ε of their own each."""
        change = jnp.asarray(self.inner(x), x.dtype) - x
        across = 1 / (1 + soft[:, None])
        along = (change @ self.basis) * (1 / (self.lost + soft[:, None]) - across)
        new = x + _PACE * (across * change + along @ self.basis.T)
        length = jnp.linalg.norm(new, axis=-1, keepdims=True)
        return new * (self.norm / jnp.where(length > 0, length, 1.0)).astype(x.dtype)


class Drift:
    """The linear part of a kernel memory's map; what it takes is computed when first asked for.

    Args:
        points: patterns of one norm, (n, d).
        act, depth, bias: of the map.
    """

    def __init__(self, points: Float[np.ndarray, "n d"], act: Activation, depth: int, bias: float):
        self._points, self._map = points, (act, depth, bias)
        self.norm = float(np.linalg.norm(points[0]))

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Basis, 1 − s along it, and its mean weighted by the patterns' squares."""
        unit = self._points / self.norm
        # The axes must be those of the points of one norm: the metric's serve badly.
        strength, basis = principal(unit)
        share = ratio(self.norm, *self._map, unit.shape[1])
        lost = share / (strength + share)
        return basis, lost, float((strength @ lost) / strength.sum())

    def relaxed(self, f: Any) -> Relaxed:
        """Return the step of the map, whatever its precision, in float32."""
        basis, lost, _ = self.parts
        return Relaxed(f, *(np.asarray(v, np.float32) for v in (basis, lost, self.norm)))

    @property
    def softness(self) -> tuple[float, float]:
        """The ε to begin and to end with."""
        unit = self.parts[2] * less_for_many(len(self._points))
        return _FIRST * unit, _LAST * unit
