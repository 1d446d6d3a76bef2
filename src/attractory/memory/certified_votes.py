r"""How far from a row the recall steps by terms of high degree are proven to lead towards it.

On the unit sphere x = cos a p + sin a u, u ⊥ p, is a state at an angle a from row p = pᵢ. Its
correlation with another row is ρⱼ = cos a cⱼ + sin a tⱼ with cⱼ = p·pⱼ and tⱼ = u·pⱼ, of which only
|tⱼ| ≤ sⱼ = √(1 − cⱼ²) and one joint bound are known: for any y > 0, with Bⱼₖ = |pⱼ·pₖ − cⱼcₖ|³,

    Σⱼ Dⱼ tⱼ⁶ ≤ 1,   Dⱼ = yⱼ/(B y)ⱼ   (`analysis.correlation_bounds`).

The direction v = Σⱼ h(ρⱼ) wⱼ of a step has an angle to p below ψ if cos ψ v·u′ < sin ψ v·p for
every unit u′ ⊥ p. With dⱼ = wⱼ·p and |wⱼ·u′| ≤ ωⱼ = √(|wⱼ|² − dⱼ²) that holds for all states up to
an angle φ at once if, for some m ≥ 0,

    m + Σ_{j≠i} max over |t| ≤ sⱼ of (|h(ρⱼ)| (cos ψ ωⱼ ∓ sin ψ dⱼ) − m Dⱼ t⁶)
        < h(cos φ) (sin ψ dᵢ − cos ψ ωᵢ),

|ρⱼ| being the largest for angles up to φ, − for h(ρⱼ) > 0. The proof, and what is rounded:
docs/explanation/certified-recall.md.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.analysis.correlation_bounds import gram_of, joint_weights, power_sums
from attractory.memory.high_degree_steps import PACE, HighDegreeStep

__all__ = ["Rivals", "VoteBound", "groups_of"]

_NODES = 24  # in t
_SHARES = np.linspace(0, 1, _NODES + 1, dtype=np.float32)[:, None, None]
_ALONE, _GROUPS = 64, 128  # rivals taken one by one, and groups of the others
_UNIT = 2.0**-24  # rounding of float32
_POWERS = np.array([2.0, 3.5, 7.0])  # y, of the correlation a rival may come to
_LOW = 0.03  # the least of those
_LEVELS = np.array(
    [0.0, 0.002, 0.005, 0.015, 0.03, 0.05, 0.08, 0.12, 0.16, 0.22, 0.3, 0.4, 0.5, 0.62, 0.75, 0.87,
     0.95]
)  # fmt: skip  # of ψ between φ and its least
_PRICES = np.array(
    [0.03, 0.06, 0.1, 0.15, 0.21, 0.28, 0.37, 0.46, 0.55, 0.64, 0.72, 0.8, 0.87, 0.93, 0.975]
)  # m, of the right side
_LENGTH = 1e-6  # added to the square of a pattern's length, which is of float32
_MARGIN = 2e-6  # of the inequality, and of its terms, which are of float32
_MIXED = 1e-5  # radians that rounding may turn a step by, besides that of its vote


class Rivals(NamedTuple):
    """What is known of the other rows beside each of k rows, in at most q groups.

    Attributes:
        near: largest |cⱼ| of the group, (k, q).
        reach: largest sⱼ.
        size: largest ωⱼ, what rounding adds to it included.
        toward: least and largest of dⱼ times the sign of cⱼ, (k, q, 2).
        weight: least Dⱼ.
        members: rows in the group.
        own: dᵢ and ωᵢ of the row itself, less and more what rounding takes and adds, (k, 2).
    """

    near: Float[np.ndarray, "k q"]
    reach: Float[np.ndarray, "k q"]
    size: Float[np.ndarray, "k q"]
    toward: Float[np.ndarray, "k q 2"]
    weight: Float[np.ndarray, "k q"]
    members: Float[np.ndarray, "k q"]
    own: Float[np.ndarray, "k 2"]

    def some(self, rows: Int[np.ndarray, " m"]) -> "Rivals":
        """Return those of some rows."""
        return Rivals(*(v[rows] for v in self))

    def where(self, these: Bool[np.ndarray, " k"], others: "Rivals") -> "Rivals":
        """Return these of some rows, and others of the rest."""
        pairs = zip(self, others, strict=True)
        shape = (-1,) + (1,) * 2
        return Rivals(*(
            np.where(these.reshape(shape[: mine.ndim]), mine, other) for mine, other in pairs
        ))  # fmt: skip


class VoteBound:
    """The bound for one memory.

    Args:
        step: the step, as it is run.
        count: its rows; further ones are padding.
    """

    def __init__(self, step: HighDegreeStep, count: int):
        self.patterns = np.asarray(step.patterns, float)[:count]
        self.votes = np.asarray(step.votes, float)[:count]
        self.table = np.asarray(step.table, float)
        self.rising = np.asarray(step.table, np.float32)
        self.odd = bool(np.abs(self.table + self.table[::-1]).max() < 1e-6)
        padded, dim = step.patterns.shape
        self.place = (dim + 32) * _UNIT  # error of ρ, in a step and here
        self.sum = (padded + 16) * _UNIT  # of the votes' sum, of the sum of their lengths
        self.gram = gram_of(self.patterns)
        self.lengths = np.linalg.norm(self.votes, axis=1)

    def height(self, rho: Float[np.ndarray, "*k"]) -> Float[np.ndarray, "*k"]:
        """Return |h| of correlations from 0 to 1, or more than it; convex beyond 1, too."""
        last = len(self.rising) - 1
        place = (rho + np.float32(1 + self.place)) * np.float32(last / 2)
        below = np.minimum(place.astype(np.int32), last - 1)
        here = self.rising[below]
        place -= below
        return here + place * (self.rising[below + 1] - here)

    def rivals(self, rows: Int[np.ndarray, " k"], angle: Float[np.ndarray, " k"]) -> list[Rivals]:
        """Return the rivals of rows, weighted in a few ways for states at about an angle."""
        p, w = self.patterns, self.votes
        close = np.clip(p[rows] @ p.T, -1, 1)
        toward = p[rows] @ w.T
        length = self.lengths
        size = np.sqrt(np.maximum(length**2 - toward**2, 0.0))
        k = np.arange(len(rows))
        blur = 2 * self.sum * length[rows]
        own = np.stack([toward[k, rows] - blur, size[k, rows] + blur], axis=1)
        size = size + 2 * self.sum * length
        weights = np.stack([
            self._weights(int(row), c, a) for row, c, a in zip(rows, close, angle, strict=True)
        ], axis=1)  # fmt: skip
        near, toward = np.abs(close), toward * np.where(close < 0, -1.0, 1.0)
        near[k, rows] = -1.0
        order = np.argsort(-near, axis=1)[:, :-1]
        near, toward, size, *weights = (
            np.take_along_axis(v, order, 1)
            for v in (near, toward, np.broadcast_to(size, near.shape), *weights)
        )
        starts = groups_of(near.shape[1])
        count = np.diff(np.append(starts, near.shape[1])).astype(float)
        if not len(starts):
            none = np.zeros((len(rows), 0))
            return [Rivals(none, none, none, np.zeros((len(rows), 0, 2)), none, none, own)]
        low, high = (f.reduceat(toward, starts, axis=1) for f in (np.minimum, np.maximum))
        if not self.odd:  # h may be positive on either side
            high = np.maximum(-low, high)
            low = -high
        least = np.minimum.reduceat(near, starts, axis=1)
        beside = Rivals(
            near=np.maximum.reduceat(near, starts, axis=1),
            reach=np.sqrt(np.maximum(1 + _LENGTH - least**2, 0.0)),
            size=np.maximum.reduceat(size, starts, axis=1),
            toward=np.stack([low, high], axis=2),
            weight=low,
            members=np.broadcast_to(count, low.shape),
            own=own,
        )
        return [
            beside._replace(weight=np.minimum.reduceat(weight, starts, axis=1))
            for weight in weights
        ]

    def _weights(self, row: int, close: np.ndarray, angle: float) -> Float[np.ndarray, "p n"]:
        """Return D, large for rows that states at the angle may come near."""
        nearest = np.cos(np.maximum(np.arccos(close) - angle, 0.0))
        y = np.maximum(nearest, _LOW)[:, None] ** _POWERS
        y[row] = 0.0
        return joint_weights(power_sums(self.gram, close, [None, None, y])[2], y).T

    def step(self, rivals: Rivals, angle: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the angle below which a step ends from any angle up to this; inf if unknown."""
        psi = self.vote(rivals, angle)
        known = np.isfinite(psi)
        angle, psi = (np.where(known, a, 0.0) for a in (angle, psi))
        ended = np.arctan2(
            (1 - PACE) * np.sin(angle) + PACE * np.sin(psi),
            (1 - PACE) * np.cos(angle) + PACE * np.cos(psi),
        )
        return np.where(known, ended + _MIXED, np.inf)

    def vote(self, rivals: Rivals, angle: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the angle below which votes are from any angle up to this; inf if unknown."""
        unknown, angle = np.isinf(angle), np.where(np.isinf(angle), 1.0, angle)
        least = np.arctan2(rivals.own[:, 1], rivals.own[:, 0])
        floor = np.clip(least, 0, angle)
        levels = angle[:, None] - (angle - floor)[:, None] * _LEVELS
        bound = self._gains(rivals, angle)
        # Where a level holds larger ones do, mostly: the least one that does is bisected.
        k = np.arange(len(angle))
        low, high = np.full(len(k), -1), np.full(len(k), len(_LEVELS))
        while (high - low > 1).any():
            middle = np.clip((low + high) // 2, 0, len(_LEVELS) - 1)
            good = bound.shortfall(levels[k, middle]) < 0
            narrow = high - low <= 1
            low = np.where(good & ~narrow, middle, low)
            high = np.where(good | narrow, high, middle)
        known = (low >= 0) & ~unknown
        return np.where(known, levels[k, np.maximum(low, 0)], np.inf)

    def leads_in(self, rivals: Rivals, angle: Float[np.ndarray, " k"]) -> np.ndarray:
        """Return whether votes from any angle up to this are nearer, (k,)."""
        return self.shortfall(rivals, angle, angle) < 0

    def shortfall(
        self, rivals: Rivals, angle: Float[np.ndarray, " k"], psi: Float[np.ndarray, " k"]
    ) -> Float[np.ndarray, " k"]:
        """Return the inequality's left side less its right, of states up to angles, and of ψ."""
        return self._gains(rivals, angle).shortfall(psi)

    def _gains(self, rivals: Rivals, angle: Float[np.ndarray, " k"]) -> "_Gains":
        # All in float32, with room for its rounding in place of rho and at the end.
        cos, sin = (np.asarray(v, np.float32)[:, None] for v in (np.cos(angle), np.sin(angle)))
        near, reach, weight = (
            np.asarray(v, np.float32) for v in (rivals.near, rivals.reach, rivals.weight)
        )
        t = (reach * np.float32(1 + _MARGIN)) * _SHARES
        # The largest cos a c + sin a t at angles a up to the one given.
        along, aside = cos * near, sin * t
        ahead = np.where(t * cos <= near * sin, np.hypot(near, t), along + aside)
        with_sign, against = self.height(ahead), self.height(np.maximum(aside - along, 0))
        # |h| is convex, so that between two nodes it is below their chord, and the chord less
        # m D t⁶ exceeds its values there by an eighth of the gap squared times 30 m D t⁴ at most.
        square = t * t
        following = np.append(square[1:], square[-1:], axis=0)
        sixth = square * square * square * weight
        bow = (3.75 / _NODES**2 * (1 + 4 * _MARGIN)) * following * following * (square[-1] * weight)
        own = np.interp(np.cos(angle) - self.place, np.linspace(-1, 1, len(self.table)), self.table)
        return _Gains(
            rivals=rivals,
            with_sign=with_sign * np.float32(1 + _MARGIN),
            against=against * np.float32(1 + _MARGIN),
            price=sixth * np.float32(1 - _MARGIN) - bow * np.float32(1 + _MARGIN),
            own=own,
        )


class _Gains(NamedTuple):
    """What rivals can do to votes from up to an angle, at nodes in t.

    Attributes:
        rivals: of k rows.
        with_sign, against: the largest |h| of correlations of cⱼ's sign, and of the other.
        price: the least D t⁶.
        own: the least h of the correlation with the row.
    """

    rivals: Rivals
    with_sign: Float[np.ndarray, "t k q"]
    against: Float[np.ndarray, "t k q"]
    price: Float[np.ndarray, "t k q"]
    own: Float[np.ndarray, " k"]

    def shortfall(self, psi: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the inequality's left side less its right at an angle ψ for each row."""
        rivals = self.rivals
        c, s = np.cos(psi)[:, None], np.sin(psi)[:, None]
        for_it = np.maximum(c * rivals.size - s * rivals.toward[:, :, 0], 0.0)
        other = np.maximum(c * rivals.size + s * rivals.toward[:, :, 1], 0.0)
        right = self.own * (s[:, 0] * rivals.own[:, 0] - c[:, 0] * rivals.own[:, 1])
        scale = np.where(right > 0, right, 1.0)[:, None]
        with np.errstate(over="ignore"):  # what is beyond float32 is no bound
            gain = np.asarray(for_it / scale, np.float32) * self.with_sign
            spare = np.asarray(other / scale, np.float32) * self.against
        np.maximum(gain, spare, out=gain)

        def left(place: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
            m = _PRICES[place]
            np.multiply(self.price, np.asarray(m, np.float32)[:, None], out=spare)
            most = np.subtract(gain, spare, out=spare).max(axis=0, initial=0.0)
            return m + (most * rivals.members).sum(axis=1)

        # It is convex in m, so that two neighbours tell on which side the least lies.
        low, high = np.zeros(len(psi), int), np.full(len(psi), len(_PRICES) - 1)
        least = np.full(len(psi), np.inf)
        while (low < high).any():
            middle = (low + high) // 2
            here, there = left(middle), left(np.minimum(middle + 1, high))
            least = np.minimum(least, np.minimum(here, there))
            low, high = (
                np.where(here > there, middle + 1, low),
                np.where(here > there, high, middle),
            )
            low = np.minimum(low, high)
        return np.where(right > 0, (least * (1 + 2 * _MARGIN) - 1) * right, np.inf)


def groups_of(count: int) -> Int[np.ndarray, " q"]:
    """Return where groups of rivals begin, the nearest ones being alone."""
    alone = np.arange(min(count, _ALONE))
    return np.append(alone, np.unique(np.linspace(len(alone), count, _GROUPS + 1)[:-1].astype(int))
                     if count > len(alone) else alone[:0])  # fmt: skip
