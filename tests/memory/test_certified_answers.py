"""Steps around the start of a recall: two rows in a plane, and when a way has arrived."""

import numpy as np
import pytest

from attractory.memory.certified_answers import AnswerBound, Place
from attractory.memory.certified_votes import VoteBound
from attractory.memory.high_degree_steps import PACE, HighDegreeStep

TABLE = np.linspace(-1, 1, 4097) ** 7


def on_circle(angle):
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def of_plane(between):
    """A bound of two patterns of the plane that vote for themselves."""
    rows = on_circle(np.array([0.0, between]))
    step = HighDegreeStep(*(np.asarray(v, np.float32) for v in (rows, rows, TABLE, 1.0)))
    return VoteBound(step, 2)


def after_step(x, rows):
    vote = (x @ rows.T) ** 7 @ rows
    y = (1 - PACE) * x + PACE * vote / np.linalg.norm(vote, axis=1, keepdims=True)
    return y / np.linalg.norm(y, axis=1, keepdims=True)


class Halving(AnswerBound):
    """Steps that go to row 0, and of which every one is known to halve the distance of states."""

    def step(self, here, angle):
        return angle / 2

    def place(self, x):
        return at(x, on_circle(np.zeros(len(x))))


def at(x, vote):
    """A place of which its state and its vote count."""
    none = np.zeros((len(x), 0))
    return Place(
        x, vote, none, none, none, none, np.zeros((len(x), 0, 2)), none, np.zeros(0),
        np.ones(len(x)),
    )  # fmt: skip


def arrives(angles, within, ladder):
    """Whether starts within an angle of a start arrive on a way by these angles from row 0."""
    bound = Halving(of_plane(1.2), np.zeros(2))
    places = [at(*[on_circle(np.array([a]))] * 2) for a in angles]
    return bool(bound._arrives(places, np.array([within]), np.array([0]), [ladder])[0])


def test_of_two_rows_no_state_is_turned_farther_than_is_proven():
    """In the plane, where the joint bound is sharp, towards either row and away."""
    close = []
    for between in (1.0, 1.3):
        votes = of_plane(between)
        bound = AnswerBound(votes, np.zeros(2))
        for far in (0.0, 0.1, 0.2, 0.3, 0.4):
            place = bound.place(on_circle(np.array([far])))
            for angle in np.linspace(0.03, 0.5, 9):
                states = on_circle(far + angle * np.linspace(-1, 1, 41))
                ended = after_step(states, votes.patterns)
                turned = np.arccos(np.clip(ended @ ended[20], -1, 1)).max()
                proven = bound.step(place, np.array([angle]))[0]
                assert turned <= proven
                close.append(turned / proven)
    assert max(close) > 0.75


def test_a_group_of_three_is_three_rows():
    bound = AnswerBound(of_plane(1.1), np.zeros(2))
    place = bound.place(on_circle(np.array([0.1, 0.3])))
    of_rows = ("low", "high", "reach", "size", "toward", "weight")
    thrice = place._replace(
        **{name: np.repeat(getattr(place, name), 3, axis=1) for name in of_rows}, members=np.ones(6)
    )
    for angle in (0.03, 0.06, 0.1):
        angles = np.full(2, angle)
        grouped = bound.step(place._replace(members=np.full(2, 3.0)), angles)
        assert grouped == pytest.approx(bound.step(thrice, angles))
        assert (grouped >= bound.step(place, angles)).all()
    assert (grouped > bound.step(place, angles)).any()


def test_a_way_has_arrived_with_all_its_states_and_the_steps_that_are_left():
    # A step leads from 1 to 0.5, and states from 0.1 of it to 0.05.
    assert arrives([1.0, 0.5], 0.1, [0.56])
    assert not arrives([1.0, 0.5], 0.1, [0.52])
    # Seven steps are left, of a row of which nine lead from 1 to 0.1.
    ladder = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert arrives([1.2, 0.7], 0.1, ladder)
    assert not arrives([1.2, 0.8], 0.1, ladder)
    # From two states on, six, and so on.
    assert not arrives([1.2, 0.9, 0.74], 0.05, ladder)
    assert arrives([1.2, 0.9, 0.65], 0.05, ladder)
    # A step that may be as short as one at rest may be the last.
    assert not arrives([0.5, 0.4995], 1e-5, [0.9])
    assert not arrives([0.5, 0.4], 0.08, [0.9])
    assert arrives([0.5, 0.4], 0.05, [0.9])


def test_starts_are_no_nearer_to_other_rows_than_where_steps_begin():
    """Of 0.7 to the other row, 0.55 are beside it; all that is farther would arrive."""
    start, answer, ladders = on_circle(np.array([0.5])), np.array([0]), [[0.3, 0.1]]
    for beside, most in ((0.55, 0.15), (0.6, 0.1)):
        bound = Halving(of_plane(1.2), np.array([0.0, beside]))
        assert bound.angles(start, answer, ladders)[0] == pytest.approx(most, rel=0.01)
        assert bound.angles(start, answer, ladders)[0] < most


def test_a_vote_is_shorter_by_what_float32_may_take_from_it():
    votes = of_plane(1.2)
    x = on_circle(np.linspace(0.0, 1.2, 7))
    bound = AnswerBound(votes, np.zeros(2))
    heights = bound._signed(np.clip(x @ votes.patterns.T, -1, 1))
    length = np.linalg.norm(heights @ votes.votes, axis=1)
    spare = votes.sum * (np.abs(heights) @ votes.lengths)
    known = bound.place(x).length
    assert (known <= length - spare).all()
    assert (known >= length - 1e-4).all()
