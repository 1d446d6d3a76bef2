"""Models of damage: against least squares, and what EM must find where the truth is known."""

import numpy as np
import pytest
from scipy.stats import cauchy, laplace

from attractory.memory.damage_models import (
    combined,
    density,
    exact,
    heavy_tailed,
    lead,
    like_coordinates,
    long_tailed,
    mixture,
    patches,
    white,
)
from attractory.memory.value_tables import Classes, tabulated

RNG = np.random.default_rng(3)


def one(model, x, rows, *given, **more):
    """Fit a model to one cue; what is given besides has no axis of cues either."""
    given = [v[None] if isinstance(v, np.ndarray) and v.shape[-1] == x.size else v for v in given]
    fit = model(x[None], rows[None], *given, **more)
    return type(fit)(*(None if v is None else v[0] for v in fit))


ROWS = RNG.normal(size=(6, 200)).astype(np.float32)
LOST = RNG.random(200) < 0.9


def test_white_noise_is_least_squares():
    x = 0.3 * ROWS[2] - 5 + 0.2 * RNG.normal(size=200).astype(np.float32)
    fit = one(white, x, ROWS)
    design = np.stack([ROWS[2], np.ones(200)], axis=1)
    found, rest, *_ = np.linalg.lstsq(design, x, rcond=None)
    assert [fit.contrast[2, 0], fit.offset[2, 0]] == pytest.approx(found, rel=1e-4)
    wanted = -100 * (1 + np.log(2 * np.pi * rest[0] / 200))  # of greatest likelihood
    assert fit.terms[2].sum() == pytest.approx(wanted, rel=1e-4)
    # A combination of the row alone is the same model.
    assert combined(x[None], [ROWS[None]]).terms[0, 2].sum() == pytest.approx(wanted, abs=0.1)
    # Without contrast and offset, it is the likelihood of the distance.
    plain = one(exact, x, ROWS)
    away = ((x - ROWS[2]) ** 2).mean()
    assert plain.terms[2].sum() == pytest.approx(-100 * (1 + np.log(2 * np.pi * away)), rel=1e-4)


def test_long_tails_are_those_of_laplace():
    x = ROWS[4] + np.random.default_rng(4).laplace(size=ROWS.shape[1])
    fit = one(long_tailed, x, ROWS)
    scale = np.abs(ROWS - x).mean(axis=1, keepdims=True)  # of greatest likelihood
    np.testing.assert_allclose(fit.terms, laplace(ROWS, scale).logpdf(x), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(fit.noise[:, 0], laplace(0, scale[:, 0]).std(), rtol=1e-5)


def test_the_heaviest_tails_are_those_of_cauchy_whose_unit_half_of_the_errors_are_below():
    x = ROWS[4] + np.random.default_rng(4).standard_cauchy(size=ROWS.shape[1])
    fit = one(heavy_tailed, x, ROWS)
    unit = np.median(np.abs(ROWS - x), axis=1, keepdims=True)
    np.testing.assert_allclose(fit.terms, cauchy(ROWS, unit).logpdf(x), rtol=1e-4, atol=1e-4)
    # No value, however wrong, is worth more than what it costs in the tail.
    x[7] = 1e6
    assert one(heavy_tailed, x, ROWS).terms.sum(axis=1).argmax() == 4


def test_em_finds_what_was_replaced():
    x = np.where(LOST, np.float32(1.5), 2 * ROWS[4] + 0.5)
    fit = one(mixture, x, ROWS, density(x[None])[0], (0.1, 0.5))
    best = int(fit.terms.sum(axis=1).argmax())
    assert fit.rows[best] == 4
    assert (fit.kept[best] < 0.5)[LOST].all()
    assert (fit.kept[best] > 0.5)[~LOST].mean() > 0.9
    assert fit.contrast[best, 0] == pytest.approx(2, rel=0.05)
    assert fit.offset[best, 0] == pytest.approx(0.5, abs=0.05)


def test_the_order_of_coordinates_says_nothing():
    order = RNG.permutation(200)
    x = np.where(LOST, np.float32(1.5), ROWS[4])
    first = one(mixture, x, ROWS, density(x[None])[0], (0.1, 0.5)).terms
    moved = x[order], ROWS[:, order], density(x[None, order])[0]
    other = one(mixture, *moved, (0.1, 0.5)).terms
    assert other == pytest.approx(first[:, order], rel=1e-3, abs=1e-3)


def test_a_lead_is_zero_against_itself_and_the_other_way_round_the_opposite():
    terms = np.tile(RNG.normal(size=(3, 50)), (2, 1, 1))
    found = lead(terms, np.array([1, 0]))
    assert [found[0, 1], found[1, 0]] == [0, 0]
    assert found[0, 0] == pytest.approx(-found[1, 1])
    # d equal differences have no doubt in them: z grows without bound.
    assert lead(np.stack([terms[0, 0] + 1, terms[0, 0]])[None], np.array([0]))[0, 1] > 1e5
    # Terms that differ by white noise alone lead by a standard normal number.
    many = lead(RNG.normal(size=(400, 2, 400)), np.zeros(400, int))
    assert np.std(many[:, 1]) == pytest.approx(1, abs=0.15)


def test_a_density_is_high_at_a_peak():
    x = np.append(np.zeros(50), np.linspace(-1, 1, 50))
    (found,) = density(x[None])
    assert found[0] > 10 * found[-25]
    assert density(3 * x[None] + 7)[0] == pytest.approx(
        found[:50].tolist() + [found[-25]] * 50, rel=3
    )


def test_coordinates_are_alike_where_rows_say_so():
    rows = RNG.normal(size=(300, 8))
    assert like_coordinates(rows, np.arange(8)) is None
    both = np.hstack([rows, rows])
    found = like_coordinates(both, np.arange(16))
    for k in range(16):
        assert set(found[k].tolist()) == {k, (k + 8) % 16}
    assert like_coordinates(both[:3], np.arange(16)) is None  # three rows tell of nothing
    pair = np.hstack([rows, rows[:, :1]])  # two columns of nine make no picture
    assert like_coordinates(pair, np.arange(9)) is None


@pytest.mark.parametrize("change", [lambda p: -p, lambda p: p**3, lambda p: np.round(p), np.abs])
def test_a_table_finds_the_row_whatever_its_values_became(change):
    x = np.asarray(change(ROWS[3]), np.float32)
    classes = Classes(len(ROWS), ROWS.__getitem__, 6)
    fit = one(tabulated, x, classes.of_rows[np.arange(len(ROWS))], classes.count, 6)
    assert fit.terms.sum(axis=1).argmax() == 3
    # Of a cue that has nothing to do with the rows a table says nothing, on the whole.
    other = RNG.normal(size=200).astype(np.float32)
    fit = one(tabulated, other, classes.of_rows[np.arange(len(ROWS))], classes.count, 6)
    assert fit.terms.sum(axis=1).max() < 5


def test_a_table_is_the_count_of_each_pair_with_itself_left_out():
    x = np.repeat([0.0, 1.0], [6, 4]).astype(np.float32)
    classes = np.array([[0, 0, 0, 1, 1, 0, 1, 1, 1, 0]])
    terms = one(tabulated, x, classes, 2, 2).terms[0]
    share = (6 + 0.5) / (10 + 0.5 * 2)  # of the cue's first class
    wanted = np.log((4 - 1 + 4 * share) / (5 - 1 + 4)) - np.log((6 - 0.5) / 10)
    assert terms[0] == pytest.approx(wanted, rel=1e-5)


def test_what_is_beside_kept_coordinates_is_kept():
    rows = RNG.normal(size=(3, 200)).astype(np.float32)
    like = np.stack([np.roll(np.arange(200), k) for k in (1, -1, 2, -2)], axis=1)
    lost = np.arange(200) < 120
    x = np.where(lost, RNG.normal(size=200), rows[1]).astype(np.float32)
    x[150] += 0.12  # three standard errors off, amid kept ones
    other = density(x[None])
    both = mixture(x[None], rows[None], other, (0.1, 0.5))
    found = one(lambda *v: patches(*v, other, both, like), x, rows)
    alone = type(both)(*(v[0] for v in both))
    place = int(np.flatnonzero(alone.rows == 1)[0])
    assert found.kept[place][150] > alone.kept[place][150] + 0.1
    assert ((found.kept[place] > 0.5) == ~lost).mean() > ((alone.kept[place] > 0.5) == ~lost).mean()
    assert found.terms[place].sum() > found.terms[found.rows != 1].sum(axis=1).max()


def test_cues_that_are_looked_at_together_have_nothing_to_do_with_one_another():
    rows = RNG.normal(size=(5, 12, 80)).astype(np.float32)
    x = rows[:, 3] + 0.3 * RNG.normal(size=(5, 80)).astype(np.float32)
    x[2, :30], x[3] = 1.0, np.round(x[3])
    limits = rows - 0.2, rows + 0.2
    flat, other = rows.reshape(60, 80), density(x)
    classes = Classes(60, flat.__getitem__, 6)
    of_rows = classes.of_rows[np.arange(60).reshape(5, 12)]
    for k in range(5):
        some = slice(k, k + 1)
        here = tuple(v[some] for v in limits)
        pairs = [
            (exact(x, rows), exact(x[some], rows[some])),
            (white(x, rows), white(x[some], rows[some])),
            (combined(x, [rows, rows**2]), combined(x[some], [rows[some], rows[some] ** 2])),
            (tabulated(x, of_rows, 6, 7), tabulated(x[some], of_rows[some], 6, 7)),
        ]
        for bounds, own in ((None, None), (limits, here)):
            both = mixture(x, rows, other, (0.1, 0.5), bounds)
            pairs.append((both, mixture(x[some], rows[some], other[some], (0.1, 0.5), own)))
        for all_of_them, alone in pairs:
            order = [np.argsort(fit.rows[j]) for fit, j in ((all_of_them, k), (alone, 0))]
            assert all_of_them.terms[k][order[0]] == pytest.approx(
                alone.terms[0][order[1]], rel=1e-3, abs=1e-3
            )


def test_rows_that_fill_a_shortlist_up_are_not_fitted_to_the_end():
    rows = RNG.normal(size=(1, 20, 80)).astype(np.float32)
    x = rows[:, 0] + 0.1
    real = np.arange(20)[None] >= 10  # the row itself is none
    fit = mixture(x, rows, density(x), (0.1, 0.5), real=real)
    assert (fit.rows >= 10).all()
