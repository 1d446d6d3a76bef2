"""The finite network: its Jacobian by three routes, its parametrisation, its NTK."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import Autoencoder, eigenvalues, nngp, ntk, recall, spectral_radius
from attractory.activations import activation_names
from attractory.datasets import gaussian, sphere
from attractory.maps import empirical_ntk, empirical_ntk_product

SHAPES = [(2, 30), (3, [20, 35]), (4, 15)]


def _network(depth, width, **kw):
    return Autoencoder(6, width=width, depth=depth, key=3, dtype=np.float64, **kw)


def _applied(activation, values):
    """Apply it to arrays of any shape by programs of one."""
    flat = np.zeros(256)
    flat[: values.size] = values.ravel()
    return np.asarray(activation(flat))[: values.size].reshape(values.shape)


@pytest.mark.parametrize(
    ("name", "depth", "width"),
    [*((name, *SHAPES[1]) for name in activation_names()), *(("tanh", *s) for s in SHAPES[::2])],
)
def test_is_the_formula(name, depth, width):
    f, x = _network(depth, width, activation=name), gaussian(4, 6)
    value = x
    for w in f.weights[:-1]:
        value = _applied(f.activation, value @ np.asarray(w).T / np.sqrt(w.shape[1]))
    last = np.asarray(f.weights[-1])
    np.testing.assert_allclose(f(x), value @ last.T / np.sqrt(last.shape[1]), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "depth", "width"),
    [(name, *s) for name, s in zip(("sigmoid", "tanh", "softsign"), SHAPES, strict=True)],
)
def test_jacobian_products_and_automatic_differentiation_agree(name, depth, width):
    f = _network(depth, width, activation=name)
    x, v = gaussian(3, 6), gaussian(3, 6, seed=1)
    jacobian = f.jacobian(x)
    with jax.enable_x64(True):
        automatic = jax.jit(jax.vmap(jax.jacrev(f)))(x)
    np.testing.assert_allclose(jacobian, automatic, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(f.jvp(x, v), np.einsum("kij,kj->ki", jacobian, v), atol=1e-12)
    np.testing.assert_allclose(f.linearize(x)(v), f.jvp(x, v), rtol=1e-12)
    np.testing.assert_allclose(f.linearize(x[0])(v[0]), f.jvp(x, v)[0], atol=1e-12)
    np.testing.assert_allclose(f(x[:1]), f(x)[:1], rtol=1e-12)
    np.testing.assert_allclose(f.vjp(x, v), np.einsum("kij,ki->kj", jacobian, v), atol=1e-12)
    assert f.jacobian(x[0]).shape == (6, 6)
    assert f.jacobian(x.reshape(3, 1, 6)).shape == (3, 1, 6, 6)


@pytest.mark.parametrize(("depth", "width"), SHAPES[1:])
def test_empirical_ntk_is_the_gram_matrix_of_gradients(depth, width):
    f, x, y = _network(depth, width), gaussian(3, 6), gaussian(2, 6, seed=1)

    def gradients(points):
        def outputs(weights, point):
            value = point
            for w in weights[:-1]:
                value = jax.nn.sigmoid(w @ value / jnp.sqrt(w.shape[1]))
            return weights[-1] @ value / jnp.sqrt(weights[-1].shape[1])

        rows = jax.vmap(lambda p: jax.jacrev(outputs)(f.weights, p))(jnp.asarray(points))
        return jnp.concatenate([g.reshape(*g.shape[:2], -1) for g in rows], axis=2)

    with jax.enable_x64(True):
        exact = jax.jit(lambda: jnp.einsum("ipw,jqw->ijpq", gradients(x), gradients(y)))()
    np.testing.assert_allclose(empirical_ntk(f, x, y), exact, rtol=1e-10, atol=1e-12)
    u = gaussian(3, 6, seed=4)
    product = np.einsum("ijpq,jq->ip", empirical_ntk(f, x), u)
    np.testing.assert_allclose(empirical_ntk_product(f, x, u), product, rtol=1e-10)


@pytest.mark.parametrize("depth", [2, 3])
def test_empirical_ntk_tends_to_the_kernel(depth):
    """Its mean over outputs differs from ntk by O(width^-1/2); so does the off-diagonal part."""
    x = sphere(4, 6, norm=8.0)
    limit = ntk(x, depth=depth)
    errors = []
    for width in (32, 512):
        parts = []
        for key in range(6):
            f = Autoencoder(6, width=width, depth=depth, key=key, dtype=np.float64)
            full = empirical_ntk(f, x) - limit[:, :, None, None] * np.eye(6)
            parts.append(np.sqrt(np.mean(full**2)))
        errors.append(np.mean(parts))
    assert 3 < errors[0] / errors[1] < 5.3  # √16 = 4
    assert errors[1] < 0.1 * limit.max()


def test_outputs_at_initialisation_have_the_nngp_covariance():
    x = sphere(3, 6, norm=8.0)
    draws = np.stack([Autoencoder(6, width=400, key=key)(x) for key in range(300)])
    covariance = np.einsum("kip,kjp->ij", draws, draws) / (300 * 6)
    np.testing.assert_allclose(covariance, nngp(x), rtol=0.15)


def test_keys_and_precisions():
    one, same = Autoencoder(4, width=10, key=0), Autoencoder(4, width=10, key=jax.random.key(0))
    other = Autoencoder(4, width=10, key=1)
    x = gaussian(2, 4)
    assert (one(x) == same(x)).all()
    assert (one(x) != other(x)).any()
    assert one(x).dtype == one.jacobian(x).dtype == np.float32
    fine = Autoencoder(4, width=10, key=0, dtype=np.float64)
    assert fine(x).dtype == np.float64
    assert not jax.config.jax_enable_x64
    assert one.parameters == 80
    assert one.widths == (10,)
    assert repr(fine) == "Autoencoder(4-10-4, sigmoid, float64)"


def test_slopes_of_saturated_units_keep_their_digits_in_float32():
    z = np.linspace(-40, 40, 81).astype(np.float32)
    f = Autoencoder(1, width=1, key=0).activation
    slopes = jax.jit(jax.vmap(jax.grad(f)))(jnp.asarray(z))
    exact = 0.25 / np.cosh(z.astype(float) / 2) ** 2
    np.testing.assert_allclose(slopes, exact, rtol=1e-6)
    with jax.enable_x64(True):  # and may be differentiated again
        second = jax.jit(jax.vmap(jax.grad(jax.grad(f))))(jnp.asarray(z, float))
    exact = -0.25 * np.tanh(z.astype(float) / 2) / np.cosh(z.astype(float) / 2) ** 2
    np.testing.assert_allclose(second, exact, rtol=1e-10, atol=1e-30)


def test_is_a_map_like_any_other():
    f = Autoencoder(5, width=300, key=0)
    points = gaussian(2, 5)
    values = eigenvalues(f, points)
    assert values.shape == (2, 5)
    np.testing.assert_allclose(spectral_radius(f, points), np.abs(values[:, 0]), rtol=1e-5)
    result = recall(f, points, max_steps=3)
    assert result.state.dtype == np.float32
    assert result.state.shape == (2, 5)


@pytest.mark.parametrize(
    ("kw", "words"),
    [
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"width": [4, 4]}, "width must be one number or 1 of them at depth 2, got 2"),
        ({"depth": 1}, "depth must be at least 2, got 1"),
        ({"activation": "rectifier"}, "activation must be one of"),
        ({"dtype": np.int32}, "dtype must be float32 or float64, got int32"),
    ],
)
def test_bad_values(kw, words):
    with pytest.raises(ValueError, match=words):
        Autoencoder(**{"dim": 3, "width": 5, "key": 0, **kw})


def test_bad_points():
    f = Autoencoder(3, width=5, key=0)
    for call, words in [
        (lambda: f(np.ones(4)), "x must have 3 features"),
        (lambda: f.jacobian(np.full(3, np.nan)), "x must be finite"),
        (lambda: f.jvp(np.ones(3), np.ones(2)), "v must have 3 features"),
        (lambda: empirical_ntk(f, np.ones((2, 4))), "x must have 3 features"),
        (lambda: empirical_ntk_product(f, np.ones((2, 3)), np.ones((1, 3))), "u must have a row"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
