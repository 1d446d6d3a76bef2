"""Local contrast: what it must not see, and that it finds rows under uneven light."""

import numpy as np
import pytest

from attractory.datasets import bundled_digits
from attractory.memory.local_contrast import LocalContrast

RNG = np.random.default_rng(5)
PLACE = np.linspace(0, 6, 120)
CURVES = RNG.normal(size=(40, 9)) @ np.cos(np.outer(np.arange(1, 10), PLACE))
LOCAL = LocalContrast(CURVES)


def test_neither_level_nor_contrast_is_seen():
    found = LOCAL.of(CURVES)
    assert LOCAL.of(CURVES + 3.0) == pytest.approx(found, abs=1e-4)
    assert LOCAL.of(np.full((1, 120), 2.5)) == pytest.approx(0, abs=1e-6)
    large = LOCAL.of(1e4 * CURVES)  # where what is added to the variance counts for nothing
    assert LOCAL.of(7e4 * CURVES - 9) == pytest.approx(large, rel=1e-2, abs=1e-3)


def test_windows_are_of_coordinates_that_go_together():
    where, windows = LOCAL.windows
    rho = np.corrcoef(CURVES.T)
    assert (rho[where[:, None], windows] > 0.4).all()
    assert all(j in window for j, window in zip(where, windows, strict=True))


def test_there_are_none_where_columns_are_not_alike():
    assert LocalContrast(RNG.normal(size=(60, 100))).windows is None
    assert LocalContrast(CURVES[:3]).windows is None
    assert LocalContrast(CURVES[:, :20]).windows is None


def test_it_finds_rows_under_uneven_light_that_distance_does_not():
    rows, _ = bundled_digits(100)
    down, across = np.meshgrid(*2 * [np.linspace(-1, 1, 28)], indexing="ij")
    light = ((1 + 0.9 * across) * 0.5).ravel()
    cues = rows * light + 0.8 * (down * across).ravel()
    local = LocalContrast(rows)
    found = (local.of(cues) @ local.rows.T / local.lengths).argmax(axis=1)
    assert (found == np.arange(100)).mean() > 0.95
    away = ((cues[:, None] - rows) ** 2).sum(axis=2)
    assert (away.argmin(axis=1) == np.arange(100)).mean() < 0.9
