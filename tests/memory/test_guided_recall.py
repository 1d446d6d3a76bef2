"""Stages of recall on maps whose answers are known, and what a memory makes of damaged cues."""

import numpy as np
import pytest

from attractory import AttractorMemory, load_memory, save_memory
from attractory.analysis import RecallStatus
from attractory.datasets import bundled_digits
from attractory.io.tensor_file import read_file, write_file
from attractory.memory.sphere import nearest
from attractory.memory.stages import Stage, _fitting, run_stage


def affine(matrix, shift):
    return lambda x: x @ matrix.T + shift


def test_a_hold_ends_where_algebra_says():
    """x = Ax + b + q(u − Au − b) has one solution; momentum does not move it."""
    rng = np.random.default_rng(0)
    matrix, shift = rng.normal(size=(4, 4)) / 5, rng.normal(size=4)
    cue = rng.normal(size=(3, 4))
    for momentum in (0.0, 0.6):
        held = Stage(0.3, 0.3, 400, momentum, 1e-14)
        state, *_ = run_stage(affine(matrix, shift), cue, cue, held)
        lost = cue - affine(matrix, shift)(cue)
        exact = np.linalg.solve(np.eye(4) - matrix, (shift + 0.3 * lost).T).T
        np.testing.assert_allclose(state, exact, rtol=1e-10)


def test_momentum_is_quicker_where_the_map_is_slow_and_dropped_where_it_diverges():
    cue = np.ones((2, 3))
    plain, fast = (Stage(0.0, 0.0, 2000, mu, 1e-8) for mu in (0.0, 0.8))
    slow = affine(0.98 * np.eye(3), np.full(3, 0.1))  # at rest at 5
    a, used_plain, _ = run_stage(slow, cue, cue, plain)
    b, used_fast, _ = run_stage(slow, cue, cue, fast)
    np.testing.assert_allclose(a, 5.0, rtol=1e-5)
    np.testing.assert_allclose(b, 5.0, rtol=1e-5)
    assert (used_fast < used_plain / 3).all()
    # Eigenvalue −0.9: iteration converges, with momentum 0.8 it grows by 1.98 a step.
    swing = affine(-0.9 * np.eye(3), np.full(3, 0.5))
    c, *_ = run_stage(swing, cue, cue, fast)
    np.testing.assert_allclose(c, 0.5 / 1.9, rtol=1e-5)


def test_near_rest_momentum_is_fitted_to_the_map():
    """Along one eigenvalue ρ errors fall fastest at μ = (1 − √(1 − ρ))/(1 + √(1 − ρ))."""
    for rho in (0.5, 0.9, 0.98):
        root = np.sqrt(1 - rho)
        best = (1 - root) / (1 + root)
        for start in (0.05, best, 0.99):
            z = np.roots([1, -rho * (1 + start), rho * start])
            rate = np.abs(z).max(keepdims=True)
            fitted = _fitting(rate, np.array([start]), 0.99)
            np.testing.assert_allclose(fitted, best, rtol=1e-6)
        # The steps of 0.99 would fall by √(0.99 ρ) each: in many times more of them.
        cue = np.full((2, 1), 5.01)
        f = affine(rho * np.eye(1), np.full(1, 5 * (1 - rho)))
        state, used, momentum = run_stage(f, cue, cue, Stage(0.0, 0.0, 5000, 0.99, 1e-12))
        np.testing.assert_allclose(state, 5.0, rtol=1e-9)
        assert (used < np.log(1e-10) / np.log(rho * 0.99) * 2).all()
        assert (momentum < 0.99).all()


def test_stages_stop_early_and_within_their_steps():
    cue = np.ones((40, 3))
    _, used, _ = run_stage(
        affine(0.5 * np.eye(3), np.full(3, 0.5)), cue, cue, Stage(0.1, 0.01, 90, 0.8, 1e-3)
    )
    assert used.max() < 20  # at rest from the first step: the hold is let go at once
    _, used, _ = run_stage(affine(np.eye(3), np.ones(3)), cue, cue, Stage(0.0, 0.0, 13, 0.0, 1e-9))
    assert (used == 13).all()


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
        assert result.path_norms.tolist() == [memory.norm_] * 3
        assert ((result.path[-1] == np.arange(60)) >= right).all()


def test_the_way_changes_nothing_at_the_rows_themselves(digits, memory):
    result = memory.recall(digits)
    assert result.pattern.tolist() == list(range(60))
    assert (result.status == RecallStatus.CONVERGED).all()
    np.testing.assert_allclose(result.state, digits, atol=1e-6)
    assert result.steps.max() <= 3


def test_a_map_that_recall_passes_is_as_exact_as_the_own(digits):
    """It is solved without a look at its misses."""
    memory = AttractorMemory(activation="erf", search=False, schedule=[30.0]).fit(digits)
    (stage, norm), *_ = memory._stages
    assert memory.recall(digits).path_norms.tolist() == [30.0, memory.norm_]
    points = memory.points_ * (norm / memory.norm_)
    np.testing.assert_allclose(stage.map()(points), points, atol=1e-11 * norm)


def test_files_with_a_map_to_pass_recall_by_it(digits, tmp_path):
    """Before recall took the drift out, "auto" stored a second map of a lower norm."""
    given = AttractorMemory(activation="erf", search=False, schedule=[30.0]).fit(digits[:9])
    save_memory(given, tmp_path / "given")
    header, arrays = read_file(tmp_path / "given")
    header["parameters"]["schedule"] = "auto"
    write_file(tmp_path / "former", header, arrays)
    former = load_memory(tmp_path / "former")
    cues = digits[:9] * (np.arange(784) > 250)
    ours, theirs = given.recall(cues), former.recall(cues)
    assert theirs.path_norms.tolist() == [30.0, given.norm_]
    np.testing.assert_allclose(ours.state, theirs.state, atol=1e-9)


def test_files_keep_the_metric_and_the_way(digits, memory, tmp_path):
    save_memory(memory, tmp_path / "m")
    loaded = load_memory(tmp_path / "m")
    cues = np.clip(digits[:9] + 0.3, 0, 1) * (np.arange(784) > 250)
    ours, theirs = memory.recall(cues), loaded.recall(cues)
    np.testing.assert_array_equal(ours.pattern, theirs.pattern)
    np.testing.assert_allclose(ours.state, theirs.state, atol=1e-9)
    np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-9)
    assert loaded.schedule_ == memory.schedule_
    loaded.partial_fit(digits[:3] * 0.5 + digits[3:6] * 0.5)
    assert len(loaded) == 63
    loaded.forget([0])
    assert loaded.predict(digits[1:4]).tolist() == [0, 1, 2]


def test_a_file_of_the_first_kind_loads_without_a_metric(digits, tmp_path):
    plain = AttractorMemory(activation="erf", metric=None, bias=0.0, schedule=None).fit(digits[:9])
    save_memory(plain, tmp_path / "new")
    header, arrays = read_file(tmp_path / "new")
    for later in ("recall", "bias", "schedule", "first", "residual"):
        del header[later]
    for later in ("metric", "bias", "schedule", "hold", "momentum"):
        del header["parameters"][later]
    write_file(tmp_path / "old", header, arrays)
    old = load_memory(tmp_path / "old")
    assert (old.metric, old.bias, old.schedule) == (None, 0.0, None)
    probes = plain.points_ + 1.0
    np.testing.assert_allclose(old.map_(probes), plain.map_(probes), atol=1e-12)
    assert old.residual_ == pytest.approx(plain.residual_, abs=1e-12)


def test_a_file_whose_map_does_something_else_is_refused(digits, tmp_path):
    save_memory(AttractorMemory(activation="erf").fit(digits[:9]), tmp_path / "m")
    header, arrays = read_file(tmp_path / "m")
    arrays["coefficients"] = arrays["coefficients"] * 1.01
    write_file(tmp_path / "bad", header, arrays)
    with pytest.raises(ValueError, match="its map does not do what the file says"):
        load_memory(tmp_path / "bad")
