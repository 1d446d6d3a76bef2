"""What memories of large rows cost and recall: photographs, changes of a row, cost against d.

    python benchmarks/dimension.py [PART ...] [--photos FOLDER]

Parts: photos and large (500 colour tiles of 64 × 64 and 100 of 224 × 224, cut from scikit-learn's
two photographs or from a folder's pictures; their time, radii, starts that are no cue, and damaged
cues beside simple searches), first (the first fit of a process), grid (a grid search), add50 and
add1000 (a row added and ten cues recalled, fifty times), cost (fit, recall and radius of 300 rows
against d), aside (rows of other kinds). All by default; every part in a process of its own, so that
its time and memory are those of a fresh start.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

PARTS = "photos", "large", "first", "grid", "add50", "add1000", "cost", "aside"


def pictures(folder: str | None, size: int) -> list[np.ndarray]:
    """Return scikit-learn's two photographs, or pictures of a folder, in [0, 1]."""
    if folder is None:
        from sklearn.datasets import load_sample_images

        return [image / 255 for image in load_sample_images().images]
    from PIL import Image

    found = []
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
            with Image.open(path) as image:
                if min(image.size) >= size:
                    image.thumbnail((1600, 1600))
                    found.append(np.asarray(image.convert("RGB"), float) / 255)
    return found


def tiles(count: int, size: int, folder: str | None = None, seed: int = 0) -> np.ndarray:
    """Return colour tiles of pictures, at random places on a grid as wide as it can be."""
    images, rng = pictures(folder, size), np.random.default_rng(seed)
    out = []
    for k, image in enumerate(images):
        wanted = count // len(images) + (k < count % len(images))
        for step in range(size, 0, -1):
            places = [range(0, side - size + 1, step) for side in image.shape[:2]]
            if len(places[0]) * len(places[1]) >= wanted:
                break
        for place in rng.permutation(len(places[0]) * len(places[1]))[:wanted].tolist():
            y, x = places[0][place // len(places[1])], places[1][place % len(places[1])]
            out.append(image[y : y + size, x : x + size].ravel())
    return np.stack(out)[rng.permutation(len(out))]


def damaged(rows: np.ndarray, kind: str, seed: int = 1) -> np.ndarray:
    """Return cues: white noise of the row's distance from the mean, a lower half of 0, and more."""
    rng, (count, dim) = np.random.default_rng(seed), rows.shape
    if kind == "noise 1.0":
        from _cues import noisy

        return noisy(rows, rows.mean(axis=0), 1.0, rng)
    if kind == "half":
        return np.where(np.arange(dim) < dim // 2, rows, 0.0)
    if kind == "grey":
        grey = rows.reshape(count, -1, 3).mean(axis=2, keepdims=True)
        return np.broadcast_to(grey, (count, dim // 3, 3)).reshape(count, dim)
    return np.where(rng.random(rows.shape) < 0.1, rows, 0.0)  # nine tenths gone


def searches(rows: np.ndarray, cues: np.ndarray) -> dict[str, np.ndarray]:
    """Return the row that each simple search finds."""
    from _cues import nearest, unit

    def shape_of(x: np.ndarray) -> np.ndarray:
        return unit(x - x.mean(axis=1, keepdims=True))

    flat = rows.astype(np.float32)
    by_sum = [np.abs(flat - cue).sum(axis=1).argmin() for cue in cues.astype(np.float32)]
    return {
        "Euclid": nearest(cues, rows),
        "Pearson": (shape_of(cues) @ shape_of(rows).T).argmax(axis=1),
        "Manhattan": np.array(by_sum),
    }


def peak() -> float:
    """Return the most memory this process has had, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def photos(count: int = 500, size: int = 64, cues: int = 1000, folder: str | None = None) -> None:
    """Fit tiles, recall cues, cold; attractors; starts that are no cue; and each kind of damage."""
    from attractory import AttractorMemory, spectral_radius

    rows = tiles(count, size, folder)
    home = np.resize(np.arange(count), cues)
    noisy = damaged(rows[home], "noise 1.0")
    begun, at_first = time.perf_counter(), time.process_time()
    memory = AttractorMemory().fit(rows)
    fitted, used = time.perf_counter() - begun, time.process_time() - at_first
    found = memory.recall(noisy)
    took, spent = time.perf_counter() - begun, time.process_time() - at_first
    print(f"{count} tiles of {size} x {size} x 3 (dim {rows.shape[1]:,}): fit {fitted:.1f} s "
          f"({used:.1f} s of CPU), with {cues} cues {took:.1f} s ({spent:.1f} s), {peak():.2f} "
          f"GiB; {memory.choice_}", flush=True)  # fmt: skip
    inner = memory.state_.store.inner  # the same map and rows, in the rows' own span
    radius = spectral_radius(inner.map(), inner.x)
    print(f"  attractors {np.mean(radius < 1):.3f} of {count}, largest radius {radius.max():.3f}")
    rng, mean = np.random.default_rng(7), rows.mean(axis=0)
    away = np.linalg.norm(rows - mean, axis=1).mean() / np.sqrt(rows.shape[1])
    for name, starts in {
        "uniform noise": rng.random((100, rows.shape[1])),
        "white noise about the mean": mean + away * rng.normal(size=(100, rows.shape[1])),
    }.items():
        ended = memory.recall(starts)
        print(f"  100 starts of {name}: {np.mean(ended.pattern >= 0):.3f} end at a row (of "
              f"{len(set(ended.pattern.tolist()))}), known {ended.known.mean():.2f}")  # fmt: skip
    for kind in ("noise 1.0", "half", "grey", "nine tenths gone"):
        where = home[: min(cues, 200)]
        given = noisy[: len(where)] if kind == "noise 1.0" else damaged(rows[where], kind)
        result = found[: len(where)] if kind == "noise 1.0" else memory.recall(given)
        right = result.pattern == where
        shares = {"memory": right.mean(), "of it known": np.mean(right & result.known)} | {
            name: np.mean(best == where) for name, best in searches(rows, given).items()
        }
        print(f"  {kind}: " + ", ".join(f"{name} {share:.3f}" for name, share in shares.items()),
              flush=True)  # fmt: skip


def kin_of_digits(count: int) -> np.ndarray:
    """Return rows like digits, as many as are wanted: moved mixtures of two."""
    from attractory.datasets import bundled_digits

    rng, digits = np.random.default_rng(0), bundled_digits(200)[0]
    pair, share = rng.integers(0, 200, (count, 2)), rng.random((count, 1))
    rows = share * digits[pair[:, 0]] + (1 - share) * digits[pair[:, 1]]
    moves = rng.integers(-3, 4, (count, 2))
    moved = [
        np.roll(r.reshape(28, 28), m, (0, 1)).ravel() for r, m in zip(rows, moves, strict=True)
    ]
    return np.stack(moved) + 0.02 * rng.random((count, 784))


def add(n: int) -> None:
    """Add a row and recall ten cues, fifty times."""
    from attractory import AttractorMemory

    warnings.simplefilter("ignore")
    rows, rng = kin_of_digits(n + 50), np.random.default_rng(1)
    memory, took = AttractorMemory(metric="rule").fit(rows[:n]), []
    for k in range(n, n + 50):
        cues = rows[rng.integers(0, n, 10)] + 0.3 * rng.normal(size=(10, 784))
        begun = time.perf_counter()
        memory.partial_fit(rows[k : k + 1])
        memory.recall(cues)
        took.append(time.perf_counter() - begun)
    print(f"a row added, ten cues recalled, n from {n}: median {np.median(took[3:]):.3f} s, most "
          f"{max(took[3:]):.2f} s, first {took[0]:.2f} s")  # fmt: skip


def first() -> None:
    """Fit and recall in a fresh process."""
    begun = time.perf_counter()
    from attractory import AttractorMemory

    rows, rng = kin_of_digits(100), np.random.default_rng(1)
    loaded = time.perf_counter()
    memory = AttractorMemory().fit(rows)
    fitted = time.perf_counter()
    memory.recall(rows[:10] + 0.3 * rng.normal(size=(10, 784)))
    done = time.perf_counter()
    print(f"first fit and recall, n = 100: import {loaded - begun:.2f} s, fit "
          f"{fitted - loaded:.2f} s, recall {done - fitted:.2f} s")  # fmt: skip


def grid() -> None:
    """Run six fits of 40 rows each."""
    from sklearn.model_selection import GridSearchCV

    from attractory import AttractorMemory

    rows, begun = kin_of_digits(60), time.perf_counter()
    GridSearchCV(AttractorMemory(), {"reject": [0.8, 0.9]}, cv=3, refit=False).fit(rows)
    print(f"GridSearchCV of six fits of 40 rows: {time.perf_counter() - begun:.1f} s")


def cost() -> None:
    """Print times against d, and the exponents fitted to them; what is compiled is so before."""
    from attractory import AttractorMemory, certified_radius, spectral_radius

    n, dims, rng = 300, (784, 3072, 12288, 49152), np.random.default_rng(0)
    names, times = ("fit", "recall", "radius", "certificate"), []
    for dim in (*dims[:1], *dims):  # the first one compiles
        rows = rng.normal(size=(n, 40)) @ rng.normal(size=(40, dim)) + rng.normal(size=(n, dim))
        cues = damaged(rows[:100], "noise 1.0")
        marks = [time.perf_counter()]
        for _ in range(2):  # of a size, too
            memory = AttractorMemory(metric="rule", activation="erf").fit(rows)
            marks.append(time.perf_counter())
            memory.recall(cues)
            marks.append(time.perf_counter())
            points = memory.points_[:10]
            spectral_radius(memory.map_, points)
            marks.append(time.perf_counter())
            certified_radius(memory.map_, points[:2], progress=False)
            marks.append(time.perf_counter())
        times.append(np.diff(marks)[4:])
    times = np.array(times[1:])
    for name, row in zip(names, times.T, strict=True):
        slope = np.polyfit(np.log(dims), np.log(row), 1)[0]
        texts = ", ".join(f"{d:,}: {t:.2f} s" for d, t in zip(dims, row, strict=True))
        print(f"{name} against d (n = {n}): {texts}; exponent {slope:.2f}")


def aside() -> None:
    """Recall of cases that nothing was tuned on."""
    from _cues import noisy
    from sklearn.datasets import load_digits, load_wine

    from attractory import AttractorMemory

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(5)
    sphere = rng.normal(size=(40, 12288))
    twins = np.vstack([sphere[:20], sphere[:20] + 1e-3 * rng.normal(size=(20, 12288))])
    cases = {
        "two rows of dim 2": np.array([[0.0, 1.0], [1.0, 0.3]]),
        "two rows of dim 12,288": sphere[:2],
        "40 random rows of dim 12,288": sphere,
        "the same 1,000 away from 0": sphere + 1000.0,
        "twenty twins, 0.001 apart": twins,
        "178 wines of dim 13": load_wine().data / load_wine().data.std(axis=0),
        "500 digits of dim 64": load_digits().data[:500],
        "Fourier sums, n = 120, d = 5,000": rng.normal(size=(120, 9))
        @ np.cos(np.outer(np.arange(1, 10), np.linspace(0, 3, 5000))),
    }
    for name, rows in cases.items():
        begun = time.perf_counter()
        try:
            memory = AttractorMemory().fit(rows)
        except ValueError as error:
            print(f"{name}: refused: {str(error)[:90]}")
            continue
        itself = np.mean(memory.recall(rows[:200]).pattern == np.arange(len(rows))[:200])
        cues = noisy(rows, rows.mean(axis=0), 0.3, rng)
        found = memory.recall(cues[:200]).pattern == np.arange(len(rows))[:200]
        print(f"{name}: rows {itself:.3f}, noise 0.3 {np.mean(found):.3f}, residual "
              f"{memory.residual_:.1e}, {time.perf_counter() - begun:.1f} s")  # fmt: skip


def main() -> None:
    """Run the parts named, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--photos", metavar="FOLDER", help="of pictures to cut tiles from")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"PART must be of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    parts, folder = given.parts or list(PARTS), given.photos
    if len(parts) > 1:
        more = [] if folder is None else ["--photos", folder]
        for part in parts:
            command = [sys.executable, "-W", "ignore", __file__, part, *more]
            subprocess.run(command, check=False)
        return
    {
        "photos": lambda: photos(folder=folder), "large": lambda: photos(100, 224, 100, folder),
        "first": first, "grid": grid, "add50": lambda: add(50), "add1000": lambda: add(1000),
        "cost": cost, "aside": aside,
    }[parts[0]]()  # fmt: skip


if __name__ == "__main__":
    main()
