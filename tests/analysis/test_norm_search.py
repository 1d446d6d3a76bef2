"""Norm profiles and the best norm: consistent with their parts, and no worse than a grid."""

from functools import partial

import equinox as eqx
import numpy as np
import pytest

from attractory import best_norm as find_best
from attractory import certified_radius, fit_regression, norm_profile, recall_curve, spectral_radius
from attractory.analysis import Noise, RecallRule, norm_search, relative_radius
from attractory.datasets import bundled_digits, rescale, sphere


def test_profile_is_made_of_its_parts():
    x, noise, fit = sphere(3, 20), Noise(seed=5), partial(fit_regression, activation="erf")
    profile = norm_profile(x, [8.0, 40.0], fit=fit, sizes=[0.3, 2.0], noise=noise, trials=4)
    for k, norm in enumerate(profile.norms):
        patterns = rescale(x, norm, center=False)
        f = fit(patterns)
        np.testing.assert_allclose(profile.spectral_radius[k], spectral_radius(f, patterns))
        rule = RecallRule(max_steps=200)
        curve = recall_curve(f, patterns, [0.3, 2.0], noise=noise, trials=4, rule=rule)
        assert (profile.curves[k].counts == curve.counts).all()
        radius = certified_radius(f, patterns).radius
        np.testing.assert_allclose(profile.certified[k], radius / norm)
        assert profile.residual[k] == f.residual > 0
    assert repr(profile) == "NormProfile(2 norms 8 … 40, erf, depth 2)"
    assert profile.recalled.shape == (2, 2)
    assert norm_profile(x, [8.0], fit=fit, sizes=[0.3], trials=4, certify=False).certified is None


def test_relative_radius_of_a_double_well_is_a_quantile():
    """Cues at ±1 with Gaussian noise σ come home with probability Φ(1/σ) if no cue overshoots."""
    from scipy.stats import norm
    from toy_maps import Sigmoid

    radius = relative_radius(Sigmoid(2.0), [[1.0], [-1.0]], success=0.9, trials=4000)
    # The share's standard error at 8,000 cues is 0.0034; bisection ends within 2 %.
    low, high = (1 / norm.ppf(0.9 + e) for e in (0.0134, -0.0134))
    assert low * 0.98 < radius < high
    assert relative_radius(Sigmoid(2.0), [[1.0], [-1.0]], success=0.4, trials=50) == 10.0
    # The share is met at the size given, and missed 2 % beyond it.
    rule = RecallRule(max_steps=200, extra_steps=0)
    sizes = [radius, 1.0201 * radius]
    curve = recall_curve(Sigmoid(2.0), [[1.0], [-1.0]], sizes, trials=4000, rule=rule)
    assert curve.pooled_fraction[0] >= 0.9 > curve.pooled_fraction[1]


def test_relative_radius_takes_the_rules_steps_and_ends_at_its_limits():
    """At rate 0.9 every cue comes back from 10 norms in 100 steps, and none in 20."""
    slow = lambda x: 1 + 0.9 * (x - 1)  # noqa: E731
    assert relative_radius(slow, [[1.0]], trials=5) == 10.0
    found = relative_radius(slow, [[1.0]], trials=5, success=0.99, rule=RecallRule(max_steps=20))
    assert 0.01 < found < 1.0
    share = relative_radius(slow, [[1.0]], trials=5, noise=Noise(kind="mask"))
    assert share == 1.0
    still = lambda x: 1.0 * x  # noqa: E731
    rule = RecallRule(tolerance=1e-5)
    assert relative_radius(still, [[1.0], [-1.0]], trials=20, success=0.5, rule=rule) == 0.0


@pytest.mark.slow
def test_best_norm_is_close_to_the_best_of_a_grid():
    digits = bundled_digits(8)[0].reshape(8, 28, 28)[:, ::3, ::3].reshape(8, -1)
    digits = digits - digits.mean(axis=0)
    settings = {"trials": 5, "rule": RecallRule(max_steps=80)}
    found = find_best(digits, fit=partial(fit_regression, activation="erf"), fits=9, **settings)
    grid = np.geomspace(*found.settings["norms"], 6)
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


def test_bad_values():
    x = sphere(3, 20)
    for call, words in [
        (lambda: norm_profile(x, [2.0, 1.0]), "norms must be above 0 and in ascending"),
        (lambda: norm_profile(x, [0.0]), "norms must be above 0"),
        (lambda: norm_profile(x, [5.0], trials=0), "trials must be at least 1"),
        (lambda: find_best(x, fits=2), "fits must be at least 3"),
        (lambda: find_best(x, norms=[3.0, 2.0]), "norms must be above 0 and in ascending"),
        (lambda: find_best(x, norms=[1.0, 2.0, 3.0]), "norms must be two numbers"),
        (lambda: find_best(x, success=1.0), "success must lie between 0 and 1"),
        (lambda: find_best(x, noise=Noise(relative=False)), "noise must be relative"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


def closed_form(monkeypatch, radius_at):
    """Let the relative radius be a function of the norm; return what it was asked with."""
    asked = []

    def radius(f, points, **settings):
        asked.append(settings)
        return float(radius_at(np.linalg.norm(points[0])))

    monkeypatch.setattr(norm_search, "_fitted", lambda fit, points, tolerance: tolerance)
    monkeypatch.setattr(norm_search, "relative_radius", radius)
    return asked


def test_a_peak_in_closed_form_is_found(monkeypatch):
    """Against log norm a parabola, the best at 17: six fits over the range, then Brent's."""
    x, rule = sphere(3, 4), RecallRule(max_steps=77)
    asked = closed_form(monkeypatch, lambda r: 1.5 - 0.1 * np.log(r / 17) ** 2)
    told, noise = [], Noise(seed=3)
    found = find_best(
        x, norms=[1.0, 300.0], fits=14, success=0.7, trials=9, rule=rule, noise=noise,
        progress=lambda *s: told.append(s),
    )  # fmt: skip
    assert found.norm == pytest.approx(17, rel=0.01)
    assert found.radius == pytest.approx(1.5, rel=1e-5)
    assert found.radius == found.radii.max()
    assert (np.diff(found.norms) > 0).all()
    np.testing.assert_allclose(found.radii, 1.5 - 0.1 * np.log(found.norms / 17) ** 2)
    for norm in np.geomspace(1, 300, 6):
        assert np.isclose(found.norms, norm).any()
    assert (found.at_edge, found.at_least) == (False, False)
    assert 7 <= found.fits == len(asked) <= 14
    assert told == [(k + 1, 14) for k in range(found.fits)]
    given = {"success": 0.7, "noise": noise, "trials": 9, "rule": rule}
    assert all(settings == given for settings in asked)
    assert found.settings == given | {
        "norms": (1.0, 300.0), "fits": 14, "fit": fit_regression,
    }  # fmt: skip
    low, high = found.tied
    near = found.norms[found.radii >= found.radius / 1.02]
    assert (low, high) == (near[0], near[-1])
    assert find_best(x, fits=6).settings["norms"] == (0.4, 80.0)  # 0.2 and 40 √d


@pytest.mark.parametrize(
    ("radius_at", "norm", "tied", "at_edge"),
    [
        (lambda r: r / 100, 100.0, (100.0, 100.0), True),
        (lambda r: 1 / r, 1.0, (1.0, 1.0), True),
        (lambda r: 1.0 if r > 8 else 0.5, 10.0, (10.0, 100.0), True),
        (lambda r: 1.0 if r < 12 else 0.5, 1.0, (1.0, 10.0), True),
        (lambda r: 1.0 if 5 < r < 50 else 0.99 if r < 5 else 0.5, 10.0, (1.0, 10.0), True),
        (lambda r: 1.0 if 5 < r < 50 else 0.9, 10.0, (10.0, 10.0), False),
        (lambda r: 10.0, 1.0, (1.0, 100.0), True),
        (lambda r: 0.3 if r > 90 else 0.0, 100.0, (100.0, 100.0), True),
    ],
)
def test_edges_and_ties_in_closed_form(monkeypatch, radius_at, norm, tied, at_edge):
    """Three fits, at 1, 10 and 100."""
    closed_form(monkeypatch, radius_at)
    found = find_best(sphere(3, 4), norms=[1.0, 100.0], fits=3)
    assert found.norm == pytest.approx(norm)
    assert found.tied == pytest.approx(tied)
    assert found.at_edge == at_edge
    assert found.at_least == (radius_at(norm) >= 10)
    assert found.fits == 3
    assert ("at least 10" in repr(found)) == found.at_least
    assert ("tied from" in repr(found)) == (tied[0] != tied[1])
    assert ("at the edge" in repr(found)) == at_edge


def test_a_memory_that_misses_its_patterns_is_not_accepted():
    """However well it recalls: its residual is above the rule's tolerance."""
    x = sphere(2, 3, norm=5.0)
    f = fit_regression(x, activation="erf")
    for missed, accepted in ((0.011, False), (0.009, True), (0.5, False)):
        map_ = eqx.tree_at(lambda g: g.residual, f, np.asarray(missed))
        assert (norm_search._fitted(lambda x, m=map_: m, x, 0.01) is map_) == accepted
    with pytest.raises(ValueError, match="hold none at which"):
        find_best(x, norms=[4.0, 6.0], fits=3, trials=2, fit=lambda x: map_)


def test_norms_at_which_patterns_are_missed_have_no_radius():
    """At the rule's tolerance, 1 % of the norm, not at a looser one."""

    def fit(patterns):
        f = fit_regression(patterns, activation="erf")
        missed = 0.05 if np.linalg.norm(patterns[0]) < 25 else 0.0
        return eqx.tree_at(lambda g: g.residual, f, np.asarray(missed))

    found = find_best(sphere(3, 20), norms=[10.0, 60.0], fit=fit, fits=5, trials=2)
    low = found.norms < 25
    assert low.any()
    assert (found.radii[low] == 0).all()
    assert (found.radii[~low] > 0).all()
