"""What a run of figures found, and how it was run."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from attractory.paper.claims import Claim, PaperFigure, Results, Size

__all__ = ["Reproduction", "Run", "how_it_was_run"]

_PACKAGES = "attractory", "jax", "jaxlib", "numpy", "scipy", "equinox", "matplotlib"


@dataclass(frozen=True)
class Run:
    """A figure that has been run.

    Attributes:
        figure: which.
        results: its cells.
        claims: what they say.
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


def how_it_was_run(run: Reproduction) -> dict[str, str]:
    """Return what a reader needs to repeat a run: command, versions, machine and time.

    Example:
        >>> facts = how_it_was_run(Reproduction((), "quick", None, None, "here", 1.0))
        >>> facts["size"], "jax" in facts["versions"]
        ('quick', True)
    """
    seeds = sorted({c.settings["seed"] for r in run.runs for c in r.results.all
                    if "seed" in c.settings})  # fmt: skip
    cells = sum(len(r.results.all) for r in run.runs)
    failed = sum(len(r.results.failed) for r in run.runs)
    spent = sum(r.results.seconds for r in run.runs)
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        memory = f", {size:.0f} GiB"
    return {
        "size": run.size,
        "figures": ", ".join(r.figure.name for r in run.runs),
        "seeds": f"{seeds[0]} to {seeds[-1]}" if seeds else "none",
        "digits": run.data or "the 200 bundled ones",
        "cells": f"{cells}, of which {failed} failed; {spent:.0f} s in all cells together",
        "time": f"{run.seconds:.0f} s from start to end, on {run.where}",
        "machine": f"{_processor()}, {os.cpu_count()} cores{memory}, {platform.system()}",
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "intervals": "95 %, over seeds: Student's for means; nothing is decided on fewer than 4",
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()
