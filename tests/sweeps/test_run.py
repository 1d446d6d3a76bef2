"""Sweeps: what was stored is never computed again, and how it was computed does not show."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sweep_cells
from sweep_cells import counts, walk
from sweep_checks import bits, exact, name, settled

from attractory._util.progress import pacing
from attractory.sweeps import SweepError, grid, open_sweep, sweep
from attractory.sweeps.grid import check_cells
from attractory.sweeps.store import Store

pytestmark = pytest.mark.filterwarnings("ignore:workers=0 leaves JAX:RuntimeWarning")
HERE = Path(__file__).parents[1]


# What a shell starts in the background ignores Ctrl-C, and so would its children.
HEED_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def start(code, *arguments, **options):
    """A driver in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    return subprocess.Popen(
        [sys.executable, "-c", HEED_CTRL_C + textwrap.dedent(code), *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        **options,
    )  # fmt: skip


DRIVER = """
    import sys
    from attractory.sweeps import grid, sweep
    out, log, seconds, workers = sys.argv[1:5]
    cells = grid(x=range(4), seed=range(10), log=log, seconds=float(seconds))
    def say(done, total):
        print(done, flush=True)
    result = sweep("sweep_cells:walk", cells, out=out, workers=int(workers), progress=say)
    print("computed", result.computed)
"""


def test_a_grid_is_the_product_first_axis_slowest():
    cells = grid(a=[1, 2], b=np.array([0.5, 1.5]), c="x", d=[[1, 2]])
    assert [(c["a"], c["b"]) for c in cells] == [(1, 0.5), (1, 1.5), (2, 0.5), (2, 1.5)]
    assert all(c["c"] == "x" and c["d"] == [1, 2] for c in cells)
    with pytest.raises(ValueError, match="axis 'b' must have a value, got an empty list"):
        grid(a=[1], b=[])
    with pytest.raises(ValueError, match="grid must have an axis, got none"):
        grid()


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_do_not_depend_on_where_cells_are_computed(tmp_path, workers):
    cells = grid(x=[2, 0.1, 3], seed=[0, 1])
    result = sweep(walk, cells, out=tmp_path, workers=workers)
    assert (result.done, result.failed, result.computed, result.reused) == (4, 2, 6, 0)
    for cell, settings in zip(result.cells, cells, strict=True):
        assert cell.settings == settings
        if settings["x"] != 3:
            assert bits(cell.values) == bits(walk(**settings))
        else:
            assert cell.values is None
            assert str(cell.error) == "ArithmeticError: three is refused"
            assert cell.error.message == "three is\nrefused"
            assert re.fullmatch(r"sweep_cells.py:\d+ in walk: raise .*", cell.error.traceback[-1])
    assert exact(open_sweep(tmp_path)) != []
    again = sweep(walk, cells, out=tmp_path, workers=workers)
    assert (again.computed, again.reused) == (0, 6)
    assert exact(again) == exact(result)


def test_values_come_back_bit_for_bit(tmp_path):
    (cell,) = sweep(sweep_cells.kinds, [{}], out=tmp_path, workers=1).cells
    expected = sweep_cells.kinds()
    expected["single"] = float(np.float32(0.1))
    assert bits(cell.values) == bits(expected)
    assert list(cell.values) == list(expected)
    result = sweep(
        sweep_cells.bad, grid(kind=["list", "dict", "object", "key"]), out=tmp_path / "b"
    )
    assert [cell.error.type for cell in result.cells] == ["TypeError"] * 4
    assert "value 'a' must be a number" in result.cells[1].error.message


def test_workers_have_one_thread_and_their_prints_go_elsewhere(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("JAX_SOMETHING", "carried")
    cells = grid(name=["NPROC", "OPENBLAS_NUM_THREADS", "JAX_SOMETHING", "JAX_PLATFORMS"])
    found = [c.values for c in sweep("sweep_cells:surroundings", cells, out=tmp_path).cells]
    assert [v["threads"] for v in found] == [1] * 4
    assert [v["variable"] for v in found] == ["1", "1", "carried", "cpu"]
    assert len({v["hash"] for v in found}) == 1
    (here,) = sweep("sweep_cells:surroundings", cells[:1], out=tmp_path / "0", workers=0).cells
    assert here.values["threads"] == 1
    assert {v["product"].tobytes() for v in found} == {here.values["product"].tobytes()}
    assert "where the replies" in capfd.readouterr().err


def test_stored_cells_are_reused_and_failed_ones_only_on_request_again(tmp_path):
    log = str(tmp_path / "log")
    cells = grid(x=[1, 3], seed=[0, 1], log=log)
    twice = [*cells, cells[0], dict(reversed(cells[1].items()))]
    result = sweep(walk, twice, out=tmp_path, workers=2)
    assert counts(log) == {"1-0": 1, "1-1": 1, "3-0": 1, "3-1": 1}
    assert (result.done, result.failed, result.computed) == (4, 2, 4)
    assert bits(result.cells[4].values) == bits(result.cells[0].values)
    more = sweep(walk, [*cells[::-1], {"x": 1.0, "log": log}], out=tmp_path, workers=0)
    assert (more.computed, more.reused) == (1, 4)  # 1.0 is not 1: bits may differ
    assert [cell.settings["x"] for cell in more.cells] == [3, 3, 1, 1, 1.0]
    again = sweep(walk, cells, out=tmp_path, workers=2, retry_failed=True)
    assert (again.computed, again.reused) == (2, 2)
    assert counts(log) == {"1-0": 1, "1-1": 1, "3-0": 2, "3-1": 2, "1.0-0": 1}
    assert len(open_sweep(tmp_path).cells) == 5


def test_killed_at_random_moments_it_computes_no_finished_cell_again(tmp_path):
    """SIGKILL, four times; what was stored before each is known from the store itself."""
    rng, log = np.random.default_rng(0), tmp_path / "log"
    calm = start(DRIVER, tmp_path / "calm", log, 0.01, 2)
    assert calm.communicate()[0].endswith("computed 40\n")
    log.unlink()
    before, kept = {}, set()
    for _ in range(4):
        driver = start(DRIVER, tmp_path / "out", log, 0.01, 2)
        for _ in range(rng.integers(1, 7)):
            driver.stdout.readline()
        time.sleep(rng.uniform(0, 0.02))
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        time.sleep(0.1)  # a request may be on its way to a worker
        found = {name(cell) for cell in open_sweep(tmp_path / "out").cells}
        assert kept <= found
        now = counts(log)
        assert all(now[each] == before[each] for each in kept)
        kept, before = found, now
    assert 0 < len(kept) < 40
    last = start(DRIVER, tmp_path / "out", log, 0.01, 2)
    assert last.communicate()[0].endswith(f"computed {40 - len(kept)}\n")
    assert all(counts(log)[each] == before[each] for each in kept)

    assert settled(tmp_path / "out") == settled(tmp_path / "calm")


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path, workers):
    driver = start(DRIVER, tmp_path / "out", tmp_path / "log", 0.2, workers)
    while driver.stdout.readline() != "3\n":
        pass
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=300)
    kept = len(open_sweep(tmp_path / "out").cells)
    assert kept >= 3
    assert driver.returncode in (-signal.SIGINT, 130)
    assert err.strip().splitlines()[-1] == (
        f"KeyboardInterrupt: interrupted: {kept} cells are kept in {tmp_path / 'out'}; "
        "run the same sweep again to go on"
    )
    log = (tmp_path / "log").read_text()
    time.sleep(0.5)
    assert (tmp_path / "log").read_text() == log  # nobody computes on


@pytest.mark.parametrize("once", [True, False])
def test_a_worker_that_dies_is_tried_once_more(tmp_path, once):
    cells = [{"folder": str(tmp_path), "once": once}]
    result = sweep(sweep_cells.dies, cells, out=tmp_path / "out", workers=1)
    assert counts(tmp_path / "log") == {"start": 2}
    (cell,) = result.cells
    if once:
        assert cell.values == {"lived": True}
    else:
        assert cell.error.type == "WorkerDied"
        assert "was killed by SIGKILL" in cell.error.message
        assert "memory" in cell.error.message


def test_a_function_that_workers_cannot_load_stops_the_sweep(tmp_path, monkeypatch):
    """Here it can be imported, there it cannot: no cell's fault."""
    monkeypatch.setenv("ATTRACTORY_TEST_DRIVER", str(os.getpid()))
    path = tmp_path / "two_faced.py"
    path.write_text(
        "import os\nif os.environ['ATTRACTORY_TEST_DRIVER'] != str(os.getpid()):\n"
        "    raise OSError('not here')\ndef f(x): return {'x': x}\n"
    )
    with pytest.raises(SweepError, match=r"a worker cannot run .*two_faced.py:f: .*not here"):
        sweep(f"{path}:f", grid(x=[1, 2]), out=tmp_path, workers=2)
    assert open_sweep(tmp_path).cells == []


def test_workers_that_cannot_start_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SweepError, match=r"cannot start: /bin/false .* ended with status 1"):
        sweep(walk, grid(x=[1, 2]), out=tmp_path, workers=2)


def test_one_writer_and_any_readers(tmp_path):
    sweep(walk, [{"x": 1}], out=tmp_path, workers=0)
    version = open_sweep(tmp_path).version
    with Store(tmp_path, "sweep_cells:walk", version):
        assert len(open_sweep(tmp_path).cells) == 1
        with pytest.raises(SweepError, match=rf"is being written by process {os.getpid()} on"):
            sweep(walk, [{"x": 2}], out=tmp_path, workers=0)
    assert sweep(walk, [{"x": 2}], out=tmp_path, workers=0).computed == 1


def test_code_versions_are_kept_apart(tmp_path):
    sweep(walk, grid(x=[1, 2]), out=tmp_path, workers=0, version="one")
    content = (tmp_path / "cells.sqlite").read_bytes()
    with pytest.raises(ValueError, match=r"belongs to version one; .*new_version.*version='one'"):
        sweep(walk, grid(x=[1, 2]), out=tmp_path, workers=0, version="two")
    assert (tmp_path / "cells.sqlite").read_bytes() == content
    run = partial(sweep, walk, grid(x=[1, 2]), out=tmp_path, workers=0, new_version=True)
    assert run(version="two").computed == 2
    assert len(open_sweep(tmp_path).cells) == 2
    assert run(version="one").reused == 2  # it was kept
    with pytest.raises(ValueError, match=r"holds cells of sweep_cells:walk, not of .*kinds"):
        sweep(sweep_cells.kinds, [{}], out=tmp_path, workers=0, version="one")


def test_the_version_follows_the_code(tmp_path):
    path, again = tmp_path / "mine.py", tmp_path / "moved" / "mine.py"
    path.write_text("def f(x): return {'x': x}\n")
    first = sweep(f"{path}:f", grid(x=[1]), out=tmp_path, workers=1)
    again.parent.mkdir()
    again.write_bytes(path.read_bytes())
    assert sweep(f"{again}:f", grid(x=[1]), out=tmp_path, workers=1).reused == 1
    again.write_text("def f(x): return {'x': -x}\n")
    with pytest.raises(ValueError, match=f"belongs to version {first.version}"):
        sweep(f"{again}:f", grid(x=[1]), out=tmp_path, workers=1)
    new = sweep(f"{again}:f", grid(x=[1]), out=tmp_path, workers=1, new_version=True)
    assert new.cells[0].values == {"x": -1}


def damage(path, kind):
    content = bytearray(path.read_bytes())
    if kind == "text":
        content = b"my notes, which must stay\n" * 100
    elif kind == "cut":
        content = content[: len(content) // 2]
    elif kind == "value":  # inside a stored array, where SQLite has no check
        place = content.index(b"\x93NUMPY") + 200
        content[place] ^= 1
    elif kind == "pages":
        content[4096:8192] = bytes(4096)
    elif kind == "foreign":
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (x)")
        connection.close()
        return path.read_bytes()
    path.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize("kind", ["text", "cut", "value", "pages", "foreign"])
def test_damaged_and_foreign_files_are_named_and_left_alone(tmp_path, kind):
    sweep(walk, grid(x=[1, 2], seed=range(10)), out=tmp_path, workers=0)
    path = tmp_path / "cells.sqlite"
    content = damage(path, kind)
    for call in (
        partial(open_sweep, tmp_path),
        partial(sweep, walk, [{"x": 5}], out=tmp_path, workers=0),
    ):
        with pytest.raises(SweepError) as caught:
            call()
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == content


def test_a_store_whose_making_was_killed_is_made_again(tmp_path):
    (tmp_path / "cells.sqlite").touch()
    with pytest.raises(FileNotFoundError, match="is empty"):
        open_sweep(tmp_path)
    assert sweep(walk, [{"x": 1}], out=tmp_path, workers=0).computed == 1


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path):
    code = """
        import resource, sys
        from attractory.sweeps import SweepError, grid, sweep
        limit = int(sys.argv[3])
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        cells = grid(x=[1, 2], seed=range(30), log=sys.argv[2])
        try:
            print("computed", sweep("sweep_cells:walk", cells, out=sys.argv[1], workers=0).computed)
        except SweepError as error:
            print(error)
    """
    out, log = tmp_path / "out", tmp_path / "log"
    text = start(code, out, log, 40_000).communicate()[0]
    assert re.fullmatch(r".*cells.sqlite cannot grow: .*; what was stored before is kept.*\n", text)
    kept = len(open_sweep(out).cells)
    assert 0 < kept < 60
    assert start(code, out, log, 0).communicate()[0] == f"computed {60 - kept}\n"
    assert sorted(counts(log).values()) == [1] * 59 + [2]  # the one that found no room


def test_sqlite_says_full(tmp_path, monkeypatch):
    import attractory.sweeps.store as results

    connect = results._connect

    def small(path, mode):
        connection = connect(path, mode)
        connection.execute("PRAGMA max_page_count = 12")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(results, "_connect", small)
        with pytest.raises(SweepError, match=r"cannot grow: database or disk is full; .* is kept"):
            sweep(walk, grid(x=1, seed=range(60)), out=tmp_path, workers=2)
    kept = len(open_sweep(tmp_path).cells)
    assert 0 < kept < 60
    assert sweep(walk, grid(x=1, seed=range(60)), out=tmp_path, workers=2).reused == kept


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_folder_that_cannot_be_written(tmp_path, where):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ValueError, match=r"out must be a folder that can be written, got .*file"):
        sweep(walk, [{"x": 1}], out=tmp_path / where, workers=0)
    assert (tmp_path / "file").read_text() == "kept"


def nested():
    def inside(x):
        return {"x": x}

    return inside


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: {"x": x}, "got a lambda; define it with def at the top of a module"),
        (nested(), "defined inside another"),
        (partial(walk, x=1), "function must have a name that other processes can import"),
        ("__main__:f", "function must be 'package.module:name'"),
        ("spectrun", "got 'spectrun'; did you mean 'spectrum'"),
        ("nothing.at_all:f", "ModuleNotFoundError: No module named 'nothing'"),
        ("sweep_cells:wolk", "got 'wolk'; did you mean 'walk'"),
        ("no/such/file.py:f", "function must name a file that exists"),
    ],
)
def test_functions_that_cannot_be_imported(tmp_path, function, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        sweep(function, [{"x": 1}], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("cells", "error", "words"),
    [
        ([], ValueError, "cells must not be empty"),
        ({"x": 1}, TypeError, "one cell is [cell]"),
        ([{"x": 1}, {"x": 1, "sead": 2}], ValueError, "got 'sead'; did you mean 'seed' or"),
        ([{"seed": 1}], ValueError, "cells[0] must hold x, which the function needs, got seed"),
        ([{"x": float("nan")}], ValueError, "cells[0]['x'] must be finite, got nan"),
        ([{"x": [1, {2}]}], TypeError, "cells[0]['x'][1] must be a string, number"),
        ([{"x": np.ones(2)}], TypeError, "got ndarray; tolist() makes lists"),
        ([{"x": {"a": 1}}], TypeError, "got dict"),
        ([{1: 2}], TypeError, "must have strings as keys, got 1"),
        ([3], TypeError, "cells[0] must be a dictionary, got int"),
    ],
)
def test_bad_cells(tmp_path, cells, error, words):
    with pytest.raises(error, match=re.escape(words)):
        check_cells(cells, walk)
    with pytest.raises(error):
        sweep(walk, cells, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bad_arguments(tmp_path, monkeypatch):
    run = partial(sweep, walk, [{"x": 1}], out=tmp_path / "out")
    with pytest.raises(ValueError, match="workers and scheduler must not both be given"):
        run(workers=1, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ValueError, match="workers must be at least 0, got -1"):
        run(workers=-1)
    with pytest.raises(ValueError, match="version must be a text that is not empty"):
        run(version="")
    with pytest.raises(FileNotFoundError, match="there is no sweep in"):
        open_sweep(tmp_path)
    result = run(workers=0)
    for wanted, call in (
        ("distributed", lambda: run(scheduler="tcp://127.0.0.1:1")),
        ("pandas", result.frame),
        ("xarray", result.dataset),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, wanted, None)
            with pytest.raises(
                ModuleNotFoundError, match=rf"needs .*{wanted}.*attractory\[sweep\]"
            ):
                call()


def test_frame_and_dataset_hold_the_cells(tmp_path):
    cells = grid(x=[1, 2.5, 3], seed=[0, 7], log="")
    result = sweep(walk, cells, out=tmp_path, workers=0)
    frame, data = result.frame(), result.dataset()
    assert frame["x"].tolist() == [1, 1, 2.5, 2.5, 3, 3]
    assert data.attrs == {"log": ""}
    assert dict(data.sizes) == {"x": 3, "seed": 2, "steps_0": 2, "steps_1": 50}
    for k, cell in enumerate(result.cells):
        place = data.sel(x=cell.settings["x"], seed=cell.settings["seed"])
        if cell.values is None:
            assert np.isnan(place["end"])
            assert np.isnan(place["steps"]).all()
            assert str(cell.error) == " ".join(frame["cell_error"][k].split())
            continue
        assert place["end"] == cell.values["end"] == frame["end"][k]
        assert place["cell_error"] == ""
        assert place["name"] == cell.values["name"]
        np.testing.assert_array_equal(place["steps"], cell.values["steps"])
        assert frame["steps"][k] is cell.values["steps"]
    whole = sweep(walk, grid(x=[1, 2], seed=0), out=tmp_path, workers=0).dataset()
    assert whole["end"].dims == ("x",)


def test_a_data_set_of_cells_that_are_no_grid(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\ndef f(n, x=0.0, tag=None):\n"
        "    return {'n': -n, 'values': np.arange(n), 'odd': np.ones((2,) * (n % 2))}\n"
    )
    cells = [{"n": 1, "tag": "a"}, {"n": 3, "tag": None}]
    result = sweep(f"{path}:f", cells, out=tmp_path, workers=0)
    data = result.dataset().drop_vars("cell_error")
    assert data["tag"].values.tolist() == ["a", "null"]
    assert data["n_value"].sel(n=1, tag="a") == -1
    assert np.isnan(data["n_value"].sel(n=1, tag="null"))
    np.testing.assert_array_equal(data["values"].sel(n=1, tag="a"), [0, np.nan, np.nan])
    assert result.frame()["n_value"].tolist() == [-1, -3]
    mixed = sweep(f"{path}:f", grid(n=[1, 2]), out=tmp_path, workers=0)
    with pytest.raises(ValueError, match=r"value 'odd' must have as many dimensions .* \[0, 1\]"):
        mixed.dataset()


def test_progress_tells_done_and_time_left(tmp_path, monkeypatch):
    seen = []
    sweep(walk, grid(x=[1, 2]), out=tmp_path, workers=0)
    sweep(walk, grid(x=[1, 2, 4, 5]), out=tmp_path, workers=2, progress=lambda *v: seen.append(v))
    assert seen == [(2, 4), (3, 4), (4, 4)]
    clock = iter([0.0, 10.0, 20.0, 7200.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    describe = pacing()
    assert describe(50, 100)[2] == "50 of 100"
    assert describe(60, 100)[2] == "60 of 100, 40 s left"
    assert describe(70, 100)[2] == "70 of 100, 30 s left"
    assert describe(80, 100)[2] == "80 of 100, 1 h 20 min left"
