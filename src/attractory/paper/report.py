"""The report of a run: one HTML file with everything in it, the pictures, and the numbers."""

import base64
import csv
import html
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context

from attractory.paper.claims import Ended
from attractory.paper.found import Reproduction, Run, how_it_was_run

__all__ = ["number_rows", "write_report"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid #ccc;
  padding-top: 1rem; }
img { max-width: 100%; height: auto; display: block; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
td, th { border-bottom: 1px solid #ddd; padding: .35rem .5rem; vertical-align: top;
  text-align: left; }
.holds { color: #00614a; font-weight: 600; white-space: nowrap; }
.fails { color: #a23c00; font-weight: 600; white-space: nowrap; }
.open { color: #555; font-style: italic; }
.source { white-space: nowrap; color: #555; }
.rule { color: #555; } .error { color: #a23c00; }
"""


def number_rows(name: str, cells: Sequence[Ended]) -> Iterator[list[Any]]:
    """Yield every number of a figure's cells as figure, cell, settings, quantity, index, value.

    Settings that are lists have rows of their own, as quantities.

    Example:
        >>> from attractory.paper.run_cells import Cell
        >>> cells = [Cell({"n": 2}, {"y": np.array([1.0, 0.5])}, None, 0.0)]
        >>> list(number_rows("f", cells))[1]
        ['f', 0, '{"n": 2}', 'y', '1', 0.5]
    """
    for k, cell in enumerate(cells):
        plain = {key: v for key, v in cell.settings.items() if not isinstance(v, list)}
        lists = {key: v for key, v in cell.settings.items() if isinstance(v, list)}
        settings = json.dumps(plain, ensure_ascii=False)
        if cell.values is None:
            yield [name, k, settings, "error", "", str(cell.error)]
            continue
        for quantity, value in {**lists, **cell.values}.items():
            array = np.asarray(value)
            for index in np.ndindex(array.shape):
                yield [name, k, settings, quantity, " ".join(map(str, index)), array[index].item()]


def write_report(run: Reproduction, folder: Path) -> list[Path]:
    """Write report.html, numbers.csv, claims.json and each picture as PNG and SVG; return paths.

    Raises:
        OSError: if the folder cannot be written.

    Example:
        >>> import tempfile
        >>> empty = Reproduction((), "quick", None, None, "here", 1.0)
        >>> [path.name for path in write_report(empty, Path(tempfile.mkdtemp()))]
        ['report.html', 'numbers.csv', 'claims.json']
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn: list[Path] = []
    inlined: dict[str, dict[str, str]] = {}
    for one in run.runs:
        inlined[one.figure.name] = {}
        for name, picture in one.pictures().items():
            # Text as text, and no date: the same numbers give the same file.
            with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
                picture.savefig(folder / f"{name}.svg", metadata={"Date": None})
            buffer = io.BytesIO()
            picture.savefig(buffer, format="png")
            (folder / f"{name}.png").write_bytes(buffer.getvalue())
            inlined[one.figure.name][name] = base64.b64encode(buffer.getvalue()).decode()
            drawn += [folder / f"{name}.png", folder / f"{name}.svg"]
    report, numbers, claims = (
        folder / name for name in ("report.html", "numbers.csv", "claims.json")
    )
    report.write_text(_page(run, inlined), encoding="utf-8")
    with numbers.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["figure", "cell", "settings", "quantity", "index", "value"])
        for one in run.runs:
            table.writerows(number_rows(one.figure.name, one.results.all))
    claims.write_text(
        json.dumps(run.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return [report, numbers, claims, *drawn]


def _page(run: Reproduction, inlined: dict[str, dict[str, str]]) -> str:
    claims = [claim for one in run.runs for claim in one.claims]
    of_paper = [c for c in claims if c.source.startswith("paper")]
    tally = [
        f"{sum(c.holds is value for c in of_paper)} {text}"
        for value, text in ((True, "hold"), (False, "do not hold"), (None, "are not decided"))
    ]
    parts = [
        "<h1>Associative memory in iterated overparameterized sigmoid autoencoders, "
        "reproduced</h1>",
        "<p>Simulations of Jiang &amp; Pehlevan (ICML 2020), appendix D and E, and what lies "
        "beyond "
        f"them. Of the paper's {len(of_paper)} claims evaluated here {', '.join(tally)} at this "
        "size. A claim is judged by the rule stated beside it, the same at every size; the errata "
        "are those of <code>docs/errata.md</code>.</p>",
    ]
    failed = [(one, cell) for one in run.runs for cell in one.results.failed]
    if failed:
        parts.append(f'<p class="error">{len(failed)} cells failed; the claims rest on the rest. '
                     "Each is listed with its error in numbers.csv.</p>")  # fmt: skip
    disagree = [c for c in claims if c.holds is False]
    if disagree:
        parts.append("<h2>Where what is said and what is measured disagree</h2><ul>")
        parts += [
            f"<li>{_text(c.statement)} <span class=source>({_text(c.source)})</span>: "
            f"{_text(c.measured)}</li>"
            for c in disagree
        ]
        parts.append("</ul>")
    for one in run.runs:
        parts += _section(one, inlined[one.figure.name])
    facts = "".join(
        f"<tr><th>{_text(key)}</th><td>{_text(value)}</td></tr>"
        for key, value in how_it_was_run(run).items()
    )
    parts.append(f"<h2>How it was run</h2><table>{facts}</table>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Attractory: the paper reproduced</title><style>{_STYLE}</style></head>\n<body>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _section(one: Run, pictures: dict[str, str]) -> list[str]:
    parts = [
        f'<h2 id="{_text(one.figure.name)}">{_text(one.figure.title)}</h2>',
        f"<p>{_text(one.figure.method)}</p>",
    ]
    parts += [
        f'<img src="data:image/png;base64,{data}" alt="{_text(name)}: {_text(one.figure.title)}">'
        for name, data in pictures.items()
    ]
    rows = "".join(
        f"<tr><td class=source>{_text(c.source)}</td><td>{_text(c.statement)}"
        f"<br><span class=rule>Rule: {_text(c.rule)}</span></td><td>{_text(c.measured)}</td>"
        f'<td class="{ {True: "holds", False: "fails", None: "open"}[c.holds] }">'
        f"{_text(c.verdict)}</td></tr>"
        for c in one.claims
    )
    parts.append(
        "<table><tr><th>source</th><th>what is said</th><th>measured, 95 % interval</th>"
        f"<th>verdict</th></tr>{rows}</table>"
    )
    results = one.results
    note = f"{len(results.all)} cells, {results.seconds:.0f} s together"
    if results.failed:
        note += f"; {len(results.failed)} failed, the first with: {results.failed[0].error}"
    parts.append(f"<p class=rule>{_text(note)}</p>")
    return parts


def _text(value: str) -> str:
    return html.escape(value)
