"""What the explorer shows, against what it must be."""

import numpy as np
import pytest

from attractory import AttractorMemory, eigenvalues, spectral_radius
from attractory.explorer.cues import damaged, painted
from attractory.explorer.setup import NORMS, Setup
from attractory.explorer.sources import Patterns, bundled
from attractory.explorer.views import (
    basins,
    certificate,
    companions,
    frames,
    norm_course,
    plane,
    spectra,
)
from attractory.memory import recall_trace

DIGITS = bundled(8)


@pytest.fixture(scope="module")
def memory():
    return AttractorMemory(activation="erf", metric="rule").fit(DIGITS.rows)


@pytest.fixture(scope="module")
def trace(memory):
    return recall_trace(memory, damaged(DIGITS.rows[0], DIGITS, "bottom"))


def test_frames_keep_the_ends_in_order(trace):
    for most in (3, 5, 7, 100):
        shown = frames(trace.points, most)
        assert shown[0] == 0
        assert shown[-1] == len(trace.points) - 1
        assert len(shown) <= most
        assert (np.diff(shown) > 0).all()


def test_a_plane_is_that_of_its_patterns(memory, trace):
    seen = plane(memory, trace, (0, 5))
    np.testing.assert_allclose(seen.axes @ seen.axes.T, np.eye(2), atol=1e-12)
    # The two lie in it, whole: lengths and their angle are kept.
    a, b = seen.patterns[[0, 5]]
    np.testing.assert_allclose([np.linalg.norm(a), np.linalg.norm(b)], 1.0)
    cosine = memory.points_[0] @ memory.points_[5] / memory.norm_**2
    np.testing.assert_allclose([a @ b, a[0], a[1]], [cosine, 1.0, 0.0], atol=1e-12)
    assert b[1] > 0
    # The path ends at pattern 0, which lies on the first axis.
    np.testing.assert_allclose(seen.path[-1], [1.0, 0.0], atol=1e-3)
    with pytest.raises(ValueError, match="different"):
        plane(memory, trace, (2, 2))


def test_spectra_are_those_of_the_map_chosen_first(memory):
    assert companions(memory, 3) == [0, 1, 2, 4, 5, 6, 7]
    values = spectra(memory, [3, 0])
    whole = eigenvalues(memory.map_, memory.points_[[3, 0]])
    # In the patterns' span there are fewer, and those left out are zero.
    size = min(values.shape[1], whole.shape[1])
    np.testing.assert_allclose(values[:, :size], whole[:, :size], atol=1e-9)
    assert np.abs(whole[:, size:]).max() < 1e-9


def test_the_course_is_the_radius_at_each_norm(memory):
    course = norm_course(memory, NORMS[20:40:8])
    at = NORMS[28]
    same = AttractorMemory(activation="erf", metric="rule", norm=at).fit(DIGITS.rows)
    radius = spectral_radius(same.map_, same.points_).max()
    np.testing.assert_allclose(course.radii[1], radius, rtol=1e-6)


def test_a_certificate_is_one_sentence_and_only_for_depth_2(memory):
    radius, text = certificate(memory, 0)
    assert 0 < radius < 1
    assert f"{radius:.3f}" in text
    deep = AttractorMemory(depth=3)
    radius, text = certificate(deep, 0)
    assert np.isnan(radius)
    assert "depth 2" in text


def test_basins_hold_their_corners_and_ends_are_recalls(memory):
    found = basins(memory, (1, 4, 6), size=9)
    assert found.ends.shape == (9, 9)
    for k, corner in enumerate(found.corners):
        column = int(np.abs(found.x - corner[0]).argmin())
        line = int(np.abs(found.y - corner[1]).argmin())
        assert found.kinds[line, column] == k
    np.testing.assert_allclose(sum(found.shares.values()), 1.0)
    # Distances in the plane are those of the rows.
    rows = DIGITS.rows[[1, 4, 6]]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        apart = np.linalg.norm(rows[i] - rows[j])
        np.testing.assert_allclose(np.linalg.norm(found.corners[i] - found.corners[j]), apart)
    with pytest.raises(ValueError, match="different"):
        basins(memory, (1, 1, 2))


def test_damage_is_what_it_says():
    row = DIGITS.rows[0]
    kept = damaged(row, DIGITS, "left")
    halves = kept.reshape(28, 28)
    assert halves[:, :14].max() == 0.0
    np.testing.assert_array_equal(halves[:, 14:], row.reshape(28, 28)[:, 14:])
    speckled = damaged(row, DIGITS, "speckle", 0.25)
    changed = speckled != row
    assert set(speckled[changed]) <= {0.0, 1.0}
    assert changed.sum() <= 0.25 * 784 + 2
    noisy = damaged(row, DIGITS, "noise", 0.5, seed=3)
    spread = np.sqrt(((DIGITS.rows - DIGITS.rows.mean(axis=0)) ** 2).sum(axis=1).mean())
    np.testing.assert_allclose(np.linalg.norm(noisy - row), 0.5 * spread, rtol=0.1)
    assert not np.array_equal(noisy, damaged(row, DIGITS, "noise", 0.5, seed=4))
    for how, amount, named in (
        ("noise", 5.0, "amount"),
        ("speckle", 1.5, "amount"),
        ("burn", 0.5, "how"),
    ):
        with pytest.raises(ValueError, match=named):
            damaged(row, DIGITS, how, amount)


def test_colour_and_vectors_are_painted_cell_by_cell():
    colour = Patterns(np.arange(24.0).reshape(2, 12), ("a", "b"), (2, 2, 3))
    cue = painted(colour.rows[0], colour, [1, 3], "high")
    assert cue.tolist() == [0, 1, 2, 23, 23, 23, 6, 7, 8, 23, 23, 23]
    vector = Patterns(np.arange(66.0).reshape(2, 33), ("a", "b"), None)
    height, width, channels = vector.grid
    assert height * width >= 33
    assert channels == 1
    cue = painted(vector.rows[1], vector, [0, height * width - 1], "low")
    assert cue[0] == 0.0
    assert cue[1:].tolist() == vector.rows[1, 1:].tolist()
    with pytest.raises(ValueError, match="cells"):
        painted(cue, vector, [height * width], "low")


@pytest.mark.parametrize(
    "values",
    [{"n": 1}, {"n": 2.5}, {"norm": -1.0}, {"norm": np.nan}, {"norm": 1e9}, {"depth": 6},
     {"activation": "exec"}, {"width": 10**9}, {"kind": None}, {"ridge": 1.0}, {"n": "20"}],
)  # fmt: skip
def test_settings_out_of_range_are_refused(values):
    with pytest.raises((ValueError, TypeError)):
        Setup().changed(values)
