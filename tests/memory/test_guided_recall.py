"""Stages of recall on maps whose answers are known, and what a memory makes of damaged cues."""

import numpy as np
import pytest

from attractory import AttractorMemory, load_memory, save_memory
from attractory.analysis import RecallStatus
from attractory.datasets import bundled_digits
from attractory.io.tensor_file import read_file, write_file
from attractory.memory import momentum_iteration
from attractory.memory.coordinates import nearest
from attractory.memory.guided_recall import HIGH_DEGREE, RecallPath, RecallPlan, follow, parted
from attractory.memory.momentum_iteration import Stage, fitting_momentum, run_stage
from attractory.memory.on_gpu import follow_anywhere


def affine(matrix, shift):
    return lambda x: x @ matrix.T + shift


def test_momentum_is_quicker_where_the_map_is_slow_and_dropped_where_it_diverges():
    cue = np.ones((2, 3))
    plain, fast = (Stage(2000, mu, 1e-8) for mu in (0.0, 0.8))
    slow = affine(0.98 * np.eye(3), np.full(3, 0.1))  # at rest at 5
    a, used_plain, _ = run_stage(slow, cue, plain)
    b, used_fast, _ = run_stage(slow, cue, fast)
    np.testing.assert_allclose(a, 5.0, rtol=1e-5)
    np.testing.assert_allclose(b, 5.0, rtol=1e-5)
    assert (used_fast < used_plain / 3).all()
    # Eigenvalue −0.9: iteration converges, with momentum 0.8 it grows by 1.98 a step.
    swing = affine(-0.9 * np.eye(3), np.full(3, 0.5))
    c, *_ = run_stage(swing, cue, fast)
    np.testing.assert_allclose(c, 0.5 / 1.9, rtol=1e-5)


def test_near_rest_momentum_is_fitted_to_the_map():
    """Along one eigenvalue ρ errors fall fastest at μ = (1 − √(1 − ρ))/(1 + √(1 − ρ))."""
    for rho in (0.5, 0.9, 0.98):
        root = np.sqrt(1 - rho)
        best = (1 - root) / (1 + root)
        for start in (0.05, best, 0.99):
            z = np.roots([1, -rho * (1 + start), rho * start])
            rate = np.abs(z).max(keepdims=True)
            fitted = fitting_momentum(rate, np.array([start]), 0.99)
            np.testing.assert_allclose(fitted, best, rtol=1e-6)
        # The steps of 0.99 would fall by √(0.99 ρ) each: in many times more of them.
        cue = np.full((2, 1), 5.01)
        f = affine(rho * np.eye(1), np.full(1, 5 * (1 - rho)))
        state, used, momentum = run_stage(f, cue, Stage(5000, 0.99, 1e-12))
        np.testing.assert_allclose(state, 5.0, rtol=1e-9)
        assert (used < np.log(1e-10) / np.log(rho * 0.99) * 2).all()
        assert (momentum < 0.99).all()


def test_stages_stop_early_and_within_their_steps():
    cue = np.ones((40, 3))
    at_rest = affine(0.5 * np.eye(3), np.full(3, 0.5))
    _, used, _ = run_stage(at_rest, cue, Stage(90, 0.8, 1e-3))
    assert used.max() == 1
    _, used, _ = run_stage(affine(np.eye(3), np.ones(3)), cue, Stage(13, 0.0, 1e-9))
    assert (used == 13).all()


def test_states_at_rest_between_patterns_go_on_to_the_one_they_are_most_like():
    patterns = 3.0 * np.eye(4, 6)
    between = np.array([[0.8, 0.75, 0, 0, 0, 0], [-0.9, 0, 0, 0.1, 0, 0.3], [0, 1, 0, 0, 0, 0]])
    state = 3.0 * between / np.linalg.norm(between, axis=1, keepdims=True)
    plan = RecallPlan(lambda x: x, patterns, 3.0, True, None, 10, 1e-7)
    at_rest = np.full(3, int(RecallStatus.CONVERGED))
    path = RecallPath(state, np.ones(3, int), np.zeros(3), at_rest, nearest(state, patterns)[None])
    found = parted(plan, path)
    unit = np.array(
        [[1, 0.75**256 / 0.8**256, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    )  # of the first vote
    assert (nearest(found.state, patterns) == [0, 3, 1]).all()
    assert (np.linalg.norm(found.state[:2] / 3 - unit, axis=1) < 0.02).all()
    np.testing.assert_array_equal(found.state[2], state[2])  # it is there already
    assert found.steps.tolist() == [6, 6, 1]  # four votes, and one step that finds it at rest
    moving = path._replace(status=np.full(3, int(RecallStatus.DIVERGED)))
    np.testing.assert_array_equal(parted(plan, moving).state, state)


@pytest.fixture(scope="module")
def digits():
    return bundled_digits(60)[0]


@pytest.fixture(scope="module")
def memory(digits):
    return AttractorMemory(activation="erf").fit(digits)


def test_a_damaged_cue_does_no_worse_than_its_nearest_row(digits, memory):
    """The aim of the whole recall: half an image missing, and noise as large as the image."""
    apart = digits - digits.mean(axis=0)
    size = np.linalg.norm(apart, axis=1, keepdims=True)
    noise = np.random.default_rng(0).normal(size=digits.shape) / 28
    for cues in (np.where(np.arange(784) < 392, digits, 0.0), digits + size * noise):
        result = memory.recall(cues)
        right = result.pattern == np.arange(60)
        looked_up = nearest(cues - digits.mean(axis=0), apart / size) == np.arange(60)
        assert right.mean() >= looked_up.mean()
        np.testing.assert_allclose(result.state[right], digits[right], atol=1e-3)
        assert np.quantile(result.steps, 0.95) <= 200
        assert result.path.shape == (4, 60)
        assert ((result.path[-1] == np.arange(60)) >= right).all()


def test_few_states_go_in_numpy_where_they_go_compiled(digits, memory, monkeypatch):
    state = memory.state_
    f, part = state.store.inner.calls(), state.linear_part
    noise = np.random.default_rng(0).normal(size=(9, f.dim))
    x = state.store.inner.x[:9]
    x = x + 0.8 * memory.norm_ * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    steps = [
        (f, float, Stage(60, 0.8, 1e-9), 1e-7), (part.drift_free_step(f, float), float,
        Stage(13, 0.0, 1e-9), 1e-9), (part.high_degree_step, np.float32, Stage(8, 0.0, 1e-3), 1e-4),
    ]  # fmt: skip
    for step, kind, stage, far in steps:
        given = np.asarray(x, kind)
        quick = run_stage(step, given, stage)
        with monkeypatch.context() as patch:
            patch.setattr(momentum_iteration, "in_numpy", lambda *_: None)
            slow = run_stage(step, given, stage)
        assert quick[0].dtype == kind
        np.testing.assert_allclose(quick[0], slow[0], atol=far * memory.norm_)
        assert (np.abs(quick[1] - slow[1]) <= 1).all()


def test_a_cue_with_a_row_is_put_there_and_one_that_no_steps_bring_to_a_row_costs_few(
    digits, memory
):
    """Noise is brought to a place of rest by tens of steps, where each has a row by few."""
    state = memory.state_
    plan = state.plan(state.settings)
    assert plan.rows_rest
    noise = np.random.default_rng(0).normal(size=(60, plan.patterns.shape[1]))
    noise *= plan.norm / np.linalg.norm(noise, axis=1, keepdims=True)
    start, row = np.concatenate([noise, plan.patterns[5:7]]), np.append(np.arange(60), [5, 8])
    found = follow_anywhere(None, plan, start, start, np.zeros(62, bool), row)
    assert found.path[-1].tolist() == row.tolist()
    np.testing.assert_allclose(found.state, plan.patterns[row], atol=1e-4 * plan.norm)
    assert (found.status == RecallStatus.CONVERGED).all()
    few = 2 + HIGH_DEGREE.steps + 8
    assert found.steps.max() <= few < np.median(follow(plan, noise, noise).steps)


def test_rows_themselves_stay(digits, memory):
    result = memory.recall(digits)
    assert result.pattern.tolist() == list(range(60))
    assert (result.status == RecallStatus.CONVERGED).all()
    np.testing.assert_allclose(result.state, digits, atol=1e-6)
    assert result.steps.max() <= 3


def test_files_keep_the_metric_and_recall_alike(digits, memory, tmp_path):
    save_memory(memory, tmp_path / "m")
    loaded = load_memory(tmp_path / "m")
    cues = np.clip(digits[:9] + 0.3, 0, 1) * (np.arange(784) > 250)
    ours, theirs = memory.recall(cues), loaded.recall(cues)
    np.testing.assert_array_equal(ours.pattern, theirs.pattern)
    np.testing.assert_allclose(ours.state, theirs.state, atol=1e-9)
    np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-9)
    assert loaded.iteration == memory.iteration
    loaded.partial_fit(digits[:3] * 0.5 + digits[3:6] * 0.5)
    assert len(loaded) == 63
    loaded.forget([0])
    assert loaded.predict(digits[1:4]).tolist() == [0, 1, 2]


def test_a_file_whose_map_does_something_else_is_refused(digits, tmp_path):
    save_memory(AttractorMemory(activation="erf").fit(digits[:9]), tmp_path / "m")
    header, arrays = read_file(tmp_path / "m")
    arrays["coefficients"] = arrays["coefficients"] * 1.01
    write_file(tmp_path / "bad", header, arrays)
    with pytest.raises(ValueError, match="its map does not do what the file says"):
        load_memory(tmp_path / "bad")


def test_a_network_is_guided_by_its_infinite_width_limit(digits):
    """Half images end at their rows, at rest on the network's own map."""
    memory = AttractorMemory(1000, activation="erf", metric="rule").fit(digits[:30])
    result = memory.recall(np.where(np.arange(784) < 392, digits[:30], 0.0))
    assert (result.pattern == np.arange(30)).mean() >= 0.95
    assert result.path.shape == (4, 30)
    own = memory.points_[:1]
    np.testing.assert_allclose(memory.map_(own), own, atol=1e-3 * memory.norm_)


def test_rows_in_clusters_are_recalled_as_the_row_that_explains_the_cue_best():
    """From between rows of a cluster the map goes to a middle one; no answer hangs on that."""
    rng = np.random.default_rng(1)
    middles = 2 * rng.normal(size=(5, 32))[rng.integers(5, size=80)]
    rows = (middles + 0.3 * rng.normal(size=(80, 32))) * np.geomspace(0.3, 3, 32)
    memory = AttractorMemory(metric="rule").fit(rows)
    cues = rows + 0.4 * rng.laplace(size=rows.shape) * rows.std(axis=0)
    begun, result = memory.state_.beginnings(cues), memory.recall(cues)
    assert (result.pattern == begun.row).all()
    assert (result.path[-1] == begun.row).all()
    state = memory.state_
    plan = state.plan(state.settings)
    cue, start, _ = state.span.inward(begun.plain, begun.start)
    assert (plan.nearest(follow(plan, cue, start).state) != begun.row).any()
