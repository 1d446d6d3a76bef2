"""Do the tests notice faults? Mutants of the modules whose numbers are claims, and those that live.

python benchmarks/mutants.py                       # made by hand, then 30 by Cosmic Ray a module
python benchmarks/mutants.py census norms          # some modules
python benchmarks/mutants.py --hand                # only those made by hand
python benchmarks/mutants.py --sample 60 --seed 1 --show

Each mutant is one change in a copy of the package; the module's own tests run against the copy, in
a process forked from one that has imported the libraries. Killed is a mutant with which a test
fails, or which takes five times as long. A place is drawn first, then one of the mutations possible
there (`peers/cosmic_ray_worker.py` says what is left out). Equivalent mutants, listed with the
reason in `mutants_by_hand.py`, count neither way. Prints the score with its exact 95 % interval.
"""

import argparse
import difflib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.mutants_by_hand import BY_HAND, EQUIVALENT, MODULES  # noqa: E402

FIRST = 60.0  # seconds for the tests without a change, before the limit is known
LEAST = 30.0  # seconds, the least limit


def enter_fork_server():
    """Import what every test needs; what is not imported yet each fork imports anew."""
    os.environ |= {
        "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(Path(tempfile.gettempdir()) / "attractory-mutants-jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false "
        "--xla_cpu_parallel_codegen_split_count=1",
    }  # fmt: skip
    import beartype  # noqa: F401
    import equinox  # noqa: F401
    import hypothesis  # noqa: F401
    import jax  # noqa: F401
    import jaxtyping  # noqa: F401
    import optax  # noqa: F401
    import pytest  # noqa: F401
    import rich.progress  # noqa: F401
    import safetensors  # noqa: F401
    import scipy.optimize
    import scipy.stats  # noqa: F401
    import sklearn.utils.estimator_checks  # noqa: F401


class Slot:
    """A copy of the package, in which one file at a time is changed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.source = self.folder / "src"
        shutil.copytree(ROOT / "src", self.source, ignore=shutil.ignore_patterns("__pycache__"))
        self.stamp = 1_000_000_000

    def start(self, module, code, tests):
        """Run the tests against the changed copy; return the process, its log, the original."""
        file = self.source / "attractory" / module
        original = file.read_text()
        file.write_text(code)
        self.stamp += 10  # Python tells compiled files by time and size: never the same twice
        os.utime(file, (self.stamp, self.stamp))
        log = self.folder / "log"
        child = os.fork()
        if not child:
            os.setsid()
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            status = 99
            try:
                status = self._tests(tests)
            except BaseException as error:
                print(repr(error), flush=True)
            finally:
                os._exit(status)
        return child, log, (file, original)

    def _tests(self, tests):
        import pytest

        os.chdir(self.folder)
        sys.path.insert(0, str(self.source))
        given = ["-q", "-x", "-n0", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly"]
        given += [f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")]
        given += [f"--basetemp={self.folder / 'tmp'}"]
        status = pytest.main([*given, *(str(ROOT / "tests" / t) for t in tests)])
        import attractory

        assert Path(attractory.__file__).is_relative_to(self.source)
        return int(status)

    def restore(self, change):
        file, original = change
        file.write_text(original)
        self.stamp += 10
        os.utime(file, (self.stamp, self.stamp))


class Run:
    """Mutants of a module, tried in the slots as these become free."""

    def __init__(self):
        self.slots, self.running = [], {}

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *error):
        for child in self.running:  # in sessions of their own, they would stay
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def outcomes(self, jobs, limit, told):
        """Yield (mutant, "killed", "survived" or "slow", log's end) of (mutant, code, …) jobs."""
        self.running = {}
        waiting, running, free = list(jobs)[::-1], self.running, list(self.slots)
        while waiting or running:
            while waiting and free:
                slot, job = free.pop(), waiting.pop()
                child, log, change = slot.start(job["module"], job["code"], job["tests"])
                running[child] = slot, job, log, change, time.monotonic()
            time.sleep(0.05)
            for child in list(running):
                slot, job, log, change, begun = running[child]
                late = time.monotonic() - begun > limit(job)
                if late:
                    os.killpg(child, signal.SIGKILL)
                done, status = os.waitpid(child, 0 if late else os.WNOHANG)
                if not done:
                    continue
                del running[child]
                slot.restore(change)
                free.append(slot)
                code = os.waitstatus_to_exitcode(status)
                verdict = "slow" if late else "survived" if code == 0 else "killed"
                told(job, verdict, time.monotonic() - begun)
                yield job, verdict, code, log.read_text(errors="replace")[-3000:]


def changed(module, code):
    """Return a mutant as the lines it takes away and puts in."""
    before = (ROOT / "src/attractory" / module).read_text().splitlines()
    lines = difflib.unified_diff(before, code.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:3] not in ("---", "+++")]


def by_hand(names):
    jobs = []
    for name, module, old, new, what in BY_HAND:
        if name not in names:
            continue
        source = (ROOT / "src/attractory" / module).read_text()
        if source.count(old) != 1:
            sys.exit(f"{module} has {source.count(old)} times, not once: {old}")
        jobs.append({
            "name": name, "module": module, "code": source.replace(old, new), "what": what,
            "tests": MODULES[name][1],
        })  # fmt: skip
    return jobs


def sampled(names, count, seed):
    setup = ROOT / "benchmarks/peers/cosmic_ray.sh"
    if subprocess.run([setup]).returncode:
        sys.exit("the environment of Cosmic Ray could not be set up (see above)")
    python = ROOT / "benchmarks/.envs/cosmic-ray/bin/python"
    requests = [
        {"path": str(ROOT / "src/attractory" / module), "count": count, "seed": seed}
        for name in names for module in MODULES[name][0]
    ]  # fmt: skip
    answer = subprocess.run(
        [python, ROOT / "benchmarks/peers/cosmic_ray_worker.py"], text=True, check=True,
        input="".join(json.dumps(r) + "\n" for r in requests), stdout=subprocess.PIPE,
    ).stdout.splitlines()  # fmt: skip
    answers = iter(json.loads(line) for line in answer)
    jobs = []
    for name in names:
        found, places = [], 0
        for module in MODULES[name][0]:
            got = next(answers)
            places += got["places"]
            found += [
                {"name": name, "module": module, "what": m["name"], "code": m["code"],
                 "tests": MODULES[name][1]}
                for m in got["mutants"]
            ]  # fmt: skip
        found = random.Random(seed).sample(found, min(count, len(found)))
        jobs += sorted(found, key=lambda job: (job["module"], job["what"]))
    return jobs


def equivalent(job):
    """Return the reason why a mutant cannot be told from the original, if it is known."""
    lines = [line[1:].strip() for line in changed(job["module"], job["code"]) if line[:1] == "+"]
    text = " ".join(lines)
    for module, part, reason in EQUIVALENT:
        if module == job["module"] and part in text:
            return reason
    return None


def interval(k, n):
    from scipy.stats import beta

    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    return low, beta.ppf(0.975, k + 1, n - k) if k < n else 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help=", ".join(MODULES))
    parser.add_argument("--hand", action="store_true", help="only mutants made by hand")
    parser.add_argument("--tool", action="store_true", help="only those of Cosmic Ray")
    parser.add_argument("--sample", type=int, default=30, help="mutants a module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--show", action="store_true", help="tell each mutant as it ends")
    parser.add_argument("--match", default="", help="only those whose description has this (regex)")
    parser.add_argument("--first", action="store_true", help="only the first file of tests")
    given = parser.parse_args()
    names = given.modules or list(MODULES)
    if given.first:
        MODULES.update({name: (files, tests[:1]) for name, (files, tests) in MODULES.items()})
    jobs = [] if given.tool else by_hand(names)
    jobs += [] if given.hand else sampled(names, given.sample, given.seed)
    jobs = [job for job in jobs if re.search(given.match, job["what"])]
    reasons = [equivalent(job) for job in jobs]
    jobs = [job for job, reason in zip(jobs, reasons, strict=True) if reason is None]
    enter_fork_server()
    with tempfile.TemporaryDirectory() as folder, Run() as run:
        run.slots += [Slot(f"{folder}/{k}") for k in range(given.jobs)]
        plain = {}

        def whole(job, verdict, seconds):
            plain[job["name"]] = max(plain.get(job["name"], 0.0), seconds)

        of_tests = {tuple(MODULES[n][1]): n for n in names}
        same = [
            {"name": n, "module": MODULES[n][0][0], "tests": MODULES[n][1],
             "code": (ROOT / "src/attractory" / MODULES[n][0][0]).read_text()}
            for n in of_tests.values()
        ]  # fmt: skip
        for job, verdict, _, log in run.outcomes(same, lambda job: 10 * FIRST, whole):
            if verdict != "survived":
                sys.exit(f"tests of {job['name']} fail as it is:\n{log}")
        plain = {n: plain[of_tests[tuple(MODULES[n][1])]] for n in names}
        print(", ".join(f"{n} {plain[n]:.0f} s" for n in names), flush=True)

        def told(job, verdict, seconds):
            if given.show:
                print(f"{verdict} {seconds:.1f} s  {job['name']}: {job['what']}", flush=True)

        results = {name: [] for name in names}
        for job, verdict, _, log in run.outcomes(
            jobs, lambda job: max(LEAST, 5 * plain[job["name"]]), told
        ):
            results[job["name"]].append((job, verdict, log))
            if verdict == "survived":
                text = "\n".join(f"    {line}" for line in changed(job["module"], job["code"]))
                print(f"SURVIVED {job['name']}: {job['what']}\n{text}", flush=True)
    killed = tried = 0
    left_out = sum(reason is not None for reason in reasons)
    print(f"\n| module | mutants | killed | score | 95 % interval |\n|---|{'---:|' * 4}")
    rows = [(name, found) for name, found in results.items() if found]
    for name, found in rows:
        k, n = sum(v != "survived" for _, v, _ in found), len(found)
        killed, tried = killed + k, tried + n
        low, high = interval(k, n)
        print(f"| {name} | {n} | {k} | {k / n:.0%} | {low:.0%} … {high:.0%} |")
    if tried:
        low, high = interval(killed, tried)
        print(f"| all | {tried} | {killed} | {killed / tried:.1%} | {low:.0%} … {high:.0%} |")
    print(f"\n{left_out} equivalent mutants left out")


if __name__ == "__main__":
    main()
