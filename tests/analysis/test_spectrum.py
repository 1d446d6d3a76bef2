"""Eigenvalues of known Jacobians, and agreement of the three routes to them."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import Autoencoder, eigenvalues, fit_regression, spectral_radius, train
from attractory.datasets import bundled_digits, rescale, sphere
from attractory.solvers.arnoldi import ritz_radii


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


# By tables and by one function, each at a depth: programs are large, compiling is all this takes.
@pytest.mark.parametrize(("activation", "depth"), [("sigmoid", 3), ("erf_surrogate", 2)])
def test_factored_dense_and_automatic_jacobians_agree(activation, depth):
    x = sphere(5, 9, norm=12.0, seed=2)
    f = fit_regression(x, activation=activation, depth=depth)
    derivative = jax.jit(jax.jacfwd(f))
    for point in (x[0], x[1] + 0.3, sphere(1, 9, norm=20.0)[0]):
        dense = f.jacobian(point)
        left, right = f.jacobian_factors(point)
        np.testing.assert_allclose(left @ right, dense, atol=1e-12)
        with jax.enable_x64(True):
            automatic = np.asarray(derivative(point))
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
    import attractory.analysis.spectrum as spectrum

    matrix = spectrum._smallest_matrix(big, x[3])
    assert matrix.shape == (200, 200)
    exact = np.abs(np.linalg.eigvals(matrix)).max()
    assert spectral_radius(big, x[3:4])[0] == pytest.approx(exact, rel=1e-10)


def test_arnoldi_agrees_with_the_dense_solver(monkeypatch):
    images, _ = bundled_digits(100)
    x = rescale(images, 100.0)
    f = fit_regression(x)
    dense = spectral_radius(f, x[:4])
    monkeypatch.setattr("attractory.analysis.spectrum._DENSE", 10)
    np.testing.assert_allclose(spectral_radius(f, x[:4]), dense, rtol=1e-8)
    np.testing.assert_allclose(np.abs(eigenvalues(f, x[:4])).max(axis=1), dense, rtol=1e-8)


DIM = 300  # beyond the size that is always dense


def _orthogonal(rng, dim=DIM):
    return np.linalg.qr(rng.standard_normal((dim, dim)))[0]


def _normal(rng, values):
    """A real normal matrix with these eigenvalues and their conjugates."""
    matrix = np.zeros((2 * len(values),) * 2)
    even = np.arange(0, len(matrix), 2)
    matrix[even, even] = matrix[even + 1, even + 1] = values.real
    matrix[even, even + 1], matrix[even + 1, even] = values.imag, -values.imag
    basis = _orthogonal(rng, len(matrix))
    return basis @ matrix @ basis.T


def _ring(rng, inner):
    """Moduli from inner to 1, the largest exactly 1, at random angles."""
    moduli = rng.uniform(inner, 1, DIM // 2)
    return _normal(rng, moduli / moduli.max() * np.exp(2j * np.pi * rng.random(DIM // 2)))


def _arc_and_a_lone_value(rng):
    """The lone one settles first, and is not the largest."""
    arc = rng.uniform(0.9, 1, DIM // 2 - 1) * np.exp(0.3j * rng.random(DIM // 2 - 1))
    return _normal(rng, np.append(arc / np.abs(arc).max(), 0.9995 * np.exp(2.5j)))


def _cluster(rng):
    """Twenty within 1e-3 of 1 over a disc: a network's Jacobian at small norm."""
    disc = (
        0.25 * np.sqrt(rng.random(DIM // 2 - 10)) * np.exp(2j * np.pi * rng.random(DIM // 2 - 10))
    )
    near = 1 - 1e-3 * np.arange(10) / 10 + 1e-4j
    return _normal(rng, np.append(near / np.abs(near).max(), disc))


def _jordan(rng):
    """A defective largest eigenvalue in a block of 2, far from normal beside it."""
    matrix = np.triu(0.1 * rng.standard_normal((DIM, DIM)), 1)
    matrix[np.diag_indices(DIM)] = np.linspace(-0.6, 0.6, DIM)
    matrix[:2, :2] = [[1, 5], [0, 1]]
    return matrix


def _low_rank(rng):
    vectors = _orthogonal(rng)[:, :6]
    return vectors @ np.diag([1, -0.9, 0.8, 0.5, 0.1, 0.01]) @ vectors.T


class _Matrix(eqx.Module):
    """A linear map whose matrix is no part of what is compiled."""

    matrix: np.ndarray

    @property
    def dtype(self):
        return self.matrix.dtype

    def __call__(self, x):
        return x @ self.matrix.T


@pytest.mark.parametrize(
    ("make", "accuracy"),
    [
        (lambda rng: _normal(rng, np.exp(2j * np.pi * rng.random(DIM // 2))), 1e-12),
        (lambda rng: _orthogonal(rng), 1e-12),
        (lambda rng: np.eye(DIM), 1e-12),
        (lambda rng: _ring(rng, 0.0), 1e-8),
        (lambda rng: _ring(rng, 0.999), 1e-8),
        (_arc_and_a_lone_value, 1e-8),
        (_cluster, 1e-8),
        (_low_rank, 1e-12),
        (_jordan, 1e-6),  # the root of eps is all that is known of a defective eigenvalue
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_radius_of_matrices_with_radius_one(make, accuracy, dtype):
    matrix = make(np.random.default_rng(5))
    radius = spectral_radius(_Matrix(np.asarray(matrix, dtype)), np.ones((2, DIM)))
    if dtype == np.float32:
        accuracy = 2e-3 if make is _jordan else 1e-5
    np.testing.assert_allclose(radius, 1, rtol=accuracy)


def test_radius_of_a_vanishing_and_of_a_nilpotent_jacobian():
    assert (spectral_radius(lambda x: 0 * x, np.ones((3, DIM))) == 0).all()
    assert spectral_radius(lambda x: 0 * x.at[..., 1:].set(x[..., :-1]), np.ones((1, DIM)))[0] == 0
    tiny = spectral_radius(lambda x: 1e-200 * x, np.ones((1, DIM)))
    np.testing.assert_allclose(tiny, 1e-200, rtol=1e-12)


@cache
def _trained(dtype, norm):
    x = sphere(12, DIM, norm=norm, seed=1)
    network = Autoencoder(DIM, width=600, key=0, dtype=dtype)
    return train(network, x, progress=False).model, x


def _jacobians(f, x):
    """W₂ diag(σ′) W₁ over the roots of the fan-ins, in float64 by NumPy."""
    first, second = (np.asarray(w, float) for w in f.weights)
    before = x @ first.T / np.sqrt(first.shape[1])
    slopes = 0.25 / np.cosh(before / 2) ** 2
    scale = np.sqrt(first.shape[1] * second.shape[1])
    return np.stack([second @ (slope[:, None] * first) / scale for slope in slopes])


@pytest.mark.parametrize(
    ("dtype", "accuracy", "norm"), [(np.float64, 1e-8, 10.0), (np.float32, 1e-5, 300.0)]
)
def test_radius_of_networks_agrees_with_all_eigenvalues(dtype, accuracy, norm):
    f, x = _trained(dtype, norm)
    x = x[:4]
    # Against all eigenvalues of the same weights in float64: float32 must not be its own witness.
    exact = np.abs(np.linalg.eigvals(_jacobians(f, x))).max(axis=1)
    np.testing.assert_allclose(np.abs(eigenvalues(f, x)).max(axis=1), exact, rtol=accuracy)
    radius = spectral_radius(f, x)
    np.testing.assert_allclose(radius, exact, rtol=accuracy)
    assert (radius == spectral_radius(f, x)).all()
    # Alone or together, with the network's own products or automatic ones.
    one_by_one = [spectral_radius(f, point[None])[0] for point in x[:3]]
    np.testing.assert_allclose(one_by_one, radius[:3], rtol=accuracy)
    np.testing.assert_allclose(spectral_radius(lambda p: f(p), x[:3]), radius[:3], rtol=accuracy)
    # An untrained network has a disc of eigenvalues, which only all of them resolve.
    start = Autoencoder(DIM, width=600, key=0, dtype=dtype)
    exact = np.abs(eigenvalues(start, x[:2])).max(axis=1)
    np.testing.assert_allclose(spectral_radius(start, x[:2]), exact, rtol=accuracy)


def test_arnoldi_settles_at_a_stored_pattern_and_says_when_it_has_not():
    f, x = _trained(np.float64, 10.0)
    x = x[:6]
    matrices = f.jacobian(x)

    def product(which, vectors):
        return np.einsum("kij,kj->ki", matrices[which], vectors)

    found = ritz_radii(product, x.shape, np.dtype(float), 100)
    exact = np.abs(np.linalg.eigvals(matrices)).max(axis=1)
    np.testing.assert_allclose(found, exact, rtol=1e-8)
    assert np.isnan(ritz_radii(product, x.shape, np.dtype(float), 8)).all()


def test_eigenvalues_of_several_points_are_those_of_each():
    f, x = _trained(np.float64, 30.0)
    together = eigenvalues(f, x[:4])
    for row, point in zip(together, x, strict=False):
        np.testing.assert_allclose(np.abs(row), np.abs(eigenvalues(f, point[None])[0]), atol=1e-8)


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
    for call, dim in [(eigenvalues, 3), (spectral_radius, 3), (spectral_radius, DIM)]:
        with pytest.raises(TypeError, match="JAX operations"):
            call(lambda x: np.sin(x), np.ones((1, dim)))
    with pytest.raises(np.linalg.LinAlgError):
        spectral_radius(lambda x: jnp.nan * x, np.ones((1, DIM)))
