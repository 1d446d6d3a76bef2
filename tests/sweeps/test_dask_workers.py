"""Sweeps on a Dask cluster: a real scheduler and two workers, each a process, and their deaths."""

import pytest
from dask_cluster import WORKER
from sweep_cells import counts, walk
from sweep_checks import exact, name, settled

import attractory._util.cluster
import attractory.sweeps.dask_workers
from attractory.sweeps import SweepError, grid, open_sweep, sweep


def test_results_are_those_of_local_workers_and_deaths_lose_nothing(cluster, tmp_path):
    log, gate = tmp_path / "log", tmp_path / "gate"
    gate.touch()
    cells = grid(x=[1, 0.1, 3], seed=range(6), log=str(log), seconds=0.05, gate=str(gate))
    local = sweep(walk, cells, out=tmp_path / "local", workers=2)
    log.unlink()
    stored = {}

    def kill_a_worker(done, total):
        if done == 4:
            stored.update({name(cell): 1 for cell in open_sweep(tmp_path / "dask").cells})
            cluster.workers[0].kill()

    result = sweep(
        walk, cells, out=tmp_path / "dask", scheduler=cluster.address, progress=kill_a_worker
    )
    assert exact(result) == exact(local)
    assert cluster.workers[0].wait() != 0
    begun = counts(log)
    assert len(stored) >= 4
    assert stored.items() <= begun.items()
    assert max(begun.values()) <= 2  # those the dead worker had begun, or held

    log.unlink()
    gate.unlink()  # the last third of the cells cannot end before the scheduler does

    def kill_the_scheduler(done, total):
        if done == 4:
            cluster.scheduler.kill()

    with pytest.raises(SweepError, match=rf"scheduler {cluster.address} was lost; finished cells"):
        sweep(
            walk, cells, out=tmp_path / "lost", scheduler=cluster.address,
            progress=kill_the_scheduler,
        )  # fmt: skip
    gate.touch()
    kept = len(open_sweep(tmp_path / "lost").cells)
    assert 4 <= kept < len(cells)
    before = settled(tmp_path / "lost")
    again = sweep(walk, cells, out=tmp_path / "lost", workers=2)
    assert (again.computed, again.reused) == (len(cells) - kept, kept)
    assert exact(again) == exact(local)
    assert before.items() <= settled(tmp_path / "lost").items()


def test_other_code_is_refused_and_workers_are_waited_for(cluster, tmp_path, monkeypatch):
    # A worker loads the file that the driver names; here it changes on the way.
    path = tmp_path / "mine.py"
    path.write_text("def f(x): return {'x': x}\n")
    run = {"out": tmp_path / "out", "scheduler": cluster.address}
    assert sweep(f"{path}:f", grid(x=[1]), **run).computed == 1

    def change(done, total):
        path.write_text("def f(x): return {'x': -x}\n")

    with pytest.raises(SweepError, match=r"mine.py:f: its code is of another version"):
        sweep(f"{path}:f", grid(x=[1, 2]), **run, progress=change)
    assert [cell.values for cell in open_sweep(tmp_path / "out").cells] == [{"x": 1}]

    monkeypatch.setattr(attractory.sweeps.dask_workers, "_PATIENCE", 0.2)
    for worker in cluster.workers:
        worker.kill()
        worker.wait()

    warn = attractory.sweeps.dask_workers._warn_if_empty

    def join_when_told(client, address):
        told = warn(client, address)
        if told:
            cluster.workers.append(cluster._start(*WORKER))
        return told

    monkeypatch.setattr(attractory.sweeps.dask_workers, "_warn_if_empty", join_when_told)
    with pytest.warns(RuntimeWarning, match=f"the scheduler {cluster.address} has no workers"):
        result = sweep(walk, grid(x=[1]), out=tmp_path / "walk", scheduler=cluster.address)
    assert result.done == 1


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "127.0.0.1", "nowhere", "tcp://x.invalid:1"]
)
def test_no_scheduler_there(tmp_path, monkeypatch, address):
    pytest.importorskip("distributed")
    assert attractory._util.cluster._CONNECT < 10
    monkeypatch.setattr(attractory._util.cluster, "_CONNECT", 1.0)
    with pytest.raises(ValueError, match="scheduler must be the address of a running") as caught:
        sweep(walk, [{"x": 1}], out=tmp_path / "out", scheduler=address)
    assert repr(address) in str(caught.value)
    assert "`dask scheduler` starts one" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()
