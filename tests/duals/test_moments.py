"""Expectations of every activation against quadrature in polar coordinates, and their limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gaussian_integrals import expected
from scipy.special import erf, expit, ndtr

from attractory import activation, nngp, ntk
from attractory.duals import (
    Bell,
    DualActivation,
    Gated,
    PiecewiseLinear,
    Polynomial,
    QuadratureError,
    Sinusoid,
    activation_from,
)


def _normal(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


# Each activation, and the function and its derivative written by hand.
CASES = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "abs": (np.abs, np.sign),
    PiecewiseLinear(1.5, 0.3): (
        lambda x: np.where(x > 0, 1.5 * x, 0.3 * x),
        lambda x: np.where(x > 0, 1.5, 0.3),
    ),
    "gelu": (lambda x: x * ndtr(x), lambda x: ndtr(x) + x * _normal(x)),
    "silu": (lambda x: x * expit(x), lambda x: expit(x) * (1 + x * expit(-x))),
    Gated(activation("erf")): (
        lambda x: x * erf(x),
        lambda x: erf(x) + x * 2 / np.sqrt(np.pi) * np.exp(-x * x),
    ),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda x: -np.sin(x)),
    Sinusoid(0.7, 0.4): (lambda x: np.sin(0.7 * x + 0.4), lambda x: 0.7 * np.cos(0.7 * x + 0.4)),
    "gaussian": (lambda x: np.exp(-x * x / 2), lambda x: -x * np.exp(-x * x / 2)),
    Bell(3.0): (lambda x: np.exp(-x * x / 6), lambda x: -x / 3 * np.exp(-x * x / 6)),
    Polynomial.of_powers((0.0, 0.0, 0.0, 1.0)): (lambda x: x**3, lambda x: 3 * x**2),
    Polynomial((0.5, -1.0, 2.0)): (
        lambda x: 0.5 - x + np.sqrt(2) * (x * x - 1),
        lambda x: -1 + 2 * np.sqrt(2) * x,
    ),
    activation_from(jax.nn.softplus, terms=64): (lambda x: np.logaddexp(0, x), expit),
}
# s, a, b: skew, equal, opposite, orthogonal, small beside large.
PAIRS = np.array(
    [[0.4, 1.2, 0.7], [2.0, 2.0, 2.0], [-1.5, 3.0, 0.75], [0.0, 1.0, 0.3], [0.05, 1e-2, 4.0]]
)

SQUARE = Polynomial.of_powers((0.0, 0.0, 1.0))


@pytest.mark.parametrize("which", list(CASES), ids=lambda which: getattr(which, "name", which))
def test_expectations_are_the_integrals(which):
    act, (f, slope) = activation(which), CASES[which]
    s, a, b = PAIRS.T
    with jax.enable_x64(True):
        found = jax.jit(act.moments)(*map(jnp.asarray, (s, np.maximum(a * b - s * s, 0), a, b)))
        variance = np.asarray(act.variance(jnp.asarray(a)))
        values = act(jnp.linspace(-3, 3, 13))
    np.testing.assert_allclose(values, f(np.linspace(-3, 3, 13)), rtol=1e-13, atol=1e-15)
    tolerance = 1e-8 if act.name == "softplus" else 1e-12
    for values, g in zip(found, (f, slope), strict=True):
        exact = [expected(g, g, *pair) for pair in PAIRS]
        # Of opposite inputs the derivative's product is that of the two limits at 0.
        scale = [np.sqrt(expected(g, g, v, v, v) * expected(g, g, w, w, w)) for _, v, w in PAIRS]
        assert (np.abs(np.asarray(values) - exact) / scale).max() < tolerance
    np.testing.assert_allclose(variance, [expected(f, f, v, v, v) for v in a], rtol=tolerance)


def test_small_inputs_of_an_even_gate_keep_the_next_layer_s_gap():
    """x erf(x) is (2/√π) x² there, but for terms of the order of the variance, 1e-10."""
    x = 1e-5 * np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 1.0]])
    kernels = [nngp(x, activation=act, depth=3) for act in (Gated(activation("erf")), SQUARE)]
    np.testing.assert_allclose(kernels[0], (4 / np.pi) ** 3 * kernels[1], rtol=1e-8)


def test_names_and_equality():
    assert activation("relu") == PiecewiseLinear()
    assert activation("gelu").name == "gelu"
    assert hash(Sinusoid(2.0)) == hash(Sinusoid(2.0, 0.0))
    assert isinstance(activation("silu"), DualActivation)
    with pytest.raises(TypeError, match="activation"):
        activation(jnp.tanh)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PiecewiseLinear(1.0, 1.0), "above and below must differ"),
        (lambda: PiecewiseLinear(np.nan), "above must be finite"),
        (lambda: Sinusoid(0.0), "frequency must be positive and finite"),
        (lambda: Bell(-1.0), "squared_scale must be positive"),
        (lambda: Polynomial((1.0,)), "coefficients must be of degree 1 to 20"),
        (lambda: activation_from(lambda x: x / 0), "function must be finite"),
        (lambda: activation_from(jnp.tanh, terms=3), "terms must be"),
    ],
)
def test_bad_activations_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("function", [3, np.tanh, jnp.sum], ids=["number", "NumPy's", "sum"])
def test_what_is_no_function_of_arrays_is_refused(function):
    with pytest.raises(TypeError, match="function"):
        activation_from(function)


@pytest.mark.parametrize(
    ("function", "norm", "words"),
    [
        (lambda x: jnp.exp(x * x), 3.0, "grows faster than a Gaussian"),
        (lambda x: (x > 0) * 1.0, 1.0, "has a kink or a step"),
        (lambda x: jnp.sqrt(x), 1.0, "is not finite"),
    ],
    ids=["growing", "step", "not finite"],
)
def test_functions_that_quadrature_cannot_do_are_refused(function, norm, words):
    act = activation_from(function)
    with pytest.raises(QuadratureError, match=words):
        ntk([[norm, 0.0]], activation=act)


def test_second_derivatives_through_loops_do_not_depend_on_the_mode():
    """Reverse mode forgets rules of custom derivatives in loops; layers are such a loop."""
    act = activation_from(jax.nn.softplus, terms=32)

    def deep(p):
        def layer(pair, _):
            s, a, b = pair
            return (act.moments(s, jnp.zeros_like(s), a, b)[0], a, b), None

        return jax.lax.scan(layer, tuple(p), None, length=2)[0][0]

    with jax.enable_x64(True):
        p = jnp.array([0.3, 1.1, 0.9])
        second = jax.jit(lambda p: [jax.jacfwd(first(deep))(p) for first in (jax.jacfwd, jax.grad)])
        forward, backward = second(p)
    assert np.allclose(backward, forward, rtol=1e-9, atol=1e-12)
    assert np.allclose(forward, forward.T, rtol=1e-9, atol=1e-12)
