"""The benchmark suite's own logic: what it times in which order, fits, and writes."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
sys.path.append(str(ROOT / "benchmarks"))  # where the scripts find one another

from benchmarks.__main__ import main  # noqa: E402
from benchmarks.suite import report  # noqa: E402
from benchmarks.suite.cases import CASES  # noqa: E402
from benchmarks.suite.growth import exponent  # noqa: E402
from benchmarks.suite.timing import interleaved  # noqa: E402
from kinds import SPENT, held_out  # noqa: E402

from attractory.bench import damage as damage_kinds  # noqa: E402


def test_calls_are_timed_in_turn_and_told_times_are_kept():
    order = []

    def told():
        order.append("peer")
        return 2.5

    times = interleaved({"ours": lambda: order.append("ours"), "peer": told}, least=3, budget=0.0)
    assert order == ["ours", "peer"] * 4  # one cold round, three warm ones
    assert times["peer"]["warm"] == times["peer"]["cold"] == 2.5
    assert times["ours"]["rounds"] == 3
    assert times["ours"]["low"] <= times["ours"]["warm"] <= times["ours"]["high"]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
def test_exponents_of_powers_are_found_and_noise_widens_the_interval(power):
    sizes = np.array([100, 300, 1000, 3000])
    slope, low, high = exponent(sizes, 1e-6 * sizes**power)
    assert slope == pytest.approx(power, abs=1e-9)
    assert high - low < 1e-6
    noisy = sizes**power * np.array([1.1, 0.9, 1.05, 1.0])
    slope, low, high = exponent(sizes, noisy)
    assert low < power < high
    with pytest.raises(ValueError, match="at least 3"):
        exponent([1, 2], [1, 2])


def _results():
    times = {"ours": {"warm": 3.0, "cold": 4.0}, "floor": {"warm": 1.0, "cold": 1.0}}
    row = {
        "group": "store", "name": "a", "along": "n", "size": 10_000, "times": times,
        "ratios": {"floor": 3.0}, "targets": {"floor": 2.0}, "largest": True,
    }  # fmt: skip
    good = row | {"name": "b", "ratios": {"floor": 1.5}}
    growth = {
        "name": "a", "along": "n", "exponent": 2.0, "interval": [1.9, 2.1], "most": 2.0,
        "sizes": [1, 2, 4], "times": [1.0, 4.0, 16.0],
    }  # fmt: skip
    return {
        "rows": [row, good], "growth": [growth], "peak": [[10_000, 8.8e8]], "machine": "a machine",
    }  # fmt: skip


def test_the_page_says_what_was_missed_and_only_that(tmp_path):
    results = _results()
    assert report.failing(results["rows"][0]) == ["3.00 of the floor (target 2)"]
    assert report.failing(results["rows"][1]) == []
    text = report.page(results)
    assert "Targets missed: a, n = 10,000: 3.00 of the floor (target 2)." in text
    assert "2 × floor: met" in text
    assert "1.10 times the matrix" in text
    report.picture(results, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_cases_give_calls_that_run_and_have_what_their_targets_name():
    for case in CASES:
        assert set(case.targets) <= {"floor", "peer", "other"}
        assert set(case.at) <= set(case.sizes)
    store = next(case for case in CASES if case.group == "store")
    calls = store.make(30, None)
    for call in calls.values():
        call()
    assert set(store.targets) <= set(calls)


def test_an_unknown_group_and_a_machine_without_gpu_are_told(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
        main()
        return capsys.readouterr().out

    with pytest.raises(SystemExit, match="2"):
        run("kernels")
    assert "there is no group 'kernels'; there are kernel, gradient" in capsys.readouterr().err
    assert "no GPU here" in run("--gpu")


def test_damage_held_out_is_of_new_kinds_and_gives_finite_cues():
    sets = damage_kinds, *SPENT, held_out
    drawn = np.random.default_rng(0)
    for what, shapes in {"IMAGES": [(12, 12), (12, 15, 3)], "VECTORS": [(30,)]}.items():
        names = [name for part in sets for name in getattr(part, what)]
        assert len(names) == len(set(names))
        for shape in shapes:
            stored = drawn.random((9, np.prod(shape)))
            before = stored.copy()
            for name, damage in getattr(held_out, what).items():
                cues = damage(stored[:3], shape, stored, np.random.default_rng(1))
                assert cues.shape == stored[:3].shape, name
                assert np.isfinite(cues).all(), name
                assert not np.allclose(cues, before[:3]), name
                assert np.array_equal(stored, before), name
