"""How sure it is which frame a cue is: by dense normal laws, and strangers that must not pass."""

import numpy as np
import pytest
from scipy.linalg import circulant
from scipy.ndimage import uniform_filter1d
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from attractory import SequenceMemory

LEVELS, LOUDNESS = np.geomspace(1e-6, 10, 60), np.geomspace(1, 1e-3, 7)


def chirps(count, rng, dim=96, frames=6):
    """Return sequences of frames of tones that rise, each with its own pitch and pace."""
    time = np.arange(dim * frames)
    start, pace = rng.uniform(0.02, 0.2, (count, 1)), rng.uniform(0, 2e-4, (count, 1))
    found = np.sin(start * time + pace * time**2 + rng.uniform(0, 6, (count, 1)))
    return found.reshape(count * frames, dim)


@pytest.mark.parametrize("dim", [6, 7])
def test_the_likelihoods_are_those_of_dense_normal_laws(dim):
    rng = np.random.default_rng(dim)
    frames = rng.normal(size=(4, dim))
    state = SequenceMemory(activation="erf", metric=None, norm=20.0).fit(frames).state_
    points = state.mending.frame.points.astype(float)
    middle = points.mean(axis=0)
    apart = points - middle
    power = (apart**2).mean()
    spectrum = (np.abs(np.fft.rfft(apart, axis=1)) ** 2).mean(axis=0) / dim
    spectrum = uniform_filter1d(spectrum, 1, mode="nearest")
    kinds = apart.T @ apart / 4, circulant(np.fft.irfft(spectrum, dim))
    cues, row = points[[1, 2]] + 0.3 * rng.normal(size=(2, dim)), np.array([1, 2])

    def law(cue, mean, covariance):
        return [
            multivariate_normal.logpdf(cue, mean, covariance + power * level * np.eye(dim))
            for level in LEVELS
        ]

    for k, found in enumerate(state.frame_confidence.of_noise(cues, row)):
        own = [logsumexp(law(cues[k], p, np.zeros((dim, dim)))) for p in points]
        other = [law(cues[k], middle, loud * kind) for loud in LOUDNESS for kind in kinds]
        other = logsumexp(other) - np.log(len(other)) + np.log(4)
        assert found == pytest.approx(np.exp(own[row[k]] - logsumexp([*own, other])), rel=1e-4)


def test_strangers_of_the_same_kind_are_not_known_and_noisy_frames_are():
    rng = np.random.default_rng(1)
    stored, strangers = chirps(8, rng), chirps(100, rng)[::3]
    # One that is as good as a stored frame is no stranger.
    alike = np.corrcoef(strangers, stored)[: len(strangers), len(strangers) :].max(axis=1)
    strangers = strangers[alike < 0.85]
    assert len(strangers) > 30
    memory = SequenceMemory(activation="erf").fit(stored, lengths=[6] * 8)
    noise = 0.2 * stored.std() * rng.normal(size=stored.shape)
    assert (memory.predict(stored + noise) == np.arange(48)).mean() > 0.9
    assert (memory.predict(strangers) >= 0).mean() <= 0.1
    assert (memory.predict(strangers + 0.2 * rng.normal(size=strangers.shape)) >= 0).mean() <= 0.1


def test_a_frame_of_few_numbers_is_known_only_by_its_likelihood():
    rng = np.random.default_rng(2)
    frames = rng.normal(size=(6, 5))
    memory = SequenceMemory(activation="erf", metric=None).fit(frames)
    assert memory.predict(frames).tolist() == list(range(6))
    assert (memory.predict(rng.normal(size=(60, 5))) >= 0).mean() <= 0.1
