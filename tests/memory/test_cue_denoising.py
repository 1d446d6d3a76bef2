"""Where recall starts: noise by a cue's own account, white or of a few coordinates."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erfc

from attractory.memory.cue_denoising import _filled, denoised
from attractory.memory.metric import Metric, fit_metric

DIM, RANK = 60, 5


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, RANK)) @ rng.normal(size=(RANK, DIM))


def test_a_cue_without_noise_starts_where_it_is(rows):
    metric = fit_metric(rows, 1e-6)
    start, there = denoised(rows, metric, False), metric.apply(rows)
    cosine = (there * start).sum(axis=1)
    cosine /= np.linalg.norm(there, axis=1) * np.linalg.norm(start, axis=1)
    assert cosine.min() > 0.999


def test_cauchys_scale_of_normal_noise_is_the_known_one():
    """Its likelihood is greatest where E[1/(1 + z²/c²)] = ½: √(π/2) c exp(c²/2) erfc(c/√2) = ½."""
    known = brentq(
        lambda c: np.sqrt(np.pi / 2) * c * np.exp(c * c / 2) * erfc(c / np.sqrt(2)) - 0.5, 0.1, 2.0
    )
    noise = 3.0 * np.random.default_rng(0).normal(size=(4, 20_000))
    basis = np.eye(20_000, 1)
    metric = Metric(basis, np.ones(1), np.full(1, 1e-9), floor=1e-9)  # patterns next to none
    filled, scale = _filled(noise, metric, np.full(4, 9.0))
    np.testing.assert_allclose(np.sqrt(scale) / 3, known, rtol=0.03)
    assert np.abs(filled).max() < np.abs(noise).max()


def test_a_few_coordinates_far_off_are_filled_in_from_the_others(rows):
    metric = fit_metric(rows, 1e-6)
    rng = np.random.default_rng(1)
    wanted = rows[:50]
    hit = rng.random(wanted.shape) < 0.2
    cues = np.where(hit, wanted + rng.choice([-30.0, 30.0], wanted.shape), wanted)
    filled, scale = _filled(cues, metric, np.full(50, 200.0))
    size = np.linalg.norm(wanted, axis=1)
    assert (np.linalg.norm(filled - wanted, axis=1) < 0.02 * size).mean() > 0.9
    assert np.median(scale) < 0.1
    # The whole start is then nearly that of the pattern; by the normal law it would not be.
    there, start = metric.apply(wanted), denoised(cues, metric, False)
    cosine = (there * start).sum(axis=1)
    cosine /= np.linalg.norm(there, axis=1) * np.linalg.norm(start, axis=1)
    assert np.median(cosine) > 0.99


def test_normal_noise_is_left_to_the_normal_law(monkeypatch):
    """Few cues of it are filled in; of the others the start is that of a rule without Cauchy's."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(1000, 300)) * np.geomspace(10, 0.1, 300)
    metric = fit_metric(rows, 1e-3)
    cues = rows[:100] + 2.0 * rng.normal(size=(100, 300))
    start = denoised(cues, metric, False)
    monkeypatch.setattr("attractory.memory.cue_denoising._HEAVY", np.inf)
    same = np.isclose(start, denoised(cues, metric, False)).all(axis=1)
    assert same.mean() > 0.9
