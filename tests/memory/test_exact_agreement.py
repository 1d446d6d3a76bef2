"""Which row a cue is exactly in parts, and when nobody can say."""

import numpy as np
import pytest

from attractory import AttractorMemory
from attractory.memory.exact_agreement import ExactAgreement
from attractory.memory.shortlist import RowFrame

RNG = np.random.default_rng(11)
COUNT, DIM = 400, 100
ROWS = RNG.normal(size=(COUNT, DIM))
HOME = np.arange(40)


def found(rows, cues):
    frame = RowFrame(rows, rows.mean(axis=0))
    return ExactAgreement(frame).of(frame.inward(cues))


def kept(share, fill, rows=ROWS):
    place = RNG.permuted(np.tile(np.arange(DIM), (len(HOME), 1)), axis=1)
    return np.where(place < share * DIM, rows[HOME], fill)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("fill", [0.0, 9.0, "noise", "another row"])
def test_what_is_left_of_a_row_tells_it(share, fill):
    others = {"noise": RNG.normal(size=(len(HOME), DIM)), "another row": RNG.permuted(ROWS, axis=0)}
    cues = kept(share, others[fill][HOME] if fill in others else fill)
    assert found(ROWS, cues).tolist() == HOME.tolist()


def test_what_is_nearly_a_row_is_for_the_models_of_damage():
    assert (found(ROWS, kept(0.5, 0.0) + 1e-3) == -1).all()


def test_units_and_order_of_coordinates_change_nothing():
    cues, order = kept(0.15, 0.0), RNG.permutation(DIM)
    first = found(ROWS, cues)
    for change in (lambda x: 64 * x + 8, lambda x: x[:, order], lambda x: x * 2.0 ** (order % 4)):
        np.testing.assert_array_equal(found(change(ROWS), change(cues)), first)


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_a_cue_put_together_of_two_rows_is_neither(share):
    cues = kept(share, ROWS[HOME + 1])
    assert (found(ROWS, cues) == -1).all()


def test_twins_are_not_told_by_what_they_share():
    rows = np.vstack([ROWS, ROWS[HOME]])
    rows[COUNT:, :3] += 1
    cues = rows[HOME]
    cues[:, :40] = 0
    assert (found(rows, cues) == -1).all()


def test_neither_a_background_nor_salt_nor_a_default_of_a_column_says_anything():
    drawn = RNG.random((COUNT, DIM)) < 0.3
    pictures = np.where(drawn, np.where(RNG.random((COUNT, DIM)) < 0.5, 1.0, ROWS), 0.0)
    salt = np.where(RNG.random((40, DIM)) < 0.5, 1.0, 0.0)
    assert (found(pictures, salt) == -1).all()
    # Every column has a default of its own: one rare value leads to a row, and all defaults agree.
    table = np.where(drawn, ROWS, np.linspace(2, 9, DIM))
    cues = np.tile(np.linspace(2, 9, DIM), (40, 1))
    rare = drawn[HOME].argmax(axis=1)
    cues[HOME, rare] = table[HOME, rare]
    assert (found(table, cues) == -1).all()


def test_one_value_many_times_says_no_more_than_once():
    rows = ROWS.copy()
    rows[:3, :40] = np.array([[5.0], [6.0], [7.0]])  # flat, as few others are
    strangers = RNG.normal(size=(3, DIM))
    strangers[:, :40] = rows[:3, :40]
    assert (found(rows, strangers) == -1).all()


def test_where_a_value_is_that_all_rows_have_somewhere_says_nothing():
    drawn, full = (RNG.random((COUNT, 1000)) < share for share in (0.015, 0.7))
    sparse = np.where(drawn, np.where(full, 1.0, RNG.normal(size=(COUNT, 1000))), 0.0)
    rows = np.hstack([ROWS, sparse])
    cues = RNG.normal(size=(len(HOME), 1100))
    cues[:, :3] = ROWS[HOME, :3]
    cues[:, DIM:] = np.where(full[HOME], sparse[HOME], cues[:, DIM:])
    assert (found(rows, cues) == -1).all()


def test_parts_that_stored_rows_have_in_common_make_no_stranger_known():
    part = RNG.random((COUNT // 2, DIM)) < 0.25
    other = RNG.normal(size=(COUNT // 2, DIM))
    rows = np.vstack([ROWS[: COUNT // 2], np.where(part, ROWS[: COUNT // 2], other)])
    strangers = kept(0.25, RNG.normal(size=(len(HOME), DIM)), rows)
    assert (found(rows, strangers) == -1).mean() > 0.9
    assert (found(ROWS, kept(0.25, RNG.normal(size=(len(HOME), DIM)))) == HOME).all()


def test_what_is_unknown_says_nothing():
    rows = RNG.permuted(np.tile(ROWS, (1, 2)), axis=1)
    cues, known = rows[HOME], np.tile(np.arange(2 * DIM) < 20, (len(HOME), 1))
    frame = RowFrame(rows, rows.mean(axis=0))
    exactly, x = ExactAgreement(frame), frame.inward(cues)
    assert (exactly.of(x, known) == HOME).all()
    x[:, :20] += 1e-2
    assert (exactly.of(x) == HOME).all()
    assert (exactly.of(x, known) == -1).all()


def test_few_rows_and_such_of_two_values_are_left_to_the_models():
    assert (found(ROWS[:100], kept(0.5, 0.0)) == -1).all()
    signs = np.sign(ROWS)
    assert (found(signs, kept(0.7, 0.0, signs)) == -1).all()


def test_recall_puts_such_a_cue_at_its_row_and_says_why():
    memory = AttractorMemory(metric=None, activation="erf").fit(ROWS)
    result = memory.recall(kept(0.4, 0.0))
    np.testing.assert_array_equal(result.pattern, HOME)
    np.testing.assert_allclose(result.state, ROWS[HOME], atol=1e-6)
    assert set(result.damage) == {"replaced"}
    assert result.known.all()


@pytest.mark.parametrize("shared", [False, True])
def test_where_rows_share_halves_half_of_a_row_is_none_of_it_if_nothing_looks_damaged(shared):
    half = DIM // 2
    rows = RNG.normal(size=(COUNT, DIM))
    if shared:
        rows[1::2, :half] = rows[::2, :half]
    cues = RNG.normal(size=(20, DIM))
    cues[:, half - 6 :] = rows[:20, half - 6 :]
    frame = RowFrame(rows, rows.mean(axis=0))
    agreement, x = ExactAgreement(frame), frame.inward(cues)
    every = np.ones(20, bool)
    assert agreement.of(x).tolist() == list(range(20))
    assert (agreement.of(x, None, every) == (-1 if shared else np.arange(20))).all()
