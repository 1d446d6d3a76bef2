"""Rows far from 0, rows that rounding has left few digits of, rows whose squares are no numbers."""

import warnings

import mpmath
import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.memory.cue_denoising import _less_origin
from attractory.memory.metric import fit_metric
from attractory.memory.row_checks import centre

ROWS = np.random.default_rng(0).normal(size=(12, 8))
NOISE = 0.1 * np.random.default_rng(1).normal(size=(12, 8))


def stored(rows, **settings):
    return AttractorMemory(activation="erf", **settings).fit(rows)


@pytest.mark.parametrize("iteration", ["guided", "plain"])
def test_an_offset_costs_no_more_than_its_own_rounding(iteration):
    """The error of a recalled row is relative to the rows' spread, however far from 0 they are."""
    for offset in (0.0, 1e2, 1e4, 1e8, 1e12):
        rows = ROWS + offset
        memory = stored(rows, iteration=iteration)
        own = np.abs(memory.recall(rows).state - rows).max()
        result = memory.recall(rows + NOISE)
        assert own <= 1e-12 + 2 * np.spacing(offset)
        assert (result.pattern == np.arange(12)).mean() >= 0.9
        back = result.pattern == np.arange(12)
        assert np.abs(result.state - rows)[back].max() <= 2e-5 + 2 * np.spacing(offset)


@pytest.mark.parametrize(
    "rows",
    [
        1.7e9 + 60 * ROWS,  # Unix times
        101_325 + 0.01 * ROWS,  # pascals
        300 + 1e-5 * ROWS,
        ROWS + np.where(np.arange(8) == 2, 1e9, 0.0),  # one column far off
        np.where(np.arange(8) == 2, 1e18, ROWS),  # one that is constant, too
        (1.7e18 + 6e10 * ROWS).astype(np.int64),  # nanoseconds
        (300 + ROWS).astype(np.float32),
        1e60 * ROWS,
        1e-60 * ROWS,
    ],
)
@pytest.mark.filterwarnings("error")
def test_rows_far_from_0_are_recalled(rows):
    memory = stored(rows)
    assert memory.predict(rows).tolist() == list(range(12))
    found = memory.recall(rows.astype(float) + NOISE * (rows - rows.mean(axis=0)))
    assert (found.pattern == np.arange(12)).mean() >= 0.9


def test_rows_come_and_go_far_from_0():
    rows = 1.7e9 + 60 * ROWS
    memory = stored(rows[:10]).partial_fit(rows)
    assert len(memory.partial_fit(memory.patterns_)) == 12  # rounded, and the same rows
    memory.forget([0, 3])
    assert memory.predict(rows[[1, 2, 11]]).tolist() == [0, 1, 9]


def test_columns_of_very_different_scale_are_stored():
    rows = ROWS * 10.0 ** np.arange(-8, 8, 2)
    assert stored(rows, metric=None).predict(rows).tolist() == list(range(12))


def test_columns_of_unequal_spread_are_told():
    scales = np.array([1e6, 1, 1, 1, 1, 1, 0, 1])  # of which a constant one is none
    with pytest.warns(UserWarning, match="scale=.columns. would bring them"):
        stored(ROWS * scales, scale=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored(ROWS * np.array([10, 1, 1, 1, 1, 1, 0, 1]) + 1e6)


def test_what_rounding_has_taken_is_told():
    with pytest.warns(UserWarning, match="float64 holds values near 1e\\+15"):
        memory = stored(ROWS + 1e15)
    assert memory.predict(ROWS + 1e15).tolist() == list(range(12))
    with pytest.warns(UserWarning, match="float32 holds values near 1.7e\\+09"):
        stored((1.7e9 + 60 * ROWS).astype(np.float32))
    with pytest.raises(ValueError, match="rows that differ, got 12 equal ones; float64"):
        stored(ROWS + 1e18)


def test_few_digits_are_told_only_where_an_offset_has_taken_them():
    """Half precision has 11 bits of rows about 0, and 3 of the same rows beside 256."""
    rows = ROWS.astype(np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored(rows)
    with pytest.warns(UserWarning, match="float16 holds values near 2"):
        stored(rows + np.float16(256))


@pytest.mark.parametrize("size", [1e150, 1e-90, 1e-200])
def test_rows_whose_squares_are_no_numbers_are_refused(size):
    mend = "divide" if size > 1 else "multiply"
    with pytest.raises(ValueError, match=rf"^X must .* {mend} all rows by one factor"):
        stored(size * ROWS)
    if size > 1:
        with pytest.raises(ValueError, match=r"^X must not have values beyond"):
            stored(ROWS).predict(size * ROWS)
    assert (stored(ROWS).predict(np.where(np.arange(8) == 2, 1e99, ROWS)) >= -1).all()


def test_the_mean_of_rows_far_from_0_is_exact():
    rows = np.random.default_rng(2).integers(-8, 8, size=(1000, 3)) / 8 + 2.0**40
    exact = [float(mpmath.fsum(map(mpmath.mpf, column.tolist())) / 1000) for column in rows.T]
    assert centre(rows).tolist() == exact


def test_origins_that_are_all_but_parallel_are_taken_off_as_bayes_says():
    """AAᵀ(C + ν + AAᵀ)⁻¹x with 60 digits, for a mean that is a constant to 1e-9 of itself."""
    x = ROWS[:, :3]
    mean = 1e9 + np.array([0.3, -1.0, 2.0])
    metric = fit_metric(x, 0.01)
    cue, level = x[:1] + 4e8, np.array([0.5])  # far more than patterns and noise explain
    with mpmath.workdps(60):
        size = mpmath.sqrt(sum(mpmath.mpf(m) ** 2 for m in mean) / 3 + metric.variances.sum() / 3)
        aside = mpmath.matrix([[mpmath.mpf(m), size] for m in mean.tolist()])
        law = mpmath.matrix((x.T @ x / 12 + 0.5 * np.eye(3)).tolist()) + aside * aside.T
        moved = aside * (aside.T * mpmath.lu_solve(law, mpmath.matrix(cue[0].tolist())))
        expected = [float(mpmath.mpf(c) - m) for c, m in zip(cue[0].tolist(), moved, strict=True)]
    found = _less_origin(cue, metric, level, mean)[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)  # 4e8 has no digits below 6e-8
    # A cue that patterns and noise explain has not moved at all.
    np.testing.assert_array_equal(_less_origin(x, metric, np.full(12, 0.5), mean), x)
