r"""How far around the start of a recall every other start is proven to get the same answer.

Steps by terms of high degree are followed from the start itself. Let x be a state on its way, ρⱼ⁰
its correlations with the rows and v its vote, along the unit vector c. A state at an angle a ≤ ε
from x has correlations cos a ρⱼ⁰ + sin a tⱼ with Σⱼ Dⱼ tⱼ⁶ ≤ 1 (`analysis.correlation_bounds`).
With δⱼ = h(ρⱼ) − h(ρⱼ⁰), dⱼ = wⱼ·c and ωⱼ = √(|wⱼ|² − dⱼ²) its vote is within an angle ψ of c if,
for some m ≥ 0,

    m + Σⱼ max over t of (|δⱼ| (cos ψ ωⱼ ∓ sin ψ dⱼ) − m Dⱼ t⁶) < sin ψ |v|,

− for δⱼ > 0. Mixed with the states that gives the angle within which all of them are of the next x.
The answer is certified once they are within what is certified of its row for as many steps as are
left (`memory.certified_recall`).
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory.analysis.correlation_bounds import joint_weights, power_sums
from attractory.memory.certified_votes import VoteBound, groups_of
from attractory.memory.guided_recall import HIGH_DEGREE
from attractory.memory.high_degree_steps import PACE

__all__ = ["AnswerBound", "Ladder", "Place"]

Ladder = list[float]  # angles from a row, each of which one step leads to the next from

_CELLS = 48  # in t
_LEVELS = np.array([0.04, 0.1, 0.2, 0.35, 0.55, 0.8, 1.1, 1.5, 2.2, 3.2])  # of ψ over ε
_PRICES = np.array([0.1, 0.25, 0.45, 0.65, 0.82, 0.94])  # m, of the right side
_REACH, _POWER, _LOW = 0.3, 3.5, 0.03  # y, of the correlation a row may come to
_MOST = 0.7  # radians looked at
_HALVINGS = 8
_QUIET = 1.2 * HIGH_DEGREE.tolerance
_MARGIN, _MIXED = 1e-6, 1e-5


class Place(NamedTuple):
    """A state on its way and the rows in groups, of k cues; see `certified_votes.Rivals`."""

    x: Float[np.ndarray, "k d"]
    vote: Float[np.ndarray, "k d"]
    low: Float[np.ndarray, "k q"]
    high: Float[np.ndarray, "k q"]
    reach: Float[np.ndarray, "k q"]
    size: Float[np.ndarray, "k q"]
    toward: Float[np.ndarray, "k q 2"]
    weight: Float[np.ndarray, "k q"]
    members: Float[np.ndarray, " q"]
    length: Float[np.ndarray, " k"]


class AnswerBound:
    """The bound for one memory.

    Args:
        votes: of its steps.
        beside: angles from rows within which no step of high degree is taken, (n,).
    """

    def __init__(self, votes: VoteBound, beside: Float[np.ndarray, " n"]):
        self.votes, self.beside = votes, beside
        self.lengths = votes.lengths

    def angles(
        self,
        start: Float[np.ndarray, "k d"],
        answer: Int[np.ndarray, " k"],
        ladders: list[Ladder],
    ) -> Float[np.ndarray, " k"]:
        """Return the certified angles around starts.

        Args:
            start: unit vectors.
            answer: the row each is recalled as.
            ladders: of these rows; an empty one certifies nothing.
        """
        p = self.votes.patterns
        certified = np.array([ladder[0] if ladder else 0.0 for ladder in ladders])
        away = _angle(start, p[answer])
        found = np.maximum(certified - away, 0.0)
        theta = np.arccos(np.clip(start @ p.T, -1, 1))
        most = np.minimum((theta - self.beside).min(axis=1) - 1e-6, _MOST)
        # Without a step of high degree that is known to lead inward, further ones may lead away.
        led = np.array([len(ladder) > 1 for ladder in ladders])
        going = np.flatnonzero(led & (most > found))
        if not len(going):
            return found
        places = [self.place(start[going])]
        for _ in range(HIGH_DEGREE.steps - 1):
            last = places[-1]
            after = (1 - PACE) * last.x + PACE * last.vote
            places.append(self.place(after / np.linalg.norm(after, axis=1, keepdims=True)))
            near = [
                _angle(places[-1].x[k : k + 1], p[answer[j]][None])[0] < 0.5 * ladders[j][0]
                for k, j in enumerate(going)
            ]
            if all(near):
                break
        low, high = found[going], most[going]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            good = self._arrives(places, middle, answer[going], [ladders[j] for j in going])
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        found[going] = low
        return found

    def _arrives(
        self,
        places: list[Place],
        angle: Float[np.ndarray, " k"],
        answer: Int[np.ndarray, " k"],
        ladders: list[Ladder],
    ) -> Bool[np.ndarray, " k"]:
        """Return whether all starts within angles are led into what is certified of the rows."""
        done = np.zeros(len(angle), bool)
        failed = np.zeros(len(angle), bool)
        e = angle.copy()
        p = self.votes.patterns[answer]
        for k, (here, there) in enumerate(pairwise(places)):
            after = self.step(here, np.where(failed | done, 0.01, e))
            moved = np.linalg.norm(there.x - here.x, axis=1)
            failed |= ~done & ~(moved - e - after > _QUIET)
            e = after
            left = HIGH_DEGREE.steps - (k + 1)
            reached = np.array([ladder[max(0, len(ladder) - 1 - left)] for ladder in ladders])
            done |= ~failed & (_angle(there.x, p) + e <= reached)
            if (done | failed).all():
                break
        return done

    def place(self, x: Float[np.ndarray, "k d"]) -> Place:
        """Return what is known of unit vectors, from which a step is bounded."""
        votes = self.votes
        p, w = votes.patterns, votes.votes
        rho = np.clip(x @ p.T, -1, 1)
        heights = self._signed(rho)
        vote = heights @ w
        length = np.linalg.norm(vote, axis=1)
        c = vote / np.where(length > 0, length, 1.0)[:, None]
        toward = c @ w.T
        blur = 3 * votes.sum * self.lengths
        size = np.sqrt(np.maximum(self.lengths**2 - toward**2, 0.0)) + blur
        nearest = np.cos(np.maximum(np.arccos(np.abs(rho)) - _REACH, 0.0))
        y = np.maximum(nearest, _LOW) ** _POWER
        weight = np.stack([
            joint_weights(power_sums(votes.gram, r, [None, None, one])[2], one)[:, 0]
            for r, one in zip(rho, y[:, :, None], strict=True)
        ])  # fmt: skip
        order = np.argsort(-rho, axis=1)
        rho, toward, size, weight = (
            np.take_along_axis(v, order, 1) for v in (rho, toward, size, weight)
        )
        starts = groups_of(rho.shape[1])
        low, high = (f.reduceat(rho, starts, axis=1) for f in (np.minimum, np.maximum))
        least = np.where(low * high > 0, np.minimum(np.abs(low), np.abs(high)), 0.0)
        return Place(
            x=x,
            vote=c,
            low=low,
            high=high,
            reach=np.sqrt(1 + 1e-6 - least**2),
            size=np.maximum.reduceat(size, starts, axis=1),
            toward=np.stack(
                [f.reduceat(toward, starts, axis=1) for f in (np.minimum, np.maximum)], axis=2
            ),
            weight=np.minimum.reduceat(weight, starts, axis=1),
            members=np.diff(np.append(starts, rho.shape[1])).astype(float),
            length=length - 2 * votes.sum * (np.abs(heights) @ self.lengths),
        )

    def _signed(self, rho: np.ndarray, shift: float = 0.0) -> np.ndarray:
        """Return h of correlations, moved by the error that they may have."""
        table = self.votes.table
        last = len(table) - 1
        place = (np.clip(rho + shift, -1, 1) + 1) * (last / 2)
        below = np.minimum(place.astype(np.int32), last - 1)
        return table[below] + (place - below) * (table[below + 1] - table[below])

    def step(self, here: Place, angle: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Return the angle within which states within one are after a step; inf if unknown."""
        nodes = np.linspace(-1, 1, _CELLS + 1)
        t = here.reach[:, :, None] * nodes
        e = angle[:, None, None]
        error = self.votes.place
        highest = self._signed(_largest(here.high[:, :, None], t[:, :, 1:], e), error)
        lowest = self._signed(-_largest(-here.low[:, :, None], -t[:, :, :-1], e), -error)
        more = np.maximum(highest - self._signed(here.low, -error)[:, :, None], 0.0)
        less = np.maximum(self._signed(here.high, error)[:, :, None] - lowest, 0.0)
        inner = np.minimum(np.abs(t[:, :, 1:]), np.abs(t[:, :, :-1]))
        price = here.weight[:, :, None] * inner**6
        best = np.full(len(angle), np.inf)
        for share in _LEVELS[::-1]:
            psi = np.minimum(share * angle, 1.5)
            c, s = np.cos(psi)[:, None], np.sin(psi)[:, None]
            up = np.maximum(c * here.size - s * here.toward[:, :, 0], 0.0)[:, :, None]
            down = np.maximum(c * here.size + s * here.toward[:, :, 1], 0.0)[:, :, None]
            gain = np.maximum(up * more, down * less)
            right = s[:, 0] * here.length
            holds = np.zeros(len(angle), bool)
            for m in _PRICES:
                rest = (gain - (m * np.maximum(right, 0.0))[:, None, None] * price).max(axis=2)
                left = m * right + (np.maximum(rest, 0.0) * here.members).sum(axis=1)
                holds |= left * (1 + _MARGIN) < right
            best = np.where(holds, psi, best)
        # (1 − b) x + b v of states and votes that near lies within this of that of the centre.
        apart = (1 - PACE) * 2 * np.sin(angle / 2) + PACE * 2 * np.sin(np.minimum(best, 3) / 2)
        centre = np.linalg.norm((1 - PACE) * here.x + PACE * here.vote, axis=1)
        turned = np.arcsin(np.minimum(apart / centre, 1.0)) + _MIXED
        return np.where(np.isfinite(best) & (apart < centre), turned, np.inf)


def _largest(rho: np.ndarray, t: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return the largest cos a ρ + sin a t over angles a from 0 to the one given."""
    end = np.cos(angle) * rho + np.sin(angle) * t
    top = np.hypot(rho, t)
    return np.where(t > 0, np.where(np.arctan2(t, rho) < angle, top, end), np.maximum(rho, end))


def _angle(x: Float[np.ndarray, "k d"], p: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " k"]:
    return 2 * np.arcsin(np.minimum(np.linalg.norm(x - p, axis=1) / 2, 1.0))
