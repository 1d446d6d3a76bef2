"""The documentation site: every public name has its place, and what pages tell to type runs."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
API = sorted((DOCS / "reference/api").glob("*.rst"))
GENERATED = {"_build", "gallery", "tutorials", "measured", "generated"}
PAGES = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if not GENERATED & set(path.relative_to(DOCS).parts[:-1])
]


def listed(page):
    """Return the names in the tables of an API page."""
    return re.findall(r"(?m)^   (\w+)$", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", API, ids=lambda path: path.stem)
def test_each_public_name_is_on_its_api_page_once(page):
    home = import_module(f"attractory.{page.stem}")
    assert sorted(listed(page)) == sorted(home.__all__)


def test_each_folder_with_public_names_has_an_api_page():
    import attractory

    folders = {
        name for name in attractory.__all__ if str(getattr(attractory, name)).startswith("<module")
    }
    assert {page.stem for page in API} == folders


def snippets(path):
    """Yield line and text of the Python snippets of a page, but for those marked `not run`."""
    text = path.read_text(encoding="utf-8")
    for found in re.finditer(r"(?ms)(^<!-- not run[^\n]*-->\n)?^```python\n(.*?)^```$", text):
        if not found[1]:
            yield text[: found.start(2)].count("\n"), found[2]


@pytest.mark.parametrize(
    "page", [p for p in PAGES if list(snippets(p))], ids=lambda p: str(p.relative_to(DOCS))
)
def test_snippets_run_in_the_order_of_their_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for line, text in snippets(page):
        if title := re.match(r"# (\w+\.py)\n", text):  # a file that later snippets use
            Path(title[1]).write_text(text, encoding="utf-8")
            continue
        # Lines are counted as on the page, so that an error names its place.
        exec(compile("\n" * line + text, page.name, "exec"), names)


def test_no_page_names_a_private_module():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"`(?:[\w.]*\.)?_[a-z]\w*`|src/attractory/", text), page
