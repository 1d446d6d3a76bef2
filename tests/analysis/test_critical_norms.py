"""The critical norm, against bisection on dense Jacobians written out here."""

from types import SimpleNamespace

import equinox as eqx
import jax
import numpy as np
import pytest

from attractory import Autoencoder, critical_norm, ntk
from attractory.analysis import critical_norms
from attractory.analysis.critical_norms import CriticalNormStatus, _crossings, _first_fall
from attractory.datasets import sphere
from attractory.kernels import ntk_gradient

_derivatives = eqx.filter_jit(lambda f, x: jax.vmap(jax.jacfwd(f))(x))


def radius_by_hand(x, start, name, depth):
    """Largest eigenvalue modulus of J₀ + (X̂ − f0(X̂))K⁻¹∂k over the patterns, dense."""
    weights = np.linalg.solve(ntk(x, activation=name, depth=depth), x - np.asarray(start(x), float))
    gradient = ntk_gradient(x, x, activation=name, depth=depth).dense()
    with jax.enable_x64(True):
        first = np.asarray(_derivatives(start, x))
    return max(
        np.abs(np.linalg.eigvals(j + weights.T @ g)).max()
        for j, g in zip(first, gradient, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "depth", "n", "dim"),
    [("erf", 3, 5, 8), ("erf_surrogate", 2, 10, 6)],
)
def test_agrees_with_bisection_on_dense_jacobians(name, depth, n, dim):
    unit = sphere(n, dim, seed=1)
    grid = np.geomspace(1, 60, 7) * np.sqrt(dim) / 3
    result = critical_norm(
        unit, activation=name, depth=depth, width=200, key=3, norms=grid, progress=False
    )
    assert result.status == CriticalNormStatus.FOUND
    start = Autoencoder(dim, width=200, depth=depth, activation=name, key=3, dtype=np.float64)
    low, high = result.crossings[0]
    assert radius_by_hand(low * unit, start, name, depth) > 1
    assert radius_by_hand(high * unit, start, name, depth) < 1
    while high / low > 1 + 1e-7:
        middle = np.sqrt(low * high)
        if radius_by_hand(middle * unit, start, name, depth) > 1:
            low = middle
        else:
            high = middle
    assert result.norm == pytest.approx(low, rel=1e-6)


def test_scale_of_the_patterns_does_not_matter():
    unit = sphere(4, 6, seed=2)
    grid = np.geomspace(1, 50, 6)
    settings = {"activation": "erf", "width": 100, "norms": grid, "progress": False}
    first = critical_norm(unit, **settings)
    second = critical_norm(unit * [[3.0], [0.1], [1.0], [20.0]], **settings)
    assert first.norm == pytest.approx(second.norm, rel=1e-9)
    np.testing.assert_allclose(first.radii, second.radii, rtol=1e-9)


def test_statuses_tell_what_was_seen():
    unit = sphere(5, 8, seed=1)
    settings = {"activation": "erf", "width": 200, "progress": False}
    apart = sphere(5, 16, seed=1)
    centered = critical_norm(apart, f0="zero", norms=[1.0, 10.0, 100.0], **settings)
    assert centered.status == CriticalNormStatus.CENTERED
    assert np.isnan(centered.norm)
    assert (centered.radii < 1).all()
    assert "none with f0 = 0" in repr(centered)
    above = critical_norm(unit, norms=[1.0, 1.5, 2.0], **settings)
    assert above.status == CriticalNormStatus.ABOVE
    below = critical_norm(unit, norms=[100.0, 200.0], **settings)
    assert below.status == CriticalNormStatus.BELOW
    assert len(below.crossings) == 0


def test_correlated_patterns_have_a_critical_norm_even_with_f0_zero():
    """Two patterns at correlation 0.69: the radius is above 1, if barely, and then falls."""
    unit = sphere(5, 8, seed=1)
    result = critical_norm(unit, f0="zero", activation="erf", norms=[0.5, 1.0, 5.0])
    assert result.status == CriticalNormStatus.FOUND
    for norm, above in ((0.99 * result.norm, True), (1.01 * result.norm, False)):
        x = norm * unit
        weights = np.linalg.solve(ntk(x, activation="erf"), x)
        gradient = ntk_gradient(x, x, activation="erf").dense()
        radii = [np.abs(np.linalg.eigvals(weights.T @ g)).max() for g in gradient]
        assert (max(radii) > 1) == above


def test_norms_too_small_to_store_at_are_left_out():
    unit = sphere(6, 8, seed=1)
    result = critical_norm(
        unit, activation="erf_surrogate", width=100, norms=[1e-6, 1.0, 100.0], progress=False
    )
    assert np.isnan(result.radii[0])
    assert np.isfinite(result.radii[1:]).all()
    assert result.status == CriticalNormStatus.FOUND
    with pytest.raises(ValueError, match="patterns can be stored at no norm of the grid"):
        critical_norm(unit, activation="erf_surrogate", f0="zero", norms=[1e-7, 1e-6])


def test_bad_values_are_named_and_progress_is_told():
    unit = sphere(3, 4)
    with pytest.raises(ValueError, match="f0 must be one of 'zero', 'sampled'; got 'half'"):
        critical_norm(unit, f0="half")
    with pytest.raises(ValueError, match="norms must be above 0 and in ascending order"):
        critical_norm(unit, norms=[2.0, 1.0])
    seen = []
    critical_norm(
        unit, f0="zero", activation="erf", norms=[1.0, 2.0], progress=lambda *s: seen.append(s)
    )
    assert [done for done, _ in seen] == [1, 2]


def test_the_first_fall_of_a_wave_is_found_and_located(monkeypatch):
    """A radius 1 + 0.1 cos(π log₁₀ r) falls below 1 at 10^½ and 10^2½, and rises at 10^1½."""
    unit = sphere(3, 4)

    def wave(x, start, act, depth):
        return 1 + 0.1 * np.cos(np.pi * np.log10(np.linalg.norm(x[0])))

    monkeypatch.setattr(critical_norms, "_largest_radius", wave)
    grid, told = np.geomspace(1, 1000, 12), []
    result = critical_norm(unit, f0="zero", norms=grid, progress=lambda *s: told.append(s))
    assert result.status == CriticalNormStatus.FOUND
    assert result.norm == pytest.approx(np.sqrt(10), rel=1e-7)
    np.testing.assert_allclose(result.radii, 1 + 0.1 * np.cos(np.pi * np.log10(grid)))
    assert len(result.crossings) == 3
    inside = np.log10(result.crossings)
    assert ((inside[:, 0] < [0.5, 1.5, 2.5]) & (inside[:, 1] > [0.5, 1.5, 2.5])).all()
    assert "3 crossing(s)" in repr(result)
    done, expected = np.transpose(told)
    assert (expected == 12 + 12).all()
    assert (np.diff(done) >= 0).all()
    assert done.max() <= 24
    # From a rise on: the next fall.
    late = critical_norm(unit, f0="zero", norms=grid[4:], progress=False)
    assert late.norm == pytest.approx(10**2.5, rel=1e-7)
    default = critical_norm(unit, f0="zero", progress=False)
    np.testing.assert_allclose(default.norms[[0, -1]], [0.06, 200.0])
    assert len(default.norms) == 32
    for f0, status in (
        ("zero", CriticalNormStatus.CENTERED),
        ("sampled", CriticalNormStatus.BELOW),
    ):
        settings = {"f0": f0, "width": 5, "norms": grid[3:6], "progress": False}
        assert critical_norm(unit, **settings).status == status  # it never was above 1
        settings["norms"] = grid[6:9]
        assert critical_norm(unit, **settings).status == CriticalNormStatus.ABOVE


def test_falls_and_crossings_on_numbers():
    """1 up to rounding is not above 1; norms at which nothing can be stored are passed over."""
    for above, fall, crossings in (
        ([0.1, -0.1, 0.2, -0.2], (0, 1), 3),
        ([-0.1, 0.1, -0.2], (1, 2), 2),
        ([np.nan, 0.1, np.nan, -0.1], (1, 3), 1),
        ([5e-8, -0.1], None, 0),
        ([2e-7, -0.1], (0, 1), 1),
        ([0.1, 5e-8, -0.1], None, 0),
        ([0.1, 0.2], None, 0),
        ([-0.1, -0.2], None, 0),
        ([0.1, 0.0, 0.1], None, 0),
        ([-0.1, 0.1], None, 1),
    ):
        above = np.array(above)
        assert _first_fall(above) == fall
        found = _crossings(np.arange(len(above)) + 1.0, above)
        assert found.shape == (crossings, 2)
        if fall:
            assert tuple(found[0] if above[0] > 0 or np.isnan(above[0]) else found[-1]) == (
                fall[0] + 1, fall[1] + 1,
            )  # fmt: skip


def test_a_map_that_misses_its_patterns_has_no_radius(monkeypatch):
    """And of those that hold them the largest radius counts."""
    unit = sphere(3, 4)
    monkeypatch.setattr(
        critical_norms, "fit_regression",
        lambda x, **rest: SimpleNamespace(interpolates=np.linalg.norm(x[0]) > 2),
    )  # fmt: skip
    monkeypatch.setattr(
        critical_norms, "spectral_radius",
        lambda f, x: np.array([0.2, 3 / np.linalg.norm(x[0]), 0.1]),
    )  # fmt: skip
    result = critical_norm(unit, f0="zero", norms=[1.0, 2.5, 5.0], progress=False)
    np.testing.assert_allclose(result.radii, [np.nan, 1.2, 0.6])
    assert result.norm == pytest.approx(3.0, rel=1e-7)
