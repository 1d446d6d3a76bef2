"""What autodoc takes of the package: our own members, and docstrings as reST can read them."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sphinx.application import Sphinx


def readable(lines: Iterable[str]) -> Iterator[str]:
    """Escape what reST would take for markup: |x| is a size, and (*k, d) a shape."""
    example = False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        code = r"(`[^`]*`)"
        parts = [line] if example else re.split(code, line)
        yield "".join(part if example or part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    text = re.sub(r"(?<![\w*])\*(?=\w+[,)\s])", r"\\*", text)
    return text.replace("|", r"\|")


def _mend(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    if isinstance(thing, dict):  # its own docstring is that of `dict`
        lines[:] = [f"Entries: {', '.join(f'``{key}``' for key in thing)}.", ""]
    lines[:] = list(readable(lines))


def _skip(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    others = type(thing).__name__ == "_tuplegetter"  # fields, which "Attributes" describes
    return True if others or re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both; napoleon comes after."""
    app.connect("autodoc-process-docstring", _mend, priority=400)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
