"""The infinite-width map: interpolation, linear-region theory, scaling, bad input."""

import warnings
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

from attractory import (
    Autoencoder,
    eigenvalues,
    fit_regression,
    fit_sampled_regression,
    ntk,
    recall,
    spectral_radius,
    train,
)
from attractory.activations import Linear
from attractory.datasets import bundled_digits, gaussian, rescale, sphere
from attractory.kernels.kernel import Kernel
from attractory.maps import InterpolationWarning, SingularKernelError
from attractory.maps.kernel_regression import by_blocks, factorised_regression


@pytest.mark.parametrize(
    ("activation", "depth"),
    [("sigmoid", 3), ("tanh", 2), ("erf", 3), ("erf_surrogate", 2), ("arctan", 2)],
)
def test_patterns_are_fixed_points(activation, depth):
    x = sphere(8, 12, norm=10.0)
    f = fit_regression(x, activation=activation, depth=depth)
    assert f.interpolates
    assert f.residual < 1e-11
    np.testing.assert_allclose(f(x), x, atol=1e-10)


def test_maps_go_into_jax_as_functions_and_as_arguments():
    """Two of one size: each keeps its own compiled code."""
    x = sphere(8, 12, norm=10.0)
    # Of an activation with an offset: under an odd one the two would be the same map.
    maps = [fit_regression(y, activation="erf_surrogate") for y in (x, -x)]
    maps.append(Autoencoder(12, width=8))
    as_argument = jax.jit(lambda f, v: f(v))
    for f in maps:
        assert hash(f) == hash(f)
        for found in (jax.jit(f)(x), as_argument(f, x)):
            np.testing.assert_allclose(found, f(x), atol=1e-4)  # of float32, the caller's
    assert np.abs(jax.jit(maps[1])(-x) + x).max() < 1e-3


def test_is_kernel_regression():
    """f(q) = k(q, X) K⁻¹ X, by NumPy's solver and the public kernel."""
    x, q = gaussian(7, 5, std=3.0), gaussian(4, 5, std=5.0, seed=1)
    f = fit_regression(x)
    expected = ntk(q, x) @ np.linalg.solve(ntk(x), x)
    np.testing.assert_allclose(f(q), expected, rtol=1e-9)
    ridged = fit_regression(x, ridge=0.5)
    expected = ntk(q, x) @ np.linalg.solve(ntk(x) + 0.5 * np.eye(7), x)
    np.testing.assert_allclose(ridged(q), expected, rtol=1e-10)
    assert not ridged.interpolates
    assert ridged.residual == pytest.approx(
        np.max(np.linalg.norm(ridged(x) - x, axis=1) / np.linalg.norm(x, axis=1))
    )


def test_linear_activation_projects_onto_the_span():
    """For a linear network the interpolant of least norm is the projection onto the patterns."""
    x, q = gaussian(3, 6), gaussian(5, 6, seed=1)
    f = fit_regression(x, activation=Linear(0.7), depth=3)
    projector = np.linalg.pinv(x) @ x
    np.testing.assert_allclose(f(q), q @ projector, atol=1e-12)
    np.testing.assert_allclose(f.jacobian(q[0]), projector.T, atol=1e-12)


def test_shapes_and_batches():
    f = fit_regression(sphere(4, 5, norm=3.0))
    q = gaussian(6, 5).reshape(2, 3, 5)
    values, jacobians = f(q), f.jacobian(q)
    assert values.shape == (2, 3, 5)
    assert jacobians.shape == (2, 3, 5, 5)
    np.testing.assert_allclose(values[1, 2], f(q[1, 2]), rtol=1e-12)
    np.testing.assert_allclose(jacobians[1, 2], f.jacobian(q[1, 2]), rtol=1e-10, atol=1e-14)


def test_blocks_of_queries_agree(monkeypatch):
    f = fit_regression(sphere(4, 5, norm=3.0))
    q = gaussian(140, 5, seed=2)  # too many to be summed pair by pair
    values = f(q)
    monkeypatch.setattr("attractory.maps.kernel_regression._BLOCK", 4 * 16)
    # Another number of them: for this one a program is there. A prime one leaves a remainder.
    np.testing.assert_allclose(f(q[:131]), values[:131], rtol=1e-13)


def test_blocks_are_equal_where_they_can_be_and_hold_no_more_than_they_may(monkeypatch):
    monkeypatch.setattr("attractory.maps.kernel_regression._BLOCK", 4 * 16)
    for count in (1, 16, 17, 47, 48, 50):
        seen = []

        def rows(some, seen=seen):
            seen.append(some.shape[0])
            return 2 * some

        points = jax.numpy.arange(3.0 * count).reshape(count, 3)
        np.testing.assert_array_equal(jax.jit(partial(by_blocks, rows, n=4))(points), 2 * points)
        assert max(seen) <= 16
        assert len(seen) == (2 if count in (17, 47) else 1)


def test_patterns_of_differing_norms():
    x = sphere(9, 6) * np.logspace(-1, 3, 9)[:, None]
    f = fit_regression(x)
    assert f.residual < 1e-9
    q = gaussian(3, 6, std=10.0)
    expected = ntk(q, x) @ np.linalg.solve(ntk(x), x)
    np.testing.assert_allclose(f(q), expected, rtol=1e-8)


def test_parallel_and_antiparallel_patterns_are_legal():
    """Appendix D.3 stores x and −x. K is singular but for one such pair and σ(0) ≠ 0."""
    x, q = sphere(3, 6, norm=20.0), gaussian(4, 6, std=5.0)
    for activation in ("sigmoid", "erf"):
        pair = fit_regression(np.vstack([x[:1], -x[:1]]), activation=activation)
        assert pair.residual < 1e-12
        f = fit_regression(np.vstack([x, -x, 1.7 * x]), activation=activation)
        assert f.residual < 1e-9
        # What it stores is odd, and so is a map that least-norm gradient flow reaches.
        np.testing.assert_allclose(f(-x), -x, atol=1e-8)
        if activation != "sigmoid":
            np.testing.assert_allclose(f(-q), -f(q), atol=1e-8)
            half = fit_regression(np.vstack([x, 1.7 * x]), activation=activation)
            np.testing.assert_allclose(f(q), half(q), atol=1e-8)


def test_more_patterns_than_dimensions_under_a_linear_activation():
    """K has rank d, and the map is the identity."""
    x, q = gaussian(9, 4), gaussian(5, 4, seed=1)
    f = fit_regression(x, activation="linear")
    assert f.interpolates
    np.testing.assert_allclose(f(q), q, atol=1e-10)


def test_real_digits():
    images, _ = bundled_digits(50)
    f = fit_regression(rescale(images, 100.0))
    assert f.residual < 1e-12
    assert "interpolates" in repr(f)
    assert "50 patterns of dim 784" in repr(f)


def test_can_be_traced_and_differentiated():
    f = fit_regression(sphere(4, 5, norm=3.0))
    q = gaussian(2, 5)
    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.jit(lambda v: f(v))(q), f(q), rtol=1e-12)
        gradient = jax.jit(jax.grad(lambda v: f(v).sum()))(q[0])
    np.testing.assert_allclose(gradient, f.jacobian(q[0]).sum(axis=0), rtol=1e-6)


def test_values_and_jacobians_are_the_same_in_a_trace():
    """Small calls go another way than traces and large ones do; patterns of several groups mix."""
    norms = 10.0 ** np.random.default_rng(0).uniform(-1, 2, 6)
    x, q = sphere(6, 5) * norms[:, None], gaussian(3, 5, std=4.0, seed=1)
    f = fit_regression(x)
    assert len(f._groups) > 1
    with jax.enable_x64(True):
        values, (left, right) = jax.jit(lambda y: (f(y), f.jacobian_factors(y)))(q)
    np.testing.assert_allclose(values, f(q), rtol=1e-10)
    whole = np.asarray(left) @ np.asarray(right)
    np.testing.assert_allclose(whole, f.jacobian(q), rtol=1e-8, atol=1e-12)


def test_a_miss_is_warned_of_where_the_package_was_called():
    """Without enough steps the equations stay unsolved, whichever function solves them."""
    x = sphere(30, 10, norm=30.0)
    with pytest.warns(InterpolationWarning) as caught:
        f = fit_regression(x, solver="cg", max_steps=1)
    missed = np.linalg.norm(f(x) - x, axis=1) / 30
    assert f.residual == pytest.approx(missed.max(), rel=1e-9)
    assert [Path(w.filename).name for w in caught] == [Path(__file__).name]


def test_near_singular_kernel_is_said_aloud():
    """Patterns a hair apart in the linear region: K has rank about d."""
    x = 1e-3 * gaussian(12, 3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            f = fit_regression(x)
        except SingularKernelError as error:
            assert "singular" in str(error)  # noqa: PT017
            return
    assert f.interpolates != any(w.category is InterpolationWarning for w in caught)
    assert not f.interpolates or f.residual <= 1e-6


def test_duplicates_are_allowed_with_a_ridge():
    x = np.vstack([sphere(2, 4), sphere(1, 4)])
    with pytest.raises(ValueError, match="rows 0 and 2 equal"):
        fit_regression(x)
    assert fit_regression(x, ridge=1e-3).residual > 0


def test_ints_and_float32_give_the_same_map():
    x = np.array([[3, 0, 1], [0, 4, 1]])
    f = fit_regression(x)
    for dtype in (np.float32, np.float64):
        assert (fit_regression(x.astype(dtype))(x) == f(x)).all()
    assert f(x).dtype == np.float64


def test_a_second_memory_of_the_same_shape_is_not_compiled_anew():
    from attractory.maps import kernel_regression as regression

    first, second = (fit_regression(sphere(5, 7, norm=4.0, seed=k)) for k in (1, 2))
    first(first.patterns)
    size = regression._apply._cached._cache_size()
    second(second.patterns)
    assert regression._apply._cached._cache_size() == size


@pytest.mark.parametrize(
    ("patterns", "kw", "words"),
    [
        ([[1.0, np.nan]], {}, "patterns must be finite"),
        ([[1.0, 2.0], [0.0, 0.0]], {}, "zero vector, got one in row 1"),
        ([[1.0, 2.0], [1.0, 2.0]], {}, "rows 0 and 1 equal; remove one"),
        (np.ones((0, 2)), {}, "patterns must not be empty"),
        (np.ones(2), {}, r"one point is patterns\[None\]"),
        (np.ones((1, 2)), {"depth": 1}, "depth must be at least 2, got 1"),
        (np.ones((1, 2)), {"activation": "rectifier"}, "activation must be one of"),
        (np.ones((1, 2)), {"ridge": -1.0}, "ridge must be a finite number of at least 0, got -1"),
    ],
)
def test_bad_values(patterns, kw, words):
    with pytest.raises(ValueError, match=words):
        fit_regression(patterns, **kw)


def test_bad_queries():
    f = fit_regression(sphere(3, 4))
    for query, words in [
        (np.ones(5), "x must have 4 features"),
        (np.full(4, np.nan), "x must be finite"),
    ]:
        for method in (f, f.jacobian, f.jacobian_factors):
            with pytest.raises(ValueError, match=words):
                method(query)


def test_sampled_regression_is_the_formula():
    x, q = sphere(5, 6, norm=15.0), gaussian(4, 6, std=5.0)
    act = {"activation": "erf_surrogate", "depth": 3}
    f0 = Autoencoder(6, width=300, key=0, dtype=np.float64, **act)
    f = fit_sampled_regression(f0, x)
    assert f.residual < 1e-10
    expected = f0(q) + ntk(q, x, **act) @ np.linalg.solve(ntk(x, **act), x - f0(x))
    np.testing.assert_allclose(f(q), expected, rtol=1e-9, atol=1e-10)
    with jax.enable_x64(True):
        automatic = np.asarray(jax.jit(jax.jacfwd(f))(q[0]))
    np.testing.assert_allclose(f.jacobian(q[0]), automatic, atol=1e-6)
    assert np.abs(eigenvalues(f, q)[:, 0]) == pytest.approx(spectral_radius(f, q), rel=1e-9)
    assert recall(f, x).converged.all()
    assert "SampledRegression(5 patterns" in repr(f)
    with pytest.raises(ValueError, match="patterns must have 6 features"):
        fit_sampled_regression(f0, np.ones((2, 5)))


def test_a_trained_network_meets_its_own_limit():
    x, q = sphere(4, 6, norm=3.0), sphere(20, 6, norm=3.0, seed=5)
    gaps = []
    for width in (500, 8000):
        f0 = Autoencoder(6, width=width, key=2, dtype=np.float64)
        trained = train(f0, x, tolerance=1e-16).model
        gaps.append(np.linalg.norm(trained(q) - fit_sampled_regression(f0, x)(q)))
    assert gaps[1] < gaps[0] / 2  # √16 = 4 in the mean; one seed


def test_one_target_that_cannot_be_met_is_enough_for_an_error():
    """Two patterns that are one to rounding, and answers that differ: the other rows are met."""
    x = sphere(5, 8, norm=10.0)
    x = np.vstack([x, x[-1] * (1 + 1e-15)])
    targets = np.vstack([x[:-1], -x[-1:]])
    kernel = Kernel.of("erf_surrogate", 2)
    with pytest.raises(
        SingularKernelError, match=r"row [45] would be missed by 1e\+00 of its norm"
    ):
        factorised_regression(x, targets, kernel, 0.0)
    met = factorised_regression(x, targets, kernel, 1e-3)  # a ridge allows it
    assert met.residual > 0.5
    assert not met.interpolates
