"""The files of a release: build them, look into them, and use the wheel as a new user would.

python benchmarks/release.py [--keep FOLDER]

Needs `build` and `twine` (the extra `release`). Prints size and files of the wheel, the time of
`import attractory` and of `attractory --help`, and what the README's example prints; ends with
status 1 if something is missing, or is there that should not be.
"""

import argparse
import email
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "attractory"
# What the package reads at run time beside its own code.
DATA = (
    "py.typed", "_digits/digits.npz", "bench/report.html", "paper/report.html",
    "plotting/report.css",
    "explorer/page/explorer.html", "explorer/page/explorer.css", "explorer/page/explorer.js",
)  # fmt: skip


def build(folder):
    """Return the sdist and the wheel that is built from it."""
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, folder.iterdir())],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def faults(sdist, wheel):
    """Return what is wrong with the contents: one line each."""
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name.removeprefix("attractory/") for name in names if name.startswith("attractory/")}
    have = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    lines = [f"the wheel lacks {name}" for name in sorted(have - inside)]
    lines += [f"the wheel holds {name}, which is no source" for name in sorted(inside - have)]
    lines += [f"the wheel lacks {name}" for name in DATA if name not in inside]
    lines += [
        f"the wheel holds {name}"
        for name in sorted(names)
        if not re.match(r"attractory(-[\d.]+\.dist-info)?/", name)
    ]
    with tarfile.open(sdist) as archive:
        packed = {"/".join(name.split("/")[1:]) for name in archive.getnames()}
    wanted = {f"src/attractory/{name}" for name in have} | {
        "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"
    }  # fmt: skip
    lines += [f"the sdist lacks {name}" for name in sorted(wanted - packed)]
    lines += [
        f"the sdist holds {name}"
        for name in sorted(packed - wanted - {"", "PKG-INFO", ".gitignore"})
        if not name.startswith("src")
    ]
    return lines


def metadata(wheel):
    """Return the wheel's metadata."""
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(archive.read(name))


def installed(wheel, folder):
    """Install a wheel into a new environment; return its Python and the seconds it took."""
    begun = time.perf_counter()
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True)
    return python, time.perf_counter() - begun


def seconds(command, cwd, repeats=5):
    """Return the median time of a command."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def main():
    """Build, check, install, use, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="an empty folder for the sdist and the wheel")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = keep or folder / "dist"
        place.mkdir(exist_ok=True)
        sdist, wheel = build(place)
        for path in (sdist, wheel):
            print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")
        about = metadata(wheel)
        count = len(zipfile.ZipFile(wheel).namelist())
        print(f"{count} files; needs {len(about.get_all('Requires-Dist', []))} distributions or")
        print(f"extras; licence {about['License-Expression']}, Python {about['Requires-Python']}")
        wrong = faults(sdist, wheel)
        python, took = installed(wheel, folder / "env")
        print(f"a new environment with it (Python {sys.version.split()[0]}): {took:.0f} s")
        command = [str(python), "-c", "import attractory; print(attractory.__version__)"]
        found = subprocess.run(command, check=True, cwd=name, capture_output=True, text=True)
        if found.stdout.strip() != about["Version"]:
            wrong.append(f"__version__ is {found.stdout.strip()}, the wheel's {about['Version']}")
        print(f"import attractory: {seconds(command, name):.2f} s")
        print(f"attractory --help: {seconds([python, '-m', 'attractory', '-h'], name):.2f} s")
        (example,) = re.findall(
            r"(?ms)^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8")
        )
        begun = time.perf_counter()
        said = subprocess.run(
            [python, "-c", example], cwd=name, check=True, capture_output=True, text=True
        ).stdout.strip()
        print(f"the README's example, {time.perf_counter() - begun:.1f} s: {said}")
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
