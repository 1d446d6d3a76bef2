"""Run the Python snippets of the pages while the site is built: one that fails is a warning.

Those of a page run in one namespace, in their order, in an empty folder. A snippet that begins with
the name of a file, as in `# mine.py`, is written there; `<!-- not run: REASON -->` before a snippet
leaves it out.
"""

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

_LOG = logging.getLogger(__name__)
_SNIPPET = re.compile(r"(?ms)(^<!-- not run: [^\n]*-->\n)?^```python\n(.*?)^```$")


def snippets(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line before each snippet that is to be run, and the snippet."""
    for found in _SNIPPET.finditer(text):
        if not found[1]:
            yield text[: found.start(2)].count("\n"), found[2]


def run(path: Path) -> None:
    """Run the snippets of a page; an error has the line of the page."""
    names: dict[str, object] = {"__name__": "__main__"}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for line, text in snippets(path.read_text(encoding="utf-8")):
                if title := re.match(r"# (\w+\.py)\n", text):
                    Path(title[1]).write_text(text, encoding="utf-8")
                    continue
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile("\n" * line + text, str(path), "exec"), names)
        finally:
            os.chdir(before)


def _run_all(app: Sphinx, env: BuildEnvironment) -> None:
    if app.config.plot_gallery == "False":  # a build of the text alone
        return
    for name in sorted(env.found_docs):
        path = Path(env.doc2path(name))
        if path.suffix == ".md" and list(snippets(path.read_text(encoding="utf-8"))):
            _LOG.info("running the snippets of %s", name)
            try:
                run(path)
            except Exception as error:
                lines = [
                    e.tb_lineno
                    for e in _frames(error)
                    if e.tb_frame.f_code.co_filename == str(path)
                ]
                place = (name, lines[-1] if lines else None)
                _LOG.warning("a snippet fails: %s: %s", type(error).__name__, error, location=place)


def _frames(error: BaseException) -> Iterator:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def setup(app: Sphinx) -> dict[str, bool]:
    """Run them when all pages are read."""
    app.connect("env-check-consistency", _run_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
