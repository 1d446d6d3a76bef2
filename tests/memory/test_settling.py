"""States put at rows: where steps of the whole map lead, and the short ways to what is nearest."""

import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory import nearest_row, shortlist
from attractory.memory.coordinates import nearest
from attractory.memory.drift_free_steps import DriftFreeVotes
from attractory.memory.guided_recall import DRIFT_FREE, at_last, at_rows, follow
from attractory.memory.image_gradients import ImageGradients
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.metric import Metric
from attractory.memory.momentum_iteration import run_stage
from attractory.memory.neighbourhoods import Neighbourhoods
from attractory.memory.settling import nearest_exactly, settle, whole_moves
from attractory.memory.slow_parts import SlowParts
from attractory.memory.small_images import SmallImages

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def memory():
    return AttractorMemory(activation="erf", metric="rule").fit(bundled_digits(20)[0])


def around(points, size):
    noise = RNG.normal(size=points.shape)
    noise *= size * np.linalg.norm(points[0]) / np.linalg.norm(noise, axis=1, keepdims=True)
    return points + noise


def test_states_are_put_where_steps_in_float64_come_to_rest(memory):
    state = memory.state_
    plan, part = state.plan(state.settings), state.linear_part
    x = around(np.repeat(plan.patterns, 3, axis=0), 0.5)
    x *= plan.norm / np.linalg.norm(x, axis=1, keepdims=True)
    found = settle(plan.votes, x, DRIFT_FREE)
    assert (found.row >= 0).mean() > 0.9
    far, *_ = run_stage(part.drift_free_step(plan.own, float), x, at_last(1e-7))
    there = np.flatnonzero(found.row >= 0)
    ended = plan.patterns[found.row[there]]
    np.testing.assert_allclose(far[there], ended, atol=1e-5 * plan.norm)
    # What is returned is at rest by the map itself, by no more than is known of it.
    path = follow(plan, x, x)
    moved = np.linalg.norm(np.asarray(plan.own(path.state)) - path.state, axis=1)
    assert (moved <= plan.tolerance * plan.norm).all()
    straight = at_rows(plan, np.arange(20))
    np.testing.assert_array_equal(straight.state, plan.patterns)
    assert straight.path.shape[0] == path.path.shape[0]


def test_a_map_that_is_not_known_to_leave_rows_at_rest_is_iterated_to_rest(memory):
    state = memory.state_
    plan = state.plan(state.settings)._replace(missed=np.inf)
    x = around(plan.patterns[:4], 0.2)
    path = follow(plan, x, x)
    assert path.path[-1].tolist() == [0, 1, 2, 3]
    assert (np.linalg.norm(path.state - plan.patterns[:4], axis=1) > 0).all()


def test_what_the_map_moves_is_told_in_float32(memory):
    state = memory.state_
    plan, part = state.plan(state.settings), state.linear_part
    x = np.vstack([plan.patterns[:3], around(plan.patterns, 1.0)])
    x *= plan.norm / np.linalg.norm(x, axis=1, keepdims=True)
    moved = np.linalg.norm(np.asarray(plan.own(x)) - x, axis=1)
    found, there = whole_moves(plan.votes, part.softened, x)
    np.testing.assert_allclose(found, moved, atol=2e-4 * plan.norm)
    assert np.flatnonzero(there).tolist() == [0, 1, 2]


def test_beside_a_twin_or_where_steps_lead_away_no_state_is_put_at_a_row():
    rows = np.eye(3, 5, dtype=np.float32)
    rows[1] = rows[0] + 0.05 * np.eye(5)[3]
    rows[1] /= np.linalg.norm(rows[1])
    table = np.linspace(-1, 1, 1025, dtype=np.float32) ** 9
    zero, one = np.zeros((5, 5), np.float32), np.asarray(1, np.float32)

    def step(votes):
        return DriftFreeVotes(rows, np.float32(votes), table, zero, np.zeros(5, np.float32), one)

    x = np.stack([rows[0] + 0.3 * (rows[1] - rows[0]), rows[2] + 0.05 * rows[0]])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    once = DRIFT_FREE._replace(steps=1)
    assert settle(step(rows), x, once).row.tolist() == [-1, 2]
    away = rows.copy()
    away[2] = rows[2] + 0.5 * rows[0]  # a step leads past the state
    assert settle(step(away), x, once).row.tolist() == [-1, -1]
    assert settle(step(rows), x[1:] + 0.2 * rows[0], once).row.tolist() == [-1]  # too far yet


def test_rows_that_float32_does_not_tell_are_told():
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(5, 30)), 6, axis=0) + 1e-5 * rng.normal(size=(30, 30))
    rows *= 7 / np.linalg.norm(rows, axis=1, keepdims=True)
    rough = np.asarray(rows / 7, np.float32)
    assert nearest_exactly(rows, rows, rough).tolist() == list(range(30))
    points = rows + 1e-6 * rng.normal(size=rows.shape)
    assert nearest_exactly(points, rows, rough).tolist() == nearest(points, rows).tolist()
    assert ((points @ rough.astype(float).T).argmax(axis=1) != nearest(points, rows)).any()


def test_the_largest_similarities_are_those_of_a_whole_sort():
    for n in (13, 31, 1000, 1024, 2005):
        values = RNG.normal(size=(7, n)).astype(np.float32)
        found = np.sort(shortlist._largest(values, 12), axis=1)
        np.testing.assert_array_equal(found, np.sort(np.argsort(-values, axis=1)[:, :12], axis=1))


def test_similarities_of_a_shortlist_are_what_their_formulas_say():
    rows, mean = RNG.normal(size=(50, 9)), np.full(9, 0.2)
    frame = shortlist.RowFrame(rows, mean)
    spread = rows - mean
    values, basis = np.linalg.eigh(spread.T @ spread / 50)
    metric = Metric(basis[:, 3:], np.sqrt(0.1 / (values + 0.1))[3:], values[3:], floor=0.1)
    points = frame.points
    images = SmallImages(points)
    of_images = ImageGradients(images), SlowParts(points, images)
    found = shortlist.Shortlist(
        frame, metric, LocalContrast(points), Neighbourhoods(points), *of_images
    )
    x = RNG.normal(size=(4, 9))
    points = metric.apply(spread)
    own = metric.apply(x) @ points.T / np.linalg.norm(points, axis=1)
    own /= np.linalg.norm(metric.apply(x), axis=1, keepdims=True)
    kept = metric.apply(x) / np.linalg.norm(metric.apply(x), axis=1, keepdims=True)
    np.testing.assert_allclose(found._own(kept), own, atol=1e-5)
    seen = frame.compared(x + mean)
    near = np.maximum(0, 1 - np.abs(seen.x[:, None] - frame.points) / 0.5).sum(axis=2)
    grids = len(found._cells._where) / 9  # of each coordinate: every one is off by a cell at most
    np.testing.assert_allclose(found._cells.together(seen.x) / grids, near, atol=9 / grids)
    close = spread / np.linalg.norm(spread, axis=1, keepdims=True)
    np.testing.assert_array_equal(found.most_alike(seen), (x @ close.T).argmax(axis=1))


def test_the_rows_near_a_cue_say_where_it_lies_as_all_do(monkeypatch):
    rows = RNG.normal(size=(400, 60)).astype(np.float32)
    cues = np.vstack([(rows[:3] + rows[3:6]) / 2, rows[:3] + 0.1 * RNG.normal(size=(3, 60))])
    row = np.tile(np.arange(3), 2)
    whole = nearest_row.position(rows, cues.astype(np.float32), row)
    monkeypatch.setattr(nearest_row, "_ALL", 100)
    some = nearest_row.position(rows, cues.astype(np.float32), row)
    np.testing.assert_allclose(some.second[:3], whole.second[:3], atol=1e-4)
    for name in ("at_row", "lead", "away"):
        np.testing.assert_allclose(getattr(some, name), getattr(whole, name), rtol=1e-3, atol=1e-3)


def test_of_one_or_two_rows_the_nearest_is_found_without_a_word():
    rows = 7 * np.eye(2, 5)
    for some in (rows[:1], rows):
        with np.errstate(all="raise"):
            found = nearest_exactly(some, some, np.asarray(some / 7, np.float32))
        assert found.tolist() == list(range(len(some)))
