"""The benchmark suite as one command.

python -m benchmarks                   # everything, beside floors and peers; writes docs/
python -m benchmarks store recall      # some groups
python -m benchmarks --quick           # small sizes, no peers, nothing written
python -m benchmarks --gpu             # CPU and GPU side by side, if JAX has one
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks._results import machine
from benchmarks.suite import report
from benchmarks.suite.cases import CASES, Peers
from benchmarks.suite.growth import exponent
from benchmarks.suite.peak import peak_of_store
from benchmarks.suite.timing import interleaved

GROUPS = tuple(dict.fromkeys(case.group for case in CASES))
RESULTS = Path(__file__).parent / "results" / "suite.json"


def measure(cases, quick, peers, alone=False):
    rows, growth = [], []
    for case in cases:
        sizes = case.quick if quick else case.sizes
        ours = []
        for size in sizes:
            calls = case.make(size, peers)
            calls = {"ours": calls["ours"]} if alone else calls
            times = interleaved(calls, *((2, 0.5) if quick else (3, 1.0) if alone else ()))
            warm = {name: value["warm"] for name, value in times.items()}
            ours.append(warm["ours"])
            ratios = {k: warm["ours"] / v for k, v in warm.items() if k != "ours"}
            aimed = not quick and (not case.at or size in case.at)
            rows.append({
                "group": case.group, "name": case.name, "along": case.along, "size": size,
                "times": times, "ratios": ratios, "targets": dict(case.targets) if aimed else {},
                "largest": size == sizes[-1],
            })  # fmt: skip
            told = ", ".join(f"{ratio:.2f} × {name}" for name, ratio in ratios.items())
            missed = report.failing(rows[-1])
            print(
                f"{case.group}: {case.name}, {case.along} = {size:,}: {warm['ours']:.4g} s"
                f"{', ' + told if told else ''}{' — MISSED' if missed else ''}", flush=True,
            )  # fmt: skip
        if case.most is not None and len(sizes) >= 3:
            slope, *interval = exponent(sizes, ours)
            growth.append({
                "name": case.name, "along": case.along, "exponent": slope, "interval": interval,
                "most": case.most, "sizes": list(sizes), "times": ours,
            })  # fmt: skip
            print(f"  grows as {case.along}^{slope:.2f}; the mathematics: {case.most:g}")
    return {"rows": rows, "growth": growth, "peak": [], "machine": machine()}


def side_by_side(groups, quick):
    """Run the suite on CPU and GPU in processes of their own, and print both."""
    # Asked in a process of its own: one that has seen the GPU holds most of its memory.
    asked = "import jax; print([device.device_kind for device in jax.devices('gpu')][0])"
    card = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    if card.returncode != 0:
        print("JAX has no GPU here, so there is nothing to set beside the CPU.")
        return
    found = {}
    for platform in ("cpu", "cuda"):
        print(f"{platform}:", file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks", *groups, "--alone", "--json", "-"]
        command += ["--quick"] if quick else []
        environment = {**os.environ, "JAX_PLATFORMS": platform, "PYTHONUNBUFFERED": "1"}
        line = ""
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as run:
            for line in run.stdout:
                if not line.startswith("{"):
                    print(line, end="", file=sys.stderr)
        if run.returncode != 0:
            raise SystemExit(f"the suite failed with JAX_PLATFORMS={platform}")
        found[platform] = json.loads(line)["rows"]
    print(f"CPU: {machine()}\nGPU: {card.stdout.strip()}")
    print("| what | size | CPU | GPU | ratio |\n|---|---|---|---|---|")
    for cpu, gpu in zip(found["cpu"], found["cuda"], strict=True):
        a, b = cpu["times"]["ours"]["warm"], gpu["times"]["ours"]["warm"]
        print(f"| {cpu['name']} | {cpu['size']:,} | {a:.4g} s | {b:.4g} s | {a / b:.1f} |")


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="small sizes, no peers")
    parser.add_argument("--no-peers", action="store_true", help="ours and floors alone")
    parser.add_argument("--alone", action="store_true", help="ours alone, few rounds")
    parser.add_argument("--gpu", action="store_true", help="CPU and GPU side by side")
    parser.add_argument("--json", metavar="FILE", help="write the results there; - prints them")
    given = parser.parse_args()
    unknown = [group for group in given.groups if group not in GROUPS]
    if unknown:
        parser.error(f"there is no group {unknown[0]!r}; there are {', '.join(GROUPS)}")
    if given.gpu:
        side_by_side(given.groups, given.quick)
        return
    cases = [case for case in CASES if not given.groups or case.group in given.groups]
    peers = None if given.quick or given.no_peers or given.alone else Peers()
    try:
        results = measure(cases, given.quick, peers, given.alone)
    finally:
        if peers is not None:
            peers.close()
    if not (given.quick or given.alone) and (not given.groups or "store" in given.groups):
        results["peak"] = [[10_000, peak_of_store(10_000)]]
        print(f"storing 10,000 patterns: {results['peak'][0][1] / 8e8:.2f} times the matrix")
    if given.json == "-":
        print(json.dumps(results))
    elif given.json:
        Path(given.json).write_text(json.dumps(results, indent=1))
    if not (given.groups or given.quick or given.no_peers or given.alone):
        RESULTS.write_text(json.dumps(results, indent=1))
        (report.DOCS / "benchmarks.md").write_text(report.page(results), encoding="utf-8")
        report.picture(results)
        print("kept in benchmarks/results/suite.json and docs/reference/benchmarks.md and .png")


if __name__ == "__main__":
    main()
