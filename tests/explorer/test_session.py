"""Messages of a page: what they change, and that those of no use change nothing."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from attractory.explorer.session import Memories, begin, see
from attractory.explorer.setup import Setup
from attractory.explorer.sources import Limits, bundled, read, uploaded
from attractory.explorer.texts import recall_text, spectrum_text

BEGIN = begin(bundled(), Setup(n=8, activation="erf"))


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def after(*messages):
    state = BEGIN
    for message in messages:
        state = state.after(message)
    return state


def test_messages_change_what_they_name():
    state = after({"do": "choose", "pattern": 5}, {"do": "damage", "how": "bottom"})
    assert state.chosen == 5
    assert state.cue[392:].max() == 0
    state = state.after({"do": "paint", "cells": [0, 1], "value": "high"})
    assert state.cue[:2].tolist() == [1, 1]
    assert state.after({"do": "reset"}).cue.tolist() == BEGIN.patterns.rows[5].tolist()
    assert state.after({"do": "clear"}).cue.max() == 0
    assert after({"do": "set", "norm": 50.0, "depth": 3}).setup == Setup(8, 50.0, 3, "erf")
    # Fewer patterns than the one chosen: the last that is stored takes its place.
    assert state.after({"do": "set", "n": 3}).chosen == 2
    assert after({"do": "planes", "patterns": [3, -1, 1]}).planes == (3, -1, 1)
    assert BEGIN.cue.tolist() == BEGIN.patterns.rows[0].tolist()  # a state is a value


@pytest.mark.parametrize(
    "message",
    [
        {}, {"do": "exec", "code": "1"}, {"do": "set", "n": 1000}, {"do": "set", "n": None},
        {"do": "choose", "pattern": 8}, {"do": "choose", "pattern": -1}, {"do": "choose"},
        {"do": "paint", "cells": [784], "value": "high"},
        {"do": "paint", "cells": ["x"], "value": "low"},
        {"do": "paint", "cells": [0], "value": "7"}, {"do": "paint", "cells": None, "value": "low"},
        {"do": "damage", "how": "noise", "amount": 1e300},
        {"do": "damage", "how": "noise", "amount": "x"},
        {"do": "planes", "patterns": [1, 1, 2]}, {"do": "planes", "patterns": [1]},
        {"do": "upload", "files": {"a.png": "no base 64!"}}, {"do": "upload", "files": 3},
        {"do": "upload", "files": {}}, {"do": ["set"]},
    ],
)  # fmt: skip
def test_messages_of_no_use_are_refused(message):
    with pytest.raises((ValueError, TypeError)):
        BEGIN.after(message)


def test_a_state_is_recalled_with_what_it_says():
    memories = Memories()
    seen = see(after({"do": "damage", "how": "bottom"}), memories)
    assert seen.ended == 0
    assert len(set(seen.patterns)) == 3
    assert seen.patterns[0] == 0
    assert "Recalled as 0: a 7" in recall_text(seen)
    assert "an attractor" in spectrum_text(seen)
    again = see(after({"do": "choose", "pattern": 2}), memories)
    assert again.memory is seen.memory  # fitted once
    assert again.ended == 2
    chosen = see(after({"do": "planes", "patterns": [-1, 6, 0]}), memories)
    assert chosen.patterns[1:] == (6, 0)
    assert chosen.patterns[0] not in (6, 0)


def test_uploads_are_read_within_limits():
    rng = np.random.default_rng(0)
    small = {f"{k}.png": png(rng.integers(0, 255, (6, 5), np.uint8)) for k in range(3)}
    patterns = uploaded(small)
    assert patterns.rows.shape == (3, 30)
    assert patterns.shape == (6, 5)
    assert patterns.names[1] == "1: 1.png"
    # Photographs of several sizes, one of them grey.
    colour = png(rng.integers(0, 255, (200, 100, 3), np.uint8))
    grey = png(rng.integers(0, 255, (90, 120), np.uint8))
    patterns = uploaded({"../../a/photo.png": colour, "grey.png": grey})
    assert patterns.shape == (64, 32)
    assert "scaled to 64 × 32" in " ".join(patterns.notes)
    assert "made grey" in " ".join(patterns.notes)
    table = uploaded({"t.csv": b"a,b,c\n1,2,3\n4,5,6\n1,2,3\n"})
    assert table.rows.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert table.shape is None
    buffer = io.BytesIO()
    np.save(buffer, rng.random((4, 3, 3)))
    assert uploaded({"x.npy": buffer.getvalue()}).grid == (3, 3, 1)
    # What is broken is left out and named, as long as something is left.
    some = uploaded({**small, "broken.png": b"\x89PNG\r\n\x1a\nnothing"})
    assert len(some.rows) == 3
    assert "broken.png" in some.notes[-1]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"words.csv": b"name,age\nAnn,old\nBob,young\n"}, "words.csv"),
        ({"broken.png": b"\x89PNG\r\n\x1a\nnothing"}, "broken.png"),
        ({"a.exe": b"MZ\x00\x00"}, "a.exe"),
        ({"empty.png": b""}, "empty.png"),
        ({"one.csv": b"1,2,3\n"}, "two different rows"),
        ({"same.csv": b"1,2\n1,2\n"}, "two different rows"),
        ({"x.npz": b"PK\x03\x04rest"}, "packed"),
        ({"x.npy": b"PK\x03\x04rest"}, "packed"),
        ({"x.csv": b"\x1f\x8b\x08rest"}, "x.csv"),
        ({"big.csv": b"1," * 700}, "MiB"),
        ({"a.csv": b"1,2\n" * 200, "b.csv": b"1,2\n" * 200}, "together"),
        ({"wide.csv": b"1,2,3,4,5,6,7,8,9\n9,8,7,6,5,4,3,2,1\n"}, "at most 8 numbers"),
        ({f"{k}.csv": b"1,2\n" for k in range(6)}, "at most 5 at once"),
        ({"pickle.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, "
          b"'shape': (2, 2), }" + b" " * 54 + b"\n" + b"cos\nsystem\n(S'x'\ntR."}, "pickle.npy"),
    ],
)  # fmt: skip
def test_wrong_uploads_are_explained(files, said):
    limits = Limits(files=5, file_bytes=1200, total_bytes=1500, patterns=10, numbers=8)
    with pytest.raises(ValueError, match=said):
        uploaded(files, limits)
    message = {name: base64.b64encode(content).decode() for name, content in files.items()}
    if said not in ("MiB", "together", "at most 8 numbers", "at most 5 at once"):
        with pytest.raises(ValueError, match=said):
            BEGIN.after({"do": "upload", "files": message})


def test_folders_and_many_rows(tmp_path):
    np.save(tmp_path / "many.npy", np.random.default_rng(0).random((30, 4)))
    (tmp_path / "notes.md").write_text("no patterns")
    patterns = read([tmp_path], Limits(patterns=10))
    assert len(patterns.rows) == 10
    assert "the first 10 of 30 rows" in patterns.notes[0]
    state = begin(patterns, Setup(n=20))
    assert state.setup.n == 10  # no more than there are
