"""States put at the stored row that steps of the whole map lead them to.

Many steps bring a state near a row nearer to it, each by a factor, until the map moves it by less
than the tolerance. What the map moves the rows themselves by has been known since they were
stored. So a state within a tenth of the norm of a row, and four times as near to it as to any
other, takes one step of the whole map: where that shortens its distance by a tenth, it is put at
the row, which the map leaves at rest. Others go on by steps, and by the map itself to rest.

That agrees with what is proven of recall (`memory.certified_recall`): a certified angle is at most
half the angle to any other row, so that within it the row itself is the nearest.

The steps are those without the linear part, in float32 and in NumPy: two products of matrices
each, and nothing is compiled for them.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.interrupts import check
from attractory.memory.coordinates import nearest
from attractory.memory.drift_free_steps import PACE, DriftFreeVotes
from attractory.memory.high_degree_steps import to_norm_in_numpy
from attractory.memory.momentum_iteration import Stage

__all__ = ["Settled", "nearest_exactly", "settle", "whole_moves"]

_NEAR = 0.1  # of the norm: a state this near to a row may be put there,
_ALONE = 4.0  # if it is so many times nearer to it than to any other,
_FALLS = 0.9  # and a step brings its distance down to this share of it,
_ROUNDING = 3e-4  # or leaves it as small as this, of the norm: float32 shows no less
_TOLD = 1e-5  # correlations in float32 that differ by less may be in any order
_AT_ONCE = 1 << 23  # correlations held at a time


class Settled(NamedTuple):
    """What became of states.

    Attributes:
        state: where they are, (k, d), float32.
        steps: that each took, (k,).
        row: the row that each is to be put at, (k,); −1 for those that are at none.
    """

    state: Float[np.ndarray, "k d"]
    steps: Int[np.ndarray, " k"]
    row: Int[np.ndarray, " k"]


def settle(votes: DriftFreeVotes, start: Float[np.ndarray, "k d"], stage: Stage) -> Settled:
    """Step without the linear part until states are at a row or hardly move.

    Args:
        votes: the step.
        start: states, (k, d), of the norm.
        stage: how many steps, and the step, relative to the state, that ends them.
    """
    state = np.array(start, np.float32)
    out = Settled(state, np.zeros(len(state), int), np.full(len(state), -1))
    for some in _blocks(len(state), votes):
        _settle(votes, Settled(*(v[some] for v in out)), stage)
    return out


def _settle(votes: DriftFreeVotes, out: Settled, stage: Stage) -> None:
    patterns, norm = np.asarray(votes.patterns), np.asarray(votes.norm)
    moving = np.arange(len(out.state))
    for _ in range(stage.steps):
        if not len(moving):
            return
        check()
        x, here = out.state[moving], np.arange(len(moving))
        rho = (x / norm) @ patterns.T
        first = rho.argmax(axis=1)
        largest = rho[here, first]
        rho[here, first] = -2.0
        other = np.sqrt(np.maximum(2 - 2 * rho.max(axis=1), 0))
        rho[here, first] = largest
        new = to_norm_in_numpy((1 - PACE) * x + PACE * votes.goal(x, rho), norm)
        row = patterns[first]
        before, after = (np.linalg.norm(v / norm - row, axis=1) for v in (x, new))
        there = (before <= _NEAR) & (_ALONE * before <= other)
        there &= after <= np.maximum(_FALLS * before, _ROUNDING)
        step, length = np.linalg.norm(new - x, axis=1), np.linalg.norm(x, axis=1)
        out.state[moving] = new
        out.steps[moving] += 1
        out.row[moving[there]] = first[there]
        moving = moving[~there & ~(step <= stage.tolerance * length)]


def whole_moves(
    votes: DriftFreeVotes,
    softened: Float[np.ndarray, "d d"],
    states: Float[np.ndarray, "k d"],
) -> tuple[Float[np.ndarray, " k"], Bool[np.ndarray, " k"]]:
    """Return by how much the map moves states, |f(x) − x|, to the digits of float32.

    With z of the step without the linear part, f(x) − x = (I − S + ε)(z − x). Besides, which states
    are so near to a row that float32 does not tell them from it, or it from rows much like it.

    Args:
        votes: the step.
        softened: I − S + ε.
        states: of the norm, (k, d).
    """
    x, patterns = np.asarray(states, np.float32), np.asarray(votes.patterns)
    out, matrix = np.empty(len(x)), np.asarray(softened, np.float32)
    there = np.empty(len(x), bool)
    for some in _blocks(len(x), votes):
        check()
        rho = (x[some] / np.asarray(votes.norm)) @ patterns.T
        away = votes.goal(x[some], rho) - x[some]
        out[some] = np.linalg.norm(away @ matrix, axis=1)
        there[some] = rho.max(axis=1) >= 1 - _TOLD
    return out, there


def nearest_exactly(
    points: Float[np.ndarray, "k d"],
    patterns: Float[np.ndarray, "n d"],
    rough: Float[np.ndarray, "m d"],
) -> Int[np.ndarray, " k"]:
    """Return the pattern nearest to each point: of the first two in float32, if it tells them.

    Args:
        points: (k, d).
        patterns: of one norm.
        rough: the same of norm 1 in float32, and zeros perhaps.
    """
    out, n = np.empty(len(points), int), len(patterns)
    size = max(1, _AT_ONCE // n)
    for k in range(0, len(points), size):
        x = points[k : k + size]
        rho = (np.asarray(x, np.float32) @ rough.T)[:, :n]
        here = np.arange(len(x))
        pair = np.empty((len(x), 2), int)
        second = rho[:, 0]
        for place in (0, 1):
            pair[:, place] = rho.argmax(axis=1)
            second = rho[here, pair[:, place]]
            rho[here, pair[:, place]] = -np.inf
        pair = np.sort(pair, axis=1)  # of equal ones the first
        close = np.einsum("kd,kqd->kq", x, patterns[pair])
        out[k : k + size] = pair[here, close.argmax(axis=1)]
        if n <= 2:
            continue
        # Where float32 cannot tell the second from the third, the nearest may be none of the two.
        unsure = second - rho.max(axis=1) <= _TOLD * np.linalg.norm(x, axis=1)
        if unsure.any():
            out[k : k + size][unsure] = nearest(x[unsure], patterns)
    return out


def _blocks(count: int, votes: DriftFreeVotes) -> list[slice]:
    size = max(1, _AT_ONCE // len(votes.patterns))
    return [slice(k, k + size) for k in range(0, count, size)]
