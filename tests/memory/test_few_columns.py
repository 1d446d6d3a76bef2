"""Cues of few coordinates: the posterior by plain sums, and what gains, offsets and gaps leave."""

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import cauchy, laplace, norm

from attractory import AttractorMemory
from attractory.memory import few_columns
from attractory.memory.few_columns import of_few_coordinates

RNG = np.random.default_rng(5)
LAWS, SCALES = (norm, laplace, cauchy), few_columns._SCALES


def normal(x, mean, covariance):
    """Return densities, by a general solver, of mean (..., d) and covariance (..., d, d)."""
    away = (x - mean)[..., None]
    square = (away * np.linalg.solve(covariance, away)).sum(axis=(-2, -1))
    return np.exp(-0.5 * square) / np.sqrt(np.linalg.det(2 * np.pi * covariance))


def by_sums(rows, cue, told):
    """Return densities by sums over more scales: of each row, of an unknown one, in one unit."""
    deviation = rows.std(axis=0)
    z, x = ((v - rows.mean(axis=0)) / deviation for v in (rows, cue))
    z, x = z[:, told], x[told]
    covariance, one = np.cov(z.T, bias=True), np.ones((len(x), len(x)))
    stored, unknown, alike = [], [], []
    unit = np.sqrt((deviation**2).mean())
    for scale in np.geomspace(1e-4, 10, 97):
        laws = [law.pdf(x - z, scale=scale).prod(axis=1) for law in LAWS]
        noise, by_gain, strangers = scale**2 * np.eye(len(x)), [], []
        for gain in few_columns._GAINS:
            wide = noise + (few_columns._WIDE * gain) ** 2 * z[:, :, None] * z[:, None]
            by_gain.append([normal(x, gain * z, wide), normal(x, gain * z, wide + one)])
            strangers.append(normal(x, np.zeros(len(x)), noise + gain**2 * covariance))
        plain, off = (normal(x, 0 * x, noise + c) for c in (covariance, covariance + one))
        stored.append(np.mean([*laws, *np.mean(by_gain, axis=0)], axis=0))
        unknown.append((plain + np.mean(strangers) + off) / 3)
        away = [law.pdf((cue - rows) / unit, scale=scale).prod(axis=1) for law in LAWS]
        alike.append(np.mean(away, axis=0) * (deviation / unit).prod())
    return [np.mean(each, axis=0) for each in (stored, unknown, alike)]


@pytest.mark.parametrize("dim", [2, 7])
def test_posterior_is_that_of_plain_sums(dim):
    rng = np.random.default_rng(dim)
    rows = rng.normal(size=(6, dim)) * np.geomspace(1, 3, dim)
    memory = AttractorMemory(metric=None, activation="erf", reject=0.9).fit(rows)
    cues = rows[[0, 1, 2, 3]] + 0.3 * rng.normal(size=(4, dim))
    cues[1, 0] += 4  # one number is far off
    cues[2] = 0.5 * cues[2] + 0.4 * rows.std(axis=0)
    gaps = np.arange(dim) < 4
    cues[3, gaps] = np.median(rows, axis=0)[gaps]
    found = memory.recall(cues)
    for k in range(3 + (dim > 4)):
        own, unknown, alike = by_sums(rows, cues[k], np.ones(dim, bool))
        stored = (own + alike) / 2
        if k == 3:  # no row is at the median of six, half a row is counted
            filled, stranger, _ = by_sums(rows, cues[k], ~gaps)
            odds = (0.3 * 12 + 0.7) ** 4 * 0.7 ** (dim - 4) * norm.pdf(0) ** 4
            stored = (own + odds * filled + alike) / 3
            unknown = (unknown + odds * stranger) / 2
        stored /= len(rows)
        assert found.pattern[k] == stored.argmax()
        sure = stored.max() / (stored.sum() + unknown)
        assert found.confidence[k] == pytest.approx(sure, abs=1e-2)
    assert memory.predict(rows).tolist() == list(range(6))


@pytest.mark.parametrize("dim", [1, 2, 3, 8])
def test_densities_of_gains_and_offsets_lose_nothing_at_the_least_errors(dim, monkeypatch):
    """Of cues exactly of a row, by fifty digits."""
    scale = 1e-4
    monkeypatch.setattr(few_columns, "_SCALES", np.array([scale]))
    monkeypatch.setattr(few_columns, "_GAINS", np.array([1.0]))
    z = np.vstack([3 * RNG.normal(size=(3, dim)), np.full(dim, 0.7)])  # the last along the offset
    x = z[1] if dim < 3 else 1.1 * z[1] + 0.3
    for offset in (few_columns._NONE, few_columns._OFFSET):
        found = few_columns._linear(x, z, offset)
        with mp.workdps(50):
            for row, nats in zip(z, found, strict=True):
                wide = mp.matrix(dim, dim)
                for i in range(dim):
                    for j in range(dim):
                        both = mp.mpf(row[i]) * mp.mpf(row[j]) * mp.mpf(few_columns._WIDE) ** 2
                        wide[i, j] = both + mp.mpf(offset) ** 2 + (i == j) * mp.mpf(scale) ** 2
                away = mp.matrix([mp.mpf(v) for v in x]) - mp.matrix([mp.mpf(v) for v in row])
                square = (away.T * mp.lu_solve(wide, away))[0]
                wanted = -(square + mp.log(mp.det(wide)) + dim * mp.log(2 * mp.pi)) / 2
                assert nats == pytest.approx(float(wanted), rel=1e-9, abs=1e-6)


def test_gain_and_offset_in_deviations_leave_the_row():
    rows = RNG.normal(size=(300, 8)) * np.geomspace(0.1, 10, 8)
    home, deviation, mean = np.arange(20), rows.std(axis=0), rows.mean(axis=0)
    gain, offset = RNG.uniform(0.4, 2, (20, 1)), RNG.uniform(-1, 1, (20, 1))
    cues = mean + gain * (rows[home] - mean) + offset * deviation
    row, sure = of_few_coordinates(rows, cues)
    assert (row == home).all()
    assert (sure > 0.9).all()


@pytest.mark.parametrize("filled", [np.median, np.mean])
def test_filled_gaps_have_no_say(filled):
    rows = RNG.normal(size=(100, 9))
    lost = np.arange(9) < 5
    cues = np.where(lost, filled(rows, axis=0), rows[:20])
    row, sure = of_few_coordinates(rows, cues)
    known = np.broadcast_to(~lost, cues.shape)
    alone, sure_alone = of_few_coordinates(rows, cues, known)
    assert (row == alone).all()
    np.testing.assert_allclose(sure, sure_alone, atol=0.05)


def test_of_many_rows_the_near_ones_tell_the_posterior(monkeypatch):
    rows = RNG.normal(size=(400, 6)).astype(np.float32)
    cues = 0.7 * rows[:10] + 0.2 + 0.1 * RNG.normal(size=(10, 6))
    some = of_few_coordinates(rows, cues)
    monkeypatch.setattr(few_columns, "_CLOSE", 400)
    every = of_few_coordinates(rows, cues)
    assert (some[0] == every[0]).all()
    np.testing.assert_allclose(some[1], every[1], atol=0.02)


def test_few_told_of_very_many_coordinates_need_no_matrix_of_all():
    rows = RNG.normal(size=(4, 150_000)).astype(np.float32)
    known = np.arange(150_000) < 5
    row, sure = of_few_coordinates(rows, rows[:2], np.tile(known, (2, 1)))
    assert row.tolist() == [0, 1]
    assert (sure > 0.99).all()


def test_more_columns_are_believed_less():
    rows = RNG.normal(size=(30, 16))
    cues = rows[:9] + RNG.uniform(0.5, 1.5, (9, 1)) * RNG.normal(size=(9, 16))
    row, sure = of_few_coordinates(rows, cues, None, np.zeros(16))
    found, less, _ = few_columns.beside_models(rows, cues, np.zeros(16))
    assert (found == row).all()
    np.testing.assert_allclose(less / (1 - less), np.sqrt(sure / (1 - sure)) / 5, rtol=1e-6)


@pytest.mark.parametrize(("size", "offset"), [(0.02, 0.0), (50.0, 0.0), (0.1, 32.0)])
def test_rows_in_another_unit_are_those_rows(size, offset):
    zero = RNG.uniform(5, 40, 14)
    rows = RNG.normal(size=(100, 14)) * np.geomspace(0.3, 3, 14)
    cues = size * (rows[:9] + zero) + offset - zero
    row, sure, _ = few_columns.beside_models(rows, cues, zero)
    assert (row == np.arange(9)).all()
    assert (sure > 0.9).all()


def test_posterior_has_a_say_where_models_of_damage_are_not_sure():
    rows = RNG.normal(size=(60, 14)) ** 3
    cues = rows.mean(axis=0) + 0.5 * (rows[:30] - rows.mean(axis=0))
    cues = np.where(RNG.random(cues.shape) < 0.4, np.median(rows, axis=0), cues)
    sure = few_columns.beside_models(rows, cues, np.zeros(14))[1]
    found = AttractorMemory(metric=None, activation="erf").fit(rows).recall(cues)
    assert (found.confidence >= np.minimum(sure, 0.8) - 0.01).all()
    assert (found.pattern == np.arange(30)).mean() > 0.9


def test_a_row_that_lies_beside_stored_ones_as_these_do_is_not_known():
    rng = np.random.default_rng(3)
    centres = np.repeat(rng.normal(size=(100, 8)), 4, axis=0)
    each = centres + 0.05 * rng.normal(size=centres.shape)
    rows, strangers = (each.reshape(100, 4, 8)[:, part].reshape(-1, 8) for part in ([0, 1, 2], [3]))
    _, known = of_few_coordinates(rows, rows[:100] + 0.001 * rng.normal(size=(100, 8)))
    _, unknown = of_few_coordinates(rows, strangers)
    assert np.median(known) > 0.9
    assert np.median(unknown) < 0.5
    # The density of such a row, by plain sums over scales and laws.
    columns = few_columns._Columns(rows).neighbours
    away = (strangers[0] - rows) / rows.std(axis=0)
    shares = np.exp(columns.apart)
    laws = [[law.pdf(away, scale=s).prod(axis=1).mean() for s in SCALES] for law in LAWS]
    x = (strangers[0] - rows.mean(axis=0)) / rows.std(axis=0)
    assert columns.nats(x) == pytest.approx(np.log((shares * laws).sum()), abs=1e-3)
    assert shares.sum() == pytest.approx(1)
    assert SCALES[shares[0].argmax()] == pytest.approx(0.05 * np.sqrt(2), rel=0.7)


def test_neighbours_that_share_most_numbers_are_told_by_the_law_of_few_large_errors():
    rng = np.random.default_rng(4)
    rows = np.repeat(rng.integers(0, 9, (60, 12)), 3, axis=0).astype(float)
    place = rng.integers(12, size=(180, 2))
    np.put_along_axis(rows, place, rng.integers(0, 9, (180, 2)).astype(float), axis=1)
    strangers = rows[::3].copy()
    place = rng.integers(12, size=(60, 2))
    np.put_along_axis(strangers, place, rng.integers(0, 9, (60, 2)).astype(float), axis=1)
    shares = np.exp(few_columns._Columns(rows).neighbours.apart)
    assert LAWS[shares.sum(axis=1).argmax()] is cauchy
    _, sure = of_few_coordinates(rows, strangers)
    assert np.median(sure[(strangers != rows[::3]).any(axis=1)]) < 0.6
    assert np.median(of_few_coordinates(rows, rows)[1]) > np.median(sure)
