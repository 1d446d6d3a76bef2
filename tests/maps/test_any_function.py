"""The NTK of any function, against the package's own networks and against derivatives by hand."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import Autoencoder
from attractory.maps import empirical_ntk, function_ntk, function_ntk_tiles

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((5, 3)), RNG.standard_normal((4, 3))
PARAMS = {"w": RNG.standard_normal((6, 3)), "v": RNG.standard_normal((2, 6)), "name": "net"}


def net(p, x):
    return p["v"] @ jnp.tanh(p["w"] @ x)


def by_hand(x, y):
    """∂f/∂v = h, ∂f/∂w = v (1 − h²) x."""
    h, g = np.tanh(PARAMS["w"] @ x), np.tanh(PARAMS["w"] @ y)
    inner = (PARAMS["v"] * (1 - h**2)) @ (PARAMS["v"] * (1 - g**2)).T
    return h @ g * np.eye(2) + x @ y * inner


def test_blocks_diagonals_and_traces(monkeypatch):
    truth = np.array([[by_hand(x, y) for y in Y] for x in X])
    for held in (1 << 28, 8 * 30 * 2 * 2):  # all points at once, and two
        monkeypatch.setattr("attractory.maps.any_function._HELD", held)
        np.testing.assert_allclose(function_ntk(net, PARAMS, X, Y), truth, rtol=1e-12)
    own = function_ntk(net, PARAMS, X)
    np.testing.assert_allclose(own, function_ntk(net, PARAMS, X, X.copy()), rtol=1e-12)
    assert len(list(function_ntk_tiles(net, PARAMS, X))) == 6
    diagonal = np.einsum("ijpp->ijp", truth)
    found = function_ntk(net, PARAMS, X, Y, outputs="diagonal")
    np.testing.assert_allclose(found, diagonal, rtol=1e-12)
    found = function_ntk(net, PARAMS, X, Y, outputs="trace")
    np.testing.assert_allclose(found, diagonal.mean(2), rtol=1e-12)


def test_networks_of_this_package_and_of_equinox():
    network = Autoencoder(3, width=20, key=0, dtype=np.float64)
    found = function_ntk(lambda f, x: f(x), network, X)
    np.testing.assert_allclose(found, empirical_ntk(network, X), rtol=1e-10)
    linear = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    single = function_ntk(lambda f, x: f(x), linear, X.astype(np.float32), outputs="trace")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, X @ X.T + 1, rtol=1e-5)


def test_it_composes():
    with jax.enable_x64(True):
        found = jax.jit(lambda p: function_ntk(net, {**PARAMS, "v": p}, X, outputs="trace"))
        np.testing.assert_allclose(
            found(PARAMS["v"]), function_ntk(net, PARAMS, X, outputs="trace"), rtol=1e-12
        )


def test_bad_values_are_named():
    for call, words in [
        (lambda: function_ntk(net, {"name": "net"}, X), "params must hold"),
        (lambda: function_ntk(net, PARAMS, X * np.nan), "x must be finite"),
        (lambda: function_ntk(net, PARAMS, X[:0]), "x must have shape"),
        (lambda: function_ntk(lambda p, x: p["w"], PARAMS, X), "f must return one number"),
        (lambda: function_ntk(net, PARAMS, X, outputs="all"), "outputs must be one of"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
