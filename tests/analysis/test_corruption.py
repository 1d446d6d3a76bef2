"""Corruption: sizes and shares as stated, and the same noise however it is asked for."""

import numpy as np
import pytest
from scipy.stats import kstest

from attractory import corrupt
from attractory.analysis import absolute_size

X = np.array([[1.0, 2.0, -3.0, 0.5, 4.0], [0.0, -1.0, 2.0, 7.0, 1.5]])
WIDE = np.random.default_rng(5).normal(size=(2, 1000))


def test_gaussian_is_normal_with_the_stated_deviation():
    """Standardised noise of 40,000 entries against Φ; the seed is fixed, 1e-3 is far below it."""
    noise = (corrupt(WIDE, "gaussian", [0.5, 2.0], trials=20) - WIDE) / np.array([0.5, 2.0])[
        :, None
    ]
    for k in range(2):
        assert kstest(noise[:, k].ravel(), "norm").pvalue > 1e-3
    # Trials and patterns are independent: correlations of 1000 entries stay within 5/√1000.
    correlation = np.corrcoef(noise.reshape(40, -1))
    assert np.abs(correlation - np.eye(40)).max() < 5 / np.sqrt(1000)


def test_sphere_has_the_exact_radius_and_uniform_directions():
    noise = corrupt(X, "sphere", [0.5, 3.0], trials=2000) - X
    np.testing.assert_allclose(
        np.linalg.norm(noise, axis=2), np.tile([0.5, 3.0], (2000, 1)), rtol=1e-12
    )
    unit = noise[:, 0] / 0.5
    # u_i of a uniform direction in d = 5 has mean 0 and covariance I/5; u² is Beta(1/2, 2).
    assert np.abs(unit.mean(axis=0)).max() < 5 / np.sqrt(5 * 2000)
    assert np.abs(unit.T @ unit / 2000 - np.eye(5) / 5).max() < 5 / np.sqrt(5 * 2000)
    assert kstest(unit[:, 2] ** 2, "beta", args=(0.5, 2.0)).pvalue > 1e-3


@pytest.mark.parametrize("size", [0.0, 0.137, 0.5, 1.0])
def test_shares_are_exact_counts(size):
    count = round(size * 1000)
    masked = corrupt(WIDE, "mask", size, trials=4, fill=9.0)
    assert ((masked == 9.0).sum(axis=2) == count).all()
    assert np.isin(masked, [*WIDE.ravel(), 9.0]).all()
    flipped = corrupt(WIDE, "salt_and_pepper", size, trials=4)
    changed = flipped != WIDE
    low, high = WIDE.min(axis=1)[:, None], WIDE.max(axis=1)[:, None]
    assert np.where(changed, (flipped == low) | (flipped == high), True).all()
    # A coordinate that is the extreme already may be set to itself: at most two a pattern.
    assert (np.abs(changed.sum(axis=2) - count) <= 2).all()
    ups = (flipped == high).sum(axis=2)
    assert (np.abs(ups - count / 2) <= 5 * np.sqrt(count / 4) + 1).all()


@pytest.mark.parametrize("kind", ["gaussian", "sphere", "mask", "salt_and_pepper"])
def test_same_noise_in_any_chunk_order_and_size(kind):
    whole = corrupt(WIDE, kind, 0.3, trials=7, seed=3)
    parts = [corrupt(WIDE, kind, 0.3, trials=t, first=f, seed=3) for f, t in [(0, 2), (2, 5)]]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    np.testing.assert_array_equal(whole[:, :1], corrupt(WIDE[:1], kind, 0.3, trials=7, seed=3))
    assert (whole != corrupt(WIDE, kind, 0.3, trials=7, seed=4)).any()
    # Common random numbers: noise grows along one direction, lost coordinates stay lost.
    larger = corrupt(WIDE, kind, 0.6, trials=7, seed=3)
    if kind in ("gaussian", "sphere"):
        np.testing.assert_allclose(larger - WIDE, 2 * (whole - WIDE), atol=1e-12)
    else:
        lost = whole != WIDE
        np.testing.assert_array_equal(larger[lost], whole[lost])
    # One size a cue gives what each size gives alone.
    mixed = corrupt(WIDE, kind, np.where(np.eye(7, 2), 0.6, 0.3), trials=7, seed=3)
    np.testing.assert_array_equal(mixed, np.where(np.eye(7, 2)[..., None], larger, whole))


def test_relative_sizes():
    norms = np.linalg.norm(X, axis=1)
    np.testing.assert_allclose(absolute_size(X, "sphere", [0.5, 2.0]), [0.5 * norms, 2 * norms])
    np.testing.assert_allclose(absolute_size(X, "gaussian", 3.0), 3 * norms / np.sqrt(5))
    np.testing.assert_array_equal(absolute_size(X, "mask", [0.2, 1.0]), [[0.2, 0.2], [1.0, 1.0]])
    # The noise's mean square is (relative · norm)²; its relative spread is √(2/d) a draw.
    noise = corrupt(WIDE, "gaussian", absolute_size(WIDE, "gaussian", 0.7), trials=50) - WIDE
    ratio = (noise**2).sum(axis=2).mean(axis=0) / (0.7**2 * (WIDE**2).sum(axis=1))
    assert np.abs(ratio - 1).max() < 5 * np.sqrt(2 / 1000 / 50)


def test_bad_values():
    for call, words in [
        (lambda: corrupt(X, "mask", 1.5), "size of 'mask' must be from 0 to 1, got 1.5"),
        (lambda: corrupt(X, "gaussian", -1.0), "size of 'gaussian' must be at least 0, got -1"),
        (lambda: corrupt(X, "gaussian", np.nan), "size of 'gaussian' must be finite"),
        (lambda: corrupt(X, "gaussian", np.ones(3)), "must be one number or fit shape"),
        (lambda: corrupt(X, "sphere", 1.0, trials=0), "trials must be at least 1"),
        (lambda: corrupt(X, "sphere", 1.0, seed=-1), "seed must be at least 0"),
        (lambda: corrupt(np.full((1, 2), np.inf), "sphere", 1.0), "patterns must be finite"),
        (lambda: corrupt(X[0], "sphere", 1.0), "patterns must have shape"),
        (lambda: absolute_size(X, "salt_and_pepper", 2.0), "relative must be from 0 to 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
