"""Models of damage: against least squares, and what EM must find where the truth is known."""

import numpy as np
import pytest

from attractory.memory.damage_models import (
    combined,
    density,
    lead,
    like_coordinates,
    mixture,
    white,
)

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(6, 200)).astype(np.float32)
LOST = RNG.random(200) < 0.9


def test_white_noise_is_least_squares():
    x = 0.3 * ROWS[2] - 5 + 0.2 * RNG.normal(size=200).astype(np.float32)
    fit = white(x, ROWS)
    design = np.stack([ROWS[2], np.ones(200)], axis=1)
    found, rest, *_ = np.linalg.lstsq(design, x, rcond=None)
    assert [fit.gain[2, 0], fit.offset[2, 0]] == pytest.approx(found, rel=1e-4)
    wanted = -100 * (1 + np.log(2 * np.pi * rest[0] / 200))  # of greatest likelihood
    assert fit.terms[2].sum() == pytest.approx(wanted, rel=1e-4)
    # A combination of the row alone is the same model.
    assert combined(x, ROWS[:, None]).terms[2].sum() == pytest.approx(wanted, abs=0.1)
    # What is unknown says nothing, and counts for nothing.
    known = np.repeat([1, 0], 100).astype(np.float32)
    half = white(x[:100], ROWS[:, :100]).terms.sum(axis=1)
    other = np.where(known > 0, x, np.float32(99))
    assert white(other, ROWS, known).terms.sum(axis=1) == pytest.approx(half, rel=1e-4)


def test_em_finds_what_was_replaced():
    x = np.where(LOST, np.float32(1.5), 2 * ROWS[4] + 0.5)
    fit = mixture(x, ROWS, density(x), (0.1, 0.5))
    best = int(fit.terms.sum(axis=1).argmax())
    assert fit.rows[best] == 4
    assert (fit.kept[best] < 0.5)[LOST].all()
    assert (fit.kept[best] > 0.5)[~LOST].mean() > 0.9
    assert fit.gain[best, 0] == pytest.approx(2, rel=0.05)
    assert fit.offset[best, 0] == pytest.approx(0.5, abs=0.05)


def test_the_order_of_coordinates_says_nothing():
    order = RNG.permutation(200)
    x = np.where(LOST, np.float32(1.5), ROWS[4])
    one = mixture(x, ROWS, density(x), (0.1, 0.5)).terms
    other = mixture(x[order], ROWS[:, order], density(x[order]), (0.1, 0.5)).terms
    assert other == pytest.approx(one[:, order], rel=1e-3, abs=1e-3)


def test_a_lead_is_zero_against_itself_and_the_other_way_round_the_opposite():
    terms = RNG.normal(size=(3, 50))
    assert lead(terms, 1)[1] == 0
    assert lead(terms, 1)[0] == pytest.approx(-lead(terms, 0)[1])
    # d equal differences have no doubt in them: z grows without bound.
    assert lead(np.stack([terms[0] + 1, terms[0]]), 0)[1] > 1e5
    # Terms that differ by white noise alone lead by a standard normal number.
    many = [lead(RNG.normal(size=(2, 400)), 0)[1] for _ in range(400)]
    assert np.std(many) == pytest.approx(1, abs=0.15)


def test_a_density_is_high_at_a_peak():
    x = np.append(np.zeros(50), np.linspace(-1, 1, 50))
    found = density(x)
    assert found[0] > 10 * found[-25]
    assert density(3 * x + 7) == pytest.approx(found[:50].tolist() + [found[-25]] * 50, rel=3)


def test_coordinates_are_alike_where_rows_say_so():
    rows = RNG.normal(size=(300, 8))
    assert like_coordinates(rows, np.arange(8)) is None
    both = np.hstack([rows, rows])
    found = like_coordinates(both, np.arange(16))
    for k in range(16):
        assert set(found[k].tolist()) == {k, (k + 8) % 16}
    assert like_coordinates(both[:3], np.arange(16)) is None  # three rows tell of nothing
