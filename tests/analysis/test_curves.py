"""Recall curves, against the exact chances of maps with known basins."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, norm
from toy_maps import Cubic, Product, Ring, Sigmoid

from attractory import Outcome, corrupt, fit_regression, recall_curve, recall_outcomes
from attractory.analysis import Noise, RecallRule, absolute_size
from attractory.datasets import bundled_digits, rescale

ABSOLUTE = Noise(relative=False)
LONG = RecallRule(max_steps=200)
ONES = np.ones((1, 20))
SIZES = np.array([0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.5])


def check(curve, truth):
    """The truth lies in every interval of 99.9 %, seeds being fixed, and they are narrow."""
    low, high = curve.pooled_interval
    assert ((low <= truth) & (truth <= high)).all()
    assert (high - low).max() < 0.1
    assert ((truth > 0.02) & (truth < 0.98)).sum() >= 2  # not only sizes where all is trivial


def test_one_sided_basin_gives_the_normal_distribution():
    """Of ±1 under noise σ, P(home) = Φ(1/σ)."""
    curve = recall_curve(
        Sigmoid(), [[1.0], [-1.0]], SIZES, noise=ABSOLUTE, trials=2000, confidence=0.999
    )
    check(curve, norm.cdf(1 / SIZES))
    lost = curve.pooled_counts[:, Outcome.OTHER] + curve.pooled_counts[:, Outcome.LATE]
    np.testing.assert_array_equal(lost + curve.pooled_counts[:, Outcome.RECALLED], 4000)
    # Each pattern by itself, too.
    low, high = curve.interval
    assert ((low <= norm.cdf(1 / SIZES)) & (norm.cdf(1 / SIZES) <= high)).all()


def test_overshoot_sends_large_noise_to_the_other_side():
    """The cubic's basin is a union of intervals, and beyond the 2-cycle everything diverges."""
    f = Cubic(0.5)
    curve = recall_curve(
        f, [[1.0], [-1.0]], SIZES, noise=ABSOLUTE, trials=2000, confidence=0.999, rule=LONG
    )
    ends = (f.home_intervals() - 1)[:, :, None] / SIZES
    check(curve, (norm.cdf(ends[:, 1]) - norm.cdf(ends[:, 0])).sum(axis=0))
    beyond = norm.sf((f.bound - 1) / SIZES) + norm.cdf((-f.bound - 1) / SIZES)
    fled = curve.pooled_counts[:, Outcome.DIVERGED] / 4000
    assert (np.abs(fled - beyond) <= 4 * np.sqrt(beyond * (1 - beyond) / 4000) + 1e-3).all()
    assert beyond[-1] > 0.1


def test_disc_gives_the_rayleigh_distribution_and_the_rest_goes_to_the_cycle():
    f = Ring()
    size = np.array([0.3, 0.5, 0.7, 1.0, 1.6])
    curve = recall_curve(
        f, [f.centre], size, noise=ABSOLUTE, trials=3000, confidence=0.999, rule=LONG
    )
    check(curve, 1 - np.exp(-1 / (2 * size**2)))
    home, cycle = curve.pooled_counts[:, Outcome.RECALLED], curve.pooled_counts[:, Outcome.CYCLE]
    assert (home + cycle >= 2999).all()
    # On a sphere all are home inside the disc, none outside; the pattern's norm is 5.
    sphere = recall_curve(
        f, [f.centre], [0.99 / 5, 1.01 / 5], noise=Noise(kind="sphere"), trials=50,
        rule=RecallRule(max_steps=300),
    )  # fmt: skip
    assert sphere.pooled_fraction.tolist() == [1.0, 0.0]
    assert sphere.pooled_counts[1, Outcome.CYCLE] == 50


@pytest.mark.parametrize("relative", [True, False])
def test_product_of_twenty_halves_of_a_line(relative):
    """Every coordinate must keep its sign: Φ(1/σ)²⁰, and (1 − Φ)²⁰ is the way to −1."""
    f, sizes = Product((Sigmoid(),) * 20), np.array([0.4, 0.5, 0.6, 0.8, 1.2])
    curve = recall_curve(
        f,
        np.vstack([ONES, -ONES]),
        sizes,
        noise=Noise(relative=relative),
        trials=1000,
        confidence=0.999,
    )  # the patterns' norm is √20: relative and absolute deviation are one
    check(curve, norm.cdf(1 / sizes) ** 20)
    spurious = curve.pooled_counts[-1, Outcome.SPURIOUS] / 2000
    p = norm.cdf(1 / 1.2)
    assert spurious == pytest.approx(1 - p**20 - (1 - p) ** 20, abs=0.02)


def test_noise_on_a_sphere_in_a_product_with_a_disc():
    """Radius ρ uniform on S³ about (centre, 1, 1); home iff the disc's part stays within 1.

    The two squared coordinates of the disc hold a share of ρ² that is Beta(1, 1), uniform; with the
    other parts contracting everywhere, P(home) = min(1, 1/ρ²).
    """

    class Contract(Ring):
        dim = 4

        def __call__(self, x):
            return jnp.concatenate([super().__call__(x[..., :2]), 1 + 0.5 * (x[..., 2:] - 1)], -1)

    sizes = np.array([0.9, 1.2, 1.7, 2.5])
    curve = recall_curve(
        Contract(), [[3.0, 4.0, 1.0, 1.0]], sizes,
        noise=Noise(kind="sphere", relative=False), trials=2000, confidence=0.999, rule=LONG,
    )  # fmt: skip
    check(curve, np.minimum(1, sizes**-2.0))


def test_masking_a_known_number_of_coordinates():
    """Sigmoid coordinates set to −1: home only if none is lost; set to 0.1: always home."""
    f = Product((Sigmoid(),) * 20)
    noise = Noise(kind="mask", fill=-1.0)
    lost = recall_curve(f, ONES, [0.02, 0.05, 0.5], noise=noise, trials=20)
    assert lost.pooled_fraction.tolist() == [1.0, 0.0, 0.0]  # round(0.4) = 0
    kept = recall_curve(f, ONES, [0.5, 1.0], noise=Noise(kind="mask", fill=0.1), trials=20)
    assert kept.pooled_fraction.tolist() == [1.0, 1.0]
    assert kept.unit == "share of coordinates"


def test_repeats_exactly_whatever_the_chunk_and_agrees_with_its_parts():
    x = rescale(bundled_digits(6)[0], 100.0)
    f, sizes = fit_regression(x), [1.0, 4.0]
    seen = []
    settings = {"noise": Noise(seed=5), "trials": 9}
    curve = recall_curve(f, x, sizes, **settings, progress=lambda d, t: seen.append((d, t)))
    assert seen == [(54, 108), (108, 108)]
    for chunk in (7, 16):
        again = recall_curve(f, x, sizes, **settings, chunk=chunk)
        np.testing.assert_array_equal(again.counts, curve.counts)
    home = np.tile(np.arange(6), (9, 1))
    for s, size in enumerate(sizes):
        cues = corrupt(x, "gaussian", absolute_size(x, "gaussian", size), trials=9, seed=5)
        result = recall_outcomes(f, cues, x, home)
        for outcome in Outcome:
            expected = (result.outcome == outcome).sum(axis=0)
            np.testing.assert_array_equal(curve.counts[:, s, outcome], expected)
    assert (curve.counts.sum(axis=2) == 9).all()


def test_result_as_plain_data():
    patterns, noise = [[1.0], [-1.0]], Noise(seed=3)
    curve = recall_curve(Sigmoid(), patterns, [0.5, 1.0], noise=noise, trials=10, confidence=0.9)
    data = json.loads(json.dumps(curve.to_dict()))
    assert data["seed"] == 3
    assert data["sizes"] == [0.5, 1.0]
    assert data["pooled"]["fraction"] == curve.pooled_fraction.tolist()
    assert np.array(data["counts"]["recalled"]).tolist() == curve.successes.tolist()
    assert (np.array(data["low"]) <= curve.fraction).all()
    assert sum(np.sum(data["counts"][o.name.lower()]) for o in Outcome) == 40
    assert "2 patterns × 2 sizes × 10 trials of gaussian" in repr(curve)
    assert (curve.norms.tolist(), curve.unit) == ([1.0, 1.0], "noise norm / pattern norm")
    assert curve.residual.max() < 1e-12


def test_common_random_numbers_make_star_shaped_basins_monotone():
    """The half-lines contain every segment to their attractor: no cue returns at a larger size."""
    f = Product((Sigmoid(),) * 20)
    curve = recall_curve(f, ONES, np.linspace(0.3, 0.9, 13), trials=200)
    assert (np.diff(curve.successes[0]) <= 0).all()
    assert 0 < curve.successes[0, -1] < curve.successes[0, 0]


def test_chance_of_gaussian_noise_is_that_of_a_chi_square():
    """A ball of radius b in d = 20: P(‖noise‖ < b) = F_χ²(b²/σ²), for a map that knows the norm."""

    def f(x):
        away = x - 1
        square = (away**2).sum(axis=-1, keepdims=True)
        return 1 + away * jnp.where(square < 4, 0.5, 2.0)

    sizes = np.array([0.3, 0.4, 0.45, 0.5, 0.6])
    curve = recall_curve(f, ONES, sizes, noise=ABSOLUTE, trials=3000, confidence=0.999)
    check(curve, chi2.cdf(4 / sizes**2, 20))
    assert curve.pooled_counts[:, Outcome.DIVERGED].sum() == (3000 - curve.successes).sum()


def test_bad_values():
    f, x = Sigmoid(), [[1.0], [-1.0]]
    half = Product((Sigmoid(), Sigmoid()))
    for call, error, words in [
        (lambda: recall_curve(f, x, [0.5, 0.5]), ValueError, "sizes must be above 0 and in asc"),
        (lambda: recall_curve(f, x, [0.0, 0.5]), ValueError, "sizes must be above 0 and in asc"),
        (lambda: recall_curve(f, x, [np.nan]), ValueError, "sizes must be finite"),
        (lambda: recall_curve(f, x, []), ValueError, "sizes must be a list of numbers"),
        (
            lambda: recall_curve(f, x, [1.2], noise=Noise(kind="mask")),
            ValueError,
            "must be from 0 to 1",
        ),
        (lambda: recall_curve(f, x, [0.5], trials=0), ValueError, "trials must be at least 1"),
        (lambda: recall_curve(f, x, [0.5], confidence=1.0), ValueError, "confidence must lie"),
        (lambda: RecallRule(tolerance=0.0), ValueError, "tolerance must lie"),
        (lambda: RecallRule(max_steps=0), ValueError, "max_steps must be"),
        (lambda: Noise(seed=-1), ValueError, "seed must be"),
        (lambda: recall_curve(f, x, [0.5], chunk=0), ValueError, "chunk must be"),
        (lambda: recall_curve(f, [[np.inf]], [0.5]), ValueError, "patterns must be finite"),
        (lambda: recall_curve(f, [[0.0]], [0.5]), ValueError, "zero vector"),
        (lambda: recall_curve(half, x, [0.5]), ValueError, "patterns must have 2 features"),
        (lambda: recall_curve(f, [[0.9], [1.0]], [0.5]), ValueError, "row 0 by 9.1e-02 of its"),
        (lambda: recall_curve(lambda x: x[..., :1], [[1.0, 1.0]], [0.5]), TypeError, "must map"),
    ]:
        with pytest.raises(error, match=words):
            call()
