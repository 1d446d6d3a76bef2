"""Each misprint and gap of docs/reference/errata.md, by its number: the number that shows it."""

import re
from pathlib import Path

import numpy as np
import pytest

from attractory import (
    Autoencoder,
    eigenvalues,
    fit_regression,
    fit_sampled_regression,
    ntk,
    recall_curve,
    spectral_radius,
)
from attractory.analysis import Noise
from attractory.datasets import sphere
from attractory.theory import (
    approach_rate,
    gradient_parts,
    initial_moments,
    large_norm_limit,
    lemma_4,
    lemma_5,
    lemma_9,
    proposition_2,
    remark_2,
    shrinkage,
    theorem_1,
)

ERRATA = Path(__file__).parents[1] / "docs/reference/errata.md"


def test_every_numbered_entry_has_a_test():
    text = ERRATA.read_text(encoding="utf-8")
    numbers = {int(k) for k in re.findall(r"(?m)^(\d+)\. ", text)}
    tested = {int(k) for k in re.findall(r"def test_(\d+)_", Path(__file__).read_text("utf-8"))}
    assert numbers == set(range(1, max(numbers) + 1))
    assert tested == numbers


@pytest.mark.parametrize(("r", "rho", "n0"), [(3.0, 0.3, 8), (40.0, 1.0, 32), (10.0, -0.9, 16)])
def test_1_the_expansion_lacks_a_factor(r, rho, n0):
    square, c = r**2, rho**2
    inner = n0**2 * (24 - 20 * c) + square * (n0 * (8 - 8 * c) + square * (1 - c))
    printed = 16 * n0**4 + square * (n0**3 * (32 - 16 * c) + square * inner)
    printed /= (square**2 * (1 - c) + 4 * n0 * square + 4 * n0**2) ** 3 * 4 * np.pi**2
    second = gradient_parts(r, rho, n0)[1]
    assert printed / (second @ second) == pytest.approx(square**-1, rel=1e-9)


@pytest.mark.parametrize(("cg", "norm"), [(-0.1, 1 / 0.9), (-0.5, 2), (-1.5, 2), (-2.5, 1)])
def test_2_negative_c(cg, norm):
    assert remark_2(sphere(4, 7), cg).predictions[0].measured == pytest.approx(norm, rel=1e-9)


def linear_limit(x, first, row_sums, alpha, beta):
    """J∞ of Lemma 4 from J₀ and W⁽¹⁾1/√n₁, and the complement of its eigenvalue-1 space."""
    dim = x.shape[1]
    inverse = np.linalg.inv(x @ x.T + dim * beta**2 / (2 * alpha**2))
    m = x.T @ inverse @ x
    u = x.T @ inverse.sum(axis=1)
    limit = first @ (np.eye(dim) - m) + m - beta * np.outer(row_sums, u)
    span = x.T @ np.linalg.pinv(x.T)
    return limit, np.eye(dim) - span + np.outer(u, u) / (u @ u)


def test_3_the_last_step_of_lemma_4_does_not_carry_but_its_conclusion_does():
    # A counterexample: W⁽¹⁾ has row sums 0, J₀ = 0.95 û vᵀ, û in the span and v across it.
    x, alpha, beta = np.eye(2, 3), 1.0, 0.2
    u = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    first = 0.95 * np.outer(u, [0.0, 0.0, 1.0])
    limit, complement = linear_limit(x, first, np.zeros(3), alpha, beta)
    assert np.linalg.norm(limit @ complement, 2) > 1.2
    assert np.abs(np.linalg.eigvals(limit)).max() == pytest.approx(1, abs=1e-12)
    # Over instances that satisfy the hypotheses the radius is 1, whatever the step does.
    rng = np.random.default_rng(0)
    held = 0
    while held < 300:
        dim = int(rng.integers(2, 7))
        x = sphere(int(rng.integers(2, dim + 1)), dim, seed=int(rng.integers(10**6)))
        alpha, beta = np.exp(rng.uniform(-3, 0.5)), np.exp(rng.uniform(-4, 1))
        w1, w0 = rng.standard_normal((dim, 20)), rng.standard_normal((20, dim))
        w1 -= (1 - np.exp(rng.uniform(-6, 0))) * w1.mean(axis=1, keepdims=True)
        first = alpha * w1 @ w0 / np.sqrt(20 * dim)
        room, sums = 1 - np.linalg.norm(first, 2), w1.sum(axis=1) / np.sqrt(20)
        if room <= 0 or np.linalg.norm(sums) >= beta * dim * room / (2 * alpha**2):
            continue
        held += 1
        limit, _ = linear_limit(x, first, sums, alpha, beta)
        # A multiple eigenvalue of a matrix far from normal is known to the root of rounding only.
        assert np.abs(np.linalg.eigvals(limit)).max() < 1 + 1e-6


def test_4_one_pattern_has_no_eigenvalue_1():
    assert lemma_4(sphere(1, 10), beta=4.0).predictions[2].measured < 0.9


def test_5_multiplicity_from_the_block_form():
    x = sphere(4, 9)
    from attractory.activations import Linear

    start = Autoencoder(9, width=300, activation=Linear(0.3), key=1, dtype=np.float64)
    first = np.asarray(start.jacobian(x[0]))
    limit = np.asarray(fit_sampled_regression(start, x).jacobian(x[0]))
    basis, _ = np.linalg.qr(x.T, mode="complete")
    q = basis[:, 4:]
    found = np.sort_complex(np.linalg.eigvals(limit).round(9))
    expected = np.concatenate([np.ones(4), np.linalg.eigvals(q.T @ first @ q)])
    np.testing.assert_allclose(found, np.sort_complex(expected.round(9)), atol=1e-8)


def test_6_the_constant_of_theorem_1():
    """It is 2 as dim grows: the printed step's √2 is too small, 2 + δ does."""
    ratios = [theorem_1(dim=dim, width=1000, draws=20).predictions for dim in (8, 24, 64)]
    means = [claims[2].measured for claims in ratios]
    assert means[0] < means[1] < means[2] < 2.1
    assert means[0] > np.sqrt(2)
    assert all(claims[1].agrees for claims in ratios)


def test_7_the_limit_is_passed_from_above():
    x = np.zeros((25, 32))
    x[:, 0] = -0.15
    x[0, 0] = 1.0
    x[1:, 1:25] = np.sqrt(1 - 0.15**2) * np.eye(24)
    f = fit_regression(1e3 * x, activation="erf_surrogate")
    assert spectral_radius(f, 1e3 * x[:1])[0] == pytest.approx(0.50236, abs=1e-5)
    assert approach_rate(x, activation="erf_surrogate")[0] < 0


@pytest.mark.parametrize(("name", "pairs", "singular"), [
    ("erf", 1, True), ("tanh", 1, True), ("sigmoid", 1, False), ("sigmoid", 2, True),
])  # fmt: skip
def test_8_antiparallel_pairs(name, pairs, singular):
    x = sphere(3, 8, norm=20.0)
    x = np.vstack([x, -x[:pairs]])
    values = np.linalg.eigvalsh(ntk(x, activation=name))
    assert (values[0] < 1e-12 * values[-1]) == singular
    assert fit_regression(x, activation=name).interpolates


def test_9_lemma_5_for_other_activations():
    assert not lemma_5(norm=1.0, activation="tanh").predictions[0].agrees
    assert lemma_5(norm=0.0).predictions[0].measured == pytest.approx(0.25, rel=1e-14)
    assert lemma_5(norm=0.0, depth=3).predictions[0].measured > 0.25


def test_10_alpha_and_z_share_their_input():
    """With inputs of their own E α̂ẑ would be E α̂ · E ẑ = 0; it is not, and networks agree."""
    finding = proposition_2(cosine=0.9, norm=20.0, width=1000, draws=60)
    cross = finding.predictions[3]
    assert cross.agrees
    assert cross.measured > 5 * cross.tolerance
    assert initial_moments(dim=32, norm=0.0, cosine=0.9).cross[0] == pytest.approx(
        0.9 * 0 / 32, abs=1e-15
    )


def test_11_large_alpha_is_not_why_tanh_starts_above_1():
    """At n = 20, dim 32 the linear region off the data has radius 0.6; yet networks reach 1.2."""
    x = sphere(20, 32, seed=0)
    start = Autoencoder(32, width=2000, activation="tanh", key=0, dtype=np.float64)
    first = np.asarray(start.jacobian(1e-3 * x[0]))
    across = np.eye(32) - np.linalg.pinv(x) @ x
    assert np.abs(np.linalg.eigvals(across @ first @ across)).max() < 0.8
    assert np.linalg.norm(first, 2) > 1
    f = fit_sampled_regression(start, 5 * x)
    assert spectral_radius(f, 5 * x).max() > 1.15
    assert spectral_radius(fit_regression(5 * x, activation="tanh"), 5 * x).max() < 1
    # At n = 5 most of the space is off the data, and there it is the reason.
    few = sphere(5, 32, seed=0)
    across = np.eye(32) - np.linalg.pinv(few) @ few
    assert np.abs(np.linalg.eigvals(across @ first @ across)).max() > 0.85


def test_12_a_larger_norm_is_a_larger_basin_only_up_to_a_point():
    """Noise of radius 10: what is recalled at norm 40 is not at 10, and hardly at 1000."""
    unit = sphere(5, 32, seed=0)
    shares = []
    for norm in (10.0, 40.0, 1000.0):
        f = fit_regression(norm * unit, activation="erf_surrogate")
        x = norm * unit
        curve = recall_curve(f, x, [10.0], noise=Noise(relative=False), trials=20, progress=False)
        shares.append(float(curve.pooled_fraction[0]))
    assert shares[1] > 0.9
    assert shares[0] < 0.6
    assert shares[2] < 0.1


@pytest.mark.parametrize(("n", "share"), [(2, 0.1), (8, 0.7)])
def test_13_shares_of_figure_e1_belong_to_a_small_norm(n, share):
    def near_one(norm):
        x = norm * sphere(n, 10, seed=0)
        start = Autoencoder(10, width=1000, key=0, dtype=np.float64)
        values = np.abs(eigenvalues(fit_sampled_regression(start, x), x))
        return (np.abs(values - 1) < 0.05).mean()

    assert near_one(0.5) == pytest.approx(share, abs=0.01)
    assert near_one(3.0) < 0.75 * share


def test_14_lemma_9_needs_no_equal_norms():
    x = sphere(4, 7) * [[1.0], [2.0], [5.0], [0.3]]
    assert lemma_9(x).predictions[1].verdict == "holds"
    # … but full rank it needs: of x and −x the affine hull holds the origin.
    assert shrinkage(np.vstack([x[:1], -x[:1]])) < 1e-20


def test_15_with_f0_sampled_the_norm_comes_down_as_the_root():
    x, excess = sphere(4, 8), []
    norms = np.array([50.0, 800.0])
    start = Autoencoder(8, width=20_000, activation="erf", key=0, dtype=np.float64)
    for norm in norms:
        excess.append(np.linalg.norm(np.asarray(start.jacobian(norm * x)), 2, axis=(1, 2)).mean())
    # ‖J₀‖ ∝ r^(−1/2): a quarter after a factor 16.
    assert excess[0] / excess[1] == pytest.approx(4, rel=0.2)
    assert large_norm_limit(x, activation="erf", f0="sampled").verdict == "holds"


def test_16_f0_decides_whether_anything_drops():
    """Well separated patterns: below 1 at every norm with f0 = 0, above 1 at first when sampled."""
    x = sphere(20, 32, seed=1)
    norms = [1.0, 4.0, 10.0, 50.0]
    centered = [
        spectral_radius(fit_regression(r * x, activation="erf_surrogate"), r * x).max()
        for r in norms
    ]
    assert max(centered) < 1
    start = Autoencoder(32, width=2000, activation="erf_surrogate", key=0, dtype=np.float64)
    sampled = [spectral_radius(fit_sampled_regression(start, r * x), r * x).max() for r in norms]
    assert sampled[1] > 1.005
    assert sampled[3] < 1
    # Correlated patterns exceed 1 even with f0 = 0, by little.
    near = sphere(12, 8, seed=1)
    radius = spectral_radius(fit_regression(4 * near, activation="erf_surrogate"), 4 * near).max()
    assert 1.001 < radius < 1.05
