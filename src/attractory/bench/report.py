"""The benchmark's report: one page with tables and pictures, and the numbers as JSON."""

import json
from pathlib import Path

from attractory.bench.results import BenchResult

__all__ = ["write_report"]


def write_report(result: BenchResult, folder: Path) -> list[Path]:
    """Write bench.txt and bench.json; return their paths.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text, numbers = folder / "bench.txt", folder / "bench.json"
    text.write_text(result.text() + "\n", encoding="utf-8")
    numbers.write_text(
        json.dumps(result.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return [text, numbers]
