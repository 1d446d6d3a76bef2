"""What all figures share."""

import pytest

from attractory.plotting.style import new_figure


@pytest.mark.parametrize("words", [3, 60])
def test_a_title_of_any_length_lies_within_the_figure_above_its_panels(words):
    figure = new_figure(5.0, 4.0)
    axis = figure.subplots()
    title = figure.suptitle(" ".join(["radius"] * words))
    figure.draw_without_rendering()
    box, panel = title.get_window_extent(), axis.get_tightbbox()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert panel.y1 <= box.y0
