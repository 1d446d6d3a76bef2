"""The documentation site: every public name has its place, and pages name what there is.

The build runs the snippets of all pages, the tutorials and the gallery (`docs/_ext/snippets.py`);
here they are only read.
"""

import ast
import importlib.util
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import attractory

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
API = sorted((DOCS / "reference/api").glob("*.rst"))
GENERATED = {"_build", "gallery", "tutorials", "measured", "generated"}
PAGES = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if not GENERATED & set(path.relative_to(DOCS).parts[:-1])
]
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))


def extension(name):
    """Import an extension of the site, which needs Sphinx."""
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location(name, DOCS / f"_ext/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", API, ids=lambda path: path.stem)
def test_each_public_name_is_on_its_api_page_once(page):
    listed = re.findall(r"(?m)^(?:   |\.\. py:data:: )(\w+)$", page.read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(import_module(f"attractory.{page.stem}").__all__)


def test_each_folder_with_public_names_has_an_api_page():
    folders = {path.parent.name for path in (ROOT / "src/attractory").glob("*/__init__.pyi")}
    subjects = {"activations", "datasets"}  # in one file each
    assert {page.stem for page in API} == folders - {"cli"} | subjects


def named(text):
    """Yield the names of the package that code uses, as dotted paths below `attractory`."""
    tree = ast.parse(text)
    at = {"attractory"} | {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "attractory"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attractory"):
            inside = node.module.split(".")[1:]
            yield from (".".join([*inside, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Attribute):
            parts = [node.attr]
            while isinstance(node := node.value, ast.Attribute):
                parts.append(node.attr)
            if isinstance(node, ast.Name) and node.id in at:
                yield ".".join(reversed(parts))


def test_pages_and_examples_use_names_that_there_are():
    codes = {path: path.read_text(encoding="utf-8") for path in EXAMPLES}
    for page in PAGES:
        for k, (_, text) in enumerate(extension("snippets").snippets(page.read_text("utf-8"))):
            codes[page / str(k)] = text
    used = {name: path for path, text in codes.items() for name in named(text)}
    assert len(used) > 30
    for name, path in used.items():
        thing = attractory
        for part in name.split("."):
            assert hasattr(thing, part), f"{path}: attractory.{name}"
            thing = getattr(thing, part)


def test_a_snippet_that_is_not_run_says_why():
    for page in PAGES:
        for reason in re.findall(r"<!-- not run(.*?)-->", page.read_text(encoding="utf-8")):
            assert re.match(r": it needs \w", reason), page


def test_a_failing_snippet_is_told_from_one_that_runs(tmp_path):
    run = extension("snippets").run
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text("# A\n```python\n# mine.py\nx = 2\n```\n```python\nfrom mine import x\n```\n")
    bad.write_text("```python\ny = 1\n```\ntext\n```python\nassert y == 2\n```\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend("")  # the folder that a snippet runs in, as for a script
        run(good)
    with pytest.raises(AssertionError) as caught:
        run(bad)
    assert caught.traceback[-1].lineno == 5


def test_each_example_has_a_title_and_its_figure_a_message():
    assert len([path for path in EXAMPLES if path.parent.name == "gallery"]) >= 12
    assert len([path for path in EXAMPLES if path.parent.name == "tutorials"]) == 4
    for path in EXAMPLES:
        text = path.read_text(encoding="utf-8")
        title, line = inspect.cleandoc(ast.get_docstring(ast.parse(text))).split("\n")[:2]
        assert set(line) == {"="}, path
        assert len(line) == len(title), path
        assert re.search(r"title|plot_", text), path


def test_no_page_names_a_private_module():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"`(?:[\w.]*\.)?_[a-z]\w*`|src/attractory/", text), page


def test_signatures_are_those_of_the_source():
    written = extension("signatures").written
    assert written(attractory.ntk)[0].startswith("(x: ArrayLike, y: ArrayLike | None=None, *,")
    assert written(attractory.AttractorMemory)[0].startswith("(width: int | None=None, *,")
    assert written(attractory.AttractorMemory.fit)[0].startswith("(X: object,")


def test_what_looks_like_markup_in_docstrings_is_escaped():
    readable = extension("docstrings").readable
    text = ["of shape (*k, d), |x| and `a|b`", ">>> f(*args) | 1", "1", "", "(*k d)"]
    told = ["of shape (\\*k, d), \\|x\\| and `a|b`", ">>> f(*args) | 1", "1", "", "(\\*k d)"]
    assert list(readable(text)) == told


def site(folder, body):
    (folder / "index.html").write_text(
        f'<html lang="en"><title>t</title><main><h1 id="a">A</h1>{body}</main></html>'
    )
    return folder


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="#a">x</a><img src="a.png" alt="x">', None),
        ('<a href="https://example.org">x</a>', None),
        ('<script src="https://example.org/x.js"></script>', "loads"),
        ('<a href="other.html">x</a>', "not there"),
        ('<a href="#b">x</a>', "no such place"),
        ('<img src="a.png">', "no text in place"),
        ("<h3>x</h3>", "a heading of level 3"),
        ("<h1>x</h1>", "2 first headings"),
    ],
)
def test_the_check_of_the_site_sees_each_fault(body, fault, tmp_path):
    pytest.importorskip("bs4")
    spec = importlib.util.spec_from_file_location("check", DOCS / "check.py")
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    found = check.faults(site(tmp_path, body))
    assert bool(found) == (fault is not None)
    if fault:
        assert fault in found[0]
