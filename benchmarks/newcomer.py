"""A newcomer's clock: the commands he types, from a bare machine to the first picture of his own.

python benchmarks/newcomer.py [--wheel FILE]

From a clone of this repository, or from a wheel: an environment, the installation, a memory of
twelve photographs of several sizes, and what it makes of speckled ones. Prints the seconds of each
command, by the clock and of the processor. pip takes from its cache what it has there. The aims on
two quiet cores: 5 minutes from a clone, 2 from a wheel.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Pieces of the two photographs that scikit-learn comes with, of twelve sizes.
PHOTOGRAPHS = """
from pathlib import Path
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image
noise = np.random.default_rng(0)
for name in ("photos", "damaged"):
    Path(name).mkdir()
for k in range(12):
    image = load_sample_image("china.jpg" if k % 2 else "flower.jpg")
    i, j, size = 20 * k, 35 * k, 100 + 10 * k
    piece = Image.fromarray(image[i : i + size, j : j + size + 20])
    piece.save(f"photos/{k}.jpg")
    pixels = np.asarray(piece.resize((64, 64))).copy()
    lost = noise.random((64, 64)) < 0.4
    pixels[lost] = noise.integers(0, 256, (lost.sum(), 3))
    Image.fromarray(pixels).save(f"damaged/{k}.png")
"""


def typed(command, folder):
    """Run a command as a shell does; return the seconds by the clock and of the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=variables, capture_output=True, text=True
    )
    took = time.perf_counter() - begun
    if ran.returncode:
        raise SystemExit(f"{command}\nended with status {ran.returncode}\n{ran.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime - used.ru_utime + after.ru_stime - used.ru_stime
    print(f"{took:7.1f} s  {busy:6.1f} s  {command}", flush=True)
    for line in ran.stdout.splitlines()[-2:]:
        print(f"{'':19}{line}")
    return took, busy


def main():
    """Type the commands one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="start from this wheel, not from a clone")
    wheel = parser.parse_args().wheel
    begin = [f"git clone -q {ROOT} attractory"] if wheel is None else []
    install = "./attractory" if wheel is None else str(wheel.resolve())
    activate = ". env/bin/activate && "
    print("  clock  processor  typed")
    with tempfile.TemporaryDirectory() as folder:
        taken = [
            typed(command, folder)
            for command in (
                *begin,
                "python3 -m venv env",
                f"{activate}pip install -q {install}",
            )
        ]
        subprocess.run([f"{folder}/env/bin/python", "-c", PHOTOGRAPHS], cwd=folder, check=True)
        taken += [
            typed(activate + command, folder)
            for command in (
                "attractory store photos --out photos.mem --size 64x64",
                "attractory recall photos.mem damaged --out restored",
            )
        ]
        pictures = sorted(Path(folder, "restored").rglob("*.png"))
        clock, busy = map(sum, zip(*taken, strict=True))
        print(f"{clock:7.1f} s  {busy:6.1f} s  to {len(pictures)} pictures")
    return 0 if pictures else 1


if __name__ == "__main__":
    sys.exit(main())
