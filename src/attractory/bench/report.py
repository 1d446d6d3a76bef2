"""The benchmark's report: one page with tables and pictures, and the numbers as JSON."""

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attractory._util.machine import GIB, cores, machine_bytes, processor
from attractory.bench.memories import Memory
from attractory.bench.pictures import plot_overview, plot_protocol
from attractory.bench.protocols import Protocol
from attractory.bench.results import BenchResult, Share
from attractory.io.atomic_file import replacing
from attractory.plotting.html_pages import message_of, page_style, png_of, text_of

__all__ = ["write_report"]

_PACKAGES = "attractory", "jax", "numpy", "scipy"


def write_report(result: BenchResult, folder: Path) -> list[Path]:
    """Write bench.html, bench.json and bench.txt; return their paths.

    The page needs no other file.

    Raises:
        OSError: if the folder cannot be written.

    Example:
        >>> import tempfile
        >>> from attractory.bench import run
        >>> small = run(["random-signs"], rivals=["mean row", "search, Euclid"], n=10, cues=4)
        >>> [path.name for path in write_report(small, Path(tempfile.mkdtemp()))]
        ['bench.html', 'bench.json', 'bench.txt']
    """
    folder.mkdir(parents=True, exist_ok=True)
    how = how_it_was_run(result)
    numbers = json.dumps(result.as_dict() | {"how": how}, indent=2, ensure_ascii=False)
    paths = []
    for name, text in (
        ("bench.html", _page(result, how)), ("bench.json", numbers + "\n"),
        ("bench.txt", result.text() + "\n"),
    ):  # fmt: skip
        paths.append(folder / name)
        with replacing(paths[-1]) as file:
            file.write(text.encode("utf-8"))
    return paths


def how_it_was_run(result: BenchResult) -> dict[str, str]:
    """Return on what and with what the scores were measured, in words.

    Example:
        >>> from attractory.bench import run
        >>> small = run(["random-signs"], rivals=["mean row"], n=10, cues=4)
        >>> how_it_was_run(small)["cues"]
        '4 of each kind, 1 draw of rows and cues'
    """
    cues = max((score.cues for score in result.scores), default=0)
    draws = len({score.seed for score in result.scores})
    return {
        "data": result.rows_in_words,
        "cues": f"{cues:,} of each kind, {draws} draw{'s' * (draws != 1)} of rows and cues",
        "cells": f"{len(result.scores):,}, of which {result.failed:,} failed",
        "machine": f"{processor()}, {cores()} cores, {machine_bytes() / GIB:.0f} GiB, "
        f"{platform.system()}",
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _page(result: BenchResult, how: dict[str, str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("attractory.bench", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    figure = plot_overview(result)
    heads, lines = result.table()
    overview = {
        "message": message_of(figure), "data": text_of(png_of(figure)), "heads": heads,
        "lines": [[{"text": cell, "more": ""} for cell in line] for line in lines],
    }  # fmt: skip
    return environment.get_template("report.html").render(
        result=result,
        errors=result.errors(),
        overview=overview,
        parts=[_part(result, protocol, n) for protocol, n in result.columns()],
        how=how,
        style=page_style(),
        chosen=_chosen,
        counted=lambda number, one, many: f"{number:,} {one if number == 1 else many}",
    )


def _part(result: BenchResult, protocol: Protocol, n: int) -> dict[str, Any]:
    """Return a protocol's part of the page."""
    figure = plot_protocol(result, protocol, n)
    kinds = result.conditions(protocol.name, n)
    lines = [
        [{"text": memory.name, "more": ""}]
        + [
            _cell(result.share(memory=memory.name, protocol=protocol.name, n=n, condition=kind))
            for kind in kinds
        ]
        for memory in result.memories
    ]
    rules = {each.name: each.rule.words for of in (True, False) for each in protocol.conditions(of)}
    return {
        "id": f"{protocol.name}-{n}", "protocol": protocol, "n": n,
        "message": message_of(figure), "data": text_of(png_of(figure)),
        "heads": ["memory", *kinds], "lines": lines,
        "rules": list(dict.fromkeys(rules[kind] for kind in kinds)),
    }  # fmt: skip


def _cell(share: Share) -> dict[str, str]:
    if not share.cues:
        return {"text": "failed", "more": ""}
    low, high = share.interval
    return {"text": f"{share.value:.2f}", "more": f"{low:.2f} to {high:.2f}"}


def _chosen(memory: Memory) -> str:
    """Return the settings that a memory's parameters are chosen among."""
    found: dict[str, dict[str, None]] = {}
    for each in memory.parameters:
        for name, value in each.items():
            text = f"{value:g}" if isinstance(value, int | float) else str(value)
            found.setdefault(name, {})[text] = None
    return "; ".join(f"{name} {', '.join(values)}" for name, values in found.items())
