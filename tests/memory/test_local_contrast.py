"""Local contrast: what it must not see, and that it finds rows under uneven light."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory import shortlist
from attractory.memory.damage_kinds import MODELS
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
    # Fifty columns of a curve, of 250: what they have in common says nothing of the others.
    apart = np.random.default_rng(6).normal(size=(40, 200)) * CURVES.std()
    part = np.hstack([CURVES[:, :50], apart])
    assert LocalContrast(part).windows is None


DIGITS, _ = bundled_digits(100)
DOWN, ACROSS = np.meshgrid(*2 * [np.linspace(-1, 1, 28)], indexing="ij")
UNLIT = DIGITS * ((1 + 0.9 * ACROSS) * 0.5).ravel() + 0.8 * (DOWN * ACROSS).ravel()


def test_it_finds_rows_under_uneven_light_that_distance_does_not():
    local = LocalContrast(DIGITS)
    found = (local.of(UNLIT) @ local.rows.T / local.lengths).argmax(axis=1)
    assert (found == np.arange(100)).mean() > 0.95
    away = ((UNLIT[:, None] - DIGITS) ** 2).sum(axis=2)
    assert (away.argmin(axis=1) == np.arange(100)).mean() < 0.9


def test_rows_that_it_finds_are_shortlisted_and_judged_by_it(monkeypatch):
    """Of one row by each similarity, its own is among them, whatever the others find."""
    light = gaussian_filter(np.random.default_rng(3).normal(size=(100, 28, 28)), (0, 4, 4))
    cues = DIGITS + 1.5 * (light / light.std()).reshape(100, 784)
    state = AttractorMemory(activation="erf", metric="rule").fit(DIGITS).state_
    frame = state.mending.frame
    local = LocalContrast(frame.points)
    alone = (local.of(frame.inward(cues)) @ local.rows.T / local.lengths).argmax(axis=1)
    monkeypatch.setattr(shortlist, "_TOP", 1)
    monkeypatch.setattr(shortlist, "_FEW", 1)
    found = list(state.mending.evidence(cues, state.start(cues)))
    for which, _, some, _ in found:
        assert (some == alone[which][:, None]).any(axis=1).all()
    assert all(told.told[MODELS.index("unevenly lit")] for *_, told in found)
