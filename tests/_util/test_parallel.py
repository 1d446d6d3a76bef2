"""Solves and recall shared out over Dask workers: the same results, and deaths."""

import numpy as np
import pytest

from attractory import AttractorMemory, fit_regression
from attractory.datasets import bundled_digits, sphere


def test_a_cluster_gives_what_one_process_gives_and_deaths_are_told(cluster):
    x = sphere(90, 12, norm=12.0, seed=1)
    here = fit_regression(x, solver="cg", tolerance=1e-10)

    def same(f):
        scale = np.abs(here.coefficients).max()
        return np.abs(here.coefficients - f.coefficients).max() <= 1e-8 * scale

    assert same(fit_regression(x, solver="cg", tolerance=1e-10, compute=cluster.address))

    digits, _ = bundled_digits(12)
    cues = digits + np.random.default_rng(0).normal(size=digits.shape) * 0.2
    memory = AttractorMemory(activation="erf", tolerance=1e-11).fit(digits)
    alone = memory.recall(cues)
    memory.set_params(compute=cluster.address)
    shared = memory.recall(cues)
    assert (alone.pattern == shared.pattern).all()
    assert np.abs(alone.state - shared.state).max() <= 1e-8
    assert (alone.known == shared.known).all()

    def kill_a_worker(steps, residual):
        if steps == 2:
            cluster.workers[0].kill()

    survived = fit_regression(
        x, solver="cg", tolerance=1e-10, compute=cluster.address, progress=kill_a_worker
    )
    assert cluster.workers[0].wait() != 0
    assert same(survived)

    def kill_the_scheduler(steps, residual):
        if steps == 2:
            cluster.scheduler.kill()
            cluster.scheduler.wait()

    with pytest.raises(ConnectionError, match=rf"scheduler {cluster.address} was lost; nothing"):
        fit_regression(
            x, solver="cg", tolerance=1e-10, compute=cluster.address, progress=kill_the_scheduler
        )
    before = memory.patterns_.copy()
    with pytest.raises(ValueError, match="compute must be the address of a running Dask scheduler"):
        memory.set_params(solver="cg").fit(digits[:6])
    assert (memory.patterns_ == before).all()
