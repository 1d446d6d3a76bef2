"""What a visitor takes away: the figure, and a script that makes the same one."""

import base64
import io
import zipfile

import numpy as np
import pytest
from matplotlib.image import imread

from attractory.explorer.export import exported_figure, exported_script
from attractory.explorer.script import script
from attractory.explorer.session import Memories, begin, see
from attractory.explorer.setup import Setup
from attractory.explorer.sources import Patterns, bundled
from attractory.explorer.views import basins, norm_course


def figures(seen, courses, found, folder, monkeypatch):
    """Run the exported script in a folder; return its figure and the one exported."""
    listed = [(course.f0, course.norms.tolist()) for course in courses]
    size = None if found is None else len(found.x)
    name, content = exported_script(seen, listed, size)
    source = base64.b64decode(content)
    if name == "explored.zip":
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            archive.extractall(folder)
        source = (folder / "explored.py").read_bytes()
    monkeypatch.chdir(folder)
    exec(compile(source, "explored.py", "exec"), {})
    name, content = exported_figure("png", seen, courses, found)
    assert name == "explored.png"
    return imread(folder / "explored.png"), imread(io.BytesIO(base64.b64decode(content)))


def test_the_script_of_digits_makes_the_figure(tmp_path, monkeypatch):
    state = begin(bundled(), Setup(n=4, activation="erf", kind="plain", norm=120.0))
    seen = see(state.after({"do": "damage", "how": "noise"}), Memories())
    parts = [norm_course(seen.memory, [120.0])], basins(seen.memory, seen.patterns, size=4)
    ours, theirs = figures(seen, *parts, tmp_path, monkeypatch)
    np.testing.assert_array_equal(ours, theirs)
    assert ours[..., :3].std() > 0.1
    # A cue that was erased in part is written as what was erased.
    erased = see(state.after({"do": "damage", "how": "left"}), Memories())
    source = script(erased, [], None)
    cue = source[source.index("cue =") : source.index("trace =")]
    assert len(cue.splitlines()) < 12
    names = {"np": np, "patterns": state.patterns}
    exec(cue, names)
    np.testing.assert_array_equal(names["cue"], erased.state.cue)


def test_the_script_of_files_brings_its_patterns(tmp_path, monkeypatch):
    # Names are the visitor's, and become part of a program.
    names = ("0: a'b\"c", '1: """\nraise SystemExit', "2: \\", "3: {x} %s", "4: é ☃")
    rows = np.random.default_rng(0).normal(size=(5, 7))
    state = begin(Patterns(rows, names, None), Setup(activation="erf", kind="plain"))
    seen = see(state.after({"do": "paint", "cells": [0, 1, 5], "value": "low"}), Memories())
    ours, theirs = figures(seen, [], None, tmp_path, monkeypatch)
    np.testing.assert_array_equal(ours, theirs)
    name, content = exported_figure("svg", seen, [], None)
    assert name == "explored.svg"
    assert b"<svg" in base64.b64decode(content)
    with pytest.raises(ValueError, match="kind"):
        exported_figure("../../etc/passwd", seen, [], None)
