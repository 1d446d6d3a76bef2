"""The kernels under jit, grad and vmap: values of NumPy's route, derivatives in 40 digits."""

from functools import partial

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from jax.experimental import checkify

from attractory import nngp, ntk
from attractory.duals import activation_from
from attractory.kernels.pair_numbers import moves, pair_numbers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((32, 4)) * np.logspace(-2, 4, 32)[:, None]
X[3], X[4], X[6], X[8] = 0, -X[5], 3 * X[7], X[9]
X[20] = X[21] + 1e-7 * X[19]
DEPTHS = {"erf": 3, "sigmoid": 2, "relu": 3, "gelu": 2, "sin": 2, "gaussian": 2, "linear": 2}


def _arcsine(s, a, b):
    size = mp.sqrt((1 + 2 * a) * (1 + 2 * b))
    return 2 / mp.pi * mp.asin(2 * s / size), 4 / mp.pi / mp.sqrt(size**2 - 4 * s * s)


def _arc_cosine(s, a, b):
    size = mp.sqrt(a * b)
    angle = mp.acos(max(-1, min(1, s / size))) if size else mp.pi / 2
    return (size * mp.sin(angle) + (mp.pi - angle) * s) / (2 * mp.pi), (mp.pi - angle) / (2 * mp.pi)


def _gelu(s, a, b):
    square = (1 + a) * (1 + b) - s * s
    density = 1 / (2 * mp.pi * mp.sqrt(square))
    both = mp.mpf(1) / 4 + mp.asin(s / mp.sqrt((1 + a) * (1 + b))) / (2 * mp.pi)
    mixed = a * (b * (1 + a) - s * s) / (1 + a) + s * s / (1 + b)
    slope = both + s * density * (1 / (1 + a) + 1 / (1 + b) + 1 / square)
    return s * both + mixed * density, slope


def _sine(s, a, b):
    near, far = mp.exp(-(a + b - 2 * s) / 2), mp.exp(-(a + b + 2 * s) / 2)
    return (near - far) / 2, (near + far) / 2


def _exact(moments, x, y, w, bias):
    """Return the NTK by the recursion as it is written, in as many digits as mpmath has."""
    d, depth = len(x), len(w)
    next_ = [lambda v, k=k: w[k] ** 2 * v + bias[k] ** 2 for k in range(depth)]
    dot = lambda p, q: sum(i * j for i, j in zip(p, q, strict=True)) / d  # noqa: E731
    s, a, b = (next_[0](dot(*pair)) for pair in ((x, y), (x, x), (y, y)))
    theta = s
    for k in range(1, depth):
        value, slope = moments(s, a, b)
        theta = w[k] ** 2 * (value + theta * slope) + bias[k] ** 2
        a, b = (next_[k](moments(v, v, v)[0]) for v in (a, b))
        s = next_[k](value)
    return theta


def _difference(function, at, k):
    step = mp.mpf(10) ** -30
    moved = [[v + sign * step * (i == k) for i, v in enumerate(at)] for sign in (1, -1)]
    return float((function(moved[0]) - function(moved[1])) / (2 * step))


@pytest.fixture(scope="module", autouse=True)
def _float64():
    with jax.enable_x64(True), mp.workdps(100):
        yield


@pytest.mark.parametrize("name", DEPTHS)
def test_jit_gives_the_same_values(name):
    """1,024 pairs, equal, opposite, parallel, nearly parallel and zero ones among them."""
    of = {"activation": name, "depth": DEPTHS[name]}
    both = jax.jit(lambda x: (ntk(x, **of), nngp(x, **of), ntk(x, X[:8], **of)))(X)
    for found, kernel, y in zip(both, (ntk, nngp, ntk), (X, X, X[:8]), strict=True):
        assert found.dtype == jnp.float64
        exact = kernel(X, y.copy(), **of)
        scale = np.sqrt(np.outer(*(np.diag(kernel(v, **of)) for v in (X, y))))
        assert (np.abs(found - exact) <= 1e-13 * scale).all()


@pytest.mark.parametrize(
    ("name", "exact"),
    [("erf", _arcsine), ("relu", _arc_cosine), ("gelu", _gelu), ("sin", _sine)],
)
def test_gradients_in_x_and_in_the_scales(name, exact):
    """Against central differences in 100 digits; at equal and opposite inputs the mean of sides."""
    u, v = np.array([1.0, -2.0, 0.5]), np.array([0.3, 1.0, 1.0])
    pairs = [
        (u, v), (u, u), (u, -u), (u, 2 * u), (1e4 * u, 1e4 * u + 1e-2 * v), (1e4 * u, 0.03 * u),
        (1e-2 * u, v), (1e4 * u, 1e4 * u),
    ]  # fmt: skip
    w, bias = np.array([1.0, 1.3, 0.7]), np.array([0.0, 0.2, 0.5])
    value = lambda x, y, w, b: ntk(  # noqa: E731
        x[None], y[None], activation=name, depth=3, weight_std=w, bias_std=b
    )[0, 0]
    found = jax.jit(jax.vmap(jax.grad(value, (0, 1, 2, 3)), (0, 0, None, None)))(
        *map(np.array, zip(*pairs, strict=True)), w, bias
    )
    for row, (x, y) in enumerate(pairs):
        numbers = [[mp.mpf(float(t)) for t in part] for part in (x, y, w, bias)]
        for place, (at, gradient) in enumerate(zip(numbers, found, strict=True)):

            def function(moved, place=place, numbers=numbers):
                return _exact(exact, *numbers[:place], moved, *numbers[place + 1 :])

            truth = np.array([_difference(function, at, k) for k in range(len(at))])
            error = np.linalg.norm(gradient[row] - truth)
            assert error <= 1e-10 * np.linalg.norm(truth), (row, place)


def test_second_derivatives():
    x, y = X[12], X[13]
    f = lambda z: ntk(z[None], y[None], activation="erf")[0, 0]  # noqa: E731
    numbers = [mp.mpf(float(t)) for t in y]

    def slope(z, k):
        whole = lambda v: _exact(_arcsine, v, numbers, [1, 1], [0, 0])  # noqa: E731
        step = mp.mpf(10) ** -30
        moved = [[t + sign * step * (i == k) for i, t in enumerate(z)] for sign in (1, -1)]
        return (whole(moved[0]) - whole(moved[1])) / (2 * step)

    at = [mp.mpf(float(t)) for t in x]
    truth = [[_difference(lambda z, k=k: slope(z, k), at, j) for j in range(2)] for k in range(2)]
    found = jax.jit(jax.jacfwd(jax.grad(f)))(x)
    np.testing.assert_allclose(found[:2, :2], truth, rtol=1e-8)


def test_zero_inputs_have_finite_derivatives():
    zero = jnp.zeros(4)
    for name in ("erf", "relu", "sin"):
        total = lambda z, name=name: ntk(z[None], X[:9], activation=name).sum()  # noqa: E731
        gradient = jax.jit(jax.grad(total))(zero)
        assert np.isfinite(gradient).all()
    # Depth 2 of ReLU: the odd part of k(hx, y) in h is h x·y/2d, of the NTK's two terms ¼ each.
    gradient = jax.jit(jax.grad(lambda z: ntk(z[None], X[1:2], activation="relu")[0, 0]))(zero)
    np.testing.assert_allclose(gradient, X[1] / 8, rtol=1e-14)


@pytest.mark.parametrize("some", [((16, 128), (None, 2048)), ((1, 2), (None, 2048))])
def test_changes_by_products_of_matrices_keep_the_digits(some, monkeypatch):
    """But for few or many nearly parallel pairs, whose cusps would make much of rounding."""
    monkeypatch.setattr("attractory.kernels.pair_numbers._SOME", some)
    points, x_dot, y_dot = (jnp.asarray(v) for v in (X, *RNG.standard_normal((2, *X.shape))))
    n = pair_numbers(True, 0.0, points, points, None)
    for dots, own, its in (((x_dot, None), n.a, n.b), ((None, y_dot), n.b, n.a)):
        one, other = (
            moves(few, 0.0, n, points, points, None, *dots).across for few in (True, False)
        )
        sizes = [None if dot is None else np.linalg.norm(dot, axis=1) for dot in dots]
        size = sizes[1] if sizes[0] is None else sizes[0][:, None]
        # |y⊥| is the root of gap/a, and known to some 1e-24 of |y|; where it is 0, p is.
        most = size * (np.sqrt(n.gap / np.where(own > 0, own, 1)) + 1e-14 * np.sqrt(its))
        assert (np.abs(one - other) <= 1e-10 * most)[n.gap > 0].all()


def test_products_of_matrices_keep_the_digits(monkeypatch):
    """Beyond a size gaps come from products, but for those that rounding would spoil."""
    whole = jax.jit(partial(ntk, activation="relu", depth=3))(X)
    points = jnp.asarray(X)
    diagonal = jnp.eye(len(X), dtype=bool)
    one, other = (pair_numbers(few, 0.0, points, points, diagonal) for few in (True, False))
    # y⊥ is known to some 1e-24 of y, which is less than 1e-12 of it where points are parallel.
    roots = [np.sqrt(gap / np.maximum(one.a * one.b, 1e-300)) for gap in (other.gap, one.gap)]
    np.testing.assert_allclose(*roots, rtol=1e-12, atol=1e-23)
    scale = np.sqrt(np.outer(np.diag(whole), np.diag(whole)))
    monkeypatch.setattr("attractory.kernels.pair_numbers._EXACT", 0)
    again = jax.jit(lambda x: ntk(x, activation="relu", depth=3))(X)
    assert (np.abs(whole - again) <= 1e-13 * scale).all()


def test_gradients_by_blocks_of_rows(monkeypatch):
    """Of a set with itself and with another, every entry with a weight of its own."""
    kw = {"activation": "relu", "bias_std": 0.3, "parametrization": "standard", "width": 9}
    x, y, weights = (RNG.standard_normal(shape) for shape in ((7, 3), (5, 3), (7, 12)))
    step = 1e-5 * RNG.standard_normal(x.shape)

    def total(x, y):
        return (ntk(x, **kw) * weights[:, :7]).sum() + (ntk(x, y, **kw) * weights[:, 7:]).sum()

    made = jax.grad(total, (0, 1))
    one, moved = jax.jit(made)(x, y), total(x + step, y) - total(x - step, y)
    np.testing.assert_allclose(2 * jnp.vdot(one[0], step), moved, rtol=1e-6)
    monkeypatch.setattr("attractory.kernels.pure._BLOCK", 20)
    monkeypatch.setattr("attractory.kernels.pair_numbers._EXACT", 0)
    sets = np.stack([np.ones_like(y), y])
    by_blocks = jax.jit(jax.vmap(lambda x, y: made(x, y), (None, 0)))(x, sets)
    for k in range(2):
        np.testing.assert_allclose(by_blocks[k][1], one[k], rtol=1e-11, atol=1e-13)


def test_vmap_over_data_sets_and_float32():
    sets = RNG.standard_normal((5, 6, 3))
    together = jax.jit(jax.vmap(lambda x: ntk(x, activation="gelu")))(sets)
    for x, found in zip(sets, together, strict=True):
        np.testing.assert_allclose(found, ntk(x, activation="gelu"), rtol=1e-13)
    with jax.enable_x64(False):
        single = jax.jit(lambda x: ntk(x, activation="gelu"))(sets[0].astype(np.float32))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, together[0], rtol=1e-5)


def test_scales_and_parametrisations():
    """σ_w scales a linear network; with unit scales the standard NTK weighs layers by fan-ins."""
    x, y = RNG.standard_normal((3, 4)), RNG.standard_normal((2, 4))
    s = x @ y.T / 4
    kw = {"activation": "linear", "depth": 2, "weight_std": [2.0, 3.0], "bias_std": [0.5, 0.25]}
    np.testing.assert_allclose(nngp(x, y, **kw), 9 * (4 * s + 0.25) + 0.0625, rtol=1e-13)
    np.testing.assert_allclose(ntk(x, y, **kw), 18 * (4 * s + 0.25) + 0.0625, rtol=1e-13)
    standard = ntk(x, y, activation="linear", depth=3, parametrization="standard", width=[50, 70])
    np.testing.assert_allclose(standard, 4 * s + 50 * s + 70 * s, rtol=1e-13)
    # Equal scales go by tables of another mixture, others by the pure route.
    for std in (1.7, [1.7, 1.7, 1.7]):
        kw = {"activation": "tanh", "depth": 3, "bias_std": 0.3}
        one = ntk(x, weight_std=std, **kw)
        other = jax.jit(lambda z, kw=kw, std=std: ntk(z, weight_std=std, **kw))(x)
        np.testing.assert_allclose(one, other, rtol=1e-12)
    uneven = {"activation": "relu", "depth": 3, "weight_std": [1.0, 1.2, 0.8]}
    np.testing.assert_allclose(
        nngp(x, y, **uneven), 1.2**2 * 0.8**2 * nngp(x, y, activation="relu", depth=3), rtol=1e-13
    )


@pytest.mark.parametrize("uneven", [{}, {"weight_std": [1.0, 1.2]}], ids=["tables", "any"])
def test_float32_rounds_the_result_alone(uneven):
    kw = {"activation": "erf", **uneven}
    for args in ((X,), (X, X[:5])):
        single = ntk(*args, dtype=np.float32, **kw)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, ntk(*args, **kw), rtol=2e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("kw", "error", "words"),
    [
        ({"weight_std": -1.0}, ValueError, "weight_std must be positive"),
        ({"bias_std": [0.1, -0.1]}, ValueError, "bias_std must be at least 0"),
        ({"bias_std": [0.1] * 3}, ValueError, "bias_std must be one number or 2"),
        ({"weight_std": "a"}, TypeError, "weight_std must be a number"),
        ({"parametrization": "mup"}, ValueError, "parametrization must be one of"),
        ({"parametrization": "standard"}, ValueError, "'standard' needs width"),
        ({"width": 10}, ValueError, "'ntk' takes no width"),
        ({"depth": 1}, ValueError, "depth must be at least 2"),
        ({"dtype": np.float16}, ValueError, "dtype must be float32 or float64, got float16"),
    ],
)
def test_bad_scales_are_named(kw, error, words):
    with pytest.raises(error, match=words):
        ntk(np.ones((2, 3)), **kw)


def test_what_cannot_be_traced_is_named():
    x = jnp.ones((2, 3))
    for call, error, words in [
        (lambda: jax.jit(lambda d: ntk(x, depth=d))(3), TypeError, "depth"),
        (lambda: jax.jit(lambda w: ntk(x, width=w, parametrization="standard"))(3), TypeError,
         "width"),
        (lambda: jax.jit(ntk)(x[0]), ValueError, r"x must have shape \(n, d\), got shape \(3,\)"),
        (lambda: jax.jit(ntk)(x, x[:, :2]), ValueError, "y must have 3 features"),
        (lambda: jax.jit(ntk)(x, x.astype(np.float32)), TypeError, "y is float32 where x"),
        (lambda: jax.jit(ntk)(x * 1j), TypeError, "x must be float32 or float64"),
    ]:  # fmt: skip
        with pytest.raises(error, match=words):
            call()


def test_checkify_refuses_what_is_refused_outside():
    """Inside jit values are unknown; there these are NaN, or count by their square."""

    def kernel(x, y, w, b):
        return ntk(x, y, activation="linear", weight_std=w, bias_std=b)

    checked = jax.jit(checkify.checkify(kernel, errors=checkify.user_checks))
    good = np.ones((2, 3)), np.ones((1, 3)), 1.0, 0.0
    assert checked(*good)[0].get() is None
    for place, value, word in [
        (0, np.nan, "x must"), (0, 1e60, "x must"), (1, np.inf, "y must"), (2, -1.0, "weight_std"),
        (2, np.nan, "weight_std"), (3, -1.0, "bias_std"),
    ]:  # fmt: skip
        bad = [v * value if k == place and k < 3 else v for k, v in enumerate(good)]
        bad[3] = value if place == 3 else 0.0
        assert word in checked(*bad)[0].get()


def test_quadrature_that_does_not_suffice_is_an_error_in_compiled_code_too():
    point = np.array([[0.5, 0.3]])
    kernel = jax.jit(lambda x: ntk(x, activation=activation_from(jnp.tanh, terms=32)))
    np.testing.assert_allclose(kernel(point), ntk(point, activation="tanh"), rtol=1e-8)
    with pytest.raises((jax.errors.JaxRuntimeError, ValueError), match="32 terms leave out more"):
        jax.block_until_ready(kernel(1e3 * point))


def test_derivatives_where_a_point_meets_itself_do_not_hang_on_rounding():
    """There θ₃ = 3 w₁² w₂² κ² v + a constant, with v = w₀² x²/d + b² and κ = E[φ′²]."""
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).standard_normal((3, 4)))

        def diagonal(first):
            std = jnp.array([1.0, 0.9, 1.2]) * jnp.array([first, 1, 1])
            return jnp.diag(ntk(x, activation="leaky_relu", depth=3, weight_std=std, bias_std=0.2))

        scales = jnp.linspace(0.9, 1.1, 16)
        found = jax.jit(jax.vmap(jax.jacfwd(diagonal)))(scales)
    square, share = np.mean(np.square(x), axis=1), (1 + 0.01**2) / 2
    wanted = 6 * (0.9 * 1.2 * share) ** 2 * np.outer(scales, square)
    assert np.allclose(found, wanted, rtol=1e-9)
