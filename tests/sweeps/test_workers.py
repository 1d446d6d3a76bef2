"""The processes of a sweep share what they compile, for as long as the sweeping process lives."""

import os
import subprocess
import sys

from attractory.sweeps.run import grid, sweep
from attractory.sweeps.workers import _compiled_once

_FOLDER = """
import os
from attractory.sweeps.workers import _compiled_once
folder = _compiled_once()["JAX_COMPILATION_CACHE_DIR"]
assert os.path.isdir(folder)
print(folder)
"""


def test_what_one_process_compiled_another_finds(tmp_path, monkeypatch):
    ours = tmp_path / "compiled"  # a folder that the user chose
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(ours))

    def compiled(seed):
        sweep("spectrum", grid(n=4, dim=6, norm=30.0, seed=[seed]), out=tmp_path / "out", workers=1)
        # Besides code there are the times of access.
        return {file.name for file in ours.iterdir() if not file.name.endswith("-atime")}

    first = compiled(0)
    assert first
    assert compiled(1) == first


def test_without_a_temporary_folder_each_compiles_for_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    _compiled_once.cache_clear()
    result = sweep("spectrum", grid(n=4, dim=6, norm=30.0), out=tmp_path / "out", workers=1)
    _compiled_once.cache_clear()
    assert not result.failed


def test_nothing_is_left_of_it():
    out = subprocess.run(
        [sys.executable, "-c", _FOLDER], capture_output=True, text=True, check=True
    )
    assert not os.path.exists(out.stdout.strip())
