"""Models of damage: against least squares, and what EM must find where the truth is known."""

import numpy as np
import pytest

from attractory.memory.damage_models import (
    Classes,
    combined,
    density,
    exact,
    lead,
    like_coordinates,
    mixture,
    patches,
    tabulated,
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
    assert [fit.contrast[2, 0], fit.offset[2, 0]] == pytest.approx(found, rel=1e-4)
    wanted = -100 * (1 + np.log(2 * np.pi * rest[0] / 200))  # of greatest likelihood
    assert fit.terms[2].sum() == pytest.approx(wanted, rel=1e-4)
    # A combination of the row alone is the same model.
    assert combined(x, ROWS[:, None]).terms[2].sum() == pytest.approx(wanted, abs=0.1)
    # Without contrast and offset, it is the likelihood of the distance.
    plain = exact(x, ROWS)
    away = ((x - ROWS[2]) ** 2).mean()
    assert plain.terms[2].sum() == pytest.approx(-100 * (1 + np.log(2 * np.pi * away)), rel=1e-4)


def test_em_finds_what_was_replaced():
    x = np.where(LOST, np.float32(1.5), 2 * ROWS[4] + 0.5)
    fit = mixture(x, ROWS, density(x), (0.1, 0.5))
    best = int(fit.terms.sum(axis=1).argmax())
    assert fit.rows[best] == 4
    assert (fit.kept[best] < 0.5)[LOST].all()
    assert (fit.kept[best] > 0.5)[~LOST].mean() > 0.9
    assert fit.contrast[best, 0] == pytest.approx(2, rel=0.05)
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


@pytest.mark.parametrize("change", [lambda p: -p, lambda p: p**3, lambda p: np.round(p), np.abs])
def test_a_table_finds_the_row_whatever_its_values_became(change):
    x = np.asarray(change(ROWS[3]), np.float32)
    classes = Classes(ROWS, 6)
    fit = tabulated(x, classes.of_rows, len(classes.edges) + 1, 6)
    assert fit.terms.sum(axis=1).argmax() == 3
    # Of a cue that has nothing to do with the rows a table says nothing, on the whole.
    other = RNG.normal(size=200).astype(np.float32)
    assert tabulated(other, classes.of_rows, len(classes.edges) + 1, 6).terms.sum(axis=1).max() < 5


def test_a_table_is_the_count_of_each_pair_with_itself_left_out():
    x = np.repeat([0.0, 1.0], [6, 4]).astype(np.float32)
    classes = np.array([[0, 0, 0, 1, 1, 0, 1, 1, 1, 0]])
    terms = tabulated(x, classes, 2, 2).terms[0]
    share = (6 + 0.5) / (10 + 0.5 * 2)  # of the cue's first class
    wanted = np.log((4 - 1 + 4 * share) / (5 - 1 + 4)) - np.log((6 - 0.5) / 10)
    assert terms[0] == pytest.approx(wanted, rel=1e-5)


def test_what_is_beside_kept_coordinates_is_kept():
    rows = RNG.normal(size=(3, 200)).astype(np.float32)
    like = np.stack([np.roll(np.arange(200), k) for k in (1, -1, 2, -2)], axis=1)
    lost = np.arange(200) < 120
    x = np.where(lost, RNG.normal(size=200), rows[1]).astype(np.float32)
    x[150] += 0.12  # three standard errors off, amid kept ones
    other = density(x)
    alone = mixture(x, rows, other, (0.1, 0.5))
    place = int(np.flatnonzero(alone.rows == 1)[0])
    found = patches(x, rows, other, alone, like)
    assert found.kept[place][150] > alone.kept[place][150] + 0.1
    assert ((found.kept[place] > 0.5) == ~lost).mean() > ((alone.kept[place] > 0.5) == ~lost).mean()
    assert found.terms[place].sum() > found.terms[found.rows != 1].sum(axis=1).max()
