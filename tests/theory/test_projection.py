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
    projection,
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
    # What the remark lacks is named where it lacks it.
    assert any("cg ≥ 0" in words for words in predictions[1].unmet) == (-2 < cg < 0)
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


class TestMeasured:
    """What is measured comes from the matrix, what is predicted from g: each is moved alone."""

    X = sphere(3, 5, seed=3)

    @pytest.mark.parametrize(
        ("statement", "matrix", "failing"),
        [
            # Eigenvalues 1, 1, ⅔ and twice 0 for cg = ½; moved one by one.
            (lemma_6, (0.9, 1, 2 / 3, 0, 0), {0}),
            (lemma_6, (1, 1, 2 / 3, 0.01, 0), {1}),
            (lemma_6, (1, 1, 0.67, 0, 0), {2}),
            (lemma_6, (1, 1, 1, 0.0, 0), {0, 2, 3}),
            (lemma_6, (1, 1, 2 / 3, 0, 0), set()),
            (corollary_7, (1, 1, 0.67, 0, 0), {0}),
            (corollary_7, (1, 1, 2 / 3, 0, 0), set()),
            (corollary_8, (1.001, 1, 2 / 3, 0, 0), {0}),
            (corollary_8, (0.999, 0.99, 2 / 3, 0, 0), {0}),
            (corollary_8, (0.9, 0.9, -1.0, 0, 0), set()),  # the norm, not the eigenvalue
            (remark_2, (1.001, 1, 2 / 3, 0, 0), {0, 1}),
            (remark_2, (1, 1, 2 / 3, 0, 0), set()),
        ],
    )
    def test_a_moved_eigenvalue_fails_its_own_claim(self, monkeypatch, statement, matrix, failing):
        x, g = self.X, shrinkage(self.X)
        a = np.linalg.pinv(x) @ np.ones(3)
        basis = np.linalg.qr(np.column_stack([a, x.T[:, :2]]))[0]
        across = np.linalg.svd(basis.T)[2][3:]
        vectors = np.column_stack([basis[:, 1:3], a / np.linalg.norm(a), *across])
        made = vectors @ np.diag(np.array(matrix, float)) @ vectors.T
        monkeypatch.setattr(projection, "_matrix", lambda x, c: made)
        found = statement(x, 0.5 if statement is remark_2 else 0.5 / g)
        assert {k for k, p in enumerate(found.predictions) if not p.agrees} == failing
        assert found.verdict == ("FAILS" if failing else "holds")

    def test_a_moved_inverse_or_g_fails_its_own_claim(self, monkeypatch):
        x, g = self.X, shrinkage(self.X)
        real = projection._inverse
        with monkeypatch.context() as patch:
            patch.setattr(projection, "_inverse", lambda x, c: real(x, c) + 1e-3)
            matrix = x.T @ real(x, 1.0) @ x
            patch.setattr(projection, "_matrix", lambda x, c: matrix)
            found = corollary_7(x, 1.0)
            assert [p.agrees for p in found.predictions] == [True, False, True]
        with monkeypatch.context() as patch:  # a·xᵢ is not 1 without full rank
            twice = np.vstack([x, x[:1] + 1e-3 * x[1:2]])[[0, 1, 3]] * [[1.0], [1.0], [2.0]]
            found = corollary_7(np.vstack([x, [[0.0] * 5]]), 1.0)
            assert not found.predictions[2].agrees
            assert found.predictions[2].measured == pytest.approx(1.0)
            assert lemma_9(twice).predictions[1].agrees
        shortest = np.linalg.norm(x, axis=1).min()
        for value, agrees in ((0.99 / shortest**2, False), (1.01 / shortest**2, True)):
            with monkeypatch.context() as patch:
                patch.setattr(projection, "shrinkage", lambda x, v=value: v)
                assert lemma_9(x).predictions[1].agrees == agrees
        unequal = x * [[1.0], [2.0], [3.0]]
        found = lemma_9(unequal).predictions
        assert [p.predicted for p in found] == pytest.approx([1 / 9, 1.0])
        assert [p.measured for p in found] == pytest.approx([shrinkage(unequal)] * 2)
        assert found[0].unmet == ("equal norms: got 1 to 3",)
        assert g == pytest.approx(np.ones(3) @ np.linalg.inv(x @ x.T) @ np.ones(3))
