"""The vote of high degrees: its table against the kernel, its step against algebra, its limits."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import AttractorMemory, activation
from attractory.datasets import bundled_digits
from attractory.memory.drift_free_steps import LinearPart
from attractory.memory.high_degree_steps import without_low_degrees
from attractory.memory.norm_rule import by_correlation

RHO = np.linspace(-1, 1, (1 << 14) + 1)


@pytest.mark.parametrize(
    ("name", "norm", "depth"), [("sigmoid", 100.0, 2), ("erf", 30.0, 3), ("tanh", 600.0, 2)]
)
def test_what_is_left_out_is_a_polynomial_of_degree_six(name, norm, depth):
    act = activation(name)
    table = without_low_degrees(norm, act, depth, 784)
    some = slice(None, None, 64)
    kernel = by_correlation(RHO[some], norm, act, depth, 0.0, 784)
    basis = np.column_stack([RHO[some, None] ** np.arange(7), table[some]])
    found, *_ = np.linalg.lstsq(basis, kernel, rcond=None)
    np.testing.assert_allclose(basis @ found, kernel, atol=1e-9 * kernel.max())
    # The rest begins with ρ⁷; there is no ρ⁸.
    middle = len(RHO) // 2
    ratio = table[middle + 400] / table[middle + 200]
    assert ratio == pytest.approx(2**7, rel=0.02)
    assert table[-1] == 1.0


def test_the_vote_is_the_maps_own_terms():
    """(I − S + ε)⁻¹ Σ h₇(ρᵢ) aᵢ, h₇ from the kernel matrix less Taylor terms known to be there."""
    rows = bundled_digits(60)[0]
    memory = AttractorMemory(activation="erf", metric="rule").fit(rows)
    part, span = LinearPart(memory.state_.store, full=True), memory.state_.span
    step = eqx.filter_jit(part.high_degree_step)
    x, norm, dim = memory.points_, memory.norm_, memory.n_features_in_
    a = np.asarray(memory.state_.store.map().coefficients)
    linear = span.outward(span.outward(part.matrix).T) * span.scale**2  # of all coordinates
    linear = (1 + 0.01 * part.mean) * np.eye(dim) - linear
    state = x[:5] + 0.8 * norm * np.random.default_rng(0).normal(size=(5, dim)) / np.sqrt(dim)
    state *= norm / np.linalg.norm(state, axis=1, keepdims=True)
    rho = state @ x.T / norm**2
    act = activation("erf")
    low = np.polynomial.Polynomial.fit(  # odd, and nearly all of it below degree 17
        np.linspace(-0.4, 0.4, 201),
        by_correlation(np.linspace(-0.4, 0.4, 201), norm, act, 2, 0.0, dim),
        17, domain=[-1, 1],
    ).coef[:7]  # fmt: skip
    high = memory.state_.store.kernel(state, x) - np.polynomial.polynomial.polyval(rho, low)
    vote = np.linalg.solve(linear, (high @ a).T).T
    new = 0.3 * state + 0.7 * norm * vote / np.linalg.norm(vote, axis=1, keepdims=True)
    new *= norm / np.linalg.norm(new, axis=1, keepdims=True)
    found = np.asarray(step(jnp.asarray(state, jnp.float32)))
    np.testing.assert_allclose(found, new, atol=2e-3 * norm / np.sqrt(dim))


def test_patterns_stay_and_noise_is_voted_down():
    rows = bundled_digits(200)[0]
    memory = AttractorMemory(metric="rule").fit(rows)
    points, norm = memory.points_, memory.norm_
    step = eqx.filter_jit(LinearPart(memory.state_.store, full=True).high_degree_step)
    noise = np.random.default_rng(1).normal(size=points.shape)
    noise *= norm / np.linalg.norm(noise, axis=1, keepdims=True)
    for state in (points, 0.5 * points + 0.87 * noise):
        for _ in range(6):
            state = np.asarray(step(jnp.asarray(state, jnp.float32)))
        away = np.linalg.norm(state - points, axis=1) / norm
        assert np.median(away) < 0.02
        assert away.max() < 0.3


def test_a_map_without_high_degrees_has_no_such_step():
    linear, act = activation("linear"), activation("erf")
    assert without_low_degrees(50.0, linear, 2, 784) is None
    assert without_low_degrees(0.5, act, 2, 784) is None
    rows = bundled_digits(20)[0]
    memory = AttractorMemory(activation="erf", norm=0.5, metric=0.1).fit(rows)
    assert memory.state_.linear_part.high_degree_step is None
    assert memory.recall(rows).path.shape == (4, 20)
