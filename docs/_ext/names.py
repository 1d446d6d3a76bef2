"""Public names in the text of pages, set as code, lead to their page of the API."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

_WORDS = {"draw", "read", "damaged", "bundled", "basins", "sweep", "grid", "spike", "tau", "verify"}


def pages(folder: Path) -> dict[str, str]:
    """Return the page of each public name, by the name alone and with its folder's.

    Args:
        folder: of the API's pages.
    """
    found: dict[str, str] = {}
    for page in sorted(folder.glob("*.rst")):
        for name in re.findall(r"(?m)^   (\w+)$", page.read_text(encoding="utf-8")):
            place = f"reference/api/generated/attractory.{page.stem}.{name}"
            found[f"attractory.{page.stem}.{name}"] = found[f"{page.stem}.{name}"] = place
            if name not in _WORDS:  # these are options and commands as well
                found.setdefault(name, place)
                found.setdefault(f"attractory.{name}", place)
    return found


def _link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if docname.startswith(("reference/api", "tutorials/", "gallery/")):
        return
    known = pages(Path(app.srcdir) / "reference/api")
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext().removesuffix("()")
        inside = isinstance(literal.parent, nodes.reference | nodes.title)
        if inside or name not in known or known[name] not in app.env.found_docs:
            continue
        where = app.builder.get_relative_uri(docname, known[name])
        link = nodes.reference("", "", refuri=where, internal=True)
        literal.replace_self(link)
        link += literal


def setup(app: Sphinx) -> dict[str, bool]:
    """Link when the pages are known."""
    app.connect("doctree-resolved", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
