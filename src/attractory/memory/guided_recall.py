"""What a memory does with cues: the stages of recall, and what comes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.parallel import sharing
from attractory.analysis.iteration import RecallStatus, recall
from attractory.kernels.single_precision import single
from attractory.maps.protocol import dtype_of
from attractory.memory import sphere as _sphere
from attractory.memory.drift_free_steps import Drift
from attractory.memory.stages import Stage, run_stage

__all__ = [
    "SHARP", "STRAIGHT", "Course", "MemoryRecall", "follow", "follow_shared", "once", "way",
]  # fmt: skip

_WAY = 80  # map evaluations on the way, all stages together
_RELEASED = 0.1  # of the hold: what is left of it at the end of the way
_FILLED = 4  # patterns a dimension, from which on no direction is weakly filled
_QUIET = 1e-3  # relative step that ends a stage on the way
_NEAR_REST = 1e-5  # relative step down to which the last stage, too, runs in float32
_REST = 1e-3  # a cue that its memory moves by less, relative to the norm, is at rest
_LAST = 24  # steps without drift in float64, at most
SHARP = Stage(0.0, 0.0, 8, 0.0, _QUIET)  # of a step by the map's high degrees
STRAIGHT = Stage(0.0, 0.0, _WAY, 0.0, _QUIET)  # of one without drift


@dataclass(frozen=True)
class MemoryRecall:
    """What a memory made of each cue; arrays over k cues.

    Attributes:
        state: where the iteration ended, (k, d), in the units of the stored rows.
        pattern: index of the stored row it ended at, within 1 % of the norm; −1 for none. `status`
            says whether it had come to rest there.
        confidence: share of unknown cues that would look less like that row, (k,); see
            `memory.rejection`.
        known: whether the memory vouches for the answer: it ended at a row, with a confidence of at
            least `reject`.
        distance: from the nearest stored row, relative to the norm, (k,).
        steps: evaluations of a map, all stages together, (k,).
        residual, status: as in `analysis.RecallResult`, of the memory's own map, the residual
            relative to the norm.
        path: the stored row nearest to the state at the start and at the end of each stage,
            (s + 1, k).
        path_norms: norm of each stage's map, the memory's own last, (s,).
    """

    state: Float[np.ndarray, "k d"]
    pattern: Int[np.ndarray, " k"]
    confidence: Float[np.ndarray, " k"]
    known: Bool[np.ndarray, " k"]
    distance: Float[np.ndarray, " k"]
    steps: Int[np.ndarray, " k"]
    residual: Float[np.ndarray, " k"]
    status: Int[np.ndarray, " k"]
    path: Int[np.ndarray, "t k"]
    path_norms: Float[np.ndarray, " s"]

    def __repr__(self) -> str:
        """Count what became of the cues."""
        return (
            f"MemoryRecall({len(self.pattern)} cues: {int((self.pattern >= 0).sum())} ended at a "
            f"stored row, {int(self.known.sum())} known; at most {int(self.steps.max())} steps)"
        )


class Course(NamedTuple):
    """Where cues of a memory's own norm went; as in `MemoryRecall`, the residual not relative."""

    state: np.ndarray
    steps: np.ndarray
    residual: np.ndarray
    status: np.ndarray
    path: np.ndarray
    norms: np.ndarray


def follow(
    stages: Sequence[tuple[Any, float]],
    own: Any,
    norm: float,
    cues: Float[np.ndarray, "k d"],
    start: Float[np.ndarray, "k d"],
    patterns: Float[np.ndarray, "n d"],
    *,
    hold: float,
    momentum: float,
    max_steps: int,
    tolerance: float,
    drift: Drift | None = None,
) -> Course:
    """Pass cues through the maps of rising norms, then iterate the memory's own to rest.

    Args:
        stages: maps and their norms, passed with the cue held; none for plain iteration.
        own: the memory's map.
        norm: its norm, and that of the cues.
        cues: as they are, (k, d). Those that the memory's map leaves at rest stay there.
        start: where the others begin, (k, d).
        patterns: what the path is told in, (n, d).
        hold, momentum, max_steps, tolerance: as for `AttractorMemory`.
        drift: without stages, the way is by the map's terms of high degree, then by all but its
            linear part (`memory.high_degree_steps`, `memory.drift_free_steps`).
    """
    norms = np.array([*(at for _, at in stages), *([norm] * 2 if drift else []), norm])
    on_the_way = len(norms) > 1
    moving = _Travellers(start.copy(), np.zeros(len(start), int))
    away = np.arange(len(start))
    if on_the_way:
        moved = np.linalg.norm(np.asarray(own(cues), float) - cues, axis=1)
        rest = moved <= _REST * norm
        moving.state[rest], moving.steps[:] = cues[rest], 1
        away = np.flatnonzero(~rest)
    path = [_sphere.nearest(moving.state, patterns)] * len(norms)
    if len(away) and on_the_way:
        rough, near = single(own), away[:0]
        if drift:
            if drift.sharp is not None:
                moving.go(away, drift.sharp, SHARP, np.float32)
            path[1] = _sphere.nearest(moving.state, patterns)
            away, near = _straight(moving, away, drift, own, rough, tolerance)
            path[2] = _sphere.nearest(moving.state, patterns)
        for k, stage in enumerate(way(hold, len(stages), momentum, *patterns.shape)):
            f, at = stages[k]
            moving.go(away, single(f), stage, np.float32, held=start, scale=at / norm)
            path[k + 1] = _sphere.nearest(moving.state, patterns)
        # Most of the way to the place itself needs no more than float32 either.
        until = max(tolerance, _NEAR_REST)
        stage = Stage(0.0, 0.0, max_steps, momentum, until, coarse=momentum > 0)
        _, drive = moving.go(away, rough, stage, np.float32)
        away, drive = np.append(away, near), np.append(drive, np.full(len(near), momentum))
        stage = Stage(0.0, 0.0, max_steps, momentum, tolerance)
        moving.go(away, own, stage, dtype_of(own), momentum=drive)
    state, residual, more, status = _to_rest(own, moving.state, max_steps, tolerance, on_the_way)
    path.append(_sphere.nearest(state, patterns))
    return Course(state, moving.steps + more, residual, status, np.stack(path), norms)


class _Travellers(NamedTuple):
    """States on their way, (k, d), and the map evaluations of each, (k,); both are written to."""

    state: np.ndarray
    steps: np.ndarray

    def go(
        self,
        who: np.ndarray,
        f: Any,
        stage: Stage,
        kind: Any,
        *,
        held: np.ndarray | None = None,
        scale: float = 1.0,
        momentum: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Run a stage for some, and return their evaluations in it and their momentum at its end.

        Args:
            who: their indices.
            f, stage, momentum: as for `run_stage`.
            kind: of floating-point number.
            held: what a hold holds them to, (k, d).
            scale: norm of the stage's map, relative to that of the states.
        """
        here = np.asarray(self.state[who] * scale, kind)
        cue = here if held is None else np.asarray(held[who] * scale, kind)
        found, used, momentum = run_stage(f, here, cue, stage, momentum=momentum)
        self.state[who] = np.asarray(found, float) / scale
        self.steps[who] += used
        return used, momentum


def _straight(
    cues: _Travellers, who: np.ndarray, drift: Drift, own: Any, rough: Any, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Step without drift, and return who did not settle, and who did but is slow to rest."""
    used, _ = cues.go(who, drift.relaxed(rough, np.float32), STRAIGHT, np.float32)
    settled = used < STRAIGHT.steps
    # What came near to rest goes on so, and comes to rest in some ten steps or is slow.
    last = STRAIGHT._replace(steps=_LAST, tolerance=tolerance)
    used, _ = cues.go(who[settled], drift.relaxed(own, float), last, float)
    return who[~settled], who[settled][used == _LAST]


def _to_rest(
    own: Any, state: Float[np.ndarray, "k d"], max_steps: int, tolerance: float, near: bool
) -> tuple[np.ndarray, ...]:
    """Return state, residual, steps and status of plain recall.

    States that are `near` rest mostly are there after one step: then nothing is compiled for it.
    """
    residual, steps = np.zeros(len(state)), np.zeros(len(state), int)
    status = np.full(len(state), int(RecallStatus.CONVERGED))
    moving = np.arange(len(state))
    if near:
        new = np.asarray(own(state), float)
        residual, steps = np.linalg.norm(new - state, axis=1), steps + 1
        at_rest = residual <= tolerance * np.linalg.norm(state, axis=1)
        moving = np.flatnonzero(~at_rest)
        state[moving] = new[moving]
    if len(moving):
        result = recall(own, state[moving], max_steps=max_steps, tol=tolerance)
        state[moving], residual[moving] = result.state, result.residual
        steps[moving] += result.steps
        status[moving] = result.status
    return state, residual, steps, status


def follow_shared(
    compute: str | None,
    stages: Sequence[tuple[Any, float]],
    own: Any,
    norm: float,
    cues: Float[np.ndarray, "k d"],
    start: Float[np.ndarray, "k d"],
    patterns: Float[np.ndarray, "n d"],
    **settings: Any,
) -> Course:
    """Return what `follow` does, the cues shared out; see `_util.parallel`."""
    if compute is None:
        return follow(stages, own, norm, cues, start, patterns, **settings)
    fixed = (list(stages), own, norm, patterns, settings)
    with sharing(compute) as (count, share):
        parts = np.array_split(np.arange(len(cues)), min(count, len(cues)))
        courses = share(_follow_part, [(cues[part], start[part]) for part in parts], fixed, None)
    state, steps, residual, status = (
        np.concatenate([course[k] for course in courses]) for k in range(4)
    )
    path = np.concatenate([course.path for course in courses], axis=1)
    return Course(state, steps, residual, status, path, courses[0].norms)


def _follow_part(piece: tuple[np.ndarray, np.ndarray], fixed: tuple[Any, ...], _: None) -> Course:
    stages, own, norm, patterns, settings = fixed
    cues, start = piece
    return follow(stages, own, norm, cues, start, patterns, **settings)


def way(hold: float, count: int, momentum: float, n: int, dim: int) -> list[Stage]:
    """Return so many stages for n patterns, the hold falling by the same factor in each.

    A cue is held by giving back what a step takes where some direction is weakly filled, else by a
    weighted mean; see `memory.stages`.
    """
    falls = hold * _RELEASED ** (np.arange(count + 1) / max(count, 1))
    return [
        Stage(falls[k], falls[k + 1], -(-_WAY // count), momentum, _QUIET, n <= _FILLED * dim)
        for k in range(count)
    ]


def once(
    f: Any, norm: float, start: Float[np.ndarray, "k d"], answers: Float[np.ndarray, "n d"]
) -> Course:
    """Apply a map of successors once; where it leads is no place to rest, so none is measured."""
    state, k = np.asarray(f(start), float), len(start)
    path = _sphere.nearest(state, answers)[None]
    return Course(
        state, np.ones(k, int), np.full(k, np.nan), np.zeros(k, int), path, np.array([norm])
    )
