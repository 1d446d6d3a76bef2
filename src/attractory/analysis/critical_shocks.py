r"""The smallest perturbation found with which a pattern is not recalled: a bound on its basin.

Along a direction u the boundary of the basin is bracketed by growing steps and bisected. The normal
of the boundary there comes from the iterated map itself: two orbits begun on either side separate,
and their difference, pulled back through the Jacobians along the orbit, is the direction in which a
cue leaves the basin soonest. Turning u towards the normal and bisecting again approaches a nearest
point of the boundary (the Hasofer–Lind iteration of structural reliability, 1974, as corrected by
Rackwitz & Fiessler, 1978, with a smaller turn whenever one does not help).

Every start ends at a local minimum of the distance, and the smallest one counts; it bounds the
radius of the basin from above, as `analysis.certificate` does from below. Attractors.jl has the
notion (`minimal_critical_shock`: Halekotte & Feudel, 2020), without the gradient.
"""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float
from numpy.typing import ArrayLike

from attractory._util.precision import double
from attractory._util.progress import Progress, counting, reporting
from attractory._util.validation import as_points, no_zero_rows, positive, whole
from attractory.analysis.iteration import check_map
from attractory.analysis.outcomes import RecallRule
from attractory.maps.protocol import Map, dim_of, dtype_of

__all__ = ["CriticalShock", "critical_shock"]

_APART = 0.05  # distance at which two orbits have separated, relative to the pattern's norm
_COARSE = 0.02  # relative width of the boundary's bracket until the last round
_STILL = 0.002  # relative reduction of a shock below which a turn does not help
_BUDGET = 1 << 25  # numbers in the orbits held at a time


@dataclass(frozen=True)
class CriticalShock:
    """The smallest escaping perturbation found of each of k patterns.

    Attributes:
        distance: its norm, (k,), in the units of the patterns; a cue this far away is not recalled,
            so no larger ball around the pattern lies in its basin. Infinite if none was found, NaN
            if the pattern is no fixed point and so has no basin.
        inside: norm along the same direction from which the cue is still recalled, (k,).
        shock: the perturbation, (k, d); NaN where there is none.
        residual: ‖f(x) − x‖ at the patterns, (k,).
        settings: the arguments, seed included; the same ones give the same result.
    """

    distance: Float[np.ndarray, " k"]
    inside: Float[np.ndarray, " k"]
    shock: Float[np.ndarray, "k d"]
    residual: Float[np.ndarray, " k"]
    settings: dict[str, Any]

    def __repr__(self) -> str:
        """Summarise."""
        found = self.distance[np.isfinite(self.distance)]
        spread = f", distances {found.min():.3g} … {found.max():.3g}" if len(found) else ""
        return f"CriticalShock({len(found)} of {len(self.distance)} patterns{spread})"


@double
def critical_shock(
    f: Map,
    patterns: ArrayLike,
    *,
    starts: int = 6,
    rounds: int = 20,
    rule: RecallRule = RecallRule(max_steps=200),
    farthest: float = 10.0,
    precision: float = 1e-3,
    seed: int = 0,
    progress: Progress = None,
) -> CriticalShock:
    """Search for the smallest perturbation of each pattern that the map does not undo.

    Args:
        f: any map (…, d) → (…, d) built from JAX operations.
        patterns: (k, d), fixed points of the map.
        starts: directions to begin with: to the other patterns, nearest first, and random ones with
            their opposites.
        rounds: most turns of a direction.
        rule: a cue is recalled if it comes within the `tolerance` of its pattern in `max_steps`;
            the other fields are not used. A reported shock has been followed four times as long.
        farthest: largest perturbation tried, relative to the pattern's norm.
        precision: relative width of the last bracket of the boundary.
        seed: of the random directions.
        progress: a bar or none, or a function of patterns done and patterns in all; see `Progress`.

    Raises:
        ValueError: for patterns that are zero or not finite, or numbers out of range.
        TypeError: if the map changes the shape.

    Example:
        >>> double_well = lambda x: x + 0.3 * (x - x**3)  # attractors −1 and 1, boundary 0
        >>> result = critical_shock(double_well, [[1.0]])
        >>> bool(abs(result.distance[0] - 1) < 0.002)
        True
    """
    x = as_points(patterns, "patterns", dim_of(f))
    starts, rounds = whole(starts, "starts", 1), whole(rounds, "rounds", 0)
    farthest, precision = positive(farthest, "farthest"), positive(precision, "precision")
    seed = whole(seed, "seed", 0)
    no_zero_rows(x, "patterns")
    norms = np.linalg.norm(x, axis=1)
    kind = dtype_of(f)
    check_map(f, x.astype(kind))
    residual = np.linalg.norm(np.asarray(_apply(f, jnp.asarray(x, kind)), float) - x, axis=1)
    fixed = residual <= rule.tolerance * norms
    shape = (len(x), x.shape[1])
    best, inside, shock = np.full(len(x), np.nan), np.full(len(x), np.nan), np.full(shape, np.nan)
    each = max(1, _BUDGET // (starts * rule.max_steps * x.shape[1]))
    members, done = np.flatnonzero(fixed), int((~fixed).sum())
    directions = _directions(x, starts, seed)
    with reporting(progress, "critical shocks", counting) as report:
        for begin in range(0, len(members), each):
            some = members[begin : begin + each]
            search = _Search(f, x[some], directions[some], rule, farthest)
            best[some], inside[some], shock[some] = search.run(rounds, precision)
            done += len(some)
            report(done, len(x))
    settings = {
        "starts": starts, "rounds": rounds, "max_steps": rule.max_steps,
        "tolerance": rule.tolerance, "farthest": farthest, "precision": precision, "seed": seed,
    }  # fmt: skip
    return CriticalShock(
        distance=best, inside=inside, shock=shock, residual=residual, settings=settings
    )


def _directions(x: np.ndarray, starts: int, seed: int) -> Float[np.ndarray, "k s d"]:
    """Return unit vectors: up to half of them to other patterns, then random pairs u and −u."""
    rng = np.random.default_rng(seed)
    count, dim = x.shape
    near = min(starts // 2, count - 1)
    out = np.empty((count, starts, dim))
    for k, point in enumerate(x):
        away = x - point
        order = np.argsort(np.linalg.norm(away, axis=1), kind="stable")
        away = away[order[order != k][:near]]
        random = rng.standard_normal((-(-(starts - near) // 2), dim))
        pairs = np.stack([random, -random], axis=1).reshape(-1, dim)
        out[k] = np.concatenate([away, pairs])[:starts]
    length = np.linalg.norm(out, axis=2, keepdims=True)
    return out / np.where(length > 0, length, 1.0)


class _Search:
    """The search from all starts of some patterns at once; rows are (pattern, start)."""

    def __init__(
        self,
        f: Map,
        x: np.ndarray,
        directions: np.ndarray,
        rule: RecallRule,
        farthest: float,
    ):
        self.f, self.steps, self.kind = f, rule.max_steps, dtype_of(f)
        self.count, self.starts, self.dim = directions.shape
        self.pattern = np.repeat(x, self.starts, axis=0)
        self.norm = np.linalg.norm(self.pattern, axis=1)
        self.near = rule.tolerance * self.norm
        self.farthest = farthest * self.norm
        self.u = directions.reshape(-1, self.dim)
        self.low, self.high = np.zeros(len(self.u)), np.full(len(self.u), np.inf)

    def escapes(self, u: np.ndarray, radius: np.ndarray, factor: int = 1) -> Bool[np.ndarray, " m"]:
        """Return which cues are not recalled within the steps."""
        start = self.pattern + radius[:, None] * u
        start, pattern, near = (jnp.asarray(v, self.kind) for v in (start, self.pattern, self.near))
        return ~np.asarray(_recalled(self.f, start, pattern, near, factor * self.steps))

    def bracket(self, u: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return radii inside and outside the boundary along u; the latter may be infinite."""
        low, high = np.zeros(len(u)), np.full(len(u), np.inf)
        radius = np.minimum(guess, self.farthest)
        while True:
            open_ = np.isinf(high) & (low < self.farthest)
            if not open_.any():
                return low, high
            out = self.escapes(u, radius)
            high = np.where(open_ & out, radius, high)
            low = np.where(open_ & ~out, radius, low)
            radius = np.where(np.isinf(high), np.minimum(1.5 * radius, self.farthest), radius)

    def bisect(self, u: np.ndarray, low: np.ndarray, high: np.ndarray, width: float) -> tuple:
        """Narrow the brackets to a relative width."""
        low, high = low.copy(), high.copy()
        while True:
            wide = np.isfinite(high) & (high - low > width * high)
            if not wide.any():
                return low, high
            middle = np.where(wide, (low + np.where(wide, high, 0.0)) / 2, low)
            out = self.escapes(u, middle)
            high = np.where(wide & out, middle, high)
            low = np.where(wide & ~out, middle, low)

    def run(self, rounds: int, precision: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return distance, inner radius and shock of every pattern."""
        self.low, self.high = self.bracket(self.u, 0.5 * self.norm)
        self.low, self.high = self.bisect(self.u, self.low, self.high, _COARSE)
        turn, going = np.ones(len(self.u)), np.isfinite(self.high)
        normal = self.normals()
        for _ in range(rounds):
            if not going.any():
                break
            mixed = (1 - turn[:, None]) * self.u + turn[:, None] * normal
            u = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-300)
            u = np.where(going[:, None], u, self.u)
            # A turn helps if a cue at a smaller radius in the new direction is lost.
            aim = self.high * (1 - _STILL)
            better = going & self.escapes(u, np.where(going, aim, self.low))
            low, high = self.bisect(u, np.zeros(len(u)), np.where(better, aim, np.inf), _COARSE)
            self.u = np.where(better[:, None], u, self.u)
            self.low, self.high = np.where(better, low, self.low), np.where(better, high, self.high)
            turn = np.where(better, np.minimum(1.0, 2 * turn), turn / 4)
            going &= turn > 1e-3
            if better.any():
                normal = np.where(better[:, None], self.normals(), normal)
        return self.finish(precision)

    def normals(self) -> Float[np.ndarray, "m d"]:
        """Return the outward normals of the boundary where the directions meet it."""
        high = np.where(np.isfinite(self.high), self.high, self.low)
        ends = [self.pattern + r[:, None] * self.u for r in (self.low, high)]
        inside, outside, apart = (jnp.asarray(v, self.kind) for v in (*ends, _APART * self.norm))
        normal = np.asarray(_pulled_back(self.f, inside, outside, apart, self.steps), float)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        good = np.isfinite(length) & (length > 0)
        return np.where(good, normal / np.where(good, length, 1.0), self.u)

    def finish(self, precision: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bisect finely, and keep only shocks that a run four times as long confirms."""
        low, high = self.bisect(self.u, self.low, self.high, precision)
        radius = np.where(np.isfinite(high), high, 0.0)
        slow = np.zeros(len(high), bool)
        for _ in range(20):
            slow = np.isfinite(high) & ~self.escapes(self.u, radius, 4)
            if not slow.any():
                break
            low = np.where(slow, radius, low)  # recalled, if slowly: try a little further out
            radius = np.where(slow, radius * (1 + 2 * precision), radius)
        distance = np.where(np.isfinite(high) & ~slow, radius, np.inf)
        table = distance.reshape(self.count, self.starts)
        pick = np.arange(self.count) * self.starts + table.argmin(axis=1)
        shock = np.where(np.isfinite(distance)[:, None], radius[:, None] * self.u, np.nan)
        return distance[pick], low[pick], shock[pick]


@eqx.filter_jit
def _apply(f: Map, x: Array) -> Array:
    return f(x)


@eqx.filter_jit
def _recalled(f: Map, start: Array, pattern: Array, near: Array, steps: int) -> Array:
    """Return which rows come within `near` of their pattern."""

    def go_on(carry: tuple) -> Array:
        _, back, k = carry
        return (k < steps) & ~back.all()

    def one(carry: tuple) -> tuple:
        x, back, k = carry
        x = f(x).astype(x.dtype)
        return x, back | (jnp.linalg.norm(x - pattern, axis=1) <= near), k + 1

    back = jnp.linalg.norm(start - pattern, axis=1) <= near
    return lax.while_loop(go_on, one, (start, back, jnp.asarray(0)))[1]


@eqx.filter_jit
def _pulled_back(f: Map, inside: Array, outside: Array, apart: Array, steps: int) -> Array:
    """Return the difference of two orbits where they separate, pulled back along the first."""

    def forward(pair: tuple, _: None) -> tuple:
        x, y = pair
        return (f(x).astype(x.dtype), f(y).astype(y.dtype)), pair

    _, (first, second) = lax.scan(forward, (inside, outside), None, length=steps)
    difference = second - first
    parted = jnp.linalg.norm(difference, axis=2) > apart
    # Orbits that never separate that far count at their last step.
    when = jnp.where(parted.any(axis=0), jnp.argmax(parted, axis=0), steps - 1)
    rows = jnp.arange(inside.shape[0])

    def backward(v: Array, at: tuple) -> tuple:
        x, k = at
        pulled = jax.vjp(f, x)[1](v.astype(x.dtype))[0]
        pulled = pulled / jnp.maximum(jnp.linalg.norm(pulled, axis=1, keepdims=True), 1e-300)
        return jnp.where((k < when)[:, None], pulled, v), None

    order = jnp.arange(steps - 1, -1, -1)
    return lax.scan(backward, difference[when, rows], (first[::-1], order))[0]
