"""Eigenvalues of known Jacobians, and agreement of the three routes to them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import bundled_digits, eigenvalues, fit_regression, rescale, spectral_radius, sphere


def _sorted(values):
    return np.sort_complex(np.round(values, 9))


def test_linear_map_has_the_eigenvalues_of_its_matrix():
    matrix = np.random.default_rng(0).normal(size=(6, 6))
    values = eigenvalues(lambda x: x @ matrix.T, np.ones((2, 6)))
    for row in values:
        np.testing.assert_allclose(_sorted(row), _sorted(np.linalg.eigvals(matrix)), atol=1e-9)
        assert (np.diff(np.abs(row)) <= 1e-12).all()  # largest first
    radius = spectral_radius(lambda x: x @ matrix.T, np.ones((1, 6)))
    assert radius[0] == pytest.approx(np.abs(values).max())


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "erf_surrogate"])
@pytest.mark.parametrize("depth", [2, 3])
def test_factored_dense_and_automatic_jacobians_agree(activation, depth):
    x = sphere(5, 9, norm=12.0, seed=2)
    f = fit_regression(x, activation=activation, depth=depth)
    for point in (x[0], x[1] + 0.3, sphere(1, 9, norm=20.0)[0]):
        dense = f.jacobian(point)
        left, right = f.jacobian_factors(point)
        np.testing.assert_allclose(left @ right, dense, atol=1e-12)
        with jax.enable_x64(True):
            automatic = np.asarray(jax.jacfwd(f)(jnp.asarray(point)))
        # Derivatives of tables and of a gap picked by angle: looser than the closed form.
        np.testing.assert_allclose(automatic, dense, atol=1e-6 * np.abs(dense).max())
        low_rank = eigenvalues(f, point[None])[0]
        full = np.linalg.eigvals(dense)
        np.testing.assert_allclose(np.sort(np.abs(low_rank)), np.sort(np.abs(full)), atol=1e-7)


def test_rank_at_most_n_and_radius_by_arnoldi():
    images, _ = bundled_digits(200)
    x = rescale(images, 100.0)
    f = fit_regression(x[:30])
    values = eigenvalues(f, x[:1])
    assert np.count_nonzero(values[0]) <= 30
    big = fit_regression(x)  # 200 × 200: beyond it, Arnoldi
    import attractory.spectrum as spectrum

    matrix = spectrum._smallest_matrix(big, x[3])
    assert matrix.shape == (200, 200)
    exact = np.abs(np.linalg.eigvals(matrix)).max()
    assert spectral_radius(big, x[3:4])[0] == pytest.approx(exact, rel=1e-10)


def test_arnoldi_agrees_with_the_dense_solver(monkeypatch):
    images, _ = bundled_digits(100)
    x = rescale(images, 100.0)
    f = fit_regression(x)
    dense = spectral_radius(f, x[:4])
    monkeypatch.setattr("attractory.spectrum._DENSE", 10)
    np.testing.assert_allclose(spectral_radius(f, x[:4]), dense, rtol=1e-8)
    np.testing.assert_allclose(np.abs(eigenvalues(f, x[:4])).max(axis=1), dense, rtol=1e-8)


def test_radius_is_the_rate_of_recall():
    """Near an attractor the error shrinks by the spectral radius a step."""
    x = rescale(bundled_digits(20)[0], 100.0)
    f = fit_regression(x)
    radius = spectral_radius(f, x[:1])[0]
    state = x[:1] + 1e-3 * np.random.default_rng(0).normal(size=(1, 784))
    for _ in range(80):
        state = f(state)
    one = np.linalg.norm(state - x[:1])
    assert np.linalg.norm(f(state) - x[:1]) / one == pytest.approx(radius, rel=1e-3)


def test_bad_values():
    for points, words in [
        (np.ones(3), "points must have shape"),
        (np.full((1, 3), np.inf), "points must be finite"),
    ]:
        for call in (eigenvalues, spectral_radius):
            with pytest.raises(ValueError, match=words):
                call(lambda x: x, points)
    with pytest.raises(TypeError, match="JAX operations"):
        eigenvalues(lambda x: np.sin(x), np.ones((1, 3)))
