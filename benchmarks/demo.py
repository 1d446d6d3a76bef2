"""The demo's own targets: at n = 20, norm 100, noise 1 all recalled, every radius below 1, 20 s.

python benchmarks/demo.py
"""

import json
import subprocess
import sys
import tempfile
import time


def main(repeats=3):
    command = [sys.executable, "-m", "attractory.cli.app", "demo", "--json", "--out"]
    for k in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            out = subprocess.run([*command, folder], capture_output=True, text=True, check=True)
            taken = time.perf_counter() - start
        report = json.loads(out.stdout)
        radius = max(row["spectral_radius"] for row in report["patterns"])
        print(f"run {k}: {taken:.1f} s, recalled {report['recalled']}, largest radius {radius:.4f}")
    start = time.perf_counter()
    subprocess.run([*command[:3], "--help"], capture_output=True, check=True)
    print(f"help: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
