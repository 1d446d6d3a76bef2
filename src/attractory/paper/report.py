"""The report of a run: what was found and how, in one HTML file, the pictures, and the numbers."""

import csv
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from attractory._util.machine import GIB, cores, machine_bytes, processor
from attractory._util.texts import counted
from attractory.paper.claims import Claim, PaperFigure, Results, Size, tally
from attractory.paper.report_words import ERRATA, KEY
from attractory.plotting.html_pages import message_of, page_style, png_of, text_of
from attractory.sweeps.results import Cell

__all__ = ["Reproduction", "Run", "how_it_was_run", "in_words", "number_rows", "write_report"]

_PACKAGES = "attractory", "jax", "jaxlib", "numpy", "scipy", "equinox", "matplotlib"


@dataclass(frozen=True)
class Run:
    """A figure that has been run.

    Attributes:
        figure: which.
        results: its cells.
        claims: judged by them.
    """

    figure: PaperFigure
    results: Results
    claims: tuple[Claim, ...]

    def pictures(self) -> dict[str, Figure]:
        """Draw it, by file name without ending; nothing if every cell failed."""
        return self.figure.pictures(self.results) if len(self.results) else {}


@dataclass(frozen=True)
class Reproduction:
    """What `reproduce` found.

    Attributes:
        runs: one a figure.
        size: "quick" or "full".
        seeds: how many were asked for; None for each figure's own.
        data: folder of the digits; None for the bundled ones.
        where: what it ran on, in words.
        seconds: from start to end.
    """

    runs: tuple[Run, ...]
    size: Size
    seeds: int | None
    data: str | None
    where: str
    seconds: float

    @property
    def failed(self) -> int:
        """How many cells failed."""
        return sum(len(run.results.failed) for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """Return claims and circumstances as plain values, for JSON."""
        figures = [
            {
                "name": run.figure.name,
                "title": run.figure.title,
                "cells": len(run.results.all),
                "failed": len(run.results.failed),
                "seconds": round(run.results.seconds, 3),
                "claims": [claim.as_dict() for claim in run.claims],
            }
            for run in self.runs
        ]
        return {"how": how_it_was_run(self), "failed": self.failed, "figures": figures}


def how_it_was_run(run: Reproduction) -> dict[str, Any]:
    """Return what a reader needs to repeat a run, as plain values: versions, machine and time.

    Example:
        >>> facts = how_it_was_run(Reproduction((), "quick", None, None, "here", 1.0))
        >>> facts["size"], "jax" in facts["versions"]
        ('quick', True)
    """
    seeds = sorted({c.settings["seed"] for r in run.runs for c in r.results.all
                    if "seed" in c.settings})  # fmt: skip
    cells = sum(len(r.results.all) for r in run.runs)
    return {
        "size": run.size,
        "figures": [r.figure.name for r in run.runs],
        "seeds": seeds,
        "data": run.data,
        "cells": cells,
        "cells_failed": run.failed,
        "cells_seconds": round(sum(r.results.seconds for r in run.runs), 3),
        "seconds": run.seconds,
        "where": run.where,
        "processor": processor(),
        "cores": cores(),
        "memory_gib": round(machine_bytes() / GIB, 1),
        "system": platform.system(),
        "versions": {"Python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "intervals": "95 % for all of a claim together (Bonferroni), over seeds: Student's for "
        "means, by logarithm or logit where values are bounded; nothing is decided on fewer than 4",
    }


def in_words(how: dict[str, Any]) -> dict[str, str]:
    """Return how a run was made in words, as `how_it_was_run` gives it.

    Example:
        >>> in_words(how_it_was_run(Reproduction((), "quick", None, None, "here", 1.0)))["time"]
        '1 s from start to end, on here'
    """
    seeds = how["seeds"]
    return {
        "size": how["size"],
        "figures": ", ".join(how["figures"]),
        "seeds": f"{seeds[0]} to {seeds[-1]}" if seeds else "none",
        "digits": how["data"] or "the 200 bundled ones",
        "cells": f"{how['cells']}, of which {how['cells_failed']} failed; "
        f"{how['cells_seconds']:.0f} s in all cells together",
        "time": f"{how['seconds']:.0f} s from start to end, on {how['where']}",
        "machine": f"{how['processor']}, {counted(how['cores'], 'core')}, "
        f"{how['memory_gib']:.0f} GiB, {how['system']}",
        "versions": ", ".join(f"{name} {number}" for name, number in how["versions"].items()),
        "date": how["date"],
        "intervals": how["intervals"],
    }


def number_rows(name: str, cells: Sequence[Cell]) -> Iterator[list[Any]]:
    """Yield every number of a figure's cells as figure, cell, settings, quantity, index, value.

    Settings that are lists have rows of their own, as quantities.

    Example:
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
    inlined: dict[str, list[dict[str, str]]] = {}
    for one in run.runs:
        inlined[one.figure.name] = []
        for name, picture in one.pictures().items():
            content = png_of(picture)
            (folder / f"{name}.png").write_bytes(content)
            picture.set_layout_engine("none")  # it is laid out, which takes half of the time
            # Text as text, and no date: the same numbers give the same file.
            with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
                picture.savefig(folder / f"{name}.svg", metadata={"Date": None})
            inlined[one.figure.name].append(
                {"name": name, "message": message_of(picture), "data": text_of(content)}
            )
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


def _page(run: Reproduction, pictures: dict[str, list[dict[str, str]]]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("attractory.paper", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    claims = [(one, claim) for one in run.runs for claim in one.claims]
    of_paper = [claim.source.startswith("paper") for _, claim in claims]
    fails: dict[str, list[tuple[Run, Claim]]] = {}
    for (one, claim), papers in zip(claims, of_paper, strict=True):
        if claim.holds is False:
            heading = "The paper" if papers else "Our own errata, and claims beyond the paper"
            fails.setdefault(heading, []).append((one, claim))
    return environment.get_template("report.html").render(
        of_paper=[c for (_, c), papers in zip(claims, of_paper, strict=True) if papers],
        others=[c for (_, c), papers in zip(claims, of_paper, strict=True) if not papers],
        disagreeing=fails,
        failed=run.failed,
        runs=run.runs,
        pictures=pictures,
        key=KEY,
        errata=ERRATA,
        tally=tally,
        counted=counted,
        how=in_words(how_it_was_run(run)),
        style=page_style(),
    )
