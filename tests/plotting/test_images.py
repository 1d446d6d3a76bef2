"""Rows of images have room for what is written beside and above them."""

import numpy as np
import pytest

from attractory.plotting import plot_image_rows

LONG = "Of 3 digits the memory recalls 3 from noise (the map: 3), 3 from half (the map: 2)"


@pytest.mark.parametrize(("count", "title"), [(1, LONG), (4, f"{LONG}\n{LONG}"), (20, "short")])
def test_titles_lie_within_the_figure_and_above_the_images(count, title):
    figure = plot_image_rows(
        [("stored", np.zeros((count, 4))), ("cue", np.zeros((count, 4)))], (2, 2), title=title
    )
    figure.draw_without_rendering()
    text, whole = figure._suptitle.get_window_extent(), figure.bbox
    assert 0 <= text.x0 < text.x1 <= whole.width
    assert figure.axes[0].get_window_extent().y1 <= text.y0 < text.y1 <= whole.height
    assert figure.get_suptitle().split() == title.split()
