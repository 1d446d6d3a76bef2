"""The benchmark as a whole: memories by functions, cells that are kept, what goes wrong."""

import json
from collections import Counter
from functools import partial

import numpy as np
import pytest

from attractory import bench
from attractory.bench import cells
from attractory.bench.held import held_bytes
from attractory.datasets import sklearn_digits
from attractory.sweeps import SweepError
from attractory.sweeps.functions import Reference
from attractory.sweeps.versions import code_of

DIGITS = sklearn_digits(60)[0].reshape(-1, 8, 8)
CALLS = Counter()
SMALL = {"data": DIGITS, "n": 20, "cues": 10, "rivals": ["search, Euclid"], "progress": False}


def nearest(patterns):
    CALLS["store"] += 1
    return lambda cues: patterns[((cues[:, None] - patterns) ** 2).sum(axis=2).argmin(axis=1)]


def test_a_function_is_a_memory_and_all_get_the_same_cues():
    table = bench.run(["predictive-coding"], memories={"mine": nearest}, **SMALL)
    noise = [s for s in table.scores if s.condition.startswith("noise")]
    assert [s.memory for s in noise] == ["mine", "search, Euclid"]
    assert noise[0].hits == noise[1].hits
    told = table.share(memory="search, Euclid", condition="1/16 told").value
    assert told > table.share(memory="mine", condition="1/16 told").value  # it cannot use masks
    assert table.text().splitlines()[0].split()[0] == "memory"


def test_shares_are_counted_by_hand():
    """A memory that knows every cue's row but recalls one row wrongly."""

    def store(patterns):
        search = nearest(patterns)

        def recall(cues):
            found = search(cues)
            return np.where((found == patterns[3]).all(axis=1)[:, None], 0.0, found)

        return recall

    small = SMALL | {"rivals": [], "cues": 40}
    table = bench.run(["bayes-pcn"], memories={"but one": store}, **small)
    assert table.share(condition="noise 0.2") == bench.results.Share(38, 40)
    assert table.share(condition="noise 0.2", memory="none").cues == 0


def test_cells_are_kept_until_the_function_or_the_data_change(tmp_path):
    again = partial(bench.run, ["predictive-coding"], out=tmp_path)
    CALLS.clear()
    first = again(memories={"mine": nearest}, **SMALL)
    assert first.reused == 0
    second = again(memories={"mine": nearest}, **SMALL)
    assert second.reused == len(second.scores) == 10
    assert CALLS["store"] == 1
    assert second.as_dict()["scores"] == first.as_dict()["scores"]
    other = again(memories={"mine": nearest}, **SMALL | {"data": 0.9 * DIGITS})
    assert other.reused == 0
    closed = 1
    for _ in range(2):
        third = again(memories={"mine": lambda rows: (nearest(rows), closed)[0]}, **SMALL)
        assert third.reused == 5  # the rival's: what the function closes over may have changed


def fails_at_first(patterns):
    CALLS["fails"] += 1
    if CALLS["fails"] == 1:
        raise RuntimeError("no room")
    return nearest(patterns)


def test_a_cell_that_failed_is_tried_again(tmp_path):
    CALLS.clear()
    given = SMALL | {"memories": {"mine": fails_at_first}, "out": tmp_path}
    assert bench.run("hopfield-fenchel-young", **given).failed == 1
    again = bench.run("hopfield-fenchel-young", **given)
    assert (again.failed, again.reused, CALLS["fails"]) == (0, 1, 2)


def test_a_share_of_cells_of_which_one_failed_is_unknown():
    names = "random-signs", "flipped 0", "mine", 10
    good, bad = bench.Score(*names, 0, 9, 10), bench.Score(*names, 1, error="no room")
    table = bench.BenchResult(
        (good, bad), "data", (10, 100), (bench.PROTOCOLS["random-signs"],), ()
    )
    assert table.share(seed=0).value == 0.9
    assert np.isnan(table.share(memory="mine").value)
    assert table.errors() == {"mine: no room": 1}


def test_times_are_for_a_cue(monkeypatch):
    clock = iter(np.arange(1000.0).tolist())
    monkeypatch.setattr(cells, "perf_counter", lambda: next(clock))
    table = bench.run("hopfield-fenchel-young", **SMALL)  # a tick to store, one to recall ten
    assert (table.scores[0].store_seconds, table.scores[0].seconds) == (1, 0.1)


def test_rivals_do_not_depend_on_the_code_of_our_memory():
    homes = ("cells", "compute_cell"), ("published", "protocols_named")
    parts = [code_of(Reference(f"attractory.bench.{home}", name)) for home, name in homes]
    rivals = {name for part in parts for name in part.modules}
    assert "attractory.bench.published_cues" in rivals
    ours = code_of(Reference("attractory.bench.ours", "store")).modules
    assert "attractory.bench.signs" in rivals
    assert not [name for name in rivals if name.startswith("attractory.memory")]
    assert "attractory.memory.guided_recall" in ours


def test_a_run_that_is_stopped_goes_on(tmp_path):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    small = SMALL | {"progress": stop, "out": tmp_path}
    with pytest.raises(KeyboardInterrupt, match=r"cells done are kept in .* to go on"):
        bench.run(["predictive-coding"], **small)
    table = bench.run(["predictive-coding"], **small | {"progress": False})
    assert table.reused == 3
    assert table.failed == 0


def test_a_damaged_store_is_said(tmp_path):
    (tmp_path / "cells.sqlite").write_text("no such thing")
    with pytest.raises(SweepError, match="no store of a sweep, or damaged"):
        bench.run(["predictive-coding"], out=tmp_path, **SMALL)


def test_seeds_draw_other_rows_and_cues():
    first = bench.run(["universal-hopfield"], **SMALL | {"seeds": 2})
    hits = [[s.hits for s in first.scores if s.seed == seed] for seed in (0, 1)]
    assert hits[0] != hits[1]
    alone = bench.run(["universal-hopfield"], **SMALL)
    assert [s.hits for s in alone.scores] == hits[0]


def failing(kind):
    def store(patterns):
        if kind == "stores not":
            raise RuntimeError("no room")
        if kind == "no function":
            return patterns

        def recall(cues):
            if kind == "raises":
                raise IndexError("out of range")
            return {
                "NaN": np.where(np.arange(len(cues))[:, None] < 4, np.nan, cues),
                "shape": cues[:-1], "complex": cues + 0j, "text": "nothing",
            }[kind]  # fmt: skip

        return recall

    return store


def test_a_memory_that_fails_has_the_reason_in_its_cells_and_others_go_on():
    reasons = {
        "stores not": "RuntimeError: no room", "no function": "store must return a function",
        "raises": "IndexError: out of range",
        "NaN": "finite states, got NaN or infinity in 4 of 10",
        "shape": "states of shape (10, 64), got (9, 64)",
        "complex": "real numbers, got dtype complex128", "text": "got ()",
    }  # fmt: skip
    memories = {kind: failing(kind) for kind in reasons}
    table = bench.run(["hopfield-fenchel-young"], memories=memories, **SMALL)
    assert table.failed == len(reasons)
    for score in table.scores[:-1]:
        assert reasons[score.memory] in score.error
    assert table.scores[-1].cues == 10
    assert table.text().splitlines()[1].split()[2] == "—"
    json.dumps(table.as_dict(), allow_nan=False)


def test_parameters_are_the_best_for_each_kind_of_cue_on_other_cues():
    def store(patterns, share):
        return lambda cues: (1 - share) * nearest(patterns)(cues) + share

    ours = bench.Memory("any", store, parameters=({"share": 0.5}, {"share": 0.0}, {"share": 0.1}))
    table = bench.run(["hopfield-fenchel-young"], memories={"mine": ours}, **SMALL)
    assert table.scores[0].parameters == {"share": 0.0}
    worse = bench.Memory("any", failing("raises"), parameters=({}, {}))
    assert bench.run(["hopfield-fenchel-young"], memories={"x": worse}, **SMALL).failed == 1


def test_parameters_are_not_chosen_on_the_cues_measured():
    seen = []

    def store(patterns, k):
        def recall(cues):
            seen.append(cues.copy())
            cues *= 0  # those of the next parameters stay as they were
            return cues

        return recall

    two = bench.Memory("two", store, parameters=({"k": 0}, {"k": 1}))
    bench.run("hopfield-fenchel-young", memories={"two": two}, **SMALL | {"rivals": []})
    assert (seen[0] == seen[1]).all()
    assert seen[0].shape == seen[2].shape
    assert not (seen[0] == seen[2]).all()


def test_a_memory_that_changes_its_rows_and_cues_changes_nothing_for_others():
    def rude(patterns):
        patterns *= 0

        def recall(cues):
            cues *= 0
            return cues

        return recall

    calm = bench.run("predictive-coding", **SMALL)
    table = bench.run("predictive-coding", memories={"rude": rude, "again": rude}, **SMALL)
    found = [s.hits for s in table.scores if s.memory == "search, Euclid"]
    assert found == [s.hits for s in calm.scores]
    assert sum(found) > 0
    assert table.share(memory="rude").hits == 0


def test_rows_are_written_one_at_a_time_where_a_memory_can():
    written = []

    class Added:
        def __init__(self, patterns):
            self.rows = patterns
            written.append(len(patterns))

        def add(self, rows):
            written.append(len(rows))
            self.rows = np.concatenate([self.rows, rows])

        def __call__(self, cues):
            return nearest(self.rows)(cues)

    table = bench.run(["bayes-pcn"], memories={"mine": Added}, **SMALL)
    assert written == [2, *[1] * 18]
    assert table.share(memory="mine", condition="noise 0.2").value == 1
    written.clear()
    bench.run(["predictive-coding"], memories={"mine": Added}, **SMALL)
    assert written == [20]


def test_our_memory_is_one_of_them():
    small = SMALL | {"rivals": "attractory", "n": 3, "cues": 3}
    table = bench.run("hopfield-fenchel-young", **small)
    assert table.failed == 0
    assert table.scores[0].hits == 3
    assert table.scores[0].bytes > 8 * 3 * 64


def test_our_memory_is_fitted_anew_when_its_rows_have_doubled(monkeypatch):
    class Fake:
        def fit(self, rows):
            self.patterns_ = rows
            done.append(("fit", len(rows)))
            return self

        def partial_fit(self, rows):
            self.patterns_ = np.concatenate([self.patterns_, rows])
            done.append(("add", len(rows)))

        def __len__(self):
            return len(self.patterns_)

    done = []
    monkeypatch.setattr("attractory.bench.ours.AttractorMemory", Fake)
    recall = bench.MEMORIES["Attractory"].store(np.eye(9)[:2])
    for k in range(2, 9):
        recall.add(np.eye(9)[k : k + 1])
    assert done == [("fit", 2), ("add", 1), ("fit", 4), *[("add", 1)] * 3, ("fit", 8), ("add", 1)]
    assert (recall.memory.patterns_ == np.eye(9)).all()


def test_memory_is_counted_once():
    rows = np.zeros((10, 8))
    view = rows[2:]
    assert held_bytes(nearest(rows)) == 640
    assert held_bytes([view, rows, {"a": (rows,)}]) == 640
    assert held_bytes(partial(np.add, rows)) == 640

    class Own:
        nbytes = 12

    assert held_bytes(Own()) == 12


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"protocols": ["hopfield"]}, "did you mean '.*hopfield"),
        ({"rivals": ["search"]}, "rivals must be of the benchmark's, got 'search'; did you mean"),
        ({"rivals": []}, "at least one memory"),
        ({"memories": {"mean row": nearest}}, "names of their own"),
        ({"n": 61}, "at most 60, the rows of data, got 61"),
        ({"n": 1}, "n must be at least 2, got 1"),
        ({"n": []}, "n must hold a number"),
        ({"cues": 0}, "cues must be"),
        ({"seeds": 0}, "seeds must be"),
        ({"data": 5 * DIGITS, "protocols": ["bayes-pcn"]}, "needs values from 0 to 1; .* to 5"),
        ({"data": DIGITS.reshape(60, 64), "protocols": ["bayes-pcn"]}, "needs images"),
    ],
)
def test_bad_values_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        bench.run(**SMALL | {"protocols": ["predictive-coding"]} | given)


def test_protocols_that_data_do_not_allow_are_left_out_and_named():
    table = bench.run(data=DIGITS.reshape(60, 64) - 3, rivals=["mean row"], n=5, cues=2)
    assert [p.name for p in table.protocols] == ["noisy-autoencoders", "random-signs", "many-kinds"]
    assert len(table.left_out) == 4
    assert "needs images" in table.left_out[0][1]


def test_a_protocol_of_the_callers_own():
    condition = bench.Condition(
        "as they are", lambda rows, shape, stored, rng: rows,
        bench.Rule("exact", lambda states, rows, stored: (states == rows).all(axis=1)),
    )  # fmt: skip
    protocol = bench.Protocol(
        "mine", "Mine", "here", "Rows.", (10,), lambda of_images: (condition,)
    )
    table = bench.run([protocol], memories={"mine": nearest}, **SMALL | {"n": None})
    assert [(s.n, s.hits) for s in table.scores] == [(10, 10), (10, 10)]
