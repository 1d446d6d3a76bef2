"""Models of cues on another scale: what changes of scale leave as it is."""

import numpy as np
import pytest

from attractory.memory.damage_models import lead, white
from attractory.memory.mean_row import told_on_other_scales
from attractory.memory.shortlist import RowFrame

RNG = np.random.default_rng(12)
ROWS = RNG.normal(size=(20, 30)) * RNG.uniform(0.5, 2, 30) + RNG.normal(size=30)
CUES = ROWS[:4] + 0.5 * RNG.normal(size=(4, 30))
EVERY = slice(None)


def leads(rows, cues):
    frame = RowFrame(rows, rows.mean(axis=0))
    shortlisted = np.broadcast_to(frame.points, (len(cues), *frame.points.shape))
    found = told_on_other_scales(frame, frame.inward(cues), shortlisted, EVERY)
    return {
        name: lead(m.fit.terms, m.fit.terms.sum(axis=2).argmax(axis=1)) for name, m in found.items()
    }


@pytest.mark.parametrize("offset", [0.0, 500.0])  # from which on the frame leaves its mean out
def test_contrast_multiples_of_the_mean_row_and_constants_change_no_lead(offset):
    rows = ROWS + offset * np.sin(np.arange(30))
    mean = rows.mean(axis=0)
    cues = rows[:4] + CUES - ROWS[:4]
    one, other = leads(rows, cues), leads(rows, 0.4 * cues + 0.3 * mean - 2.0)
    for name in ("less the mean", "less the mean, in deviations"):
        assert other[name] == pytest.approx(one[name], rel=0.02, abs=0.05), name
    assert np.abs(other["in deviations"] - one["in deviations"]).max() > 0.5


def test_units_of_columns_change_no_lead_in_deviations():
    units = RNG.uniform(0.5, 2, 30)
    one, other = leads(ROWS, CUES), leads(ROWS * units, CUES * units)
    for name in ("in deviations", "in deviations, long-tailed"):
        assert other[name] == pytest.approx(one[name], rel=1e-3, abs=1e-3)
    assert np.abs(other["less the mean"] - one["less the mean"]).max() > 0.1


def test_where_all_columns_deviate_alike_deviations_are_white_noise():
    """To the constant that both densities have."""
    rows = (ROWS - ROWS.mean(axis=0)) / ROWS.std(axis=0) * 3.0
    frame = RowFrame(rows, rows.mean(axis=0))
    points, x = frame.points[None], frame.inward(rows[:1] + CUES[:1] - ROWS[:1])
    found = told_on_other_scales(frame, x, points, EVERY)
    rest = x[:, None] - points
    variance = (rest**2).mean(axis=2, keepdims=True)
    wanted = -0.5 * rest**2 / variance - 0.5 * np.log(2 * np.pi * variance)
    assert found["in deviations"].fit.terms == pytest.approx(wanted, abs=1e-3)
    # Without a mean row the constant alone is taken off.
    free = white(x, points)
    assert found["less the mean"].fit.terms == pytest.approx(free.terms, abs=1e-3)


def test_only_the_coordinates_compared_count():
    frame = RowFrame(ROWS, ROWS.mean(axis=0))
    where, shortlisted = np.arange(0, 30, 2), frame.points[None]
    x = frame.inward(CUES[:1])
    some = told_on_other_scales(frame, x[:, where], shortlisted[:, :, where], where)
    hidden = x.copy()
    hidden[:, 1::2] = 1e3
    other = told_on_other_scales(frame, hidden[:, where], shortlisted[:, :, where], where)
    for name, compared in some.items():
        assert np.isfinite(compared.fit.terms).all()
        assert other[name].fit.terms == pytest.approx(compared.fit.terms), name


def test_cues_told_in_scores_or_ranges_leave_nothing_but_noise():
    """Whatever the rows' own units, and at any scale and offset of what is told."""
    rows = ROWS * np.geomspace(0.1, 10, 30) + 40 * np.sin(np.arange(30))
    rows[:, 3] = 7.0  # a column that says nothing
    frame = RowFrame(rows, rows.mean(axis=0))
    with np.errstate(invalid="ignore"):
        scores = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        ranges = (rows - rows.min(axis=0)) / np.ptp(rows, axis=0)
    for name, told in (("told in scores", scores), ("told in ranges", 100 * ranges)):
        cues = 3.0 + 2.0 * np.where(np.isfinite(told), told, 0.0)
        shortlisted = np.broadcast_to(frame.points, (20, *frame.points.shape))
        found = told_on_other_scales(frame, frame.inward(cues), shortlisted, EVERY)[name].fit
        own = found.noise[np.arange(20), np.arange(20), 0]
        assert (found.terms.sum(axis=2).argmax(axis=1) == np.arange(20)).all(), name
        assert own.max() < 0.02 * np.median(found.noise), name
