"""Sequences of frames: order, contexts, replay, Floquet multipliers, and what is refused."""

import numpy as np
import pytest

from attractory import SequenceMemory, load_memory, save_memory
from attractory.datasets import bundled_digits, sphere
from attractory.memory.cycles import cycles_of
from attractory.memory.nearest_row import nearest_row
from attractory.memory.sequence_order import Order, states_of

DIM, QUICK = 40, {"activation": "erf"}


def noisy(frames, size, seed=0):
    """Frames under white noise of a norm relative to their distance from the mean."""
    white = np.random.default_rng(seed).normal(size=frames.shape)
    away = np.linalg.norm(frames - frames.mean(axis=0), axis=1) / np.linalg.norm(white, axis=1)
    return frames + size * away[:, None] * white


@pytest.fixture(scope="module")
def two():
    """A memory of a cycle of five and a sequence of four that ends, and their frames."""
    frames = sphere(9, DIM, seed=3)
    memory = SequenceMemory(**QUICK).fit(frames, lengths=[5, 4], closed=[True, False])
    return memory, frames


def test_order_and_contexts_are_those_of_a_walk_through_the_frames():
    rng = np.random.default_rng(0)
    for _ in range(50):
        lengths = rng.integers(1, 6, rng.integers(1, 4)).tolist()
        closed = (rng.random(len(lengths)) < 0.5).tolist()
        frames = rng.normal(size=(sum(lengths), 2))
        context = int(rng.integers(1, 4))
        states, successors = states_of(frames, Order.checked(len(frames), lengths, closed), context)
        start = 0
        for size, cycle in zip(lengths, closed, strict=True):
            piece = frames[start : start + size]
            for k in range(size):
                walk = [k - j for j in range(context - 1, -1, -1)]
                places = [i % size if cycle else max(i, 0) for i in walk]
                np.testing.assert_array_equal(states[start + k], piece[places].ravel())
                after = (k + 1) % size if cycle else min(k + 1, size - 1)
                np.testing.assert_array_equal(successors[start + k], states[start + after])
            start += size


def test_noisy_cues_replay_in_phase_and_do_not_cross_over(two):
    memory, frames = two
    for k, cue in enumerate(noisy(frames, 0.7)):
        path = memory.replay(cue, 12)
        if k < 5:
            wanted = frames[(k + np.arange(13)) % 5]
        else:
            wanted = frames[5 + np.minimum(k - 5 + np.arange(13), 3)]
        np.testing.assert_allclose(path, wanted, atol=1e-7)
    assert memory.predict(noisy(frames, 0.4)).tolist() == list(range(9))
    np.testing.assert_allclose(memory.transform(frames), memory.successors_, atol=1e-7)
    np.testing.assert_allclose(memory.patterns_, frames, atol=1e-12)


def test_plain_replay_is_iteration_of_the_map(two):
    memory, frames = two
    plain = SequenceMemory(**QUICK, iteration="plain", norm=memory.norm_)
    plain.fit(frames, lengths=[5, 4], closed=[True, False])
    cue = noisy(frames, 0.2)[0]
    path = plain.replay(cue, 3)
    np.testing.assert_allclose(path[0], cue, atol=1e-12)
    coordinates = plain.state_.coordinates
    point = coordinates.encode(cue[None])[0]
    for row in path[1:]:
        point = np.asarray(plain.map_(point))
        direction = coordinates.encode(row[None])[0] / plain.norm_
        np.testing.assert_allclose(direction, point / np.linalg.norm(point), atol=1e-8)


def test_floquet_multipliers_are_those_of_the_dense_product(two):
    memory, _ = two
    found = memory.diagnose(noise=[0.0, 0.5], cues=4)
    assert [cycle.tolist() for cycle in found.cycles] == [[0, 1, 2, 3, 4], [8]]
    assert found.leading.tolist() == [0, 3]
    for cycle, multiplier in zip(found.cycles, found.multiplier, strict=True):
        whole = np.eye(DIM)
        for point in memory.points_[cycle]:
            whole = np.asarray(memory.map_.jacobian(point)) @ whole
        assert multiplier == pytest.approx(np.abs(np.linalg.eigvals(whole)).max(), rel=1e-5)
    assert found.stable.all()
    assert found.returned.tolist() == [[4, 4], [4, 4]]
    assert "2 of 2 cycles are attractors" in str(found)
    assert len(found.plot(title="two").axes) == 2


def test_a_repeated_frame_needs_a_context_and_is_right_at_both_places(tmp_path):
    """A B A C: after A comes B or C, by what was before it."""
    letters = bundled_digits(3)[0]
    frames = letters[[0, 1, 0, 2]]
    message = "equal frames with different ones after them, got 0 and 2; context=2 tells them apart"
    with pytest.raises(ValueError, match=message):
        SequenceMemory(**QUICK).fit(frames)
    memory = SequenceMemory(**QUICK, context=2).fit(frames)
    assert len(memory) == 4
    assert memory.n_features_in_ == 784
    for before, now in ((3, 0), (0, 1), (1, 2), (2, 3)):
        path = memory.replay(noisy(frames, 0.5, now)[[before, now]], 8)
        np.testing.assert_allclose(path, frames[(now + np.arange(9)) % 4], atol=1e-6)
    path = memory.replay(letters[1], 4)  # alone, it is B all the same
    np.testing.assert_allclose(path, frames[(1 + np.arange(5)) % 4], atol=1e-6)
    save_memory(memory, tmp_path / "film")
    again = load_memory(tmp_path / "film")
    np.testing.assert_allclose(again.replay(letters[1], 4), path, atol=1e-9)
    again.partial_fit(bundled_digits(6)[0][3:])
    assert len(again.diagnose(noise=[0.1], cues=2).cycles) == 2


def test_sequences_come_and_go_whole(two):
    first, frames = two
    shown = []
    memory = SequenceMemory(**QUICK, norm=first.norm_).fit(
        frames[:5], progress=lambda *what: shown.append(what)
    )
    assert [k for k, *_ in shown] == [0, 1, 2]
    assert {total for _, total, _ in shown} == {2}
    memory.add(frames[5:], closed=False)
    assert [rows.tolist() for rows in memory.sequences_] == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]
    steps = []
    path = memory.replay(frames[5], 6, progress=lambda done, total: steps.append((done, total)))
    np.testing.assert_allclose(path, frames[[5, 6, 7, 8, 8, 8, 8]], atol=1e-7)
    assert steps == [(k, 6) for k in range(1, 7)]
    for wrong in ([2], [-1], [0.0], "a"):
        with pytest.raises(ValueError, match="indices must be integers from 0 to 1, one for each"):
            memory.forget(wrong)
    with pytest.raises(ValueError, match="indices must leave a sequence, got all 2"):
        memory.forget([0, 1])
    assert len(memory.forget([])) == 9
    memory.forget(0)
    assert [rows.tolist() for rows in memory.sequences_] == [[0, 1, 2, 3]]
    np.testing.assert_allclose(memory.replay(frames[5], 4), frames[[5, 6, 7, 8, 8]], atol=1e-7)
    parts = []
    memory.add(frames[:5], progress=lambda *part: parts.append(part)).forget(0)
    assert parts == [(0, 2, "rows"), (1, 2, "equations"), (2, 2, "done")]
    np.testing.assert_allclose(memory.replay(frames[0], 5), frames[[0, 1, 2, 3, 4, 0]], atol=1e-7)


def test_frames_that_are_nearly_equal_come_back_from_noise():
    """A bump that moves by a twentieth of its width: correlations of 0.999 and more."""
    place = np.arange(400)[None]
    middle = 200 + 20 * np.sin(2 * np.pi * np.arange(24) / 24)[:, None]
    frames = np.exp(-((place - middle) ** 2) / 800) + np.cos(
        2 * np.pi * (place + 2 * np.arange(24)[:, None]) / 400
    )
    memory = SequenceMemory(**QUICK).fit(frames)
    cues = frames + 0.3 * np.random.default_rng(1).normal(size=frames.shape)
    nearest = ((frames - cues[:, None]) ** 2).sum(axis=2).argmin(axis=1)
    for k in range(0, 24, 4):
        wanted = frames[(nearest[k] + np.arange(49)) % 24]
        np.testing.assert_allclose(memory.replay(cues[k], 48), wanted, atol=1e-6)
    # Known is what has the likelihood of white noise, whatever is between two frames.
    cues = frames + 0.3 * np.random.default_rng(2).normal(size=(4, *frames.shape))
    cues = cues.reshape(-1, 400)
    squares = ((frames - cues[:, None]) ** 2).sum(axis=2)
    nearest, white = squares.argmin(axis=1), nearest_row(frames, cues).white
    score = -squares / (2 * squares.min(axis=1, keepdims=True) / 400)
    share = 1 / np.exp(score - score.max(axis=1, keepdims=True)).sum(axis=1)
    found = memory.predict(cues)
    assert (found[white & (share > 0.95)] == nearest[white & (share > 0.95)]).mean() > 0.95
    assert (found[white & (share < 0.75)] == -1).all()
    assert 10 < (share > 0.95).sum() < 90


def test_cycles_of_random_maps_are_what_walking_finds():
    rng = np.random.default_rng(1)
    for _ in range(100):
        after = rng.integers(-1, 8, 8)
        on = set()
        for k in range(8):
            at = k
            for _ in range(8):
                at = after[at] if at >= 0 else -1
            while at >= 0 and at not in on:
                on.add(int(at))
                at = after[at]
        found = cycles_of(after)
        assert sorted(k for cycle in found for k in cycle.tolist()) == sorted(on)
        for cycle in found:
            assert after[cycle].tolist() == np.roll(cycle, -1).tolist()


def test_what_is_refused_names_the_argument():
    frames = sphere(6, DIM)
    memory = SequenceMemory(**QUICK)
    for given, message in (
        ({"lengths": [2, 3]}, r"lengths must add up to the 6 frames of X, got \[2, 3\], 5 in all"),
        ({"lengths": [6, 0]}, "lengths must be at least 1, got 0"),
        ({"lengths": [3, 3], "closed": [True]}, "closed must be one value or one for each of 2"),
        ({"y": frames, "lengths": [6]}, "y must be None where lengths"),
    ):
        with pytest.raises(ValueError, match=message):
            memory.fit(frames, **given)
    with pytest.raises(ValueError, match="X must have 2 rows at least"):
        memory.fit(frames[:1])
    with pytest.raises(ValueError, match="got 4 and a sequence of 3 frames"):
        SequenceMemory(context=4).fit(frames, lengths=[3, 3])
    with pytest.raises(ValueError, match="context must be from 1 to 64, got 0"):
        SequenceMemory(context=0).fit(frames)
    still = frames[[0, 0, 0, 1, 2]]
    with pytest.raises(ValueError, match="got 0 and 2; context=3 tells them apart"):
        memory.fit(still)
    memory.fit(frames)
    with pytest.raises(ValueError, match=r"x must be one cue, of shape \(d,\), got 2 rows"):
        memory.replay(frames[:2], 3)
    with pytest.raises(TypeError, match="noise must hold real numbers"):
        memory.diagnose(noise="loud")
    with pytest.raises(ValueError, match="a frame that is stored already with another after it"):
        memory.partial_fit(np.vstack([frames[:1], sphere(2, DIM, seed=7)]))
    assert len(memory) == 6
