r"""The smallest perturbation found with which a pattern is not recalled: a bound on its basin.

Along a direction u the boundary of the basin is bracketed by growing steps and bisected. The normal
of the boundary there comes from the iterated map itself: two orbits begun on either side separate,
and their difference, pulled back through the Jacobians along the orbit, is the direction in which a
cue leaves the basin soonest. Turning u towards the normal and bisecting again approaches a nearest
point of the boundary (the Hasofer–Lind iteration of structural reliability, 1974, as corrected by
Rackwitz & Fiessler, 1978, with a smaller turn whenever one does not help).

A cue that is not back yet may still come back: at spectral radius 0.995 the way takes a thousand
steps. So the runs are as long as patterns need to take back a cue close by, and a shock counts only
if its orbit has settled elsewhere or diverged. Where orbits were merely slow the search is repeated
with longer runs, and if those do not decide, the status says so.

Every start ends at a local minimum of the distance, and the smallest one counts; it bounds the
radius of the basin from above, as `analysis.certificate` does from below. Attractors.jl has the
notion (`minimal_critical_shock`: Halekotte & Feudel, 2020), without the gradient.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.plotted import Plotted
from attractory._util.precision import double
from attractory._util.progress import Progress, counting, reporting
from attractory._util.seeds import generator
from attractory._util.statuses import StatusEnum
from attractory._util.validation import as_points, no_zero_rows, positive, whole
from attractory.analysis.iteration import check_map
from attractory.analysis.outcomes import LIMIT, RecallRule
from attractory.analysis.settling import settle
from attractory.maps.protocol import Map, dim_of, dtype_of

__all__ = ["CriticalShock", "ShockStatus", "critical_shock"]

_ROUNDING = 16.0  # a step of fewer units of rounding is none
_APART = 0.05  # distance at which two orbits have separated, relative to the pattern's norm
_COARSE = 0.02  # relative width of the boundary's bracket until the last round
_STILL = 0.002  # relative reduction of a shock below which a turn does not help
_BUDGET = 1 << 25  # numbers in the orbits held at a time
_LONGER = 4  # how much longer the next runs are
_LEVELS = 4  # how many lengths of run there are
_DOUBLINGS = 8  # runs are at least this many times as long as a pattern takes to halve a distance
_TOGETHER = 8  # steps between looks at whether an orbit has ended elsewhere


class ShockStatus(StatusEnum):
    """Whether a perturbation was found, and if not, why."""

    FOUND = 0, "a cue this far away ends elsewhere"
    NONE_FOUND = 1, "every cue that was tried came back; there may be a shock all the same"
    TOO_SLOW = (
        2,
        "too slow to tell: at the end of the longest run cues were neither back nor settled "
        "elsewhere; raise max_steps of the rule",
    )
    NOT_FIXED = 3, "the pattern is no fixed point, so it has no basin"


@dataclass(frozen=True)
class CriticalShock(Plotted):
    """The smallest escaping perturbation found of each of k patterns.

    Attributes:
        distance: its norm, (k,), in the units of the patterns; a cue this far away is not recalled,
            so no larger ball around the pattern lies in its basin. Infinite if every cue came back,
            NaN if that is undecided or the pattern is no fixed point; see `status`.
        inside: norm along the same direction from which the cue is still recalled, (k,).
        shock: the perturbation, (k, d); NaN where there is none.
        residual: ‖f(x) − x‖ at the patterns, (k,).
        status: `ShockStatus` values, (k,).
        steps: how long the runs of the search were in the end, (k,); 0 for no fixed point.
        settings: the arguments, seed included; the same ones give the same result.
    """

    distance: Float[np.ndarray, " k"]
    inside: Float[np.ndarray, " k"]
    shock: Float[np.ndarray, "k d"]
    residual: Float[np.ndarray, " k"]
    status: Int[np.ndarray, " k"]
    steps: Int[np.ndarray, " k"]
    settings: dict[str, Any]

    def __repr__(self) -> str:
        """Summarise."""
        found = self.distance[np.isfinite(self.distance)]
        spread = f", distances {found.min():.3g} … {found.max():.3g}" if len(found) else ""
        slow = int((self.status == ShockStatus.TOO_SLOW).sum())
        late = f", {slow} too slow to tell" if slow else ""
        return f"CriticalShock({len(found)} of {len(self.distance)} patterns{spread}{late})"


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
        rule: a cue is recalled if it comes within the `tolerance` of its pattern. Runs begin with
            `max_steps` and become up to 64 times as long where patterns take cues back slowly.
            A reported shock has diverged or settled elsewhere, on a period of at most `max_period`
            (`analysis.settling`). `extra_steps` are not used.
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
    residual = np.linalg.norm(
        np.asarray(_apply(f, jax.device_put(x.astype(kind))), float) - x, axis=1
    )
    fixed = residual <= rule.tolerance * norms
    found = _Found.nothing(*x.shape)
    found.status[~fixed] = ShockStatus.NOT_FIXED
    directions = _directions(x, starts, seed)
    level, left = np.where(fixed, 0, _LEVELS), _BUDGET // (starts * x.shape[1])
    with reporting(progress, "critical shocks", counting) as report:
        for k in range(_LEVELS):
            steps = rule.max_steps * _LONGER**k
            each, now = max(1, left // steps), np.flatnonzero(level == k)
            for begin in range(0, len(now), each):
                some = now[begin : begin + each]
                search = _Search(f, x[some], directions[some], replace(rule, max_steps=steps),
                                 farthest, x[fixed])  # fmt: skip
                found.steps[some] = steps
                longer = search.too_short()
                if not longer.all():
                    longer |= search.run(rounds, precision, found, some, ~longer)
                level[some] = np.where(longer, k + 1, _LEVELS)
                report(int((level == _LEVELS).sum()), len(x))
    settings = {
        "starts": starts, "rounds": rounds, "max_steps": rule.max_steps,
        "tolerance": rule.tolerance, "max_period": rule.max_period, "farthest": farthest,
        "precision": precision, "seed": seed,
    }  # fmt: skip
    return CriticalShock(residual=residual, settings=settings, **found._asdict())


class _Found(NamedTuple):
    """What has been found so far; see `CriticalShock`."""

    distance: np.ndarray
    inside: np.ndarray
    shock: np.ndarray
    status: np.ndarray
    steps: np.ndarray

    @classmethod
    def nothing(cls, count: int, dim: int) -> "_Found":
        nan = np.full(count, np.nan)
        slow = np.full(count, int(ShockStatus.TOO_SLOW))
        return cls(nan, nan.copy(), np.full((count, dim), np.nan), slow, np.zeros(count, int))


def _directions(x: np.ndarray, starts: int, seed: int) -> Float[np.ndarray, "k s d"]:
    """Return unit vectors: up to half of them to other patterns, then random pairs u and −u."""
    rng = generator(seed, "shocks")
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
        stored: np.ndarray,
    ):
        self.f, self.rule, self.steps, self.kind = f, rule, rule.max_steps, dtype_of(f)
        self.stored = stored
        self.count, self.starts, self.dim = directions.shape
        self.pattern = np.repeat(x, self.starts, axis=0)
        self.norm = np.linalg.norm(self.pattern, axis=1)
        self.near = rule.tolerance * self.norm
        self.farthest = farthest * self.norm
        self.u = directions.reshape(-1, self.dim)
        self.low, self.high = np.zeros(len(self.u)), np.full(len(self.u), np.inf)

    def escapes(self, u: np.ndarray, radius: np.ndarray, steps: int = 0) -> Bool[np.ndarray, " m"]:
        """Return which cues are not recalled within the steps, by default all of them."""
        start = self.pattern + radius[:, None] * u
        given = (start, self.pattern, self.near, self.stored)
        given = [np.asarray(v, self.kind) for v in given]
        start, pattern, near, stored = jax.device_put(given)
        limit = jax.device_put(np.asarray(steps or self.steps))
        return ~np.asarray(_recalled(self.f, start, pattern, near, stored, limit))

    def too_short(self) -> Bool[np.ndarray, " k"]:
        """Return which patterns halve a small distance too slowly for runs of this length."""
        slow = self.escapes(self.u, 2 * self.near, max(1, self.steps // _DOUBLINGS))
        return slow.reshape(self.count, self.starts).mean(axis=1) > 0.5

    def ended(self, rows: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which cues ended at their pattern, and which elsewhere, after a longer run."""
        start = (self.pattern + radius[:, None] * self.u)[rows].astype(self.kind)
        norm, bound = self.norm[rows], LIMIT * float(np.linalg.norm(start, axis=1).max())
        end = settle(self.f, start, norm, _LONGER * self.steps, self.rule.max_period, bound)
        back = np.linalg.norm(end.state - self.pattern[rows], axis=1) <= self.near[rows]
        back &= ~end.diverged
        return back, ~back & (end.diverged | (end.period > 0))

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

    def run(
        self, rounds: int, precision: float, found: _Found, rows: np.ndarray, wanted: np.ndarray
    ) -> Bool[np.ndarray, " k"]:
        """Write down what is found of the wanted patterns, and return which need longer runs."""
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
        return self.finish(precision, found, rows, wanted)

    def normals(self) -> Float[np.ndarray, "m d"]:
        """Return the outward normals of the boundary where the directions meet it."""
        high = np.where(np.isfinite(self.high), self.high, self.low)
        ends = [self.pattern + r[:, None] * self.u for r in (self.low, high)]
        ends = [np.asarray(v, self.kind) for v in (*ends, _APART * self.norm)]
        inside, outside, apart = jax.device_put(ends)
        # Longer orbits would not fit; those that have not separated by then count as they are.
        steps = min(self.steps, max(64, _BUDGET // inside.size))
        normal = np.asarray(_pulled_back(self.f, inside, outside, apart, steps), float)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        good = np.isfinite(length) & (length > 0)
        return np.where(good, normal / np.where(good, length, 1.0), self.u)

    def finish(
        self, precision: float, found: _Found, rows: np.ndarray, wanted: np.ndarray
    ) -> Bool[np.ndarray, " k"]:
        """Bisect finely, and keep only shocks whose orbits a longer run sees end elsewhere."""
        low, high = self.bisect(self.u, self.low, self.high, precision)
        radius = np.where(np.isfinite(high), high, 0.0)
        lost = np.zeros(len(high), bool)
        open_ = np.isfinite(high) & np.repeat(wanted, self.starts)
        for _ in range(20):
            todo = np.flatnonzero(open_)
            if not len(todo):
                break
            back, elsewhere = self.ended(todo, radius)
            lost[todo[elsewhere]] = True
            open_[todo[~back]] = False  # moving still, or done
            low = np.where(open_, radius, low)  # recalled, if slowly: try a little further out
            radius = np.where(open_, radius * (1 + 2 * precision), radius)
        distance = np.where(lost, radius, np.inf).reshape(self.count, self.starts)
        slow = (np.isfinite(high) & ~lost).reshape(self.count, self.starts)
        pick = np.arange(self.count) * self.starts + distance.argmin(axis=1)
        nearest = distance.min(axis=1)
        status = np.where(
            np.isfinite(nearest), ShockStatus.FOUND,
            np.where(slow.any(axis=1), ShockStatus.TOO_SLOW, ShockStatus.NONE_FOUND),
        )  # fmt: skip
        # What shorter runs found stands, unless this is nearer.
        better = wanted & ~(found.distance[rows] <= nearest)
        some, pick = rows[better], pick[better]
        found.distance[some] = np.where(
            status[better] == ShockStatus.TOO_SLOW, np.nan, nearest[better]
        )
        found.inside[some], found.status[some] = low[pick], status[better]
        found.shock[some] = np.where(
            np.isfinite(nearest[better])[:, None], radius[pick, None] * self.u[pick], np.nan
        )
        return slow.mean(axis=1) > 0.5


@eqx.filter_jit
def _apply(f: Map, x: Array) -> Array:
    return f(x)


@eqx.filter_jit
def _recalled(
    f: Map, start: Array, pattern: Array, near: Array, stored: Array, steps: Array
) -> Array:
    """Return which rows come within `near` of their pattern.

    What stands still, or is at another of the stored patterns, is not followed any further.
    """
    size = jnp.linalg.norm(stored, axis=1)
    still = _ROUNDING * jnp.finfo(start.dtype).eps * jnp.linalg.norm(pattern, axis=1)
    tolerance = near / jnp.linalg.norm(pattern, axis=1)

    def go_on(carry: tuple) -> Array:
        _, _, back, gone, k = carry
        return (k < steps) & ~(back | gone).all()

    def one(_: Any, carry: tuple) -> tuple:
        x, _, back, gone, k = carry
        new = jnp.where(k < steps, f(x).astype(x.dtype), x)
        return new, x, back | (jnp.linalg.norm(new - pattern, axis=1) <= near), gone, k + 1

    def some(carry: tuple) -> tuple:
        x, before, back, gone, k = lax.fori_loop(0, _TOGETHER, one, carry)
        apart = (x**2).sum(axis=1)[:, None] - 2 * x @ stored.T + size**2
        there = (apart <= (tolerance[:, None] * size) ** 2).any(axis=1)
        gone = there | (jnp.linalg.norm(x - before, axis=1) <= still)
        return x, before, back, gone, k

    back = jnp.linalg.norm(start - pattern, axis=1) <= near
    carry = start, start, back, jnp.zeros_like(back), jnp.asarray(0)
    return lax.while_loop(go_on, some, carry)[2]


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
