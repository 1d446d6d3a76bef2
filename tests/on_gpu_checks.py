"""What `test_on_gpu.py` runs in a process of two devices: on both, and on the second as a GPU."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import attractory
from attractory import AttractorMemory, fit_regression
from attractory._util.gpu import gpu, resident, treat_as_gpu
from attractory.datasets import bundled_digits, sphere
from attractory.kernels import matrices as on_host
from attractory.kernels import on_gpu as kernels
from attractory.kernels.kernel import Kernel
from attractory.memory import on_gpu as recalls
from attractory.solvers.on_gpu import solve_on_gpu

SECOND = jax.devices()[1]
X = sphere(150, 20, norm=30.0, seed=0)


def both():
    """Rows and cues shared out over the devices: what one of them gives."""
    assert len(jax.devices()) == 2
    settings = {"activation": "erf", "solver": "cg", "tolerance": 1e-10}
    x = sphere(90, 12, norm=12.0, seed=1)
    here, there = (
        fit_regression(x, compute=where, **settings).coefficients for where in (None, "devices")
    )
    assert np.abs(here - there).max() <= 1e-8 * np.abs(here).max()
    digits, _ = bundled_digits(12)
    cues = digits + np.random.default_rng(0).normal(size=digits.shape) * 0.2
    memory = AttractorMemory(activation="erf", tolerance=1e-11).fit(digits)
    here = memory.recall(cues)
    there = memory.set_params(compute="devices").recall(cues)
    assert np.abs(here.state - there.state).max() <= 1e-8
    assert (here.pattern == there.pattern).all()
    assert here.path.shape == there.path.shape


def matrices():
    """As on the host, exactly symmetric, and on the device."""
    kernels._ENTRIES, on_host._FEW = 1 << 11, 0  # several stripes, and by tables, for few rows
    # Points so near and of such a norm that ab − s² is rounding: from the points themselves.
    near = 1000 * np.vstack([X[:30], X[:30] + 1e-6])
    near *= np.linalg.norm(near[0]) / np.linalg.norm(near, axis=1, keepdims=True)
    # One table, and two; a depth each, as compilation is all this takes.
    for points, depth in ((near, 3), (X[:60] * np.linspace(0.5, 2, 60)[:, None], 2)):
        wanted = attractory.ntk(points, depth=depth)
        with treat_as_gpu(SECOND):
            found = kernels.ntk_on_gpu(points, depth=depth)
            assert found.devices() == {SECOND}
            assert (np.asarray(found) == np.asarray(found).T).all()
            returned = attractory.ntk(points, depth=depth)
            assert returned.flags.writeable
        assert np.abs(found / wanted - 1).max() < 1e-13
        assert np.abs(returned / wanted - 1).max() < 1e-13
    with treat_as_gpu(SECOND):
        other = kernels.ntk_on_gpu(points[:40], points, depth=depth)
    assert np.abs(other / wanted[:40] - 1).max() < 1e-13


def solves():
    """By a factor in float64, by one in float32, and without; what travels keeps its digits."""
    wanted = fit_regression(X)
    size = np.abs(wanted.coefficients).max()
    with treat_as_gpu(SECOND):
        for precision in (np.float64, np.float32):
            found = solve_on_gpu(X, X, Kernel.of("sigmoid", 2), 0.0, precision=precision)
            assert found is not None
            assert found.residual.max() < 1e-13
            assert np.abs(found.coefficients - wanted.coefficients).max() < 1e-12 * size
        twice = np.vstack([X[:75], X[:75]])
        assert solve_on_gpu(twice, twice, Kernel.of("sigmoid", 2), 0.0) is None  # singular
        f = fit_regression(X)
        assert f.coefficients.devices() == {SECOND}
        y = X[:5] + 0.1
        assert np.abs(f(y) - wanted(y)).max() < 1e-12
        for again in (pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):
            assert again.coefficients.dtype == np.float64
            assert np.abs(again(y) - f(y)).max() < 1e-12
        traced = jax.jit(lambda v: f(v))(jnp.asarray(y, jnp.float32))
        assert traced.dtype == np.float32
        large = fit_regression(X, solver="cg", tolerance=1e-9)
        assert np.abs(large.coefficients - wanted.coefficients).max() < 1e-6 * size


def recall():
    """The same states, steps and paths as on the host; nothing travels in the middle."""
    rows, _ = bundled_digits(60)
    noise = np.random.default_rng(0).normal(size=(24, 784))
    cues = np.clip(rows[:24] + 0.3 * noise, 0, 1)
    for settings in ({}, {"iteration": "plain", "norm": 120.0}):
        wanted = AttractorMemory(metric="rule", **settings).fit(rows).recall(cues)
        guarded = recalls.course

        def course(*given):
            with jax.transfer_guard("disallow"):
                return jax.block_until_ready(guarded(*given))  # noqa: B023

        with treat_as_gpu(SECOND):
            assert gpu() is SECOND
            memory = AttractorMemory(metric="rule", **settings).fit(rows)
            memory.recall(cues)  # compiled; constants are put in place then
            recalls.course = course
            found = memory.recall(cues)
            recalls.course = guarded
            assert type(memory.state_.store).__name__ == "GpuStore"
            assert memory.residual_ < 1e-12
            memory.partial_fit(rows[:1] * 0.6 + 0.4 * rows[1:2])
            memory.forget([0])
            assert len(memory) == 60
            assert memory.residual_ < 1e-12
            state = memory.state_
            assert (
                np.abs(state.map(state.points) / state.norm - state.points / state.norm).max()
                < 1e-12
            )
        assert (found.pattern == wanted.pattern).all()
        assert (found.path == wanted.path).all()
        assert (found.status == wanted.status).all()
        assert np.abs(found.state - wanted.state).max() < 1e-6
        assert np.abs(found.steps - wanted.steps).max() <= 2


def guard():
    """The guard that `recall` relies on does refuse."""
    with treat_as_gpu(SECOND):
        with pytest.raises(Exception, match="transfer"), jax.transfer_guard("disallow"):
            jnp.sin(np.ones(3))
        with jax.enable_x64(True):
            assert resident({"a": np.ones(3)})["a"].devices() == {SECOND}


if __name__ == "__main__":
    for check in (both, solves, recall, guard, matrices):
        check()
