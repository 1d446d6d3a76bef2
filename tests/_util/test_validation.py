"""The checks, called directly: elsewhere the tests' own type checks come before them."""

import numpy as np
import pytest

from attractory._util.validation import (
    as_batch,
    as_points,
    ascending,
    choice,
    duplicate_rows,
    indices,
    no_zero_rows,
    nonnegative,
    positive,
    share,
    whole,
    within,
)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint64, bool, np.float16])
def test_real_types_are_promoted(dtype):
    value = np.array([[1, 0], [1, 1]], dtype=dtype)
    points = as_points(value, "x")
    assert points.dtype == np.float64
    assert (points == value).all()
    assert points.flags.c_contiguous


def test_a_batch_may_have_any_leading_shape():
    assert as_batch(np.ones(3), "x", dim=3).shape == (3,)
    assert as_batch(np.ones((2, 4, 3)), "x").shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: as_batch(np.float64(3), "x"), ValueError, r"x must have shape \(…, d\)"),
        (lambda: as_batch(np.ones((2, 0)), "x"), ValueError, "not be empty"),
        (lambda: as_batch(np.ones((2, 5)), "x", dim=4), ValueError, "x must have 4 features.*5"),
        (lambda: as_points(np.array([["a"]]), "x"), TypeError, "x must hold real numbers"),
        (lambda: as_points(np.array([[None]]), "x"), TypeError, "x must hold real numbers"),
        (lambda: positive(0, "norm"), ValueError, "norm must be a finite number above 0, got 0"),
        (lambda: positive(float("nan"), "norm"), ValueError, "got nan"),
        (lambda: positive(float("inf"), "norm"), ValueError, "got inf"),
        (lambda: positive("3", "norm"), TypeError, "norm must be a number, got str"),
        (lambda: positive(True, "norm"), TypeError, "norm must be a number, got bool"),
        (lambda: nonnegative(-1e-9, "ridge"), ValueError, "at least 0"),
        (lambda: whole(2.0, "depth", 2), TypeError, "depth must be an integer, got float 2.0"),
        (lambda: whole(True, "depth", 2), TypeError, "depth must be an integer, got bool"),
        (lambda: whole(1, "depth", 2), ValueError, "depth must be at least 2, got 1"),
        (lambda: whole(300, "n", 1, 200), ValueError, "n must be from 1 to 200, got 300"),
        (
            lambda: no_zero_rows(np.array([[1.0], [0.0], [0.0]]), "patterns"),
            ValueError,
            r"zero vector, got one in row 1 \(2 in all\)",
        ),
        (
            lambda: duplicate_rows(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0]]), "patterns"),
            ValueError,
            "rows 0 and 2 equal",
        ),
        (lambda: share(1, "tolerance"), ValueError, "tolerance must lie between 0 and 1, got 1"),
        (lambda: share("a", "tolerance"), TypeError, "tolerance must be a number, got str"),
        (
            lambda: choice("pepper", "kind", ("mask", "sphere")),
            ValueError,
            "kind must be one of 'mask', 'sphere'; got 'pepper'",
        ),
        (lambda: ascending(1.0, "sizes"), ValueError, "sizes must be a list of numbers"),
        (lambda: ascending([1.0, 0.5], "sizes"), ValueError, r"ascending order, got \[1.0, 0.5\]"),
        (
            lambda: within([0.5, 2.0], "size", 0.0, 1.0),
            ValueError,
            "size must be from 0 to 1, got 2",
        ),
        (lambda: within(-1, "size", 0.0, np.inf), ValueError, "size must be at least 0, got -1"),
        (
            lambda: within([1, 2], "size", 0.0, 9.0, (3,)),
            ValueError,
            r"fit shape \(3,\), got .*\(2,\)",
        ),
        (lambda: indices(3, "home", (2,), 3), ValueError, "home must be from 0 to 2, got 3 to 3"),
        (lambda: indices(-1, "home", (2,), 3), ValueError, "home must be from 0 to 2, got -1"),
        (
            lambda: indices([0.5], "home", (1,), 3),
            TypeError,
            "home must hold integers, got .*float",
        ),
    ],
)
def test_messages_name_the_argument_and_its_value(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_good_numbers_pass():
    assert whole(np.int64(3), "n", 1) == 3
    assert positive(np.float32(0.5), "norm") == 0.5
    assert nonnegative(0, "ridge") == 0.0
    assert share(np.float64(0.5), "confidence") == 0.5
    assert choice("mask", "kind", ("mask",)) == "mask"
    assert ascending((1, 2), "sizes").tolist() == [1.0, 2.0]
    assert within(1, "size", 0.0, 1.0, (2, 1)).tolist() == [[1.0], [1.0]]
    assert indices([0, 2], "home", (3, 2), 3).tolist() == [[0, 2]] * 3
