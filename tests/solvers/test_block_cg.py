"""Block conjugate gradients against direct solves, and the products they are made of."""

import numpy as np
import pytest

from attractory import fit_regression, ntk
from attractory._util.parallel import sharing
from attractory.datasets import rescale, sphere
from attractory.kernels.kernel import Kernel
from attractory.kernels.tiles import Tiles, is_one_norm
from attractory.solvers.block_cg import solve
from attractory.solvers.kernel_product import Points, Product, SharedProduct
from attractory.solvers.nystrom import nystrom

KERNEL = Kernel.of("sigmoid", 2)


def _spd(n, condition, seed=0):
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    return (q * np.geomspace(1, condition, n)) @ q.T


@pytest.mark.parametrize("columns", [1, 7, 40])
def test_solves_what_a_direct_solver_solves(columns):
    matrix = _spd(150, 1e3)
    right = np.random.default_rng(1).normal(size=(150, columns))
    sizes = np.full(150, np.linalg.norm(right) / np.sqrt(150))
    found = solve(lambda v: matrix.astype(v.dtype) @ v, right, sizes, tolerance=1e-9, max_steps=900)
    assert found.converged
    assert found.residual.max() <= 1e-9
    exact = np.linalg.solve(matrix, right)
    assert np.abs(found.coefficients - exact).max() <= 1e-7 * np.abs(exact).max()


def test_a_block_ends_once_its_directions_span_the_space():
    # In exact arithmetic c columns of n equations end after n / c steps.
    matrix = _spd(60, 100.0)
    right = np.random.default_rng(2).normal(size=(60, 30))
    steps = []
    solve(
        lambda v: matrix.astype(v.dtype) @ v, right, np.ones(60), tolerance=1e-3, max_steps=9,
        report=lambda k, worst: steps.append(k),
    )  # fmt: skip
    assert max(steps) <= 3  # two, and the residual


def test_the_residual_told_is_that_of_the_coefficients():
    matrix = _spd(80, 1e6)
    right = np.random.default_rng(3).normal(size=(80, 3))
    found = solve(
        lambda v: matrix.astype(v.dtype) @ v, right, np.ones(80), tolerance=1e-12, max_steps=12
    )
    assert not found.converged
    left = np.linalg.norm(right - matrix @ found.coefficients, axis=1)
    assert np.allclose(found.residual, left, rtol=1e-6, atol=1e-13)


def test_dependent_and_zero_columns_do_no_harm():
    matrix = _spd(80, 100.0)
    right = np.random.default_rng(5).normal(size=(80, 4))[:, [0, 1, 1, 2, 3, 3]]
    right[:, 4] = 0
    found = solve(
        lambda v: matrix.astype(v.dtype) @ v, right, np.ones(80), tolerance=1e-9, max_steps=200
    )
    assert found.converged
    assert np.allclose(matrix @ found.coefficients, right, atol=1e-8)


def test_nystrom_brings_the_largest_eigenvalues_down():
    x = sphere(120, 6, norm=8.0, seed=0)
    matrix = ntk(x)
    before = np.linalg.eigvalsh(matrix)
    precondition = nystrom(x, KERNEL, 60)
    inverse = precondition(np.eye(120))
    assert np.allclose(inverse, inverse.T, atol=1e-12)
    root = np.linalg.cholesky(inverse)
    after = np.linalg.eigvalsh(root.T @ matrix @ root)
    assert after[-1] / after[0] < 0.1 * before[-1] / before[0]
    # With every point a landmark it is a multiple of the inverse.
    whole = nystrom(x, KERNEL, 120)(matrix)
    assert np.allclose(whole, before[0] * np.eye(120), atol=1e-6 * before[0])


@pytest.fixture
def points(monkeypatch):
    """Points of one norm, and of norms that one table does not cover; more than a tile holds."""
    monkeypatch.setattr("attractory.kernels.tiles.TILE", 64)
    x = sphere(150, 5, norm=9.0, seed=1)
    return x, x * np.geomspace(0.9, 3, len(x))[::-1, None]


@pytest.mark.parametrize("which", [0, 1])
def test_products_are_those_of_the_matrix(points, which):
    x = points[which]
    v = np.random.default_rng(6).normal(size=(len(x), 3))
    matrix = ntk(x)
    exact = matrix @ v + 0.3 * v
    scale = np.abs(exact).max()
    for room in (0.0, 3e4, 1e9):  # bytes for tiles: none, some, all
        product = Product(Points(x, KERNEL), 0.3, room)
        assert np.abs(product(v) - exact).max() <= 1e-13 * scale
        for _ in range(2):
            single = product(v.astype(np.float32))
            assert single.dtype == np.float32
            assert np.abs(single - exact).max() <= 2e-5 * scale
    with sharing("devices") as (count, share):
        shared = SharedProduct(Points(x, KERNEL), 0.3, count, share)(v)
    assert np.abs(shared - exact).max() <= 1e-13 * scale


@pytest.mark.parametrize("which", [0, 1])
def test_tiles_that_are_kept_hold_no_more_than_their_room(points, which):
    x, room = points[which], 1e5
    product = Product(Points(x, KERNEL), 0.0, room)
    product(np.ones((len(x), 1), np.float32))
    kept = [tile if tile.base is None else tile.base for tile in product._kept.values()]
    assert kept
    assert (
        sum(
            getattr(held, "nbytes", tile.nbytes)
            for held, tile in zip(kept, product._kept.values(), strict=True)
        )
        <= room
    )


def test_points_of_one_norm_are_known_at_any_dimension():
    # The squares of 49,152 numbers added one after another differ by 2e-14.
    x = np.random.default_rng(0).normal(size=(60, 49152)) ** 2
    x *= 600 / np.linalg.norm(x, axis=1, keepdims=True)
    assert is_one_norm(x)
    x[7] *= 1 + 1e-14
    assert not is_one_norm(x)


def test_tiles_cover_the_upper_triangle_once(points):
    x = points[1]
    tiles = Tiles(x, KERNEL, "ntk")
    assert sorted(tiles.order.tolist()) == list(range(len(x)))
    count = np.zeros((len(x), len(x)), int)
    for i, j in tiles.upper():
        rows, columns = tiles.spans[i], tiles.spans[j]
        values = tiles.one(i, j)
        assert values.shape == (rows.stop - rows.start, columns.stop - columns.start)
        count[rows, columns] += 1
    assert (np.triu(count) == np.triu(np.ones_like(count))).all()


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_regressions_by_both_solvers_are_one(ridge):
    x = rescale(sphere(70, 12, seed=2), norm=12.0)
    direct = fit_regression(x, activation="erf", solver="cholesky", ridge=ridge)
    iterated = fit_regression(x, activation="erf", solver="cg", ridge=ridge, tolerance=1e-11)
    where = sphere(20, 12, norm=11.0, seed=3)
    assert np.abs(direct(where) - iterated(where)).max() < 1e-7
    assert float(iterated.residual) == pytest.approx(float(direct.residual), abs=1e-9, rel=1e-3)


def test_a_solve_short_of_steps_is_told_and_not_claimed():
    with pytest.warns(UserWarning, match="does not interpolate.*max_steps"):
        f = fit_regression(sphere(60, 4, norm=5.0), solver="cg", max_steps=2)
    assert not f.interpolates
    x = np.asarray(f.patterns)
    missed = np.linalg.norm(np.asarray(f(x)) - x, axis=1) / 5.0
    assert float(f.residual) == pytest.approx(missed.max(), rel=1e-6)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"solver": "lu"}, "solver must be one of"),
        ({"tolerance": 0.0}, "tolerance must be"),
        ({"max_steps": 0}, "max_steps must be"),
        ({"compute": "gpu"}, "compute must be None"),
    ],
)
def test_settings_out_of_range_are_named(setting, words):
    with pytest.raises(ValueError, match=words):
        fit_regression(sphere(3, 4), **setting)


def test_what_cannot_fit_is_refused_before_it_is_allocated(monkeypatch):
    monkeypatch.setattr("attractory._util.machine.machine_bytes", lambda: 8.0 * 50**2 - 1)
    x = sphere(50, 2, norm=30.0)
    with pytest.raises(ValueError, match=r"patterns must fit.*pass solver='cg'"):
        fit_regression(x, solver="cholesky")
    with pytest.raises(ValueError, match="pass fewer rows"):
        fit_regression(sphere(50, 30, norm=30.0), solver="cg")
