"""Which row, and how probably: by hand, by other routes, and what must not matter."""

from importlib.resources import files

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.datasets import bundled_digits
from attractory.memory.damage_evidence import DamageModels, Evidence
from attractory.memory.damage_kinds import MODELS
from attractory.memory.first_row import FEATURES
from attractory.memory.local_contrast import LocalContrast
from attractory.memory.nearest_row import position
from attractory.memory.neighbourhoods import Neighbourhoods
from attractory.memory.row_probability import Weights, constants, judged, log_probabilities
from attractory.memory.shortlist import RowFrame
from attractory.memory.slow_parts import SlowParts
from attractory.memory.small_images import SmallImages

RNG = np.random.default_rng(2)
ROWS = RNG.normal(size=(20, 400))
CUES = ROWS[:6] + 0.5 * RNG.normal(size=(6, 400))


def models_of(frame):
    points = frame.points
    images = SmallImages(points)
    given = LocalContrast(points), Neighbourhoods(points), images, SlowParts(points, images)
    return DamageModels(frame, *given)


def evidence(cue, rows=None, known=None):
    frame = RowFrame(ROWS, ROWS.mean(axis=0))
    rows = np.arange(20) if rows is None else rows
    x = frame.inward(cue[None])
    own = None if known is not None else (cue[None], ROWS[rows][None])
    return models_of(frame).of(x, cue[None] / frame.scale, rows[None], own, known)


def test_where_a_cue_lies_is_what_least_squares_say():
    cues = np.vstack([0.7 * ROWS[:3] + 0.3 * ROWS[3:6] + 0.1, CUES])
    row = np.append([0, 1, 2], np.arange(6))
    found = position(ROWS, cues, row)
    for k, (cue, i) in enumerate(zip(cues, row, strict=True)):
        sides, parts = [], []
        for j in np.delete(np.arange(20), i):
            apart = ROWS[j] - ROWS[i]
            sides.append(
                (((cue - ROWS[j]) ** 2).sum() - ((cue - ROWS[i]) ** 2).sum()) / (apart @ apart)
            )
            one = np.stack([np.ones(400), ROWS[i]], axis=1)
            two = np.column_stack([one, ROWS[j]])
            (_, of_row, of_other), *_ = np.linalg.lstsq(two, cue, rcond=None)
            left = [
                ((cue - d @ np.linalg.lstsq(d, cue, rcond=None)[0]) ** 2).sum() for d in (one, two)
            ]
            if of_other > 0:
                parts.append((1 - left[1] / left[0], of_other / (of_other + of_row)))
        assert found.at_row[k] == pytest.approx(min(sides), abs=1e-9)
        best = max(parts)
        assert [found.second[k], found.of_second[k]] == pytest.approx(best, abs=1e-9)
    assert found.of_second[:3] == pytest.approx(0.3, abs=1e-9)
    assert found.second[:3] == pytest.approx(1, abs=1e-9)


def test_a_shortlist_says_of_the_second_row_what_all_rows_do():
    told = evidence(CUES[2])
    frame = RowFrame(ROWS, ROWS.mean(axis=0))
    found = position(frame.points, frame.inward(CUES[2:3]), np.array([2]))
    wanted = [found.second[0], found.of_second[0]]
    assert np.ravel(told.second(np.array([2]))) == pytest.approx(wanted, abs=1e-3)


def test_the_order_of_rows_changes_nothing():
    order = RNG.permutation(20)
    one, other = judged(evidence(CUES[4]), 20), judged(evidence(CUES[4], order), 20)
    assert one.probability.sum() == pytest.approx(1)
    assert other.probability == pytest.approx(one.probability[:, order], abs=1e-4)
    assert (one.first[0], order[other.first[0]]) == (4, 4)
    assert other.confidence == pytest.approx(one.confidence, abs=1e-3)


def test_rows_that_fill_a_shortlist_up_have_no_say():
    frame = RowFrame(ROWS, ROWS.mean(axis=0))
    models = models_of(frame)
    given = frame.inward(CUES[:1]), CUES[:1] / frame.scale
    one = judged(models.of(*given, np.arange(12)[None]), 20)
    filled = np.append(np.arange(12), [0, 0, 15])[None]
    other = judged(models.of(*given, filled, real=np.arange(15)[None] < 12), 20)
    assert other.probability[0, :12] == pytest.approx(one.probability[0], abs=1e-4)
    assert other.probability[0, 12:].max() < 1e-6
    assert other.confidence == pytest.approx(one.confidence, abs=1e-3)


def test_models_that_are_not_there_have_no_say():
    known = np.arange(400) < 200
    told = evidence(CUES[1], known=known)
    assert [MODELS[k] for k in np.flatnonzero(~told.told)] == [
        "smoothed", "moved", "structured", "shaded", "slow part added", "patches", "unevenly lit",
        "moved far", "edges", "displaced", "filtered", "gradients", "gradients, smoothed",
        "displaced, by edges",
    ]  # fmt: skip
    behind = told.behind.copy()
    behind[:, ~told.told] = RNG.uniform(0, 9, (14, 20))
    other = judged(told._replace(behind=behind), 20)
    assert other.probability == pytest.approx(judged(told, 20).probability, abs=1e-12)
    hidden = np.where(known, CUES[1], 1e6)
    assert evidence(hidden, known=known).behind == pytest.approx(told.behind, abs=1e-3)


def test_a_row_that_is_behind_in_every_model_is_less_probable():
    features = np.zeros((len(MODELS), len(FEATURES)), np.float32)
    features[:, -1] = 1
    behind = np.zeros((1, len(MODELS), 3))
    behind[:, :, 1:] = 1.0, 2.0
    compared = ROWS[:1], ROWS[None, :3]
    all_models = np.ones(len(MODELS), bool)
    rest = np.ones((1, 3), bool), np.zeros((1, 3)), np.zeros((1, 3, 2))
    told = Evidence(behind, all_models, features[None], {}, compared, *rest)
    (p,) = judged(told, 3).probability
    assert p[0] > p[1] > p[2] > 0


def test_confidence_is_high_at_rows_and_low_between_them():
    memory = AttractorMemory(activation="erf", metric="rule").fit(ROWS)
    assert memory.recall(ROWS).confidence.tolist() == [1.0] * 20
    assert (memory.recall(CUES).confidence > 0.9).all()
    half = (ROWS[:10] + ROWS[10:]) / 2
    unknown = RNG.normal(size=(10, 400))
    for cues in (half, half + 0.1 * RNG.normal(size=half.shape), unknown):
        assert (memory.recall(cues).confidence < 0.5).all()
    lost = RNG.random(CUES.shape) < 0.5
    result = memory.recall(np.where(lost, 3.0, CUES))
    assert (result.pattern == np.arange(6)).all()
    assert (result.confidence > 0.5).all()


def test_confidence_counts_noise_on_what_is_known_of_a_cue():
    """Where some is unknown, white noise is no word for the row that is nearest."""
    memory = AttractorMemory(activation="erf", metric="rule").fit(ROWS)
    rng = np.random.default_rng(9)
    noise = 6 * rng.normal(size=(12, 400))
    result = memory.recall(noise, rng.random(400) < 0.9)
    assert (result.damage == "noise").any()
    assert (result.confidence < 0.8).all()


def test_recall_begins_at_a_row_only_where_the_row_is_as_good_as_certain():
    state = AttractorMemory(activation="erf", metric="rule").fit(ROWS).state_
    lost = np.where(RNG.random(CUES.shape) < 0.3, 3.0, CUES)
    unknown = np.where(RNG.random((6, 400)) < 0.3, 3.0, RNG.normal(size=(6, 400)))
    begun = state.beginnings(np.vstack([lost, unknown]))
    away = np.linalg.norm(begun.start - state.points[begun.row], axis=1) / state.norm
    certain = begun.sure >= 0.9
    assert certain[:6].any()
    assert (away[certain] == 0).all()
    assert not certain[6:].any()
    assert (away[6:] > 0).all()


def test_rows_come_back_from_their_negatives():
    rows, _ = bundled_digits(60)
    memory = AttractorMemory(activation="erf", metric="rule").fit(rows)
    result = memory.recall(1 - rows[:20] + 0.1 * np.random.default_rng(4).normal(size=(20, 784)))
    assert (result.pattern == np.arange(20)).mean() >= 0.9


def test_one_model_that_is_right_and_all_of_them_by_closed_forms():
    """With weights by hand each factor is a softmax of its own; JAX and NumPy agree."""
    models, count, rows = 3, 2, 4
    zero = np.zeros((models, count, 2), np.float32)
    weights = Weights(
        np.zeros((models * (count + 1), 5), np.float32), np.zeros(5, np.float32), zero.copy(),
        np.zeros((5, models, 2), np.float32), zero.copy(), np.zeros((5, models, 2), np.float32),
    )  # fmt: skip
    z = RNG.uniform(0, 3, (models, rows)).astype(np.float32)
    told, real = np.array([True, True, False]), np.ones(rows, bool)
    features = np.ones((models, count), np.float32)
    weights.own_of_one[0, :, 0] = 40.0  # the first model is the right one
    weights.own_of_one[0, 0, 1] = 2.0
    score, each = log_probabilities(weights, z, told, features, real)
    size = np.log1p(np.exp(-2.0))
    assert each == pytest.approx([2 * size, 2 * size, 0], rel=1e-5)
    wanted = -np.log1p(np.exp(2.0)) * z[0] - size * (z[:2] + z[:2] ** 2 / 2).sum(axis=0)
    wanted -= np.log(np.exp(wanted).sum())
    assert score == pytest.approx(wanted, abs=1e-4)
    again = jax.jit(lambda *given: log_probabilities(*given, jnp)[0])(
        weights, z, told, features, real
    )
    assert np.asarray(again) == pytest.approx(score, abs=1e-5)
    real[2] = False
    score = log_probabilities(weights, z, told, features, real)[0]
    assert np.exp(score).sum() == pytest.approx(1, abs=1e-5)
    assert np.exp(score[2]) == 0


def test_what_was_learned_fits_the_constants_that_it_was_learned_with():
    """Whoever changes a model, a feature or its scale has to learn the weights anew."""
    with files("attractory.memory").joinpath("row_probability.npz").open("rb") as file:
        found = np.load(file)
        assert found["constants"] == pytest.approx(constants(), rel=1e-6)
        assert found["own"].shape == (len(MODELS), len(FEATURES), 2)
