"""The figure that an example ends in: the plot functions return it and do not show it."""

from typing import Any

from docutils import nodes
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx_gallery.scrapers import figure_rst

_SHOWN: set[int] = set()  # ids of figures, which are kept below so that no id is used twice
_KEPT: list[Figure] = []


def message(figure: Figure) -> str:
    """Return the title of a figure in one line: the text in place of the picture."""
    titles = [figure.get_suptitle(), *(axis.get_title() for axis in figure.axes)]
    return " ".join(next((title for title in titles if title), "").split())


def scrape(block: Any, variables: dict[str, Any], config: dict[str, Any]) -> str:
    """Save the figures that a block of code has made, in the order of their names."""
    saved, messages = [], []
    for value in list(variables["example_globals"].values()):
        if isinstance(value, Figure) and id(value) not in _SHOWN:
            _SHOWN.add(id(value))
            _KEPT.append(value)
            path = next(variables["image_path_iterator"])
            value.savefig(path, dpi=110)
            saved.append(path)
            messages.append(message(value))
            if not messages[-1]:
                raise ValueError(f"a figure of {variables['src_file']} has no title")
    return figure_rst(saved, config["src_dir"], ", ".join(messages))


def _describe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the small pictures of a list of examples the examples' titles as their text."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt"):
            container = image.parent.parent if image.parent.parent is not None else image.parent
            title = next((link.astext() for link in container.findall(nodes.reference)), "")
            image["alt"] = f"The figure of: {title}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the texts; the settings of the gallery name `scrape`."""
    app.connect("doctree-resolved", _describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
