"""Figures of basins show what the results hold."""

import numpy as np
import pytest
from toy_maps import Cubic, Ring, Sigmoid

from attractory import attractor_census, recall_curve
from attractory.plotting import plot_census, plot_recall_curve


def test_recall_curve_shows_pooled_share_band_and_fates():
    sizes = np.array([0.4, 1.0, 2.5])
    curve = recall_curve(Cubic(0.5), [[1.0], [-1.0]], sizes, trials=60)
    figure = plot_recall_curve(curve)
    top, bottom = figure.axes
    lines = {line.get_label(): line for line in top.lines}
    np.testing.assert_array_equal(lines["all patterns"].get_ydata(), curve.pooled_fraction)
    np.testing.assert_array_equal(lines["each of the 2 patterns"].get_ydata(), curve.fraction[0])
    band = top.collections[0].get_paths()[0].vertices
    low, high = curve.pooled_interval
    assert band[:, 1].min() == low.min()
    assert band[:, 1].max() == high.max()
    assert "noise norm / pattern norm" in bottom.get_xlabel()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "recalled" in names
    assert "diverged" in names
    assert "Half of all cues" in top.get_title() or "or more" in top.get_title()
    figure.canvas.draw()
    assert plot_recall_curve(curve, title="mine").axes[0].get_title() == "mine"


def test_recall_curve_of_one_size():
    curve = recall_curve(Sigmoid(), [[1.0]], [9.0], trials=30)
    figure = plot_recall_curve(curve)
    heights = sum(bar.get_height() for bar in figure.axes[1].patches)
    assert heights == pytest.approx(1.0)
    figure.canvas.draw()


def test_census_tells_kinds_apart_by_shape_and_colour():
    f = Ring()
    starts = np.array(f.centre) + np.random.default_rng(0).normal(size=(40, 2))
    census = attractor_census(f, [list(f.centre)], starts=starts)
    figure = plot_census(census)
    left, right = figure.axes
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["stored patterns: 1", "cycles: 1"]
    drawn = [line for line in right.lines if line.get_marker() not in ("", "None", None)]
    assert len({line.get_marker() for line in drawn}) == 2
    assert len({line.get_color() for line in drawn}) == 2
    radii = sorted(float(line.get_xdata()[0]) for line in drawn)
    np.testing.assert_allclose(radii, sorted(a.spectral_radius for a in census.attractors))
    assert [text.get_text() for text in right.texts] == ["period 5"]
    figure.canvas.draw()


def test_census_without_attractors_is_refused():
    with pytest.raises(ValueError, match="census must have found an attractor"):
        plot_census(attractor_census(lambda x: 2 * x, starts=[[1.0]]))
