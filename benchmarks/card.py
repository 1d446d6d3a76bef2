"""What a GPU gains: kernels, 60,000 rows stored and recalled, training, spectra, beside its host.

    python benchmarks/card.py --data FOLDER [--parts ntk store train] [--json FILE] [--keep]

Every part runs in processes of its own, one with JAX on the CPU and one on the GPU; what has a
target says so. Times are medians of warm calls; "cold" is the first call, with compilation. The
rows are those of `large.py`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
DIM, NORM = 784, 150.0
FOLDER: Path


def timed(call, repeats=3):
    """Return the seconds of the first call and the median of the next ones."""
    import jax

    taken = []
    for _ in range(1 + repeats):
        begun = time.perf_counter()
        jax.block_until_ready(call())
        taken.append(time.perf_counter() - begun)
    return {"cold": taken[0], "warm": statistics.median(taken[1:]) if repeats else taken[0]}


def raw():
    """Rates that nothing here exceeds: matrix products, a factorisation, copies to the host."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    n, found = (8192 if jax.default_backend() == "gpu" else 4096), {}
    for kind in ("float32", "float64"):
        a = jnp.asarray(np.random.default_rng(0).normal(size=(n, n)), kind)
        with jax.default_matmul_precision("highest"):
            product = jax.jit(lambda a: a @ a.T)
            found[f"product {kind}"] = timed(lambda f=product, a=a: f(a))
            found[f"product {kind}"]["TFLOP/s"] = 2e-12 * n**3 / found[f"product {kind}"]["warm"]
            k = product(a) + n * jnp.eye(n, dtype=kind)
            root = jax.jit(jnp.linalg.cholesky)
            found[f"Cholesky {kind}"] = timed(lambda f=root, k=k: f(k))
    big = jnp.zeros((10_000, 10_000))
    found["800 MB to the host"] = timed(lambda: np.array(big + 0))
    return found


def ntk():
    """NTK matrices of 10,000 rows: returned to the host, and left on the GPU."""
    import jax

    import attractory
    from attractory._util.gpu import gpu
    from attractory.kernels.on_gpu import ntk_on_gpu

    x, found = attractory.datasets.sphere(10_000, DIM, norm=NORM, seed=1), {}
    for act, depth in (("sigmoid", 2), ("erf", 2), ("tanh", 2), ("sigmoid", 3)):
        name = f"NTK of 10,000 rows, {act}, depth {depth}"
        call = lambda act=act, depth=depth: attractory.ntk(x, activation=act, depth=depth)  # noqa: E731
        found[name + ", returned as NumPy"] = timed(call)
        if gpu() is not None:
            stay = lambda act=act, depth=depth: ntk_on_gpu(x, activation=act, depth=depth)  # noqa: E731
            found[name] = timed(stay, 5)
            few = x[:2000]
            with jax.default_device(jax.devices("cpu")[0]):
                host = attractory.ntk(few, activation=act, depth=depth)
            less = np.asarray(ntk_on_gpu(few, activation=act, depth=depth)) - host
            found[name]["largest difference from the host's"] = float(np.abs(less / host).max())
        else:
            found[name] = found[name + ", returned as NumPy"]
        print(name, found[name], flush=True)
    return found


def _profiled(call):
    import cProfile
    import io
    import pstats

    profile = cProfile.Profile()
    begun = time.perf_counter()
    result = profile.runcall(call)
    taken = time.perf_counter() - begun
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("cumulative").print_stats(45)
    lines = [line[:130] for line in text.getvalue().splitlines() if "site-packages/jax" not in line]
    print("\n".join(lines[6:]), flush=True)
    return result, taken


def store(count=60_000, profile=False):
    """A memory of so many rows: fit, then 1,000 cues with noise of a tenth of their size."""
    from _cues import noisy
    from large import rows_of

    from attractory import AttractorMemory

    rows, found = rows_of(FOLDER, count), {}
    run = _profiled if profile else _plain
    name = f"{count:,} rows"
    memory, taken = run(lambda: AttractorMemory().fit(rows))
    found[f"{name}, fit"] = {"cold": taken, "residual": memory.residual_, "norm": memory.norm_,
                             "store": type(memory.state_.store).__name__}  # fmt: skip
    print(found, flush=True)
    if not profile:
        again, taken = run(lambda: AttractorMemory().fit(rows))
        found[f"{name}, fit"]["warm"] = taken
        memory = again
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(memory), 1000, replace=False)
    wanted = memory.patterns_[chosen]
    cues = noisy(wanted, rows.mean(axis=0), 0.1, rng)
    begun = time.perf_counter()
    result = memory.recall(cues)
    cold = time.perf_counter() - begun
    right = float((result.pattern == chosen).mean())
    print(f"recall cold {cold:.1f} s, {right} right", flush=True)
    warm = []
    for k in range(3):
        cues = cues + 1e-3 * rng.normal(size=cues.shape)
        run = _profiled if profile and k == 0 else _plain
        result, taken = run(lambda c=cues: memory.recall(c))
        warm.append(taken)
    found[f"{name}, recall of 1,000 cues"] = {
        "cold": cold, "warm": statistics.median(warm), "right": right,
        "steps": int(result.steps.max()), "mean steps": float(result.steps.mean()),
    }  # fmt: skip
    return found


def _plain(call):
    begun = time.perf_counter()
    result = call()
    return result, time.perf_counter() - begun


def single(count=60_000):
    """The same solve with the factor in float32, corrected in float64."""
    from large import rows_of

    from attractory.kernels.kernel import Kernel
    from attractory.solvers.on_gpu import solve_on_gpu

    rows = rows_of(FOLDER, count)
    rows = rows - rows.mean(axis=0)
    x = 1200.0 * rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = {}
    for kind in (np.float32, np.float64):
        for key in ("cold", "warm"):
            result, taken = _plain(
                lambda kind=kind: solve_on_gpu(x, x, Kernel.of("sigmoid", 2), 0.0, precision=kind)
            )
            there = found.setdefault(f"solve, {count:,} rows, factor in {kind.__name__}", {})
            there[key] = taken
            if result is not None:
                there |= {"residual": float(result.residual.max()), "steps": result.steps}
            print(there, flush=True)
            del result
    return found


def solve(count=60_000):
    """The parts of storing: tables and one product with K, the factor, a solve."""
    import jax
    import jax.numpy as jnp
    from large import rows_of

    from attractory._util.precision import full_precision
    from attractory.kernels.kernel import Kernel
    from attractory.kernels.on_gpu import prepare, stripe_rows, times
    from attractory.solvers.on_gpu import TiledFactor, solve_on_gpu, tile_size

    rows = rows_of(FOLDER, count)
    rows = rows - rows.mean(axis=0)
    x = 1200.0 * rows / np.linalg.norm(rows, axis=1, keepdims=True)
    kernel, found = Kernel.of("sigmoid", 2), {"tile": {"warm": tile_size(count)}}
    with full_precision():
        columns, taken = _plain(lambda: jax.block_until_ready(prepare(x, kernel)))
        found["tables"] = {"cold": taken}
        v = jnp.asarray(x)
        found["product with K, float64"] = timed(lambda: times(columns, v, stripe_rows(count)), 2)
        print(found, flush=True)
        for key in ("cold", "warm"):
            factor, taken = _plain(lambda: TiledFactor(columns, 0.0))
            found.setdefault("factor", {})[key] = taken
            print(found["factor"], factor.definite, flush=True)
        found["solve"] = timed(lambda: factor.solve(v), 2)
        del factor
    result, taken = _plain(lambda: solve_on_gpu(x, x, kernel, 0.0))
    found["all"] = {"warm": taken, "residual": float(result.residual.max()), "steps": result.steps}
    return found


def train():
    """Networks of width 10,000 to a mean squared error of 1e-7."""
    import attractory

    digits, _ = attractory.datasets.bundled_digits(100)
    found = {}
    for n, norm, width in ((20, 10.0, 10_000), (100, 100.0, 10_000)):
        x = attractory.datasets.rescale(digits[:n], norm)
        start = attractory.Autoencoder(DIM, width=width, key=0)
        seconds, steps = [], 0
        for _ in range(4):
            result = attractory.train(start, x, progress=False)
            seconds.append(result.seconds)
            steps = result.steps
        found[f"training, {n} digits, norm {norm:g}, width {width:,}"] = {
            "cold": seconds[0], "warm": statistics.median(seconds[1:]), "steps": steps,
        }  # fmt: skip
        print(found, flush=True)
    return found


def spectra():
    """Spectral radii and recall curves of kernel maps."""
    import attractory

    found = {}
    x = attractory.datasets.sphere(1000, DIM, norm=NORM, seed=1)
    f, taken = _plain(lambda: attractory.fit_regression(x))
    found["fit_regression, 1,000 rows"] = {"cold": taken} | timed(
        lambda: attractory.fit_regression(x), 2
    )
    found["radius at 20 of 1,000 patterns"] = timed(
        lambda: attractory.spectral_radius(f, x[:20]), 2
    )
    y = attractory.datasets.rescale(attractory.datasets.bundled_digits(100)[0], 100.0)
    g = attractory.fit_regression(y)
    found["recall curve, 100 digits"] = timed(
        lambda: attractory.recall_curve(g, y, sizes=[0.5, 1.0], trials=2), 2
    )
    return found


PARTS = {
    "raw": (raw, ("cpu", "cuda")),
    "ntk": (ntk, ("cpu", "cuda")),
    "solve": (solve, ("cuda",)),
    "store": (store, ("cuda",)),
    "profile": (lambda: store(profile=True), ("cuda",)),
    "single": (single, ("cuda",)),
    "train": (train, ("cpu", "cuda")),
    "spectra": (spectra, ("cpu", "cuda")),
    "host": (lambda: store(10_000), ("cpu", "cuda")),
    "check": (ntk, ("cuda",)),
}


def one(part):
    """Run a part in this process and print what it found as the last line."""
    try:
        found = PARTS[part][0]()
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None
    print("FOUND " + json.dumps(found), flush=True)


def every(parts, data, limit):
    found = {}
    for part in parts:
        for platform in PARTS[part][1]:
            begun = time.perf_counter()
            command = [sys.executable, __file__, "--data", str(data), "--one", part]
            chosen = {"JAX_PLATFORMS": platform} if platform == "cpu" else {}
            environment = {**os.environ, **chosen, "PYTHONUNBUFFERED": "1"}
            lines = []
            with subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True,
            ) as run:  # fmt: skip
                killer = threading.Timer(limit, run.kill)
                killer.start()
                for line in run.stdout:
                    lines.append(line)
                    if not line.startswith("FOUND"):
                        print(f"[{part} {platform}] {line}", end="", flush=True)
                killer.cancel()
            if lines and lines[-1].startswith("FOUND"):
                for name, values in json.loads(lines[-1][6:]).items():
                    found.setdefault(part, {}).setdefault(name, {})[platform] = values
            spent = time.perf_counter() - begun
            print(f"== {part} on {platform}: {spent:.0f} s, status {run.returncode}", flush=True)
            yield found


def table(found):
    lines = ["| | 16 cores, warm | GPU, cold | GPU, warm | ratio | |", "|---|---|---|---|---|---|"]
    for names in found.values():
        for name, by in names.items():
            cpu, card = by.get("cpu", {}), by.get("cuda", {})
            known = cpu.get("warm"), card.get("cold"), card.get("warm")
            shown = ["" if v is None else f"{v:.3g} s" for v in known]
            ratio = f"{known[0] / known[2]:.1f}" if known[0] and known[2] else ""
            rest = {k: v for k, v in card.items() if k not in ("cold", "warm")}
            more = ", ".join(
                f"{k} {v:.2g}" if isinstance(v, float) else f"{k} {v}" for k, v in rest.items()
            )
            lines.append(f"| {name} | {' | '.join(shown)} | {ratio} | {more} |")
    return "\n".join(lines)


def main():
    global FOLDER
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=["raw", "ntk", "store", "train", "spectra"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, default=300, help="seconds a part may take")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", action="store_true", help="write results/card.md")
    given = parser.parse_args()
    FOLDER = given.data
    if given.one:
        one(given.one)
        return
    asked = "import jax; print(jax.devices()[0].device_kind, len(jax.devices()))"
    card = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True).stdout
    found = {}
    for found in every(given.parts, given.data, given.limit):
        if given.json:
            given.json.write_text(json.dumps({"card": card.strip(), "found": found}, indent=1))
    text = f"{card.strip()}\n\n{table(found)}"
    print(text)
    if given.keep:
        from _results import keep

        keep("card", text)


if __name__ == "__main__":
    main()
