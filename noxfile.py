"""What a release is held against: `nox` runs it all, `nox -s tests-3.13` a part, `nox -l` lists it.

`.ci/run` is the check of every change; this is the matrix around it.
"""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
# Every library the package calls, in a minute or two: kernels, training, memories, files,
# pictures, tables, sweeps, the command.
QUICK = [
    "tests/kernels/test_matrices.py",
    "tests/maps/test_training.py",
    "tests/memory/test_estimator.py",
    "tests/memory/test_files.py",
    "tests/io",
    "tests/plotting",
    "tests/sweeps/test_run.py",
    "tests/explorer/test_views.py",
    "tests/cli/test_app.py",
    "tests/cli/test_memory.py",
]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests with the newest versions that the bounds allow."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run some tests with the lowest versions that pyproject.toml claims to work with."""
    bounds = f"{session.create_tmp()}/lowest.txt"
    session.install("uv")
    session.run(
        "uv", "pip", "compile", "-q", "pyproject.toml", "--extra", "explore", "--extra", "sweep",
        "--extra", "video", "--resolution", "lowest-direct", "--python-version", PYTHONS[0],
        "-o", bounds,
    )  # fmt: skip
    session.install("-r", bounds, "beartype", "hypothesis", "mpmath", "pytest", "pytest-xdist")
    session.install("--no-deps", ".")
    session.run("python", "-m", "pytest", *(session.posargs or QUICK))


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """Build the files of a release, look into them, and use the wheel as a new user would."""
    session.install("build", "twine")
    session.run("python", "benchmarks/release.py", *session.posargs)
