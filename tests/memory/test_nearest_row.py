"""When what is between a cue and its nearest row is, or may be, white noise."""

import numpy as np

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory.nearest_row import nearest_row


def test_white_noise_is_told_from_other_damage():
    rows, rng = bundled_digits(30)[0], np.random.default_rng(0)
    row, white, *_ = nearest_row(rows, rows + 0.3 * rng.normal(size=rows.shape))
    assert row.tolist() == list(range(30))
    assert white.mean() > 0.9
    half = np.where(np.arange(784) < 392, rows, 0.0)
    speckled = np.where(rng.random(rows.shape) < 0.2, rng.integers(0, 2, rows.shape), rows)
    drift = rows + 0.05 * np.cumsum(rng.normal(size=rows.shape), axis=1)
    for cues in (rows, half, speckled, rows + 0.3, 1.5 * rows, drift):
        assert not nearest_row(rows, cues).white.any()


def test_of_fewer_numbers_noise_is_likely_in_as_many_cues_as_two_standard_errors_say():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 100))
    found = nearest_row(rows, rows + 0.5 * rng.normal(size=rows.shape))
    # Four signs, each within two standard errors with probability 0.954.
    assert not found.white.any()
    assert abs(found.perhaps.mean() - 0.954**4) < 0.06
    for cues in (1.5 * rows, rows + 0.5, np.where(np.arange(100) < 50, 0.0, rows)):
        assert nearest_row(rows, cues).perhaps.mean() < 0.02
    assert not nearest_row(rows[:, :40], rows[:, :40] + 0.1).perhaps.any()


def test_what_no_model_explains_is_of_its_nearest_row_if_it_may_be_noise():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, 20)) @ rng.normal(size=(20, 64)) + rng.normal(size=(500, 64))
    sizes = np.linalg.norm(rows - rows.mean(axis=0), axis=1, keepdims=True)
    cues = rows + 2 * sizes * rng.normal(size=rows.shape) / 8
    memory = AttractorMemory(activation="erf", metric=None).fit(rows)
    found, home = memory.recall(cues[:150]), np.arange(500)
    nearest = ((rows**2).sum(axis=1) - 2 * cues @ rows.T).argmin(axis=1)
    right = (nearest == home)[:150].mean()
    # For noise the nearest row is the likeliest, so that no other rule finds more.
    assert (found.pattern == home[:150]).mean() > right - 0.04
    assert found.confidence.mean() < right
