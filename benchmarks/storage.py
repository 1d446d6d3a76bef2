"""Stored files under damage and sudden death.

    python benchmarks/storage.py

10,000 mutations of a small file (bits, bytes, insertions, deletions, truncations, swaps, lengths of
the header) are each read: to the same content, bit for bit, or with StorageError. 50 processes that
save in a loop are killed by SIGKILL at random moments: the file left must be whole, old or new.
Both again with the file of an `AttractorMemory`, of six digits and of two.
"""

import collections
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from attractory import AttractorMemory, load_memory, save_memory
from attractory.datasets import bundled_digits
from attractory.io.tensor_file import StorageError, read_file, write_file

# Saves 1 MB of the numbers k = 0, 1, …, so that content of two writes mixed would show.
KILLED = """
import sys, numpy as np
from attractory.io.tensor_file import write_file
for k in range(10**9):
    write_file(sys.argv[1], {"k": k}, {"x": np.full(2**17, float(k)), "y": np.full(9, k)})
    if k == 0:
        print("first", flush=True)
"""

# Saves a memory of six digits and one of two in turn.
KILLED_MEMORY = """
import sys
from attractory import AttractorMemory, save_memory
from attractory.datasets import bundled_digits
digits, _ = bundled_digits(6)
memories = [AttractorMemory(metric="rule").fit(digits[:n]) for n in (6, 2)]
for k in range(10**9):
    save_memory(memories[k % 2], sys.argv[1], overwrite=True)
    if k == 0:
        print("first", flush=True)
"""


def memory_of(path):
    """What equal memories have equal: parameters, rows, map, norms."""
    memory = load_memory(path)
    arrays = {
        "points": memory.points_, "sizes": memory.state_.sizes,
        "mean": memory.state_.coordinates.mean,
        "basis": memory.state_.coordinates.metric.basis, **memory.state_.store.arrays(),
    }  # fmt: skip
    header = {"norm": memory.norm_, "parameters": str(sorted(memory.get_params().items()))}
    return exact(header, {name: np.asarray(array) for name, array in arrays.items()})


def exact(header, arrays):
    """What equal content has equal, to the bit, and in types."""
    return json.dumps(header), {
        name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()
    }


def whole_memory(path):
    return len(load_memory(path)) in (2, 6)


def whole(path):
    header, arrays = read_file(path)
    return all((array == header["k"]).all() for array in arrays.values())


def _flip(b, rng):
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        b[rng.randrange(len(b))] ^= 1 << rng.randrange(8)


def _overwrite(b, rng):
    k = rng.randrange(len(b))
    few = rng.randbytes(rng.choice([1, 1, 1, 4, 16]))
    b[k : k + len(few)] = few


def _character(b, rng):
    b[rng.randrange(len(b))] = rng.choice(b'{}[]",:\\0123456789-eE. truefalsn')


def _insert(b, rng):
    k = rng.randrange(len(b) + 1)
    b[k:k] = rng.choice([rng.randbytes(rng.randint(1, 9)), b" ", b"0", b"[", b'"', b"\\"])


def _delete(b, rng):
    k = rng.randrange(len(b))
    del b[k : k + rng.choice([1, 1, 2, 8, 100])]


def _truncate(b, rng):
    del b[rng.randrange(len(b)) :]


def _swap(b, rng):
    size = rng.choice([1, 1, 4, 8])
    i, j = (rng.randrange(len(b) - size) for _ in range(2))
    b[i : i + size], b[j : j + size] = b[j : j + size], b[i : i + size]


def _length(b, rng):
    old = int.from_bytes(b[:8], "little")
    near = max(0, old + rng.randint(-20, 20))
    b[:8] = rng.choice([near, near, rng.randrange(len(b)), rng.getrandbits(64)]).to_bytes(
        8, "little"
    )


MUTATIONS = _flip, _overwrite, _character, _insert, _delete, _truncate, _swap, _length


def mutate(content, rng, kind=None):
    """Return content changed in one random way, never the same."""
    while True:
        changed = bytearray(content)
        (kind or rng.choice(MUTATIONS))(changed, rng)
        if changed != content:
            return bytes(changed)


def plain_file(path):
    rng = np.random.default_rng(0)
    header = {
        "name": "größe 12",
        "norm": 0.1,
        "depth": 3,
        "none": None,
        "list": [True, [-0.0, 1e300]],
    }
    arrays = {
        "patterns": rng.standard_normal((3, 4)),
        "single": rng.standard_normal(5).astype(np.float32),
        "labels": np.arange(3),
        "pixels": np.arange(7, dtype=np.uint8),
        "flags": np.array([True, False, True]),
        "scalar": np.array(2.5),
        "empty": np.empty((0, 3)),
    }
    write_file(path, header, arrays)


def memory_file(path):
    save_memory(AttractorMemory(metric="rule").fit(bundled_digits(6)[0]), path)


def mutations(folder, count, make, read):
    path = folder / "small"
    make(path)
    content, expected = path.read_bytes(), read(path)
    rng = random.Random(0)
    print(f"{count} mutations of a file of {len(content)} bytes ({make.__name__})")
    print(f"  {'':10} refused  same  other content  other error")
    slowest, totals = 0.0, collections.Counter()
    for kind in MUTATIONS:
        counts = collections.Counter()
        for _ in range(count // len(MUTATIONS)):
            path.unlink()  # ext4 waits for the disk when a file is overwritten
            path.write_bytes(mutate(content, rng, kind))
            start = time.perf_counter()
            try:
                found = read(path)
            except StorageError as error:
                good = str(path) in str(error) and len(str(error).splitlines()) == 1
                outcome = "refused" if good else "error"
            except Exception as error:
                print(f"  {kind.__name__}: {error!r}")
                outcome = "error"
            else:
                outcome = "same" if found == expected else "other"
            slowest = max(slowest, time.perf_counter() - start)
            counts[outcome] += 1
        totals += counts
        row = [counts[name] for name in ("refused", "same", "other", "error")]
        print("  {:10} {:7} {:5} {:14} {:12}".format(kind.__name__[1:], *row))
    row = [totals[name] for name in ("refused", "same", "other", "error")]
    print("  {:10} {:7} {:5} {:14} {:12}".format("all", *row))
    print(f"  slowest read {1e3 * slowest:.1f} ms")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def kills(folder, count, script, whole):
    path = folder / "killed"
    rng = random.Random(0)
    counts = collections.Counter()
    for _ in range(count):
        before = len(os.listdir(folder))
        process = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        counts["mid-write"] += len(os.listdir(folder)) > before
        try:
            counts["whole" if whole(path) else "mixed"] += 1
        except (StorageError, OSError) as error:
            print(f"  {error}")
            counts["lost"] += 1
    left = [folder / name for name in os.listdir(folder) if name.endswith(".tmp")]
    for name in left:
        os.utime(name, (0, 0))
    write_file(path, {"k": 0}, {})
    gone = sum(not name.exists() for name in left)
    print(f"{count} kills while saving: {counts['whole']} files whole, {counts['mixed']} mixed,")
    print(f"  {counts['lost']} unreadable; {counts['mid-write']} died within a write and left a")
    print(f"  temporary file; {gone} of these {len(left)} removed by a write an hour later")


def main():
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        mutations(Path(folder), 10_000, plain_file, lambda path: exact(*read_file(path)))
        kills(Path(folder), 50, KILLED, whole)
    with tempfile.TemporaryDirectory() as folder:
        mutations(Path(folder), 10_000, memory_file, memory_of)
        kills(Path(folder), 50, KILLED_MEMORY, whole_memory)
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
