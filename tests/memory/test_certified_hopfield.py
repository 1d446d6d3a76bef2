"""Balls that Hopfield networks are proven to recall from, against the networks themselves."""

import numpy as np
import pytest
from scipy.optimize import brentq

from attractory.analysis.correlation_bounds import gram_of
from attractory.datasets import bundled_digits
from attractory.memory import certify_polynomial, certify_softmax
from attractory.memory.certified_hopfield import _LEVELS, _softmax_bounds


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def digits(n):
    rows = bundled_digits(n)[0]
    return unit(rows - rows.mean(axis=0))


def towards(p, rng):
    """Unit directions from every pattern: to each other one, away from it, across, random."""
    to = unit(p[None] - p[:, None] + 1e-12)
    across = unit(p[None] - (p @ p.T)[:, :, None] * p[:, None] + 1e-12)
    return np.concatenate([to, -to, across, unit(rng.normal(size=(len(p), 20, p.shape[1])))], 1)


def softmax_step(x, p, beta):
    w = np.exp(beta * (x @ p.T - (x @ p.T).max(axis=-1, keepdims=True)))
    return w / w.sum(axis=-1, keepdims=True) @ p


def test_softmax_recalls_from_everywhere_within_and_not_from_half_way():
    p, rng = digits(12), np.random.default_rng(0)
    for beta in (30.0, 80.0):
        found = certify_softmax(p, beta)
        assert (found.radius < found.half).all()
        assert (found.radius >= found.separation).all()
        assert np.median(found.radius / found.half) > 0.7
        x = p[:, None] + 0.999 * found.radius[:, None, None] * towards(p, rng)
        for _ in range(60):
            x = softmax_step(x, p, beta)
        assert (np.linalg.norm(x - p[:, None], axis=2)[found.radius > 0] <= 0.01).all()
    # Where patterns are not told apart there is neither.
    none = certify_softmax(p, 1.0)
    assert (none.radius == 0).all()
    assert (none.separation == 0).all()


def test_two_patterns_are_recalled_from_nearly_half_way():
    """In one dimension the map is known: the boundary is half way, and β tells how sharp it is."""
    p = np.array([[1.0, 0.0], [-1.0, 0.0]])
    found = certify_softmax(p, 60.0)
    assert (found.radius > 0.95).all()
    assert (found.half == 1).all()
    right = certify_polynomial(np.eye(2), 9)
    assert (right.radius > 0.97 * np.sin(np.pi / 4)).all()


def pair(c):
    """Two patterns of a correlation."""
    return np.array([[1.0, 0.0], [c, np.sqrt(1 - c**2)]])


@pytest.mark.parametrize("c", [-0.6, 0.3, 0.8])
def test_the_bound_on_a_softmax_step_is_sharp_for_two_patterns(c):
    """Of the ball's states the one nearest to the other pattern is led farthest from the first."""
    p, apart = pair(c), np.sqrt(2 - 2 * c)
    beta = 24 / apart**2
    bounds = _softmax_bounds(p, gram_of(p), 0, beta, apart / 2)
    for radius in np.linspace(0.5, 0.97, 40) * apart / 2:
        x = p[0] + radius * (p[1] - p[0]) / apart
        led = np.linalg.norm(softmax_step(x, p, beta) - p[0])
        proven = min(bound.step(radius) for bound in bounds)
        assert proven == min(level for level in radius * _LEVELS if level >= led)
    # Between the nodes at which all t are looked at the price is not more than D t⁶.
    price, nodes = bounds[0].price[:, 0], np.linspace(0, 1, len(bounds[0].price))
    t = np.linspace(0, 1, 2000)
    assert (np.interp(t, nodes, price) <= t**6 + 1e-12).all()
    assert price[-1] > 0.99


def test_many_rivals_add_up_in_the_softmax_bound():
    """Orthogonal patterns have equal weights at states that are shorter than the first one."""
    p, beta, radius = np.eye(150), 10.0, 0.1
    led = np.linalg.norm(softmax_step((1 - radius) * p[0], p, beta) - p[0])
    bounds = _softmax_bounds(p, gram_of(p), 0, beta, 0.5)
    assert all(led <= bound.step(radius) < radius for bound in bounds)


def test_states_that_rest_too_far_from_a_pattern_are_not_recalled():
    p = np.array([[1.0], [-1.0]])
    for beta in (2.2, 2.64):
        x = p
        for _ in range(500):
            x = softmax_step(x, p, beta)
        assert np.abs(x - p).min() > 0.01
        assert (certify_softmax(p, beta).radius == 0).all()
    assert (certify_softmax(p, 3.0).radius > 0).all()
    # Σ pⱼ(pⱼ·x)⁶ rests where cos⁶(60°) tells, 0.0135 from the pattern; of degree 7 it is 0.0068.
    assert (certify_polynomial(pair(0.5), 6).radius == 0).all()
    assert (certify_polynomial(pair(0.5), 7).radius > 0).all()
    # The correlation at which states rest at 0.0101 from the pattern, hardly too far.
    least = brentq(lambda c: polynomial_rest(pair(c), 6) - 0.0101, 0.3, 0.6)
    assert (certify_polynomial(pair(least), 6).radius == 0).all()
    assert (certify_polynomial(pair(0.97 * least), 6).radius > 0).all()


def polynomial_rest(p, power):
    """How far from the first pattern a state that begins there comes to rest."""
    x = p[0]
    for _ in range(100):
        x = unit((p @ x) ** power @ p)
    return np.linalg.norm(x - p[0])


def test_the_separation_is_ramsauers():
    """Of n orthogonal patterns of norm 1 it is 1/(βn) if 1 ≥ 2/(βn) + ln(2(n − 1)nβ)/β."""
    n = 4
    least = brentq(lambda b: 1 - 2 / (b * n) - np.log(2 * (n - 1) * n * b) / b, 1.0, 50.0)
    assert (certify_softmax(np.eye(n), 0.999 * least).separation == 0).all()
    there = certify_softmax(np.eye(n), 1.001 * least).separation
    np.testing.assert_allclose(there, 1 / (1.001 * least * n))


@pytest.mark.parametrize("power", [7, 8])
def test_polynomial_networks_recall_from_everywhere_within(power):
    p, rng = digits(12), np.random.default_rng(1)
    found = certify_polynomial(p, power)
    assert (found.radius > 0).mean() > 0.6
    u = towards(p, rng)
    u = unit(u - np.einsum("kqd,kd->kq", u, p)[:, :, None] * p[:, None] + 1e-12)
    x = np.sqrt(1 - found.radius**2)[:, None, None] * p[:, None] + (
        0.999 * found.radius[:, None, None] * u
    )
    for _ in range(60):
        x = unit(np.einsum("kqn,nd->kqd", (x @ p.T) ** power, p))
    assert (np.linalg.norm(x - p[:, None], axis=2)[found.radius > 0] <= 0.011).all()


def test_patterns_that_are_none_are_refused():
    with pytest.raises(ValueError, match="none of them 0"):
        certify_softmax(np.zeros((2, 3)), 1.0)
    with pytest.raises(ValueError, match="beta"):
        certify_softmax(np.eye(2), 0.0)
    with pytest.raises(ValueError, match="power"):
        certify_polynomial(np.eye(2), 1)
