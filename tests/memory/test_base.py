"""Changes of a memory: whole or not at all, one at a time, never half-trained, never unstored."""

import pickle
import signal
import threading
from contextlib import suppress
from functools import partial
from inspect import unwrap
from types import SimpleNamespace

import numpy as np
import pytest
from pandas import DataFrame
from sklearn.base import clone

from attractory import AttractorMemory, SequenceMemory, diagnose, save_memory
from attractory.datasets import sphere
from attractory.maps import InterpolationWarning
from attractory.maps.training import TrainingResult, TrainingStatus
from attractory.memory import NotStoredError, stored_network
from attractory.memory.stored_map import KernelStore

PLAIN = {"activation": "erf", "norm": 20.0, "center": False, "metric": None}


@pytest.fixture
def memory():
    return AttractorMemory(**PLAIN).fit(sphere(5, 8))


def test_threads_that_change_one_memory_lose_nothing(memory):
    """Each of four threads stores eight rows and forgets the first row, over and over."""
    pool = sphere(37, 8, seed=3)
    memory.fit(pool[:5])
    assert len(pickle.loads(pickle.dumps(memory))) == 5
    assert clone(memory).get_params() == memory.get_params()

    def change(rows):
        for row in rows:
            memory.partial_fit(row[None])
            memory.forget([0])

    threads = [threading.Thread(target=change, args=(pool[5 + k :: 4][:8],)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory) == 5
    # Rows go in the order in which they came, so that all that are left are distinct and whole.
    distance = np.linalg.norm(memory.patterns_[:, None] - pool, axis=2)
    assert (distance.min(axis=1) < 1e-9).all()
    assert len(set(distance.argmin(axis=1))) == 5
    assert memory.predict(memory.patterns_).tolist() == list(range(5))


def test_threads_that_recall_from_one_memory_find_what_one_finds():
    """All begin at once, where nothing is worked out yet: after a fit, and after a change."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 40))
    rows[:, 20:] += rows[:, :20]
    cues = rows[:8] + rng.normal(size=(8, 40))

    def changed():
        return (
            AttractorMemory(activation="erf", metric="rule").fit(rows[:50]).partial_fit(rows[50:])
        )

    wanted, memory, found = changed().recall(cues), changed(), []
    begin = threading.Barrier(3)

    def recall():
        begin.wait()
        found.append(memory.recall(cues))

    threads = [threading.Thread(target=recall) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for each in found:
        assert (each.pattern == wanted.pattern).all()
        assert each.state == pytest.approx(wanted.state, abs=1e-9)
        assert each.confidence == pytest.approx(wanted.confidence, abs=1e-6)


def lossy(monkeypatch, missed):
    """Kernel memories miss their first row by this much of the norm."""
    real = KernelStore.residual

    def miss(store):
        return np.r_[missed, np.zeros(len(store.x) - 1)]

    monkeypatch.setattr(KernelStore, "residual", lambda store: max(missed, real(store)))
    monkeypatch.setattr(KernelStore, "missed", miss)
    monkeypatch.setattr(KernelStore, "doubtful", True)


def test_rows_that_are_not_stored_are_an_error_and_change_nothing(memory, monkeypatch, tmp_path):
    file = tmp_path / "m"
    save_memory(memory, file)
    before, state = file.read_bytes(), memory.state_
    lossy(monkeypatch, 0.25)
    new = sphere(2, 8, seed=9)
    with pytest.raises(NotStoredError) as caught:
        memory.fit(new)
    assert caught.value.rows.tolist() == [0]
    assert caught.value.missed.tolist() == [0.25, 0.0]
    assert "by 2.5e-01 of the norm: 1 of 2 rows are not stored (index 0)" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    for change in (lambda: memory.partial_fit(new), lambda: memory.forget([1])):
        with pytest.raises(NotStoredError):
            change()
    with pytest.raises(NotStoredError):
        save_memory(memory, file)
    assert memory.state_ is state
    assert file.read_bytes() == before
    # The user's word holds for what follows, and for the file.
    with pytest.warns(InterpolationWarning, match="1 of 5 rows are not stored"):
        memory.fit(sphere(5, 8), allow_unstored=True)
    with pytest.warns(InterpolationWarning):
        memory.partial_fit(new)
    with pytest.warns(InterpolationWarning):
        save_memory(memory, file)
    with pytest.raises(NotStoredError):
        memory.partial_fit(sphere(2, 8, seed=10), allow_unstored=False)
    assert len(memory) == 7
    memory.set_params(ridge=0.1).fit(new)  # a ridge is such a word


@pytest.mark.parametrize("status", [TrainingStatus.INTERRUPTED, TrainingStatus.STALLED])
def test_a_network_that_was_not_trained_is_not_taken(memory, monkeypatch, status):
    state, params = memory.state_, memory.get_params()
    network = SimpleNamespace(**vars(memory))

    def stopped(start, x, **rest):
        return TrainingResult(start, np.array([1.0]), 0, 0, status, "gauss_newton", 0.0)

    monkeypatch.setattr(stored_network, "train", stopped)
    error = KeyboardInterrupt if status == TrainingStatus.INTERRUPTED else NotStoredError
    with pytest.raises(error):
        memory.set_params(width=20).fit(sphere(3, 8))
    assert memory.state_ is state
    assert memory.get_params() == params | {"width": 20}
    assert vars(memory).keys() == vars(network).keys()


def test_an_interrupt_that_something_swallows_still_ends_a_fit(memory, monkeypatch):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    state, real = memory.state_, KernelStore.kernel

    def swallowing(*arguments):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(KernelStore, "kernel", swallowing)
    try:
        with pytest.raises(KeyboardInterrupt):
            memory.fit(sphere(3, 8))
        with pytest.raises(KeyboardInterrupt):
            memory.partial_fit(sphere(3, 8, seed=2))
    finally:
        signal.signal(signal.SIGINT, before)
    assert memory.state_ is state


def test_wrong_shapes_are_told_with_what_would_do(memory):
    x = memory.patterns_
    for call in (memory.recall, memory.predict, memory.fit, memory.partial_fit):
        with pytest.raises(ValueError, match=r"got shape \(8,\)\. .* row is X.reshape\(1, -1\)"):
            call(x[0])
        with pytest.raises(ValueError, match=r"images are rows by X.reshape\(len\(X\), -1\)"):
            call(x.reshape(5, 2, 4))
    with pytest.raises(ValueError, match=r"y must have the shape of X, .* y.ravel\(\)"):
        memory.score(x, np.ones((5, 1)))
    with pytest.raises(ValueError, match=r"y must have the shape of X, \(5, 8\), got \(3, 8\)"):
        memory.score(x, x[:3])
    with pytest.raises(ValueError, match="y must have the shape of X"):
        SequenceMemory(activation="erf").fit(x, np.ones((5, 1)))
    # As without the tests' own check of types.
    for call in (unwrap(diagnose), partial(unwrap(save_memory), path="nowhere")):
        with pytest.raises(TypeError, match=r"memory must be an AttractorMemory .*, got int; "):
            call(3)
    for wrong, name in (({"random_state": "x"}, "random_state"), ({"metric": [["a"]]}, "metric")):
        with pytest.raises(TypeError, match=f"{name} must be"):
            AttractorMemory(**wrong).fit(x)


def test_what_are_no_numbers_is_named(memory):
    """Complex rows would lose their imaginary parts, and dates count nanoseconds."""
    x, frame = memory.patterns_, DataFrame(memory.patterns_)
    for rows, error, words in [
        (x * 1j, ValueError, "X must hold real numbers, got dtype complex128"),
        ((x * 1j).tolist(), TypeError, "X must hold real numbers, .* got dtype complex128"),
        (np.zeros((5, 8), "datetime64[s]"), TypeError, "X must hold numbers, got dtype datetime64"),
        (frame.astype(object).where(x < 0.3, "a"), ValueError, "X must hold real numbers"),
        ([[1.0], [1.0, 2.0]], ValueError, "X must hold real numbers"),
        (frame.astype(object).where(x < 0.3, None), ValueError, "X must not have NaN"),
        (frame.round().astype("Int64").where(x < 0.3), ValueError, "X must not have NaN"),
    ]:
        for call in (memory.predict, memory.fit, memory.partial_fit):
            with pytest.raises(error, match=words):
                call(rows)
    for wrong in ({"metric": np.eye(8) * (1 + 1j)}, {"scale": np.ones(8) * (1 + 1j)}):
        with pytest.raises(TypeError, match=r"must (be an array|hold|be a matrix)"):
            AttractorMemory(**wrong).fit(x)
    with pytest.raises(ValueError, match=r"got 1 sample.* center=False"):
        AttractorMemory().fit(x[:1])


@pytest.mark.parametrize("kind", [list, np.asfortranarray, DataFrame, np.float32])
def test_containers_of_the_same_numbers_are_the_same_cues(memory, kind):
    x = np.asarray(memory.patterns_ + 0.1, np.float32)  # which every container holds
    x.flags.writeable = False
    found, wanted = memory.recall(kind(x)), memory.recall(x.astype(float))
    assert (found.state == wanted.state).all()
    assert (found.confidence == wanted.confidence).all()


def test_masked_values_are_missing_values():
    rows = np.random.default_rng(0).normal(size=(6, 30))
    memory = AttractorMemory(activation="erf", metric="rule").fit(rows)
    masked = np.ma.array(np.where(np.arange(30) < 5, 1e6, rows), mask=np.arange(30) < rows * 0 + 5)
    missing = np.where(np.arange(30) < 5, np.nan, rows)
    assert memory.recall(masked).state == pytest.approx(memory.recall(missing).state)
    with pytest.raises(ValueError, match="NaN"):
        memory.fit(masked)
