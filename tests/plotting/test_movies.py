"""Animations go the way of the map, from the cue to where it comes to rest."""

import numpy as np
import pytest
from PIL import Image

from attractory import AttractorMemory
from attractory.plotting import recall_animation, save_animation


def halfway(x):
    return 0.5 * (x + 1)


def shown(movie, place):
    movie._draw_frame(place)
    return [axis.get_images()[0].get_array() for axis in movie._fig.axes]


def test_a_map_is_iterated_frame_by_frame(tmp_path):
    shape = (1, 2, 3)  # two pixels in colour
    movie = recall_animation(
        halfway, [[0.0] * 6], shape, title="to one", others=[("1", [[1.0] * 6])]
    )
    # ‖xₜ₊₁ − xₜ‖/‖xₜ₊₁‖ = 2^(−t − 1)/(1 − 2^(−t − 1)) falls below 1e-3 at t = 9.
    for step in (0, 1, 2, 10):
        still, cue, moving = shown(movie, step)
        assert np.allclose(moving, 1 - 0.5**step)
        assert (still == 1).all()
        assert (cue == 0).all()
        assert movie._fig.get_suptitle() == f"to one: step {step} of 10"
    path = save_animation(movie, tmp_path / "way.gif", dpi=40)
    with Image.open(path) as gif:
        assert gif.n_frames == 11
    with pytest.raises(ValueError, match=r"must end in \.gif"):
        save_animation(movie, tmp_path / "way.mp4")


def test_a_memory_is_followed_to_where_it_recalls():
    rows = np.random.default_rng(0).uniform(size=(4, 9))
    memory = AttractorMemory(activation="erf", norm=30.0, metric=None, iteration="plain").fit(rows)
    cues = rows[:2] + 0.02
    movie = recall_animation(memory, cues, (3, 3), most=5)
    last = list(movie.new_frame_seq())[-1]
    ends = shown(movie, last)[2:]
    np.testing.assert_allclose(np.reshape(ends, (2, 9)), memory.recall(cues).state.clip(0, 1))
    assert len(set(movie.new_frame_seq())) <= 5
    movie._draw_was_started = True  # or its end is a warning, on whatever test is running then
    with pytest.raises(ValueError, match="others must have as many images"):
        recall_animation(memory, cues, (3, 3), others=[("stored", rows)])
