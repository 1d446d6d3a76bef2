"""How films and sound of yours come back from noise: `python benchmarks/films.py FILE ...`.

    python benchmarks/films.py [--size 128x128] [--every 1] [--context 1] [--noise 1.0] FILE ...

All files go into one memory. From every tenth frame, with white noise of so many times the frame's
own deviation, two rounds are replayed; printed are the times, memory, the share of cues that end in
phase within 1e-6, and the largest error.
"""

import argparse
import resource
import time

import numpy as np


def main() -> None:
    """Store, replay, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--size", default=None, help="width x height")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--context", type=int, default=1)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--frame-length", type=int, default=512)
    given = parser.parse_args()

    from attractory import SequenceMemory
    from attractory.io import load_sequences

    size = tuple(map(int, given.size.split("x")))[::-1] if given.size else None
    begun = time.perf_counter()
    loaded = load_sequences(
        given.files, size=size, every=given.every, frame_length=given.frame_length
    )
    read = time.perf_counter()
    rows, mean = loaded.rows, loaded.rows.mean(axis=0)
    memory = SequenceMemory(context=given.context).fit(rows, lengths=list(loaded.lengths))
    fitted = time.perf_counter()
    random, errors, first = np.random.default_rng(0), [], 0
    for length in loaded.lengths:
        for start in range(0, length, 10):
            place = first + np.arange(start - given.context + 1, start + 1) % length
            cue = rows[place]
            scale = np.linalg.norm(cue - mean, axis=1, keepdims=True) / np.sqrt(rows.shape[1])
            cue = cue + given.noise * scale * random.normal(size=cue.shape)
            end = memory.replay(cue if given.context > 1 else cue[0], 2 * length)[-1]
            right = rows[first + start]
            errors.append(np.linalg.norm(end - right) / np.linalg.norm(right - mean))
        first += length
    done, found = time.perf_counter(), np.array(errors)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(rows)} frames of {rows.shape[1]:,} numbers in {len(loaded.lengths)} sequences: "
        f"read {read - begun:.1f} s, fit {fitted - read:.1f} s, {len(found)} replays of two "
        f"rounds {done - fitted:.1f} s, {peak:.2f} GiB; norm {memory.norm_:.4g}; in phase within "
        f"1e-6 {np.mean(found <= 1e-6):.3f}, largest error {found.max():.1e}"
    )


if __name__ == "__main__":
    main()
