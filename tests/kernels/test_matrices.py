"""Kernels and their gradients, against high-precision references and identities."""

import json
import operator
import sys
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attractory import activation, fit_regression, nngp, ntk
from attractory.activations import ErfMixture, Linear, activation_names
from attractory.datasets import gaussian, sphere
from attractory.kernels import nngp_gradient, ntk_gradient

REFERENCE = Path(__file__).parents[1] / "reference"
sys.path.insert(0, str(REFERENCE))
from pairs import pair  # noqa: E402

KERNELS = {"nngp": (nngp, nngp_gradient), "ntk": (ntk, ntk_gradient)}


def _group(case):
    return case["activation"], case["depth"], case["dim"]


CASES = sorted(json.loads((REFERENCE / "kernel.json").read_text()), key=_group)
GROUPS = [(key, list(cases)) for key, cases in groupby(CASES, key=_group)]
# The logistic has tanh's sums, and erf its surrogate's, but for gain and offset: these in two sets.
FEWER = {"tanh": [(2, 2), (4, 784)], "erf_surrogate": [(2, 2), (4, 784)]}
DIRECT = [(k, c) for k, c in GROUPS if k[1:] in FEWER.get(k[0], [k[1:]])]


@pytest.mark.parametrize(("key", "cases"), DIRECT, ids=["-".join(map(str, k)) for k, _ in DIRECT])
def test_reference(key, cases):
    """Relative error at most 1e-12, of gradients 1e-10, at any norm and any correlation."""
    act, depth, _ = key
    x, y = (np.array(side) for side in zip(*map(pair, cases), strict=True))
    kw = {"activation": act, "depth": depth}
    for name, (kernel, gradient) in KERNELS.items():
        _assert_values(np.diag(kernel(x, y, **kw)), cases, name)
        across, along = np.array([case[f"{name}_gradient"] for case in cases], float).T
        perpendicular = np.array([_perpendicular(*rows) for rows in zip(x, y, strict=True)])
        exact = across[:, None] * perpendicular + along[:, None] * x
        factors = gradient(x, y, **kw)
        for k in range(len(cases)):
            one = type(factors)(
                factors.across[k : k + 1, k : k + 1],
                factors.along[k : k + 1, k : k + 1],
                x[k : k + 1],
                y[k : k + 1],
            )
            error = np.linalg.norm(one.dense()[0, 0] - exact[k])
            assert error <= 1e-10 * np.linalg.norm(exact[k]), cases[k]


def _perpendicular(x, y):
    """Return y⊥ in rational numbers: of nearly parallel points floats know no digit of it."""
    x, y = ([Fraction(float(v)) for v in row] for row in (x, y))
    ratio = sum(map(operator.mul, x, y)) / sum(map(operator.mul, x, x))
    return [float(b - ratio * a) for a, b in zip(x, y, strict=True)]


def _assert_values(values, cases, name):
    exact = np.array([float(case[name]) for case in cases])
    scale = np.array([float(case[f"{name}_scale"]) for case in cases])
    assert (np.abs(values - exact) / scale).max() <= 1e-12


# Depths above 2 once; tanh, which has the logistic's tables, scaled, once.
TABLES = {("sigmoid", 2, 2), ("sigmoid", 2, 784), ("sigmoid", 4, 32), ("tanh", 2, 784)}
TABLED = [(k, c) for k, c in GROUPS if k in TABLES]


@pytest.mark.parametrize(("key", "cases"), TABLED, ids=["-".join(map(str, k)) for k, _ in TABLED])
def test_reference_by_tables(key, cases, monkeypatch):
    """Large matrices go by tables; made to do so here for small ones."""
    monkeypatch.setattr("attractory.kernels.matrices._FEW", 0)
    x, y = (np.array(side) for side in zip(*map(pair, cases), strict=True))
    matrix = ntk(x, y, activation=key[0], depth=key[1])
    _assert_values(np.diag(matrix), cases, "ntk")


@pytest.mark.parametrize("case", [c for c in CASES if c["dim"] == 784 and c["depth"] == 2][::9])
def test_reference_by_tables_of_one_norm(case, monkeypatch):
    """A pair alone goes by tables for its own two norms, not by those of the whole set."""
    monkeypatch.setattr("attractory.kernels.matrices._FEW", 0)
    x, y = pair(case)
    value = ntk(x[None], y[None], activation=case["activation"])
    _assert_values(value[0], [case], "ntk")


def test_erf_kernel_is_williams_arcsine():
    """Williams (1997): E erf(u)erf(v) = (2/π) asin(2s/√((1 + 2a)(1 + 2b)))."""
    x, y = gaussian(7, 5, std=2.0, seed=1), gaussian(6, 5, std=0.5, seed=2)
    a, b, s = (x**2).sum(1)[:, None] / 5, (y**2).sum(1) / 5, x @ y.T / 5
    exact = 2 / np.pi * np.arcsin(2 * s / np.sqrt((1 + 2 * a) * (1 + 2 * b)))
    np.testing.assert_allclose(nngp(x, y, activation="erf"), exact, atol=1e-15, rtol=1e-14)
    slope = 4 / np.pi / np.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * s**2)
    np.testing.assert_allclose(
        ntk(x, y, activation="erf"), exact + s * slope, atol=1e-15, rtol=1e-13
    )


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_linear_kernel(depth):
    x, y = gaussian(4, 3, seed=1), gaussian(5, 3, seed=2)
    s, alpha = x @ y.T / 3, 1.5
    power = alpha ** (2 * (depth - 1))
    kw = {"activation": Linear(alpha), "depth": depth}
    np.testing.assert_allclose(nngp(x, y, **kw), power * s, rtol=1e-13)
    np.testing.assert_allclose(ntk(x, y, **kw), depth * power * s, rtol=1e-13)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "erf_surrogate"])
def test_step_function_limit_of_large_norms(name):
    """At infinite norm σ is a step, and the NNGP the arc-cosine kernel of order 0."""
    act = activation(name)
    x = sphere(6, 4, norm=1e7, seed=3)
    angle = np.arcsin(np.clip(x @ x.T / 1e14, -1, 1))
    limit = act.offset**2 + act.gain**2 * 2 / np.pi * angle
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(nngp(x, activation=name)[off], limit[off], atol=1e-11)


def test_linear_region_limit_of_small_norms():
    """σ(u) = ½ + u/4 + O(u³): NNGP ¼ + s/16 and NTK ¼ + s/8, to second order in s."""
    x = sphere(5, 3, norm=1e-3, seed=1)
    s = x @ x.T / 3
    np.testing.assert_allclose(nngp(x) - 0.25, s / 16, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ntk(x) - 0.25, s / 8, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", activation_names())
def test_wide_random_layer_has_this_covariance(name):
    """Sampled: the NTK's definition itself, at width 200,000."""
    width, dim = 200_000, 3
    x = gaussian(4, dim, std=1.5, seed=5)
    weights = np.random.default_rng(0).standard_normal((width, dim))
    pre = x @ weights.T / np.sqrt(dim)
    act = activation(name)
    with jax.enable_x64(True):
        hidden = np.asarray(jax.jit(act)(pre))
        slope = np.asarray(jax.jit(jax.vmap(jax.vmap(jax.grad(act))))(pre))
    covariance, slopes = hidden @ hidden.T / width, slope @ slope.T / width
    sampled = covariance + x @ x.T / dim * slopes
    scale = np.sqrt(np.outer(np.diag(sampled), np.diag(sampled)))
    assert (np.abs(ntk(x, activation=name) - sampled) / scale).max() < 0.02
    assert np.abs(nngp(x, activation=name) - covariance).max() < 0.02 * covariance.max()


@pytest.mark.parametrize(("norms", "depth"), [("common", 3), ("two groups", 2), ("wide", 2)])
def test_symmetric_matrix_agrees_with_the_cross_kernel(norms, depth, monkeypatch):
    monkeypatch.setattr("attractory.kernels.matrices._FEW", 10)  # tables but for the pairs below
    x = sphere(9, 6, norm=30.0, seed=4)
    factor = {"common": 1.0, "two groups": np.where(np.arange(9) % 2, 1.0, 900.0)[:, None]}
    x = x * factor.get(norms, np.logspace(-4, 3, 9)[:, None])
    matrix = ntk(x, depth=depth)
    assert (matrix == matrix.T).all()
    cross = ntk(x, x.copy(), depth=depth)
    scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    assert (np.abs(matrix - cross) / scale).max() < 1e-13
    rows = np.vstack([ntk(row[None], x, depth=depth) for row in x])
    assert (np.abs(matrix - rows) / scale).max() < 1e-13
    assert np.linalg.eigvalsh(matrix / scale).min() > -1e-12


def test_tiles_agree_with_pairs(monkeypatch):
    """Several tiles, parallel and opposite points in different ones and in one."""
    monkeypatch.setattr("attractory.kernels.matrices.TILE", 64)
    x, y = gaussian(150, 3, std=8.0, seed=1), sphere(140, 3, norm=12.0, seed=2)
    x[130], x[70], x[149], x[90] = 3 * x[2] + 1e-9 * x[5], -x[71], x[10], x[100] + 1e-9 * x[5]
    for name, depth, *sets in (("sigmoid", 2, x, y), ("sigmoid", 2, y, x), ("relu", 3, x)):
        whole = ntk(*sets, activation=name, depth=depth)
        parts = [slice(0, 15), slice(60, 75), slice(125, 150)]  # few enough to go by pairs
        for rows in parts:
            some = ntk(sets[0][rows], sets[-1], activation=name, depth=depth)
            np.testing.assert_allclose(whole[rows], some, rtol=1e-13, atol=1e-14)
        assert len(sets) == 2 or (whole == whole.T).all()


@settings(max_examples=15, deadline=None)
@given(
    log_norm=st.floats(-2, 4),
    ratio=st.floats(0.01, 100),
    cosine=st.floats(-1, 1),
    swap=st.booleans(),
)
def test_invariants(log_norm, ratio, cosine, swap):
    """Symmetry in the arguments, invariance under rotation, Cauchy–Schwarz, s = 0 for odd σ."""
    x = 10.0**log_norm * np.array([[1.0, 0.0]])
    y = ratio * 10.0**log_norm * np.array([[cosine, np.sqrt(1 - cosine**2)]])
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    one, other = ntk(x, y)[0, 0], ntk(y, x)[0, 0]
    scale = np.sqrt(ntk(x)[0, 0] * ntk(y)[0, 0])
    assert abs(one - other) <= 1e-12 * scale
    assert abs(one) <= scale * (1 + 1e-12)
    # A rotation rounds the inputs, which at great norms moves the value by the square root of that.
    assert abs(ntk(x @ turn.T, y @ turn.T)[0, 0] - one) <= 1e-12 * scale * (1 + 10.0**log_norm)
    odd = activation("tanh" if swap else "erf")
    assert ntk(x, -y, activation=odd)[0, 0] == pytest.approx(
        -ntk(x, y, activation=odd)[0, 0], abs=1e-12 * ntk(x, activation=odd)[0, 0] * max(1, ratio)
    )


@pytest.mark.parametrize(
    ("act", "depth", "name"),
    [
        ("sigmoid", 2, "nngp"),
        ("sigmoid", 3, "ntk"),
        ("arctan", 2, "ntk"),
        ("arctan", 3, "nngp"),
        ("softsign", 2, "nngp"),
        ("softsign", 3, "ntk"),
        ("linear", 3, "ntk"),
        (ErfMixture("two", 0.2, 2.0, (0.5, 3.0), (0.3, 0.7)), 3, "nngp"),
        (ErfMixture("two", 0.2, 2.0, (0.5, 3.0), (0.3, 0.7)), 2, "ntk"),
    ],
)
def test_gradient_is_the_derivative(act, depth, name):
    kernel, gradient = KERNELS[name]
    x, y = gaussian(2, 4, std=2.0, seed=8), gaussian(3, 4, std=1.0, seed=9)
    kw = {"activation": act, "depth": depth}
    dense = gradient(x, y, **kw).dense()
    h = 1e-3
    steps = np.array([-2, -1, 1, 2]) * h
    weights = np.array([1, -8, 8, -1]) / (12 * h)  # fourth order
    for i in range(4):
        shifted = [kernel(x + step * np.eye(4)[i], y, **kw) for step in steps]
        numeric = np.tensordot(weights, shifted, 1)
        np.testing.assert_allclose(dense[:, :, i], numeric, rtol=1e-7, atol=1e-10)


def test_gradient_at_the_origin():
    y = gaussian(3, 4, seed=2)
    # σ′(0) = ¼ at a zero input: ∂ntk/∂x = (E σ′(v)·2·σ′(0)) y/d, whatever the direction.
    factors = ntk_gradient(np.zeros((1, 4)), y)
    h = 1e-4
    numeric = [(ntk(h * e[None], y) - ntk(-h * e[None], y))[0] / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(factors.dense()[0], np.array(numeric).T, rtol=1e-6, atol=1e-10)


def test_float64_without_touching_the_callers_jax():
    assert not jax.config.jax_enable_x64
    x = gaussian(3, 4).astype(np.float32)
    matrix = ntk(x)
    assert isinstance(matrix, np.ndarray)
    assert matrix.dtype == np.float64
    assert not jax.config.jax_enable_x64
    assert jax.numpy.ones(1).dtype == np.float32
    assert (matrix == ntk(x.astype(float))).all()
    ints = np.array([[3, 4], [0, 5]])
    assert (ntk(ints) == ntk(ints.astype(float))).all()
    assert (ntk([[3, 4], [0, 5]]) == ntk(ints)).all()


@pytest.mark.parametrize("kernel", [nngp, ntk])
def test_bad_values_are_named(kernel):
    good = np.ones((2, 3))
    for x, kw, words in [
        (np.array([[1.0, np.nan]]), {}, r"x must be finite, got nan at index \(0, 1\)"),
        (np.array([[np.inf, 1.0]]), {}, "x must be finite, got inf"),
        (np.ones(3), {}, r"x must have shape \(n, d\), got shape \(3,\); one point is x\[None\]"),
        (np.ones((2, 3, 4)), {}, r"x must have shape \(n, d\)"),
        (np.ones((0, 3)), {}, "x must not be empty"),
        (np.ones((3, 0)), {}, "x must not be empty"),
        ([[1.0], [1.0, 2.0]], {}, "x must be a rectangular array"),
        (good, {"y": np.ones((2, 4))}, "y must have 3 features in its last axis, got 4"),
        (good, {"activation": "rectifier"}, "activation must be one of"),
        (good, {"depth": 1}, "depth must be at least 2, got 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            kernel(x, **kw)
    for x, kw, words in [
        (np.array([["a", "b"]]), {}, "x must hold real numbers"),
        (np.ones((1, 2)) * 1j, {}, "x must hold real numbers, got dtype complex128"),
    ]:
        with pytest.raises(TypeError, match=words):
            kernel(x, **kw)


@pytest.mark.parametrize("size", [1e77, 1e154, 1e300])
@pytest.mark.parametrize("name", ["erf", "sigmoid", "arctan", "softsign", "linear"])
def test_points_whose_powers_are_no_numbers_are_refused(name, size):
    """Their kernels were wrong (erf) or NaN (sigmoid)."""
    x = np.eye(2, 3)
    for depth in (2, 3):
        with pytest.raises(ValueError, match=r"^x must not be larger"):
            ntk(size * x, activation=name, depth=depth)
        with pytest.raises(ValueError, match=r"^y must not be larger"):
            nngp(x, size * x, activation=name, depth=depth)
    for gradient in (ntk_gradient, nngp_gradient):
        with pytest.raises(ValueError, match=r"^y must not be larger"):
            gradient(x, size * x, activation=name)
    with pytest.raises(ValueError, match=r"^patterns must not be larger"):
        fit_regression(size * x, activation=name)
    with pytest.raises(ValueError, match=r"^patterns must not have rows smaller"):
        fit_regression(x / size, activation=name)


@pytest.mark.parametrize("size", [1e49, 1e-77, 1e-200, 1e-310])
def test_kernels_of_extreme_points_are_their_limits(size):
    """Large: the angle alone, 1 − 2φ/π of erf's NNGP; small: linear in the covariance."""
    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    value = nngp(size * x, activation="erf")
    if size > 1:
        np.testing.assert_allclose(value, [[1, 0.5], [0.5, 1]], atol=1e-15)
    else:
        # arcsin(2s/(1 + 2a)) 2/π with s = x·y/d; beyond the least float64 it is 0.
        np.testing.assert_allclose(value, 2 / np.pi * (size * x) @ (size * x).T, rtol=1e-13)
    assert np.isfinite(ntk_gradient(size * x, x, activation="erf").dense()).all()


@pytest.mark.parametrize(("kernel", "depth"), [(ntk, 2), (nngp, 3)])
def test_tables_of_blocks_give_the_sums_over_pairs_of_scales(kernel, depth):
    """Norms of 4 decades, antiparallel and nearly parallel points, and one at 0."""
    rng = np.random.default_rng(0)
    x = sphere(480, 5, norm=1.0, seed=1)
    x[:60], x[60:120] = -x[120:180], x[180:240] + 1e-4 * x[:60]
    # Three blocks of one size, so that little is compiled.
    x *= np.repeat([0.1, 3.0, 900.0], 160)[rng.permutation(480), None]
    x *= 1 + 0.1 * rng.random((480, 1))
    x[7] = 0.0
    y = x[rng.permutation(480)] * 0.999
    i, j = rng.integers(480, size=(2, 60))
    for one, other in ((x, None), (x, y)):
        whole = kernel(one, other, activation="tanh", depth=depth)
        second = one if other is None else other
        exact = kernel(one[i], second[j], activation="tanh", depth=depth)  # few enough for sums
        sizes = [
            np.sqrt(np.diag(kernel(p[k], activation="tanh", depth=depth)))
            for p, k in ((one, i), (second, j))
        ]
        scale = np.outer(*sizes)
        away = np.abs(whole[np.ix_(i, j)] - exact)
        assert (away <= 1e-14 * scale).all()
    same = kernel(x, activation="tanh", depth=depth)
    assert (same == same.T).all()
