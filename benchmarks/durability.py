"""Files of memories under concurrent commands, sudden death, damage and Ctrl-C.

    python benchmarks/durability.py [pairs|kills|mutations|interrupts]...

Pairs: `add` and `forget` of one file at once, 100 times; each must be done, and nothing else.
Kills: `add`, `forget` and `store --force`, 50 times, by SIGKILL at a random moment: the file must
be the earlier or the later one, its lock free. Mutations: 10,000 files, damaged in their bytes (as
in `storage.py`), or with one value of the header changed and the digest made anew, each read within
5 s: the same content, or StorageError. Interrupts: Ctrl-C after 0.05 … 20 s of `store`,
`store --width`, `recall` and `demo`: status 130 and no file.
"""

import collections
import contextlib
import io
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from storage import MUTATIONS, memory_of, mutate

from attractory import AttractorMemory, SequenceMemory, load_memory, save_memory
from attractory.cli.app import main as command
from attractory.datasets import bundled_digits, sphere
from attractory.io.file_lock import locked
from attractory.io.tensor_file import StorageError, read_file, write_file

FORK = multiprocessing.get_context("fork")  # before JAX starts its threads: imports are shared
LIMIT = 5.0  # seconds of the processor's for a file to be read
ROWS = sphere(200, 12, seed=1)


def run(arguments, ready=None):
    """What a child process does: one command, its output thrown away."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if ready is not None:
        ready.wait()
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        try:
            command([str(argument) for argument in arguments])
        except SystemExit as end:
            if end.code:
                os.write(2, err.getvalue().encode())
            os._exit(end.code or 0)


def names(file):
    """Names of the rows a file holds, without a look at the map."""
    return read_file(file)[0]["info"]["names"]


def row_files(folder):
    for k, row in enumerate(ROWS):
        np.save(folder / f"r{k}.npy", row[None])


def stored(folder, count=6):
    file = folder / "m.mem"
    paths = [folder / f"r{k}.npy" for k in range(count)]
    options = ["--activation", "erf", "--norm", "20", "--metric", "none", "--no-center"]
    store = ["store", *paths, "--out", file, "--force", *options]
    child = FORK.Process(target=run, args=(store,))
    child.start()
    child.join()
    return file, store


def pairs(folder, count=100):
    row_files(folder)
    file, _ = stored(folder)
    held, counts = names(file), collections.Counter()
    for k in range(count):
        new, old = f"r{6 + k}.npy", held[0]
        start = FORK.Barrier(2)
        children = [
            FORK.Process(target=run, args=(arguments, start))
            for arguments in (["add", file, folder / new], ["forget", file, old])
        ]
        for child in children:
            child.start()
        for child in children:
            child.join()
        held = [*held[1:], new]
        done = sum(child.exitcode == 0 for child in children)
        counts["commands done"] += done
        counts["pairs whole" if names(file) == held else "pairs with a loss"] += 1
    rows = load_memory(file).patterns_
    there = all(np.abs(rows[k] - ROWS[int(name[1:-4])]).max() < 1e-9 for k, name in enumerate(held))
    print(f"{count} pairs of add and forget at once: {dict(counts)}; rows as they were: {there}")
    print(f"  left in the folder: {left(folder)}")


def left(folder):
    return sorted(name for name in os.listdir(folder) if not name.endswith((".npy", ".mem")))


def kills(folder, count=50):
    row_files(folder)
    file, store = stored(folder)
    rng, counts = random.Random(0), collections.Counter()
    begun = time.perf_counter()
    child = FORK.Process(target=run, args=(["add", file, folder / "r9.npy"],))
    child.start()
    child.join()
    whole = time.perf_counter() - begun  # a command's, undisturbed
    for k in range(count):
        before = names(file)
        new = f"r{10 + k}.npy"
        kind, arguments, after = (
            ("add", ["add", file, folder / new], [*before, new]),
            ("forget", ["forget", file, before[0]], before[1:]),
            ("store --force", store, [f"r{k}.npy" for k in range(6)]),
        )[k % 3]
        child = FORK.Process(target=run, args=(arguments,))
        child.start()
        time.sleep(rng.uniform(0, 1.1 * whole))
        child.kill()
        child.join()
        found = names(file)
        child_that_loads = FORK.Process(target=load_memory, args=(file,))
        child_that_loads.start()
        child_that_loads.join()
        counts["UNREADABLE"] += child_that_loads.exitcode != 0
        counts["earlier" if found == before else "later" if found == after else "LOST"] += 1
        counts["done before the kill"] += child.exitcode == 0
        with locked(file, lambda: counts.update(["lock not free"])):
            pass
        counts[kind] += 1
    child = FORK.Process(target=run, args=(["add", file, folder / "r150.npy"],))
    child.start()
    child.join()
    print(f"{count} kills: {dict(counts)}; the next add: status {child.exitcode}")
    print(f"  left in the folder: {len(left(folder))} temporary files")


MANY = {
    "mixture": "x", "offset": 0.5, "gain": 0.5, "scales": [1.0] * 300, "weights": [1 / 300] * 300,
}  # fmt: skip


def forged(header, rng):
    """One value of a header changed; most are numbers, and what stands there steers a program."""
    header = json.loads(json.dumps(header))
    places = []

    def collect(value):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in list(keys):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                collect(value[key])

    collect(header)
    value, key = rng.choice(places)
    if rng.random() < 0.1:
        del value[key]
        return header
    value[key] = rng.choice([
        None, True, False, 0, 1, -1, 2, 3, 5, 16, 17, 64, 10**6, 10**12, 2**63, 10**300, 0.0, 0.5,
        -0.5, 1e-300, 1e300, "", "x", "cg", "cholesky", "plain", "sequence", "patterns", "devices",
        "tcp://127.0.0.1:9", [], [1], {}, {"name": "tanh"}, {"linear": [1.0, 1.0]}, MANY,
    ])  # fmt: skip
    return header


def mutations(folder, count=10_000):
    x = sphere(5, 8)
    kinds = {
        "kernel": AttractorMemory(activation="erf", norm=20.0).fit(x),
        "network": AttractorMemory(60, activation="erf", norm=5.0).fit(x),
        "sequence": SequenceMemory(activation="erf", norm=20.0).fit(x),
    }
    rng, share = random.Random(0), count // (2 * len(kinds))

    def late(number, frame):
        raise TimeoutError

    signal.signal(signal.SIGPROF, late)
    print(f"{2 * share * len(kinds)} mutated files of memories")
    print(f"  {'':16} refused  same  other settings  other content  other error  slowest")
    for name, memory in kinds.items():
        file = folder / f"{name}.mem"
        save_memory(memory, file)
        content, expected, (header, arrays) = file.read_bytes(), memory_of(file), read_file(file)
        for way in ("bytes", "header"):
            counts, slowest = collections.Counter(), 0.0
            for k in range(share):
                file.unlink(missing_ok=True)
                if way == "bytes":
                    file.write_bytes(mutate(content, rng, MUTATIONS[k % len(MUTATIONS)]))
                else:
                    changed = forged(header, rng)
                    write_file(file, changed, arrays)
                begun = time.process_time()
                signal.setitimer(signal.ITIMER_PROF, LIMIT)
                try:
                    found = memory_of(file)
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    same_map = found[1] == expected[1]
                    outcome = "same" if found == expected else "settings" if same_map else "other"
                except StorageError:
                    outcome = "refused"
                except Exception as error:
                    print(f"  {name}, {way}: {error!r}", changed if way == "header" else "")
                    outcome = "error"
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                slowest = max(slowest, time.process_time() - begun)
                counts[outcome] += 1
            row = [counts[each] for each in ("refused", "same", "settings", "other", "error")]
            print("  {:16} {:7} {:5} {:15} {:14} {:12}".format(f"{name}, {way}", *row), end="")
            print(f"  {slowest:.2f} s")


def interrupts(folder, count=16):
    digits, _ = bundled_digits(200)
    np.save(folder / "digits.npy", digits)
    cues = np.random.default_rng(0).normal(size=(3000, 784)) + np.resize(digits, (3000, 784))
    np.save(folder / "cues.npy", cues)
    save_memory(AttractorMemory(metric="rule").fit(digits), folder / "m.mem")
    ways = {
        "store": ["store", "digits.npy", "--out", "new.mem"],
        "store --width": ["store", "digits.npy", "--out", "new.mem", "--width", "1000"],
        "recall": ["recall", "m.mem", "cues.npy", "--out", "new"],
        "demo": ["demo", "--n", "200", "--depth", "4", "--out", "new"],
    }
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    print(f"{count} interrupts\n  {'':14} after  status  ended in  files  said")
    moments = np.geomspace(0.05, 20.0, count)
    for k, moment in enumerate(moments):
        name = list(ways)[k % len(ways)]
        process = subprocess.Popen(
            [sys.executable, "-m", "attractory", *ways[name]], cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            process.wait(moment)
            print(f"  {name:14} {moment:5.2f}  ended before with {process.returncode}")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        begun = time.perf_counter()
        err = process.communicate()[1].decode().strip().splitlines()
        took = time.perf_counter() - begun
        new = sorted(set(os.listdir(folder)) - {"digits.npy", "cues.npy", "m.mem"})
        row = f"  {name:14} {moment:5.2f}  {process.returncode:6}  {took:6.2f} s  {len(new):5}  "
        print(row + (err[-1] if err else ""), flush=True)
        for each in new:
            subprocess.run(["rm", "-r", folder / each], check=True)


PARTS = {"pairs": pairs, "kills": kills, "mutations": mutations, "interrupts": interrupts}


def main():
    for name in sys.argv[1:] or PARTS:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            child = FORK.Process(target=PARTS[name], args=(Path(folder),))
            child.start()
            child.join()
        print(f"  {time.perf_counter() - begun:.0f} s, status {child.exitcode}", flush=True)


if __name__ == "__main__":
    main()
