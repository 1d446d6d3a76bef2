"""Memories whose matrix is not held: the same as those that factorise it, under every change."""

import pickle

import numpy as np
import pytest

from attractory import AttractorMemory, load_memory, save_memory
from attractory.datasets import bundled_digits, sphere
from attractory.memory.stored_map import KernelStore
from attractory.memory.stored_map_large import LargeStore


def _pair(**settings):
    x = sphere(60, 20, seed=3)
    return x, *(
        AttractorMemory(
            activation="erf", norm=15.0, solver=solver, tolerance=1e-10, **settings
        ).fit(x[:40])
        for solver in ("cholesky", "cg")
    )


def _differ(one, other):
    points = one.points_[:8] * 0.9
    assert (one.points_ == other.points_).all()
    return np.abs(one.map_(points) - other.map_(points)).max() / one.norm_


def test_both_are_one_map_after_every_change():
    x, dense, large = _pair()
    assert type(large.state_.store) is LargeStore
    assert _differ(dense, large) < 1e-6
    for memory in (dense, large):
        memory.partial_fit(x[40:])
        memory.forget([0, 7, 55])
    assert _differ(dense, large) < 1e-6
    assert large.residual_ < 1e-6
    cues = x + 0.05 * np.random.default_rng(0).normal(size=x.shape)
    assert (dense.recall(cues).pattern == large.recall(cues).pattern).all()


def test_a_memory_that_outgrows_its_factor_goes_on_without(monkeypatch):
    monkeypatch.setattr("attractory._util.machine.DENSE", 45)
    x = sphere(60, 20, seed=3)
    memory = AttractorMemory(norm=15.0).fit(x[:40])
    assert type(memory.state_.store) is KernelStore
    memory.partial_fit(x[40:])
    assert type(memory.state_.store) is LargeStore
    assert memory.residual_ < 1e-6


def test_a_ridge_is_told_in_the_residual():
    _, dense, large = _pair(ridge=0.5)
    assert large.residual_ == pytest.approx(dense.residual_, rel=1e-4)
    assert large.residual_ > 1e-3


def test_files_keep_the_way_it_was_solved_and_not_where(tmp_path):
    digits, _ = bundled_digits(8)
    memory = AttractorMemory(solver="cg").fit(digits)
    memory.set_params(compute="tcp://nowhere:1")
    save_memory(memory, tmp_path / "a.mem")
    again = load_memory(tmp_path / "a.mem")
    assert again.compute is None
    assert type(again.state_.store) is LargeStore
    assert again.residual_ == memory.residual_
    assert again.predict(digits).tolist() == list(range(8))


def test_what_the_machine_cannot_hold_is_refused(monkeypatch):
    monkeypatch.setattr("attractory._util.machine.machine_bytes", lambda: 8.0 * 40**2 - 1)
    with pytest.raises(ValueError, match=r"X must fit.*GiB.*pass solver='cg'"):
        AttractorMemory(solver="cholesky").fit(sphere(40, 4))


def test_each_product_is_told_while_a_memory_is_stored():
    said = []
    memory = AttractorMemory(solver="cg", metric="rule", activation="erf").fit(
        np.random.default_rng(1).normal(size=(60, 20)), progress=lambda *told: said.append(told)
    )
    steps = [what for *_, what in said if what.startswith("equations: ")]
    assert len(steps) >= memory.state_.store.steps - 1
    assert steps[-1].endswith(f"residual {memory.residual_:.0e}")
    pickle.dumps(memory)  # nothing of it is kept
