"""The rows' own span: the map, and recall in it, against those of all coordinates."""

import numpy as np

from attractory import AttractorMemory, recall
from attractory._util.machine import few_sizes
from attractory.datasets import sphere
from attractory.memory.settings import MemorySettings
from attractory.memory.span import Span
from attractory.memory.stored_map import KernelStore

ROWS = sphere(12, 150, norm=60.0)


def kinds(x, settings=None):
    return KernelStore(x, x, settings or MemorySettings.checked({"activation": "erf"}))


def test_points_keep_their_products_and_come_back():
    rng = np.random.default_rng(0)
    span = Span.of(ROWS, ROWS)
    cues, starts = rng.normal(size=(2, 5, 150))
    starts[0] = cues[0]
    first, second, across = span.inward(cues, starts)
    assert first.shape == second.shape == (5, span.size)
    own, inside = np.vstack([ROWS, cues]), np.vstack([span.within(ROWS), first])
    # Of two cues only the products with what is in the span, and each one's own, are kept.
    np.testing.assert_allclose(inside[12:] @ inside[:12].T / span.size, cues @ ROWS.T / 150)
    square = np.einsum("ij,ij->i", inside, inside) / span.size
    np.testing.assert_allclose(square, np.einsum("ij,ij->i", own, own) / 150)
    np.testing.assert_allclose((first * second).sum(axis=1) / span.scale**2,
                               (cues * starts).sum(axis=1), atol=1e-10)  # fmt: skip
    for y, x in ((first, cues), (second, starts)):
        np.testing.assert_allclose(span.outward(y, across), x, atol=1e-12)
    np.testing.assert_allclose(span.outward(span.within(ROWS)), ROWS, atol=1e-12)


def test_where_nothing_is_saved_points_stay_as_they_are():
    for n, dim in ((3, 2), (5, 5), (60, 64), (63, 66)):
        assert few_sizes(n + 2) >= dim
        x = np.random.default_rng(n).normal(size=(n, dim))
        span = Span.of(x, x)
        assert span.whole
        assert span.size == dim
        assert span.within(x) is x


def test_a_span_grows_by_what_is_new_and_holds_successors():
    rng = np.random.default_rng(1)
    span = Span.of(ROWS[:8], ROWS[:8])
    grown = span.with_rows(np.vstack([ROWS[8:], ROWS[:2] + ROWS[3]]))
    assert grown.basis.shape == (150, 12)
    np.testing.assert_allclose(grown.basis.T @ grown.basis, np.eye(12), atol=1e-14)
    y = span.within(ROWS[:8])
    np.testing.assert_allclose(grown.moved(y, span), grown.within(ROWS[:8]), atol=1e-12)
    assert grown.loose(5)
    assert not grown.loose(6)
    assert Span.of(ROWS, ROWS[::-1]).basis.shape == (150, 12)
    others = rng.normal(size=(3, 150))
    np.testing.assert_allclose(
        (both := Span.of(ROWS, others)).outward(both.within(others)), others, atol=1e-12
    )


def test_the_map_of_the_span_is_the_map():
    """Coefficients, values, residual, and values at cues with parts across the span."""
    store = kinds(ROWS)
    f, inner = store.map(), store.inner
    assert inner is not store
    assert inner.inner is inner
    cues = ROWS + 3 * np.random.default_rng(2).normal(size=ROWS.shape)
    first, _, across = store.span.inward(cues, cues)
    for g in (inner.map(), inner.calls()):
        values = np.asarray(g(first))
        np.testing.assert_allclose(store.span.outward(values, across), f(cues), atol=1e-9)
        assert not values[:, 12:].any()
    assert store.residual() < 1e-12
    # Zero patterns with zero coefficients add exact zeros: 12 and 64 patterns are one map.
    assert inner.calls().patterns.shape == (64, store.span.size)
    np.testing.assert_allclose(inner.calls()(first), inner.map()(first), atol=1e-12)


def test_changes_follow_the_span_and_rows_forgotten_leave_it():
    whole, grown = kinds(ROWS), kinds(ROWS[:9])
    grown.map()
    grown = grown.with_rows(ROWS[9:], ROWS[9:])
    np.testing.assert_allclose(grown.factor.lower, whole.factor.lower, atol=1e-12)
    np.testing.assert_allclose(grown.map().coefficients, whole.map().coefficients, atol=1e-12)
    less = grown.without(np.arange(3, 12))
    assert less.span.basis.shape == (150, 3)  # of twelve directions, nine are of no use
    np.testing.assert_allclose(less.map()(ROWS[:3]), ROWS[:3], atol=1e-9)


def test_recall_ends_where_the_map_of_all_coordinates_leads():
    rows = ROWS + 5.0
    memory = AttractorMemory(activation="erf", metric=None, iteration="plain", norm=60.0).fit(rows)
    assert not memory.state_.span.whole
    cues = rows + 2 * np.random.default_rng(3).normal(size=rows.shape)
    found = memory.recall(cues)
    state = memory.state_
    start = state.coordinates.encode(cues)[0]
    ended = recall(memory.map_, start, max_steps=1000, tol=1e-7)
    assert (found.status == ended.status).all()
    assert (found.steps == ended.steps).all()
    assert (found.pattern == np.arange(12)).all()
    wanted = state.coordinates.decode(ended.state, state.sizes)
    np.testing.assert_allclose(found.state, wanted, atol=1e-9)


def test_a_row_that_is_nearly_in_the_span_keeps_the_basis_orthonormal():
    """One pass of Gram–Schmidt would leave rounding over the length of what is new, 1e-6."""
    rng = np.random.default_rng(2)
    new = rng.normal(size=3) @ ROWS[:3] + 1e-9 * rng.normal(size=150)
    basis = Span.of(ROWS, ROWS).with_rows(new[None]).basis
    assert basis.shape == (150, 13)
    np.testing.assert_allclose(basis.T @ basis, np.eye(13), atol=1e-13)
