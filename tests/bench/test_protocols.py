"""Success rules and cues of the protocols, by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest

from attractory.bench import PROTOCOLS, Data
from attractory.bench.protocols import as_data, scaled
from attractory.bench.results import Share
from attractory.bench.rules import (
    cosine_above,
    distance_below,
    error_below,
    near_the_row,
    overlap_from,
    squared_error_at_most,
)

RNG = np.random.default_rng(5)
ROWS = RNG.random((6, 64))


@pytest.mark.parametrize(
    ("rule", "size"),
    [
        (squared_error_at_most(60, 784), np.sqrt(60 * 64 / 784)),
        (error_below(0.01), np.sqrt(0.01 * 64)),
        (distance_below(0.3), 0.3),
        (near_the_row(0.01), None),
    ],
)
def test_rules_of_distance_hold_up_to_their_limit_and_not_beyond(rule, size):
    away = RNG.normal(size=ROWS.shape)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    if size is None:
        size = 0.01 * np.linalg.norm(ROWS - ROWS.mean(axis=0), axis=1, keepdims=True)
    assert rule.holds(ROWS + 0.999 * size * away, ROWS, ROWS).all()
    assert not rule.holds(ROWS + 1.001 * size * away, ROWS, ROWS).any()


def test_rules_of_direction_hold_up_to_their_limit_and_not_beyond():
    row, across = np.eye(1, 64), np.eye(64)[1:2]
    for cosine in (0.901, 0.899):
        state = 7 * (cosine * row + np.sqrt(1 - cosine**2) * across)
        assert cosine_above(0.9).holds(state, row, row).item() == (cosine > 0.9)
    assert not cosine_above(0.9).holds(0 * row, row, row).item()
    signs = np.ones((1, 40))
    for wrong in (1, 2):
        state = signs * np.where(np.arange(40) < wrong, -3.0, 0.1)
        assert overlap_from(0.95).holds(state, signs, signs).item() == (wrong == 1)


def test_states_that_are_not_finite_never_count():
    for rule in (error_below(1e9), cosine_above(-2.0), overlap_from(-2.0)):
        states = ROWS.copy()
        states[0, 0], states[1, 0] = np.nan, np.inf
        assert rule.holds(states, ROWS, ROWS).tolist() == [False, False, True, True, True, True]


def _cues(protocol, condition, shape=(8, 8), rows=ROWS):
    (found,) = [c for c in PROTOCOLS[protocol].conditions(True) if c.name == condition]
    return found.damage(rows, shape, rows, np.random.default_rng(0))


def test_cues_are_as_published():
    noisy = _cues("universal-hopfield", "noise 0.8")
    drawn = np.random.default_rng(0).normal(size=ROWS.shape)
    assert (noisy == np.minimum(np.abs(ROWS + 0.8 * drawn), 1)).all()
    masked = _cues("universal-hopfield", "masked 70 %").reshape(6, 8, 8)
    assert (masked[:, 2:] == 0).all()
    assert (masked[:, :2] == ROWS.reshape(6, 8, 8)[:, :2]).all()
    white = _cues("bayes-pcn", "noise 0.4", rows=np.zeros((200, 64)))
    assert white.std() == pytest.approx(0.4, rel=0.02)
    assert _cues("predictive-coding", "noise, variance 0.2", rows=np.zeros((200, 64))).var() == (
        pytest.approx(0.2, rel=0.03)
    )
    for told, count in (("1/2", 32), ("1/16", 4)):
        cues, known = _cues("predictive-coding", f"{told} told")
        assert (known.sum(axis=1) == count).all()
        assert (cues == np.where(known, ROWS, 0)).all()
    cues, known = _cues("bayes-pcn", "hidden 0.75")
    assert known.reshape(6, 8, 8)[:, :, :2].all()
    assert not known.reshape(6, 8, 8)[:, :, 2:].any()
    signs = np.where(ROWS > 0.5, 1.0, -1.0)
    assert ((_cues("random-signs", "flipped 0.2", rows=signs) != signs).sum(axis=1) == 13).all()
    swapped = _cues("noisy-autoencoders", "norm 8, replaced 0.3")
    assert ((swapped != ROWS).sum(axis=1) == 19).all()


def test_a_pixel_is_dropped_in_all_its_colours():
    rows = RNG.uniform(0.1, 1, (5, 48))
    cues, known = _cues("bayes-pcn", "dropped 0.5", (4, 4, 3), rows)
    by_pixel = known.reshape(5, 16, 3)
    assert (by_pixel == by_pixel[..., :1]).all()
    assert 20 < by_pixel[..., 0].sum() < 60
    assert ((cues == 0) == ~known).all()


def test_scales_of_rows():
    assert scaled(ROWS, 8.0).shape == ROWS.shape
    assert np.linalg.norm(scaled(ROWS, 8.0), axis=1).max() == pytest.approx(8)
    assert scaled(np.array([[0.0, 0.5, 1.0]]), "signed").tolist() == [[-1, 0, 1]]
    assert scaled(ROWS, "unit") is ROWS


def test_every_protocol_says_where_it_is_from_and_what_counts():
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert len(protocol.source) > 20
        assert list(protocol.sizes) == sorted(protocol.sizes)
        for of_images in (True, False):
            names = [each.name for each in protocol.conditions(of_images)]
            assert len(set(names)) == len(names) > 0


def test_what_protocols_need_of_data():
    vectors, wide = Data(ROWS, (64,), "mine"), Data(9 * ROWS, (8, 8), "mine")
    assert "needs images" in PROTOCOLS["bayes-pcn"].refusal(vectors)
    assert "from 0 to 1" in PROTOCOLS["predictive-coding"].refusal(wide)
    assert PROTOCOLS["noisy-autoencoders"].refusal(wide) is None
    assert PROTOCOLS["many-kinds"].refusal(vectors) is None
    assert PROTOCOLS["random-signs"].refusal(vectors) is None
    assert PROTOCOLS["universal-hopfield"].default_size(as_data(None)) == 200
    assert PROTOCOLS["predictive-coding"].default_size(vectors) == 6


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.ones((1, 4)), "at least 2 different rows, got 1"),
        (np.ones((3, 4)), "at least 2 different rows, got 3 equal ones"),
        (np.ones(4), r"must be rows .* got shape \(4,\)"),
        (np.ones((2, 4, 4, 2)), "must be rows"),
        (np.full((2, 4), np.nan), "data must be finite"),
        (Data(ROWS, (8, 9)), "must hold 64 numbers a row"),
        (1e60 * ROWS, r"must not be larger than 1e\+50, got .*e\+59|e\+60"),
        (1e-60 * ROWS, "must not have rows smaller than 1e-50"),
    ],
)
def test_data_of_no_use_is_named(value, words):
    with pytest.raises(ValueError, match=words):
        as_data(value)


@pytest.mark.parametrize(("hits", "cues"), [(0, 20), (7, 20), (20, 20)])
def test_intervals_are_those_of_scipy(hits, cues):
    expected = binomtest(hits, cues).proportion_ci(0.95, "exact")
    assert Share(hits, cues).interval == pytest.approx((expected.low, expected.high), abs=1e-12)
