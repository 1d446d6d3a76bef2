"""The check of shapes that all other tests run under does refuse what it should."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
import pytest
from jaxtyping import Float
from shape_checks import checked

from attractory.analysis.norm_search import BestNorm
from attractory.solvers.cholesky import Factor


@checked
def row(x: Float[np.ndarray, "n d"], k: int = 0, *, y: Float[np.ndarray, "m d"] | None = None) -> (
    Float[np.ndarray, " d"]
):  # fmt: skip
    return x[k] if k >= 0 else x


def adding(c):
    @checked
    def add(x: Float[np.ndarray, " n"], /, *more: Float[np.ndarray, " n"], **named: int) -> object:
        return x + c

    return add


@checked
@dataclass
class Pair:
    a: Float[np.ndarray, " n"]
    b: Float[np.ndarray, " n"]


def test_what_is_given_and_returned_is_checked():
    x, v = np.ones((2, 3)), np.ones(2)
    assert row(x, y=np.ones((5, 3))).tolist() == [1, 1, 1]
    assert [adding(c)(v, v, k=1).tolist() for c in (1, 2)] == [[2, 2], [3, 3]]
    assert Pair(v, b=v).a is v
    for wrong in (
        lambda: row(v), lambda: row(x, "0"), lambda: row(x, y=np.ones((2, 4))),
        lambda: row(x, -1),  # its result
        lambda: adding(1)(x), lambda: adding(1)(v, np.ones(3)), lambda: adding(1)(v, k="1"),
        lambda: Pair(v, np.ones(3)),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="violates type hint"):
            wrong()


def test_sizes_of_one_name_agree_wherever_they_are_named():
    @checked
    def plain(x: Float[jax.Array, " n"], y: Float[jax.Array, " n"]) -> None: ...

    @checked
    def perhaps(x: Float[jax.Array, " n"] | None, y: Float[jax.Array, " n"] | None) -> None: ...

    @checked
    def within(x: tuple[Float[jax.Array, " n"]], y: tuple[Float[jax.Array, " n"]]) -> None: ...

    two, three = jax.numpy.ones(2), jax.numpy.ones(3)
    for call, wrap in ((plain, lambda v: v), (perhaps, lambda v: v), (within, lambda v: (v,))):
        call(wrap(two), wrap(two))
        with pytest.raises(TypeError, match="violates type hint"):
            call(wrap(two), wrap(three))


def test_calls_like_one_that_was_checked_are_refused_where_they_differ():
    @checked
    def give(k: int, how: Literal["row", "rows"]) -> Float[np.ndarray, " n"]:
        return np.ones((2,) * k)

    @checked
    def first(some: list[int], all: Sequence[int]) -> None: ...

    give(1, "row")
    first([1], (1,))
    for wrong in (
        lambda: give(2, "row"),  # its result alone
        lambda: give(1, "column"), lambda: first(["1"], (1,)), lambda: first([1], ("1",)),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="violates type hint"):
            wrong()
    assert give(1, "rows").shape == (2,)


def test_the_package_is_checked():
    with pytest.raises(TypeError, match="norms=3"):
        BestNorm(
            norm=1.0, radius=1.0, norms=3, radii=np.ones(2), tied=(1.0, 1.0), at_edge=True,
            at_least=True, settings={},
        )  # fmt: skip
    with pytest.raises(TypeError, match="violates type hint"):
        Factor(np.eye(2)).solve([1, 2])
