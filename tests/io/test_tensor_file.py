"""Stored files: what was written comes back bit for bit, or the damage is named."""

import hashlib
import json
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import attractory.io.tensor_file
from attractory.io.tensor_file import (
    _DEPTH_LIMIT,
    _HEADER_LIMIT,
    StorageError,
    read_file,
    write_file,
)

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from storage import KILLED, exact, mutate, whole

HEADER = {"name": "größe\n", "norm": 0.1, "depth": 3, "none": None, "list": [True, [-0.0, 1e308]]}
ARRAYS = {
    "double": np.array([[0.0, -0.0, 5e-324], [np.pi, -1e308, 1.0]]),
    "single": np.array([1e-45, -3.4e38], np.float32),
    "long": np.array([-(2**63), 2**63 - 1]),
    "byte": np.arange(256, dtype=np.uint8).reshape(2, 2, 64),
    "flag": np.array([True, False, True]),
    "scalar": np.array(2.5),
    "point": np.array(False),
    "empty": np.empty((0, 3)),
    "void": np.empty((2, 0, 5), np.int64),
    "": np.arange(3),
    "größe \0\n": np.arange(2.0),
}


def no_temporaries(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")] == []


def craft(header='{"a":1}', tensors=(), data=b"", *, digest=None, document=None, outer=None):
    """A file made from the description of the format alone, with a digest that fits."""
    if digest is None:
        listed = ",".join(
            f"[{json.dumps(name, ensure_ascii=False)},{json.dumps(code)},"
            f"[{','.join(map(str, shape))}]]"
            for name, code, shape, *_ in tensors
        )
        text = f'["attractory-memory",1,{header},[{listed}]]'
        digest = hashlib.sha256(text.encode() + data).hexdigest()
    if document is None:
        document = (
            f'{{"format":"attractory-memory","version":1,"header":{header},"sha256":"{digest}"}}'
        )
    if outer is None:
        entries = [f'"__metadata__":{json.dumps({"attractory": document})}']
        entries += [
            f"{json.dumps(name)}:" + json.dumps({"dtype": d, "shape": s, "data_offsets": o})
            for name, d, s, o in tensors
        ]
        outer = "{" + ",".join(entries) + "}"
    text = outer if isinstance(outer, bytes) else outer.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + data


def put(path, content):
    # ext4 waits for the disk when a file is overwritten, and not when it is new.
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def refusal(path, content):
    """The reason for which a file is refused: one line that starts with its path."""
    put(path, content)
    with pytest.raises(StorageError) as caught:
        read_file(path)
    message = str(caught.value)
    assert message.startswith(f"{path} cannot be read: ")
    assert len(message.splitlines()) == 1
    return message


def test_round_trip_is_bit_for_bit(tmp_path):
    path = tmp_path / "memory"
    write_file(path, HEADER, ARRAYS)
    header, arrays = read_file(path)
    assert exact(header, arrays) == exact(HEADER, ARRAYS)
    assert all(a.flags.writeable and a.dtype.isnative for a in arrays.values())
    assert os.listdir(tmp_path) == ["memory"]
    write_file(path, {}, {})
    assert read_file(path) == ({}, {})


def test_order_in_memory_does_not_matter(tmp_path):
    path = tmp_path / "memory"
    square = np.arange(12.0).reshape(3, 4)
    given = {"turned": square.T, "part": square[::2, 1::2], "back": square[::-1]}
    given |= {"big": square.astype(">f8"), "list": [1, 2], "fixed": np.broadcast_to(True, (2, 2))}
    write_file(path, {}, given)
    _, arrays = read_file(path)
    assert arrays.keys() == given.keys()
    for name, value in given.items():
        np.testing.assert_array_equal(arrays[name], value)


def test_the_safetensors_library_reads_and_writes_the_same_files(tmp_path):
    path = tmp_path / "memory"
    write_file(path, HEADER, ARRAYS)
    assert exact({}, load_file(path)) == exact({}, ARRAYS)
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    assert end % 8 == 0  # so that every array is aligned
    arrays = {"a": np.arange(4.0), "b": np.array([True])}
    write_file(path, HEADER, arrays)
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    assert metadata.keys() == {"attractory"}
    save_file(arrays, tmp_path / "theirs", metadata)
    assert exact(*read_file(tmp_path / "theirs")) == exact(HEADER, arrays)


def test_the_format_is_what_it_is_said_to_be(tmp_path):
    """A second writer, from the description alone, makes files that are read."""
    path = tmp_path / "memory"
    tensors = [("x", "F64", [2], [0, 16]), ("b", "BOOL", [], [16, 17])]
    data = struct.pack("<dd?", 1.5, -0.0, True)
    path.write_bytes(craft('{"k":[1,0.5,null,"ü"]}', tensors, data))
    expected = {"x": np.array([1.5, -0.0]), "b": np.array(True)}
    assert exact(*read_file(path)) == exact({"k": [1, 0.5, None, "ü"]}, expected)


numbers = st.integers(-(2**1023) + 1, 2**1023 - 1) | st.floats(
    allow_nan=False, allow_infinity=False
)
# What JSON escapes, all lengths in UTF-8 and the last of each: all of Unicode is slow to load.
words = st.text('a "\\/{}[],:\n\t\0\x1f\x7f\x80é\u07ff\u2028\ufeff\uffff☃𝄞\U0010ffff')
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(header=st.dictionaries(words, values, max_size=5))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_headers_come_back(tmp_path_factory, header):
    path = tmp_path_factory.getbasetemp() / "header"
    write_file(path, header, {})
    assert repr(read_file(path)[0]) == repr(header)  # also 1, 1.0, True and −0.0 apart


def test_a_damaged_file_is_read_right_or_refused(tmp_path):
    path = tmp_path / "memory"
    write_file(path, HEADER, ARRAYS)
    original, expected = path.read_bytes(), exact(HEADER, ARRAYS)
    rng = random.Random(1)
    reasons = []
    for _ in range(2000):
        put(path, mutate(original, rng))
        try:
            found = read_file(path)
        except StorageError as error:
            reasons.append(str(error))
        else:
            assert exact(*found) == expected
    assert len(reasons) > 1900
    assert all(str(path) in reason and len(reason.splitlines()) == 1 for reason in reasons)


def test_checks_before_the_digest_let_nothing_else_escape(tmp_path, monkeypatch):
    """A hostile file has a digest that fits: with each one taken as right, still no other error."""
    path = tmp_path / "memory"
    write_file(path, HEADER, ARRAYS)
    original = path.read_bytes()

    class Fits(str):
        def __ne__(self, other):
            return False

    compute = attractory.io.tensor_file._digest
    monkeypatch.setattr(attractory.io.tensor_file, "_digest", lambda *what: Fits(compute(*what)))
    monkeypatch.setattr(os, "fsync", lambda number: None)  # the disk's time, not ours
    rng = random.Random(3)
    loaded = 0
    for _ in range(800):
        put(path, mutate(original, rng))
        try:
            header, arrays = read_file(path)
        except StorageError:
            continue
        loaded += 1
        write_file(path, header, arrays)  # what is read can be written
    assert loaded > 50


def test_each_bit_of_the_arrays_and_each_length_matters(tmp_path):
    path = tmp_path / "memory"
    write_file(path, {"k": 1}, {"x": np.array([1.0, 2.0]), "b": np.array([True, False])})
    content = path.read_bytes()
    for k in range(8 * (len(content) - 18), 8 * len(content)):
        flipped = bytearray(content)
        flipped[k // 8] ^= 1 << k % 8
        refusal(path, bytes(flipped))
    for length in range(len(content)):
        refusal(path, content[:length])


def test_strangers_are_named(tmp_path):
    path = tmp_path / "stranger"
    array = np.arange(10.0)
    assert "not an attractory memory (it has 0 bytes)" in refusal(path, b"")
    for content in (pickle.dumps(array), b"\x89PNG\r\n\x1a\n" + bytes(500), b"PK\3\4" + bytes(99)):
        assert refusal(path, content).endswith("it is not an attractory memory")
    assert "not an attractory memory, or damaged" in refusal(path, bytes(100))
    np.save(path.with_suffix(".npy"), array)
    assert "not an attractory" in refusal(path, path.with_suffix(".npy").read_bytes())
    save_file({"x": array}, path)
    assert "not an attractory memory" in refusal(path, path.read_bytes())
    save_file({"x": array}, path, {"attractory": '{"format": "other", "version": 9}'})
    assert "not an attractory memory (its format is 'other')" in refusal(path, path.read_bytes())
    with pytest.raises(StorageError, match=r"cannot be read: it is a folder"):
        read_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match=r"cannot be read: it is no regular file"):
        read_file(tmp_path / "pipe")
    for nowhere in ("nowhere", "a\0b", path / "below"):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            read_file(nowhere)
    (tmp_path / "two\nlines").touch()
    with pytest.raises(StorageError, match=r"two lines cannot be read: .*0 bytes\)$"):
        read_file(tmp_path / "two\nlines")


def test_versions(tmp_path):
    path = tmp_path / "memory"

    def version(text):
        document = f'{{"format":"attractory-memory","version":{text},"header":{{}},"new":[]}}'
        return refusal(path, craft(document=document))

    for text in ("2", "100", "9" * 300):
        assert "newer attractory" in version(text)
        assert "upgrade attractory" in version(text)
    for text in ("0", "-1", "1.0", "true", "null", '"1"'):
        assert "damaged: its version is" in version(text)
    assert "its document has" in version("1")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ('{"a":1,"a":1}', "name 'a' occurs twice"),
        ('{"a":NaN}', "number NaN is not finite"),
        ('{"a":[-Infinity]}', "number -Infinity is not finite"),
        ('{"a":1e999}', "number 1e999 is not finite"),
        ('{"a":' + "9" * 5000 + "}", "has 5000 digits"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "recursion"),
        ('{"a":"\\ud800"}', "surrogates not allowed"),
        ("[1]", "its header is no JSON object"),
        ("null", "its header is no JSON object"),
        ('{"a":1}}', "Extra data"),
        ("{\"a\":'1'}", "Expecting value"),
    ],
)
def test_bad_json_in_the_header(tmp_path, header, words):
    digest = "0" * 64 if "\\u" in header else None
    assert words in refusal(tmp_path / "memory", craft(header, digest=digest))


@pytest.mark.parametrize(
    ("outer", "words"),
    [
        (b"\xff\xfe{}", "utf-8"),
        ("\ufeff{}", "expected value at line 1 column 1"),
        ("{}".encode("utf-16"), "utf-8"),
        ("{}", "no text 'attractory'"),
        ('{"__metadata__":{},"__metadata__":{}}', "duplicate field `__metadata__`"),
        ('{"__metadata__":{"attractory":1}}', "integer `1`, expected a string"),
        ('{"__metadata__":{"attractory":"[]"}}', "no JSON object"),
        ('{"__metadata__":{"attractory":"{\\"format\\":NaN}"}}', "not finite"),
        ("[" * 100_000, "invalid type: sequence"),
        ('{"a":' * 100_000, "recursion"),
        ("[[]]", "invalid type: sequence"),
    ],
)
def test_bad_json_around_it(tmp_path, outer, words):
    assert words in refusal(tmp_path / "memory", craft(outer=outer))


HUGE = 10**15


@pytest.mark.parametrize(
    ("tensor", "data", "words"),
    [
        (("x", "F64", [HUGE], [0, 8 * HUGE]), 8, "ends 7999999999999992 bytes after the file"),
        (("x", "F64", [HUGE], [0, 8]), 8, "invalid shape, data type, or offset"),
        (("x", "F64", [2**32, 2**32], [0, 0]), 0, "overflow"),  # 0 in 64 bits
        (("x", "U8", [2**63 - 1] * 64, [0, 0]), 0, "overflow"),
        (("x", "U8", [2**63], [0, 2**63]), 0, "overflow"),
        (("x", "U8", [10**300, 0], [0, 0]), 0, "`1e+300`, expected usize"),
        (("x", "U8", [0] * 65, [0, 0]), 0, "impossible shape"),
        (("x", "U8", [0, 2**62, 2**62], [0, 0]), 0, "too big"),
        (("x", "F64", [-1], [0, -8]), 0, "integer `-1`, expected usize"),
        (("x", "F64", [1.0], [0, 8]), 8, "floating point `1.0`, expected usize"),
        (("x", "F64", [True], [0, 8]), 8, "boolean `true`, expected usize"),
        (("x", "F64", "1", [0, 8]), 8, "expected a sequence"),
        (("x", "F64", [1], [8, 16]), 16, "invalid offset for tensor `x`"),
        (("x", "F64", [1], [False, 8]), 8, "boolean `false`, expected usize"),
        (("x", "F64", [1], [0, 8, 8]), 8, "invalid length 3, expected 2"),
        (("x", "F64", [1], [0, 8]), 9, "1 bytes follow its last array"),
        (("x", "F64", [1], [0, 8]), 7, "ends 1 bytes after the file"),
        (("x", "F16", [4], [0, 8]), 8, "unknown dtype 'F16'"),
        (("x", ["F64"], [1], [0, 8]), 8, "invalid type: sequence, expected string"),
        (("x", "I64", [1], [0, 8]), 9, "follow"),
    ],
)
def test_impossible_arrays_cost_nothing(tmp_path, tensor, data, words):
    """With digests that fit, so that each check stands alone."""
    path = tmp_path / "memory"
    name, code, shape, offsets = tensor
    content = craft("{}", [(name, code, shape, offsets)], bytes(data), digest="0" * 64)
    tracemalloc.start()
    message = refusal(path, content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words in message
    assert peak < 1e6


def test_arrays_that_overlap_or_leave_gaps(tmp_path):
    path = tmp_path / "memory"
    x, twice, gap = ("x", "U8", [4], [0, 4]), ("y", "U8", [4], [0, 4]), ("y", "U8", [4], [5, 9])
    for tensors, size in (([x, twice], 4), ([x, gap], 9), ([gap, x], 9)):
        assert "invalid offset for tensor" in refusal(path, craft("{}", tensors, bytes(size)))


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "memory"
    write_file(path, {}, {"x": np.arange(10_000.0)})

    def shrinking(*args, **kwargs):
        file = safe_open(*args, **kwargs)
        os.truncate(path, 4096)
        return file

    monkeypatch.setattr(attractory.io.tensor_file, "safe_open", shrinking)
    with pytest.raises(StorageError, match="cannot be read: it is damaged: array 'x' ends"):
        read_file(path)


def test_values_that_no_writer_stores(tmp_path):
    path = tmp_path / "memory"
    for value in (np.nan, np.inf, -np.inf):
        tensors = [("x", "F64", [2], [0, 16])]
        content = craft("{}", tensors, struct.pack("<dd", 0, value))
        assert f"array 'x' must be finite, got {value}" in refusal(path, content)
    flag = [("b", "BOOL", [2], [0, 2])]
    assert "must hold booleans of byte 0 or 1" in refusal(path, craft("{}", flag, b"\1\2"))


def test_long_headers_are_not_read(tmp_path):
    path = tmp_path / "memory"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", _HEADER_LIMIT + 1))
        file.truncate(3 * _HEADER_LIMIT)  # a hole: no disk is used
    tracemalloc.start()
    with pytest.raises(StorageError, match="above the limit"):
        read_file(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    for length in (2**64 - 1, 2**63, 93):
        refusal(path, struct.pack("<Q", length) + bytes(92))


def test_what_is_refused_when_writing(tmp_path):
    path = tmp_path / "memory"
    write_file(path, {"old": 1}, {})
    deep, loop = [], {}
    for _ in range(_DEPTH_LIMIT):
        deep = [deep]
    loop["loop"] = loop
    for header, error, words in (
        ({"a": np.inf}, ValueError, r"header\['a'\] must be finite, got inf"),
        ({"a": [0, float("nan")]}, ValueError, r"header\['a'\]\[1\] must be finite, got nan"),
        ({"a": 2**1023}, ValueError, "less than 2\\^1023"),
        ({"a": 10**10_000}, ValueError, "less than 2\\^1023"),
        ({"a": (1, 2)}, TypeError, r"header\['a'\] must be .* got tuple"),
        ({"a": {"b": np.float32(1)}}, TypeError, r"header\['a'\]\['b'\] must be .* got float32"),
        ({"a": {1: 2}}, TypeError, r"header\['a'\] must have strings as keys, got 1"),
        ({"a": "\ud800"}, ValueError, "UTF-8 can hold"),
        ({"\ud83d\ude00": 1}, ValueError, "UTF-8 can hold"),
        ({"a": deep}, ValueError, f"at most {_DEPTH_LIMIT} deep"),
        (loop, ValueError, f"at most {_DEPTH_LIMIT} deep"),
        ({"a": "x" * _HEADER_LIMIT}, ValueError, "at most 16000000 bytes of JSON"),
    ):
        with pytest.raises(error, match=words):
            write_file(path, header, {})
    for arrays, error, words in (
        ({"x": np.array([0, np.nan])}, ValueError, r"arrays\['x'\] must be finite, got nan"),
        ({"x": np.zeros(2, np.float16)}, TypeError, r"arrays\['x'\] must be of dtype .* float16"),
        ({"x": np.zeros(2, complex)}, TypeError, "got complex128"),
        ({"x": np.array([None])}, TypeError, "got object"),
        ({"x": np.array(["a"])}, TypeError, "got <U1"),
        ({"x": np.array([2], np.uint8).view(bool)}, ValueError, "byte 0 or 1"),
        ({"__metadata__": np.zeros(2)}, ValueError, "names of arrays must be strings other than"),
        ({"\ud800": np.zeros(2)}, ValueError, "UTF-8 can hold"),
    ):
        with pytest.raises(error, match=words):
            write_file(path, {}, arrays)
    assert read_file(path) == ({"old": 1}, {})
    assert no_temporaries(tmp_path)
    write_file(path, {"a": deep[0]}, {})
    assert read_file(path)[0] == {"a": deep[0]}


def test_paths_that_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder '.*no' does not exist; create it first"):
        write_file(tmp_path / "no" / "memory", {}, {})
    with pytest.raises(IsADirectoryError, match="path must name a file, got the folder"):
        write_file(tmp_path, {}, {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="path must name a regular file"):
        write_file(tmp_path / "pipe", {}, {})
    with pytest.raises(FileNotFoundError, match="create it first"):
        write_file(tmp_path / "pipe" / "memory", {}, {})
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, step, error):
    path = tmp_path / "memory"
    write_file(path, {"old": 1}, ARRAYS)

    def fail(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(type(error)):
            write_file(path, {"new": 1}, ARRAYS)
        with pytest.raises(type(error)):
            write_file(tmp_path / "first", {"new": 1}, ARRAYS)
    assert os.listdir(tmp_path) == ["memory"]
    assert exact(*read_file(path)) == exact({"old": 1}, ARRAYS)


def test_old_temporaries_of_the_same_file_are_removed(tmp_path):
    keep = [".memory.12.0123456789abcdef.tmp", ".memory.x.tmp", ".other.12.0123456789abcdef.tmp"]
    stale = ".memory.34.0123456789abcdef.tmp"
    for name in (*keep, stale):
        (tmp_path / name).touch()
    for name in (*keep[1:], stale):
        os.utime(tmp_path / name, (time.time() - 3700,) * 2)
    write_file(tmp_path / "memory", {}, {})
    assert set(os.listdir(tmp_path)) == {"memory", *keep}


def test_links_and_permissions_stay(tmp_path):
    path, link = tmp_path / "memory", tmp_path / "link"
    write_file(path, {}, {})
    path.chmod(0o600)
    link.symlink_to("memory")
    write_file(link, {"new": 1}, {})
    assert link.is_symlink()
    assert read_file(path) == ({"new": 1}, {})
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "memory"
    rng = random.Random(2)
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"first\n"
        assert whole(path)  # while it writes
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert whole(path)
    for name in set(os.listdir(tmp_path)) - {"memory"}:
        os.utime(tmp_path / name, (0, 0))
    write_file(path, {"k": 7}, {"x": np.full(3, 7.0)})
    assert whole(path)
    assert os.listdir(tmp_path) == ["memory"]
