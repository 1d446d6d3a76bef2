"""Certificates: each bound holds wherever it is looked at, and none exceeds a true basin."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_maps import Cubic, Product, Ring, Sigmoid

from attractory import (
    Autoencoder,
    certified_radius,
    critical_shock,
    fit_regression,
    recall,
    train,
)
from attractory.activations import activation
from attractory.analysis import CertificateStatus
from attractory.analysis.certificate_clusters import difference_slopes, join
from attractory.analysis.certificate_gain import stretch
from attractory.analysis.certificate_slopes import mean_slopes
from attractory.datasets import bundled_digits, rescale, sphere
from attractory.kernels import ntk_gradient


def _cubic_change(toy):
    return lambda x, r: 3 * toy.a * (2 * float(np.abs(x).max()) * r + r * r)


def _ring_change(toy):
    """Largest change over a fine polar grid, and 1 % for what lies between its points."""
    jacobian = jax.jit(jax.vmap(jax.jacfwd(toy)))

    def change(x, radius):
        r, angle = np.meshgrid(np.linspace(0, radius, 30), np.linspace(0, 2 * np.pi, 61))
        around = x + np.stack([r * np.cos(angle), r * np.sin(angle)], axis=-1).reshape(-1, 2)
        with jax.enable_x64(True):
            differences = jacobian(jnp.asarray(around)) - jacobian(jnp.asarray(x[None]))
        return 1.01 * float(np.linalg.norm(differences, 2, axis=(1, 2)).max())

    return change


def test_never_above_the_true_distance_of_toy_maps():
    cubic, ring = Cubic(0.3), Ring()
    mixed = Product((cubic,) * 18 + (ring,))
    cubics, rings = _cubic_change(cubic), _ring_change(ring)  # once: each compiles its own

    def product_change(x, r):
        return max(cubics(x[:18], r), rings(x[18:], r))

    for toy, change in [
        (Product((cubic,)), cubics),
        (Product((ring,)), rings),
        (mixed, product_change),
    ]:
        points = np.hstack([part.attractors[0] for part in toy.parts])
        result = certified_radius(toy, points, jacobian_change=change)
        true = min(part.distances[0] for part in toy.parts)
        assert result.certified.all()
        assert (result.radius <= true).all()
        assert (result.radius > 0.2 * true).all()


def test_cubic_is_certified_as_far_as_its_bound_reaches():
    """γ = 1 − 2a + 3a(r + r²/3) for the mean of the bound: 1 at r with r + r²/3 = 2/3."""
    toy = Cubic(0.3)
    result = certified_radius(toy, [[1.0]], jacobian_change=_cubic_change(toy))
    exact = (-1 + np.sqrt(1 + 8 / 9)) * 3 / 2
    assert 0.85 * exact < result.radius[0] <= exact  # the mean is bounded by a sum over cells


@pytest.mark.parametrize(
    ("name", "n", "dim", "norm"),
    [("sigmoid", 5, 30, 40.0), ("tanh", 12, 8, 30.0), ("erf_surrogate", 12, 8, 30.0)],
)
def test_every_step_within_the_ball_comes_nearer(name, n, dim, norm):
    x = sphere(n, dim, norm=norm)
    f = fit_regression(x, activation=name)
    some = x[:2]
    result = certified_radius(f, some)
    assert result.certified.any()
    rng = np.random.default_rng(0)
    for point, radius, rate, floor in zip(
        some, result.radius, result.rate, result.floor, strict=True
    ):
        if radius == 0:
            continue
        directions = np.concatenate(
            [rng.standard_normal((300, dim)), np.delete(x, 0, 0), x - point]
        )
        directions = directions[directions.any(axis=1)]
        _, _, singular = np.linalg.svd(f.jacobian(point))
        directions = np.concatenate([directions, -directions, singular, -singular])
        unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        shares = np.array([0.1, 0.6, 1.0])
        moved = np.linalg.norm(f(point + shares[:, None, None] * radius * unit) - point, axis=2)
        bound = rate * shares * radius + floor
        assert (moved <= bound[:, None]).all()


def test_no_search_breaks_a_certificate_of_digits():
    x = rescale(bundled_digits(20)[0][:, ::4], 50.0)
    f = fit_regression(x)
    some = x[[2, 5]]  # which have small basins
    result = certified_radius(f, some)
    assert (result.radius > 1.0).all()  # 0.02 of the norm
    assert (result.rate < 1).all()
    shock = critical_shock(f, some, starts=2)
    assert (result.radius < shock.distance).all()
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((2, 60, 196))
    cues = some[:, None] + result.radius[:, None, None] * noise / np.linalg.norm(
        noise, axis=2, keepdims=True
    )
    ends = recall(f, cues, tol=1e-10).state
    assert np.abs(ends - some[:, None]).max() < 1e-5


def test_mean_slopes_hold_the_means_over_any_segment():
    """Against quadrature of automatic derivatives of the kernel in the form with PQ − s²."""
    act = activation("sigmoid")
    squares, weights = np.array(act.scales) ** 2, np.array(act.weights)
    pairs = weights[:, None] * weights[None, :] * act.gain**2 * 2 / np.pi

    def theta(s, p, q):
        big_p, big_q = p + squares[:, None], q + squares[None, :]
        return jnp.sum(
            pairs * (jnp.arcsin(s / jnp.sqrt(big_p * big_q)) + s / jnp.sqrt(big_p * big_q - s * s))
        )

    x = sphere(6, 10, norm=20.0)
    point, radius, dim = x[0], 4.0, 10
    bounds = mean_slopes(act, point, x, radius)
    nodes, masses = np.polynomial.legendre.leggauss(12)
    t, masses = (nodes + 1) / 2, masses / 2
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        slopes = jax.jit(jax.vmap(jax.vmap(jax.grad(theta, (0, 1)), (0, None, 0)), (0, 0, None)))
        q = jnp.asarray((x**2).sum(axis=1) / dim)
        for _ in range(40):
            delta = rng.standard_normal(dim)
            delta *= radius * rng.uniform(0.5, 1) / np.linalg.norm(delta)
            path = point + t[:, None] * delta
            in_s, in_p = slopes(
                jnp.asarray(path @ x.T / dim), jnp.asarray((path**2).sum(axis=1) / dim), q
            )
            means = masses @ in_s, masses @ in_p, (masses * 2 * t) @ in_p
            for mean, (middle, half) in zip(means, bounds, strict=True):
                assert (np.abs(np.asarray(mean) - middle) <= half * (1 + 1e-9)).all()


def test_a_failed_try_does_not_spoil_the_next():
    """At large norms most tries fail: the first ball is a hundred times too large."""
    for name, norm in [("sigmoid", 300.0), ("erf_surrogate", 300.0)]:
        x = sphere(20, 32, norm=norm)
        result = certified_radius(fit_regression(x, activation=name), x[:1])
        assert result.radius[0] > 1e-4 * norm
    rng = np.random.default_rng(0)
    m, b = 0.1 * rng.standard_normal((4, 4)), rng.standard_normal((4, 6))
    c, e = 0.02 * rng.standard_normal((6, 4)), 0.002 * rng.random(6)
    fresh, good = stretch(m, b, [c], e)
    assert fresh < 1
    for useless in (good + 40, good - 40, np.full(12, 500.0), np.full(12, -500.0)):
        again, _ = stretch(m, b, [c], e, useless)
        assert again == pytest.approx(fresh, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "cases"),
    [("sigmoid", [(1e-5, 1)]), ("erf_surrogate", [(1e-5, 1), (0.02, 1), (1e-4, 3)])],
)
def test_near_duplicates_elsewhere_do_not_cut_a_certificate(name, cases):
    rng = np.random.default_rng(0)
    x = sphere(8, 24, norm=25.0)
    alone = certified_radius(fit_regression(x, activation=name), x[:1]).radius[0]
    for size, many in cases:
        close = x[-1] + size * 25 * sphere(many, 24, seed=2)
        f = fit_regression(np.vstack([x, close]), activation=name)
        assert np.abs(f.coefficients).max() > 0.1 / size
        beside = certified_radius(f, x[:1]).radius[0]
        assert beside == pytest.approx(alone, rel=0.05)
        # What is proven holds.
        unit = np.concatenate([rng.standard_normal((200, 24)), close - x[0], x[1:] - x[0]])
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        moved = np.linalg.norm(f(x[0] + beside * unit) - x[0], axis=1)
        assert (moved < beside).all()


def test_patterns_are_joined_along_their_shortest_distances():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1e-3], [1.0, 3e-3], [0.0, 1.0 + 1e-4]])
    trees = join(x, 0.01)
    pairs = {tuple(sorted(pair)) for pair in zip(trees.child, trees.parent, strict=True)}
    assert pairs == {(0, 2), (2, 3), (1, 4)}
    np.testing.assert_array_equal(trees.edge, x[trees.child] - x[trees.parent])
    assert len(join(x, 0.0).child) == 0
    coefficients = np.random.default_rng(0).standard_normal((5, 3))
    values = np.random.default_rng(1).standard_normal(5)  # of the kernels
    terms = values.copy()
    terms[trees.child] -= values[trees.parent]
    np.testing.assert_allclose(trees.sums(coefficients).T @ terms, coefficients.T @ values)


def test_a_point_beside_a_fixed_point_is_told_where_its_cues_end():
    x = sphere(8, 24, norm=25.0)
    f = fit_regression(x, activation="erf_surrogate")
    off = 9e-4 * 25 * sphere(1, 24, seed=5)[0]
    at, beside = certified_radius(f, x[:1]), certified_radius(f, x[:1] + off)
    assert beside.certified.all()
    np.testing.assert_allclose(beside.fixed_point, x[:1], atol=1e-9)
    distance = np.linalg.norm(off)
    assert distance <= beside.floor[0] <= 1.001 * distance
    assert at.floor[0] < 1e-6
    assert beside.radius[0] == pytest.approx(at.radius[0] - distance, rel=0.02)
    assert beside.residual[0] > 1e-4
    cues = x[0] + off + beside.radius[0] * sphere(20, 24, seed=6)
    ends = recall(f, cues, tol=1e-12).state
    assert (np.linalg.norm(ends - x[0] - off, axis=1) <= beside.floor[0]).all()
    assert "0.0225 from the point" in repr(beside)


def test_difference_slopes_hold_the_means_over_any_segment():
    """The bounds of a near-duplicate's difference hold the difference of two exact gradients."""
    act = activation("sigmoid")
    x = sphere(6, 10, norm=20.0)
    rng = np.random.default_rng(0)
    edges = 0.3 * rng.standard_normal((6, 10))
    point, radius = x[0] + 0.1, 3.0
    some = difference_slopes(act, point, x, edges, radius)
    t, masses = np.polynomial.legendre.leggauss(12)
    t, masses = (t + 1) / 2, masses / 2
    for _ in range(20):
        delta = rng.standard_normal(10)
        delta *= radius * rng.uniform(0.3, 1) / np.linalg.norm(delta)
        path = point + t[:, None] * delta
        slope = [
            np.einsum(
                "tnd,d,t->n", ntk_gradient(path, y, activation="sigmoid").dense(), delta, masses
            )
            for y in (x, x + edges)
        ]
        factors = x @ delta, edges @ delta, np.full(6, 2 * point @ delta), np.full(6, delta @ delta)
        middle = sum(m * v for (m, _), v in zip(some, factors, strict=True)) / 10
        half = sum(h * abs(v) for (_, h), v in zip(some, factors, strict=True)) / 10
        assert (np.abs(slope[1] - slope[0] - middle) <= half).all()
        assert (half[1:] < 3 * np.abs(slope[0]).max()).all()  # of the first the ball holds the edge


def test_stretch_bounds_every_perturbation_and_is_sharp_where_it_can_be():
    gamma, _ = stretch(np.array([[0.5]]), np.array([[2.0]]), [np.array([[0.1]])], np.array([0.05]))
    assert gamma == pytest.approx(0.5 + 2 * (0.1 + 0.05), rel=1e-4)
    rng = np.random.default_rng(0)
    m, b = 0.3 * rng.standard_normal((4, 4)), rng.standard_normal((4, 6))
    c, e = 0.1 * rng.standard_normal((6, 4)), 0.02 * rng.random(6)
    gamma, start = stretch(m, b, [c, 0.5 * c], e)
    again, _ = stretch(m, b, [c, 0.5 * c], e, start)
    assert again <= gamma * (1 + 1e-9)
    delta = rng.standard_normal((4000, 4))
    sizes = 1.5 * np.abs(delta @ c.T) + e * np.linalg.norm(delta, axis=1)[:, None]
    signs = rng.choice([-1.0, 1.0], sizes.shape)
    values = np.linalg.norm(delta @ m.T + (signs * sizes) @ b.T, axis=1)
    ratio = (values / np.linalg.norm(delta, axis=1)).max()
    assert ratio <= gamma
    assert gamma < 3 * ratio


def test_network_of_depth_2():
    x = sphere(3, 12, norm=40.0)
    f = train(Autoencoder(12, width=3000, key=0), x, tolerance=1e-9).model
    result = certified_radius(f, x)
    assert result.certified.any()
    rng = np.random.default_rng(0)
    unit = rng.standard_normal((500, 12))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    for k in np.flatnonzero(result.certified):
        moved = np.linalg.norm(f(x[k] + result.radius[k] * unit) - x[k], axis=1)
        # 1e-4: the network computes in float32.
        assert (moved <= result.rate[k] * result.radius[k] + result.floor[k] + 1e-4).all()


def test_norm_adapted_to_a_jacobian_that_first_expands():
    """‖J‖ > 1 > ρ(J): with a bounded change the round ball shrinks, but does not vanish."""
    matrix = np.array([[0.5, 2.0], [0.0, 0.5]])
    shift = np.array([1.0, 1.0])

    def f(x):
        y = x - shift
        return y @ jnp.asarray(matrix.T) + 0.1 * y**2 + shift

    result = certified_radius(f, shift[None], jacobian_change=lambda x, r: 0.2 * r)
    assert result.certified.all()
    assert result.condition[0] > 1
    assert result.radius[0] > 0.01
    angles = np.linspace(0, 2 * np.pi, 400)
    cues = shift + result.radius[0] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(recall(f, cues).state, np.tile(shift, (400, 1)), atol=1e-6)


def test_says_when_there_is_nothing_to_certify():
    toy = Sigmoid(2.0)
    flat = lambda x, r: 10 * r  # noqa: E731
    expanding = certified_radius(toy, [[0.0]], jacobian_change=flat)
    assert expanding.status.tolist() == [CertificateStatus.NOT_CONTRACTING]
    assert expanding.radius.tolist() == [0.0]
    elsewhere = certified_radius(toy, [[0.5]], jacobian_change=flat)
    assert elsewhere.status.tolist() == [CertificateStatus.NOT_FIXED]
    assert np.isnan(elsewhere.radius).all()
    assert elsewhere.residual[0] == pytest.approx(abs(np.tanh(1) / np.tanh(2) - 0.5), rel=1e-6)
    for status in CertificateStatus:
        assert status.message


def test_progress_tells_each_point_that_is_done():
    told = []
    x = sphere(3, 2)
    certified_radius(
        lambda y: 0.5 * y, x, jacobian_change=lambda point, reach: 0.0, tolerance=1.0,
        progress=lambda *done: told.append(done),
    )  # fmt: skip
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_bad_values():
    x = sphere(3, 6, norm=20.0)
    f = fit_regression(x)
    for kw, words in [
        ({"points": np.ones((1, 5))}, "points must have 6 features"),
        ({"points": np.full((1, 6), np.nan)}, "points must be finite"),
        ({"points": x, "tolerance": 0.0}, "tolerance must be"),
        ({"points": x, "jacobian_change": lambda x, r: -1.0}, "jacobian_change must be finite"),
    ]:
        with pytest.raises(ValueError, match=words):
            certified_radius(f, **kw)
    with pytest.raises(TypeError, match=r"of depth 3; pass jacobian_change"):
        certified_radius(fit_regression(x, depth=3), x)
    with pytest.raises(TypeError, match="pass jacobian_change"):
        certified_radius(lambda y: y, x)
