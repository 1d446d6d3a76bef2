"""What a memory says of cues: by number, by name, as a table."""

import sys

import numpy as np
import pytest

from attractory import AttractorMemory, diagnose

ROWS = np.eye(4, 9)


@pytest.fixture(scope="module")
def memory():
    return AttractorMemory(activation="erf", norm=30.0).fit(ROWS)


def test_cues_are_chosen_by_number_slice_and_mask(memory):
    result = memory.recall(ROWS[[2, 0, 1]])
    assert len(result) == 3
    assert result[0].pattern.tolist() == [2]
    assert result[-1].pattern.tolist() == [1]
    assert result[1:].pattern.tolist() == [0, 1]
    chosen = result[result.pattern < 2]
    assert chosen.pattern.tolist() == [0, 1]
    np.testing.assert_array_equal(chosen.state, result.state[1:])
    np.testing.assert_array_equal(chosen.path, result.path[:, 1:])
    with pytest.raises(IndexError):
        result[3]


def test_tables_name_the_cues_and_words_stand_for_statuses(memory):
    pandas = pytest.importorskip("pandas")
    cues = pandas.DataFrame(ROWS[:2], index=["first", "<b>"])
    result = memory.recall(cues)
    table = result.frame()
    assert list(table.index) == ["first", "<b>"]
    assert list(table["status"]) == ["converged", "converged"]
    assert table["pattern"].tolist() == [0, 1]
    assert "2 converged" in repr(result)
    assert "first" in str(result)
    assert "&lt;b&gt;" in result._repr_html_()
    assert list(result[1:].frame().index) == ["<b>"]
    assert list(memory.recall(ROWS).frame().index) == [0, 1, 2, 3]
    assert "… 30 more: frame() has all" in str(memory.recall(np.tile(ROWS[:1], (50, 1))))


def test_a_frame_without_pandas_says_what_brings_it(memory, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"needs pandas: pip install 'attractory\[sweep\]'"
    ):
        memory.recall(ROWS).frame()


def test_a_diagnosis_names_the_rows(memory):
    found = diagnose(memory, rows=[2, 0], shock=False, certify=False)
    lines = str(found).splitlines()
    assert lines[0] == repr(found) == "Diagnosis(2 of 2 rows are attractors)"
    assert [line.split()[0] for line in lines[1:]] == ["row", "2", "0"]
    bad = type(found)(**{**vars(found), "attractor": np.array([True, False])})
    assert "1 of 2 rows are attractors, not row 0" in repr(bad)
    if "pandas" in sys.modules:
        assert list(found.frame().index) == [2, 0]


def test_a_memory_says_how_many_rows_it_holds(memory):
    assert repr(memory) == (
        "AttractorMemory(activation='erf', norm=30.0) holding 4 rows of 9 numbers"
    )
    assert repr(AttractorMemory()) == "AttractorMemory()"
