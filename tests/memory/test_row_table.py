"""Entries of rows are those of the function, each row's asked for once."""

import numpy as np

from attractory.memory.row_table import RowTable


def test_entries_are_the_functions_and_each_row_is_asked_for_once():
    rng = np.random.default_rng(0)
    values, asked = rng.standard_normal((40, 3, 5)), []

    def of(rows):
        asked.extend(rows.tolist())
        return values[rows]

    table = RowTable((40, 3, 5), of, np.float64)
    for shape in ((7,), (4, 6), (0,), (2, 3, 4)):
        rows = rng.integers(0, 40, shape)
        assert np.array_equal(table[rows], values[rows])
    assert len(asked) == len(set(asked)) > 20
