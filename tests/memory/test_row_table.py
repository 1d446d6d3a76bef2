"""Entries of rows are those of the function, each row's asked for once."""

from threading import Thread

import numpy as np

from attractory.memory.row_table import RowTable

VALUES = np.random.default_rng(0).standard_normal((40, 3, 5))


def test_entries_are_the_functions_and_each_row_is_asked_for_once():
    rng, asked = np.random.default_rng(1), []

    def of(rows):
        asked.extend(rows.tolist())
        return VALUES[rows]

    table = RowTable((40, 3, 5), of, np.float64)
    for shape in ((7,), (4, 6), (0,), (2, 3, 4)):
        rows = rng.integers(0, 40, shape)
        assert np.array_equal(table[rows], VALUES[rows])
    assert len(asked) == len(set(asked)) > 20


def test_no_thread_reads_what_another_has_not_written_yet():
    """A second thread asks for the same rows while the first works them out."""
    rows, found = np.arange(9), []

    def of(some):
        if not found:
            found.append(None)
            other = Thread(target=lambda: found.append(table[some]))
            other.start()
            other.join()
        return VALUES[some]

    table = RowTable((40, 3, 5), of, np.float64)
    assert np.array_equal(table[rows], VALUES[rows])
    assert np.array_equal(found[1], VALUES[rows])
