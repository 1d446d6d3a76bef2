"""Bounds of certificates where they are sharp: a bound that is too small by a little is seen.

Along random directions a bound has room to spare, and a fault that makes it unsound hides in it.
Here it is looked at in one dimension, along the worst direction, or for maps of which the largest
ball is known.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import Autoencoder, certified_radius, fit_regression
from attractory.activations import activation
from attractory.analysis import CertificateStatus, certificate_gain, certificate_kernel
from attractory.analysis.certificate import _generic, _network
from attractory.analysis.certificate_clusters import (
    DifferenceSlopes,
    Trees,
    _second_slopes,
    difference_slopes,
    join,
)
from attractory.analysis.certificate_gain import _Problem, above_eigenvalues, stretch
from attractory.analysis.certificate_kernel import kernel_gain
from attractory.analysis.certificate_slopes import MeanSlopes, _corners, mean_slopes
from attractory.datasets import sphere
from attractory.kernels import ntk
from attractory.maps.biased import Biased

ERF = activation("erf_surrogate")


def network(first, last):
    """A network of depth 2 under erf with these weights, (width, d) and (d, width)."""
    first, last = np.array(first, float), np.array(last, float)
    shell = Autoencoder(first.shape[1], width=len(first), activation="erf", key=0, dtype=np.float64)
    scaled = first * np.sqrt(first.shape[1]), last * np.sqrt(len(first))
    return eqx.tree_at(lambda f: f.weights, shell, scaled)


def slope(z):
    return 2 / np.sqrt(np.pi) * np.exp(-(z**2))


def mean_of_extremes(before, length, radius):
    """Mean over t of the largest and the least slope of a unit within the reach t · radius."""
    t = (np.arange(4000) + 0.5) / 4000 * radius * length
    near, far = np.maximum(0, abs(before) - t), abs(before) + t
    return slope(near).mean(), slope(far).mean()


def test_a_networks_gain_in_one_dimension_is_the_mean_of_the_extremes():
    """There it is the larger end of Σ aⱼ[lowⱼ, highⱼ], up to the sum over eight cells."""
    first, last = np.array([0.9, -1.4, 0.3]), np.array([1.2, -0.7, -0.8])
    # A second coordinate is held by biases: neither it nor what is made of it counts.
    biases = np.array([0.5, 0.2, -0.7])
    f = network(np.stack([first, biases], axis=1), [last, [5.0, -6.0, 7.0]])
    for point in (0.4, -1.1, 2.0):
        before = first * point + biases * 0.6
        jacobian, gain = _network(f, np.array([point, 0.6]), 1)
        assert jacobian.shape == (1, 1)
        assert jacobian[0, 0] == pytest.approx(np.sum(last * first * slope(before)))
        for radius in (0.05, 0.7, 2.0):
            ends, room = np.zeros(2), 0.0
            for a, b, u in zip(first, last, before, strict=True):
                high, low = mean_of_extremes(u, abs(a), radius)
                ends += np.sort([a * b * low, a * b * high])
                widest = slope(max(0, abs(u) - abs(a) * radius)) - slope(abs(u) + abs(a) * radius)
                room += abs(a * b) * widest / 8
            sharp = np.abs(ends).max()
            found = gain(radius, None)
            assert sharp * (1 - 1e-7) <= found <= sharp + room + 1e-7
            cues = [[point - radius, 0.6], [point + radius, 0.6]]
            moved = np.asarray(f(cues) - f([point, 0.6]))[:, 0] / radius
            assert np.abs(moved).max() <= found


def test_a_networks_gain_in_another_norm_is_that_of_its_worst_direction():
    """One unit, from the short axis of the norm to the long one: the change is times the ratio."""
    for first, last, point in ([1.0, 0.0], [0.0, 0.8], 0.9), ([0.6, 0.0], [0.3, 1.0], -1.5):
        f = network([first], [[last[0]], [last[1]]])
        at = np.array([point, 0.2])
        norm, radius = np.diag([1.0, 10.0]), 0.8
        _, gain = _network(f, at, 2)
        delta = -np.sign(point) * radius * np.array([1.0, 0.0])  # of length 1 in that norm
        moved = np.asarray(f(at + delta) - f(at))
        assert np.linalg.norm(norm @ moved) / radius <= gain(radius, norm)
        assert np.linalg.norm(moved) / radius <= gain(radius, None)


def test_a_networks_gain_is_a_product_of_two_norms():
    """Units that read and write different coordinates: the norm is the largest of |a b|."""
    f = network(np.diag([0.9, 0.2, 0.5]), np.diag([0.8, 1.0, 1.3]))
    _, gain = _network(f, np.array([0.7, 0.1, -0.9]), 3)
    radius = 0.5
    room = 0.5 * (slope(0.63 - 0.45) - slope(0.63 + 0.45)) * 0.72
    assert gain(radius, None) >= abs(float(f([0.2, 0.1, -0.9])[0] - f([0.7, 0.1, -0.9])[0])) / 0.5
    assert gain(radius, None) <= 0.72 * slope(0.63) + 3 * room


def test_a_callers_bound_is_taken_at_the_ends_of_eight_cells():
    """For ‖J(x) − J‖ ≤ c r the mean is c r/2; eight cells make it 9/16 c r."""
    matrix = np.array([[0.3, 0.2], [-0.1, 0.4]])
    jacobian, gain = _generic(
        lambda x: x @ jnp.asarray(matrix.T), np.array([1.0, 2.0]), lambda x, r: 0.7 * r
    )
    np.testing.assert_allclose(jacobian, matrix, rtol=1e-12)
    plain, norm = np.linalg.norm(matrix, 2), np.diag([1.0, 3.0])
    assert gain(0.2, None) == pytest.approx(plain + 0.7 * 0.2 * 9 / 16, rel=1e-8)
    there = np.linalg.norm(norm @ matrix @ np.linalg.inv(norm), 2)
    assert gain(0.2, norm) == pytest.approx(there + 3 * 0.7 * 0.2 * 9 / 16, rel=1e-8)


def linear_up_to(matrix, fixed, limit):
    """A linear map around a fixed point, and a bound that allows nothing beyond a radius."""
    matrix, fixed = np.asarray(matrix, float), np.asarray(fixed, float)
    return (
        lambda x: (x - fixed) @ jnp.asarray(matrix.T) + fixed,
        lambda x, r: 0.0 if r <= limit else 1e9,
    )


def test_the_ball_is_as_large_as_the_bound_allows_and_no_larger():
    """In every norm and around every point: the largest ball is known here."""
    fixed = np.array([3.0, 4.0])
    for matrix in ([[0.5, 0.0], [0.0, 0.3]], [[0.5, 2.0], [0.0, 0.5]], [[0.0, -0.9], [0.9, 0.0]]):
        f, change = linear_up_to(matrix, fixed, 0.2)
        at = certified_radius(f, fixed[None], jacobian_change=change)
        assert at.radius[0] * at.condition[0] <= 0.2
        assert at.radius[0] * at.condition[0] > 0.2 / 1.02
        beside = fixed + np.array([3e-4, -4e-4])
        there = certified_radius(f, beside[None], jacobian_change=change)
        np.testing.assert_allclose(there.fixed_point, fixed[None], atol=1e-9)
        assert (there.radius + 5e-4) * there.condition <= 0.2 * (1 + 1e-9)
        assert there.radius + 5e-4 == pytest.approx(at.radius, rel=1e-3)
        assert there.floor[0] == pytest.approx(5e-4, rel=1e-3)
        assert there.floor[0] >= 5e-4
        assert at.floor[0] < 1e-8
        largest = np.linalg.norm(matrix, 2)
        assert at.condition[0] == 1.0 if largest < 1 else at.condition[0] > 1
        assert at.rate[0] == pytest.approx(largest, rel=1e-6) if largest < 1 else at.rate[0] < 1


def test_the_floor_is_the_sum_of_all_that_the_residual_adds():
    """At rate 0.99 a residual of 4e-10 of the norm leaves the fixed point 4e-8 away."""
    fixed = np.array([3.0, 4.0])
    f, change = linear_up_to(0.99 * np.eye(2), fixed, 1e-3)
    point = fixed + np.array([2e-7, 0.0])  # too near to be refined
    found = certified_radius(f, point[None], jacobian_change=change)
    assert found.certified.all()
    assert 2e-7 <= found.floor[0] < 6e-7
    assert found.residual[0] == pytest.approx(2e-9, rel=1e-5)


def test_a_ball_that_the_residual_carries_cues_out_of_is_not_certified():
    """The orbits end 2e-7 away; the bound holds up to 1.5e-7 only."""
    fixed = np.array([3.0, 4.0])
    f, change = linear_up_to(0.99 * np.eye(2), fixed, 1.5e-7)
    found = certified_radius(f, fixed[None] + [2e-7, 0.0], jacobian_change=change)
    assert found.status.tolist() == [CertificateStatus.NOT_CONTRACTING]


def test_the_tolerance_is_relative_to_the_point():
    fixed = np.array([30.0, 40.0])
    f, change = linear_up_to(0.5 * np.eye(2), fixed, 10.0)
    for off, expected in ((0.08, CertificateStatus.CERTIFIED), (0.12, CertificateStatus.NOT_FIXED)):
        found = certified_radius(f, fixed[None] + [off, 0.0], jacobian_change=change)
        assert found.status.tolist() == [expected]  # residual off/2, allowed 1e-3 · 50
    small, change = linear_up_to(0.5 * np.eye(2), fixed / 1e4, 1e-3)
    found = certified_radius(small, fixed[None] / 1e4 + [1e-4, 0.0], jacobian_change=change)
    assert found.status.tolist() == [CertificateStatus.NOT_FIXED]


def test_the_floor_holds_the_rounding_of_coefficients_that_cancel():
    """Twins at 1e-7 have coefficients of 1e7 times the rest: a value is known to 1e-15 of that."""
    x = sphere(3, 6, norm=10.0)
    x = np.vstack([x, x[-1] + 1e-6 * sphere(1, 6, seed=3)])
    lifted = np.hstack([x, np.full((4, 1), 7.0)])
    f = fit_regression(lifted, activation="erf_surrogate")
    rounding = 1e-15 * float(
        ntk(lifted[:1], lifted, activation="erf_surrogate")[0]
        @ np.linalg.norm(np.asarray(f.coefficients), axis=1)
    )
    assert rounding > 1e-9  # what the residual alone would say is 1e-11
    found = certified_radius(Biased(f, 7.0), x[:1])
    assert found.certified.all()
    assert found.residual[0] < 1e-8  # not refined: the floor is around the point itself
    slack = found.floor[0] * (1 - found.rate[0])
    assert slack >= (found.residual[0] + rounding) * (1 - 1e-6)


def partials(act, s, p, q):
    """∂θ/∂s and ∂θ/∂p of the depth-2 NTK as a function of s, p and q."""
    square = np.array(act.scales) ** 2
    weight = 2 / np.pi * act.gain**2 * np.outer(act.weights, act.weights)
    s, big_p, big_q = s[..., None, None], p[..., None, None] + square[:, None], q + square
    d = np.sqrt(big_p * big_q - s**2)
    in_s = weight * (2 / d + s**2 / d**3)
    in_p = -weight * s * (1 / (2 * big_p * d) + big_q / (2 * d**3))
    return in_s.sum(axis=(-2, -1)), in_p.sum(axis=(-2, -1))


NODES, MASSES = np.polynomial.legendre.leggauss(24)
TIMES, MASSES = (NODES + 1) / 2, MASSES / 2
# Of a point's plane with the pattern, and across it.
TURNS = np.linspace(0, 2 * np.pi, 73)[:-1]
DIRECTIONS = np.vstack([
    np.stack([np.cos(TURNS), np.sin(TURNS), 0 * TURNS], axis=1), [[0.0, 0.0, 1.0]],
    np.array([[1, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1]]) / np.sqrt(2),
])  # fmt: skip


@pytest.mark.parametrize(
    ("point", "radius", "sharp"),
    [
        ([0.0, 8.0, 0.0], 0.5, (1.2, 1.35, 1.35)),  # at right angles: s and the gap, one at a time
        ([0.0, 8.0, 0.0], 9.0, (np.inf,) * 3),  # the gap closes within the ball
        ([9.0, 0.0, 0.0], 0.5, (np.inf,) * 3),  # the pattern itself
        ([9.0, 0.0, 0.0], 12.0, (np.inf,) * 3),  # s changes its sign
        ([-5.0, 4.0, 0.0], 0.3, (np.inf,) * 3),
        ([5.0, 4.0, 0.0], 3.0, (np.inf,) * 3),
    ],
)
def test_slopes_hold_the_worst_directions_and_little_more(point, radius, sharp):
    pattern, point = np.array([[9.0, 0.0, 0.0]]), np.array(point)
    for act in (ERF, activation("sigmoid")):
        bounds = mean_slopes(act, point, pattern, radius)
        path = point + TIMES[:, None] * radius * DIRECTIONS[:, None]
        in_s, in_p = partials(act, path @ pattern[0] / 3, (path**2).sum(axis=2) / 3, 27.0)
        truth = in_s @ MASSES, in_p @ MASSES, in_p @ (MASSES * 2 * TIMES)
        for k, (mean, (middle, half)) in enumerate(zip(truth, bounds, strict=True)):
            assert (np.abs(mean - middle) <= half * (1 + 1e-6) + 1e-12).all(), k
            assert half[0] <= sharp[k] * np.ptp(mean) / 2 + 1e-7, k


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_where_the_gap_alone_varies_the_bounds_are_the_slopes_at_its_ends(sign):
    s, gaps, q = sign * np.array([1.0, 5.0, 0.1]), np.array([0.2, 3.0]), np.array([2.0, 6.0, 0.5])
    for act in (ERF, activation("sigmoid")):
        low, high = _corners(act, np.stack([s, s]), np.tile(gaps[:, None], 3), q)
        ends = np.array([
            [partials(act, s[k : k + 1], (s[k] ** 2 + gap) / q[k : k + 1], q[k]) for k in range(3)]
            for gap in gaps
        ])[..., 0]  # fmt: skip
        np.testing.assert_allclose(low, ends.min(axis=0).T, rtol=1e-12)
        np.testing.assert_allclose(high, ends.max(axis=0).T, rtol=1e-12)


def test_slopes_of_no_ball_are_the_slopes():
    x = sphere(5, 4, norm=6.0)
    middle, half = np.transpose(mean_slopes(ERF, x[0], x, 0.0), (1, 0, 2))
    in_s, in_p = partials(ERF, x @ x[0] / 4, np.full(5, 9.0), 9.0)
    np.testing.assert_allclose(middle, [in_s, in_p, in_p], rtol=1e-6)
    assert np.abs(half / middle).max() < 1e-6


@pytest.mark.parametrize(
    "edge", [[0, 0.3, 0], [0.3, 0, 0], [-0.3, 0, 0], [0, 0, 0.3], [-0.2, 0, 0.4]]
)
@pytest.mark.parametrize("size", [1e-3, 1.0, 10.0])
def test_difference_slopes_hold_the_worst_directions(edge, size):
    """The exact difference of two kernels' slopes, along every direction of the plane."""
    pattern, edge = np.array([[9.0, 0.0, 0.0]]), size * np.array(edge, float)
    for point, radius in (
        ([0.0, 8.0, 0.0], 0.02), ([0.0, 8.0, 0.0], 1.0), ([9.0, 0.0, 0.0], 0.5),
        ([4.0, 5.0, 0.0], 2.0), ([-9.0, 0.1, 0.0], 10.0), ([0.0, 0.01, 0.0], 0.01),
    ):  # fmt: skip
        point = np.array(point)
        bounds = difference_slopes(ERF, point, pattern, edge[None], radius)
        delta = radius * DIRECTIONS
        path = point + TIMES[:, None] * delta[:, None]
        p = (path**2).sum(axis=2) / 3
        in_p = 2 * (path * delta[:, None]).sum(axis=2) / 3
        slopes = []
        for y in (pattern[0], pattern[0] + edge):
            by_s, by_p = partials(ERF, path @ y / 3, p, y @ y / 3)
            slopes.append((by_s * (delta @ y)[:, None] / 3 + by_p * in_p) @ MASSES)
        exact = slopes[1] - slopes[0]
        factors = delta @ pattern[0], delta @ edge, 2 * delta @ point, (delta**2).sum(axis=1)
        middle = sum(m[0] * v for (m, _), v in zip(bounds, factors, strict=True)) / 3
        half = sum(h[0] * np.abs(v) for (_, h), v in zip(bounds, factors, strict=True)) / 3
        rounding = 1e-14 * np.abs(slopes).max()
        assert (np.abs(exact - middle) <= half * (1 + 1e-6) + rounding).all()
        # What is uncertain is of the edge's order, however huge the coefficients are.
        if size < 10:
            continue
        tenth = difference_slopes(ERF, point, pattern, edge[None] / 10, radius)
        less = sum(h[0] * np.abs(v) for (_, h), v in zip(tenth, factors, strict=True)) / 3
        assert less.max() < 0.2 * half.max()


def test_second_slopes_of_a_box_hold_those_of_every_box_within():
    ends = np.array([[-5.0, -5.0, 2.0, -9.0], [7.0, 3.0, 7.0, -0.5]])
    across, norms = np.full((2, 4), [[2.0], [2.5]]), np.full((2, 4), [[8.0], [8.1]])
    for act in (ERF, activation("sigmoid")):
        whole = _second_slopes(act, ends, across, norms, 3)
        for share in (0.0, 0.3, 5 / 12, 5 / 8, 1.0):  # 0 itself, where the first two boxes hold it
            here = np.tile(ends[0] + share * (ends[1] - ends[0]), (2, 1))
            for part, inside in zip(
                whole, _second_slopes(act, here, across, norms, 3), strict=True
            ):
                room = 1e-12 * np.abs(part).max()
                assert (part[0] <= inside[0] + room).all()
                assert (part[1] >= inside[1] - room).all()


@pytest.mark.parametrize("edge", [[0.3, 0, 0], [-0.3, 0, 0], [3.0, 0, 0], [0, 0.3, 0], [0, 0, 3.0]])
def test_each_difference_slope_of_no_ball_holds_its_own_difference(edge):
    """θ_s(y + e) − θ_s(y) for y, θ_s(y + e) for e, θ_p(y + e) − θ_p(y) for the point."""
    y, edge = np.array([9.0, 0.0, 0.0]), np.array(edge, float)
    for point in ([0.0, 0.01, 0.0], [0.02, 0.01, 0.0], [0.0, 8.0, 0.0], [9.0, 0.0, 0.0]):
        point = np.array(point)
        found = difference_slopes(ERF, point, y[None], edge[None], 0.0)
        at = [
            partials(ERF, np.array([point @ z / 3]), np.array([point @ point / 3]), z @ z / 3)
            for z in (y, y + edge)
        ]
        of_s, of_p = at[1][0] - at[0][0], at[1][1] - at[0][1]
        for truth, (middle, half) in zip((of_s, at[1][0], of_p, of_p), found, strict=True):
            assert abs(truth - middle) <= half * (1 + 1e-6) + 1e-15


def test_trees_have_their_sums_from_the_leaves_and_edges_by_the_smaller_norm():
    chain = Trees(np.array([1, 2, 3]), np.array([0, 1, 2]), np.zeros((3, 1)))
    np.testing.assert_array_equal(chain.sums(np.array([[1.0], [2.0], [4.0], [8.0]]))[:, 0],
                                  [15, 14, 12, 8])  # fmt: skip
    pair = np.array([[1.0, 0.0], [1.2, 0.0]])  # 0.2 of the smaller norm, 0.167 of the larger
    assert len(join(pair, 0.18).child) == 0
    assert len(join(pair, 0.21).child) == 1
    far = np.array([[1.0, 0.0], [1.6, 0.0]])  # never beyond half the norm
    assert len(join(far, 10.0).child) == 0


@pytest.mark.parametrize("seen", [None, 0.9])
def test_a_number_is_above_all_eigenvalues_though_the_largest_be_missed(monkeypatch, seen):
    if seen is not None:  # as if Lanczos' method had found another one
        monkeypatch.setattr(certificate_gain, "eigsh", lambda *_, **__: np.array([seen * 3.0]))
    rng = np.random.default_rng(0)
    vectors = np.linalg.qr(rng.normal(size=(100, 100)))[0]
    matrix = (vectors * np.append(np.linspace(0, 2.9, 99), 3.0)) @ vectors.T
    assert 3.0 < above_eigenvalues((matrix + matrix.T) / 2) < 3.0 * (1 + 1e-5)


def test_the_stretch_of_one_column_is_known():
    """|m| + |b| (Σ|c| + e) for numbers, and √(m² + …) never below any perturbation."""
    for m, b, c, e in (
        (0.3, 1.5, (0.2,), 0.1), (0.0, 2.0, (0.1, 0.05), 0.0), (-0.4, 1.0, (0.0,), 0.2),
        (0.2, 1.0, (1e-4,), 0.0), (0.6, 0.5, (0.3, 0.2), 0.3),
    ):  # fmt: skip
        found, _ = stretch(
            np.array([[m]]), np.array([[b]]), [np.array([[v]]) for v in c], np.array([e])
        )
        sharp = abs(m) + abs(b) * (sum(c) + e)
        assert sharp * (1 - 1e-12) <= found <= 1.03 * sharp
    nothing, start = stretch(np.diag([0.3, 0.7]), np.ones((2, 1)), [np.zeros((1, 2))], np.zeros(1))
    assert nothing == pytest.approx(0.7, rel=1e-8)
    assert start is None


def test_two_columns_at_right_angles_have_the_larger_of_two():
    m, b = np.diag([0.5, 0.2]), np.diag([1.0, 2.0])
    found, _ = stretch(m, b, [np.diag([0.1, 0.3])], np.zeros(2))
    assert found == pytest.approx(max(0.5 + 0.1, 0.2 + 0.6), rel=1e-3)
    found, _ = stretch(m, b, [np.zeros((2, 2))], np.array([0.05, 0.2]))
    # ‖(0.5 x, 0.2 y) + (±0.05, ±0.4)‖ over unit vectors, on a fine circle.
    angle = np.linspace(0, np.pi / 2, 20_001)
    sharp = np.hypot(0.5 * np.cos(angle) + 0.05, 0.2 * np.sin(angle) + 0.4).max()
    assert sharp <= found * (1 + 1e-12)
    assert found <= 1.06 * sharp
    # With few steps and a goal it stops at the goal.
    # Multipliers that exp has no room for bound nothing, and raise no warning on the way.
    for far in (-1000.0, 1000.0):
        with np.errstate(all="raise"):
            assert (
                _Problem(
                    m=m, b=b, rows=[np.eye(2)], sizes=np.ones((2, 2)), present=np.ones((2, 2), bool)
                ).square(np.full(4, far))[0]
                > 1e9
            )
    loose, _ = stretch(m, b, [np.diag([0.1, 0.3])], np.zeros(2), enough=0.9)
    assert 0.8 * (1 - 1e-9) <= loose <= np.sqrt(0.9) * (1 + 1e-6)


@pytest.mark.parametrize("biased", [False, True])
def test_a_kernels_gain_holds_along_its_worst_directions(biased):
    """Cues along the gradients, where the gain is nearly reached; biases are no deviation."""
    x = sphere(4, 3, norm=8.0)
    lifted = np.hstack([x, np.full((4, 1), 5.0)]) if biased else x
    f = fit_regression(lifted, activation="erf_surrogate")
    plain = Biased(f, 5.0) if biased else f
    jacobian, gain = kernel_gain(f, lifted[0], 3)
    singular = np.linalg.svd(plain.jacobian(x[0]))
    assert np.linalg.norm(jacobian, 2) == pytest.approx(singular[1][0], rel=1e-6)
    rng = np.random.default_rng(0)
    unit = np.vstack([singular[2], x - x[0] + 1e-9, x, rng.standard_normal((200, 3))])
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    unit = np.vstack([unit, -unit])
    norm = np.linalg.qr(rng.standard_normal((3, 3)))[0] @ np.diag([1.0, 2.0, 6.0])
    norm = norm @ norm.T
    norm /= np.linalg.eigvalsh(norm)[0]
    basis = np.linalg.qr(np.vstack([x, x[:1]]).T)[0]  # whose coordinates the gain is in
    turned = basis.T @ norm @ basis
    for radius in (0.0, 0.05, 0.5, 2.0):
        delta = max(radius, 1e-4) * unit
        moved = np.asarray(plain(x[0] + delta) - plain(x[0]))
        worst = (np.linalg.norm(moved, axis=1) / np.linalg.norm(delta, axis=1)).max()
        found = gain(max(radius, 1e-4), None)
        assert worst <= found * (1 + 1e-9)
        assert found <= worst * (1 + 2.5 * radius) + 1e-3
        delta = delta * (max(radius, 1e-4) / np.linalg.norm(delta @ norm, axis=1))[:, None]
        moved = np.asarray(plain(x[0] + delta) - plain(x[0]))
        worst = (np.linalg.norm(moved @ norm, axis=1) / np.linalg.norm(delta @ norm, axis=1)).max()
        assert worst <= gain(max(radius, 1e-4), turned) * (1 + 1e-9)


@pytest.mark.parametrize("within", [0.03, 0.2, 0.5])
def test_joined_patterns_have_the_same_jacobian(monkeypatch, within):
    """A sum over parents and edges is the sum over patterns, however far these are apart."""
    x = sphere(4, 3, norm=8.0)
    x = np.vstack(
        [x, x[:2] + within * np.array([[2.0, -3.0, 1.0], [1.0, 2.0, -2.0]]), x[:1] * 1.01]
    )
    f = fit_regression(x, activation="erf_surrogate")
    trees = join(x, within)
    assert len(trees.child)

    def exact(act, point, parents, edges, reach):
        at = [
            [
                partials(act, y @ point[:, None] / 3, point @ point[:, None] / 3, y @ y / 3)
                for y in ys
            ]
            for ys in (parents, parents + edges)
        ]
        before, after = np.array(at)[..., 0].transpose(0, 2, 1)
        middles = after[0] - before[0], after[0], after[1] - before[1], 0 * after[0]
        return DifferenceSlopes(*((value, 0 * value) for value in middles))

    monkeypatch.setattr(certificate_kernel, "_joined", lambda _: [trees])
    monkeypatch.setattr(certificate_kernel, "difference_slopes", exact)
    jacobian, _ = kernel_gain(f, x[0], 3)
    basis = np.linalg.qr(np.vstack([x, x[:1]]).T)[0]  # whose coordinates it is in
    own = f.jacobian(x[0])
    np.testing.assert_allclose(basis @ jacobian @ basis.T, own, atol=1e-8 * np.abs(own).max())


@pytest.mark.parametrize("which", range(6))
def test_each_slope_enters_a_kernels_gain_with_its_own_factor(monkeypatch, which):
    """One pattern, one slope at a time: the gain is then known."""
    pattern, point, radius = np.array([3.0, 4.0]), np.array([-1.0, 2.0]), 0.3
    f = fit_regression(pattern[None], activation="erf_surrogate")
    value, seen = np.zeros(6), []
    value[which] = 0.7

    def slopes(act, x, y, reach):
        seen.append((x.tolist(), y.tolist(), reach))
        return MeanSlopes(*((value[[k]], value[[k + 1]]) for k in (0, 2, 4)))

    monkeypatch.setattr(certificate_kernel, "mean_slopes", slopes)
    monkeypatch.setattr(certificate_kernel, "_ENOUGH", 0.0)  # the best bound, not just one
    _, gain = kernel_gain(f, point, 2)
    length = np.linalg.norm(np.asarray(f.coefficients)[0]) / 2
    factor = [5.0, 5.0, 2 * np.sqrt(5), 2 * np.sqrt(5), radius, radius][which]
    sharp = 0.7 * length * factor
    assert sharp * (1 - 1e-12) <= gain(radius, None) <= 1.15 * sharp
    assert seen[-1] == (point.tolist(), [pattern.tolist()], radius)
    # In the norm ‖Tδ‖, here along and across the pattern's coefficients.
    basis = np.linalg.qr(np.stack([pattern, point]).T)[0]
    norm = basis.T @ np.diag([1.0, 4.0]) @ basis
    out = np.linalg.norm(np.diag([1.0, 4.0]) @ np.asarray(f.coefficients)[0]) / 2
    into = [
        np.hypot(3, 1),
        np.hypot(3, 1),
        2 * np.hypot(1, 0.5),
        2 * np.hypot(1, 0.5),
        radius,
        radius,
    ]
    sharp = 0.7 * out * into[which]
    assert gain(radius, norm) >= sharp * (1 - 1e-12)


@pytest.mark.parametrize("which", range(8))
def test_each_slope_of_a_difference_enters_with_its_own_factor(monkeypatch, which):
    """Of twins the one that hangs from the other: along the parent, the edge, the point."""
    x = np.array([[3.0, 4.0], [3.0, 4.001]])
    point, radius = np.array([-1.0, 2.0]), 0.3
    f = fit_regression(x, activation="erf_surrogate")
    trees = join(x, 1e-3)
    child, parent = int(trees.child[0]), int(trees.parent[0])
    value, seen = np.zeros(8), []
    value[which] = 1e-6
    none, apart = np.zeros(2), np.where(np.arange(2) == child, 1e3, 0.0)

    def differences(act, x, parents, edges, reach):
        seen.append((parents.tolist(), edges.tolist(), reach))
        return DifferenceSlopes(*((value[[k]], value[[k + 1]]) for k in (0, 2, 4, 6)))

    monkeypatch.setattr(
        certificate_kernel, "mean_slopes",
        lambda *given: MeanSlopes(*((none.copy(), apart.copy()) for _ in range(3))),
    )  # fmt: skip
    monkeypatch.setattr(certificate_kernel, "difference_slopes", differences)
    monkeypatch.setattr(certificate_kernel, "_ENOUGH", 0.0)
    _, gain = kernel_gain(f, point, 2)
    length = np.linalg.norm(np.asarray(f.coefficients)[child]) / 2
    of_parent, of_point = np.linalg.norm(x[parent]), np.sqrt(5)
    factor = np.repeat([of_parent, 1e-3, 2 * of_point, radius], 2)[which]
    sharp = 1e-6 * length * factor
    assert gain(radius, None) >= sharp * (1 - 1e-9)
    if which % 2 == 0:  # nothing uncertain
        assert gain(radius, None) <= 1.15 * sharp
    assert seen[-1] == ([x[parent].tolist()], (x[child] - x[parent])[None].tolist(), radius)
