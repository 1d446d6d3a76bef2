"""The processes of a sweep share what they compile, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time

import pytest
import sweep_cells

from attractory.sweeps import grid, sweep
from attractory.sweeps.compilation_cache import shared_compilation


def test_what_one_process_compiled_another_finds(tmp_path, monkeypatch):
    ours = tmp_path / "compiled"  # a folder that the user chose
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(ours))

    def compiled(seed):
        cells = grid(n=4, dim=6, norm=30.0, activation="erf", seed=[seed])
        sweep("spectrum", cells, out=tmp_path / "out", workers=1)
        # Besides code there are the times of access.
        return {file.name for file in ours.iterdir() if not file.name.endswith("-atime")}

    first = compiled(0)
    assert first
    assert compiled(1) == first


def test_without_a_temporary_folder_each_compiles_for_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    shared_compilation.cache_clear()
    cells = grid(n=4, dim=6, norm=30.0, activation="erf")
    result = sweep("spectrum", cells, out=tmp_path / "out", workers=1)
    shared_compilation.cache_clear()
    assert not result.failed


_SWEEP = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore Ctrl-C
from attractory.sweeps import grid, sweep
cells = grid(k=range(int(sys.argv[2])))
sweep(
    "sweep_cells:compiles", cells, out=sys.argv[1], workers=2,
    progress=lambda *v: print(*v, flush=True),
)
"""


@pytest.mark.parametrize("end", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_death_leaves_anything_in_the_temporary_folder(tmp_path, end):
    """Processes that compute cells, and write compiled code, are at work when the end comes."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    path = os.pathsep.join([os.path.dirname(sweep_cells.__file__), *sys.path])
    driver = subprocess.Popen(
        [sys.executable, "-c", _SWEEP, tmp_path / "out", "10000" if end else "4"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": path},
    )  # fmt: skip
    while driver.stdout.readline().split()[0] != "2":
        pass
    (folder,) = temporary.iterdir()  # there is something to leave
    if end:
        driver.send_signal(end)
    driver.communicate()
    assert driver.returncode in ((-end, 130) if end else (0,))
    if end in (signal.SIGTERM, signal.SIGKILL):
        while folder.exists():  # another process removes it
            time.sleep(0.05)
    assert list(temporary.iterdir()) == []
