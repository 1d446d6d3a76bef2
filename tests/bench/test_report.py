"""The report: a page that needs no other file, with every number of the table."""

import json
import re

import numpy as np
import pytest

from attractory import bench
from attractory.bench.pictures import plot_overview, plot_protocol
from attractory.bench.report import write_report
from attractory.datasets import sklearn_digits


def refuses(patterns):
    raise ValueError("not <b>these</b>")


@pytest.fixture(scope="module")
def result():
    rivals = ["mean row", "search, Euclid", "softmax Hopfield"]
    given = {"rivals": rivals, "memories": {"<mine>": refuses}, "cues": 8, "n": [10, 20]}
    digits = sklearn_digits(30)[0].reshape(-1, 8, 8)
    return bench.run(["hopfield-fenchel-young", "predictive-coding"], data=digits, **given)


def test_the_page_has_each_share_and_needs_nothing_else(result, tmp_path):
    page, numbers, text = write_report(result, tmp_path / "new")
    html = page.read_text(encoding="utf-8")
    assert html.count("<img") == 5  # all, and two protocols at two sizes
    assert set(re.findall(r'(?:src|href)="([^"#]{1,30})', html)) == {
        "data:image/png;base64,iVBORw0K", "bench.json", "bench.txt",
    }  # fmt: skip
    assert "&lt;mine&gt;: ValueError: not &lt;b&gt;these&lt;/b&gt;" in html
    assert "<b>" not in html
    share = result.share(memory="softmax Hopfield", n=20, condition="1/2 told")
    low, high = share.interval
    assert f"{share.value:.2f}<br>" in html
    assert f"{low:.2f} to {high:.2f}" in html
    found = json.loads(numbers.read_text(encoding="utf-8"))
    assert len(found["scores"]) == len(result.scores) == 2 * 6 * 4
    assert found["how"]["cues"] == "8 of each kind, 1 draw of rows and cues"
    assert text.read_text(encoding="utf-8") == result.text() + "\n"


def test_pictures_show_the_shares_in_their_places_and_say_who_is_best(result):
    figure = plot_protocol(result, result.protocols[1], 20)
    shown = np.asarray(figure.axes[0].images[0].get_array(), float)
    names = [memory.name for memory in result.memories]
    for kind, column in zip(result.conditions("predictive-coding", 20), shown.T, strict=True):
        for name, value in zip(names, column, strict=True):
            share = result.share(
                memory=name, protocol="predictive-coding", n=20, condition=kind
            ).value
            assert value == share or np.isnan([value, share]).all()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:5] == ["failed"] * 5
    # Columns of the overview that each memory wins, by the table's numbers.
    shares = np.array([
        [result.share(memory=name, protocol=p.name, n=n).value for p, n in result.columns()]
        for name in names
    ])  # fmt: skip
    wins = (shares > np.nanmax(shares, axis=0) - 0.005).sum(axis=1)
    best = [name for name, won in zip(names, wins, strict=True) if won == wins.max()]
    where, _, named = plot_overview(result).get_suptitle().partition(": ")
    assert f"in {wins.max()} of {len(result.columns())}" in where
    assert set(named.split("; ")) >= set(best[:3])


def test_one_draw_in_two_columns_of_sizes(result):
    heads, lines = result.table()
    assert heads[1:5] == [
        "hopfield-fenchel-young, 10 rows", "hopfield-fenchel-young, 20 rows",
        "predictive-coding, 10 rows", "predictive-coding, 20 rows",
    ]  # fmt: skip
    assert lines[0][:2] == ["<mine>", "—"]
    assert result.widest() <= 0.5
