"""Keep a benchmark's table, with the machine it was measured on."""

import datetime
import os
import platform
from importlib.metadata import version
from pathlib import Path


def machine():
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, jax {version('jax')}, "
        f"numpy {version('numpy')}, {datetime.date.today()}"
    )


def keep(name, text):
    path = Path(__file__).parent / "results" / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{text.rstrip()}\n\n{machine()}\n", encoding="utf-8")
    print(f"kept in benchmarks/results/{name}.md")
