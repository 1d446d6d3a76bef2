"""Linear algebra of the linear region on random patterns, by routes of their own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attractory.datasets import sphere
from attractory.theory import (
    corollary_7,
    corollary_8,
    lemma_2,
    lemma_3,
    lemma_4,
    lemma_6,
    lemma_9,
    remark_2,
    shrinkage,
)


def patterns(seed, n, dim, spread=0.0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, dim))
    return (
        x / np.linalg.norm(x, axis=1, keepdims=True) * np.exp(spread * rng.standard_normal((n, 1)))
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), n=st.integers(2, 6), extra=st.integers(0, 5),
    c=st.floats(0.01, 100), spread=st.floats(0, 1),
)  # fmt: skip
def test_section_c2_on_random_patterns(seed, n, extra, c, spread):
    x = patterns(seed, n, n + extra + 1, spread)
    for finding in (lemma_6(x, c), corollary_7(x, c), corollary_8(x, c), remark_2(x, c)):
        assert finding.verdict == "holds", finding
    assert lemma_9(x).predictions[1].verdict == "holds"


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 6), spread=st.floats(0, 1))
def test_g_is_the_inverse_square_distance_of_the_affine_hull(seed, n, spread):
    x = patterns(seed, n, 8, spread)
    # Distance from the origin to x₀ + span(xᵢ − x₀), by least squares.
    span = (x[1:] - x[0]).T
    foot = x[0] - (span @ np.linalg.lstsq(span, x[0], rcond=None)[0] if n > 1 else 0)
    assert shrinkage(x) == pytest.approx(1 / (foot @ foot), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), cg=st.floats(-3, 3).filter(lambda v: abs(v + 1) > 0.01))
def test_norm_for_negative_c(seed, cg):
    """Remark 2 as corrected: the norm is 1 exactly where cg ≥ 0 or cg ≤ −2."""
    predictions = remark_2(patterns(seed, 3, 5), float(cg)).predictions
    assert predictions[0].agrees
    assert predictions[1].agrees == (not -2 < cg < 0) or abs(predictions[1].measured - 1) < 1e-8


def test_linear_lemmas_under_random_orthogonal_changes():
    """Turning the patterns turns J∞ with f0 = 0: eigenvalues stay."""
    x = sphere(4, 9, seed=5)
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((9, 9)))
    for lemma in (lemma_3, lemma_4):
        a, b = (lemma(points, f0="zero").predictions for points in (x, x @ turn))
        assert [c.measured for c in a][:2] == [c.measured for c in b][:2]


def test_degenerate_patterns_are_answered_or_refused_with_the_reason():
    x = sphere(3, 6)
    assert "n ≤ n₀: 7 patterns in dim 6" in lemma_3(sphere(7, 6)).unmet
    assert lemma_3(np.vstack([x, -x[:1]])).unmet == ("full rank: rank 3 of 4 patterns",)
    assert "β ≠ 0: got 0" in lemma_4(x, beta=0.0).unmet
    assert "equal norms: got 1 to 2" in lemma_4(x * [[1.0], [2.0], [1.0]]).unmet
    assert lemma_4(x[:1], f0="zero").unmet == ("n ≥ 2: got 1 pattern",)
    with pytest.raises(ValueError, match="alpha must be a finite number above 0, got 0"):
        lemma_2(x, alpha=0.0)
    with pytest.raises(ValueError, match="rows 0 and 1 equal"):
        lemma_3(np.ones((2, 3)))
    with pytest.raises(ValueError, match="cg must differ from -1"):
        remark_2(x, -1.0)
    with pytest.raises(ValueError, match="origin in their affine hull"):
        remark_2(np.vstack([x[:1], -x[:1]]), -0.5)
