"""Every result a person looks at draws itself, and its figure says what it holds."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from toy_maps import Cubic

import attractory
from attractory import recall, recall_curve, recall_outcomes
from attractory._util.plotted import Plotted
from attractory.analysis.critical_norms import CriticalNormStatus
from attractory.memory import RecallAttack, RecallCertificate
from attractory.plotting import plot
from attractory.theory import Finding


def title(figure):
    figure.draw_without_rendering()
    titles = [figure.get_suptitle(), *(axis.get_title() for axis in figure.axes)]
    return next(text for text in titles if text)


def test_every_result_with_a_plot_has_a_function_that_draws_it():
    homes = attractory.analysis, attractory.memory, attractory.maps
    found = {getattr(home, name) for home in homes for name in home.__all__}
    results = [kind for kind in found if isinstance(kind, type) and issubclass(kind, Plotted)]
    assert len(results) >= 11
    for kind in results:
        assert plot.dispatch(kind) is not plot.dispatch(object), kind
    with pytest.raises(TypeError, match="got Finding"):
        plot(Finding("Lemma 0", {}, ()))


def test_figures_say_what_became_of_cues():
    f, patterns = Cubic(0.5), [[1.0], [-1.0]]
    rest = recall(f, [[0.5], [-0.5], [9.0]]).plot()
    assert title(rest).startswith("2 of 3 cues came to rest")
    assert [text.get_text() for text in rest.axes[0].get_legend().get_texts()] == [
        "at rest: 2", "diverged: 1",
    ]  # fmt: skip
    outcomes = recall_outcomes(f, [[0.5], [-0.5], [9.0]], patterns, 0).plot()
    assert title(outcomes) == "1 of 3 cues recalled"
    widths = [bar.get_width() for bar in outcomes.axes[0].patches]
    assert widths == [1, 1, 1]
    curve = recall_curve(f, patterns, [0.5], trials=5)
    assert title(curve.plot(title="mine")) == "mine"
    assert isinstance(curve.plot(), Figure)


def test_the_critical_norm_lies_on_its_curve():
    grid, radii = np.array([1.0, 2.0, 8.0]), np.array([1.3, 1.2, 0.5])
    found = attractory.analysis.CriticalNorm(
        3.0, grid, radii, grid[None, 1:], CriticalNormStatus.FOUND, "zero"
    )
    x, y = next(line for line in found.plot().axes[0].lines if len(line.get_xdata()) > 2).get_data()
    assert list(zip(x, y, strict=True)) == [(1, 1.3), (2, 1.2), (3, 1), (8, 0.5)]


def test_states_that_are_images_are_shown_as_such():
    def half(x):
        return 0.5 * x

    images = recall(half, np.full((2, 12), 0.25))
    assert len(images.plot(shape=(3, 4)).axes) == 2
    colour = images.plot(shape=(2, 2, 3)).axes[0].get_images()[0]
    assert colour.get_array().shape == (2, 2, 3)
    with pytest.raises(ValueError, match=r"shape must be .* got \(2, 2, 4\)"):
        images.plot(shape=(2, 2, 4))


def test_certified_and_lost_angles_are_drawn_at_their_rows():
    rows, halves = np.array([4, 7, 9]), np.radians([30.0, 10.0, 20.0])
    certificate = RecallCertificate(
        rows=rows, angle=halves / 2, radius=np.sin(halves / 2), radius_in_units=halves,
        half_angle=halves, status=np.zeros(3, int),
    )  # fmt: skip
    attack = RecallAttack(rows, np.array([np.inf, halves[1], halves[2]]), np.zeros((3, 2)), 9)
    axis = certificate.plot(attack=attack).axes[0]
    half, lost, proven = (line.get_ydata() for line in axis.lines)
    np.testing.assert_allclose(half, [10, 20, 30])  # by that angle: rows 7, 9, 4
    np.testing.assert_allclose(proven, [5, 10, 15])
    np.testing.assert_allclose(lost, [10, 20, np.nan])
    assert [t.get_text() for t in axis.get_xticklabels()] == ["7", "9", "4"]
    assert axis.get_title() == (
        "3 of 3 rows certified, to a median of 10.0°,\n"
        "50% of the way to the nearest lost start found"
    )
    with pytest.raises(ValueError, match="attack must be of"):
        certificate.plot(attack=replace(attack, rows=rows[::-1]))
