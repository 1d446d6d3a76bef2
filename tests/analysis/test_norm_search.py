"""Norm profiles and the best norm: consistent with their parts, and no worse than a grid."""

from functools import partial

import numpy as np
import pytest

from attractory import best_norm as find_best
from attractory import certified_radius, fit_regression, norm_profile, recall_curve, spectral_radius
from attractory.analysis import Noise, RecallRule, relative_radius
from attractory.datasets import bundled_digits, rescale, sphere


def test_profile_is_made_of_its_parts():
    x, noise, fit = sphere(4, 20), Noise(seed=5), partial(fit_regression, activation="erf")
    profile = norm_profile(x, [8.0, 40.0], fit=fit, sizes=[0.3, 2.0], noise=noise, trials=6)
    for k, norm in enumerate(profile.norms):
        patterns = rescale(x, norm, center=False)
        f = fit(patterns)
        np.testing.assert_allclose(profile.spectral_radius[k], spectral_radius(f, patterns))
        rule = RecallRule(max_steps=200)
        curve = recall_curve(f, patterns, [0.3, 2.0], noise=noise, trials=6, rule=rule)
        assert (profile.curves[k].counts == curve.counts).all()
        radius = certified_radius(f, patterns).radius
        np.testing.assert_allclose(profile.certified[k], radius / norm)
    assert profile.recalled.shape == (2, 2)
    assert norm_profile(x, [8.0], sizes=[0.3], trials=2, certify=False).certified is None


def test_relative_radius_of_a_double_well_is_a_quantile():
    """Cues at ±1 with Gaussian noise σ come home with probability Φ(1/σ) if no cue overshoots."""
    from scipy.stats import norm
    from toy_maps import Sigmoid

    radius = relative_radius(Sigmoid(2.0), [[1.0], [-1.0]], success=0.9, trials=4000)
    # The share's standard error at 8,000 cues is 0.0034; bisection ends within 2 %.
    low, high = (1 / norm.ppf(0.9 + e) for e in (0.0134, -0.0134))
    assert low * 0.98 < radius < high
    assert relative_radius(Sigmoid(2.0), [[1.0], [-1.0]], success=0.4, trials=50) == 10.0


@pytest.mark.slow
def test_best_norm_is_close_to_the_best_of_a_grid():
    digits = bundled_digits(8)[0].reshape(8, 28, 28)[:, ::3, ::3].reshape(8, -1)
    digits = digits - digits.mean(axis=0)
    settings = {"trials": 5, "rule": RecallRule(max_steps=80)}
    found = find_best(digits, fit=partial(fit_regression, activation="erf"), fits=9, **settings)
    grid = np.geomspace(*found.settings["norms"], 10)
    radii = []
    for norm in grid:
        x = rescale(digits, norm, center=False)
        radii.append(relative_radius(fit_regression(x, activation="erf"), x, **settings))
    assert found.fits <= 9
    assert found.radius >= 0.9 * max(radii)
    assert not found.at_edge
    x = rescale(digits, found.norm, center=False)
    f = fit_regression(x, activation="erf")
    assert relative_radius(f, x, **settings) == found.radius


def test_equal_best_radii_are_searched_between_worse_ones():
    """With few cues the radius is a step function of the norm, here with one value on a plateau."""
    found = find_best(sphere(3, 20), fit=partial(fit_regression, activation="erf"), trials=4)
    assert (found.radii == found.radius).sum() > 2
    assert (found.fits, found.at_edge) == (10, False)
    low, high = found.tied
    assert low < high
    assert f"tied from {low:.4g} to {high:.4g}" in repr(found)


def test_an_optimum_at_the_edge_is_said():
    found = find_best(sphere(3, 20), norms=[50.0, 200.0], fits=3, trials=4)
    assert found.at_edge
    assert found.norm == pytest.approx(50.0)
    assert "at the edge" in repr(found)
    assert found.tied[0] == pytest.approx(50.0)
    assert not found.at_least


def test_bad_values():
    x = sphere(3, 10)
    for call, words in [
        (lambda: norm_profile(x, [2.0, 1.0]), "norms must be above 0 and in ascending"),
        (lambda: norm_profile(x, [0.0]), "norms must be above 0"),
        (lambda: norm_profile(x, [5.0], trials=0), "trials must be at least 1"),
        (lambda: find_best(x, fits=2), "fits must be at least 3"),
        (lambda: find_best(x, norms=[3.0, 2.0]), "norms must be above 0 and in ascending"),
        (lambda: find_best(x, norms=[1.0, 2.0, 3.0]), "norms must be two numbers"),
        (lambda: find_best(x, success=1.0), "success must lie between 0 and 1"),
        (
            lambda: find_best(
                x, norms=[0.1, 0.2], fits=3, trials=2, rule=RecallRule(tolerance=1e-5)
            ),
            "hold none at which",
        ),
        (lambda: find_best(x, noise=Noise(relative=False)), "noise must be relative"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
