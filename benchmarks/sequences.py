"""Films and sound as sequences: what comes back from noise, beside looking the frame up.

    python benchmarks/sequences.py [PART ...] [--films FILE ...] [--sounds FILE ...]

Parts: films (from every tenth frame under noise of the frame's standard deviation: in the cycle and
in phase within two rounds, error at most 1e-6 of the frame's norm), long (600 frames stored and
replayed in 60 s), two (two films in one memory: none crosses over), repeated (a frame that occurs
twice, context 2), sound (eight files, from noise), known (what `predict` says of right frames under
noise, and of strangers: frames of the others, and uniform noise). All by default. Without files the
films are made here: pieces of scikit-learn's two photographs under a moving window, fast and slow,
and a shape that turns; the sounds are chirps. Rivals: the nearest stored frame by Euclid and by
Pearson, whose successors would be looked up.
"""

import argparse
import time
import warnings

import numpy as np

import attractory as at

SIZE, FRAMES, NOISE, EXACT = 128, 120, 1.0, 1e-6
PARTS = "films", "long", "two", "repeated", "sound", "known"


def panned(photo, step, count=FRAMES):
    """Return grey frames of a window that moves over a photograph and back, without a repeat."""
    from sklearn.datasets import load_sample_images

    grey = load_sample_images().images[photo].mean(axis=2) / 255
    turn = 2 * np.pi * np.arange(count) / count
    reach = step * count / (2 * np.pi)
    xs, ys = 250 + reach * np.cos(turn), 150 + min(reach, 120) * np.sin(turn)
    return np.stack([window(grey, y, x) for y, x in zip(ys, xs, strict=True)])


def window(grey, y, x):
    """Return a square of a picture at any place, between pixels by linear interpolation."""
    from scipy.ndimage import map_coordinates

    y = np.clip(y, 0, grey.shape[0] - SIZE - 1)
    x = np.clip(x, 0, grey.shape[1] - SIZE - 1)
    places = np.meshgrid(y + np.arange(SIZE), x + np.arange(SIZE), indexing="ij")
    return map_coordinates(grey, places, order=1).ravel()


def turning(count=FRAMES):
    """Return frames of a bar that turns once."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    frames = []
    for angle in 2 * np.pi * np.arange(count) / count:
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        shape = (np.abs(across) < 0.15) & (along > 0) & (along < 0.8)
        frames.append(shape.astype(float).ravel())
    return np.stack(frames)


def films(files, count=FRAMES):
    """Return films by name."""
    if not files:
        made = {"window, 2 pixels a frame": panned(0, 2.0, count)}
        made["window, 0.5 pixels a frame"] = panned(1, 0.5, count)
        made["turning bar"] = turning(count)
        return made
    from attractory.io import load_sequences

    found = {}
    for file in files:
        loaded = load_sequences([file], size=(SIZE, SIZE), grey=True)
        found[file] = loaded.rows[:count]
    return found


def under_noise(frames, size, rng):
    """Return frames with white noise of so many standard deviations of each."""
    return frames + size * frames.std(axis=1, keepdims=True) * rng.normal(size=frames.shape)


def nearest(rows, cues):
    """Return the stored row that each rival finds."""

    def unit(x):
        x = x - x.mean(axis=1, keepdims=True)
        return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)

    squares = (rows**2).sum(axis=1) - 2 * cues @ rows.T
    return squares.argmin(axis=1), (unit(cues) @ unit(rows).T).argmax(axis=1)


def in_phase(memory, cue, frames, k):
    """Return the largest error of the third round from a cue of frame k, of the film's norm."""
    n = len(frames)
    path = memory.replay(cue, 3 * n)[-n:]
    wanted = frames[(k + np.arange(2 * n + 1, 3 * n + 1)) % n]
    return np.linalg.norm(path - wanted, axis=1).max() / np.linalg.norm(frames, axis=1).max()


def report_film(name, frames, rng):
    begun = time.perf_counter()
    memory = at.SequenceMemory().fit(frames)
    fit = time.perf_counter() - begun
    home = np.arange(0, len(frames), 10)
    cues = under_noise(frames[home], NOISE, rng)
    begun = time.perf_counter()
    errors = np.array([in_phase(memory, c, frames, k) for c, k in zip(cues, home, strict=True)])
    replay = time.perf_counter() - begun
    euclid, pearson = nearest(frames, cues)
    apart = frames - frames.mean(axis=0)
    unit = apart / np.linalg.norm(apart, axis=1, keepdims=True)
    alike = np.median((unit * np.roll(unit, -1, axis=0)).sum(axis=1))
    found = memory.diagnose(noise=[0.5, 1.0, 2.0])
    back = ", ".join(f"{h} of {found.cues}" for h in found.returned[0].tolist())
    print(
        f"{name}: {frames.shape[0]} frames of {frames.shape[1]}, neighbours alike by {alike:.4f}, "
        f"norm {memory.norm_:.4g}, multiplier {found.multiplier[0]:.1e}\n"
        f"  in the cycle and in phase from noise {NOISE:g}: {(errors <= EXACT).sum()} of "
        f"{len(home)} (largest error {errors.max():.1e}); the right frame by Euclid "
        f"{(euclid == home).sum()}, by Pearson {(pearson == home).sum()}; back from 0.5, 1, 2 of "
        f"the distance from the mean: {back}\n"
        f"  fit {fit:.1f} s, {len(home)} replays of {3 * len(frames)} steps {replay:.1f} s",
        flush=True,
    )


def long_film(files):
    frames = np.concatenate(list(films(files, 600 if files else 200).values()))[:600]
    begun = time.perf_counter()
    memory = at.SequenceMemory().fit(frames)
    path = memory.replay(frames[0], 600)
    took = time.perf_counter() - begun
    wanted = frames[np.arange(601) % len(frames)]
    missed = np.linalg.norm(path - wanted, axis=1).max() / np.linalg.norm(frames, axis=1).max()
    print(f"{len(frames)} frames stored and replayed: {took:.1f} s (target 60), error {missed:.1e}")


def two_films(files, rng):
    one, other = list(films(files).values())[:2]
    frames = np.vstack([one, other])
    memory = at.SequenceMemory().fit(frames, lengths=[len(one), len(other)])
    home = np.arange(0, len(frames), 10)
    crossed = wrong = 0
    for cue, k in zip(under_noise(frames[home], NOISE, rng), home, strict=True):
        start, size = (0, len(one)) if k < len(one) else (len(one), len(other))
        last = memory.replay(cue, 2 * size)[-1]
        at_end = int(((frames - last) ** 2).sum(axis=1).argmin())
        crossed += not start <= at_end < start + size
        wrong += at_end != start + (k - start + 2 * size) % size
    print(f"two films: of {len(home)} cues {crossed} crossed over, {wrong} are not in phase")


def repeated(files, rng):
    frames = next(iter(films(files).values()))[:40].copy()
    frames[25] = frames[10]
    memory = at.SequenceMemory(context=2).fit(frames)
    errors = []
    for k in (10, 25):
        cue = under_noise(frames[[k - 1, k]], NOISE, rng)
        path = memory.replay(cue, 40)
        wanted = frames[(k + np.arange(41)) % 40]
        errors.append(np.linalg.norm(path[1:] - wanted[1:], axis=1).max())
    errors = np.array(errors) / np.linalg.norm(frames, axis=1).max()
    print(f"a frame at places 10 and 25, context 2: errors {errors[0]:.1e} and {errors[1]:.1e}")


def sounds(files):
    if not files:
        time_ = np.arange(8192) / 8000
        pitches = np.geomspace(150, 900, 8)
        return [np.sin(2 * np.pi * f * time_ * (1 + 0.4 * time_)) for f in pitches]
    from scipy.io import wavfile

    return [np.asarray(wavfile.read(file)[1], float) / 32768 for file in files]


def spoken(files, length=1024):
    """Return the frames of each sound that are not silent."""
    pieces = [np.reshape(s[: len(s) // length * length], (-1, length)) for s in sounds(files)]
    return [p[np.linalg.norm(p, axis=1) > 1e-3 * np.linalg.norm(p, axis=1).max()] for p in pieces]


def sound(files, rng):
    pieces, length = spoken(files[:8]), 1024
    frames, sizes = np.concatenate(pieces), [len(p) for p in pieces]
    memory = at.SequenceMemory().fit(frames, lengths=sizes, closed=False)
    right, start, errors = 0, 0, []
    for size in sizes:
        cue = under_noise(frames[start : start + 1], NOISE, rng)[0]
        path = memory.replay(cue, size)
        wanted = frames[start : start + size]
        error = (
            np.linalg.norm(path[:size] - wanted, axis=1).max()
            / np.linalg.norm(wanted, axis=1).max()
        )
        errors.append(error)
        right += error <= EXACT
        start += size
    print(
        f"sound: {len(sizes)} pieces, {len(frames)} frames of {length} samples: {right} of "
        f"{len(sizes)} replayed from their first frame under noise {NOISE:g} (largest error "
        f"{max(errors):.1e})"
    )


def known(given, rng):
    """Print the shares of cues that `predict` takes for a frame, for 8, 30 and 200 frames."""
    films_ = films(given.films)
    sets = {
        name: (rows, np.concatenate([other[::3] for o, other in films_.items() if o != name]))
        for name, rows in films_.items()
    }
    speech = np.concatenate(spoken(given.sounds, 512))
    sets["sound"] = speech[: len(speech) // 2], speech[len(speech) // 2 :]
    for dim in (16, 64, 256, 1024):
        points = rng.normal(size=(400, dim))
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        sets[f"sphere, d = {dim}"] = points[:200], points[200:]
    print("| frames | n | right, noise 0.5 | noise 1 | strangers | with noise 0.5 | uniform |")
    print("|---|---|---|---|---|---|---|")
    for name, (rows, others) in sets.items():
        for count in sorted({min(n, len(rows)) for n in (8, 30, 200)}):
            some = rows[:count]
            memory = at.SequenceMemory().fit(some)
            home = np.resize(rng.permutation(count), 60)
            strange = others[rng.permutation(len(others))[:60]]
            uniform = rng.uniform(some.min(), some.max(), (60, some.shape[1]))
            cues = [under_noise(some[home], size, rng) for size in (0.5, 1.0)]
            shares = [(memory.predict(x) == home).mean() for x in cues]
            cues = strange, under_noise(strange, 0.5, rng), uniform
            shares += [(memory.predict(x) >= 0).mean() for x in cues]
            cells = " | ".join(f"{share:.2f}" for share in shares)
            print(f"| {name} | {count} | {cells} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--films", nargs="+", default=[])
    parser.add_argument("--sounds", nargs="+", default=[])
    given = parser.parse_args()
    wanted = given.parts or PARTS
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"PART must be of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(7)
    if "films" in wanted:
        for name, frames in films(given.films).items():
            report_film(name, frames, rng)
    if "long" in wanted:
        long_film(given.films)
    if "two" in wanted:
        two_films(given.films, rng)
    if "repeated" in wanted:
        repeated(given.films, rng)
    if "sound" in wanted:
        sound(given.sounds, rng)
    if "known" in wanted:
        known(given, rng)


if __name__ == "__main__":
    main()
