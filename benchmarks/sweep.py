"""Sweeps whose driver, Dask worker or scheduler is killed: what is lost, and the bits of results.

    python benchmarks/sweep.py

200 small cells (a random matrix of 120 × 120, its eigenvalues and singular values, of which ten
fail) are computed undisturbed by two local workers. Then a driver is killed by SIGKILL 20 times at
random moments and run again. Each cell writes a line to a log as it begins; a cell that the store
held at a kill must begin no more, and results must be the same to the bit. Then the same cells on
Dask, scheduler and two workers started as processes on loopback: undisturbed, with a worker killed,
and with the scheduler killed and the sweep then finished by local workers.
"""

import collections
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _results import keep

from attractory.sweeps import SweepError, grid, open_sweep, sweep

CELLS = 200
KILLS = 20
FUNCTION = f"{Path(__file__).resolve()}:cell"

DRIVER = """
import sys
from attractory.sweeps import grid, sweep
sys.path.insert(0, sys.argv[1])
from sweep import FUNCTION, cells
result = sweep(FUNCTION, cells(sys.argv[3]), out=sys.argv[2], workers=2,
               progress=lambda done, total: print(done, flush=True))
"""


def cell(*, seed, size, log):
    with open(log, "ab", buffering=0) as file:
        file.write(f"{seed}-{size}\n".encode())
    if seed % 20 == 7:
        raise ArithmeticError(f"seed {seed} is refused")
    matrix = np.random.default_rng(seed).standard_normal((size, size))
    begun = time.perf_counter()
    while time.perf_counter() - begun < 0.03:  # a cell of some length
        values = np.linalg.eigvals(matrix)
    return {
        "radius": float(np.abs(values).max()),
        "eigenvalues": values,
        "singular": np.linalg.svd(matrix @ matrix.T, compute_uv=False),
    }


def cells(log):
    return grid(seed=range(CELLS // 2), size=[80, 120], log=str(log))


def name(one):
    return f"{one.settings['seed']}-{one.settings['size']}"


def digest(out):
    """A digest of what a folder holds, but for seconds and the order of the cells."""
    whole = hashlib.sha256()
    for one in sorted(open_sweep(out).cells, key=name):
        values = one.values or {}
        parts = [
            v.tobytes() if isinstance(v, np.ndarray) else repr(v).encode() for v in values.values()
        ]
        whole.update(repr((name(one), list(values), str(one.error))).encode())
        whole.update(b"".join(parts))
    return whole.hexdigest()


def begun(log):
    return collections.Counter(log.read_text().split() if log.exists() else [])


def start_driver(out, log):
    here = str(Path(__file__).resolve().parent)
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, here, out, log], stdout=subprocess.PIPE, text=True
    )


def undisturbed(folder, log):
    start = time.perf_counter()
    assert start_driver(folder / "calm", log).communicate()[0].split()[-1] == str(CELLS)
    seconds = time.perf_counter() - start
    log.unlink()
    return digest(folder / "calm"), seconds


def kills(folder, log, expected):
    rng, out = random.Random(0), folder / "killed"
    stored, counts, again, caught = set(), collections.Counter(), 0, 0
    for k in range(KILLS):
        driver = start_driver(out, log)
        driver.stdout.readline()
        # Each run does about a 21st of the work, and ends at a random moment.
        target = rng.uniform(0.0, 1.2) * CELLS / (KILLS + 1)
        for _ in range(int(target)):
            driver.stdout.readline()
        time.sleep(rng.uniform(0, 0.03))
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        time.sleep(0.3)  # a worker may have had its next cell already
        caught += (out / "cells.sqlite-journal").exists()
        now = begun(log)
        again += sum(now[one] > counts[one] for one in stored)
        stored, counts = {name(one) for one in open_sweep(out).cells}, now
        print(f"  kill {k + 1}: {len(stored)} cells stored", flush=True)
    left = CELLS - len(stored)
    start_driver(out, log).communicate()
    now = begun(log)
    again += sum(now[one] > counts[one] for one in stored)
    unfinished = sum(now.values()) - CELLS
    same = digest(out) == expected
    return (
        f"| driver killed {KILLS} × by SIGKILL ({caught} in the midst of a write) | {left} cells "
        f"left after the last kill | {again} | {unfinished} | {'yes' if same else 'NO'} |"
    )


class Cluster:
    def __init__(self, folder):
        file = folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.processes = []
        worker = "worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)
        for kind, *options in (("scheduler", "--port", "0", "--no-show"), worker, worker):
            command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options]
            command += ["--host", "127.0.0.1", "--scheduler-file", str(file), "--no-dashboard"]
            self.processes.append(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


def dask(folder, log, expected):
    rows = []
    for victim, what in ((None, "undisturbed"), (1, "a worker killed"), (0, "scheduler killed")):
        log.unlink(missing_ok=True)
        cluster, out = Cluster(folder), folder / f"dask-{what.replace(' ', '-')}"

        def kill(done, total, victim=victim, cluster=cluster):
            if victim is not None and done == CELLS // 3:
                cluster.processes[victim].kill()

        start, outcome, again = time.perf_counter(), "", 0
        try:
            sweep(FUNCTION, cells(log), out=out, scheduler=cluster.address, progress=kill)
            outcome = f"completed in {time.perf_counter() - start:.1f} s"
        except SweepError as error:
            print(f"  {error}")
            stored, counts = {name(one) for one in open_sweep(out).cells}, begun(log)
            result = sweep(FUNCTION, cells(log), out=out, workers=2)
            again = sum(begun(log)[one] > counts[one] for one in stored)
            outcome = (
                f"one SweepError; {len(stored)} cells kept, {result.computed} computed by local "
                "workers afterwards"
            )
        finally:
            cluster.end()
        unfinished = sum(begun(log).values()) - CELLS
        same = "yes" if digest(out) == expected else "NO"
        rows.append(f"| Dask, {what} | {outcome} | {again} | {unfinished} | {same} |")
        print(f"  {rows[-1]}", flush=True)
    return rows


HERE_ONLY = """
import sys
from attractory.sweeps import grid, sweep
sweep("recall", grid(n=40, dim=200, norm=[10.0, 30.0], seed=range(3)), out=sys.argv[1], workers=0)
"""


def networks(folder):
    """Compare the bytes of cells that JAX computes: by one, two, Dask's and no workers."""
    memories = grid(n=40, dim=200, norm=[10.0, 30.0], seed=range(3))
    cluster = Cluster(folder)
    ways = {"one": {"workers": 1}, "two": {"workers": 2}, "dask": {"scheduler": cluster.address}}
    for out, how in ways.items():
        sweep("recall", memories, out=folder / out, **how)
        sweep("spectrum", memories, out=folder / f"{out}-s", **how)
    cluster.end()
    subprocess.run([sys.executable, "-c", HERE_ONLY, folder / "none"], check=True)
    found = {}
    for out in (*ways, "none", *(f"{out}-s" for out in ways)):
        values = [one.values for one in sorted(open_sweep(folder / out).cells, key=order)]
        assert all(values), out
        found[out] = [np.asarray(v).tobytes() for each in values for v in each.values()]
    rates, radii = [found[out] for out in (*ways, "none")], [found[f"{out}-s"] for out in ways]
    same = all(each == rates[0] for each in rates) and all(each == radii[0] for each in radii)
    return (
        "Recall rates and spectral radii of six memories of 40 patterns, by JAX: one worker, two, "
        f"Dask's and (rates) a fresh process by itself: {'the same' if same else 'NOT THE SAME'} "
        "bits."
    )


def order(one):
    return one.settings["norm"], one.settings["seed"]


def unreachable(folder):
    start = time.perf_counter()
    try:
        sweep(FUNCTION, cells("log"), out=folder / "none", scheduler="tcp://127.0.0.1:9")
    except ValueError as error:
        print(f"  {error}")
        return f"A scheduler that is not there is named after {time.perf_counter() - start:.1f} s."
    return "NO ERROR for a scheduler that is not there."


def main():
    with tempfile.TemporaryDirectory() as name_:
        folder = Path(name_)
        log = folder / "log"
        expected, seconds = undisturbed(folder, log)
        rows = [kills(folder, log, expected), *dask(folder, log, expected)]
        last = f"{networks(folder)}\n\n{unreachable(folder)}"
    head = "| | outcome | stored cells begun again | cells begun again before stored | same bits |"
    table = "\n".join([head, "|---|---|---|---|---|", *rows])
    text = (
        f"{CELLS} cells, ten of them failing, two workers; undisturbed {seconds:.1f} s. Bits are "
        "compared with that run's. A kill of the driver costs what is being computed and what "
        f"waits for the disk, at most two cells a worker.\n\n{table}\n\n{last}"
    )
    print(text)
    keep("sweep", text)


if __name__ == "__main__":
    main()
