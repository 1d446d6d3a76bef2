"""The metric, the noise level of a cue and where recall starts, against plain linear algebra."""

import numpy as np
import pytest

from attractory import (
    AttractorMemory,
    certified_radius,
    eigenvalues,
    fit_regression,
)
from attractory._util import machine
from attractory.datasets import sklearn_digits, sphere
from attractory.memory.cue_denoising import _less_origin, _noise, denoised
from attractory.memory.metric import Metric, fit_metric


def apart(n, dim, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, dim)) * np.geomspace(3.0, 0.1, dim)
    return rows - rows.mean(axis=0)


def dense(metric, dim):
    return metric.apply(np.eye(dim))


@pytest.mark.parametrize("n", [6, 40])
@pytest.mark.parametrize("share", [0.01, 0.5])
def test_metric_is_the_root_of_the_covariance_shifted(n, share):
    x, dim = apart(n, 9), 9
    metric = fit_metric(x, share)
    covariance = x.T @ x / n
    top = np.linalg.eigvalsh(covariance)[-1]
    m = dense(metric, dim)
    # M² (C + λI) is λI: whitened, but for the scale that makes M's largest eigenvalue at most 1.
    np.testing.assert_allclose(m @ m @ (covariance + share * top * np.eye(dim)),
                               share * top * np.eye(dim), atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(metric.invert(metric.apply(x)), x, atol=1e-9)
    values = np.linalg.eigvalsh(m)
    np.testing.assert_allclose(metric.ends, values[[0, -1]], rtol=1e-9)
    assert metric.outside(metric.apply(x)) is False
    if n < dim:
        assert metric.outside(metric.apply(x + np.random.default_rng(1).normal(size=x.shape)))


def test_a_matrix_of_your_own_and_none():
    x = apart(20, 5)
    root = np.random.default_rng(0).normal(size=(5, 5))
    matrix = root @ root.T + np.eye(5)
    m = dense(fit_metric(x, matrix), 5)
    np.testing.assert_allclose(m / m[0, 0], matrix / matrix[0, 0], rtol=1e-9)
    np.testing.assert_array_equal(dense(fit_metric(x, None), 5), np.eye(5))
    assert fit_metric(np.zeros((3, 5)), 0.1).plain  # rows without variance have no axes


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (0.0, "metric must be a finite number above 0"),
        (np.nan, "metric must be a finite number above 0"),
        ("white", "metric must be 'search', 'rule', None"),
        (np.eye(3), r"metric must be a matrix \(6, 6\), got shape \(3, 3\)"),
        (np.triu(np.ones((6, 6))), "metric must be symmetric"),
        (np.diag([1.0, 1, 1, 1, 1, -1]), "metric must be positive definite"),
        (np.full((6, 6), np.nan), "metric must be finite"),
    ],
)
def test_bad_metrics_are_named(metric, message):
    with pytest.raises(ValueError, match=message):
        AttractorMemory(metric=metric, activation="erf").fit(sphere(4, 6))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"iteration": "held"}, "iteration must be one of 'guided', 'plain'; got 'held'"),
        ({"max_steps": 0}, "max_steps must be"),
        ({"tolerance": 0.0}, "tolerance must be a finite number above 0"),
        ({"ridge": -1.0}, "ridge must be a finite number"),
    ],
)
def test_bad_settings_of_recall_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        AttractorMemory(activation="erf", **wrong).fit(sphere(4, 6))


def test_start_is_the_formula_and_exact_without_noise(monkeypatch):
    monkeypatch.setattr(
        "attractory.memory.cue_denoising._HEAVY", np.inf
    )  # white noise, whatever it looks like
    x = apart(60, 12)
    metric = fit_metric(x, 0.01)
    np.testing.assert_allclose(denoised(x[:1] * 0, metric, False), 0.0)
    # Rows of the very distribution have no noise but the floor's, or nearly none.
    covariance, m = x.T @ x / 60, dense(metric, 12)
    rng = np.random.default_rng(3)
    cues = 0.7 * x + rng.normal(size=x.shape)
    start = denoised(cues, metric, False)
    for cue, found in zip(cues[:5], start[:5], strict=True):
        # Some noise level between λ and the largest must give the point, up to its length.
        levels = metric.floor * np.geomspace(1.0, 300.0, 2000)
        errors = []
        for level in levels:
            point = np.linalg.solve(m, np.linalg.solve(covariance + level * np.eye(12), cue))
            cosine = point @ found / np.linalg.norm(point) / np.linalg.norm(found)
            errors.append(1 - cosine)
        assert min(errors) < 1e-5


@pytest.mark.parametrize("n", [6, 60])
def test_what_a_cue_has_of_mean_and_constant_is_taken_off_as_bayes_says(n):
    """Of x = y + Ag, y ~ N(0, C + ν), g ~ N(0, 1), the expectation of Ag is AAᵀ(C + ν + AAᵀ)⁻¹x."""
    x = apart(n, 12)
    rng = np.random.default_rng(5)
    mean, cues = rng.normal(size=12), 0.5 * x[:5] + rng.normal(size=(5, 12))
    metric = fit_metric(x, 0.01)
    level = np.maximum(_noise(cues, metric), metric.floor)
    size = np.sqrt(((x + mean) ** 2).mean())
    aside = np.column_stack([mean, np.full(12, size)])
    expected = [
        cue
        - aside @ aside.T @ np.linalg.solve(x.T @ x / n + nu * np.eye(12) + aside @ aside.T, cue)
        for cue, nu in zip(cues, level, strict=True)
    ]
    np.testing.assert_allclose(_less_origin(cues, metric, level, mean), expected, atol=1e-9)
    np.testing.assert_array_equal(
        denoised(cues, metric, False, 0 * mean), denoised(cues, metric, False)
    )


def test_the_noise_level_is_read_off_the_cue():
    rng = np.random.default_rng(0)
    spectrum = np.geomspace(9.0, 1e-3, 400)
    x = rng.normal(size=(2000, 400)) * np.sqrt(spectrum)
    metric = fit_metric(x - x.mean(axis=0), 0.01)
    for level in (0.01, 0.1, 1.0):
        cues = x[:50] + np.sqrt(level) * rng.normal(size=(50, 400))
        found = np.median(_noise(cues - x.mean(axis=0), metric))
        assert 0.7 < found / level < 1.4  # the grid is a factor 1.24 wide, contrast another


def test_eigenvalues_do_not_depend_on_the_coordinates():
    """J of x ↦ M⁻¹ f(Mx), the map of first-layer weights from N(0, M²), and J of f are similar."""
    digits = sklearn_digits(12)[0]
    x = digits - digits.mean(axis=0)
    metric = fit_metric(x, 0.1)
    points = metric.apply(x)
    points *= 20.0 / np.linalg.norm(points, axis=1, keepdims=True)
    j = np.asarray(fit_regression(points, activation="erf").jacobian(points[0]))
    m = dense(metric, 64)
    ours, theirs = (np.sort(np.abs(np.linalg.eigvals(a))) for a in (j, np.linalg.solve(m, j @ m)))
    np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_more_columns_than_rows_and_constant_columns_work():
    x = np.hstack([sphere(5, 30), np.ones((5, 3))])
    memory = AttractorMemory(activation="erf").fit(x)
    np.testing.assert_allclose(memory.patterns_, x, atol=1e-9)
    np.testing.assert_allclose(memory.transform(x), x, atol=1e-6)


def test_a_metric_outgrown_says_so():
    x = sphere(24, 10)
    memory = AttractorMemory(activation="erf").fit(x[:8])
    assert not memory.stale_
    with pytest.warns(UserWarning, match="fit anew"):
        memory.partial_fit(x[8:20])
    assert memory.stale_
    memory.forget(range(8, 20))
    assert not memory.stale_
    assert isinstance(memory.state_.coordinates.metric, Metric)


def test_what_takes_matrices_of_the_rows_size_says_so_first(monkeypatch):
    """A metric of one's own, dense Jacobians and certificates of foreign maps: with the figures."""
    rows = np.eye(4, 40)
    f = fit_regression(rows, activation="erf")
    monkeypatch.setattr(machine, "machine_bytes", lambda: 1000.0)
    with pytest.raises(ValueError, match=r"a metric of your own takes 6 matrices of 40 × 40"):
        fit_metric(rows, np.eye(40))
    with pytest.raises(ValueError, match=r"jacobian takes 4 matrices .* jacobian_factors\(x\)"):
        f.jacobian(rows)
    with pytest.raises(ValueError, match="a dense Jacobian and its eigenvalues takes 3 matrices"):
        eigenvalues(lambda x: x / 2, rows[:1])
    with pytest.raises(ValueError, match="a certificate of a map of your own takes 4 matrices"):
        certified_radius(lambda x: x * 0.0 + rows[0], rows[:1], jacobian_change=lambda x, r: r)
    assert eigenvalues(f, rows[:1]).shape == (1, 40)  # of n × n
