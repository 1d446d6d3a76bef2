"""Rows moved onto cues: the row is found, and explains the cue, whatever moved it."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter, gaussian_filter1d

from attractory import AttractorMemory
from attractory.memory.alignment import Alignment, _sampled
from attractory.memory.small_images import SmallImages

IMAGES = gaussian_filter(np.random.default_rng(3).normal(size=(40, 40, 40)), (0, 2, 2))
IMAGES = np.asarray(IMAGES / IMAGES.std(), np.float32)
ROWS = IMAGES[:, 6:-6, 6:-6].reshape(40, -1)
HOME = np.array([0, 13, 22, 35])
ALIGNMENT = Alignment(ROWS, SmallImages(ROWS))
MOVES = {
    "shifted": (np.eye(2), (3, -2)),
    "turned": (np.array([[0.94, -0.34], [0.34, 0.94]]), (0, 0)),
    "larger": (np.eye(2) / 1.25, (0, 0)),
    "mirrored": (np.diag([1, -1]), (0, 1)),
    "a quarter": (np.array([[0, -1], [1, 0]]), (0, 0)),
    "sheared and shifted": (np.array([[1, 0.3], [0, 1]]), (-1, 2)),
}


def moved(images, matrix, shift):
    """Images through an affine map about the middle, and what comes into view."""
    middle = (np.array(images.shape[1:]) - 1) / 2
    beyond = middle - matrix @ middle + shift
    whole = np.stack([affine_transform(image, matrix, beyond, order=1) for image in images])
    return whole[:, 6:-6, 6:-6].reshape(len(images), -1)


@pytest.mark.parametrize("move", MOVES)
def test_the_row_is_found_and_moved_onto_the_cue(move):
    contrast = np.where(HOME % 2, -0.5, 3.0)[:, None]
    cues = np.asarray(contrast * moved(IMAGES[HOME], *MOVES[move]) + 2, np.float32)
    for home, (rows, aligned) in zip(HOME, ALIGNMENT.of(cues, [HOME[:1]] * 4), strict=True):
        unlike = [np.corrcoef(aligned.x, row)[0, 1] for row in aligned.rows]
        assert home in rows
        assert rows[np.argmax(unlike)] == home
        assert max(unlike) > 0.9
        # What is in view whatever the move is the cue's, up to contrast and offset.
        own = aligned.rows[np.argmax(unlike)]
        parts = (v.reshape(28, 28)[8:-8, 8:-8].ravel() for v in (aligned.x, own))
        assert np.corrcoef(*parts)[0, 1] > 0.995


def test_a_cue_of_one_value_is_like_no_row():
    with np.errstate(all="raise"):
        ((rows, aligned),) = ALIGNMENT.of(np.full((1, 784), 0.5, np.float32), [HOME[:1]])
    assert HOME[0] in rows
    assert np.isfinite(aligned.rows).all()


def test_long_images_are_shifted():
    images = gaussian_filter(np.random.default_rng(6).normal(size=(24, 9, 340)), (0, 1, 3))
    rows = np.asarray(images[:, :, 20:-20].reshape(24, -1) / images.std(), np.float32)
    cues = np.asarray(images[HOME[:3], :, 11:-29].reshape(3, -1) / images.std(), np.float32)
    alignment = Alignment(rows, SmallImages(rows))
    assert alignment.grid == (9, 300, 1)
    for home, (which, aligned) in zip(HOME[:3], alignment.of(cues, [HOME[:1]] * 3), strict=True):
        alike = [np.corrcoef(aligned.x, row)[0, 1] for row in aligned.rows]
        assert which[np.argmax(alike)] == home


def test_curves_are_shifted_stretched_and_reversed():
    curves = gaussian_filter1d(np.random.default_rng(5).normal(size=(40, 240)), 4, axis=1)
    rows, place = np.asarray(curves[:, 20:-20] / curves.std(), np.float32), np.arange(200.0)
    alignment = Alignment(rows, SmallImages(rows))
    for at in (place + 14.5, 1.12 * (place - 100) + 100, 199 - place + 8):
        cues = np.stack([np.interp(at + 20, np.arange(240), curve) for curve in curves[HOME]])
        cues = np.asarray(cues / curves.std(), np.float32)
        for home, (which, aligned) in zip(HOME, alignment.of(cues, [HOME[:1]] * 4), strict=True):
            alike = [np.corrcoef(aligned.x, row)[0, 1] for row in aligned.rows]
            assert which[np.argmax(alike)] == home


def test_values_and_slopes_are_those_of_bilinear_images():
    rng = np.random.default_rng(4)
    images = np.asarray(rng.normal(size=(3, 9, 12)), np.float32)
    own = np.tile(np.eye(2, 3), (3, 1, 1))
    assert _sampled(images, own)[0] == pytest.approx(images.reshape(3, -1), abs=1e-6)
    state = own + np.concatenate([0.05 * rng.normal(size=(3, 2, 2)), [[[0.4], [0.3]]] * 3], axis=2)
    for axis in (0, 1):
        step = np.zeros((3, 2, 3))
        step[:, axis, 2] = 1e-3
        ends = [_sampled(images, state + sign * step) for sign in (-1, 1)]
        slope = (ends[1][0] - ends[0][0]) / 2e-3
        seen = ends[0][3] * ends[1][3] > 0
        close = np.abs(slope - _sampled(images, state)[1 + axis]) < 0.01
        assert (close | ~seen).mean() > 0.97  # all but those astride a pixel's edge


def test_recall_finds_what_was_moved():
    memory = AttractorMemory(metric="rule").fit(ROWS)
    for move in ("shifted", "mirrored"):
        found = memory.recall(moved(IMAGES[HOME], *MOVES[move]))
        assert (found.pattern == HOME).all()
        assert "moved" in found.damage
