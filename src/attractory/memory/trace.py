"""The states that a cue passes through on its way to rest, one step at a time, for looking at.

`AttractorMemory.recall` goes the same way for many cues at once and keeps the ends alone
(`memory.guided_recall`). Here the steps of one cue are run singly, by what is compiled for recall.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attractory._util.aliases import ArrayLike
from attractory._util.threads import few_threads
from attractory._util.validation import as_points, real_array
from attractory.kernels.single_precision import single
from attractory.maps.protocol import Map, dtype_of
from attractory.memory.coordinates import nearest
from attractory.memory.estimator import AttractorMemory
from attractory.memory.guided_recall import (
    DRIFT_FREE,
    HIGH_DEGREE,
    REST,
    RecallPlan,
    at_last,
    is_beside,
)
from attractory.memory.momentum_iteration import Stage, run_stage
from attractory.memory.recalled import MemoryRecall
from attractory.memory.stored_map import called

__all__ = ["RecallTrace", "recall_trace"]

_MOST = 400  # steps of one leg that are kept


@dataclass(frozen=True)
class RecallTrace:
    """The way of one cue, t states of it.

    Attributes:
        rows: the states, (t, d), in the units of the stored rows: first the cue, last where
            `recall` ends.
        points: the same in the coordinates of the map, (t, d), where patterns have the norm.
        legs: what made each state, (t,): "cue"; "mended", the cue as its damage is seen;
            "high degree", "guided" and "map", the steps of recall; "rest", its end.
        recall: what `recall` says of the cue.
    """

    rows: Float[np.ndarray, "t d"]
    points: Float[np.ndarray, "t d"]
    legs: tuple[str, ...]
    recall: MemoryRecall

    def __repr__(self) -> str:
        """Say how long the way is, and where it ends."""
        return f"RecallTrace({len(self.legs)} states, ends at row {int(self.recall.pattern[0])})"


def recall_trace(memory: AttractorMemory, cue: ArrayLike) -> RecallTrace:
    """Return the states that a cue passes through when a memory recalls it.

    Where recall runs the map with momentum or for more than 400 steps, the states in between are
    left out, and the end is that of `recall` in any case.

    Args:
        memory: fitted.
        cue: (d,) or (1, d), in the units of the stored rows.

    Raises:
        ValueError: if the cue is not one row of finite numbers, or of another length.

    Example:
        >>> from attractory.datasets import bundled_digits
        >>> digits, _ = bundled_digits(5)
        >>> trace = recall_trace(AttractorMemory(metric="rule").fit(digits), digits[0] / 2)
        >>> trace.rows.shape[1], trace.legs[0], trace.legs[-1]
        (784, 'cue', 'rest')
    """
    row = as_points(np.atleast_2d(real_array(cue, "cue")), "cue", dim=memory.n_features_in_)
    if len(row) != 1:
        raise ValueError(f"cue must be one row, got {len(row)}")
    result = memory.recall(row)
    state = memory.state_
    coordinates, span = state.coordinates, state.span
    settings = state.settings.at_recall(memory.get_params(deep=False))
    with few_threads(state.points.size):
        plan = state.plan(settings)
        given, start, *_ = state.beginnings(row)
        plain = coordinates.encode(row)[0]
        inner, begin, across = span.inward(given, start)
        certain = not np.allclose(given, plain)
        legs, inside = _legs(plan, inner, begin, certain)
    kept = [span.outward(y, across) for y in inside]
    apart = coordinates.metric.apply(coordinates.scaled(result.state - coordinates.mean))
    closest = nearest(apart, state.points)
    points = np.vstack([plain, *kept, apart * (state.norm / state.sizes[closest])[:, None]])
    # A state away from every row has the size of the row that its direction is nearest to.
    sizes = state.sizes[nearest(points, state.points)]
    rows = coordinates.decode(points, sizes)
    rows[0], rows[-1] = row[0], result.state[0]
    return RecallTrace(rows, points, ("cue", *legs, "rest"), result)


def _legs(
    plan: RecallPlan,
    cue: Float[np.ndarray, "1 e"],
    start: Float[np.ndarray, "1 e"],
    certain: bool,
) -> tuple[list[str], list[Float[np.ndarray, "1 e"]]]:
    """Return the states between the cue and the end, and what made each.

    Args:
        plan, cue, start: as for `guided_recall.follow`.
        certain: whether the cue was put at the row that it was mended by.
    """
    legs: list[str] = []
    states: list[np.ndarray] = []

    def run(name: str, step: Map, stage: Stage, kind: type | np.dtype) -> None:
        """Step singly from the last state."""
        x = np.asarray(states[-1] if states else start, kind)
        for _ in range(min(stage.steps, _MOST)):
            new, _, _ = run_stage(step, x, stage._replace(steps=1))
            moved = np.linalg.norm(new - x)
            legs.append(name)
            states.append(np.asarray(new, float))
            if moved <= stage.tolerance * np.linalg.norm(x):
                return
            x = new

    if not plan.guided:
        run("map", plan.own, Stage(plan.max_steps, 0.0, plan.tolerance), dtype_of(plan.own))
        return legs, states
    at_rest = np.linalg.norm(called(plan.own, cue) - cue) <= REST * plan.norm
    if certain or not (at_rest or np.allclose(cue, start)):
        legs.append("mended")
        states.append(start)
    if at_rest:
        return legs, states
    linear = plan.linear
    if linear is not None:
        beside = is_beside(plan, start, nearest(start, plan.patterns))[0]
        if linear.high_degree_step is not None and not beside:
            run("high degree", linear.high_degree_step, HIGH_DEGREE, np.float32)
        step = linear.rough_step(single(plan.own))
        run("guided", step, DRIFT_FREE, np.float32)
        run("guided", linear.drift_free_step(plan.own, float), at_last(plan.tolerance), float)
    return legs, states
