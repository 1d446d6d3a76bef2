"""Tables as other programs write them: headers, index columns, and what is a number."""

import io

import numpy as np
import pytest

from attractory.io import load_patterns

X = np.random.default_rng(0).normal(size=(4, 3))


@pytest.fixture
def read(tmp_path):
    def load(text, name="a.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_patterns([path], **options)

    return load


def refused(read, text, **options):
    with pytest.raises(ValueError, match="got none: ") as caught:
        read(text, **options)
    return str(caught.value)


FRAMES = {  # pandas is imported where it is needed: by one worker
    "plain": lambda pd: pd.DataFrame(X),
    "named": lambda pd: pd.DataFrame(X, columns=["a", "b", "c"]),
    "filtered": lambda pd: pd.DataFrame(X, index=[7, 2, 9, 4]),
    "labelled": lambda pd: pd.DataFrame(X, index=["p", "q", "r, s", "t"]),
    "dated": lambda pd: pd.DataFrame(X, index=pd.date_range("2026-11-27", periods=4)),
    "wide": lambda pd: pd.DataFrame(np.tile(X, 5)),
    "wavelengths": lambda pd: pd.DataFrame(X, columns=[400, 410, 420.5]),
    "integers": lambda pd: pd.DataFrame((np.tile(X, 5) * 9).astype(int)),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("separator", [",", ";"])
def test_frames_come_back_as_pandas_wrote_them(read, name, separator):
    frame = FRAMES[name](pytest.importorskip("pandas"))
    loaded = read(frame.to_csv(sep=separator))
    assert (loaded.rows == frame.to_numpy()).all()
    assert loaded.tables
    assert any("taken for an index" in note for note in loaded.notes)
    labels = [str(k).removesuffix(" 00:00:00") for k in frame.index]
    assert loaded.names == tuple(f"a.csv[{k}]" for k in labels)
    assert loaded.columns == tuple(map(str, frame.columns))
    if name not in ("wavelengths",):  # names that are numbers are a row, if nothing shows otherwise
        loaded = read(frame.to_csv(sep=separator, index=False))
        assert (loaded.rows == frame.to_numpy()).all()
    frame.to_csv(tabs := io.StringIO(), sep="\t")
    assert (read(tabs.getvalue(), "a.tsv").rows == frame.to_numpy()).all()


def test_tables_of_r(read):
    assert read('"","V1","V2"\n"1",0.5,2\n"2",3,4\n').rows.tolist() == [[0.5, 2], [3, 4]]
    assert read('"V1" "V2"\n"1" 0.5 2\n"2" 3 4\n'.replace(" ", ",")).rows.tolist() == [
        [0.5, 2], [3, 4],
    ]  # fmt: skip


def test_what_is_no_index_stays(read):
    # An unnamed column of measurements; counting rows under a name; counting patterns.
    assert read(",a\n0.5,2\n0.25,4\n").rows.tolist() == [[0.5, 2], [0.25, 4]]
    assert read("id,a\n0,2\n1,4\n").rows.tolist() == [[0, 2], [1, 4]]
    assert read("0,1\n1,0\n1,1\n").rows.tolist() == [[0, 1], [1, 0], [1, 1]]
    assert read("0,1,2\n3,4,5\n").rows.tolist() == [[0, 1, 2], [3, 4, 5]]
    lines = "\n".join(",".join(str(12 * k + j) for j in range(12)) for k in range(3))
    assert (read(lines).rows == np.arange(36).reshape(3, 12)).all()
    # A pattern that lacks its first number is no header.
    assert "has '' for a number in line 1" in refused(read, ",2.5,3\n4,5,6\n7,8,9\n")


def test_an_index_column_asked_for(read):
    text = "a,id,b\n1,p,2\n3,q,4\n"
    for column in ("id", "1", 1):
        loaded = read(text, index_column=column)
        assert loaded.rows.tolist() == [[1, 2], [3, 4]]
        assert loaded.names == ("a.csv[p]", "a.csv[q]")
        assert loaded.columns == ("a", "b")
    assert read("p 1 2\nq 3 4\n", index_column=0).rows.tolist() == [[1, 2], [3, 4]]
    assert "no column 'no'; there are a, id, b" in refused(read, text, index_column="no")
    assert "has no column 3; the first is 0, the last 2" in refused(read, text, index_column=3)
    # The column is named as the user knows it, the one left out counted, too.
    assert "column 'x'; if this column names" in refused(read, "x,a\nrow0,2\nrow1,4\n")
    assert "column 'kind'" in refused(read, "a,id,kind\n1,p,u\n2,q,v\n", index_column="id")
    assert "line 1, column 2" in refused(read, "1,2,u\n2,3,v\n")
    with pytest.raises(ValueError, match="index_column must be at least 0"):
        read(text, index_column=-1)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1), ("-1", -1), ("+1", 1), ("1.", 1), (".5", 0.5), ("1e5", 1e5), ("1E-5", 1e-5),
        (" 1 ", 1), ("1\t", 1), ('"1"', 1), ("007", 7), ("-0", 0), ("1.5e+03", 1500),
    ],
)  # fmt: skip
def test_numbers(read, cell, value):
    assert read(f"2,{cell}\n{cell},2\n").rows.tolist() == [[2, value], [value, 2]]


@pytest.mark.parametrize(
    "cell",
    [
        "1_000", "0x10", "١٢", "１２", "1e", "1e5.0", "--1", "1 000", "1'000", "12 %", "1d5", "e5",
        "0b1", "1j", "1e1_0", "∞", "TRUE", "½", "1.2.3", "1²",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number(read, cell):
    """Neither read as one, nor taken for a header and dropped where it stands in the first line."""
    for text, line in ((f"1;2\n{cell};2\n", 2), (f"{cell};2\n1;2\n", 1), (f"3;{cell}\n1;2\n", 1)):
        message = refused(read, text)
        assert f"for a number in line {line}" in message


@pytest.mark.parametrize(
    "first",
    [
        "1,5;2,5",
        "1_000,2_000",
        "1.000,5;2.000,5",
        "0x1,0x2",
        "١,٢",
        "5 %,6 %",
        "-1,5;+2,5",
        "0x1p3;1L",
        "1e 5;−1",
        "_1;1f",
    ],
)
def test_a_first_line_of_other_numbers_is_no_header(read, first):
    assert "for a number in line 1" in refused(read, f"{first}\n1,2\n")
    # nor behind one
    assert "for a number in line 2" in refused(read, f"a;b\n{first.replace(',', ';', 0)}\n3;4\n")


def test_names_with_digits_are_names(read):
    for first in ("label,1x1,1x2", "x1,x2,x3", "1st,2nd,3rd", "5 mm,6 mm,7 mm"):
        loaded = read(f"{first}\n1,2,3\n")
        assert loaded.rows.tolist() == [[1, 2, 3]]


def test_cells_without_a_number_are_nan_where_they_may_be(read):
    text = ",a,b,c\nu,1,,NA\nv,?,null,2.5\nw,nan,N/A,-3\n"
    loaded = read(text, missing=True)
    expected = np.array([[1, np.nan, np.nan], [np.nan, np.nan, 2.5], [np.nan, np.nan, -3]])
    np.testing.assert_array_equal(loaded.rows, expected)
    assert loaded.names == ("a.csv[u]", "a.csv[v]", "a.csv[w]")
    assert "line 2, column 'b'; fill it" in refused(read, text)
    # A first line without its first number is no header here.
    loaded = read(",2.5,3\n4,5,6\n,8,\n", missing=True)
    expected = np.array([[np.nan, 2.5, 3], [4, 5, 6], [np.nan, 8, np.nan]])
    np.testing.assert_array_equal(loaded.rows, expected)
    for cell in ("inf", "nil"):  # no number is one thing, a wrong one another
        refused(read, text.replace("NA", cell), missing=True)


def test_nan_and_infinity_are_named_where_they_are(read):
    for cell in ("nan", "NaN", "inf", "-Infinity"):
        assert "in row 1, column 0 (1 such values)" in refused(read, f"1,2\n{cell},2\n")


def test_cells_that_never_end(read):
    assert "has a cell without an end" in refused(read, '1,2\n"3' + ",4" * 200_000)
    rows = np.arange(3 * 12_288).reshape(3, -1) / 7
    text = "\n".join(",".join(map(repr, row)) for row in rows.tolist())
    assert (read(text).rows == rows).all()
